/** Numbers of a section in the byte order of its target, every access checked. */

import { SFrameError, type SFrameProblem } from './errors.ts'

export class ByteReader {
  readonly length: number
  readonly #view: DataView
  readonly #littleEndian: boolean

  constructor(bytes: Uint8Array, bigEndian: boolean) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.length = bytes.byteLength
    this.#littleEndian = !bigEndian
  }

  /** @throws SFrameError always, with the place in the section. */
  fail(problem: SFrameProblem, offset: number): never {
    throw new SFrameError(problem, { in: 'section', offset })
  }

  /** @throws SFrameError unless that many bytes lie there. */
  require(offset: number, bytes: number, what: string): void {
    const available = Math.max(0, this.length - offset)
    if (bytes > available) this.fail({ code: 'truncated', what, bytes, available }, offset)
  }

  u8(offset: number): number {
    return this.#view.getUint8(offset)
  }

  i8(offset: number): number {
    return this.#view.getInt8(offset)
  }

  u16(offset: number): number {
    return this.#view.getUint16(offset, this.#littleEndian)
  }

  u32(offset: number): number {
    return this.#view.getUint32(offset, this.#littleEndian)
  }

  i32(offset: number): number {
    return this.#view.getInt32(offset, this.#littleEndian)
  }

  i64(offset: number): bigint {
    return this.#view.getBigInt64(offset, this.#littleEndian)
  }

  /** A number of 1 << size bytes. */
  unsigned(offset: number, size: number): number {
    if (size === 0) return this.u8(offset)
    return size === 1 ? this.u16(offset) : this.u32(offset)
  }

  signed(offset: number, size: number): number {
    if (size === 0) return this.i8(offset)
    return size === 1 ? this.#view.getInt16(offset, this.#littleEndian) : this.i32(offset)
  }
}
