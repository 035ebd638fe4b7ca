// literals: ShapeField, Type
// What every method that adds an instruction goes through: the place to insert at, and the checks. A wrong call fails
// here, in words, and nothing is added.

import { controlFlowGraph } from '../cfg.ts'
import { dominatorTree } from '../dominators.ts'
import {
  type Block,
  type BlockCall,
  type FuncRef,
  type Inst,
  NO_BLOCK,
  NO_SOURCE_LOCATION,
  type Value,
} from '../entities.ts'
import { IrBuildError } from '../errors.ts'
import type { DebugTag, ExternalName, StackMapEntry } from '../externals.ts'
import { Function as IrFunction } from '../function.ts'
import { DEFAULT_MEM_FLAGS, MemFlags } from '../memory-flags.ts'
import { OPCODE_FLAGS, OPCODE_NAMES, OPCODE_ROWS, Opcode, OpcodeFlag } from '../opcode.ts'
import type { AbiParam, Signature } from '../signature.ts'
import { printBlock } from '../text/index.ts'
import {
  CONSTRAINT_FREE,
  CONSTRAINT_MASK,
  CONTROLLING_OPERAND,
  CONTROLLING_SET,
  constrainedType,
  Derived,
  OPERAND_CONSTRAINTS,
  printTypeSet,
  RESULT_CONSTRAINTS,
  RESULT_COUNT,
  satisfies,
  TYPE_SETS_OF,
  type TypeSet,
} from '../type-constraints.ts'
import { isScalarInteger, Type, typeBits, typeBytes, typeName } from '../types.ts'
import { paramDefinition } from '../value-table.ts'
import { type Finished, finishDraft } from './finish.ts'
import { grownColumn } from './grown-column.ts'
import { OPCODE_SHAPES } from './opcode-shapes.ts'
import { forEachOperand } from './operands.ts'
import { flagsFault, patchableFault, signatureFault, tailCallFault } from './rules.ts'
import type { SsaConstruction } from './ssa-construction.ts'
import { NO_WORKBENCH, NOTHING, returnWorkbench, takeWorkbench, type Workbench } from './workbench.ts'

/** A block with the arguments that a branch passes to it. */
export interface BlockTarget {
  readonly block: Block
  readonly args?: readonly Value[]
}

/** An argument in a target of `try_call`: a value, a result of the callee, or a word of the exception. */
export type TryArgument = Value | { readonly result: number } | { readonly exception: number }

/** A block with arguments, as a target of `try_call`. */
export interface TryTarget {
  readonly block: Block
  readonly args?: readonly TryArgument[]
}

// A constant of this module is one for the compiler of the host too, which an import is not.
const SHAPES = OPCODE_SHAPES
const SETS_OF = TYPE_SETS_OF

/** Adds instructions to the current block. */
export class Emitter {
  /** The function in the making: ids in it are the caller's, not yet those of the finished function. */
  protected draft: IrFunction
  protected ssa: SsaConstruction
  #bench: Workbench
  #block: Block = NO_BLOCK
  /** Whether there is a current block, and it has no terminator yet. */
  #open = false
  /** The first instruction that was added since the current block was entered: from it on, all are in this block. */
  #firstHere = 0
  #sourceLocation: number = NO_SOURCE_LOCATION
  #stackMap: readonly StackMapEntry[] | null = null
  #tags: readonly DebugTag[] | null = null
  #finished = false

  /** The type of addresses; 0 when nobody said. */
  protected readonly pointerType: Type

  constructor(name: ExternalName, signature: Signature, pointerType: Type) {
    this.pointerType = pointerType
    this.refuse(signatureFault(signature))
    this.#bench = takeWorkbench()
    this.draft = new IrFunction(name, signature, this.#bench.tables)
    this.ssa = this.#bench.ssa
    this.ssa.begin(this.draft)
  }

  /** The block that instructions are added to. */
  get currentBlock(): Block {
    return this.#block
  }

  /** Whether the current block has its terminator. */
  isFilled(): boolean {
    return this.#block !== NO_BLOCK && !this.#open
  }

  /** Source location of the instructions that follow, 32 bits; -1 for none. */
  setSourceLocation(location: number): void {
    this.#sourceLocation = location | 0
  }

  /** Stack map of the call that is added next. */
  setStackMap(entries: readonly StackMapEntry[]): void {
    this.#stackMap = entries
  }

  /** Tags of the call or sequence point that is added next. */
  setDebugTags(tags: readonly DebugTag[]): void {
    this.#tags = tags
  }

  /** The type of a value. */
  typeOf(value: Value): Type {
    this.checkOpen()
    if (!this.#exists(value)) this.#failValue(value, 'typeOf')
    return this.draft.values.type[value]
  }

  protected enter(block: Block): void {
    this.#block = block
    this.#open = true
    this.#firstHere = this.draft.insts.length
    this.ssa.enter(block)
  }

  /** Ends the work on the draft. Its memory is another builder's from here on. */
  protected close(): Finished {
    const finished = finishDraft(this.draft, this.ssa, this.#bench.tables)
    returnWorkbench(this.#bench)
    this.#finished = true
    this.#block = NO_BLOCK
    this.#open = false
    this.draft = NOTHING
    this.#bench = NO_WORKBENCH
    this.ssa = NO_WORKBENCH.ssa
    return finished
  }

  /** @throws IrBuildError when the function is finished. */
  protected checkOpen(): void {
    if (this.#finished) throw new IrBuildError({ code: 'state', reason: 'the function is finished' })
  }

  /** The value must exist, and be defined on every way to here. */
  protected checkValue(value: Value, user: string): void {
    if (!this.#isUsable(value)) this.#failValue(value, user)
  }

  #exists(value: number): boolean {
    return (value | 0) === value && value >= 0 && value < this.draft.values.length
  }

  #isUsable(value: number): boolean {
    if (!this.#exists(value)) return false
    const definition = this.draft.values.definition[value]
    if (definition >= this.#firstHere) return true
    return this.ssa.dominance.mayDominate(this.#blockOf(definition), this.#block)
  }

  #blockOf(definition: number): number {
    return definition >= 0 ? this.#bench.instBlock[definition] : -2 - definition
  }

  #failValue(value: Value, user: string): never {
    this.checkOpen()
    if (!this.#exists(value)) {
      throw new IrBuildError({ code: 'unknown-entity', entity: `value ${String(value)}, given to ${user},` })
    }
    if (this.#block === NO_BLOCK) {
      throw new IrBuildError({ code: 'state', reason: `${user}: no block to add to; call switchTo first` })
    }
    throw new IrBuildError({ code: 'dominance', reason: this.#undominated(value, user, this.#block) })
  }

  #undominated(value: number, user: string, block: number): string {
    const from = printBlock(this.draft, this.#blockOf(this.draft.values.definition[value]) as Block)
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
      const from = this.#blockOf(draft.values.definition[value]) as Block
      const block = this.#bench.instBlock[inst] as Block
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

  /** An integer immediate of a range, else an error that names the opcode. */
  protected checkRange(opcode: Opcode, value: number, low: number, high: number, what: string): void {
    if (Number.isInteger(value) && value >= low && value <= high) return
    const reason = `${what} ${String(value)} is not an integer from ${low} to ${high}`
    throw new IrBuildError({ code: 'immediate', opcode: OPCODE_NAMES[opcode], reason })
  }

  /**
   * Adds an instruction with up to three value operands, checked against the table.
   *
   * @param type - the controlling type where only that gives it, else 0.
   */
  protected emit(opcode: Opcode, type: Type, arg0 = -1, arg1 = -1, arg2 = -1): Inst {
    const { insts, values } = this.draft
    const shape = SHAPES[opcode]
    const fixed = shape & 3 /* ShapeField.Fixed */
    if (fixed > 0 && !this.#isUsable(arg0)) this.#failOperand(opcode, 0, arg0)
    if (fixed > 1 && !this.#isUsable(arg1)) this.#failOperand(opcode, 1, arg1)
    if (fixed > 2 && !this.#isUsable(arg2)) this.#failOperand(opcode, 2, arg2)
    const { type: types } = values
    let controlling: Type = 0
    if ((shape & 0x200) /* ShapeField.Controlled */ !== 0) {
      const operand = (shape >> 4) /* ShapeField.OperandShift */ & 3
      controlling = operand === 0 ? type : types[operand === 1 ? arg0 : operand === 2 ? arg1 : arg2]
      if (((SETS_OF[controlling] >>> (shape >> 10)) /* ShapeField.SetShift */ & 1) === 0)
        this.#failControlling(opcode, controlling)
    }
    const plain = (shape & 0x100) /* ShapeField.Plain */ !== 0
    if (fixed > 0 && !(plain && types[arg0] === controlling)) this.#checkType(opcode, 0, arg0, controlling)
    if (fixed > 1 && !(plain && types[arg1] === controlling)) this.#checkType(opcode, 1, arg1, controlling)
    if (fixed > 2 && !(plain && types[arg2] === controlling)) this.#checkType(opcode, 2, arg2, controlling)
    const results = (shape >> 2) /* ShapeField.ResultsShift */ & 3
    let result0 = controlling
    let result1 = controlling
    if (!plain && results > 0) {
      result0 = this.#resultType(opcode, 0, controlling)
      if (results > 1) result1 = this.#resultType(opcode, 1, controlling)
    }
    if (!this.#open) this.#failPlace(opcode)
    if (this.#stackMap !== null) this.#checkStackMap(opcode)
    // Operands that the opcode does not have stay out of the table, whatever a caller without types gave.
    const inst = insts.add(
      opcode,
      controlling,
      fixed > 0 ? arg0 : -1,
      fixed > 1 ? arg1 : -1,
      fixed > 2 ? arg2 : -1,
      results > 0 ? values.length : -1,
      results,
    )
    if (results > 0) {
      values.push(result0, inst)
      if (results > 1) values.push(result1, inst)
    }
    this.draft.layout.appendInst(inst, this.#block)
    this.#setBlock(inst, this.#block)
    if ((shape & 0x40) /* ShapeField.Terminator */ !== 0) this.#open = false
    if (this.#sourceLocation !== NO_SOURCE_LOCATION) insts.setLocation(inst, this.#sourceLocation)
    if (this.#stackMap !== null || this.#tags !== null) this.#attach(inst, opcode)
    return inst
  }

  /** As `emit`, for the only result. */
  protected value(opcode: Opcode, type: Type, arg0 = -1, arg1 = -1, arg2 = -1): Value {
    const inst = this.emit(opcode, type, arg0, arg1, arg2)
    return this.draft.insts.firstResult[inst] as Value
  }

  /** As `emit`, for two results. */
  protected pair(opcode: Opcode, arg0: Value, arg1 = -1, arg2 = -1): [Value, Value] {
    const inst = this.emit(opcode, 0, arg0, arg1, arg2)
    return [this.draft.result(inst), this.draft.result(inst, 1)]
  }

  protected checkMemory(opcode: Opcode, flags: MemFlags, offset: number): void {
    if ((offset | 0) !== offset) this.checkRange(opcode, offset, -0x8000_0000, 0x7fff_ffff, 'the offset')
    if ((flags | 0) !== flags) this.checkRange(opcode, flags, -0x8000_0000, 0xffff_ffff, 'the memory flags')
    // Most accesses say no more than that they are trusted or not.
    if ((flags & ~(DEFAULT_MEM_FLAGS | MemFlags.Aligned)) === 0) return
    this.refuseImmediate(opcode, flagsFault(this.draft, flags))
  }

  /** An address must be as wide as the machine's. */
  protected checkAddress(opcode: Opcode, address: Value): void {
    if (this.pointerType === 0) return
    const type = this.draft.values.type[address]
    if (type === this.pointerType || type === undefined || !isScalarInteger(type)) return
    const reason = `has type ${typeName(type)}, addresses are ${typeName(this.pointerType)}`
    throw new IrBuildError({ code: 'operand-type', opcode: OPCODE_NAMES[opcode], operand: 'p', reason })
  }

  /** @throws IrBuildError when there is a fault. */
  protected refuseImmediate(opcode: Opcode, reason: string | null): void {
    if (reason !== null) throw new IrBuildError({ code: 'immediate', opcode: OPCODE_NAMES[opcode], reason })
  }

  /** @throws IrBuildError when there is a fault. */
  protected refuse(reason: string | null): void {
    if (reason !== null) throw new IrBuildError({ code: 'arguments', reason })
  }

  /** The value as bits of the type. */
  protected integer(opcode: Opcode, type: Type, value: number | bigint): bigint {
    const whole = typeof value === 'bigint' || Number.isSafeInteger(value)
    const bits = BigInt(typeBits(type))
    const big = whole ? BigInt(value) : 0n
    if (!whole || big < -(1n << (bits - 1n)) || big >= 1n << bits) this.#failInteger(opcode, type, value)
    return BigInt.asUintN(Number(bits), big)
  }

  #failInteger(opcode: Opcode, type: Type, value: number | bigint): never {
    const reason = `${String(value)} is not an integer of ${typeName(type)}`
    throw new IrBuildError({ code: 'immediate', opcode: OPCODE_NAMES[opcode], reason })
  }

  /** Adds an instruction whose only operand is an integer of that type, which may be at most 64 bits wide. */
  protected emitInteger(opcode: Opcode, controlling: Type, type: Type, value: number | bigint): Inst {
    let low = 0
    let high = 0
    if (typeof value === 'number' && (value | 0) === value && type >= 118 /* Type.I32 */) {
      low = value
      if (type === 119 /* Type.I64 */) high = value >> 31
    } else if (typeof value === 'bigint') {
      const bits = this.integer(opcode, type, value)
      low = Number(BigInt.asIntN(32, bits))
      high = Number(BigInt.asIntN(32, bits >> 32n))
    } else {
      const width = typeBits(type)
      const limit = 2 ** width
      if (!Number.isSafeInteger(value) || value < -limit / 2 || value >= limit) this.#failInteger(opcode, type, value)
      low = width < 32 ? value & (limit - 1) : value | 0
      if (width === 64) high = Math.floor(value / 0x1_0000_0000) | 0
    }
    const inst = this.emit(opcode, controlling)
    this.draft.insts.imm[inst] = low
    this.draft.insts.immHigh[inst] = high
    return inst
  }

  /** The arguments of a call, checked against its signature; its results are added. */
  protected emitCall(
    opcode: Opcode,
    entity: number,
    callee: number,
    args: readonly Value[],
    signature: Signature,
  ): Inst {
    this.checkAbi(OPCODE_NAMES[opcode], args, signature.params)
    if ((OPCODE_FLAGS[opcode] & OpcodeFlag.Return) !== 0) {
      this.#refuseCall(opcode, tailCallFault(this.draft.signature, signature))
    }
    const inst = this.emit(opcode, 0, callee)
    const { draft } = this
    draft.insts.entity[inst] = entity
    this.#setList(inst, args)
    const { returns } = signature
    if (RESULT_COUNT[opcode] >= 0 || returns.length === 0) return inst
    draft.insts.firstResult[inst] = draft.values.length
    draft.insts.resultCount[inst] = returns.length
    for (let i = 0; i < returns.length; i++) draft.values.push(returns[i].type, inst)
    return inst
  }

  #refuseCall(opcode: Opcode, reason: string | null): void {
    if (reason !== null) this.refuse(`${OPCODE_NAMES[opcode]}: ${reason}`)
  }

  /** A direct call must suit what was said of the function. */
  protected checkCallee(opcode: Opcode, callee: FuncRef): Signature {
    this.checkEntity(this.draft.funcRefs, callee, 'function')
    const { signature, patchable, colocated } = this.draft.funcRefs[callee]
    const data = this.draft.signatures[signature]
    if (patchable) {
      this.#refuseCall(opcode, patchableFault(colocated, opcode === Opcode.ReturnCall, data))
    }
    return data
  }

  /** `return`: the results of the signature. */
  protected emitReturn(values: readonly Value[]): Inst {
    this.checkAbi('return', values, this.draft.signature.returns)
    const inst = this.emit(Opcode.Return, 0)
    this.#setList(inst, values)
    return inst
  }

  #setList(inst: Inst, values: readonly Value[]): void {
    this.draft.insts.listStart[inst] = this.draft.addValueList(values)
    this.draft.insts.listLength[inst] = values.length
  }

  /** Checks operands against the parameters or results of a signature. */
  protected checkAbi(user: string, args: readonly Value[], params: readonly AbiParam[]): void {
    if (args.length !== params.length) this.#failCount(user, params.length, args.length)
    const { type } = this.draft.values
    for (let i = 0; i < args.length; i++) {
      this.checkValue(args[i], user)
      if (type[args[i]] !== params[i].type) this.#failArgument(user, i, type[args[i]], params[i].type)
    }
  }

  /** Checks the target of a branch whose arguments are all values. */
  protected checkTarget(user: string, block: Block, args: readonly Value[]): void {
    this.checkBranch(block)
    const { firstParam, paramCount } = this.draft.blocks
    const name = (): string => `${user} to ${printBlock(this.draft, block)}`
    if (args.length !== paramCount[block]) this.#failCount(name(), paramCount[block], args.length)
    const { type } = this.draft.values
    for (let i = 0; i < args.length; i++) {
      this.checkValue(args[i], user)
      const expected = type[firstParam[block] + i]
      if (type[args[i]] !== expected) this.#failArgument(name(), i, type[args[i]], expected)
    }
  }

  /** The block must exist and be open to more branches. */
  protected checkBranch(block: Block): void {
    this.checkBlock(block)
    if (!this.ssa.mayBranchTo(block)) throw new IrBuildError({ code: 'block', reason: this.ssa.whyNot(block) })
  }

  #failCount(user: string, expected: number, found: number): never {
    this.checkOpen()
    const reason = `${user} takes ${expected} arguments here, ${found} are given`
    throw new IrBuildError({ code: 'arguments', reason })
  }

  #failArgument(user: string, index: number, found: Type, expected: Type): never {
    const reason = `${user}: argument ${index} has type ${typeName(found)}, expected ${typeName(expected)}`
    throw new IrBuildError({ code: 'arguments', reason })
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
    return this.ssa.addBranch(this.#block, block, args)
  }

  /** Some types have no half, or no vector: an opcode that asks for it cannot have them. */
  #resultType(opcode: Opcode, index: number, controlling: Type): Type {
    const constraint = RESULT_CONSTRAINTS[2 * opcode + index]
    if (constraint === Derived.Same) return controlling
    const type = constrainedType(constraint, controlling)
    if (type !== Type.Invalid) return type
    const operand = operandName(opcode, CONTROLLING_OPERAND[opcode])
    const reason = `has type ${typeName(controlling)}, of which there is no such result`
    throw new IrBuildError({ code: 'operand-type', opcode: OPCODE_NAMES[opcode], operand, reason })
  }

  #failControlling(opcode: Opcode, controlling: Type): never {
    const operand = CONTROLLING_OPERAND[opcode]
    const name = operand < 0 ? 'type' : operandName(opcode, operand)
    const set = CONTROLLING_SET[opcode] as TypeSet
    const reason = `has type ${typeName(controlling)}, which is not in ${printTypeSet(set)}`
    throw new IrBuildError({ code: 'operand-type', opcode: OPCODE_NAMES[opcode], operand: name, reason })
  }

  #failOperand(opcode: Opcode, index: number, value: number): never {
    if (value !== -1) this.#failValue(value as Value, OPCODE_NAMES[opcode])
    const operand = operandName(opcode, index)
    throw new IrBuildError({ code: 'operand-type', opcode: OPCODE_NAMES[opcode], operand, reason: 'is missing' })
  }

  #checkType(opcode: Opcode, index: number, value: number, controlling: Type): void {
    const constraint = OPERAND_CONSTRAINTS[3 * opcode + index]
    const type = this.draft.values.type[value]
    if (constraint === Derived.Same ? type === controlling : satisfies(constraint, type, controlling)) return
    const expected =
      (constraint & CONSTRAINT_FREE) !== 0
        ? `one of ${printTypeSet((constraint & CONSTRAINT_MASK) as TypeSet)}`
        : constraint === Derived.Narrower
          ? `narrower than ${typeName(controlling)}`
          : constraint === Derived.Wider
            ? `wider than ${typeName(controlling)}`
            : typeName(constrainedType(constraint, controlling))
    const reason = `has type ${typeName(type)}, expected ${expected}`
    const operand = operandName(opcode, index)
    throw new IrBuildError({ code: 'operand-type', opcode: OPCODE_NAMES[opcode], operand, reason })
  }

  #checkStackMap(opcode: Opcode): void {
    const flags = OPCODE_FLAGS[opcode]
    if ((flags & OpcodeFlag.Call) === 0 || (flags & OpcodeFlag.Safepoint) !== 0) return
    throw new IrBuildError({ code: 'state', reason: `${OPCODE_NAMES[opcode]} cannot have a stack map` })
  }

  #failPlace(opcode: Opcode): never {
    this.checkOpen()
    const name = OPCODE_NAMES[opcode]
    if (this.#block === NO_BLOCK) {
      throw new IrBuildError({ code: 'state', reason: `${name}: no block to add to; call switchTo first` })
    }
    const { blocks, insts } = this.draft
    const end = OPCODE_NAMES[insts.opcode[blocks.lastInst[this.#block]]]
    const reason = `${name}: ${printBlock(this.draft, this.#block)} already ends in ${end}`
    throw new IrBuildError({ code: 'state', reason })
  }

  /** Gives an instruction what was set for it. */
  #attach(inst: Inst, opcode: Opcode): void {
    const { draft } = this
    const call = (OPCODE_FLAGS[opcode] & OpcodeFlag.Call) !== 0
    if (this.#stackMap !== null && call) {
      draft.setStackMap(inst, this.#stackMap)
      this.#stackMap = null
    }
    if (this.#tags !== null && (call || opcode === Opcode.SequencePoint)) {
      draft.setDebugTags(inst, this.#tags)
      this.#tags = null
    }
  }

  #setBlock(inst: Inst, block: Block): void {
    const bench = this.#bench
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
    this.#setBlock(inst, block)
    return this.draft.result(inst)
  }

  /** Bytes of a constant that a type holds. */
  protected checkBytes(opcode: Opcode, bytes: Uint8Array, type: Type): void {
    if (bytes.length === typeBytes(type)) return
    const reason = `${bytes.length} bytes are given, ${typeName(type)} has ${typeBytes(type)}`
    throw new IrBuildError({ code: 'immediate', opcode: OPCODE_NAMES[opcode], reason })
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

function operandName(opcode: Opcode, index: number): string {
  return OPCODE_ROWS[opcode - 1][3].split(' ')[index]?.replace(/:.*/, '') ?? String(index)
}
