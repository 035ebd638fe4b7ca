/** Little-endian fields of a section, every access checked against the end of what encloses it. */

import { DwarfUnwindError, type DwarfUnwindProblem } from './errors.ts'

export class ByteReader {
  readonly bytes: Uint8Array
  position: number
  /** Where the structure being read ends. */
  end: number

  constructor(bytes: Uint8Array, position: number = 0, end: number = bytes.length) {
    this.bytes = bytes
    this.position = position
    this.end = end
  }

  /** @throws DwarfUnwindError always, with the place in the section. */
  fail(problem: DwarfUnwindProblem, offset: number = this.position): never {
    throw new DwarfUnwindError(problem, { in: 'section', offset })
  }

  /** @throws DwarfUnwindError unless `count` bytes are left. */
  require(count: number, what: string): void {
    const available = this.end - this.position
    if (count > available) this.fail({ code: 'truncated', what, bytes: count, available: Math.max(available, 0) })
  }

  u8(what: string): number {
    this.require(1, what)
    return this.bytes[this.position++]!
  }

  u16(what: string): number {
    this.require(2, what)
    const { bytes, position } = this
    this.position += 2
    return bytes[position]! | (bytes[position + 1]! << 8)
  }

  u32(what: string): number {
    this.require(4, what)
    const { bytes, position } = this
    this.position += 4
    return (
      (bytes[position]! | (bytes[position + 1]! << 8) | (bytes[position + 2]! << 16) | (bytes[position + 3]! << 24)) >>>
      0
    )
  }

  u64(what: string): bigint {
    this.require(8, what)
    const low = this.u32(what)
    return (BigInt(this.u32(what)) << 32n) | BigInt(low)
  }

  /** An unsigned 64-bit number that is a size or offset. @throws DwarfUnwindError above 2^53, where none can be. */
  u64Number(what: string): number {
    const start = this.position
    const value = this.u64(what)
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      this.fail({ code: 'too-large', what, limit: Number.MAX_SAFE_INTEGER }, start)
    }
    return Number(value)
  }

  /** @throws DwarfUnwindError above `limit`. */
  uleb(what: string, limit: number = Number.MAX_SAFE_INTEGER): number {
    const start = this.position
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.u8(what)
      // Redundant zero bytes at the end are legal, however many.
      if ((byte & 0x7f) !== 0) {
        if (scale > 2 ** 56) this.fail({ code: 'too-large', what, limit }, start)
        value += (byte & 0x7f) * scale
      }
      if (byte < 0x80) break
      if (scale <= 2 ** 56) scale *= 0x80
    }
    if (value > limit) this.fail({ code: 'too-large', what, limit }, start)
    return value
  }

  /** Signed, of at most 53 bits. */
  sleb(what: string): number {
    return this.#number64(what, true)
  }

  /**
   * An unsigned LEB128 number modulo 2^64, read as signed: what comes of a negative offset that an assembler wrote as
   * unsigned (LLVM does), and what the C unwinders make of it again.
   */
  wrappedUleb(what: string): number {
    return this.#number64(what, false)
  }

  #number64(what: string, signed: boolean): number {
    const start = this.position
    let low = 0
    let shift = 0
    // Nearly every number ends within four bytes, and needs no bigint.
    while (shift < 28) {
      const byte = this.u8(what)
      low |= (byte & 0x7f) << shift
      shift += 7
      if (byte < 0x80) return signed && (byte & 0x40) !== 0 ? low - 2 ** shift : low
    }
    this.position = start
    const number = Number(BigInt.asIntN(64, this.leb64(what, signed)))
    if (!Number.isSafeInteger(number)) this.fail({ code: 'too-large', what, limit: Number.MAX_SAFE_INTEGER }, start)
    return number
  }

  /** A LEB128 number modulo 2^64. */
  leb64(what: string, signed: boolean): bigint {
    let value = 0n
    let shift = 0
    let byte: number
    do {
      byte = this.u8(what)
      // Bytes past the 64th bit are legal padding, or overflow that every reader drops.
      if (shift < 64) value |= BigInt(byte & 0x7f) << BigInt(shift)
      if (shift < 70) shift += 7
    } while (byte >= 0x80)
    if (signed && (byte & 0x40) !== 0 && shift < 64) value -= 1n << BigInt(shift)
    return value
  }

  block(count: number, what: string): Uint8Array {
    this.require(count, what)
    const start = this.position
    this.position += count
    return this.bytes.subarray(start, start + count)
  }

  /** A NUL-terminated string of bytes. */
  string(what: string): string {
    const start = this.position
    let text = ''
    for (;;) {
      const byte = this.u8(what)
      if (byte === 0) return text
      if (this.position - start > 64) this.fail({ code: 'too-large', what, limit: 64 }, start)
      text += String.fromCharCode(byte)
    }
  }
}
