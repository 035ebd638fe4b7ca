// Literals of vectors and constants: text to bytes, little-endian.

import { hasFloatLanes, laneBits, laneCount, laneType, type Type, typeBytes, typeName } from '../types.ts'
import type { ParserContext } from './context.ts'
import { bytesOfBits, type FloatWidth, parseFloatBits } from './floats.ts'
import { toBigInt } from './integers.ts'
import { Token } from './lexer.ts'

/** The most bytes that may be written as one hexadecimal number. */
export const MAX_HEX_BYTES: number = 16

/** A literal of a vector type: the lanes in brackets, or hexadecimal bytes, zero-extended to the type. */
export function vectorLiteral(context: ParserContext, type: Type): Uint8Array {
  const { lexer } = context
  if (lexer.is(91) /* [ */) return laneList(context, type)
  const at = lexer.start
  const bytes = hexBytes(context)
  const size = typeBytes(type)
  if (bytes.length > size) {
    throw lexer.error({ code: 'type', reason: `${bytes.length} bytes are too many for ${typeName(type)}` }, at)
  }
  const whole = new Uint8Array(size)
  whole.set(bytes)
  return whole
}

/** `0x` with an even number of digits, `_` allowed, most significant byte first. */
export function hexBytes(context: ParserContext): Uint8Array {
  const { lexer } = context
  const text = lexer.is(Token.Integer) ? lexer.spelling() : ''
  if (!text.startsWith('0x')) throw lexer.expected('hexadecimal bytes or a list of lanes')
  const digits = text.slice(2).replaceAll('_', '')
  const fault = !/^[0-9a-fA-F]*$/.test(digits)
    ? 'is not hexadecimal'
    : digits.length % 2 !== 0 || digits.length === 0
      ? 'must have an even number of digits'
      : digits.length > 2 * MAX_HEX_BYTES
        ? `has more than ${MAX_HEX_BYTES} bytes`
        : null
  if (fault !== null) throw lexer.error({ code: 'number', text, reason: fault }, lexer.start)
  const bytes = new Uint8Array(digits.length / 2)
  for (let i = 0; i < bytes.length; i++) {
    const at = digits.length - 2 * i
    bytes[i] = Number.parseInt(digits.slice(at - 2, at), 16)
  }
  lexer.next()
  return bytes
}

function laneList(context: ParserContext, type: Type): Uint8Array {
  const { lexer, integers } = context
  const at = lexer.start
  lexer.next()
  const bits = laneBits(type)
  const size = bits / 8
  const lanes = laneCount(type)
  const bytes = new Uint8Array(lanes * size)
  if (!hasFloatLanes(type) && bits > 64) {
    throw lexer.error({ code: 'type', reason: `lanes of ${typeName(laneType(type))} cannot be listed` }, at)
  }
  let count = 0
  while (!lexer.is(93) /* ] */) {
    if (!lexer.is(Token.Integer) && !lexer.is(Token.Float)) throw lexer.expected('a lane or `]`')
    const text = lexer.spelling()
    const start = lexer.start
    let lane = 0n
    if (hasFloatLanes(type)) {
      const parsed = parseFloatBits(text, bits as FloatWidth)
      if (typeof parsed === 'string') throw lexer.error({ code: 'number', text, reason: parsed }, start)
      lane = parsed
      lexer.next()
    } else {
      context.integer(bits, 'an integer')
      lane = toBigInt(integers.low, integers.high)
    }
    if (count < lanes) bytes.set(bytesOfBits(BigInt.asUintN(bits, lane), size), count * size)
    count++
  }
  if (count !== lanes) {
    throw lexer.error({ code: 'type', reason: `${typeName(type)} has ${lanes} lanes, ${count} are given` }, at)
  }
  lexer.next()
  return bytes
}
