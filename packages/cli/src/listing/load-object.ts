// Somebody's object as the functions in it, each with its code, relocations and unwind rows.
//
// Unwind sections mean something only once their relocations are applied, so the sections are put at addresses, as a
// linker would, and the formats read that image. Nothing of it is shown: offsets in the listings are the object's own.

import type { DecodedFunction, UnwindFormat, UnwindImage, UnwindRow } from '@framewright/frame-layout'
import { type ObjectFile, type ObjectSymbol, relocationWidth } from '@framewright/object'
import type { ListedFunction } from './listed-function.ts'

export interface LoadedObject {
  readonly file: ObjectFile
  readonly image: UnwindImage
  /** By section. */
  readonly addresses: readonly bigint[]
  readonly functions: readonly ListedFunction[]
  /** The format of the unwind data; null when there are none. */
  readonly format: UnwindFormat | null
  /** By function: the ranges that the format read. */
  readonly decoded: readonly (readonly DecodedFunction[])[]
}

const BASE = 0x1_4000_0000n
const PAGE = 0x1000n
/** Undefined symbols lie behind everything, a page each, so that no two are one place. */
const ELSEWHERE = BASE + 0x6000_0000n

/**
 * @param formats - those that may describe the object's frames; the first that finds its sections is used.
 * @throws the format's typed error on unwind data that are malformed.
 */
export function loadObject(file: ObjectFile, formats: readonly UnwindFormat[]): LoadedObject {
  const addresses = placeSections(file)
  const image: UnwindImage = {
    base: BASE,
    sections: file.sections.map((section, index) => ({
      name: section.name,
      address: addresses[index],
      bytes: relocated(file, index, addresses),
    })),
  }
  const format = formats.find((candidate) => describes(candidate, file)) ?? null
  const ranges = format === null ? [] : format.decode(image)
  const names = functionNames(file, addresses, ranges)
  const functions: ListedFunction[] = []
  const decoded: DecodedFunction[][] = []
  for (const each of names) {
    const address = addresses[each.section] + BigInt(each.offset)
    const limit = address + BigInt(each.size)
    // One range in nearly every case; Windows may describe a function in several.
    const own = ranges.filter(({ begin, end }) => begin < limit && address < end)
    const section = file.sections[each.section]
    const end = each.offset + each.wholeSize
    decoded.push(own)
    functions.push({
      ...{
        name: each.name,
        aliases: each.aliases,
        offset: each.offset,
        section: section.name,
        sectionIndex: each.section,
      },
      ...{ code: section.bytes.subarray(each.offset, end), codeSize: each.size, isEndGuessed: each.isEndGuessed },
      relocations: section.relocations
        .filter(({ offset }) => offset >= each.offset && offset < end)
        .map(({ offset, kind, symbol, addend }) => ({
          ...{ offset: offset - each.offset, kind, addend },
          symbol: file.symbols[symbol]?.name ?? '',
        })),
      rows: own.length === 0 ? null : own.flatMap((range) => shifted(range.rows(), Number(address - range.begin))),
      record: null,
    })
  }
  return { file, image, addresses, functions, format, decoded }
}

/** Whether the object has sections of that format. */
function describes(format: UnwindFormat, { sections }: ObjectFile): boolean {
  const prefix = format.name === 'win64' ? '.pdata' : '.eh_frame'
  return sections.some((section) => section.name === prefix || section.name.startsWith(`${prefix}$`))
}

/** Rows of a range, counted from a place in it, or before it (`by` negative). */
function shifted(rows: readonly UnwindRow[], by: number): UnwindRow[] {
  if (by <= 0) return rows.map((row) => ({ ...row, at: row.at - by }))
  const before = rows.filter((row) => row.at <= by)
  return [...before.slice(-1), ...rows.slice(before.length)].map((row) => ({ ...row, at: Math.max(0, row.at - by) }))
}

function placeSections(file: ObjectFile): bigint[] {
  let next = BASE + PAGE
  return file.sections.map((section) => {
    const align = BigInt(Math.max(16, section.align))
    const address = ((next + align - 1n) / align) * align
    next = address + BigInt(section.size ?? section.bytes.length) + 1n
    return address
  })
}

function relocated(file: ObjectFile, index: number, addresses: readonly bigint[]): Uint8Array {
  const { bytes, relocations } = file.sections[index]
  if (relocations.length === 0) return bytes
  const result = new Uint8Array(bytes)
  for (const { offset, kind, symbol, addend } of relocations) {
    const width = relocationWidth(kind)
    const place = addresses[index] + BigInt(offset)
    let value = symbolAddress(file, symbol, addresses) + BigInt(addend)
    if (kind === 'image-relative-32') value -= BASE
    else if (kind.startsWith('pc-relative') || kind === 'plt-32') value -= place
    for (let i = 0; i < width; i++) result[offset + i] = Number((value >> BigInt(8 * i)) & 0xffn)
  }
  return result
}

function symbolAddress(file: ObjectFile, index: number, addresses: readonly bigint[]): bigint {
  const symbol = file.symbols[index]
  if (symbol === undefined) return 0n
  if (typeof symbol.section === 'number') return addresses[symbol.section] + BigInt(symbol.value)
  return symbol.section === 'absolute' ? BigInt(symbol.value) : ELSEWHERE + BigInt(index) * PAGE
}

interface Named {
  readonly name: string
  readonly aliases: readonly string[]
  readonly section: number
  readonly offset: number
  /** Of the instructions, and of them with the constants behind them. */
  readonly size: number
  readonly wholeSize: number
  readonly isEndGuessed: boolean
}

/** Functions by symbols, and by ranges of unwind data that no symbol names; in the order of the file. */
function functionNames(file: ObjectFile, addresses: readonly bigint[], ranges: readonly DecodedFunction[]): Named[] {
  const result: Named[] = []
  for (const [section, { kind, bytes, native }] of file.sections.entries()) {
    if (kind !== 'text' && ((native?.flags ?? 0) & executable(file)) === 0) continue
    const starts = new Map<number, ObjectSymbol[]>()
    for (const symbol of file.symbols) {
      if (symbol.section !== section || symbol.value >= bytes.length || symbol.name === '') continue
      const isFunction = symbol.type === 'function' || symbol.type === 'ifunc'
      if (!isFunction && !(symbol.type === 'none' && symbol.binding !== 'local')) continue
      starts.set(symbol.value, [...(starts.get(symbol.value) ?? []), symbol])
    }
    const inSection = ranges
      .map(({ begin, end }) => ({ from: Number(begin - addresses[section]), to: Number(end - addresses[section]) }))
      .filter(({ from }) => from >= 0 && from < bytes.length)
    // A range behind a symbol is a part of that function: COFF symbols have no size.
    const first = Math.min(...starts.keys())
    const isCovered = (at: number) =>
      file.format === 'coff'
        ? at >= first
        : [...starts].some(([from, [symbol]]) => from <= at && at < from + symbol.size)
    for (const { from } of inSection) if (!starts.has(from) && !isCovered(from)) starts.set(from, [])
    const offsets = [...starts.keys()].sort((a, b) => a - b)
    for (const [index, offset] of offsets.entries()) {
      const symbols = starts.get(offset) ?? []
      const limit = offsets[index + 1] ?? bytes.length
      const ends = inSection.filter(({ from }) => from >= offset && from < limit).map(({ to }) => to - offset)
      const described = Math.max(0, ...ends)
      const whole = Math.max(0, ...symbols.map((symbol) => symbol.size)) || limit - offset
      const [name = `${file.sections[section].name}+0x${offset.toString(16)}`, ...aliases] = symbols.map(
        (symbol) => symbol.name,
      )
      const wholeSize = Math.min(whole, bytes.length - offset)
      const size = described === 0 ? wholeSize : Math.min(described, wholeSize)
      // ELF symbols have sizes; of COFF's leaves nobody says where they end.
      const isEndGuessed = described === 0 && symbols.every((symbol) => symbol.size === 0)
      result.push({ name, aliases, section, offset, size, wholeSize, isEndGuessed })
    }
  }
  return result
}

function executable(file: ObjectFile): number {
  return file.format === 'elf' ? 4 : 0x2000_0000 // SHF_EXECINSTR, IMAGE_SCN_MEM_EXECUTE
}
