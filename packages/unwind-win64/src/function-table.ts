/**
 * `.pdata` and `.xdata` of one object file or image: a RUNTIME_FUNCTION for every range of code that needs one, sorted,
 * and the records they point to. Records that are equal in all bytes and relocations are written once.
 */

import type { UnwindRelocation, UnwindSection, UnwoundFunction } from '@framewright/frame-layout'
import type { Win64Fragment, Win64FunctionUnwind } from './encode.ts'
import { trailerOf } from './encode-range.ts'
import { Win64UnwindError } from './errors.ts'

/** Choices for the two sections. */
export interface Win64AssembleOptions {
  /** Write equal records once; true when left out. */
  readonly share?: boolean
}

/** One entry to be. */
interface Entry {
  readonly symbol: string
  readonly section: string
  readonly begin: number
  readonly end: number
  readonly info: number
}

/**
 * Puts the records of a module into `.xdata` and the table into `.pdata`.
 *
 * @param functions - in any order; functions without an entry have `unwind` null. Addresses are written as the function's
 *   section plus an offset, as LLVM does.
 * @returns both sections, or none when no function needs an entry.
 * @throws Win64UnwindError when ranges overlap, or unwind data are another format's.
 */
export function assembleTables(
  functions: readonly UnwoundFunction[],
  options: Win64AssembleOptions = {},
): UnwindSection[] {
  const share = options.share ?? true
  const blobs: Uint8Array[] = []
  const relocations: UnwindRelocation[] = []
  const entries: Entry[] = []
  const known = new Map<string, number>()
  let size = 0
  for (const owner of functions) {
    const unwind = owner.unwind
    if (unwind === null) continue
    if (!isWin64(unwind)) throw new Win64UnwindError({ code: 'foreign-unwind', format: unwind.format })
    const { fragments } = unwind
    const plain = fragments.length === 1
    const key = share && plain ? keyOf(unwind) : ''
    let start = key === '' ? undefined : known.get(key)
    if (start === undefined) {
      start = size
      if (key !== '') known.set(key, start)
      blobs.push(unwind.bytes)
      for (const r of unwind.relocations) relocations.push({ ...r, offset: r.offset + start })
      if (!plain) chainRelocations(owner, unwind, start, relocations)
      size += (unwind.bytes.length + 3) & ~3
    }
    // Ranges are the record's: version 2 counts epilogues from their ends.
    for (const fragment of fragments) entries.push({ ...placeOf(owner, fragment), info: start + fragment.info })
  }
  if (entries.length === 0) return []
  const xdata = new Uint8Array(size)
  let at = 0
  for (const blob of blobs) {
    xdata.set(blob, at)
    at += (blob.length + 3) & ~3
  }
  relocations.sort((a, b) => a.offset - b.offset)
  return [{ name: '.xdata', bytes: xdata, align: 4, relocations }, tableSection(sortEntries(entries))]
}

function tableSection(entries: readonly Entry[]): UnwindSection {
  const relocations: UnwindRelocation[] = []
  for (let i = 0; i < entries.length; i++) {
    const { section, begin, end, info } = entries[i]!
    const offset = i * 12
    relocations.push(
      { offset, kind: 'image-relative-32', symbol: section, addend: begin },
      { offset: offset + 4, kind: 'image-relative-32', symbol: section, addend: end },
      { offset: offset + 8, kind: 'image-relative-32', symbol: '.xdata', addend: info },
    )
  }
  return { name: '.pdata', bytes: new Uint8Array(entries.length * 12), align: 4, relocations }
}

/** By section in order of appearance, then by address; checks that ranges do not overlap. */
function sortEntries(entries: readonly Entry[]): Entry[] {
  const order = new Map<string, number>()
  for (const { section } of entries) if (!order.has(section)) order.set(section, order.size)
  const sorted = [...entries].sort((a, b) => order.get(a.section)! - order.get(b.section)! || a.begin - b.begin)
  for (let i = 1; i < sorted.length; i++) {
    const before = sorted[i - 1]!
    const entry = sorted[i]!
    if (entry.section === before.section && entry.begin < before.end) {
      throw new Win64UnwindError({ code: 'overlap', symbol: entry.symbol, other: before.symbol })
    }
  }
  return sorted
}

/**
 * Where a fragment lies.
 *
 * @throws Win64UnwindError 'part' for a function in several parts whose parts have not been placed.
 */
function placeOf(owner: UnwoundFunction, { part, begin, end }: Win64Fragment): Omit<Entry, 'info'> {
  const { symbol, section, offset } = part === 0 ? owner : (owner.parts?.[part] ?? unplaced(owner.symbol, part))
  return { symbol, section, begin: offset + begin, end: offset + end }
}

function unplaced(symbol: string, part: number): never {
  throw new Win64UnwindError({ code: 'part', symbol, part })
}

/** The copy of the parent's entry behind each chained record. */
function chainRelocations(
  owner: UnwoundFunction,
  unwind: Win64FunctionUnwind,
  start: number,
  relocations: UnwindRelocation[],
): void {
  const done = new Set<number>()
  for (const fragment of unwind.fragments) {
    if (fragment.parent < 0 || done.has(fragment.info)) continue
    done.add(fragment.info)
    const parent = placeOf(owner, unwind.fragments[fragment.parent]!)
    const offset = start + fragment.info + trailerOf(unwind.bytes, fragment.info)
    relocations.push(
      { offset, kind: 'image-relative-32', symbol: parent.section, addend: parent.begin },
      { offset: offset + 4, kind: 'image-relative-32', symbol: parent.section, addend: parent.end },
      { offset: offset + 8, kind: 'image-relative-32', symbol: '.xdata', addend: start + fragment.parentInfo },
    )
  }
}

/** Equal keys: equal records. */
function keyOf(unwind: Win64FunctionUnwind): string {
  let key = ''
  for (let i = 0; i < unwind.bytes.length; i++) key += String.fromCharCode(unwind.bytes[i]!)
  for (const r of unwind.relocations) key += `|${r.offset} ${r.kind} ${r.symbol} ${r.addend}`
  return key
}

/** Whether unwind data are this format's. */
export function isWin64(unwind: object): unwind is Win64FunctionUnwind {
  return (unwind as { format?: unknown }).format === 'win64' && 'fragments' in unwind
}
