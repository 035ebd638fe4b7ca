// Growing little-endian bytes. Little-endian always, whatever machine this runs on: no view of a wider array is used.

export class ByteWriter {
  #bytes: Uint8Array = new Uint8Array(1024)
  length = 0

  /** Moves the end by `count` zero bytes and returns where they start. */
  skip(count: number): number {
    const start = this.length
    const needed = start + count
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
      grown.set(this.#bytes.subarray(0, start))
      this.#bytes = grown
    }
    this.length = needed
    return start
  }

  align(to: number): void {
    const rest = this.length % to
    if (rest !== 0) this.skip(to - rest)
  }

  u8(value: number): void {
    const at = this.skip(1)
    this.#bytes[at] = value
  }

  u16(value: number): void {
    this.setU16(this.skip(2), value)
  }

  u32(value: number): void {
    this.setU32(this.skip(4), value)
  }

  /** Any safe integer; a negative one in two's complement. */
  u64(value: number): void {
    this.setU64(this.skip(8), value)
  }

  bytes(source: Uint8Array): void {
    const at = this.skip(source.length)
    this.#bytes.set(source, at)
  }

  setU8(at: number, value: number): void {
    this.#bytes[at] = value
  }

  setBytes(at: number, source: Uint8Array): void {
    this.#bytes.set(source, at)
  }

  setU16(at: number, value: number): void {
    setU16(this.#bytes, at, value)
  }

  setU32(at: number, value: number): void {
    setU32(this.#bytes, at, value)
  }

  setU64(at: number, value: number): void {
    setU64(this.#bytes, at, value)
  }

  /** What has been written, in an array of its own. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.length)
  }
}

export function setU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
}

export function setU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

export function setU64(bytes: Uint8Array, at: number, value: number): void {
  setU32(bytes, at, value)
  setU32(bytes, at + 4, Math.floor(value / 0x1_0000_0000))
}
