/** What a linker does with the rows of objects: sort, close the gaps, fold what is equal, number the personalities. */

import { encodeUnwindInfo, type UnwindInfoContent } from './build-unwind-info.ts'
import {
  MAXIMUM_FDE_OFFSET,
  MAXIMUM_PERSONALITIES,
  UNWIND_HAS_LSDA,
  UNWIND_PERSONALITY_SHIFT,
  UNWIND_X86_64_MODE_DWARF,
  UNWIND_X86_64_MODE_RBP_FRAME,
  UNWIND_X86_64_MODE_SHIFT,
  UNWIND_X86_64_MODE_STACK_IMMD,
} from './constants.ts'
import { CompactUnwindError } from './errors.ts'
import type { CompactUnwindRow } from './object-rows.ts'

/** Where things lie in the image. */
export interface LinkOptions {
  /** What offsets count from: the address of the Mach-O header. */
  readonly base: bigint
  /**
   * Address of the eight bytes that hold the address of a personality routine. The section refers to such pointers and
   * not to routines, which may lie in another image. Needed where a row has a personality.
   */
  readonly personalityPointer?: (routine: bigint) => bigint
  /**
   * Whether nothing but padding lies between two ranges. Where it may be code, an entry says that nothing is known of it;
   * everywhere, when left out.
   */
  readonly isPadding?: (begin: bigint, end: bigint) => boolean
  /** Where in `__eh_frame` the description of the function at that address begins; 0 where left out: it is searched for. */
  readonly fdeOffset?: (begin: bigint) => number | undefined
}

/**
 * `__unwind_info` for rows of `__compact_unwind`, in any order. Rows of no bytes are left out.
 *
 * @throws CompactUnwindError for ranges that overlap or lie out of reach, and for more than three personalities.
 */
export function linkUnwindInfo(rows: readonly CompactUnwindRow[], options: LinkOptions): Uint8Array {
  return encodeUnwindInfo(linkRows(rows, options))
}

/** The content of that section. */
export function linkRows(rows: readonly CompactUnwindRow[], options: LinkOptions): UnwindInfoContent {
  const { base, personalityPointer, fdeOffset, isPadding } = options
  const sorted = rows
    .filter(({ length }) => length > 0)
    .sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0))
  const personalities: number[] = []
  const personalityIndex = (routine: bigint): number => {
    if (routine === 0n) return 0
    if (personalityPointer === undefined) throw new CompactUnwindError({ code: 'no-personality-pointer', routine })
    const place = offsetOf(personalityPointer(routine), base, 'personality pointer')
    const known = personalities.indexOf(place)
    return known >= 0 ? known + 1 : personalities.push(place)
  }
  const entries: UnwindInfoContent['entries'][number][] = []
  let end = 0
  for (let i = 0; i < sorted.length; i++) {
    const row = sorted[i]!
    const begin = offsetOf(row.start, base, 'start')
    if (i > 0 && begin < end) {
      throw new CompactUnwindError({ code: 'overlap', begin: row.start, other: sorted[i - 1]!.start })
    }
    if (i > 0 && begin > end && entries.at(-1)!.encoding !== 0 && isPadding?.(base + BigInt(end), row.start) !== true) {
      entries.push({ begin: end, encoding: 0, languageData: null })
    }
    end = begin + row.length
    const personality = personalityIndex(row.personality)
    if (personality > MAXIMUM_PERSONALITIES) {
      throw new CompactUnwindError({ code: 'personalities', count: personality, limit: MAXIMUM_PERSONALITIES })
    }
    const languageData = row.languageData === 0n ? null : offsetOf(row.languageData, base, 'LSDA')
    let encoding = (row.encoding & ~(3 << UNWIND_PERSONALITY_SHIFT)) | (personality << UNWIND_PERSONALITY_SHIFT)
    encoding = languageData === null ? encoding & ~UNWIND_HAS_LSDA : encoding | UNWIND_HAS_LSDA
    const mode = (encoding >>> UNWIND_X86_64_MODE_SHIFT) & 0xf
    if (mode === UNWIND_X86_64_MODE_DWARF) {
      const offset = fdeOffset?.(row.start) ?? 0
      encoding = (encoding & ~MAXIMUM_FDE_OFFSET) | (offset <= MAXIMUM_FDE_OFFSET ? offset : 0)
    }
    encoding >>>= 0
    const last = entries.at(-1)
    if (last !== undefined && last.encoding === encoding && languageData === null && saysTheSameAnywhere(mode)) continue
    entries.push({ begin, encoding, languageData })
  }
  return { entries, end, personalities }
}

/**
 * Whether a word means the same for two neighbours as for one range: the offset of an immediate counts from the begin of its
 * own range, and a description in DWARF is of one function.
 */
function saysTheSameAnywhere(mode: number): boolean {
  return mode === 0 || mode === UNWIND_X86_64_MODE_RBP_FRAME || mode === UNWIND_X86_64_MODE_STACK_IMMD
}

function offsetOf(address: bigint, base: bigint, field: string): number {
  const offset = address - base
  if (offset < 0n || offset > 0xffff_ffffn) {
    throw new CompactUnwindError({ code: 'field-range', field, value: offset, limit: 0xffff_ffff })
  }
  return Number(offset)
}
