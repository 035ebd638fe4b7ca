// The functions of a file, once its sections lie at addresses: ranges of unwind data are handed to their sections, and
// each section's functions found.

import type { DecodedFunction, UnwindRow } from '@framewright/frame-layout'
import { findFunctions, type SectionFacts, type SectionRange } from './find-functions.ts'
import type { ListedRelocation } from './listed-function.ts'
import type { FileSection, LoadedFunction } from './loaded-file.ts'
import type { UnwindData } from './read-unwind-data.ts'

/** What objects and images say in different ways. */
export interface FunctionSource extends Pick<SectionFacts, 'goesOn' | 'keepsTail'> {
  readonly sections: readonly FileSection[]
  /** By section; see {@link SectionFacts}. */
  readonly symbols: readonly SectionFacts['symbols'][]
  readonly nameAt: (section: FileSection, offset: number) => string
  /** By section, ascending by offset. */
  readonly relocations: readonly (readonly ListedRelocation[])[]
  /** Names addresses outside of the function; absent where addresses mean nothing. */
  readonly nameOf?: (address: bigint) => string | null
}

export function functionsOf(source: FunctionSource, data: Pick<UnwindData, 'decoded' | 'formatOf'>): LoadedFunction[] {
  const { sections, nameOf } = source
  const ranges = rangesBySection(data.decoded, sections)
  return sections.flatMap((section, sectionIndex) => {
    if (!section.isCode) return []
    const found = findFunctions({
      ...{ length: section.bytes.length, symbols: source.symbols[sectionIndex], ranges: ranges[sectionIndex] },
      ...{ nameAt: (offset: number) => source.nameAt(section, offset), keepsTail: source.keepsTail },
      goesOn: source.goesOn,
    })
    return found.map(({ name, aliases, offset, size, wholeSize, isEndGuessed }): LoadedFunction => {
      const end = offset + wholeSize
      const address = section.address + BigInt(offset)
      // One range in nearly every case; Windows may describe a function in several.
      const own = ranges[sectionIndex].slice(
        firstWhere(ranges[sectionIndex], ({ to }) => to > offset),
        firstWhere(ranges[sectionIndex], ({ from }) => from >= offset + size),
      )
      return {
        ...{ name, aliases, offset, sectionIndex, codeSize: size, isEndGuessed, record: null },
        section: section.name,
        address,
        code: section.stored.subarray(offset, end),
        ...(nameOf === undefined ? {} : { place: { address, nameOf } }),
        ranges: own.map(({ range }) => range),
        format: own.length === 0 ? null : data.formatOf(own[0].range),
        get rows(): readonly UnwindRow[] | null {
          if (own.length === 0) return null
          return own.flatMap(({ from, range }) => shifted(range.rows(), offset - from))
        },
        get relocations(): readonly ListedRelocation[] {
          const all = source.relocations[sectionIndex]
          const inside = all.slice(
            firstWhere(all, (each) => each.offset >= offset),
            firstWhere(all, (each) => each.offset >= end),
          )
          return inside.map((each) => ({ ...each, offset: each.offset - offset }))
        },
      }
    })
  })
}

/** Index of the first element that fulfils what all behind it fulfil too. */
export function firstWhere<T>(sorted: readonly T[], isReached: (element: T) => boolean): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (isReached(sorted[middle])) high = middle
    else low = middle + 1
  }
  return low
}

/** The section of code that holds an address. */
export function codeSectionAt(sections: readonly FileSection[], address: bigint): number {
  return sections.findIndex(
    (section) =>
      section.isCode && address >= section.address && address < section.address + BigInt(section.bytes.length),
  )
}

/** The ranges of unwind data with offsets in their section, ascending. Those outside of all code are left out. */
function rangesBySection(ranges: readonly DecodedFunction[], sections: readonly FileSection[]): SectionRange[][] {
  const result: SectionRange[][] = sections.map(() => [])
  let section = -1
  for (const range of ranges) {
    if (range.end <= range.begin) continue
    // Most ranges lie where the one before them did.
    if (section < 0 || !holds(sections[section], range.begin)) section = codeSectionAt(sections, range.begin)
    if (section < 0) continue
    const { address, bytes } = sections[section]
    const from = Number(range.begin - address)
    result[section].push({ from, to: Math.min(bytes.length, Number(range.end - address)), range })
  }
  for (const list of result) list.sort((a, b) => a.from - b.from)
  return result
}

function holds({ address, bytes }: FileSection, place: bigint): boolean {
  return place >= address && place < address + BigInt(bytes.length)
}

/** Rows of a range, counted from a place in it, or before it (`by` negative). */
function shifted(rows: readonly UnwindRow[], by: number): UnwindRow[] {
  if (by <= 0) return rows.map((row) => ({ ...row, at: row.at - by }))
  const before = rows.filter((row) => row.at <= by)
  return [...before.slice(-1), ...rows.slice(before.length)].map((row) => ({ ...row, at: Math.max(0, row.at - by) }))
}
