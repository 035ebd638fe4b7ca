// The end of assembly: after `Fixups.decide` has chosen the form of every branch, the bytes are moved together, references are
// resolved and the pool is written.

import { AsmError } from './errors.ts'
import type { Fixups } from './labels.ts'
import type { Pool } from './pool.ts'

/** Recommended multi-byte nops by length. Intel SDM vol. 2, "NOP", table 4-12. */
const NOPS: readonly (readonly number[])[] = [
  [],
  [0x90],
  [0x66, 0x90],
  [0x0f, 0x1f, 0x00],
  [0x0f, 0x1f, 0x40, 0x00],
  [0x0f, 0x1f, 0x44, 0x00, 0x00],
  [0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
  [0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00],
  [0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
  [0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
]

/** Writes `count` bytes of nops. */
export function padding(bytes: Uint8Array, at: number, count: number): void {
  while (count > 0) {
    const length = Math.min(count, 9)
    bytes.set(NOPS[length]!, at)
    at += length
    count -= length
  }
}

/** Moves the code together and writes every branch and padding in its final form. Returns the new length. */
export function settle(bytes: Uint8Array, length: number, fixups: Fixups): number {
  const { itemCount, itemAt, itemTarget, removed } = fixups
  let from = 0
  let to = 0
  for (let item = 0; item < itemCount; item++) {
    const at = itemAt[item]!
    const written = fixups.writtenLength(item)
    move(bytes, to, from, at - from)
    to += at - from
    from = at + written
    const size = written - (removed[item + 1]! - removed[item]!)
    const target = itemTarget[item]!
    if (fixups.isPadding(item)) padding(bytes, to, size)
    else branch(bytes, to, at, written, size, fixups.finalOffset(target) - (to + size))
    to += size
  }
  move(bytes, to, from, length - from)
  return to + length - from
}

function branch(bytes: Uint8Array, to: number, at: number, written: number, size: number, displacement: number): void {
  if (size === 2) {
    if (displacement < -128 || displacement > 127) throw new AsmError({ code: 'short-branch-range', displacement }, to)
    // 0F 80+cc becomes 70+cc, E9 becomes EB.
    bytes[to] = written === 6 ? bytes[at + 1]! - 0x10 : written === 5 ? 0xeb : bytes[at]!
    bytes[to + 1] = displacement
    return
  }
  bytes[to] = bytes[at]!
  if (size === 6) bytes[to + 1] = bytes[at + 1]!
  displacement32(bytes, to + size - 4, displacement)
}

/** Like copyWithin, towards lower addresses. The gaps between branches are short: a loop is faster up to some 50 bytes. */
function move(bytes: Uint8Array, to: number, from: number, count: number): void {
  if (to === from) return
  if (count > 48) bytes.copyWithin(to, from, from + count)
  else for (let i = 0; i < count; i++) bytes[to + i] = bytes[from + i]!
}

/** Fills in the rip-relative displacements. The code has been moved and the pool placed. */
export function resolve(bytes: Uint8Array, fixups: Fixups, pool: Pool): void {
  const { referenceCount, referenceAt, referenceTarget, referenceAddend } = fixups
  fixups.remap(referenceAt, referenceCount)
  for (let row = 0; row < referenceCount; row++) {
    const at = referenceAt[row]!
    const target = referenceTarget[row]!
    const inPool = (target & 1) !== 0
    if (inPool && !pool.has(target >> 1)) throw new AsmError({ code: 'constant-unknown', entry: target >> 1 }, at)
    const place = inPool ? pool.offset(target >> 1) : fixups.finalOffset(target >> 1)
    displacement32(bytes, at, place + referenceAddend[row]! - at)
  }
}

/** Writes constants and tables where `Pool.place` put them, and int3 in the gap before them. */
export function writePool(bytes: Uint8Array, codeLength: number, fixups: Fixups, pool: Pool): void {
  let first = pool.end
  for (let entry = 0; entry < pool.length; entry++) {
    const start = pool.offset(entry)
    if (start < first) first = start
    const table = pool.isTable(entry)
    for (let i = 0; i < pool.wordCount(entry); i++) {
      const word = pool.word(entry, i)
      displacement32(bytes, start + 4 * i, table ? fixups.finalOffset(word) - start : word)
    }
  }
  bytes.fill(0xcc, codeLength, first)
}

function displacement32(bytes: Uint8Array, at: number, value: number): void {
  if ((value | 0) !== value) throw new AsmError({ code: 'displacement-range', displacement: value }, at)
  bytes[at] = value
  bytes[at + 1] = value >> 8
  bytes[at + 2] = value >> 16
  bytes[at + 3] = value >> 24
}
