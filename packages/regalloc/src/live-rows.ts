// Rows of bits: what is live at the place that the backward walk has come to, and what is live into blocks done.
//
// Only virtual registers that are live into some block have a bit, and they give it back at their definition, since
// from there on no unfinished edge can ask for it. So rows are as long as the most values that are live at once, not
// as long as the function.
//
// What is live into a loop is live in its whole extent. In an irreducible loop it is also to be KEPT live back to the
// end of a block that dominates all entries (`flow.ts`), and from there on it is live as usual. The blocks on the way
// keep it open, but do not show it in their rows for that reason alone: some may not lie on a path to the loop, and
// would spread it to blocks before its definition.
import { growInt32 } from './grow.ts'
import type { BlockGraph } from './interface.ts'
import type { LiveRanges } from './live-ranges.ts'

/** No block is as high. */
const NOTHING_KEPT = 0x7fffffff
const NONE = -1

export class LiveRows {
  readonly #live: LiveRanges
  /** How many words of a row are in use. */
  #words = 0
  /** What is live now. */
  #row: Int32Array = new Int32Array(8)
  /** What is live at the end of the block to be entered; 0 but in `enter`. */
  #out: Int32Array = new Int32Array(8)

  // Bits, and those that were given back.
  #bitCount = 0
  #vreg: Int32Array = new Int32Array(256)
  #freeCount = 0
  #free: Int32Array = new Int32Array(256)

  // What is live into blocks that are done.
  #savedLength = 0
  #saved: Int32Array = new Int32Array(256)
  #savedStart: Int32Array = new Int32Array(64)
  #savedWords: Int32Array = new Int32Array(64)

  /** What is kept live; by bit the block from whose end on; and the lowest such block. */
  #kept: Int32Array = new Int32Array(8)
  #keptFrom: Int32Array = new Int32Array(256)
  #keptLowest: number = NOTHING_KEPT
  /** What is live out of a block for no other reason, and which block that is. */
  #keptOnly: Int32Array = new Int32Array(8)
  #keptBlock = -1

  constructor(live: LiveRanges) {
    this.#live = live
  }

  begin(count: number): void {
    // A function that was given up may have left bits.
    this.#row.fill(0, 0, this.#words)
    this.#out.fill(0, 0, this.#words)
    this.#words = 0
    this.#bitCount = 0
    this.#freeCount = 0
    this.#savedLength = 0
    this.#keptLowest = NOTHING_KEPT
    this.#keptBlock = -1
    if (this.#savedStart.length < count) {
      this.#savedStart = growInt32(this.#savedStart, count)
      this.#savedWords = growInt32(this.#savedWords, count)
    }
  }

  add(bit: number): void {
    this.#row[bit >> 5] |= 1 << (bit & 31)
  }

  /** Takes a bit out, for good. */
  free(bit: number): void {
    this.#row[bit >> 5] &= ~(1 << (bit & 31))
    this.#free[this.#freeCount++] = bit
  }

  /** Gives a bit to a virtual register that is live now. */
  give(vreg: number): number {
    let bit = this.#bitCount
    if (this.#freeCount > 0) bit = this.#free[--this.#freeCount]
    else {
      this.#bitCount = bit + 1
      if (bit >> 5 === this.#words) this.#addWord()
      if (bit === this.#vreg.length) {
        this.#vreg = growInt32(this.#vreg)
        this.#free = growInt32(this.#free)
        this.#keptFrom = growInt32(this.#keptFrom)
      }
    }
    this.#vreg[bit] = vreg
    this.#row[bit >> 5] |= 1 << (bit & 31)
    this.#kept[bit >> 5] &= ~(1 << (bit & 31))
    return bit
  }

  /** Some virtual register that is live now, or -1. */
  first(): number {
    for (let word = 0; word < this.#words; word++) {
      const bits = this.#row[word]
      if (bits !== 0) return this.#vreg[(word << 5) + 31 - Math.clz32(bits & -bits)]
    }
    return NONE
  }

  /** Opens what is live at the end of a block and not now, closes what is live now and not there. */
  enter(block: number, graph: BlockGraph): void {
    const { successors, successorStart } = graph
    const firstEdge = successorStart[block]
    const lastEdge = successorStart[block + 1]
    // Live out is what is live now, if the one way out leads to the block just done.
    if (lastEdge - firstEdge === 1 && successors[firstEdge] === block + 1 && block < this.#keptLowest) return
    const out = this.#out
    for (let edge = firstEdge; edge < lastEdge; edge++) {
      const successor = successors[edge]
      if (successor <= block) continue // the header of an extent sees to it
      const start = this.#savedStart[successor]
      for (let word = this.#savedWords[successor] - 1; word >= 0; word--) out[word] |= this.#saved[start + word]
    }
    if (block >= this.#keptLowest) this.#addKept(block)
    const live = this.#live
    const row = this.#row
    for (let word = 0, words = this.#words; word < words; word++) {
      const before = row[word]
      const changed = before ^ out[word]
      row[word] = out[word]
      out[word] = 0
      for (let rest = changed; rest !== 0; rest &= rest - 1) {
        const bit = 31 - Math.clz32(rest & -rest)
        const vreg = this.#vreg[(word << 5) + bit]
        if ((before & (1 << bit)) !== 0) live.close(vreg, live.blockStart[block + 1])
        else live.open(vreg, live.blockEnd[block])
      }
    }
  }

  /** Saves what is live now as what is live into the block. */
  leave(block: number): void {
    const { flow, blockEnd } = this.#live
    if (flow.extentEnd[block] >= 0) this.#extend(blockEnd[flow.extentEnd[block]], flow.keptFrom[block])
    const words = this.#words
    const row = this.#row
    let length = this.#savedLength
    if (length + words > this.#saved.length) this.#saved = growInt32(this.#saved, length + words)
    const saved = this.#saved
    this.#savedStart[block] = length
    this.#savedWords[block] = words
    for (let word = 0; word < words; word++) saved[length++] = row[word]
    this.#savedLength = length
    if (this.#keptBlock === block) this.#hideKept(block)
  }

  /** What is live into a header is live in its whole extent. */
  #extend(extentEnd: number, keptFrom: number): void {
    for (let word = 0; word < this.#words; word++) {
      for (let rest = this.#row[word]; rest !== 0; rest &= rest - 1) {
        const bit = (word << 5) + 31 - Math.clz32(rest & -rest)
        this.#live.extend(this.#vreg[bit], extentEnd)
        if (keptFrom >= 0) this.#keep(bit, keptFrom)
      }
    }
  }

  /**
   * What is kept live may not really be live into the header: it may only lie on the way that another loop keeps it.
   * Its definition dominates the one block or both, so that it is kept back to where both come from, if it lasts.
   */
  #keep(bit: number, from: number): void {
    const isKept = (this.#kept[bit >> 5] & (1 << (bit & 31))) !== 0
    const block = isKept ? this.#live.flow.commonDominator(from, this.#keptFrom[bit]) : from
    this.#kept[bit >> 5] |= 1 << (bit & 31)
    this.#keptFrom[bit] = block
    if (block < this.#keptLowest) this.#keptLowest = block
  }

  #addKept(block: number): void {
    this.#keptBlock = block
    for (let word = 0; word < this.#words; word++) {
      let only = 0
      // A definition has taken the bit out of the row.
      for (let rest = this.#kept[word] & this.#row[word]; rest !== 0; rest &= rest - 1) {
        const bit = 31 - Math.clz32(rest & -rest)
        if (this.#keptFrom[(word << 5) + bit] <= block) only |= 1 << bit
        else this.#kept[word] &= ~(1 << bit)
      }
      this.#keptOnly[word] = only & ~this.#out[word]
      this.#out[word] |= only
    }
  }

  #hideKept(block: number): void {
    const live = this.#live
    const start = this.#savedStart[block]
    for (let word = 0; word < this.#words; word++) {
      for (let rest = this.#keptOnly[word] & this.#row[word]; rest !== 0; rest &= rest - 1) {
        const bit = 31 - Math.clz32(rest & -rest)
        const isUsedHere = live.firstUseOf(this.#vreg[(word << 5) + bit]) < live.blockEnd[block]
        if (!isUsedHere && this.#keptFrom[(word << 5) + bit] < block) this.#saved[start + word] &= ~(1 << bit)
      }
    }
  }

  #addWord(): void {
    const word = this.#words++
    if (word === this.#row.length) {
      this.#row = growInt32(this.#row)
      this.#out = growInt32(this.#out)
      this.#kept = growInt32(this.#kept)
      this.#keptOnly = growInt32(this.#keptOnly)
    }
    this.#kept[word] = 0
    this.#keptOnly[word] = 0
  }
}
