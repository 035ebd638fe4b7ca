// What `.eh_frame` (or `.debug_frame`) of an image says, for unwind-verify.

import type { UnwindImage, UnwindRow } from '@framewright/frame-layout'
import {
  asUnwindRows,
  callFrameRows,
  type DwarfUnwindError,
  decodeFrames,
  decodeLsda,
  type FrameDescriptionEntry,
  type FrameTable,
} from '@framewright/unwind-dwarf'
import type { LandingPad, VerifiedRange } from '@framewright/unwind-verify'
import type { Addresses } from './addresses.ts'

/** @throws DwarfUnwindError on sections that are malformed. */
export function dwarfRanges(
  image: UnwindImage,
  addresses: Addresses,
  nameAt: (address: bigint) => string,
): VerifiedRange[] {
  const ranges: VerifiedRange[] = []
  for (const section of frameSections(image)) {
    const table = decodeFrames(section.bytes, { address: section.address, debug: section.name === '.debug_frame' })
    for (const entry of table.entries) {
      if (entry.kind !== 'fde' || entry.size === 0) continue
      const begin = addresses.number(entry.begin)
      const code = addresses.bytes(begin, entry.size)
      // Of a function that the linker dropped the entry may be left, at address 0.
      if (code === null) continue
      const landingPads = entry.languageData === null ? [] : dwarfPads(entry, addresses)
      ranges.push({ name: nameAt(entry.begin), begin, code, rows: rowsOf(table, entry), landingPads })
    }
  }
  return ranges
}

function frameSections({ sections }: UnwindImage): UnwindImage['sections'] {
  const found = sections.filter(({ name }) => name === '.eh_frame')
  return found.length > 0 ? found : sections.filter(({ name }) => name === '.debug_frame')
}

/** Rows that frame-layout has no words for (a register without a number) are no rows. */
function rowsOf(table: FrameTable, entry: FrameDescriptionEntry): readonly UnwindRow[] {
  try {
    return asUnwindRows(callFrameRows(table, entry), entry.cie.returnAddressRegister)
  } catch (error) {
    if ((error as Partial<DwarfUnwindError>).problem?.code === 'row') return []
    throw error
  }
}

function dwarfPads({ begin, languageData }: FrameDescriptionEntry, addresses: Addresses): LandingPad[] {
  if (languageData === null || languageData.indirect) return []
  return landingPads(languageData.value, begin, addresses)
}

/**
 * The landing pads of C++'s table at an address.
 *
 * @throws DwarfUnwindError when there is none.
 */
export function landingPads(table: bigint, functionBegin: bigint, addresses: Addresses): LandingPad[] {
  const found = addresses.find(addresses.number(table))
  if (found === null) return []
  const { callSites, landingPadStart } = decodeLsda(found.section.bytes, found.at, found.section.address)
  const begin = addresses.number(functionBegin)
  const from = landingPadStart === null ? begin : addresses.number(landingPadStart.value)
  return callSites
    .filter(({ landingPad }) => landingPad !== 0)
    .map(({ start, length, landingPad }) => {
      return { begin: begin + start, end: begin + start + length, address: from + landingPad }
    })
}
