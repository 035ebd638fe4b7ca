// What a pass is given beside the function: analyses, made when asked for and thrown away when the flow changes, and
// the table of values that another value has taken the place of.
//
// Replacing a value rewrites no operand. Whoever walks the function rewrites the operands it meets (`rewrite`); blocks
// in dominator order (`order`) meet every definition before its uses, arguments of branches back included, so one walk
// does both. A pass leaves no replaced value in the function and the table empty.

import {
  type Block,
  type ControlFlowGraph,
  controlFlowGraph,
  type DominatorTree,
  dominatorTree,
  type ExternalName,
  type Function,
  type Inst,
  type Opcode,
  type Type,
  type Value,
} from '@framewright/ir'
import { type IncomingCalls, incomingCalls } from './analysis/incoming.ts'
import { findLoops, type Loops } from './analysis/loops.ts'
import { ConstantFolder } from './constant-folding.ts'
import { rewriteOperands } from './operands.ts'

/** Finds the body of a function that is called; null when it is not known. */
export type CalleeLookup = (name: ExternalName) => Function | null

/** Scratch memory for any number of functions, one after another. */
export class PassContext {
  func: Function
  callees: CalleeLookup
  /** By value: what has taken its place; -1. */
  replacement: Int32Array = new Int32Array(256).fill(-1)
  #replaced: Int32Array = new Int32Array(64)
  #replacedCount = 0
  readonly folder: ConstantFolder = new ConstantFolder()
  #graph: ControlFlowGraph | null = null
  #tree: DominatorTree | null = null
  #order: Int32Array | null = null
  #loops: Loops | null = null
  #incoming: IncomingCalls | null = null

  constructor(func: Function, callees: CalleeLookup = () => null) {
    this.func = func
    this.callees = callees
    this.cover()
  }

  /** Turns to another function. */
  bind(func: Function, callees: CalleeLookup): void {
    this.func = func
    this.callees = callees
    this.flowChanged()
    this.cover()
  }

  // --- Analyses -------------------------------------------------------------------------------------------------------

  /** To be called when blocks or edges have come or gone. */
  flowChanged(): void {
    this.#graph = this.#tree = this.#order = this.#loops = this.#incoming = null
  }

  graph(): ControlFlowGraph {
    this.#graph ??= controlFlowGraph(this.func)
    return this.#graph
  }

  tree(): DominatorTree {
    this.#tree ??= dominatorTree(this.func, this.graph())
    return this.#tree
  }

  /** The reachable blocks in a walk of the dominator tree: each after its immediate dominator. */
  order(): Int32Array {
    if (this.#order === null) {
      const { postorder, enter } = this.tree()
      const order = new Int32Array(postorder.length)
      for (let i = 0; i < postorder.length; i++) order[enter[postorder[i]]] = postorder[i]
      this.#order = order
    }
    return this.#order
  }

  loops(): Loops {
    this.#loops ??= findLoops(this.func, this.graph(), this.tree(), this.order())
    return this.#loops
  }

  /** The block calls that lead to each block. */
  incoming(): IncomingCalls {
    this.#incoming ??= incomingCalls(this.func, this.order())
    return this.#incoming
  }

  // --- Replaced values ------------------------------------------------------------------------------------------------

  /** Lets `by` stand for a value. The operands that hold it are rewritten when they are met. */
  replace(value: number, by: number): void {
    if (this.#replacedCount === this.#replaced.length) {
      const grown = new Int32Array(2 * this.#replacedCount)
      grown.set(this.#replaced)
      this.#replaced = grown
    }
    this.replacement[value] = by
    this.#replaced[this.#replacedCount++] = value
  }

  /** Whether some value has been replaced: else nothing need be rewritten. */
  get anyReplaced(): boolean {
    return this.#replacedCount > 0
  }

  /** What stands for a value in the end. */
  find(value: number): number {
    const { replacement } = this
    let v = value
    while (replacement[v] >= 0) v = replacement[v]
    return v
  }

  /** Rewrites the operands of one instruction, arguments of its targets included. */
  rewrite(inst: number): void {
    if (this.#replacedCount > 0) rewriteOperands(this.func, inst, this.replacement)
  }

  /** Rewrites every operand of the function, follows chains of replacements, and empties the table. */
  rewriteAll(): void {
    if (this.#replacedCount > 0) {
      const { func, replacement } = this
      for (let i = 0; i < this.#replacedCount; i++) {
        const value = this.#replaced[i]
        replacement[value] = this.find(value)
      }
      const { blocks, layout } = func
      for (let block: number = layout.entry; block >= 0; block = blocks.nextBlock[block]) {
        for (let inst = blocks.firstInst[block]; inst >= 0; inst = layout.nextInst[inst]) {
          rewriteOperands(func, inst, replacement)
        }
      }
    }
    this.forgetReplacements()
  }

  /** Empties the table; every operand has been rewritten. */
  forgetReplacements(): void {
    for (let i = 0; i < this.#replacedCount; i++) this.replacement[this.#replaced[i]] = -1
    this.#replacedCount = 0
  }

  // --- New instructions -----------------------------------------------------------------------------------------------

  /** Adds an instruction with one result in front of another, at its source location. Operands are the caller's to fill. */
  insert(opcode: Opcode, type: Type, before: number): Inst {
    const { insts, layout } = this.func
    const inst = insts.push(opcode, type)
    insts.setLocation(inst, insts.locationOf(before as Inst))
    this.#define(inst, type)
    layout.insertInstBefore(inst, before as Inst)
    return inst
  }

  /** A constant in front of an instruction; the halves are zero-extended from the type. */
  constantBefore(type: Type, low: number, high: number, before: number): Value {
    const inst = this.insert(58 /* Opcode.Iconst */, type, before)
    this.func.insts.imm[inst] = low
    this.func.insts.immHigh[inst] = high
    return this.func.insts.firstResult[inst] as Value
  }

  /** An operation on two operands in front of an instruction; its result. */
  binaryBefore(opcode: Opcode, type: Type, x: number, y: number, before: number): Value {
    const inst = this.insert(opcode, type, before)
    this.func.insts.arg0[inst] = x
    this.func.insts.arg1[inst] = y
    return this.func.insts.firstResult[inst] as Value
  }

  /** Gives an instruction one result. */
  #define(inst: Inst, type: Type): void {
    const { insts, values } = this.func
    insts.firstResult[inst] = values.push(type, inst)
    insts.resultCount[inst] = 1
    this.cover()
  }

  /**
   * Gives a block that has none these parameters, or gives it others: new values in any case, the first of which is
   * returned. What the old ones become is the caller's to say.
   */
  setParameters(block: Block, types: ArrayLike<Type>): number {
    const { blocks, values } = this.func
    blocks.firstParam[block] = types.length === 0 ? -1 : values.length
    blocks.paramCount[block] = types.length
    for (let i = 0; i < types.length; i++) values.push(types[i], -2 - block)
    this.cover()
    return blocks.firstParam[block]
  }

  /** Makes the table as long as the values are. To be called by who adds values by other means. */
  cover(): void {
    const { length } = this.func.values
    if (length <= this.replacement.length) return
    const grown = new Int32Array(2 * length).fill(-1)
    grown.set(this.replacement)
    this.replacement = grown
  }
}
