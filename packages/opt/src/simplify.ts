// Simplification: every instruction is replaced by something that is computed already, by a constant, or by a cheaper
// instruction with the same result.
//
// Relies on: nothing but a verified function. Leaves true: a constant operand of a commutative operation is arg1;
// additions of constants are iadd, products with powers of two ishl; no operand is a value for which there is a simpler
// one by the rules of rules/. Replaced instructions stay where they are: dead-code takes them.
//
// The walk is in dominator order, so an instruction's operands have been simplified before it, and every rule that makes
// an instruction smaller is asked again until none applies. A rule never makes an instruction larger, so that ends;
// a count says so all the same.
//
// What selection merges for nothing is left to it: constants into immediates, comparisons into branches, loads into
// operands, additions and shifts into addresses, divisions by constants.
//
// literals: Opcode

import { type Function, type Inst, type IntCC, Opcode, swapIntCC, Type } from '@framewright/ir'
import { isFoldable } from './constant-folding.ts'
import type { PassContext } from './context.ts'
import { FIXED_OPERANDS, TRAITS, Trait } from './opcode-traits.ts'
import {
  simplifyAdd,
  simplifyDivision,
  simplifyInvolution,
  simplifyMul,
  simplifySplit,
  simplifySub,
} from './rules/arithmetic.ts'
import { simplifyAnd, simplifyOr, simplifyShift, simplifyXor } from './rules/bitwise.ts'
import { simplifyCompare } from './rules/compare.ts'
import { simplifyExtend, simplifyReduce, simplifySelect, simplifySign } from './rules/convert.ts'
import { CHANGED, Rewriter, UNCHANGED } from './rules/rewriter.ts'

const MOST_STEPS = 16

/** Runs the pass. */
export function simplify(func: Function, context: PassContext): void {
  const order = context.order()
  const rewriter = new Rewriter(context)
  const { blocks, layout } = func
  for (let i = 0; i < order.length; i++) {
    const block = order[i]
    if (i > 0 && blocks.paramCount[block] > 0) simplifyParameters(func, context, block)
    let inst = blocks.firstInst[block]
    while (inst >= 0) {
      context.rewrite(inst)
      const next = layout.nextInst[inst]
      const opcode = func.insts.opcode[inst]
      if (opcode === Opcode.Trapz || opcode === Opcode.Trapnz) simplifyTrap(rewriter, inst)
      else if ((TRAITS[opcode] & Trait.Repeatable) !== 0) simplifyInst(rewriter, inst)
      inst = next
    }
  }
  context.forgetReplacements()
}

/** A parameter that is always given the same value, or itself, is that value; equal constants are the same value. */
function simplifyParameters(func: Function, context: PassContext, block: number): void {
  const { blocks, blockCalls, blockArgs, insts, values } = func
  const { start, calls } = context.incoming()
  const first = blocks.firstParam[block]
  const count = blocks.paramCount[block]
  const end = start[block + 1]
  for (let index = 0; index < count; index++) {
    const param = first + index
    let given = -1
    let oneValue = true
    let c = start[block]
    for (; c < end; c++) {
      const entry = blockArgs[blockCalls.argStart[calls[c]] + index]
      if (entry < 0) break // a result or payload: known only when the call has returned
      const value = context.find(entry)
      if (value === param || value === given) continue
      if (given < 0) given = value
      else if (sameConstant(func, value, given)) oneValue = false
      else break
    }
    if (c < end || given < 0) continue
    if (oneValue) {
      context.replace(param, given)
      continue
    }
    const constant = values.definition[given]
    const { imm, immHigh } = insts
    const at = blocks.firstInst[block]
    context.replace(param, context.constantBefore(values.type[param], imm[constant], immHigh[constant], at))
  }
}

function sameConstant({ insts, values }: Function, a: number, b: number): boolean {
  const x = values.definition[a]
  const y = values.definition[b]
  return (
    x >= 0 &&
    y >= 0 &&
    insts.opcode[x] === Opcode.Iconst &&
    insts.opcode[y] === Opcode.Iconst &&
    insts.imm[x] === insts.imm[y] &&
    insts.immHigh[x] === insts.immHigh[y]
  )
}

function simplifyInst(r: Rewriter, inst: number): void {
  const { insts } = r.func
  for (let step = 0; step < MOST_STEPS; step++) {
    const opcode = insts.opcode[inst] as Opcode
    if (fold(r, inst, opcode)) return
    const answer = applyRules(r, inst, opcode)
    if (answer >= 0) r.context.replace(insts.firstResult[inst], answer)
    if (answer !== CHANGED) return
  }
}

/** Makes the instruction a constant if its operands are, and puts a constant last where the operands may change places. */
function fold(r: Rewriter, inst: number, opcode: Opcode): boolean {
  const { insts, values } = r.func
  const { folder } = r
  const operands = FIXED_OPERANDS[opcode]
  if (operands === 0 || operands > 2 || insts.resultCount[inst] !== 1) return operands === 0
  const x = insts.arg0[inst]
  if (!r.literal(x)) return false
  const { low, high } = r
  const y = insts.arg1[inst]
  if (operands === 1 || r.literal(y)) {
    const to = values.type[insts.firstResult[inst]]
    if (!isFoldable(to)) return false
    const condition = opcode === Opcode.Icmp || opcode === Opcode.Fcmp ? insts.imm[inst] : 0
    const type = insts.ctrlType[inst]
    if (!folder.evaluate(opcode, type, values.type[x], to, condition, low, high, r.low, r.high)) return false
    r.becomeLiteral(inst, folder.low, folder.high)
    return true
  }
  // Floats may not change places: which of two NaNs comes out may depend on their order.
  if (values.type[x] > Type.I64) return false
  if ((TRAITS[opcode] & Trait.Commutative) !== 0) {
    insts.arg0[inst] = y
    insts.arg1[inst] = x
  } else if (opcode === Opcode.Icmp) {
    insts.arg0[inst] = y
    insts.arg1[inst] = x
    insts.imm[inst] = swapIntCC(insts.imm[inst] as IntCC)
  }
  return false
}

function applyRules(r: Rewriter, inst: number, opcode: Opcode): number {
  switch (opcode) {
    case 74 /* Opcode.Iadd */:
      return simplifyAdd(r, inst)
    case 75 /* Opcode.Isub */:
      return simplifySub(r, inst)
    case 78 /* Opcode.Imul */:
      return simplifyMul(r, inst)
    case 76 /* Opcode.Ineg */:
    case 101 /* Opcode.Bnot */:
      return simplifyInvolution(r, inst, opcode)
    case 98 /* Opcode.Band */:
      return simplifyAnd(r, inst)
    case 99 /* Opcode.Bor */:
      return simplifyOr(r, inst)
    case 100 /* Opcode.Bxor */:
      return simplifyXor(r, inst)
    case 104 /* Opcode.Ishl */:
    case 105 /* Opcode.Ushr */:
    case 106 /* Opcode.Sshr */:
    case 102 /* Opcode.Rotl */:
    case 103 /* Opcode.Rotr */:
      return simplifyShift(r, inst)
    case 73 /* Opcode.Icmp */:
      return simplifyCompare(r, inst)
    case 142 /* Opcode.Uextend */:
    case 143 /* Opcode.Sextend */:
      return simplifyExtend(r, inst)
    case 132 /* Opcode.Ireduce */:
      return simplifyReduce(r, inst)
    case 66 /* Opcode.Select */:
      return simplifySelect(r, inst)
    case 120 /* Opcode.Fneg */:
    case 121 /* Opcode.Fabs */:
      return simplifySign(r, inst)
    case 83 /* Opcode.Udiv */:
    case 84 /* Opcode.Sdiv */:
    case 85 /* Opcode.Urem */:
    case 86 /* Opcode.Srem */:
      return simplifyDivision(r, inst)
    case 155 /* Opcode.Isplit */:
      return simplifySplit(r, inst)
  }
  return UNCHANGED
}

/** A trap that is never taken goes. One that is always taken stays what it is. */
function simplifyTrap(r: Rewriter, inst: number): void {
  const { insts, layout } = r.func
  const onZero = insts.opcode[inst] === Opcode.Trapz
  if (!r.constant(insts.arg0[inst])) return
  if ((r.low !== 0 || r.high !== 0) === onZero) layout.removeInst(inst as Inst)
}
