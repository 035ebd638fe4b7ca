// The symbol table and the strings of a COFF file, object or image, and the names that stand in them.

import type { ByteReader } from '../byte-reader.ts'
import { ObjectError, type ObjectPlace } from '../errors.ts'
import { decodeUtf8 } from '../utf8.ts'
import * as coff from './constants.ts'

export interface SymbolLayout {
  readonly symbolsAt: number
  /** Symbols and their auxiliary records. */
  readonly records: number
  readonly stringsAt: number
  readonly stringsEnd: number
}

export function atByte(offset: number): ObjectPlace {
  return { in: 'file', offset }
}

export function expectIndex(what: string, value: number, count: number, at: number): void {
  if (value >= count) throw new ObjectError({ code: 'bad-index', what, value, count }, atByte(at))
}

/** @param header - place of the file header, which is there. */
export function readSymbolLayout(reader: ByteReader, header: number): SymbolLayout {
  const symbolsAt = reader.u32(header + 8)
  const records = symbolsAt === 0 ? 0 : reader.u32(header + 12)
  reader.require(symbolsAt, records * coff.SYMBOL_SIZE, 'the symbols')
  const stringsAt = symbolsAt + records * coff.SYMBOL_SIZE
  let stringsEnd = stringsAt
  if (symbolsAt !== 0 && stringsAt < reader.bytes.length) {
    reader.require(stringsAt, 4, 'the size of the string table')
    const size = reader.u32(stringsAt)
    reader.require(stringsAt, size, 'the string table')
    stringsEnd = stringsAt + size
  }
  return { symbolsAt, records, stringsAt, stringsEnd }
}

export function stringAt(reader: ByteReader, layout: SymbolLayout, offset: number, place: number): string {
  if (offset < 4) {
    const expected = 'an offset past the size of the table'
    throw new ObjectError({ code: 'bad-field', what: 'name offset', value: offset, expected }, atByte(place))
  }
  expectIndex('name offset', offset, layout.stringsEnd - layout.stringsAt, place)
  return reader.name(layout.stringsAt + offset, layout.stringsEnd)
}

export function paddedName(reader: ByteReader, at: number, size: number): string {
  let end = at
  while (end < at + size && reader.u8(end) !== 0) end++
  return decodeUtf8(reader.bytes, at, end)
}

export function sectionName(reader: ByteReader, layout: SymbolLayout, at: number): string {
  const name = paddedName(reader, at, 8)
  if (/^\/\d+$/.test(name)) return stringAt(reader, layout, Number(name.slice(1)), at)
  if (!/^\/\/[A-Za-z\d+/]{6}$/.test(name)) return name
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  let offset = 0
  for (const digit of name.slice(2)) offset = offset * 64 + digits.indexOf(digit)
  return stringAt(reader, layout, offset, at)
}

/** The name of the symbol whose record is at `at`. */
export function symbolName(reader: ByteReader, layout: SymbolLayout, at: number): string {
  return reader.u32(at) === 0 ? stringAt(reader, layout, reader.u32(at + 4), at + 4) : paddedName(reader, at, 8)
}
