// The tables of a function that grow with its length.

import { BlockCallTable, BlockTable } from './block-table.ts'
import { type Columns, columnBytes } from './columns.ts'
import { NO_ROWS } from './empty.ts'
import { InstTable } from './inst-table.ts'
import { ValueTable } from './value-table.ts'

/**
 * The tables of one function. Who makes many functions, one after another, writes them all to one set: it is as large as
 * the largest, and each function then gets copies without room to spare ({@link Function.settle}).
 */
export class FunctionTables {
  readonly insts: InstTable
  readonly values: ValueTable
  readonly blocks: BlockTable
  readonly blockCalls: BlockCallTable
  /** The memory of the two pools of the function. */
  valueLists: Int32Array = NO_ROWS
  blockArgs: Int32Array = NO_ROWS

  /** @param instructions - how many to make room for; the tables grow as needed. */
  constructor(instructions: number) {
    this.insts = new InstTable(instructions)
    this.values = new ValueTable(instructions)
    this.blocks = new BlockTable()
    this.blockCalls = new BlockCallTable()
  }

  /** Removes all rows and keeps the room. */
  clear(): void {
    this.insts.clear()
    this.values.clear()
    this.blocks.clear()
    this.blockCalls.clear()
  }
}

/** Larger ones than this many instructions are not kept. */
export const KEPT_INSTRUCTIONS = 0x1_0000

let shared: FunctionTables = new FunctionTables(0)

/**
 * Tables for a function that is read in one go, before anybody else asks for them: every reader uses the same, for most
 * texts are small, and making tables would take longer than reading.
 */
export function sharedTables(): FunctionTables {
  if (shared.insts.capacity === 0 || shared.insts.capacity > KEPT_INSTRUCTIONS) shared = new FunctionTables(256)
  return shared
}

/** Bytes that exact copies of these tables take. */
export function compactBytes(tables: Pick<FunctionTables, 'insts' | 'values' | 'blocks' | 'blockCalls'>): number {
  return (
    InstTable.bytes(tables.insts.length) +
    ValueTable.bytes(tables.values.length) +
    BlockTable.bytes(tables.blocks.length) +
    BlockCallTable.bytes(tables.blockCalls.length)
  )
}

/** An exact copy of a pool; pools that hold nothing take no memory. */
export function compactPool(columns: Columns, pool: Int32Array, length: number): Int32Array {
  return length === 0 ? NO_ROWS : columns.int32(length, pool, length)
}

/** Bytes that {@link compactPool} takes. */
export function poolBytes(length: number): number {
  return columnBytes(length, 4)
}
