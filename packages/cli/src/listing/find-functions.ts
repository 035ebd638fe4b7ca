// Where the functions of a section are: by its symbols, and by ranges of unwind data that no symbol names.

import type { DecodedFunction } from '@framewright/frame-layout'

/** A range of unwind data, by offsets in the section of its code. */
export interface SectionRange {
  readonly from: number
  readonly to: number
  readonly range: DecodedFunction
}

export interface FunctionSymbol {
  readonly name: string
  readonly offset: number
  /** 0 where unknown. */
  readonly size: number
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

export interface SectionFacts {
  /** Bytes of the section. */
  readonly length: number
  /** In any order; the first of those at one place names the function. */
  readonly symbols: readonly FunctionSymbol[]
  /** Ascending. */
  readonly ranges: readonly SectionRange[]
  /** The name of a function that has none. */
  readonly nameAt: (offset: number) => string
  /**
   * Whether a range that begins where no symbol is goes on in the function in front of it, given where the range before
   * it ends and the nearest symbol in front of it.
   */
  readonly goesOn: (range: SectionRange, endBefore: number, symbol: FunctionSymbol | null) => boolean
  /** What lies behind the last range and in front of the next function belongs to the function: constants. */
  readonly keepsTail: boolean
}

/** Ascending. */
export function findFunctions(section: SectionFacts): NamedFunction[] {
  const { length, ranges, keepsTail } = section
  const starts = new Map<number, FunctionSymbol[]>()
  for (const symbol of section.symbols) {
    if (symbol.offset < 0 || symbol.offset >= length) continue
    const list = starts.get(symbol.offset)
    if (list === undefined) starts.set(symbol.offset, [symbol])
    else list.push(symbol)
  }
  addUnnamed(starts, section)
  const offsets = [...starts.keys()].sort((a, b) => a - b)
  const result: NamedFunction[] = []
  let next = 0
  for (const [index, offset] of offsets.entries()) {
    const here = starts.get(offset) ?? []
    const limit = offsets[index + 1] ?? length
    let described = 0
    for (; next < ranges.length && ranges[next].from < limit; next++) {
      if (ranges[next].from >= offset) described = Math.max(described, ranges[next].to - offset)
    }
    const spoken = here.reduce((most, symbol) => Math.max(most, symbol.size), 0)
    const untilNext = described === 0 || keepsTail ? limit - offset : Math.min(described, limit - offset)
    const wholeSize = Math.min(spoken === 0 ? untilNext : spoken, length - offset)
    const [name = section.nameAt(offset), ...aliases] = new Set(here.map((symbol) => symbol.name))
    result.push({
      ...{ name, aliases, offset, wholeSize, size: described === 0 ? wholeSize : Math.min(described, wholeSize) },
      // ELF symbols have sizes; of COFF's leaves nobody says where they end.
      isEndGuessed: described === 0 && spoken === 0,
    })
  }
  return result
}

/** Ranges that are no part of a function with a name. */
function addUnnamed(starts: Map<number, FunctionSymbol[]>, { ranges, goesOn }: SectionFacts): void {
  const named = [...starts].sort(([a], [b]) => a - b)
  let symbol: FunctionSymbol | null = null
  let endBefore = -1
  let next = 0
  for (const range of ranges) {
    for (; next < named.length && named[next][0] <= range.from; next++) {
      symbol = named[next][1].reduce((longest, each) => (each.size > longest.size ? each : longest))
    }
    if (!starts.has(range.from) && !goesOn(range, endBefore, symbol)) starts.set(range.from, [])
    endBefore = range.to
  }
}
