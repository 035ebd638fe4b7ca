// Literals: the host's own arithmetic is the judge where it has the format, CLIF's printed examples where it has not.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  parseFloatBits,
  parseFunctions,
  printFloatBits,
  printFunction,
  printInteger,
  printOffset,
} from '../../src/text/index.ts'

const view = new DataView(new ArrayBuffer(8))

/** The immediate of one constant instruction. */
function constant(text: string): bigint {
  const [func] = parseFunctions(`function %f() {\nblock0:\n    v0 = ${text}\n    return\n}`)
  return (BigInt(func.insts.immHigh[0] >>> 0) << 32n) | BigInt(func.insts.imm[0] >>> 0)
}

const printed = (text: string): string => {
  const [func] = parseFunctions(`function %f() {\nblock0:\n    v0 = ${text}\n    return\n}`)
  return printFunction(func).split('\n')[2].trim()
}

describe('integers', () => {
  test('are kept zero-extended from the width of the type', () => {
    expect(constant('iconst.i8 -1')).toBe(0xffn)
    expect(constant('iconst.i8 255')).toBe(0xffn)
    expect(constant('iconst.i16 -32768')).toBe(0x8000n)
    expect(constant('iconst.i32 -1')).toBe(0xffff_ffffn)
    expect(constant('iconst.i32 0xdead_beef')).toBe(0xdead_beefn)
    expect(constant('iconst.i64 -1')).toBe(0xffff_ffff_ffff_ffffn)
    expect(constant('iconst.i64 1_000_000_000_000')).toBe(1_000_000_000_000n)
    expect(constant('iconst.i64 -0x8000_0000_0000_0000')).toBe(1n << 63n)
    expect(constant('iconst.i64 +5')).toBe(5n)
  })

  test('of 64 bits read as the host reads them', () => {
    const wide = fc.bigInt({ min: -(1n << 63n), max: (1n << 64n) - 1n })
    fc.assert(
      fc.property(wide, fc.boolean(), (n, hex) => {
        const text = hex ? `${n < 0n ? '-' : ''}0x${(n < 0n ? -n : n).toString(16)}` : String(n)
        expect(constant(`iconst.i64 ${text}`)).toBe(BigInt.asUintN(64, n))
      }),
    )
  })

  test('of every width fit exactly their range', () => {
    for (const bits of [8n, 16n, 32n, 64n]) {
      const low = -(1n << (bits - 1n))
      const high = (1n << bits) - 1n
      for (const n of [low, -1n, 0n, high])
        expect(constant(`iconst.i${bits} ${n}`)).toBe(BigInt.asUintN(Number(bits), n))
      for (const n of [low - 1n, high + 1n]) expect(() => constant(`iconst.i${bits} ${n}`)).toThrow('does not fit')
    }
  })

  test('print sign-extended, small or negative in decimal, else in groups of four digits', () => {
    expect(printed('iconst.i8 255')).toBe('v0 = iconst.i8 -1')
    expect(printed('iconst.i32 9999')).toBe('v0 = iconst.i32 9999')
    expect(printed('iconst.i32 10000')).toBe('v0 = iconst.i32 0x2710')
    expect(printed('iconst.i32 65536')).toBe('v0 = iconst.i32 0x0001_0000')
    expect(printed('iconst.i64 0x123456789')).toBe('v0 = iconst.i64 0x0001_2345_6789')
    expect(printed('iconst.i64 -5_000_000_000')).toBe('v0 = iconst.i64 -5000000000')
    expect(printInteger(-1, 0)).toBe('0xffff_ffff')
    expect([0, 8, -8, 65536, -65536].map(printOffset)).toEqual(['', '+8', '-8', '+0x0001_0000', '-0x0001_0000'])
  })
})

describe('floats', () => {
  const f64 = fc.double({ noNaN: true })
  const f32 = fc.float({ noNaN: true })

  test('of 64 bits print and read exactly', () => {
    fc.assert(
      fc.property(f64, (n) => {
        view.setFloat64(0, n)
        const bits = view.getBigUint64(0)
        const text = printFloatBits(bits, 64)
        expect(parseFloatBits(text, 64)).toBe(bits)
        // The instruction reader has a way of its own for the usual case.
        expect(constant(`f64const ${text}`)).toBe(bits)
        // So has the printer.
        expect(printed(`f64const ${text}`)).toBe(`v0 = f64const ${text}`)
      }),
      { numRuns: 1000 },
    )
  })

  test('of 32 bits print and read exactly, as the host rounds', () => {
    fc.assert(
      fc.property(f32, (n) => {
        view.setFloat32(0, n)
        const bits = BigInt(view.getUint32(0))
        const text = printFloatBits(bits, 32)
        expect(parseFloatBits(text, 32)).toBe(bits)
        expect(constant(`f32const ${text}`)).toBe(bits)
        expect(printed(`f32const ${text}`)).toBe(`v0 = f32const ${text}`)
        // Every binary32 number is a binary64 number.
        view.setFloat64(0, n)
        expect(parseFloatBits(text, 64)).toBe(view.getBigUint64(0))
      }),
      { numRuns: 1000 },
    )
  })

  test('of every format print and read exactly, whatever the bits', () => {
    for (const width of [16, 32, 64, 128] as const) {
      fc.assert(
        fc.property(fc.bigInt({ min: 0n, max: (1n << BigInt(width)) - 1n }), (bits) => {
          expect(parseFloatBits(printFloatBits(bits, width), width)).toBe(bits)
        }),
      )
    }
  })

  test('read as a number times a power of two', () => {
    const text = fc.tuple(
      fc.integer({ min: 0, max: 0xffff }),
      fc.integer({ min: 0, max: 0xff }),
      fc.integer({ min: -99, max: 99 }),
    )
    fc.assert(
      fc.property(text, ([whole, fraction, exponent]) => {
        const literal = `0x${whole.toString(16)}.${fraction.toString(16).padStart(2, '0')}p${exponent}`
        view.setFloat64(0, (whole + fraction / 256) * 2 ** exponent)
        expect(constant(`f64const ${literal}`)).toBe(view.getBigUint64(0))
      }),
    )
  })

  test('have the names and shapes of CLIF', () => {
    const cases: readonly (readonly [text: string, width: 16 | 32 | 64 | 128, bits: bigint])[] = [
      ['0.0', 32, 0n],
      ['-0.0', 32, 0x8000_0000n],
      ['+Inf', 32, 0x7f80_0000n],
      ['-Inf', 64, 0xfff0_0000_0000_0000n],
      ['+NaN', 32, 0x7fc0_0000n],
      ['-NaN:0x1', 32, 0xffc0_0001n],
      ['+sNaN:0x1', 64, 0x7ff0_0000_0000_0001n],
      ['0x1.0000000000000p2', 64, 0x4010_0000_0000_0000n],
      ['0x1.800000p0', 32, 0x3fc0_0000n],
      ['0x0.000002p-126', 32, 1n],
      ['0x1.000p0', 16, 0x3c00n],
      ['0x0.004p-14', 16, 1n],
      ['0x1.0000000000000000000000000000p0', 128, 0x3fff_0000_0000_0000_0000_0000_0000_0000n],
    ]
    for (const [text, width, bits] of cases) {
      expect(parseFloatBits(text, width), text).toBe(bits)
      expect(printFloatBits(bits, width)).toBe(text)
    }
    for (const [text, bits] of [
      ['NaN', 0x7fc0_0000n],
      ['Inf', 0x7f80_0000n],
      ['NaN:0x4', 0x7fc0_0004n],
      ['0xf.f', 0x417f_0000n],
      ['0x.8', 0x3f00_0000n],
    ] as const) {
      expect(parseFloatBits(text, 32), text).toBe(bits)
    }
  })

  test('that would be rounded are refused', () => {
    for (const text of [
      '0x1.00000001',
      '0x1.0p1024',
      '1.5',
      '0x1p3',
      '0x.',
      '0x1.0p',
      'sNaN:0x1',
      '+sNaN:0x0',
      '+NaN:0x400000',
      '',
      '-',
    ]) {
      expect(typeof parseFloatBits(text, 32), text).toBe('string')
    }
    expect(parseFloatBits('0x0.00000000000000000000000000000001p-1000', 32)).toBe('is too small for the format')
  })
})
