// Headers and sections of a PE32+ image: where an rva, an address counted from the image's base, lies in the file.

import type { ByteReader } from '../byte-reader.ts'
import * as coff from '../coff/constants.ts'
import { atByte, readSymbolLayout, type SymbolLayout, sectionName } from '../coff/names.ts'
import { ObjectError } from '../errors.ts'
import type { ImageSection } from '../linked-image.ts'
import * as pe from './constants.ts'

export interface Directory {
  readonly rva: number
  readonly size: number
  /** Of its entry in the header. */
  readonly place: number
}

export class PeLayout {
  readonly base: bigint
  readonly entry: number
  readonly isLibrary: boolean
  readonly symbols: SymbolLayout
  readonly sections: readonly ImageSection[]
  /** Bytes of the headers, which lie at the base. */
  readonly headers: Uint8Array
  readonly #reader: ByteReader
  readonly #optional: number
  readonly #directories: number
  /** By section, ascending: its rva, its place in the file, and its bytes there. */
  readonly #places: { readonly rva: number; readonly at: number; readonly size: number }[] = []

  /** @throws ObjectError for what is no PE32+ image for x86-64, for sections out of order, over one another or out of the file. */
  constructor(reader: ByteReader) {
    this.#reader = reader
    const header = fileHeader(reader)
    const optional = header + coff.FILE_HEADER_SIZE
    this.#optional = optional
    const optionalSize = reader.u16(header + 16)
    reader.require(optional, Math.max(optionalSize, 2), 'the optional header')
    const magic = reader.u16(optional)
    if (magic !== pe.PE32_PLUS) {
      throw new ObjectError({ code: 'unsupported', what: `an optional header of kind ${magic}` }, atByte(optional))
    }
    const expected = `at least ${pe.FIXED_OPTIONAL_SIZE} and ${pe.DIRECTORY_SIZE} for each data directory`
    const wrongSize = (): ObjectError => {
      const what = 'SizeOfOptionalHeader'
      return new ObjectError({ code: 'bad-field', what, value: optionalSize, expected }, atByte(header + 16))
    }
    if (optionalSize < pe.FIXED_OPTIONAL_SIZE) throw wrongSize()
    this.#directories = reader.u32(optional + 108)
    if (this.#directories > (optionalSize - pe.FIXED_OPTIONAL_SIZE) / pe.DIRECTORY_SIZE) throw wrongSize()
    this.isLibrary = (reader.u16(header + 18) & pe.IMAGE_FILE_DLL) !== 0
    this.entry = reader.u32(optional + 16)
    this.base = reader.big64(optional + 24)
    this.symbols = readSymbolLayout(reader, header)
    this.headers = reader.view(0, reader.u32(optional + 60), 'the headers')
    this.sections = this.#readSections(optional + optionalSize, reader.u16(header + 2))
  }

  /** Null where the image has none. */
  directory(index: number): Directory | null {
    if (index >= this.#directories) return null
    const place = this.#optional + pe.FIXED_OPTIONAL_SIZE + index * pe.DIRECTORY_SIZE
    const rva = this.#reader.u32(place)
    const size = this.#reader.u32(place + 4)
    return rva === 0 || size === 0 ? null : { rva, size, place }
  }

  sectionAt(rva: number): ImageSection | null {
    const index = this.#indexAt(rva)
    const section = this.sections[index]
    return section !== undefined && rva < this.#places[index].rva + section.size ? section : null
  }

  /**
   * Where in the file `count` bytes at an rva lie.
   *
   * @param place - of the field that named the rva.
   * @throws ObjectError when the file has not all of them.
   */
  fileOffset(rva: number, count: number, what: string, place: number): number {
    const found = this.#places[this.#indexAt(rva)]
    const available = found === undefined ? 0 : found.rva + found.size - rva
    if (available < count) {
      throw new ObjectError({ code: 'truncated', what, bytes: count, available: Math.max(0, available) }, atByte(place))
    }
    return found.at + rva - found.rva
  }

  /** The NUL-terminated text at an rva. */
  nameAt(rva: number, place: number): string {
    const at = this.fileOffset(rva, 1, 'a name', place)
    const { at: start, size } = this.#places[this.#indexAt(rva)]
    return this.#reader.name(at, start + size)
  }

  /** Of the last section that starts at or before the rva; -1 for none. */
  #indexAt(rva: number): number {
    let low = 0
    let high = this.#places.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#places[middle].rva <= rva) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  #readSections(start: number, count: number): ImageSection[] {
    const reader = this.#reader
    reader.require(start, count * coff.SECTION_HEADER_SIZE, 'the section headers')
    const sections: ImageSection[] = []
    let end = 0
    let total = 0
    for (let i = 0; i < count; i++) {
      const at = start + i * coff.SECTION_HEADER_SIZE
      const rva = reader.u32(at + 12)
      const inFile = reader.u32(at + 16)
      // Old linkers leave VirtualSize zero.
      const size = reader.u32(at + 8) || inFile
      if (rva < end) {
        // The system refuses sections that are not ascending and adjacent.
        const expected = `at least 0x${end.toString(16)}, the end of the section in front of it`
        throw new ObjectError({ code: 'bad-field', what: 'VirtualAddress', value: rva, expected }, atByte(at + 12))
      }
      end = rva + size
      const flags = reader.u32(at + 36)
      const stored = (flags & coff.IMAGE_SCN_CNT_UNINITIALIZED_DATA) !== 0 && reader.u32(at + 20) === 0 ? 0 : inFile
      total += stored
      if (total > reader.bytes.length) {
        const what = 'the size of all sections together'
        throw new ObjectError({ code: 'too-large', what, limit: reader.bytes.length }, atByte(at + 16))
      }
      const offset = stored === 0 ? 0 : reader.u32(at + 20)
      const bytes = reader.view(offset, stored, `section ${i}`).subarray(0, size)
      this.#places.push({ rva, at: offset, size: bytes.length })
      sections.push({
        name: sectionName(reader, this.symbols, at),
        address: this.base + BigInt(rva),
        bytes,
        size,
        loaded: true,
        executable: (flags & coff.IMAGE_SCN_MEM_EXECUTE) !== 0,
        writable: (flags & coff.IMAGE_SCN_MEM_WRITE) !== 0,
        compressed: false,
      })
    }
    return sections
  }
}

/** Place of the file header, behind the MS-DOS stub and the signature. */
function fileHeader(reader: ByteReader): number {
  reader.require(0, pe.SIGNATURE_OFFSET_AT + 4, 'the MS-DOS header')
  const signature = reader.u32(pe.SIGNATURE_OFFSET_AT)
  reader.require(signature, 4 + coff.FILE_HEADER_SIZE, 'the PE header')
  if (reader.u32(signature) !== pe.PE_SIGNATURE) {
    throw new ObjectError({ code: 'unsupported', what: 'a program for MS-DOS' }, atByte(signature))
  }
  const machine = reader.u16(signature + 4)
  if (machine !== coff.IMAGE_FILE_MACHINE_AMD64) {
    throw new ObjectError({ code: 'unsupported', what: `machine 0x${machine.toString(16)}` }, atByte(signature + 4))
  }
  return signature + 4
}
