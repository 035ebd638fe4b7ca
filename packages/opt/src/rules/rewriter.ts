// What a rule may ask, and how it answers.
//
// A rule looks at one instruction and returns
//   a value    that is the same as the result; the instruction is left for dead-code,
//   CHANGED    when it has made the instruction another one with the same result; the rules are asked again,
//   UNCHANGED  when it knows nothing.
// Rules see operands that have been simplified already. They may add instructions in front of the one they look at, but
// never read through an effect, and they keep what selection merges: see the header of simplify.ts.

import { type Function, Opcode, Type, typeBits } from '@framewright/ir'
import type { ConstantFolder } from '../constant-folding.ts'
import type { PassContext } from '../context.ts'

export const UNCHANGED = -1
export const CHANGED = -2

/** One function's instructions, seen from a rule. Reusable through `bind`. */
export class Rewriter {
  readonly context: PassContext
  readonly folder: ConstantFolder
  func: Function
  /** The constant that `constant` found, zero-extended from its type. */
  low = 0
  high = 0

  constructor(context: PassContext) {
    this.context = context
    this.folder = context.folder
    this.func = context.func
  }

  bits(value: number): number {
    return typeBits(this.func.values.type[value])
  }

  /** Whether a value is an integer constant of at most 64 bits; leaves it in `low` and `high`. */
  constant(value: number): boolean {
    const { insts, values } = this.func
    const inst = values.definition[value]
    if (inst < 0 || insts.opcode[inst] !== Opcode.Iconst) return false
    this.low = insts.imm[inst]
    this.high = insts.immHigh[inst]
    return true
  }

  /** As `constant`, for an f32 or f64 too. */
  literal(value: number): boolean {
    const { insts, values } = this.func
    const inst = values.definition[value]
    if (inst < 0) return false
    const opcode = insts.opcode[inst]
    if (opcode !== Opcode.Iconst && opcode !== Opcode.F32const && opcode !== Opcode.F64const) return false
    this.low = insts.imm[inst]
    this.high = insts.immHigh[inst]
    return true
  }

  /** Whether a value is the constant -1, 0 or another that fits 31 bits and a sign. */
  isConstant(value: number, number: number): boolean {
    if (!this.constant(value)) return false
    const bits = this.bits(value)
    const low = bits < 32 ? (this.low << (32 - bits)) >> (32 - bits) : this.low
    return low === number && (bits < 64 || this.high === number >> 31)
  }

  sameBlock(a: number, b: number): boolean {
    const { instBlock } = this.func.layout
    return instBlock[a] === instBlock[b]
  }

  /** The instruction that defines a value if it has that opcode; -1. */
  definedBy(value: number, opcode: Opcode): number {
    const inst = this.func.values.definition[value]
    return inst >= 0 && this.func.insts.opcode[inst] === opcode ? inst : -1
  }

  /** Makes the instruction a constant of its result's type. */
  becomeConstant(inst: number, low: number, high: number): number {
    const { insts, values } = this.func
    const type = values.type[insts.firstResult[inst]]
    this.#become(inst, Opcode.Iconst, type)
    insts.imm[inst] = low
    insts.immHigh[inst] = high
    return CHANGED
  }

  /** As `becomeConstant`, for an f32 or f64 too. */
  becomeLiteral(inst: number, low: number, high: number): number {
    const { insts, values } = this.func
    const type = values.type[insts.firstResult[inst]]
    if (type <= Type.I64) return this.becomeConstant(inst, low, high)
    this.#become(inst, type === Type.F32 ? Opcode.F32const : Opcode.F64const, Type.Invalid)
    insts.imm[inst] = low
    insts.immHigh[inst] = high
    return CHANGED
  }

  /** Makes the instruction a constant that fits 31 bits and a sign. */
  becomeNumber(inst: number, number: number): number {
    const { insts, values } = this.func
    const bits = typeBits(values.type[insts.firstResult[inst]])
    const low = bits < 32 ? number & ((1 << bits) - 1) : number
    return this.becomeConstant(inst, low, bits < 64 ? 0 : number >> 31)
  }

  becomeUnary(inst: number, opcode: Opcode, type: Type, x: number): number {
    this.#become(inst, opcode, type)
    this.func.insts.arg0[inst] = x
    return CHANGED
  }

  becomeBinary(inst: number, opcode: Opcode, type: Type, x: number, y: number): number {
    this.#become(inst, opcode, type)
    this.func.insts.arg0[inst] = x
    this.func.insts.arg1[inst] = y
    return CHANGED
  }

  becomeCompare(inst: number, condition: number, x: number, y: number): number {
    this.becomeBinary(inst, Opcode.Icmp, this.func.values.type[x], x, y)
    this.func.insts.imm[inst] = condition
    return CHANGED
  }

  /** Makes the instruction `opcode x, constant`. */
  becomeWithConstant(inst: number, opcode: Opcode, x: number, low: number, high: number): number {
    const type = this.func.values.type[x]
    const y = this.context.constantBefore(type, low, high, inst)
    return this.becomeBinary(inst, opcode, type, x, y)
  }

  #become(inst: number, opcode: Opcode, type: Type): void {
    const { insts } = this.func
    insts.clearOperands(inst as never)
    insts.opcode[inst] = opcode
    insts.ctrlType[inst] = type
  }
}
