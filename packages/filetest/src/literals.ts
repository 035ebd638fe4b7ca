// Values as the directives of file tests write them (CLIF reference, 2.3 and 5.2), and as bit patterns: unsigned numbers of as
// many bits as the type, lane 0 of a vector lowest.

import { isScalarFloat, isVector, laneBits, laneCount, laneType, type Type, typeBits, typeName } from '@framewright/ir'
import { type FloatWidth, parseFloatBits, printFloatBits } from '@framewright/ir/text'
import { FileTestError } from './errors.ts'

/**
 * The bits of a literal. Integers may be in the signed or the unsigned range of their type; a vector is a list of its lanes in
 * brackets, or hexadecimal bytes with the most significant first.
 *
 * @throws FileTestError
 */
export function parseLiteral(text: string, type: Type): bigint {
  const fail = (why: string): never => {
    throw new FileTestError({ code: 'literal', text, type: typeName(type), why })
  }
  if (isVector(type)) {
    const list = /^\[(.*)\]$/.exec(text)?.[1]
    if (list !== undefined) {
      const lanes = list.trim().split(/\s+/)
      if (lanes.length !== laneCount(type)) return fail(`${lanes.length} lanes`)
      const lane = laneType(type)
      return lanes.reduce((bits, each, i) => bits | (parseLiteral(each, lane) << BigInt(i * laneBits(type))), 0n)
    }
    const digits = /^0x((?:_*[\da-fA-F]_*[\da-fA-F])+)$/.exec(text)?.[1]?.replaceAll('_', '')
    if (digits === undefined) return fail('a list in brackets or an even number of hexadecimal digits is wanted')
    if (digits.length > 32) return fail('more than 16 bytes')
    const bits = BigInt(`0x${digits}`)
    return bits >> BigInt(typeBits(type)) === 0n ? bits : fail('more bytes than it has')
  }
  if (isScalarFloat(type)) {
    const bits = parseFloatBits(text, typeBits(type) as FloatWidth)
    return typeof bits === 'bigint' ? bits : fail(String(bits))
  }
  if (!/^[+-]?(?:0x[\da-fA-F_]*[\da-fA-F]|\d[\d_]*)$/.test(text)) return fail('it is no whole number')
  const magnitude = BigInt(text.replace(/^[+-]/, '').replaceAll('_', ''))
  const value = text.startsWith('-') ? -magnitude : magnitude
  const bits = typeBits(type)
  if (value < -(1n << BigInt(bits - 1)) || value >= 1n << BigInt(bits)) return fail('out of range')
  return BigInt.asUintN(bits, value)
}

/** A bit pattern as a literal that reads back: integers signed. */
export function printLiteral(bits: bigint, type: Type): string {
  if (isVector(type)) {
    const lane = laneType(type)
    const width = laneBits(type)
    const lanes = Array.from({ length: laneCount(type) }, (_, i) =>
      printLiteral(BigInt.asUintN(width, bits >> BigInt(i * width)), lane),
    )
    return `[${lanes.join(' ')}]`
  }
  if (isScalarFloat(type)) return printFloatBits(bits, typeBits(type) as FloatWidth)
  return String(BigInt.asIntN(typeBits(type), bits))
}
