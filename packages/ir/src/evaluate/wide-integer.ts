// Integer operations on lanes of 64 bits, as two halves; the result is left in a `Pair`.

import { IntCC } from '../condition-codes.ts'
import { Opcode } from '../opcode.ts'
import { countOnes, reverseBits, reverseBytes } from './narrow-integer.ts'
import { countLeadingZeros, lessSigned, lessUnsigned, type Pair } from './pair.ts'

const Op = Opcode
const MIN_HIGH = -0x8000_0000
const MAX_HIGH = 0x7fff_ffff

/** Operations on two lanes; divisors are not 0. @returns whether the opcode is one. */
export function wideBinary(opcode: number, out: Pair, al: number, ah: number, bl: number, bh: number): boolean {
  switch (opcode) {
    case Op.Iadd:
      out.add(al, ah, bl, bh)
      return true
    case Op.Isub:
      out.subtract(al, ah, bl, bh)
      return true
    case Op.Imul:
      out.multiply(al, ah, bl, bh)
      return true
    case Op.Umulhi:
      out.multiplyHigh(al, ah, bl, bh)
      return true
    case Op.Smulhi:
      out.multiplyHighSigned(al, ah, bl, bh)
      return true
    case Op.Udiv:
      out.divide(al, ah, bl, bh, false)
      return true
    case Op.Sdiv:
      out.divideSigned(al, ah, bl, bh, false)
      return true
    case Op.Urem:
      out.divide(al, ah, bl, bh, true)
      return true
    case Op.Srem:
      out.divideSigned(al, ah, bl, bh, true)
      return true
    case Op.Smin:
      choose(out, lessSigned(al, ah, bl, bh), al, ah, bl, bh)
      return true
    case Op.Umin:
      choose(out, lessUnsigned(al, ah, bl, bh), al, ah, bl, bh)
      return true
    case Op.Smax:
      choose(out, lessSigned(bl, bh, al, ah), al, ah, bl, bh)
      return true
    case Op.Umax:
      choose(out, lessUnsigned(bl, bh, al, ah), al, ah, bl, bh)
      return true
    case Op.UaddSat:
      out.add(al, ah, bl, bh)
      if (lessUnsigned(out.low, out.high, al, ah)) out.set(-1, -1)
      return true
    case Op.UsubSat:
      if (lessUnsigned(al, ah, bl, bh)) out.set(0, 0)
      else out.subtract(al, ah, bl, bh)
      return true
    case Op.SaddSat:
      out.add(al, ah, bl, bh)
      if (addOverflows(ah, bh, out.high)) saturate(out, ah < 0)
      return true
    case Op.SsubSat:
      out.subtract(al, ah, bl, bh)
      if (subtractOverflows(ah, bh, out.high)) saturate(out, ah < 0)
      return true
    case Op.AvgRound: {
      // (a | b) - ((a ^ b) >> 1): a + b = 2 (a | b) - (a ^ b), so nothing overflows.
      out.shiftRight(al ^ bl, ah ^ bh, 1)
      out.subtract(al | bl, ah | bh, out.low, out.high)
      return true
    }
    default:
      return false
  }
}

/** Signed overflow of a + b, of the high halves of operands and sum. */
export function addOverflows(ah: number, bh: number, sum: number): boolean {
  return ((ah ^ sum) & (bh ^ sum)) < 0
}

/** Signed overflow of a - b. */
export function subtractOverflows(ah: number, bh: number, difference: number): boolean {
  return ((ah ^ bh) & (ah ^ difference)) < 0
}

function saturate(out: Pair, negative: boolean): void {
  if (negative) out.set(0, MIN_HIGH)
  else out.set(-1, MAX_HIGH)
}

function choose(out: Pair, first: boolean, al: number, ah: number, bl: number, bh: number): void {
  if (first) out.set(al, ah)
  else out.set(bl, bh)
}

/** Operations on one lane. */
export function wideUnary(opcode: number, out: Pair, low: number, high: number): boolean {
  switch (opcode) {
    case Op.Ineg:
      out.subtract(0, 0, low, high)
      return true
    case Op.Iabs:
      out.set(low, high)
      if (high < 0) out.negate()
      return true
    case Op.Bitrev:
      out.set(reverseBits(high), reverseBits(low))
      return true
    case Op.Bswap:
      out.set(reverseBytes(high), reverseBytes(low))
      return true
    case Op.Clz:
      out.set(countLeadingZeros(low, high), 0)
      return true
    case Op.Cls: {
      const sign = high >> 31
      out.set(countLeadingZeros(low ^ sign, high ^ sign) - 1, 0)
      return true
    }
    case Op.Ctz:
      out.set(low !== 0 ? 31 - Math.clz32(low & -low) : high !== 0 ? 63 - Math.clz32(high & -high) : 64, 0)
      return true
    case Op.Popcnt:
      out.set(countOnes(low) + countOnes(high), 0)
      return true
    default:
      return false
  }
}

/** Shifts and rotates; the amount is taken modulo 64. */
export function wideShift(opcode: number, out: Pair, low: number, high: number, amount: number): boolean {
  const by = amount & 63
  switch (opcode) {
    case Op.Ishl:
      out.shiftLeft(low, high, by)
      return true
    case Op.Ushr:
      out.shiftRight(low, high, by)
      return true
    case Op.Sshr:
      out.shiftRightSigned(low, high, by)
      return true
    case Op.Rotl:
      out.rotateLeft(low, high, by)
      return true
    case Op.Rotr:
      out.rotateLeft(low, high, (64 - by) & 63)
      return true
    default:
      return false
  }
}

/** Whether `icmp` with that condition holds. */
export function wideCompare(condition: number, al: number, ah: number, bl: number, bh: number): boolean {
  switch (condition) {
    case IntCC.Eq:
      return al === bl && ah === bh
    case IntCC.Ne:
      return al !== bl || ah !== bh
    case IntCC.Sge:
      return !lessSigned(al, ah, bl, bh)
    case IntCC.Sgt:
      return lessSigned(bl, bh, al, ah)
    case IntCC.Sle:
      return !lessSigned(bl, bh, al, ah)
    case IntCC.Slt:
      return lessSigned(al, ah, bl, bh)
    case IntCC.Uge:
      return !lessUnsigned(al, ah, bl, bh)
    case IntCC.Ugt:
      return lessUnsigned(bl, bh, al, ah)
    case IntCC.Ule:
      return !lessUnsigned(bl, bh, al, ah)
    default:
      return lessUnsigned(al, ah, bl, bh)
  }
}
