// Float literals: text to bits, and back. Exact both ways: a literal that would have to be rounded is an error.

/** Width of exponent and fraction, by width of the format. IEEE 754-2019, table 3.5. */
const FORMATS: Readonly<Record<number, readonly [exponentBits: number, fractionBits: number]>> = {
  16: [5, 10],
  32: [8, 23],
  64: [11, 52],
  128: [15, 112],
}

/** Width of a float format in bits. */
export type FloatWidth = 16 | 32 | 64 | 128

/**
 * The bits of a literal: `0.0`, `0x1.8p3`, `Inf`, `NaN`, `NaN:0x1`, `sNaN:0x1`, each with an optional sign.
 *
 * @returns the bits, or why the text is not such a literal.
 */
export function parseFloatBits(text: string, width: FloatWidth): bigint | string {
  const [exponentBits, fractionBits] = FORMATS[width]
  const negative = text.startsWith('-')
  const magnitude = /^[+-]/.test(text) ? text.slice(1) : text
  const sign = negative ? 1n << BigInt(width - 1) : 0n
  const special = parseSpecial(magnitude, exponentBits, fractionBits, magnitude.length < text.length)
  if (special !== null) return typeof special === 'string' ? special : sign | special
  if (magnitude === '0.0') return sign
  const number = /^0x([0-9a-fA-F]*)\.([0-9a-fA-F]*)(?:p(-?)([0-9]+))?$/.exec(magnitude)
  if (number === null) return 'is not a float: write 0.0 or hexadecimal digits with a point, as 0x1.8p3'
  const [, whole, fraction, exponentSign, exponentDigits] = number
  if (whole.length + fraction.length === 0) return 'has no digits'
  const significant = (whole + fraction).replace(/^0+/, '')
  if (significant === '') return sign
  const stripped = significant.replace(/0+$/, '')
  // One digit is four bits: what is longer than this has bits to lose in every format.
  if (stripped.length > fractionBits / 4 + 2) return 'has more bits than the format'
  const exponent = exponentDigits === undefined ? 0 : Number(exponentSign + exponentDigits)
  const scale = exponent - 4 * fraction.length + 4 * (significant.length - stripped.length)
  return encode(BigInt(`0x${stripped}`), scale, sign, exponentBits, fractionBits)
}

/** significand * 2^scale as bits, or why it is not in the format. */
function encode(
  significand: bigint,
  scale: number,
  sign: bigint,
  exponentBits: number,
  fractionBits: number,
): bigint | string {
  const bias = 2 ** (exponentBits - 1) - 1
  const top = scale + significand.toString(2).length - 1
  if (top > bias) return 'is too large for the format'
  const normal = top >= 1 - bias
  // The exponent of the last bit that the format holds here.
  const last = (normal ? top : 1 - bias) - fractionBits
  let fraction = significand
  if (scale >= last) fraction <<= BigInt(scale - last)
  else {
    const dropped = BigInt(Math.min(last - scale, 256))
    if ((fraction >> dropped) << dropped !== fraction) {
      return normal ? 'has more bits than the format' : 'is too small for the format'
    }
    fraction >>= dropped
  }
  // A normal number's leading bit adds one to the exponent field; a subnormal has none and the field 0.
  const field = normal ? BigInt(top + bias - 1) : 0n
  return sign | ((field << BigInt(fractionBits)) + fraction)
}

function parseSpecial(
  text: string,
  exponentBits: number,
  fractionBits: number,
  signed: boolean,
): bigint | string | null {
  const infinity = ((1n << BigInt(exponentBits)) - 1n) << BigInt(fractionBits)
  const quiet = 1n << BigInt(fractionBits - 1)
  if (text === 'Inf') return infinity
  if (text === 'NaN') return infinity | quiet
  const payload = /^(s?)NaN:0x([0-9a-fA-F]+)$/.exec(text)
  if (payload === null) return /^(?:s?NaN|Inf)/.test(text) ? 'is not a NaN: a payload is written NaN:0x1' : null
  const signalling = payload[1] === 's'
  if (signalling && !signed) return 'needs a sign'
  if (payload[2].replace(/^0+/, '').length > fractionBits / 4 + 1) return 'has a payload too large for the format'
  const bits = BigInt(`0x${payload[2]}`)
  if (bits >= quiet) return 'has a payload too large for the format'
  if (signalling && bits === 0n) return 'must have a payload'
  return infinity | bits | (signalling ? 0n : quiet)
}

const scratch = new Float64Array(1)
const scratchBits = new Int32Array(scratch.buffer)
// Which half of the scratch is which depends on the host.
scratch[0] = 1
const LOW = scratchBits[0] === 0 ? 0 : 1
const HIGH = 1 - LOW
const scratch32 = new Float32Array(1)
const scratch32Bits = new Int32Array(scratch32.buffer)

/** Reads f32 and f64 literals; the result stays in fields so that nothing is allocated. */
export class FloatReader {
  low = 0
  high = 0

  /** Reads text[start .. end). @returns null when it worked, else why not. */
  read(text: string, start: number, end: number, width: 32 | 64): string | null {
    if (!this.#readShort(text, start, end, width)) {
      const bits = parseFloatBits(text.slice(start, end), width)
      if (typeof bits === 'string') return bits
      this.low = Number(BigInt.asIntN(32, bits))
      this.high = Number(BigInt.asIntN(32, bits >> 32n))
    }
    return null
  }

  /** The bits of a number, rounded to nearest where the format is narrower. */
  set(value: number, width: 32 | 64): void {
    if (width === 64) {
      scratch[0] = value
      this.low = scratchBits[LOW]
      this.high = scratchBits[HIGH]
    } else {
      scratch32[0] = value
      this.low = scratch32Bits[0]
      this.high = 0
    }
    // A host may keep any NaN there; ours is the positive quiet one without payload.
    if (Number.isNaN(value)) {
      this.low = width === 64 ? 0 : 0x7fc0_0000
      this.high = width === 64 ? 0x7ff8_0000 : 0
    }
  }

  /** The usual case: hexadecimal, at most 53 bits, normal. Anything else is left to the exact way. */
  #readShort(text: string, start: number, end: number, width: 32 | 64): boolean {
    let at = start
    const first = text.charCodeAt(at)
    if (first === 45 || first === 43) at++
    if (end - at < 4 || text.charCodeAt(at) !== 48 || text.charCodeAt(at + 1) !== 120) return false
    let significand = 0
    let point = -1
    let digits = 0
    for (at += 2; at < end; at++) {
      const c = text.charCodeAt(at)
      if (c === 46) {
        if (point >= 0) return false
        point = digits
      } else if (c === 112) break
      else {
        const digit = c >= 48 && c <= 57 ? c - 48 : c >= 97 && c <= 102 ? c - 87 : c >= 65 && c <= 70 ? c - 55 : 99
        if (digit > 15) return false
        significand = significand * 16 + digit
        // Twenty digits of 0 are fine, but then the count below is not what rounds: leave it to the exact way.
        if (significand > Number.MAX_SAFE_INTEGER) return false
        digits++
      }
    }
    if (point < 0 || significand === 0) return false
    let exponent = 0
    if (at < end) {
      at++
      const negative = text.charCodeAt(at) === 45
      if (negative) at++
      if (at >= end || end - at > 4) return false
      for (; at < end; at++) {
        const c = text.charCodeAt(at)
        if (c < 48 || c > 57) return false
        exponent = exponent * 10 + c - 48
      }
      if (negative) exponent = 0 - exponent
    }
    const scale = exponent - 4 * (digits - point)
    // Both factors and the product are normal numbers within these bounds, so the product is exact.
    if (scale < -960 || scale > 900) return false
    let value = significand * 2 ** scale
    if (first === 45) value = -value
    if (width === 64) {
      scratch[0] = value
      this.low = scratchBits[LOW]
      this.high = scratchBits[HIGH]
      return true
    }
    scratch32[0] = value
    this.low = scratch32Bits[0]
    this.high = 0
    // Overflow, underflow and lost bits all show here; subnormals are exact in binary32 when they survive.
    return scratch32[0] === value
  }
}

/** As float immediates are printed: `0x1.8000000000000p3`, `-0x0.000002p-126`, `0.0`, `+Inf`, `-NaN:0x1`. */
export function printFloatBits(bits: bigint, width: FloatWidth): string {
  const [exponentBits, fractionBits] = FORMATS[width]
  const bias = 2 ** (exponentBits - 1) - 1
  const negative = ((bits >> BigInt(width - 1)) & 1n) !== 0n
  const field = Number((bits >> BigInt(fractionBits)) & ((1n << BigInt(exponentBits)) - 1n))
  const fraction = bits & ((1n << BigInt(fractionBits)) - 1n)
  if (field === 2 ** exponentBits - 1) {
    const sign = negative ? '-' : '+'
    if (fraction === 0n) return `${sign}Inf`
    const quiet = 1n << BigInt(fractionBits - 1)
    const payload = fraction & (quiet - 1n)
    if ((fraction & quiet) === 0n) return `${sign}sNaN:0x${payload.toString(16)}`
    return payload === 0n ? `${sign}NaN` : `${sign}NaN:0x${payload.toString(16)}`
  }
  const sign = negative ? '-' : ''
  if (field === 0 && fraction === 0n) return `${sign}0.0`
  // The digits are left-aligned: pad the fraction to whole digits.
  const digits = (fractionBits + 3) >> 2
  const padded = (fraction << BigInt(digits * 4 - fractionBits)).toString(16).padStart(digits, '0')
  return field === 0 ? `${sign}0x0.${padded}p${1 - bias}` : `${sign}0x1.${padded}p${field - bias}`
}

/** As {@link printFloatBits}, for an f32 or f64 as its two halves. */
export function printFloatWords(low: number, high: number, width: 32 | 64): string {
  const top = width === 64 ? high : low
  const field = width === 64 ? (top >>> 20) & 0x7ff : (top >>> 23) & 0xff
  if (field === (width === 64 ? 0x7ff : 0xff)) {
    return printFloatBits((width === 64 ? BigInt(high >>> 0) << 32n : 0n) | BigInt(low >>> 0), width)
  }
  const sign = top < 0 ? '-' : ''
  // The digits are left-aligned: an f32 has 23 bits, six digits have 24.
  const fraction =
    width === 64
      ? (high & 0xf_ffff).toString(16).padStart(5, '0') + (low >>> 0).toString(16).padStart(8, '0')
      : ((low & 0x7f_ffff) << 1).toString(16).padStart(6, '0')
  if (field !== 0) return `${sign}0x1.${fraction}p${field - (width === 64 ? 1023 : 127)}`
  return /^0*$/.test(fraction) ? `${sign}0.0` : `${sign}0x0.${fraction}p${width === 64 ? -1022 : -126}`
}

/** The low `size` bytes of some bits, little-endian. */
export function bytesOfBits(bits: bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < size; i++) bytes[i] = Number((bits >> BigInt(8 * i)) & 0xffn)
  return bytes
}

/** Little-endian bytes as one number. */
export function bitsOfBytes(bytes: Uint8Array): bigint {
  let bits = 0n
  for (let i = bytes.length - 1; i >= 0; i--) bits = (bits << 8n) | BigInt(bytes[i])
  return bits
}
