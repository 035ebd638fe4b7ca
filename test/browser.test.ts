// The packages run where there is no Node: bundled for a browser, in a world that has the language and nothing else, and in
// Chromium.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createContext, runInContext } from 'node:vm'
import { type OutputChunk, rolldown } from 'rolldown'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { requireTool } from '../packages/testkit/src/index.ts'

const root = join(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'framewright-browser-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Bound to Node. */
const hosted = ['cli', 'jit', 'testkit']

/** Packages of others that a page has to bring itself: iced-x86's own reads a file. */
const brought = ['iced-x86']

interface Entry {
  readonly specifier: string
  readonly source: string
}

const entries = readdirSync(join(root, 'packages')).flatMap((name): Entry[] => {
  const directory = join(root, 'packages', name)
  if (hosted.includes(name) || !existsSync(join(directory, 'package.json'))) return []
  const { name: scoped, exports } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
  return Object.entries<Record<string, string>>(exports).flatMap(([subpath, target]) => {
    const source = target['@framewright/source']
    return source === undefined ? [] : [{ specifier: scoped + subpath.slice(1), source: join(directory, source) }]
  })
})

/** One file of everything that `input` needs. What does not resolve in a browser is an error. */
async function bundle(input: string, format: 'es' | 'iife'): Promise<OutputChunk> {
  const warnings: string[] = []
  const build = await rolldown({
    input,
    platform: 'browser',
    external: brought,
    resolve: { conditionNames: ['@framewright/source', 'browser', 'import', 'default'] },
    onLog: (_level, log) => void warnings.push(log.message),
  })
  const { output } = await build.generate({ format, name: 'page', codeSplitting: false })
  await build.close()
  expect(warnings).toEqual([])
  expect(output).toHaveLength(1)
  return output[0]
}

test.each(entries)('$specifier needs nothing of Node', async ({ source }) => {
  const { imports, dynamicImports } = await bundle(source, 'es')
  expect([...imports, ...dynamicImports].filter((name) => !brought.includes(name))).toEqual([])
})

/** What the page does: from text to code, and its frame in every format, there and back. */
const program = `
import { compileFunction } from '${join(root, 'packages/codegen-x64/src/index.ts')}'
import { loadImage, unwindRows, printRows } from '${join(root, 'packages/frame-layout/src/index.ts')}'
import { parseFunctions } from '${join(root, 'packages/ir/src/text/index.ts')}'
import { writeObject } from '${join(root, 'packages/object/src/index.ts')}'
import { createCompactFormat } from '${join(root, 'packages/unwind-compact/src/index.ts')}'
import { dwarf } from '${join(root, 'packages/unwind-dwarf/src/index.ts')}'
import { sframe } from '${join(root, 'packages/unwind-sframe/src/index.ts')}'
import { win64Format } from '${join(root, 'packages/unwind-win64/src/index.ts')}'

const text = \`function %f(i64) -> i64 CONVENTION {
  ss0 = explicit_slot 40
  fn0 = %g(i64) -> i64 CONVENTION
block0(v0: i64):
  v1 = stack_addr.i64 ss0
  store v0, v1
  v2 = call fn0(v1)
  v3 = iadd v2, v0
  return v3
}\`
export const result = []
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
const formats = [[dwarf, 'system_v'], [sframe, 'system_v'], [createCompactFormat({ fallback: dwarf }), 'system_v'], [win64Format, 'windows_fastcall']]
for (const [format, convention] of formats) {
  const [func] = parseFunctions(text.replaceAll('CONVENTION', convention))
  const { code, codeSize, frame } = compileFunction(func)
  const unwind = format.encode(frame, { code: code.subarray(0, codeSize) })
  const owner = { symbol: 'f', section: '.text', offset: 0, codeSize, unwind }
  const sections = format.assemble([owner])
  const loaded = [{ name: '.text', address: 0x1000n, bytes: code.subarray(0, codeSize) }]
  const image = loadImage(0n, loaded, sections, new Map([['f', 0x1000n]]))
  const read = format.decode(image).flatMap((one) => printRows(one.rows()))
  result.push(format.name, hex(code.subarray(0, codeSize)), ...printRows(unwindRows(frame)))
  result.push(hex(unwind.bytes), ...format.print(unwind), ...read)
}
const section = { name: '.text', kind: 'text', align: 16, bytes: Uint8Array.of(0xc3), relocations: [] }
for (const format of ['elf', 'coff']) result.push(hex(writeObject({ format, sections: [section], symbols: [] })))
`

describe('a page that compiles', () => {
  const main = join(folder, 'page.js')
  let page = ''
  let expected: readonly string[] = []

  beforeAll(async () => {
    writeFileSync(main, program)
    page = (await bundle(main, 'iife')).code
    const module = join(folder, 'module.mjs')
    writeFileSync(module, (await bundle(main, 'es')).code)
    expected = (await import(module)).result
    expect(expected.length).toBeGreaterThan(40)
  })

  test('in a world with the language alone', () => {
    // No process, Buffer, TextEncoder, console or URL.
    const world = createContext({}, { codeGeneration: { strings: false, wasm: false } })
    expect(JSON.parse(runInContext(`${page}\nJSON.stringify(page.result)`, world))).toEqual(expected)
  })

  const chromium = requireTool('chromium')
  test.skipIf(chromium === null)('in Chromium', () => {
    const html = join(folder, 'page.html')
    const show = 'document.body.textContent = JSON.stringify(page.result)'
    writeFileSync(html, `<!doctype html><meta charset="utf-8"><body><script>${page}\n${show}</script>`)
    const options = ['--headless=new', '--no-sandbox', '--disable-gpu', `--user-data-dir=${join(folder, 'profile')}`]
    const { stdout, stderr } = spawnSync(chromium!, [...options, '--dump-dom', `file://${html}`], { encoding: 'utf8' })
    const body = /<body>([\s\S]*)<\/body>/.exec(stdout)?.[1]
    expect(body, stderr).toBeDefined()
    const plain = body!.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
    expect(JSON.parse(plain)).toEqual(expected)
  })
})
