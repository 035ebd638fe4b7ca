// Floats of any format as exact numbers: a sign, a whole number and a power of two. For f128, whose bits no number holds, and
// for the places where a result between two steps is wider than any format (f64's fused multiply-add, 128-bit integers).

import { FLOAT_EQUAL, FLOAT_GREATER, FLOAT_LESS, FLOAT_UNORDERED } from '../condition-codes.ts'
import { Opcode } from '../opcode.ts'
import { biasOf, type FloatFormat } from './float-formats.ts'

const Op = Opcode

/** ±significand · 2^exponent, an infinity or a NaN. */
type BigFloat =
  | { readonly kind: 'finite'; readonly negative: boolean; readonly significand: bigint; readonly exponent: number }
  | { readonly kind: 'infinite'; readonly negative: boolean }
  | { readonly kind: 'nan'; readonly bits: bigint }

function unpack(format: FloatFormat, bits: bigint): BigFloat {
  const { fractionBits, exponentBits } = format
  const negative = bits >> BigInt(format.bits - 1) !== 0n
  const field = Number((bits >> BigInt(fractionBits)) & ((1n << BigInt(exponentBits)) - 1n))
  const fraction = bits & ((1n << BigInt(fractionBits)) - 1n)
  if (field === 2 ** exponentBits - 1) return fraction === 0n ? { kind: 'infinite', negative } : { kind: 'nan', bits }
  const significand = field === 0 ? fraction : fraction | (1n << BigInt(fractionBits))
  return { kind: 'finite', negative, significand, exponent: Math.max(field, 1) - biasOf(format) - fractionBits }
}

/**
 * The float nearest to ±significand · 2^exponent, ties to the even one (IEEE 754-2019, 4.3.1).
 *
 * @param more - the number is a little larger than that; then the significand has at least two bits more than the format.
 */
export function roundToFormat(
  format: FloatFormat,
  negative: boolean,
  significand: bigint,
  exponent: number,
  more: boolean = false,
): bigint {
  const { fractionBits, exponentBits } = format
  const sign = negative ? 1n << BigInt(format.bits - 1) : 0n
  if (significand === 0n) return sign
  const bias = biasOf(format)
  const leading = exponent + bitLength(significand) - 1
  // The exponent of the last bit kept: of a normal number, or of the least there is.
  let last = Math.max(leading, 1 - bias) - fractionBits
  const dropped = last - exponent
  let kept: bigint
  if (dropped <= 0) kept = significand << BigInt(-dropped)
  else {
    kept = significand >> BigInt(dropped)
    const rest = significand - (kept << BigInt(dropped))
    const half = 1n << BigInt(dropped - 1)
    if (rest > half || (rest === half && (more || (kept & 1n) === 1n))) kept++
    if (kept >> BigInt(fractionBits + 1) !== 0n) {
      kept >>= 1n
      last++
    }
  }
  const hidden = 1n << BigInt(fractionBits)
  if (kept < hidden) return sign | kept
  const field = last + fractionBits + bias
  if (field >= 2 ** exponentBits - 1) return sign | infinity(format)
  return sign | (BigInt(field) << BigInt(fractionBits)) | (kept - hidden)
}

function infinity(format: FloatFormat): bigint {
  return ((1n << BigInt(format.exponentBits)) - 1n) << BigInt(format.fractionBits)
}

/** What x86-64 makes where no operand is a NaN: the quiet one with the sign set. */
function defaultNan(format: FloatFormat): bigint {
  return (1n << BigInt(format.bits - 1)) | infinity(format) | (1n << BigInt(format.fractionBits - 1))
}

function quiet(format: FloatFormat, bits: bigint): bigint {
  return bits | (1n << BigInt(format.fractionBits - 1))
}

function bitLength(value: bigint): number {
  return value.toString(2).length
}

/** Arithmetic on two floats, bits in and bits out. */
export function bigFloatBinary(opcode: number, format: FloatFormat, aBits: bigint, bBits: bigint): bigint | undefined {
  const a = unpack(format, aBits)
  const b = unpack(format, bBits)
  if (a.kind === 'nan') return quiet(format, a.bits)
  if (b.kind === 'nan') return quiet(format, b.bits)
  switch (opcode) {
    case Op.Fadd:
      return add(format, a, b)
    case Op.Fsub:
      return add(format, a, { ...b, negative: !b.negative })
    case Op.Fmul:
      return multiplyAdd(format, a, b, null)
    case Op.Fdiv:
      return divide(format, a, b)
    case Op.Fmin:
    case Op.Fmax: {
      const order = compareFinite(a, b)
      // Zeros are equal, and the negative one is the lesser.
      const first = order === 0 ? a.negative : order < 0
      return first === (opcode === Op.Fmin) ? aBits : bBits
    }
    default:
      return undefined
  }
}

/** What arithmetic is about. */
type NotNan = Exclude<BigFloat, { kind: 'nan' }>

function add(format: FloatFormat, a: NotNan, b: NotNan): bigint {
  if (a.kind === 'infinite' || b.kind === 'infinite') {
    if (a.kind === b.kind && a.negative !== b.negative) return defaultNan(format)
    const { negative } = a.kind === 'infinite' ? a : b
    return roundedInfinity(format, negative)
  }
  const exponent = Math.min(a.exponent, b.exponent)
  const sum = signedAt(a, exponent) + signedAt(b, exponent)
  // A sum of nothing is +0, unless both were -0 (IEEE 754-2019, 6.3).
  if (sum === 0n) return roundToFormat(format, a.negative && b.negative, 0n, 0)
  return roundToFormat(format, sum < 0n, sum < 0n ? -sum : sum, exponent)
}

/** The significand with its sign, as a multiple of 2^exponent. */
function signedAt(a: Extract<BigFloat, { kind: 'finite' }>, exponent: number): bigint {
  const magnitude = a.significand << BigInt(a.exponent - exponent)
  return a.negative ? -magnitude : magnitude
}

function roundedInfinity(format: FloatFormat, negative: boolean): bigint {
  return infinity(format) | (negative ? 1n << BigInt(format.bits - 1) : 0n)
}

function multiplyAdd(format: FloatFormat, a: NotNan, b: NotNan, c: NotNan | null): bigint {
  const negative = a.negative !== b.negative
  if (a.kind === 'infinite' || b.kind === 'infinite') {
    const other = a.kind === 'infinite' ? b : a
    if (other.kind === 'finite' && other.significand === 0n) return defaultNan(format)
    if (c !== null && c.kind === 'infinite' && c.negative !== negative) return defaultNan(format)
    return roundedInfinity(format, negative)
  }
  const significand = a.significand * b.significand
  const product = { kind: 'finite', negative, significand, exponent: a.exponent + b.exponent } as const
  return c === null ? roundToFormat(format, negative, significand, product.exponent) : add(format, product, c)
}

/** a · b + c, rounded once. */
export function bigFloatFma(format: FloatFormat, aBits: bigint, bBits: bigint, cBits: bigint): bigint {
  const [a, b, c] = [unpack(format, aBits), unpack(format, bBits), unpack(format, cBits)]
  for (const each of [a, b, c]) if (each.kind === 'nan') return quiet(format, each.bits)
  return multiplyAdd(format, a as NotNan, b as NotNan, c as NotNan)
}

function divide(format: FloatFormat, a: NotNan, b: NotNan): bigint {
  const negative = a.negative !== b.negative
  if (a.kind === 'infinite') return b.kind === 'infinite' ? defaultNan(format) : roundedInfinity(format, negative)
  if (b.kind === 'infinite') return roundToFormat(format, negative, 0n, 0)
  if (b.significand === 0n) return a.significand === 0n ? defaultNan(format) : roundedInfinity(format, negative)
  if (a.significand === 0n) return roundToFormat(format, negative, 0n, 0)
  // Enough bits of the quotient that two lie behind the last one kept.
  const shift = Math.max(0, format.fractionBits + 3 + bitLength(b.significand) - bitLength(a.significand))
  const dividend = a.significand << BigInt(shift)
  const quotient = dividend / b.significand
  const more = quotient * b.significand !== dividend
  return roundToFormat(format, negative, quotient, a.exponent - b.exponent - shift, more)
}

/** -1, 0 or 1; zeros are equal. */
function compareFinite(a: NotNan, b: NotNan): number {
  const rank = (x: NotNan): number => (x.kind === 'infinite' ? (x.negative ? -1 : 1) : 0)
  if (rank(a) !== rank(b)) return rank(a) < rank(b) ? -1 : 1
  if (a.kind === 'infinite' || b.kind === 'infinite') return 0
  const exponent = Math.min(a.exponent, b.exponent)
  const difference = signedAt(a, exponent) - signedAt(b, exponent)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** Which of the four outcomes a comparison has. */
export function bigFloatOutcome(format: FloatFormat, aBits: bigint, bBits: bigint): number {
  const a = unpack(format, aBits)
  const b = unpack(format, bBits)
  if (a.kind === 'nan' || b.kind === 'nan') return FLOAT_UNORDERED
  const order = compareFinite(a, b)
  return order < 0 ? FLOAT_LESS : order > 0 ? FLOAT_GREATER : FLOAT_EQUAL
}

/** Operations on one float that round. */
export function bigFloatUnary(opcode: number, format: FloatFormat, bits: bigint): bigint | undefined {
  const a = unpack(format, bits)
  if (a.kind === 'nan') return quiet(format, bits)
  switch (opcode) {
    case Op.Sqrt: {
      if (a.kind === 'finite' && a.significand === 0n) return bits
      if (a.negative) return defaultNan(format)
      if (a.kind === 'infinite') return bits
      // An even power of two, and enough bits that two lie behind the last one kept.
      let shift = Math.max(0, 2 * (format.fractionBits + 3) - bitLength(a.significand))
      if ((a.exponent - shift) % 2 !== 0) shift++
      const square = a.significand << BigInt(shift)
      const root = squareRoot(square)
      return roundToFormat(format, false, root, (a.exponent - shift) / 2, root * root !== square)
    }
    case Op.Ceil:
    case Op.Floor:
    case Op.Trunc:
    case Op.Nearest: {
      if (a.kind === 'infinite' || a.exponent >= 0) return bits
      return roundToFormat(format, a.negative, wholePart(opcode, a), 0)
    }
    default:
      return undefined
  }
}

/** The magnitude of the whole number that the operation makes of a number with a fraction. */
function wholePart(opcode: number, a: Extract<BigFloat, { kind: 'finite' }>): bigint {
  const shift = BigInt(-a.exponent)
  const whole = a.significand >> shift
  const rest = a.significand - (whole << shift)
  if (rest === 0n || opcode === Op.Trunc) return whole
  if (opcode === Op.Ceil) return a.negative ? whole : whole + 1n
  if (opcode === Op.Floor) return a.negative ? whole + 1n : whole
  const half = 1n << (shift - 1n)
  return rest > half || (rest === half && (whole & 1n) === 1n) ? whole + 1n : whole
}

/** The largest number whose square is not larger (Newton's method, from above). */
function squareRoot(value: bigint): bigint {
  let root = 1n << BigInt((bitLength(value) + 1) >> 1)
  for (;;) {
    const next = (root + value / root) >> 1n
    if (next >= root) return root
    root = next
  }
}

/** A float of one format as one of another: exact, or rounded. A NaN keeps the high end of its payload. */
export function convertFloat(from: FloatFormat, to: FloatFormat, bits: bigint): bigint {
  const a = unpack(from, bits)
  if (a.kind === 'infinite') return roundedInfinity(to, a.negative)
  if (a.kind === 'finite') return roundToFormat(to, a.negative, a.significand, a.exponent)
  const payload = bits & ((1n << BigInt(from.fractionBits)) - 1n)
  const moved = BigInt(to.fractionBits - from.fractionBits)
  const fraction = moved >= 0n ? payload << moved : payload >> -moved
  const sign = (bits >> BigInt(from.bits - 1)) << BigInt(to.bits - 1)
  return quiet(to, sign | infinity(to) | fraction)
}

/** The float nearest to a whole number. */
export function floatFromInteger(format: FloatFormat, value: bigint): bigint {
  return roundToFormat(format, value < 0n, value < 0n ? -value : value, 0)
}

/** The whole part of a float; null for a NaN, ±Infinity for an infinity. */
export function integerFromFloat(format: FloatFormat, bits: bigint): bigint | number | null {
  const a = unpack(format, bits)
  if (a.kind === 'nan') return null
  if (a.kind === 'infinite') return a.negative ? -Infinity : Infinity
  const magnitude =
    a.exponent >= 0 ? a.significand << BigInt(a.exponent) : a.significand >> BigInt(Math.min(-a.exponent, 0x8000))
  return a.negative ? -magnitude : magnitude
}
