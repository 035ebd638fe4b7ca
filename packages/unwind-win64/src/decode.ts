/**
 * Bytes to UNWIND_INFO and RUNTIME_FUNCTIONs. Every length is checked before it is used, and each error says where.
 */

import {
  slotsOf,
  UNW_FLAG_CHAININFO,
  UNW_FLAG_EHANDLER,
  UNW_FLAG_UHANDLER,
  UWOP_EPILOG,
  UWOP_PUSH_MACHFRAME,
} from './constants.ts'
import { Win64UnwindError } from './errors.ts'
import { type EpilogueCodes, type RuntimeFunction, readU32, type UnwindCode, type UnwindInfo } from './unwind-info.ts'

/**
 * Reads one record of version 1 or 2.
 *
 * @param at - where it starts in `bytes`.
 * @throws Win64UnwindError for a record that is cut off, that the system refuses, or whose codes are out of order.
 */
export function decodeUnwindInfo(bytes: Uint8Array, at: number = 0): UnwindInfo {
  need(bytes, at, 4, 'UNWIND_INFO')
  const version = bytes[at]! & 7
  const flags = bytes[at]! >> 3
  if (version !== 1 && version !== 2) throw new Win64UnwindError({ code: 'bad-version', at, version })
  const hasHandler = (flags & (UNW_FLAG_EHANDLER | UNW_FLAG_UHANDLER)) !== 0
  const chained = (flags & UNW_FLAG_CHAININFO) !== 0
  if ((hasHandler && chained) || flags > 7) throw new Win64UnwindError({ code: 'bad-flags', at, flags })
  const slots = bytes[at + 2]!
  const end = at + 4 + 2 * slots
  need(bytes, at + 4, 2 * slots, 'the code array')
  const { epilogues, next } = version === 2 ? decodeEpilogues(bytes, at + 4, end) : { epilogues: null, next: at + 4 }
  const codes = decodeCodes(bytes, next, end)
  const trailer = at + 4 + 2 * ((slots + 1) & ~1)
  let handler = 0
  let parent: RuntimeFunction | null = null
  if (hasHandler) {
    need(bytes, trailer, 4, 'the address of the handler')
    handler = readU32(bytes, trailer)
  } else if (chained) {
    need(bytes, trailer, 12, 'the parent entry')
    parent = readEntry(bytes, trailer)
  }
  return {
    version,
    flags,
    prologueSize: bytes[at + 1]!,
    frameRegister: bytes[at + 3]! & 15,
    frameOffset: bytes[at + 3]! & 0xf0,
    codes,
    epilogues,
    handler,
    parent,
  }
}

function decodeCodes(bytes: Uint8Array, from: number, end: number): UnwindCode[] {
  const codes: UnwindCode[] = []
  let previous = 255
  for (let at = from; at < end; ) {
    const codeOffset = bytes[at]!
    const operation = bytes[at + 1]! & 15
    const info = bytes[at + 1]! >> 4
    const count = slotsOf(operation, info)
    const refused = count === 0 || operation === UWOP_EPILOG || (operation === UWOP_PUSH_MACHFRAME && info > 1)
    if (refused) throw new Win64UnwindError({ code: 'bad-operation', at, operation, info })
    if (codeOffset > previous) throw new Win64UnwindError({ code: 'bad-code-order', at, offset: codeOffset, previous })
    previous = codeOffset
    if (at + 2 * count > end) {
      throw new Win64UnwindError({ code: 'truncated', at, needed: 2 * count, what: 'an operation' })
    }
    let operand = 0
    if (count >= 2) operand = bytes[at + 2]! | (bytes[at + 3]! << 8)
    if (count === 3) operand = readU32(bytes, at + 2)
    codes.push({ codeOffset, operation, info, operand })
    at += 2 * count
  }
  return codes
}

function decodeEpilogues(
  bytes: Uint8Array,
  from: number,
  end: number,
): { epilogues: EpilogueCodes | null; next: number } {
  if (from >= end || (bytes[from + 1]! & 15) !== UWOP_EPILOG) return { epilogues: null, next: from }
  const size = bytes[from]!
  const atEnd = (bytes[from + 1]! & 0x10) !== 0
  const distances: number[] = []
  let at = from + 2
  for (; at < end && (bytes[at + 1]! & 15) === UWOP_EPILOG; at += 2) {
    const distance = bytes[at]! | ((bytes[at + 1]! >> 4) << 8)
    if (distance !== 0) distances.push(distance) // 0 is padding
  }
  return { epilogues: { size, atEnd, distances }, next: at }
}

/**
 * Reads a function table (`.pdata`).
 *
 * @throws Win64UnwindError 'bad-table' if its size is no multiple of 12, or entries are unsorted or overlapping: the system
 *   finds functions by bisection. An empty range, as GCC makes it of a function that cannot return, is never found.
 */
export function decodeFunctionTable(bytes: Uint8Array): RuntimeFunction[] {
  if (bytes.length % 12 !== 0) {
    throw new Win64UnwindError({ code: 'bad-table', at: 0, why: `${bytes.length} bytes are no multiple of 12` })
  }
  const entries: RuntimeFunction[] = []
  let previousEnd = 0
  for (let at = 0; at < bytes.length; at += 12) {
    const entry = readEntry(bytes, at)
    if (entry.end < entry.begin) {
      throw new Win64UnwindError({ code: 'bad-table', at, why: 'the range ends before it begins' })
    }
    if (entry.begin < previousEnd) {
      throw new Win64UnwindError({ code: 'bad-table', at, why: 'the range begins before the one in front of it ends' })
    }
    previousEnd = entry.end
    entries.push(entry)
  }
  return entries
}

function readEntry(bytes: Uint8Array, at: number): RuntimeFunction {
  return { begin: readU32(bytes, at), end: readU32(bytes, at + 4), unwindInfo: readU32(bytes, at + 8) }
}

function need(bytes: Uint8Array, at: number, needed: number, what: string): void {
  if (!(at >= 0) || at + needed > bytes.length) throw new Win64UnwindError({ code: 'truncated', at, needed, what })
}
