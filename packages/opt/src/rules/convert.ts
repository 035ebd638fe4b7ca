// Width changes, selects, and the float operations that are exact on every bit.

import { Opcode, Type } from '@framewright/ir'
import { type Rewriter, UNCHANGED } from './rewriter.ts'

/** uextend, sextend: of an extension. */
export function simplifyExtend(r: Rewriter, inst: number): number {
  const { insts, values } = r.func
  const inner = values.definition[insts.arg0[inst]]
  if (inner < 0) return UNCHANGED
  const type = values.type[insts.firstResult[inst]]
  const opcode = insts.opcode[inst] as Opcode
  const innerOpcode = insts.opcode[inner]
  // A zero-extended value has a clear sign bit, so extending it either way is zero extension.
  if (innerOpcode === Opcode.Uextend) return r.becomeUnary(inst, Opcode.Uextend, type, insts.arg0[inner])
  if (innerOpcode === opcode) return r.becomeUnary(inst, opcode, type, insts.arg0[inner])
  return UNCHANGED
}

/** ireduce: of an extension or a reduction. */
export function simplifyReduce(r: Rewriter, inst: number): number {
  const { insts, values } = r.func
  const inner = values.definition[insts.arg0[inst]]
  if (inner < 0) return UNCHANGED
  const opcode = insts.opcode[inner] as Opcode
  const type = values.type[insts.firstResult[inst]]
  if (opcode === Opcode.Ireduce) return r.becomeUnary(inst, Opcode.Ireduce, type, insts.arg0[inner])
  if (opcode !== Opcode.Uextend && opcode !== Opcode.Sextend) return UNCHANGED
  const source = insts.arg0[inner]
  const from = values.type[source]
  if (from === type) return source
  return r.becomeUnary(inst, from > type ? Opcode.Ireduce : opcode, type, source)
}

/** select: of one value twice, by a constant, or of the constants 1 and 0. */
export function simplifySelect(r: Rewriter, inst: number): number {
  const { insts, values } = r.func
  const condition = insts.arg0[inst]
  const x = insts.arg1[inst]
  const y = insts.arg2[inst]
  if (x === y) return x
  if (r.constant(condition)) return r.low !== 0 || r.high !== 0 ? x : y
  const type = values.type[x]
  if (type > Type.I64 || !r.isConstant(x, 1) || !r.isConstant(y, 0) || !isOutcome(r, condition)) return UNCHANGED
  return type === Type.I8 ? condition : r.becomeUnary(inst, Opcode.Uextend, type, condition)
}

function isOutcome(r: Rewriter, value: number): boolean {
  return (
    r.func.values.type[value] === Type.I8 &&
    (r.definedBy(value, Opcode.Icmp) >= 0 || r.definedBy(value, Opcode.Fcmp) >= 0)
  )
}

/** fneg and fabs touch the sign bit alone, of NaNs too. */
export function simplifySign(r: Rewriter, inst: number): number {
  const { insts, values } = r.func
  const x = insts.arg0[inst]
  const inner = values.definition[x]
  if (inner < 0) return UNCHANGED
  const innerOpcode = insts.opcode[inner]
  if (insts.opcode[inst] === Opcode.Fneg) return innerOpcode === Opcode.Fneg ? insts.arg0[inner] : UNCHANGED
  if (innerOpcode === Opcode.Fabs) return x
  if (innerOpcode === Opcode.Fneg) return r.becomeUnary(inst, Opcode.Fabs, values.type[x], insts.arg0[inner])
  return UNCHANGED
}
