// The same function gives the same bytes, whatever the compiler has done before; large functions compile.
import { applySetting, Compiler, compileFunction, defaultSettings, type TargetTriple } from '@framewright/codegen-x64'
import { unwindRows } from '@framewright/frame-layout'
import { generateIr } from '@framewright/ir/testing'
import { parseFunctions } from '@framewright/ir/text'
import { expect, test } from 'vitest'

const sizes = [12, 40, 90, 300, 1000]
const functions = Array.from({ length: 60 }, (_, i) =>
  generateIr({ seed: 500 + i, instructions: sizes[i % sizes.length]!, extended: true }),
)

test.each(['x86_64-unknown-linux-gnu', 'x86_64-pc-windows-msvc', 'x86_64-w64-windows-gnu'] as TargetTriple[])(
  'compiled twice by one compiler, once by another: %s',
  (target) => {
    const used = new Compiler({ target, check: true })
    const first = functions.map((func) => used.compile(func))
    // Backwards, so that every function meets other leavings.
    const again = [...functions]
      .reverse()
      .map((func) => used.compile(func))
      .reverse()
    const fresh = functions.map((func) => compileFunction(func, { target }))
    expect(again).toEqual(first)
    expect(fresh).toEqual(first)
  },
)

test('results are copies: the next function leaves them alone', () => {
  const compiler = new Compiler()
  const result = compiler.compile(functions[3]!)
  const before = structuredClone(result)
  compiler.compile(functions[4]!)
  expect(result).toEqual(before)
})

test('20,000 instructions', () => {
  const large = generateIr({ seed: 77, instructions: 20_000 })
  const compiled = new Compiler().compile(large)
  expect(compiled.codeSize).toBeGreaterThan(40_000)
  expect(compiled.frame.codeSize).toBe(compiled.codeSize)
})

test('one block of 8,000 instructions whose values all live to its end', () => {
  const lines = ['function %wide(i64) -> i64 {', 'block0(v0: i64):']
  const count = 4000
  for (let i = 1; i <= count; i++) lines.push(`    v${i} = imul v${i - 1}, v0`)
  let sum = `v${count}`
  for (let i = 0; i < count; i++) {
    lines.push(`    v${count + 1 + i} = bxor ${sum}, v${i}`)
    sum = `v${count + 1 + i}`
  }
  lines.push(`    return ${sum}`, '}')
  const compiled = new Compiler({ check: true }).compile(parseFunctions(lines.join('\n'))[0]!)
  expect(compiled.codeSize).toBeGreaterThan(20_000)
})

test('a chain of 5,000 blocks, and a table of 5,000 entries', () => {
  const chain = Array.from({ length: 5000 }, (_, i) => `block${i + 1}:\n    brif v0, block${i + 2}, block5001`)
  const blocks = `function %chain(i32) -> i32 {\nblock0(v0: i32):\n    jump block1\n${chain.join('\n')}\nblock5001:\n    return v0\n}`
  expect(compileFunction(parseFunctions(blocks)[0]!, { check: true }).codeSize).toBeGreaterThan(10_000)
  const entries = Array.from({ length: 5000 }, (_, i) => `block${1 + (i % 3)}`)
  const table = `function %table(i32) -> i32 {\nblock0(v0: i32):\n    br_table v0, block1, [${entries.join(', ')}]\nblock1:\n    return v0\nblock2:\n    trap user1\nblock3:\n    jump block1\n}`
  expect(compileFunction(parseFunctions(table)[0]!, { check: true }).code.length).toBeGreaterThan(20_000)
})

test('what a result says of itself holds', () => {
  for (const target of ['x86_64-unknown-linux-gnu', 'x86_64-pc-windows-msvc'] as const) {
    for (const func of functions) {
      const { code, codeSize, alignment, relocations, traps, callSites, frame } = compileFunction(func, { target })
      expect(code.length).toBeGreaterThanOrEqual(codeSize)
      expect(alignment).toBeGreaterThanOrEqual(16)
      expect(Math.log2(alignment) % 1).toBe(0)
      for (const { offset } of relocations) expect(offset).toBeLessThanOrEqual(code.length - 4)
      const ascending = (list: ArrayLike<number>): void =>
        Array.from(list).forEach((value, i) => {
          expect(value).toBeGreaterThanOrEqual(i === 0 ? 0 : list[i - 1]!)
          expect(value).toBeLessThanOrEqual(codeSize)
        })
      ascending(traps.offset)
      ascending(callSites)
      // Where a call returns to, the stack is aligned to 16 (System V AMD64 ABI, 3.2.2; Microsoft Learn, "Alignment").
      const rows = unwindRows(frame)
      for (const site of callSites) {
        const row = rows.findLast(({ at }) => at < site)!
        if (row.cfa.rule === 'register' && row.cfa.register === 4) expect(row.cfa.offset % 16).toBe(0)
      }
    }
  }
})

test('no unwind data when none is asked for', () => {
  const settings = defaultSettings()
  applySetting(settings, 'unwind_info', 'false')
  expect(compileFunction(functions[4]!, { settings }).unwind).toBeNull()
  expect(compileFunction(functions[4]!).unwind).not.toBeNull()
})

test('times are added up by stage', () => {
  const times = { analyse: 0, lower: 0, allocate: 0, emit: 0, unwind: 0 }
  const compiler = new Compiler()
  for (const func of functions) compiler.compile(func, times)
  for (const [stage, time] of Object.entries(times)) expect(time, stage).toBeGreaterThan(0)
})
