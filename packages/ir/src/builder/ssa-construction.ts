// Variables to values while blocks are being filled: Braun, Buchwald, Hack, Leissa, Mallon and Zwinkau, "Simple and
// Efficient Construction of Static Single Assignment Form", CC 2013.
//
// A read in a block without a definition asks the predecessors. Where there are several, the block gets a parameter; where
// more may come (the block is not sealed), it gets one whose arguments are added when it is sealed. A parameter whose
// arguments are all one value (or itself) is that value: it is dropped, and the parameters that it was an argument of
// are looked at again.
//
// The recursion of the paper is a work list here: a chain of ten thousand blocks is a usual thing for a machine to write.

import type { Block, BlockCall, EntityId, Value } from '../entities.ts'
import { IrBuildError } from '../errors.ts'
import type { Function as IrFunction } from '../function.ts'
import { printBlock } from '../text/index.ts'
import type { Type } from '../types.ts'
import { paramDefinition } from '../value-table.ts'

/** A variable of a builder: a small integer, told apart by the type checker. */
export type Variable = EntityId<'variable'>

/** A parameter that stands for a variable. */
interface Phi {
  readonly value: number
  readonly block: Block
  readonly variable: number
  /** Arguments, one per branch to the block, in the order of `branches`. */
  readonly args: number[]
  /** Parameters that this one is an argument of. */
  readonly users: Phi[]
}

/** A branch: the block it is in, and the arguments that its writer gave. */
export interface Branch {
  readonly from: Block
  readonly target: Block
  readonly args: readonly number[]
  /** Its place among the branches to the target. */
  readonly index: number
}

// Keys of the definitions: variable * this + block.
const BLOCK_LIMIT = 0x10_0000

/** Keeps track of variables, branches and parameters. */
export class SsaConstruction {
  readonly #func: IrFunction
  readonly #types: Type[] = []
  readonly #definitions: Map<number, number> = new Map()
  readonly #sealed: boolean[] = []
  /** By block: the branches to it. */
  readonly #incoming: BlockCall[][] = []
  /** By block: parameters that wait for the block to be sealed. */
  readonly #incomplete: Phi[][] = []
  /** By block: all parameters that stand for variables, dropped ones too. */
  readonly #phis: Phi[][] = []
  /** By value: the parameter that it is, when it stands for a variable. */
  readonly #phiOf: Map<number, Phi> = new Map()
  /** By value: what a dropped parameter turned out to be. */
  readonly #replaced: Map<number, number> = new Map()
  /** By block call. */
  readonly branches: Branch[] = []
  /** Whether a variable had no value where it was read: parameters are then left without arguments. */
  failed = false
  /** Makes a value for a variable that is read where no code can come. */
  zero: (block: Block, type: Type) => number = () => -1

  constructor(func: IrFunction) {
    this.#func = func
  }

  declare(type: Type): Variable {
    return (this.#types.push(type) - 1) as Variable
  }

  typeOf(variable: Variable): Type {
    const type = this.#types[variable]
    if (type !== undefined) return type
    throw new IrBuildError({ code: 'variable', variable, reason: 'was never declared' })
  }

  addBlock(block: Block): void {
    if (block >= BLOCK_LIMIT) throw new IrBuildError({ code: 'block', reason: `more than ${BLOCK_LIMIT} blocks` })
    this.#sealed[block] = false
    this.#incoming[block] = []
    this.#incomplete[block] = []
    this.#phis[block] = []
  }

  isSealed(block: Block): boolean {
    return this.#sealed[block]
  }

  /** Whether something branches to the block. */
  hasBranches(block: Block): boolean {
    return this.#incoming[block].length > 0
  }

  /** @throws IrBuildError when no branch may go to the block any more. */
  checkBranch(block: Block): void {
    if (!this.#sealed[block] && block !== this.#func.layout.entry) return
    const name = printBlock(this.#func, block)
    const reason = this.#sealed[block]
      ? `${name} is sealed: nothing more can branch to it`
      : `${name} is the entry: nothing can branch to it`
    throw new IrBuildError({ code: 'block', reason })
  }

  addBranch(from: Block, target: Block, args: readonly number[]): BlockCall {
    const call = this.#func.blockCalls.push(target, 0, 0)
    this.branches[call] = { from, target, args, index: this.#incoming[target].length }
    this.#incoming[target].push(call)
    return call
  }

  define(variable: Variable, block: Block, value: number): void {
    this.#definitions.set(variable * BLOCK_LIMIT + block, value)
  }

  /** The value of a variable at the end of what a block holds so far. */
  use(variable: Variable, block: Block): Value {
    const work: Phi[] = []
    this.failed = true
    const value = this.#read(variable, block, work)
    this.#complete(work)
    this.failed = false
    return this.resolve(value) as Value
  }

  seal(block: Block): void {
    this.#sealed[block] = true
    this.failed = true
    this.#complete(this.#incomplete[block].splice(0))
    this.failed = false
  }

  /** Follows dropped parameters to what they turned out to be. */
  resolve(value: number): number {
    if (this.#replaced.size === 0) return value
    let root = value
    for (let next = this.#replaced.get(root); next !== undefined; next = this.#replaced.get(root)) root = next
    // Later walks are short.
    for (let at = value; at !== root; ) {
      const next = this.#replaced.get(at) ?? root
      this.#replaced.set(at, root)
      at = next
    }
    return root
  }

  /** The parameters of a block that stand for variables and were not dropped, in the order of their making. */
  liveParams(block: Block): readonly { readonly value: number; readonly type: Type }[] {
    return this.#phis[block]
      .filter(({ value }) => !this.#replaced.has(value))
      .map(({ value, variable }) => ({ value, type: this.#types[variable] }))
  }

  /** The arguments of a branch: those its writer gave, then those of the live parameters. */
  argumentsOf(call: BlockCall): number[] {
    const { target, args, index } = this.branches[call]
    const all = args.map((entry) => (entry < 0 ? entry : this.resolve(entry)))
    for (const phi of this.#phis[target]) {
      if (!this.#replaced.has(phi.value)) all.push(this.resolve(phi.args[index]))
    }
    return all
  }

  /** Walks up to a definition; makes parameters where ways meet and leaves these to `work`. */
  #read(variable: number, block: Block, work: Phi[]): number {
    const path: Block[] = []
    const onPath = new Set<Block>()
    let at = block
    let value = -1
    for (;;) {
      const known = this.#definitions.get(variable * BLOCK_LIMIT + at)
      if (known !== undefined) {
        value = this.resolve(known)
        break
      }
      path.push(at)
      onPath.add(at)
      const incoming = this.#incoming[at]
      if (this.#sealed[at] && incoming.length === 1 && at !== this.#func.layout.entry) {
        const from = this.branches[incoming[0]].from
        // A circle that nothing enters.
        if (onPath.has(from)) {
          value = this.zero(at, this.#types[variable])
          break
        }
        at = from
        continue
      }
      value = this.#begin(variable, at, incoming.length, work)
      break
    }
    for (const passed of path) this.#definitions.set(variable * BLOCK_LIMIT + passed, value)
    return value
  }

  /** The value of a variable at the start of a block that several ways, none, or ways yet unknown lead to. */
  #begin(variable: number, block: Block, ways: number, work: Phi[]): number {
    const type = this.#types[variable]
    const sealed = this.#sealed[block]
    if (block === this.#func.layout.entry) {
      const reason = 'is read before it is defined on every way from the entry'
      throw new IrBuildError({ code: 'variable', variable, reason })
    }
    if (sealed && ways === 0) return this.zero(block, type)
    const value = this.#func.values.push(type, paramDefinition(block))
    const phi: Phi = { value, block, variable, args: [], users: [] }
    this.#phis[block].push(phi)
    this.#phiOf.set(value, phi)
    if (sealed) work.push(phi)
    else this.#incomplete[block].push(phi)
    return value
  }

  /** Gives parameters their arguments, then drops those that need none. */
  #complete(work: Phi[]): void {
    for (let i = 0; i < work.length; i++) {
      const phi = work[i]
      for (const call of this.#incoming[phi.block]) {
        const value = this.#read(phi.variable, this.branches[call].from, work)
        phi.args.push(value)
        this.#phiOf.get(value)?.users.push(phi)
      }
    }
    for (let phi = work.pop(); phi !== undefined; phi = work.pop()) {
      if (this.#replaced.has(phi.value)) continue
      const only = this.#onlyArgument(phi)
      if (only < 0) continue
      this.#replaced.set(phi.value, only)
      const target = this.#phiOf.get(only)
      for (const user of phi.users) {
        if (user === phi) continue
        target?.users.push(user)
        work.push(user)
      }
    }
  }

  /** The one value that all arguments are, the parameter itself not counted; -1 when there are several. */
  #onlyArgument(phi: Phi): number {
    // Not all arguments are known before the block is sealed.
    if (phi.args.length !== this.#incoming[phi.block].length || !this.#sealed[phi.block]) return -1
    let only = -1
    for (const arg of phi.args) {
      const value = this.resolve(arg)
      if (value === phi.value || value === only) continue
      if (only >= 0) return -1
      only = value
    }
    // Only itself: a circle that nothing enters.
    return only >= 0 ? only : this.zero(phi.block, this.#types[phi.variable])
  }
}
