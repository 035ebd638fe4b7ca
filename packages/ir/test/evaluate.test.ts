// What opcodes make of constants: integers against bigint, floats against the engine's own and against exact numbers.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bigFloatBinary, bigFloatFma, bigFloatUnary, convertFloat } from '../src/evaluate/big-float.ts'
import { FLOAT_FORMATS } from '../src/evaluate/float-formats.ts'
import { bigIntToWords, Evaluator, NOT_PURE, wordCount, wordsToBigInt } from '../src/evaluate/index.ts'
import { INT_CC_NAMES, Opcode, TrapCode, Type, typeBits, typeName } from '../src/index.ts'

const evaluator = new Evaluator()
const [A, B, C, OUT, SECOND] = [0, 64, 128, 192, 256]

/** The result (or trap) of an opcode on bit patterns, and its second result. */
function evaluate(
  opcode: number,
  type: Type,
  args: readonly (readonly [bigint, Type])[],
  { imm = 0, to = type, second = Type.I8 }: { imm?: number; to?: Type; second?: Type } = {},
): { value: bigint; second: bigint } | { trap: number } {
  const words = new Int32Array(320)
  args.forEach(([value, type], i) => {
    bigIntToWords(value, words, [A, B, C][i]!, wordCount(type))
  })
  const from = args[0]![1]
  const trap = evaluator.evaluate(opcode, type, from, imm, words, A, B, C, OUT, SECOND)
  if (trap !== 0) return { trap }
  return {
    value: wordsToBigInt(words, OUT, wordCount(to)),
    second: wordsToBigInt(words, SECOND, wordCount(second)),
  }
}

const u = (value: bigint, bits: number): bigint => BigInt.asUintN(bits, value)
const s = (value: bigint, bits: number): bigint => BigInt.asIntN(bits, value)

const integers = [Type.I8, Type.I16, Type.I32, Type.I64, Type.I128]

/** Numbers of a width, with the edges of every narrower width among them. */
function numbers(bits: number): fc.Arbitrary<bigint> {
  const edges = [0, 7, 8, 15, 16, 31, 32, 52, 53, 63, 64, 127, 128].filter((n) => n <= bits)
  const near = fc.tuple(fc.constantFrom(...edges), fc.constantFrom(-2n, -1n, 0n, 1n, 2n))
  return fc.oneof(
    fc.bigInt(0n, (1n << BigInt(bits)) - 1n),
    near.map(([edge, by]) => u((1n << BigInt(edge)) + by, bits)),
  )
}

const clamp = (value: bigint, low: bigint, high: bigint): bigint => (value < low ? low : value > high ? high : value)

const ascending = (a: bigint, b: bigint): number => (a < b ? -1 : 1)

type Binary = (a: bigint, b: bigint, bits: number) => bigint

const binary: Readonly<Record<string, Binary>> = {
  Iadd: (a, b) => a + b,
  Isub: (a, b) => a - b,
  Imul: (a, b) => a * b,
  Umulhi: (a, b, w) => (a * b) >> BigInt(w),
  Smulhi: (a, b, w) => (s(a, w) * s(b, w)) >> BigInt(w),
  Smin: (a, b, w) => (s(a, w) < s(b, w) ? a : b),
  Umin: (a, b) => [a, b].sort(ascending)[0]!,
  Smax: (a, b, w) => (s(a, w) > s(b, w) ? a : b),
  Umax: (a, b) => [a, b].sort(ascending)[1]!,
  AvgRound: (a, b) => (a + b + 1n) / 2n,
  UaddSat: (a, b, w) => clamp(a + b, 0n, (1n << BigInt(w)) - 1n),
  UsubSat: (a, b, w) => clamp(a - b, 0n, (1n << BigInt(w)) - 1n),
  SaddSat: (a, b, w) => clamp(s(a, w) + s(b, w), -(1n << BigInt(w - 1)), (1n << BigInt(w - 1)) - 1n),
  SsubSat: (a, b, w) => clamp(s(a, w) - s(b, w), -(1n << BigInt(w - 1)), (1n << BigInt(w - 1)) - 1n),
  Band: (a, b) => a & b,
  Bor: (a, b) => a | b,
  Bxor: (a, b) => a ^ b,
  Udiv: (a, b) => a / b,
  Sdiv: (a, b, w) => s(a, w) / s(b, w),
  Urem: (a, b) => a % b,
  Srem: (a, b, w) => s(a, w) % s(b, w),
}

const rounded: Readonly<Record<string, Binary>> = {
  SqmulRoundSat: (a, b, w) =>
    clamp(
      (s(a, w) * s(b, w) + (1n << BigInt(w - 2))) >> BigInt(w - 1),
      -(1n << BigInt(w - 1)),
      (1n << BigInt(w - 1)) - 1n,
    ),
  X86Pmulhrsw: (a, b, w) => (s(a, w) * s(b, w) + (1n << BigInt(w - 2))) >> BigInt(w - 1),
}

const bitsOf = (value: bigint, bits: number): string => value.toString(2).padStart(bits, '0')

const unary: Readonly<Record<string, (a: bigint, bits: number) => bigint>> = {
  Ineg: (a) => -a,
  Iabs: (a, w) => (s(a, w) < 0n ? -s(a, w) : a),
  Bnot: (a) => ~a,
  Bitrev: (a, w) => BigInt(`0b${[...bitsOf(a, w)].reverse().join('')}`),
  Clz: (a, w) => BigInt(/^0*/.exec(bitsOf(a, w))![0].length),
  Ctz: (a, w) => BigInt(/0*$/.exec(bitsOf(a, w))![0].length),
  Cls: (a, w) => BigInt(/^(?:0+|1+)/.exec(bitsOf(a, w))![0].length - 1),
  Popcnt: (a, w) => BigInt(bitsOf(a, w).replaceAll('0', '').length),
}

const shifts: Readonly<Record<string, (a: bigint, by: bigint, bits: number) => bigint>> = {
  Ishl: (a, by) => a << by,
  Ushr: (a, by) => a >> by,
  Sshr: (a, by, w) => s(a, w) >> by,
  Rotl: (a, by, w) => (a << by) | (a >> (BigInt(w) - by)),
  Rotr: (a, by, w) => (a >> by) | (a << (BigInt(w) - by)),
}

const conditions: Readonly<Record<string, (a: bigint, b: bigint, bits: number) => boolean>> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  sge: (a, b, w) => s(a, w) >= s(b, w),
  sgt: (a, b, w) => s(a, w) > s(b, w),
  sle: (a, b, w) => s(a, w) <= s(b, w),
  slt: (a, b, w) => s(a, w) < s(b, w),
  uge: (a, b) => a >= b,
  ugt: (a, b) => a > b,
  ule: (a, b) => a <= b,
  ult: (a, b) => a < b,
}

const opcode = (name: string): number => Opcode[name as keyof typeof Opcode]

describe.each(integers.map((type) => [typeName(type), type] as const))('%s', (_, type) => {
  const bits = typeBits(type)

  test('operations on two', () => {
    const names = [...Object.keys(binary), ...(bits === 16 || bits === 32 ? Object.keys(rounded) : [])]
    fc.assert(
      fc.property(fc.constantFrom(...names), numbers(bits), numbers(bits), (name, a, b) => {
        const found = evaluate(opcode(name), type, [
          [a, type],
          [b, type],
        ])
        const divides = /div|rem/.test(name)
        if (divides && b === 0n) expect(found).toEqual({ trap: TrapCode.IntegerDivisionByZero })
        else if (name === 'Sdiv' && s(a, bits) === -(1n << BigInt(bits - 1)) && s(b, bits) === -1n) {
          expect(found).toEqual({ trap: TrapCode.IntegerOverflow })
        } else expect(found, name).toMatchObject({ value: u((binary[name] ?? rounded[name]!)(a, b, bits), bits) })
      }),
      { numRuns: 3000 },
    )
  })

  test('operations on one, and shifts', () => {
    fc.assert(
      fc.property(numbers(bits), fc.nat(300), (a, amount) => {
        for (const [name, expected] of Object.entries(unary)) {
          expect(evaluate(opcode(name), type, [[a, type]]), name).toMatchObject({ value: u(expected(a, bits), bits) })
        }
        for (const [name, expected] of Object.entries(shifts)) {
          const by = BigInt(amount % bits)
          const found = evaluate(opcode(name), type, [
            [a, type],
            [BigInt(amount), Type.I16],
          ])
          expect(found, name).toMatchObject({ value: u(expected(a, by, bits), bits) })
        }
      }),
      { numRuns: 300 },
    )
  })

  test('comparisons, and sums with flags', () => {
    fc.assert(
      fc.property(numbers(bits), numbers(bits), fc.boolean(), (a, b, carry) => {
        const two = [
          [a, type],
          [b, type],
        ] as const
        INT_CC_NAMES.forEach((name, imm) => {
          const expected = conditions[name]!(a, b, bits) ? 1n : 0n
          expect(evaluate(Opcode.Icmp, type, two, { imm, to: Type.I8 }), name).toMatchObject({ value: expected })
        })
        const c = carry ? 1n : 0n
        const flagged = (name: string, exact: bigint, signed: boolean, third: boolean): void => {
          const args = third ? ([...two, [c, Type.I8]] as const) : two
          const value = u(exact, bits)
          const second = (signed ? s(value, bits) : value) === exact ? 0n : 1n
          expect(evaluate(opcode(name), type, args), name).toEqual({ value, second })
        }
        const [x, y] = [s(a, bits), s(b, bits)]
        flagged('UaddOverflow', a + b, false, false)
        flagged('SaddOverflow', x + y, true, false)
        flagged('UsubOverflow', a - b, false, false)
        flagged('SsubOverflow', x - y, true, false)
        flagged('UaddOverflowCin', a + b + c, false, true)
        flagged('SaddOverflowCin', x + y + c, true, true)
        flagged('UsubOverflowBin', a - b - c, false, true)
        flagged('SsubOverflowBin', x - y - c, true, true)
        if (bits < 128) {
          flagged('UmulOverflow', a * b, false, false)
          flagged('SmulOverflow', x * y, true, false)
        }
        if (bits === 32 || bits === 64) {
          const found = evaluate(Opcode.UaddOverflowTrap, type, two, { imm: 9 })
          expect(found).toMatchObject((a + b) >> BigInt(bits) === 0n ? { value: a + b } : { trap: 9 })
        }
      }),
      { numRuns: 500 },
    )
  })

  test('width changes', () => {
    fc.assert(
      fc.property(numbers(bits), (a) => {
        for (const other of integers) {
          const wide = typeBits(other)
          if (wide > bits) {
            const wider = { to: other }
            expect(evaluate(Opcode.Uextend, other, [[a, type]], wider)).toMatchObject({ value: a })
            expect(evaluate(Opcode.Sextend, other, [[a, type]], wider)).toMatchObject({ value: u(s(a, bits), wide) })
          } else if (wide < bits) {
            expect(evaluate(Opcode.Ireduce, other, [[a, type]], { to: other })).toMatchObject({ value: u(a, wide) })
          }
          const mask = a === 0n ? 0n : (1n << BigInt(wide)) - 1n
          expect(evaluate(Opcode.Bmask, other, [[a, type]], { to: other })).toMatchObject({ value: mask })
        }
        if (bits > 8) {
          const half = integers[integers.indexOf(type) - 1]!
          const split = evaluate(Opcode.Isplit, type, [[a, type]], { to: half, second: half })
          const [low, high] = [u(a, bits / 2), a >> BigInt(bits / 2)]
          expect(split).toEqual({ value: low, second: high })
          const parts = [
            [low, half],
            [high, half],
          ] as const
          expect(evaluate(Opcode.Iconcat, half, parts, { to: type })).toMatchObject({ value: a })
        }
      }),
      { numRuns: 200 },
    )
  })
})

// Patterns of floats: any, near powers of two, subnormal, and special ones.
function patterns(type: Type): fc.Arbitrary<bigint> {
  const { bits, fractionBits, exponentBits } = FLOAT_FORMATS[type]!
  const build = ([sign, exponent, fraction]: readonly [number, number, bigint]): bigint =>
    (BigInt(sign) << BigInt(bits - 1)) | (BigInt(exponent) << BigInt(fractionBits)) | fraction
  const most = 2 ** exponentBits - 1
  const exponents = fc.oneof(
    fc.constantFrom(0, 1, most, most - 1),
    fc.integer({ min: most >> 1, max: (most >> 1) + 60 }).map((e) => Math.min(e, most)),
    fc.nat(most),
  )
  const fractions = fc.oneof(
    fc.bigInt(0n, (1n << BigInt(fractionBits)) - 1n),
    fc.constantFrom(0n, 1n, 1n << BigInt(fractionBits - 1), (1n << BigInt(fractionBits)) - 1n),
  )
  return fc.tuple(fc.nat(1), exponents, fractions).map(build)
}

const two = (type: Type, a: bigint, b: bigint) => [[a, type] as const, [b, type] as const]

describe.each([Type.F16, Type.F32, Type.F64].map((type) => [typeName(type), type] as const))('%s', (_, type) => {
  const format = FLOAT_FORMATS[type]!

  test('is what exact arithmetic, rounded once, makes', () => {
    fc.assert(
      fc.property(patterns(type), patterns(type), patterns(type), (a, b, c) => {
        for (const name of ['Fadd', 'Fsub', 'Fmul', 'Fdiv', 'Fmin', 'Fmax']) {
          const expected = bigFloatBinary(opcode(name), format, a, b)
          expect(evaluate(opcode(name), type, two(type, a, b)), name).toMatchObject({ value: expected })
        }
        for (const name of ['Sqrt', 'Ceil', 'Floor', 'Trunc', 'Nearest']) {
          const expected = bigFloatUnary(opcode(name), format, a)
          expect(evaluate(opcode(name), type, [[a, type]]), name).toMatchObject({ value: expected })
        }
        const fma = evaluate(Opcode.Fma, type, [...two(type, a, b), [c, type]])
        expect(fma).toMatchObject({ value: bigFloatFma(format, a, b, c) })
      }),
      { numRuns: 3000 },
    )
  })

  test('multiplies and adds exactly where the product nearly cancels, or falls below the normal numbers', () => {
    const { bits, fractionBits, exponentBits } = format
    const bias = 2 ** (exponentBits - 1) - 1
    const most = 2 ** exponentBits - 1
    const fraction = fc.oneof(
      fc.bigInt(0n, (1n << BigInt(fractionBits)) - 1n),
      fc.constantFrom(0n, 1n, 2n, (1n << BigInt(fractionBits)) - 1n, 1n << BigInt(fractionBits - 1)),
    )
    const float = (sign: number, exponent: number, low: bigint): bigint =>
      (BigInt(sign) << BigInt(bits - 1)) |
      (BigInt(Math.max(0, Math.min(most - 1, exponent))) << BigInt(fractionBits)) |
      low
    // The third exponent is near that of the product; the product's own goes from far too small to far too large.
    const exponents = fc.oneof(
      fc.integer({ min: -fractionBits - 4, max: 4 }),
      fc.integer({ min: -bias, max: bias }),
      fc.integer({ min: bias - 4, max: bias + 4 }),
    )
    fc.assert(
      fc.property(
        fc.tuple(fraction, fraction, fraction),
        fc.tuple(fc.nat(1), fc.nat(1), fc.nat(1)),
        exponents,
        fc.integer({ min: -8, max: 8 }),
        fc.oneof(
          fc.integer({ min: -3, max: 3 }),
          fc.integer({ min: -2 * fractionBits - 6, max: 2 * fractionBits + 6 }),
        ),
        ([x, y, z], [s, t, u], product, split, distance) => {
          // Fields of the two factors that add up to a product with the exponent `product` above the least normal one.
          const total = product + 1 + bias
          const a = float(s, (total >> 1) + split, x)
          const b = float(t, total - (total >> 1) - split, y)
          const c = float(u, product + distance, z)
          const fma = evaluate(Opcode.Fma, type, [...two(type, a, b), [c, type]])
          expect(fma).toMatchObject({ value: bigFloatFma(format, a, b, c) })
        },
      ),
      { numRuns: 20_000 },
    )
  })

  test('converts from and to every other format, NaNs with their payloads', () => {
    fc.assert(
      fc.property(patterns(type), (a) => {
        for (const other of [Type.F16, Type.F32, Type.F64, Type.F128]) {
          if (other === type) continue
          const op = typeBits(other) > format.bits ? Opcode.Fpromote : Opcode.Fdemote
          const expected = convertFloat(format, FLOAT_FORMATS[other]!, a)
          expect(evaluate(op, other, [[a, type]], { to: other }), typeName(other)).toMatchObject({ value: expected })
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('signs are bits', () => {
    fc.assert(
      fc.property(patterns(type), patterns(type), (a, b) => {
        const sign = 1n << BigInt(format.bits - 1)
        expect(evaluate(Opcode.Fneg, type, [[a, type]])).toMatchObject({ value: a ^ sign })
        expect(evaluate(Opcode.Fabs, type, [[a, type]])).toMatchObject({ value: a & ~sign })
        const copied = evaluate(Opcode.Fcopysign, type, two(type, a, b))
        expect(copied).toMatchObject({ value: (a & ~sign) | (b & sign) })
      }),
    )
  })
})

test('f128 rounded to f64 is what the engine computes, for it has more than twice the bits', () => {
  const f64 = new Float64Array(1)
  const bits = new BigUint64Array(f64.buffer)
  const number = (pattern: bigint): number => {
    bits[0] = pattern
    return f64[0]!
  }
  const pattern = (value: number): bigint => {
    f64[0] = value
    return bits[0]!
  }
  const [narrow, wide] = [FLOAT_FORMATS[Type.F64]!, FLOAT_FORMATS[Type.F128]!]
  const operations: Record<string, (a: number, b: number) => number> = {
    Fadd: (a, b) => a + b,
    Fsub: (a, b) => a - b,
    Fmul: (a, b) => a * b,
    Fdiv: (a, b) => a / b,
  }
  fc.assert(
    fc.property(patterns(Type.F64), patterns(Type.F64), (a, b) => {
      const [x, y] = [number(a), number(b)]
      const [p, q] = [convertFloat(narrow, wide, a), convertFloat(narrow, wide, b)]
      const check = (name: string, result: { value: bigint } | { trap: number }, expected: number): void => {
        const back = convertFloat(wide, narrow, (result as { value: bigint }).value)
        if (Number.isNaN(expected)) expect(number(back), name).toBeNaN()
        else expect(back, `${name} ${x} ${y}`).toBe(pattern(expected))
      }
      for (const [name, operation] of Object.entries(operations)) {
        check(name, evaluate(opcode(name), Type.F128, two(Type.F128, p, q)), operation(x, y))
      }
      check('sqrt', evaluate(Opcode.Sqrt, Type.F128, [[p, Type.F128]]), Math.sqrt(x))
      check('floor', evaluate(Opcode.Floor, Type.F128, [[p, Type.F128]]), Math.floor(x))
      check('ceil', evaluate(Opcode.Ceil, Type.F128, [[p, Type.F128]]), Math.ceil(x))
      check('trunc', evaluate(Opcode.Trunc, Type.F128, [[p, Type.F128]]), Math.trunc(x))
    }),
    { numRuns: 2000 },
  )
})

test('integers to floats and back are rounded once', () => {
  const exact = [Type.I8, Type.I16, Type.I32, Type.I64, Type.I128]
  const floats = [Type.F16, Type.F32, Type.F64, Type.F128]
  fc.assert(
    fc.property(
      fc.constantFrom(...exact),
      fc.constantFrom(...floats),
      fc.boolean(),
      fc.bigInt(0n, (1n << 128n) - 1n),
      (type, float, signed, raw) => {
        const bits = typeBits(type)
        const value = u(raw >> (raw % 100n), bits)
        const wide = FLOAT_FORMATS[Type.F128]!
        const op = signed ? Opcode.FcvtFromSint : Opcode.FcvtFromUint
        const found = evaluate(op, float, [[value, type]], { to: float }) as { value: bigint }
        // Up to 64 bits f128 holds exactly, so rounding that is the answer.
        if (bits < 128) {
          const through = evaluate(op, Type.F128, [[value, type]], { to: Type.F128 }) as { value: bigint }
          expect(found.value).toBe(convertFloat(wide, FLOAT_FORMATS[float]!, through.value))
          const back = evaluate(signed ? Opcode.FcvtToSint : Opcode.FcvtToUint, type, [[through.value, Type.F128]])
          expect(back).toMatchObject({ value })
        }
      },
    ),
    { numRuns: 2000 },
  )
})

test('floats to integers saturate, or trap with their reason', () => {
  const nan = 0x7fc0_0000n
  const big = 0x7f00_0000n
  const minusBig = 0xff00_0000n
  const float = (value: bigint) => [[value, Type.F32] as const]
  const convert = (op: number, value: bigint) => evaluate(op, Type.I16, float(value))
  expect(convert(Opcode.FcvtToSint, nan)).toEqual({ trap: TrapCode.BadConversionToInteger })
  expect(convert(Opcode.FcvtToUint, big)).toEqual({ trap: TrapCode.IntegerOverflow })
  expect(convert(Opcode.FcvtToUint, 0xbf66_6666n)).toMatchObject({ value: 0n }) // -0.9
  expect(convert(Opcode.FcvtToUint, 0xbf80_0000n)).toEqual({ trap: TrapCode.IntegerOverflow }) // -1
  expect(convert(Opcode.FcvtToSintSat, nan)).toMatchObject({ value: 0n })
  expect(convert(Opcode.FcvtToSintSat, big)).toMatchObject({ value: 0x7fffn })
  expect(convert(Opcode.FcvtToSintSat, minusBig)).toMatchObject({ value: 0x8000n })
  expect(convert(Opcode.FcvtToUintSat, big)).toMatchObject({ value: 0xffffn })
  expect(convert(Opcode.FcvtToUintSat, minusBig)).toMatchObject({ value: 0n })
  const lanes = [[nan | (big << 32n) | (minusBig << 64n) | (0x4048_f5c3n << 96n), Type.F32X4] as const]
  expect(evaluate(Opcode.X86Cvtt2dq, Type.I32X4, lanes)).toMatchObject({
    value: 0x8000_0000n | (0x8000_0000n << 32n) | (0x8000_0000n << 64n) | (3n << 96n),
  })
})

test('lanes do what scalars do', () => {
  const shapes = [
    [Type.I8, Type.I8X16],
    [Type.I16, Type.I16X8],
    [Type.I32, Type.I32X4],
    [Type.I64, Type.I64X2],
  ] as const
  const names = Object.keys(binary).filter((name) => !/div|rem/.test(name))
  fc.assert(
    fc.property(
      fc.constantFrom(...shapes),
      fc.constantFrom(...names),
      numbers(128),
      numbers(128),
      (shape, name, a, b) => {
        const [lane, vector] = shape
        const bits = typeBits(lane)
        let expected = 0n
        for (let at = 0; at < 128; at += bits) {
          const [x, y] = [u(a >> BigInt(at), bits), u(b >> BigInt(at), bits)]
          expected |= u(binary[name]!(x, y, bits), bits) << BigInt(at)
        }
        expect(evaluate(opcode(name), vector, two(vector, a, b)), name).toMatchObject({ value: expected })
      },
    ),
    { numRuns: 2000 },
  )
})

test('a bitcast in big-endian order is a store and a load in it', () => {
  const swap = (value: bigint, laneBytes: number): bigint => {
    let result = 0n
    for (let i = 0; i < 16; i++) {
      const to = Math.floor(i / laneBytes) * laneBytes + (laneBytes - 1 - (i % laneBytes))
      result |= ((value >> BigInt(8 * i)) & 0xffn) << BigInt(8 * to)
    }
    return result
  }
  fc.assert(
    fc.property(numbers(128), (a) => {
      const found = evaluate(Opcode.Bitcast, Type.I64X2, [[a, Type.I16X8]], { imm: 16 })
      expect(found).toMatchObject({ value: swap(swap(a, 2), 8) })
    }),
  )
})

test('what needs memory or control is not evaluated, and leaves the words alone', () => {
  for (const op of [Opcode.Load, Opcode.Call, Opcode.Jump, Opcode.Iconst, Opcode.StackAddr]) {
    expect(evaluate(op, Type.I64, [[1n, Type.I64]])).toEqual({ trap: NOT_PURE })
  }
})
