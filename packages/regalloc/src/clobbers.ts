// Clobbers are not ranges. There are few different masks (calls, divides, shifts), so that the clobbers of each mask
// are a list of their own, rising; and an interval mostly meets the first one of a list that it reaches. Were they one
// list, an interval that is live over a thousand divides would look at all of them to see whether a call is among them.
import { growInt32 } from './grow.ts'
import type { LiveRanges } from './live-ranges.ts'
import * as tables from './tables.ts'

const ROW = tables.INTERVAL_SHIFT
const FIRST_RANGE = tables.FIRST_RANGE
const END = tables.END
const FROM = tables.FROM
const TO = tables.TO
const NEXT_RANGE = tables.NEXT_RANGE
const NONE = -1
const NEVER = 0x7fffffff

export class Clobbers {
  /** All masks in one. */
  union = 0
  /** By register, after `find`, for those that the interval loses: the point from which on. */
  readonly lostAt: Int32Array = new Int32Array(32)

  // By falling point, as the walk meets them; `#next` is the next one up with the same mask. What is lost is lost from
  // point + 1 up to point + 2.
  #count = 0
  #point: Int32Array = new Int32Array(64)
  #next: Int32Array = new Int32Array(64)
  /** The lowest that has not been passed. */
  #cursor = 0

  // By mask: the lowest clobber that has not been passed.
  #maskCount = 0
  #mask: Int32Array = new Int32Array(16)
  #first: Int32Array = new Int32Array(16)

  /** A record that clobbers in several parts: the last point added, and its mask, which is not in a list yet. */
  #lastPoint = -1
  #lastMask = 0

  reset(): void {
    this.#count = 0
    this.#maskCount = 0
    this.#lastMask = 0
    this.union = 0
  }

  add(point: number, mask: number): void {
    this.union |= mask
    if (point !== this.#lastPoint) {
      this.#flush()
      this.#lastPoint = point
    }
    this.#lastMask |= mask
  }

  /** To be called once all are there, before the first question. */
  finish(): void {
    this.#flush()
    this.#lastPoint = -1
    this.#cursor = this.#count - 1
    this.#putLargestFirst()
  }

  /** Most of what an interval meets are calls, and what they take, others need not be asked for. */
  #putLargestFirst(): void {
    const masks = this.#mask
    let largest = 0
    for (let list = 1; list < this.#maskCount; list++) {
      if ((masks[list] & ~masks[largest]) !== 0 && (masks[largest] & ~masks[list]) === 0) largest = list
    }
    if (largest === 0) return
    const mask = masks[0]
    const first = this.#first[0]
    masks[0] = masks[largest]
    this.#first[0] = this.#first[largest]
    masks[largest] = mask
    this.#first[largest] = first
  }

  #flush(): void {
    const mask = this.#lastMask
    if (mask === 0) return
    this.#lastMask = 0
    let list = 0
    while (list < this.#maskCount && this.#mask[list] !== mask) list++
    if (list === this.#maskCount) {
      if (list === this.#mask.length) {
        this.#mask = growInt32(this.#mask)
        this.#first = growInt32(this.#first)
      }
      this.#mask[list] = mask
      this.#first[list] = NONE
      this.#maskCount = list + 1
    }
    const at = this.#count++
    if (at === this.#point.length) {
      this.#point = growInt32(this.#point)
      this.#next = growInt32(this.#next)
    }
    this.#point[at] = this.#lastPoint
    this.#next[at] = this.#first[list]
    this.#first[list] = at
  }

  /** The registers of `all` that the interval loses. Starts never fall. */
  crossed(live: LiveRanges, interval: number, start: number, all: number): number {
    const points = this.#point
    let k = this.#cursor
    if (k < 0) return 0
    if (points[k] + 2 <= start) {
      do k--
      while (k >= 0 && points[k] + 2 <= start)
      this.#cursor = k
      if (k < 0) return 0
    }
    const row = interval << ROW
    if (points[k] + 1 >= live.intervals[row + END]) return 0
    let crossed = 0
    for (let list = 0; list < this.#maskCount; list++) {
      const mask = this.#mask[list] & all
      if ((mask & ~crossed) !== 0 && this.#meet(live, row, start, list) !== NEVER) crossed |= mask
    }
    return crossed
  }

  /** Fills in `lostAt` for the registers of `crossed`, which the interval loses. */
  find(live: LiveRanges, interval: number, start: number, crossed: number): void {
    const lostAt = this.lostAt
    lostAt.fill(NEVER)
    for (let list = 0; list < this.#maskCount; list++) {
      const mask = this.#mask[list] & crossed
      if (mask === 0) continue
      const point = this.#meet(live, interval << ROW, start, list)
      for (let rest = mask; rest !== 0; rest &= rest - 1) {
        const register = 31 - Math.clz32(rest & -rest)
        if (point < lostAt[register]) lostAt[register] = point
      }
    }
  }

  /** The first point that the interval loses to a list, or NEVER. */
  #meet(live: LiveRanges, row: number, start: number, list: number): number {
    const points = this.#point
    let at = this.#first[list]
    if (at >= 0 && points[at] + 2 <= start) {
      do at = this.#next[at]
      while (at >= 0 && points[at] + 2 <= start)
      this.#first[list] = at
    }
    const { intervals, ranges } = live
    const end = intervals[row + END]
    let range = intervals[row + FIRST_RANGE]
    for (; at >= 0; at = this.#next[at]) {
      const point = points[at] + 1
      if (point >= end) break
      while (ranges[range + TO] <= point) range = ranges[range + NEXT_RANGE]
      if (ranges[range + FROM] <= point) return point
    }
    return NEVER
  }
}
