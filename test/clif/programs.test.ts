// Random functions from every opcode, over memory (test/support/machine/programs.ts), against C.
//
// FRAMEWRIGHT_FUZZ_SEED=n takes other functions.

import { describe, expect, test } from 'vitest'
import { Random } from '../../packages/ir/src/testing/index.ts'
import { compare, configurations, type Program, Reference } from '../support/machine/differential.ts'
import { randomArguments, randomProgram } from '../support/machine/programs.ts'
import { need, scratch } from '../support/tools.ts'

const place = scratch()
const BASE = 1_000_000 * Number(process.env['FRAMEWRIGHT_FUZZ_SEED'] ?? 0)
const FUNCTIONS = 240
const CALLS = 8

function programs(): Program[] {
  return Array.from({ length: FUNCTIONS }, (_, i) => {
    const random = new Random(BASE + i)
    const { text, params } = randomProgram(`p${BASE + i}`, random, random.pick([12, 25, 50, 100, 200]))
    const calls = Array.from({ length: CALLS }, () => ({ index: 0, args: randomArguments(params, random) }))
    return { label: `seed ${BASE + i}`, text, calls }
  })
}

describe('random functions from every opcode', () => {
  let reference: Reference | undefined

  test.for(configurations)('$name', { timeout: 180_000 }, (configuration, context) => {
    need(context, ...configuration.system.tools, 'gcc')
    reference ??= new Reference(programs(), place)
    expect(compare(reference, configuration, place).slice(0, 3)).toEqual([])
  })

  test('most functions return', () => {
    if (reference === undefined) return
    const returned = reference.outcomes.filter(({ trap }) => trap === null).length
    expect(returned / reference.outcomes.length).toBeGreaterThan(0.5)
  })
})
