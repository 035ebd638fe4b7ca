// The face of the allocator: a context that is used for one function after the other. Its buffers are kept.

import { BlockIndex } from './block-index.ts'
import type { AllocationOutput } from './checker.ts'
import { Clobbers } from './clobbers.ts'
import { AllocationError } from './errors.ts'
import { type BlockGraph, LOCATION_SLOT, OPERAND_VREG_MASK, type RegisterEnvironment } from './interface.ts'
import { LinearScan } from './linear-scan.ts'
import { LiveRanges } from './live-ranges.ts'
import { Moves } from './moves.ts'
import { Pieces } from './pieces.ts'
import { Slots } from './slots.ts'
import * as tables from './tables.ts'

const KEEP: number = ~OPERAND_VREG_MASK
const IN_SLOT = LOCATION_SLOT
const ROW = tables.INTERVAL_SHIFT
const FIRST_USE = tables.FIRST_USE
const USES_END = tables.USES_END
const LOCATION = tables.LOCATION
const ROOT = tables.ROOT
const SLOT = tables.SLOT
const WORD = tables.WORD
const NEXT_USE = tables.NEXT_USE
const WORD_SHIFT = tables.USE_WORD_SHIFT

/**
 * A reusable context. One function at a time: `begin`, then backwards over the blocks `enterBlock`, the operands and
 * clobbers of each record from last to first, `leaveBlock`; then `allocate`. Results stand until the next `begin`.
 */
export class Allocator {
  /** Registers given to values, and registers named in clobbers; bit r is register r (a signed 32-bit mask). */
  usedRegisters = 0
  /** Slots of 8 bytes. */
  slotCount = 0
  moveCount = 0
  /** Moves, sorted by (point, group); those of one point and group are one parallel move, done BEFORE the record there. */
  movePoint: Int32Array = new Int32Array(0)
  /** MOVE_BLOCK_START, MOVE_SPILL, MOVE_SPLIT or MOVE_JUMP. */
  moveGroup: Int32Array = new Int32Array(0)
  /** Locations: registers 0..31 or LOCATION_SLOT + n. */
  moveFrom: Int32Array = new Int32Array(0)
  moveTo: Int32Array = new Int32Array(0)

  readonly #live: LiveRanges = new LiveRanges()
  readonly #clobbers: Clobbers = new Clobbers()
  readonly #pieces: Pieces = new Pieces(this.#live)
  readonly #blocks: BlockIndex = new BlockIndex(this.#live)
  readonly #scan: LinearScan = new LinearScan(this.#live, this.#blocks, this.#pieces, this.#clobbers)
  readonly #slots: Slots = new Slots()
  readonly #moves: Moves = new Moves(this.#live, this.#blocks, this.#pieces)
  #environment: RegisterEnvironment = { order: [new Int32Array(0), new Int32Array(0)], calleeSaved: 0 }
  #graph: BlockGraph = { count: 0, successorStart: new Int32Array(1), successors: new Int32Array(0) }

  /** Starts a function. All three are kept until `allocate` has returned; the graph must be complete. */
  begin(environment: RegisterEnvironment, graph: BlockGraph, code: Int32Array): void {
    this.#environment = environment
    this.#graph = graph
    this.#live.begin(graph, code)
    this.#clobbers.reset()
  }

  /**
   * A new virtual register of class 0 or 1; they are numbered from 0.
   *
   * @throws AllocationError if there are more than an operand word can name.
   */
  newVreg(cls: 0 | 1): number {
    return this.#live.newVreg(cls)
  }

  /** How many loops hold the block, from `begin` on. */
  loopDepth(block: number): number {
    return this.#live.flow.depth[block]
  }

  /** Starts a block; blocks come from the last to the first. `endPoint` is the point just past its last record. */
  enterBlock(block: number, endPoint: number): void {
    this.#live.enterBlock(block, endPoint)
  }

  /**
   * One operand of the record at `point`, after all records behind it: first all results, then the inputs.
   *
   * @param wordIndex - where the operand stands in `code`; the location will be written there.
   * @param word - the operand word.
   */
  operand(wordIndex: number, word: number, point: number): void {
    this.#live.operand(wordIndex, word, point)
  }

  /** Nothing may be in the registers of `mask` from point+1 up to point+2: calls, divides, registers of fixed inputs. */
  clobber(point: number, mask: number): void {
    this.#clobbers.add(point, mask)
  }

  /** Two virtual registers that would like the same place: a jump's argument `a` and the parameter `b` it becomes. */
  hint(a: number, b: number): void {
    this.#live.hint(a, b)
  }

  /** Ends a block. `startPoint` is the point of its first record. */
  leaveBlock(block: number, startPoint: number): void {
    this.#live.leaveBlock(block, startPoint)
  }

  /**
   * Allocates: overwrites the low 20 bits of every operand word with its location and sets the results.
   *
   * @throws AllocationError if the function cannot be allocated as it was given.
   */
  allocate(): void {
    const live = this.#live
    const undefinedVreg = live.undefinedVreg()
    if (undefinedVreg >= 0) throw new AllocationError({ code: 'undefined', vreg: undefinedVreg })
    this.#blocks.build()
    this.#clobbers.finish()
    this.#scan.run(this.#environment)
    this.#slots.reset()
    if (this.#scan.spilledCount > 0) this.#slots.assign(live)
    this.#moves.collect(this.#graph)
    this.#writeLocations()

    this.usedRegisters = this.#scan.usedRegisters | this.#clobbers.union
    this.slotCount = this.#slots.count
    this.moveCount = this.#moves.count
    this.movePoint = this.#moves.point
    this.moveGroup = this.#moves.group
    this.moveFrom = this.#moves.from
    this.moveTo = this.#moves.to
  }

  /** A copy of the results, with the words that were allocated, as the checker takes them. */
  results(code: Int32Array): AllocationOutput {
    const { usedRegisters, slotCount, moveCount } = this
    return {
      code: code.slice(),
      usedRegisters,
      slotCount,
      moveCount,
      movePoint: this.movePoint.slice(0, moveCount),
      moveGroup: this.moveGroup.slice(0, moveCount),
      moveFrom: this.moveFrom.slice(0, moveCount),
      moveTo: this.moveTo.slice(0, moveCount),
    }
  }

  /** Each use knows its operand word, so that no word has to be looked at. */
  #writeLocations(): void {
    const { code, intervals, uses, intervalCount } = this.#live
    for (let row = 0, end = intervalCount << ROW; row < end; row += 1 << ROW) {
      let place = intervals[row + LOCATION]
      if (place >= IN_SLOT) place = intervals[(intervals[row + ROOT] << ROW) + SLOT]
      const usesEnd = intervals[row + USES_END]
      for (let use = intervals[row + FIRST_USE]; use !== usesEnd; use = uses[use + NEXT_USE]) {
        const word = uses[use + WORD] >>> WORD_SHIFT
        code[word] = (code[word] & KEEP) | place
      }
    }
  }
}
