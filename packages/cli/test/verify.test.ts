import { expect, test } from 'vitest'
import { fib, run, world } from './memory-host.ts'

const twoMistakes = `function %f(i64) -> i32 {
block0(v0: i64):
    v1 = iconst.i32 1
    v2 = iadd v0, v0
    return v2
}

function %g() -> i64 {
block0:
    v0 = iconst.i32 7
    return v0
}
`

test('a good file', async () => {
  const { code, stdout, stderr } = await run('verify fib.clif', world({ 'fib.clif': fib }))
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'fib.clif: 1 function, all well formed\n', stderr: '' })
})

test('every diagnostic of every file, each with its line', async () => {
  const where = world({ 'a.clif': twoMistakes, 'b.clif': fib, 'c.clif': 'function' })
  const { code, stdout, stderr } = await run('verify a.clif b.clif c.clif', where)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  await expect(stderr).toMatchFileSnapshot('golden/verify.txt')
})

test('--json', async () => {
  const { code, stdout, stderr } = await run(
    'verify --json a.clif b.clif',
    world({ 'a.clif': twoMistakes, 'b.clif': fib }),
  )
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
  const { ok, files, diagnostics } = JSON.parse(stdout)
  expect(ok).toBe(false)
  expect(files).toMatchObject([
    { file: 'a.clif', functions: 2 },
    { file: 'b.clif', functions: 1, diagnostics: [] },
  ])
  expect(diagnostics).toEqual(files[0].diagnostics)
  expect(diagnostics).toMatchObject([
    { severity: 'error', file: 'a.clif', line: 5, code: 'verifier' },
    { severity: 'error', file: 'a.clif', line: 11, code: 'verifier' },
  ])
})

test('a file that is not there is a diagnostic among the others', async () => {
  const { code, stderr } = await run('verify nothing.clif a.clif', world({ 'a.clif': twoMistakes }))
  expect(code).toBe(1)
  expect(stderr).toMatch(/^nothing\.clif: error: no such file or folder\na\.clif:5:\d+: error: /)
  expect(stderr).toMatch(/\n3 errors\n$/)
})

test('standard input', async () => {
  const { code, stderr } = await run('verify -', world({}, { stdin: twoMistakes }))
  expect(code).toBe(1)
  expect(stderr).toMatch(/^<stdin>:5:\d+: error: /)
})

test('carets stand under tabs, and long lines are cut', async () => {
  const tabs = 'function %f() {\nblock0:\n\tv1\t= iad v2\n}\n'
  const { stderr } = await run('verify a.clif', world({ 'a.clif': tabs }))
  expect(stderr).toContain('  3 | \tv1\t= iad v2\n    | \t  \t  ^\n')
  const long = `function %f() {\nblock0:\n${' '.repeat(5000)}v1 = iad v2${' '.repeat(5000)}\n}\n`
  const shown = (await run('verify a.clif', world({ 'a.clif': long }))).stderr.split('\n')
  expect(shown[0]).toContain('a.clif:3:5006: error')
  expect(shown[1].length).toBeLessThan(200)
  expect(shown[2].indexOf('^')).toBe(shown[1].indexOf('iad'))
})

test('control characters of the input do not reach the terminal', async () => {
  const { stderr } = await run('verify a.clif', world({ 'a.clif': 'function \x1b[31m\x07 x' }))
  expect(stderr).not.toMatch(/[\x1b\x07]/)
})
