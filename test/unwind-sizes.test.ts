// Our unwind data are no larger than those of gcc, clang and mingw for the same prologues and epilogues, and say the same.
// `npm run bench -- unwind` prints the sizes.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { compareObject, compileC, compilers } from '../bench/unwind-sizes.mjs'
import * as object from '../packages/object/src/index.ts'
import { requireTool } from '../packages/testkit/src/index.ts'
import * as dwarf from '../packages/unwind-dwarf/src/index.ts'
import * as win64 from '../packages/unwind-win64/src/index.ts'
import { recordOf } from '../packages/unwind-win64/src/meaning.ts'

interface Compared {
  readonly name: string
  readonly same: boolean
  readonly theirs: number
  readonly ours: number
  /** Call-frame information alone: the program, without its header and without padding. */
  readonly theirProgram?: number
  readonly ourProgram?: number
}

const root = join(import.meta.dirname, '..')
const examples = join(root, 'examples')
const sources = [
  ...readdirSync(examples)
    .filter((name) => name.endsWith('.c'))
    .map((name) => join(examples, name)),
  join(root, 'bench/programs.c'),
]
const packages = { object, dwarf, win64, recordOf }
const folder = mkdtempSync(join(tmpdir(), 'framewright-sizes-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Without and with frame pointers; the benchmark has more. */
const levels = [['-O2'], ['-O2', '-fno-omit-frame-pointer']]

describe.each(compilers)('$name', (compiler) => {
  const path = requireTool(compiler.command)

  test.skipIf(path === null).each(levels.map((level) => [level.join(' '), level] as const))('%s', (_, level) => {
    let functions = 0
    for (const source of sources) {
      const bytes = compileC({ ...compiler, command: path }, level, source, folder, [examples])
      const compared = compareObject(packages, compiler.format, bytes)
      for (const one of compared.functions as readonly Compared[]) {
        const where = `${source}, ${one.name}`
        expect(one.same, where).toBe(true)
        // Headers and padding depend on the neighbours: the last record of `.eh_frame` is padded to 8 bytes by everybody.
        expect(one.ourProgram ?? one.ours, where).toBeLessThanOrEqual(one.theirProgram ?? one.theirs)
        functions++
      }
      expect(compared.ours, source).toBeLessThanOrEqual(compared.theirs)
    }
    expect(functions).toBeGreaterThan(50)
  })
})
