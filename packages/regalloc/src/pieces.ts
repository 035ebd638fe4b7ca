// Pieces of virtual registers: splitting, and the heap in which pieces wait for their turn.
import { growInt32 } from './grow.ts'
import type { LiveRanges } from './live-ranges.ts'

const NONE = -1

export class Pieces {
  readonly #live: LiveRanges

  /** By interval: the piece behind it, and the virtual register. */
  next: Int32Array = new Int32Array(256)
  root: Int32Array = new Int32Array(256)
  /** The first use that is no longer this interval's, or -1. */
  usesEnd: Int32Array = new Int32Array(256)
  /** By virtual register: its slot as a location; 0 when it needs none. */
  slot: Int32Array = new Int32Array(256)

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
    const count = this.#live.vregCount
    this.#live.intervalCount = count
    this.grow()
    const { next, root, usesEnd, slot } = this
    for (let vreg = 0; vreg < count; vreg++) {
      next[vreg] = NONE
      root[vreg] = vreg
      usesEnd[vreg] = NONE
      slot[vreg] = 0
    }
    this.splitCount = 0
    this.waiting = 0
  }

  startOf(interval: number): number {
    return this.#live.rangeFrom[this.#live.firstRange[interval]]
  }

  /**
   * Cuts off what is from `point` on, and returns it. It starts at the point or, if that is in a hole, with the next
   * block.
   */
  splitAt(interval: number, point: number): number {
    const live = this.#live
    const piece = live.intervalCount++
    if (piece === live.firstRange.length) live.growIntervals()
    this.grow()
    const root = this.root[interval]
    if (this.next[root] === NONE) {
      if (this.splitCount === this.split.length) this.split = growInt32(this.split)
      this.split[this.splitCount++] = root
    }
    this.root[piece] = root
    this.next[piece] = this.next[interval]
    this.next[interval] = piece
    live.intervalClass[piece] = live.intervalClass[interval]
    live.location[piece] = NONE
    live.end[piece] = live.end[interval]

    let previous = NONE
    let range = live.firstRange[interval]
    while (live.rangeTo[range] <= point) {
      previous = range
      range = live.rangeNext[range]
    }
    if (live.rangeFrom[range] < point) {
      const part = live.rangeCount++
      if (part === live.rangeFrom.length) live.growRanges()
      live.rangeFrom[part] = point
      live.rangeTo[part] = live.rangeTo[range]
      live.rangeNext[part] = live.rangeNext[range]
      live.rangeTo[range] = point
      live.rangeNext[range] = NONE
      live.end[interval] = point
      live.firstRange[piece] = part
    } else {
      live.end[interval] = live.rangeTo[previous]
      live.rangeNext[previous] = NONE
      live.firstRange[piece] = range
    }

    const usesEnd = this.usesEnd[interval]
    let use = live.firstUse[interval]
    while (use !== usesEnd && live.usePoint[use] < point) use = live.useNext[use]
    live.firstUse[piece] = use
    this.usesEnd[piece] = usesEnd
    this.usesEnd[interval] = use
    return piece
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

  /** Makes room for new intervals. */
  grow(): void {
    const length = this.#live.firstRange.length
    if (this.next.length >= length) return
    this.next = growInt32(this.next, length)
    this.root = growInt32(this.root, length)
    this.usesEnd = growInt32(this.usesEnd, length)
    this.slot = growInt32(this.slot, length)
  }
}
