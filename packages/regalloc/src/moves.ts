// Moves: where pieces of one virtual register meet in different places.
//
// - Behind a definition in a register, when the value has a slot: the one store, before the next record.
// - Between two records, when the next piece is in a register.
// - On an edge, when the place at the end of the predecessor is not the one at the start of the block. Only blocks that
//   start in a piece in a register can need one: the slot, if there is any, always holds the value.
import type { BlockIndex } from './block-index.ts'
import { AllocationError } from './errors.ts'
import { growFloat64, growInt32 } from './grow.ts'
import {
  type BlockGraph,
  LOCATION_SLOT,
  MOVE_BLOCK_START,
  MOVE_JUMP,
  MOVE_SPILL,
  MOVE_SPLIT,
  RECORD_OPERANDS_MASK,
  RECORD_OPERANDS_SHIFT,
  RECORD_WORDS_SHIFT,
} from './interface.ts'
import type { LiveRanges } from './live-ranges.ts'
import type { Pieces } from './pieces.ts'
import * as tables from './tables.ts'

const IN_SLOT = LOCATION_SLOT
const WORDS_SHIFT = RECORD_WORDS_SHIFT
const ROW = tables.INTERVAL_SHIFT
const FIRST_RANGE = tables.FIRST_RANGE
const END = tables.END
const FIRST_USE = tables.FIRST_USE
const LOCATION = tables.LOCATION
const NEXT_PIECE = tables.NEXT_PIECE
const SLOT = tables.SLOT
const FROM = tables.FROM
const TO = tables.TO
const NEXT_RANGE = tables.NEXT_RANGE
const POINT = tables.POINT
const NONE = -1
/** Fewer moves than this are sorted by insertion. */
const SHORT = 32
/** Sort key: point, group, and this many numbers for the place in the unsorted list. */
const KEY_PLACES: number = 2 ** 22

export class Moves {
  readonly #live: LiveRanges
  readonly #blocks: BlockIndex
  readonly #pieces: Pieces
  count = 0
  point: Int32Array = new Int32Array(64)
  group: Int32Array = new Int32Array(64)
  from: Int32Array = new Int32Array(64)
  to: Int32Array = new Int32Array(64)
  #unsortedFrom: Int32Array = new Int32Array(64)
  #unsortedTo: Int32Array = new Int32Array(64)
  #keys: Float64Array = new Float64Array(64)
  /** The rows of all pieces of the virtual register that is worked at, by rising start. */
  #pieceRows: Int32Array = new Int32Array(64)
  #pieceCount = 0
  /** By block: the point of its last record, once it was looked for in this function. */
  #lastRecord: Int32Array = new Int32Array(64)

  constructor(live: LiveRanges, blocks: BlockIndex, pieces: Pieces) {
    this.#live = live
    this.#blocks = blocks
    this.#pieces = pieces
  }

  collect(graph: BlockGraph): void {
    this.count = 0
    const { split, splitCount } = this.#pieces
    if (splitCount === 0) return
    const count = graph.count
    if (this.#lastRecord.length < count) this.#lastRecord = growInt32(this.#lastRecord, count)
    this.#lastRecord.fill(NONE, 0, count)
    for (let k = 0; k < splitCount; k++) this.#connect(split[k], graph)
    this.#sort()
  }

  /** All moves of one virtual register. */
  #connect(root: number, graph: BlockGraph): void {
    const { intervals, uses, ranges, blockStart, code } = this.#live
    let row = root << ROW
    this.#listPieces(row)
    const slot = intervals[row + SLOT]
    if (slot !== 0 && intervals[row + LOCATION] < IN_SLOT) {
      const definition = uses[intervals[row + FIRST_USE] + POINT]
      const after = definition + ((code[definition >> 1] >>> WORDS_SHIFT) << 1)
      this.#add(after, MOVE_SPILL, intervals[row + LOCATION], slot)
    }
    if (intervals[row + LOCATION] < IN_SLOT) this.#connectEdges(row, row, graph)
    while (intervals[row + NEXT_PIECE] !== NONE) {
      const before = row
      row = intervals[row + NEXT_PIECE] << ROW
      const location = intervals[row + LOCATION]
      if (location >= IN_SLOT) continue
      this.#connectEdges(root << ROW, row, graph)
      const start = ranges[intervals[row + FIRST_RANGE] + FROM]
      if (intervals[before + END] !== start || intervals[before + LOCATION] === location) continue
      if (blockStart[this.#blocks.blockOf(start)] === start) continue // the edges do it
      this.#add(start, MOVE_SPLIT, this.#place(before, slot), location)
    }
  }

  /** The edges into blocks that start in a piece that is in a register. Pieces are named by their rows. */
  #connectEdges(root: number, piece: number, graph: BlockGraph): void {
    const { intervals, ranges, blockStart, blockEnd, flow } = this.#live
    const { predecessors, predecessorStart, predecessorCount } = flow
    const to = intervals[piece + LOCATION]
    const end = intervals[piece + END]
    const firstRange = intervals[piece + FIRST_RANGE]
    const start = ranges[firstRange + FROM]
    const count = graph.count
    for (let range = firstRange; range >= 0; range = ranges[range + NEXT_RANGE]) {
      let block = this.#blocks.blockOf(ranges[range + FROM])
      // A parameter starts with its block too; the jumps bring it.
      if (blockStart[block] < ranges[range + FROM] || (range === firstRange && piece === root)) block++
      for (; block < count && blockStart[block] < ranges[range + TO]; block++) {
        for (let k = predecessorStart[block], last = k + predecessorCount[block]; k < last; k++) {
          const predecessor = predecessors[k]
          const at = blockEnd[predecessor] - 1
          if (at >= start && at < end) continue
          const other = this.#pieceAt(at)
          if (other === NONE || intervals[other + LOCATION] === to) continue
          this.#addOnEdge(predecessor, block, this.#place(other, intervals[root + SLOT]), to, graph)
        }
      }
    }
  }

  #listPieces(root: number): void {
    const intervals = this.#live.intervals
    let count = 0
    for (let row = root; ; row = intervals[row + NEXT_PIECE] << ROW) {
      if (count === this.#pieceRows.length) this.#pieceRows = growInt32(this.#pieceRows)
      this.#pieceRows[count++] = row
      if (intervals[row + NEXT_PIECE] === NONE) break
    }
    this.#pieceCount = count
  }

  /** The piece that is live at a point, or -1. */
  #pieceAt(point: number): number {
    const { intervals, ranges } = this.#live
    const rows = this.#pieceRows
    let low = 0
    let high = this.#pieceCount - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (intervals[rows[middle] + END] > point) high = middle
      else low = middle + 1
    }
    let range = intervals[rows[low] + FIRST_RANGE]
    while (range >= 0 && ranges[range + TO] <= point) range = ranges[range + NEXT_RANGE]
    return range >= 0 && ranges[range + FROM] <= point ? rows[low] : NONE
  }

  #place(piece: number, slot: number): number {
    const location = this.#live.intervals[piece + LOCATION]
    return location >= IN_SLOT ? slot : location
  }

  #addOnEdge(predecessor: number, block: number, from: number, to: number, graph: BlockGraph): void {
    const oneWay = graph.successorStart[predecessor + 1] - graph.successorStart[predecessor] === 1
    if (this.#live.flow.predecessorCount[block] === 1) {
      // Arguments are written before the block starts, possibly over what is to be moved: then all in one.
      if (!oneWay || !this.#hasArguments(predecessor)) {
        this.#add(this.#live.blockStart[block], MOVE_BLOCK_START, from, to)
        return
      }
    } else if (!oneWay) throw new AllocationError({ code: 'critical-edge', from: predecessor, to: block })
    this.#add(this.#lastRecordOf(predecessor), MOVE_JUMP, from, to)
  }

  #hasArguments(block: number): boolean {
    const header = this.#live.code[this.#lastRecordOf(block) >> 1]
    return ((header >>> RECORD_OPERANDS_SHIFT) & RECORD_OPERANDS_MASK) !== 0
  }

  /** Found by stepping over the records of the block, once. */
  #lastRecordOf(block: number): number {
    const known = this.#lastRecord[block]
    if (known !== NONE) return known
    const { code, blockStart, blockEnd } = this.#live
    const end = blockEnd[block] >> 1
    let record = blockStart[block] >> 1
    for (;;) {
      const after = record + (code[record] >>> WORDS_SHIFT)
      if (after >= end) break
      record = after
    }
    this.#lastRecord[block] = record << 1
    return record << 1
  }

  #add(point: number, group: number, from: number, to: number): void {
    const at = this.count++
    if (at === this.#keys.length) {
      this.#keys = growFloat64(this.#keys)
      this.#unsortedFrom = growInt32(this.#unsortedFrom)
      this.#unsortedTo = growInt32(this.#unsortedTo)
    }
    this.#keys[at] = (point * 4 + group) * KEY_PLACES + at
    this.#unsortedFrom[at] = from
    this.#unsortedTo[at] = to
  }

  #sort(): void {
    const count = this.count
    const keys = this.#keys
    if (count <= SHORT) {
      for (let k = 1; k < count; k++) {
        const key = keys[k]
        let at = k
        for (; at > 0 && keys[at - 1] > key; at--) keys[at] = keys[at - 1]
        keys[at] = key
      }
    } else keys.subarray(0, count).sort()
    if (this.point.length < count) {
      this.point = growInt32(this.point, count)
      this.group = growInt32(this.group, count)
      this.from = growInt32(this.from, count)
      this.to = growInt32(this.to, count)
    }
    const { point, group, from, to } = this
    for (let k = 0; k < count; k++) {
      const high = Math.floor(keys[k] / KEY_PLACES)
      const at = keys[k] - high * KEY_PLACES
      point[k] = high >> 2
      group[k] = high & 3
      from[k] = this.#unsortedFrom[at]
      to[k] = this.#unsortedTo[at]
    }
  }
}
