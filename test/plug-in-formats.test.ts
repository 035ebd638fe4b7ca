// SFrame and compact unwind are written as anybody's format would be. What a code generator, a frame or the command knows of
// them is one line in the list of formats that the command offers; deleting it must leave nothing that speaks of them.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const packages = join(import.meta.dirname, '../packages')

/** Who must not know them, with the manifest and the sources. */
const ignorant = ['codegen-x64', 'frame-layout', 'cli']

/** The command's list of formats: the one place. */
const list = 'cli/src/formats.ts'

/** How each format could be named, in code, text or a comment. `compact` alone is a word of English unless it is quoted. */
const names: Record<string, RegExp> = {
  sframe: /\bs-?frame(?!work)|createSFrame|simple frame format/i,
  compact: /unwind-?compact|compact[-\s_]*(?:unwind|format)|(['"`])compact\1|__unwind_info/i,
}

/** A setting of CLIF texts that Cranelift has, and that we refuse to be switched on. It is about its ABI, not about a format. */
const settingOfClif = 'enable_compact_unwind_abi'

function mentions(text: string, name: RegExp): string[] {
  return text.split('\n').filter((line) => name.test(line.replaceAll(settingOfClif, '')))
}

const sources = ignorant.flatMap((name) =>
  readdirSync(join(packages, name, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(name, 'src', file).replaceAll('\\', '/')),
)

describe.each(Object.entries(names))('%s', (format, name) => {
  test('is named by no source of the code generator, the frames or the command, but in the list', () => {
    expect(sources).toContain(list)
    const found = sources
      .filter((file) => file !== list)
      .flatMap((file) =>
        mentions(readFileSync(join(packages, file), 'utf8'), name).map((line) => `${file}: ${line.trim()}`),
      )
    expect(found).toEqual([])
  })

  test('is imported by one line of that list', () => {
    const imported = readFileSync(join(packages, list), 'utf8')
      .split('\n')
      .filter((line) => line.includes(`@framewright/unwind-${format}'`))
    expect(imported).toHaveLength(1)
  })

  test('is needed by the manifest of the command alone', () => {
    const needing = readdirSync(packages).filter((folder) => {
      const { dependencies = {}, devDependencies = {} } = JSON.parse(
        readFileSync(join(packages, folder, 'package.json'), 'utf8'),
      )
      return `@framewright/unwind-${format}` in { ...dependencies, ...devDependencies }
    })
    expect(needing.filter((folder) => ignorant.includes(folder))).toEqual(['cli'])
  })

  test('needs nothing of ours but frame-layout', () => {
    const { dependencies } = JSON.parse(readFileSync(join(packages, `unwind-${format}`, 'package.json'), 'utf8'))
    expect(Object.keys(dependencies)).toEqual(['@framewright/frame-layout'])
  })
})

test('a name is seen in code, in text and in a comment', () => {
  const text = [
    "import { sframe } from '@framewright/unwind-sframe'",
    '// as SFrame does',
    "case 'compact':",
    'createCompactFormat()',
    "{ name: 'enable_compact_unwind_abi' }",
    'const isFramework = thisFrame // a compact loop',
  ].join('\n')
  expect(mentions(text, names.sframe!)).toHaveLength(2)
  expect(mentions(text, names.compact!)).toHaveLength(2)
})
