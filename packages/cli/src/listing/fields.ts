// Encoded bytes, field by field, each with what it says.

import { largest } from '../largest.ts'
import { padTo, type Style } from '../style.ts'
import { hex } from './rows.ts'

export interface Field {
  /** From the start of the section. */
  readonly offset: number
  readonly bytes: Uint8Array
  readonly name: string
  readonly meaning: string
}

/** Said of a field that is zero until an address is known. */
export const LINKER = ' (the linker fills it in)'

/** Bytes to a line. */
const SHOWN = 8

/** Reads fields one after another. */
export class FieldReader {
  readonly fields: Field[] = []
  readonly #bytes: Uint8Array
  at: number

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  /** The next `size` bytes are the field; they are also its value, little-endian. */
  field(size: number, name: string, meaning: string | ((value: number) => string)): number {
    const bytes = this.#bytes.subarray(this.at, this.at + size)
    let value = 0
    for (let i = Math.min(size, 6) - 1; i >= 0; i--) value = value * 256 + (bytes[i] ?? 0)
    this.fields.push({ offset: this.at, bytes, name, meaning: typeof meaning === 'string' ? meaning : meaning(value) })
    this.at += size
    return value
  }
}

/** One line a field; long fields go on over several. */
export function fieldLines(fields: readonly Field[], style: Style): string[] {
  const bytesWidth =
    Math.min(
      SHOWN,
      largest(
        fields.map(({ bytes }) => bytes.length),
        1,
      ),
    ) * 3
  const nameWidth =
    largest(
      fields.map(({ name }) => name.length),
      0,
    ) + 2
  const offsetWidth = largest(
    fields.map(({ offset }) => offset.toString(16).length),
    2,
  )
  return fields.flatMap(({ offset, bytes, name, meaning }) => {
    const lines: string[] = []
    for (let at = 0; at === 0 || at < bytes.length; at += SHOWN) {
      const place = style('dim', hex(offset + at, offsetWidth))
      const digits = [...bytes.subarray(at, at + SHOWN)].map((byte) => hex(byte, 2)).join(' ')
      const words = at === 0 ? `${style('cyan', padTo(name, nameWidth))}${meaning}` : ''
      lines.push(`${place}  ${padTo(digits, bytesWidth)} ${words}`.trimEnd())
    }
    return lines
  })
}
