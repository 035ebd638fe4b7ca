// Integer opcodes on constants of 8 to 64 bits.
//
// A constant is two 32-bit halves, zero-extended from its type; the low half of a 32-bit type is kept as a signed number,
// as the `imm` column keeps it. What is common is computed on the halves; the rest takes the way through `bigint`, which
// is 10 to 20 times slower and shorter by as much. What traps is not folded.
//
// literals: Opcode

import { IntCC, Opcode } from '@framewright/ir'

/** Folds one operation at a time; the outcome is left in `low` and `high`. */
export class ConstantFolder {
  low = 0
  high = 0

  /**
   * Operations on two operands.
   *
   * @param bits - of the first operand and the result; the second has the same, but for the amount of a shift.
   * @returns whether it is folded: not when it traps or is not known here.
   */
  binary(opcode: number, bits: number, al: number, ah: number, bl: number, bh: number): boolean {
    const done = bits === 64 ? this.#binary64(opcode, al, ah, bl, bh) : this.#binary32(opcode, bits, al, bl)
    if (!done && !this.#rareBinary(opcode, bits, join(al, ah), join(bl, bh))) return false
    this.#truncate(bits)
    return true
  }

  /** Operations on one operand. `from` is the width of the operand, `bits` that of the result. */
  unary(opcode: number, from: number, bits: number, low: number, high: number): boolean {
    this.low = low
    this.high = high
    switch (opcode) {
      case 142 /* Opcode.Uextend */:
      case 132 /* Opcode.Ireduce */:
        if (from <= 32) this.high = 0
        break
      case 143 /* Opcode.Sextend */:
        if (from < 32) this.low = (low << (32 - from)) >> (32 - from)
        this.high = this.low >> 31
        break
      case 101 /* Opcode.Bnot */:
        this.low = ~low
        this.high = ~high
        break
      case 76 /* Opcode.Ineg */:
        this.#subtract(0, 0, low, high)
        break
      case 131 /* Opcode.Bmask */:
        this.low = this.high = low === 0 && high === 0 ? 0 : -1
        break
      default:
        if (!this.#rareUnary(opcode, from, join(low, high))) return false
    }
    this.#truncate(bits)
    return true
  }

  /** Whether `icmp` with that condition holds of two constants of that width. */
  compare(condition: number, bits: number, al: number, ah: number, bl: number, bh: number): boolean {
    let a = al
    let b = bl
    const signed = condition >= IntCC.Sge && condition <= IntCC.Slt
    if (condition <= IntCC.Ne) return (al === bl && (bits < 64 || ah === bh)) === (condition === IntCC.Eq)
    if (bits === 64 && ah !== bh) {
      a = ah
      b = bh
      if (!signed) {
        a >>>= 0
        b >>>= 0
      }
    } else if (signed && bits < 64) {
      a = (al << (32 - bits)) >> (32 - bits)
      b = (bl << (32 - bits)) >> (32 - bits)
    } else {
      a >>>= 0
      b >>>= 0
    }
    switch (condition) {
      case IntCC.Sge:
      case IntCC.Uge:
        return a >= b
      case IntCC.Sgt:
      case IntCC.Ugt:
        return a > b
      case IntCC.Sle:
      case IntCC.Ule:
        return a <= b
      default:
        return a < b
    }
  }

  #truncate(bits: number): void {
    if (bits < 64) this.high = 0
    if (bits < 32) this.low &= (1 << bits) - 1
  }

  #subtract(al: number, ah: number, bl: number, bh: number): void {
    this.low = (al - bl) | 0
    this.high = (ah - bh - (al >>> 0 < bl >>> 0 ? 1 : 0)) | 0
  }

  #binary32(opcode: number, bits: number, a: number, b: number): boolean {
    const amount = b & (bits - 1)
    switch (opcode) {
      case 74 /* Opcode.Iadd */:
        this.low = (a + b) | 0
        return true
      case 75 /* Opcode.Isub */:
        this.low = (a - b) | 0
        return true
      case 78 /* Opcode.Imul */:
        this.low = Math.imul(a, b)
        return true
      case 98 /* Opcode.Band */:
        this.low = a & b
        return true
      case 99 /* Opcode.Bor */:
        this.low = a | b
        return true
      case 100 /* Opcode.Bxor */:
        this.low = a ^ b
        return true
      case 104 /* Opcode.Ishl */:
        this.low = a << amount
        return true
      case 105 /* Opcode.Ushr */:
        this.low = (a >>> amount) | 0
        return true
      case 106 /* Opcode.Sshr */:
        this.low = ((a << (32 - bits)) >> (32 - bits)) >> amount
        return true
    }
    return false
  }

  #binary64(opcode: number, al: number, ah: number, bl: number, bh: number): boolean {
    switch (opcode) {
      case 74 /* Opcode.Iadd */:
        {
          const sum = (al >>> 0) + (bl >>> 0)
          this.low = sum | 0
          this.high = (ah + bh + (sum > 0xffffffff ? 1 : 0)) | 0
          return true
        }
      case 75 /* Opcode.Isub */:
        this.#subtract(al, ah, bl, bh)
        return true
      case 78 /* Opcode.Imul */:
        this.high = (highProduct(al, bl) + Math.imul(al, bh) + Math.imul(ah, bl)) | 0
        this.low = Math.imul(al, bl)
        return true
      case 98 /* Opcode.Band */:
        this.low = al & bl
        this.high = ah & bh
        return true
      case 99 /* Opcode.Bor */:
        this.low = al | bl
        this.high = ah | bh
        return true
      case 100 /* Opcode.Bxor */:
        this.low = al ^ bl
        this.high = ah ^ bh
        return true
      case 104 /* Opcode.Ishl */:
        {
          const amount = bl & 63
          this.low = amount >= 32 ? 0 : al << amount
          this.high = amount >= 32 ? al << (amount - 32) : amount === 0 ? ah : (ah << amount) | (al >>> (32 - amount))
          return true
        }
      case 105 /* Opcode.Ushr */:
        {
          const amount = bl & 63
          this.low =
            (amount >= 32 ? ah >>> (amount - 32) : amount === 0 ? al : (al >>> amount) | (ah << (32 - amount))) | 0
          this.high = amount >= 32 ? 0 : (ah >>> amount) | 0
          return true
        }
      case 106 /* Opcode.Sshr */:
        {
          const amount = bl & 63
          this.low = amount >= 32 ? ah >> (amount - 32) : amount === 0 ? al : (al >>> amount) | (ah << (32 - amount))
          this.high = ah >> Math.min(amount, 31)
          return true
        }
    }
    return false
  }

  #set(value: bigint): boolean {
    this.low = Number(BigInt.asIntN(32, value))
    this.high = Number(BigInt.asIntN(32, value >> 32n))
    return true
  }

  #rareBinary(opcode: number, bits: number, a: bigint, b: bigint): boolean {
    const x = BigInt.asIntN(bits, a)
    const y = BigInt.asIntN(bits, b)
    const least = -(1n << BigInt(bits - 1))
    switch (opcode) {
      case 83 /* Opcode.Udiv */:
        return b !== 0n && this.#set(a / b)
      case 85 /* Opcode.Urem */:
        return b !== 0n && this.#set(a % b)
      case 84 /* Opcode.Sdiv */:
        return y !== 0n && !(x === least && y === -1n) && this.#set(x / y)
      case 86 /* Opcode.Srem */:
        return y !== 0n && this.#set(x % y)
      case 21 /* Opcode.Smin */:
        return this.#set(x < y ? x : y)
      case 23 /* Opcode.Smax */:
        return this.#set(x > y ? x : y)
      case 22 /* Opcode.Umin */:
        return this.#set(a < b ? a : b)
      case 24 /* Opcode.Umax */:
        return this.#set(a > b ? a : b)
      case 79 /* Opcode.Umulhi */:
        return this.#set((a * b) >> BigInt(bits))
      case 80 /* Opcode.Smulhi */:
        return this.#set((x * y) >> BigInt(bits))
      case 102 /* Opcode.Rotl */:
      case 103 /* Opcode.Rotr */:
        {
          const amount = BigInt.asUintN(64, b) % BigInt(bits)
          const left = opcode === Opcode.Rotl ? amount : BigInt(bits) - amount
          return this.#set((a << left) | (a >> (BigInt(bits) - left)))
        }
    }
    return false
  }

  #rareUnary(opcode: number, bits: number, a: bigint): boolean {
    switch (opcode) {
      case 77 /* Opcode.Iabs */:
        {
          const x = BigInt.asIntN(bits, a)
          return this.#set(x < 0n ? -x : x)
        }
      case 108 /* Opcode.Clz */:
        return this.#set(BigInt(bits - bitLength(a)))
      case 110 /* Opcode.Ctz */:
        return this.#set(a === 0n ? BigInt(bits) : BigInt(bitLength(a & -a) - 1))
      case 109 /* Opcode.Cls */:
        {
          const x = BigInt.asIntN(bits, a)
          return this.#set(BigInt(bits - bitLength(x < 0n ? ~x : x) - 1))
        }
      case 112 /* Opcode.Popcnt */:
        return this.#set(BigInt(a.toString(2).replaceAll('0', '').length))
      case 107 /* Opcode.Bitrev */:
        return this.#set(BigInt(`0b${[...a.toString(2).padStart(bits, '0')].reverse().join('')}`))
      case 111 /* Opcode.Bswap */:
        {
          const bytes =
            a
              .toString(16)
              .padStart(bits / 4, '0')
              .match(/../g) ?? []
          return this.#set(BigInt(`0x${bytes.reverse().join('')}`))
        }
    }
    return false
  }
}

/** The upper half of the product of two unsigned 32-bit numbers. */
function highProduct(a: number, b: number): number {
  const a0 = a & 0xffff
  const a1 = a >>> 16
  const b0 = b & 0xffff
  const b1 = b >>> 16
  const middle = a1 * b0 + ((a0 * b0) >>> 16)
  const other = a0 * b1 + (middle & 0xffff)
  // Each sum is below 2^33 and exact; the divisions keep what `>>>` would cut off.
  return (a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(other / 0x10000)) | 0
}

/** The 64 bits of a constant as an unsigned number. */
function join(low: number, high: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
}

function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length
}
