// The blocks of one function, and the calls of blocks: branch targets with their arguments.

import { NO_BYTES, NO_ROWS } from './empty.ts'
import type { Block, BlockCall, Value } from './entities.ts'

// Six columns of 4 bytes, one of 1.
const ROW_BYTES = 25

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

  /** Adds a block without parameters; it is not in the layout yet. */
  push(): Block {
    const row = this.length++
    if (row >= this.capacity) this.reserve(Math.max(8, row * 2))
    if (this.number !== null) this.number[row] = this.nextNumber++
    return row as Block
  }

  /** Grows every column. Columns are replaced: read them afresh. */
  reserve(rows: number): void {
    if (rows <= this.capacity) return
    const buffer = new ArrayBuffer(rows * ROW_BYTES)
    const column = (at: number, from: Int32Array): Int32Array => {
      const grown = new Int32Array(buffer, at * rows * 4, rows)
      if (at < 5) grown.fill(-1)
      grown.set(from)
      return grown
    }
    this.firstParam = column(0, this.firstParam)
    this.firstInst = column(1, this.firstInst)
    this.lastInst = column(2, this.lastInst)
    this.nextBlock = column(3, this.nextBlock)
    this.prevBlock = column(4, this.prevBlock)
    this.paramCount = column(5, this.paramCount)
    const cold = new Uint8Array(buffer, 24 * rows, rows)
    cold.set(this.cold)
    this.cold = cold
    if (this.number !== null) {
      const number = new Int32Array(rows)
      number.set(this.number)
      this.number = number
    }
    this.capacity = rows
  }

  /** Adds a block that is printed with that number. Numbers must be unique in a function. */
  pushNumbered(number: number): Block {
    const row = this.length++
    if (row >= this.capacity) this.reserve(Math.max(8, row * 2))
    if (row !== number || this.number !== null) this.#setNumber(row, number)
    return row as Block
  }

  #setNumber(block: number, number: number): void {
    if (this.number === null) {
      this.number = new Int32Array(this.capacity)
      for (let i = 0; i < block; i++) this.number[i] = i
      this.nextNumber = block
    }
    this.number[block] = number
    if (number >= this.nextNumber) this.nextNumber = number + 1
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

  /** Grows every column. Columns are replaced: read them afresh. */
  reserve(rows: number): void {
    if (rows <= this.capacity) return
    const buffer = new ArrayBuffer(rows * 12)
    const column = (at: number, from: Int32Array): Int32Array => {
      const grown = new Int32Array(buffer, at * rows * 4, rows)
      grown.set(from)
      return grown
    }
    this.block = column(0, this.block)
    this.argStart = column(1, this.argStart)
    this.argCount = column(2, this.argCount)
    this.capacity = rows
  }
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
