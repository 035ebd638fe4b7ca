// icmp, and the comparisons of its outcome with 0.

import { complementIntCC, IntCC, Opcode, Type } from '@framewright/ir'
import { type Rewriter, UNCHANGED } from './rewriter.ts'

/** Conditions that hold of equal operands. */
const REFLEXIVE: readonly boolean[] = [true, false, true, false, true, false, true, false, true, false]

export function simplifyCompare(r: Rewriter, inst: number): number {
  const { insts, values } = r.func
  const x = insts.arg0[inst]
  const y = insts.arg1[inst]
  const condition = insts.imm[inst] as IntCC
  if (values.type[x] > Type.I64) return UNCHANGED // i128 and vectors
  if (x === y) return r.becomeNumber(inst, REFLEXIVE[condition] ? 1 : 0)
  if (!r.isConstant(y, 0)) return againstOne(r, inst, x, y, condition)
  switch (condition) {
    case IntCC.Ult: // nothing is below 0
      return r.becomeNumber(inst, 0)
    case IntCC.Uge:
      return r.becomeNumber(inst, 1)
    case IntCC.Ugt: // above 0 is not 0
      return r.becomeCompare(inst, IntCC.Ne, x, y)
    case IntCC.Ule:
      return r.becomeCompare(inst, IntCC.Eq, x, y)
    case IntCC.Eq:
    case IntCC.Ne:
      return ofTruth(r, inst, x, y, condition)
  }
  return UNCHANGED
}

/** Below 1 is 0. */
function againstOne(r: Rewriter, inst: number, x: number, y: number, condition: IntCC): number {
  if ((condition !== IntCC.Ult && condition !== IntCC.Uge) || !r.isConstant(y, 1)) return UNCHANGED
  const zero = r.context.constantBefore(r.func.values.type[x], 0, 0, inst)
  return r.becomeCompare(inst, condition === IntCC.Ult ? IntCC.Eq : IntCC.Ne, x, zero)
}

/** `x == 0` and `x != 0` where x is itself an outcome, extended or not, or a difference. */
function ofTruth(r: Rewriter, inst: number, x: number, zero: number, condition: IntCC): number {
  const { insts, values } = r.func
  const definition = values.definition[x]
  if (definition < 0) return UNCHANGED
  switch (insts.opcode[definition]) {
    case Opcode.Icmp: {
      // An outcome is 0 or 1: it is its own truth.
      if (condition === IntCC.Ne) return x
      const opposite = complementIntCC(insts.imm[definition] as IntCC)
      return r.becomeCompare(inst, opposite, insts.arg0[definition], insts.arg1[definition])
    }
    case Opcode.Fcmp:
      return condition === IntCC.Ne ? x : UNCHANGED
    case Opcode.Uextend:
    case Opcode.Sextend: {
      const narrow = insts.arg0[definition]
      const type = values.type[narrow]
      return r.becomeCompare(inst, condition, narrow, r.context.constantBefore(type, 0, 0, inst))
    }
    case Opcode.Isub:
    case Opcode.Bxor:
      // x - y and x ^ y are 0 just when x = y.
      return r.becomeCompare(inst, condition, insts.arg0[definition], insts.arg1[definition])
    case Opcode.Ineg:
      return r.becomeCompare(inst, condition, insts.arg0[definition], zero)
  }
  return UNCHANGED
}
