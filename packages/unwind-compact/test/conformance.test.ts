// The kit of frame-layout: random functions, in objects and linked, in each precision.

import { R12, R13, R14, R15, RBX, type UnwindFormat, type UnwindImage } from '@framewright/frame-layout'
import { checkConformance, generatedFunctions, realignedFunctions } from '@framewright/frame-layout/testing'
import { expect, test } from 'vitest'
import { type CompactFormat, compact, createCompactFormat, decodeObjectRows, linkUnwindInfo } from '../src/index.ts'

const functions = generatedFunctions({ machineFrames: true, handlers: true, parts: true, labelsAhead: true })
/** Those of System V, which has numbers for all that it saves. */
const systemV = generatedFunctions({ parts: true, labelsAhead: true, saved: [RBX, R12, R13, R14, R15] })

/** What a record may be refused for; everything else would be a fault. */
const reasons = ['argument-bytes', 'body-changes', 'cfa', 'language-data', 'register-rule', 'save-place']
const others = ['signal-frame', 'stack-size']

const refusals = (report: ReturnType<typeof checkConformance>): number =>
  [...report.refused.values()].reduce((sum, count) => sum + count, 0)

test.each([
  ['body', 'body', 'true-in-body', 250],
  ['body-changes', 'body', 'true-in-body', 400],
  ['instructions', 'everywhere', 'true', 200],
] as const)('precision %s: what is accepted is walked from %s', (precision, walks, rows, least) => {
  for (const made of [functions, systemV]) {
    const report = checkConformance(createCompactFormat({ precision }), { runs: 1500, walks, rows, functions: made })
    expect([...reasons, ...others]).toEqual(expect.arrayContaining([...report.refused.keys()]))
    if (made === systemV) expect(report.functions - refusals(report)).toBeGreaterThan(least)
  }
})

/** The format as a linker's result has it: the rows of the image are made one section first. */
function linked(format: CompactFormat): UnwindFormat {
  const link = (image: UnwindImage): UnwindImage => {
    const rows = image.sections
      .filter(({ name }) => name.endsWith('__compact_unwind'))
      .flatMap(({ bytes }) => decodeObjectRows(bytes))
    const bytes = linkUnwindInfo(rows, { base: image.base, personalityPointer: () => image.base + 0x100n })
    const section = { name: '__TEXT,__unwind_info', address: image.base + 0x7000_0000n, bytes }
    return { ...image, sections: [...image.sections, section] }
  }
  return {
    ...format,
    decode: (image) => format.decode(link(image)),
    unwind: (frame, image, memory) => format.unwind(frame, link(image), memory),
  }
}

test.each(['body', 'instructions'] as const)('the same, linked; precision %s', (precision) => {
  const format = linked(createCompactFormat({ precision }))
  const report = checkConformance(format, { runs: 1000, rows: 'true-in-body', functions: systemV })
  expect(report.points).toBeGreaterThan(500)
})

test('frames that realign the stack are refused: their CFA is in memory', () => {
  const report = checkConformance(compact, { runs: 50, functions: realignedFunctions() })
  expect([...report.refused.keys()]).toEqual(['cfa'])
  expect(refusals(report)).toBe(report.functions)
})

test('the kit knows a wrong word', () => {
  const wrong: UnwindFormat = {
    ...compact,
    decode: (image) => compact.decode(image).map((one) => ({ ...one, rows: () => one.rows().map(offByOne) })),
  }
  const offByOne = (row: ReturnType<ReturnType<UnwindFormat['decode']>[number]['rows']>[number]) =>
    row.cfa.rule === 'register' ? { ...row, cfa: { ...row.cfa, offset: row.cfa.offset + 8 } } : row
  expect(() => checkConformance(wrong, { runs: 50, rows: 'true-in-body', functions: systemV })).toThrow(
    /does not conform/,
  )
})
