// Little-endian fields of a file, every access checked. An offset or size out of the file is an ObjectError with the
// place of the field that said so.

import { ObjectError } from './errors.ts'
import { decodeUtf8 } from './utf8.ts'

export class ByteReader {
  readonly bytes: Uint8Array
  /** What all names of the file together may still take; see {@link name}. */
  #nameBudget: number
  readonly #names: Map<number, string> = new Map()

  constructor(bytes: Uint8Array) {
    // A plain view, for Node's Buffer gives parts of itself that are Buffers.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#nameBudget = bytes.length * 4 + 65_536
  }

  /** @throws ObjectError unless `count` bytes are there. */
  require(at: number, count: number, what: string): void {
    if (at > this.bytes.length || count > this.bytes.length - at) {
      const available = Math.max(0, this.bytes.length - at)
      throw new ObjectError({ code: 'truncated', what, bytes: count, available }, { in: 'file', offset: at })
    }
  }

  u8(at: number): number {
    return this.bytes[at]
  }

  u16(at: number): number {
    return getU16(this.bytes, at)
  }

  u32(at: number): number {
    return getU32(this.bytes, at)
  }

  /** @throws ObjectError when the value is past 2^53, where no file can be. */
  u64(at: number, what: string): number {
    const high = this.u32(at + 4)
    if (high >= 0x20_0000) {
      throw new ObjectError({ code: 'too-large', what, limit: Number.MAX_SAFE_INTEGER }, { in: 'file', offset: at })
    }
    return high * 0x1_0000_0000 + this.u32(at)
  }

  /** For addresses, which may be anywhere. */
  big64(at: number): bigint {
    return (BigInt(this.u32(at + 4)) << 32n) | BigInt(this.u32(at))
  }

  /** @throws ObjectError when the value is outside the safe integers. */
  i64(at: number, what: string): number {
    return getI64(this.bytes, at, what, at)
  }

  view(at: number, count: number, what: string): Uint8Array {
    this.require(at, count, what)
    return this.bytes.subarray(at, at + count)
  }

  /**
   * The NUL-terminated name at `at`, which ends before `end`.
   *
   * Names may overlap, so a small file could spell out enormous ones: each offset is decoded once, and all names
   * together may be four times the file.
   */
  name(at: number, end: number): string {
    const known = this.#names.get(at)
    if (known !== undefined) return known
    const zero = this.bytes.indexOf(0, at)
    if (zero < 0 || zero >= end) throw new ObjectError({ code: 'unterminated-name' }, { in: 'file', offset: at })
    this.#nameBudget -= zero - at
    if (this.#nameBudget < 0) {
      const limit = this.bytes.length * 4 + 65_536
      throw new ObjectError({ code: 'too-large', what: 'the length of all names', limit }, { in: 'file', offset: at })
    }
    const text = decodeUtf8(this.bytes, at, zero)
    this.#names.set(at, text)
    return text
  }
}

export function getU16(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8)
}

export function getU32(bytes: Uint8Array, at: number): number {
  return (getU16(bytes, at) | (getU16(bytes, at + 2) << 16)) >>> 0
}

/** @throws ObjectError, its place `offset` in the file, when the value is outside the safe integers. */
export function getI64(bytes: Uint8Array, at: number, what: string, offset: number): number {
  const value = (getU32(bytes, at + 4) | 0) * 0x1_0000_0000 + getU32(bytes, at)
  if (Number.isSafeInteger(value)) return value
  throw new ObjectError({ code: 'too-large', what, limit: Number.MAX_SAFE_INTEGER }, { in: 'file', offset })
}
