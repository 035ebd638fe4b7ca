// Every scalar opcode on every type against C, with operands from everywhere: parameters, constants, memory, twice the
// same; and with results that decide branches, selections and traps.

import { describe, expect, test } from 'vitest'
import { parseType, verifyFunction } from '../../packages/ir/src/index.ts'
import { Random } from '../../packages/ir/src/testing/index.ts'
import { parseFunctions } from '../../packages/ir/src/text/index.ts'
import { compare, configurations, type Program, Reference } from '../support/machine/differential.ts'
import {
  divisors,
  type Form,
  forms,
  functionAround,
  type Sink,
  type Source,
  specialsOf,
} from '../support/machine/operations.ts'
import { isFloat, randomValue } from '../support/machine/values.ts'
import { need, scratch } from '../support/tools.ts'

const place = scratch()

/** Calls of functions with constant divisors, and of others. */
const CALLS = { divisor: 10, other: 10 }

function programsOf(list: readonly Form[], random: Random): Program[] {
  const programs: Program[] = []
  const add = (form: Form, sources: readonly Source[], sink: Sink, calls: number): void => {
    const name = `op${programs.length}`
    const { text, params, arena } = functionAround(name, form, sources, sink)
    programs.push({
      label: `${form.text} [${sources.join(' ')}] ${sink}`,
      text,
      calls: Array.from({ length: calls }, () => ({
        index: 0,
        args: params.map((type, i) => (arena && i === 0 ? { arena: 0 } : randomValue(random, parseType(type)))),
      })),
    })
  }
  const params = (form: Form): Source[] => form.operands.map(() => 'param')
  const replaced = (sources: readonly Source[], i: number, source: Source): Source[] =>
    sources.map((old, j) => (j === i ? source : old))
  for (const form of list) {
    const count = form.operands.length
    // Where nothing else varies, more calls.
    add(form, params(form), 'return', count === 1 ? 40 : 24)
    for (let i = 0; i < count; i++) {
      const constants = specialsOf(form.operands[i])
      add(form, replaced(params(form), i, 'memory'), 'return', CALLS.other)
      for (let j = 0; j < 2; j++) add(form, replaced(params(form), i, random.pick(constants)), 'return', CALLS.other)
    }
    if (count > 1) {
      add(
        form,
        form.operands.map(() => 'memory'),
        'return',
        CALLS.other,
      )
      if (form.operands[0] === form.operands[1]) add(form, replaced(params(form), 1, 'first'), 'return', CALLS.other)
      add(
        form,
        replaced(replaced(params(form), 0, 'memory'), 1, random.pick(specialsOf(form.operands[1]))),
        'return',
        CALLS.other,
      )
    }
    add(
      form,
      form.operands.map((type) => random.pick(specialsOf(type))),
      'return',
      1,
    )
    if (/^[us](?:div|rem)/.test(form.text)) {
      for (const divisor of divisors(form.operands[1]))
        add(form, replaced(params(form), 1, divisor), 'return', CALLS.divisor)
    }
    if (form.results.at(-1) !== 'i8' || (form.text.startsWith('i') && !form.text.startsWith('icmp'))) continue
    for (const sink of ['brif', 'brif-not', 'select', 'select-float', 'trapz', 'trapnz', 'extend'] as const) {
      add(form, params(form), sink, CALLS.other)
      if (count > 1 && sink.startsWith('brif')) {
        add(form, replaced(params(form), 1, random.pick(specialsOf(form.operands[1]))), sink, CALLS.other)
        add(form, replaced(params(form), 0, 'memory'), sink, CALLS.other)
        add(form, replaced(params(form), 1, 'memory'), sink, CALLS.other)
        if (!isFloat(parseType(form.operands[1]))) add(form, replaced(params(form), 1, 0n), sink, CALLS.other)
      }
    }
  }
  return programs
}

describe('opcodes', () => {
  const all = forms()
  let reference: Reference | undefined

  test('every form is well formed', () => {
    expect(all.length).toBeGreaterThan(400)
    for (const form of all) {
      const [func] = parseFunctions(
        functionAround(
          'f',
          form,
          form.operands.map(() => 'param'),
          'return',
        ).text,
      )
      expect(verifyFunction(func), form.text).toEqual([])
    }
  })

  // Which convention a function has is the other tests' matter.
  test.for(configurations.filter(({ name }) => !name.includes('both')))(
    '$name',
    { timeout: 180_000 },
    (configuration, context) => {
      need(context, ...configuration.system.tools, 'gcc')
      reference ??= new Reference(programsOf(all, new Random(11)), place, '-O0')
      expect(compare(reference, configuration, place).slice(0, 8)).toEqual([])
    },
  )
})
