/** Finds the entry that covers a pc, in sections at their addresses. */

import type { LoadedSection, UnwindImage } from '@framewright/frame-layout'
import { conventionsOf } from './architecture.ts'
import { FrameDecoder, type FrameDescriptionEntry, type FrameTable, type FrameTableOptions } from './decode.ts'
import { searchEhFrameHdr } from './eh-frame-hdr.ts'
import { DwarfUnwindError } from './errors.ts'
import { dwarfX64 } from './registers.ts'

/** An entry, and the section that its program stands in. */
export interface FoundEntry {
  readonly table: Pick<FrameTable, 'bytes' | 'address'>
  readonly entry: FrameDescriptionEntry
}

/** How to read sections that are in an image. */
export type FrameReadOptions = Pick<FrameTableOptions, 'architecture' | 'text' | 'data'>

/** The sections of an image that hold call-frame information: all `.eh_frame`, or else all `.debug_frame`. */
export function frameSections(image: UnwindImage): LoadedSection[] {
  const sections = image.sections.filter((section) => section.name === '.eh_frame')
  return sections.length > 0 ? sections : image.sections.filter((section) => section.name === '.debug_frame')
}

/**
 * Finds the entry of a pc: through `.eh_frame_hdr` where the image has one, otherwise record by record, up to the
 * terminator, as libgcc does.
 *
 * @param options - the architecture, and what text- and data-relative pointers count from.
 * @returns null when no entry covers it.
 * @throws DwarfUnwindError on malformed bytes on the way to it.
 */
export function findEntry(image: UnwindImage, pc: bigint, options: FrameReadOptions = {}): FoundEntry | null {
  const { addressBytes } = conventionsOf(options.architecture ?? dwarfX64)
  for (const section of frameSections(image)) {
    const { bytes, address, name } = section
    const decoder = new FrameDecoder(bytes, { ...options, address, debug: name === '.debug_frame' })
    const header = image.sections.find((other) => other.name === '.eh_frame_hdr')
    if (header !== undefined && name === '.eh_frame') {
      const found = searchEhFrameHdr(header.bytes, header.address, pc, addressBytes)
      // A header may describe another of several sections.
      if (found !== undefined && found !== null && found >= address && found < address + BigInt(bytes.length)) {
        const entry = decoder.entry(Number(found - address))
        if (entry.kind === 'fde' && covers(entry, pc)) return { table: section, entry }
        continue
      }
    }
    for (let offset = 0; offset < bytes.length; ) {
      const entry = decoder.entry(offset)
      if (entry.kind === 'terminator' && name === '.eh_frame') break
      if (entry.kind === 'fde' && covers(entry, pc)) return { table: section, entry }
      offset = entry.offset + entry.length
    }
  }
  return null
}

function covers(entry: FrameDescriptionEntry, pc: bigint): boolean {
  return pc >= entry.begin && pc < entry.begin + BigInt(entry.size)
}

/** @throws DwarfUnwindError when the image has neither section. */
export function requireFrameSections(image: UnwindImage): LoadedSection[] {
  const sections = frameSections(image)
  if (sections.length === 0) throw new DwarfUnwindError({ code: 'section', name: '.eh_frame' })
  return sections
}
