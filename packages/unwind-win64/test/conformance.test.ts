// The kit of frame-layout: random functions, walked from every instruction.

import { checkConformance, generatedFunctions } from '@framewright/frame-layout/testing'
import { expect, test } from 'vitest'
import { unwindFrame, type Win64Format, win64Format } from '../src/index.ts'

const rows = 'true-outside-epilogues'

test('functions of the documented forms are all encoded and walked from every instruction', () => {
  const functions = generatedFunctions({ forms: 'windows', machineFrames: true, handlers: true })
  const report = checkConformance(win64Format, { runs: 200, functions, rows })
  expect(report.refused).toEqual(new Map())
  expect(report.points).toBeGreaterThan(5000)
})

test('what is accepted of any function is walked from every instruction', () => {
  const functions = generatedFunctions({ machineFrames: true, handlers: true, parts: true, labelsAhead: true })
  const report = checkConformance(win64Format, { runs: 200, functions, rows })
  const refused = [...report.refused.values()].reduce((sum, count) => sum + count, 0)
  expect(refused).toBeLessThan(report.functions * 0.6)
  // Nothing but what the reference says cannot be expressed.
  expect([...report.refused.keys()].sort()).toEqual(
    ['epilogue-form', 'frame-register-offset', 'save-offset', 'sp-moves'].filter((code) => report.refused.has(code)),
  )
})

test('version 2 is walked from every instruction without reading one', () => {
  const functions = generatedFunctions({ forms: 'windows' })
  const report = checkConformance(win64Format, { runs: 200, functions, rows, encodeOptions: { version: 2 } as object })
  expect(report.points).toBeGreaterThan(3000)
})

test('Wine 8 walks the documented forms, but for jumps out of the function', () => {
  const wine: Win64Format = {
    ...win64Format,
    unwind: (frame, image, memory) => unwindFrame(frame, image, memory, { system: 'wine-8' }),
  }
  const functions = generatedFunctions({ forms: 'windows', machineFrames: true }).filter(
    ({ record }) => !record.events.some((event) => event.kind === 'epilogue-end' && event.exit === 'tail-jump'),
  )
  expect(checkConformance(wine, { runs: 200, functions, rows: 'unchecked' }).refused).toEqual(new Map())
})
