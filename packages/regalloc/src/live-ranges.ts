// Live ranges, built while the caller walks the function backwards.
//
// An INTERVAL is a virtual register, or a piece of one once allocation has split it. It owns a run of ranges [from, to)
// and a run of uses, both rising. The walk meets everything in falling order, so that every list is made by adding at
// its front and none is ever searched.
//
// A range whose start is not met yet is OPEN: its `from` is -1. A definition closes it. What is still open when a block
// begins is live into it, and gets a bit in the block's row; only such virtual registers have a bit, and they give it
// back at their definition, since from there on no unfinished edge can ask for it. So rows are as long as the most
// values that are live at once, not as long as the function. From a block to the one before it only the difference
// between what is live in and what is live out is looked at: ranges that go through stay open, untouched.

import { AllocationError } from './errors.ts'
import { Flow } from './flow.ts'
import { growFloat64, growInt32 } from './grow.ts'
import {
  type BlockGraph,
  CONSTRAINT_ANY,
  CONSTRAINT_FIXED,
  CONSTRAINT_REGISTER,
  CONSTRAINT_TIED,
  LOCATION_NOWHERE,
  OPERAND_CONST,
  OPERAND_DEF,
  OPERAND_EARLY,
  OPERAND_LATE,
  OPERAND_VREG_MASK,
  VREG_LIMIT,
} from './interface.ts'

// Imported names are read through a cell each time; aliases are as good as literals.
const VREG = OPERAND_VREG_MASK
const CONST = OPERAND_CONST
const DEF = OPERAND_DEF
const EARLY = OPERAND_EARLY
const LATE = OPERAND_LATE
const REGISTER = CONSTRAINT_REGISTER
const ANY = CONSTRAINT_ANY
const TIED = CONSTRAINT_TIED
const FIXED = CONSTRAINT_FIXED
const NOWHERE = LOCATION_NOWHERE

/** No interval, range or use. */
const NONE = -1
/** Start of a range that is not met yet. */
const OPEN = -1
/** No block is as high. */
const NOTHING_KEPT = 0x7fffffff

// useWord: the index of the operand word, shifted left by 4, and these flags.
export const USE_WORD_SHIFT = 4
/** Must be in a register. */
export const USE_REGISTER = 1
/** Read up to point + 2. */
export const USE_LATE = 2
export const USE_DEF = 4
/** A definition of constraint any. */
export const USE_ANY_DEF = 8

/** A register as a hint; hints from 0 on are virtual registers, and -1 is none. */
export const HINT_REGISTER = -2

/** Points to one entry of the table that finds blocks: more than most blocks have. */
const BLOCK_AT_SHIFT = 7

/** A use costs this much, by loop depth: eight rounds to a loop. */
const WEIGHTS: Float64Array = Float64Array.from({ length: 8 }, (_, depth) => 8 ** depth)

export class LiveRanges {
  readonly flow: Flow = new Flow()
  code: Int32Array = new Int32Array(0)

  // Blocks: points of the first record, and just past the last.
  blockStart: Int32Array = new Int32Array(64)
  blockEnd: Int32Array = new Int32Array(64)

  /** By point, without its low bits: the block that holds the lowest such point. */
  #blockAt: Int32Array = new Int32Array(64)

  // Intervals. Virtual register v is interval v; pieces follow.
  intervalCount = 0
  vregCount = 0
  intervalClass: Uint8Array = new Uint8Array(256)
  firstRange: Int32Array = new Int32Array(256)
  /** Where the last range ends. */
  end: Int32Array = new Int32Array(256)
  firstUse: Int32Array = new Int32Array(256)
  /** The place that would save a copy after, and before: a virtual register, or HINT_REGISTER - register. */
  hintAfter: Int32Array = new Int32Array(256)
  hintBefore: Int32Array = new Int32Array(256)
  location: Int32Array = new Int32Array(256)
  #rowBit: Int32Array = new Int32Array(256)

  // Ranges.
  rangeCount = 0
  rangeFrom: Int32Array = new Int32Array(512)
  rangeTo: Int32Array = new Int32Array(512)
  rangeNext: Int32Array = new Int32Array(512)

  // Uses, definitions among them.
  useCount = 0
  usePoint: Int32Array = new Int32Array(512)
  useWord: Int32Array = new Int32Array(512)
  useNext: Int32Array = new Int32Array(512)
  /** The weight of this use and of all behind it. */
  useSum: Float64Array = new Float64Array(512)

  /** Virtual registers with ranges, by falling start. */
  orderCount = 0
  order: Int32Array = new Int32Array(256)

  #graph: BlockGraph = { count: 0, successorStart: new Int32Array(1), successors: new Int32Array(0) }
  #weight = 1
  /** The record whose definitions come in, and its first result that is not early. */
  #resultPoint = -1
  #result: number = NONE
  /** Virtual registers without a bit that were opened in this block. */
  #opened: Int32Array = new Int32Array(64)
  #openedCount = 0

  // Rows of bits. #row is what is live now; rows of blocks that are done lie in #rows.
  #rowWords = 0
  #row: Int32Array = new Int32Array(8)
  #rowBefore: Int32Array = new Int32Array(8)
  #bitVreg: Int32Array = new Int32Array(256)
  #bitCount = 0
  #freeBits: Int32Array = new Int32Array(256)
  #freeBitCount = 0
  #rows: Int32Array = new Int32Array(256)
  #rowsLength = 0
  #rowStart: Int32Array = new Int32Array(64)
  #rowLength: Int32Array = new Int32Array(64)

  // What irreducible loops keep live, as a row, and by bit the block from whose end on.
  #keptRow: Int32Array = new Int32Array(8)
  #keptFrom: Int32Array = new Int32Array(256)
  /** The lowest block of those; all blocks from there on must look at the row. */
  #keptLowest: number = NOTHING_KEPT
  /** What is live out of a block for no other reason, and which block that is. */
  #keptOnly: Int32Array = new Int32Array(8)
  #keptBlock = -1

  begin(graph: BlockGraph, code: Int32Array): void {
    this.code = code
    this.#graph = graph
    this.flow.analyze(graph)
    if (this.blockStart.length < graph.count) this.#growBlocks(graph.count)
    this.intervalCount = 0
    this.vregCount = 0
    this.rangeCount = 0
    this.useCount = 0
    this.orderCount = 0
    this.#resultPoint = -1
    this.#openedCount = 0
    this.#row.fill(0, 0, this.#rowWords) // a function that was given up may have left bits
    this.#rowBefore.fill(0, 0, this.#rowWords)
    this.#rowWords = 0
    this.#bitCount = 0
    this.#freeBitCount = 0
    this.#rowsLength = 0
    this.#keptLowest = NOTHING_KEPT
    this.#keptBlock = -1
  }

  newVreg(cls: number): number {
    const vreg = this.vregCount++
    if (vreg >= this.firstRange.length) this.growIntervals()
    if (vreg >= VREG_LIMIT) throw new AllocationError({ code: 'too-many-virtual-registers', limit: VREG_LIMIT })
    this.intervalClass[vreg] = cls
    this.firstRange[vreg] = NONE
    this.firstUse[vreg] = NONE
    this.hintAfter[vreg] = NONE
    this.hintBefore[vreg] = NONE
    this.location[vreg] = NONE
    this.#rowBit[vreg] = -1
    return vreg
  }

  hint(a: number, b: number): void {
    // The first call is about the last place in the program, where `a` is most likely to end.
    if (this.hintAfter[a] === NONE) this.hintAfter[a] = b
    this.hintBefore[b] = a
  }

  operand(wordIndex: number, word: number, point: number): void {
    if ((word & CONST) !== 0) return
    const vreg = word & VREG
    const use = this.useCount++
    if (use === this.usePoint.length) this.#growUses()
    const nextUse = this.firstUse[vreg]
    this.usePoint[use] = point
    this.useNext[use] = nextUse
    this.useSum[use] = nextUse < 0 ? this.#weight : this.useSum[nextUse] + this.#weight
    this.firstUse[vreg] = use
    const constraint = (word >>> 20) & 3
    if ((word & DEF) !== 0) this.#define(vreg, use, wordIndex, word, constraint, point)
    else {
      const late = (word & LATE) !== 0 ? 1 : 0
      this.useWord[use] = (wordIndex << USE_WORD_SHIFT) | (constraint === REGISTER ? USE_REGISTER : 0) | (late << 1)
      const range = this.firstRange[vreg]
      if (range < 0 || this.rangeFrom[range] !== OPEN) this.#openAt(vreg, point, late, word, constraint)
      else if (this.rangeTo[range] <= point + late) {
        // Opened by another operand of this record, and that one was not late.
        this.rangeTo[range] = point + 2
        if (this.end[vreg] < point + 2) this.end[vreg] = point + 2
      }
    }
  }

  #define(vreg: number, use: number, wordIndex: number, word: number, constraint: number, point: number): void {
    const flags =
      constraint === REGISTER ? USE_DEF | USE_REGISTER : constraint === ANY ? USE_DEF | USE_ANY_DEF : USE_DEF
    this.useWord[use] = (wordIndex << USE_WORD_SHIFT) | flags
    const early = (word & EARLY) !== 0
    const from = early ? point : constraint === FIXED ? point + 2 : point + 1
    const range = this.firstRange[vreg]
    if (range >= 0 && this.rangeFrom[range] === OPEN) {
      this.rangeFrom[range] = from
      const bit = this.#rowBit[vreg]
      if (bit >= 0) {
        this.#row[bit >> 5] &= ~(1 << (bit & 31))
        this.#freeBits[this.#freeBitCount++] = bit
      }
    } else if (constraint === REGISTER) {
      this.#addRange(vreg, from, point + 2)
    } else {
      // Nothing reads it, and it needs no place.
      this.location[vreg] = constraint === FIXED ? (word >>> 22) & 31 : NOWHERE
      return
    }
    if (constraint === FIXED) this.hintBefore[vreg] = HINT_REGISTER - ((word >>> 22) & 31)
    if (!early && this.#resultPoint !== point) {
      this.#resultPoint = point
      this.#result = vreg
    }
    // By falling start; only those of one record may be out of order.
    let at = this.orderCount++
    if (at === this.order.length) this.order = growInt32(this.order)
    const order = this.order
    while (at > 0 && this.rangeFrom[this.firstRange[order[at - 1]]] < from) {
      order[at] = order[at - 1]
      at--
    }
    order[at] = vreg
  }

  /** A first use on the way back: the value ends here. */
  #openAt(vreg: number, point: number, late: number, word: number, constraint: number): void {
    this.#addRange(vreg, OPEN, point + 1 + late)
    const bit = this.#rowBit[vreg]
    if (bit >= 0) this.#row[bit >> 5] |= 1 << (bit & 31)
    else {
      if (this.#openedCount === this.#opened.length) this.#opened = growInt32(this.#opened)
      this.#opened[this.#openedCount++] = vreg
    }
    if (constraint === FIXED) {
      if (this.hintAfter[vreg] === NONE) this.hintAfter[vreg] = HINT_REGISTER - ((word >>> 22) & 31)
    } else if (constraint === TIED && this.#resultPoint === point) {
      const result = this.#result
      if (this.intervalClass[vreg] === this.intervalClass[result]) {
        // Where the result goes is known; it is placed later than this one, so that its own place is not.
        if (this.hintAfter[vreg] === NONE) {
          this.hintAfter[vreg] = this.hintAfter[result] === NONE ? result : this.hintAfter[result]
        }
        if (this.hintBefore[result] === NONE) this.hintBefore[result] = vreg
      }
    }
  }

  #addRange(vreg: number, from: number, to: number): void {
    const range = this.rangeCount++
    if (range === this.rangeFrom.length) this.growRanges()
    const next = this.firstRange[vreg]
    this.rangeFrom[range] = from
    this.rangeTo[range] = to
    this.rangeNext[range] = next
    this.firstRange[vreg] = range
    if (next < 0) this.end[vreg] = to
  }

  enterBlock(block: number, endPoint: number): void {
    const { successors, successorStart } = this.#graph
    this.blockEnd[block] = endPoint
    const depth = this.flow.depth[block]
    this.#weight = WEIGHTS[depth < 8 ? depth : 7]
    const first = successorStart[block]
    const last = successorStart[block + 1]
    // Live out is what is live now, if the one way out leads to the block just done.
    if (last - first === 1 && successors[first] === block + 1 && block < this.#keptLowest) return

    const words = this.#rowWords
    const before = this.#rowBefore
    for (let edge = first; edge < last; edge++) {
      const successor = successors[edge]
      if (successor <= block) continue // the header of an extent sees to it
      const start = this.#rowStart[successor]
      for (let word = this.#rowLength[successor] - 1; word >= 0; word--) before[word] |= this.#rows[start + word]
    }
    if (block >= this.#keptLowest) this.#addKept(block)
    const row = this.#row
    for (let word = 0; word < words; word++) {
      const out = before[word]
      const changed = row[word] ^ out
      before[word] = 0
      if (changed === 0) continue
      const closed = row[word] & changed
      row[word] = out
      for (let rest = changed; rest !== 0; rest &= rest - 1) {
        const bit = 31 - Math.clz32(rest & -rest)
        const vreg = this.#bitVreg[(word << 5) + bit]
        if ((closed & (1 << bit)) !== 0) this.rangeFrom[this.firstRange[vreg]] = this.blockStart[block + 1]
        else this.#addRange(vreg, OPEN, endPoint)
      }
    }
  }

  leaveBlock(block: number, startPoint: number): void {
    this.blockStart[block] = startPoint
    this.#startParameters(startPoint)
    // What was opened here and not defined is live in.
    for (let k = this.#openedCount - 1; k >= 0; k--) {
      const vreg = this.#opened[k]
      if (this.rangeFrom[this.firstRange[vreg]] === OPEN) this.#giveBit(vreg)
    }
    this.#openedCount = 0
    const words = this.#rowWords
    if (this.flow.extentEnd[block] >= 0) this.#extend(block)

    let length = this.#rowsLength
    if (length + words > this.#rows.length) this.#rows = growInt32(this.#rows, length + words)
    this.#rowStart[block] = length
    this.#rowLength[block] = words
    for (let word = 0; word < words; word++) this.#rows[length++] = this.#row[word]
    this.#rowsLength = length
    if (this.#keptBlock === block) this.#hideKept(block)
  }

  /** Makes `blockOf` work, once all blocks are done. */
  indexBlocks(): void {
    const count = this.flow.count
    const { blockStart, blockEnd } = this
    const first = blockStart[0] >> BLOCK_AT_SHIFT
    const length = (blockEnd[count - 1] >> BLOCK_AT_SHIFT) - first + 1
    if (this.#blockAt.length < length) this.#blockAt = growInt32(this.#blockAt, length)
    const blockAt = this.#blockAt
    let block = 0
    for (let k = 0; k < length; k++) {
      const point = (first + k) << BLOCK_AT_SHIFT
      while (block + 1 < count && blockStart[block + 1] <= point) block++
      blockAt[k] = block
    }
  }

  /** The block of a point. */
  blockOf(point: number): number {
    const blockStart = this.blockStart
    const last = this.flow.count - 1
    let block = this.#blockAt[(point >> BLOCK_AT_SHIFT) - (blockStart[0] >> BLOCK_AT_SHIFT)]
    while (block < last && blockStart[block + 1] <= point) block++
    return block
  }

  /** The first virtual register that is live into the entry, or -1. */
  undefinedVreg(): number {
    for (let word = 0; word < this.#rowWords; word++) {
      const bits = this.#row[word]
      if (bits !== 0) return this.#bitVreg[(word << 5) + 31 - Math.clz32(bits & -bits)]
    }
    return NONE
  }

  /** Parameters are written by the edges into the block, so that they begin with it. */
  #startParameters(startPoint: number): void {
    const order = this.order
    let moved = false
    let k = this.orderCount - 1
    for (; k >= 0; k--) {
      const vreg = order[k]
      const use = this.firstUse[vreg]
      if (this.usePoint[use] !== startPoint) break
      if ((this.useWord[use] & USE_ANY_DEF) === 0) continue
      this.rangeFrom[this.firstRange[vreg]] = startPoint
      moved = true
    }
    if (!moved) return
    for (let i = k + 2; i < this.orderCount; i++) {
      const vreg = order[i]
      const from = this.rangeFrom[this.firstRange[vreg]]
      let at = i
      for (; at > k + 1 && this.rangeFrom[this.firstRange[order[at - 1]]] < from; at--) order[at] = order[at - 1]
      order[at] = vreg
    }
  }

  #giveBit(vreg: number): void {
    let bit = this.#bitCount
    if (this.#freeBitCount > 0) bit = this.#freeBits[--this.#freeBitCount]
    else {
      if (bit === this.#bitVreg.length) {
        this.#bitVreg = growInt32(this.#bitVreg)
        this.#freeBits = growInt32(this.#freeBits)
        this.#keptFrom = growInt32(this.#keptFrom)
      }
      this.#bitCount = bit + 1
      if (bit >> 5 === this.#rowWords) {
        if (this.#rowWords === this.#row.length) {
          this.#row = growInt32(this.#row)
          this.#rowBefore = growInt32(this.#rowBefore)
          this.#keptRow = growInt32(this.#keptRow)
          this.#keptOnly = growInt32(this.#keptOnly)
        }
        this.#keptOnly[this.#rowWords] = 0
        this.#keptRow[this.#rowWords] = 0
        this.#rowWords++
      }
    }
    this.#rowBit[vreg] = bit
    this.#bitVreg[bit] = vreg
    this.#row[bit >> 5] |= 1 << (bit & 31)
    this.#keptRow[bit >> 5] &= ~(1 << (bit & 31))
  }

  /** What is live into a header is live in its whole extent. */
  #extend(header: number): void {
    const { rangeFrom, rangeTo, rangeNext, end } = this
    const extentEnd = this.blockEnd[this.flow.extentEnd[header]]
    const keptFrom = this.flow.keptFrom[header]
    for (let word = 0; word < this.#rowWords; word++) {
      for (let rest = this.#row[word]; rest !== 0; rest &= rest - 1) {
        const bit = (word << 5) + 31 - Math.clz32(rest & -rest)
        const vreg = this.#bitVreg[bit]
        const range = this.firstRange[vreg]
        if (keptFrom >= 0) this.#keep(bit, keptFrom)
        if (rangeTo[range] >= extentEnd) continue
        let to = extentEnd
        let next = rangeNext[range]
        for (; next >= 0 && rangeFrom[next] <= extentEnd; next = rangeNext[next]) {
          if (rangeTo[next] > to) to = rangeTo[next]
        }
        rangeTo[range] = to
        rangeNext[range] = next
        if (end[vreg] < to) end[vreg] = to
      }
    }
  }

  /**
   * What is kept live may not really be live into the header: it may only lie on the way that another loop keeps it.
   * Its definition dominates the one block or both, so that it is kept back to where both come from, if it lasts.
   */
  #keep(bit: number, from: number): void {
    const isKept = (this.#keptRow[bit >> 5] & (1 << (bit & 31))) !== 0
    const block = isKept ? this.flow.commonDominator(from, this.#keptFrom[bit]) : from
    this.#keptRow[bit >> 5] |= 1 << (bit & 31)
    this.#keptFrom[bit] = block
    if (block < this.#keptLowest) this.#keptLowest = block
  }

  #addKept(block: number): void {
    this.#keptBlock = block
    for (let word = 0; word < this.#rowWords; word++) {
      let only = 0
      // A definition has taken the bit out of the row.
      for (let rest = this.#keptRow[word] & this.#row[word]; rest !== 0; rest &= rest - 1) {
        const bit = 31 - Math.clz32(rest & -rest)
        if (this.#keptFrom[(word << 5) + bit] <= block) only |= 1 << bit
        else this.#keptRow[word] &= ~(1 << bit)
      }
      this.#keptOnly[word] = only & ~this.#rowBefore[word]
      this.#rowBefore[word] |= only
    }
  }

  /**
   * What is live into a block only because it lies on the way must not spread from there to other blocks, which may
   * come before the definition. Blocks from which it is to be had get it from #addKept.
   */
  #hideKept(block: number): void {
    const start = this.#rowStart[block]
    for (let word = 0; word < this.#rowWords; word++) {
      for (let rest = this.#keptOnly[word] & this.#row[word]; rest !== 0; rest &= rest - 1) {
        const bit = 31 - Math.clz32(rest & -rest)
        const isUsedHere = this.usePoint[this.firstUse[this.#bitVreg[(word << 5) + bit]]] < this.blockEnd[block]
        if (!isUsedHere && this.#keptFrom[(word << 5) + bit] < block) this.#rows[start + word] &= ~(1 << bit)
      }
    }
  }

  growIntervals(): void {
    const length = this.firstRange.length * 2
    const classes = new Uint8Array(length)
    classes.set(this.intervalClass)
    this.intervalClass = classes
    this.firstRange = growInt32(this.firstRange)
    this.end = growInt32(this.end)
    this.firstUse = growInt32(this.firstUse)
    this.hintAfter = growInt32(this.hintAfter)
    this.hintBefore = growInt32(this.hintBefore)
    this.location = growInt32(this.location)
    this.#rowBit = growInt32(this.#rowBit)
  }

  growRanges(): void {
    this.rangeFrom = growInt32(this.rangeFrom)
    this.rangeTo = growInt32(this.rangeTo)
    this.rangeNext = growInt32(this.rangeNext)
  }

  #growUses(): void {
    this.usePoint = growInt32(this.usePoint)
    this.useWord = growInt32(this.useWord)
    this.useNext = growInt32(this.useNext)
    this.useSum = growFloat64(this.useSum)
  }

  #growBlocks(count: number): void {
    this.blockStart = growInt32(this.blockStart, count)
    this.blockEnd = growInt32(this.blockEnd, count)
    this.#rowStart = growInt32(this.#rowStart, count)
    this.#rowLength = growInt32(this.#rowLength, count)
  }
}
