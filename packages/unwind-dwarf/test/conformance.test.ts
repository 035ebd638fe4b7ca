import { checkConformance, generatedFunctions, realignedFunctions } from '@framewright/frame-layout/testing'
import { expect, test } from 'vitest'
import { createDwarfFormat, dwarf } from '../src/format.ts'

const general = Array.from({ length: 16 }, (_, register) => register)

test('with xmm rules: the rows of every record, and every register at every instruction', () => {
  const format = createDwarfFormat({ vectorRegisters: true, reader: 'specification' })
  const functions = generatedFunctions({ machineFrames: true, handlers: true, parts: true, labelsAhead: true })
  const report = checkConformance(format, { rows: 'equal', runs: 400, functions })
  expect(report.points).toBeGreaterThan(5000)
  expect([...report.refused]).toEqual([])
  expect(report.leaves).toBe(0)
})

test('functions with a realigned stack: the rows of every record, and every register at every instruction', () => {
  const report = checkConformance(dwarf, { rows: 'equal', runs: 200, functions: realignedFunctions() })
  expect(report.points).toBeGreaterThan(3000)
  expect([...report.refused]).toEqual([])
})

test('without them: every general register at every instruction, within the limits of libgcc', () => {
  const functions = generatedFunctions({ parts: true, labelsAhead: true })
  const report = checkConformance(dwarf, { rows: 'true', registers: general, runs: 400, functions })
  expect([...report.refused]).toEqual([])
})

test.each(['libunwind', 'nongnu'] as const)('the default form is within the limits of %s', (reader) => {
  checkConformance(createDwarfFormat({ reader }), { rows: 'unchecked', registers: general, runs: 200 })
})

test.each([
  ['absolute addresses', { codeEncoding: 0x00 }],
  ['pc-relative addresses of 8 bytes', { codeEncoding: 0x1c }],
  ['relocations by function', { relocateBy: 'symbol' }],
  ['a terminator', { terminator: true }],
] as const)('with %s', (_, options) => {
  checkConformance(createDwarfFormat(options), { rows: 'true', registers: general, runs: 50 })
})
