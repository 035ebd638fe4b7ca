// Where findings go: one list per run, with the place of what each is about.

import { type Block, type Inst, NO_BLOCK, NO_INST } from '../entities.ts'
import type { Diagnostic } from '../errors.ts'
import type { Function as IrFunction } from '../function.ts'
import { printBlock, printInst } from '../text/index.ts'

/** Collects the findings about one function. */
export class Report {
  readonly diagnostics: Diagnostic[] = []
  /** Whether a run that stops early has come to its end. */
  stopped = false
  readonly #func: IrFunction
  readonly #stopEarly: boolean

  constructor(func: IrFunction, stopEarly: boolean) {
    this.#func = func
    this.#stopEarly = stopEarly
  }

  /** A finding about an instruction. */
  inst(inst: Inst, message: string): void {
    const { source, layout } = this.#func
    const offset = source === null ? -1 : source.instOffset(inst)
    this.#add(`inst${inst}`, message, inst, layout.instBlock[inst] as Block, offset)
  }

  /** A finding about a block. */
  block(block: Block, message: string): void {
    this.#add(printBlock(this.#func, block), message, NO_INST, block, this.#func.source?.blockOffset(block) ?? -1)
  }

  /** A finding about a value, shown at the block that it is a parameter of. */
  value(name: string, block: Block, message: string): void {
    this.#add(name, message, NO_INST, block, this.#func.source?.blockOffset(block) ?? -1)
  }

  /** A finding about a declaration: `gv0`, `region1`, `sig2`, `fn3`. */
  declaration(name: string, message: string): void {
    this.#add(name, message, NO_INST, NO_BLOCK, this.#func.source?.declarationOffset(name) ?? -1)
  }

  /** A finding about the function as a whole. */
  function(message: string): void {
    this.#add('function', message, NO_INST, NO_BLOCK, -1)
  }

  /** After a finding that ends CLIF's own verification. */
  stop(): void {
    if (this.#stopEarly) this.stopped = true
  }

  #add(entity: string, message: string, inst: Inst, block: Block, offset: number): void {
    const { source } = this.#func
    const at = offset >= 0 ? offset : (source?.offset ?? -1)
    const { line, column } = source !== null && at >= 0 ? source.source.place(at) : { line: 0, column: 0 }
    const text = inst >= 0 ? printInst(this.#func, inst).trimEnd() : ''
    this.diagnostics.push({ entity, message, inst, block, text, line, column, file: source?.source.file ?? '' })
  }
}
