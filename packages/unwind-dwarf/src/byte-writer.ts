/** Growing little-endian bytes, reused from function to function. Little-endian whatever machine this runs on. */

/** Numbers are safe integers; LEB128 numbers are written in minimal length. */
export class ByteWriter {
  bytes: Uint8Array = new Uint8Array(256)
  length = 0

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }

  u8(value: number): void {
    if (this.length === this.bytes.length) this.reserve(1)
    this.bytes[this.length++] = value
  }

  u16(value: number): void {
    this.u8(value)
    this.u8(value >>> 8)
  }

  u32(value: number): void {
    this.reserve(4)
    this.setU32(this.length, value)
    this.length += 4
  }

  /** A safe integer, negative ones in two's complement. */
  u64(value: number): void {
    this.u32(value >>> 0)
    this.u32(Math.floor(value / 0x1_0000_0000))
  }

  /** The low 64 bits of a number. */
  u64Bits(value: bigint): void {
    this.u32(Number(value & 0xffff_ffffn))
    this.u32(Number((value >> 32n) & 0xffff_ffffn))
  }

  setU32(at: number, value: number): void {
    const bytes = this.bytes
    bytes[at] = value
    bytes[at + 1] = value >>> 8
    bytes[at + 2] = value >>> 16
    bytes[at + 3] = value >>> 24
  }

  setU64(at: number, value: number): void {
    this.setU32(at, value >>> 0)
    this.setU32(at + 4, Math.floor(value / 0x1_0000_0000))
  }

  uleb(value: number): void {
    while (value >= 0x80) {
      this.u8((value % 0x80) | 0x80)
      value = Math.floor(value / 0x80)
    }
    this.u8(value)
  }

  sleb(value: number): void {
    while (value < -0x40 || value >= 0x40) {
      // `%` of a negative number is negative; its low seven bits are right all the same.
      this.u8(((value % 0x80) & 0x7f) | 0x80)
      value = Math.floor(value / 0x80)
    }
    this.u8(value & 0x7f)
  }

  /** The low 64 bits of a number as unsigned LEB128: ten bytes for a negative one, as LLVM writes them. */
  uleb64(value: bigint): void {
    let rest = BigInt.asUintN(64, value)
    while (rest >= 0x80n) {
      this.u8(Number(rest & 0x7fn) | 0x80)
      rest >>= 7n
    }
    this.u8(Number(rest))
  }

  block(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  zeros(count: number): void {
    this.reserve(count)
    this.bytes.fill(0, this.length, this.length + count)
    this.length += count
  }

  /** Zeros up to a multiple of a power of two. */
  align(to: number): void {
    this.zeros(-this.length & (to - 1))
  }

  /** NUL-terminated; characters above 0x7f do not occur in augmentations. */
  string(text: string): void {
    for (let i = 0; i < text.length; i++) this.u8(text.charCodeAt(i))
    this.u8(0)
  }

  /** A copy of what was written from `start` on. */
  slice(start: number = 0): Uint8Array {
    return this.bytes.slice(start, this.length)
  }
}
