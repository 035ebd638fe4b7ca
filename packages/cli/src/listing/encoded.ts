// The encoded unwind data of one function, field by field where we know the format, else in the format's own words.

import { decodeFrames, type FrameDescriptionEntry, type FrameTable } from '@framewright/unwind-dwarf'
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
export type EncodedReader = (fn: SubjectFunction, style?: Style) => EncodedPart[]

type Part = Omit<EncodedPart, 'lines'>

/** Reads the sections once; the result shows any function's part of them. */
export function encodedReader({ format, object }: Subject): EncodedReader {
  if (format === null) return () => []
  if (format.name === 'dwarf') return withLines(dwarfReader(object))
  if (format.name === 'win64') return withLines(win64Reader(object))
  return ({ name, unwind }) =>
    unwind === null
      ? []
      : [{ title: format.name, note: '', key: `${format.name} ${name}`, fields: [], lines: format.print(unwind) }]
}

function withLines(read: (fn: SubjectFunction) => Part[]): EncodedReader {
  return (fn, style = plain) => read(fn).map((part) => ({ ...part, lines: fieldLines(part.fields, style) }))
}

interface PlacedEntry {
  readonly table: FrameTable
  readonly entry: FrameDescriptionEntry
  readonly section: number
}

function dwarfReader({ file, image, decoded }: LoadedObject): (fn: SubjectFunction) => Part[] {
  const entries = new Map<bigint, PlacedEntry[]>()
  for (const [section, { name, bytes, address }] of image.sections.entries()) {
    if (name !== '.eh_frame') continue
    const table = decodeFrames(bytes, { address })
    for (const entry of table.entries) {
      if (entry.kind === 'fde')
        entries.set(entry.begin, [...(entries.get(entry.begin) ?? []), { table, entry, section }])
    }
  }
  return (fn) => {
    const begin = decoded[fn.index][0]?.begin
    const own = begin === undefined ? [] : (entries.get(begin) ?? [])
    return own.flatMap(({ table, entry, section }): Part[] => {
      const { bytes } = file.sections[section]
      const cie = entry.cie.offset
      return [
        {
          ...{ title: '.eh_frame, common information (CIE)', note: `at ${cie.toString(16)}, shared by the functions` },
          ...{ key: `cie ${section} ${cie}`, fields: cieFields(table, bytes, entry.cie) },
        },
        {
          ...{ title: '.eh_frame, frame description (FDE)', note: `at ${entry.offset.toString(16)}` },
          ...{ key: `fde ${section} ${entry.offset}`, fields: fdeFields(table, bytes, entry, fn.name) },
        },
      ]
    })
  }
}

function win64Reader({ file, image, addresses, decoded }: LoadedObject): (fn: SubjectFunction) => Part[] {
  /** Section and place of each table entry, by the begin that it names. */
  const entries = new Map<number, readonly [section: number, at: number]>()
  for (const [section, { name, bytes }] of image.sections.entries()) {
    if (!name.startsWith('.pdata')) continue
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let at = 0; at + 12 <= bytes.length; at += 12) entries.set(view.getUint32(at, true), [section, at])
  }
  return (fn) =>
    (decoded[fn.index] as readonly Win64DecodedFunction[]).flatMap((range): Part[] => {
      const found = entries.get(range.entry.begin)
      const info = image.base + BigInt(range.entry.unwindInfo)
      const record = image.sections.findIndex(
        ({ address, bytes }) => info >= address && info < address + BigInt(bytes.length),
      )
      if (found === undefined || record < 0) return []
      const [table, at] = found
      const infoAt = Number(info - image.sections[record].address)
      const from = Number(range.begin - addresses[fn.sectionIndex]) - fn.offset
      const place = (offset: number) => (offset === 0 ? fn.name : `${fn.name} + ${offset}`)
      const to = from + Number(range.end - range.begin)
      const words = [place(from), place(to), `.xdata + ${infoAt}`] as const
      return [
        {
          ...{ title: '.pdata, RUNTIME_FUNCTION', note: `at ${at.toString(16)}`, key: `pdata ${table} ${at}` },
          fields: runtimeFunctionFields(file.sections[table].bytes, at, ...words),
        },
        {
          ...{ title: '.xdata, UNWIND_INFO', note: `at ${infoAt.toString(16)}`, key: `xdata ${record} ${infoAt}` },
          fields: unwindInfoFields(file.sections[record].bytes, infoAt),
        },
      ]
    })
}
