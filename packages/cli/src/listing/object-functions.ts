// Where the functions of an object are: by its symbols, and by ranges of unwind data that no symbol names.

import type { DecodedFunction } from '@framewright/frame-layout'
import type { ObjectFile, ObjectSymbol } from '@framewright/object'

/** A range of unwind data, by offsets in the section of its code. */
export interface SectionRange {
  readonly from: number
  readonly to: number
  readonly range: DecodedFunction
}

export interface NamedFunction {
  readonly name: string
  readonly aliases: readonly string[]
  readonly offset: number
  /** Of the instructions, and of them with the constants behind them. */
  readonly size: number
  readonly wholeSize: number
  readonly isEndGuessed: boolean
}

/** By section, ascending. */
export function objectFunctions(file: ObjectFile, ranges: readonly (readonly SectionRange[])[]): NamedFunction[][] {
  const symbols: ObjectSymbol[][] = file.sections.map(() => [])
  for (const symbol of file.symbols) {
    if (typeof symbol.section === 'number' && mayBeFunction(symbol)) symbols[symbol.section].push(symbol)
  }
  return file.sections.map((_, section) =>
    isCode(file, section) ? inSection(file, section, symbols[section], ranges[section]) : [],
  )
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

function inSection(
  file: ObjectFile,
  section: number,
  symbols: readonly ObjectSymbol[],
  ranges: readonly SectionRange[],
): NamedFunction[] {
  const { name: sectionName, bytes } = file.sections[section]
  const starts = new Map<number, ObjectSymbol[]>()
  for (const symbol of [...symbols].sort((a, b) => a.value - b.value)) {
    if (symbol.value >= bytes.length) continue
    const list = starts.get(symbol.value)
    if (list === undefined) starts.set(symbol.value, [symbol])
    else list.push(symbol)
  }
  addUnnamed(starts, ranges, file.format === 'coff')
  const offsets = [...starts.keys()].sort((a, b) => a - b)
  const result: NamedFunction[] = []
  let next = 0
  for (const [index, offset] of offsets.entries()) {
    const here = starts.get(offset) ?? []
    const limit = offsets[index + 1] ?? bytes.length
    let described = 0
    for (; next < ranges.length && ranges[next].from < limit; next++) {
      if (ranges[next].from >= offset) described = Math.max(described, ranges[next].to - offset)
    }
    const spoken = here.reduce((most, symbol) => Math.max(most, symbol.size), 0)
    const wholeSize = Math.min(spoken === 0 ? limit - offset : spoken, bytes.length - offset)
    const [name = `${sectionName}+0x${offset.toString(16)}`, ...aliases] = here.map((symbol) => symbol.name)
    result.push({
      ...{ name, aliases, offset, wholeSize, size: described === 0 ? wholeSize : Math.min(described, wholeSize) },
      // ELF symbols have sizes; of COFF's leaves nobody says where they end.
      isEndGuessed: described === 0 && spoken === 0,
    })
  }
  return result
}

/** Ranges that are no part of a function with a name. COFF symbols have no size: they reach to the next one. */
function addUnnamed(starts: Map<number, ObjectSymbol[]>, ranges: readonly SectionRange[], isCoff: boolean): void {
  const named = [...starts].map(([offset, symbols]) => ({
    offset,
    size: isCoff ? Number.POSITIVE_INFINITY : symbols[0].size,
  }))
  let covered = 0
  let next = 0
  for (const { from } of ranges) {
    for (; next < named.length && named[next].offset <= from; next++) {
      covered = Math.max(covered, named[next].offset + named[next].size)
    }
    if (!starts.has(from) && from >= covered) starts.set(from, [])
  }
}
