// Reads ELF-64 executables and shared libraries for x86-64.
//
// As in read.ts nothing in the file is trusted, and time and memory are linear in its length. Section headers are used
// where the file has them; without them the segments remain, and the symbols that the dynamic linker knows.

import { ByteReader } from '../byte-reader.ts'
import { ObjectError } from '../errors.ts'
import type { ImageSection, ImageSymbol, ImageSymbolTable, LinkedImage } from '../linked-image.ts'
import * as elf from './constants.ts'
import { readDynamic } from './dynamic.ts'
import {
  atByte,
  checkFileHeader,
  expectField,
  expectIndex,
  readHeaders,
  type SectionHeader,
  sectionNames,
  stringsAt,
} from './headers.ts'
import { symbolType } from './kinds.ts'
import { readSegments } from './segments.ts'

/** @throws ObjectError, its place a byte of the file. */
export function readElfImage(bytes: Uint8Array): LinkedImage {
  const reader = new ByteReader(bytes)
  const type = checkFileHeader(reader)
  if (type !== elf.ET_EXEC && type !== elf.ET_DYN) {
    throw new ObjectError({ code: 'unsupported', what: `an ELF file of type ${type} (e_type)` }, atByte(16))
  }
  const { loaded, base, dynamic, ehFrameHdr } = readSegments(reader)
  const headers = readHeaders(reader)
  const nameOf = sectionNames(reader, headers)
  const { isPositionIndependentProgram, symbols: listed } = readDynamic(dynamic, loaded)
  const entry = reader.big64(24)
  return {
    format: 'elf',
    kind: type === elf.ET_EXEC || isPositionIndependentProgram ? 'executable' : 'library',
    base,
    entry: entry === 0n ? null : entry,
    sections: headers.flatMap((header, index) => {
      return header.type === elf.SHT_NULL ? [] : [readSection(reader, header, nameOf(index))]
    }),
    segments: loaded,
    symbols: headers.length === 0 ? unlistedSymbols(reader, listed) : tableSymbols(reader, headers),
    unwindIndex: ehFrameHdr,
  }
}

function readSection(reader: ByteReader, header: SectionHeader, name: string): ImageSection {
  const { at, type, flags, offset, size } = header
  const has = (flag: number): boolean => (flags & flag) !== 0
  return {
    name,
    address: reader.big64(at + 16),
    bytes: type === elf.SHT_NOBITS ? new Uint8Array(0) : reader.bytes.subarray(offset, offset + size),
    size,
    // .tbss takes no room in the image: it is a part of each thread's block.
    loaded: has(elf.SHF_ALLOC) && !(type === elf.SHT_NOBITS && has(elf.SHF_TLS)),
    executable: has(elf.SHF_EXECINSTR),
    writable: has(elf.SHF_WRITE),
    compressed: has(elf.SHF_COMPRESSED),
  }
}

function tableSymbols(reader: ByteReader, headers: readonly SectionHeader[]): ImageSymbol[] {
  const symbols: ImageSymbol[] = []
  for (const header of headers) {
    if (header.type !== elf.SHT_SYMTAB && header.type !== elf.SHT_DYNSYM) continue
    expectField('sh_entsize of the symbol table', header.entrySize, elf.SYM_SIZE, header.at + 56)
    expectField('size of the symbol table modulo 24', header.size % elf.SYM_SIZE, 0, header.at + 32)
    const strings = stringsAt(headers, header.link, header.at + 40)
    const table = header.type === elf.SHT_SYMTAB ? 'static' : 'dynamic'
    addSymbols(reader, header.offset, header.size, strings.offset, strings.size, table, symbols)
  }
  return symbols
}

/** The symbols of a file without section headers; the views lie in the file. */
function unlistedSymbols(reader: ByteReader, listed: ReturnType<typeof readDynamic>['symbols']): ImageSymbol[] {
  const symbols: ImageSymbol[] = []
  if (listed === null) return symbols
  const { table, names } = listed
  const start = reader.bytes.byteOffset
  addSymbols(reader, table.byteOffset - start, table.length, names.byteOffset - start, names.length, 'dynamic', symbols)
  return symbols
}

function addSymbols(
  reader: ByteReader,
  offset: number,
  size: number,
  namesAt: number,
  namesSize: number,
  table: ImageSymbolTable,
  symbols: ImageSymbol[],
): void {
  for (let at = offset + elf.SYM_SIZE; at < offset + size; at += elf.SYM_SIZE) {
    const section = reader.u16(at + 6)
    const isPlaced = section !== elf.SHN_UNDEF && (section < elf.SHN_LORESERVE || section === elf.SHN_XINDEX)
    const info = reader.u8(at + 4)
    const type = symbolType(info & 15, at + 4)
    // The value of a thread-local symbol is no address, sections and files have names of their own.
    if (!isPlaced || type === 'section' || type === 'file' || type === 'tls') continue
    const name = reader.u32(at)
    expectIndex('name offset', name, Math.max(1, namesSize), at)
    symbols.push({
      name: name === 0 ? '' : reader.name(namesAt + name, namesAt + namesSize),
      binding: symbolBinding(info >> 4, at + 4),
      type,
      address: reader.big64(at + 8),
      size: reader.u64(at + 16, 'st_size'),
      table,
    })
  }
}

function symbolBinding(number: number, at: number): ImageSymbol['binding'] {
  const binding = number === elf.STB_GNU_UNIQUE ? 'global' : elf.bindings[number]
  if (binding === undefined) {
    throw new ObjectError({ code: 'unsupported', what: `symbol binding ${number}` }, atByte(at))
  }
  return binding
}
