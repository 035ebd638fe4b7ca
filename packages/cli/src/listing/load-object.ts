// Somebody's object as the functions in it, each with its code, relocations and unwind rows.
//
// Unwind sections mean something only once their relocations are applied, so the sections are put at addresses, as a
// linker would, and the formats read that image. Nothing of it is shown: offsets in the listings are the object's own.

import type { UnwindFormat, UnwindImage } from '@framewright/frame-layout'
import { type ObjectFile, type ObjectSymbol, relocationWidth, type Section } from '@framewright/object'
import type { FunctionSymbol, SectionFacts } from './find-functions.ts'
import type { ListedRelocation } from './listed-function.ts'
import type { FileSection, LoadedFile } from './loaded-file.ts'
import { readUnwindData } from './read-unwind-data.ts'
import { functionsOf } from './section-functions.ts'

const BASE = 0x1_4000_0000n
const PAGE = 0x1000n
const SHF_ALLOC = 2
/** Undefined symbols lie behind everything, a page each, so that no two are one place. */
const ELSEWHERE = BASE + 0x6000_0000n

/**
 * @param formats - those that may describe the object's frames; the first that describes a function is used for it.
 * @param chosen - whether somebody asked for them, in this order; see `readUnwindData`.
 * @throws the format's typed error on unwind data that are malformed.
 */
export function loadObject(file: ObjectFile, formats: readonly UnwindFormat[], chosen: boolean = false): LoadedFile {
  const addresses = placeSections(file)
  const sections = file.sections.map((section, index): FileSection => {
    return {
      name: section.name,
      address: addresses[index],
      bytes: relocated(file, index, addresses),
      isCode: isCode(file, index),
      stored: section.bytes,
    }
  })
  const image: UnwindImage = { base: BASE, sections }
  const data = readUnwindData(image, formats, file.format, chosen)
  const functions = functionsOf(
    {
      sections,
      symbols: symbolsBySection(file),
      nameAt: ({ name }, offset) => `${name}+0x${offset.toString(16)}`,
      relocations: relocationsBySection(file),
      goesOn: file.format === 'coff' ? goesOnInCoff : goesOnInElf,
      keepsTail: true,
    },
    data,
  )
  return {
    ...{ kind: 'object', container: file.format, description: `${file.format === 'elf' ? 'ELF' : 'COFF'} object` },
    ...{ sections, image, format: data.format, functions },
  }
}

/** Symbols have sizes in ELF. */
const goesOnInElf: SectionFacts['goesOn'] = ({ from }, _, symbol) =>
  symbol !== null && from < symbol.offset + symbol.size

/** COFF symbols have no size: they reach to the next one. */
const goesOnInCoff: SectionFacts['goesOn'] = (_range, _end, symbol) => symbol !== null

function symbolsBySection(file: ObjectFile): FunctionSymbol[][] {
  const symbols: FunctionSymbol[][] = file.sections.map(() => [])
  for (const symbol of file.symbols) {
    const { name, section, value, size } = symbol
    if (typeof section === 'number' && mayBeFunction(symbol)) symbols[section].push({ name, offset: value, size })
  }
  return symbols
}

function mayBeFunction({ name, type, binding }: ObjectSymbol): boolean {
  if (name === '') return false
  return type === 'function' || type === 'ifunc' || (type === 'none' && binding !== 'local')
}

function isCode(file: ObjectFile, section: number): boolean {
  const { kind, native } = file.sections[section]
  const executable = file.format === 'elf' ? 4 : 0x2000_0000 // SHF_EXECINSTR, IMAGE_SCN_MEM_EXECUTE
  return kind === 'text' || ((native?.flags ?? 0) & executable) !== 0
}

function relocationsBySection({ sections, symbols }: ObjectFile): ListedRelocation[][] {
  return sections.map(({ relocations }) =>
    relocations
      .map(({ offset, kind, symbol, addend }) => ({ offset, kind, symbol: symbols[symbol]?.name ?? '', addend }))
      .sort((x, y) => x.offset - y.offset),
  )
}

function placeSections(file: ObjectFile): bigint[] {
  let next = BASE + PAGE
  return file.sections.map((section) => {
    // Debug data refer to each other by their offsets, which are what a linker makes of addresses that begin at 0.
    if (!isLoaded(file.format, section)) return 0n
    const align = BigInt(Math.max(16, section.align))
    const address = ((next + align - 1n) / align) * align
    next = address + BigInt(section.size ?? section.bytes.length) + 1n
    return address
  })
}

function isLoaded(format: ObjectFile['format'], { kind, native, name }: Section): boolean {
  if (format === 'coff') return !name.startsWith('.debug_')
  return kind !== 'unloaded' && (native === undefined || (native.flags & SHF_ALLOC) !== 0)
}

function relocated(file: ObjectFile, index: number, addresses: readonly bigint[]): Uint8Array {
  const { bytes, relocations } = file.sections[index]
  if (relocations.length === 0) return bytes
  const result = new Uint8Array(bytes)
  for (const { offset, kind, symbol, addend } of relocations) {
    const width = relocationWidth(kind)
    const place = addresses[index] + BigInt(offset)
    let value = symbolAddress(file, symbol, addresses) + BigInt(addend)
    if (kind === 'section-relative-32') value -= sectionAddress(file, symbol, addresses)
    if (kind === 'image-relative-32') value -= BASE
    else if (kind.startsWith('pc-relative') || kind === 'plt-32') value -= place
    for (let i = 0; i < width; i++) result[offset + i] = Number((value >> BigInt(8 * i)) & 0xffn)
  }
  return result
}

function sectionAddress(file: ObjectFile, index: number, addresses: readonly bigint[]): bigint {
  const section = file.symbols[index]?.section
  return typeof section === 'number' ? addresses[section] : 0n
}

function symbolAddress(file: ObjectFile, index: number, addresses: readonly bigint[]): bigint {
  const symbol = file.symbols[index]
  if (symbol === undefined) return 0n
  if (typeof symbol.section === 'number') return addresses[symbol.section] + BigInt(symbol.value)
  return symbol.section === 'absolute' ? BigInt(symbol.value) : ELSEWHERE + BigInt(index) * PAGE
}
