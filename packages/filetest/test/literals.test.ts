import { Type } from '@framewright/ir'
import { parseFunctions } from '@framewright/ir/text'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseLiteral, printLiteral, runDirectives } from '../src/index.ts'

describe('literals', () => {
  test.each([
    ['-1', Type.I8, 255n],
    ['255', Type.I8, 255n],
    ['0x8000_0000', Type.I32, 0x8000_0000n],
    ['-170141183460469231731687303715884105728', Type.I128, 1n << 127n],
    ['0x1.0p0', Type.F32, 0x3f80_0000n],
    ['-0x0.0', Type.F64, 1n << 63n],
    ['+NaN', Type.F16, 0x7e00n],
    ['+NaN:0x7', Type.F32, 0x7fc0_0007n],
    ['[1 -1 2 -2]', Type.I32X4, 0xffff_fffe_0000_0002_ffff_ffff_0000_0001n],
    ['0x0102', Type.I8X16, 0x0102n],
  ])('%s', (text, type, bits) => {
    expect(parseLiteral(text, type)).toBe(bits)
  })

  test.each([
    ['256', Type.I8, 'out of range'],
    ['-129', Type.I8, 'out of range'],
    ['1.5', Type.I32, 'no whole number'],
    ['1', Type.F32, 'is not a float'],
    ['[1 2 3]', Type.I32X4, '3 lanes'],
    ['0x123', Type.I32X4, 'an even number'],
    [`0x${'00'.repeat(17)}`, Type.I32X4, 'more than 16 bytes'],
    ['', Type.I64, 'no whole number'],
  ])('%s is refused', (text, type, why) => {
    expect(() => parseLiteral(text, type)).toThrow(why)
  })

  test('what is printed reads back', () => {
    const types = [Type.I8, Type.I64, Type.I128, Type.F16, Type.F32, Type.F64, Type.F128, Type.I16X8, Type.F32X4]
    const bits = [8, 64, 128, 16, 32, 64, 128, 128, 128]
    fc.assert(
      fc.property(fc.nat(types.length - 1), fc.bigInt(0n, (1n << 128n) - 1n), (i, raw) => {
        const value = BigInt.asUintN(bits[i]!, raw)
        expect(parseLiteral(printLiteral(value, types[i]!), types[i]!)).toBe(value)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('run directives', () => {
  const directivesOf = (signature: string, comment: string) =>
    runDirectives(parseFunctions(`function %f${signature} {\n}\n${comment}\n`)[0]!)

  test('are calls and what they give', () => {
    expect(directivesOf('(i8, i32x4) -> i8', '; run: %f(-1, [1 2 3 4]) == 7 ; seven')).toMatchObject([
      { args: [255n, 0x4_0000_0003_0000_0002_0000_0001n], expected: [7n], unequal: false },
    ])
    expect(directivesOf('() -> i8, i32x4', ';; run: %f() != [1, [0 0 0 1]]')).toMatchObject([
      { args: [], expected: [1n, 1n << 96n], unequal: true },
    ])
    expect(directivesOf('() -> i8', '; run')).toMatchObject([{ expected: [0n], unequal: true }])
    expect(directivesOf('(f32)', '; print: %f(0x1.0p0)')).toMatchObject([{ args: [0x3f80_0000n], expected: null }])
    expect(directivesOf('()', '; running shoes')).toEqual([])
  })

  test.each([
    ['(i8)', '; run', 'has parameters'],
    ['()', '; run: %f()', "'==' or '!=' is wanted"],
    ['(i8) -> i8', '; run: %f() == 1', '0 values for 1 types'],
    ['() -> i8', '; run: f == 1', 'a call'],
    ['() -> i8', '; run: %f() == x', 'no whole number'],
  ])('%s %s is refused', (signature, comment, why) => {
    expect(() => directivesOf(signature, comment)).toThrow(why)
  })
})
