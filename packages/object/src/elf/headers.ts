// The ELF file header and the section headers: what relocatable objects and linked images have in common.
//
// All sections together may not be longer than the file: they never overlap in an honest one.

import type { ByteReader } from '../byte-reader.ts'
import { ObjectError, type ObjectPlace } from '../errors.ts'
import * as elf from './constants.ts'

export interface SectionHeader {
  /** Place of the header in the file. */
  readonly at: number
  readonly nameOffset: number
  readonly type: number
  readonly flags: number
  readonly offset: number
  readonly size: number
  readonly link: number
  readonly info: number
  readonly align: number
  readonly entrySize: number
}

export function atByte(offset: number): ObjectPlace {
  return { in: 'file', offset }
}

export function expectField(what: string, value: number, expected: number, at: number): void {
  if (value !== expected) {
    throw new ObjectError({ code: 'bad-field', what, value, expected: String(expected) }, atByte(at))
  }
}

export function expectIndex(what: string, value: number, count: number, at: number): void {
  if (value >= count) throw new ObjectError({ code: 'bad-index', what, value, count }, atByte(at))
}

/** @returns e_type. */
export function checkFileHeader(reader: ByteReader): number {
  reader.require(0, elf.EHDR_SIZE, 'the ELF header')
  const unsupported = (what: string, at: number): never => {
    throw new ObjectError({ code: 'unsupported', what }, atByte(at))
  }
  if (reader.u8(4) !== 2) unsupported('an ELF class other than 64', 4)
  if (reader.u8(5) !== 1) unsupported('a byte order other than little-endian', 5)
  expectField('e_version', reader.u32(20), 1, 20)
  if (reader.u16(18) !== elf.EM_X86_64) unsupported(`machine ${reader.u16(18)} (e_machine)`, 18)
  return reader.u16(16)
}

export function readHeaders(reader: ByteReader): SectionHeader[] {
  const start = reader.u64(40, 'e_shoff')
  if (start === 0) return []
  expectField('e_shentsize', reader.u16(58), elf.SHDR_SIZE, 58)
  reader.require(start, elf.SHDR_SIZE, 'the first section header')
  // gABI, "ELF Header", e_shnum: with 0xff00 sections or more the count is in the first header's sh_size.
  const count = reader.u16(60) || reader.u64(start + 32, 'the number of sections')
  reader.require(start, count * elf.SHDR_SIZE, 'the section headers')
  const headers: SectionHeader[] = []
  let total = 0
  for (let i = 0; i < count; i++) {
    const at = start + i * elf.SHDR_SIZE
    const header: SectionHeader = {
      at,
      nameOffset: reader.u32(at),
      type: reader.u32(at + 4),
      flags: reader.u64(at + 8, 'sh_flags'),
      offset: reader.u64(at + 24, 'sh_offset'),
      size: reader.u64(at + 32, 'sh_size'),
      link: reader.u32(at + 40),
      info: reader.u32(at + 44),
      align: reader.u64(at + 48, 'sh_addralign'),
      entrySize: reader.u64(at + 56, 'sh_entsize'),
    }
    headers.push(header)
    if (header.type === elf.SHT_NULL || header.type === elf.SHT_NOBITS) continue
    reader.require(header.offset, header.size, `section ${i}`)
    total += header.size
    if (total > reader.bytes.length) {
      const what = 'the size of all sections together'
      throw new ObjectError({ code: 'too-large', what, limit: reader.bytes.length }, atByte(at))
    }
  }
  return headers
}

export function stringsAt(headers: readonly SectionHeader[], index: number, place: number): SectionHeader {
  expectIndex('string table', index, headers.length, place)
  const header = headers[index]
  expectField('sh_type of a string table', header.type, elf.SHT_STRTAB, header.at + 4)
  return header
}

export function nameIn(reader: ByteReader, table: SectionHeader, offset: number, place: number): string {
  expectIndex('name offset', offset, Math.max(1, table.size), place)
  return offset === 0 ? '' : reader.name(table.offset + offset, table.offset + table.size)
}

export function sectionNames(reader: ByteReader, headers: readonly SectionHeader[]): (index: number) => string {
  if (headers.length === 0) return () => ''
  const field = reader.u16(62)
  const index = field === elf.SHN_XINDEX ? headers[0].link : field
  if (index === 0) return () => ''
  const table = stringsAt(headers, index, 62)
  return (section) => {
    const header = headers[section]
    return nameIn(reader, table, header.nameOffset, header.at)
  }
}
