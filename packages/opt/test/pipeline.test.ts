import { parseFunctions, printFunction, verifyFunction } from '@framewright/ir'
import { generateIr, generateModule } from '@framewright/ir/testing'
import { expect, test } from 'vitest'
import { optimize, optimizeModule, PassContext, passes } from '../src/index.ts'
import { prepare } from '../src/prepare.ts'

test('every pass runs after those that it names', () => {
  const earlier = new Set<string>()
  for (const { name, after = [] } of passes) {
    for (const other of after) expect(earlier, `${name} after ${other}`).toContain(other)
    earlier.add(name)
  }
})

/** Small functions that call each other, so that bodies are inlined; every third has what traps. */
const moduleOf = (seed: number, instructions: number): string =>
  generateModule({ seed, instructions, extended: true, divides: seed % 3 === 0 ? 'unguarded' : 'guarded' }, 4)
    .map(({ text }) => text.replaceAll(/^( {4}fn\d+ = )%/gm, '$1colocated %'))
    .join('\n')

test('the verifier accepts what each pass leaves, and the text reads back to it', { timeout: 120_000 }, () => {
  for (let seed = 1; seed <= 150; seed++) {
    const functions = parseFunctions(moduleOf(seed, [16, 30, 60, 120][seed % 4]))
    for (const func of functions) {
      prepare(func)
      const context = new PassContext(func, (name) => functions.find((other) => sameText(other.name, name)) ?? null)
      for (const { name, run } of passes) {
        run(func, context)
        expect(verifyFunction(func), `seed ${seed}, ${name}`).toEqual([])
        expect(context.anyReplaced, `seed ${seed}, ${name}`).toBe(false)
      }
      const text = printFunction(func)
      expect(printFunction(parseFunctions(text)[0]), `seed ${seed}`).toBe(text)
    }
  }
})

const sameText = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

test('a context keeps nothing of the function before', () => {
  const seeds = Array.from({ length: 40 }, (_, i) => i + 1)
  const fresh = seeds.map((seed) => {
    const func = generateIr({ seed, instructions: 150 })
    optimize(func)
    return printFunction(func)
  })
  const functions = seeds.map((seed) => generateIr({ seed, instructions: 150 }))
  optimizeModule(functions)
  expect(functions.map((func) => printFunction(func))).toEqual(fresh)
})

test('level 0 changes nothing', () => {
  const func = generateIr({ seed: 5, instructions: 200 })
  const before = printFunction(func)
  optimize(func, { level: 0 })
  optimizeModule([func], { level: 0 })
  expect(printFunction(func)).toBe(before)
})

test('what has been optimised can be optimised again', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const functions = parseFunctions(moduleOf(seed, 80))
    optimizeModule(functions)
    optimizeModule(functions)
    for (const func of functions) expect(verifyFunction(func), `seed ${seed}`).toEqual([])
  }
})
