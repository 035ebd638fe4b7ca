import { expect, test } from 'vitest'
import { assembleDebugFrame } from '../src/debug-frame.ts'
import type { Dialect } from '../src/directives.ts'
import { assembleEhFrame } from '../src/eh-frame.ts'
import { asVector, type ByAssembler, descriptions, loadVectors, type VectorBytes } from './vectors.ts'

const vectors = loadVectors()

const expected = (by: ByAssembler, dialect: Dialect): VectorBytes | undefined =>
  by.both ?? (dialect === 'gnu' ? by.gas : dialect === 'llvm' ? by.llvm : undefined)

test.skipIf(vectors === null).each(['llvm', 'gnu'] as const)(
  'every section byte for byte in the dialect %s',
  (dialect) => {
    let sections = 0
    for (const one of vectors!.cases) {
      const functions = descriptions(one.functions)
      expect(asVector(assembleEhFrame(functions, { dialect })), one.id).toEqual(expected(one.eh_frame, dialect))
      sections++
      for (const [version, by] of Object.entries(one.debug_frame)) {
        const wanted = expected(by, dialect)
        if (wanted === undefined) continue // 64-bit DWARF comes from LLVM alone
        const options = { dialect, version: Number(version[1]) as 1 | 3 | 4, dwarf64: version.endsWith('dwarf64') }
        expect(asVector(assembleDebugFrame(functions, options)), `${one.id} ${version}`).toEqual(wanted)
        sections++
      }
    }
    expect(sections).toBeGreaterThan(500)
  },
)

/** Of two assemblers that differ, the one that is right. */
const canonicalFollows: Record<string, Dialect | 'neither'> = {
  'gas-absorbs-offset0-into-cie': 'llvm',
  'llvm-negative-cfa-wraps': 'gnu',
  'llvm-stale-cfa-offset': 'gnu',
  'llvm-absptr-lsda-key': 'gnu',
  'gas-S-in-debug-frame': 'gnu',
  'llvm-single-debug-frame-cie': 'gnu',
  // In order of first appearance: as LLVM where its order by name is the same.
  'llvm-sorts-by-cie': 'neither',
}

test.skipIf(vectors === null)('the canonical dialect is what both agree on, and otherwise the right one', () => {
  let compared = 0
  for (const one of vectors!.cases) {
    const functions = descriptions(one.functions)
    const sections = [
      ['eh_frame', one.eh_frame, assembleEhFrame(functions)] as const,
      ['debug_frame', one.debug_frame.v4!, assembleDebugFrame(functions)] as const,
    ]
    for (const [name, by, section] of sections) {
      const sides = new Set((one.reasons[name] ?? []).map((reason) => canonicalFollows[reason]))
      // The order of gas, where it shares CIEs across those of other functions, is the order `source`.
      if (sides.size > 1 || sides.has('neither')) continue
      const [side = 'gnu'] = sides
      // gas returns to a CIE behind a newer one; here the functions of one CIE stand together.
      if (by.both === undefined && side === 'gnu' && new Set(functions.map(headerOf)).size > 1) continue
      expect(asVector(section), `${one.id} ${name}`).toEqual(expected(by, side as Dialect))
      compared++
    }
  }
  expect(compared).toBeGreaterThan(300)
})

const headerOf = ({ signalFrame, languageData }: ReturnType<typeof descriptions>[number]): string =>
  JSON.stringify([signalFrame, languageData?.encoding])

test.skipIf(vectors === null)(
  "in the order 'source' the canonical dialect is what gas writes for mixed headers",
  () => {
    let compared = 0
    for (const one of vectors!.cases) {
      const reasons = one.reasons.eh_frame ?? []
      if (reasons.includes('gas-absorbs-offset0-into-cie')) continue
      const functions = descriptions(one.functions)
      const section = assembleEhFrame(functions, { order: 'source' })
      expect(asVector(section), one.id).toEqual(expected(one.eh_frame, 'gnu'))
      compared++
    }
    expect(compared).toBeGreaterThan(150)
  },
)
