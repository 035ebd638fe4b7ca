// The memory that a builder works in. It is as large as the largest function so far, and one builder after another uses
// it: most of the time to build a small function would else go into making and growing columns.

import { Function as IrFunction } from '../function.ts'
import { FunctionTables, KEPT_INSTRUCTIONS } from '../function-tables.ts'
import { SsaConstruction } from './ssa-construction.ts'

/** Stands where no function is being built; nothing is ever written to it. */
export const NOTHING: IrFunction = new IrFunction({ kind: 'testcase', name: '' }, undefined, 0)

/** What a builder works with until its function is finished. */
export class Workbench {
  readonly tables: FunctionTables = new FunctionTables(256)
  readonly ssa: SsaConstruction = new SsaConstruction(NOTHING)
  /** By instruction of the draft: the block it is in. */
  instBlock: Int32Array = new Int32Array(256)
}

/** What a finished builder has: it is never written to. */
export const NO_WORKBENCH: Workbench = new Workbench()

let spare: Workbench | null = null

/** A workbench that nobody else uses. */
export function takeWorkbench(): Workbench {
  const bench = spare ?? new Workbench()
  spare = null
  return bench
}

/** Gives a workbench back. Whoever had it must not touch it again. */
export function returnWorkbench(bench: Workbench): void {
  if (bench.tables.insts.capacity <= KEPT_INSTRUCTIONS) spare = bench
}
