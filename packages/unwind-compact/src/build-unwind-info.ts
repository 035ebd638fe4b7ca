/** `__TEXT,__unwind_info`, written: entries in pages, an index over the pages, encodings that occur often shared. */

import {
  COMPRESSED_HEADER_BYTES,
  HEADER_BYTES,
  INDEX_ENTRY_BYTES,
  LSDA_ENTRY_BYTES,
  MAXIMUM_COMMON_ENCODINGS,
  MAXIMUM_ENCODING_INDEX,
  MAXIMUM_PAGE_DISTANCE,
  MAXIMUM_PERSONALITIES,
  PAGE_BYTES,
  REGULAR_HEADER_BYTES,
  UNWIND_HAS_LSDA,
  UNWIND_PERSONALITY_SHIFT,
  UNWIND_SECOND_LEVEL_COMPRESSED,
  UNWIND_SECOND_LEVEL_REGULAR,
  UNWIND_SECTION_VERSION,
} from './constants.ts'
import { CompactUnwindError } from './errors.ts'

/** What an image has to say; offsets count from its base. */
export interface UnwindInfoContent {
  /** Ascending. Each covers the code up to the next, so gaps need an entry with encoding 0. */
  readonly entries: readonly {
    readonly begin: number
    readonly encoding: number
    readonly languageData: number | null
  }[]
  /** Where the last entry ends. */
  readonly end: number
  /** Where the pointers to personality routines lie; encodings name them by their place here, from 1. */
  readonly personalities: readonly number[]
}

type Entry = UnwindInfoContent['entries'][number]

/** Entries of a regular page, and words of a compressed one: entries and encodings. */
const REGULAR_ENTRIES = Math.floor((PAGE_BYTES - REGULAR_HEADER_BYTES) / 8)
const COMPRESSED_WORDS = (PAGE_BYTES - COMPRESSED_HEADER_BYTES) / 4

interface PageBuild {
  readonly entries: readonly Entry[]
  /** Of a compressed page, those that are not common; null for a regular page. */
  readonly encodings: readonly number[] | null
}

/**
 * The section.
 *
 * @throws CompactUnwindError for entries that do not ascend, numbers that do not fit, more than three personalities.
 */
export function encodeUnwindInfo(content: UnwindInfoContent): Uint8Array {
  check(content)
  const { entries, personalities, end } = content
  const common = commonEncodings(entries)
  const pages = pagesOf(entries, common)
  const withData = entries.filter(({ languageData }) => languageData !== null)

  const commonAt = HEADER_BYTES
  const personalitiesAt = commonAt + 4 * common.length
  const indexAt = personalitiesAt + 4 * personalities.length
  const languageDataAt = indexAt + INDEX_ENTRY_BYTES * (pages.length + 1)
  let next = languageDataAt + LSDA_ENTRY_BYTES * withData.length
  const pageAt = pages.map((page) => {
    const at = next
    next += pageBytes(page)
    return at
  })

  const bytes = new Uint8Array(next)
  const view = new DataView(bytes.buffer)
  const words = (at: number, values: readonly number[]): void => {
    for (let i = 0; i < values.length; i++) view.setUint32(at + 4 * i, values[i]!, true)
  }
  const counts = [commonAt, common.length, personalitiesAt, personalities.length, indexAt, pages.length + 1]
  words(0, [UNWIND_SECTION_VERSION, ...counts])
  words(commonAt, common)
  words(personalitiesAt, personalities)
  let dataIndex = languageDataAt
  for (let i = 0; i < pages.length; i++) {
    const page = pages[i]!
    words(indexAt + INDEX_ENTRY_BYTES * i, [page.entries[0]!.begin, pageAt[i]!, dataIndex])
    writePage(view, pageAt[i]!, page, common)
    for (const { begin, languageData } of page.entries) {
      if (languageData === null) continue
      words(dataIndex, [begin, languageData])
      dataIndex += LSDA_ENTRY_BYTES
    }
  }
  words(indexAt + INDEX_ENTRY_BYTES * pages.length, [end, 0, dataIndex])
  return bytes
}

function check({ entries, end, personalities }: UnwindInfoContent): void {
  const limit = 0xffff_ffff
  const checkRange = (field: string, value: number, most: number): void => {
    if (!Number.isInteger(value) || value < 0 || value > most) {
      throw new CompactUnwindError({ code: 'field-range', field, value, limit: most })
    }
  }
  if (personalities.length > MAXIMUM_PERSONALITIES) {
    const count = personalities.length
    throw new CompactUnwindError({ code: 'personalities', count, limit: MAXIMUM_PERSONALITIES })
  }
  for (const place of personalities) checkRange('personality', place, limit)
  let previous = -1
  for (const { begin, encoding, languageData } of entries) {
    checkRange('begin', begin, limit)
    checkRange('encoding', encoding, limit)
    checkRange('personality index', (encoding >>> UNWIND_PERSONALITY_SHIFT) & 3, personalities.length)
    if (languageData !== null) checkRange('LSDA', languageData, limit)
    if ((languageData !== null) !== ((encoding & UNWIND_HAS_LSDA) !== 0)) {
      throw new CompactUnwindError({
        code: 'bad-encoding',
        word: encoding,
        why: 'its LSDA bit is not what the entry has',
      })
    }
    if (begin <= previous) throw new CompactUnwindError({ code: 'order', at: begin, previous })
    previous = begin
  }
  checkRange('end', end, limit)
  if (end <= previous) throw new CompactUnwindError({ code: 'order', at: end, previous })
}

/** Encodings that occur more than once, the most frequent first: each takes a word once instead of once a page. */
function commonEncodings(entries: readonly Entry[]): number[] {
  const uses = new Map<number, number>()
  for (const { encoding } of entries) uses.set(encoding, (uses.get(encoding) ?? 0) + 1)
  return [...uses]
    .filter(([, count]) => count > 1)
    .sort((a, b) => b[1] - a[1] || a[0] - b[0])
    .slice(0, MAXIMUM_COMMON_ENCODINGS)
    .map(([encoding]) => encoding)
}

/** Fills one page after the other: compressed where that holds at least as many entries as a regular one would. */
function pagesOf(entries: readonly Entry[], common: readonly number[]): PageBuild[] {
  const shared = new Set(common)
  const pages: PageBuild[] = []
  for (let start = 0; start < entries.length; ) {
    const own = new Set<number>()
    let end = start
    for (; end < entries.length; end++) {
      const { begin, encoding } = entries[end]!
      const isNew = !shared.has(encoding) && !own.has(encoding)
      const encodings = own.size + (isNew ? 1 : 0)
      if (begin - entries[start]!.begin > MAXIMUM_PAGE_DISTANCE) break
      if (end - start + 1 + encodings > COMPRESSED_WORDS) break
      if (common.length + encodings > MAXIMUM_ENCODING_INDEX + 1) break
      if (isNew) own.add(encoding)
    }
    const regularEnd = Math.min(entries.length, start + REGULAR_ENTRIES)
    const isRegular = regularEnd > end
    if (isRegular) end = regularEnd
    pages.push({ entries: entries.slice(start, end), encodings: isRegular ? null : [...own] })
    start = end
  }
  return pages
}

function pageBytes({ entries, encodings }: PageBuild): number {
  if (encodings === null) return REGULAR_HEADER_BYTES + 8 * entries.length
  return COMPRESSED_HEADER_BYTES + 4 * (entries.length + encodings.length)
}

function writePage(view: DataView, at: number, { entries, encodings }: PageBuild, common: readonly number[]): void {
  view.setUint32(at, encodings === null ? UNWIND_SECOND_LEVEL_REGULAR : UNWIND_SECOND_LEVEL_COMPRESSED, true)
  view.setUint16(at + 4, encodings === null ? REGULAR_HEADER_BYTES : COMPRESSED_HEADER_BYTES, true)
  view.setUint16(at + 6, entries.length, true)
  if (encodings === null) {
    for (let i = 0; i < entries.length; i++) {
      const { begin, encoding } = entries[i]!
      view.setUint32(at + REGULAR_HEADER_BYTES + 8 * i, begin, true)
      view.setUint32(at + REGULAR_HEADER_BYTES + 8 * i + 4, encoding, true)
    }
    return
  }
  const encodingsAt = COMPRESSED_HEADER_BYTES + 4 * entries.length
  view.setUint16(at + 8, encodingsAt, true)
  view.setUint16(at + 10, encodings.length, true)
  const index = new Map([...common, ...encodings].map((encoding, i) => [encoding, i]))
  for (let i = 0; i < entries.length; i++) {
    const { begin, encoding } = entries[i]!
    const word = index.get(encoding)! * 0x100_0000 + (begin - entries[0]!.begin)
    view.setUint32(at + COMPRESSED_HEADER_BYTES + 4 * i, word, true)
  }
  for (let i = 0; i < encodings.length; i++) view.setUint32(at + encodingsAt + 4 * i, encodings[i]!, true)
}
