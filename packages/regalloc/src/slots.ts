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
  /** By slot: where its last owner ends. */
  #freeFrom: Int32Array = new Int32Array(16)
  /** All slots, a heap by that. */
  #heap: Int32Array = new Int32Array(16)

  reset(): void {
    this.count = 0
  }

  assign(live: LiveRanges): void {
    const { order, intervals, uses } = live
    for (let k = live.orderCount - 1; k >= 0; k--) {
      const row = order[k] << ROW
      if (intervals[row + SLOT] === 0) continue
      let last = row
      while (intervals[last + NEXT_PIECE] >= 0) last = intervals[last + NEXT_PIECE] << ROW
      const definition = uses[intervals[row + FIRST_USE] + POINT]
      intervals[row + SLOT] = LOCATION_SLOT + this.#take(definition, intervals[last + END])
    }
  }

  /** The slot that has been free longest, or a new one; it is held up to `end`. */
  #take(definition: number, end: number): number {
    if (this.count === 0 || this.#freeFrom[this.#heap[0]] > definition) return this.#add(end)
    const heap = this.#heap
    const freeFrom = this.#freeFrom
    const slot = heap[0]
    freeFrom[slot] = end
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= this.count) break
      if (child + 1 < this.count && freeFrom[heap[child + 1]] < freeFrom[heap[child]]) child++
      if (freeFrom[heap[child]] >= end) break
      heap[at] = heap[child]
      at = child
    }
    heap[at] = slot
    return slot
  }

  #add(end: number): number {
    const slot = this.count++
    if (slot === this.#heap.length) {
      this.#heap = growInt32(this.#heap)
      this.#freeFrom = growInt32(this.#freeFrom)
    }
    const heap = this.#heap
    const freeFrom = this.#freeFrom
    freeFrom[slot] = end
    let at = slot
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (freeFrom[heap[parent]] <= end) break
      heap[at] = heap[parent]
      at = parent
    }
    heap[at] = slot
    return slot
  }
}
