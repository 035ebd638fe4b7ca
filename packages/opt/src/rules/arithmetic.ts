// iadd, isub, imul, ineg, divisions. One identity to a line or group; all hold modulo 2^n.
//
// literals: Opcode

import { Opcode, Type } from '@framewright/ir'
import { CHANGED, type Rewriter, UNCHANGED } from './rewriter.ts'

export function simplifyAdd(r: Rewriter, inst: number): number {
  const { insts, values } = r.func
  const x = insts.arg0[inst]
  const y = insts.arg1[inst]
  if (r.constant(y)) {
    const { low, high } = r
    if (low === 0 && high === 0) return x // x + 0 = x
    return reassociate(r, inst, Opcode.Iadd, x, low, high) // (x + a) + b = x + (a + b)
  }
  const right = r.definedBy(y, Opcode.Ineg)
  if (right >= 0) return r.becomeBinary(inst, Opcode.Isub, values.type[x], x, insts.arg0[right]) // x + -y = x - y
  const left = r.definedBy(x, Opcode.Ineg)
  if (left >= 0) return r.becomeBinary(inst, Opcode.Isub, values.type[y], y, insts.arg0[left])
  return UNCHANGED
}

export function simplifySub(r: Rewriter, inst: number): number {
  const { insts, values } = r.func
  const x = insts.arg0[inst]
  const y = insts.arg1[inst]
  if (x === y) return r.becomeNumber(inst, 0) // x - x = 0
  if (r.constant(y)) {
    // x - a = x + -a: an addition folds into addresses. Not when only a fits an immediate.
    const { low, high } = r
    const bits = r.bits(x)
    if (bits === 64 && high === -1 && low === -0x80000000) return UNCHANGED
    r.folder.binary(Opcode.Isub, bits, 0, 0, low, high)
    return r.becomeWithConstant(inst, Opcode.Iadd, x, r.folder.low, r.folder.high)
  }
  if (r.isConstant(x, 0)) return r.becomeUnary(inst, Opcode.Ineg, values.type[y], y) // 0 - x = -x
  const right = r.definedBy(y, Opcode.Ineg)
  if (right >= 0) return r.becomeBinary(inst, Opcode.Iadd, values.type[x], x, insts.arg0[right]) // x - -y = x + y
  return UNCHANGED
}

export function simplifyMul(r: Rewriter, inst: number): number {
  const { insts, values } = r.func
  const x = insts.arg0[inst]
  const y = insts.arg1[inst]
  if (!r.constant(y)) return UNCHANGED
  const { low, high } = r
  if (low === 0 && high === 0) return y // x * 0 = 0
  if (low === 1 && high === 0) return x // x * 1 = x
  if (r.isConstant(y, -1)) return r.becomeUnary(inst, Opcode.Ineg, values.type[x], x) // x * -1 = -x
  const bit = powerOfTwo(low, high)
  // x * 2^k = x << k: one spelling, for value numbering and for the search of induction variables.
  if (bit >= 0) return r.becomeWithConstant(inst, Opcode.Ishl, x, bit, 0)
  return reassociate(r, inst, Opcode.Imul, x, low, high) // (x * a) * b = x * (a * b)
}

/**
 * `(x op a) op b`, a and b constants, becomes `x op (a op b)`. Only within a block: x then lives on in place of `x op a`,
 * and where that lives as well, over a distance, it costs a register and a move (4 % of a sort's time).
 */
export function reassociate(
  r: Rewriter,
  inst: number,
  opcode: Opcode,
  value: number,
  low: number,
  high: number,
): number {
  const { insts } = r.func
  const inner = r.definedBy(value, opcode)
  if (inner < 0 || !r.sameBlock(inner, inst) || !r.constant(insts.arg1[inner])) return UNCHANGED
  r.folder.binary(opcode, r.bits(value), r.low, r.high, low, high)
  return r.becomeWithConstant(inst, opcode, insts.arg0[inner], r.folder.low, r.folder.high)
}

/** ineg and bnot undo themselves. */
export function simplifyInvolution(r: Rewriter, inst: number, opcode: Opcode): number {
  const inner = r.definedBy(r.func.insts.arg0[inst], opcode)
  return inner >= 0 ? r.func.insts.arg0[inner] : UNCHANGED
}

/** Divisions by 1; those by other constants are a matter of selection. */
export function simplifyDivision(r: Rewriter, inst: number): number {
  const { insts } = r.func
  if (!r.isConstant(insts.arg1[inst], 1)) return UNCHANGED
  const opcode = insts.opcode[inst]
  return opcode === Opcode.Udiv || opcode === Opcode.Sdiv ? insts.arg0[inst] : r.becomeNumber(inst, 0)
}

/** The bit that is set alone in a constant; -1 if there is not exactly one. */
export function powerOfTwo(low: number, high: number): number {
  if (high === 0) return low !== 0 && (low & (low - 1)) === 0 ? 31 - Math.clz32(low) : -1
  return low === 0 && (high & (high - 1)) === 0 ? 63 - Math.clz32(high) : -1
}

/** Both halves of an i128 that was put together from them. */
export function simplifySplit(r: Rewriter, inst: number): number {
  const { insts, values } = r.func
  const whole = insts.arg0[inst]
  const join = values.type[whole] === Type.I128 ? r.definedBy(whole, Opcode.Iconcat) : -1
  if (join < 0) return UNCHANGED
  const first = insts.firstResult[inst]
  if (r.context.replacement[first] >= 0) return UNCHANGED
  r.context.replace(first, insts.arg0[join])
  r.context.replace(first + 1, insts.arg1[join])
  return CHANGED
}
