// The tables against CLIF's own: opcodes.json and types.json of the reference folder.

import { readFileSync } from 'node:fs'
import { sharedPath } from '@framewright/testkit'
import { describe, expect, test } from 'vitest'
import {
  CALL_CONVS,
  CONTROLLING_OPERAND,
  CONTROLLING_SET,
  complementFloatCC,
  complementIntCC,
  constrainedType,
  type Derived,
  derivedType,
  dynamicToVector,
  FLOAT_CC_NAMES,
  FLOAT_EQUAL,
  FLOAT_GREATER,
  FLOAT_LESS,
  FLOAT_UNORDERED,
  FORMAT_ROWS,
  FORMAT_VALUES,
  floatCCOutcomes,
  INT_CC_NAMES,
  isInTypeSet,
  LIBCALL_SYMBOLS,
  laneBits,
  laneCount,
  laneType,
  OPCODE_FLAGS,
  OPCODE_FORMAT,
  OPCODE_NAMES,
  OPCODE_ROWS,
  OPERAND_CONSTRAINTS,
  Opcode,
  OpcodeFlag,
  parseOpcode,
  parseTrapCode,
  parseType,
  RESULT_CONSTRAINTS,
  RESULT_COUNT,
  satisfies,
  supportsExceptions,
  supportsTailCalls,
  swapFloatCC,
  swapIntCC,
  TYPE_LIMIT,
  TYPE_SET_ROWS,
  trapCodeName,
  typeBits,
  typeBytes,
  typeName,
} from '../src/index.ts'

const opcodesPath = sharedPath('clif/opcodes.json')
const typesPath = sharedPath('clif/types.json')

describe.skipIf(opcodesPath === null || typesPath === null)('the tables and the reference', () => {
  const reference = opcodesPath === null ? null : JSON.parse(readFileSync(opcodesPath, 'utf8'))
  const types = typesPath === null ? null : JSON.parse(readFileSync(typesPath, 'utf8'))
  const DERIVED = [
    'ctrl',
    'lane_of',
    'as_truthy',
    'half_width',
    'double_width',
    'split_lanes',
    'merge_lanes',
    'dynamic_to_vector',
    'narrower',
    'wider',
  ]

  const constraintText = (word: number): string => {
    if ((word & 0x8000) !== 0) return typeName(word & 0x1ff)
    if ((word & 0x4000) !== 0) return `free ${word & 0x1ff}`
    return word === 0 ? 'ctrl' : `${DERIVED[word]}(ctrl)`
  }
  const referenceConstraint = (x: { type: string; type_set?: number }): string =>
    x.type === 'free' ? `free ${x.type_set}` : x.type

  test('hold the same formats', () => {
    expect(FORMAT_ROWS.map(([name, syntax, values, controlling]) => [name, syntax, values, controlling])).toEqual(
      reference.formats.map((f: Record<string, unknown>) => [
        f.name,
        f.syntax,
        f.fixed_values,
        f.typevar_operand ?? -1,
      ]),
    )
  })

  test('hold every opcode with its number, format, types and flags', () => {
    expect(OPCODE_ROWS.length).toBe(reference.counts.opcodes)
    for (const row of reference.opcodes) {
      const opcode = Opcode[row.camel as keyof typeof Opcode]
      expect(opcode, row.name).toBe(row.number)
      expect(parseOpcode(row.name)).toBe(opcode)
      expect(OPCODE_NAMES[opcode]).toBe(row.name)
      expect(FORMAT_ROWS[OPCODE_FORMAT[opcode]][0], row.name).toBe(row.format)
      expect(CONTROLLING_SET[opcode], row.name).toBe(row.ctrl?.type_set ?? -1)

      const values = row.operands.filter((x: { kind: string }) => x.kind === 'value')
      expect(FORMAT_VALUES[OPCODE_FORMAT[opcode]], row.name).toBe(values.length)
      const controlling = values.findIndex((x: { name: string }) => x.name === row.ctrl?.inferred_from)
      expect(CONTROLLING_OPERAND[opcode], row.name).toBe(controlling)
      values.forEach((x: { type: string }, i: number) => {
        expect(constraintText(OPERAND_CONSTRAINTS[3 * opcode + i]), `${row.name} ${i}`).toBe(referenceConstraint(x))
      })
      const open = row.results.some((x: { type?: string }) => x.type === undefined)
      expect(RESULT_COUNT[opcode], row.name).toBe(open ? -1 : row.results.length)
      if (!open) {
        row.results.forEach((x: { type: string }, i: number) => {
          expect(constraintText(RESULT_CONSTRAINTS[2 * opcode + i]), `${row.name} ${i}`).toBe(referenceConstraint(x))
        })
      }
      const names = OPCODE_ROWS[opcode - 1][3].split(' ').filter((word) => word !== '')
      expect(names.map((word) => word.replace(/:.*|\.\.\.$/, ''))).toEqual(
        row.operands.filter((x: { kind: string }) => x.kind.startsWith('value')).map((x: { name: string }) => x.name),
      )
      const flags: Record<string, boolean> = row.flags
      const expected = {
        terminator: OpcodeFlag.Terminator,
        branch: OpcodeFlag.Branch,
        call: OpcodeFlag.Call,
        return: OpcodeFlag.Return,
        can_trap: OpcodeFlag.CanTrap,
        can_load: OpcodeFlag.CanLoad,
        can_store: OpcodeFlag.CanStore,
        other_side_effects: OpcodeFlag.OtherSideEffects,
        side_effects_idempotent: OpcodeFlag.SideEffectsIdempotent,
        safepoint: OpcodeFlag.Safepoint,
      }
      const set = Object.entries(expected).filter(([, bit]) => (OPCODE_FLAGS[opcode] & bit) !== 0)
      expect(set.map(([name]) => name)).toEqual(Object.keys(flags).filter((name) => flags[name]))
    }
  })

  test('hold the same type sets', () => {
    const named = [...types.types.scalars, ...types.types.vectors, ...types.types.dynamic_vectors]
    reference.type_sets.forEach((set: Record<string, number[]> & { types: string[] }, i: number) => {
      const sum = (list: number[]): number => list.reduce((a, b) => a + b, 0)
      expect(TYPE_SET_ROWS[i].slice(1)).toEqual([
        sum(set.ints),
        sum(set.floats),
        sum(set.lanes),
        sum(set.dynamic_lanes),
      ])
      // The reference lists members by name up to 512 bits (dynamic ones up to 256).
      for (const type of named) {
        const dynamic = type.name.endsWith('xN')
        if (dynamic && type.bits > 256) continue
        expect(isInTypeSet(type.number, i as 0), `${type.name} in set ${i}`).toBe(set.types.includes(type.name))
      }
    })
  })

  test('hold the same types', () => {
    for (const row of [...types.types.scalars, ...types.types.vectors, ...types.types.dynamic_vectors]) {
      expect(typeName(row.number)).toBe(row.name)
      expect([laneCount(row.number), laneBits(row.number), typeBits(row.number), typeBytes(row.number)]).toEqual([
        row.lanes,
        row.lane_bits,
        row.bits,
        row.bytes,
      ])
      expect(typeName(laneType(row.number))).toBe(row.lane)
      const dynamic = row.name.endsWith('xN')
      expect(parseType(row.name)).toBe(dynamic ? 0 : row.number)
      if (dynamic) expect(typeName(dynamicToVector(row.number))).toBe(row.name.slice(0, -2))
    }
    expect(parseType('i32x1')).toBe(parseType('i32'))
    expect(parseType('i32x3')).toBe(0)
    expect(parseType('i8x256')).not.toBe(0)
    expect(parseType('i8x512')).toBe(0)
  })

  test('hold the same condition codes', () => {
    expect(INT_CC_NAMES).toEqual(types.int_cc.map((row: { name: string }) => row.name))
    types.int_cc.forEach((row: Record<string, string>, i: number) => {
      expect(INT_CC_NAMES[complementIntCC(i as 0)]).toBe(row.complement)
      expect(INT_CC_NAMES[swapIntCC(i as 0)]).toBe(row.swapped)
    })
    const bits: Record<string, number> = {
      UN: FLOAT_UNORDERED,
      EQ: FLOAT_EQUAL,
      LT: FLOAT_LESS,
      GT: FLOAT_GREATER,
    }
    expect(FLOAT_CC_NAMES).toEqual(types.float_cc.map((row: { name: string }) => row.name))
    types.float_cc.forEach((row: Record<string, string> & { true_for: string[] }, i: number) => {
      expect(FLOAT_CC_NAMES[complementFloatCC(i as 0)]).toBe(row.complement)
      expect(FLOAT_CC_NAMES[swapFloatCC(i as 0)]).toBe(row.swapped)
      expect(floatCCOutcomes(i as 0)).toBe(row.true_for.reduce((set, name) => set | bits[name], 0))
    })
  })

  test('hold the same trap codes, conventions and libcalls', () => {
    for (const { name, byte } of types.trap_codes.reserved) {
      expect(parseTrapCode(name)).toBe(byte)
      expect(trapCodeName(byte)).toBe(name)
    }
    expect(parseTrapCode('user250')).toBe(250)
    for (const name of ['user0', 'user251', 'user', 'user01', 'unreachable']) expect(parseTrapCode(name)).toBe(0)
    expect(CALL_CONVS).toEqual(types.call_convs)
    expect(CALL_CONVS.filter(supportsTailCalls)).toEqual(types.call_conv_properties.tail_calls)
    expect(CALL_CONVS.filter(supportsExceptions).sort()).toEqual([...types.call_conv_properties.exceptions].sort())
    expect(Object.entries(LIBCALL_SYMBOLS)).toEqual(
      types.libcalls.map((row: Record<string, string>) => [row.name, row.default_symbol]),
    )
  })

  test('a derived type is one that exists or none', () => {
    for (let type = 0; type < TYPE_LIMIT; type++) {
      if (typeName(type) === 'invalid') continue
      for (let derived = 0; derived < DERIVED.length; derived++) {
        const to = derivedType(derived as Derived, type)
        if (to !== 0) expect(typeName(to), `${DERIVED[derived]}(${typeName(type)})`).not.toBe('invalid')
        if (to !== 0) expect(satisfies(derived, to, type)).toBe(true)
        expect(constrainedType(derived, type)).toBe(to)
      }
    }
  })
})
