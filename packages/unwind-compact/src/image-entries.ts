/** The ranges of an image: those of `__unwind_info` where it has been linked, otherwise the rows of its objects. */

import type { LoadedSection, UnwindImage } from '@framewright/frame-layout'
import { decodeObjectRows } from './object-rows.ts'
import { decodeUnwindInfo, searchUnwindInfo, type UnwindInfoEntry } from './unwind-info.ts'

/** A range of code in memory and its word. */
export interface CompactEntry {
  readonly begin: bigint
  readonly end: bigint
  readonly encoding: number
  /** Address of the LSDA; null for none. */
  readonly languageData: bigint | null
}

/** Sections by their name in Mach-O, with the segment or without. */
const UNWIND_INFO: readonly string[] = ['__TEXT,__unwind_info', '__unwind_info']
const COMPACT_UNWIND: readonly string[] = ['__LD,__compact_unwind', '__compact_unwind']

/** What the section of rows is called when nobody says otherwise. */
export const COMPACT_UNWIND_SECTION = '__LD,__compact_unwind'

function sectionsOf(image: UnwindImage, names: readonly string[]): LoadedSection[] {
  return image.sections.filter(({ name }) => names.includes(name))
}

/** All ranges. @throws CompactUnwindError on malformed bytes. */
export function imageEntries(image: UnwindImage): CompactEntry[] {
  const linked = sectionsOf(image, UNWIND_INFO)
  if (linked.length > 0) {
    return linked.flatMap(({ bytes }) =>
      decodeUnwindInfo(bytes).pages.flatMap(({ entries }) => entries.map((entry) => placed(entry, image.base))),
    )
  }
  return sectionsOf(image, COMPACT_UNWIND).flatMap(({ bytes }) =>
    decodeObjectRows(bytes).map(({ start, length, encoding, languageData }) => ({
      begin: start,
      end: start + BigInt(length),
      encoding,
      languageData: languageData === 0n ? null : languageData,
    })),
  )
}

/** The range of one address; null where nothing is said of it. @throws CompactUnwindError on malformed bytes. */
export function entryAt(image: UnwindImage, address: bigint): CompactEntry | null {
  const linked = sectionsOf(image, UNWIND_INFO)
  if (linked.length === 0) {
    return imageEntries(image).find(({ begin, end }) => address >= begin && address < end) ?? null
  }
  const offset = address - image.base
  if (offset < 0n || offset > 0xffff_ffffn) return null
  for (const { bytes } of linked) {
    const entry = searchUnwindInfo(bytes, Number(offset))
    if (entry !== null) return placed(entry, image.base)
  }
  return null
}

function placed({ begin, end, encoding, languageData }: UnwindInfoEntry, base: bigint): CompactEntry {
  return {
    begin: base + BigInt(begin),
    end: base + BigInt(end),
    encoding,
    languageData: languageData === null ? null : base + BigInt(languageData),
  }
}

/** Bytes of the image as memory. */
export function readImage(image: UnwindImage, address: bigint, count: number): bigint | undefined {
  for (const section of image.sections) {
    const at = address - section.address
    if (at < 0n || at + BigInt(count) > BigInt(section.bytes.length)) continue
    let value = 0n
    for (let i = count - 1; i >= 0; i--) value = (value << 8n) | BigInt(section.bytes[Number(at) + i]!)
    return value
  }
  return undefined
}
