// What each register is given to: a sorted list of ranges that do not overlap.
//
// Ranges that have ended are dropped only when their register is looked at. The first range of each list stands in two
// small columns, which answer most questions: the next interval either starts where the register is taken, or ends
// before it is taken again.
import { growInt32 } from './grow.ts'
import { REGISTER_COUNT } from './interface.ts'
import type { LiveRanges } from './live-ranges.ts'

const NONE = -1
/** No conflict. */
export const NEVER = 0x7fffffff

export class Busy {
  readonly #live: LiveRanges
  /** By register: the first range's ends; NEVER without one. */
  readonly headFrom: Int32Array = new Int32Array(REGISTER_COUNT)
  readonly headTo: Int32Array = new Int32Array(REGISTER_COUNT)
  readonly #head: Int32Array = new Int32Array(REGISTER_COUNT)
  // By range.
  #next: Int32Array = new Int32Array(512)
  #owner: Int32Array = new Int32Array(512)

  constructor(live: LiveRanges) {
    this.#live = live
  }

  reset(): void {
    this.headFrom.fill(NEVER)
    this.headTo.fill(NEVER)
    this.#head.fill(NONE)
    this.grow()
  }

  /** Drops what has ended at `position`. To be asked for before any other question, when headTo is not behind it. */
  expire(register: number, position: number): void {
    const rangeTo = this.#live.rangeTo
    const next = this.#next
    let range = this.#head[register]
    do range = next[range]
    while (range >= 0 && rangeTo[range] <= position)
    this.#setHead(register, range)
  }

  /** The first point that the ranges from `range` on have in common with those of the register, or NEVER. */
  conflict(range: number, register: number): number {
    const { rangeFrom, rangeTo, rangeNext } = this.#live
    const next = this.#next
    let busy = this.#head[register]
    while (busy >= 0) {
      if (rangeTo[range] <= rangeFrom[busy]) {
        range = rangeNext[range]
        if (range < 0) return NEVER
      } else if (rangeTo[busy] <= rangeFrom[range]) busy = next[busy]
      else return rangeFrom[range] > rangeFrom[busy] ? rangeFrom[range] : rangeFrom[busy]
    }
    return NEVER
  }

  /** The same, as if `occupant` were not there. */
  conflictBeside(range: number, register: number, occupant: number): number {
    const { rangeFrom, rangeTo, rangeNext } = this.#live
    let busy = this.#head[register]
    while (busy >= 0 && range >= 0) {
      if (rangeTo[range] <= rangeFrom[busy]) range = rangeNext[range]
      else if (this.#owner[busy] === occupant || rangeTo[busy] <= rangeFrom[range]) busy = this.#next[busy]
      else return rangeFrom[range] > rangeFrom[busy] ? rangeFrom[range] : rangeFrom[busy]
    }
    return NEVER
  }

  /** The interval that the first range belongs to. */
  occupant(register: number): number {
    return this.#owner[this.#head[register]]
  }

  /** Gives a register to an interval, which must not be in conflict with others. */
  insert(interval: number, register: number): void {
    const { rangeFrom, rangeNext } = this.#live
    const next = this.#next
    const owner = this.#owner
    let previous = NONE
    let busy = this.#head[register]
    let range = this.#live.firstRange[interval]
    if (busy < 0 || rangeFrom[range] < rangeFrom[busy]) this.#setHead(register, range)
    for (; range >= 0; range = rangeNext[range]) {
      const from = rangeFrom[range]
      while (busy >= 0 && rangeFrom[busy] < from) {
        previous = busy
        busy = next[busy]
      }
      if (previous >= 0) next[previous] = range
      next[range] = busy
      owner[range] = interval
      previous = range
    }
  }

  /** Takes from an interval the ranges that start at `from` or behind. */
  remove(interval: number, register: number, from: number): void {
    const rangeFrom = this.#live.rangeFrom
    const next = this.#next
    let previous = NONE
    let head = this.#head[register]
    for (let busy = head; busy >= 0; busy = next[busy]) {
      if (this.#owner[busy] !== interval || rangeFrom[busy] < from) previous = busy
      else if (previous < 0) head = next[busy]
      else next[previous] = next[busy]
    }
    this.#setHead(register, head) // its end may have been cut, too
  }

  #setHead(register: number, range: number): void {
    this.#head[register] = range
    this.headFrom[register] = range < 0 ? NEVER : this.#live.rangeFrom[range]
    this.headTo[register] = range < 0 ? NEVER : this.#live.rangeTo[range]
  }

  /** Makes room for new ranges. */
  grow(): void {
    const length = this.#live.rangeFrom.length
    if (this.#next.length >= length) return
    this.#next = growInt32(this.#next, length)
    this.#owner = growInt32(this.#owner, length)
  }
}
