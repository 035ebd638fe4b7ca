// Variables to values while blocks are being filled: Braun, Buchwald, Hack, Leissa, Mallon and Zwinkau, "Simple and
// Efficient Construction of Static Single Assignment Form", CC 2013.
//
// A read in a block without a definition asks the predecessors. Where there are several, the block gets a parameter; where
// more may come (the block is not sealed), it gets one whose arguments are added when it is sealed. A parameter whose
// arguments are all one value (or itself) is that value: it is dropped, and the parameters that it was an argument of
// are looked at again.
//
// The recursion of the paper is a work list here: a chain of ten thousand blocks is a usual thing for a machine to write.
// What the paper keeps in maps and sets is columns by variable, block, branch, value and parameter; a parameter that
// stands for a variable is called a phi here, to tell it from those that the caller gave a block.

import { NO_BYTES, NO_ROWS } from '../empty.ts'
import type { Block, BlockCall, EntityId, Value } from '../entities.ts'
import { IrBuildError } from '../errors.ts'
import type { Function as IrFunction } from '../function.ts'
import { printBlock } from '../text/index.ts'
import type { Type } from '../types.ts'
import { paramDefinition } from '../value-table.ts'
import { Dominance } from './dominance.ts'
import { grownColumn } from './grown-column.ts'
import { PairMap } from './pair-map.ts'

/** A variable of a builder: a small integer, told apart by the type checker. */
export type Variable = EntityId<'variable'>

/** Keeps track of variables, branches and parameters. One serves a builder after another. */
export class SsaConstruction {
  #func: IrFunction
  readonly dominance: Dominance = new Dominance()
  /** Whether a variable had no value where it was read: parameters are then left without arguments. */
  failed = false
  /** Makes a value for a variable that is read where no code can come. */
  zero: (block: Block, type: Type) => number = () => -1

  // By variable: its type, and the definition made last: the block and the value. Others are in `definitions`.
  readonly #types: Type[] = []
  #lastBlock: Int32Array = NO_ROWS
  #lastValue: Int32Array = NO_ROWS
  /** Variable and block to value. */
  readonly #definitions = new PairMap()

  // By block. Branches to it are a list, in the order of their making; so are its phis.
  #sealed: Uint8Array = NO_BYTES
  #firstBranch: Int32Array = NO_ROWS
  #lastBranch: Int32Array = NO_ROWS
  #branchCount: Int32Array = NO_ROWS
  #firstPhi: Int32Array = NO_ROWS
  #lastPhi: Int32Array = NO_ROWS
  /** The walk that met the block last. */
  #met: Int32Array = NO_ROWS
  #walk = 0
  /** Whether the last walk went anywhere. */
  #walked = false

  // By branch: the block it is in, the next one to the same block, its place among those.
  #from: Int32Array = NO_ROWS
  #nextBranch: Int32Array = NO_ROWS
  #place: Int32Array = NO_ROWS

  // By value: the phi that it is, and the value that it turned out to be; -1 for neither.
  #phiOf: Int32Array = NO_ROWS
  #replaced: Int32Array = NO_ROWS
  /** How many values the two columns above have been filled for. */
  #values = 0
  #replacements = 0

  // By phi. Its arguments are `args[phiArgs ..]`, one per branch to the block; -1 while the block is not sealed.
  #phis = 0
  #phiValue: Int32Array = NO_ROWS
  #phiBlock: Int32Array = NO_ROWS
  #phiVariable: Int32Array = NO_ROWS
  #nextPhi: Int32Array = NO_ROWS
  #phiArgs: Int32Array = NO_ROWS
  /** The first of the cells that list the phis which this one is an argument of. */
  #firstUser: Int32Array = NO_ROWS
  #args: Int32Array = NO_ROWS
  #argsLength = 0
  #user: Int32Array = NO_ROWS
  #nextUser: Int32Array = NO_ROWS
  #users = 0

  /** Phis to be completed or looked at again. */
  readonly #work: number[] = []
  #path: Int32Array = NO_ROWS

  constructor(func: IrFunction) {
    this.#func = func
  }

  /** Starts on another function. */
  begin(func: IrFunction): void {
    this.#func = func
    this.failed = false
    this.#types.length = 0
    this.#definitions.clear()
    this.#values = 0
    this.#walk = 0
    this.#replacements = 0
    this.#phis = 0
    this.#argsLength = 0
    this.#users = 0
    this.#work.length = 0
    this.dominance.clear()
  }

  declare(type: Type): Variable {
    const variable = this.#types.push(type) - 1
    if (variable >= this.#lastBlock.length) {
      this.#lastBlock = grownColumn(this.#lastBlock, variable + 1)
      this.#lastValue = grownColumn(this.#lastValue, variable + 1)
    }
    this.#lastBlock[variable] = -1
    return variable as Variable
  }

  typeOf(variable: Variable): Type {
    const type = this.#types[variable]
    if (type !== undefined) return type
    throw new IrBuildError({ code: 'variable', variable, reason: 'was never declared' })
  }

  addBlock(block: Block): void {
    if (block >= this.#firstBranch.length) {
      this.#firstBranch = grownColumn(this.#firstBranch, block + 1)
      this.#lastBranch = grownColumn(this.#lastBranch, block + 1)
      this.#branchCount = grownColumn(this.#branchCount, block + 1)
      this.#firstPhi = grownColumn(this.#firstPhi, block + 1)
      this.#lastPhi = grownColumn(this.#lastPhi, block + 1)
      this.#met = grownColumn(this.#met, block + 1)
      const sealed = new Uint8Array(this.#met.length)
      sealed.set(this.#sealed)
      this.#sealed = sealed
    }
    this.#sealed[block] = 0
    this.#firstBranch[block] = -1
    this.#branchCount[block] = 0
    this.#firstPhi[block] = -1
    this.#met[block] = 0
    this.dominance.addBlock(block)
  }

  /** The block is filled from here on. */
  enter(block: Block): void {
    const { dominance } = this
    if (block === this.#func.layout.entry) {
      dominance.enterEntry(block)
      return
    }
    let common = -1
    for (let call = this.#firstBranch[block]; call >= 0; call = this.#nextBranch[call]) {
      common = dominance.common(common, this.#from[call])
    }
    dominance.enter(block, common)
  }

  isSealed(block: Block): boolean {
    return this.#sealed[block] !== 0
  }

  /** Whether something branches to the block. */
  hasBranches(block: Block): boolean {
    return this.#branchCount[block] > 0
  }

  /** Whether a branch may still go to the block. */
  mayBranchTo(block: Block): boolean {
    return this.#sealed[block] === 0 && block !== this.#func.layout.entry
  }

  /** Adds a branch with the arguments that its writer gave. */
  addBranch(from: Block, target: Block, args: readonly number[]): BlockCall {
    const call = this.#func.addBlockCall(target, args)
    if (call >= this.#from.length) {
      this.#from = grownColumn(this.#from, call + 1)
      this.#nextBranch = grownColumn(this.#nextBranch, call + 1)
      this.#place = grownColumn(this.#place, call + 1)
    }
    this.#from[call] = from
    this.#nextBranch[call] = -1
    this.#place[call] = this.#branchCount[target]++
    if (this.#firstBranch[target] < 0) this.#firstBranch[target] = call
    else this.#nextBranch[this.#lastBranch[target]] = call
    this.#lastBranch[target] = call
    this.dominance.branch(from, target)
    return call
  }

  define(variable: Variable, block: Block, value: number): void {
    const last = this.#lastBlock[variable]
    if (last !== block) {
      if (last >= 0) this.#definitions.set(variable, last, this.#lastValue[variable])
      this.#lastBlock[variable] = block
    }
    this.#lastValue[variable] = value
  }

  /** The value of a variable at the end of what a block holds so far. */
  use(variable: Variable, block: Block): Value {
    if (this.#lastBlock[variable] === block) return this.resolve(this.#lastValue[variable]) as Value
    this.failed = true
    const value = this.#read(variable, block)
    if (this.#work.length > 0) this.#complete()
    this.failed = false
    this.define(variable, block, value)
    return this.resolve(value) as Value
  }

  seal(block: Block): void {
    this.#sealed[block] = 1
    // Every phi so far was made while the block was not sealed.
    for (let phi = this.#firstPhi[block]; phi >= 0; phi = this.#nextPhi[phi]) this.#work.push(phi)
    if (this.#work.length === 0) return
    this.failed = true
    this.#complete()
    this.failed = false
  }

  /** Follows dropped phis to what they turned out to be. */
  resolve(value: number): number {
    if (this.#replacements === 0 || value >= this.#values) return value
    const replaced = this.#replaced
    let root = value
    while (root < this.#values && replaced[root] >= 0) root = replaced[root]
    // Later walks are short.
    for (let at = value; at !== root; ) {
      const next = replaced[at]
      replaced[at] = root
      at = next
    }
    return root
  }

  /** How many values were dropped. */
  get dropped(): number {
    return this.#replacements
  }

  /** The first phi of a block that was not dropped, and the next one of the same block; -1 for none. */
  firstPhi(block: number): number {
    return this.#live(this.#firstPhi[block])
  }

  nextPhi(phi: number): number {
    return this.#live(this.#nextPhi[phi])
  }

  #live(from: number): number {
    let phi = from
    while (phi >= 0 && this.#replaced[this.#phiValue[phi]] >= 0) phi = this.#nextPhi[phi]
    return phi
  }

  /** The parameter that a phi is. */
  valueOfPhi(phi: number): number {
    return this.#phiValue[phi]
  }

  /** What a branch to the phi's block passes for it. */
  argumentOfPhi(phi: number, call: BlockCall): number {
    return this.resolve(this.#args[this.#phiArgs[phi] + this.#place[call]])
  }

  /** Walks up to a definition; makes phis where ways meet and leaves these to `work`. */
  #read(variable: number, block: number): number {
    let passed = 0
    this.#walk++
    let at: number = block
    let value = -1
    for (;;) {
      const known = this.#known(variable, at)
      if (known >= 0) {
        value = this.resolve(known)
        break
      }
      if (passed === this.#path.length) this.#path = grownColumn(this.#path, passed + 1)
      this.#path[passed++] = at
      this.#met[at] = this.#walk
      if (this.#sealed[at] !== 0 && this.#branchCount[at] === 1 && at !== this.#func.layout.entry) {
        const from = this.#from[this.#firstBranch[at]]
        // A circle that nothing enters.
        if (this.#met[from] === this.#walk) {
          value = this.zero(at as Block, this.#types[variable])
          break
        }
        at = from
        continue
      }
      value = this.#begin(variable, at as Block)
      break
    }
    // What a block was asked for is noted, so that the walk is not made again; the first is for the caller to note.
    for (let i = 1; i < passed; i++) this.#definitions.set(variable, this.#path[i], value)
    this.#walked = passed > 0
    return value
  }

  #known(variable: number, block: number): number {
    return this.#lastBlock[variable] === block ? this.#lastValue[variable] : this.#definitions.get(variable, block)
  }

  /** The value of a variable at the start of a block that several ways, none, or ways yet unknown lead to. */
  #begin(variable: number, block: Block): number {
    const type = this.#types[variable]
    if (block === this.#func.layout.entry) {
      const reason = 'is read before it is defined on every way from the entry'
      throw new IrBuildError({ code: 'variable', variable: variable as Variable, reason })
    }
    if (this.#sealed[block] !== 0 && this.#branchCount[block] === 0) return this.zero(block, type)
    const value = this.#func.values.push(type, paramDefinition(block))
    const phi = this.#phis++
    if (phi >= this.#phiValue.length) this.#growPhis(phi + 1)
    this.#coverValues(value + 1)
    this.#phiOf[value] = phi
    this.#phiValue[phi] = value
    this.#phiBlock[phi] = block
    this.#phiVariable[phi] = variable
    this.#nextPhi[phi] = -1
    this.#phiArgs[phi] = -1
    this.#firstUser[phi] = -1
    if (this.#firstPhi[block] < 0) this.#firstPhi[block] = phi
    else this.#nextPhi[this.#lastPhi[block]] = phi
    this.#lastPhi[block] = phi
    if (this.#sealed[block] !== 0) this.#work.push(phi)
    return value
  }

  /** Gives the phis of `work` their arguments, then drops those that need none. */
  #complete(): void {
    const work = this.#work
    for (let i = 0; i < work.length; i++) {
      const phi = work[i]
      const block = this.#phiBlock[phi]
      const start = this.#argsLength
      this.#argsLength += this.#branchCount[block]
      if (this.#argsLength > this.#args.length) this.#args = grownColumn(this.#args, this.#argsLength)
      let at = start
      for (let call = this.#firstBranch[block]; call >= 0; call = this.#nextBranch[call]) {
        const from = this.#from[call]
        const value = this.#read(this.#phiVariable[phi], from)
        if (this.#walked) this.#definitions.set(this.#phiVariable[phi], from, value)
        this.#args[at++] = value
        const argument = value < this.#values ? this.#phiOf[value] : -1
        if (argument >= 0) this.#addUser(argument, phi)
      }
      // Only now: a phi without arguments is not looked at.
      this.#phiArgs[phi] = start
    }
    for (let phi = work.pop(); phi !== undefined; phi = work.pop()) {
      const value = this.#phiValue[phi]
      if (this.#replaced[value] >= 0) continue
      const only = this.#onlyArgument(phi)
      if (only < 0) continue
      this.#replaced[value] = only
      this.#replacements++
      const target = only < this.#values ? this.#phiOf[only] : -1
      for (let cell = this.#firstUser[phi]; cell >= 0; cell = this.#nextUser[cell]) {
        const user = this.#user[cell]
        if (user === phi) continue
        if (target >= 0) this.#addUser(target, user)
        work.push(user)
      }
    }
  }

  /** The one value that all arguments are, the phi itself not counted; -1 when there are several. */
  #onlyArgument(phi: number): number {
    const start = this.#phiArgs[phi]
    // Not all arguments are known before the block is sealed.
    if (start < 0) return -1
    const own = this.#phiValue[phi]
    const block = this.#phiBlock[phi]
    const end = start + this.#branchCount[block]
    let only = -1
    for (let at = start; at < end; at++) {
      const value = this.resolve(this.#args[at])
      if (value === own || value === only) continue
      if (only >= 0) return -1
      only = value
    }
    // Only itself: a circle that nothing enters.
    return only >= 0 ? only : this.zero(block as Block, this.#types[this.#phiVariable[phi]])
  }

  #addUser(phi: number, user: number): void {
    const cell = this.#users++
    if (cell >= this.#user.length) {
      this.#user = grownColumn(this.#user, cell + 1)
      this.#nextUser = grownColumn(this.#nextUser, cell + 1)
    }
    this.#user[cell] = user
    this.#nextUser[cell] = this.#firstUser[phi]
    this.#firstUser[phi] = cell
  }

  #coverValues(rows: number): void {
    if (rows > this.#phiOf.length) {
      this.#phiOf = grownColumn(this.#phiOf, rows)
      this.#replaced = grownColumn(this.#replaced, rows)
    }
    for (let value = this.#values; value < rows; value++) {
      this.#phiOf[value] = -1
      this.#replaced[value] = -1
    }
    this.#values = rows
  }

  #growPhis(rows: number): void {
    this.#phiValue = grownColumn(this.#phiValue, rows)
    this.#phiBlock = grownColumn(this.#phiBlock, rows)
    this.#phiVariable = grownColumn(this.#phiVariable, rows)
    this.#nextPhi = grownColumn(this.#nextPhi, rows)
    this.#phiArgs = grownColumn(this.#phiArgs, rows)
    this.#firstUser = grownColumn(this.#firstUser, rows)
  }

  /** The branch that may not be: its target in words. */
  whyNot(block: Block): string {
    const name = printBlock(this.#func, block)
    return this.isSealed(block)
      ? `${name} is sealed: nothing more can branch to it`
      : `${name} is the entry: nothing can branch to it`
  }
}
