// The bits of constants, from what a front end has: numbers, big integers, and lists of these for the lanes of vectors.

import { convertFloat } from '../evaluate/big-float.ts'
import { FLOAT_FORMATS } from '../evaluate/float-formats.ts'
import { bytesOfBits, FloatReader } from '../text/floats.ts'
import { hasFloatLanes, isVector, laneCount, laneType, Type, typeBits, typeName } from '../types.ts'

/**
 * The value of a constant. An integer is a number or a bigint, signed or unsigned. A float is a number, rounded to
 * nearest where the type is narrower than f64, or a bigint that holds its bits. A vector is a list of its lanes, lane 0
 * first, or one value for all.
 */
export type ConstantValue = number | bigint | readonly (number | bigint)[]

const floats = new FloatReader()

/** The bits of a scalar; null when the value is none of the type. */
export function scalarBits(type: Type, value: number | bigint): bigint | null {
  const bits = typeBits(type)
  if (hasFloatLanes(type) && typeof value === 'number') {
    floats.set(value, 64)
    const double = (BigInt(floats.high >>> 0) << 32n) | BigInt(floats.low >>> 0)
    return type === Type.F64 ? double : convertFloat(FLOAT_FORMATS[Type.F64], FLOAT_FORMATS[type], double)
  }
  if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) return null
  const big = BigInt(value)
  const lowest = hasFloatLanes(type) ? 0n : -(1n << BigInt(bits - 1))
  return big < lowest || big >= 1n << BigInt(bits) ? null : BigInt.asUintN(bits, big)
}

/** The little-endian bytes of a vector, or what is wrong with its lanes. */
export function vectorBytes(type: Type, value: ConstantValue): Uint8Array | string {
  if (!isVector(type)) return `there is no constant of ${typeName(type)}`
  const lanes = laneCount(type)
  const lane = laneType(type)
  const values: readonly (number | bigint)[] = Array.isArray(value) ? value : new Array(lanes).fill(value)
  if (values.length !== lanes) return `${typeName(type)} has ${lanes} lanes, ${values.length} are given`
  const size = typeBits(lane) / 8
  const bytes = new Uint8Array(lanes * size)
  for (const [i, each] of values.entries()) {
    const bits = scalarBits(lane, each)
    if (bits === null) return `lane ${i}: ${String(each)} is no ${typeName(lane)}`
    bytes.set(bytesOfBits(bits, size), i * size)
  }
  return bytes
}
