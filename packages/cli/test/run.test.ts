import { describe, expect, test } from 'vitest'
import { fib, run, world } from './memory-host.ts'

const divide = `function %divide(i32, i32) -> i32 {
block0(v0: i32, v1: i32):
    v2 = sdiv v0, v1
    return v2
}
; run: %divide(7, 2) == 3
; run: %divide(7, -2) == 3

function %two(i32x4) -> i8, i32x4 {
block0(v0: i32x4):
    v1 = iadd v0, v0
    v2 = vany_true v1
    return v2, v1
}
function u0:3() {
block0:
    return
}
function %loop() {
block0:
    jump block1
block1:
    jump block1
}
`
const files = { 'divide.clif': divide, 'fib.clif': fib, 'wrong.clif': 'function %f() {\nblock0:\n    jump block1\n}\n' }
const framewright = (...words: string[]) => run(words, world(files))

describe('run', () => {
  test('prints calls with their results, which read back', async () => {
    const calls = ['--call', '%fib(20)', '-c', 'fib(0xa)']
    expect(await framewright('run', 'fib.clif', ...calls)).toMatchObject({
      code: 0,
      stdout: '%fib(20) == 6765\nfib(0xa) == 55\n',
      stderr: '',
    })
    const vectors = ['--call', '%two([1 -2 0 3])', '--call', 'u0:3', '--call', '%divide(-7, 2)']
    expect(await framewright('run', 'divide.clif', ...vectors)).toMatchObject({
      code: 0,
      stdout: '%two([1 -2 0 3]) == [1, [2 -4 0 6]]\nu0:3\n%divide(-7, 2) == -3\n',
    })
  })

  test('executes the directives of a file', async () => {
    const { code, stdout, stderr } = await framewright('run', 'divide.clif')
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'divide.clif: 1 of 2 run directives hold\n' })
    expect(stderr).toContain('divide.clif:7:1: error: run: %divide(7, -2) == 3: it is -3')
  })

  test('a trap is an error with its place, and so is a call without end', async () => {
    const trap = await framewright('run', 'divide.clif', '--call', '%divide(1, 0)')
    expect(trap).toMatchObject({ code: 1, stdout: '' })
    expect(trap.stderr).toContain('%divide(1, 0): trapped with int_divz in %divide:inst0 (divide.clif:3:5)')
    const endless = await framewright('run', 'divide.clif', '--call', '%loop()', '--fuel', '1000')
    expect(endless).toMatchObject({ code: 1, stdout: '' })
    expect(endless.stderr).toContain('%loop(): not done after 1000 instructions')
  })

  test('--json', async () => {
    const { code, stdout } = await framewright(
      'run',
      'divide.clif',
      '--json',
      '--call',
      '%divide(9, 3)',
      '--call',
      '%divide(1, 0)',
    )
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      calls: [
        { call: '%divide(9, 3)', results: '3', ok: true },
        { call: '%divide(1, 0)', results: null, ok: false },
      ],
      diagnostics: [{ code: 'trap' }],
    })
  })

  test.each([
    ['--call', '%nobody()', 'no function %nobody; there are %divide, %two, u0:3, %loop'],
    ['--call', '%divide(1)', '1 values for 2 types'],
    ['--call', '%divide(1, x)', "'x' is no i32"],
    ['--call', '(', 'is no call'],
    ['--fuel', 'much', '--fuel needs a number'],
  ])('a wrong call: %s %s', async (option, value, message) => {
    const { code, stdout, stderr } = await framewright('run', 'divide.clif', option, value)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
  })

  test('a file that is not well formed, or has nothing to run', async () => {
    expect(await framewright('run', 'wrong.clif')).toMatchObject({ code: 1, stdout: '' })
    const nothing = await framewright('run', 'fib.clif')
    expect(nothing.code).toBe(2)
    expect(nothing.stderr).toContain('fib.clif has no run directives')
  })
})

describe('test', () => {
  const tests = {
    'suite/good.clif': `test cat\ntest run\ntest compile\ntarget x86_64\n\n; check: function\n${fib}; run: %fib(10) == 55\n`,
    'suite/deep/bad.clif': `test interpret\n\n${fib}; run: %fib(10) == 54\n`,
    'suite/deep/broken.clif': 'test cat\nfunction',
    'suite/notes.txt': 'no CLIF',
    'compile.clif': `test compile\n${fib}`,
  }

  test('a folder, deeply', async () => {
    const { code, stdout, stderr } = await run('test suite', world(tests))
    expect(code).toBe(1)
    await expect(`${stdout}---\n${stderr}`).toMatchFileSnapshot('golden/test.txt')
  })

  test('a file alone; --json', async () => {
    expect(await run('test suite/good.clif', world(tests))).toMatchObject({ code: 0, stderr: '' })
    const { code, stdout } = await run('test --json suite', world(tests))
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      folders: [
        { folder: 'suite/deep', files: 2, passed: 0, failed: 2 },
        { folder: 'suite', files: 1, passed: 2, failed: 0, notRun: 1 },
      ],
    })
  })

  test('is not passed when nothing was run', async () => {
    const { code, stderr } = await run('test compile.clif', world(tests))
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'no test was run\n' })
    expect((await run('test', world(tests))).code).toBe(2)
    expect((await run('test nowhere.clif', world(tests))).code).toBe(1)
  })
})
