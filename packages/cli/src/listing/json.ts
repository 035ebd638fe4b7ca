// Rows for programs.

import { RETURN_ADDRESS, type UnwindRow, x64 } from '@framewright/frame-layout'

export interface JsonRow {
  readonly at: number
  readonly cfa: { readonly register: string; readonly offset: number }
  /** By register name; a register that is not in it is unchanged. */
  readonly registers: Readonly<Record<string, unknown>>
}

export function jsonRow({ at, cfa, registers }: UnwindRow): JsonRow {
  const named: Record<string, unknown> = {}
  for (const [register, rule] of registers) {
    const name = register === RETURN_ADDRESS ? 'return' : x64.registerNames[register]
    named[name] = rule.rule === 'register' ? { rule: 'register', register: x64.registerNames[rule.register] } : rule
  }
  return { at, cfa: { register: x64.registerNames[cfa.register], offset: cfa.offset }, registers: named }
}
