// disasm and unwind on what linkers made: libraries and programs, with and without symbols and section headers.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { builtInFormats } from '../src/formats.ts'
import { loadFile } from '../src/listing/loaded-file.ts'
import { run, world } from './memory-host.ts'
import { runTool, scratch, tools } from './tools.ts'

const file = scratch()

const program = `
#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT
#endif
int counter;
__attribute__((noinline, used)) static int local_function(int x) { counter += x; return counter * x; }
EXPORT __attribute__((noinline)) int exported(int n) { int sum = 0; for (int i = 0; i < n; i++) sum += local_function(i); return sum; }
EXPORT int leaf(int x) { return x * 3; }
EXPORT int dynamic(int n) { volatile char space[n]; for (int i = 0; i < n; i++) space[i] = exported(i); return space[n / 2]; }
int main(void) { return exported(3) + dynamic(4); }
`

function built(compiler: string, name: string, ...flags: string[]): Uint8Array {
  // mingw gives a name without an ending one.
  const path = file(`${name}.out`)
  const said = runTool(compiler, '-O2', ...flags, '-o', path, file('program.c', program))
  expect({ stderr: said.stderr, status: said.status }).toEqual({ stderr: '', status: 0 })
  return new Uint8Array(readFileSync(path))
}

interface JsonFunction {
  readonly name: string
  readonly address: string
  readonly codeSize: number
  readonly rows: readonly unknown[]
}

async function functionsOf(image: Uint8Array, command = 'unwind'): Promise<readonly JsonFunction[]> {
  const { code, stdout, stderr } = await run(`${command} --json image`, world({ image }))
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return (JSON.parse(stdout) as { functions: readonly JsonFunction[] }).functions
}

const kinds = [
  ['a library', 'gcc', ['-shared', '-fPIC'], 'ELF library'],
  ['a program', 'gcc', ['-fPIE', '-pie'], 'ELF executable'],
  ['a library of lld', 'clang', ['-shared', '-fPIC', '-fuse-ld=lld'], 'ELF library'],
  ['a DLL', 'x86_64-w64-mingw32-gcc', ['-shared'], 'PE library'],
  ['a program for Windows', 'x86_64-w64-mingw32-gcc', [], 'PE executable'],
] as const

describe.each(kinds)('%s', (_, compiler, flags, description) => {
  test('has its functions, with names of what they call', async (context) => {
    const [cc] = tools(context, compiler)
    const image = built(cc, 'image', ...flags)
    const listed = await run('disasm image -f exported -f dynamic', world({ image }))
    expect(listed).toMatchObject({ code: 0, stderr: '' })
    expect(listed.stdout).toContain(`image: ${description}, unwind data: `)
    expect(listed.stdout).toMatch(/^exported: at 0x[\da-f]+, \d+ bytes of code, (?:no frame|frame of \d+)/m)
    // clang may put the local function into its caller.
    if (compiler !== 'clang') expect(listed.stdout).toMatch(/ call local_function /)
    const shown = await run('unwind image -f exported', world({ image }))
    expect(shown).toMatchObject({ code: 0, stderr: '' })
    expect(shown.stdout).toMatch(/first byte +exported, 0x|BeginAddress +exported, 0x/)
    expect(shown.stdout).not.toContain('the linker fills it in')
    const missing = await run('unwind image -f nothing', world({ image }))
    expect(missing.stderr).toMatch(/^image: error: no function nothing; there are /)
  })

  test('without symbols has the same functions, named by address where nothing names them', async (context) => {
    const [cc] = tools(context, compiler)
    const whole = await functionsOf(built(cc, 'image', ...flags))
    // Under the same name, for mingw makes the address of a DLL from it.
    const bare = await functionsOf(built(cc, 'image', ...flags, '-Wl,-s'))
    const ranges = (list: readonly JsonFunction[]) =>
      list.filter(({ rows }) => rows !== null).map(({ address, codeSize }) => `${address} ${codeSize}`)
    expect(ranges(bare)).toEqual(ranges(whole))
    for (const { name, address } of bare) if (name.startsWith('0x')) expect(name).toBe(address)
    expect(bare.some(({ name }) => name.startsWith('0x'))).toBe(true)
    const local = whole.find(({ name }) => name === 'local_function')
    if (local !== undefined) expect(bare.find(({ address }) => address === local.address)?.name).toBe(local.address)
  })
})

test('without section headers the unwind data are found as the system finds them', async (context) => {
  const [gcc] = tools(context, 'gcc')
  const whole = built(gcc, 'whole', '-shared', '-fPIC', '-Wl,-s')
  const bare = whole.slice()
  const view = new DataView(bare.buffer)
  view.setBigUint64(40, 0n, true) // e_shoff
  view.setUint32(60, 0, true) // e_shnum, e_shstrndx
  const rows = (list: readonly JsonFunction[]) => list.map(({ address, rows }) => ({ address, rows }))
  const described = (list: readonly JsonFunction[]) => rows(list.filter(({ rows }) => rows !== null))
  expect(described(await functionsOf(bare))).toEqual(described(await functionsOf(whole)))
  const named = (await functionsOf(bare)).map(({ name }) => name)
  expect(named).toEqual(expect.arrayContaining(['exported', 'leaf', 'dynamic']))
})

test('the exception directory is read wherever it lies', (context) => {
  const [gcc] = tools(context, 'x86_64-w64-mingw32-gcc')
  const image = built(gcc, 'image.dll', '-shared')
  const plain = loadFile(image, builtInFormats)
  const view = new DataView(image.buffer)
  const optional = view.getUint32(0x3c, true) + 24
  const at = optional + 112 + 3 * 8
  // Without its last entry: the section has it, the directory not.
  view.setUint32(at + 4, view.getUint32(at + 4, true) - 12, true)
  const shorter = loadFile(image, builtInFormats)
  const count = (loaded: typeof plain) => loaded.functions.filter(({ ranges }) => ranges.length > 0).length
  expect(count(shorter)).toBe(count(plain) - 1)
  view.setUint32(at + 4, 0, true)
  expect(loadFile(image, builtInFormats).format).not.toBe(plain.format)
})

test('many functions are listed without being decoded', async (context) => {
  const [gcc] = tools(context, 'gcc')
  const lines = Array.from({ length: 3000 }, (_, i) => `int function_${i}(int x) { return x + ${i}; }`)
  const path = file('many.so')
  expect(runTool(gcc, '-shared', '-fPIC', '-O1', '-o', path, file('many.c', lines.join('\n'))).stderr).toBe('')
  const image = new Uint8Array(readFileSync(path))
  let decoded = 0
  const counting = builtInFormats.map((format) => ({
    ...format,
    decode: (sections: Parameters<typeof format.decode>[0]) =>
      format.decode(sections).map((range) => ({
        ...range,
        rows: () => {
          decoded++
          return range.rows()
        },
      })),
  }))
  const { functions } = loadFile(image, counting)
  expect(functions.length).toBeGreaterThanOrEqual(3000)
  expect(decoded).toBe(0)
  expect(functions.find(({ name }) => name === 'function_1234')?.rows).toHaveLength(1)
  expect(decoded).toBe(1)
})

test('a damaged image is wrong input, or has an answer', { timeout: 120_000 }, async (context) => {
  const [gcc, mingw] = tools(context, 'gcc', 'x86_64-w64-mingw32-gcc')
  const images = [
    built(gcc, 'small.so', '-shared', '-fPIC', '-nostdlib', '-Wl,-s'),
    built(mingw, 'small.dll', '-shared', '-nostdlib', '-Wl,-s,-e,0', '-Dmain=other', '-mno-stack-arg-probe'),
  ]
  for (const good of images) {
    // Headers and unwind data are what matters: the first page, and what is not zero behind it.
    const places = [...good.keys()].filter((at) => at < 1024 || (good[at] !== 0 && at % 7 === 0))
    for (const at of places) {
      const bad = good.slice()
      bad[at] ^= 0xff
      for (const words of ['unwind bad -f leaf', 'unwind bad --at leaf+1']) {
        const { code, stderr } = await run(words, world({ bad }))
        expect([0, 1], `${words}, byte ${at}: ${stderr}`).toContain(code)
      }
    }
    const cut = await run('disasm bad', world({ bad: good.subarray(0, 900) }))
    expect(cut).toMatchObject({ code: 1, stdout: '' })
    expect(cut.stderr).toMatch(/^bad: error: .*\(byte 0x[\da-f]+ of the file\)\n$/)
  }
})
