// The instructions of one function, as columns.
//
// An instruction has five words for its operands; what each holds depends on the format, and format.ts lists it. No
// format needs all that there is, so words have several names: a call keeps its arguments where an addition has its
// operands. Read a column only where the opcode or its format says that the instruction has one.

import { Columns, columnBytes } from './columns.ts'
import { NO_BYTES, NO_ROWS, NO_TYPES } from './empty.ts'
import { type Inst, NO_SOURCE_LOCATION } from './entities.ts'
import type { Opcode } from './opcode.ts'
import type { Type } from './types.ts'

const FIRST_CAPACITY = 32

/** The instructions of one function. Row i of every column is instruction i; rows never move. */
export class InstTable {
  length = 0
  capacity = 0
  /** {@link Opcode}. */
  opcode: Uint8Array = NO_BYTES
  /** The controlling type, 0 when the opcode has none. */
  ctrlType: Uint16Array = NO_TYPES
  /** Fixed value operands, aliases resolved; -1 where the format has fewer and keeps nothing else there. */
  arg0: Int32Array = NO_ROWS
  arg1: Int32Array = NO_ROWS
  arg2: Int32Array = NO_ROWS
  /** The variable value operands are `func.valueLists[listStart .. listStart + listLength)`. The same words as arg1, arg2. */
  listStart: Int32Array = NO_ROWS
  listLength: Int32Array = NO_ROWS
  /** The low half of a 64-bit immediate, an offset, a condition, a trap code, a lane, an exception table: see `format.ts`. */
  imm: Int32Array = NO_ROWS
  /** The high half of a 64-bit immediate, or memory flags. */
  immHigh: Int32Array = NO_ROWS
  /** A reference to a declared entity, or a jump table, constant, mask or block. The same word as immHigh. */
  entity: Int32Array = NO_ROWS
  /** Block calls of a branch. The same words as imm, immHigh. */
  target0: Int32Array = NO_ROWS
  target1: Int32Array = NO_ROWS
  /** Results have consecutive value ids from here; -1 when there is none. */
  firstResult: Int32Array = NO_ROWS
  resultCount: Uint16Array = NO_TYPES
  /** The producer's source locations; null while no instruction has one. See {@link locationOf}. */
  sourceLocation: Int32Array | null = null

  /** @param capacity - rows to make room for; the table grows as needed. */
  constructor(capacity: number = FIRST_CAPACITY) {
    if (capacity > 0) this.reserve(capacity)
  }

  /** Bytes that the columns of so many rows take. */
  static bytes(rows: number): number {
    return 6 * columnBytes(rows, 4) + 2 * columnBytes(rows, 2) + columnBytes(rows, 1)
  }

  /** Adds an instruction without operands or results; the caller fills its columns. It is not in the layout yet. */
  push(opcode: Opcode, ctrlType: Type = 0): Inst {
    return this.add(opcode, ctrlType, -1, -1, -1, -1, 0)
  }

  /** As {@link push}, with operands and results. */
  add(
    opcode: Opcode,
    ctrlType: Type,
    arg0: number,
    arg1: number,
    arg2: number,
    firstResult: number,
    resultCount: number,
  ): Inst {
    const row = this.length++
    if (row >= this.capacity) this.reserve(Math.max(FIRST_CAPACITY, row * 2))
    this.opcode[row] = opcode
    this.ctrlType[row] = ctrlType
    this.arg0[row] = arg0
    this.arg1[row] = arg1
    this.arg2[row] = arg2
    this.imm[row] = 0
    this.immHigh[row] = 0
    this.firstResult[row] = firstResult
    this.resultCount[row] = resultCount
    return row as Inst
  }

  /** Grows every column to at least that many rows. Columns are replaced: read them afresh. */
  reserve(rows: number): void {
    if (rows <= this.capacity) return
    this.#take(this, new Columns(InstTable.bytes(rows)), rows, this.capacity)
    if (this.sourceLocation !== null) this.sourceLocation = locations(this.sourceLocation, rows)
  }

  /** A table of the same instructions without room for more, its columns in the given memory. */
  compact(columns: Columns): InstTable {
    const table = new InstTable(0)
    table.length = this.length
    table.#take(this, columns, this.length, this.length)
    if (this.sourceLocation !== null) table.sourceLocation = this.sourceLocation.slice(0, this.length)
    return table
  }

  /** Removes every instruction and keeps the room. */
  clear(): void {
    this.length = 0
    this.sourceLocation = null
  }

  /** The producer's source location of an instruction; -1 for none. */
  locationOf(inst: Inst): number {
    return this.sourceLocation === null ? NO_SOURCE_LOCATION : this.sourceLocation[inst]
  }

  /** Says where the producer had an instruction from; -1 for nowhere. */
  setLocation(inst: Inst, location: number): void {
    if (this.sourceLocation === null) {
      if (location === NO_SOURCE_LOCATION) return
      this.sourceLocation = locations(NO_ROWS, this.capacity)
    }
    this.sourceLocation[inst] = location
  }

  /** Makes an instruction operand-less before another opcode's operands are written; results and place stay. */
  clearOperands(inst: Inst): void {
    this.arg0[inst] = this.arg1[inst] = this.arg2[inst] = -1
    this.imm[inst] = this.immHigh[inst] = 0
  }

  /** Columns of so many rows, which begin with those of a table; `length` of its rows count. */
  #take(from: InstTable, columns: Columns, rows: number, length: number): void {
    this.capacity = rows
    this.arg0 = columns.int32(rows, from.arg0, length)
    this.arg1 = columns.int32(rows, from.arg1, length)
    this.arg2 = columns.int32(rows, from.arg2, length)
    this.imm = columns.int32(rows, from.imm, length)
    this.immHigh = columns.int32(rows, from.immHigh, length)
    this.firstResult = columns.int32(rows, from.firstResult, length)
    this.ctrlType = columns.uint16(rows, from.ctrlType, length)
    this.resultCount = columns.uint16(rows, from.resultCount, length)
    this.opcode = columns.uint8(rows, from.opcode, length)
    this.listStart = this.arg1
    this.listLength = this.arg2
    this.target0 = this.imm
    this.target1 = this.immHigh
    this.entity = this.immHigh
  }
}

function locations(from: Int32Array, rows: number): Int32Array {
  const column = new Int32Array(rows).fill(NO_SOURCE_LOCATION)
  column.set(from)
  return column
}
