// The reference's own file tests (../shared/clif): every command that can be run here, on every file; and what every text has to
// do, whatever its header says.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { printFunction } from '@framewright/ir'
import { parseFile, parseFunctions } from '@framewright/ir/text'
import { sharedPath } from '@framewright/testkit'
import { describe, expect, test } from 'vitest'
import { runFileTests } from '../src/index.ts'

interface CorpusFile {
  readonly name: string
  readonly text: string
}

function filesOf(folder: string): CorpusFile[] {
  const root = sharedPath(`clif/${folder}`)
  if (root === null) return []
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.clif'))
  return names.sort().map((name) => ({ name: `${folder}/${name}`, text: readFileSync(join(root, name), 'utf8') }))
}

/** Commands that each folder has files for. */
const folders: Readonly<Record<string, readonly string[]>> = {
  parser: ['cat'],
  verifier: ['verifier'],
  domtree: ['domtree'],
  cfg: ['print-cfg'],
  runtests: ['run', 'interpret'],
}

/** Run lines of `runtests`, as the reference counts them (6). */
const RUN_LINES = 6596

describe.skipIf(sharedPath('clif') === null)('the reference', () => {
  test.each(Object.entries(folders))('%s', { timeout: 120_000 }, (folder, wanted) => {
    const failures: string[] = []
    const checked: Record<string, number> = {}
    let lines = 0
    for (const { name, text } of filesOf(folder)) {
      const results = runFileTests(text, { file: name })
      for (const { command, checked: count, failures: failed } of results) {
        checked[command] = (checked[command] ?? 0) + count
        for (const { line, message } of failed) failures.push(`${name}:${line}: ${command}: ${message}`)
      }
      // Most files are run and interpreted, some only one of them.
      lines += Math.max(...results.map((result) => result.checked), 0)
    }
    expect(failures).toEqual([])
    for (const command of wanted) expect(checked[command], command).toBeGreaterThan(0)
    if (folder === 'runtests') expect(lines).toBe(RUN_LINES)
  })

  test('every file is printed so that it reads back, and prints the same again', () => {
    let functions = 0
    for (const folder of [...Object.keys(folders), 'isa-x64']) {
      for (const { name, text } of filesOf(folder)) {
        for (const func of parseFile(text, { file: name }).functions) {
          // What the printed form has no words for (CLIF reference, 2.5, last item).
          if (func.dynamicTypes.length > 0 || func.constants.some((bytes) => bytes.length > 16)) continue
          const printed = printFunction(func)
          const [again] = parseFunctions(printed, { file: name })
          expect(printFunction(again), name).toBe(printed)
          functions++
        }
      }
    }
    expect(functions).toBeGreaterThan(1000)
  })
})
