// `framewright unwind --at`: every format of a file asked about one address.

import { rowAt, type UnwindFormat } from '@framewright/frame-layout'
import type { Disassembler } from '../listing/disassemble.ts'
import type { LoadedFile } from '../listing/loaded-file.ts'
import { nativeFirst } from '../listing/read-unwind-data.ts'
import { diagnosticOf } from '../problems.ts'
import { explainDwarf } from './dwarf.ts'
import { type Explanation, rowGroups } from './explanation.ts'
import { explainWin64 } from './win64.ts'

/**
 * What the formats say of an address, the system's own format first. Nothing for a format that the file does not carry.
 * Where the data of one format are malformed, the others are asked all the same.
 *
 * @param place - an address as the user knows it.
 * @throws a format's typed error on malformed data, where no other format says anything.
 */
export function explainAddress(
  file: LoadedFile,
  formats: readonly UnwindFormat[],
  address: bigint,
  place: (address: bigint) => string,
  disassemble: Disassembler,
): Explanation[] {
  const found: Explanation[] = []
  const failures: { readonly format: string; readonly error: Error }[] = []
  for (const format of nativeFirst(formats, file.container)) {
    try {
      if (format.name === 'dwarf') found.push(...explainDwarf(file, address, place))
      else if (format.name === 'win64') found.push(...explainWin64(file, address, place, disassemble))
      else found.push(...explainAny(format, file, address, place))
    } catch (error) {
      if (!(error instanceof Error) || diagnosticOf(error, '') === null) throw error
      failures.push({ format: format.name, error })
    }
  }
  if (found.length === 0 && failures.length > 0) throw failures[0].error
  const asExplanation = ({ format, error }: (typeof failures)[number]): Explanation => {
    return { format, source: format, summary: error.message, row: null, from: null, to: null, groups: [] }
  }
  return [...found, ...failures.map(asExplanation)]
}

/** All that any format says: the range, and its row. */
function explainAny(
  format: UnwindFormat,
  file: LoadedFile,
  address: bigint,
  place: (address: bigint) => string,
): Explanation[] {
  const ranges = format.decode(file.image).filter(({ begin, end }) => address >= begin && address < end)
  return ranges.map((range): Explanation => {
    const { begin, end } = range
    const all = range.rows()
    const row = rowAt(all, Number(address - begin))
    const next = all[all.indexOf(row) + 1]
    return {
      ...{ format: format.name, source: format.name, row },
      summary: `an entry covers ${place(begin)} to ${place(end)}`,
      from: begin + BigInt(row.at),
      to: next === undefined ? end : begin + BigInt(next.at),
      groups: rowGroups(row, () => []),
    }
  })
}
