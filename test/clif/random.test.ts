// Random functions of `@framewright/ir/testing`, compiled by us and, as C, by gcc: every call must do the same.
//
// FRAMEWRIGHT_FUZZ_SEED=n takes other functions.

import { describe, expect, test } from 'vitest'
import { parseType } from '../../packages/ir/src/index.ts'
import { type GeneratedCallee, generateFunction, generateModule, Random } from '../../packages/ir/src/testing/index.ts'
import { compare, configurations, type Program, Reference } from '../support/machine/differential.ts'
import { randomValue } from '../support/machine/values.ts'
import { need, scratch } from '../support/tools.ts'

const place = scratch()
const BASE = 1_000_000 * Number(process.env['FRAMEWRIGHT_FUZZ_SEED'] ?? 0)
const FUNCTIONS = 160
const MODULES = 12
const CALLS = 8

const c = (name: string, params: string, returns: string): GeneratedCallee[] =>
  (['s', 'w'] as const).map((letter) => ({
    name: `c_${name}_${letter}`,
    params: params.split(' ') as GeneratedCallee['params'],
    returns: [returns] as GeneratedCallee['returns'],
    callConv: letter === 's' ? 'system_v' : 'windows_fastcall',
    cost: 10,
  }))

/** The functions of callees.c. */
const callees: readonly GeneratedCallee[] = [
  ...c('add', 'i32 i32', 'i32'),
  ...c('narrow', 'i8 i16 i32 i64', 'i64'),
  ...c('scale', 'f64 f32 i32', 'f64'),
  ...c('single', 'f32 f32', 'f32'),
  ...c('byte', 'i64', 'i8'),
  ...c('short', 'f64 i16', 'i16'),
  ...c('many', 'i32 f64 i64 f32 i8 i32 i64 f64 i16 i64 f32 i32', 'i64'),
  ...c('floats', 'f64 f64 f64 f64 f32 f64 f64 f64 i16 f32 f64', 'f64'),
]

function programs(): Program[] {
  const list: Program[] = []
  for (let i = 0; i < FUNCTIONS; i++) {
    const random = new Random(BASE + 7000 + i)
    const options = {
      seed: BASE + 1000 + i,
      instructions: random.pick([20, 40, 90, 200, 400]),
      extended: true,
      divides: random.oneIn(4) ? ('unguarded' as const) : ('guarded' as const),
      ...(random.oneIn(3) ? { callees: [random.pick(callees), random.pick(callees), random.pick(callees)] } : {}),
      ...(random.oneIn(5)
        ? { types: ['i32', 'i64'] as const }
        : random.oneIn(5)
          ? { types: ['f32', 'f64'] as const }
          : {}),
    }
    const { text, params } = generateFunction(options)
    const types = params.map((name) => parseType(name))
    const calls = Array.from({ length: CALLS }, () => ({
      index: 0,
      args: types.map((type) => randomValue(random, type)),
    }))
    list.push({ label: `seed ${options.seed}`, text, calls })
  }
  for (let i = 0; i < MODULES; i++) {
    const random = new Random(BASE + 9000 + i)
    const seed = BASE + 100_000 + 100 * i
    const functions = generateModule({ seed, instructions: 120, extended: true, maxTrips: 16 }, 8)
    const calls = functions.flatMap(({ params }, index) =>
      Array.from({ length: CALLS / 2 }, () => ({
        index,
        args: params.map((name) => randomValue(random, parseType(name))),
      })),
    )
    list.push({ label: `module of seed ${seed}`, text: functions.map(({ text }) => text).join('\n'), calls })
  }
  return list
}

describe('random functions', () => {
  let reference: Reference | undefined

  test.for(configurations)('$name', { timeout: 180_000 }, (configuration, context) => {
    need(context, ...configuration.system.tools, 'gcc')
    reference ??= new Reference(programs(), place)
    expect(compare(reference, configuration, place).slice(0, 3)).toEqual([])
  })
})
