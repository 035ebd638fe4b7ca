// What every opcode without memory and control makes of its operands, bit by bit: one place for whoever has to know (the
// interpreter, and passes that fold constants). The meaning is that of CLIF; where CLIF leaves the bits of a NaN open they
// are x86-64's.

import { type FloatCC, floatCCOutcomes } from '../condition-codes.ts'
import { MemFlags } from '../memory-flags.ts'
import { Opcode } from '../opcode.ts'
import { TrapCode } from '../trap-codes.ts'
import { laneBits, laneCount, laneType, Type, typeBits } from '../types.ts'
import {
  bigFloatBinary,
  bigFloatFma,
  bigFloatOutcome,
  bigFloatUnary,
  convertFloat,
  floatFromInteger,
  integerFromFloat,
} from './big-float.ts'
import { bigBinary, bigCompare, bigShift, bigUnary } from './big-integer.ts'
import { FloatUnit } from './float.ts'
import { FLOAT_FORMATS } from './float-formats.ts'
import { addPairwise, bitcast, laneIsTrue, laneSign, multiplyAddBytes, narrow, swizzle, widen } from './lanes.ts'
import { narrowBinary, narrowCompare, narrowShift, narrowUnary } from './narrow-integer.ts'
import { Pair } from './pair.ts'
import { addOverflows, subtractOverflows, wideBinary, wideCompare, wideShift, wideUnary } from './wide-integer.ts'
import { bigIntToWords, narrowLane, setNarrowLane, wordCount, wordsToBigInt } from './words.ts'

const Op = Opcode

/** {@link Evaluator.evaluate} was given an opcode that needs more than its operands: memory, control, or the machine. */
export const NOT_PURE = -1

/** Evaluates one instruction at a time. It keeps scratch memory and nothing else. */
export class Evaluator {
  readonly #pair: Pair = new Pair()
  readonly #float: FloatUnit = new FloatUnit()

  /**
   * Evaluates an instruction whose operands lie in words (`words.ts`). The result may lie where an operand does.
   *
   * @param type - the controlling type.
   * @param from - the type of the first value operand.
   * @param imm - condition, lane, or memory flags of a bitcast.
   * @param a - place of the first operand, b and c of the others.
   * @param out - place of the first result, `second` of the other.
   * @returns 0, the trap code, or {@link NOT_PURE}; in the last two cases nothing is written.
   */
  evaluate(
    opcode: number,
    type: Type,
    from: Type,
    imm: number,
    words: Int32Array,
    a: number,
    b: number,
    c: number,
    out: number,
    second: number,
  ): number {
    switch (opcode) {
      case Op.Udiv:
      case Op.Sdiv:
      case Op.Urem:
      case Op.Srem:
        return this.#divide(opcode, type, words, a, b, out)
      case Op.Iadd:
      case Op.Isub:
      case Op.Imul:
      case Op.Umulhi:
      case Op.Smulhi:
      case Op.Smin:
      case Op.Umin:
      case Op.Smax:
      case Op.Umax:
      case Op.AvgRound:
      case Op.UaddSat:
      case Op.SaddSat:
      case Op.UsubSat:
      case Op.SsubSat:
      case Op.SqmulRoundSat:
      case Op.X86Pmulhrsw:
        this.#integerBinary(opcode, type, words, a, b, out)
        return 0
      case Op.Ineg:
      case Op.Iabs:
      case Op.Bitrev:
      case Op.Clz:
      case Op.Cls:
      case Op.Ctz:
      case Op.Bswap:
      case Op.Popcnt:
        this.#integerUnary(opcode, type, words, a, out)
        return 0
      case Op.Ishl:
      case Op.Ushr:
      case Op.Sshr:
      case Op.Rotl:
      case Op.Rotr:
        this.#shift(opcode, type, words, a, words[b], out)
        return 0
      case Op.Icmp:
        this.#compareIntegers(imm, from, words, a, b, out)
        return 0
      case Op.Band:
      case Op.Bor:
      case Op.Bxor:
      case Op.Bnot:
        this.#bitwise(opcode, type, words, a, b, out)
        return 0
      case Op.Bitselect:
        for (let i = 0; i < wordCount(type); i++) {
          words[out + i] = (words[a + i] & words[b + i]) | (~words[a + i] & words[c + i])
        }
        return 0
      case Op.Blendv:
        this.#blend(type, words, a, b, c, out)
        return 0
      case Op.Select:
      case Op.SelectSpectreGuard: {
        const chosen = isTrue(from, words, a) ? b : c
        words.copyWithin(out, chosen, chosen + wordCount(type))
        return 0
      }
      case Op.Bmask: {
        const value = isTrue(from, words, a) ? -1 : 0
        words.fill(value, out, out + wordCount(type))
        trim(type, words, out)
        return 0
      }
      case Op.UaddOverflow:
      case Op.SaddOverflow:
      case Op.UsubOverflow:
      case Op.SsubOverflow:
      case Op.UmulOverflow:
      case Op.SmulOverflow:
        this.#overflowing(opcode, type, words, a, b, 0, out, second)
        return 0
      case Op.UaddOverflowCin:
      case Op.SaddOverflowCin:
      case Op.UsubOverflowBin:
      case Op.SsubOverflowBin:
        this.#overflowing(opcode, type, words, a, b, (words[c] & 0xff) === 0 ? 0 : 1, out, second)
        return 0
      case Op.UaddOverflowTrap:
        if (this.#addsPast(type, words, a, b)) return imm
        this.#integerBinary(Op.Iadd, type, words, a, b, out)
        return 0
      case Op.Uextend:
      case Op.Sextend:
        this.#extend(opcode === Op.Sextend, from, type, words, a, out)
        return 0
      case Op.Ireduce:
        words.copyWithin(out, a, a + wordCount(type))
        trim(type, words, out)
        return 0
      case Op.Isplit:
        return this.#split(type, words, a, out, second)
      case Op.Iconcat:
        return this.#concat(type, words, a, b, out)
      case Op.Fadd:
      case Op.Fsub:
      case Op.Fmul:
      case Op.Fdiv:
      case Op.Fmin:
      case Op.Fmax:
      case Op.Fcopysign:
        this.#floatBinary(opcode, type, words, a, b, out)
        return 0
      case Op.Sqrt:
      case Op.Ceil:
      case Op.Floor:
      case Op.Trunc:
      case Op.Nearest:
      case Op.Fneg:
      case Op.Fabs:
        this.#floatUnary(opcode, type, words, a, out)
        return 0
      case Op.Fma:
        this.#fma(type, words, a, b, c, out)
        return 0
      case Op.Fcmp:
        this.#compareFloats(imm, from, words, a, b, out)
        return 0
      case Op.Fpromote:
      case Op.Fdemote:
        this.#convertFloats(from, type, 1, words, a, out)
        return 0
      case Op.FvpromoteLow:
        this.#convertFloats(Type.F32, Type.F64, 2, words, a, out)
        return 0
      case Op.Fvdemote:
        this.#convertFloats(Type.F64, Type.F32, 2, words, a, out)
        words[out + 2] = words[out + 3] = 0
        return 0
      case Op.FcvtToUint:
      case Op.FcvtToSint:
      case Op.FcvtToUintSat:
      case Op.FcvtToSintSat:
      case Op.X86Cvtt2dq:
        return this.#toIntegers(opcode, from, type, words, a, out)
      case Op.FcvtFromUint:
      case Op.FcvtFromSint:
        this.#fromIntegers(opcode === Op.FcvtFromSint, from, type, words, a, out)
        return 0
      case Op.Bitcast:
        bitcast(from, type, (imm & MemFlags.Big) !== 0, words, a, out)
        return 0
      case Op.Splat:
        this.#splat(type, words, a, out)
        return 0
      case Op.ScalarToVector: {
        const count = wordCount(laneType(type))
        words.copyWithin(out, a, a + count)
        words.fill(0, out + count, out + wordCount(type))
        return 0
      }
      case Op.Insertlane: {
        const value = words.slice(b, b + wordCount(laneType(type)))
        if (out !== a) words.copyWithin(out, a, a + wordCount(type))
        if (laneBits(type) <= 32) setNarrowLane(words, out, laneBits(type), imm, value[0])
        else words.set(value, out + imm * value.length)
        return 0
      }
      case Op.Extractlane: {
        const count = wordCount(laneType(type))
        if (laneBits(type) <= 32) words[out] = narrowLane(words, a, laneBits(type), imm)
        else words.copyWithin(out, a + imm * count, a + (imm + 1) * count)
        return 0
      }
      case Op.VanyTrue:
      case Op.VallTrue: {
        let any = 0
        const count = laneCount(from)
        for (let lane = 0; lane < count; lane++) if (laneIsTrue(from, words, a, lane)) any++
        words[out] = any > (opcode === Op.VanyTrue ? 0 : count - 1) ? 1 : 0
        return 0
      }
      case Op.VhighBits: {
        const bits = new Int32Array(2)
        for (let lane = 0; lane < Math.min(64, laneCount(from)); lane++) {
          bits[lane >> 5] |= laneSign(from, words, a, lane) << (lane & 31)
        }
        words[out] = bits[0]
        if (typeBits(type) === 64) words[out + 1] = bits[1]
        trim(type, words, out)
        return 0
      }
      case Op.Swizzle:
      case Op.X86Pshufb:
        swizzle(opcode, words, a, b, out)
        return 0
      case Op.Snarrow:
      case Op.Unarrow:
      case Op.Uunarrow:
        narrow(opcode, type, words, a, b, out)
        return 0
      case Op.SwidenLow:
      case Op.SwidenHigh:
      case Op.UwidenLow:
      case Op.UwidenHigh:
        widen(opcode, type, words, a, out)
        return 0
      case Op.IaddPairwise:
        addPairwise(type, words, a, b, out)
        return 0
      case Op.X86Pmaddubsw:
        multiplyAddBytes(words, a, b, out)
        return 0
      default:
        return NOT_PURE
    }
  }

  #integerBinary(opcode: number, type: Type, words: Int32Array, a: number, b: number, out: number): void {
    const bits = laneBits(type)
    const lanes = laneCount(type)
    for (let lane = 0; lane < lanes; lane++) {
      if (bits <= 32) {
        const value = narrowBinary(opcode, bits, narrowLane(words, a, bits, lane), narrowLane(words, b, bits, lane))
        this.#setNarrow(words, out, bits, lanes, lane, value!)
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

  /** Writes a lane of a vector, or a scalar, which is zero-extended to its word. */
  #setNarrow(words: Int32Array, out: number, bits: number, lanes: number, lane: number, value: number): void {
    if (lanes === 1) words[out] = bits === 32 ? value : value & ((1 << bits) - 1)
    else setNarrowLane(words, out, bits, lane, value)
  }

  #integerUnary(opcode: number, type: Type, words: Int32Array, a: number, out: number): void {
    const bits = laneBits(type)
    const lanes = laneCount(type)
    for (let lane = 0; lane < lanes; lane++) {
      if (bits <= 32) {
        const value = narrowUnary(opcode, bits, narrowLane(words, a, bits, lane))
        this.#setNarrow(words, out, bits, lanes, lane, value!)
      } else if (bits === 64) {
        wideUnary(opcode, this.#pair, words[a + 2 * lane], words[a + 2 * lane + 1])
        words[out + 2 * lane] = this.#pair.low
        words[out + 2 * lane + 1] = this.#pair.high
      } else bigIntToWords(bigUnary(opcode, wordsToBigInt(words, a + 4 * lane, 4))!, words, out + 4 * lane, 4)
    }
  }

  #shift(opcode: number, type: Type, words: Int32Array, a: number, amount: number, out: number): void {
    const bits = laneBits(type)
    const lanes = laneCount(type)
    for (let lane = 0; lane < lanes; lane++) {
      if (bits <= 32) {
        const value = narrowShift(opcode, bits, narrowLane(words, a, bits, lane), amount)
        this.#setNarrow(words, out, bits, lanes, lane, value!)
      } else if (bits === 64) {
        wideShift(opcode, this.#pair, words[a + 2 * lane], words[a + 2 * lane + 1], amount)
        words[out + 2 * lane] = this.#pair.low
        words[out + 2 * lane + 1] = this.#pair.high
      } else bigIntToWords(bigShift(opcode, wordsToBigInt(words, a + 4 * lane, 4), amount)!, words, out + 4 * lane, 4)
    }
  }

  #divide(opcode: number, type: Type, words: Int32Array, a: number, b: number, out: number): number {
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
    this.#integerBinary(opcode, type, words, a, b, out)
    return 0
  }

  #compareIntegers(condition: number, type: Type, words: Int32Array, a: number, b: number, out: number): void {
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

  #bitwise(opcode: number, type: Type, words: Int32Array, a: number, b: number, out: number): void {
    const count = wordCount(type)
    for (let i = 0; i < count; i++) {
      const x = words[a + i]
      words[out + i] =
        opcode === Op.Bnot
          ? ~x
          : opcode === Op.Band
            ? x & words[b + i]
            : opcode === Op.Bor
              ? x | words[b + i]
              : x ^ words[b + i]
    }
    trim(type, words, out)
  }

  /** The top bit of each lane of the condition chooses. */
  #blend(type: Type, words: Int32Array, condition: number, a: number, b: number, out: number): void {
    const bits = laneBits(type)
    for (let lane = 0; lane < laneCount(type); lane++) {
      const from = laneSign(type, words, condition, lane) === 1 ? a : b
      if (bits < 32) this.#setNarrow(words, out, bits, laneCount(type), lane, narrowLane(words, from, bits, lane))
      else {
        const count = bits >>> 5
        words.copyWithin(out + lane * count, from + lane * count, from + (lane + 1) * count)
      }
    }
  }

  /** Whether an unsigned sum of 32 or 64 bits is too large. */
  #addsPast(type: Type, words: Int32Array, a: number, b: number): boolean {
    if (typeBits(type) === 32) return (words[a] >>> 0) + (words[b] >>> 0) > 0xffff_ffff
    this.#pair.add(words[a], words[a + 1], words[b], words[b + 1])
    return (
      this.#pair.high >>> 0 < words[a + 1] >>> 0 ||
      (this.#pair.high === words[a + 1] && this.#pair.low >>> 0 < words[a] >>> 0)
    )
  }

  /** Sum, difference or product, and whether it is not the exact one. */
  #overflowing(
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
    if (bits === 64 && carry === 0 && opcode !== Op.SmulOverflow && opcode !== Op.UmulOverflow) {
      const [al, ah, bl, bh] = [words[a], words[a + 1], words[b], words[b + 1]]
      const pair = this.#pair
      const sum = isSum(opcode)
      if (sum) pair.add(al, ah, bl, bh)
      else pair.subtract(al, ah, bl, bh)
      const { low, high } = pair
      const unsigned = opcode === Op.UaddOverflow || opcode === Op.UaddOverflowCin || isUnsignedDifference(opcode)
      const over = unsigned
        ? sum
          ? high >>> 0 < ah >>> 0 || (high === ah && low >>> 0 < al >>> 0)
          : ah >>> 0 < bh >>> 0 || (ah === bh && al >>> 0 < bl >>> 0)
        : sum
          ? addOverflows(ah, bh, high)
          : subtractOverflows(ah, bh, high)
      words[out] = low
      words[out + 1] = high
      words[second] = over ? 1 : 0
      return
    }
    this.#overflowingWide(opcode, bits, words, a, b, carry, out, second)
  }

  /** With a carry or a product of 64 bits the exact result is wider than that. */
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

  #extend(signed: boolean, from: Type, type: Type, words: Int32Array, a: number, out: number): void {
    const bits = typeBits(from)
    const count = wordCount(from)
    const top = words[a + count - 1]
    const sign = signed ? (bits < 32 ? (top << (32 - bits)) >> 31 : top >> 31) : 0
    const first = signed && bits < 32 ? (top << (32 - bits)) >> (32 - bits) : words[a]
    words[out] = first
    for (let i = 1; i < wordCount(type); i++) words[out + i] = i < count ? words[a + i] : sign
    trim(type, words, out)
  }

  #split(type: Type, words: Int32Array, a: number, out: number, second: number): number {
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

  #concat(type: Type, words: Int32Array, a: number, b: number, out: number): number {
    const bits = typeBits(type)
    if (bits >= 32) {
      const count = bits >> 5
      const high = words.slice(b, b + count)
      words.copyWithin(out, a, a + count)
      words.set(high, out + count)
    } else words[out] = words[a] | (words[b] << bits)
    return 0
  }

  #floatBinary(opcode: number, type: Type, words: Int32Array, a: number, b: number, out: number): void {
    const bits = laneBits(type)
    const lanes = laneCount(type)
    const unit = this.#float
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

  #floatUnary(opcode: number, type: Type, words: Int32Array, a: number, out: number): void {
    const bits = laneBits(type)
    const lanes = laneCount(type)
    const unit = this.#float
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

  #fma(type: Type, words: Int32Array, a: number, b: number, c: number, out: number): void {
    const bits = laneBits(type)
    const lanes = laneCount(type)
    const unit = this.#float
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

  #compareFloats(condition: number, type: Type, words: Int32Array, a: number, b: number, out: number): void {
    const bits = laneBits(type)
    const lanes = laneCount(type)
    const wanted = floatCCOutcomes(condition as FloatCC)
    for (let lane = 0; lane < lanes; lane++) {
      const outcome =
        bits === 128
          ? bigFloatOutcome(F128, wordsToBigInt(words, a + 4 * lane, 4), wordsToBigInt(words, b + 4 * lane, 4))
          : this.#float.outcome(
              bits,
              lowOf(words, a, bits, lane),
              highOf(words, a, bits, lane),
              lowOf(words, b, bits, lane),
              highOf(words, b, bits, lane),
            )
      setTruth(words, out, bits, lanes, lane, (outcome & wanted) !== 0)
    }
  }

  #convertFloats(from: Type, to: Type, lanes: number, words: Int32Array, a: number, out: number): void {
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
      this.#float.convert(bits, toBits, lowOf(source, 0, bits, lane), highOf(source, 0, bits, lane))
      setFloat(words, out, toBits, lanes, lane, this.#float)
    }
  }

  #toIntegers(opcode: number, from: Type, type: Type, words: Int32Array, a: number, out: number): number {
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
    return this.#float.isNan(bits, low, high) ? null : Math.trunc(this.#float.toNumber(bits, low, high))
  }

  #setInteger(words: Int32Array, out: number, bits: number, lanes: number, lane: number, value: number | bigint): void {
    if (bits === 128 || typeof value === 'bigint') {
      const count = Math.max(1, bits >> 5)
      const whole = BigInt(value)
      if (bits >= 32) bigIntToWords(whole, words, out + lane * count, count)
      else this.#setNarrow(words, out, bits, lanes, lane, Number(BigInt.asIntN(32, whole)))
    } else if (bits === 64) {
      this.#pair.setFloat(value)
      words[out + 2 * lane] = this.#pair.low
      words[out + 2 * lane + 1] = this.#pair.high
    } else this.#setNarrow(words, out, bits, lanes, lane, value)
  }

  #fromIntegers(signed: boolean, from: Type, type: Type, words: Int32Array, a: number, out: number): void {
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
        else this.#setNarrow(words, out, toBits, lanes, lane, Number(result))
        continue
      }
      if (bits === 64) this.#float.fromInteger(toBits, source[2 * lane], source[2 * lane + 1], signed)
      else {
        const value = narrowLane(source, 0, bits, lane)
        this.#float.setNumber(toBits, signed ? (value << (32 - bits)) >> (32 - bits) : value >>> 0)
      }
      setFloat(words, out, toBits, lanes, lane, this.#float)
    }
  }

  #splat(type: Type, words: Int32Array, a: number, out: number): void {
    const bits = laneBits(type)
    const value = words.slice(a, a + wordCount(laneType(type)))
    for (let lane = 0; lane < laneCount(type); lane++) {
      if (bits <= 32) setNarrowLane(words, out, bits, lane, value[0])
      else words.set(value, out + lane * value.length)
    }
  }
}

const F128 = FLOAT_FORMATS[Type.F128]
const F128_SIGN = 1n << 127n
const F128_MAGNITUDE = F128_SIGN - 1n

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

/** Clears what lies above a scalar narrower than its word, or above a vector narrower than one. */
function trim(type: Type, words: Int32Array, at: number): void {
  const bits = typeBits(type)
  if (bits < 32) words[at] &= (1 << bits) - 1
}

/** A scalar integer that is not 0. */
export function isTrue(type: Type, words: Int32Array, at: number): boolean {
  for (let i = 0; i < wordCount(type); i++) if (words[at + i] !== 0) return true
  return false
}

function isLeast(type: Type, words: Int32Array, at: number): boolean {
  const bits = typeBits(type)
  const count = wordCount(type)
  for (let i = 0; i < count - 1; i++) if (words[at + i] !== 0) return false
  return words[at + count - 1] === (bits < 32 ? 1 << (bits - 1) : -0x8000_0000)
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

/** The outcome of a comparison: 0 or 1 of a scalar, no bits or all of a lane. */
function setTruth(words: Int32Array, out: number, bits: number, lanes: number, lane: number, holds: boolean): void {
  if (lanes === 1) words[out] = holds ? 1 : 0
  else if (bits <= 32) setNarrowLane(words, out, bits, lane, holds ? -1 : 0)
  else words.fill(holds ? -1 : 0, out + lane * (bits >> 5), out + (lane + 1) * (bits >> 5))
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
