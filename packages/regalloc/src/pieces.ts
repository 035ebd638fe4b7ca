// Pieces of virtual registers: splitting, and the heap in which pieces wait for their turn.
import { growInt32 } from './grow.ts'
import type { LiveRanges } from './live-ranges.ts'
import * as tables from './tables.ts'

const ROW = tables.INTERVAL_SHIFT
const FIRST_RANGE = tables.FIRST_RANGE
const END = tables.END
const FIRST_USE = tables.FIRST_USE
const USES_END = tables.USES_END
const LOCATION = tables.LOCATION
const CLASS = tables.CLASS
const ROOT = tables.ROOT
const NEXT_PIECE = tables.NEXT_PIECE
const RANGE_WORDS = tables.RANGE_WORDS
const FROM = tables.FROM
const TO = tables.TO
const NEXT_RANGE = tables.NEXT_RANGE
const POINT = tables.POINT
const NEXT_USE = tables.NEXT_USE
const NONE = -1

export class Pieces {
  readonly #live: LiveRanges

  /** Virtual registers with more than one piece. */
  splitCount = 0
  split: Int32Array = new Int32Array(64)

  /** Waiting pieces, a heap by start. */
  waiting = 0
  #heap: Int32Array = new Int32Array(64)

  constructor(live: LiveRanges) {
    this.#live = live
  }

  reset(): void {
    this.#live.intervalCount = this.#live.vregCount
    this.splitCount = 0
    this.waiting = 0
  }

  startOf(interval: number): number {
    return this.#live.ranges[this.#live.intervals[(interval << ROW) + FIRST_RANGE] + FROM]
  }

  /**
   * Cuts off what is from `point` on, and returns it. It starts at the point or, if that is in a hole, with the next
   * block.
   */
  splitAt(interval: number, point: number): number {
    const live = this.#live
    const piece = live.intervalCount++
    const row = interval << ROW
    const pieceRow = piece << ROW
    if (pieceRow === live.intervals.length) live.growIntervals()
    const intervals = live.intervals
    const root = intervals[row + ROOT]
    if (intervals[(root << ROW) + NEXT_PIECE] === NONE) {
      if (this.splitCount === this.split.length) this.split = growInt32(this.split)
      this.split[this.splitCount++] = root
    }
    intervals[pieceRow + ROOT] = root
    intervals[pieceRow + NEXT_PIECE] = intervals[row + NEXT_PIECE]
    intervals[row + NEXT_PIECE] = piece
    intervals[pieceRow + CLASS] = intervals[row + CLASS]
    intervals[pieceRow + LOCATION] = NONE
    intervals[pieceRow + END] = intervals[row + END]
    this.#splitRanges(row, pieceRow, point)

    const uses = live.uses
    const usesEnd = intervals[row + USES_END]
    let use = intervals[row + FIRST_USE]
    while (use !== usesEnd && uses[use + POINT] < point) use = uses[use + NEXT_USE]
    intervals[pieceRow + FIRST_USE] = use
    intervals[pieceRow + USES_END] = usesEnd
    intervals[row + USES_END] = use
    return piece
  }

  #splitRanges(row: number, pieceRow: number, point: number): void {
    const live = this.#live
    const intervals = live.intervals
    let ranges = live.ranges
    let previous = NONE
    let range = intervals[row + FIRST_RANGE]
    while (ranges[range + TO] <= point) {
      previous = range
      range = ranges[range + NEXT_RANGE]
    }
    if (ranges[range + FROM] >= point) {
      intervals[row + END] = ranges[previous + TO]
      ranges[previous + NEXT_RANGE] = NONE
      intervals[pieceRow + FIRST_RANGE] = range
      return
    }
    const part = live.rangesEnd
    if (part === ranges.length) {
      live.growRanges()
      ranges = live.ranges
    }
    live.rangesEnd = part + RANGE_WORDS
    ranges[part + FROM] = point
    ranges[part + TO] = ranges[range + TO]
    ranges[part + NEXT_RANGE] = ranges[range + NEXT_RANGE]
    ranges[range + TO] = point
    ranges[range + NEXT_RANGE] = NONE
    intervals[row + END] = point
    intervals[pieceRow + FIRST_RANGE] = part
  }

  wait(interval: number): void {
    const start = this.startOf(interval)
    let at = this.waiting++
    if (at === this.#heap.length) this.#heap = growInt32(this.#heap)
    const heap = this.#heap
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.startOf(heap[parent]) <= start) break
      heap[at] = heap[parent]
      at = parent
    }
    heap[at] = interval
  }

  /** Where the first waiting piece starts; there must be one. */
  firstStart(): number {
    return this.startOf(this.#heap[0])
  }

  takeFirst(): number {
    const heap = this.#heap
    const first = heap[0]
    const length = --this.waiting
    const last = heap[length]
    const start = this.startOf(last)
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= length) break
      if (child + 1 < length && this.startOf(heap[child + 1]) < this.startOf(heap[child])) child++
      if (this.startOf(heap[child]) >= start) break
      heap[at] = heap[child]
      at = child
    }
    heap[at] = last
    return first
  }
}
