// disasm and unwind on objects that other compilers made.

import { readFileSync } from 'node:fs'
import { readObject, writeObject } from '@framewright/object'
import { describe, expect, test } from 'vitest'
import { builtInFormats } from '../src/formats.ts'
import { loadObject } from '../src/listing/load-object.ts'
import { cfaText } from '../src/listing/rows.ts'
import { fib, run, world } from './memory-host.ts'
import { runTool, scratch, tools } from './tools.ts'

const file = scratch()

const program = `
extern int other(int);
static int local(int x, int y) { return other(x) * y + other(y); }
int leaf(int x) { return x * 3; }
int walk(int n, const int *values) {
  int sum = 0;
  for (int i = 0; i < n; i++) { if (values[i] < 0) return local(sum, i); sum += other(values[i]); }
  return sum;
}
double wide(double a, double b, int n) {
  double sum = a;
  for (int i = 0; i < n; i++) sum += other(i) * b;
  return sum * a;
}
int dynamic(int n) { char space[n]; for (int i = 0; i < n; i++) space[i] = other(i); return other(space[n / 2]); }
`

const compilers = [
  ['gcc', ['-O2']],
  ['gcc', ['-O0', '-ffunction-sections']],
  ['clang', ['-O2', '-fno-omit-frame-pointer']],
  ['clang', ['-O2', '--target=x86_64-pc-windows-msvc', '-funwind-tables']],
  ['x86_64-w64-mingw32-gcc', ['-O2']],
  ['x86_64-w64-mingw32-gcc', ['-O0', '-ffunction-sections']],
] as const

describe.each(compilers)('what %s makes (%j)', (compiler, flags) => {
  test('has its functions, with rows and everything else', async (context) => {
    const [cc] = tools(context, compiler)
    const path = file('theirs.o')
    expect(runTool(cc, ...flags, '-c', '-o', path, file('program.c', program)).stderr).toBe('')
    const object = new Uint8Array(readFileSync(path))
    const listed = await run('disasm theirs.o', world({ 'theirs.o': object }))
    expect(listed).toMatchObject({ code: 0, stderr: '' })
    for (const name of ['leaf', 'walk', 'wide', 'dynamic']) {
      expect(listed.stdout).toMatch(new RegExp(`^${name}: (?:about )?\\d+ bytes of code`, 'm'))
    }
    expect(listed.stdout).toMatch(/ call other +/)
    const shown = await run('unwind theirs.o', world({ 'theirs.o': object }))
    expect(shown).toMatchObject({ code: 0, stderr: '' })
    expect(shown.stdout).toMatch(/DW_CFA_def_cfa_offset|UWOP_PUSH_NONVOL/)
    const json = JSON.parse((await run('unwind --json -f walk theirs.o', world({ 'theirs.o': object }))).stdout)
    expect(json.functions).toHaveLength(1)
    expect(json.functions[0].rows[0].cfa).toEqual({ register: 'rsp', offset: 8 })
  })
})

test('rows agree with those that readelf prints', (context) => {
  const [gcc, readelf] = tools(context, 'gcc', 'readelf')
  const path = file('rows.o')
  expect(runTool(gcc, '-O2', '-c', '-o', path, file('program.c', program)).stderr).toBe('')
  const { functions } = loadObject(readObject(new Uint8Array(readFileSync(path))), builtInFormats)
  const printed = runTool(readelf, '-wF', path).stdout
  const theirs = [...printed.matchAll(/FDE .*pc=([\da-f]+)\.\.([\da-f]+)\n.*\n((?:[\da-f]{16} .*\n)*)/g)].map(
    (match) => ({
      begin: Number.parseInt(match[1], 16),
      rows: [...match[3].matchAll(/^([\da-f]+) (\w+\+\d+)/gm)].map(
        ([, at, cfa]) => `${Number.parseInt(at, 16)} ${cfa}`,
      ),
    }),
  )
  expect(functions.length).toBe(theirs.length)
  for (const fn of functions) {
    const rows = (fn.rows ?? []).map((row) => `${fn.offset + row.at} ${cfaText(row)}`)
    const other = theirs.find(({ begin }) => begin === fn.offset)?.rows ?? []
    // readelf starts every table with the row of the CIE.
    expect(rows, fn.name).toEqual(other.length === 0 ? [`${fn.offset} rsp+8`] : [...new Set(other)])
  }
})

test('what compile writes is shown as what it was compiled from', async () => {
  for (const triple of ['x86_64-unknown-linux-gnu', 'x86_64-pc-windows-msvc']) {
    const where = world({ 'fib.clif': fib })
    await run(`compile fib.clif -o fib.o --target ${triple}`, where)
    const parts = (text: string) =>
      text
        .split('\n')
        .slice(2)
        .join('\n')
        .replace(/(?:system_v|windows_fastcall), /, '')
    const text = await run(`unwind fib.clif --target ${triple}`, where)
    const object = await run('unwind fib.o', where)
    expect(parts(object.stdout).split('\n').slice(1, 4)).toEqual(parts(text.stdout).split('\n').slice(1, 4))
    expect(object.stdout).toContain(triple.includes('linux') ? 'DW_CFA_offset' : 'UWOP_PUSH_NONVOL')
  }
})

test('functions are chosen by name, and a name that is not there is an error', async () => {
  const where = world({ 'a.clif': `${fib}\nfunction %g() {\nblock0:\n    return\n}\n` })
  const { stdout } = await run('disasm a.clif -f g', where)
  expect(stdout).toContain('\ng: ')
  expect(stdout).not.toContain('fib: ')
  expect((await run('disasm a.clif -f %g -f fib', where)).stdout).toContain('fib: ')
  const missing = await run('disasm a.clif -f h', where)
  expect(missing).toMatchObject({ code: 1, stderr: 'a.clif: error: no function h; there are fib, g\n' })
})

test('a damaged object is wrong input, with its place', async () => {
  const where = world({ 'fib.clif': fib })
  await run('compile fib.clif -o fib.o', where)
  const good = where.files.get('fib.o') as Uint8Array
  for (const command of ['disasm', 'unwind']) {
    const { code, stdout, stderr } = await run(`${command} bad.o`, world({ 'bad.o': good.subarray(0, 300) }))
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^bad\.o: error: .*\(byte 0x[\da-f]+ of the file\)\n$/)
  }
  // Every byte in turn: an answer or an error, never a mistake of ours.
  for (let at = 0; at < good.length; at += 3) {
    const bad = good.slice()
    bad[at] ^= 0xff
    for (const command of ['disasm', 'unwind']) {
      const { code, stderr } = await run(`${command} bad.o`, world({ 'bad.o': bad }))
      expect([0, 1], `${command}, byte ${at}: ${stderr}`).toContain(code)
    }
  }
})

test('a function of very many instructions is no trouble', async () => {
  const bytes = new Uint8Array(200_000).fill(0x90)
  bytes[bytes.length - 1] = 0xc3
  const object = writeObject({
    format: 'elf',
    sections: [{ name: '.text', kind: 'text', align: 16, bytes, relocations: [] }],
    symbols: [{ name: 'f', binding: 'global', type: 'function', section: 0, value: 0, size: bytes.length }],
  })
  const { code, stdout } = await run('disasm f.o', world({ 'f.o': object }))
  expect(code).toBe(0)
  expect(stdout.split('\n').length).toBeGreaterThan(200_000)
})
