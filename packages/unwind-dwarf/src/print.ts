/**
 * Call-frame information in words: rows as a table, operations one by one with their bytes and what they mean, entries
 * with their headers. What `framewright unwind` shows.
 */

import { conventionsOf, type DwarfArchitecture } from './architecture.ts'
import { type CommonInformationEntry, type FrameDescriptionEntry, type FrameTable, instructionsOf } from './decode.ts'
import { DwarfUnwindError } from './errors.ts'
import { printExpression } from './expression.ts'
import type { CallFrameInstruction, CallFrameOperation } from './operations.ts'
import { dwarfX64, registerName } from './registers.ts'
import { type CallFrameRow, type CallFrameRule, type CfaRule, callFrameRows } from './rows.ts'

const hex = (value: number | bigint, digits: number = 1): string => `0x${value.toString(16).padStart(digits, '0')}`

/** `CFA-16`. */
function cfaPlus(offset: number): string {
  return offset === 0 ? 'CFA' : offset < 0 ? `CFA${offset}` : `CFA+${offset}`
}

/** `rsp+8`; `?` where nothing was said. */
export function printCfa(cfa: CfaRule | null, architecture: DwarfArchitecture = dwarfX64): string {
  if (cfa === null) return '?'
  if (cfa.rule === 'expression') return `(${printExpression(cfa.expression, architecture)})`
  const { register, offset, addressSpace } = cfa
  const name = registerName(register, architecture)
  const place = offset === 0 ? name : `${name}${offset < 0 ? '' : '+'}${offset}`
  return addressSpace === undefined ? place : `${place} in address space ${addressSpace}`
}

/** `[CFA-16]` for a place in memory, `CFA+8` for a value, `rbx` for a register. */
export function printRule(rule: CallFrameRule, architecture: DwarfArchitecture = dwarfX64): string {
  switch (rule.rule) {
    case 'offset':
      return `[${cfaPlus(rule.offset)}]`
    case 'val_offset':
      return cfaPlus(rule.offset)
    case 'register':
      return registerName(rule.register, architecture)
    case 'expression':
      return `[CFA; ${printExpression(rule.expression, architecture)}]`
    case 'val_expression':
      return `(CFA; ${printExpression(rule.expression, architecture)})`
    case 'undefined':
      return 'lost'
    case 'same_value':
      return 'same'
  }
}

/** Rows as a table: offset, CFA, and a column for each register that ever has a rule, the return address last. */
export function printRows(rows: readonly CallFrameRow[], architecture: DwarfArchitecture = dwarfX64): string[] {
  const { returnAddress } = conventionsOf(architecture)
  const order = (register: number): number => (register === returnAddress ? Number.MAX_SAFE_INTEGER : register)
  const registers = new Set<number>()
  for (const row of rows) for (const register of row.registers.keys()) registers.add(register)
  const columns = [...registers].sort((a, b) => order(a) - order(b))
  const withArguments = rows.some((row) => row.argumentBytes !== 0)
  const signing = rows.some((row) => row.returnAddressSigned === true)
  const table = [
    [
      'at',
      'CFA',
      ...columns.map((register) => registerName(register, architecture)),
      ...(withArguments ? ['args'] : []),
      ...(signing ? ['return address'] : []),
    ],
    ...rows.map((row) => [
      hex(row.at, 4),
      printCfa(row.cfa, architecture),
      ...columns.map((register) => {
        const rule = row.registers.get(register)
        return rule === undefined ? '' : printRule(rule, architecture)
      }),
      ...(withArguments ? [String(row.argumentBytes)] : []),
      ...(signing ? [row.returnAddressSigned === true ? 'signed' : ''] : []),
    ]),
  ]
  return alignColumns(table)
}

/** Cells padded to the widest of their column. */
function alignColumns(table: readonly (readonly string[])[]): string[] {
  const widths: number[] = []
  for (const line of table) {
    for (let i = 0; i < line.length; i++) widths[i] = Math.max(widths[i] ?? 0, line[i]!.length)
  }
  return table.map((line) =>
    line
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  )
}

/** What an operation does, in words. */
export function printOperation(operation: CallFrameOperation, architecture: DwarfArchitecture = dwarfX64): string {
  const nameOf = (register: number): string => registerName(register, architecture)
  const words = (expression: Uint8Array): string => printExpression(expression, architecture)
  const cfa = ({ register, offset }: { register: number; offset: number }): string =>
    printCfa({ rule: 'register', register, offset }, architecture)
  switch (operation.op) {
    case 'def_cfa':
      return `CFA = ${cfa(operation)}`
    case 'def_cfa_register':
      return `CFA counts from ${nameOf(operation.register)}`
    case 'def_cfa_offset':
      return `CFA offset = ${operation.offset}`
    case 'def_cfa_expression':
      return `CFA = (${words(operation.expression)})`
    case 'def_aspace_cfa':
      return `CFA = ${cfa(operation)} in address space ${operation.addressSpace}`
    case 'offset':
      return `${nameOf(operation.register)} saved at [${cfaPlus(operation.offset)}]`
    case 'val_offset':
      return `${nameOf(operation.register)} = ${cfaPlus(operation.offset)}`
    case 'register':
      return `${nameOf(operation.register)} kept in ${nameOf(operation.into)}`
    case 'expression':
      return `${nameOf(operation.register)} saved at [CFA; ${words(operation.expression)}]`
    case 'val_expression':
      return `${nameOf(operation.register)} = (CFA; ${words(operation.expression)})`
    case 'restore':
      return `${nameOf(operation.register)} as on entry`
    case 'undefined':
      return operation.register === conventionsOf(architecture).returnAddress
        ? 'no caller'
        : `${nameOf(operation.register)} lost`
    case 'same_value':
      return `${nameOf(operation.register)} unchanged`
    case 'remember_state':
      return 'remember the row'
    case 'restore_state':
      return 'the remembered row again'
    case 'window_save':
      return 'register windows saved (nothing here)'
    case 'negate_ra_state':
    case 'negate_ra_state_with_pc':
      return 'signing of the return address toggled'
    case 'args_size':
      return `${operation.size} bytes of arguments pushed`
  }
}

/** The name of an opcode, without `DW_CFA_`. */
function opcodeName(instruction: CallFrameInstruction): string {
  const { opcode, operation } = instruction
  if (operation === null) {
    if (opcode === 0) return 'nop'
    return opcode === 1 ? 'set_loc' : 'advance_loc'
  }
  return operation.op
}

/** Operations line by line: bytes, name, meaning. Padding is left out. */
export function printProgram(
  bytes: Uint8Array,
  instructions: readonly CallFrameInstruction[],
  architecture: DwarfArchitecture = dwarfX64,
): string[] {
  let end = instructions.length
  while (end > 0 && instructions[end - 1]!.opcode === 0) end--
  return alignColumns(
    instructions.slice(0, end).map((instruction) => {
      const { place, length, at, operation } = instruction
      const shown = Array.from(bytes.subarray(place, place + Math.min(length, 8)), (byte) =>
        byte.toString(16).padStart(2, '0'),
      ).join(' ')
      const moved = instruction.opcode === 0 ? '' : `to ${hex(at, 4)}`
      const meaning = operation === null ? moved : printOperation(operation, architecture)
      return [length > 8 ? `${shown} ..` : shown, opcodeName(instruction), meaning]
    }),
  )
}

/** One entry's header in a line. */
export function printEntry(entry: CommonInformationEntry | FrameDescriptionEntry): string {
  const place = `${hex(entry.offset, 4)}  ${entry.length} bytes`
  if (entry.kind === 'fde') {
    const lsda = entry.languageData === null ? '' : `, LSDA ${hex(entry.languageData.value)}`
    const end = entry.begin + BigInt(entry.size)
    return `FDE ${place}, code ${hex(entry.begin)}..${hex(end)} (${entry.size} bytes), CIE ${hex(entry.cie.offset, 4)}${lsda}`
  }
  const personality = entry.personality === null ? '' : `, personality ${hex(entry.personality.value)}`
  const column = registerName(entry.returnAddressRegister, entry.architecture)
  const signal = [
    entry.signalFrame ? ', signal frame' : '',
    entry.signedWithKeyB ? ', signed with key B' : '',
    entry.taggedStack ? ', tagged stack' : '',
  ].join('')
  return `CIE ${place}, version ${entry.version}, "${entry.augmentation}", factors ${entry.codeAlignmentFactor} and ${entry.dataAlignmentFactor}, return address in ${column}${personality}${signal}`
}

/** A whole section: every entry with its operations, and the rows of every function. */
export function printFrames(table: FrameTable): string[] {
  const lines: string[] = []
  for (const entry of table.entries) {
    if (entry.kind === 'terminator') {
      lines.push(`end ${hex(entry.offset, 4)}`)
      continue
    }
    lines.push(printEntry(entry))
    const { architecture } = entry.kind === 'fde' ? entry.cie : entry
    try {
      for (const line of printProgram(table.bytes, instructionsOf(table, entry), architecture)) lines.push(`  ${line}`)
      if (entry.kind === 'fde')
        for (const line of printRows(callFrameRows(table, entry), architecture)) lines.push(`    ${line}`)
    } catch (error) {
      if (!(error instanceof DwarfUnwindError)) throw error
      lines.push(`  error: ${error.message}`)
    }
    lines.push('')
  }
  if (lines.at(-1) === '') lines.pop()
  return lines
}
