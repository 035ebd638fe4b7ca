// Slots of spilled values, shared by lifetime.
//
// A value holds its slot from its definition to its last range's end, holes included. A slot that is freed at a record
// is given out again only behind that record: the record still reads it, and the new owner's store may go before.
import { growInt32 } from './grow.ts'
import { LOCATION_SLOT } from './interface.ts'
import type { LiveRanges } from './live-ranges.ts'
import * as tables from './tables.ts'

const ROW = tables.INTERVAL_SHIFT
const END = tables.END
const FIRST_USE = tables.FIRST_USE
const NEXT_PIECE = tables.NEXT_PIECE
const SLOT = tables.SLOT
const POINT = tables.POINT

export class Slots {
  count = 0
  #freeFrom: Int32Array = new Int32Array(16)

  reset(): void {
    this.count = 0
  }

  assign(live: LiveRanges): void {
    const { order, intervals, uses } = live
    let count = 0
    for (let k = live.orderCount - 1; k >= 0; k--) {
      const row = order[k] << ROW
      if (intervals[row + SLOT] === 0) continue
      const definition = uses[intervals[row + FIRST_USE] + POINT]
      let last = row
      while (intervals[last + NEXT_PIECE] >= 0) last = intervals[last + NEXT_PIECE] << ROW
      const free = this.#freeFrom
      let found = 0
      while (found < count && free[found] > definition) found++
      if (found === count) {
        count++
        if (found === free.length) this.#freeFrom = growInt32(free)
      }
      this.#freeFrom[found] = intervals[last + END]
      intervals[row + SLOT] = LOCATION_SLOT + found
    }
    this.count = count
  }
}
