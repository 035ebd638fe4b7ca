// Clobbers are not ranges: one list of (point, mask), read from a cursor that follows the scan.
import { growInt32 } from './grow.ts'
import type { LiveRanges } from './live-ranges.ts'
import * as tables from './tables.ts'

const ROW = tables.INTERVAL_SHIFT
const FIRST_RANGE = tables.FIRST_RANGE
const END = tables.END
const FROM = tables.FROM
const TO = tables.TO
const NEXT_RANGE = tables.NEXT_RANGE

export class Clobbers {
  /** All masks in one. */
  union = 0
  /** By register, after `find`, for those that the interval loses: the point from which on. */
  readonly lostAt: Int32Array = new Int32Array(32)

  // By falling point, as the walk meets them. What is lost is lost from point + 1 up to point + 2.
  #count = 0
  #point: Int32Array = new Int32Array(64)
  #mask: Int32Array = new Int32Array(64)
  /** The last one that has not been passed. */
  #cursor = 0

  reset(): void {
    this.#count = 0
    this.union = 0
  }

  add(point: number, mask: number): void {
    const last = this.#count - 1
    this.union |= mask
    if (last >= 0 && this.#point[last] === point) {
      this.#mask[last] |= mask
      return
    }
    if (last + 1 === this.#point.length) {
      this.#point = growInt32(this.#point)
      this.#mask = growInt32(this.#mask)
    }
    this.#point[last + 1] = point
    this.#mask[last + 1] = mask
    this.#count = last + 2
  }

  /** Starts again at the first. */
  rewind(): void {
    this.#cursor = this.#count - 1
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
    const end = live.intervals[(interval << ROW) + END]
    if (points[k] + 1 >= end) return 0
    const ranges = live.ranges
    const possible = this.union & all
    let crossed = 0
    let range = live.intervals[(interval << ROW) + FIRST_RANGE]
    for (; k >= 0; k--) {
      const point = points[k] + 1
      if (point >= end) break
      while (ranges[range + TO] <= point) range = ranges[range + NEXT_RANGE]
      if (ranges[range + FROM] > point) continue
      crossed |= this.#mask[k]
      // Mostly the first call takes all that any can.
      if ((possible & ~crossed) === 0) break
    }
    return crossed & all
  }

  /** Fills in `lostAt` for the registers of `crossed`, which the interval loses. */
  find(live: LiveRanges, interval: number, crossed: number): void {
    const ranges = live.ranges
    const points = this.#point
    let wanted = crossed
    let range = live.intervals[(interval << ROW) + FIRST_RANGE]
    for (let k = this.#cursor; wanted !== 0; k--) {
      const point = points[k] + 1
      while (ranges[range + TO] <= point) range = ranges[range + NEXT_RANGE]
      if (ranges[range + FROM] > point) continue
      const found = this.#mask[k] & wanted
      wanted &= ~found
      for (let rest = found; rest !== 0; rest &= rest - 1) this.lostAt[31 - Math.clz32(rest & -rest)] = point
    }
  }
}
