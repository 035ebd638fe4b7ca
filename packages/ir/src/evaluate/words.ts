// How a value lies in words: little-endian 32-bit words, the lowest first, as many as its type has bits, at least one.
//
// A scalar narrower than a word is zero-extended. Lanes of a vector are packed, lane 0 lowest, so that the words of a vector
// are its bytes in memory on a little-endian machine. Whoever evaluates keeps values like that in one Int32Array and hands
// places in it around, so nothing is allocated for an operation.

import { type Type, typeBits } from '../types.ts'

/** Words that a value of the type takes. */
export function wordCount(type: Type): number {
  const bits = typeBits(type)
  return bits <= 32 ? 1 : bits >>> 5
}

/** The lane's bits, zero-extended, for lanes of at most 32 bits. */
export function narrowLane(words: Int32Array, at: number, bits: number, lane: number): number {
  if (bits === 32) return words[at + lane]
  const bit = lane * bits
  return (words[at + (bit >> 5)] >>> (bit & 31)) & ((1 << bits) - 1)
}

/** Writes a lane of at most 32 bits and leaves its neighbours alone. */
export function setNarrowLane(words: Int32Array, at: number, bits: number, lane: number, value: number): void {
  if (bits === 32) {
    words[at + lane] = value
    return
  }
  const bit = lane * bits
  const shift = bit & 31
  const mask = ((1 << bits) - 1) << shift
  const word = at + (bit >> 5)
  words[word] = (words[word] & ~mask) | ((value << shift) & mask)
}

/** An unsigned number of `count` words. */
export function wordsToBigInt(words: Int32Array, at: number, count: number): bigint {
  let value = 0n
  for (let i = count - 1; i >= 0; i--) value = (value << 32n) | BigInt(words[at + i] >>> 0)
  return value
}

/** The low `count` words of a number. */
export function bigIntToWords(value: bigint, words: Int32Array, at: number, count: number): void {
  for (let i = 0; i < count; i++) {
    words[at + i] = Number(BigInt.asIntN(32, value))
    value >>= 32n
  }
}

/** Writes a lane of a vector, or a scalar, which is zero-extended to its word. */
export function setNarrowValue(
  words: Int32Array,
  out: number,
  bits: number,
  lanes: number,
  lane: number,
  value: number,
): void {
  if (lanes === 1) words[out] = bits === 32 ? value : value & ((1 << bits) - 1)
  else setNarrowLane(words, out, bits, lane, value)
}

/** Clears what lies above a scalar narrower than its word, or above a vector narrower than one. */
export function trim(type: Type, words: Int32Array, at: number): void {
  const bits = typeBits(type)
  if (bits < 32) words[at] &= (1 << bits) - 1
}

/** A scalar integer that is not 0. */
export function isTrue(type: Type, words: Int32Array, at: number): boolean {
  for (let i = 0; i < wordCount(type); i++) if (words[at + i] !== 0) return true
  return false
}

/** The outcome of a comparison: 0 or 1 of a scalar, no bits or all of a lane. */
export function setTruth(
  words: Int32Array,
  out: number,
  bits: number,
  lanes: number,
  lane: number,
  holds: boolean,
): void {
  if (lanes === 1) words[out] = holds ? 1 : 0
  else if (bits <= 32) setNarrowLane(words, out, bits, lane, holds ? -1 : 0)
  else words.fill(holds ? -1 : 0, out + lane * (bits >> 5), out + (lane + 1) * (bits >> 5))
}
