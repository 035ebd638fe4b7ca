/** Rows that were read, or made by other means than a frame record, as a call-frame program. */

import { conventionsOf, type DwarfArchitecture, RA_SIGN_STATE } from './architecture.ts'
import { ByteWriter } from './byte-writer.ts'
import { DwarfUnwindError } from './errors.ts'
import { factorOf, REGISTER_LIMIT } from './operations.ts'
import { dwarfX64 } from './registers.ts'
import {
  CFA_EXPRESSION,
  CFA_NONE,
  CFA_SPACE,
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
import type { CallFrameRow, CallFrameRule } from './rows.ts'

/**
 * The smallest program with the meaning of these rows, for a CIE as this package writes it. Values that are CFA + N are
 * written as expressions, whatever they were (no unwinder but libgcc and gdb applies val_offset).
 *
 * @param simple - for a CIE without initial program.
 * @param architecture - whose factors and first row the CIE has; x86-64's when left out.
 * @throws DwarfUnwindError for rows that do not ascend, or numbers out of range; `operation` in its place is the row.
 */
export function encodeRows(
  rows: readonly CallFrameRow[],
  simple: boolean = false,
  architecture: DwarfArchitecture = dwarfX64,
): Uint8Array {
  const conventions = conventionsOf(architecture)
  const { returnAddress, returnAddressOffset, codeAlignmentFactor } = conventions
  const table = new RowTable(conventions)
  table.begin(simple)
  let at = 0
  let known = new Set<number>(simple || returnAddressOffset === null ? [] : [returnAddress])
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    const fail = (field: string, value: number): never => {
      const place = { in: 'function', name: '', operation: i } as const
      throw new DwarfUnwindError({ code: 'number-range', field, value }, place)
    }
    const checked = (value: number, field: string): number => (value === (value | 0) ? value : fail(field, value))
    if (!(row.at >= at)) fail('at', row.at)
    at = checked(row.at, 'at')
    factorOf(at, codeAlignmentFactor, { in: 'function', name: '', operation: i })
    if (row.cfa === null) {
      if (!simple) fail('CFA', 0)
      table.cfaRegister = CFA_NONE
      table.cfaOffset = 0
    } else if (row.cfa.rule === 'expression') {
      table.cfaRegister = CFA_EXPRESSION
      table.cfaOffset = table.expression(row.cfa.expression)
    } else {
      const { register, addressSpace = 0 } = row.cfa
      if (!(register >= 0 && register <= REGISTER_LIMIT)) fail('CFA register', register)
      if (!(addressSpace >= 0 && addressSpace < 0x7fff_ffff / CFA_SPACE)) fail('address space', addressSpace)
      table.cfaRegister = checked(register + addressSpace * CFA_SPACE, 'CFA register')
      table.cfaOffset = checked(row.cfa.offset, 'CFA offset')
    }
    table.argumentBytes = checked(row.argumentBytes, 'argument bytes')
    for (const register of known) if (!row.registers.has(register)) table.setRule(register, RULE_NONE, 0)
    for (const [register, rule] of row.registers) {
      if (!(register >= 0 && register <= REGISTER_LIMIT)) fail('register', register)
      table.setRule(register, kindOf(rule), checked(valueOf(rule, table), 'offset'))
    }
    known = new Set(row.registers.keys())
    if (row.returnAddressSigned === true) {
      table.setRule(RA_SIGN_STATE, RULE_SIGNED, 0)
      known.add(RA_SIGN_STATE)
    }
    table.commit(at, true)
  }
  const out = new ByteWriter()
  table.write(out)
  return out.slice()
}

function kindOf(rule: CallFrameRule): number {
  switch (rule.rule) {
    case 'offset':
      return RULE_OFFSET
    case 'val_offset':
      return RULE_VALUE
    case 'register':
      return RULE_REGISTER
    case 'expression':
      return RULE_EXPRESSION
    case 'val_expression':
      return RULE_VAL_EXPRESSION
    case 'undefined':
      return RULE_UNDEFINED
    case 'same_value':
      return RULE_SAME
  }
}

function valueOf(rule: CallFrameRule, table: RowTable): number {
  switch (rule.rule) {
    case 'offset':
    case 'val_offset':
      return rule.offset
    case 'register':
      return rule.register
    case 'expression':
    case 'val_expression':
      return table.expression(rule.expression)
    case 'undefined':
    case 'same_value':
      return 0
  }
}
