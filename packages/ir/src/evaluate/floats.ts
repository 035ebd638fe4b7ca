// Float opcodes on words, of every format and lane by lane.

import { type FloatCC, floatCCOutcomes } from '../condition-codes.ts'
import { Opcode } from '../opcode.ts'
import { TrapCode } from '../trap-codes.ts'
import { laneBits, laneCount, laneType, Type } from '../types.ts'
import {
  bigFloatBinary,
  bigFloatFma,
  bigFloatOutcome,
  bigFloatUnary,
  convertFloat,
  floatFromInteger,
  integerFromFloat,
} from './big-float.ts'
import { FloatUnit } from './float.ts'
import { FLOAT_FORMATS } from './float-formats.ts'
import { Pair } from './pair.ts'
import {
  bigIntToWords,
  narrowLane,
  setNarrowLane,
  setNarrowValue,
  setTruth,
  trim,
  wordCount,
  wordsToBigInt,
} from './words.ts'

const Op = Opcode
const F128 = FLOAT_FORMATS[Type.F128]
const F128_SIGN = 1n << 127n
const F128_MAGNITUDE = F128_SIGN - 1n

/** Operands and results are places in words, as in `Evaluator.evaluate`. */
export class Floats {
  readonly #pair: Pair = new Pair()
  readonly #unit: FloatUnit = new FloatUnit()

  binary(opcode: number, type: Type, words: Int32Array, a: number, b: number, out: number): void {
    const bits = laneBits(type)
    const lanes = laneCount(type)
    const unit = this.#unit
    for (let lane = 0; lane < lanes; lane++) {
      if (bits === 128) {
        const i = 4 * lane
        const x = wordsToBigInt(words, a + i, 4)
        const y = wordsToBigInt(words, b + i, 4)
        const value =
          opcode === Op.Fcopysign ? (x & F128_MAGNITUDE) | (y & F128_SIGN) : bigFloatBinary(opcode, F128, x, y)!
        bigIntToWords(value, words, out + i, 4)
        continue
      }
      unit.binary(
        opcode,
        bits,
        lowOf(words, a, bits, lane),
        highOf(words, a, bits, lane),
        lowOf(words, b, bits, lane),
        highOf(words, b, bits, lane),
      )
      setFloat(words, out, bits, lanes, lane, unit)
    }
  }

  unary(opcode: number, type: Type, words: Int32Array, a: number, out: number): void {
    const bits = laneBits(type)
    const lanes = laneCount(type)
    const unit = this.#unit
    for (let lane = 0; lane < lanes; lane++) {
      if (bits === 128) {
        const x = wordsToBigInt(words, a + 4 * lane, 4)
        const value =
          opcode === Op.Fneg ? x ^ F128_SIGN : opcode === Op.Fabs ? x & F128_MAGNITUDE : bigFloatUnary(opcode, F128, x)!
        bigIntToWords(value, words, out + 4 * lane, 4)
        continue
      }
      unit.unary(opcode, bits, lowOf(words, a, bits, lane), highOf(words, a, bits, lane))
      setFloat(words, out, bits, lanes, lane, unit)
    }
  }

  fma(type: Type, words: Int32Array, a: number, b: number, c: number, out: number): void {
    const bits = laneBits(type)
    const lanes = laneCount(type)
    const unit = this.#unit
    for (let lane = 0; lane < lanes; lane++) {
      if (bits === 128) {
        const [x, y, z] = [a, b, c].map((at) => wordsToBigInt(words, at + 4 * lane, 4))
        bigIntToWords(bigFloatFma(F128, x, y, z), words, out + 4 * lane, 4)
        continue
      }
      unit.fma(
        bits,
        lowOf(words, a, bits, lane),
        highOf(words, a, bits, lane),
        lowOf(words, b, bits, lane),
        highOf(words, b, bits, lane),
        lowOf(words, c, bits, lane),
        highOf(words, c, bits, lane),
      )
      setFloat(words, out, bits, lanes, lane, unit)
    }
  }

  compare(condition: number, type: Type, words: Int32Array, a: number, b: number, out: number): void {
    const bits = laneBits(type)
    const lanes = laneCount(type)
    const wanted = floatCCOutcomes(condition as FloatCC)
    for (let lane = 0; lane < lanes; lane++) {
      const outcome =
        bits === 128
          ? bigFloatOutcome(F128, wordsToBigInt(words, a + 4 * lane, 4), wordsToBigInt(words, b + 4 * lane, 4))
          : this.#unit.outcome(
              bits,
              lowOf(words, a, bits, lane),
              highOf(words, a, bits, lane),
              lowOf(words, b, bits, lane),
              highOf(words, b, bits, lane),
            )
      setTruth(words, out, bits, lanes, lane, (outcome & wanted) !== 0)
    }
  }

  convert(from: Type, to: Type, lanes: number, words: Int32Array, a: number, out: number): void {
    const bits = laneBits(from)
    const toBits = laneBits(to)
    const source = words.slice(a, a + Math.max(1, (lanes * bits) >> 5))
    for (let lane = 0; lane < lanes; lane++) {
      if (bits === 128 || toBits === 128) {
        const value = bits < 32 ? BigInt(source[0]) : wordsToBigInt(source, 0, bits >> 5)
        bigIntToWords(convertFloat(FLOAT_FORMATS[from], FLOAT_FORMATS[to], value), words, out, wordCount(to))
        trim(to, words, out)
        return
      }
      this.#unit.convert(bits, toBits, lowOf(source, 0, bits, lane), highOf(source, 0, bits, lane))
      setFloat(words, out, toBits, lanes, lane, this.#unit)
    }
  }

  toIntegers(opcode: number, from: Type, type: Type, words: Int32Array, a: number, out: number): number {
    const lanes = laneCount(type)
    const bits = laneBits(type)
    const signed = opcode !== Op.FcvtToUint && opcode !== Op.FcvtToUintSat
    const least = signed ? -(2 ** (bits - 1)) : 0
    // One more than the largest: a power of two, which a float holds.
    const limit = signed ? 2 ** (bits - 1) : 2 ** bits
    const traps = opcode === Op.FcvtToUint || opcode === Op.FcvtToSint
    const indefinite = opcode === Op.X86Cvtt2dq
    const source = words.slice(a, a + wordCount(from))
    for (let lane = 0; lane < lanes; lane++) {
      const value = this.#wholePart(from, source, lane)
      let whole: number | bigint
      if (value === null) {
        if (traps) return TrapCode.BadConversionToInteger
        whole = indefinite ? least : 0
      } else if (value < least || value >= limit) {
        if (traps) return TrapCode.IntegerOverflow
        whole = indefinite || value < least ? least : -1
        if (!indefinite && value >= limit) {
          fillLargest(words, out, bits, lanes, lane, signed)
          continue
        }
      } else whole = value
      this.#setInteger(words, out, bits, lanes, lane, whole)
    }
    return 0
  }

  /** Truncated; null for a NaN. */
  #wholePart(from: Type, source: Int32Array, lane: number): number | bigint | null {
    const bits = laneBits(from)
    if (bits === 128) return integerFromFloat(F128, wordsToBigInt(source, 4 * lane, 4))
    const low = lowOf(source, 0, bits, lane)
    const high = highOf(source, 0, bits, lane)
    return this.#unit.isNan(bits, low, high) ? null : Math.trunc(this.#unit.toNumber(bits, low, high))
  }

  #setInteger(words: Int32Array, out: number, bits: number, lanes: number, lane: number, value: number | bigint): void {
    if (bits === 128 || typeof value === 'bigint') {
      const count = Math.max(1, bits >> 5)
      const whole = BigInt(value)
      if (bits >= 32) bigIntToWords(whole, words, out + lane * count, count)
      else setNarrowValue(words, out, bits, lanes, lane, Number(BigInt.asIntN(32, whole)))
    } else if (bits === 64) {
      this.#pair.setFloat(value)
      words[out + 2 * lane] = this.#pair.low
      words[out + 2 * lane + 1] = this.#pair.high
    } else setNarrowValue(words, out, bits, lanes, lane, value)
  }

  fromIntegers(signed: boolean, from: Type, type: Type, words: Int32Array, a: number, out: number): void {
    const lanes = laneCount(type)
    const bits = laneBits(from)
    const toBits = laneBits(type)
    const source = words.slice(a, a + wordCount(from))
    for (let lane = 0; lane < lanes; lane++) {
      if (bits === 128 || toBits === 128) {
        const width = Math.max(1, bits >> 5)
        const value = bits < 32 ? BigInt(narrowLane(source, 0, bits, lane)) : wordsToBigInt(source, lane * width, width)
        const number = signed ? BigInt.asIntN(bits, value) : value
        const result = floatFromInteger(FLOAT_FORMATS[laneType(type)], number)
        if (toBits >= 32) bigIntToWords(result, words, out + lane * (toBits >> 5), toBits >> 5)
        else setNarrowValue(words, out, toBits, lanes, lane, Number(result))
        continue
      }
      if (bits === 64) this.#unit.fromInteger(toBits, source[2 * lane], source[2 * lane + 1], signed)
      else {
        const value = narrowLane(source, 0, bits, lane)
        this.#unit.setNumber(toBits, signed ? (value << (32 - bits)) >> (32 - bits) : value >>> 0)
      }
      setFloat(words, out, toBits, lanes, lane, this.#unit)
    }
  }
}

function lowOf(words: Int32Array, at: number, bits: number, lane: number): number {
  return bits === 64 ? words[at + 2 * lane] : narrowLane(words, at, bits, lane)
}

function highOf(words: Int32Array, at: number, bits: number, lane: number): number {
  return bits === 64 ? words[at + 2 * lane + 1] : 0
}

function setFloat(words: Int32Array, out: number, bits: number, lanes: number, lane: number, unit: FloatUnit): void {
  if (bits === 64) {
    words[out + 2 * lane] = unit.low
    words[out + 2 * lane + 1] = unit.high
  } else if (lanes === 1) words[out] = unit.low
  else setNarrowLane(words, out, bits, lane, unit.low)
}

/** The largest integer of the lane. */
function fillLargest(words: Int32Array, out: number, bits: number, lanes: number, lane: number, signed: boolean): void {
  if (bits < 32) {
    const value = signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1
    if (lanes === 1) words[out] = value
    else setNarrowLane(words, out, bits, lane, value)
    return
  }
  const count = bits >> 5
  words.fill(-1, out + lane * count, out + (lane + 1) * count)
  if (signed) words[out + (lane + 1) * count - 1] = 0x7fff_ffff
}
