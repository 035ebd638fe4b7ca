/** The section of an object: header, index of functions, rows. SFrame specification, "SFrame section". */

import type { PlacedPart, UnwindRelocation, UnwindSection, UnwoundFunction } from '@framewright/frame-layout'
import { abiOf, type SFrameAbi } from './abi.ts'
import {
  FDE_BYTES,
  HEADER_BYTES,
  SFRAME_F_FDE_FUNC_START_PCREL,
  SFRAME_F_FDE_SORTED,
  SFRAME_MAGIC,
} from './constants.ts'
import type { SFrameFunctionUnwind, SFramePartRows } from './encode.ts'
import { SFrameError } from './errors.ts'

/**
 * What the starts of functions count from, once relocations are applied. `'assembler'`: from the field, without a flag that
 * says so, which is what assemblers leave to the GNU linker: it makes them count from the section. `'field'`: from the field,
 * with the flag for it (version 2, errata 1). `'section'`: from the section, for sections that nobody links.
 */
export type SFrameStarts = 'assembler' | 'field' | 'section'

export interface AssembleOptions {
  readonly version: 1 | 2
  readonly starts: SFrameStarts
  /** Sort the index by address where all functions lie in one section, and say so. */
  readonly sorted: boolean
  /** Name of the format whose unwind data are taken. */
  readonly format: string
}

interface Description {
  readonly place: PlacedPart
  readonly rows: SFramePartRows
  readonly bytes: Uint8Array
}

/** @throws SFrameError for unwind data of another format, and for several architectures at once. */
export function assembleSection(functions: readonly UnwoundFunction[], options: AssembleOptions): UnwindSection[] {
  const { version, starts } = options
  const descriptions: Description[] = []
  let abi: SFrameAbi | null = null
  for (const one of functions) {
    const { unwind, symbol } = one
    if (unwind === null) continue
    if (!isSFrame(unwind, options.format)) {
      throw new SFrameError({ code: 'foreign-unwind', format: unwind.format, symbol })
    }
    const own = abiOf(unwind.architecture)
    if (own === null) throw new SFrameError({ code: 'architecture', architecture: unwind.architecture })
    if (abi !== null && own !== abi) {
      const why = `one section cannot describe ${abi.architecture.name} and ${own.architecture.name}`
      throw new SFrameError({ code: 'options', why })
    }
    abi = own
    descriptions.push(...describe(one, unwind))
  }
  if (abi === null) return []

  const inOneSection = descriptions.every(({ place }) => place.section === descriptions[0]!.place.section)
  const isSorted = options.sorted && starts !== 'assembler' && inOneSection
  if (isSorted) descriptions.sort((a, b) => a.place.offset - b.place.offset)
  const entryBytes = FDE_BYTES[version]
  const rowsAt = HEADER_BYTES + descriptions.length * entryBytes
  const rowBytes = descriptions.reduce((sum, { rows }) => sum + rows.end - rows.begin, 0)
  const bytes = new Uint8Array(rowsAt + rowBytes)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, SFRAME_MAGIC, true)
  view.setUint8(2, version)
  view.setUint8(3, (isSorted ? SFRAME_F_FDE_SORTED : 0) | (starts === 'field' ? SFRAME_F_FDE_FUNC_START_PCREL : 0))
  view.setUint8(4, abi.number)
  view.setInt8(6, abi.fixedReturnAddress)
  view.setUint32(8, descriptions.length, true)
  view.setUint32(
    12,
    descriptions.reduce((sum, { rows }) => sum + rows.rows, 0),
    true,
  )
  view.setUint32(16, rowBytes, true)
  view.setUint32(24, rowsAt - HEADER_BYTES, true)

  const relocations: UnwindRelocation[] = []
  let entry = HEADER_BYTES
  let row = 0
  for (const { place, rows, bytes: source } of descriptions) {
    const addend = place.offset + (starts === 'section' ? entry : 0)
    relocations.push({ offset: entry, kind: 'pc-relative-32', symbol: place.section, addend })
    view.setUint32(entry + 4, place.codeSize, true)
    view.setUint32(entry + 8, row, true)
    view.setUint32(entry + 12, rows.rows, true)
    view.setUint8(entry + 16, rows.startSize)
    bytes.set(source.subarray(rows.begin, rows.end), rowsAt + row)
    row += rows.end - rows.begin
    entry += entryBytes
  }
  return [{ name: '.sframe', bytes, align: 8, relocations }]
}

function describe(owner: UnwoundFunction, { parts, bytes }: SFrameFunctionUnwind): Description[] {
  const places: readonly PlacedPart[] = owner.parts ?? [owner]
  if (places.length !== parts.length) {
    const why = `${owner.symbol} has ${parts.length} parts, and ${places.length} places`
    throw new SFrameError({ code: 'options', why })
  }
  return parts.map((rows, index) => {
    const place = places[index]!
    if (place.codeSize < rows.codeSize) {
      const why = `${place.symbol} has ${place.codeSize} bytes of code, its frame record ${rows.codeSize}`
      throw new SFrameError({ code: 'options', why })
    }
    return { place, rows, bytes }
  })
}

function isSFrame(unwind: { readonly format: string }, format: string): unwind is SFrameFunctionUnwind {
  return unwind.format === format
}
