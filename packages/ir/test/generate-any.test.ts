// Random functions with all of the language in them: read, printed, verified; and what becomes of them when they are
// changed.

import { describe, expect, test } from 'vitest'
import {
  type Function as IrFunction,
  IrSyntaxError,
  OPCODE_LIMIT,
  OPCODE_NAMES,
  parseFunctions,
  printFunction,
  Type,
  typeName,
  verifyFunction,
} from '../src/index.ts'
import { generateAnyFunction, generateAnyIr, generateAnyModule } from '../src/testing/index.ts'
import { mutateText } from './mutate-text.ts'

const MACHINE = { pointerType: Type.I64, pinnedRegister: true, framePointers: true }
const SCALARS = ['i8', 'i16', 'i32', 'i64', 'i128', 'f16', 'f32', 'f64', 'f128']
const VECTORS = ['i8x16', 'i16x8', 'i32x4', 'i64x2', 'f32x4', 'f64x2', 'f16x8', 'i128x2', 'f128x4', 'i8x2', 'i8x256']

const findings = (func: IrFunction): string[] =>
  verifyFunction(func, MACHINE).map(({ entity, text, message }) => `${entity} ${text}: ${message}`)

/** What is printed, which must read as the same. */
function checkRoundTrip(func: IrFunction, name: string): void {
  const printed = printFunction(func, { atomicFlags: true })
  const [again] = parseFunctions(printed)
  expect(printFunction(again, { atomicFlags: true }), name).toBe(printed)
  expect(again.insts.length, name).toBe(func.insts.length)
}

describe('functions with all of the language', () => {
  test('are well typed, and are what is read when they are printed', () => {
    const opcodes = new Set<string>()
    const types = new Set<string>()
    const words = new Set<string>()
    for (let seed = 0; seed < 10_000; seed++) {
      const { text } = generateAnyFunction({ seed })
      const [func] = parseFunctions(text)
      expect(findings(func), `seed ${seed}`).toEqual([])
      checkRoundTrip(func, `seed ${seed}`)
      for (let inst = 0; inst < func.insts.length; inst++) opcodes.add(OPCODE_NAMES[func.insts.opcode[inst]])
      for (let value = 0; value < func.values.length; value++) types.add(typeName(func.values.type[value]))
      for (const [word] of text.matchAll(/@[0-9a-f]+ |<ss1|-> v|\w+/g)) words.add(word.replace(/^@.*/, '@'))
    }
    // What deals with dynamic vectors has functions of its own: their declarations have no spelling once printed.
    for (let seed = 0; seed < 200; seed++) {
      const func = generateAnyIr({ seed, dynamic: true })
      expect(findings(func), `seed ${seed}`).toEqual([])
      expect(printFunction(func)).toMatch(/^function/)
      for (let inst = 0; inst < func.insts.length; inst++) opcodes.add(OPCODE_NAMES[func.insts.opcode[inst]])
      for (let value = 0; value < func.values.length; value++) types.add(typeName(func.values.type[value]))
    }
    expect([...opcodes].sort()).toEqual(OPCODE_NAMES.slice(1).sort())
    expect(opcodes.size).toBe(OPCODE_LIMIT - 1)
    for (const type of [...SCALARS, ...VECTORS, 'i32x4xN']) expect(types).toContain(type)
    const rare = ['@', '<ss1', '-> v', 'cold', 'vmctx', 'sret', 'sarg', 'uext', 'sext', 'stack_limit', 'stack_map']
    const more = ['patchable', 'colocated', 'context', 'default', 'ret0', 'exn1', 'region2', 'readonly', 'can_move']
    for (const word of [...rare, ...more, 'tls', 'key', 'align', 'nand', 'uno', 'const1']) expect(words).toContain(word)
  }, 120_000)

  test('of any size, alone or in a module, are the same for the same options', () => {
    expect(generateAnyFunction({ seed: 7 }).text).toBe(generateAnyFunction({ seed: 7 }).text)
    expect(generateAnyIr({ seed: 7, instructions: 2000 }).insts.length).toBeGreaterThan(2000)
    for (let seed = 0; seed < 50; seed++) {
      const module = generateAnyModule({ seed, outside: false }, 5)
      const text = module.map((func) => func.text).join('\n')
      expect(text).not.toMatch(/%outside|%same|symbol |u0:/)
      const functions = parseFunctions(text)
      expect(functions.length).toBe(5)
      for (const func of functions) expect(findings(func)).toEqual([])
    }
  })

  test('with something changed are refused, or are what is read when they are printed', () => {
    let refused = 0
    let reported = 0
    let accepted = 0
    for (let seed = 0; seed < 6000; seed++) {
      const text = mutateText(generateAnyFunction({ seed: seed % 1500 }).text, seed)
      let func: IrFunction
      try {
        func = parseFunctions(text)[0]
      } catch (error) {
        if (!(error instanceof IrSyntaxError)) throw error
        refused++
        continue
      }
      if (func === undefined) continue
      if (findings(func).length > 0) reported++
      else {
        accepted++
        checkRoundTrip(func, `seed ${seed}`)
      }
    }
    expect(refused).toBeGreaterThan(500)
    expect(reported).toBeGreaterThan(500)
    expect(accepted).toBeGreaterThan(500)
  }, 60_000)
})
