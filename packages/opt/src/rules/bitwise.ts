// band, bor, bxor and shifts.
//
// literals: Opcode

import { Opcode, Type } from '@framewright/ir'
import { reassociate } from './arithmetic.ts'
import { type Rewriter, UNCHANGED } from './rewriter.ts'

export function simplifyAnd(r: Rewriter, inst: number): number {
  const { insts } = r.func
  const x = insts.arg0[inst]
  const y = insts.arg1[inst]
  if (x === y) return x // x & x = x, on any type
  if (!r.constant(y)) return UNCHANGED
  const { low, high } = r
  if (low === 0 && high === 0) return y // x & 0 = 0
  if (r.isConstant(y, -1)) return x // x & ~0 = x
  return reassociate(r, inst, Opcode.Band, x, low, high)
}

export function simplifyOr(r: Rewriter, inst: number): number {
  const { insts } = r.func
  const x = insts.arg0[inst]
  const y = insts.arg1[inst]
  if (x === y) return x
  if (!r.constant(y)) return UNCHANGED
  const { low, high } = r
  if (low === 0 && high === 0) return x // x | 0 = x
  if (r.isConstant(y, -1)) return y // x | ~0 = ~0
  return reassociate(r, inst, Opcode.Bor, x, low, high)
}

export function simplifyXor(r: Rewriter, inst: number): number {
  const { insts, values } = r.func
  const x = insts.arg0[inst]
  const y = insts.arg1[inst]
  // x ^ x = 0, where there is a constant of the type.
  if (x === y) return isNarrowInteger(values.type[x]) ? r.becomeNumber(inst, 0) : UNCHANGED
  if (!r.constant(y)) return UNCHANGED
  const { low, high } = r
  if (low === 0 && high === 0) return x // x ^ 0 = x
  if (r.isConstant(y, -1)) return r.becomeUnary(inst, Opcode.Bnot, values.type[x], x) // x ^ ~0 = ~x
  return reassociate(r, inst, Opcode.Bxor, x, low, high)
}

/** ishl, ushr, sshr, rotl, rotr. The amount counts modulo the width. */
export function simplifyShift(r: Rewriter, inst: number): number {
  const { insts, values } = r.func
  const x = insts.arg0[inst]
  const y = insts.arg1[inst]
  const opcode = insts.opcode[inst] as Opcode
  if (!isNarrowInteger(values.type[x])) return UNCHANGED
  // 0 stays 0, whatever it is shifted by.
  if (r.isConstant(x, 0)) return x
  if (!r.constant(y)) return UNCHANGED
  const width = r.bits(x)
  const amount = r.low & (width - 1)
  if (amount === 0) return x // x << 0 = x
  const inner = r.definedBy(x, opcode)
  if (inner < 0 || !r.sameBlock(inner, inst) || !r.constant(insts.arg1[inner])) return UNCHANGED
  // Two shifts the same way are one.
  let sum = (r.low & (width - 1)) + amount
  if (opcode === Opcode.Rotl || opcode === Opcode.Rotr) sum &= width - 1
  else if (sum >= width) {
    if (opcode !== Opcode.Sshr) return r.becomeNumber(inst, 0)
    sum = width - 1
  }
  return r.becomeWithConstant(inst, opcode, insts.arg0[inner], sum, 0)
}

function isNarrowInteger(type: number): boolean {
  return type >= Type.I8 && type <= Type.I64
}
