// Integer operations on 128 bits. Operands are unsigned numbers; of the result only the low 128 bits count.

import { IntCC } from '../condition-codes.ts'
import { Opcode } from '../opcode.ts'

const Op = Opcode
const BITS = 128

const signed = (value: bigint): bigint => BigInt.asIntN(BITS, value)
const unsigned = (value: bigint): bigint => BigInt.asUintN(BITS, value)

/** Operations on two numbers; divisors are not 0. Undefined for opcodes that are none. */
export function bigBinary(opcode: number, a: bigint, b: bigint): bigint | undefined {
  switch (opcode) {
    case Op.Iadd:
      return a + b
    case Op.Isub:
      return a - b
    case Op.Imul:
      return a * b
    case Op.Umulhi:
      return (a * b) >> 128n
    case Op.Smulhi:
      return (signed(a) * signed(b)) >> 128n
    case Op.Udiv:
      return a / b
    case Op.Sdiv:
      return signed(a) / signed(b)
    case Op.Urem:
      return a % b
    case Op.Srem:
      return signed(a) % signed(b)
    case Op.Smin:
      return signed(a) < signed(b) ? a : b
    case Op.Umin:
      return a < b ? a : b
    case Op.Smax:
      return signed(a) > signed(b) ? a : b
    case Op.Umax:
      return a > b ? a : b
    case Op.UaddSat: {
      const sum = a + b
      return sum === unsigned(sum) ? sum : -1n
    }
    case Op.UsubSat:
      return a > b ? a - b : 0n
    case Op.SaddSat:
      return clampSigned(signed(a) + signed(b))
    case Op.SsubSat:
      return clampSigned(signed(a) - signed(b))
    case Op.AvgRound:
      return (a + b + 1n) >> 1n
    default:
      return undefined
  }
}

function clampSigned(value: bigint): bigint {
  const limit = 1n << 127n
  return value < -limit ? -limit : value >= limit ? limit - 1n : value
}

/** Operations on one number. */
export function bigUnary(opcode: number, a: bigint): bigint | undefined {
  switch (opcode) {
    case Op.Ineg:
      return -a
    case Op.Iabs:
      return signed(a) < 0n ? -a : a
    case Op.Bitrev:
      return BigInt(`0b${[...a.toString(2).padStart(BITS, '0')].reverse().join('')}`)
    case Op.Bswap:
      return BigInt(`0x${a.toString(16).padStart(32, '0').match(/../g)!.reverse().join('')}`)
    case Op.Clz:
      return BigInt(BITS - bitLength(a))
    case Op.Cls:
      return BigInt(BITS - 1 - bitLength(unsigned(signed(a) < 0n ? ~a : a)))
    case Op.Ctz:
      return a === 0n ? 128n : BigInt(bitLength(a & -a) - 1)
    case Op.Popcnt:
      return BigInt(a.toString(2).replaceAll('0', '').length)
    default:
      return undefined
  }
}

function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length
}

/** Shifts and rotates; the amount is taken modulo 128. */
export function bigShift(opcode: number, a: bigint, amount: number): bigint | undefined {
  const by = BigInt(amount & 127)
  switch (opcode) {
    case Op.Ishl:
      return a << by
    case Op.Ushr:
      return a >> by
    case Op.Sshr:
      return signed(a) >> by
    case Op.Rotl:
      return (a << by) | (a >> (128n - by))
    case Op.Rotr:
      return (a >> by) | (a << (128n - by))
    default:
      return undefined
  }
}

/** Whether `icmp` with that condition holds. */
export function bigCompare(condition: number, a: bigint, b: bigint): boolean {
  switch (condition) {
    case IntCC.Eq:
      return a === b
    case IntCC.Ne:
      return a !== b
    case IntCC.Sge:
      return signed(a) >= signed(b)
    case IntCC.Sgt:
      return signed(a) > signed(b)
    case IntCC.Sle:
      return signed(a) <= signed(b)
    case IntCC.Slt:
      return signed(a) < signed(b)
    case IntCC.Uge:
      return a >= b
    case IntCC.Ugt:
      return a > b
    case IntCC.Ule:
      return a <= b
    default:
      return a < b
  }
}
