// The export directory: what other images find by name or number. "PE Format", "The .edata Section".

import type { ByteReader } from '../byte-reader.ts'
import { ObjectError } from '../errors.ts'
import type { ImageSection, ImageSymbol } from '../linked-image.ts'
import * as pe from './constants.ts'
import type { PeLayout } from './layout.ts'

/**
 * Exports that lie in this image; forwarders, which name another image's export, do not.
 *
 * @throws ObjectError for tables out of the image.
 */
export function readExports(reader: ByteReader, layout: PeLayout): ImageSymbol[] {
  const directory = layout.directory(pe.EXPORT_TABLE)
  if (directory === null) return []
  const at = layout.fileOffset(directory.rva, pe.EXPORT_DIRECTORY_SIZE, 'the export directory', directory.place)
  const ordinalBase = reader.u32(at + 16)
  const count = reader.u32(at + 20)
  const named = reader.u32(at + 24)
  const table = (field: number, entries: number, width: number, what: string): number =>
    entries === 0 ? 0 : layout.fileOffset(reader.u32(at + field), entries * width, what, at + field)
  const functions = table(28, count, 4, 'the export address table')
  const names = table(32, named, 4, 'the export name table')
  const ordinals = table(36, named, 2, 'the export ordinal table')

  const symbols: ImageSymbol[] = []
  const add = (name: string, rva: number): void => {
    if (rva === 0 || (rva >= directory.rva && rva < directory.rva + directory.size)) return
    const section = layout.sectionAt(rva)
    const type = section === null ? 'none' : typeIn(section)
    symbols.push({ name, binding: 'global', type, address: layout.base + BigInt(rva), size: 0, table: 'dynamic' })
  }
  const isNamed = new Uint8Array(count)
  for (let i = 0; i < named; i++) {
    const ordinal = reader.u16(ordinals + 2 * i)
    if (ordinal >= count) {
      const place = { in: 'file', offset: ordinals + 2 * i } as const
      throw new ObjectError({ code: 'bad-index', what: 'export', value: ordinal, count }, place)
    }
    isNamed[ordinal] = 1
    add(layout.nameAt(reader.u32(names + 4 * i), names + 4 * i), reader.u32(functions + 4 * ordinal))
  }
  for (let i = 0; i < count; i++) if (isNamed[i] === 0) add(`#${ordinalBase + i}`, reader.u32(functions + 4 * i))
  return symbols
}

function typeIn({ executable }: ImageSection): ImageSymbol['type'] {
  return executable ? 'function' : 'object'
}
