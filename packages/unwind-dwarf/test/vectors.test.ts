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
