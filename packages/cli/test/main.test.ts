// The command as its caller sees it: exit codes, streams, help, what is said of mistakes.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { commands } from '../src/command-table.ts'
import { fib, run, world } from './memory-host.ts'

describe('help', () => {
  test.each(['', ...commands.map(({ row }) => row.name)])('of "%s"', async (name) => {
    const { code, stdout, stderr } = await run(`${name} --help`)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
    await expect(stdout).toMatchFileSnapshot(`golden/help${name === '' ? '' : '-'}${name}.txt`)
  })

  test('is the same by any of its names', async () => {
    const { stdout } = await run('compile --help')
    expect((await run('help compile')).stdout).toBe(stdout)
    expect((await run('compile -h')).stdout).toBe(stdout)
    expect((await run('compile -vh x.clif')).stdout).toBe(stdout)
  })

  test('without a word it is the answer to a wrong call', async () => {
    const { code, stdout, stderr } = await run('')
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^Usage: framewright COMMAND/)
  })

  test('the version', async () => {
    expect((await run('--version')).stdout).toBe('framewright 1.2.3\n')
    expect((await run('compile --version')).stdout).toBe('framewright 1.2.3\n')
  })
})

describe('a wrong call has exit code 2, nothing on standard output, and a way out', () => {
  test.each([
    ['complie x.clif', `unknown command 'complie'; did you mean 'compile'?`],
    ['frobnicate', `unknown command 'frobnicate'`],
    ['--json compile', `'--json' stands before the command; begin with the command`],
    ['compile', `compile needs an input; '-' is standard input`],
    ['compile --emmit asm fib.clif', `unknown option '--emmit' of compile; did you mean '--emit'?`],
    ['compile -target x fib.clif', `unknown option '-target' of compile; did you mean '--target'?`],
    ['compile -q fib.clif', `unknown option '-q' of compile`],
    ['verify --emit asm fib.clif', `unknown option '--emit' of verify`],
    ['compile fib.clif -o', '-o needs a value: -o OUT'],
    ['compile fib.clif --emit=exe', `--emit can be obj, asm, json or clif, not 'exe'`],
    ['compile fib.clif --emit=ams', `--emit can be obj, asm, json or clif, not 'ams'; did you mean 'asm'?`],
    ['compile fib.clif -O1', `-O can be 0 or 2, not '1'`],
    ['compile fib.clif --verbose=yes', '--verbose takes no value'],
    ['compile fib.clif --target x86_64-unknown-linux-gun', `did you mean 'x86_64-unknown-linux-gnu'?`],
    ['compile fib.clif --target riscv64', 'known targets: x86_64-unknown-linux-gnu, x86_64-pc-windows-msvc and'],
    ['compile fib.clif --set frobnicate', 'setting frobnicate: is not a setting'],
    ['compile fib.clif --set has_sse4', `did you mean 'has_sse41'?`],
    ['compile fib.clif --set probestack_size_log2=many', `'many' is not a number`],
    ['compile fib.clif --unwind dwraf', `unknown unwind format 'dwraf'; did you mean 'dwarf'?`],
    ['compile fib.clif --unwind ./nothing.mjs', 'cannot load the unwind format ./nothing.mjs: no module'],
    ['compile fib.clif -j 0', `--jobs takes a number, not '0'`],
    ['compile fib.clif fib.clif -o x.o', '-o names one output, and there are several inputs'],
    ['compile fib.clif fib.clif', 'fib.clif and fib.clif would both be written to fib.o'],
    ['compile fib.clif --emit clif', 'the output fib.clif would replace the input fib.clif'],
    ['compile - -', `'-' can be an input only once`],
    ['compile fib.clif -o - --json', '--json needs standard output for itself'],
    ['verify', 'verify needs an input'],
    ['disasm', 'disasm needs an input'],
    ['disasm a b', 'disasm takes one input at a time'],
    ['unwind a b', 'unwind takes one input at a time'],
    ['demo a b', 'demo takes one folder of examples'],
  ])('framewright %s', async (words, message) => {
    const where = world({ 'fib.clif': fib })
    const { code, stdout, stderr } = await run(words, where)
    expect({ code, stdout }).toEqual({ code: 2, stdout: words.includes('--json') ? expect.any(String) : '' })
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/^framewright: error: /)
    expect(stderr).toMatch(/run 'framewright .*--help' for what there is\n$/)
    expect([...where.files.keys()]).toEqual(['fib.clif'])
  })

  test('a system without a target', async () => {
    const { code, stderr } = await run('compile fib.clif', world({ 'fib.clif': fib }, { platform: 'darwin' }))
    expect(code).toBe(2)
    expect(stderr).toContain('no target for this system (darwin) yet; name one with --target')
  })

  test('with --json it is a document too', async () => {
    const { code, stdout } = await run('compile --json --emmit asm x.clif')
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, diagnostics: [{ severity: 'error', code: 'usage' }] })
  })
})

describe('wrong input has exit code 1', () => {
  test('a file that is not there', async () => {
    const { code, stdout, stderr } = await run('compile nothing.clif')
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr: 'nothing.clif: error: no such file or folder\n',
    })
  })

  test('text that is no CLIF, with the line and a caret', async () => {
    const { code, stderr } = await run('compile a.clif', world({ 'a.clif': fib.replace('iadd v5', 'iad v5') }))
    expect(code).toBe(1)
    expect(stderr).toBe(
      ['a.clif:18:10: error: unknown opcode `iad`', '  18 |     v8 = iad v5, v7', '     |          ^', ''].join('\n'),
    )
  })

  test('bytes that are no text', async () => {
    const elf = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1)
    expect((await run('compile a.clif', world({ 'a.clif': elf }))).stderr).toContain(
      'a.clif:1:1: error: this is an object file',
    )
    const zero = await run('compile a.clif', world({ 'a.clif': 'function\n ab\0c' }))
    expect(zero.stderr).toContain('a.clif:2:4: error: a zero byte: this is no CLIF text')
  })

  test('what the code generator does not know, at its line', async () => {
    const text = 'function %f(i128) -> i128 {\nblock0(v0: i128):\n    v1 = iadd v0, v0\n    return v1\n}\n'
    const { code, stderr } = await run('compile a.clif', world({ 'a.clif': text }))
    expect(code).toBe(1)
    expect(stderr).toMatch(/^a\.clif:\d+:\d+: error: /)
  })

  test('two functions of one name', async () => {
    const { code, stderr } = await run('compile a.clif', world({ 'a.clif': `${fib}${fib}` }))
    expect(code).toBe(1)
    expect(stderr).toContain(`a.clif:21:1: error: the symbol 'fib' is defined twice in this file`)
  })

  test('with --json the diagnostics are on standard output, and standard error is silent', async () => {
    const { code, stdout, stderr } = await run('compile a.clif --json', world({ 'a.clif': 'functoin' }))
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ ok: false, diagnostics: [{ severity: 'error', file: 'a.clif', line: 1, column: 1 }] },
    })
  })
})

describe('colour', () => {
  const bad = { 'a.clif': 'functoin' }
  const isColored = async (words: string, where = world(bad)) => (await run(words, where)).stderr.includes('\x1b[')

  test('is for terminals', async () => {
    expect(await isColored('verify a.clif')).toBe(false)
    expect(await isColored('verify a.clif', world(bad, { terminal: true }))).toBe(true)
    expect(await isColored('verify a.clif', world(bad, { terminal: true, environment: { TERM: 'dumb' } }))).toBe(false)
  })

  test('is as the environment wants it', async () => {
    expect(await isColored('verify a.clif', world(bad, { terminal: true, environment: { NO_COLOR: '1' } }))).toBe(false)
    expect(await isColored('verify a.clif', world(bad, { terminal: true, environment: { NO_COLOR: '' } }))).toBe(true)
    expect(await isColored('verify a.clif', world(bad, { environment: { FORCE_COLOR: '1' } }))).toBe(true)
    expect(await isColored('verify a.clif', world(bad, { terminal: true, environment: { FORCE_COLOR: '0' } }))).toBe(
      false,
    )
  })

  test('is as the option says, whatever else does', async () => {
    expect(await isColored('verify --color=always a.clif')).toBe(true)
    expect(await isColored('verify --color a.clif')).toBe(true)
    const environment = { NO_COLOR: '1' }
    expect(await isColored('verify --color always a.clif', world(bad, { environment }))).toBe(true)
    expect(await isColored('verify --color=never a.clif', world(bad, { terminal: true }))).toBe(false)
    expect(await isColored('verify --no-color a.clif', world(bad, { terminal: true }))).toBe(false)
    expect((await run('verify --color=sometimes a.clif', world(bad))).code).toBe(2)
  })

  test('does not change what is said', async () => {
    const plain = await run('verify a.clif', world(bad))
    const colored = await run('verify --color=always a.clif', world(bad))
    expect(colored.stderr.replace(/\x1b\[\d+m/g, '')).toBe(plain.stderr)
  })
})

test('whatever the words are, it is never a mistake of ours', async () => {
  const word = fc.oneof(
    fc.constantFrom(
      'compile',
      'disasm',
      'unwind',
      'verify',
      'a.clif',
      'b.o',
      '-',
      '--',
      '-o',
      '--emit',
      'asm',
      '--set',
    ),
    fc.constantFrom(
      '--json',
      '-O0',
      '--unwind=none',
      '--unwind',
      'win64',
      '--target',
      'x86_64-pc-windows-msvc',
      '-f',
      'fib',
    ),
    fc.string({ maxLength: 8 }),
  )
  const object = (await run('compile a.clif -o -', world({ 'a.clif': fib }))).bytes
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 6 }), fc.boolean(), async (words, terminal) => {
      const where = world({ 'a.clif': fib, 'b.o': object }, { terminal, stdin: fib })
      const { code, stderr } = await run(words, where)
      expect([0, 1, 2], stderr).toContain(code)
    }),
    { numRuns: 300 },
  )
})
