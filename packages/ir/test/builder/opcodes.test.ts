// Every opcode through its method, with every type of its set: what is built has nothing to report, and reads back from
// its text. The methods are found by name, so a row of the table without a method fails.

import { describe, expect, test } from 'vitest'
import { OPCODE_ROWS, parseFunctions, printFunction, typeName, verifyFunction } from '../../src/index.ts'
import { dumpFunction } from '../dump.ts'
import { functionsOf, ISA } from './every-opcode.ts'

describe('the methods of the builder', () => {
  for (const [at, [name]] of OPCODE_ROWS.entries()) {
    test(name, () => {
      let built = 0
      for (const { type, func } of functionsOf(at + 1)) {
        expect(verifyFunction(func, ISA), `${name}.${typeName(type)}\n${printFunction(func)}`).toEqual([])
        built++
        const text = printFunction(func, { atomicFlags: true })
        // Neither dynamic types nor vectors of several i128 can be written down.
        if (/vconst\.i128x[24] |dt\d/.test(text)) continue
        const [again] = parseFunctions(text)
        expect(dumpFunction(again), text).toEqual(dumpFunction(func))
      }
      // The builder cannot make values of dynamic types without a dynamic stack slot.
      if (name !== 'extract_vector') expect(built).toBeGreaterThan(0)
    })
  }
})
