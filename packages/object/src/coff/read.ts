// Reads COFF objects for x86-64, ours and other people's.
//
// Nothing in the file is trusted. Time and memory are linear in its length: bytes and relocations of all sections
// together may not be longer than the file, and names are bounded by ByteReader.name.

import { ByteReader, getI64, getU16, getU32 } from '../byte-reader.ts'
import { ObjectError } from '../errors.ts'
import type { Comdat, ObjectFile, ObjectSymbol, Relocation, Section, SymbolPlace } from '../object-file.ts'
import { coffRelocationKind, relocationWidth } from '../relocations.ts'
import * as coff from './constants.ts'
import { kindOf } from './kinds.ts'
import {
  atByte,
  expectIndex,
  paddedName,
  readSymbolLayout,
  type SymbolLayout,
  sectionName,
  symbolName,
} from './names.ts'

interface Layout extends SymbolLayout {
  readonly sections: number
}

/** @throws ObjectError, its place a byte of the file. */
export function readCoff(bytes: Uint8Array): ObjectFile {
  const reader = new ByteReader(bytes)
  const layout = readLayout(reader)
  const { symbols, modelIndex, comdats } = readSymbols(reader, layout)
  const sections: Section[] = []
  let total = 0
  for (let i = 0; i < layout.sections; i++) {
    const section = readSection(reader, layout, i, modelIndex, comdats)
    total += section.bytes.length + section.relocations.length * coff.RELOCATION_SIZE
    if (total > bytes.length) {
      const at = coff.FILE_HEADER_SIZE + i * coff.SECTION_HEADER_SIZE
      const what = 'the size of all sections together'
      throw new ObjectError({ code: 'too-large', what, limit: bytes.length }, atByte(at))
    }
    sections.push(section)
  }
  return { format: 'coff', sections, symbols }
}

function readLayout(reader: ByteReader): Layout {
  reader.require(0, coff.FILE_HEADER_SIZE, 'the COFF header')
  const sections = reader.u16(2)
  const optional = reader.u16(16)
  if (optional !== 0) {
    const what = 'a COFF file with an optional header, which is no object,'
    throw new ObjectError({ code: 'unsupported', what }, atByte(16))
  }
  reader.require(coff.FILE_HEADER_SIZE, sections * coff.SECTION_HEADER_SIZE, 'the section headers')
  return { sections, ...readSymbolLayout(reader, 0) }
}

interface Symbols {
  readonly symbols: readonly ObjectSymbol[]
  /** For each record of the file the symbol it is; -1 for an auxiliary record. */
  readonly modelIndex: Int32Array
  /** By section. */
  readonly comdats: ReadonlyMap<number, Comdat>
}

function readSymbols(reader: ByteReader, layout: Layout): Symbols {
  const symbols: ObjectSymbol[] = []
  const modelIndex = new Int32Array(layout.records).fill(-1)
  const comdats = new Map<number, Comdat>()
  const fallbacks: { readonly symbol: number; readonly record: number; readonly at: number }[] = []
  for (let record = 0; record < layout.records; record++) {
    const at = layout.symbolsAt + record * coff.SYMBOL_SIZE
    const auxiliary = reader.u8(at + 17)
    if (auxiliary >= layout.records - record) {
      const available = layout.records - record - 1
      const what = 'auxiliary records of a symbol'
      throw new ObjectError({ code: 'bad-index', what, value: auxiliary, count: available }, atByte(at + 17))
    }
    modelIndex[record] = symbols.length
    const symbol = readSymbol(reader, layout, at, auxiliary)
    const extra = at + coff.SYMBOL_SIZE
    if (symbol.type === 'section') {
      const comdat = readComdat(reader, layout, extra)
      if (comdat !== null) comdats.set(symbol.section as number, comdat)
    } else if (symbol.binding === 'weak' && auxiliary > 0) {
      fallbacks.push({ symbol: symbols.length, record: reader.u32(extra), at: extra })
    }
    symbols.push(symbol)
    record += auxiliary
  }
  for (const { symbol, record, at } of fallbacks) {
    const fallback = modelIndex[record] ?? -1
    if (fallback < 0) expectIndex('symbol', record, 0, at)
    symbols[symbol] = { ...symbols[symbol], fallback }
  }
  return { symbols, modelIndex, comdats }
}

function readSymbol(reader: ByteReader, layout: Layout, at: number, auxiliary: number): ObjectSymbol {
  const value = reader.u32(at + 8)
  const number = (reader.u16(at + 12) << 16) >> 16
  const storage = reader.u8(at + 16)
  if (storage === coff.IMAGE_SYM_CLASS_FILE) {
    const name = paddedName(reader, at + coff.SYMBOL_SIZE, auxiliary * coff.SYMBOL_SIZE)
    return { name, binding: 'local', type: 'file', section: 'absolute', value: 0, size: 0 }
  }
  const name = symbolName(reader, layout, at)
  let section: SymbolPlace
  if (number > 0) {
    expectIndex('section of a symbol', number - 1, layout.sections, at + 12)
    section = number - 1
  } else if (number === coff.IMAGE_SYM_UNDEFINED) {
    section = storage === coff.IMAGE_SYM_CLASS_EXTERNAL && value > 0 ? 'common' : 'undefined'
  } else if (number >= coff.IMAGE_SYM_DEBUG) section = 'absolute'
  else throw new ObjectError({ code: 'unsupported', what: `section number ${number}` }, atByte(at + 12))

  const external = storage === coff.IMAGE_SYM_CLASS_EXTERNAL
  const weak = storage === coff.IMAGE_SYM_CLASS_WEAK_EXTERNAL
  const complexType = reader.u16(at + 14) >> 4
  const isSection =
    storage === coff.IMAGE_SYM_CLASS_STATIC &&
    value === 0 &&
    auxiliary > 0 &&
    complexType === 0 &&
    typeof section === 'number'
  return {
    name,
    binding: external ? 'global' : weak ? 'weak' : 'local',
    type: isSection ? 'section' : complexType === coff.FUNCTION_TYPE >> 4 ? 'function' : 'none',
    section,
    value: section === 'common' ? 0 : value,
    size: section === 'common' ? value : 0,
  }
}

function readComdat(reader: ByteReader, layout: Layout, at: number): Comdat | null {
  const selection = coff.selections[reader.u8(at + 14) - 1]
  if (selection === undefined) return null
  if (selection !== 'associative') return { selection }
  const number = reader.u16(at + 12)
  expectIndex('section of an associative COMDAT', (number - 1) >>> 0, layout.sections, at + 12)
  return { selection, section: number - 1 }
}

function readSection(
  reader: ByteReader,
  layout: Layout,
  index: number,
  modelIndex: Int32Array,
  comdats: ReadonlyMap<number, Comdat>,
): Section {
  const at = coff.FILE_HEADER_SIZE + index * coff.SECTION_HEADER_SIZE
  const name = sectionName(reader, layout, at)
  const size = reader.u32(at + 16)
  const bytesAt = reader.u32(at + 20)
  const characteristics = reader.u32(at + 36)
  const workedOut =
    coff.IMAGE_SCN_ALIGN_MASK | coff.IMAGE_SCN_LNK_NRELOC_OVFL | coff.IMAGE_SCN_LNK_COMDAT | coff.IMAGE_SCN_TYPE_NO_PAD
  const flags = (characteristics & ~workedOut) >>> 0
  const comdat = (characteristics & coff.IMAGE_SCN_LNK_COMDAT) !== 0 ? comdats.get(index) : undefined
  const common = {
    name,
    ...kindOf(name, flags),
    align: alignment(characteristics, at + 36),
    ...(comdat === undefined ? {} : { comdat }),
  }
  const bss = (characteristics & coff.IMAGE_SCN_CNT_UNINITIALIZED_DATA) !== 0
  if (bss || (bytesAt === 0 && size > 0)) {
    return { ...common, bytes: new Uint8Array(0), size, relocations: [] }
  }
  const bytes = size === 0 ? new Uint8Array(0) : reader.view(bytesAt, size, `section ${index}`)
  return { ...common, ...readRelocations(reader, at, characteristics, bytes, bytesAt, modelIndex) }
}

/** Microsoft, "Section Flags": IMAGE_SCN_ALIGN_*; NO_PAD is the old word for 1, and no word at all means 16. */
function alignment(characteristics: number, at: number): number {
  if ((characteristics & coff.IMAGE_SCN_TYPE_NO_PAD) !== 0) return 1
  const code = (characteristics & coff.IMAGE_SCN_ALIGN_MASK) >>> 20
  if (code === 15) {
    throw new ObjectError(
      { code: 'bad-field', what: 'section alignment', value: code, expected: '1 to 14' },
      atByte(at),
    )
  }
  return code === 0 ? 16 : 1 << (code - 1)
}

/** Relocations with the addends that lie in the bytes, and the bytes with zeroes in their place. */
function readRelocations(
  reader: ByteReader,
  header: number,
  characteristics: number,
  bytes: Uint8Array,
  bytesAt: number,
  modelIndex: Int32Array,
): { readonly bytes: Uint8Array; readonly relocations: readonly Relocation[] } {
  let at = reader.u32(header + 24)
  let count = reader.u16(header + 32)
  if (count === 0xffff && (characteristics & coff.IMAGE_SCN_LNK_NRELOC_OVFL) !== 0) {
    reader.require(at, coff.RELOCATION_SIZE, 'the count of relocations')
    count = Math.max(0, reader.u32(at) - 1)
    at += coff.RELOCATION_SIZE
  }
  if (count === 0) return { bytes, relocations: [] }
  reader.require(at, count * coff.RELOCATION_SIZE, 'relocations')
  const relocations: Relocation[] = []
  for (let i = 0; i < count; i++, at += coff.RELOCATION_SIZE) {
    const offset = reader.u32(at)
    const record = reader.u32(at + 4)
    const type = reader.u16(at + 8)
    // REL32_1 to REL32_5 are REL32 whose instruction ends some bytes after the field; the addend can say that.
    const after = type > coff.IMAGE_REL_AMD64_REL32 && type <= coff.IMAGE_REL_AMD64_REL32_5 ? type - 4 : 0
    const kind = coffRelocationKind(type - after)
    const width = relocationWidth(kind)
    if (offset + width > bytes.length) {
      const available = Math.max(0, bytes.length - offset)
      throw new ObjectError({ code: 'truncated', what: 'a relocated field', bytes: width, available }, atByte(at))
    }
    expectIndex('symbol', record, modelIndex.length, at + 4)
    const symbol = modelIndex[record]
    if (symbol < 0) {
      const what = 'symbol, an auxiliary record,'
      throw new ObjectError({ code: 'bad-index', what, value: record, count: modelIndex.length }, atByte(at + 4))
    }
    let addend = 0
    if (width === 8) addend = getI64(bytes, offset, 'an addend', bytesAt + offset)
    else if (width === 4) addend = getU32(bytes, offset) | 0
    else if (width === 2) addend = getU16(bytes, offset)
    if (type - after === coff.IMAGE_REL_AMD64_REL32) addend -= 4 + after
    relocations.push({ offset, kind, symbol, addend })
  }
  const cleared = new Uint8Array(bytes)
  for (const { offset, kind } of relocations) cleared.fill(0, offset, offset + relocationWidth(kind))
  return { bytes: cleared, relocations }
}
