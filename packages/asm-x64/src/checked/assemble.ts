// The checked way to the assembler: one instruction by its mnemonic and operands. It looks the row up, so it costs some
// microseconds; code generators call the methods of `Assembler`.

import type { Assembler } from '../assembler.ts'
import { AsmError, type AsmProblem } from '../errors.ts'
import { Base, Condition } from '../registers.ts'
import { type Candidate, candidates, immediateRange, match } from './match.ts'
import { type CheckedOperand, type MemoryOperand, type Operand, printOperand, readOperand } from './operand.ts'

/** Other names of conditions. Intel SDM vol. 2, "Jcc". */
const conditionNames: Readonly<Record<string, number>> = {
  ...Condition,
  c: Condition.b,
  nae: Condition.b,
  nb: Condition.ae,
  nc: Condition.ae,
  z: Condition.e,
  nz: Condition.ne,
  na: Condition.be,
  nbe: Condition.a,
  pe: Condition.p,
  po: Condition.np,
  nge: Condition.l,
  nl: Condition.ge,
  ng: Condition.le,
  nle: Condition.g,
}
const conditions: readonly string[] = Object.keys(Condition)
/** Intel SDM vol. 2, "LOCK". */
const lockable = /^(add|adc|and|btc|btr|bts|cmpxchg|cmpxchg8b|cmpxchg16b|dec|inc|neg|not|or|sbb|sub|xor|xadd|xchg)$/

/**
 * Writes one instruction.
 *
 * @param name - the mnemonic as Intel prints it, with `lock `, `rep ` or `repne ` before it or not; or a row of `Inst`.
 * @param operands - in Intel's order, the destination first.
 * @throws AsmError if there is no such instruction, it does not take these operands, their size is left open, or a value
 *   does not fit; nothing is written then.
 */
export function assemble(assembler: Assembler, name: string, ...operands: readonly Operand[]): void {
  const at = assembler.length
  const wrong = (problem: AsmProblem): AsmError => new AsmError(problem, at)
  const text = operands.map(printOperand).join(', ')
  const checked = operands.map((operand) => readOperand(operand, at))
  const [, prefix = '', mnemonic = name] = /^(lock|rep|repne) (.*)$/.exec(name) ?? []
  if (prefix === 'lock' && !(lockable.test(mnemonic) && checked[0]?.kind === 'memory')) {
    throw wrong({ code: 'no-such-form', name, operands: text })
  }
  if (prefix !== '' && prefix !== 'lock' && !/^(movs|stos|lods|scas|cmps)[bwdq]$/.test(mnemonic)) {
    throw wrong({ code: 'no-such-form', name, operands: text })
  }
  if (prefix === '' && special(assembler, mnemonic, checked, wrong)) return

  const known = candidates(canonical(mnemonic))
  if (known.length === 0 && !isSpecial(mnemonic)) throw wrong({ code: 'unknown-instruction', name })
  let found: Candidate | undefined
  let foundWidth = 0
  for (const candidate of known) {
    const width = matchAll(candidate, checked)
    if (width === undefined) continue
    if (found === undefined) {
      found = candidate
      foundWidth = width
    } else if (width !== foundWidth || (operands.length === 0 && candidate.size !== found.size)) {
      throw wrong({ code: 'size-ambiguous', name, operands: text })
    }
  }
  if (found === undefined) throw wrong({ code: 'no-such-form', name, operands: text })
  for (const [i, operand] of checked.entries()) {
    if (operand.kind !== 'immediate') continue
    const [least, greatest, bits] = immediateRange(found.operands[i]!, found.size)
    if (operand.value < least || operand.value > greatest)
      throw wrong({ code: 'immediate-range', value: operand.value, bits })
  }
  if (prefix !== '') assembler.prefix(prefix === 'lock' ? 0xf0 : prefix === 'rep' ? 0xf3 : 0xf2)
  write(assembler, found, checked)
}

/** The bits of the memory operand, 0 without one; undefined if the operands do not match. */
function matchAll({ operands, size }: Candidate, checked: readonly CheckedOperand[]): number | undefined {
  if (operands.length !== checked.length) return undefined
  let width = 0
  for (const [i, syntax] of operands.entries()) {
    const one = match(syntax, size, checked[i]!)
    if (one === undefined) return undefined
    width += one
  }
  return width
}

/** setz becomes sete, cmovnbe becomes cmova. */
function canonical(mnemonic: string): string {
  const [, stem, condition] = /^(set|cmov)(\w+)$/.exec(mnemonic) ?? []
  const number = condition === undefined ? undefined : conditionNames[condition]
  return number === undefined ? mnemonic : stem! + conditions[number]!
}

function write(assembler: Assembler, { row, size, operands }: Candidate, checked: readonly CheckedOperand[]): void {
  let reg = -1
  let vvvv = -1
  let rm = -1
  let imm: number | undefined
  let memory: MemoryOperand | undefined
  for (const [i, operand] of checked.entries()) {
    const syntax = operands[i]!
    if (operand.kind === 'immediate') imm = Number(BigInt.asIntN(32, operand.value))
    else if (operand.kind === 'memory') memory = operand
    else if (syntax === 'v' || syntax === 'vx') vvvv = operand.number
    else if (/^(rm|xm\d|sx)/.test(syntax)) rm = operand.number
    else if (syntax !== 'cl' && syntax !== 'xmm0') reg = operand.number
  }
  const three = reg >= 0 && vvvv >= 0
  const first = Math.max(reg, vvvv)
  if (memory !== undefined) {
    const { base, index, scaleLog2, disp } = memory
    if (three && imm !== undefined) assembler.vvmi(row, size, reg, vvvv, base, index, scaleLog2, disp, imm)
    else if (three) assembler.vvm(row, size, reg, vvvv, base, index, scaleLog2, disp)
    else if (first >= 0 && imm !== undefined) assembler.rmi(row, size, first, base, index, scaleLog2, disp, imm)
    else if (first >= 0) assembler.rm(row, size, first, base, index, scaleLog2, disp)
    else if (imm !== undefined) assembler.mi(row, size, base, index, scaleLog2, disp, imm)
    else assembler.m(row, size, base, index, scaleLog2, disp)
  } else if (rm < 0) assembler.op(row, size)
  else if (three && imm !== undefined) assembler.vvvi(row, size, reg, vvvv, rm, imm)
  else if (three) assembler.vvv(row, size, reg, vvvv, rm)
  else if (first >= 0 && imm !== undefined) assembler.rri(row, size, first, rm, imm)
  else if (first >= 0) assembler.rr(row, size, first, rm)
  else if (imm !== undefined) assembler.ri(row, size, rm, imm)
  else assembler.r(row, size, rm)
}

const isSpecial = (mnemonic: string): boolean =>
  /^(push|pop|bswap|ret|ud2|int3|nop|endbr64|jmp|call|j\w+)$/.test(mnemonic)

/** Instructions that have no row but a method; false leaves the rows to decide. */
function special(
  assembler: Assembler,
  mnemonic: string,
  operands: readonly CheckedOperand[],
  wrong: (problem: AsmProblem) => AsmError,
): boolean {
  const [first, second] = operands
  const condition = mnemonic.startsWith('j') ? conditionNames[mnemonic.slice(1)] : undefined
  const target = operands.length === 1 && first?.kind === 'memory' && first.width === 0 && first.disp === 0
  if (target && first.base === Base.label) {
    if (condition !== undefined) assembler.jcc(condition, first.index)
    else if (mnemonic === 'jmp') assembler.jmp(first.index)
    else if (mnemonic === 'call') assembler.call(first.index)
    else return false
    return true
  }
  if (target && first.base === Base.symbol && (mnemonic === 'jmp' || mnemonic === 'call')) {
    if (mnemonic === 'jmp') assembler.jmpSymbol(first.scaleLog2, first.index)
    else assembler.callSymbol(first.scaleLog2, first.index)
    return true
  }
  const wide = operands.length === 1 && first?.kind === 'register' && first.size === 3
  if (mnemonic === 'push' && wide) assembler.push(first.number)
  else if (mnemonic === 'pop' && wide) assembler.pop(first.number)
  else if (mnemonic === 'push' && operands.length === 1 && first?.kind === 'immediate') {
    if (BigInt.asIntN(32, first.value) !== first.value)
      throw wrong({ code: 'immediate-range', value: first.value, bits: 32 })
    assembler.pushImm(Number(first.value))
  } else if (mnemonic === 'bswap' && operands.length === 1 && first?.kind === 'register' && (first.size & ~1) === 2) {
    assembler.bswap(first.size, first.number)
  } else if (
    mnemonic === 'mov' &&
    operands.length === 2 &&
    first?.kind === 'register' &&
    second?.kind === 'immediate'
  ) {
    // A constant of any size into a register; 8 and 16 bits, which keep the rest of the register, have a row.
    if (first.size !== 2 && first.size !== 3) return false
    const bits = 8 << first.size
    const { value } = second
    if (value < -(1n << BigInt(bits - 1)) || value >= 1n << BigInt(bits))
      throw wrong({ code: 'immediate-range', value, bits })
    assembler.movImm(
      first.size,
      first.number,
      Number(BigInt.asIntN(32, value)),
      Number(BigInt.asIntN(32, value >> 32n)),
    )
  } else if (mnemonic === 'ret' && operands.length === 1 && first?.kind === 'immediate') {
    if (first.value < 0n || first.value > 0xffffn)
      throw wrong({ code: 'immediate-range', value: first.value, bits: 16 })
    assembler.retPop(Number(first.value))
  } else if (operands.length > 0) return false
  else if (mnemonic === 'ret') assembler.ret()
  else if (mnemonic === 'ud2') assembler.ud2()
  else if (mnemonic === 'int3') assembler.int3()
  else if (mnemonic === 'nop') assembler.nop()
  else if (mnemonic === 'endbr64') assembler.endbr64()
  else return false
  return true
}
