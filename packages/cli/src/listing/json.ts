// Rows for programs.

import { type CfaRule, RETURN_ADDRESS, type RegisterRule, type UnwindRow, x64 } from '@framewright/frame-layout'
import type { ListedFunction } from './listed-function.ts'

export interface JsonRow {
  readonly at: number
  /** `{ register, offset }` nearly always. */
  readonly cfa: Readonly<Record<string, unknown>>
  /** By register name; a register that is not in it is unchanged. */
  readonly registers: Readonly<Record<string, unknown>>
}

export function jsonRow({ at, cfa, registers }: UnwindRow): JsonRow {
  const named: Record<string, unknown> = {}
  for (const [register, rule] of registers) {
    const name = register === RETURN_ADDRESS ? 'return' : x64.registerNames[register]
    named[name] = withName(rule)
  }
  const { rule, ...place } = withName(cfa)
  return { at, cfa: rule === 'register' ? place : { rule, ...place }, registers: named }
}

function withName(rule: CfaRule | RegisterRule): Readonly<Record<string, unknown>> {
  return 'register' in rule ? { ...rule, register: x64.registerNames[rule.register] } : rule
}

/** Where a function of a linked image lies; nothing for others. */
export function placeJson({ place }: ListedFunction): { readonly address?: string } {
  return place === undefined ? {} : { address: `0x${place.address.toString(16)}` }
}
