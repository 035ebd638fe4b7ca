/**
 * What a record means: for every range of code offsets, where the canonical frame address (CFA) is and where each register
 * of the caller lives. The CFA is the value of SP in the caller just before the call. Rows are the truth that every format
 * is held against.
 */

import type { FrameArchitecture, Register } from './architecture.ts'
import type { FramePart, FrameRecord } from './record.ts'
import { entryState } from './state.ts'

/** From offset `at` up to the next row. */
export interface UnwindRow {
  readonly at: number
  readonly cfa: CfaRule
  /**
   * Where the caller's registers are. A register that is not in it is unchanged. Ascending by register number. The return
   * address (32 on x86-64) is always in it.
   */
  readonly registers: ReadonlyMap<Register, RegisterRule>
  /** Bytes of arguments that lie pushed for a call; 0 nearly always. */
  readonly argumentBytes: number
  /** The return address is signed (AArch64's pointer authentication). */
  readonly returnAddressSigned?: true
}

/** How to get at the CFA. */
export type CfaRule =
  /** register + offset. */
  | { readonly rule: 'register'; readonly register: Register; readonly offset: number }
  /** What lies in memory at register + offset, plus `add`. */
  | { readonly rule: 'memory'; readonly register: Register; readonly offset: number; readonly add: number }
  /** The value of a DWARF expression, as hexadecimal digits. */
  | { readonly rule: 'expression'; readonly expression: string }

/** How to get at the caller's value of one register. */
export type RegisterRule =
  /** In memory at CFA + offset. */
  | { readonly rule: 'cfa-offset'; readonly offset: number }
  /** The value is CFA + offset. */
  | { readonly rule: 'cfa-value'; readonly offset: number }
  /** In another register. */
  | { readonly rule: 'register'; readonly register: Register }
  /** In memory at register + offset, registers being this frame's. */
  | { readonly rule: 'memory'; readonly register: Register; readonly offset: number }
  /** At the address that a DWARF expression (hexadecimal digits) gives; it starts with the CFA. */
  | { readonly rule: 'expression'; readonly expression: string }
  /** The value that a DWARF expression gives. */
  | { readonly rule: 'value-expression'; readonly expression: string }
  /** Lost. Of the return address: there is no caller. */
  | { readonly rule: 'undefined' }
  /** Still in the register. Never in the rows that this package makes: there, absence says it. */
  | { readonly rule: 'unchanged' }

/**
 * The rows of a record, canonical: the first at 0, no two neighbours that say the same, none at or past `codeSize`. Those
 * of a function in several parts are cut by `partRows`.
 *
 * @param architecture - needed for architectures that do not ship with the package.
 * @throws FrameError where the events contradict each other or lose the CFA.
 */
export function unwindRows(record: FrameRecord, architecture?: FrameArchitecture): UnwindRow[] {
  const state = entryState(record, architecture)
  const rows: UnwindRow[] = []
  const { events, codeSize } = record
  let at = 0
  for (let i = 0; i < events.length; i++) {
    const event = events[i]!
    if (event.at !== at) {
      addRow(rows, state.row(at))
      at = event.at
    }
    state.apply(event, i)
  }
  if (at < codeSize || at === 0) addRow(rows, state.row(at))
  return rows
}

/** The parts of a function: itself where it lies in one. */
export function partsOf(record: FrameRecord): readonly FramePart[] {
  return record.parts ?? [{ begin: 0, end: record.codeSize }]
}

/** The rows of one part, with offsets from its begin; the first is at 0, whatever holds there. */
export function partRows(rows: readonly UnwindRow[], part: FramePart): UnwindRow[] {
  const own = [{ ...rowAt(rows, part.begin), at: 0 }]
  for (const row of rows) if (row.at > part.begin && row.at < part.end) own.push({ ...row, at: row.at - part.begin })
  return own
}

/** Adds a row unless it says what the last one says already. */
function addRow(rows: UnwindRow[], row: UnwindRow): void {
  const last = rows.at(-1)
  if (last === undefined || !sameState(last, row)) rows.push(row)
}

/** Whether two rows say the same of the frame; where they begin does not count. */
export function sameState(a: UnwindRow, b: UnwindRow): boolean {
  if (!sameCfa(a.cfa, b.cfa) || a.returnAddressSigned !== b.returnAddressSigned) return false
  if (a.argumentBytes !== b.argumentBytes || a.registers.size !== b.registers.size) return false
  if (a.registers === b.registers) return true // rows of one record share what did not change between them
  for (const [register, rule] of a.registers) {
    const other = b.registers.get(register)
    if (other === undefined || !sameRule(rule, other)) return false
  }
  return true
}

/** Whether two rules lead to the same CFA. */
export function sameCfa(a: CfaRule, b: CfaRule): boolean {
  switch (a.rule) {
    case 'register':
      return b.rule === 'register' && b.register === a.register && b.offset === a.offset
    case 'memory':
      return b.rule === 'memory' && b.register === a.register && b.offset === a.offset && b.add === a.add
    case 'expression':
      return b.rule === 'expression' && b.expression === a.expression
  }
}

/** Whether two rules lead to the same place. */
export function sameRule(a: RegisterRule, b: RegisterRule): boolean {
  switch (a.rule) {
    case 'cfa-offset':
    case 'cfa-value':
      return b.rule === a.rule && b.offset === a.offset
    case 'register':
      return b.rule === 'register' && b.register === a.register
    case 'memory':
      return b.rule === 'memory' && b.register === a.register && b.offset === a.offset
    case 'expression':
    case 'value-expression':
      return b.rule === a.rule && b.expression === a.expression
    case 'undefined':
    case 'unchanged':
      return b.rule === a.rule
  }
}

/** The row that holds at a code offset. */
export function rowAt(rows: readonly UnwindRow[], offset: number): UnwindRow {
  let low = 0
  let high = rows.length
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (rows[middle]!.at <= offset) low = middle
    else high = middle
  }
  return rows[low]!
}
