// The function in the making, and where in it the builder is: which blocks may be branched to, which values may be used
// here. What is wrong fails in words, and nothing is added.

import { controlFlowGraph } from '../cfg.ts'
import { dominatorTree } from '../dominators.ts'
import { type Block, type BlockCall, type Inst, NO_BLOCK, type Value } from '../entities.ts'
import { IrBuildError } from '../errors.ts'
import type { ExternalName } from '../externals.ts'
import { Function as IrFunction } from '../function.ts'
import { OPCODE_NAMES, type Opcode } from '../opcode.ts'
import type { Signature } from '../signature.ts'
import { printBlock } from '../text/index.ts'
import type { Type } from '../types.ts'
import { paramDefinition } from '../value-table.ts'
import { type Finished, finishDraft } from './finish.ts'
import { grownColumn } from './grown-column.ts'
import { forEachOperand } from './operands.ts'
import { signatureFault } from './rules.ts'
import type { SsaConstruction } from './ssa-construction.ts'
import { NO_WORKBENCH, NOTHING, returnWorkbench, takeWorkbench, type Workbench } from './workbench.ts'

/** A function until it is finished. */
export class Draft {
  /** The function in the making: ids in it are the caller's, not yet those of the finished function. */
  protected draft: IrFunction
  protected ssa: SsaConstruction
  protected bench: Workbench
  protected block: Block = NO_BLOCK
  /** Whether there is a current block, and it has no terminator yet. */
  protected open = false
  /** The first instruction that was added since the current block was entered: from it on, all are in this block. */
  protected firstHere = 0
  #finished = false

  /** The type of addresses; 0 when nobody said. */
  protected readonly pointerType: Type

  constructor(name: ExternalName, signature: Signature, pointerType: Type) {
    this.pointerType = pointerType
    this.refuse(signatureFault(signature))
    this.bench = takeWorkbench()
    this.draft = new IrFunction(name, signature, this.bench.tables)
    this.ssa = this.bench.ssa
    this.ssa.begin(this.draft)
  }

  /** The block that instructions are added to. */
  get currentBlock(): Block {
    return this.block
  }

  /** Whether the current block has its terminator. */
  isFilled(): boolean {
    return this.block !== NO_BLOCK && !this.open
  }

  /** The type of a value. */
  typeOf(value: Value): Type {
    this.checkOpen()
    if (!this.#exists(value)) this.failValue(value, 'typeOf')
    return this.draft.values.type[value]
  }

  protected enter(block: Block): void {
    this.block = block
    this.open = true
    this.firstHere = this.draft.insts.length
    this.ssa.enter(block)
  }

  /** Ends the work on the draft. Its memory is another builder's from here on. */
  protected close(): Finished {
    const finished = finishDraft(this.draft, this.ssa, this.bench.tables)
    returnWorkbench(this.bench)
    this.#finished = true
    this.block = NO_BLOCK
    this.open = false
    this.draft = NOTHING
    this.bench = NO_WORKBENCH
    this.ssa = NO_WORKBENCH.ssa
    return finished
  }

  /** @throws IrBuildError when the function is finished. */
  protected checkOpen(): void {
    if (this.#finished) throw new IrBuildError({ code: 'state', reason: 'the function is finished' })
  }

  /** The value must exist, and be defined on every way to here. */
  protected checkValue(value: Value, user: string): void {
    if (!this.isUsable(value)) this.failValue(value, user)
  }

  #exists(value: number): boolean {
    return (value | 0) === value && value >= 0 && value < this.draft.values.length
  }

  /** Whether a value exists and is defined on every way to here. */
  protected isUsable(value: number): boolean {
    if (!this.#exists(value)) return false
    const definition = this.draft.values.definition[value]
    if (definition >= this.firstHere) return true
    return this.ssa.dominance.mayDominate(this.BLOCKOF(definition), this.block)
  }

  BLOCKOF(definition: number): number {
    return definition >= 0 ? this.bench.instBlock[definition] : -2 - definition
  }

  protected failValue(value: Value, user: string): never {
    this.checkOpen()
    if (!this.#exists(value)) {
      throw new IrBuildError({ code: 'unknown-entity', entity: `value ${String(value)}, given to ${user},` })
    }
    if (this.block === NO_BLOCK) {
      throw new IrBuildError({ code: 'state', reason: `${user}: no block to add to; call switchTo first` })
    }
    throw new IrBuildError({ code: 'dominance', reason: this.#undominated(value, user, this.block) })
  }

  #undominated(value: number, user: string, block: number): string {
    const from = printBlock(this.draft, this.BLOCKOF(this.draft.values.definition[value]) as Block)
    const here = printBlock(this.draft, block as Block)
    return `v${value}, given to ${user}, is not defined on every way to ${here}: ${from} does not dominate it`
  }

  /**
   * Looks at every use once more, when a branch came later that took a dominator away from a block.
   *
   * @throws IrBuildError for the first value that is used where it is not defined.
   */
  protected checkDominance(): void {
    if (!this.ssa.dominance.uncertain) return
    const { draft } = this
    const tree = dominatorTree(draft, controlFlowGraph(draft))
    forEachOperand(draft, (value, inst) => {
      const from = this.BLOCKOF(draft.values.definition[value]) as Block
      const block = this.bench.instBlock[inst] as Block
      if (from === block || !tree.isReachable(block) || tree.dominates(from, block)) return
      const reason = this.#undominated(value, OPCODE_NAMES[draft.insts.opcode[inst]], block)
      throw new IrBuildError({ code: 'dominance', reason })
    })
  }

  protected checkBlock(block: Block): void {
    const { length } = this.draft.blocks
    if ((block | 0) === block && block >= 0 && block < length) return
    this.checkOpen()
    throw new IrBuildError({ code: 'unknown-entity', entity: `block ${String(block)}` })
  }

  protected checkEntity(table: readonly unknown[], index: number, name: string): void {
    if (Number.isInteger(index) && index >= 0 && index < table.length) return
    this.checkOpen()
    throw new IrBuildError({ code: 'unknown-entity', entity: `${name} ${String(index)}` })
  }

  /** @throws IrBuildError when there is a fault. */
  protected refuse(reason: string | null): void {
    if (reason !== null) throw new IrBuildError({ code: 'arguments', reason })
  }

  /** The block must exist and be open to more branches. */
  protected checkBranch(block: Block): void {
    this.checkBlock(block)
    if (!this.ssa.mayBranchTo(block)) throw new IrBuildError({ code: 'block', reason: this.ssa.whyNot(block) })
  }

  /** Types of the parameters that the caller has given to a block. */
  protected paramTypes(block: Block): Type[] {
    const { firstParam, paramCount } = this.draft.blocks
    const types: Type[] = []
    for (let i = 0; i < paramCount[block]; i++) types.push(this.draft.values.type[firstParam[block] + i])
    return types
  }

  /** Makes the block call of a target that has been checked. The arguments may hold entries of block-table.ts. */
  protected blockCall(block: Block, args: readonly number[]): BlockCall {
    return this.ssa.addBranch(this.block, block, args)
  }

  /** Notes the block of an instruction. */
  protected setBlock(inst: Inst, block: Block): void {
    const bench = this.bench
    if (inst >= bench.instBlock.length) bench.instBlock = grownColumn(bench.instBlock, inst + 1)
    bench.instBlock[inst] = block
  }

  /** Adds an instruction without checks at the start of a block, behind its operand when it has one. @returns its result. */
  protected prepend(block: Block, opcode: Opcode, controlling: Type, type: Type, arg0 = -1, arg1 = -1): Value {
    const { insts, layout, blocks, values } = this.draft
    const inst = insts.push(opcode, controlling)
    insts.arg0[inst] = arg0
    insts.arg1[inst] = arg1
    this.draft.addResults(inst, [type])
    const first = blocks.firstInst[block]
    if (arg0 >= 0) layout.insertInstAfter(inst, values.definingInst(arg0 as Value))
    else if (first >= 0) layout.insertInstBefore(inst, first as Inst)
    else layout.appendInst(inst, block)
    this.setBlock(inst, block)
    return this.draft.result(inst)
  }

  /** Adds a parameter to a block that nothing branches to yet. */
  protected addParam(block: Block, type: Type): Value {
    const { blocks, values } = this.draft
    const first = blocks.firstParam[block]
    const count = blocks.paramCount[block]
    if (count > 0 && first + count !== values.length) {
      const reason = `the parameters of ${printBlock(this.draft, block)} must be added one after another`
      throw new IrBuildError({ code: 'block', reason })
    }
    if (count === 0) blocks.firstParam[block] = values.length
    blocks.paramCount[block] = count + 1
    return values.push(type, paramDefinition(block))
  }
}
