// What every opcode without memory and control makes of its operands, bit by bit: one place for whoever has to know (the
// interpreter, and passes that fold constants). The meaning is that of CLIF; where CLIF leaves the bits of a NaN open they
// are x86-64's.

import { MemFlags } from '../memory-flags.ts'
import { Opcode } from '../opcode.ts'
import { laneBits, laneCount, laneType, Type, typeBits } from '../types.ts'
import { Floats } from './floats.ts'
import { Integers } from './integers.ts'
import { addPairwise, bitcast, laneIsTrue, laneSign, multiplyAddBytes, narrow, swizzle, widen } from './lanes.ts'
import { isTrue, narrowLane, setNarrowLane, setNarrowValue, trim, wordCount } from './words.ts'

const Op = Opcode

/** {@link Evaluator.evaluate} was given an opcode that needs more than its operands: memory, control, or the machine. */
export const NOT_PURE = -1

/** Evaluates one instruction at a time. It keeps scratch memory and nothing else. */
export class Evaluator {
  readonly #integers: Integers = new Integers()
  readonly #floats: Floats = new Floats()

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
        return this.#integers.divide(opcode, type, words, a, b, out)
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
        this.#integers.binary(opcode, type, words, a, b, out)
        return 0
      case Op.Ineg:
      case Op.Iabs:
      case Op.Bitrev:
      case Op.Clz:
      case Op.Cls:
      case Op.Ctz:
      case Op.Bswap:
      case Op.Popcnt:
        this.#integers.unary(opcode, type, words, a, out)
        return 0
      case Op.Ishl:
      case Op.Ushr:
      case Op.Sshr:
      case Op.Rotl:
      case Op.Rotr:
        this.#integers.shift(opcode, type, words, a, words[b], out)
        return 0
      case Op.Icmp:
        this.#integers.compare(imm, from, words, a, b, out)
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
        this.#integers.overflowing(opcode, type, words, a, b, 0, out, second)
        return 0
      case Op.UaddOverflowCin:
      case Op.SaddOverflowCin:
      case Op.UsubOverflowBin:
      case Op.SsubOverflowBin:
        this.#integers.overflowing(opcode, type, words, a, b, (words[c] & 0xff) === 0 ? 0 : 1, out, second)
        return 0
      case Op.UaddOverflowTrap:
        if (this.#integers.addsPast(type, words, a, b)) return imm
        this.#integers.binary(Op.Iadd, type, words, a, b, out)
        return 0
      case Op.Uextend:
      case Op.Sextend:
        this.#integers.extend(opcode === Op.Sextend, from, type, words, a, out)
        return 0
      case Op.Ireduce:
        words.copyWithin(out, a, a + wordCount(type))
        trim(type, words, out)
        return 0
      case Op.Isplit:
        return this.#integers.split(type, words, a, out, second)
      case Op.Iconcat:
        return this.#integers.concat(type, words, a, b, out)
      case Op.Fadd:
      case Op.Fsub:
      case Op.Fmul:
      case Op.Fdiv:
      case Op.Fmin:
      case Op.Fmax:
      case Op.Fcopysign:
        this.#floats.binary(opcode, type, words, a, b, out)
        return 0
      case Op.Sqrt:
      case Op.Ceil:
      case Op.Floor:
      case Op.Trunc:
      case Op.Nearest:
      case Op.Fneg:
      case Op.Fabs:
        this.#floats.unary(opcode, type, words, a, out)
        return 0
      case Op.Fma:
        this.#floats.fma(type, words, a, b, c, out)
        return 0
      case Op.Fcmp:
        this.#floats.compare(imm, from, words, a, b, out)
        return 0
      case Op.Fpromote:
      case Op.Fdemote:
        this.#floats.convert(from, type, 1, words, a, out)
        return 0
      case Op.FvpromoteLow:
        this.#floats.convert(Type.F32, Type.F64, 2, words, a, out)
        return 0
      case Op.Fvdemote:
        this.#floats.convert(Type.F64, Type.F32, 2, words, a, out)
        words[out + 2] = words[out + 3] = 0
        return 0
      case Op.FcvtToUint:
      case Op.FcvtToSint:
      case Op.FcvtToUintSat:
      case Op.FcvtToSintSat:
      case Op.X86Cvtt2dq:
        return this.#floats.toIntegers(opcode, from, type, words, a, out)
      case Op.FcvtFromUint:
      case Op.FcvtFromSint:
        this.#floats.fromIntegers(opcode === Op.FcvtFromSint, from, type, words, a, out)
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
      if (bits < 32) setNarrowValue(words, out, bits, laneCount(type), lane, narrowLane(words, from, bits, lane))
      else {
        const count = bits >>> 5
        words.copyWithin(out + lane * count, from + lane * count, from + (lane + 1) * count)
      }
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
