// Somebody's object as the functions in it, each with its code, relocations and unwind rows.
//
// Unwind sections mean something only once their relocations are applied, so the sections are put at addresses, as a
// linker would, and the formats read that image. Nothing of it is shown: offsets in the listings are the object's own.

import type { DecodedFunction, UnwindFormat, UnwindImage, UnwindRow } from '@framewright/frame-layout'
import { type ObjectFile, relocationWidth } from '@framewright/object'
import type { ListedFunction } from './listed-function.ts'
import { objectFunctions, type SectionRange } from './object-functions.ts'

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
  const ranges = rangesBySection(format === null ? [] : format.decode(image), addresses, file)
  const symbolName = (symbol: number): string => file.symbols[symbol]?.name ?? ''
  const functions: ListedFunction[] = []
  const decoded: DecodedFunction[][] = []
  for (const [sectionIndex, named] of objectFunctions(file, ranges).entries()) {
    const { name: section, bytes, relocations } = file.sections[sectionIndex]
    const sorted = [...relocations].sort((x, y) => x.offset - y.offset)
    for (const { name, aliases, offset, size, wholeSize, isEndGuessed } of named) {
      const end = offset + wholeSize
      // One range in nearly every case; Windows may describe a function in several.
      const own = ranges[sectionIndex].slice(
        firstWhere(ranges[sectionIndex], ({ to }) => to > offset),
        firstWhere(ranges[sectionIndex], ({ from }) => from >= offset + size),
      )
      const inside = sorted.slice(
        firstWhere(sorted, (each) => each.offset >= offset),
        firstWhere(sorted, (each) => each.offset >= end),
      )
      decoded.push(own.map(({ range }) => range))
      functions.push({
        ...{ name, aliases, offset, section, sectionIndex, codeSize: size, isEndGuessed, record: null },
        code: bytes.subarray(offset, end),
        relocations: inside.map((each) => {
          return { offset: each.offset - offset, kind: each.kind, symbol: symbolName(each.symbol), addend: each.addend }
        }),
        rows: own.length === 0 ? null : own.flatMap(({ from, range }) => shifted(range.rows(), offset - from)),
      })
    }
  }
  return { file, image, addresses, functions, format, decoded }
}

/** Index of the first element that fulfils what all behind it fulfil too. */
function firstWhere<T>(sorted: readonly T[], isReached: (element: T) => boolean): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (isReached(sorted[middle])) high = middle
    else low = middle + 1
  }
  return low
}

/** The ranges of unwind data with offsets in their section, ascending. */
function rangesBySection(
  ranges: readonly DecodedFunction[],
  addresses: readonly bigint[],
  file: ObjectFile,
): SectionRange[][] {
  const result: SectionRange[][] = file.sections.map(() => [])
  for (const range of ranges) {
    const section = firstWhere(addresses, (address) => address > range.begin) - 1
    if (section < 0) continue
    const from = Number(range.begin - addresses[section])
    const { length } = file.sections[section].bytes
    if (from < length)
      result[section].push({ from, to: Math.min(length, Number(range.end - addresses[section])), range })
  }
  for (const list of result) list.sort((a, b) => a.from - b.from)
  return result
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
