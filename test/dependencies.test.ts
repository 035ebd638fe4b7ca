// Who may know whom. The table is the one in docs/architecture.md; `turbo boundaries` checks the manifests, this the
// imports.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const packages = join(import.meta.dirname, '../packages')

const mayImport: Record<string, readonly string[]> = {
  ir: [],
  'frame-layout': [],
  regalloc: [],
  'asm-x64': [],
  object: [],
  interpreter: ['ir'],
  filetest: ['ir', 'interpreter'],
  opt: ['ir'],
  'unwind-win64': ['frame-layout'],
  'unwind-dwarf': ['frame-layout'],
  'unwind-sframe': ['frame-layout'],
  'unwind-compact': ['frame-layout'],
  'unwind-verify': ['frame-layout'],
  'codegen-x64': ['ir', 'frame-layout', 'regalloc', 'asm-x64'], // and the two formats, in default-formats.ts alone
  jit: ['codegen-x64', 'frame-layout', 'object'],
  cli: [
    'ir',
    'frame-layout',
    'regalloc',
    'asm-x64',
    'object',
    'interpreter',
    'filetest',
    'opt',
    'unwind-win64',
    'unwind-dwarf',
    'unwind-sframe',
    'unwind-compact',
    'unwind-verify',
    'codegen-x64',
    'jit',
  ],
  testkit: [],
}

const exceptions: Record<string, readonly string[]> = {
  'codegen-x64/src/default-formats.ts': ['unwind-win64', 'unwind-dwarf'],
}

/**
 * Packages of others. A decoder of all x86-64 instructions that knows what each reads and writes is a project of its own, and
 * one that we did not write is the better witness against our encoder: unwind-verify reads code with iced-x86.
 */
const foreign: Record<string, readonly string[]> = { 'unwind-verify': ['iced-x86'] }

/** Packages bound to Node; all others also run in a browser. */
const hosted = ['cli', 'testkit', 'jit']

/** The module specifiers of a file. Imports start at the margin, so the examples in comments are not taken for some. */
function imports(text: string): string[] {
  const patterns = [
    /^(?:import|export|\})[^'"\n]*?\bfrom\s*['"]([^'"]+)['"]/gm,
    /^import\s*['"]([^'"]+)['"]/gm,
    /^(?!\s*(?:\/\/|\*)).*?\b(?:import|require)\(\s*['"]([^'"]+)['"]/gm,
  ]
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1]!))
}

const names = readdirSync(packages).filter((name) => existsSync(join(packages, name, 'package.json')))

test('every package has a row in the table', () => {
  expect(Object.keys(mayImport)).toEqual(expect.arrayContaining(names))
})

describe.each(names)('%s', (name) => {
  const root = join(packages, name)
  const files = readdirSync(join(root, 'src'), { recursive: true }).map((file) => join(root, 'src', String(file)))
  const sources = files.filter((file) => file.endsWith('.ts'))

  test('has sources, and nothing compiled among them', () => {
    expect(sources.length).toBeGreaterThan(0)
    expect(files.filter((file) => /\.(?:js|map|d\.ts)$/.test(file))).toEqual([])
  })

  test('imports only what the table allows', () => {
    for (const file of sources) {
      const place = relative(packages, file).replaceAll('\\', '/')
      const allowed = [...(mayImport[name] ?? []), ...(exceptions[place] ?? [])]
      for (const target of imports(readFileSync(file, 'utf8'))) {
        if (target.startsWith('.')) {
          expect(relative(root, resolve(dirname(file), target)), `${place} leaves its package`).not.toMatch(/^\.\./)
        } else if (target.startsWith('@framewright/')) {
          expect(allowed, place).toContain(target.split('/')[1])
        } else if (!hosted.includes(name)) {
          // Generators for property tests are public, under /testing, and only they know fast-check.
          const others = [...(foreign[name] ?? []), ...(place.includes('/src/testing/') ? ['fast-check'] : [])]
          expect(others, place).toContain(target)
        }
      }
    }
  })

  if (hosted.includes(name)) return
  test('runs no code made at run time', () => {
    for (const file of sources) {
      const text = readFileSync(file, 'utf8')
      expect(text, file).not.toMatch(/^(?!\s*(?:\/\/|\*|\/\*)).*\beval\(/m)
      // `Function` may be the IR's, declared or imported by the file.
      const ownFunction = /\bclass Function\b|^(?:import\b.*|\s+(?:type )?)\bFunction\b.*(?:,|from)/m.test(text)
      if (!ownFunction) expect(text, file).not.toMatch(/^(?!\s*(?:\/\/|\*|\/\*)).*\bnew Function\b/m)
    }
  })
})

test('an import is seen in each of its forms', () => {
  const text = [
    "import a, { b } from 'one'",
    'import {',
    '  c,',
    "} from 'two'",
    "export type { d } from 'three'",
    "import 'four'",
    "const e = await import('five')",
    "type F = import('six').F",
    " * import { g } from 'not this'",
    "// import('nor this')",
  ].join('\n')
  expect(imports(text).sort()).toEqual(['five', 'four', 'one', 'six', 'three', 'two'])
})
