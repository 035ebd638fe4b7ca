/**
 * What a record means: for every range of code offsets, where the canonical frame address (CFA) is and where each register
 * of the caller lives. The CFA is the value of SP in the caller just before the call. Rows are the truth that every format
 * is held against.
 */

import type { FrameArchitecture, Register } from './architecture.ts'
import type { FrameRecord } from './record.ts'
import { entryState } from './state.ts'

/** From offset `at` up to the next row. */
export interface UnwindRow {
  readonly at: number
  /** The CFA is register + offset. */
  readonly cfa: { readonly register: Register; readonly offset: number }
  /**
   * Where the caller's registers are. A register that is not in it is unchanged. Ascending by register number. The return
   * address (32 on x86-64) is always in it.
   */
  readonly registers: ReadonlyMap<Register, RegisterRule>
  /** Bytes of arguments that lie pushed for a call; 0 nearly always. */
  readonly argumentBytes: number
}

/** How to get at the caller's value of one register. */
export type RegisterRule =
  /** In memory at CFA + offset. */
  | { readonly rule: 'cfa-offset'; readonly offset: number }
  /** The value is CFA + offset. */
  | { readonly rule: 'cfa-value'; readonly offset: number }
  /** In another register. */
  | { readonly rule: 'register'; readonly register: Register }
  /** Lost. Of the return address: there is no caller. */
  | { readonly rule: 'undefined' }
  /** Still in the register. Never in the rows that this package makes: there, absence says it. */
  | { readonly rule: 'unchanged' }

/**
 * The rows of a record, canonical: the first at 0, no two neighbours that say the same, none at or past `codeSize`.
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

/** Adds a row unless it says what the last one says already. */
function addRow(rows: UnwindRow[], row: UnwindRow): void {
  const last = rows.at(-1)
  if (last === undefined || !sameState(last, row)) rows.push(row)
}

/** Whether two rows say the same of the frame; where they begin does not count. */
export function sameState(a: UnwindRow, b: UnwindRow): boolean {
  if (a.cfa.register !== b.cfa.register || a.cfa.offset !== b.cfa.offset) return false
  if (a.argumentBytes !== b.argumentBytes || a.registers.size !== b.registers.size) return false
  for (const [register, rule] of a.registers) {
    const other = b.registers.get(register)
    if (other === undefined || !sameRule(rule, other)) return false
  }
  return true
}

/** Whether two rules lead to the same place. */
export function sameRule(a: RegisterRule, b: RegisterRule): boolean {
  switch (a.rule) {
    case 'cfa-offset':
    case 'cfa-value':
      return b.rule === a.rule && b.offset === a.offset
    case 'register':
      return b.rule === 'register' && b.register === a.register
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
