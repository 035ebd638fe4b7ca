/** The section `.debug_frame`: the same for debuggers, not loaded (DWARF 5, 6.4). */

import { DW_EH_PE_absptr } from './constants.ts'
import { type DwarfSection, type FrameDescription, type FrameSectionOptions, layOutFrames } from './frame-section.ts'

export interface DebugFrameOptions extends FrameSectionOptions {
  /** CIE version: 1 (DWARF 2), 3 (DWARF 3) or 4 (DWARF 4 and 5; the default). */
  readonly version?: 1 | 3 | 4
  /** 64-bit DWARF: lengths and offsets of 8 bytes. */
  readonly dwarf64?: boolean
}

/**
 * Writes `.debug_frame`. Personality and language data have no place in it and are left out.
 *
 * @throws DwarfUnwindError for what the section cannot hold.
 */
export function assembleDebugFrame(
  functions: readonly FrameDescription[],
  options: DebugFrameOptions = {},
): DwarfSection {
  return layOutFrames(
    functions,
    {
      name: '.debug_frame',
      version: options.version ?? 4,
      offsetBytes: options.dwarf64 === true ? 8 : 4,
      eh: false,
      codeEncoding: DW_EH_PE_absptr,
      padding: 'address',
      terminator: false,
    },
    options,
  )
}
