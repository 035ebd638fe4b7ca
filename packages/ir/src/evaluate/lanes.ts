// Operations that move lanes about or change their width: bytes in, bytes out. Widths here are at most 64 bits a lane.

import { Opcode } from '../opcode.ts'
import { laneBits, laneCount, type Type } from '../types.ts'
import { narrowLane, setNarrowLane, wordCount } from './words.ts'

const Op = Opcode

/** `swizzle`: an index over 15 gives 0; `x86_pshufb`: a top bit gives 0, else the low four bits count. */
export function swizzle(opcode: number, words: Int32Array, a: number, b: number, out: number): void {
  const result = new Uint8Array(16)
  for (let lane = 0; lane < 16; lane++) {
    const index = narrowLane(words, b, 8, lane)
    if (opcode === Op.Swizzle ? index > 15 : index > 127) continue
    result[lane] = narrowLane(words, a, 8, index & 15)
  }
  for (let lane = 0; lane < 16; lane++) setNarrowLane(words, out, 8, lane, result[lane])
}

/** `shuffle`: mask bytes from 0 to 31 index the bytes of a and b, one behind the other. */
export function shuffle(mask: Uint8Array, words: Int32Array, a: number, b: number, out: number): void {
  const result = new Uint8Array(16)
  for (let lane = 0; lane < 16; lane++) {
    const index = mask[lane]
    result[lane] = index < 16 ? narrowLane(words, a, 8, index) : narrowLane(words, b, 8, index & 15)
  }
  for (let lane = 0; lane < 16; lane++) setNarrowLane(words, out, 8, lane, result[lane])
}

/** `snarrow`, `unarrow`, `uunarrow`: lanes of half the width, saturated; those of a below those of b. */
export function narrow(opcode: number, type: Type, words: Int32Array, a: number, b: number, out: number): void {
  const bits = laneBits(type)
  const half = bits >> 1
  const count = laneCount(type)
  const result = new Int32Array(2 * count)
  const signedIn = opcode !== Op.Uunarrow
  const least = opcode === Op.Snarrow ? -(2 ** (half - 1)) : 0
  const most = opcode === Op.Snarrow ? 2 ** (half - 1) - 1 : 2 ** half - 1
  for (let lane = 0; lane < 2 * count; lane++) {
    const from = lane < count ? a : b
    const value = laneAsNumber(words, from, bits, lane % count, signedIn)
    result[lane] = Math.max(least, Math.min(most, value))
  }
  for (let lane = 0; lane < 2 * count; lane++) setNarrowLane(words, out, half, lane, result[lane])
}

/** A lane of up to 64 bits; of 64 bits what does not fit 53 is rounded, which no saturation to 32 bits notices. */
function laneAsNumber(words: Int32Array, at: number, bits: number, lane: number, signed: boolean): number {
  if (bits === 64) {
    const high = words[at + 2 * lane + 1]
    return (signed ? high : high >>> 0) * 0x1_0000_0000 + (words[at + 2 * lane] >>> 0)
  }
  const value = narrowLane(words, at, bits, lane)
  return signed ? (value << (32 - bits)) >> (32 - bits) : value >>> 0
}

/** `swiden_low` and its kin: half of the lanes, twice as wide. */
export function widen(opcode: number, type: Type, words: Int32Array, a: number, out: number): void {
  const bits = laneBits(type)
  const half = laneCount(type) >> 1
  const signed = opcode === Op.SwidenLow || opcode === Op.SwidenHigh
  const first = opcode === Op.SwidenHigh || opcode === Op.UwidenHigh ? half : 0
  const source = words.slice(a, a + wordCount(type))
  for (let lane = 0; lane < half; lane++) {
    const value = narrowLane(source, 0, bits, first + lane)
    const extended = signed ? (value << (32 - bits)) >> (32 - bits) : value
    setWidened(words, out, bits, lane, extended, signed)
  }
}

/** Writes a lane of twice `bits`, given its low word. */
function setWidened(words: Int32Array, out: number, bits: number, lane: number, value: number, signed: boolean): void {
  if (bits < 32) setNarrowLane(words, out, 2 * bits, lane, value)
  else {
    words[out + 2 * lane] = value
    words[out + 2 * lane + 1] = signed ? value >> 31 : 0
  }
}

/** `iadd_pairwise`: sums of neighbours, those of a below those of b. */
export function addPairwise(type: Type, words: Int32Array, a: number, b: number, out: number): void {
  const bits = laneBits(type)
  const count = laneCount(type)
  const half = count >> 1
  const result = new Int32Array(count)
  for (let lane = 0; lane < count; lane++) {
    const from = lane < half ? a : b
    const pair = 2 * (lane % half)
    result[lane] = narrowLane(words, from, bits, pair) + narrowLane(words, from, bits, pair + 1)
  }
  for (let lane = 0; lane < count; lane++) setNarrowLane(words, out, bits, lane, result[lane])
}

/** `x86_pmaddubsw`: signed bytes of a times unsigned ones of b, neighbouring products added with signed saturation. */
export function multiplyAddBytes(words: Int32Array, a: number, b: number, out: number): void {
  const result = new Int32Array(8)
  for (let lane = 0; lane < 8; lane++) {
    let sum = 0
    for (let i = 2 * lane; i < 2 * lane + 2; i++) {
      sum += ((narrowLane(words, a, 8, i) << 24) >> 24) * narrowLane(words, b, 8, i)
    }
    result[lane] = Math.max(-0x8000, Math.min(0x7fff, sum))
  }
  for (let lane = 0; lane < 8; lane++) setNarrowLane(words, out, 16, lane, result[lane])
}

/** `bitcast`: the same bits; where the number of lanes changes in big-endian order, as if stored and loaded in it. */
export function bitcast(from: Type, to: Type, big: boolean, words: Int32Array, a: number, out: number): void {
  const count = wordCount(to)
  if (!big || laneCount(from) === laneCount(to)) {
    words.copyWithin(out, a, a + count)
    return
  }
  // In big-endian memory lane 0 still comes first; the bytes of each lane are reversed.
  const bytes = new Uint8Array(count * 4)
  const fromBytes = laneBits(from) >> 3
  const toBytes = laneBits(to) >> 3
  const total = fromBytes * laneCount(from)
  for (let i = 0; i < total; i++) {
    const lane = Math.floor(i / fromBytes)
    const inMemory = lane * fromBytes + (fromBytes - 1 - (i % fromBytes))
    const toLane = Math.floor(inMemory / toBytes)
    const at = toLane * toBytes + (toBytes - 1 - (inMemory % toBytes))
    bytes[at] = narrowLane(words, a, 8, i)
  }
  for (let i = 0; i < count * 4; i++) setNarrowLane(words, out, 8, i, bytes[i])
}

/** Whether a lane is not 0. */
export function laneIsTrue(type: Type, words: Int32Array, at: number, lane: number): boolean {
  const bits = laneBits(type)
  if (bits <= 32) return narrowLane(words, at, bits, lane) !== 0
  const count = bits >>> 5
  for (let i = 0; i < count; i++) if (words[at + lane * count + i] !== 0) return true
  return false
}

/** The top bit of a lane. */
export function laneSign(type: Type, words: Int32Array, at: number, lane: number): number {
  const bits = laneBits(type)
  const bit = (lane + 1) * bits - 1
  return (words[at + (bit >> 5)] >>> (bit & 31)) & 1
}
