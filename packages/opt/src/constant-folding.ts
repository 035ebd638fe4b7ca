// Opcodes on constants of at most 64 bits: integers, f32 and f64. What they make is for `@framewright/ir/evaluate` to say,
// where the interpreter asks too; here is what is not folded. What traps is not. Nor is an operation of floats that makes
// a NaN, whose bits depend on the machine.
//
// A constant is two 32-bit halves, zero-extended from its type; the low half of a 32-bit type is kept as a signed number,
// as the `imm` column keeps it. Sums and products of 64 bits, which the analysis of loops makes many of, take a short way.

import { Opcode, Type, typeBits } from '@framewright/ir'
import { Evaluator } from '@framewright/ir/evaluate'

/** Places of the operands, the result, and the second result of opcodes that have one. */
const X = 0
const Y = 4
const OUT = 8
const SECOND = 12

/** Operations that move bits about: they keep those of a NaN. */
const BITWISE: readonly number[] = [Opcode.Fneg, Opcode.Fabs, Opcode.Fcopysign, Opcode.Bitcast]

/** Whether constants of the type are folded. */
export function isFoldable(type: Type): boolean {
  return (type >= Type.I8 && type <= Type.I64) || type === Type.F32 || type === Type.F64
}

/** Folds one operation at a time; the outcome is left in `low` and `high`. */
export class ConstantFolder {
  low = 0
  high = 0
  readonly #evaluator: Evaluator = new Evaluator()
  readonly #words: Int32Array = new Int32Array(SECOND + 4)

  /**
   * Any opcode with one result and no more than two operands.
   *
   * @param type - the controlling type; `from` that of the first operand, `to` that of the result.
   * @param condition - of a comparison, else 0.
   * @returns whether it is folded.
   */
  evaluate(
    opcode: number,
    type: Type,
    from: Type,
    to: Type,
    condition: number,
    al: number,
    ah: number,
    bl: number,
    bh: number,
  ): boolean {
    const words = this.#words
    words[X] = al
    words[X + 1] = ah
    words[Y] = bl
    words[Y + 1] = bh
    if (this.#evaluator.evaluate(opcode, type, from, condition, words, X, Y, Y, OUT, SECOND) !== 0) return false
    this.low = words[OUT]
    this.high = typeBits(to) === 64 ? words[OUT + 1] : 0
    return !this.#isNan(to) || BITWISE.includes(opcode)
  }

  /** An opcode of two integers of that width, and a result of it. */
  binary(opcode: number, bits: number, al: number, ah: number, bl: number, bh: number): boolean {
    if (bits === 64 && opcode === Opcode.Iadd) {
      const sum = (al >>> 0) + (bl >>> 0)
      this.low = sum | 0
      this.high = (ah + bh + (sum > 0xffff_ffff ? 1 : 0)) | 0
      return true
    }
    const type = INTEGERS[31 - Math.clz32(bits >> 3)]
    return this.evaluate(opcode, type, type, type, 0, al, ah, bl, bh)
  }

  #isNan(type: Type): boolean {
    if (type === Type.F32) return (this.low & 0x7fff_ffff) > 0x7f80_0000
    if (type !== Type.F64) return false
    const magnitude = this.high & 0x7fff_ffff
    return magnitude > 0x7ff0_0000 || (magnitude === 0x7ff0_0000 && this.low !== 0)
  }
}

/** By the logarithm of the width in bytes. */
const INTEGERS = [Type.I8, Type.I16, Type.I32, Type.I64] as const
