/** Rows of frame-layout as a call-frame program: what records with rare events, and functions in several parts, come to. */

import type { RegisterRule, UnwindRow } from '@framewright/frame-layout'
import { type Conventions, conventionsOf, type DwarfArchitecture, RA_SIGN_STATE } from './architecture.ts'
import { ByteWriter } from './byte-writer.ts'
import { DwarfUnwindError, type DwarfUnwindProblem } from './errors.ts'
import { registerBytes, registerWordBytes } from './expression.ts'
import { bytesOfHex } from './hex.ts'
import { dwarfX64 } from './registers.ts'
import {
  CFA_EXPRESSION,
  RowTable,
  RULE_EXPRESSION,
  RULE_NONE,
  RULE_OFFSET,
  RULE_REGISTER,
  RULE_SAME,
  RULE_SIGNED,
  RULE_UNDEFINED,
  RULE_VAL_EXPRESSION,
  RULE_VALUE,
} from './row-table.ts'

/** How rows are written. */
export interface UnwindRowOptions {
  /** x86-64 when left out. */
  readonly architecture?: DwarfArchitecture
  /** Whether rules for vector registers are written; see `DwarfFormatOptions`. */
  readonly vectorRegisters?: boolean
}

/**
 * The smallest program with the meaning of these rows, for a CIE as this package writes it. Where the CFA lies in memory
 * it becomes an expression, and so do registers that lie at another register's value.
 *
 * @throws DwarfUnwindError for rows that do not ascend, registers without a DWARF number, and numbers out of range.
 */
export function encodeUnwindRows(rows: readonly UnwindRow[], options: UnwindRowOptions = {}): Uint8Array {
  const { architecture = dwarfX64, vectorRegisters = false } = options
  const table = new RowTable(conventionsOf(architecture))
  const out = new ByteWriter()
  const fail = (problem: DwarfUnwindProblem, row: number): never => {
    throw new DwarfUnwindError(problem, { in: 'function', name: '', operation: row })
  }
  writeUnwindRows(rows, table, conventionsOf(architecture), vectorRegisters, null, out, fail)
  return out.slice()
}

/**
 * Appends the program of rows to `out`. `table` is scratch.
 *
 * @param returns - offsets at which an earlier state comes back; null: any.
 * @param fail - throws an error about the row of that index.
 */
export function writeUnwindRows(
  rows: readonly UnwindRow[],
  table: RowTable,
  conventions: Conventions,
  vectorRegisters: boolean,
  returns: ReadonlySet<number> | null,
  out: ByteWriter,
  fail: (problem: DwarfUnwindProblem, row: number) => never,
): void {
  const { codeAlignmentFactor, returnAddress, returnAddressOffset, isVector, toDwarf } = conventions
  table.begin()
  let last = 0
  let known = new Set<number>(returnAddressOffset === null ? [] : [returnAddress])
  for (let i = 0; i < rows.length; i++) {
    const { at, cfa, registers, argumentBytes, returnAddressSigned = false } = rows[i]!
    const number = (register: number): number => {
      const dwarf = toDwarf[register] ?? -1
      return dwarf < 0 ? fail({ code: 'register', register }, i) : dwarf
    }
    const checked = (value: number, field: string): number =>
      value === (value | 0) ? value : fail({ code: 'number-range', field, value }, i)
    if (!(at >= last)) fail({ code: 'order', at, previous: last }, i)
    if (at % codeAlignmentFactor !== 0) fail({ code: 'offset-unaligned', offset: at, factor: codeAlignmentFactor }, i)
    last = checked(at, 'at')
    switch (cfa.rule) {
      case 'register':
        table.cfaRegister = number(cfa.register)
        table.cfaOffset = checked(cfa.offset, 'CFA offset')
        break
      case 'memory':
        table.cfaRegister = CFA_EXPRESSION
        table.cfaOffset = table.expression(
          registerWordBytes(number(cfa.register), checked(cfa.offset, 'CFA offset'), checked(cfa.add, 'CFA offset')),
        )
        break
      case 'expression':
        table.cfaRegister = CFA_EXPRESSION
        table.cfaOffset = table.expression(bytesOfHex(cfa.expression))
        break
    }
    table.argumentBytes = checked(argumentBytes, 'argument bytes')
    const now = new Set<number>()
    for (const [register, rule] of registers) {
      const dwarf = number(register)
      if (isVector[dwarf] === 1 && !vectorRegisters) continue
      if (rule.rule === 'unchanged' && !(dwarf === returnAddress && returnAddressOffset !== null)) continue
      now.add(dwarf)
      const value =
        rule.rule === 'memory'
          ? table.expression(registerBytes(number(rule.register), checked(rule.offset, 'offset')))
          : valueOf(rule, table, number)
      table.setRule(dwarf, KINDS[rule.rule], checked(value, 'offset'))
    }
    if (returnAddressSigned) {
      if (conventions.architecture.signsReturnAddress !== true)
        fail({ code: 'row', what: 'a signed return address' }, i)
      now.add(RA_SIGN_STATE)
      table.setRule(RA_SIGN_STATE, RULE_SIGNED, 0)
    }
    for (const register of known) if (!now.has(register)) table.setRule(register, RULE_NONE, 0)
    known = now
    table.commit(at, returns === null || returns.has(at))
  }
  table.write(out)
}

const KINDS: Readonly<Record<RegisterRule['rule'], number>> = {
  'cfa-offset': RULE_OFFSET,
  'cfa-value': RULE_VALUE,
  register: RULE_REGISTER,
  memory: RULE_EXPRESSION,
  expression: RULE_EXPRESSION,
  'value-expression': RULE_VAL_EXPRESSION,
  undefined: RULE_UNDEFINED,
  unchanged: RULE_SAME,
}

function valueOf(
  rule: Exclude<RegisterRule, { rule: 'memory' }>,
  table: RowTable,
  number: (register: number) => number,
): number {
  switch (rule.rule) {
    case 'cfa-offset':
    case 'cfa-value':
      return rule.offset
    case 'register':
      return number(rule.register)
    case 'expression':
    case 'value-expression':
      return table.expression(bytesOfHex(rule.expression))
    case 'undefined':
    case 'unchanged':
      return 0
  }
}
