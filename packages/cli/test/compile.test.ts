// What compile writes, where, and when not.

import { readObject } from '@framewright/object'
import { win64Format } from '@framewright/unwind-win64'
import { expect, test } from 'vitest'
import { fib, run, world } from './memory-host.ts'

const linux = '--target x86_64-unknown-linux-gnu'
const windows = '--target x86_64-pc-windows-msvc'
const other = 'function %g(i64) -> i64 {\nblock0(v0: i64):\n    return v0\n}\n'

test('the output lies beside its input, with the extension of what it is', async () => {
  for (const [words, name] of [
    [linux, 'a/fib.o'],
    [windows, 'a/fib.obj'],
    ['--target x86_64-w64-windows-gnu', 'a/fib.obj'],
    [`${linux} --emit asm`, 'a/fib.s'],
    [`${linux} --emit json`, 'a/fib.json'],
  ] as const) {
    const where = world({ 'a/fib.clif': fib })
    expect(await run(`compile a/fib.clif ${words}`, where)).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect([...where.files.keys()]).toEqual(['a/fib.clif', name])
  }
})

test('a name without the extension keeps what it has', async () => {
  const where = world({ 'fib.txt': fib, '.clif': fib })
  await run(`compile fib.txt .clif ${linux}`, where)
  expect([...where.files.keys()].slice(2)).toEqual(['fib.txt.o', '.clif.o'])
})

test('the triple decides the format, the convention and the unwind sections', async () => {
  const sections = async (triple: string) => {
    const { bytes } = await run(`compile - -o - --target ${triple}`, world({}, { stdin: fib }))
    const { format, sections } = readObject(bytes)
    return [format, ...sections.map(({ name }) => name)]
  }
  expect(await sections('x86_64-unknown-linux-gnu')).toEqual(['elf', '.text', '.eh_frame', '.note.GNU-stack'])
  expect(await sections('x86_64-linux-gnu')).toEqual(['elf', '.text', '.eh_frame', '.note.GNU-stack'])
  expect(await sections('x86_64-pc-windows-msvc')).toEqual(['coff', '.text', '.xdata', '.pdata'])
  expect(await sections('x86_64-w64-windows-gnu')).toEqual(['coff', '.text', '.xdata', '.pdata'])
})

test('an object is not for a terminal', async () => {
  const where = world({ 'a.clif': fib }, { terminal: true })
  expect(await run('compile a.clif -o -', where)).toMatchObject({ code: 2, stdout: '' })
  expect(await run('compile a.clif -o - --emit asm', where)).toMatchObject({ code: 0 })
  expect(await run('compile a.clif -o a.o', where)).toMatchObject({ code: 0 })
})

test('nothing is written when one of several inputs is wrong', async () => {
  const where = world({ 'a.clif': fib, 'b.clif': 'functoin', 'c.clif': other.replace('return v0', 'return v1') })
  const { code, stderr } = await run('compile a.clif b.clif c.clif', where)
  expect(code).toBe(1)
  expect(stderr).toContain('b.clif:1:1: error:')
  expect(stderr).toContain('c.clif:3:12: error:')
  expect(stderr).toMatch(/\n2 errors\n$/)
  expect([...where.files.keys()]).toEqual(['a.clif', 'b.clif', 'c.clif'])
})

test('an output that cannot be written is an error that names it', async () => {
  const where = world({ 'a.clif': fib })
  const { code, stderr } = await run('compile a.clif -o read-only/a.o', where)
  expect({ code, stderr }).toEqual({ code: 1, stderr: 'read-only/a.o: error: permission denied\n' })
})

test('several inputs give the same objects as each alone', async () => {
  const together = world({ 'a.clif': fib, 'b.clif': other })
  expect(await run('compile a.clif b.clif', together)).toMatchObject({ code: 0, stdout: '', stderr: '' })
  for (const name of ['a', 'b']) {
    const alone = world({ 'x.clif': name === 'a' ? fib : other })
    await run('compile x.clif', alone)
    expect(together.files.get(`${name}.o`)).toEqual(alone.files.get('x.o'))
  }
})

test('progress is one line, on a terminal, and is taken away', async () => {
  const files = { 'a.clif': fib, 'b.clif': other }
  expect((await run('compile a.clif b.clif', world(files))).stderr).toBe('')
  const { stderr } = await run('compile a.clif b.clif', world(files, { terminal: true }))
  expect(stderr).toMatch(/^\rcompiling \[#{10}\.{10}\] 1\/2 a\.clif *\rcompiling \[#{20}\] 2\/2 b\.clif *\r *\r$/)
})

test('--json tells what was written', async () => {
  const where = world({ 'a.clif': fib })
  const { code, stdout } = await run(`compile a.clif --json ${linux}`, where)
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toEqual({
    ...{ ok: true, target: 'x86_64-unknown-linux-gnu', emit: 'obj', diagnostics: [] },
    outputs: [
      {
        ...{ input: 'a.clif', output: 'a.o', size: where.files.get('a.o')?.length },
        functions: [{ name: 'fib', codeSize: expect.any(Number) }],
      },
    ],
  })
})

test('--emit json holds everything the code generator says', async () => {
  const { stdout } = await run(`compile - --emit json -O 0 ${windows}`, world({}, { stdin: fib }))
  const [fn] = JSON.parse(stdout).functions
  expect(Object.keys(fn)).toEqual([
    ...['name', 'convention', 'alignment', 'codeSize', 'code', 'relocations', 'traps', 'callSites', 'frame', 'unwind'],
    'sourceMap',
  ])
  expect(fn).toMatchObject({ name: 'fib', convention: 'windows_fastcall', unwind: { format: 'win64' } })
  expect(fn.code).toMatch(/^(?:[\da-f]{2})+$/)
  expect(fn.callSites).toHaveLength(2)
})

test('--emit clif prints what was read, in its canonical form', async () => {
  const messy = fib.replaceAll('    ', '\t').replace('block0(v0: i64)', 'block0( v0:i64 )')
  const { stdout } = await run('compile - --emit clif', world({}, { stdin: messy }))
  const again = await run('compile - --emit clif', world({}, { stdin: stdout }))
  expect(again.stdout).toBe(stdout)
  expect(stdout).toContain('block0(v0: i64):\n    v1 = iconst.i64 2\n')
})

test('settings reach the code generator, those of the file below those of the call', async () => {
  const asm = async (options: string, text = fib) =>
    (await run(`compile - --emit asm -O 0 ${linux} ${options}`, world({}, { stdin: text }))).stdout
  expect(await asm('')).not.toContain('rbp')
  expect(await asm('--set preserve_frame_pointers')).toContain('mov rbp, rsp')
  expect(await asm('--set preserve_frame_pointers=false')).not.toContain('rbp')
  expect(await asm('', `set preserve_frame_pointers\ntarget x86_64\n${fib}`)).toContain('mov rbp, rsp')
  expect(await asm('', `target x86_64 preserve_frame_pointers\n${fib}`)).toContain('mov rbp, rsp')
  expect(await asm('--set preserve_frame_pointers=0', `target x86_64 preserve_frame_pointers\n${fib}`)).not.toContain(
    'rbp',
  )
  const unknown = await run('compile a.clif', world({ 'a.clif': `target x86_64 frobnicate\n${fib}` }))
  expect(unknown).toMatchObject({ code: 1 })
  expect(unknown.stderr).toContain('a.clif:1:1: error: setting frobnicate')
})

test('--unwind none leaves the sections out, and a name chooses the format', async () => {
  const names = async (words: string) => {
    const { bytes } = await run(`compile - -o - ${words}`, world({}, { stdin: fib }))
    return readObject(bytes).sections.map(({ name }) => name)
  }
  expect(await names(`${linux} --unwind none`)).toEqual(['.text', '.note.GNU-stack'])
  expect(await names(`${windows} --unwind none`)).toEqual(['.text'])
  expect(await names(`${windows} --unwind dwarf`)).toEqual(['.text', '.eh_frame'])
  // The format's addresses count from the image base, which ELF cannot say.
  const refused = await run(`compile a.clif ${linux} --unwind win64`, world({ 'a.clif': fib }))
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain('ELF has no relocation of kind image-relative-32')
})

test(`--unwind takes a stranger's format by the path of its module`, async () => {
  const calls: string[] = []
  const format = {
    ...win64Format,
    name: 'mine',
    encode: () => {
      calls.push('encode')
      return { format: 'mine', bytes: Uint8Array.of(1, 2, 3), relocations: [] }
    },
    assemble: () => [{ name: '.mine', bytes: Uint8Array.of(1, 2, 3), align: 1, relocations: [] }],
    decode: () => [],
    print: () => ['three bytes of mine'],
  }
  const modules = {
    './mine.mjs': { default: format },
    './empty.mjs': { name: 'x' },
    './arm.mjs': { default: { ...format, architectures: ['arm64'] } },
  }
  const { bytes } = await run(`compile - -o - ${linux} --unwind ./mine.mjs`, world({}, { stdin: fib, modules }))
  expect(readObject(bytes).sections.map(({ name }) => name)).toEqual(['.text', '.mine', '.note.GNU-stack'])
  expect(calls).toEqual(['encode'])
  const shown = await run(`unwind - ${linux} --unwind ./mine.mjs`, world({}, { stdin: fib, modules }))
  expect(shown.stdout).toContain('three bytes of mine')
  const empty = await run(`compile - -o - ${linux} --unwind ./empty.mjs`, world({}, { stdin: fib, modules }))
  expect(empty).toMatchObject({ code: 2, stderr: expect.stringContaining('./empty.mjs exports no UnwindFormat') })
  const arm = await run(`compile - -o - ${linux} --unwind ./arm.mjs`, world({}, { stdin: fib, modules }))
  expect(arm).toMatchObject({ code: 2, stderr: expect.stringContaining('is for arm64, not for x86-64') })
})

test('a format that refuses a frame is an error at the function, and not a mistake of ours', async () => {
  class Refusal extends Error {
    readonly problem = { code: 'no' }
  }
  const encode = () => {
    throw new Refusal('cannot say that')
  }
  const modules = { './no.mjs': { default: { ...win64Format, name: 'no', encode } } }
  const { code, stderr } = await run(`compile a.clif --unwind ./no.mjs`, world({ 'a.clif': fib }, { modules }))
  expect(code).toBe(1)
  expect(stderr).toContain('a.clif:1:1: error: cannot say that')
  const broken = { ...win64Format, name: 'broken', encode: () => (undefined as unknown as string).length }
  const internal = await run(
    `compile a.clif --unwind ./b.mjs`,
    world({ 'a.clif': fib }, { modules: { './b.mjs': { default: broken } } }),
  )
  expect(internal.code).toBe(70)
  expect(internal.stderr).toMatch(/^framewright: internal error\. .*please report it/s)
})

test('verbose says what happened', async () => {
  const { stdout, stderr } = await run('compile -v a.clif', world({ 'a.clif': fib }))
  expect(stdout).toBe('')
  expect(stderr).toMatch(/^1 function of 1 file in \d+ ms\na\.clif -> a\.o\n$/)
})
