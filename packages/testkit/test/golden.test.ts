import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkGolden } from '../src/index.ts'

async function golden(text: string, run: (input: string) => string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'golden-'))
  try {
    writeFileSync(join(folder, 'a.clif'), text)
    await checkGolden(join(folder, 'a.clif'), run)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('the input ends where the last function does', async () => {
  let seen = ''
  await golden('; first\nfunction %a() {\nblock0: ; here\n    return\n}\n\n; 00  ret\n;\n; end\n', (input) => {
    seen = input
    return ['00  ret', '', 'end']
  })
  expect(seen).toBe('; first\nfunction %a() {\nblock0: ; here\n    return\n}\n')
})

test('an input without functions ends before the last comment lines', async () => {
  let seen = ''
  await golden('push rbp\nalloc 8\n\n; one\n', (input) => {
    seen = input
    return ['one']
  })
  expect(seen).toBe('push rbp\nalloc 8\n')
})
