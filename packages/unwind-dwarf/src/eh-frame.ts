/** The section `.eh_frame`: what unwinders read at run time (Linux Standard Base 5.0, "Exception Frames"). */

import { DW_EH_PE_pcrel, DW_EH_PE_sdata4 } from './constants.ts'
import { type DwarfSection, type FrameDescription, type FrameSectionOptions, layOutFrames } from './frame-section.ts'

export interface EhFrameOptions extends FrameSectionOptions {
  /** CIE version: 1, as every assembler writes, or 3. */
  readonly version?: 1 | 3
  /** How functions are addressed: 0x1b, pc-relative in 4 bytes, reaches 2 GiB. 0x1c and 0x00 reach everything. */
  readonly codeEncoding?: number
  /** A zero word at the end, for readers that walk the section in memory. A linked image gets its own from elsewhere. */
  readonly terminator?: boolean
}

/**
 * Writes `.eh_frame` for functions of any number of sections.
 *
 * CIEs and FDEs are padded to 4 bytes, the last FDE to an address's size, as assemblers do: the section's size stays a
 * multiple of it, so linkers put two of them together without a gap, which a reader would take for the terminator.
 *
 * @throws DwarfUnwindError for what the section cannot hold.
 */
export function assembleEhFrame(functions: readonly FrameDescription[], options: EhFrameOptions = {}): DwarfSection {
  return layOutFrames(
    functions,
    {
      name: '.eh_frame',
      version: options.version ?? 1,
      offsetBytes: 4,
      eh: true,
      codeEncoding: options.codeEncoding ?? DW_EH_PE_pcrel | DW_EH_PE_sdata4,
      padding: 4,
      terminator: options.terminator ?? false,
    },
    options,
  )
}
