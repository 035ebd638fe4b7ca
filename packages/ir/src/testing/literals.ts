// Random literals of every type, as text.

import { bytesOfBits, printFloatBits } from '../text/floats.ts'
import { TrapCode, trapCodeName } from '../trap-codes.ts'
import { hasFloatLanes, isVector, laneBits, laneCount, type Type, typeBits } from '../types.ts'
import type { Random } from './random.ts'

/** A literal for the constant of the type: a number of every magnitude, a special float, lanes, bytes. */
export function literalOf(type: Type, random: Random): string {
  if (isVector(type)) return vectorLiteral(type, random)
  return hasFloatLanes(type) ? floatLiteral(typeBits(type), random) : integerLiteral(typeBits(type), random)
}

/** Any trap code. */
export function trapCode(random: Random): string {
  return trapCodeName(random.oneIn(2) ? random.between(1, 250) : random.pick(Object.values(TrapCode)))
}

function randomBits(bits: number, random: Random): bigint {
  let value = 0n
  for (let at = 0; at < bits; at += 32) value = (value << 32n) | BigInt(random.bits() >>> 0)
  return BigInt.asUintN(bits, value)
}

function integerLiteral(bits: number, random: Random): string {
  const value = randomBits(bits, random) >> BigInt(random.below(bits))
  switch (random.below(4)) {
    case 0:
      return String(random.between(-2, 2))
    case 1:
      return String(BigInt.asIntN(bits, value))
    case 2:
      return `0x${value.toString(16)}`
    default:
      return String(value)
  }
}

function floatLiteral(bits: number, random: Random): string {
  if (random.oneIn(3)) return random.pick(['0.0', '-0.0', '+Inf', '-Inf', '+NaN', '-NaN:0x1', '+sNaN:0x1', '0x1.8p1'])
  return printFloatBits(randomBits(bits, random), bits as 16 | 32 | 64 | 128)
}

function vectorLiteral(type: Type, random: Random): string {
  const bits = laneBits(type)
  if (bits === 128 || random.oneIn(3)) {
    const bytes = bytesOfBits(randomBits(typeBits(type), random), typeBits(type) / 8)
    return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
  }
  const one = (): string => (hasFloatLanes(type) ? floatLiteral(bits, random) : integerLiteral(bits, random))
  return `[${Array.from({ length: laneCount(type) }, one).join(' ')}]`
}
