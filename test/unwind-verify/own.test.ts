// Our own output: no findings, and nothing that could not be decided.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { generateModule } from '../../packages/ir/src/testing/index.ts'
import { examples } from '../support/examples.ts'
import { framewright } from '../support/framewright.ts'
import { examplesFolder } from '../support/tools.ts'

const targets = ['x86_64-unknown-linux-gnu', 'x86_64-pc-windows-msvc', 'x86_64-w64-windows-gnu']

interface FileReport {
  readonly file: string
  readonly instructions: number
  readonly right: number
  readonly assumed: number
  readonly undescribed: number
  readonly undecided: Readonly<Record<string, number>>
  readonly findings: readonly unknown[]
}

async function verified(files: ReadonlyMap<string, string>, ...options: string[]): Promise<readonly FileReport[]> {
  const { stdout, stderr } = await framewright(['unwind', '--verify', '--json', ...options, ...files.keys()], files)
  expect(stderr).toBe('')
  return JSON.parse(stdout).files
}

function expectClean(reports: readonly FileReport[]): number {
  let instructions = 0
  for (const report of reports) {
    const { file, right, assumed, undescribed, undecided, findings } = report
    expect({ file, right, assumed, undescribed, undecided, findings }).toEqual({
      ...{ file, right: report.instructions, assumed: 0, undescribed: 0, undecided: {}, findings: [] },
    })
    instructions += report.instructions
  }
  return instructions
}

const sources: ReadonlyMap<string, string> = new Map(
  examples.map(({ name }) => [`${name}.clif`, readFileSync(join(examplesFolder, `${name}.clif`), 'utf8')]),
)

describe.each(targets)('the examples for %s', (target) => {
  test.each([
    ['as they are', []],
    ['quickly compiled', ['-O', '0']],
    ['with frame pointers', ['--set', 'preserve_frame_pointers']],
    ['with probes and without red zone', ['--set', 'enable_probestack', '--set', 'enable_red_zone=false', '-O', '0']],
    ['with probes that are written out', ['--set', 'enable_probestack', '--set', 'probestack_strategy=inline']],
  ])('%s', async (_, options) => {
    expect(expectClean(await verified(sources, '--target', target, ...options))).toBeGreaterThan(2000)
  })
})

test.each(targets)('random functions for %s', async (target) => {
  const files = new Map<string, string>()
  for (let seed = 1; seed <= 8; seed++) {
    const functions = generateModule({ seed: seed * 100, instructions: 40 + seed * 30 }, 6)
    files.set(`random${seed}.clif`, functions.map(({ text }) => text).join('\n'))
  }
  const linked = await verified(files, '--target', target)
  const quick = await verified(files, '--target', target, '-O', '0', '--set', 'preserve_frame_pointers')
  expect(expectClean([...linked, ...quick])).toBeGreaterThan(10_000)
})
