/** Little-endian fields of a section, every access checked. */

import { CompactUnwindError } from './errors.ts'

export class SectionReader {
  readonly bytes: Uint8Array
  readonly #view: DataView

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  /** @throws CompactUnwindError unless `count` bytes lie at `at`. */
  require(at: number, count: number, what: string): void {
    if (at + count > this.bytes.length) throw new CompactUnwindError({ code: 'truncated', at, needed: count, what })
  }

  u16(at: number, what: string): number {
    this.require(at, 2, what)
    return this.#view.getUint16(at, true)
  }

  u32(at: number, what: string): number {
    this.require(at, 4, what)
    return this.#view.getUint32(at, true)
  }

  u64(at: number, what: string): bigint {
    this.require(at, 8, what)
    return this.#view.getBigUint64(at, true)
  }
}
