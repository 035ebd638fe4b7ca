// `framewright unwind --at`: every format of a file asked about one address.

import { rowAt, type UnwindFormat } from '@framewright/frame-layout'
import type { Disassembler } from '../listing/disassemble.ts'
import type { LoadedFile } from '../listing/loaded-file.ts'
import { nativeFirst } from '../listing/read-unwind-data.ts'
import { explainDwarf } from './dwarf.ts'
import { type Explanation, rowGroups } from './explanation.ts'
import { explainWin64 } from './win64.ts'

/**
 * What the formats say of an address, the system's own format first. Nothing for a format that the file does not carry.
 *
 * @param place - an address as the user knows it.
 * @throws a format's typed error on malformed data.
 */
export function explainAddress(
  file: LoadedFile,
  formats: readonly UnwindFormat[],
  address: bigint,
  place: (address: bigint) => string,
  disassemble: Disassembler,
): Explanation[] {
  return nativeFirst(formats, file.container).flatMap((format) => {
    if (format.name === 'dwarf') return explainDwarf(file, address, place)
    if (format.name === 'win64') return explainWin64(file, address, place, disassemble)
    return explainAny(format, file, address, place)
  })
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
