// The instructions of one function, as columns. What a column means for an opcode is written in format.ts.
//
// All columns of one table are views of one buffer: a small function then costs one allocation where fifteen typed
// arrays would cost fifteen, which is most of the time to parse ten instructions.

import type { Inst } from './entities.ts'
import type { Opcode } from './opcode.ts'
import type { Type } from './types.ts'

const FIRST_CAPACITY = 32
// Thirteen columns of 4 bytes, two of 2, one of 1.
const ROW_BYTES = 13 * 4 + 2 * 2 + 1

/** The instructions of one function. Row i of every column is instruction i; rows never move. */
export class InstTable {
  length = 0
  capacity: number = FIRST_CAPACITY
  /** {@link Opcode}. */
  opcode: Uint8Array
  /** The controlling type, 0 when the opcode has none. */
  ctrlType: Uint16Array
  /** Fixed value operands, aliases resolved; -1 where the format has none. */
  arg0: Int32Array
  arg1: Int32Array
  arg2: Int32Array
  /** The low half of a 64-bit immediate, an offset, a condition, a trap code, a lane: see `format.ts`. */
  imm: Int32Array
  /** The high half of a 64-bit immediate, or memory flags. */
  immHigh: Int32Array
  /** A reference to a declared entity, or a jump table, constant, mask or block; -1 for none. */
  entity: Int32Array
  /** Block calls; -1 for none. */
  target0: Int32Array
  target1: Int32Array
  /** The variable value operands are `func.valueLists[listStart .. listStart + listLength)`. */
  listStart: Int32Array
  listLength: Int32Array
  /** Results have consecutive value ids from here; -1 when there is none. */
  firstResult: Int32Array
  resultCount: Uint16Array
  /** The producer's source location; -1 for none. */
  sourceLocation: Int32Array

  /** @param capacity - rows to make room for; the table grows as needed. */
  constructor(capacity: number = FIRST_CAPACITY) {
    const rows = Math.max(8, (capacity + 7) & ~7)
    const buffer = new ArrayBuffer(rows * ROW_BYTES)
    this.capacity = rows
    this.arg0 = new Int32Array(buffer, 0, rows)
    this.arg1 = new Int32Array(buffer, rows * 4, rows)
    this.arg2 = new Int32Array(buffer, rows * 8, rows)
    this.entity = new Int32Array(buffer, rows * 12, rows)
    this.target0 = new Int32Array(buffer, rows * 16, rows)
    this.target1 = new Int32Array(buffer, rows * 20, rows)
    this.firstResult = new Int32Array(buffer, rows * 24, rows)
    this.sourceLocation = new Int32Array(buffer, rows * 28, rows)
    this.imm = new Int32Array(buffer, rows * 32, rows)
    this.immHigh = new Int32Array(buffer, rows * 36, rows)
    this.listStart = new Int32Array(buffer, rows * 40, rows)
    this.listLength = new Int32Array(buffer, rows * 44, rows)
    // One spare column of 4 bytes keeps the narrow columns aligned whatever the rows are.
    this.ctrlType = new Uint16Array(buffer, rows * 48, rows)
    this.resultCount = new Uint16Array(buffer, rows * 50, rows)
    this.opcode = new Uint8Array(buffer, rows * 52, rows)
    // The eight columns whose "none" is -1 lie together.
    new Int32Array(buffer, 0, rows * 8).fill(-1)
  }

  /** Adds an instruction without operands or results; the caller fills its columns. It is not in the layout yet. */
  push(opcode: Opcode, ctrlType: Type = 0): Inst {
    const row = this.length++
    if (row === this.capacity) this.reserve(row * 2)
    this.opcode[row] = opcode
    this.ctrlType[row] = ctrlType
    return row as Inst
  }

  /** Grows every column to at least that many rows. Columns are replaced: read them afresh. */
  reserve(rows: number): void {
    if (rows <= this.capacity) return
    const grown = new InstTable(rows)
    grown.opcode.set(this.opcode)
    grown.ctrlType.set(this.ctrlType)
    grown.arg0.set(this.arg0)
    grown.arg1.set(this.arg1)
    grown.arg2.set(this.arg2)
    grown.imm.set(this.imm)
    grown.immHigh.set(this.immHigh)
    grown.entity.set(this.entity)
    grown.target0.set(this.target0)
    grown.target1.set(this.target1)
    grown.listStart.set(this.listStart)
    grown.listLength.set(this.listLength)
    grown.firstResult.set(this.firstResult)
    grown.resultCount.set(this.resultCount)
    grown.sourceLocation.set(this.sourceLocation)
    const { length } = this
    Object.assign(this, grown)
    this.length = length
  }

  /** Makes an instruction operand-less before another opcode's operands are written; results and place stay. */
  clearOperands(inst: Inst): void {
    this.arg0[inst] = this.arg1[inst] = this.arg2[inst] = -1
    this.entity[inst] = this.target0[inst] = this.target1[inst] = -1
    this.imm[inst] = this.immHigh[inst] = 0
    this.listStart[inst] = this.listLength[inst] = 0
  }
}
