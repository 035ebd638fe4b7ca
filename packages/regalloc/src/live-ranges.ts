// Live ranges, built while the caller walks the function backwards.
//
// The walk meets everything in falling order, so that every list is made by adding at its front and none is ever
// searched. A range whose start is not met yet is OPEN. A definition closes it. What is still open when a block begins
// is live into it (`live-rows.ts`); from a block to the one before it only the difference between what is live in and
// what is live out is looked at, and ranges that go through stay open, untouched.
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
import { LiveRows } from './live-rows.ts'
import * as tables from './tables.ts'

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
const ROW = tables.INTERVAL_SHIFT
const FIRST_RANGE = tables.FIRST_RANGE
const END = tables.END
const FIRST_USE = tables.FIRST_USE
const USES_END = tables.USES_END
const LOCATION = tables.LOCATION
const HINT_AFTER = tables.HINT_AFTER
const HINT_BEFORE = tables.HINT_BEFORE
const CLASS = tables.CLASS
const ROOT = tables.ROOT
const NEXT_PIECE = tables.NEXT_PIECE
const ROW_BIT = tables.ROW_BIT
const SLOT = tables.SLOT
const RANGE_WORDS = tables.RANGE_WORDS
const FROM = tables.FROM
const TO = tables.TO
const NEXT_RANGE = tables.NEXT_RANGE
const USE_WORDS = tables.USE_WORDS
const POINT = tables.POINT
const WORD = tables.WORD
const NEXT_USE = tables.NEXT_USE
const WORD_SHIFT = tables.USE_WORD_SHIFT
const USE_IN_REGISTER = tables.USE_IN_REGISTER
const USE_DEF = tables.USE_DEF
const USE_ANY_DEF = tables.USE_ANY_DEF
const OPEN = tables.OPEN
const HINT_REGISTER = tables.HINT_REGISTER
const LIMIT = VREG_LIMIT
const NONE = -1

/** A use costs this much, by loop depth: eight rounds to a loop. */
const WEIGHTS: Float64Array = Float64Array.from({ length: 8 }, (_, depth) => 8 ** depth)

export class LiveRanges {
  readonly flow: Flow = new Flow()
  code: Int32Array = new Int32Array(0)

  // Blocks: points of the first record, and just past the last.
  blockStart: Int32Array = new Int32Array(64)
  blockEnd: Int32Array = new Int32Array(64)

  // As `tables.ts` has them. `rangesEnd` and `usesEnd` are where the next row goes.
  vregCount = 0
  intervalCount = 0
  intervals: Int32Array = new Int32Array(256 << ROW)
  rangesEnd = 0
  ranges: Int32Array = new Int32Array(256 * RANGE_WORDS)
  usesEnd = 0
  uses: Int32Array = new Int32Array(512 * USE_WORDS)
  /** By use / USE_WORDS: its weight and that of all uses behind it. */
  useSum: Float64Array = new Float64Array(512)

  /** Virtual registers with ranges, by falling start. */
  orderCount = 0
  order: Int32Array = new Int32Array(256)

  #graph: BlockGraph = { count: 0, successorStart: new Int32Array(1), successors: new Int32Array(0) }
  readonly #rows: LiveRows = new LiveRows(this)
  #weight = 1
  /** The record whose definitions come in, and its first result that is not early. */
  #resultPoint = -1
  #result: number = NONE
  /** Virtual registers without a bit that were opened in this block. */
  #opened: Int32Array = new Int32Array(64)
  #openedCount = 0

  begin(graph: BlockGraph, code: Int32Array): void {
    this.code = code
    this.#graph = graph
    this.flow.analyze(graph)
    if (this.blockStart.length < graph.count) {
      this.blockStart = growInt32(this.blockStart, graph.count)
      this.blockEnd = growInt32(this.blockEnd, graph.count)
    }
    this.#rows.begin(graph.count)
    this.vregCount = 0
    this.intervalCount = 0
    this.rangesEnd = 0
    this.usesEnd = 0
    this.orderCount = 0
    this.#resultPoint = -1
    this.#openedCount = 0
  }

  newVreg(cls: number): number {
    const vreg = this.vregCount
    if (vreg === LIMIT) throw new AllocationError({ code: 'too-many-virtual-registers', limit: LIMIT })
    this.vregCount = vreg + 1
    const row = vreg << ROW
    if (row === this.intervals.length) this.growIntervals()
    const intervals = this.intervals
    intervals[row + FIRST_RANGE] = NONE
    intervals[row + FIRST_USE] = NONE
    intervals[row + USES_END] = NONE
    intervals[row + LOCATION] = NONE
    intervals[row + HINT_AFTER] = NONE
    intervals[row + HINT_BEFORE] = NONE
    intervals[row + CLASS] = cls
    intervals[row + ROOT] = vreg
    intervals[row + NEXT_PIECE] = NONE
    intervals[row + ROW_BIT] = NONE
    intervals[row + SLOT] = 0
    return vreg
  }

  hint(a: number, b: number): void {
    const intervals = this.intervals
    // The first call is about the last place in the program, where `a` is most likely to end.
    if (intervals[(a << ROW) + HINT_AFTER] === NONE) intervals[(a << ROW) + HINT_AFTER] = b
    intervals[(b << ROW) + HINT_BEFORE] = a
  }

  operand(wordIndex: number, word: number, point: number): void {
    if ((word & CONST) !== 0) return
    const vreg = word & VREG
    const row = vreg << ROW
    const use = this.usesEnd
    if (use === this.uses.length) this.#growUses()
    this.usesEnd = use + USE_WORDS
    const intervals = this.intervals
    const uses = this.uses
    const useSum = this.useSum
    const next = intervals[row + FIRST_USE]
    intervals[row + FIRST_USE] = use
    uses[use + POINT] = point
    uses[use + NEXT_USE] = next
    useSum[use >> 2] = next < 0 ? this.#weight : useSum[next >> 2] + this.#weight
    const constraint = (word >>> 20) & 3
    if ((word & DEF) !== 0) {
      const flags =
        constraint === REGISTER ? USE_DEF | USE_IN_REGISTER : constraint === ANY ? USE_DEF | USE_ANY_DEF : USE_DEF
      uses[use + WORD] = (wordIndex << WORD_SHIFT) | flags
      this.#define(vreg, word, constraint, point)
      return
    }
    const late = (word & LATE) !== 0 ? 1 : 0
    uses[use + WORD] = (wordIndex << WORD_SHIFT) | (constraint === REGISTER ? USE_IN_REGISTER : 0) | (late << 1)
    const range = intervals[row + FIRST_RANGE]
    if (range < 0 || this.ranges[range + FROM] !== OPEN) this.#openAt(vreg, point, late, word, constraint)
    else if (this.ranges[range + TO] <= point + late) {
      // Opened by another operand of this record, and that one was not late.
      this.ranges[range + TO] = point + 2
      if (intervals[row + END] < point + 2) intervals[row + END] = point + 2
    }
  }

  #define(vreg: number, word: number, constraint: number, point: number): void {
    const intervals = this.intervals
    const row = vreg << ROW
    const early = (word & EARLY) !== 0
    const from = early ? point : constraint === FIXED ? point + 2 : point + 1
    const range = intervals[row + FIRST_RANGE]
    if (range >= 0 && this.ranges[range + FROM] === OPEN) {
      this.ranges[range + FROM] = from
      const bit = intervals[row + ROW_BIT]
      if (bit >= 0) this.#rows.free(bit)
    } else if (constraint === REGISTER) {
      this.#addRange(row, from, point + 2)
    } else {
      // Nothing reads it, and it needs no place.
      intervals[row + LOCATION] = constraint === FIXED ? (word >>> 22) & 31 : NOWHERE
      return
    }
    if (constraint === FIXED) intervals[row + HINT_BEFORE] = HINT_REGISTER - ((word >>> 22) & 31)
    if (!early && this.#resultPoint !== point) {
      this.#resultPoint = point
      this.#result = vreg
    }
    // By falling start; only those of one record may be out of order.
    let at = this.orderCount++
    if (at === this.order.length) this.order = growInt32(this.order)
    const order = this.order
    while (at > 0 && this.#startOf(order[at - 1]) < from) {
      order[at] = order[at - 1]
      at--
    }
    order[at] = vreg
  }

  #startOf(vreg: number): number {
    return this.ranges[this.intervals[(vreg << ROW) + FIRST_RANGE] + FROM]
  }

  /** A first use on the way back: the value ends here. */
  #openAt(vreg: number, point: number, late: number, word: number, constraint: number): void {
    const row = vreg << ROW
    this.#addRange(row, OPEN, point + 1 + late)
    const intervals = this.intervals
    const bit = intervals[row + ROW_BIT]
    if (bit >= 0) this.#rows.add(bit)
    else {
      if (this.#openedCount === this.#opened.length) this.#opened = growInt32(this.#opened)
      this.#opened[this.#openedCount++] = vreg
    }
    if (constraint === FIXED) {
      if (intervals[row + HINT_AFTER] === NONE) intervals[row + HINT_AFTER] = HINT_REGISTER - ((word >>> 22) & 31)
    } else if (constraint === TIED && this.#resultPoint === point) {
      const result = this.#result
      const resultRow = result << ROW
      if (intervals[row + CLASS] !== intervals[resultRow + CLASS]) return
      if (intervals[row + HINT_AFTER] === NONE) {
        // Where the result goes is known; it is placed later than this one, so that its own place is not.
        const further = intervals[resultRow + HINT_AFTER]
        intervals[row + HINT_AFTER] = further === NONE ? result : further
      }
      if (intervals[resultRow + HINT_BEFORE] === NONE) intervals[resultRow + HINT_BEFORE] = vreg
    }
  }

  #addRange(row: number, from: number, to: number): void {
    const range = this.rangesEnd
    if (range === this.ranges.length) this.growRanges()
    this.rangesEnd = range + RANGE_WORDS
    const intervals = this.intervals
    const ranges = this.ranges
    const next = intervals[row + FIRST_RANGE]
    ranges[range + FROM] = from
    ranges[range + TO] = to
    ranges[range + NEXT_RANGE] = next
    intervals[row + FIRST_RANGE] = range
    if (next < 0) intervals[row + END] = to
  }

  enterBlock(block: number, endPoint: number): void {
    this.blockEnd[block] = endPoint
    const depth = this.flow.depth[block]
    this.#weight = WEIGHTS[depth < 8 ? depth : 7]
    this.#rows.enter(block, this.#graph)
  }

  leaveBlock(block: number, startPoint: number): void {
    this.blockStart[block] = startPoint
    this.#startParameters(startPoint)
    // What was opened here and not defined is live in.
    const opened = this.#opened
    for (let k = this.#openedCount - 1; k >= 0; k--) {
      const row = opened[k] << ROW
      if (this.ranges[this.intervals[row + FIRST_RANGE] + FROM] !== OPEN) continue
      this.intervals[row + ROW_BIT] = this.#rows.give(opened[k])
    }
    this.#openedCount = 0
    this.#rows.leave(block)
  }

  /** Opens a virtual register that is live out of the block that ends at `to`. */
  open(vreg: number, to: number): void {
    this.#addRange(vreg << ROW, OPEN, to)
  }

  /** Closes a virtual register that is not live before `from`. */
  close(vreg: number, from: number): void {
    this.ranges[this.intervals[(vreg << ROW) + FIRST_RANGE] + FROM] = from
  }

  /** Makes the open range of a virtual register end at `to`, if it ends before; it takes in those that it reaches. */
  extend(vreg: number, to: number): void {
    const ranges = this.ranges
    const row = vreg << ROW
    const range = this.intervals[row + FIRST_RANGE]
    if (ranges[range + TO] >= to) return
    let end = to
    let next = ranges[range + NEXT_RANGE]
    for (; next >= 0 && ranges[next + FROM] <= to; next = ranges[next + NEXT_RANGE]) {
      if (ranges[next + TO] > end) end = ranges[next + TO]
    }
    ranges[range + TO] = end
    ranges[range + NEXT_RANGE] = next
    if (this.intervals[row + END] < end) this.intervals[row + END] = end
  }

  /** The point of the first use of a virtual register that the walk has come to. */
  firstUseOf(vreg: number): number {
    return this.uses[this.intervals[(vreg << ROW) + FIRST_USE] + POINT]
  }

  /** A virtual register that is live into the entry, or -1. */
  undefinedVreg(): number {
    return this.#rows.first()
  }

  /** Parameters are written by the edges into the block, so that they begin with it. */
  #startParameters(startPoint: number): void {
    const { order, uses, intervals } = this
    let moved = false
    let first = this.orderCount
    for (; first > 0; first--) {
      const row = order[first - 1] << ROW
      const use = intervals[row + FIRST_USE]
      if (uses[use + POINT] !== startPoint) break
      if ((uses[use + WORD] & USE_ANY_DEF) === 0) continue
      this.ranges[intervals[row + FIRST_RANGE] + FROM] = startPoint
      moved = true
    }
    if (!moved) return
    for (let k = first + 1; k < this.orderCount; k++) {
      const vreg = order[k]
      const from = this.#startOf(vreg)
      let at = k
      for (; at > first && this.#startOf(order[at - 1]) < from; at--) order[at] = order[at - 1]
      order[at] = vreg
    }
  }

  growIntervals(): void {
    this.intervals = growInt32(this.intervals)
  }

  growRanges(): void {
    this.ranges = growInt32(this.ranges)
  }

  #growUses(): void {
    this.uses = growInt32(this.uses)
    this.useSum = growFloat64(this.useSum)
  }
}
