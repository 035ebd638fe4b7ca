// Multipliers against division itself, in exact integers.
import fc from 'fast-check'
import { assert, expect, test } from 'vitest'
import { magicSigned, magicUnsigned } from '../src/lower/magic.ts'

function unsigned(x: bigint, divisor: bigint, width: number): bigint {
  const { multiplier, shift, add, preShift } = magicUnsigned(divisor, width)
  const bits = BigInt(width)
  assert.ok(multiplier < 1n << bits)
  if (!add) return (((x >> BigInt(preShift)) * multiplier) >> bits) >> BigInt(shift)
  // The multiplier is 2^width larger than it says; the machine adds x in a way that cannot overflow.
  assert.equal(preShift, 0)
  const t = (x * multiplier) >> bits
  const sum = ((x - t) >> 1n) + t
  assert.ok(sum < 1n << bits)
  return sum >> BigInt(shift - 1)
}

function signed(x: bigint, divisor: bigint, width: number): bigint {
  const { multiplier, shift, add } = magicSigned(divisor, width)
  const bits = BigInt(width)
  assert.equal(BigInt.asIntN(width, multiplier), multiplier)
  let high = (x * multiplier) >> bits
  if (add) high += x
  assert.equal(BigInt.asIntN(width, high), high)
  return (high >> BigInt(shift)) - (x >> (bits - 1n))
}

const isPowerOfTwo = (value: bigint): boolean => (value & (value - 1n)) === 0n

/** Where rounding goes wrong first: next to multiples of the divisor, and at the ends of the range. */
function dividends(divisor: bigint, from: bigint, to: bigint): bigint[] {
  const top = (to / divisor) * divisor
  const bottom = (from / divisor) * divisor
  return [from, from + 1n, bottom - 1n, bottom, bottom + 1n, -divisor, -1n, 0n, 1n, divisor - 1n, divisor, divisor + 1n]
    .concat([top - 1n, top, to - 1n, to])
    .filter((x) => x >= from && x <= to)
}

test.each([32, 64])('every small divisor, %i bits', (width) => {
  const limit = 1n << BigInt(width - 1)
  const wrong: string[] = []
  for (let divisor = 3n; divisor < 1000n; divisor++) {
    if (isPowerOfTwo(divisor)) continue
    for (const x of dividends(divisor, 0n, 2n * limit - 1n))
      if (unsigned(x, divisor, width) !== x / divisor) wrong.push(`${x} / ${divisor}, unsigned`)
    for (const x of dividends(divisor, -limit, limit - 1n))
      if (signed(x, divisor, width) !== x / divisor) wrong.push(`${x} / ${divisor}`)
  }
  expect(wrong).toEqual([])
})

test.each([32, 64])('any divisor, any dividend, %i bits', (width) => {
  const bits = BigInt(width)
  const near = fc
    .tuple(fc.integer({ min: 1, max: width - 1 }), fc.bigInt(-5n, 5n))
    .map(([shift, offset]) => (1n << BigInt(shift)) + offset)
  const divisor = fc.oneof(fc.bigInt(3n, (1n << bits) - 1n), near)
  fc.assert(
    fc.property(divisor, fc.bigInt(0n, (1n << bits) - 1n), (d, x) => {
      if (d < 3n || d >= 1n << bits || isPowerOfTwo(d)) return
      for (const y of [x, ...dividends(d, 0n, (1n << bits) - 1n)]) expect(unsigned(y, d, width)).toBe(y / d)
      if (d >= 1n << (bits - 1n)) return
      const limit = 1n << (bits - 1n)
      for (const y of [BigInt.asIntN(width, x), ...dividends(d, -limit, limit - 1n)])
        expect(signed(y, d, width)).toBe(y / d)
    }),
    { numRuns: 500 },
  )
})

test("known multipliers (Granlund and Montgomery; Hacker's Delight, figure 10-1)", () => {
  expect(magicUnsigned(10n, 32)).toEqual({ multiplier: 0xcccccccdn, shift: 3, add: false, preShift: 0 })
  expect(magicUnsigned(7n, 32)).toEqual({ multiplier: 0x24924925n, shift: 3, add: true, preShift: 0 })
  expect(magicUnsigned(641n, 32)).toEqual({ multiplier: 0x663d81n, shift: 0, add: false, preShift: 0 })
  expect(magicUnsigned(28n, 32)).toMatchObject({ add: false, preShift: 2 })
  expect(magicSigned(3n, 32)).toEqual({ multiplier: 0x55555556n, shift: 0, add: false })
  expect(magicSigned(7n, 32)).toEqual({ multiplier: BigInt.asIntN(32, 0x92492493n), shift: 2, add: true })
  expect(magicSigned(10n, 64)).toEqual({ multiplier: 0x6666666666666667n, shift: 2, add: false })
})
