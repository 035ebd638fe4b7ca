// Unwind rows as text.

import { RETURN_ADDRESS, type RegisterRule, RSP, sameState, type UnwindRow, x64 } from '@framewright/frame-layout'
import { largest } from '../largest.ts'
import { padTo, type Style } from '../style.ts'
import type { ListedFunction } from './listed-function.ts'

const names = x64.registerNames

/** `rsp+24`, `[rbp-8]`. */
export function cfaText({ cfa }: UnwindRow): string {
  switch (cfa.rule) {
    case 'register':
      return place(cfa)
    case 'memory':
      return `[${place(cfa)}]${cfa.add === 0 ? '' : signed(cfa.add)}`
    case 'expression':
      return 'expression'
  }
}

function place({ register, offset }: { readonly register: number; readonly offset: number }): string {
  return `${names[register]}${signed(offset)}`
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
    case 'memory':
      return `[${place(rule)}]`
    case 'expression':
      return '[expression]'
    case 'value-expression':
      return '=expression'
    case 'undefined':
      return 'lost'
    case 'unchanged':
      return 'unchanged'
  }
}

/** Registers that are not where they were on entry, in a few letters each: `rbx-16`, an offset from the CFA. */
function savedShort({ registers }: UnwindRow): Map<number, string> {
  const parts = new Map<number, string>()
  for (const [register, rule] of registers) {
    if (register === RETURN_ADDRESS && rule.rule === 'cfa-offset' && rule.offset === x64.returnAddressOffset) continue
    const name = register === RETURN_ADDRESS ? 'return' : names[register]
    parts.set(register, rule.rule === 'cfa-offset' ? `${name}${signed(rule.offset)}` : `${name} ${ruleText(rule)}`)
  }
  return parts
}

/** Registers in a list before it says only what has changed. */
const LISTED = 4

/**
 * For each row what is saved: all of it where that is little, else what has changed since the row before (`+rbx-16`
 * saved, `-rbx` back in its register), or which earlier row it is like.
 */
export function savedColumn(rows: readonly UnwindRow[], width: number): string[] {
  let before = new Map<number, string>()
  return rows.map((row, index) => {
    const now = savedShort(row)
    const changes: string[] = []
    for (const [register, text] of now) if (before.get(register) !== text) changes.push(`+${text}`)
    for (const register of before.keys()) if (!now.has(register)) changes.push(`-${names[register]}`)
    before = now
    if (now.size <= LISTED && changes.length <= LISTED) return [...now.values()].join(' ')
    if (changes.length === 0) return '|'
    const like = rows.slice(0, index).find((other) => sameState(other, row))
    if (changes.length > 1 && like !== undefined) return `as at ${hex(like.at, width)}`
    return changes.length <= LISTED ? changes.join(' ') : [...now.values()].join(' ')
  })
}

export function signed(value: number): string {
  return value < 0 ? String(value) : `+${value}`
}

/** Bytes between the return address and rsp where the frame is largest; null when rsp is not what the CFA hangs on. */
export function frameBytes(rows: readonly UnwindRow[]): number | null {
  let most = 0
  for (const { cfa } of rows) {
    if (cfa.rule !== 'register' || cfa.register !== RSP) return null
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
  const mentioned = new Set<number>()
  for (const row of rows) for (const register of row.registers.keys()) mentioned.add(register)
  const shown = [...mentioned].sort((a, b) => a - b)
  const width = Math.max(2, codeSize.toString(16).length)
  const isWide = shown.length > LISTED + 2
  const saved = isWide ? savedColumn(rows, width) : []
  const head = ['from', 'to', 'CFA', ...(isWide ? ['saved, from the CFA'] : shown.map(columnName))]
  const table = rows.map((row, index) => [
    hex(row.at, width),
    hex(rows[index + 1]?.at ?? codeSize, width),
    cfaText(row),
    ...(isWide ? [saved[index]] : shown.map((register) => cellText(row, register))),
  ])
  const widths = head.map((text, column) =>
    largest(
      table.map((line) => line[column].length),
      text.length,
    ),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => padTo(cell, widths[column]))
      .join('  ')
      .trimEnd()
  return [style('dim', line(head)), ...table.map(line)]
}

function columnName(register: number): string {
  return register === RETURN_ADDRESS ? 'return' : names[register]
}

function cellText({ registers }: UnwindRow, register: number): string {
  const rule = registers.get(register)
  return rule === undefined ? '' : ruleText(rule)
}

export function hex(value: number, width: number): string {
  return value.toString(16).padStart(width, '0')
}

/** Where a function of a linked image lies, in words; none for others, and where its name says so. */
export function placeText({ name, place }: ListedFunction): string[] {
  const address = place === undefined ? name : `0x${place.address.toString(16)}`
  return address === name ? [] : [`at ${address}`]
}
