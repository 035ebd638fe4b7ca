import { describe, expect, test } from 'vitest'
import { Module, openFile, parseModule, printExternalName } from '../src/index.ts'

const text = `test cat

; about all
function %f(i32) -> i32 system_v {
    fn0 = %g(i64) -> i32 system_v
    fn1 = %table() system_v
    fn2 = %elsewhere(i32)
block0(v0: i32):
    return v0
}
function %g(i64) -> i32 system_v {
    fn0 = %f(i32) -> i32 system_v
block0(v0: i64):
    v1 = ireduce.i32 v0
    return v1
}
function u0:3() fast {
    fn0 = %g(i32) -> i32 system_v
block0:
    return
}
`
const table = { name: 'table', bytes: Uint8Array.of(1, 2), align: 8, writable: false }

describe('a module', () => {
  test('has its functions and data by name, in order', () => {
    const module = parseModule(text)
    module.addData(table)
    expect(module.functions.map(({ name }) => printExternalName(name))).toEqual(['%f', '%g', 'u0:3'])
    expect(module.function('%g')).toBe(module.functions[1])
    expect(module.function({ kind: 'user', namespace: 0, index: 3 })).toBe(module.functions[2])
    expect(module.function('%h')).toBeUndefined()
    expect(module.dataObject('%table')).toBe(table)
    expect(module.data).toEqual([table])
  })

  test('knows where its functions are at odds', () => {
    const module = parseModule(text)
    module.addData(table)
    expect(module.check()).toEqual([
      { function: '%f', reference: '%table', message: 'is data, and no function' },
      {
        function: 'u0:3',
        reference: '%g',
        message: 'is called as (i32) -> i32 system_v, and is (i64) -> i32 system_v',
      },
    ])
  })

  test('has every name once', () => {
    const module = parseModule(text)
    expect(() => module.addFunction(module.functions[0])).toThrow('there is a %f already')
    expect(() => module.addData({ ...table, name: 'g' })).toThrow('there is a %g already')
    expect(() => module.addData({ ...table, align: 3 })).toThrow('%table cannot be aligned to 3')
    expect(() => parseModule(`${text}${text.slice(text.indexOf('function'))}`)).toThrow('there is a %f already')
    expect(new Module().functions).toEqual([])
  })
})

describe('a file that is open', () => {
  test('gives its functions one by one, again from the first each time', () => {
    const file = openFile(text, { file: 'm.clif' })
    expect(file.header.tests.map(({ command }) => command)).toEqual(['cat'])
    expect(file.preamble.map((comment) => comment.text)).toEqual(['; about all'])
    const names = (): string[] => [...file.functions].map(({ name }) => printExternalName(name))
    expect(names()).toEqual(['%f', '%g', 'u0:3'])
    expect(names()).toEqual(['%f', '%g', 'u0:3'])
  })

  test('is read no further than it is asked for', () => {
    const broken = openFile(`${text}function %bad(`, { file: 'm.clif' })
    const seen: string[] = []
    const read = (): void => {
      for (const { name } of broken.functions) seen.push(printExternalName(name))
    }
    expect(read).toThrow(expect.objectContaining({ name: 'IrSyntaxError', file: 'm.clif', line: 22 }))
    expect(seen).toEqual(['%f', '%g', 'u0:3'])
    for (const { name } of broken.functions) {
      expect(printExternalName(name)).toBe('%f')
      break
    }
  })
})
