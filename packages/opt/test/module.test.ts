import { externalName, type Function, parseFunctions, printFunction, printInst } from '@framewright/ir'
import { expect, test } from 'vitest'
import { optimize, optimizeModule } from '../src/index.ts'

const square = `
function %square(i32) -> i32 {
block0(v0: i32):
    v1 = imul v0, v0
    return v1
}
`

const caller = (declaration: string): string => `
function %caller(i32) -> i32 {
    fn0 = ${declaration}

block0(v0: i32):
    v1 = call fn0(v0)
    return v1
}
`

const calls = (func: Function): boolean => / call fn/.test(printFunction(func))

/** Whether the caller still calls after the module was optimised. */
function callsAfter(text: string): boolean {
  const functions = parseFunctions(text)
  optimizeModule(functions)
  return calls(functions.find(({ name }) => name.kind === 'testcase' && name.name === 'caller')!)
}

test('a small function is inlined, wherever in the module it stands', () => {
  expect(callsAfter(square + caller('colocated %square(i32) -> i32'))).toBe(false)
  expect(callsAfter(caller('colocated %square(i32) -> i32') + square)).toBe(false)
})

test('what a symbol names is only known when it is colocated, not patchable, and has that signature', () => {
  expect(callsAfter(square + caller('%square(i32) -> i32'))).toBe(true)
  expect(callsAfter(square + caller('colocated patchable %square(i32) -> i32'))).toBe(true)
  expect(callsAfter(square + caller('colocated %square(i32 sext) -> i32'))).toBe(true)
  expect(callsAfter(square + square + caller('colocated %square(i32) -> i32'))).toBe(true)
})

test('callees are optimised first, so chains go through', () => {
  const link = (from: string, to: string): string => `
function %${from}(i32) -> i32 {
    fn0 = colocated %${to}(i32) -> i32

block0(v0: i32):
    v1 = call fn0(v0)
    return v1
}
`
  const functions = parseFunctions(link('a', 'b') + link('b', 'c') + link('c', 'square') + square)
  optimizeModule(functions)
  expect(functions.map(calls)).toEqual([false, false, false, false])
})

test('functions that call each other in a circle are each inlined once at most', () => {
  const half = (from: string, to: string): string => `
function %${from}(i32) -> i32 {
    fn0 = colocated %${to}(i32) -> i32

block0(v0: i32):
    v1 = iconst.i32 -1
    v2 = iadd v0, v1
    brif v0, block1, block2

block1:
    v3 = call fn0(v2)
    v4 = imul v3, v0
    return v4

block2:
    return v2
}
`
  const functions = parseFunctions(half('even', 'odd') + half('odd', 'even'))
  optimizeModule(functions)
  for (const func of functions) expect(func.insts.length).toBeLessThan(100)
})

test('one function alone asks for its callees, which are not changed', () => {
  const [callee] = parseFunctions(square)
  const [func] = parseFunctions(caller('colocated %square(i32) -> i32'))
  const before = printFunction(callee)
  const asked: unknown[] = []
  optimize(func, {
    callees: (name) => {
      asked.push(name)
      return callee
    },
  })
  expect(asked).toEqual([externalName('square')])
  expect(calls(func)).toBe(false)
  expect(printFunction(callee)).toBe(before)
})

test('instructions that stay keep their ids, so diagnostics still know where they were written', () => {
  const [func] = parseFunctions(`
function %f(i64, i32) -> i32 {
block0(v0: i64, v1: i32):
    v2 = iconst.i32 0
    v3 = iadd v2, v1
    v4 = load.i32 v0+8
    v5 = imul v4, v3
    return v5
}
`)
  optimize(func)
  const inst = func.values.definingInst(4 as never)
  expect(printInst(func, inst)).toBe('v4 = load.i32 v0+8')
  expect(func.source?.source.place(func.source.instOffset(inst)).line).toBe(6)
})

test('aliases are resolved and forgotten', () => {
  const [func] = parseFunctions(`
function %f(i32) -> i32 {
block0(v0: i32):
    v9 -> v0
    v1 = imul v9, v9
    return v1
}
`)
  optimize(func)
  expect(printFunction(func)).not.toMatch(/v9/)
})
