// The names of a file, one after the other, each once.

import type { ByteWriter } from './byte-writer.ts'
import { encodeUtf8 } from './utf8.ts'

export class StringTable {
  readonly #parts: Uint8Array[] = []
  readonly #offsets: Map<string, number> = new Map()
  /** Bytes so far. */
  size: number

  /** @param reserved - bytes before the first name: ELF begins with a NUL, COFF with the size of the table. */
  constructor(reserved: number) {
    this.size = reserved
  }

  /** @returns the offset of the name from the start of the table. */
  add(name: string): number {
    const known = this.#offsets.get(name)
    if (known !== undefined) return known
    const bytes = encodeUtf8(name)
    const offset = this.size
    this.#parts.push(bytes)
    this.#offsets.set(name, offset)
    this.size += bytes.length + 1
    return offset
  }

  /** Appends the names, each with its NUL; the reserved bytes are the caller's. */
  writeTo(writer: ByteWriter): void {
    for (const part of this.#parts) {
      writer.bytes(part)
      writer.u8(0)
    }
  }
}
