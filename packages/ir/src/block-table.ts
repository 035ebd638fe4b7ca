// The blocks of one function, and the calls of blocks: branch targets with their arguments.

import { Columns, columnBytes } from './columns.ts'
import { NO_BYTES, NO_ROWS } from './empty.ts'
import type { Block, BlockCall, Value } from './entities.ts'

/** The blocks of one function. Row i of every column is block i; rows never move. Order is the layout's matter. */
export class BlockTable {
  length = 0
  capacity = 0
  /** Parameters have consecutive value ids from here; -1 when there is none. */
  firstParam: Int32Array = NO_ROWS
  paramCount: Int32Array = NO_ROWS
  /** First and last instruction in the layout; -1 for none. */
  firstInst: Int32Array = NO_ROWS
  lastInst: Int32Array = NO_ROWS
  /** Neighbours in the layout; -1 for none. */
  nextBlock: Int32Array = NO_ROWS
  prevBlock: Int32Array = NO_ROWS
  /** 1 when the block is marked as unlikely to run. */
  cold: Uint8Array = NO_BYTES
  /** The number a block is printed with; null while that is its id for every block. */
  number: Int32Array | null = null
  /** One more than the largest number in use, once `number` exists. */
  nextNumber = 0

  /** Bytes that the columns of so many rows take. */
  static bytes(rows: number): number {
    return 6 * columnBytes(rows, 4) + columnBytes(rows, 1)
  }

  /** Adds a block without parameters; it is not in the layout yet. */
  push(): Block {
    const row = this.#push()
    if (this.number !== null) this.#setNumber(row, this.nextNumber)
    return row as Block
  }

  /** Adds a block that is printed with that number. Numbers must be unique in a function. */
  pushNumbered(number: number): Block {
    const row = this.#push()
    if (row !== number || this.number !== null) this.#setNumber(row, number)
    return row as Block
  }

  #push(): number {
    const row = this.length++
    if (row >= this.capacity) this.reserve(Math.max(8, row * 2))
    this.firstParam[row] = -1
    this.paramCount[row] = 0
    this.firstInst[row] = -1
    this.lastInst[row] = -1
    this.nextBlock[row] = -1
    this.prevBlock[row] = -1
    this.cold[row] = 0
    return row
  }

  /** Grows every column. Columns are replaced: read them afresh. */
  reserve(rows: number): void {
    if (rows > this.capacity) this.#take(this, new Columns(BlockTable.bytes(rows)), rows, this.capacity)
  }

  /** A table of the same blocks, its columns in the given memory; it has no room for more unless that is asked for. */
  compact(columns: Columns, rows: number = this.length): BlockTable {
    const table = new BlockTable()
    table.length = this.length
    table.nextNumber = this.nextNumber
    table.#take(this, columns, rows, this.length)
    if (this.number !== null) table.number = this.number.slice(0, this.length)
    return table
  }

  /** Removes every block and keeps the room. */
  clear(): void {
    this.length = 0
    this.number = null
    this.nextNumber = 0
  }

  #setNumber(block: number, number: number): void {
    if (this.number === null) {
      this.number = new Int32Array(roomFor(block + 1))
      for (let i = 0; i < block; i++) this.number[i] = i
      this.nextNumber = block
    } else if (block >= this.number.length) {
      const grown = new Int32Array(roomFor(block + 1))
      grown.set(this.number)
      this.number = grown
    }
    this.number[block] = number
    if (number >= this.nextNumber) this.nextNumber = number + 1
  }

  /** Columns of so many rows, which begin with those of a table; `length` of its rows count. */
  #take(from: BlockTable, columns: Columns, rows: number, length: number): void {
    this.capacity = rows
    this.firstParam = columns.int32(rows, from.firstParam, length)
    this.paramCount = columns.int32(rows, from.paramCount, length)
    this.firstInst = columns.int32(rows, from.firstInst, length)
    this.lastInst = columns.int32(rows, from.lastInst, length)
    this.nextBlock = columns.int32(rows, from.nextBlock, length)
    this.prevBlock = columns.int32(rows, from.prevBlock, length)
    this.cold = columns.uint8(rows, from.cold, length)
  }

  /** The number that a block is printed with. */
  numberOf(block: Block): number {
    return this.number === null || block >= this.length ? block : this.number[block]
  }

  /** Parameter `index` of a block. */
  param(block: Block, index: number): Value {
    return (this.firstParam[block] + index) as Value
  }
}

/** The block calls of one function: row i of every column is block call i. */
export class BlockCallTable {
  length = 0
  capacity = 0
  block: Int32Array = NO_ROWS
  /** The arguments are `func.blockArgs[argStart .. argStart + argCount)`. */
  argStart: Int32Array = NO_ROWS
  argCount: Int32Array = NO_ROWS

  push(block: Block, argStart: number, argCount: number): BlockCall {
    const row = this.length++
    if (row >= this.capacity) this.reserve(Math.max(8, row * 2))
    this.block[row] = block
    this.argStart[row] = argStart
    this.argCount[row] = argCount
    return row as BlockCall
  }

  /** Bytes that the columns of so many rows take. */
  static bytes(rows: number): number {
    return 3 * columnBytes(rows, 4)
  }

  /** Grows every column. Columns are replaced: read them afresh. */
  reserve(rows: number): void {
    if (rows > this.capacity) this.#take(this, new Columns(BlockCallTable.bytes(rows)), rows, this.capacity)
  }

  /** A table of the same calls without room for more, its columns in the given memory. */
  compact(columns: Columns): BlockCallTable {
    const table = new BlockCallTable()
    table.length = this.length
    table.#take(this, columns, this.length, this.length)
    return table
  }

  /** Removes every call and keeps the room. */
  clear(): void {
    this.length = 0
  }

  /** Columns of so many rows, which begin with those of a table; `length` of its rows count. */
  #take(from: BlockCallTable, columns: Columns, rows: number, length: number): void {
    this.capacity = rows
    this.block = columns.int32(rows, from.block, length)
    this.argStart = columns.int32(rows, from.argStart, length)
    this.argCount = columns.int32(rows, from.argCount, length)
  }
}

/** Rows to make room for when there are so many. */
function roomFor(rows: number): number {
  return Math.max(8, rows + (rows >> 1))
}

// An entry of func.blockArgs: a value when not negative, else, in the targets of try_call only,
//   -2 - 2 * n   result n of the callee (`retN`)
//   -3 - 2 * n   payload word n of the exception (`exnN`)

/** The entry that stands for result n of the callee. */
export function returnArgument(n: number): number {
  return -2 - 2 * n
}

/** The entry that stands for payload word n of the exception. */
export function exceptionArgument(n: number): number {
  return -3 - 2 * n
}

/** Whether an entry is `exnN`; entries that are neither this nor a value are `retN`. */
export function isExceptionArgument(entry: number): boolean {
  return entry < -2 && (entry & 1) !== 0
}

/** The n of an entry that is `retN` or `exnN`. */
export function argumentNumber(entry: number): number {
  return (-2 - entry) >> 1
}
