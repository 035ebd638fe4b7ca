// Integer arithmetic, logic, extensions and selection between integers.

import { IntCC, Opcode } from '@framewright/ir'
import { MachOp } from '../machine/op.ts'
import * as record from '../machine/record.ts'
import { emitFlags, matchCondition } from './compare.ts'
import type { Lowering } from './context.ts'
import { trapIf } from './control.ts'
import { DEF, fixedDef, fixedUse, LATE, USE, USE_ANY, USE_TIED } from './operand.ts'

const RAX = 0
const RDX = 2
const SIZE = record.SIZE_SHIFT
const EXACT = record.EXACT

/** Commutative operations and subtraction: d = a op b with b immediate, memory or register. */
export function lowerAlu(c: Lowering, op: number, commutative: boolean, extra: number = 0): void {
  const d = c.result()
  let a = c.arg0[c.inst]
  let b = c.arg1[c.inst]
  const size = c.size(a)
  if (commutative && swapHelps(c, a, b)) {
    const swap = a
    a = b
    b = swap
  }
  // The second input of a commutative operation may share the result's register: emission swaps the two.
  const constraint = commutative ? USE_ANY : USE_ANY | LATE
  const word = c.use(a)
  // `imul` with an immediate has three operands and a record of its own; what comes here has the constant in a register.
  c.withSource(op, (size << SIZE) | extra, DEF | d, USE_TIED | word, b, constraint, op !== MachOp.Imul)
}

/** The first operand merges and the second does not. */
function swapHelps(c: Lowering, a: number, b: number): boolean {
  if (c.matchConstant(b)) return false
  if (c.matchConstant(a)) return true
  return c.mergeableLoad(b) < 0 && c.mergeableLoad(a) >= 0
}

/** `iadd`: an addition of a scaled index or with a displacement becomes one `lea`. */
export function lowerAdd(c: Lowering): void {
  const x = c.arg0[c.inst]
  const y = c.arg1[c.inst]
  const size = c.size(x)
  if (size >= 2 && (isScaled(c, x) || isScaled(c, y) || (c.matchImmediate(y) && isSum(c, x)))) {
    matchLea(c, x, y)
    c.buffer.begin(MachOp.Lea, 1 + c.addressOperands(), 1, (size << SIZE) | record.SOURCE_MEMORY | c.addressHeader())
    c.buffer.operand(DEF | c.result())
    c.writeAddressOperands(0)
    c.writeAddressPayload()
    return
  }
  lowerAlu(c, MachOp.Add, true)
}

/** A shift by 1 to 3 that merges. */
function isScaled(c: Lowering, value: number): boolean {
  const inst = c.mergeable(value)
  if (inst < 0 || c.opcode[inst] !== Opcode.Ishl || !c.matchConstant(c.arg1[inst])) return false
  const amount = c.low & (c.valueType[value] === c.valueType[c.firstResult[c.inst]] ? 63 : 0)
  return amount >= 1 && amount <= 3
}

/** A sum that merges, so that a constant can be added to it for nothing. */
function isSum(c: Lowering, value: number): boolean {
  const inst = c.mergeable(value)
  return inst >= 0 && c.opcode[inst] === Opcode.Iadd && !c.matchConstant(c.arg1[inst]) && !c.matchConstant(c.arg0[inst])
}

/**
 * The address fields for x + y. `lea` computes modulo its operand size and the low bits of a sum depend on low bits only, so other than
 * in addresses of memory 32-bit operands may be folded too.
 */
function matchLea(c: Lowering, x: number, y: number): void {
  c.addressKind = record.ADDRESS_PLAIN
  c.addressScale = 0
  c.addressOffset = 0
  c.addressIndex = -1
  let a = x
  let b = y
  if (c.matchImmediate(y)) {
    c.addressOffset = c.low
    const sum = c.definition[x] // isSum or isScaled held
    if (c.opcode[sum] === Opcode.Iadd) {
      a = c.arg0[sum]
      b = c.arg1[sum]
    } else {
      a = -1
      b = x
    }
  }
  if (a !== -1 && isScaled(c, a)) {
    const swap = a
    a = b
    b = swap
  }
  c.addressBase = a
  if (isScaled(c, b)) {
    const shift = c.definition[b]
    c.matchConstant(c.arg1[shift])
    c.addressScale = c.low & 3
    c.addressIndex = c.arg0[shift]
  } else {
    c.addressIndex = b
  }
}

/** `isub`; 0 - x is a negation. */
export function lowerSub(c: Lowering): void {
  const x = c.arg0[c.inst]
  if (c.matchConstant(x) && c.low === 0 && c.high === 0) {
    c.unary(MachOp.Neg, c.size(x), c.result(), c.use(c.arg1[c.inst]), USE_TIED)
    return
  }
  lowerAlu(c, MachOp.Sub, false)
}

/** `ineg`, `bnot`, `bswap`: one tied input. */
export function lowerTiedUnary(c: Lowering, op: number): void {
  const x = c.arg0[c.inst]
  c.unary(op, c.size(x), c.result(), c.use(x), USE_TIED)
}

/** `imul`: by a power of two a shift, by 3, 5, 9 a `lea`, by other constants the three-operand form. */
export function lowerMul(c: Lowering): void {
  const d = c.result()
  let x = c.arg0[c.inst]
  let y = c.arg1[c.inst]
  const size = c.size(x)
  if (c.matchConstant(x)) {
    const swap = x
    x = y
    y = swap
  }
  if (c.matchConstant(y)) {
    const { low, high } = c
    const bit = powerOfTwo(low, high)
    if (bit >= 0 && bit < 8 << size) {
      c.binaryImmediate(MachOp.Shl, size, d, c.use(x), bit)
      return
    }
    if (size >= 2 && high === 0 && (low === 3 || low === 5 || low === 9)) {
      c.addressKind = record.ADDRESS_PLAIN
      c.addressBase = x
      c.addressIndex = x
      c.addressScale = low === 3 ? 1 : low === 5 ? 2 : 3
      c.addressOffset = 0
      c.buffer.begin(MachOp.Lea, 3, 1, (size << SIZE) | record.SOURCE_MEMORY | c.addressHeader())
      c.buffer.operand(DEF | d)
      c.writeAddressOperands(0)
      c.writeAddressPayload()
      return
    }
    if (c.matchImmediate(y)) {
      const immediate = c.low
      c.buffer.begin(MachOp.ImulImm, 2, 1, Math.max(size, 2) << SIZE)
      c.buffer.operand(DEF | d)
      c.buffer.operand(USE_ANY | c.use(x))
      c.buffer.payload(immediate)
      return
    }
  }
  if (size < 2) {
    // No 8-bit two-operand multiplication: whole registers, no merged load.
    c.buffer.begin(MachOp.Imul, 3, 0, 2 << SIZE)
    c.buffer.operand(DEF | d)
    c.buffer.operand(USE_TIED | c.use(x))
    c.buffer.operand(USE_ANY | c.use(y))
    return
  }
  lowerAlu(c, MachOp.Imul, true)
}

/** The bit that is set alone in a 64-bit value, -1 if there is not exactly one. */
export function powerOfTwo(low: number, high: number): number {
  if (high === 0) return low !== 0 && (low & (low - 1)) === 0 ? 31 - Math.clz32(low) : -1
  return low === 0 && (high & (high - 1)) === 0 ? 63 - Math.clz32(high) : -1
}

/** A register for a value widened to at least 32 bits; `widen` writes the record that fills it, after the records that read it. */
export function widened(c: Lowering, value: number): number {
  return c.size(value) >= 2 ? c.use(value) : c.newVreg(false)
}

/** Fills what `widened` returned. */
export function widen(c: Lowering, wide: number, value: number, signed: boolean): void {
  const size = c.size(value)
  if (size < 2) c.unary(extension(size, signed), 2, wide, c.use(value), USE_ANY)
}

/** The machine operation that extends from 8 << size bits. */
export function extension(size: number, signed: boolean): number {
  if (size === 0) return signed ? MachOp.Movsx8 : MachOp.Movzx8
  if (size === 1) return signed ? MachOp.Movsx16 : MachOp.Movzx16
  return signed ? MachOp.Movsx32 : MachOp.Mov
}

/** `uextend`, `sextend`. Loads merge; the width read from memory is the narrow one. */
export function lowerExtend(c: Lowering, signed: boolean): void {
  if (isRenamed(c)) return
  const x = c.arg0[c.inst]
  const from = c.size(x)
  const to = c.size(c.firstResult[c.inst])
  // Zero extension to 32 bits clears the upper half as well.
  const size = signed ? Math.max(to, 2) : 2
  c.withSource(extension(from, signed), size << SIZE, DEF | c.result(), -1, x, USE_ANY, false)
}

/** `ireduce` is a renaming, but of an i128. */
export function lowerReduce(c: Lowering): void {
  if (!isRenamed(c)) c.unsupported()
}

/** The instruction's result shares the register of its operand: there is nothing to do. */
function isRenamed(c: Lowering): boolean {
  return c.isAlias(c.inst) && c.result() === c.vregs[c.arg0[c.inst]]
}

/** `umulhi`, `smulhi`. */
export function lowerMulHigh(c: Lowering, signed: boolean): void {
  const x = c.arg0[c.inst]
  const y = c.arg1[c.inst]
  const size = c.size(x)
  const d = c.result()
  if (size < 2) {
    // The whole product fits 32 bits: multiply the extended values and shift.
    const product = c.newVreg(false)
    c.binaryImmediate(signed ? MachOp.Sar : MachOp.Shr, 2, d, product, 8 << size)
    const a = widened(c, x)
    const b = widened(c, y)
    c.buffer.begin(MachOp.Imul, 3, 0, 2 << SIZE)
    c.buffer.operand(DEF | product)
    c.buffer.operand(USE_TIED | a)
    c.buffer.operand(USE_ANY | b)
    widen(c, a, x, signed)
    widen(c, b, y, signed)
    return
  }
  wideMultiply(c, signed, size, -1, d, x, y)
}

/** rdx:rax = x * y. `low` and `high` are registers that want the halves, -1 for none. */
export function wideMultiply(
  c: Lowering,
  signed: boolean,
  size: number,
  low: number,
  high: number,
  x: number,
  y: number,
): void {
  const results = (low >= 0 ? 1 : 0) + (high >= 0 ? 1 : 0)
  const a = c.use(x)
  const b = c.use(y)
  c.buffer.begin(signed ? MachOp.ImulWide : MachOp.Mul, results + 2, 0, size << SIZE)
  if (low >= 0) c.buffer.operand(fixedDef(RAX) | low)
  if (high >= 0) c.buffer.operand(fixedDef(RDX) | high)
  c.buffer.operand(fixedUse(RAX) | a)
  c.buffer.operand(USE_ANY | LATE | b)
  c.buffer.clobber((1 << RAX) | (1 << RDX))
}

/** `smin` and the like: compare, then a conditional move. */
export function lowerMinMax(c: Lowering, condition: number): void {
  const x = c.use(c.arg0[c.inst])
  const y = c.use(c.arg1[c.inst])
  const size = c.size(c.arg0[c.inst])
  c.buffer.begin(MachOp.Cmov, 3, 0, (Math.max(size, 2) << SIZE) | condition)
  c.buffer.operand(DEF | c.result())
  c.buffer.operand(USE_TIED | y)
  c.buffer.operand(USE_ANY | LATE | x)
  c.buffer.begin(MachOp.Cmp, 2, 0, (size << SIZE) | EXACT)
  c.buffer.operand(USE | x)
  c.buffer.operand(USE_ANY | y)
}

/** `iabs`: the negation, or x itself where the negation is negative. */
export function lowerAbs(c: Lowering): void {
  const x = c.use(c.arg0[c.inst])
  const size = c.size(c.arg0[c.inst])
  const negated = c.newVreg(false)
  c.buffer.begin(MachOp.Cmov, 3, 0, (Math.max(size, 2) << SIZE) | 8) // s
  c.buffer.operand(DEF | c.result())
  c.buffer.operand(USE_TIED | negated)
  c.buffer.operand(USE_ANY | LATE | x)
  c.buffer.begin(MachOp.Neg, 2, 0, (size << SIZE) | EXACT)
  c.buffer.operand(DEF | negated)
  c.buffer.operand(USE_TIED | x)
}

/** `select` between integers. Select of floats is in `float.ts`. */
export function lowerSelect(c: Lowering): void {
  const d = c.result()
  const match = matchCondition(c, c.arg0[c.inst])
  let x = c.arg1[c.inst]
  let y = c.arg2[c.inst]
  const size = Math.max(c.size(x), 2)
  if (match.code === record.FLOAT_EQ) {
    // "Equal and ordered" takes two conditional moves of the other arm.
    const swap = x
    x = y
    y = swap
    match.code = record.FLOAT_NE
  }
  const first = c.use(y)
  const second = c.use(x)
  c.buffer.begin(MachOp.Cmov, 3, 0, (size << SIZE) | match.code)
  c.buffer.operand(DEF | d)
  c.buffer.operand(USE_TIED | first)
  c.buffer.operand(USE_ANY | LATE | second)
  emitFlags(c, match)
}

/** `bmask`: -x sets the carry unless x is 0; subtracting with borrow spreads it. */
export function lowerMask(c: Lowering): void {
  const x = c.arg0[c.inst]
  c.size(c.firstResult[c.inst])
  c.buffer.begin(MachOp.SbbSelf, 1, 0, 3 << SIZE)
  c.buffer.operand(DEF | c.result())
  c.buffer.begin(MachOp.Neg, 2, 0, (c.size(x) << SIZE) | EXACT)
  c.buffer.operand(DEF | c.newVreg(false))
  c.buffer.operand(USE_TIED | c.use(x))
}

/** `bitselect` on integers: ((x ^ y) & mask) ^ y. */
export function lowerBitselect(c: Lowering): void {
  const size = c.size(c.arg1[c.inst])
  const mask = c.use(c.arg0[c.inst])
  const x = c.use(c.arg1[c.inst])
  const y = c.use(c.arg2[c.inst])
  const difference = c.newVreg(false)
  const masked = c.newVreg(false)
  c.binary(MachOp.Xor, size, c.result(), masked, y)
  c.binary(MachOp.And, size, masked, difference, mask)
  c.binary(MachOp.Xor, size, difference, x, y)
}

// Hardware conditions that hold after an addition or subtraction that did not fit.
const OVERFLOW = 0
const CARRY = 2

/** `uadd_overflow` and its family: the operation, then its carry or overflow flag. */
export function lowerOverflow(c: Lowering, op: number, signed: boolean): void {
  const inst = c.inst
  const first = c.firstResult[inst]
  let d = c.vregs[first]
  const flag = c.vregs[first + 1]
  if (d < 0) d = c.newVreg(false)
  if (flag >= 0) setcc(c, signed ? OVERFLOW : CARRY, flag)
  const x = c.arg0[inst]
  const size = c.size(x)
  if (op === MachOp.Imul && size === 0) return overflowOfBytes(c, d, signed)
  const a = c.use(x)
  const constraint = op === MachOp.Sub ? USE_ANY | LATE : USE_ANY
  c.withSource(op, (size << SIZE) | EXACT, DEF | d, USE_TIED | a, c.arg1[inst], constraint, op !== MachOp.Imul)
}

/** `umul_overflow`, and `smul_overflow` on i8, by the one-operand multiplication, which sets the carry when the high half matters. */
export function lowerMulOverflow(c: Lowering): void {
  const inst = c.inst
  const first = c.firstResult[inst]
  const d = c.vregs[first]
  const flag = c.vregs[first + 1]
  const size = c.size(c.arg0[inst])
  if (size === 0) {
    if (flag >= 0) setcc(c, CARRY, flag)
    return overflowOfBytes(c, d >= 0 ? d : c.newVreg(false), false)
  }
  if (flag >= 0) setcc(c, CARRY, flag)
  wideMultiply(c, false, size, d, -1, c.arg0[inst], c.arg1[inst])
}

/** ax = al * y. */
function overflowOfBytes(c: Lowering, d: number, signed: boolean): void {
  const a = c.use(c.arg0[c.inst])
  const b = c.use(c.arg1[c.inst])
  c.buffer.begin(signed ? MachOp.ImulWide : MachOp.Mul, 3, 0, 0 << SIZE)
  c.buffer.operand(fixedDef(RAX) | d)
  c.buffer.operand(fixedUse(RAX) | a)
  c.buffer.operand(USE_ANY | LATE | b)
  c.buffer.clobber((1 << RAX) | (1 << RDX))
}

/** `sadd_overflow_cin` and its family: the carry goes back into the flag first. */
export function lowerOverflowCarry(c: Lowering, op: number, signed: boolean): void {
  const inst = c.inst
  const first = c.firstResult[inst]
  const d = c.vregs[first] >= 0 ? c.vregs[first] : c.newVreg(false)
  const flag = c.vregs[first + 1]
  if (flag >= 0) setcc(c, signed ? OVERFLOW : CARRY, flag)
  const a = c.use(c.arg0[inst])
  const b = c.use(c.arg1[inst])
  c.buffer.begin(op, 3, 0, (c.size(c.arg0[inst]) << SIZE) | EXACT)
  c.buffer.operand(DEF | d)
  c.buffer.operand(USE_TIED | a)
  c.buffer.operand(USE_ANY | LATE | b)
  // Negating the carry operand sets the carry flag unless it is 0.
  c.buffer.begin(MachOp.Neg, 2, 0, (0 << SIZE) | EXACT)
  c.buffer.operand(DEF | c.newVreg(false))
  c.buffer.operand(USE_TIED | c.use(c.arg2[inst]))
}

/** `uadd_overflow_trap`. */
export function lowerOverflowTrap(c: Lowering): void {
  const d = c.result() >= 0 ? c.result() : c.newVreg(false)
  trapIf(c, CARRY, c.imm[c.inst])
  const a = c.use(c.arg0[c.inst])
  const size = c.size(c.arg0[c.inst])
  c.withSource(MachOp.Add, (size << SIZE) | EXACT, DEF | d, USE_TIED | a, c.arg1[c.inst], USE_ANY, true)
}

export function setcc(c: Lowering, condition: number, result: number): void {
  c.buffer.begin(MachOp.Setcc, 1, 0, condition)
  c.buffer.operand(DEF | result)
}

/** Hardware conditions of icmp's, by its number. */
export const INT_CONDITION: Uint8Array = new Uint8Array(10)
INT_CONDITION[IntCC.Eq] = 4
INT_CONDITION[IntCC.Ne] = 5
INT_CONDITION[IntCC.Sge] = 13
INT_CONDITION[IntCC.Sgt] = 15
INT_CONDITION[IntCC.Sle] = 14
INT_CONDITION[IntCC.Slt] = 12
INT_CONDITION[IntCC.Uge] = 3
INT_CONDITION[IntCC.Ugt] = 7
INT_CONDITION[IntCC.Ule] = 6
INT_CONDITION[IntCC.Ult] = 2
