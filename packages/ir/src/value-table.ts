// The values of one function. A value is the result of an instruction, the parameter of a block, or an alias.
//
// The text may number values as it likes; ids are dense. Where the two differ, `number` keeps the text's number.

import { Columns, columnBytes } from './columns.ts'
import { NO_ROWS, NO_TYPES } from './empty.ts'
import { type Block, type Inst, NO_BLOCK, NO_INST, type Value } from './entities.ts'
import type { Type } from './types.ts'

/** Neither a result nor a parameter: an alias, or a value whose definition was removed. */
export const UNDEFINED_VALUE = -1
const FIRST_PARAM = -2

/** The values of one function. Row i of every column is value i; rows never move. */
export class ValueTable {
  length = 0
  capacity = 0
  type: Uint16Array = NO_TYPES
  /** Instruction id for a result, -2 - block for a parameter, -1 for neither. */
  definition: Int32Array = NO_ROWS
  /** The value an alias stands for, -1 for others; null while the function has no alias. */
  aliasOf: Int32Array | null = null
  /** The number a value is printed with; null while that is its id for every value. */
  number: Uint32Array | null = null
  /** One more than the largest number in use, once `number` exists. */
  nextNumber = 0

  constructor(capacity = 0) {
    if (capacity > 0) this.reserve(capacity)
  }

  /** Adds a value; `definition` is encoded as in the column. */
  push(type: Type, definition: number): Value {
    const row = this.length++
    if (row >= this.capacity) this.reserve(Math.max(32, row * 2))
    this.type[row] = type
    this.definition[row] = definition
    if (this.number !== null) this.#setNumber(row, this.#freshNumber())
    return row as Value
  }

  /** Bytes that the columns of so many rows take. */
  static bytes(rows: number): number {
    return columnBytes(rows, 4) + columnBytes(rows, 2)
  }

  /** Grows every column. Columns are replaced: read them afresh. */
  reserve(rows: number): void {
    if (rows <= this.capacity) return
    this.#take(this, new Columns(ValueTable.bytes(rows)), rows, this.capacity)
    if (this.aliasOf !== null) this.aliasOf = grownAliases(this.aliasOf, rows)
    if (this.number !== null) this.number = grownNumbers(this.number, rows)
  }

  /** A table of the same values, its columns in the given memory; it has no room for more unless that is asked for. */
  compact(columns: Columns, rows: number = this.length): ValueTable {
    const table = new ValueTable()
    const { length } = this
    table.length = length
    table.nextNumber = this.nextNumber
    table.#take(this, columns, rows, length)
    if (this.aliasOf !== null) table.aliasOf = grownAliases(this.aliasOf.subarray(0, length), length)
    if (this.number !== null) table.number = this.number.slice(0, length)
    return table
  }

  /** Removes every value and keeps the room. */
  clear(): void {
    this.length = 0
    this.aliasOf = null
    this.number = null
    this.nextNumber = 0
  }

  /** Makes `alias` stand for `target` wherever it is used. A cycle is refused by an assertion of the caller. */
  setAlias(alias: Value, target: Value): void {
    // Room for the values there are, not for the capacity: that may be a far larger function's.
    if (this.aliasOf === null) this.aliasOf = grownAliases(NO_ROWS, roomFor(this.length))
    else if (alias >= this.aliasOf.length) this.aliasOf = grownAliases(this.aliasOf, roomFor(this.length))
    this.aliasOf[alias] = target
    this.definition[alias] = UNDEFINED_VALUE
    this.type[alias] = this.type[target]
  }

  /** Adds a value that is printed with that number. Numbers must be unique in a function. */
  pushNumbered(type: Type, definition: number, number: number): Value {
    const row = this.length++
    if (row >= this.capacity) this.reserve(Math.max(32, row * 2))
    this.type[row] = type
    this.definition[row] = definition
    if (row !== number || this.number !== null) this.#setNumber(row, number)
    return row as Value
  }

  #setNumber(value: number, number: number): void {
    if (this.number === null) {
      this.number = new Uint32Array(roomFor(value + 1))
      for (let i = 0; i < value; i++) this.number[i] = i
      this.nextNumber = value
    } else if (value >= this.number.length) this.number = grownNumbers(this.number, roomFor(value + 1))
    this.number[value] = number
    if (number >= this.nextNumber) this.nextNumber = number + 1
  }

  /** Columns of so many rows, which begin with those of a table; `length` of its rows count. */
  #take(from: ValueTable, columns: Columns, rows: number, length: number): void {
    this.capacity = rows
    this.definition = columns.int32(rows, from.definition, length)
    this.type = columns.uint16(rows, from.type, length)
  }

  /** A number that no value has. The text may use the largest there is; then the first gap is taken. */
  #freshNumber(): number {
    if (this.nextNumber < 0xffffffff) return this.nextNumber
    const used = new Set(this.number?.subarray(0, this.length - 1))
    let number = this.length
    while (used.has(number)) number++
    return number
  }

  /** The number that a value is printed with. */
  numberOf(value: Value): number {
    return this.number === null || value >= this.length ? value : this.number[value]
  }

  /** Whether the value is the parameter of a block. */
  isParam(value: Value): boolean {
    return this.definition[value] <= FIRST_PARAM
  }

  /** The instruction that a value is a result of; -1 for others. */
  definingInst(value: Value): Inst {
    const definition = this.definition[value]
    return definition >= 0 ? (definition as Inst) : NO_INST
  }

  /** The block that a value is a parameter of; -1 for others. */
  paramBlock(value: Value): Block {
    const definition = this.definition[value]
    return definition <= FIRST_PARAM ? ((FIRST_PARAM - definition) as Block) : NO_BLOCK
  }
}

/** Rows to make room for when there are so many. */
function roomFor(rows: number): number {
  return Math.max(32, rows + (rows >> 1))
}

function grownAliases(from: Int32Array, rows: number): Int32Array {
  const column = new Int32Array(Math.max(rows, from.length))
  column.set(from)
  return column.fill(-1, from.length)
}

function grownNumbers(from: Uint32Array, rows: number): Uint32Array {
  const column = new Uint32Array(Math.max(rows, from.length))
  column.set(from)
  return column
}

/** The entry of the `definition` column for the parameter of a block. */
export function paramDefinition(block: Block): number {
  return FIRST_PARAM - block
}
