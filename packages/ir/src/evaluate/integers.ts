// Integer opcodes on words, of every width and lane by lane: what each width makes is in files of its own.

import { Opcode } from '../opcode.ts'
import { TrapCode } from '../trap-codes.ts'
import { laneBits, laneCount, type Type, typeBits } from '../types.ts'
import { bigBinary, bigCompare, bigShift, bigUnary } from './big-integer.ts'
import { narrowBinary, narrowCompare, narrowShift, narrowUnary } from './narrow-integer.ts'
import { lessUnsigned, Pair } from './pair.ts'
import { addOverflows, subtractOverflows, wideBinary, wideCompare, wideShift, wideUnary } from './wide-integer.ts'
import { bigIntToWords, narrowLane, setNarrowValue, setTruth, trim, wordCount, wordsToBigInt } from './words.ts'

const Op = Opcode

/** Operands and results are places in words, as in `Evaluator.evaluate`. */
export class Integers {
  readonly #pair: Pair = new Pair()

  binary(opcode: number, type: Type, words: Int32Array, a: number, b: number, out: number): void {
    const bits = laneBits(type)
    const lanes = laneCount(type)
    for (let lane = 0; lane < lanes; lane++) {
      if (bits <= 32) {
        const value = narrowBinary(opcode, bits, narrowLane(words, a, bits, lane), narrowLane(words, b, bits, lane))
        setNarrowValue(words, out, bits, lanes, lane, value!)
      } else if (bits === 64) {
        const i = 2 * lane
        wideBinary(opcode, this.#pair, words[a + i], words[a + i + 1], words[b + i], words[b + i + 1])
        words[out + i] = this.#pair.low
        words[out + i + 1] = this.#pair.high
      } else {
        const i = 4 * lane
        const value = bigBinary(opcode, wordsToBigInt(words, a + i, 4), wordsToBigInt(words, b + i, 4))
        bigIntToWords(value!, words, out + i, 4)
      }
    }
  }

  unary(opcode: number, type: Type, words: Int32Array, a: number, out: number): void {
    const bits = laneBits(type)
    const lanes = laneCount(type)
    for (let lane = 0; lane < lanes; lane++) {
      if (bits <= 32) {
        const value = narrowUnary(opcode, bits, narrowLane(words, a, bits, lane))
        setNarrowValue(words, out, bits, lanes, lane, value!)
      } else if (bits === 64) {
        wideUnary(opcode, this.#pair, words[a + 2 * lane], words[a + 2 * lane + 1])
        words[out + 2 * lane] = this.#pair.low
        words[out + 2 * lane + 1] = this.#pair.high
      } else bigIntToWords(bigUnary(opcode, wordsToBigInt(words, a + 4 * lane, 4))!, words, out + 4 * lane, 4)
    }
  }

  shift(opcode: number, type: Type, words: Int32Array, a: number, amount: number, out: number): void {
    const bits = laneBits(type)
    const lanes = laneCount(type)
    for (let lane = 0; lane < lanes; lane++) {
      if (bits <= 32) {
        const value = narrowShift(opcode, bits, narrowLane(words, a, bits, lane), amount)
        setNarrowValue(words, out, bits, lanes, lane, value!)
      } else if (bits === 64) {
        wideShift(opcode, this.#pair, words[a + 2 * lane], words[a + 2 * lane + 1], amount)
        words[out + 2 * lane] = this.#pair.low
        words[out + 2 * lane + 1] = this.#pair.high
      } else bigIntToWords(bigShift(opcode, wordsToBigInt(words, a + 4 * lane, 4), amount)!, words, out + 4 * lane, 4)
    }
  }

  divide(opcode: number, type: Type, words: Int32Array, a: number, b: number, out: number): number {
    const count = wordCount(type)
    let zero = true
    let minusOne = true
    const ones = typeBits(type) < 32 ? (1 << typeBits(type)) - 1 : -1
    for (let i = 0; i < count; i++) {
      zero &&= words[b + i] === 0
      minusOne &&= words[b + i] === ones
    }
    if (zero) return TrapCode.IntegerDivisionByZero
    if (minusOne && (opcode === Op.Sdiv || opcode === Op.Srem)) {
      // The least number divided by -1 has no quotient; its remainder is 0, as that of every other number.
      if (opcode === Op.Sdiv && isLeast(type, words, a)) return TrapCode.IntegerOverflow
      if (opcode === Op.Srem) {
        words.fill(0, out, out + count)
        return 0
      }
    }
    this.binary(opcode, type, words, a, b, out)
    return 0
  }

  compare(condition: number, type: Type, words: Int32Array, a: number, b: number, out: number): void {
    const bits = laneBits(type)
    const lanes = laneCount(type)
    for (let lane = 0; lane < lanes; lane++) {
      let holds: boolean
      if (bits <= 32) {
        holds = narrowCompare(condition, bits, narrowLane(words, a, bits, lane), narrowLane(words, b, bits, lane))
      } else if (bits === 64) {
        const i = 2 * lane
        holds = wideCompare(condition, words[a + i], words[a + i + 1], words[b + i], words[b + i + 1])
      } else {
        const i = 4 * lane
        holds = bigCompare(condition, wordsToBigInt(words, a + i, 4), wordsToBigInt(words, b + i, 4))
      }
      setTruth(words, out, bits, lanes, lane, holds)
    }
  }

  /** Whether an unsigned sum of 32 or 64 bits is too large. */
  addsPast(type: Type, words: Int32Array, a: number, b: number): boolean {
    if (typeBits(type) === 32) return (words[a] >>> 0) + (words[b] >>> 0) > 0xffff_ffff
    this.#pair.add(words[a], words[a + 1], words[b], words[b + 1])
    return (
      this.#pair.high >>> 0 < words[a + 1] >>> 0 ||
      (this.#pair.high === words[a + 1] && this.#pair.low >>> 0 < words[a] >>> 0)
    )
  }

  /** Sum, difference or product, and whether it is not the exact one. */
  overflowing(
    opcode: number,
    type: Type,
    words: Int32Array,
    a: number,
    b: number,
    carry: number,
    out: number,
    second: number,
  ): void {
    const bits = typeBits(type)
    if (bits <= 32) {
      const signed =
        opcode === Op.SaddOverflow ||
        opcode === Op.SsubOverflow ||
        opcode === Op.SmulOverflow ||
        opcode === Op.SaddOverflowCin ||
        opcode === Op.SsubOverflowBin
      const x = signed ? (words[a] << (32 - bits)) >> (32 - bits) : words[a] >>> 0
      const y = signed ? (words[b] << (32 - bits)) >> (32 - bits) : words[b] >>> 0
      const least = signed ? -(2 ** (bits - 1)) : 0
      const most = signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1
      let exact: number
      let low: number
      if (opcode === Op.UmulOverflow || opcode === Op.SmulOverflow) {
        // Beyond 2^53 the product is rounded, but then it is too large by far.
        exact = x * y
        low = Math.imul(x, y)
      } else if (isSum(opcode)) low = exact = x + y + carry
      else low = exact = x - y - carry
      words[out] = bits === 32 ? low | 0 : low & ((1 << bits) - 1)
      words[second] = exact < least || exact > most ? 1 : 0
      return
    }
    if (bits === 64) this.#overflowingPair(opcode, words, a, b, carry, out, second)
    else this.#overflowingWide(opcode, bits, words, a, b, carry, out, second)
  }

  #overflowingPair(
    opcode: number,
    words: Int32Array,
    a: number,
    b: number,
    carry: number,
    out: number,
    second: number,
  ): void {
    const [al, ah, bl, bh] = [words[a], words[a + 1], words[b], words[b + 1]]
    const pair = this.#pair
    let over: boolean
    if (opcode === Op.UmulOverflow || opcode === Op.SmulOverflow) {
      if (opcode === Op.UmulOverflow) pair.multiplyHigh(al, ah, bl, bh)
      else pair.multiplyHighSigned(al, ah, bl, bh)
      const { low, high } = pair
      pair.multiply(al, ah, bl, bh)
      const sign = opcode === Op.SmulOverflow ? pair.high >> 31 : 0
      over = low !== sign || high !== sign
    } else if (isSum(opcode)) {
      pair.add(al, ah, bl, bh)
      const wraps = lessUnsigned(pair.low, pair.high, al, ah)
      const { low, high } = pair
      pair.add(low, high, carry, 0)
      const unsigned = opcode === Op.UaddOverflow || opcode === Op.UaddOverflowCin
      over = unsigned ? wraps || lessUnsigned(pair.low, pair.high, low, high) : addOverflows(ah, bh, pair.high)
    } else {
      pair.subtract(al, ah, bl, bh)
      const wraps = lessUnsigned(al, ah, bl, bh) || (carry !== 0 && (pair.low | pair.high) === 0)
      pair.subtract(pair.low, pair.high, carry, 0)
      over = isUnsignedDifference(opcode) ? wraps : subtractOverflows(ah, bh, pair.high)
    }
    words[out] = pair.low
    words[out + 1] = pair.high
    words[second] = over ? 1 : 0
  }

  /** i128. */
  #overflowingWide(
    opcode: number,
    bits: number,
    words: Int32Array,
    a: number,
    b: number,
    carry: number,
    out: number,
    second: number,
  ): void {
    const count = bits >>> 5
    const signed = !(
      opcode === Op.UaddOverflow ||
      opcode === Op.UaddOverflowCin ||
      opcode === Op.UmulOverflow ||
      isUnsignedDifference(opcode)
    )
    const read = (at: number): bigint => {
      const value = wordsToBigInt(words, at, count)
      return signed ? BigInt.asIntN(bits, value) : value
    }
    const x = read(a)
    const y = read(b)
    const exact =
      opcode === Op.UmulOverflow || opcode === Op.SmulOverflow
        ? x * y
        : isSum(opcode)
          ? x + y + BigInt(carry)
          : x - y - BigInt(carry)
    const wrapped = signed ? BigInt.asIntN(bits, exact) : BigInt.asUintN(bits, exact)
    bigIntToWords(wrapped, words, out, count)
    words[second] = wrapped === exact ? 0 : 1
  }

  extend(signed: boolean, from: Type, type: Type, words: Int32Array, a: number, out: number): void {
    const bits = typeBits(from)
    const count = wordCount(from)
    const top = words[a + count - 1]
    const sign = signed ? (bits < 32 ? (top << (32 - bits)) >> 31 : top >> 31) : 0
    const first = signed && bits < 32 ? (top << (32 - bits)) >> (32 - bits) : words[a]
    words[out] = first
    for (let i = 1; i < wordCount(type); i++) words[out + i] = i < count ? words[a + i] : sign
    trim(type, words, out)
  }

  split(type: Type, words: Int32Array, a: number, out: number, second: number): number {
    const half = typeBits(type) >> 1
    if (half >= 32) {
      const value = words.slice(a, a + wordCount(type))
      words.set(value.subarray(0, half >> 5), out)
      words.set(value.subarray(half >> 5), second)
    } else {
      const value = words[a]
      words[out] = value & ((1 << half) - 1)
      words[second] = (value >>> half) & ((1 << half) - 1)
    }
    return 0
  }

  concat(type: Type, words: Int32Array, a: number, b: number, out: number): number {
    const bits = typeBits(type)
    if (bits >= 32) {
      const count = bits >> 5
      const high = words.slice(b, b + count)
      words.copyWithin(out, a, a + count)
      words.set(high, out + count)
    } else words[out] = words[a] | (words[b] << bits)
    return 0
  }
}

function isSum(opcode: number): boolean {
  return (
    opcode === Op.UaddOverflow ||
    opcode === Op.SaddOverflow ||
    opcode === Op.UaddOverflowCin ||
    opcode === Op.SaddOverflowCin
  )
}

function isUnsignedDifference(opcode: number): boolean {
  return opcode === Op.UsubOverflow || opcode === Op.UsubOverflowBin
}

function isLeast(type: Type, words: Int32Array, at: number): boolean {
  const bits = typeBits(type)
  const count = wordCount(type)
  for (let i = 0; i < count - 1; i++) if (words[at + i] !== 0) return false
  return words[at + count - 1] === (bits < 32 ? 1 << (bits - 1) : -0x8000_0000)
}
