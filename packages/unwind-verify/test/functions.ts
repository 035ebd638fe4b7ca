// Functions written by hand, a line for each instruction: its bytes, what they mean (held against iced-x86), and what is
// true before it runs: `rsp+16 rbp-16` is CFA = rsp+16 and rbp saved at CFA-16. Nothing: as in the line before.

import {
  type CfaRule,
  RETURN_ADDRESS,
  type RegisterRule,
  sameState,
  type UnwindRow,
  x64,
} from '@framewright/frame-layout'
import { disassemble } from '@framewright/testkit'
import { expect } from 'vitest'
import type { LandingPad, VerifiedRange } from '../src/index.ts'

export interface Written {
  readonly name: string
  readonly begin: number
  readonly code: Uint8Array
  readonly rows: readonly UnwindRow[]
  /** Where instructions begin. */
  readonly boundaries: readonly number[]
}

/** @param begin - the address; direct jumps in the text name offsets from 0. */
export function written(name: string, text: string, begin: number = 0x1000): Written {
  const bytes: number[] = []
  const boundaries: number[] = []
  const said: string[] = []
  const rows: UnwindRow[] = []
  for (const line of text.trim().split('\n')) {
    const [hex = '', meaning = '', state = ''] = line.split('|').map((part) => part.trim())
    const at = bytes.length
    if (state !== '') {
      const row = parseRow(state, at)
      const last = rows.at(-1)
      if (last === undefined || !sameState(last, row)) rows.push(row)
    }
    boundaries.push(at)
    said.push(meaning)
    bytes.push(...hex.split(' ').map((byte) => Number.parseInt(byte, 16)))
  }
  const code = Uint8Array.from(bytes)
  const meant = disassemble(code, 0n).map((each) => each.text)
  expect(meant, name).toEqual(said)
  return { name, begin, code, rows, boundaries }
}

export function rangeOf({ name, begin, code, rows }: Written, landingPads?: readonly LandingPad[]): VerifiedRange {
  return { name, begin, code, rows, ...(landingPads === undefined ? {} : { landingPads }) }
}

/** `rsp+16 rbp-16 rip-8`: rip-8 where nothing else is said; `[rbp-8]` as a CFA; `rbp@rbp+0`: at a register. */
function parseRow(text: string, at: number): UnwindRow {
  const [cfaText = '', ...rules] = text.split(' ')
  const registers = new Map<number, RegisterRule>([[RETURN_ADDRESS, { rule: 'cfa-offset', offset: -8 }]])
  for (const rule of rules) {
    const [, name = '', base, offset = ''] = /^(\w+?)(?:@(\w+?))?([+-]\d+)$/.exec(rule) ?? []
    const register = registerNumber(name)
    if (base === undefined) registers.set(register, { rule: 'cfa-offset', offset: Number(offset) })
    else registers.set(register, { rule: 'memory', register: registerNumber(base), offset: Number(offset) })
  }
  const sorted = [...registers].sort(([a], [b]) => a - b)
  return { at, cfa: parseCfa(cfaText), registers: new Map(sorted), argumentBytes: 0 }
}

function parseCfa(text: string): CfaRule {
  const [, open, name = '', offset = ''] = /^(\[?)(\w+?)([+-]\d+)\]?$/.exec(text) ?? []
  const place = { register: registerNumber(name), offset: Number(offset) }
  return open === '[' ? { rule: 'memory', ...place, add: 0 } : { rule: 'register', ...place }
}

function registerNumber(name: string): number {
  const number = x64.registerNames.indexOf(name)
  if (number < 0) throw new Error(`no register '${name}'`)
  return number
}
