// CLIF's own tests of its verifier: every `; error:` comment is one finding about the same entity, and no finding is left
// over. All other files of the corpus have nothing to report.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sharedPath } from '@framewright/testkit'
import { describe, expect, test } from 'vitest'
import {
  type Diagnostic,
  headerVerifyOptions,
  type Function as IrFunction,
  parseFile,
  printBlock,
  type SourceComment,
  verifyFunction,
} from '../../src/index.ts'

function entityOf(func: IrFunction, { kind, index }: SourceComment): string {
  if (kind === 'function') return 'function'
  return kind === 'block' ? printBlock(func, index as never) : `${kind}${index}`
}

/** Findings that no comment expects, and comments that no finding answers. */
function differences(func: IrFunction, found: readonly Diagnostic[]): string[] {
  const left = [...found]
  const missing: string[] = []
  for (const comment of func.source?.comments ?? []) {
    const text = /error: (.*)$/.exec(comment.text)?.[1].trim()
    if (text === undefined) continue
    const entity = entityOf(func, comment)
    const at = left.findIndex((diagnostic) => diagnostic.entity === entity && diagnostic.message.includes(text))
    if (at < 0) missing.push(`${entity}: no ${text}`)
    else left.splice(at, 1)
  }
  return [...missing, ...left.map(({ entity, message }) => `${entity}: unexpected ${message}`)]
}

const verifierTests = sharedPath('clif/verifier')

describe.skipIf(verifierTests === null)('the verifier tests of CLIF', () => {
  const files = verifierTests === null ? [] : readdirSync(verifierTests).filter((file) => file.endsWith('.clif'))
  test.each(files)('%s', (file) => {
    const parsed = parseFile(readFileSync(join(verifierTests ?? '', file), 'utf8'), { file })
    let findings = 0
    for (const func of parsed.functions) {
      for (const stopEarly of [true, false]) {
        const found = verifyFunction(func, { ...headerVerifyOptions(parsed.header), stopEarly })
        expect(differences(func, found), JSON.stringify(func.name)).toEqual([])
        findings += found.length
        for (const { line, column } of found) {
          expect(line).toBeGreaterThan(0)
          expect(column).toBeGreaterThan(0)
        }
      }
    }
    expect(findings).toBeGreaterThan(0)
  })
})

for (const folder of ['runtests', 'cfg', 'domtree', 'isa-x64']) {
  const path = sharedPath(`clif/${folder}`)
  describe.skipIf(path === null)(`clif/${folder}`, () => {
    const files = path === null ? [] : readdirSync(path).filter((file) => file.endsWith('.clif'))
    test('has nothing to report', () => {
      for (const file of files) {
        const parsed = parseFile(readFileSync(join(path ?? '', file), 'utf8'), { file })
        // Upstream verifies before every command but these.
        const { tests, targets } = parsed.header
        if (tests.every(({ command }) => ['cat', 'print-cfg', 'verifier'].includes(command))) continue
        const options = (targets.length === 0 ? [null] : targets).map((t) => headerVerifyOptions(parsed.header, t))
        for (const func of parsed.functions) {
          const found = options.flatMap((option) => verifyFunction(func, option))
          expect(
            found.map(({ entity, message }) => `${entity}: ${message}`),
            file,
          ).toEqual([])
        }
      }
    })
  })
}
