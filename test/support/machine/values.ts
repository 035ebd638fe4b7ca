// Values of CLIF types as bits, for calls from outside.

import { Type, typeBits, typeName } from '../../../packages/ir/src/index.ts'
import type { Random } from '../../../packages/ir/src/testing/index.ts'

export const isFloat = (type: number): boolean => type === Type.F32 || type === Type.F64

/** An argument: its bits, or an address in the arena, 8 KiB of memory whose first 1024 bytes are filled for each call. */
export type Argument = bigint | { readonly arena: number }

const F32 = [
  0n,
  0x80000000n,
  0x3f800000n,
  0xbf800000n,
  0x7f800000n,
  0xff800000n,
  0x7fc00000n,
  0x00000001n,
  0x007fffffn,
  0x7f7fffffn,
  0x4f000000n,
  0xcf000000n,
  0x4effffffn,
  0x4f800000n,
  0x5f000000n,
  0xdf000000n,
  0x5f800000n,
  0x43000000n,
  0xc3000000n,
  0x42fe0000n,
  0xbf7fffffn,
  0x3f000000n,
  0x3fc00000n,
  0x40200000n,
  0x47000000n,
  0x477fff00n,
  0xc3004000n,
  0xc2ff8000n,
  0xbf000000n,
  0x4b000001n,
]
const F64 = [
  0n,
  0x8000000000000000n,
  0x3ff0000000000000n,
  0xbff0000000000000n,
  0x7ff0000000000000n,
  0xfff0000000000000n,
  0x7ff8000000000000n,
  1n,
  0x000fffffffffffffn,
  0x7fefffffffffffffn,
  0x41e0000000000000n,
  0xc1e0000000000000n,
  0x41dfffffffe00000n,
  0x41dfffffffc00000n,
  0xc1e00000001fffffn,
  0xc1e0000000200000n,
  0x41f0000000000000n,
  0x41efffffffe00000n,
  0x43e0000000000000n,
  0xc3e0000000000000n,
  0x43dfffffffffffffn,
  0x43f0000000000000n,
  0x43efffffffffffffn,
  0xc3e0000000000001n,
  0x4060000000000000n,
  0xc060000000000000n,
  0xc060100000000000n,
  0xc060200000000000n,
  0x405fc00000000000n,
  0x405fe00000000000n,
  0xbfefffffffffffffn,
  0x3fe0000000000000n,
  0x3ff8000000000000n,
  0x4004000000000000n,
  0x40e0000000000000n,
  0x40efffe000000000n,
  0x433fffffffffffffn,
  0x4330000000000001n,
  0x36a0000000000000n,
  0x369fffffffffffffn,
  0x47efffffefffffffn,
  0x47effffff0000000n,
]

const masks: Readonly<Record<number, readonly bigint[]>> = {}

/** Values at which something happens: zeros, bounds of types and their neighbours, powers of two; for floats also NaN. */
export function specials(type: number): readonly bigint[] {
  if (type === Type.F32) return F32
  if (type === Type.F64) return F64
  return ((masks as Record<number, readonly bigint[]>)[type] ??= integers(typeBits(type)))
}

function integers(bits: number): bigint[] {
  const values = new Set<bigint>()
  const add = (value: bigint): void => void values.add(BigInt.asUintN(bits, value))
  for (const value of [0n, 1n, 2n, 3n, 7n, 10n, 100n]) [value, -value].forEach(add)
  for (const width of [8, 16, 32, 64]) {
    if (width > bits) break
    for (const power of [1n << BigInt(width - 1), 1n << BigInt(width)])
      [power - 1n, power, power + 1n, -power].forEach(add)
  }
  return [...values]
}

/** Half of the time a special value, else random bits, of integers also few of them; of floats no NaN but the quiet one. */
export function randomValue(random: Random, type: number): bigint {
  if (random.oneIn(2)) return random.pick(specials(type))
  const bits = typeBits(type)
  const wide = (BigInt(random.bits() >>> 0) << 32n) | BigInt(random.bits() >>> 0)
  if (isFloat(type)) {
    // Exponents near those of 1 to 2^40 more often than others: sums and conversions of those are not trivial.
    const value = random.oneIn(3) ? bitsOf(type, Number(BigInt.asIntN(64, wide)) / 2 ** random.between(0, 80)) : wide
    const plain = BigInt.asUintN(bits, value)
    return isNan(type, plain) ? 0x7fn : plain
  }
  const value = random.oneIn(2) ? wide : wide >> BigInt(random.between(1, 63))
  return BigInt.asUintN(bits, random.oneIn(3) ? -value : value)
}

function bitsOf(type: number, value: number): bigint {
  const view = new DataView(new ArrayBuffer(8))
  if (type === Type.F32) view.setFloat32(0, value, true)
  else view.setFloat64(0, value, true)
  return view.getBigUint64(0, true)
}

export function isNan(type: number, bits: bigint): boolean {
  if (type === Type.F32) return (bits & 0x7fffffffn) > 0x7f800000n
  return type === Type.F64 && (bits & 0x7fffffffffffffffn) > 0x7ff0000000000000n
}

/** Equal bits; any NaN equals any other, as their bits are nobody's promise. */
export function sameValue(type: number, a: bigint, b: bigint): boolean {
  return a === b || (isNan(type, a) && isNan(type, b))
}

export function show(type: number, bits: bigint): string {
  if (!isFloat(type)) return `${BigInt.asIntN(typeBits(type), bits)}`
  const view = new DataView(new ArrayBuffer(8))
  view.setBigUint64(0, bits, true)
  const value = type === Type.F32 ? view.getFloat32(0, true) : view.getFloat64(0, true)
  return `${typeName(type)} 0x${bits.toString(16)} (${value})`
}
