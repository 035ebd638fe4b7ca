// Reads ELF-64 relocatable objects for x86-64, ours and other people's.
//
// Nothing in the file is trusted. Time and memory are linear in its length: sections are views, all sections together
// may not be longer than the file (they never overlap in an honest one), and names are bounded by ByteReader.name.

import { ByteReader } from '../byte-reader.ts'
import { ObjectError } from '../errors.ts'
import {
  NO_SYMBOL,
  type ObjectFile,
  type ObjectSymbol,
  type Relocation,
  type Section,
  type SymbolPlace,
} from '../object-file.ts'
import { elfRelocationKind, relocationWidth } from '../relocations.ts'
import * as elf from './constants.ts'
import {
  atByte,
  checkFileHeader,
  expectField,
  expectIndex,
  nameIn,
  readHeaders,
  type SectionHeader,
  sectionNames,
  stringsAt,
} from './headers.ts'
import { kindOf, symbolType } from './kinds.ts'

/** Sections that the model expresses in other ways. The rest is kept, with its place in the file's order. */
const dissolved: readonly number[] = [elf.SHT_NULL, elf.SHT_SYMTAB, elf.SHT_STRTAB, elf.SHT_RELA, elf.SHT_SYMTAB_SHNDX]

/** @throws ObjectError, its place a byte of the file. */
export function readElf(bytes: Uint8Array): ObjectFile {
  const reader = new ByteReader(bytes)
  const type = checkFileHeader(reader)
  if (type !== elf.ET_REL) {
    throw new ObjectError({ code: 'unsupported', what: 'an ELF file that is not relocatable (e_type)' }, atByte(16))
  }
  const headers = readHeaders(reader)
  const modelIndex = new Int32Array(headers.length).fill(-1)
  let kept = 0
  for (let i = 0; i < headers.length; i++) {
    if (!dissolved.includes(headers[i].type)) modelIndex[i] = kept++
  }

  const sectionName = sectionNames(reader, headers)
  const symtabs = headers.filter((header) => header.type === elf.SHT_SYMTAB)
  if (symtabs.length > 1) {
    throw new ObjectError({ code: 'unsupported', what: 'a second symbol table' }, atByte(symtabs[1].at))
  }
  const symbols = symtabs[0] === undefined ? [] : readSymbols(reader, headers, symtabs[0], modelIndex, sectionName)

  const relocations: Relocation[][] = Array.from({ length: kept }, () => [])
  for (const header of headers) {
    if (header.type === elf.SHT_RELA) readRelocations(reader, headers, header, symbols.length, modelIndex, relocations)
    if (header.type === elf.SHT_REL) {
      throw new ObjectError({ code: 'unsupported', what: 'a section of type SHT_REL on x86-64' }, atByte(header.at))
    }
  }
  const sections = headers.flatMap((header, index) => {
    const at = modelIndex[index]
    return at < 0 ? [] : [readSection(reader, header, sectionName(index), relocations[at])]
  })
  return { format: 'elf', sections, symbols }
}

function readSymbols(
  reader: ByteReader,
  headers: readonly SectionHeader[],
  table: SectionHeader,
  modelIndex: Int32Array,
  sectionName: (index: number) => string,
): ObjectSymbol[] {
  expectField('sh_entsize of the symbol table', table.entrySize, elf.SYM_SIZE, table.at + 56)
  const rest = table.size % elf.SYM_SIZE
  expectField('size of the symbol table modulo 24', rest, 0, table.at + 32)
  const strings = stringsAt(headers, table.link, table.at + 40)
  const tableIndex = headers.indexOf(table)
  const wide = headers.find((header) => header.type === elf.SHT_SYMTAB_SHNDX && header.link === tableIndex)
  const symbols: ObjectSymbol[] = []
  for (let i = 1; i * elf.SYM_SIZE < table.size; i++) {
    const at = table.offset + i * elf.SYM_SIZE
    const info = reader.u8(at + 4)
    const unique = info >> 4 === elf.STB_GNU_UNIQUE
    const binding = unique ? 'global' : elf.bindings[info >> 4]
    if (binding === undefined) {
      throw new ObjectError({ code: 'unsupported', what: `symbol binding ${info >> 4}` }, atByte(at + 4))
    }
    let shndx = reader.u16(at + 6)
    let special = shndx >= elf.SHN_LORESERVE
    if (shndx === elf.SHN_XINDEX && wide !== undefined) {
      expectIndex('extended section index of symbol', i, wide.size / 4, wide.at)
      shndx = reader.u32(wide.offset + i * 4)
      special = false
    }
    const type = symbolType(info & 15, at + 4)
    const named = nameIn(reader, strings, reader.u32(at), at)
    const section = symbolSection(shndx, special, modelIndex, at + 6)
    const visibility = elf.visibilities[reader.u8(at + 5) & 3] as (typeof elf.visibilities)[number]
    symbols.push({
      name: type === 'section' && named === '' && typeof section === 'number' ? sectionName(shndx) : named,
      binding,
      type,
      section,
      value: reader.u64(at + 8, 'st_value'),
      size: reader.u64(at + 16, 'st_size'),
      ...(visibility === 'default' ? {} : { visibility }),
      ...(unique ? { unique } : {}),
    })
  }
  return symbols
}

function symbolSection(shndx: number, special: boolean, modelIndex: Int32Array, at: number): SymbolPlace {
  if (special) {
    if (shndx === elf.SHN_ABS) return 'absolute'
    if (shndx === elf.SHN_COMMON) return 'common'
    throw new ObjectError({ code: 'unsupported', what: `section index 0x${shndx.toString(16)}` }, atByte(at))
  }
  if (shndx === elf.SHN_UNDEF) return 'undefined'
  expectIndex('section of a symbol', shndx, modelIndex.length, at)
  const index = modelIndex[shndx]
  if (index >= 0) return index
  throw new ObjectError({ code: 'unsupported', what: `a symbol in section ${shndx}, which is a table` }, atByte(at))
}

function readRelocations(
  reader: ByteReader,
  headers: readonly SectionHeader[],
  table: SectionHeader,
  symbolCount: number,
  modelIndex: Int32Array,
  relocations: Relocation[][],
): void {
  expectField('sh_entsize of relocations', table.entrySize, elf.RELA_SIZE, table.at + 56)
  expectField('size of relocations modulo 24', table.size % elf.RELA_SIZE, 0, table.at + 32)
  expectIndex('symbol table of relocations', table.link, headers.length, table.at + 40)
  if (table.link !== 0) {
    expectField('sh_type of a symbol table', headers[table.link].type, elf.SHT_SYMTAB, table.at + 40)
  }
  expectIndex('section of relocations', table.info, headers.length, table.at + 44)
  const list = relocations[modelIndex[table.info]]
  const target = headers[table.info]
  if (list === undefined || target.type === elf.SHT_NOBITS) {
    throw new ObjectError({ code: 'unsupported', what: `relocations of section ${table.info}` }, atByte(table.at + 44))
  }
  for (let at = table.offset; at < table.offset + table.size; at += elf.RELA_SIZE) {
    const offset = reader.u64(at, 'r_offset')
    const kind = elfRelocationKind(reader.u32(at + 8))
    const symbol = reader.u32(at + 12)
    if (symbol > 0) expectIndex('symbol', symbol, symbolCount + 1, at + 12)
    const width = relocationWidth(kind)
    if (offset + width > target.size) {
      const available = Math.max(0, target.size - offset)
      throw new ObjectError({ code: 'truncated', what: 'a relocated field', bytes: width, available }, atByte(at))
    }
    list.push({ offset, kind, symbol: symbol === 0 ? NO_SYMBOL : symbol - 1, addend: reader.i64(at + 16, 'r_addend') })
  }
}

function readSection(
  reader: ByteReader,
  header: SectionHeader,
  name: string,
  relocations: readonly Relocation[],
): Section {
  const align = Math.max(1, header.align)
  if (!Number.isInteger(Math.log2(align)) || align > 2 ** 31) {
    const expected = 'a power of two'
    throw new ObjectError({ code: 'bad-field', what: 'sh_addralign', value: align, expected }, atByte(header.at + 48))
  }
  const kind = kindOf(name, header.type, header.flags, header.entrySize)
  if (header.type === elf.SHT_NOBITS) {
    return { name, ...kind, align, bytes: new Uint8Array(0), size: header.size, relocations }
  }
  return { name, ...kind, align, bytes: reader.bytes.subarray(header.offset, header.offset + header.size), relocations }
}
