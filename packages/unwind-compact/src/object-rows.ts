/** `__LD,__compact_unwind` of objects: a row of 32 bytes for each range of code. */

import type { UnwindRelocation, UnwindSection } from '@framewright/frame-layout'
import { SectionReader } from './bytes.ts'
import { ROW_BYTES } from './constants.ts'
import { CompactUnwindError } from './errors.ts'

/** A place that a linker fills in. */
export interface SymbolPlace {
  /** A symbol, or a section. */
  readonly symbol: string
  readonly addend: number
}

/** A row as an assembler writes it. */
export interface ObjectRow {
  readonly start: SymbolPlace
  readonly length: number
  readonly encoding: number
  readonly personality?: SymbolPlace
  readonly languageData?: SymbolPlace
}

/** A row as a linker reads it, relocations applied. */
export interface CompactUnwindRow {
  readonly start: bigint
  readonly length: number
  readonly encoding: number
  /** Address of the routine; 0 for none. */
  readonly personality: bigint
  /** Address of the LSDA; 0 for none. */
  readonly languageData: bigint
}

/** Fields that hold addresses, by their offset in a row. */
const START = 0
const LENGTH = 8
const ENCODING = 12
const PERSONALITY = 16
const LANGUAGE_DATA = 24

/** @throws CompactUnwindError for a length that does not fit. */
export function encodeObjectRows(rows: readonly ObjectRow[], name: string): UnwindSection {
  const bytes = new Uint8Array(rows.length * ROW_BYTES)
  const view = new DataView(bytes.buffer)
  const relocations: UnwindRelocation[] = []
  for (let i = 0; i < rows.length; i++) {
    const { start, length, encoding, personality, languageData } = rows[i]!
    const at = i * ROW_BYTES
    if (!Number.isInteger(length) || length < 0 || length > 0xffff_ffff) {
      throw new CompactUnwindError({ code: 'field-range', field: 'length', value: length, limit: 0xffff_ffff })
    }
    view.setUint32(at + LENGTH, length, true)
    view.setUint32(at + ENCODING, encoding, true)
    relocations.push({ offset: at + START, kind: 'absolute-64', ...start })
    if (personality !== undefined) relocations.push({ offset: at + PERSONALITY, kind: 'absolute-64', ...personality })
    if (languageData !== undefined) {
      relocations.push({ offset: at + LANGUAGE_DATA, kind: 'absolute-64', ...languageData })
    }
  }
  return { name, bytes, align: 8, relocations }
}

/** @throws CompactUnwindError for a section that is no number of rows. */
export function decodeObjectRows(bytes: Uint8Array): CompactUnwindRow[] {
  const reader = new SectionReader(bytes)
  const rows: CompactUnwindRow[] = []
  for (let at = 0; at < bytes.length; at += ROW_BYTES) {
    reader.require(at, ROW_BYTES, 'row')
    rows.push({
      start: reader.u64(at + START, 'start'),
      length: reader.u32(at + LENGTH, 'length'),
      encoding: reader.u32(at + ENCODING, 'encoding'),
      personality: reader.u64(at + PERSONALITY, 'personality'),
      languageData: reader.u64(at + LANGUAGE_DATA, 'LSDA'),
    })
  }
  return rows
}
