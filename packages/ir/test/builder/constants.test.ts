// Constants of every type, held against what the text reads and against arithmetic that is not ours: Math.fround,
// DataView, BigInt.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type ConstantValue,
  FunctionBuilder,
  hasFloatLanes,
  IrBuildError,
  isDynamicVector,
  laneCount,
  laneType,
  parseFunctions,
  printFunction,
  signature,
  TYPE_LIMIT,
  Type,
  typeBits,
  typeName,
  verifyFunction,
} from '../../src/index.ts'

/** Vectors of more than one i128 have no literals: a constant of them cannot be written down. */
const isWritable = (type: Type): boolean => laneType(type) !== Type.I128 || laneCount(type) === 1

/** The lines of a function that returns the constant, without the frame. */
function lines(type: Type, value: ConstantValue): string[] {
  const b = new FunctionBuilder('f', signature([], [type]))
  b.createEntry()
  b.return([b.constant(type, value)])
  const func = b.finish()
  expect(verifyFunction(func)).toEqual([])
  const text = printFunction(func)
  if (isWritable(type)) expect(printFunction(parseFunctions(text)[0])).toBe(text)
  return text
    .split('\n')
    .map((line) => line.trim().replace(/ *;.*/, ''))
    .filter((line) => / = /.test(line))
}

describe('a constant', () => {
  const CASES: readonly (readonly [Type, ConstantValue, readonly string[]])[] = [
    [Type.I8, -1, ['v0 = iconst.i8 -1']],
    [Type.I64, 2n ** 63n, ['v0 = iconst.i64 -9223372036854775808']],
    [Type.I64, -(2 ** 40), ['v0 = iconst.i64 -1099511627776']],
    [Type.I128, -2n, ['v0 = iconst.i64 -2', 'v1 = iconst.i64 -1', 'v2 = iconcat v0, v1']],
    [Type.I128, 2n ** 127n + 5n, ['v0 = iconst.i64 5', 'v1 = iconst.i64 -9223372036854775808', 'v2 = iconcat v0, v1']],
    [Type.F16, 1.5, ['v0 = f16const 0x1.800p0']],
    [Type.F16, 65520, ['v0 = f16const +Inf']],
    [Type.F16, 65519, ['v0 = f16const 0x1.ffcp15']],
    [Type.F16, 2 ** -25, ['v0 = f16const 0.0']],
    [Type.F16, 2 ** -24, ['v0 = f16const 0x0.004p-14']],
    [Type.F16, 0x8001n, ['v0 = f16const -0x0.004p-14']],
    [Type.F32, 0.1, ['v0 = f32const 0x1.99999ap-4']],
    [Type.F64, -0, ['v0 = f64const -0.0']],
    [Type.F128, 1.5, ['const0 = 0x3fff8000000000000000000000000000', 'v0 = f128const const0']],
    [Type.F128, 2 ** -1074, ['const0 = 0x3bcd0000000000000000000000000000', 'v0 = f128const const0']],
    [Type.I32X4, [1, -1, 2, 2 ** 31], ['const0 = 0x8000000000000002ffffffff00000001', 'v0 = vconst.i32x4 const0']],
    [Type.I16X8, 7, ['const0 = 0x00070007000700070007000700070007', 'v0 = vconst.i16x8 const0']],
    [Type.F64X2, [1, -2], ['const0 = 0xc0000000000000003ff0000000000000', 'v0 = vconst.f64x2 const0']],
  ]
  test.each(CASES)('of type %i: %s', (type, value, expected) => {
    expect(lines(type, value)).toEqual(expected)
  })

  test('of every type that is not dynamic', () => {
    for (let type = 1; type < TYPE_LIMIT; type++) {
      if (typeName(type) === 'invalid' || isDynamicVector(type)) continue
      expect(lines(type, 1).length).toBeGreaterThan(0)
      const lanes = laneCount(type)
      if (lanes > 1) expect(lines(type, new Array(lanes).fill(0n)).length).toBeGreaterThan(0)
    }
  })

  test('is refused in words', () => {
    const b = new FunctionBuilder('f')
    b.createEntry()
    const wrong: readonly (readonly [Type, ConstantValue, string])[] = [
      [Type.I8, 256, 'iconst: 256 is not an integer of i8'],
      [Type.I128, 1.5, '1.5 is no i128'],
      [Type.I128, 2n ** 128n, '340282366920938463463374607431768211456 is no i128'],
      [Type.F16, 0x1_0000n, '65536 is no f16'],
      [Type.F128, -1n, '-1 is no f128'],
      [Type.I32X4, [1, 2, 3], 'i32x4 has 4 lanes, 3 are given'],
      [Type.I8X16, 300, 'lane 0: 300 is no i8'],
      [Type.I32, [1], 'there is no constant of i32'],
      [0, 1, 'there is no constant of invalid'],
    ]
    for (const [type, value, message] of wrong) {
      expect(() => b.constant(type, value)).toThrow(new IrBuildError({ code: 'arguments', reason: message }).message)
    }
  })

  test('of f16 is rounded to nearest, ties to even', () => {
    // Every f16 as a number, by its definition.
    const numbers = Array.from({ length: 0x7c01 }, (_, bits) => {
      const exponent = bits >> 10
      const fraction = bits & 0x3ff
      if (bits === 0x7c00) return 65536
      return exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15)
    })
    const nearest = (value: number): number => {
      let low = 0
      let high = 0x7c00
      while (high - low > 1) {
        const middle = (low + high) >> 1
        if (numbers[middle] <= value) low = middle
        else high = middle
      }
      if (value >= numbers[high]) return high
      const [down, up] = [value - numbers[low], numbers[high] - value]
      return down < up || (down === up && low % 2 === 0) ? low : high
    }
    const bitsOf = (value: number): number => {
      const b = new FunctionBuilder('f')
      b.createEntry()
      b.constant(Type.F16, value)
      b.return()
      return b.finish().insts.imm[0]
    }
    fc.assert(
      fc.property(fc.double({ min: 0, max: 70_000, noNaN: true }), (value) => {
        expect(bitsOf(value)).toBe(nearest(value))
        expect(bitsOf(-value)).toBe(nearest(value) | 0x8000)
      }),
      { numRuns: 2000 },
    )
    for (let bits = 0; bits < 0x7bff; bits += 7) {
      const middle = (numbers[bits] + numbers[bits + 1]) / 2
      expect(bitsOf(middle)).toBe(bits % 2 === 0 ? bits : bits + 1)
    }
  })
})

describe('variables of every type', () => {
  const TYPES = Array.from({ length: TYPE_LIMIT }, (_, type) => type).filter(
    (type) => type !== 0 && typeName(type) !== 'invalid' && !isDynamicVector(type) && typeBits(type) <= 512,
  )
  test.each(TYPES.map((type) => [typeName(type), type] as const))('%s through a loop and a branch', (_, type) => {
    const b = new FunctionBuilder('f', signature([Type.I32, type], [type, type]))
    const [count, given] = b.createEntry()
    const [changed, kept, left] = [b.declareVariable(type), b.declareVariable(type), b.declareVariable(Type.I32)]
    b.define(changed, b.constant(type, hasFloatLanes(type) ? 1.5 : 1))
    b.define(kept, given)
    b.define(left, count)
    const [head, body, skip, done] = [b.createBlock(), b.createBlock(), b.createBlock(), b.createBlock()]
    b.jump(head)
    b.switchTo(head)
    b.brif(b.use(left), body, done)
    b.switchTo(body)
    b.seal(body)
    b.define(left, b.isub(b.use(left), b.iconst(Type.I32, 1)))
    const other = b.createBlock()
    b.brif(b.use(left), other, skip)
    b.switchTo(other)
    b.seal(other)
    b.define(changed, b.use(kept))
    b.jump(skip)
    b.switchTo(skip)
    b.seal(skip)
    b.jump(head)
    b.seal(head)
    b.switchTo(done)
    b.seal(done)
    b.return([b.use(changed), b.use(kept)])
    const func = b.finish()
    expect(verifyFunction(func)).toEqual([])
    const text = printFunction(func)
    if (isWritable(type)) expect(printFunction(parseFunctions(text)[0])).toBe(text)
    // The variable that changes is a parameter of the loop and of the join; the one that does not is none.
    const name = typeName(type)
    expect(text).toMatch(new RegExp(`^block1\\(v\\d+: (?:${name}|i32), v\\d+: (?:${name}|i32)\\):$`, 'm'))
    expect(text).toMatch(new RegExp(`^block4\\(v\\d+: ${name}\\):$|^block3\\(v\\d+: ${name}\\):$`, 'm'))
    expect(text).toMatch(/return v\d+, v1$/m)
  })
})
