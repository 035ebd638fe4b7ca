import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type FileTestResult, runFileTests } from '../src/index.ts'

const folder = join(import.meta.dirname, 'files')

/** A line a result, and under it what failed. */
function told(results: readonly FileTestResult[]): string[] {
  return results.flatMap(({ command, status, checked, note, failures }) => [
    [`test ${command}: ${status}`, `${checked} checked`, ...(note === '' ? [] : [note])].join(', '),
    ...failures.map(({ line, column, message }) => `${line}:${column}: ${message.split('\n')[0]}`),
  ])
}

// Each file ends with what its tests have to say, a line each behind `;;`.
test.each(readdirSync(folder).filter((name) => name.endsWith('.clif')))('%s', async (name) => {
  const path = join(folder, name)
  const text = readFileSync(path, 'utf8')
  const input = text.slice(0, text.indexOf('\n;; ') + 1 || text.length)
  const lines = told(runFileTests(input, { file: name })).map((line) => `;; ${line}`)
  await expect(`${input}${lines.join('\n')}\n`).toMatchFileSnapshot(path)
})
