/**
 * `__TEXT,__unwind_info` of linked images, read: an index of pages, pages of entries, encodings that are shared. Offsets of
 * functions count from the image's base. All of it is checked against the section, and pages may not lie over each other,
 * so a section has at most as many entries as it has words.
 */

import { SectionReader } from './bytes.ts'
import {
  COMPRESSED_HEADER_BYTES,
  HEADER_BYTES,
  INDEX_ENTRY_BYTES,
  LSDA_ENTRY_BYTES,
  REGULAR_HEADER_BYTES,
  UNWIND_HAS_LSDA,
  UNWIND_SECOND_LEVEL_COMPRESSED,
  UNWIND_SECOND_LEVEL_REGULAR,
  UNWIND_SECTION_VERSION,
} from './constants.ts'
import { CompactUnwindError } from './errors.ts'

/** What the header says. */
export interface UnwindInfoHeader {
  readonly commonEncodingsAt: number
  readonly commonEncodingCount: number
  readonly personalitiesAt: number
  readonly personalityCount: number
  readonly indexAt: number
  /** With the sentinel. */
  readonly indexCount: number
}

/** An entry of a page: from `begin` up to the next one. */
export interface UnwindInfoEntry {
  /** From the image's base. */
  readonly begin: number
  readonly end: number
  readonly encoding: number
  /** From the image's base; null for none. */
  readonly languageData: number | null
}

/** A page of entries. */
export interface UnwindInfoPage {
  readonly kind: 'regular' | 'compressed'
  /** Offset in the section. */
  readonly at: number
  /** The first function's offset, as the index has it. */
  readonly begin: number
  readonly entries: readonly UnwindInfoEntry[]
}

/** A section. */
export interface UnwindInfo {
  readonly commonEncodings: readonly number[]
  /** Where the pointers to personality routines lie, from the image's base. */
  readonly personalities: readonly number[]
  readonly pages: readonly UnwindInfoPage[]
  /** Where the last entry ends. */
  readonly end: number
}

/** @throws CompactUnwindError for bytes that are no such section. */
export function decodeUnwindInfo(bytes: Uint8Array): UnwindInfo {
  const table = new UnwindInfoReader(bytes)
  const { commonEncodingsAt, commonEncodingCount, personalitiesAt, personalityCount, indexCount } = table.header
  const pages: UnwindInfoPage[] = []
  let bytesOfPages = 0
  for (let i = 0; i + 1 < indexCount; i++) {
    const page = table.page(i)
    if (page === null) continue
    const { reader } = table
    bytesOfPages += page.entriesAt - page.at + page.count * (page.kind === 'regular' ? 8 : 4)
    if (bytesOfPages > reader.bytes.length) throw bad(page.at, 'pages lie over each other')
    const entries: UnwindInfoEntry[] = []
    for (let entry = 0; entry < page.count; entry++) entries.push(table.entry(page, entry))
    pages.push({ kind: page.kind, at: page.at, begin: page.begin, entries })
  }
  return {
    commonEncodings: table.words(commonEncodingsAt, commonEncodingCount, 'common encodings'),
    personalities: table.words(personalitiesAt, personalityCount, 'personalities'),
    pages,
    end: indexCount === 0 ? 0 : table.indexBegin(indexCount - 1),
  }
}

/**
 * The entry of one place, found as the system finds it: by bisection, without reading the rest.
 *
 * @param offset - from the image's base.
 * @returns null where the section says nothing of it.
 * @throws CompactUnwindError for malformed bytes on the way.
 */
export function searchUnwindInfo(bytes: Uint8Array, offset: number): UnwindInfoEntry | null {
  const table = new UnwindInfoReader(bytes)
  const { indexCount } = table.header
  const index = lastNotBehind(indexCount, offset, (i) => table.indexBegin(i))
  // The last entry of the index is the end.
  if (index < 0 || index >= indexCount - 1) return null
  const page = table.page(index)
  if (page === null) return null
  const entry = lastNotBehind(page.count, offset, (i) => table.entryBegin(page, i))
  if (entry < 0) return null
  const found = table.entry(page, entry)
  return offset < found.end ? found : null
}

/** The last of `count` ascending places that is not behind `offset`; -1 when all are. */
function lastNotBehind(count: number, offset: number, placeOf: (i: number) => number): number {
  let low = -1
  let high = count
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (placeOf(middle) <= offset) low = middle
    else high = middle
  }
  return low
}

function bad(at: number, why: string): CompactUnwindError {
  return new CompactUnwindError({ code: 'bad-table', at, why })
}

interface PlacedPage {
  readonly kind: 'regular' | 'compressed'
  readonly index: number
  readonly at: number
  readonly begin: number
  /** Where the next page's functions begin. */
  readonly end: number
  readonly entriesAt: number
  readonly count: number
  readonly encodingsAt: number
  readonly encodingCount: number
}

/** Reads what is asked for, and nothing else. */
class UnwindInfoReader {
  readonly reader: SectionReader
  readonly header: UnwindInfoHeader

  constructor(bytes: Uint8Array) {
    const reader = new SectionReader(bytes)
    this.reader = reader
    reader.require(0, HEADER_BYTES, 'header')
    const version = reader.u32(0, 'version')
    if (version !== UNWIND_SECTION_VERSION) throw new CompactUnwindError({ code: 'bad-version', version })
    this.header = {
      commonEncodingsAt: reader.u32(4, 'header'),
      commonEncodingCount: reader.u32(8, 'header'),
      personalitiesAt: reader.u32(12, 'header'),
      personalityCount: reader.u32(16, 'header'),
      indexAt: reader.u32(20, 'header'),
      indexCount: reader.u32(24, 'header'),
    }
    const { indexAt, indexCount } = this.header
    reader.require(indexAt, indexCount * INDEX_ENTRY_BYTES, 'index')
  }

  words(at: number, count: number, what: string): number[] {
    this.reader.require(at, 4 * count, what)
    return Array.from({ length: count }, (_, i) => this.reader.u32(at + 4 * i, what))
  }

  indexBegin(index: number): number {
    return this.reader.u32(this.#index(index), 'index')
  }

  #index(index: number): number {
    return this.header.indexAt + index * INDEX_ENTRY_BYTES
  }

  /** null: the index has no page there. */
  page(index: number): PlacedPage | null {
    const { reader } = this
    const at = reader.u32(this.#index(index) + 4, 'index')
    if (at === 0) return null
    const begin = this.indexBegin(index)
    const end = this.indexBegin(index + 1)
    if (end < begin) throw bad(this.#index(index + 1), 'the index does not ascend')
    const kind = reader.u32(at, 'page')
    const entriesAt = at + reader.u16(at + 4, 'page')
    const count = reader.u16(at + 6, 'page')
    const page = { index, at, begin, end, entriesAt, count }
    switch (kind) {
      case UNWIND_SECOND_LEVEL_REGULAR:
        if (entriesAt < at + REGULAR_HEADER_BYTES) throw bad(at, 'entries lie in the header of their page')
        reader.require(entriesAt, 8 * count, 'entries')
        return { kind: 'regular', ...page, encodingsAt: 0, encodingCount: 0 }
      case UNWIND_SECOND_LEVEL_COMPRESSED: {
        const encodingsAt = at + reader.u16(at + 8, 'page')
        const encodingCount = reader.u16(at + 10, 'page')
        if (entriesAt < at + COMPRESSED_HEADER_BYTES) throw bad(at, 'entries lie in the header of their page')
        reader.require(entriesAt, 4 * count, 'entries')
        reader.require(encodingsAt, 4 * encodingCount, 'encodings')
        return { kind: 'compressed', ...page, encodingsAt, encodingCount }
      }
      default:
        throw bad(at, `there is no page of kind ${kind}`)
    }
  }

  entryBegin({ kind, begin, entriesAt }: PlacedPage, entry: number): number {
    if (kind === 'regular') return this.reader.u32(entriesAt + 8 * entry, 'entry')
    return begin + (this.reader.u32(entriesAt + 4 * entry, 'entry') & 0xff_ffff)
  }

  entry(page: PlacedPage, entry: number): UnwindInfoEntry {
    const begin = this.entryBegin(page, entry)
    const end = entry + 1 < page.count ? this.entryBegin(page, entry + 1) : page.end
    if (begin < page.begin || end < begin || end > page.end) throw bad(page.at, `entry ${entry} lies outside its page`)
    const encoding = this.#encoding(page, entry)
    const languageData = (encoding & UNWIND_HAS_LSDA) === 0 ? null : this.#languageData(page, begin)
    return { begin, end, encoding, languageData }
  }

  #encoding({ kind, at, entriesAt, encodingsAt, encodingCount }: PlacedPage, entry: number): number {
    const { reader, header } = this
    if (kind === 'regular') return reader.u32(entriesAt + 8 * entry + 4, 'entry')
    const index = reader.u32(entriesAt + 4 * entry, 'entry') >>> 24
    const { commonEncodingCount, commonEncodingsAt } = header
    if (index < commonEncodingCount) return reader.u32(commonEncodingsAt + 4 * index, 'common encoding')
    const own = index - commonEncodingCount
    if (own >= encodingCount) throw bad(at, `entry ${entry} has encoding ${index}, which is not there`)
    return reader.u32(encodingsAt + 4 * own, 'encoding')
  }

  /** Of a range that has one: the system refuses to go on where the table does not know it. */
  #languageData({ index }: PlacedPage, begin: number): number {
    const { reader } = this
    const from = reader.u32(this.#index(index) + 8, 'index')
    const to = reader.u32(this.#index(index + 1) + 8, 'index')
    const count = Math.floor((to - from) / LSDA_ENTRY_BYTES)
    if (to < from) throw bad(this.#index(index), 'the LSDA index does not ascend')
    reader.require(from, count * LSDA_ENTRY_BYTES, 'LSDA index')
    const found = lastNotBehind(count, begin, (i) => reader.u32(from + i * LSDA_ENTRY_BYTES, 'LSDA index'))
    const at = from + found * LSDA_ENTRY_BYTES
    if (found < 0 || reader.u32(at, 'LSDA index') !== begin) throw bad(from, `no LSDA for the function at ${begin}`)
    return reader.u32(at + 4, 'LSDA index')
  }
}
