// Finds the block of a point: a table of every 128th, and a few steps from there.
import { growInt32 } from './grow.ts'
import type { LiveRanges } from './live-ranges.ts'

/** Blocks mostly have fewer points than this is apart, so that there is one step or none. */
const SHIFT = 7

export class BlockIndex {
  readonly #live: LiveRanges
  #last = 0
  #first = 0
  /** By point >> SHIFT, less #first: the block that holds the lowest such point. */
  #block: Int32Array = new Int32Array(64)

  constructor(live: LiveRanges) {
    this.#live = live
  }

  /** To be called once all blocks are done. */
  build(): void {
    const { flow, blockStart, blockEnd } = this.#live
    const last = flow.count - 1
    const first = blockStart[0] >> SHIFT
    const length = (blockEnd[last] >> SHIFT) - first + 1
    if (this.#block.length < length) this.#block = growInt32(this.#block, length)
    const blocks = this.#block
    let block = 0
    for (let k = 0; k < length; k++) {
      const point = (first + k) << SHIFT
      while (block < last && blockStart[block + 1] <= point) block++
      blocks[k] = block
    }
    this.#first = first
    this.#last = last
  }

  blockOf(point: number): number {
    const blockStart = this.#live.blockStart
    const last = this.#last
    let block = this.#block[(point >> SHIFT) - this.#first]
    while (block < last && blockStart[block + 1] <= point) block++
    return block
  }
}
