// Arithmetic on 64-bit numbers as two 32-bit halves. Results are left in `low` and `high`, because a small object for each
// of them costs more than the arithmetic (bigint: 10 to 20 times).

/** A 64-bit number and what can be done to it. One serves any number of operations, one after the other. */
export class Pair {
  low = 0
  high = 0

  set(low: number, high: number): void {
    this.low = low
    this.high = high
  }

  add(al: number, ah: number, bl: number, bh: number): void {
    const sum = (al >>> 0) + (bl >>> 0)
    this.low = sum | 0
    this.high = (ah + bh + (sum > 0xffff_ffff ? 1 : 0)) | 0
  }

  subtract(al: number, ah: number, bl: number, bh: number): void {
    this.low = (al - bl) | 0
    this.high = (ah - bh - (al >>> 0 < bl >>> 0 ? 1 : 0)) | 0
  }

  negate(): void {
    this.subtract(0, 0, this.low, this.high)
  }

  /** The low 64 bits of the product. */
  multiply(al: number, ah: number, bl: number, bh: number): void {
    this.multiplyWords(al, bl)
    this.high = (this.high + Math.imul(al, bh) + Math.imul(ah, bl)) | 0
  }

  /** The whole product of two unsigned 32-bit numbers. */
  multiplyWords(a: number, b: number): void {
    const aLow = a & 0xffff
    const aHigh = a >>> 16
    const bLow = b & 0xffff
    const bHigh = b >>> 16
    const low = aLow * bLow
    const middle = aHigh * bLow + (low >>> 16)
    const carry = aLow * bHigh + (middle % 0x1_0000)
    this.low = (carry << 16) | (low & 0xffff)
    this.high = (aHigh * bHigh + Math.floor(middle / 0x1_0000) + Math.floor(carry / 0x1_0000)) | 0
  }

  /** The high 64 bits of the product of two unsigned numbers. */
  multiplyHigh(al: number, ah: number, bl: number, bh: number): void {
    this.multiplyWords(al, bl)
    const first = this.high >>> 0
    this.multiplyWords(ah, bl)
    const second = (this.low >>> 0) + first
    const secondHigh = (this.high >>> 0) + (second > 0xffff_ffff ? 1 : 0)
    this.multiplyWords(al, bh)
    const third = (this.low >>> 0) + (second % 0x1_0000_0000)
    const thirdHigh = (this.high >>> 0) + (third > 0xffff_ffff ? 1 : 0)
    this.multiplyWords(ah, bh)
    const low = (this.low >>> 0) + secondHigh + thirdHigh
    this.high = (this.high + Math.floor(low / 0x1_0000_0000)) | 0
    this.low = low | 0
  }

  /** The high 64 bits of the product of two signed numbers. */
  multiplyHighSigned(al: number, ah: number, bl: number, bh: number): void {
    this.multiplyHigh(al, ah, bl, bh)
    // A negative factor counts 2^64 too much, so the other one is too much in the high half.
    if (ah < 0) this.subtract(this.low, this.high, bl, bh)
    if (bh < 0) this.subtract(this.low, this.high, al, ah)
  }

  /** Shifts left; the amount is from 0 to 63. */
  shiftLeft(low: number, high: number, amount: number): void {
    if (amount === 0) this.set(low, high)
    else if (amount < 32) this.set(low << amount, (high << amount) | (low >>> (32 - amount)))
    else this.set(0, low << (amount - 32))
  }

  shiftRight(low: number, high: number, amount: number): void {
    if (amount === 0) this.set(low, high)
    else if (amount < 32) this.set((low >>> amount) | (high << (32 - amount)), (high >>> amount) | 0)
    else this.set((high >>> (amount - 32)) | 0, 0)
  }

  shiftRightSigned(low: number, high: number, amount: number): void {
    if (amount === 0) this.set(low, high)
    else if (amount < 32) this.set((low >>> amount) | (high << (32 - amount)), high >> amount)
    else this.set(high >> (amount - 32), high >> 31)
  }

  rotateLeft(low: number, high: number, amount: number): void {
    this.shiftLeft(low, high, amount)
    if (amount === 0) return
    const { low: l, high: h } = this
    this.shiftRight(low, high, 64 - amount)
    this.set(this.low | l, this.high | h)
  }

  /**
   * Unsigned division; the divisor is not 0.
   *
   * @param remainder - leaves the remainder in place of the quotient.
   */
  divide(al: number, ah: number, bl: number, bh: number, remainder: boolean): void {
    // What a float holds exactly (up to 2^53) it divides exactly enough: the quotient's floor is right.
    if (ah >>> 0 < 0x20_0000 && bh >>> 0 < 0x20_0000) {
      const a = (ah >>> 0) * 0x1_0000_0000 + (al >>> 0)
      const b = (bh >>> 0) * 0x1_0000_0000 + (bl >>> 0)
      const result = remainder ? a % b : Math.floor(a / b)
      this.set(result | 0, Math.floor(result / 0x1_0000_0000) | 0)
      return
    }
    // Restoring division, bit by bit, from the first bit of the dividend.
    let quotientLow = 0
    let quotientHigh = 0
    let restLow = 0
    let restHigh = 0
    for (let bit = 63 - countLeadingZeros(al, ah); bit >= 0; bit--) {
      const carry = restHigh >>> 31
      this.shiftLeft(restLow, restHigh, 1)
      restHigh = this.high
      restLow = this.low | ((bit < 32 ? al >>> bit : ah >>> (bit - 32)) & 1)
      if (carry === 1 || !lessUnsigned(restLow, restHigh, bl, bh)) {
        this.subtract(restLow, restHigh, bl, bh)
        restLow = this.low
        restHigh = this.high
        if (bit < 32) quotientLow |= 1 << bit
        else quotientHigh |= 1 << (bit - 32)
      }
    }
    if (remainder) this.set(restLow, restHigh)
    else this.set(quotientLow, quotientHigh)
  }

  /** Signed division, towards zero; the divisor is not 0. -2^63 / -1 wraps. */
  divideSigned(al: number, ah: number, bl: number, bh: number, remainder: boolean): void {
    const negative = remainder ? ah < 0 : ah < 0 !== bh < 0
    if (ah < 0) {
      this.subtract(0, 0, al, ah)
      al = this.low
      ah = this.high
    }
    if (bh < 0) {
      this.subtract(0, 0, bl, bh)
      bl = this.low
      bh = this.high
    }
    this.divide(al, ah, bl, bh, remainder)
    if (negative) this.negate()
  }

  /** The integer part of a float from -2^63 up to below 2^64. */
  setFloat(value: number): void {
    const high = Math.floor(value / 0x1_0000_0000)
    this.high = high | 0
    this.low = (value - high * 0x1_0000_0000) | 0
  }
}

/** Zeros in front of the first one; 64 for 0. */
export function countLeadingZeros(low: number, high: number): number {
  return high !== 0 ? Math.clz32(high) : 32 + Math.clz32(low)
}

export function lessUnsigned(al: number, ah: number, bl: number, bh: number): boolean {
  return ah === bh ? al >>> 0 < bl >>> 0 : ah >>> 0 < bh >>> 0
}

export function lessSigned(al: number, ah: number, bl: number, bh: number): boolean {
  return ah === bh ? al >>> 0 < bl >>> 0 : ah < bh
}
