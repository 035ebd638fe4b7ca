/** The rows of a frame record in SFrame's words, and the reasons why a row has none. */

import {
  entryState,
  type FramePart,
  type FrameRecord,
  partRows,
  type RegisterRule,
  type UnwindRow,
} from '@framewright/frame-layout'
import type { SFrameAbi } from './abi.ts'
import { SFrameError, type SFrameProblem } from './errors.ts'
import { type SFrameRow, type SFrameRule, sameRow } from './row.ts'

/**
 * The rows of one part, offsets from its begin; those that say nothing new are left out.
 *
 * @throws SFrameError with the event from which on the frame cannot be described.
 */
export function sframeRows(
  record: FrameRecord,
  rows: readonly UnwindRow[],
  part: FramePart,
  abi: SFrameAbi,
  version: 1 | 2,
): SFrameRow[] {
  const result: SFrameRow[] = []
  for (const row of partRows(rows, part)) {
    const said = inSFrame(row, abi, version)
    if ('code' in said) {
      throw new SFrameError(said, { in: 'record', event: culprit(record, part.begin + row.at, abi, version) })
    }
    const last = result.at(-1)
    if (last === undefined || !sameRow(last, said)) result.push(said)
  }
  return result
}

/** The event since which the state at an offset has had no words; -1 when it never had. */
function culprit(record: FrameRecord, at: number, abi: SFrameAbi, version: 1 | 2): number {
  const { events } = record
  const state = entryState(record, abi.architecture)
  let since = -1
  let refused = 'code' in inSFrame(state.row(0), abi, version)
  for (let i = 0; i < events.length && events[i]!.at <= at; i++) {
    state.apply(events[i]!, i)
    const now = 'code' in inSFrame(state.row(0), abi, version)
    if (now && !refused) since = i
    refused = now
  }
  return since
}

/** A row, or why there is none. */
function inSFrame(row: UnwindRow, abi: SFrameAbi, version: 1 | 2): SFrameRow | SFrameProblem {
  const { at, cfa, registers } = row
  const { stackPointer, framePointer, returnAddress } = abi.architecture
  const returns = registers.get(returnAddress)
  if (returns?.rule === 'undefined') {
    if (version === 1) return { code: 'outermost', version }
    return { at, cfa: null, returnAddress: null, framePointer: null, signed: false }
  }
  const name = (register: number): string => abi.architecture.registerNames[register] ?? `register ${register}`
  if (cfa.rule !== 'register') return { code: 'cfa', what: cfa.rule === 'memory' ? 'in memory' : 'an expression' }
  if (cfa.register !== stackPointer && cfa.register !== framePointer) {
    return { code: 'cfa', what: `${name(cfa.register)}+${cfa.offset}` }
  }
  if (!fitsWord(cfa.offset)) return { code: 'range', field: 'the CFA offset', value: cfa.offset }
  const sp = registers.get(stackPointer)
  if (sp !== undefined && !(sp.rule === 'cfa-value' && sp.offset === 0)) {
    return { code: 'stack-pointer', what: inWords(sp, name) }
  }

  const fixed = abi.fixedReturnAddress !== 0
  let address: SFrameRule | null = null
  if (returns !== undefined && returns.rule !== 'unchanged') {
    if (returns.rule !== 'cfa-offset' || (fixed && returns.offset !== abi.fixedReturnAddress)) {
      return { code: 'return-address', what: inWords(returns, name) }
    }
    if (!fitsWord(returns.offset)) return { code: 'range', field: 'its offset', value: returns.offset }
    if (!fixed) address = inMemory(returns.offset)
  } else if (fixed) return { code: 'return-address', what: 'in a register' }

  const saved = registers.get(framePointer)
  if (saved !== undefined && saved.rule !== 'unchanged') {
    if (saved.rule !== 'cfa-offset') return { code: 'frame-pointer', what: inWords(saved, name) }
    // The words of a row are CFA, return address, frame pointer: there is no third without the second.
    if (!fixed && address === null) return { code: 'frame-pointer', what: 'saved while the return address is not' }
    if (!fitsWord(saved.offset)) return { code: 'range', field: "the frame pointer's offset", value: saved.offset }
    return { at, cfa: direct(cfa), returnAddress: address, framePointer: inMemory(saved.offset), signed: isSigned(row) }
  }
  return { at, cfa: direct(cfa), returnAddress: address, framePointer: null, signed: isSigned(row) }
}

function isSigned(row: UnwindRow): boolean {
  return row.returnAddressSigned === true
}

function direct({ register, offset }: { readonly register: number; readonly offset: number }): SFrameRule {
  return { base: register, offset, dereferenced: false }
}

function inMemory(offset: number): SFrameRule {
  return { base: 'cfa', offset, dereferenced: true }
}

function fitsWord(value: number): boolean {
  return value === (value | 0)
}

function inWords(rule: RegisterRule, name: (register: number) => string): string {
  switch (rule.rule) {
    case 'cfa-offset':
      return `at CFA${signedText(rule.offset)}`
    case 'cfa-value':
      return `CFA${signedText(rule.offset)}`
    case 'register':
      return `in ${name(rule.register)}`
    case 'memory':
      return `at [${name(rule.register)}${signedText(rule.offset)}]`
    case 'expression':
    case 'value-expression':
      return 'an expression'
    case 'undefined':
      return 'lost'
    case 'unchanged':
      return 'unchanged'
  }
}

function signedText(value: number): string {
  return value < 0 ? String(value) : `+${value}`
}
