// Reads PE32+ images for x86-64: programs and DLLs.
//
// Nothing in the file is trusted; time and memory are linear in its length. Symbols are the exports, and those of the COFF
// symbol table that mingw leaves in a file.

import { ByteReader } from '../byte-reader.ts'
import * as coff from '../coff/constants.ts'
import { expectIndex, symbolName } from '../coff/names.ts'
import type { ImageSegment, ImageSymbol, LinkedImage } from '../linked-image.ts'
import * as pe from './constants.ts'
import { readExports } from './exports.ts'
import { PeLayout } from './layout.ts'

/** @throws ObjectError, its place a byte of the file. */
export function readPeImage(bytes: Uint8Array): LinkedImage {
  const reader = new ByteReader(bytes)
  const layout = new PeLayout(reader)
  const { base, sections, headers } = layout
  const exceptions = layout.directory(pe.EXCEPTION_TABLE)
  let unwindIndex: LinkedImage['unwindIndex'] = null
  if (exceptions !== null) {
    const { rva, size, place } = exceptions
    const at = layout.fileOffset(rva, size, 'the exception directory', place)
    unwindIndex = { address: base + BigInt(rva), bytes: reader.bytes.subarray(at, at + size) }
  }
  return {
    format: 'pe',
    kind: layout.isLibrary ? 'library' : 'executable',
    base,
    entry: layout.entry === 0 ? null : base + BigInt(layout.entry),
    sections,
    segments: [
      { address: base, bytes: headers, size: headers.length, readable: true, writable: false, executable: false },
      ...sections.map(({ address, bytes, size, executable, writable }): ImageSegment => {
        return { address, bytes, size, readable: true, executable, writable }
      }),
    ],
    symbols: [...readSymbols(reader, layout), ...readExports(reader, layout)],
    unwindIndex,
  }
}

function readSymbols(reader: ByteReader, layout: PeLayout): ImageSymbol[] {
  const { symbols: table, sections } = layout
  const symbols: ImageSymbol[] = []
  for (let record = 0; record < table.records; record++) {
    const at = table.symbolsAt + record * coff.SYMBOL_SIZE
    const auxiliary = reader.u8(at + 17)
    const storage = reader.u8(at + 16)
    const number = (reader.u16(at + 12) << 16) >> 16
    record += auxiliary
    const isStatic = storage === coff.IMAGE_SYM_CLASS_STATIC
    const isWeak = storage === coff.IMAGE_SYM_CLASS_WEAK_EXTERNAL
    if (number <= 0 || !(isStatic || isWeak || storage === coff.IMAGE_SYM_CLASS_EXTERNAL)) continue
    expectIndex('section of a symbol', number - 1, sections.length, at + 12)
    const isFunction = reader.u16(at + 14) >> 4 === coff.FUNCTION_TYPE >> 4
    // A section's own symbol has its size behind it, and no address of interest.
    if (isStatic && auxiliary > 0 && !isFunction) continue
    symbols.push({
      name: symbolName(reader, table, at),
      binding: isStatic ? 'local' : isWeak ? 'weak' : 'global',
      type: isFunction ? 'function' : 'none',
      address: sections[number - 1].address + BigInt(reader.u32(at + 8)),
      size: 0,
      table: 'static',
    })
  }
  return symbols
}
