// Integer operations on lanes of 8, 16 and 32 bits. Operands come zero-extended (of 32 bits: as the signed number of that
// pattern, as words hold it); of the result only the low bits count.

import { IntCC } from '../condition-codes.ts'
import { Opcode } from '../opcode.ts'
import { Pair } from './pair.ts'

const Op = Opcode
const pair = /* @__PURE__ */ new Pair()

/** Operations on two lanes of one type; divisors are not 0. Undefined for opcodes that are none. */
export function narrowBinary(opcode: number, bits: number, a: number, b: number): number | undefined {
  const shift = 32 - bits
  const signedA = (a << shift) >> shift
  const signedB = (b << shift) >> shift
  const unsignedA = a >>> 0
  const unsignedB = b >>> 0
  switch (opcode) {
    case Op.Iadd:
      return a + b
    case Op.Isub:
      return a - b
    case Op.Imul:
      return Math.imul(a, b)
    case Op.Umulhi:
      if (bits < 32) return Math.floor((unsignedA * unsignedB) / 2 ** bits)
      pair.multiplyWords(a, b)
      return pair.high
    case Op.Smulhi:
      if (bits < 32) return Math.imul(signedA, signedB) >> bits
      pair.multiplyWords(a, b)
      return pair.high - (a < 0 ? b : 0) - (b < 0 ? a : 0)
    case Op.Udiv:
      return unsignedA / unsignedB
    case Op.Sdiv:
      return signedA / signedB
    case Op.Urem:
      return unsignedA % unsignedB
    case Op.Srem:
      return signedA % signedB
    case Op.Smin:
      return signedA < signedB ? a : b
    case Op.Umin:
      return unsignedA < unsignedB ? a : b
    case Op.Smax:
      return signedA > signedB ? a : b
    case Op.Umax:
      return unsignedA > unsignedB ? a : b
    case Op.UaddSat:
      return Math.min(unsignedA + unsignedB, 2 ** bits - 1)
    case Op.SaddSat:
      return clampSigned(signedA + signedB, bits)
    case Op.UsubSat:
      return Math.max(unsignedA - unsignedB, 0)
    case Op.SsubSat:
      return clampSigned(signedA - signedB, bits)
    case Op.AvgRound:
      return Math.floor((unsignedA + unsignedB + 1) / 2)
    case Op.SqmulRoundSat:
      return clampSigned(roundedProduct(signedA, signedB, bits), bits)
    case Op.X86Pmulhrsw:
      return roundedProduct(signedA, signedB, bits)
    default:
      return undefined
  }
}

/** (ab + 2^(w-2)) >> (w-1) */
function roundedProduct(a: number, b: number, bits: number): number {
  // The product of two 32-bit numbers needs more than a float's 53 bits, so its halves are shifted apart.
  const low = (b & 0xffff) * a + 2 ** (bits - 2)
  const high = (b >> 16) * a
  const factor = 2 ** (bits - 1)
  if (bits <= 16) return Math.floor((a * b + 2 ** (bits - 2)) / factor)
  // high * 2^16 + low, divided by 2^31: high / 2^15, and what its rest and low make.
  const whole = Math.floor(high / 0x8000)
  const rest = (high - whole * 0x8000) * 0x1_0000
  return whole + Math.floor((rest + low) / factor)
}

function clampSigned(value: number, bits: number): number {
  const limit = 2 ** (bits - 1)
  return Math.max(-limit, Math.min(limit - 1, value))
}

/** Operations on one lane. */
export function narrowUnary(opcode: number, bits: number, a: number): number | undefined {
  const shift = 32 - bits
  switch (opcode) {
    case Op.Ineg:
      return -a
    case Op.Iabs:
      return Math.abs((a << shift) >> shift)
    case Op.Bitrev:
      return reverseBits(a) >>> shift
    case Op.Clz:
      return Math.clz32(a) - shift
    case Op.Cls: {
      const signed = (a << shift) >> shift
      return Math.clz32(signed ^ (signed >> 31)) - shift - 1
    }
    case Op.Ctz:
      return a === 0 ? bits : 31 - Math.clz32(a & -a)
    case Op.Bswap:
      return reverseBytes(a) >>> shift
    case Op.Popcnt:
      return countOnes(a)
    default:
      return undefined
  }
}

/** Shifts and rotates; the amount is taken modulo the lane's bits. */
export function narrowShift(opcode: number, bits: number, a: number, amount: number): number | undefined {
  const by = amount & (bits - 1)
  const shift = 32 - bits
  switch (opcode) {
    case Op.Ishl:
      return a << by
    case Op.Ushr:
      return a >>> by
    case Op.Sshr:
      return ((a << shift) >> shift) >> by
    case Op.Rotl:
      return by === 0 ? a : (a << by) | (a >>> (bits - by))
    case Op.Rotr:
      return by === 0 ? a : (a >>> by) | (a << (bits - by))
    default:
      return undefined
  }
}

/** Whether `icmp` with that condition holds. */
export function narrowCompare(condition: number, bits: number, a: number, b: number): boolean {
  const shift = 32 - bits
  const signedA = (a << shift) >> shift
  const signedB = (b << shift) >> shift
  switch (condition) {
    case IntCC.Eq:
      return a === b
    case IntCC.Ne:
      return a !== b
    case IntCC.Sge:
      return signedA >= signedB
    case IntCC.Sgt:
      return signedA > signedB
    case IntCC.Sle:
      return signedA <= signedB
    case IntCC.Slt:
      return signedA < signedB
    case IntCC.Uge:
      return a >>> 0 >= b >>> 0
    case IntCC.Ugt:
      return a >>> 0 > b >>> 0
    case IntCC.Ule:
      return a >>> 0 <= b >>> 0
    default:
      return a >>> 0 < b >>> 0
  }
}

export function countOnes(word: number): number {
  word -= (word >>> 1) & 0x5555_5555
  word = (word & 0x3333_3333) + ((word >>> 2) & 0x3333_3333)
  return Math.imul((word + (word >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24
}

export function reverseBits(word: number): number {
  word = ((word >>> 1) & 0x5555_5555) | ((word & 0x5555_5555) << 1)
  word = ((word >>> 2) & 0x3333_3333) | ((word & 0x3333_3333) << 2)
  word = ((word >>> 4) & 0x0f0f_0f0f) | ((word & 0x0f0f_0f0f) << 4)
  return reverseBytes(word)
}

export function reverseBytes(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)
}
