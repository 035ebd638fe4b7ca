/** Rows in words: one line each, as the command shows them. */

import type { FrameArchitecture } from './architecture.ts'
import { x64 } from './registers-x64.ts'
import type { CfaRule, UnwindRow } from './rows.ts'

/** What holds from a row on: `cfa = rsp+16, rbx at cfa-16, rip at cfa-8`. */
export function printRow(row: UnwindRow, architecture: FrameArchitecture = x64): string {
  const name = (register: number): string => architecture.registerNames[register] ?? `register ${register}`
  const parts = [`cfa = ${cfaText(row.cfa, name)}`]
  for (const [register, rule] of row.registers) {
    switch (rule.rule) {
      case 'cfa-offset':
        parts.push(`${name(register)} at cfa${signed(rule.offset)}`)
        break
      case 'cfa-value':
        parts.push(`${name(register)} = cfa${signed(rule.offset)}`)
        break
      case 'register':
        parts.push(`${name(register)} in ${name(rule.register)}`)
        break
      case 'memory':
        parts.push(`${name(register)} at ${name(rule.register)}${signed(rule.offset)}`)
        break
      case 'expression':
        parts.push(`${name(register)} at expression ${rule.expression}`)
        break
      case 'value-expression':
        parts.push(`${name(register)} = expression ${rule.expression}`)
        break
      case 'undefined':
        parts.push(register === architecture.returnAddress ? 'no caller' : `${name(register)} lost`)
        break
      case 'unchanged':
        break
    }
  }
  if (row.returnAddressSigned === true) parts.push('return address signed')
  if (row.argumentBytes !== 0) parts.push(`${row.argumentBytes} bytes of arguments`)
  return parts.join(', ')
}

/** A line for each row: its offset in hexadecimal, and what holds from there on. */
export function printRows(rows: readonly UnwindRow[], architecture: FrameArchitecture = x64): string[] {
  const width = Math.max(2, ...rows.map(({ at }) => at.toString(16).length))
  return rows.map((row) => `${row.at.toString(16).padStart(width, '0')}  ${printRow(row, architecture)}`)
}

function cfaText(cfa: CfaRule, name: (register: number) => string): string {
  switch (cfa.rule) {
    case 'register':
      return `${name(cfa.register)}${signed(cfa.offset)}`
    case 'memory':
      return `[${name(cfa.register)}${signed(cfa.offset)}]${cfa.add === 0 ? '' : signed(cfa.add)}`
    case 'expression':
      return `expression ${cfa.expression}`
  }
}

function signed(value: number): string {
  return value < 0 ? String(value) : `+${value}`
}
