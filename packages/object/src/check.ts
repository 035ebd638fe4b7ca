// What every writer may rely on: indices exist, fields lie inside their sections, numbers are numbers.

import { ObjectError, type ObjectPlace } from './errors.ts'
import { NO_SYMBOL, type ObjectFile, type ObjectSymbol, type Section } from './object-file.ts'
import { relocationWidth } from './relocations.ts'

/** Bytes in memory. */
export function sectionSize(section: Section): number {
  return section.size ?? section.bytes.length
}

export function sectionPlace(sections: readonly Section[], index: number): ObjectPlace {
  return { in: 'section', section: index, name: sections[index]?.name ?? '' }
}

export function relocationPlace(sections: readonly Section[], section: number, index: number): ObjectPlace {
  return { in: 'relocation', section, name: sections[section]?.name ?? '', index }
}

export function symbolPlace(symbols: readonly ObjectSymbol[], symbol: number): ObjectPlace {
  return { in: 'symbol', symbol, name: symbols[symbol]?.name ?? '' }
}

/** @throws ObjectError (`bad-model`, `bad-index`) at the first thing that is wrong. */
export function checkModel(file: ObjectFile): void {
  for (let i = 0; i < file.sections.length; i++) checkSection(file, i)
  for (let i = 0; i < file.symbols.length; i++) checkSymbol(file, i)
}

function checkSection(file: ObjectFile, index: number): void {
  const section = file.sections[index]
  const place = sectionPlace(file.sections, index)
  const bad = (what: string): never => {
    throw new ObjectError({ code: 'bad-model', what }, place)
  }
  if (section.name.includes('\0')) bad('a name with a NUL in it')
  if (!Number.isInteger(Math.log2(section.align)) || section.align > 2 ** 31) bad(`alignment ${section.align}`)
  if (section.kind === 'bss' && section.size === undefined) bad('a bss section without a size')
  if (section.kind === 'other' && section.native === undefined) bad(`a section of kind 'other' without native words`)
  if (section.size !== undefined) {
    if (!isCount(section.size)) bad(`size ${section.size}`)
    if (section.bytes.length > 0) bad('both bytes and a size')
    if (section.relocations.length > 0) bad('relocations in a section without bytes')
  }
  const associated = section.comdat?.section
  if (associated !== undefined) checkIndex('section', associated, file.sections.length, place)
  for (let i = 0; i < section.relocations.length; i++) {
    const { offset, kind, symbol, addend } = section.relocations[i]
    const fits = isCount(offset) && offset + relocationWidth(kind) <= section.bytes.length
    if (fits && Number.isSafeInteger(addend) && isIndex(symbol, NO_SYMBOL, file.symbols.length)) continue
    const at = relocationPlace(file.sections, index, i)
    if (!fits) throw new ObjectError({ code: 'bad-model', what: `offset ${offset} is outside the section` }, at)
    checkIndex('symbol', symbol, file.symbols.length, at)
    throw new ObjectError({ code: 'bad-model', what: `addend ${addend}` }, at)
  }
}

function checkSymbol(file: ObjectFile, index: number): void {
  const symbol = file.symbols[index]
  const place = symbolPlace(file.symbols, index)
  const bad = (what: string): never => {
    throw new ObjectError({ code: 'bad-model', what }, place)
  }
  if (symbol.name.includes('\0')) bad('a name with a NUL in it')
  if (!Number.isSafeInteger(symbol.value)) bad(`value ${symbol.value}`)
  if (!isCount(symbol.size)) bad(`size ${symbol.size}`)
  if (typeof symbol.section === 'number') {
    checkIndex('section', symbol.section, file.sections.length, place)
    const size = sectionSize(file.sections[symbol.section])
    if (symbol.value < 0 || symbol.value > size) bad(`value ${symbol.value} is outside its section`)
  } else if (symbol.type === 'section') bad('a section symbol without a section')
  else if (symbol.section === 'undefined' && symbol.binding === 'local' && symbol.type !== 'none')
    bad('an undefined local symbol')
  if (symbol.fallback !== undefined) checkIndex('symbol', symbol.fallback, file.symbols.length, place)
}

function checkIndex(what: string, value: number, count: number, place: ObjectPlace): void {
  if (!isIndex(value, 0, count)) throw new ObjectError({ code: 'bad-index', what, value, count }, place)
}

function isIndex(value: number, from: number, count: number): boolean {
  return Number.isInteger(value) && value >= from && value < count
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
