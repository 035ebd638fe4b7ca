/** Rows as frame-layout has them, from SFrame's. */

import type { CfaRule, Register, RegisterRule, UnwindRow } from '@framewright/frame-layout'
import type { SFrameAbi } from './abi.ts'
import type { RowContext, RowPlace } from './decode.ts'
import { SFrameError } from './errors.ts'
import { readRows } from './read-rows.ts'
import { type SFrameRow, type SFrameRule, sameRow } from './row.ts'

/** Rows that repeat are written out up to this many. */
const ROWS_LIMIT = 0x1_0000

/**
 * What the rows of a function say, canonical: no two neighbours that say the same. Where there is no caller the bytes have no
 * CFA; it is given as SP then, and means nothing.
 *
 * @throws SFrameError for malformed rows, and for rules of version 3 that a row cannot hold.
 */
export function unwindRowsOf(table: RowContext, fn: RowPlace): UnwindRow[] {
  const rows: UnwindRow[] = []
  for (const row of repeated(distinct(readRows(table, fn)), fn)) rows.push(unwindRow(row, table.abi, fn))
  return rows
}

/** Without rows that say what the one in front says, and without those that the next one replaces at once. */
function distinct(rows: readonly SFrameRow[]): SFrameRow[] {
  const kept: SFrameRow[] = []
  for (const row of rows) {
    while (kept.length > 0 && kept.at(-1)!.at === row.at) kept.pop()
    const last = kept.at(-1)
    if (last === undefined || !sameRow(last, row)) kept.push(row)
  }
  return kept
}

function repeated(rows: readonly SFrameRow[], { repeat, size, offset }: RowPlace): readonly SFrameRow[] {
  if (repeat === 0 || rows.length === 1) return rows
  const count = Math.ceil(size / repeat) * rows.length
  if (count > ROWS_LIMIT) {
    throw new SFrameError({ code: 'too-large', rows: count, limit: ROWS_LIMIT }, { in: 'section', offset })
  }
  const all: SFrameRow[] = []
  for (let begin = 0; begin < size; begin += repeat) {
    for (const row of rows) if (begin + row.at < size) all.push({ ...row, at: begin + row.at })
  }
  return distinct(all)
}

function unwindRow(row: SFrameRow, abi: SFrameAbi, { offset }: RowPlace): UnwindRow {
  const { stackPointer, framePointer, returnAddress } = abi.architecture
  const registers: [Register, RegisterRule][] = []
  const refuse = (what: string): never => {
    throw new SFrameError({ code: 'row', what }, { in: 'section', offset })
  }
  if (row.cfa === null) {
    registers.push([returnAddress, { rule: 'undefined' }])
    const cfa = { rule: 'register', register: stackPointer, offset: 0 } as const
    return { at: row.at, cfa, registers: new Map(registers), argumentBytes: 0 }
  }
  if (row.framePointer !== null) registers.push([framePointer, registerRule(row.framePointer, refuse)])
  if (row.returnAddress !== null) registers.push([returnAddress, registerRule(row.returnAddress, refuse)])
  else if (abi.fixedReturnAddress !== 0) {
    registers.push([returnAddress, { rule: 'cfa-offset', offset: abi.fixedReturnAddress }])
  }
  const said: UnwindRow = {
    at: row.at,
    cfa: cfaRule(row.cfa, refuse),
    registers: new Map(registers.sort((a, b) => a[0] - b[0])),
    argumentBytes: 0,
  }
  return row.signed ? { ...said, returnAddressSigned: true } : said
}

function cfaRule({ base, offset, dereferenced }: SFrameRule, refuse: (what: string) => never): CfaRule {
  if (base === 'cfa') return refuse('a CFA that is found from itself')
  if (dereferenced) return { rule: 'memory', register: base, offset, add: 0 }
  return { rule: 'register', register: base, offset }
}

function registerRule({ base, offset, dereferenced }: SFrameRule, refuse: (what: string) => never): RegisterRule {
  if (base === 'cfa') return { rule: dereferenced ? 'cfa-offset' : 'cfa-value', offset }
  if (dereferenced) return { rule: 'memory', register: base, offset }
  return offset === 0 ? { rule: 'register', register: base } : refuse('a value at a distance from a register')
}
