// Slots of spilled values, shared by lifetime.
//
// A value holds its slot from its definition to its last range's end, holes included. A slot that is freed at a record
// is given out again only behind that record: the record still reads it, and the new owner's store may go before.
import { growInt32 } from './grow.ts'
import { LOCATION_SLOT } from './interface.ts'
import type { LiveRanges } from './live-ranges.ts'
import type { Pieces } from './pieces.ts'

export class Slots {
  count = 0
  #freeFrom: Int32Array = new Int32Array(16)

  assign(live: LiveRanges, pieces: Pieces): void {
    this.count = 0
    const { order, usePoint, firstUse, end } = live
    const { slot, next } = pieces
    for (let k = live.orderCount - 1; k >= 0; k--) {
      const root = order[k]
      if (slot[root] === 0) continue
      const definition = usePoint[firstUse[root]]
      let last = root
      while (next[last] >= 0) last = next[last]
      const free = this.#freeFrom
      let found = 0
      while (found < this.count && free[found] > definition) found++
      if (found === this.count) {
        this.count++
        if (found === free.length) this.#freeFrom = growInt32(free)
      }
      this.#freeFrom[found] = end[last]
      slot[root] = LOCATION_SLOT + found
    }
  }
}
