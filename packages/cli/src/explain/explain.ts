// `framewright unwind --at`: every format of a file asked about one address.

import { type DecodedFunction, type FunctionUnwind, rowAt, type UnwindFormat } from '@framewright/frame-layout'
import type { Disassembler } from '../listing/disassemble.ts'
import type { FileSection, LoadedFile } from '../listing/loaded-file.ts'
import { decodeQuietly, nativeFirst } from '../listing/read-unwind-data.ts'
import { diagnosticOf } from '../problems.ts'
import { explainDwarf } from './dwarf.ts'
import { type Explanation, rowGroups } from './explanation.ts'
import { explainWin64 } from './win64.ts'

export interface ExplainOptions {
  /** An address as the user knows it. */
  readonly place: (address: bigint) => string
  readonly disassemble: Disassembler
  /** Of a function that we compiled, what a format made of its frame. */
  readonly unwind: FunctionUnwind | null
}

/**
 * What the formats say of an address, the system's own format first. Nothing for a format that the file does not carry.
 * Where the data of one format are malformed, the others are asked all the same.
 *
 * @throws a format's typed error on malformed data, where no other format says anything.
 */
export function explainAddress(
  file: LoadedFile,
  formats: readonly UnwindFormat[],
  address: bigint,
  options: ExplainOptions,
): Explanation[] {
  const { place, disassemble } = options
  const found: Explanation[] = []
  const claimed: Claimed = new Set(file.sections.filter(({ name }) => isReadHere(name)))
  const failures: { readonly format: string; readonly error: Error }[] = []
  for (const format of nativeFirst(formats, file.container)) {
    try {
      if (format.name === 'dwarf') found.push(...explainDwarf(file, address, place))
      else if (format.name === 'win64') found.push(...explainWin64(file, address, place, disassemble))
      else found.push(...explainAny(format, file, address, options, claimed))
    } catch (error) {
      if (!(error instanceof Error) || diagnosticOf(error, '') === null) throw error
      failures.push({ format: format.name, error })
    }
  }
  if (found.length === 0 && failures.length > 0) throw failures[0].error
  const asExplanation = ({ format, error }: (typeof failures)[number]): Explanation => {
    return { format, source: format, summary: error.message, row: null, from: null, to: null, groups: [], words: [] }
  }
  return [...found, ...failures.map(asExplanation)]
}

/** Sections that the two formats read whose bytes we explain. */
function isReadHere(name: string): boolean {
  return name === '.eh_frame' || name === '.debug_frame' || name.startsWith('.pdata')
}

/** Sections that are read already, by a format in front. */
type Claimed = Set<FileSection>

/** What any format says: the range and its row; of a function that we compiled, what the format prints of it. */
function explainAny(
  format: UnwindFormat,
  file: LoadedFile,
  address: bigint,
  { place, unwind }: ExplainOptions,
  claimed: Claimed,
): Explanation[] {
  return sourcesOf(format, file, claimed).flatMap(({ source, ranges }) => {
    const covering = ranges.filter(({ begin, end }) => address >= begin && address < end)
    return covering.map((range): Explanation => {
      const { begin, end } = range
      const all = range.rows()
      const row = rowAt(all, Number(address - begin))
      const next = all[all.indexOf(row) + 1]
      return {
        ...{ format: format.name, source, row },
        summary: `an entry covers ${place(begin)} to ${place(end)}`,
        from: begin + BigInt(row.at),
        to: next === undefined ? end : begin + BigInt(next.at),
        groups: rowGroups(row, () => []),
        words: unwind?.format === format.name ? format.print(unwind) : [],
      }
    })
  })
}

interface Source {
  readonly source: string
  readonly ranges: readonly DecodedFunction[]
}

/**
 * Nobody says which sections a format reads, so it is given them one by one, beside the code. A format that reads the same
 * section as one in front of it says nothing new: versions of one format, and fallbacks. One that needs several sections
 * at once is given all.
 */
function sourcesOf(format: UnwindFormat, file: LoadedFile, claimed: Claimed): readonly Source[] {
  const { base } = file.image
  const whole = format.decode(file.image)
  if (whole.length === 0) return []
  const code = file.sections.filter(({ isCode }) => isCode)
  const found: Source[] = []
  let isKnown = false
  for (const section of file.sections) {
    if (section.isCode || section.bytes.length === 0) continue
    const ranges = decodeQuietly(format, { base, sections: [...code, section] })
    if (ranges.length === 0) continue
    isKnown = true
    if (claimed.has(section)) continue
    claimed.add(section)
    found.push({ source: section.name, ranges })
  }
  return isKnown ? found : [{ source: format.name, ranges: whole }]
}
