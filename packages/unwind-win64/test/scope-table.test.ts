// Scope tables of __C_specific_handler.

import { FrameRecorder } from '@framewright/frame-layout'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeScopeTable, encodeFrame, encodeScopeTable, type Scope, scopeFaults } from '../src/index.ts'
import { bytesOf, hexOf } from './vectors.ts'

const scopes: readonly Scope[] = [
  { begin: 10, end: 20, kind: 'finally', handler: { symbol: 'f$fin', addend: 0 } },
  { begin: 8, end: 30, kind: 'except', filter: 'always', target: 40 },
  { begin: 8, end: 30, kind: 'except', filter: { symbol: 'f$filt', addend: 4 }, target: 50 },
]

test('a table, as handler data of a function', () => {
  const table = encodeScopeTable(scopes, { symbol: 'f', codeSize: 100 })
  expect(hexOf(table.bytes)).toBe(
    `03000000${'00'.repeat(16)}${'00'.repeat(8)}01000000${'00'.repeat(4)}${'00'.repeat(16)}`,
  )
  expect(table.relocations.map(({ offset, symbol, addend }) => `${offset} ${symbol}+${addend}`)).toEqual([
    ...['4 f+10', '8 f+20', '12 f$fin+0'],
    ...['20 f+8', '24 f+30', '32 f+40'],
    ...['36 f+8', '40 f+30', '44 f$filt+4', '48 f+50'],
  ])
  const recorder = new FrameRecorder()
  recorder.adjustSp(4, 4, -40)
  recorder.prologueEnd(4)
  const record = recorder.finish({ codeSize: 100, personality: { symbol: '__C_specific_handler' } })
  const unwind = encodeFrame(record, { handlerData: table })!
  expect(unwind.relocations.slice(0, 2).map(({ offset, symbol }) => `${offset} ${symbol}`)).toEqual([
    '8 __C_specific_handler',
    '16 f',
  ])
})

test('places of a function in parts name their part; an end may be the part’s own', () => {
  const parts = [
    { symbol: 'f', codeSize: 60 },
    { symbol: 'f.cold', codeSize: 40 },
  ]
  const { relocations } = encodeScopeTable([{ begin: 10, end: 60, kind: 'except', filter: 'always', target: 60 }], {
    symbol: 'f',
    codeSize: 100,
    parts,
  })
  expect(relocations.map(({ symbol, addend }) => `${symbol}+${addend}`)).toEqual(['f+10', 'f+60', 'f.cold+0'])
})

test('is read back', () => {
  const bytes = bytesOf(`ff02000000${'10000000200000000100000030000000'}${'10000000200000008000000000000000'}`)
  expect(decodeScopeTable(bytes, 1)).toEqual([
    { begin: 0x10, end: 0x20, handler: 1, target: 0x30, kind: 'except' },
    { begin: 0x10, end: 0x20, handler: 0x80, target: 0, kind: 'finally' },
  ])
})

test.each([
  ['no count', '0000'],
  ['an absurd count', `ffffffff${'00'.repeat(32)}`],
  ['a row cut off', `01000000${'00'.repeat(15)}`],
])('%s: truncated', (_, hex) => {
  expect(() => decodeScopeTable(bytesOf(hex))).toThrow(
    expect.objectContaining({ problem: expect.objectContaining({ code: 'truncated' }) }),
  )
})

describe('what the handler would misread', () => {
  const range = [{ begin: 0, end: 100 }]
  const row = (begin: number, end: number, handler = 1, target = 50) => ({ begin, end, handler, target })

  test.each<[string, ReturnType<typeof row>[], [number, RegExp][]]>([
    ['nothing', [row(10, 20), row(10, 20), row(5, 30), row(40, 50)], []],
    ['an empty range', [row(10, 10)], [[0, /guards nothing/]]],
    ['a range that begins outside', [row(100, 110)], [[0, /begins outside/]]],
    ['a range that ends outside', [row(90, 110)], [[0, /ends outside/]]],
    ['a target outside', [row(1, 2, 1, 200)], [[0, /goes on outside/]]],
    ['no handler', [row(1, 2, 0, 3)], [[0, /no handler/]]],
    ['a termination function 1', [row(1, 2, 1, 0)], [[0, /constant 1/]]],
    ['an outer scope first', [row(5, 30), row(10, 20)], [[1, /inside scope 0, which stands in front/]]],
    ['crossing scopes', [row(5, 20), row(10, 30)], [[1, /crosses scope 0/]]],
  ])('%s', (_, rows, faults) => {
    const found = scopeFaults(rows, range)
    expect(found.map(({ index }) => index)).toEqual(faults.map(([index]) => index))
    for (const [i, [, why]] of faults.entries()) expect(found[i]!.why).toMatch(why)
  })

  test('is refused in writing', () => {
    const act = (scope: Scope) => () => encodeScopeTable([scopes[1]!, scope], { symbol: 'f', codeSize: 100 })
    const refused = expect.objectContaining({ problem: expect.objectContaining({ code: 'scope', index: 1 }) })
    expect(act(scopes[0]!)).toThrow(refused)
    expect(act({ begin: 50, end: 200, kind: 'except', filter: 'always', target: 1 })).toThrow(refused)
    expect(act({ begin: 50, end: 60, kind: 'except', filter: 'always', target: 100 })).toThrow(refused)
  })

  test('pairs are compared by all pairs and by sorting with the same outcome', () => {
    const some = fc.array(fc.tuple(fc.nat(12), fc.nat(8)), { maxLength: 7 })
    fc.assert(
      fc.property(some, (pairs) => {
        const rows = pairs.map(([begin, size]) => row(begin, begin + size + 1))
        let good = true
        for (let i = 0; i < rows.length; i++) {
          for (let k = i + 1; k < rows.length; k++) {
            const [inner, outer] = [rows[i]!, rows[k]!]
            const apart = inner.end <= outer.begin || outer.end <= inner.begin
            if (!apart && !(inner.begin >= outer.begin && inner.end <= outer.end)) good = false
          }
        }
        expect(scopeFaults(rows, range).length === 0).toBe(good)
      }),
      { numRuns: 2000 },
    )
  })
})
