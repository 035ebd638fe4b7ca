// literals: ShapeField, Type
// What every method that adds an instruction goes through: operands and immediates are checked against the tables of
// opcodes. A wrong call fails here, in words, and nothing is added.

import { type Block, type FuncRef, type Inst, NO_BLOCK, NO_SOURCE_LOCATION, type Value } from '../entities.ts'
import { IrBuildError } from '../errors.ts'
import type { DebugTag, StackMapEntry } from '../externals.ts'
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
import { Draft } from './draft.ts'
import { OPCODE_SHAPES } from './opcode-shapes.ts'
import { flagsFault, patchableFault, tailCallFault } from './rules.ts'

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
export class Emitter extends Draft {
  #sourceLocation: number = NO_SOURCE_LOCATION
  #stackMap: readonly StackMapEntry[] | null = null
  #tags: readonly DebugTag[] | null = null
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
    if (fixed > 0 && !this.isUsable(arg0)) this.#failOperand(opcode, 0, arg0)
    if (fixed > 1 && !this.isUsable(arg1)) this.#failOperand(opcode, 1, arg1)
    if (fixed > 2 && !this.isUsable(arg2)) this.#failOperand(opcode, 2, arg2)
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
    if (!this.open) this.#failPlace(opcode)
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
    this.draft.layout.appendInst(inst, this.block)
    this.setBlock(inst, this.block)
    if ((shape & 0x40) /* ShapeField.Terminator */ !== 0) this.open = false
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

  #failCount(user: string, expected: number, found: number): never {
    this.checkOpen()
    const reason = `${user} takes ${expected} arguments here, ${found} are given`
    throw new IrBuildError({ code: 'arguments', reason })
  }

  #failArgument(user: string, index: number, found: Type, expected: Type): never {
    const reason = `${user}: argument ${index} has type ${typeName(found)}, expected ${typeName(expected)}`
    throw new IrBuildError({ code: 'arguments', reason })
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
    if (value !== -1) this.failValue(value as Value, OPCODE_NAMES[opcode])
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
    if (this.block === NO_BLOCK) {
      throw new IrBuildError({ code: 'state', reason: `${name}: no block to add to; call switchTo first` })
    }
    const { blocks, insts } = this.draft
    const end = OPCODE_NAMES[insts.opcode[blocks.lastInst[this.block]]]
    const reason = `${name}: ${printBlock(this.draft, this.block)} already ends in ${end}`
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

  /** Bytes of a constant that a type holds. */
  protected checkBytes(opcode: Opcode, bytes: Uint8Array, type: Type): void {
    if (bytes.length === typeBytes(type)) return
    const reason = `${bytes.length} bytes are given, ${typeName(type)} has ${typeBytes(type)}`
    throw new IrBuildError({ code: 'immediate', opcode: OPCODE_NAMES[opcode], reason })
  }
}

function operandName(opcode: Opcode, index: number): string {
  return OPCODE_ROWS[opcode - 1][3].split(' ')[index]?.replace(/:.*/, '') ?? String(index)
}
