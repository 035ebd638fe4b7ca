// Integer literals: text to two 32-bit halves, and back.

/** Why a literal is no integer of the field's width. */
export type IntegerFault = 'is not an integer' | 'is out of range'

/** Reads integer literals; the result stays in fields so that nothing is allocated. */
export class IntegerReader {
  low = 0
  high = 0

  /**
   * Reads text[start .. end) as a field of that many bits (at most 64), which takes -2^(bits-1) .. 2^bits-1. Negative
   * values are sign-extended, others zero-extended, to the 64 bits of `high` and `low`.
   *
   * `_` may separate hexadecimal digits; decimal ones only in fields of 64 bits.
   *
   * @returns null when it worked.
   */
  read(text: string, start: number, end: number, bits: number): IntegerFault | null {
    let at = start
    const sign = text.charCodeAt(at)
    const negative = sign === 45
    if (negative || sign === 43) at++
    const hexadecimal = text.charCodeAt(at) === 48 && text.charCodeAt(at + 1) === 120
    if (hexadecimal) at += 2
    const base = hexadecimal ? 16 : 10
    const underscores = hexadecimal || bits === 64
    let low = 0
    let high = 0
    let digits = 0
    for (; at < end; at++) {
      const c = text.charCodeAt(at)
      if (c === 95 && underscores) continue
      const digit = digitOf(c)
      if (digit >= base) return 'is not an integer'
      digits++
      low = low * base + digit
      const carry = Math.floor(low / 0x1_0000_0000)
      low -= carry * 0x1_0000_0000
      high = high * base + carry
      // A sum of at most 2^36 here: the text may go on, the field is full.
      if (high >= 0x1_0000_0000) return 'is out of range'
    }
    if (digits === 0) return 'is not an integer'
    if (!fits(low, high, negative, bits)) return 'is out of range'
    this.low = negative ? -low | 0 : low | 0
    this.high = negative ? (low === 0 ? -high : ~high) | 0 : high | 0
    return null
  }
}

function fits(low: number, high: number, negative: boolean, bits: number): boolean {
  if (bits <= 32) return high === 0 && (negative ? low <= 2 ** (bits - 1) : low < 2 ** bits)
  if (!negative) return high < 2 ** (bits - 32)
  const limit = 2 ** (bits - 33)
  return high < limit || (high === limit && low === 0)
}

function digitOf(c: number): number {
  if (c >= 48 && c <= 57) return c - 48
  if (c >= 97 && c <= 102) return c - 87
  if (c >= 65 && c <= 70) return c - 55
  return 99
}

/** As 64-bit immediates are printed: decimal below 10000 and when negative, else hexadecimal in groups of four. */
export function printInteger(low: number, high: number): string {
  if (high === 0 && low >>> 0 < 10_000) return String(low)
  if (high === -1 && low < 0) return String(low)
  if (high < 0) return String((BigInt(high) << 32n) | BigInt(low >>> 0))
  return printHex(low >>> 0, high >>> 0)
}

/** As offsets are printed: nothing for 0, else always with a sign. */
export function printOffset(offset: number): string {
  if (offset === 0) return ''
  const size = Math.abs(offset)
  return (offset < 0 ? '-' : '+') + (size < 10_000 ? String(size) : printHex(size, 0))
}

function printHex(low: number, high: number): string {
  const digits = high === 0 ? low.toString(16) : high.toString(16) + low.toString(16).padStart(8, '0')
  const padded = digits.padStart((digits.length + 3) & ~3, '0')
  let text = `0x${padded.slice(0, 4)}`
  for (let at = 4; at < padded.length; at += 4) text += `_${padded.slice(at, at + 4)}`
  return text
}

/** Two halves as one number, signed. */
export function toBigInt(low: number, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low >>> 0)
}
