import { describe, expect, test } from 'vitest'
import { parseFunctions, printFunction, Type, verifyFunction } from '../src/index.ts'
import { GENERATED_TYPES, generateFunction, generateModule } from '../src/testing/index.ts'
import { dumpFunction } from './dump.ts'

describe('generated functions', () => {
  test('have exactly the size asked for', () => {
    for (const instructions of [12, 13, 20, 39, 40, 90, 250, 1100, 5400, 20_000]) {
      for (let seed = 0; seed < (instructions < 1000 ? 40 : 3); seed++) {
        const { text } = generateFunction({ seed, instructions })
        const [func] = parseFunctions(text)
        expect(func.insts.length, `seed ${seed}`).toBe(instructions)
      }
    }
  })

  test('are well formed', () => {
    for (let seed = 0; seed < 120; seed++) {
      const extended = seed % 2 === 0
      for (const { text } of generateModule({ seed, instructions: 40 + 5 * seed, extended, maxTrips: 64 }, 2)) {
        const [func] = parseFunctions(text)
        expect(verifyFunction(func, { pointerType: Type.I64 }), `seed ${seed}`).toEqual([])
      }
    }
  })

  test('are the same for the same options', () => {
    const options = { seed: 7, instructions: 400, extended: true }
    expect(generateFunction(options)).toEqual(generateFunction(options))
    expect(generateFunction(options).text).not.toBe(generateFunction({ ...options, seed: 8 }).text)
  })

  test('print as canonical text that reads back', () => {
    for (let seed = 0; seed < 40; seed++) {
      for (const { text } of generateModule({ seed, instructions: 120, extended: true }, 3)) {
        const [func] = parseFunctions(text)
        const [again] = parseFunctions(printFunction(func))
        expect(dumpFunction(again)).toEqual(dumpFunction(func))
        // But for the values of constants behind their users, the text is canonical as it stands.
        const plain = printFunction(func).replace(/ {2}; .*$/gm, '')
        expect(plain.split('\n').filter((line) => /^ {4}(?!fn|sig|ss)/.test(line)).length).toBe(120)
      }
    }
  })

  test('use only what they are told to', () => {
    const { text } = generateFunction({
      seed: 3,
      instructions: 600,
      types: ['i32', 'i64'],
      memory: false,
      tables: false,
      loops: false,
      branches: false,
      divides: 'none',
    })
    expect(text).not.toMatch(/brif|br_table|load|store|div|rem|f32|f64|block1/)
    expect(GENERATED_TYPES).toContain('f32')
  })
})
