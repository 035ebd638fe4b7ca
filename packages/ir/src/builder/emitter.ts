// What every method that adds an instruction goes through: the place to insert at, and the checks. A wrong call fails
// here, in words, and nothing is added.

import { type Block, type BlockCall, type Inst, NO_BLOCK, NO_SOURCE_LOCATION, type Value } from '../entities.ts'
import { IrBuildError, type IrBuildProblem } from '../errors.ts'
import type { DebugTag, ExternalName, StackMapEntry } from '../externals.ts'
import { FORMAT_VALUES } from '../format.ts'
import { Function as IrFunction } from '../function.ts'
import type { MemFlags } from '../memory-flags.ts'
import { OPCODE_FLAGS, OPCODE_FORMAT, OPCODE_NAMES, OPCODE_ROWS, type Opcode, OpcodeFlag } from '../opcode.ts'
import type { Signature } from '../signature.ts'
import { printBlock } from '../text/index.ts'
import {
  CONSTRAINT_FREE,
  CONTROLLING_OPERAND,
  CONTROLLING_SET,
  constrainedType,
  Derived,
  isInTypeSet,
  OPERAND_CONSTRAINTS,
  printTypeSet,
  RESULT_COUNT,
  resultType,
  satisfies,
  type TypeSet,
} from '../type-constraints.ts'
import { isType, Type, typeBits, typeBytes, typeName } from '../types.ts'
import { paramDefinition } from '../value-table.ts'
import { SsaConstruction } from './ssa-construction.ts'

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

/** Adds instructions to the current block. */
export class Emitter {
  /** The function in the making: ids in it are the caller's, not yet those of the finished function. */
  protected readonly draft: IrFunction
  protected readonly ssa: SsaConstruction
  #block: Block = NO_BLOCK
  #sourceLocation: number = NO_SOURCE_LOCATION
  #stackMap: readonly StackMapEntry[] | null = null
  #tags: readonly DebugTag[] | null = null

  constructor(name: ExternalName, signature: Signature) {
    this.draft = new IrFunction(name, signature)
    this.ssa = new SsaConstruction(this.draft)
  }

  /** The block that instructions are added to. */
  get currentBlock(): Block {
    return this.#block
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
    this.checkValue(value, 'typeOf')
    return this.draft.values.type[value]
  }

  protected enter(block: Block): void {
    this.#block = block
  }

  /** @throws IrBuildError always. */
  protected fail(problem: IrBuildProblem): never {
    throw new IrBuildError(problem)
  }

  protected checkValue(value: Value, user: string): void {
    const { length } = this.draft.values
    if (Number.isInteger(value) && value >= 0 && value < length) return
    throw new IrBuildError({ code: 'unknown-entity', entity: `value ${String(value)}, given to ${user},` })
  }

  protected checkBlock(block: Block): void {
    const { length } = this.draft.blocks
    if (Number.isInteger(block) && block >= 0 && block < length) return
    throw new IrBuildError({ code: 'unknown-entity', entity: `block ${String(block)}` })
  }

  protected checkEntity(table: readonly unknown[], index: number, name: string): void {
    if (Number.isInteger(index) && index >= 0 && index < table.length) return
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
    const controlling = this.#controlling(opcode, type, arg0, arg1, arg2)
    const fixed = FORMAT_VALUES[OPCODE_FORMAT[opcode]]
    if (fixed > 0) this.#operand(opcode, 0, arg0 as Value, controlling)
    if (fixed > 1) this.#operand(opcode, 1, arg1 as Value, controlling)
    if (fixed > 2) this.#operand(opcode, 2, arg2 as Value, controlling)
    this.#place(opcode)
    const { insts, values } = this.draft
    const inst = insts.push(opcode, controlling)
    insts.arg0[inst] = arg0
    insts.arg1[inst] = arg1
    insts.arg2[inst] = arg2
    const results = RESULT_COUNT[opcode]
    if (results > 0) {
      insts.firstResult[inst] = values.length
      insts.resultCount[inst] = results
      for (let i = 0; i < results; i++) values.push(resultType(opcode, i, controlling), inst)
    }
    this.#append(inst, opcode)
    return inst
  }

  /** As `emit`, for the only result. */
  protected value(opcode: Opcode, type: Type, arg0 = -1, arg1 = -1, arg2 = -1): Value {
    return this.draft.result(this.emit(opcode, type, arg0, arg1, arg2))
  }

  /** As `emit`, for two results. */
  protected pair(opcode: Opcode, arg0: Value, arg1 = -1, arg2 = -1): [Value, Value] {
    const inst = this.emit(opcode, 0, arg0, arg1, arg2)
    return [this.draft.result(inst), this.draft.result(inst, 1)]
  }

  protected memory(opcode: Opcode, flags: MemFlags, offset: number): void {
    this.checkRange(opcode, flags, -0x8000_0000, 0xffff_ffff, 'the memory flags')
    this.checkRange(opcode, offset, -0x8000_0000, 0x7fff_ffff, 'the offset')
  }

  /** The value as bits of the type. */
  protected integer(opcode: Opcode, type: Type, value: number | bigint): bigint {
    const whole = typeof value === 'bigint' || Number.isSafeInteger(value)
    const bits = BigInt(typeBits(type))
    const big = whole ? BigInt(value) : 0n
    if (!whole || big < -(1n << (bits - 1n)) || big >= 1n << bits) {
      const reason = `${String(value)} is not an integer of ${typeName(type)}`
      throw new IrBuildError({ code: 'immediate', opcode: OPCODE_NAMES[opcode], reason })
    }
    return BigInt.asUintN(Number(bits), big)
  }

  /** The arguments of a call, checked against its signature; its results are added. */
  protected emitCall(
    opcode: Opcode,
    entity: number,
    callee: number,
    args: readonly Value[],
    signature: Signature,
  ): Inst {
    this.checkArguments(
      OPCODE_NAMES[opcode],
      args,
      signature.params.map(({ type }) => type),
    )
    const inst = this.emit(opcode, 0, callee)
    const { insts } = this.draft
    insts.entity[inst] = entity
    insts.listStart[inst] = this.draft.addValueList(args)
    insts.listLength[inst] = args.length
    if (RESULT_COUNT[opcode] < 0)
      this.draft.addResults(
        inst,
        signature.returns.map(({ type }) => type),
      )
    return inst
  }

  /** Checks operands against a list of types; `target` is the block that a branch passes them to. */
  protected checkArguments(
    user: string,
    args: readonly Value[],
    types: readonly Type[],
    target: Block = NO_BLOCK,
  ): void {
    const name = (): string => (target === NO_BLOCK ? user : `${user} to ${printBlock(this.draft, target)}`)
    if (args.length !== types.length) {
      const reason = `${name()} takes ${types.length} arguments here, ${args.length} are given`
      throw new IrBuildError({ code: 'arguments', reason })
    }
    for (let i = 0; i < args.length; i++) {
      this.checkValue(args[i], user)
      const type = this.draft.values.type[args[i]]
      if (type === types[i]) continue
      const reason = `${name()}: argument ${i} has type ${typeName(type)}, expected ${typeName(types[i])}`
      throw new IrBuildError({ code: 'arguments', reason })
    }
  }

  /** `return`: the results of the signature. */
  protected emitReturn(opcode: Opcode, values: readonly Value[]): Inst {
    this.checkArguments(
      'return',
      values,
      this.draft.signature.returns.map(({ type }) => type),
    )
    const inst = this.emit(opcode, 0)
    this.draft.insts.listStart[inst] = this.draft.addValueList(values)
    this.draft.insts.listLength[inst] = values.length
    return inst
  }

  /** Checks the target of a branch whose arguments are all values. */
  protected checkTarget(user: string, { block, args = [] }: BlockTarget): void {
    this.checkBlock(block)
    this.ssa.checkBranch(block)
    this.checkArguments(user, args, this.paramTypes(block), block)
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

  /** The controlling type: what the table says it is read off, or what the caller gives. */
  #controlling(opcode: Opcode, type: Type, arg0: number, arg1: number, arg2: number): Type {
    const set = CONTROLLING_SET[opcode]
    if (set < 0) return Type.Invalid
    const operand = CONTROLLING_OPERAND[opcode]
    const value = operand === 0 ? arg0 : operand === 1 ? arg1 : arg2
    if (operand >= 0) this.#given(opcode, operand, value)
    const controlling = operand < 0 ? type : this.draft.values.type[value]
    if (isType(controlling) && isInTypeSet(controlling, set as TypeSet)) return controlling
    const name = operand < 0 ? 'type' : operandName(opcode, operand)
    const reason = `has type ${typeName(controlling)}, which is not in ${printTypeSet(set as TypeSet)}`
    throw new IrBuildError({ code: 'operand-type', opcode: OPCODE_NAMES[opcode], operand: name, reason })
  }

  #given(opcode: Opcode, index: number, value: number): void {
    if (value !== -1) {
      this.checkValue(value as Value, OPCODE_NAMES[opcode])
      return
    }
    const operand = operandName(opcode, index)
    throw new IrBuildError({ code: 'operand-type', opcode: OPCODE_NAMES[opcode], operand, reason: 'is missing' })
  }

  #operand(opcode: Opcode, index: number, value: Value, controlling: Type): void {
    this.#given(opcode, index, value)
    const constraint = OPERAND_CONSTRAINTS[3 * opcode + index]
    const type = this.draft.values.type[value]
    if (satisfies(constraint, type, controlling)) return
    const expected =
      (constraint & CONSTRAINT_FREE) !== 0
        ? `one of ${printTypeSet((constraint & 0x1ff) as TypeSet)}`
        : constraint === Derived.Narrower
          ? `narrower than ${typeName(controlling)}`
          : constraint === Derived.Wider
            ? `wider than ${typeName(controlling)}`
            : typeName(constrainedType(constraint, controlling))
    const reason = `has type ${typeName(type)}, expected ${expected}`
    const operand = operandName(opcode, index)
    throw new IrBuildError({ code: 'operand-type', opcode: OPCODE_NAMES[opcode], operand, reason })
  }

  /** There must be a block, and it must be open. */
  #place(opcode: Opcode): void {
    const block = this.#block
    const name = OPCODE_NAMES[opcode]
    if (block === NO_BLOCK) {
      throw new IrBuildError({ code: 'state', reason: `${name}: no block to add to; call switchTo first` })
    }
    const { blocks, insts } = this.draft
    const last = blocks.lastInst[block]
    if (last >= 0 && (OPCODE_FLAGS[insts.opcode[last]] & OpcodeFlag.Terminator) !== 0) {
      const end = OPCODE_NAMES[insts.opcode[last]]
      const reason = `${name}: ${printBlock(this.draft, block)} already ends in ${end}`
      throw new IrBuildError({ code: 'state', reason })
    }
    const safepoint = (OPCODE_FLAGS[opcode] & OpcodeFlag.Safepoint) !== 0
    if (this.#stackMap !== null && (OPCODE_FLAGS[opcode] & OpcodeFlag.Call) !== 0 && !safepoint) {
      throw new IrBuildError({ code: 'state', reason: `${name} cannot have a stack map` })
    }
  }

  #append(inst: Inst, opcode: Opcode): void {
    const { draft } = this
    draft.layout.appendInst(inst, this.#block)
    draft.insts.setLocation(inst, this.#sourceLocation)
    const call = (OPCODE_FLAGS[opcode] & OpcodeFlag.Call) !== 0
    if (this.#stackMap !== null && call) {
      draft.setStackMap(inst, this.#stackMap)
      this.#stackMap = null
    }
    if (this.#tags !== null && (call || OPCODE_NAMES[opcode] === 'sequence_point')) {
      draft.setDebugTags(inst, this.#tags)
      this.#tags = null
    }
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
