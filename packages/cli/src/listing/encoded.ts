// The encoded unwind data of one function, field by field where we know the format, else in the format's own words.

import { decodeFrames, type FrameTable } from '@framewright/unwind-dwarf'
import type { Win64DecodedFunction } from '@framewright/unwind-win64'
import { plain, type Style } from '../style.ts'
import type { Subject, SubjectFunction } from '../subject.ts'
import { cieFields, fdeFields } from './dwarf-fields.ts'
import { type Field, fieldLines } from './fields.ts'
import type { LoadedObject } from './load-object.ts'
import { runtimeFunctionFields, unwindInfoFields } from './win64-fields.ts'

export interface EncodedPart {
  readonly title: string
  readonly note: string
  /** Equal keys: the same bytes of the file. */
  readonly key: string
  readonly fields: readonly Field[]
  readonly lines: readonly string[]
}

/** @throws the format's typed error on malformed data. */
export function encodedSections(subject: Subject, fn: SubjectFunction, style: Style = plain): EncodedPart[] {
  const { format, object } = subject
  if (format === null) return []
  const known =
    format.name === 'dwarf' ? dwarfParts(object, fn) : format.name === 'win64' ? win64Parts(object, fn) : null
  if (known !== null) return known.map((part) => ({ ...part, lines: fieldLines(part.fields, style) }))
  if (fn.unwind === null) return []
  return [
    { title: format.name, note: '', key: `${format.name} ${fn.name}`, fields: [], lines: format.print(fn.unwind) },
  ]
}

type Part = Omit<EncodedPart, 'lines'>

function dwarfParts(object: LoadedObject, fn: SubjectFunction): Part[] {
  const begin = object.decoded[fn.index][0]?.begin
  const parts: Part[] = []
  for (const [index, section] of object.image.sections.entries()) {
    if (section.name !== '.eh_frame') continue
    const table: FrameTable = decodeFrames(section.bytes, { address: section.address })
    const { bytes } = object.file.sections[index]
    for (const entry of table.entries) {
      if (entry.kind !== 'fde' || entry.begin !== begin) continue
      const cie = entry.cie.offset
      parts.push(
        {
          ...{ title: '.eh_frame, common information (CIE)', note: `at ${cie.toString(16)}, shared by the functions` },
          ...{ key: `cie ${index} ${cie}`, fields: cieFields(table, bytes, entry.cie) },
        },
        {
          ...{ title: '.eh_frame, frame description (FDE)', note: `at ${entry.offset.toString(16)}` },
          ...{ key: `fde ${index} ${entry.offset}`, fields: fdeFields(table, bytes, entry, fn.name) },
        },
      )
    }
  }
  return parts
}

function win64Parts(object: LoadedObject, fn: SubjectFunction): Part[] {
  const parts: Part[] = []
  for (const range of object.decoded[fn.index] as readonly Win64DecodedFunction[]) {
    const table = object.image.sections.findIndex(
      ({ name, bytes }) => name.startsWith('.pdata') && entryAt(bytes, range.entry.begin) >= 0,
    )
    const info = object.image.base + BigInt(range.entry.unwindInfo)
    const record = object.image.sections.findIndex(
      ({ address, bytes }) => info >= address && info < address + BigInt(bytes.length),
    )
    if (table < 0 || record < 0) continue
    const at = entryAt(object.image.sections[table].bytes, range.entry.begin)
    const infoAt = Number(info - object.image.sections[record].address)
    const from = Number(range.begin - object.addresses[fn.sectionIndex]) - fn.offset
    const place = (offset: number) => (offset === 0 ? fn.name : `${fn.name} + ${offset}`)
    const size = Number(range.end - range.begin)
    parts.push(
      {
        ...{ title: '.pdata, RUNTIME_FUNCTION', note: `at ${at.toString(16)}`, key: `pdata ${table} ${at}` },
        fields: runtimeFunctionFields(
          object.file.sections[table].bytes,
          at,
          place(from),
          place(from + size),
          `.xdata + ${infoAt}`,
        ),
      },
      {
        ...{ title: '.xdata, UNWIND_INFO', note: `at ${infoAt.toString(16)}`, key: `xdata ${record} ${infoAt}` },
        fields: unwindInfoFields(object.file.sections[record].bytes, infoAt),
      },
    )
  }
  return parts
}

/** Place of the entry with that begin; -1 when there is none. */
function entryAt(table: Uint8Array, begin: number): number {
  for (let at = 0; at + 12 <= table.length; at += 12) {
    const first = (table[at] | (table[at + 1] << 8) | (table[at + 2] << 16) | (table[at + 3] << 24)) >>> 0
    if (first === begin) return at
  }
  return -1
}
