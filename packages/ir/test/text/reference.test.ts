// Every file of the reference corpus: read, print, read again; the two readings are one function and the printed text is
// stable. Files whose functions are printed by upstream say what they expect in their comments.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sharedPath } from '@framewright/testkit'
import { describe, expect, test } from 'vitest'
import { IrSyntaxError, parseFile, parseFunctions, printFunction } from '../../src/index.ts'
import { dumpFunction } from '../dump.ts'

const FOLDERS = ['runtests', 'parser', 'verifier', 'cfg', 'domtree', 'isa-x64']

/** What cannot be read, and why. */
const REFUSED: Readonly<Record<string, string>> = {}

for (const folder of FOLDERS) {
  const path = sharedPath(`clif/${folder}`)
  describe.skipIf(path === null)(`clif/${folder}`, () => {
    const files = path === null ? [] : readdirSync(path).filter((file) => file.endsWith('.clif'))

    test('is read and printed back', () => {
      const refused: Record<string, string> = {}
      for (const file of files) {
        const text = readFileSync(join(path ?? '', file), 'utf8')
        try {
          for (const func of parseFile(text, { file }).functions) {
            const printed = printFunction(func, { atomicFlags: true })
            const [again] = parseFunctions(printed, { file: `${file}, printed` })
            expect(printFunction(again, { atomicFlags: true }), file).toBe(printed)
            expect(dumpFunction(again), file).toEqual(dumpFunction(func))
          }
        } catch (error) {
          if (!(error instanceof IrSyntaxError)) throw error
          refused[`${folder}/${file}`] = error.message
        }
      }
      const expected = Object.entries(REFUSED).filter(([file]) => file.startsWith(`${folder}/`))
      expect(refused).toEqual(Object.fromEntries(expected))
    })
  })
}
