// What its uses ask of an interval: where it must be in a register, what it costs to be without one.
import { RECORD_WORDS_SHIFT } from './interface.ts'
import type { LiveRanges } from './live-ranges.ts'
import * as tables from './tables.ts'

const WORDS_SHIFT = RECORD_WORDS_SHIFT
const ROW = tables.INTERVAL_SHIFT
const FIRST_RANGE = tables.FIRST_RANGE
const END = tables.END
const FIRST_USE = tables.FIRST_USE
const USES_END = tables.USES_END
const ROOT = tables.ROOT
const CURSOR = tables.CURSOR
const LAST_USE = tables.LAST_USE
const FROM = tables.FROM
const POINT = tables.POINT
const WORD = tables.WORD
const NEXT_USE = tables.NEXT_USE
const IN_REGISTER = tables.USE_IN_REGISTER
const LATE = tables.USE_LATE
const DEF = tables.USE_DEF
const NEVER = 0x7fffffff
/** Added to the length of an interval, so that short ones are not all alike. */
const LENGTH_BIAS = 16

export class Demands {
  readonly #live: LiveRanges
  /** Flags of the uses that the last `isPinned` found at the record; 0 if none (no operand has the word index 0). */
  flagsHere = 0

  constructor(live: LiveRanges) {
    this.#live = live
  }

  /** The record that the start of an interval belongs to. Pieces in question here start at one. */
  recordOf(interval: number, start: number): number {
    const { intervals, uses } = this.#live
    const row = interval << ROW
    return intervals[row + ROOT] === interval ? uses[intervals[row + FIRST_USE] + POINT] : start
  }

  /** Up to where it must be in a register at its start; `start`, if it need not. */
  needUntil(interval: number, start: number): number {
    const { intervals, uses } = this.#live
    const row = interval << ROW
    const usesEnd = intervals[row + USES_END]
    let use = intervals[row + FIRST_USE]
    if (use === usesEnd) return start
    if (intervals[row + ROOT] === interval) {
      if ((uses[use + WORD] & IN_REGISTER) === 0) return start
      const after = this.after(uses[use + POINT])
      return after < intervals[row + END] ? after : intervals[row + END]
    }
    let flags = 0
    for (; use !== usesEnd && uses[use + POINT] === start; use = uses[use + NEXT_USE]) flags |= uses[use + WORD]
    // Operands of one record that name one virtual register stay together: read in a register and late means both.
    if ((flags & IN_REGISTER) === 0) return start
    return (flags & LATE) !== 0 ? start + 2 : start + 1
  }

  /** The point of the record behind the one at `point`. */
  after(point: number): number {
    return point + ((this.#live.code[point >> 1] >>> WORDS_SHIFT) << 1)
  }

  /** Where the first record that reads it from `start` on has done so, or NEVER. */
  firstReadEnd(interval: number): number {
    const { intervals, uses } = this.#live
    const row = interval << ROW
    const usesEnd = intervals[row + USES_END]
    let use = intervals[row + FIRST_USE]
    if (use !== usesEnd && (uses[use + WORD] & DEF) !== 0) use = uses[use + NEXT_USE]
    if (use === usesEnd) return NEVER
    const point = uses[use + POINT]
    let flags = 0
    for (; use !== usesEnd && uses[use + POINT] === point; use = uses[use + NEXT_USE]) flags |= uses[use + WORD]
    return (flags & LATE) !== 0 ? point + 2 : point + 1
  }

  weightOf(interval: number): number {
    const { intervals, useSum } = this.#live
    const row = interval << ROW
    const first = intervals[row + FIRST_USE]
    const end = intervals[row + USES_END]
    if (first === end) return 0
    return end < 0 ? useSum[first >> 2] : useSum[first >> 2] - useSum[end >> 2]
  }

  costOf(interval: number): number {
    const row = interval << ROW
    const length = this.#live.intervals[row + END] - this.#live.ranges[this.#live.intervals[row + FIRST_RANGE] + FROM]
    return this.weightOf(interval) / (length + LENGTH_BIAS)
  }

  /**
   * Whether an interval in a register must be there at `position`, which belongs to `record`. Moves its cursor to the
   * record.
   */
  isPinned(interval: number, record: number, position: number): boolean {
    const { intervals, uses } = this.#live
    const row = interval << ROW
    const usesEnd = intervals[row + USES_END]
    let use = intervals[row + CURSOR]
    if (use !== usesEnd && uses[use + POINT] < record) {
      let last = 0
      do {
        last = uses[use + POINT]
        use = uses[use + NEXT_USE]
      } while (use !== usesEnd && uses[use + POINT] < record)
      intervals[row + CURSOR] = use
      intervals[row + LAST_USE] = last
    }
    let flags = 0
    for (; use !== usesEnd && uses[use + POINT] === record; use = uses[use + NEXT_USE]) flags |= uses[use + WORD]
    this.flagsHere = flags
    if ((flags & IN_REGISTER) === 0) return false
    return (flags & DEF) !== 0 || record + ((flags & LATE) !== 0 ? 2 : 1) > position
  }
}
