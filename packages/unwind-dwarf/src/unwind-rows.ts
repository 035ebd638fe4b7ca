/** Rows as frame-layout writes them, from rows as DWARF does: registers by the hardware's numbers, one way to say each. */

import { type RegisterRule, sameState, type UnwindRow } from '@framewright/frame-layout'
import { conventionsOf, type DwarfArchitecture, type DwarfRegister } from './architecture.ts'
import { DwarfUnwindError } from './errors.ts'
import { addedConstant, registerPlusOffset, wordAtRegister } from './expression.ts'
import { hexOf } from './hex.ts'
import { dwarfX64 } from './registers.ts'
import type { CallFrameRow, CallFrameRule, CfaRule } from './rows.ts'

/**
 * Canonical rows: no two neighbours that say the same. Expressions that only add a constant, or say that something lies at
 * a register's value, are read as the rules they stand for; "same value" and no rule are both "unchanged".
 *
 * @throws DwarfUnwindError for rules that `UnwindRow` has no words for: registers without a number.
 */
export function asUnwindRows(
  rows: readonly CallFrameRow[],
  returnAddress: DwarfRegister,
  architecture: DwarfArchitecture = dwarfX64,
): UnwindRow[] {
  const conventions = conventionsOf(architecture)
  // Where calls push the return address, "unchanged" has to be said of it.
  const pushed = conventions.returnAddressOffset !== null
  // The CIE names the column that stands for it: GNU's assembler takes 32 in COFF, where the ABI has xmm15.
  const number = (register: DwarfRegister): number => {
    if (register === returnAddress) return architecture.frame.returnAddress
    const own = conventions.fromDwarf(register) ?? inexpressible(`DWARF register ${register}`)
    return own === architecture.frame.returnAddress ? inexpressible(`a second return address, ${register}`) : own
  }
  const result: UnwindRow[] = []
  for (const { at, cfa, registers, argumentBytes, returnAddressSigned } of rows) {
    const rules: [number, RegisterRule][] = []
    for (const [register, rule] of registers) {
      const meaning = asRegisterRule(rule, number)
      if (meaning.rule === 'unchanged' && !(pushed && register === returnAddress)) continue
      rules.push([number(register), meaning])
    }
    if (pushed && !registers.has(returnAddress)) rules.push([number(returnAddress), { rule: 'unchanged' }])
    rules.sort((a, b) => a[0] - b[0])
    const row: UnwindRow = {
      at,
      cfa: asCfa(cfa, number),
      registers: new Map(rules),
      argumentBytes,
      ...(returnAddressSigned === true ? { returnAddressSigned } : undefined),
    }
    const last = result.at(-1)
    if (last === undefined || !sameState(last, row)) result.push(row)
  }
  return result
}

type Number = (register: DwarfRegister) => number

function asCfa(cfa: CfaRule | null, number: Number): UnwindRow['cfa'] {
  if (cfa === null) inexpressible('a row without CFA')
  if (cfa.rule === 'register') {
    if (cfa.addressSpace !== undefined) inexpressible(`a CFA in address space ${cfa.addressSpace}`)
    return { rule: 'register', register: number(cfa.register), offset: cfa.offset }
  }
  const place = registerPlusOffset(cfa.expression)
  if (place !== undefined) return { rule: 'register', register: number(place.register), offset: place.offset }
  const word = wordAtRegister(cfa.expression)
  if (word !== undefined) return { rule: 'memory', ...word, register: number(word.register) }
  return { rule: 'expression', expression: hexOf(cfa.expression) }
}

function asRegisterRule(rule: CallFrameRule, number: Number): RegisterRule {
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
        const place = rule.rule === 'expression' ? registerPlusOffset(rule.expression) : undefined
        if (place !== undefined) return { rule: 'memory', register: number(place.register), offset: place.offset }
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

function inexpressible(what: string): never {
  throw new DwarfUnwindError({ code: 'row', what })
}
