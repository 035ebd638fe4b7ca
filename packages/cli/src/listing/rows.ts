// Unwind rows as text.

import { RETURN_ADDRESS, type RegisterRule, RSP, type UnwindRow, x64 } from '@framewright/frame-layout'
import { padTo, type Style } from '../style.ts'

const names = x64.registerNames

/** `rsp+24` */
export function cfaText({ cfa }: UnwindRow): string {
  return `${names[cfa.register]}${signed(cfa.offset)}`
}

/** `cfa-16`, `in rcx`, `lost`. */
export function ruleText(rule: RegisterRule): string {
  switch (rule.rule) {
    case 'cfa-offset':
      return `cfa${signed(rule.offset)}`
    case 'cfa-value':
      return `=cfa${signed(rule.offset)}`
    case 'register':
      return `in ${names[rule.register]}`
    case 'undefined':
      return 'lost'
    case 'unchanged':
      return 'unchanged'
  }
}

/** `rbx at cfa-16, rbp at cfa-24`; the return address only where it is not in its place. */
export function savedText({ registers }: UnwindRow): string {
  const parts: string[] = []
  for (const [register, rule] of registers) {
    const inPlace = rule.rule === 'cfa-offset' && rule.offset === x64.returnAddressOffset
    if (register === RETURN_ADDRESS && inPlace) continue
    const name = register === RETURN_ADDRESS ? 'return address' : names[register]
    parts.push(`${name} ${rule.rule === 'cfa-offset' ? 'at ' : ''}${ruleText(rule)}`)
  }
  return parts.join(', ')
}

/** The same in a few letters: `rbx-16 rbp-24`, each an offset from the CFA. */
export function savedShort({ registers }: UnwindRow): string {
  const parts: string[] = []
  for (const [register, rule] of registers) {
    if (register === RETURN_ADDRESS && rule.rule === 'cfa-offset' && rule.offset === x64.returnAddressOffset) continue
    const name = register === RETURN_ADDRESS ? 'return' : names[register]
    if (rule.rule === 'cfa-offset') parts.push(`${name}${signed(rule.offset)}`)
    else parts.push(`${name} ${ruleText(rule)}`)
  }
  return parts.join(' ')
}

export function signed(value: number): string {
  return value < 0 ? String(value) : `+${value}`
}

/** Bytes between the return address and rsp where the frame is largest; null when rsp is not what the CFA hangs on. */
export function frameBytes(rows: readonly UnwindRow[]): number | null {
  let most = 0
  for (const { cfa } of rows) {
    if (cfa.register !== RSP) return null
    most = Math.max(most, cfa.offset - 8)
  }
  return most
}

/** Registers that some row finds in memory, in their order. */
export function savedRegisters(rows: readonly UnwindRow[]): number[] {
  const found = new Set<number>()
  for (const { registers } of rows) {
    for (const [register, { rule }] of registers) {
      if (register !== RETURN_ADDRESS && rule === 'cfa-offset') found.add(register)
    }
  }
  return [...found].sort((a, b) => a - b)
}

/** One line for each row: from where to where, the CFA, and a column for each register that is ever saved. */
export function rowTable(rows: readonly UnwindRow[], codeSize: number, style: Style): string[] {
  const registers = [...savedRegisters(rows), RETURN_ADDRESS]
  const extra = new Set<number>()
  for (const row of rows) for (const register of row.registers.keys()) extra.add(register)
  const shown = [...new Set([...registers, ...extra])].sort((a, b) => a - b)
  const head = [
    'from',
    'to',
    'CFA',
    ...shown.map((register) => (register === RETURN_ADDRESS ? 'return' : names[register])),
  ]
  const width = Math.max(2, codeSize.toString(16).length)
  const table = rows.map((row, index) => [
    hex(row.at, width),
    hex(rows[index + 1]?.at ?? codeSize, width),
    cfaText(row),
    ...shown.map((register) => {
      const rule = row.registers.get(register)
      return rule === undefined ? '' : ruleText(rule)
    }),
  ])
  const widths = head.map((text, column) => Math.max(text.length, ...table.map((line) => line[column].length)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => padTo(cell, widths[column]))
      .join('  ')
      .trimEnd()
  return [style('dim', line(head)), ...table.map(line)]
}

export function hex(value: number, width: number): string {
  return value.toString(16).padStart(width, '0')
}
