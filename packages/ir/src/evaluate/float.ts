// Float operations on lanes of 16, 32 and 64 bits, by bit patterns in two halves; the result is left in `low` and `high`.
//
// f32 and f16 are computed in f64 and rounded once more. That gives what one rounding would: f64 has more than twice the
// bits and two of either format, which is enough for sums, products, quotients and roots (Figueroa, "When is double rounding
// innocuous?", 1995). Where it is not enough (fma, 64-bit integers to f32) the f64 is first rounded to odd.
//
// NaNs are told from their bits, since a float that passes through an engine's registers may lose its payload. What comes
// out is what x86-64 makes: the first NaN among the operands made quiet, or else the quiet NaN with the sign set.

import { FLOAT_EQUAL, FLOAT_GREATER, FLOAT_LESS, FLOAT_UNORDERED } from '../condition-codes.ts'
import { Opcode } from '../opcode.ts'
import { addToOdd, fma64, roundToEven } from './fma.ts'

const Op = Opcode

/** One lane at a time. Scratch memory is reused, so one unit serves one evaluator. */
export class FloatUnit {
  low = 0
  high = 0
  readonly #f64: Float64Array = new Float64Array(1)
  readonly #f32: Float32Array = new Float32Array(this.#f64.buffer, 0, 1)
  readonly #words: Int32Array = new Int32Array(this.#f64.buffer)
  /** Index of the low half of an f64 on this machine. */
  readonly #lowWord: number

  constructor() {
    this.#f64[0] = 1
    this.#lowWord = this.#words[0] === 0 ? 0 : 1
  }

  set(low: number, high: number): void {
    this.low = low
    this.high = high
  }

  isNan(bits: number, low: number, high: number): boolean {
    if (bits === 64) {
      const magnitude = high & 0x7fff_ffff
      return magnitude > 0x7ff0_0000 || (magnitude === 0x7ff0_0000 && low !== 0)
    }
    return bits === 32 ? (low & 0x7fff_ffff) > 0x7f80_0000 : (low & 0x7fff) > 0x7c00
  }

  isNegative(bits: number, low: number, high: number): boolean {
    return bits === 64 ? high < 0 : bits === 32 ? low < 0 : (low & 0x8000) !== 0
  }

  /** The number of a pattern that is no NaN. */
  toNumber(bits: number, low: number, high: number): number {
    if (bits === 64) {
      this.#words[this.#lowWord] = low
      this.#words[1 - this.#lowWord] = high
      return this.#f64[0]
    }
    if (bits === 32) {
      this.#words[0] = low
      return this.#f32[0]
    }
    const exponent = (low >> 10) & 31
    const fraction = low & 0x3ff
    const magnitude =
      exponent === 31 ? Infinity : exponent === 0 ? fraction * 2 ** -24 : (fraction + 0x400) * 2 ** (exponent - 25)
    return (low & 0x8000) === 0 ? magnitude : -magnitude
  }

  /** Leaves the pattern of the nearest float of that width, ties to even; a NaN as x86-64's default. */
  setNumber(bits: number, value: number): void {
    if (Number.isNaN(value)) this.#defaultNan(bits)
    else if (bits === 64) {
      this.#f64[0] = value
      this.set(this.#words[this.#lowWord], this.#words[1 - this.#lowWord])
    } else if (bits === 32) {
      this.#f32[0] = value
      this.set(this.#words[0], 0)
    } else this.set(this.#toHalf(value), 0)
  }

  #toHalf(value: number): number {
    const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
    const magnitude = Math.abs(value)
    if (magnitude >= 65520) return sign | 0x7c00
    if (magnitude < 2 ** -14) return sign | roundToEven(magnitude * 2 ** 24)
    const exponent = exponentOf(magnitude)
    const fraction = roundToEven(magnitude * 2 ** (10 - exponent))
    // A fraction that was rounded up to the next power of two carries into the exponent, as it should.
    return sign | (((exponent + 15) << 10) + fraction - 0x400)
  }

  #defaultNan(bits: number): void {
    if (bits === 64) this.set(0, 0xfff8_0000 | 0)
    else this.set(bits === 32 ? 0xffc0_0000 | 0 : 0xfe00, 0)
  }

  #quiet(bits: number, low: number, high: number): void {
    if (bits === 64) this.set(low, high | 0x0008_0000)
    else this.set(low | (bits === 32 ? 0x0040_0000 : 0x0200), 0)
  }

  /** @returns whether the opcode is one. */
  binary(opcode: number, bits: number, al: number, ah: number, bl: number, bh: number): boolean {
    if (opcode === Op.Fcopysign) {
      if (bits === 64) this.set(al, (ah & 0x7fff_ffff) | (bh & 0x8000_0000))
      else if (bits === 32) this.set((al & 0x7fff_ffff) | (bl & 0x8000_0000), 0)
      else this.set((al & 0x7fff) | (bl & 0x8000), 0)
      return true
    }
    if (opcode < Op.Fadd || opcode > Op.Fmax) return false
    if (this.isNan(bits, al, ah)) {
      this.#quiet(bits, al, ah)
      return true
    }
    if (this.isNan(bits, bl, bh)) {
      this.#quiet(bits, bl, bh)
      return true
    }
    const a = this.toNumber(bits, al, ah)
    const b = this.toNumber(bits, bl, bh)
    switch (opcode) {
      case Op.Fadd:
        this.setNumber(bits, a + b)
        return true
      case Op.Fsub:
        this.setNumber(bits, a - b)
        return true
      case Op.Fmul:
        this.setNumber(bits, a * b)
        return true
      case Op.Fdiv:
        this.setNumber(bits, a / b)
        return true
      case Op.Fmin:
        this.setNumber(bits, Math.min(a, b))
        return true
      case Op.Fmax:
        this.setNumber(bits, Math.max(a, b))
        return true
      default:
        return false
    }
  }

  unary(opcode: number, bits: number, low: number, high: number): boolean {
    if (opcode === Op.Fneg || opcode === Op.Fabs) {
      const sign = opcode === Op.Fneg ? -1 : 0
      if (bits === 64) this.set(low, (high & 0x7fff_ffff) | ((high ^ 0x8000_0000) & sign & 0x8000_0000))
      else if (bits === 32) this.set((low & 0x7fff_ffff) | ((low ^ 0x8000_0000) & sign & 0x8000_0000), 0)
      else this.set((low & 0x7fff) | ((low ^ 0x8000) & sign & 0x8000), 0)
      return true
    }
    const operation = UNARY.get(opcode)
    if (operation === undefined) return false
    if (this.isNan(bits, low, high)) this.#quiet(bits, low, high)
    else this.setNumber(bits, operation(this.toNumber(bits, low, high)))
    return true
  }

  /** a · b + c, rounded once. */
  fma(bits: number, al: number, ah: number, bl: number, bh: number, cl: number, ch: number): void {
    if (this.isNan(bits, al, ah)) return this.#quiet(bits, al, ah)
    if (this.isNan(bits, bl, bh)) return this.#quiet(bits, bl, bh)
    if (this.isNan(bits, cl, ch)) return this.#quiet(bits, cl, ch)
    const a = this.toNumber(bits, al, ah)
    const b = this.toNumber(bits, bl, bh)
    const c = this.toNumber(bits, cl, ch)
    // The product of two of a shorter format is exact in f64.
    this.setNumber(bits, bits === 64 ? fma64(a, b, c) : addToOdd(a * b, c))
  }

  /** Which of the four outcomes a comparison has. */
  outcome(bits: number, al: number, ah: number, bl: number, bh: number): number {
    if (this.isNan(bits, al, ah) || this.isNan(bits, bl, bh)) return FLOAT_UNORDERED
    const a = this.toNumber(bits, al, ah)
    const b = this.toNumber(bits, bl, bh)
    return a < b ? FLOAT_LESS : a > b ? FLOAT_GREATER : FLOAT_EQUAL
  }

  /** A float of one width as one of another. */
  convert(from: number, to: number, low: number, high: number): void {
    if (!this.isNan(from, low, high)) {
      this.setNumber(to, this.toNumber(from, low, high))
      return
    }
    // The payload keeps its high end. It goes by way of the widest format's high half.
    let fractionHigh = from === 64 ? high & 0xf_ffff : from === 32 ? (low & 0x7f_ffff) >>> 3 : (low & 0x3ff) << 10
    const fractionLow = from === 64 ? low : from === 32 ? low << 29 : 0
    fractionHigh |= 0x8_0000
    const negative = this.isNegative(from, low, high)
    if (to === 64) this.set(fractionLow, (negative ? 0xfff0_0000 : 0x7ff0_0000) | fractionHigh)
    else if (to === 32) {
      this.set((negative ? 0xff80_0000 : 0x7f80_0000) | (fractionHigh << 3) | (fractionLow >>> 29), 0)
    } else this.set((negative ? 0xfc00 : 0x7c00) | (fractionHigh >>> 10), 0)
  }

  /** The float nearest to a 64-bit integer. */
  fromInteger(bits: number, low: number, high: number, signed: boolean): void {
    const top = (signed ? high : high >>> 0) * 0x1_0000_0000
    const bottom = low >>> 0
    this.setNumber(bits, bits === 64 ? top + bottom : addToOdd(top, bottom))
  }
}

const UNARY: ReadonlyMap<number, (value: number) => number> = new Map<number, (value: number) => number>([
  [Op.Sqrt, Math.sqrt],
  [Op.Ceil, Math.ceil],
  [Op.Floor, Math.floor],
  [Op.Trunc, Math.trunc],
  [Op.Nearest, roundToEven],
])

/** The power of two at or below a number from 2^-14 to 2^16. */
function exponentOf(magnitude: number): number {
  let exponent = Math.floor(Math.log2(magnitude))
  if (2 ** exponent > magnitude) exponent--
  else if (2 ** (exponent + 1) <= magnitude) exponent++
  return exponent
}
