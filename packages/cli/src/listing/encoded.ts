// The encoded unwind data of one function, field by field where we know the format, else in the format's own words.

import type { UnwindFormat } from '@framewright/frame-layout'
import { decodeFrames, type FrameDescriptionEntry, type FrameTable, frameSections } from '@framewright/unwind-dwarf'
import type { Win64DecodedFunction } from '@framewright/unwind-win64'
import { plain, type Style } from '../style.ts'
import type { Subject, SubjectFunction } from '../subject.ts'
import { cieFields, fdeFields } from './dwarf-fields.ts'
import { type Field, fieldLines } from './fields.ts'
import type { FileSection, LoadedFile } from './loaded-file.ts'
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
export function encodedReader({ file }: Pick<Subject, 'file'>): EncodedReader {
  const readers = new Map<string, EncodedReader>()
  return (fn, style) => {
    const { format } = fn
    if (format === null) return []
    let reader = readers.get(format.name)
    if (reader === undefined) {
      reader = readerOf(format, file)
      readers.set(format.name, reader)
    }
    return reader(fn, style)
  }
}

function readerOf(format: UnwindFormat, file: LoadedFile): EncodedReader {
  if (format.name === 'dwarf') return withLines(dwarfReader(file))
  if (format.name === 'win64') return withLines(win64Reader(file))
  return ({ address, name, ranges, unwind }) => {
    const lines = unwind === null ? ranges.flatMap((range) => range.print?.() ?? []) : format.print(unwind)
    return [{ title: format.name, note: '', key: `${format.name} ${name} ${address}`, fields: [], lines }]
  }
}

function withLines(read: (fn: SubjectFunction) => Part[]): EncodedReader {
  return (fn, style = plain) => read(fn).map((part) => ({ ...part, lines: fieldLines(part.fields, style) }))
}

interface PlacedEntry {
  readonly table: FrameTable
  readonly entry: FrameDescriptionEntry
  readonly section: FileSection
}

function dwarfReader({ image, sections, kind }: LoadedFile): (fn: SubjectFunction) => Part[] {
  const isLinked = kind === 'image'
  const entries = new Map<bigint, PlacedEntry[]>()
  const chosen = frameSections(image)
  for (const section of sections) {
    const { name, bytes, address } = section
    if (!chosen.some((other) => other.bytes === bytes)) continue
    const table = decodeFrames(bytes, { address, debug: name === '.debug_frame' })
    for (const entry of table.entries) {
      if (entry.kind !== 'fde') continue
      const list = entries.get(entry.begin)
      if (list === undefined) entries.set(entry.begin, [{ table, entry, section }])
      else list.push({ table, entry, section })
    }
  }
  return (fn) => {
    const begins = new Set(fn.ranges.map(({ begin }) => begin))
    const own = [...begins].flatMap((begin) => entries.get(begin) ?? [])
    return own.flatMap(({ table, entry, section: { name, stored } }): Part[] => {
      const cie = entry.cie.offset
      return [
        {
          ...{ title: `${name}, common information (CIE)`, note: `at ${cie.toString(16)}, shared by the functions` },
          ...{ key: `cie ${name} ${cie}`, fields: cieFields(table, stored, entry.cie) },
        },
        {
          ...{ title: `${name}, frame description (FDE)`, note: `at ${entry.offset.toString(16)}` },
          key: `fde ${name} ${entry.offset}`,
          fields: fdeFields(table, stored, entry, codePlace(fn, entry.begin), isLinked),
        },
      ]
    })
  }
}

/** A place in the code of a function, in words. */
function codePlace({ name, address, place }: SubjectFunction, at: bigint): string {
  const offset = Number(at - address)
  const words = offset === 0 ? name : `${name} ${offset < 0 ? '-' : '+'} ${Math.abs(offset)}`
  return place === undefined || (offset === 0 && name.startsWith('0x')) ? words : `${words}, 0x${at.toString(16)}`
}

function win64Reader({ image, sections, kind }: LoadedFile): (fn: SubjectFunction) => Part[] {
  const isLinked = kind === 'image'
  /** Section and place of each table entry, by the begin that it names. */
  const entries = new Map<number, readonly [section: FileSection, at: number]>()
  for (const section of sections) {
    const { name, bytes } = section
    if (!name.startsWith('.pdata')) continue
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let at = 0; at + 12 <= bytes.length; at += 12) entries.set(view.getUint32(at, true), [section, at])
  }
  return (fn) =>
    (fn.ranges as readonly Win64DecodedFunction[]).flatMap((range): Part[] => {
      const found = entries.get(Number(range.begin - image.base))
      const info = image.base + BigInt(range.entry.unwindInfo)
      const record = sections.find(({ address, bytes }) => info >= address && info < address + BigInt(bytes.length))
      if (found === undefined || record === undefined) return []
      const [table, at] = found
      const infoAt = Number(info - record.address)
      const words = [codePlace(fn, range.begin), codePlace(fn, range.end), `${record.name} + ${infoAt}`] as const
      return [
        {
          ...{ title: '.pdata, RUNTIME_FUNCTION', note: `at ${at.toString(16)}`, key: `pdata ${table.address} ${at}` },
          fields: runtimeFunctionFields(table.stored, at, ...words, isLinked),
        },
        {
          ...{ title: `${record.name}, UNWIND_INFO`, note: `at ${infoAt.toString(16)}`, key: `xdata ${info}` },
          fields: unwindInfoFields(record.stored, infoAt),
        },
      ]
    })
}
