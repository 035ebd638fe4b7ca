/** Rows as frame-layout writes them, from rows as DWARF does: registers by the hardware's numbers, one way to say each. */

import { type RegisterRule, sameState, type UnwindRow } from '@framewright/frame-layout'
import { DwarfUnwindError } from './errors.ts'
import { addedConstant, registerPlusOffset } from './expression.ts'
import { hexOf } from './hex.ts'
import { DWARF_RETURN_ADDRESS, type DwarfRegister, hardwareRegister } from './registers.ts'
import type { CallFrameRow, CallFrameRule, CfaRule } from './rows.ts'

/**
 * Canonical rows: no two neighbours that say the same. Expressions that only add a constant are read as the rules they
 * stand for; "same value" and no rule are both "unchanged".
 *
 * @throws DwarfUnwindError for rules that `UnwindRow` has no words for: registers without a number.
 */
export function asUnwindRows(rows: readonly CallFrameRow[], returnAddress: DwarfRegister): UnwindRow[] {
  if (returnAddress !== DWARF_RETURN_ADDRESS) inexpressible(`return address column ${returnAddress}`)
  const result: UnwindRow[] = []
  for (const { at, cfa, registers, argumentBytes } of rows) {
    const rules: [number, RegisterRule][] = []
    for (const [register, rule] of registers) {
      const meaning = asRegisterRule(rule)
      if (meaning.rule === 'unchanged' && register !== DWARF_RETURN_ADDRESS) continue
      rules.push([number(register), meaning])
    }
    if (!registers.has(DWARF_RETURN_ADDRESS)) rules.push([number(DWARF_RETURN_ADDRESS), { rule: 'unchanged' }])
    rules.sort((a, b) => a[0] - b[0])
    const row: UnwindRow = { at, cfa: asCfa(cfa), registers: new Map(rules), argumentBytes }
    const last = result.at(-1)
    if (last === undefined || !sameState(last, row)) result.push(row)
  }
  return result
}

function asCfa(cfa: CfaRule | null): UnwindRow['cfa'] {
  if (cfa === null) inexpressible('a row without CFA')
  if (cfa.rule === 'register') return { rule: 'register', register: number(cfa.register), offset: cfa.offset }
  const place = registerPlusOffset(cfa.expression)
  return place === undefined
    ? { rule: 'expression', expression: hexOf(cfa.expression) }
    : { rule: 'register', register: number(place.register), offset: place.offset }
}

function asRegisterRule(rule: CallFrameRule): RegisterRule {
  switch (rule.rule) {
    case 'offset':
      return { rule: 'cfa-offset', offset: rule.offset }
    case 'val_offset':
      return { rule: 'cfa-value', offset: rule.offset }
    case 'register':
      return { rule: 'register', register: number(rule.register) }
    case 'expression':
    case 'val_expression': {
      const offset = addedConstant(rule.expression)
      if (offset === undefined) {
        const kind = rule.rule === 'expression' ? 'expression' : 'value-expression'
        return { rule: kind, expression: hexOf(rule.expression) }
      }
      return { rule: rule.rule === 'expression' ? 'cfa-offset' : 'cfa-value', offset }
    }
    case 'undefined':
      return { rule: 'undefined' }
    case 'same_value':
      return { rule: 'unchanged' }
  }
}

function number(register: DwarfRegister): number {
  return hardwareRegister(register) ?? inexpressible(`DWARF register ${register}`)
}

function inexpressible(what: string): never {
  throw new DwarfUnwindError({ code: 'row', what })
}
