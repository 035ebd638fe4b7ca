// What gcc, clang and mingw make of C and C++: every finding is one of theirs, and is explained in findings.txt.

import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { requireTool } from '../../packages/testkit/src/index.ts'
import { examples } from '../support/examples.ts'
import { read } from '../support/real-files.ts'
import { clean, examplesFolder, scratch } from '../support/tools.ts'
import { type Explained, explain } from './explain.ts'

const place = scratch()
const program = join(import.meta.dirname, 'program.cc')

interface Compiler {
  readonly name: string
  readonly c: string
  readonly cpp: string | null
  readonly flags: readonly string[]
  readonly suffix: string
}

const compilers: readonly Compiler[] = [
  { name: 'gcc', c: 'gcc', cpp: 'g++', flags: [], suffix: 'o' },
  { name: 'clang', c: 'clang', cpp: 'clang++', flags: [], suffix: 'o' },
  { name: 'mingw', c: 'x86_64-w64-mingw32-gcc', cpp: 'x86_64-w64-mingw32-g++', flags: [], suffix: 'obj' },
  { name: 'clangmsvc', c: 'clang', cpp: null, flags: ['--target=x86_64-pc-windows-msvc'], suffix: 'obj' },
]

test.each(compilers)('$name', ({ name, c, cpp, flags, suffix }) => {
  const cc = requireTool(c)
  const cxx = cpp === null ? null : requireTool(cpp)
  if (cc === null || (cpp !== null && cxx === null)) return
  const sum = { instructions: 0, right: 0, files: 0 }
  const unexplained: string[] = []
  const take = (object: string, options: readonly string[], compile: () => void): void => {
    compile()
    const report: Explained = explain(basename(object), read(object))
    unexplained.push(...report.unexplained.map((line) => `${line}, ${options.join(' ')}`))
    sum.instructions += report.instructions
    sum.right += report.right
    sum.files++
  }
  for (const [level, options] of [
    ['0', ['-O0']],
    ['2', ['-O2', '-march=haswell']],
  ] as const) {
    for (const { name: example } of examples) {
      const object = place(`${example}-${name}${level}.${suffix}`)
      const source = join(examplesFolder, `${example}.c`)
      // clang has no C library of Microsoft's here.
      if (name === 'clangmsvc' && /<(?:math|string|stdlib)\.h>/.test(readFileSync(source, 'utf8'))) continue
      take(object, options, () => void clean(cc, [...flags, ...options, '-c', source, '-o', object]))
    }
  }
  if (cxx !== null) {
    const probing = name === 'mingw' ? [] : ['-fstack-clash-protection', '-fcf-protection']
    const variants = [['-O0'], ['-O2', ...probing], ['-Os', '-fno-omit-frame-pointer'], ['-O1', '-ffunction-sections']]
    for (const [index, options] of variants.entries()) {
      const object = place(`program-${cpp === 'g++' ? 'g++' : name}${index}.${suffix}`)
      take(object, options, () => void clean(cxx, [...flags, ...options, '-c', program, '-o', object]))
    }
  }
  expect(unexplained).toEqual([])
  // Of the Windows convention and that of System V in one file something is undecided; elsewhere it is nothing.
  expect(sum.instructions).toBeGreaterThan(4_000)
  expect(sum.right / sum.instructions).toBeGreaterThan(0.97)
  expect(sum.files).toBeGreaterThan(20)
})
