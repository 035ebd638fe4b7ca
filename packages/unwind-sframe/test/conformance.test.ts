// The conformance kit: rows and walks at every instruction of random functions, on both architectures.

import { AARCH64_FP, aarch64, RBP } from '@framewright/frame-layout'
import { checkConformance, generatedFunctions, realignedFunctions } from '@framewright/frame-layout/testing'
import { describe, expect, test } from 'vitest'
import { createSFrameFormat } from '../src/index.ts'
import { aarch64Functions } from './aarch64-functions.ts'

const forms = [
  { version: 1, starts: 'assembler' },
  { version: 1, starts: 'section' },
  { version: 2, starts: 'assembler' },
  { version: 2, starts: 'section' },
  { version: 2, starts: 'section', sorted: false },
  { version: 2, starts: 'field' },
] as const

describe.each(forms)('%j', (options) => {
  const format = createSFrameFormat(options)

  test('x86-64: the CFA, the return address and rbp, at every instruction', () => {
    const functions = generatedFunctions({ machineFrames: true, parts: true, labelsAhead: true })
    const report = checkConformance(format, { rows: 'equal-in-registers', registers: [RBP], functions, runs: 150 })
    // Another frame register than rbp, and the frames that interrupts push.
    expect([...report.refused.keys()].sort()).toEqual(['cfa', 'stack-pointer'])
    const refused = [...report.refused.values()].reduce((a, b) => a + b)
    expect(refused).toBeLessThan(report.functions * 0.6)
    expect(report.points).toBeGreaterThan(2000)
    expect(report.leaves).toBe(0)
  })

  test('AArch64: the CFA, the return address and x29', () => {
    const functions = aarch64Functions({ signed: true })
    const common = { rows: 'equal-in-registers', registers: [AARCH64_FP], architecture: aarch64 } as const
    const report = checkConformance(format, { ...common, functions, runs: 60 })
    expect([...report.refused]).toEqual([])
    expect(report.points).toBeGreaterThan(1000)
  })
})

test('realigned frames are refused: their CFA is in memory', () => {
  const report = checkConformance(createSFrameFormat(), { functions: realignedFunctions(), runs: 50, registers: [RBP] })
  expect([...report.refused]).toEqual([['cfa', report.functions]])
})
