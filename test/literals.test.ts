import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkLiterals } from '../scripts/literals.mjs'

test('numbers written as literals agree with their tables (node scripts/literals.mjs --write corrects them)', () => {
  const { files, problems } = checkLiterals(join(import.meta.dirname, '..'))
  expect(files).toBeGreaterThan(0)
  expect(problems).toEqual([])
})

test('a wrong literal is reported, and corrected on request', () => {
  const root = mkdtempSync(join(tmpdir(), 'literals-'))
  try {
    const src = join(root, 'packages/ir/src')
    mkdirSync(src, { recursive: true })
    writeFileSync(join(src, 'table.ts'), 'export const Op = {\n  A: 1, // first\n  B: 0x10,\n} as const\n')
    writeFileSync(
      join(src, 'hot.ts'),
      '// literals: Op\ncase 1 /* Op.A */:\ncase 2 /* Op.B */:\ncase Op.A:\ncase Kind.A:\n3 /* Op.C */\n',
    )
    expect(checkLiterals(root).problems).toEqual([
      'packages/ir/src/hot.ts:3: Op.B is 16, not 2',
      'packages/ir/src/hot.ts:6: Op has no member C',
    ])
    expect(checkLiterals(root, true).written).toEqual(['packages/ir/src/hot.ts'])
    expect(readFileSync(join(src, 'hot.ts'), 'utf8')).toBe(
      '// literals: Op\ncase 1 /* Op.A */:\ncase 16 /* Op.B */:\ncase 1 /* Op.A */:\ncase Kind.A:\n3 /* Op.C */\n',
    )
  } finally {
    rmSync(root, { recursive: true })
  }
})
