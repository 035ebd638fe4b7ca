import type { BlockGraph, RegisterEnvironment } from './interface.ts'

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
  movePoint: Int32Array = new Int32Array(64)
  /** MOVE_BLOCK_START, MOVE_SPILL, MOVE_SPLIT or MOVE_JUMP. */
  moveGroup: Int32Array = new Int32Array(64)
  /** Locations: registers 0..31 or LOCATION_SLOT + n. */
  moveFrom: Int32Array = new Int32Array(64)
  moveTo: Int32Array = new Int32Array(64)

  /** Starts a function. All three are kept until `allocate` has returned; the graph must be complete. */
  begin(_environment: RegisterEnvironment, _graph: BlockGraph, _code: Int32Array): void {
    throw new Error('not written yet')
  }

  /** A new virtual register of class 0 or 1; they are numbered from 0. */
  newVreg(_cls: 0 | 1): number {
    throw new Error('not written yet')
  }

  /** Starts a block; blocks come from the last to the first. `endPoint` is the point just past its last record. */
  enterBlock(_block: number, _endPoint: number): void {}

  /**
   * One operand of the record at `point`, after all records behind it: first all results, then the inputs.
   *
   * @param wordIndex - where the operand stands in `code`; the location will be written there.
   * @param word - the operand word.
   */
  operand(_wordIndex: number, _word: number, _point: number): void {}

  /** Nothing may be in the registers of `mask` from point+1 up to point+2: calls, divides, registers of fixed inputs. */
  clobber(_point: number, _mask: number): void {}

  /** Two virtual registers that would like the same place: a jump's argument `a` and the parameter `b` it becomes. */
  hint(_a: number, _b: number): void {}

  /** Ends a block. `startPoint` is the point of its first record. */
  leaveBlock(_block: number, _startPoint: number): void {}

  /**
   * Allocates: overwrites the low 20 bits of every operand word with its location and sets the results.
   *
   * @throws AllocationError if the function cannot be allocated as it was given.
   */
  allocate(): void {
    throw new Error('not written yet')
  }
}
