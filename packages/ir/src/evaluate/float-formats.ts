// The binary formats of IEEE 754-2019, 3.4, and what is told from their bits alone.

import { Type } from '../types.ts'

/** How the bits of a float are divided: sign, exponent, fraction, from the highest down. */
export interface FloatFormat {
  readonly bits: number
  readonly fractionBits: number
  readonly exponentBits: number
}

/** By type; f16, f32, f64, f128. */
export const FLOAT_FORMATS: Readonly<Record<number, FloatFormat>> = {
  [Type.F16]: { bits: 16, fractionBits: 10, exponentBits: 5 },
  [Type.F32]: { bits: 32, fractionBits: 23, exponentBits: 8 },
  [Type.F64]: { bits: 64, fractionBits: 52, exponentBits: 11 },
  [Type.F128]: { bits: 128, fractionBits: 112, exponentBits: 15 },
}

/** The least exponent of a normal number, negated, plus one: what is added to an exponent to store it. */
export function biasOf(format: FloatFormat): number {
  return 2 ** (format.exponentBits - 1) - 1
}
