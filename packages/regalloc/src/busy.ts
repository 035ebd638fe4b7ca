// What each register is given to: a sorted list of ranges that do not overlap.
//
// Ranges that have ended are dropped only when their register is looked at. The first range of each list stands in two
// small columns, which answer most questions: the next interval either starts where the register is taken, or ends
// before it is taken again.
import { REGISTER_COUNT } from './interface.ts'
import type { LiveRanges } from './live-ranges.ts'
import * as tables from './tables.ts'

const ROW = tables.INTERVAL_SHIFT
const FIRST_RANGE = tables.FIRST_RANGE
const FROM = tables.FROM
const TO = tables.TO
const NEXT_RANGE = tables.NEXT_RANGE
const NEXT_BUSY = tables.NEXT_BUSY
const OWNER = tables.OWNER
const NONE = -1
/** No conflict. */
export const NEVER = 0x7fffffff
const FREE = NEVER

export class Busy {
  readonly #live: LiveRanges
  /** By register: the first range's ends; NEVER without one. */
  readonly headFrom: Int32Array = new Int32Array(REGISTER_COUNT)
  readonly headTo: Int32Array = new Int32Array(REGISTER_COUNT)
  readonly #head: Int32Array = new Int32Array(REGISTER_COUNT)

  constructor(live: LiveRanges) {
    this.#live = live
  }

  reset(): void {
    this.headFrom.fill(FREE)
    this.headTo.fill(FREE)
    this.#head.fill(NONE)
  }

  /** Drops what has ended at `position`, when headTo says so; before any other question. */
  expire(register: number, position: number): void {
    const ranges = this.#live.ranges
    let range = this.#head[register]
    do range = ranges[range + NEXT_BUSY]
    while (range >= 0 && ranges[range + TO] <= position)
    this.#head[register] = range
    this.headFrom[register] = range < 0 ? FREE : ranges[range + FROM]
    this.headTo[register] = range < 0 ? FREE : ranges[range + TO]
  }

  /** The first point that the ranges from `range` on have in common with those of the register, or NEVER. */
  conflict(range: number, register: number): number {
    const ranges = this.#live.ranges
    let busy = this.#head[register]
    while (busy >= 0) {
      const from = ranges[range + FROM]
      const busyFrom = ranges[busy + FROM]
      if (ranges[range + TO] <= busyFrom) {
        range = ranges[range + NEXT_RANGE]
        if (range < 0) return FREE
      } else if (ranges[busy + TO] <= from) busy = ranges[busy + NEXT_BUSY]
      else return from > busyFrom ? from : busyFrom
    }
    return FREE
  }

  /** The same, as if `occupant` were not there. */
  conflictBeside(range: number, register: number, occupant: number): number {
    const ranges = this.#live.ranges
    let busy = this.#head[register]
    while (busy >= 0 && range >= 0) {
      const from = ranges[range + FROM]
      const busyFrom = ranges[busy + FROM]
      if (ranges[range + TO] <= busyFrom) range = ranges[range + NEXT_RANGE]
      else if (ranges[busy + OWNER] === occupant || ranges[busy + TO] <= from) busy = ranges[busy + NEXT_BUSY]
      else return from > busyFrom ? from : busyFrom
    }
    return FREE
  }

  /** Whether the ranges from `range` on are free of conflicts from `position` on. */
  isFreeFrom(range: number, register: number, position: number): boolean {
    const ranges = this.#live.ranges
    let busy = this.#head[register]
    while (busy >= 0 && range >= 0) {
      const to = ranges[range + TO]
      const busyTo = ranges[busy + TO]
      if (to <= position || to <= ranges[busy + FROM]) range = ranges[range + NEXT_RANGE]
      else if (busyTo <= position || busyTo <= ranges[range + FROM]) busy = ranges[busy + NEXT_BUSY]
      else return false
    }
    return true
  }

  /** The interval that the first range belongs to. */
  occupant(register: number): number {
    return this.#live.ranges[this.#head[register] + OWNER]
  }

  /** Gives a register to an interval, which must not be in conflict with others. */
  insert(interval: number, register: number): void {
    const ranges = this.#live.ranges
    let range = this.#live.intervals[(interval << ROW) + FIRST_RANGE]
    let previous = NONE
    let busy = this.#head[register]
    if (ranges[range + FROM] < this.headFrom[register]) {
      this.#head[register] = range
      this.headFrom[register] = ranges[range + FROM]
      this.headTo[register] = ranges[range + TO]
    }
    for (; range >= 0; range = ranges[range + NEXT_RANGE]) {
      const from = ranges[range + FROM]
      while (busy >= 0 && ranges[busy + FROM] < from) {
        previous = busy
        busy = ranges[busy + NEXT_BUSY]
      }
      if (previous >= 0) ranges[previous + NEXT_BUSY] = range
      ranges[range + NEXT_BUSY] = busy
      ranges[range + OWNER] = interval
      previous = range
    }
  }

  /** Takes from an interval the ranges that start at `from` or behind; the last of them ends at `end`. */
  remove(interval: number, register: number, from: number, end: number): void {
    const ranges = this.#live.ranges
    let previous = NONE
    let head = this.#head[register]
    for (let busy = head; busy >= 0 && ranges[busy + FROM] < end; busy = ranges[busy + NEXT_BUSY]) {
      if (ranges[busy + OWNER] !== interval || ranges[busy + FROM] < from) previous = busy
      else if (previous < 0) head = ranges[busy + NEXT_BUSY]
      else ranges[previous + NEXT_BUSY] = ranges[busy + NEXT_BUSY]
    }
    this.#head[register] = head
    this.headFrom[register] = head < 0 ? FREE : ranges[head + FROM]
    this.headTo[register] = head < 0 ? FREE : ranges[head + TO] // splitting may have cut it
  }
}
