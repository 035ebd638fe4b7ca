// The optimiser changes what code is, not what it does: random functions, optimised and compiled by us, and, as they were
// written, by gcc as C.
//
// FRAMEWRIGHT_FUZZ_SEED=n takes other functions.

import { describe, expect, test } from 'vitest'
import { type Function as IrFunction, parseType, verifyFunction } from '../../packages/ir/src/index.ts'
import { generateFunction, generateModule, Random } from '../../packages/ir/src/testing/index.ts'
import { optimizeModule } from '../../packages/opt/src/index.ts'
import { compare, configurations, type Program, Reference } from '../support/machine/differential.ts'
import { loopProgram, recursiveProgram } from '../support/machine/loops.ts'
import { randomValue } from '../support/machine/values.ts'
import { need, scratch } from '../support/tools.ts'

const place = scratch()
const BASE = 1_000_000 * Number(process.env['FRAMEWRIGHT_FUZZ_SEED'] ?? 0)
const FUNCTIONS = 160
const MODULES = FUNCTIONS / 8
const CALLS = 8

function programs(): Program[] {
  const list: Program[] = []
  for (let i = 0; i < FUNCTIONS; i++) {
    const random = new Random(BASE + 27000 + i)
    const options = {
      seed: BASE + 21000 + i,
      instructions: random.pick([20, 40, 90, 200, 400]),
      extended: true,
      divides: random.oneIn(4) ? ('unguarded' as const) : ('guarded' as const),
      ...(random.oneIn(3) ? { types: ['i32', 'i64'] as const } : {}),
    }
    const { text, params } = generateFunction(options)
    const calls = Array.from({ length: CALLS }, () => ({
      index: 0,
      args: params.map((name) => randomValue(random, parseType(name))),
    }))
    list.push({ label: `seed ${options.seed}`, text, calls })
  }
  for (let i = 0; i < MODULES; i++) {
    const random = new Random(BASE + 29000 + i)
    const seed = BASE + 120_000 + 100 * i
    // Small ones are inlined.
    const instructions = random.pick([14, 20, 30, 60])
    const functions = generateModule({ seed, instructions, extended: true, maxTrips: 16 }, 8)
    const text = functions.map((func) => func.text.replaceAll(/^( {4}fn\d+ = )%/gm, '$1colocated %')).join('\n')
    const calls = functions.flatMap(({ params }, index) =>
      Array.from({ length: CALLS / 2 }, () => ({
        index,
        args: params.map((name) => randomValue(random, parseType(name))),
      })),
    )
    list.push({ label: `module of seed ${seed}`, text, calls })
  }
  for (let i = 0; i < FUNCTIONS; i++) list.push(loopProgram(BASE + 130_000 + i), recursiveProgram(BASE + 140_000 + i))
  return list
}

function optimizeAndVerify(functions: readonly IrFunction[]): void {
  optimizeModule(functions)
  for (const func of functions) {
    const [finding] = verifyFunction(func)
    if (finding !== undefined) throw new Error(`${finding.entity}: ${finding.message}`)
  }
}

describe('random functions, optimised', () => {
  let reference: Reference | undefined

  test.for(configurations.slice(0, 2))('$name', { timeout: 180_000 }, (configuration, context) => {
    need(context, ...configuration.system.tools, 'gcc')
    reference ??= new Reference(programs(), place)
    const optimised = { ...configuration, name: `${configuration.name}, optimised`, transform: optimizeAndVerify }
    expect(compare(reference, optimised, place).slice(0, 3)).toEqual([])
  })
})
