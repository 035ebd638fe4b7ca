/**
 * Unwind data for code that is made at run time, in its final bytes: `.eh_frame` with the terminator that libgcc's walk
 * needs, then `.eh_frame_hdr` with its search table. `registration.ts` says what to call with it, `jit-elf.ts` and
 * `jitdump.ts` wrap it for debuggers and profilers.
 *
 * It may lie anywhere: 4-byte pc-relative addresses where they reach, 8-byte ones where they do not, or where libgcc would
 * not believe them. As long as the
 * distance between code and image stays the same and no function has a personality routine, both may move together.
 */

import type { LoadedSection, UnwoundFunction } from '@framewright/frame-layout'
import { conventionsOf, type DwarfArchitecture } from '../architecture.ts'
import { DW_EH_PE_absptr, DW_EH_PE_pcrel, DW_EH_PE_sdata4, DW_EH_PE_sdata8 } from '../constants.ts'
import { decodeFrames, type FrameDescriptionEntry } from '../decode.ts'
import { assembleEhFrame } from '../eh-frame.ts'
import { EH_FRAME_HDR_BYTES, encodeEhFrameHdr } from '../eh-frame-hdr.ts'
import { DwarfUnwindError } from '../errors.ts'
import { frameDescriptions } from '../format.ts'
import type { FrameDescription } from '../frame-section.ts'
import { dwarfX64 } from '../registers.ts'
import { linkSection } from './link.ts'

/** Where an image for code made at run time lies, and what it is like. */
export interface RunTimeOptions {
  /** Where the image will lie: a multiple of 8. */
  readonly address: bigint
  /**
   * Where everything else lies that the functions name: their code sections, personality routines, language data. A code
   * section's address is what `UnwoundFunction.offset` counts from.
   */
  readonly addresses: ReadonlyMap<string, bigint>
  /** x86-64 when left out. */
  readonly architecture?: DwarfArchitecture
  /** How code is addressed: pc-relative when left out. `'absolute'` gives an image that does not depend on its place. */
  readonly code?: 'pc-relative' | 'absolute'
}

/** The finished image. */
export interface RunTimeImage {
  readonly architecture: DwarfArchitecture
  readonly address: bigint
  /** Both sections, one behind the other. */
  readonly bytes: Uint8Array
  readonly ehFrame: LoadedSection
  readonly ehFrameHdr: LoadedSection
  /** In the order of the section. */
  readonly functions: readonly RunTimeFunction[]
}

/** A function (or a part of one) of an image. */
export interface RunTimeFunction {
  readonly begin: bigint
  readonly end: bigint
  /** Address of its FDE. */
  readonly entry: bigint
}

/**
 * Makes the image of some functions; those without unwind data are left out.
 *
 * @param functions - encoded by the DWARF format, or described.
 * @throws DwarfUnwindError `no-address` for what `addresses` lacks, and for what the section cannot hold.
 */
export function buildRunTimeImage(
  functions: readonly UnwoundFunction[] | readonly FrameDescription[],
  options: RunTimeOptions,
): RunTimeImage {
  const { address, addresses, code = 'pc-relative' } = options
  if (address % 8n !== 0n) {
    throw new DwarfUnwindError({ code: 'malformed', why: `0x${address.toString(16)} is no multiple of 8` })
  }
  const { addressBytes } = conventionsOf(options.architecture ?? dwarfX64)
  const descriptions = describe(functions, options.architecture)
  // With fields of 4 bytes libgcc (add_fdes) takes an address whose low 32 bits are 0 for a function that a linker dropped.
  const looksDropped =
    addressBytes === 8 &&
    descriptions.some(({ section, offset }) => {
      return (((addresses.get(section) ?? 0n) + BigInt(offset)) & 0xffff_ffffn) === 0n
    })
  const bytes = code === 'absolute' ? assemble(DW_EH_PE_absptr) : (near() ?? assemble(DW_EH_PE_pcrel | DW_EH_PE_sdata8))
  const architecture = options.architecture === undefined ? undefined : { architecture: options.architecture }
  const table = decodeFrames(bytes, { address, ...architecture })
  const hdrAddress = address + BigInt(bytes.length)
  const hdr = encodeEhFrameHdr(table, hdrAddress)
  const whole = new Uint8Array(bytes.length + hdr.length)
  whole.set(bytes)
  whole.set(hdr, bytes.length)
  const entries = table.entries.filter((entry): entry is FrameDescriptionEntry => entry.kind === 'fde')
  return {
    architecture: options.architecture ?? dwarfX64,
    address,
    bytes: whole,
    ehFrame: { name: '.eh_frame', address, bytes: whole.subarray(0, bytes.length) },
    ehFrameHdr: { name: '.eh_frame_hdr', address: hdrAddress, bytes: whole.subarray(bytes.length) },
    functions: entries.map(({ begin, size, offset }) => {
      return { begin, end: begin + BigInt(size), entry: address + BigInt(offset) }
    }),
  }

  function assemble(codeEncoding: number): Uint8Array {
    return linkSection(sectionOf(descriptions, codeEncoding, options.architecture), address, addresses, addressBytes)
  }

  /** Null where something is out of reach of 4 bytes. */
  function near(): Uint8Array | null {
    if (looksDropped) return null
    try {
      return assemble(DW_EH_PE_pcrel | DW_EH_PE_sdata4)
    } catch (error) {
      if (error instanceof DwarfUnwindError && error.problem.code === 'out-of-reach') return null
      throw error
    }
  }
}

/** How many bytes an image of these functions takes at most, wherever it will lie. */
export function measureRunTimeImage(
  functions: readonly UnwoundFunction[] | readonly FrameDescription[],
  architecture?: DwarfArchitecture,
): number {
  const descriptions = describe(functions, architecture)
  const { bytes } = sectionOf(descriptions, DW_EH_PE_absptr, architecture)
  return bytes.length + EH_FRAME_HDR_BYTES + 16 * descriptions.length
}

function sectionOf(
  descriptions: readonly FrameDescription[],
  codeEncoding: number,
  architecture: DwarfArchitecture | undefined,
): ReturnType<typeof assembleEhFrame> {
  return assembleEhFrame(descriptions, {
    codeEncoding,
    terminator: true,
    ...(architecture === undefined ? undefined : { architecture }),
  })
}

function describe(
  functions: readonly UnwoundFunction[] | readonly FrameDescription[],
  architecture: DwarfArchitecture = dwarfX64,
): readonly FrameDescription[] {
  const first = functions[0]
  if (first === undefined) return []
  return 'program' in first
    ? (functions as readonly FrameDescription[])
    : frameDescriptions(functions as readonly UnwoundFunction[], { architecture, pointers: 'absolute' })
}
