// unwind --verify: our own objects as they are, and with one byte of the unwind data changed.

import { readObject, writeObject } from '@framewright/object'
import { expect, test } from 'vitest'
import { fib, run, world } from './memory-host.ts'

const linux = 'x86_64-unknown-linux-gnu'
const windows = 'x86_64-pc-windows-msvc'

test.each([linux, windows])('CLIF for %s, and the object of it: no findings, nothing undecided', async (target) => {
  const where = world({ 'fib.clif': fib })
  expect((await run(`compile fib.clif -o fib.o --target ${target}`, where)).code).toBe(0)
  const text = await run(`unwind --verify fib.clif fib.o --target ${target}`, where)
  expect({ code: text.code, stderr: text.stderr }).toEqual({ code: 0, stderr: '' })
  expect(text.stdout.match(/1 range of code, (\d+) instructions: \1 as the unwind data say, 0 findings/g)).toHaveLength(
    2,
  )
  expect(text.stdout).not.toContain('undecided')

  const json = await run(`unwind --verify --json fib.o`, where)
  const { ok, files } = JSON.parse(json.stdout)
  expect(ok).toBe(true)
  expect(files).toMatchObject([
    { file: 'fib.o', functions: 1, undecided: {}, findings: [], assumed: 0, undescribed: 0 },
  ])
  expect(files[0].right).toBe(files[0].instructions)
})

/** The object, with every byte `from` of a section's bytes from `start` on that stands in front of `next` made `to`. */
function altered(bytes: Uint8Array, section: string, find: readonly number[], put: readonly number[]): Uint8Array {
  const object = readObject(bytes)
  let count = 0
  const sections = object.sections.map((each) => {
    if (each.name !== section) return each
    const content = Uint8Array.from(each.bytes)
    for (let at = 0; at + find.length <= content.length; at++) {
      if (!find.every((byte, i) => content[at + i] === byte)) continue
      content.set(put, at)
      count++
    }
    return { ...each, bytes: content }
  })
  expect(count).toBeGreaterThan(0)
  return writeObject({ ...object, sections })
}

test('a wrong number in .eh_frame is found, with exit code 1', async () => {
  const where = world({ 'fib.clif': fib })
  await run(`compile fib.clif -o fib.o --target ${linux}`, where)
  // def_cfa_offset 16, behind the push: 24.
  where.files.set('wrong.o', altered(where.files.get('fib.o')!, '.eh_frame', [0x0e, 0x10], [0x0e, 0x18]))
  const { code, stdout } = await run('unwind --verify wrong.o', where)
  expect(code).toBe(1)
  expect(stdout).toMatch(/the CFA is said to be rsp\+24, which is 8 bytes too high\n {6}path: \+0x0/)
  const json = JSON.parse((await run('unwind --verify --json wrong.o -f fib', where)).stdout)
  expect(json.ok).toBe(false)
  expect(json.files[0].findings[0]).toMatchObject({
    function: 'fib',
    code: 'cfa',
    distance: 8,
    message: 'the CFA is said to be rsp+24, which is 8 bytes too high',
  })
})

test('a wrong number in UNWIND_INFO is found', async () => {
  const where = world({ 'fib.clif': fib })
  await run(`compile fib.clif -o fib.obj --target ${windows}`, where)
  const object = readObject(where.files.get('fib.obj')!)
  const xdata = object.sections.find(({ name }) => name === '.xdata')!.bytes
  // The last code of the array is the first push: UWOP_PUSH_NONVOL, of another register.
  const codes = xdata[2]!
  const last = [xdata[4 + 2 * (codes - 1)]!, xdata[5 + 2 * (codes - 1)]!]
  where.files.set('wrong.obj', altered(where.files.get('fib.obj')!, '.xdata', last, [last[0]!, 0xc0]))
  const { code, stdout } = await run('unwind --verify wrong.obj', where)
  expect(code).toBe(1)
  expect(stdout).toMatch(/r12 is said to be at cfa-16, and there is the caller's r\w+/)
})

test('an input is needed', async () => {
  const { code, stderr } = await run('unwind --verify')
  expect(code).toBe(2)
  expect(stderr).toContain('unwind --verify needs an input')
})
