// COFF objects for x86-64.
//
// File: header, section headers, then for each section its bytes and its relocations, the symbols, the strings. The
// order of sections and symbols is the model's; a symbol's index in the file counts the auxiliary records before it.
// No time stamp: the same model gives the same bytes.

import { ByteWriter, setU16, setU32, setU64 } from '../byte-writer.ts'
import { checkModel, relocationPlace, sectionPlace, sectionSize, symbolPlace } from '../check.ts'
import { ObjectError } from '../errors.ts'
import type { ObjectFile, ObjectSymbol, Section } from '../object-file.ts'
import { relocationType, relocationWidth } from '../relocations.ts'
import { StringTable } from '../string-table.ts'
import { encodeUtf8 } from '../utf8.ts'
import * as coff from './constants.ts'
import { nativeOf } from './kinds.ts'

/** @throws ObjectError when the model contradicts itself, or COFF cannot express it. */
export function writeCoff(file: ObjectFile): Uint8Array {
  checkModel(file)
  const { sections, symbols } = file
  if (sections.length > coff.MAX_SECTIONS) {
    const what = 'the number of sections'
    throw new ObjectError({ code: 'too-large', what, limit: coff.MAX_SECTIONS }, { in: 'object' })
  }
  const indexInFile = new Uint32Array(symbols.length)
  let records = 0
  for (let i = 0; i < symbols.length; i++) {
    indexInFile[i] = records
    records += 1 + auxiliaryCount(symbols[i])
  }

  const writer = new ByteWriter()
  const strings = new StringTable(4)
  writer.skip(coff.FILE_HEADER_SIZE + sections.length * coff.SECTION_HEADER_SIZE)
  for (let i = 0; i < sections.length; i++) writeSection(writer, strings, file, i, indexInFile)

  const symbolsAt = writer.length
  for (let i = 0; i < symbols.length; i++) writeSymbol(writer, strings, file, i, indexInFile)
  writer.u32(strings.size)
  strings.writeTo(writer)

  writer.setU16(0, coff.IMAGE_FILE_MACHINE_AMD64)
  writer.setU16(2, sections.length)
  writer.setU32(8, symbolsAt) // the time stamp before it stays 0
  writer.setU32(12, records)
  return writer.finish()
}

function writeSection(
  writer: ByteWriter,
  strings: StringTable,
  file: ObjectFile,
  index: number,
  indexInFile: Uint32Array,
): void {
  const { sections } = file
  const section = sections[index]
  const place = sectionPlace(sections, index)
  if (section.align > 8192) {
    throw new ObjectError({ code: 'format-lacks', format: 'COFF', what: `alignment of ${section.align} bytes` }, place)
  }
  if (sectionSize(section) > 0xffff_ffff) {
    throw new ObjectError({ code: 'too-large', what: 'a section', limit: 0xffff_ffff }, place)
  }
  if (section.comdat !== undefined && !file.symbols.some((s) => s.type === 'section' && s.section === index)) {
    throw new ObjectError({ code: 'bad-model', what: 'a COMDAT section without a section symbol' }, place)
  }
  const { length } = section.relocations
  // "COFF Relocations": past 0xffff the header says 0xffff, and the first record holds the count, itself included.
  const overflow = length >= 0xffff
  let { flags } = nativeOf(section)
  flags |= (Math.log2(section.align) + 1) << 20
  if (overflow) flags |= coff.IMAGE_SCN_LNK_NRELOC_OVFL
  if (section.comdat !== undefined) flags |= coff.IMAGE_SCN_LNK_COMDAT

  writer.align(4)
  const bytesAt = writer.length
  writer.bytes(bytesWithAddends(sections, index))
  const relocationsAt = writer.length
  if (overflow) writeRelocation(writer, length + 1, 0, 0)
  for (let i = 0; i < length; i++) {
    const { offset, kind, symbol } = section.relocations[i]
    writeRelocation(writer, offset, symbol < 0 ? 0 : indexInFile[symbol], relocationType(kind, 'coff'))
  }

  const header = coff.FILE_HEADER_SIZE + index * coff.SECTION_HEADER_SIZE
  const name = encodeUtf8(section.name)
  const inHeader = name.length <= 8 ? name : encodeUtf8(longSectionName(strings.add(section.name)))
  for (let i = 0; i < inHeader.length; i++) writer.setU8(header + i, inHeader[i])
  writer.setU32(header + 16, sectionSize(section))
  writer.setU32(header + 20, section.bytes.length === 0 ? 0 : bytesAt)
  writer.setU32(header + 24, length === 0 ? 0 : relocationsAt)
  writer.setU16(header + 32, Math.min(length, 0xffff))
  writer.setU32(header + 36, flags)
}

function writeRelocation(writer: ByteWriter, offset: number, symbol: number, type: number): void {
  writer.u32(offset)
  writer.u32(symbol)
  writer.u16(type)
}

/** "Section Table", Name: a slash and the offset of the name in decimal; LLVM's form in base 64 beyond 7 digits. */
function longSectionName(offset: number): string {
  if (offset <= 9_999_999) return `/${offset}`
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  let text = ''
  for (let i = 0, rest = offset; i < 6; i++, rest = Math.floor(rest / 64)) text = digits.charAt(rest % 64) + text
  return `//${text}`
}

/** COFF has no field for an addend: it lies where the result will. */
function bytesWithAddends(sections: readonly Section[], index: number): Uint8Array {
  const { bytes, relocations } = sections[index]
  if (relocations.length === 0) return bytes
  const result = new Uint8Array(bytes)
  for (let i = 0; i < relocations.length; i++) {
    const { offset, kind, symbol, addend } = relocations[i]
    const place = () => relocationPlace(sections, index, i)
    const type = relocationType(kind, 'coff')
    if (type < 0) {
      throw new ObjectError({ code: 'format-lacks', format: 'COFF', what: `relocation of kind ${kind}` }, place())
    }
    if (symbol < 0) throw new ObjectError({ code: 'bad-model', what: 'a relocation without a symbol' }, place())
    const width = relocationWidth(kind)
    // REL32 counts from the end of the field.
    const value = type === coff.IMAGE_REL_AMD64_REL32 ? addend + 4 : addend
    const fits =
      width === 8 || (width === 4 && value >= -0x8000_0000 && value <= 0xffff_ffff) || (width === 2 && value === 0)
    if (width === 0) continue
    if (!fits) throw new ObjectError({ code: 'relocation-overflow', kind, value }, place())
    if (width === 8) setU64(result, offset, value)
    else if (width === 4) setU32(result, offset, value)
    else setU16(result, offset, value)
  }
  return result
}

function auxiliaryCount(symbol: ObjectSymbol): number {
  if (symbol.type === 'file') return Math.ceil(encodeUtf8(symbol.name).length / coff.SYMBOL_SIZE)
  return symbol.type === 'section' || symbol.fallback !== undefined ? 1 : 0
}

function writeSymbol(
  writer: ByteWriter,
  strings: StringTable,
  file: ObjectFile,
  index: number,
  indexInFile: Uint32Array,
): void {
  const { symbols } = file
  const symbol = symbols[index]
  const lacks = (what: string): never => {
    throw new ObjectError({ code: 'format-lacks', format: 'COFF', what }, symbolPlace(symbols, index))
  }
  if (symbol.type === 'tls' || symbol.type === 'ifunc') lacks(`symbol of type ${symbol.type}`)
  if (symbol.visibility !== undefined) lacks(`visibility ${symbol.visibility}`)
  if (symbol.unique === true) lacks('unique symbols')
  if ((symbol.binding === 'weak') !== (symbol.fallback !== undefined)) lacks('weak symbol without a fallback')
  if (symbol.binding === 'weak' && symbol.section !== 'undefined') lacks('weak definition')
  if (symbol.section === 'common' && symbol.binding !== 'global') lacks('common symbol that is not global')
  if (symbol.section === 'undefined' && symbol.binding === 'local') lacks('undefined local symbol')

  writeSymbolName(writer, strings, symbol.type === 'file' ? '.file' : symbol.name)
  writer.u32(symbol.section === 'common' ? symbol.size : symbol.section === 'undefined' ? 0 : symbol.value)
  writer.u16(sectionNumber(symbol))
  writer.u16(symbol.type === 'function' ? coff.FUNCTION_TYPE : 0)
  writer.u8(storageClass(symbol))
  const auxiliary = auxiliaryCount(symbol)
  writer.u8(auxiliary)

  const at = writer.skip(auxiliary * coff.SYMBOL_SIZE)
  if (symbol.type === 'file') writer.setBytes(at, encodeUtf8(symbol.name))
  else if (symbol.type === 'section') setSectionDefinition(writer, at, file, symbol.section as number)
  else if (symbol.fallback !== undefined) {
    writer.setU32(at, indexInFile[symbol.fallback])
    writer.setU32(at + 4, coff.IMAGE_WEAK_EXTERN_SEARCH_ALIAS)
  }
}

function writeSymbolName(writer: ByteWriter, strings: StringTable, name: string): void {
  const bytes = encodeUtf8(name)
  if (bytes.length <= 8) {
    const at = writer.skip(8)
    writer.setBytes(at, bytes)
  } else {
    writer.u32(0)
    writer.u32(strings.add(name))
  }
}

function sectionNumber({ section, type }: ObjectSymbol): number {
  if (typeof section === 'number') return section + 1
  if (section === 'absolute') return type === 'file' ? coff.IMAGE_SYM_DEBUG : coff.IMAGE_SYM_ABSOLUTE
  return coff.IMAGE_SYM_UNDEFINED
}

function storageClass({ binding, type }: ObjectSymbol): number {
  if (type === 'file') return coff.IMAGE_SYM_CLASS_FILE
  if (binding === 'weak') return coff.IMAGE_SYM_CLASS_WEAK_EXTERNAL
  return binding === 'local' ? coff.IMAGE_SYM_CLASS_STATIC : coff.IMAGE_SYM_CLASS_EXTERNAL
}

/** "Auxiliary Format 5: Section Definitions". */
function setSectionDefinition(writer: ByteWriter, at: number, file: ObjectFile, index: number): void {
  const section = file.sections[index]
  writer.setU32(at, sectionSize(section))
  writer.setU16(at + 4, Math.min(section.relocations.length, 0xffff))
  if (section.comdat === undefined) return
  const { selection, section: associated } = section.comdat
  if ((selection === 'associative') !== (associated !== undefined)) {
    const what = 'an associative COMDAT, and no other, names a section'
    throw new ObjectError({ code: 'bad-model', what }, sectionPlace(file.sections, index))
  }
  writer.setU32(at + 8, checksum(section.bytes))
  writer.setU16(at + 12, associated === undefined ? 0 : associated + 1)
  writer.setU8(at + 14, coff.selections.indexOf(selection) + 1)
}

/** CRC-32 without the final complement, which is what linkers compare for `exact-match`. */
function checksum(bytes: Uint8Array): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0)
  }
  return crc >>> 0
}
