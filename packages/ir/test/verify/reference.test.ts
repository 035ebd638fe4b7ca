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

// Files that only ask for `cat` or `print-cfg`, which CLIF does not verify first: the lines that break a rule.
const NOT_WELL_FORMED: Readonly<Record<string, readonly number[]>> = {
  'cfg/unused_node.clif': [24],
  'parser/branch.clif': [10, 26, 42, 73, 85],
  'parser/rewrite.clif': [7, 21],
  'parser/tiny.clif': [26, 41, 57, 67, 79, 99, 115, 131, 130, 145, 171, 202],
}

const corpus = sharedPath('clif')
describe.skipIf(corpus === null)('every other file of CLIF', () => {
  test.each(['runtests', 'runtests/x64', 'cfg', 'domtree', 'isa-x64', 'parser'])('of %s is well formed', (folder) => {
    const files = readdirSync(join(corpus ?? '', folder)).filter((file) => file.endsWith('.clif'))
    expect(files.length).toBeGreaterThan(0)
    for (const file of files) {
      const parsed = parseFile(readFileSync(join(corpus ?? '', folder, file), 'utf8'), { file })
      const { tests, targets } = parsed.header
      const options = (targets.length === 0 ? [null] : targets).map((t) => headerVerifyOptions(parsed.header, t))
      const found = parsed.functions.flatMap((func) => options.flatMap((option) => verifyFunction(func, option)))
      const expected = NOT_WELL_FORMED[`${folder}/${file}`] ?? []
      const lines = found.map(({ line }) => line)
      expect(lines, found.map(({ line, message }) => `${file}:${line}: ${message}`).join('\n')).toEqual(expected)
      if (expected.length > 0) expect(tests.every(({ command }) => ['cat', 'print-cfg'].includes(command))).toBe(true)
    }
  })
})
