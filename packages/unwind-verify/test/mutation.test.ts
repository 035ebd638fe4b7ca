// Every number of the unwind information of the corpus is changed, one at a time, and must be missed.
//
// A change may leave everything true: a register whose rule comes an instruction later is still in its register, one whose
// rule stays an instruction longer is still in its slot. What no finding and no undecided place is left for is listed.

import { RETURN_ADDRESS, type RegisterRule, sameState, type UnwindRow, XMM0, x64 } from '@framewright/frame-layout'
import { expect, test } from 'vitest'
import { verifyUnwind } from '../src/index.ts'
import { type Case, cases } from './corpus.ts'

interface Mutant {
  readonly what: string
  readonly rows: readonly UnwindRow[]
}

const name = (register: number): string => x64.registerNames[register]!

function* mutants({ functions: [fn] }: Case): Generator<Mutant> {
  const { rows, boundaries } = fn!
  const replaced = (index: number, row: UnwindRow): UnwindRow[] => rows.map((each, i) => (i === index ? row : each))
  for (const [index, row] of rows.entries()) {
    const { at, cfa, registers } = row
    if (cfa.rule === 'expression') continue
    for (const by of [-16, -8, -1, 1, 8, 16]) {
      yield { what: `${at}: CFA ${by}`, rows: replaced(index, { ...row, cfa: { ...cfa, offset: cfa.offset + by } }) }
    }
    for (let register = 0; register < XMM0; register++) {
      if (register === cfa.register) continue
      yield { what: `${at}: CFA from ${name(register)}`, rows: replaced(index, { ...row, cfa: { ...cfa, register } }) }
    }
    for (const [register, rule] of registers) {
      const other = (changed: RegisterRule | null): UnwindRow[] => {
        const rules = new Map(registers)
        if (changed === null) rules.delete(register)
        else rules.set(register, changed)
        return replaced(index, { ...row, registers: rules })
      }
      if (rule.rule === 'cfa-offset' || rule.rule === 'memory') {
        for (const by of [-16, -8, -1, 1, 8, 16]) {
          yield { what: `${at}: ${name(register)} ${by}`, rows: other({ ...rule, offset: rule.offset + by }) }
        }
      }
      if (register !== RETURN_ADDRESS) yield { what: `${at}: ${name(register)} no rule`, rows: other(null) }
    }
    // A register more than is saved: to the slot of the return address, and below.
    for (const register of [3, 5, 12]) {
      if (registers.has(register)) continue
      for (const offset of [-8, -16]) {
        const rules = new Map<number, RegisterRule>([...registers, [register, { rule: 'cfa-offset', offset }]])
        yield { what: `${at}: ${name(register)} at ${offset}`, rows: replaced(index, { ...row, registers: rules }) }
      }
    }
    // The row begins an instruction sooner or later.
    if (index === 0) continue
    for (const step of [-1, 1]) {
      const moved = boundaries[boundaries.indexOf(at) + step]
      if (moved === undefined || moved <= rows[index - 1]!.at || moved >= (rows[index + 1]?.at ?? fn!.code.length)) {
        continue
      }
      yield { what: `${at}: from ${moved}`, rows: replaced(index, { ...row, at: moved }) }
    }
  }
}

test('every wrong number is found', () => {
  let count = 0
  const missed: string[] = []
  const undecided: string[] = []
  for (const one of cases) {
    const [first, ...others] = one.input.ranges
    for (const { what, rows } of mutants(one)) {
      if (
        rows.every((row, i) => sameState(row, one.functions[0]!.rows[i]!) && row.at === one.functions[0]!.rows[i]!.at)
      ) {
        continue
      }
      count++
      const report = verifyUnwind({ ...one.input, ranges: [{ ...first!, rows }, ...others] }).functions[0]!
      if (report.findings.length > 0) continue
      if (report.undecided.size > 0) undecided.push(`${one.functions[0]!.name}, ${what}`)
      else missed.push(`${one.functions[0]!.name}, ${what}`)
    }
  }
  expect(undecided).toEqual([])
  expect(missed).toMatchInlineSnapshot(`
    [
      "pushes, and two exits, 1: rbx no rule",
      "pushes, and two exits, 3: rbx no rule",
      "pushes, and two exits, 3: r12 no rule",
      "pushes, and two exits, 29: rbx at -16",
      "pushes, and two exits, 47: rbx at -16",
      "a frame pointer, and an area whose size is not known, 5: rbp no rule",
      "a frame pointer, and an area whose size is not known, 8: CFA from rsp",
      "a frame pointer, and an area whose size is not known, 9: from 13",
      "a frame pointer, and an area whose size is not known, 40: rbx no rule",
      "a frame pointer, and an area whose size is not known, 40: rbp at -16",
      "enter, and saves by mov, 8: from 11",
      "enter, and saves by mov, 15: from 19",
      "enter, and saves by mov, 20: rbp at -16",
      "a stack that is realigned: the CFA is in memory, 5: from 9",
      "a stack that is realigned: the CFA is in memory, 14: rbp no rule",
      "a stack that is realigned: the CFA is in memory, 19: from 23",
      "a loop that probes the stack page by page, 25: CFA from r11",
      "a probe by a call, and a saved vector register, 21: from 24",
      "saves below the stack pointer, and a jump to another function, 10: rbx no rule",
      "saves below the stack pointer, and a jump to another function, 10: rbp no rule",
      "saves below the stack pointer, and a jump to another function, 28: rbp at -16",
      "saves below the stack pointer, and a jump to another function, 32: rbp at -16",
      "arguments that are pushed, 1: rbx no rule",
      "arguments that are pushed, 4: from 6",
      "arguments that are pushed, 19: CFA from rbx",
      "arguments that are pushed, 19: from 16",
      "arguments that are pushed, 20: rbx at -16",
      "a jump table, 27: rbx at -16",
      "a jump table, 33: rbx at -16",
    ]
  `)
  expect(count).toMatchInlineSnapshot(`2140`)
})
