/**
 * UNWIND_INFO, version 3, as publicly previewed (2026-05) for APX: bytes to numbers and back, exact in both directions.
 *
 *   byte 0   version (bits 2-0), flags (7-3)           byte 2   16-bit words of payload
 *   byte 1   size of the prologue, low byte            byte 3   prologue operations (4-0), epilogues (7-5)
 *   4...     payload: [high byte of the prologue's size, if LARGE]
 *                     [offset of each prologue operation, the last operation first: u8, u16 if LARGE]
 *                     [epilogue descriptors] [pool of operations] [a byte of padding where the size is odd]
 *   then, aligned to 4: rva of the handler and its data, or the parent's RUNTIME_FUNCTION, or nothing
 *
 * Offsets are those of the START of an instruction. Operations of the prologue stand at the head of the pool; descriptors
 * name their first operation by its byte index, so epilogues that mirror the prologue cost no operation of their own.
 */

import { UNW_FLAG_CHAININFO, UNW_FLAG_EHANDLER, UNW_FLAG_LARGE, UNW_FLAG_UHANDLER } from './constants.ts'
import { Win64UnwindError, type Win64UnwindProblem } from './errors.ts'
import { type RuntimeFunction, readU32, writeU32 } from './unwind-info.ts'
import {
  decodeOperation3,
  operation3Size,
  RSP_NONE,
  type UnwindOperation3,
  writeOperation3,
} from './version-3-operations.ts'

/** An epilogue's descriptor. */
export interface EpilogueDescriptor {
  /** Instead of leaving the function it goes on in the parent fragment. */
  readonly toParent: boolean
  /** Whether offsets take two bytes. */
  readonly large: boolean
  /**
   * Of the first descriptor: the epilogue's start from the start of the range, or, negative, from its end. Of the others:
   * the distance from the one before, with the sign of the first.
   */
  readonly offset: number
  /** Null: the same operations, at the same distances, as in the descriptor before. */
  readonly steps: EpilogueSteps | null
}

/** What an epilogue undoes, in the order of its instructions. */
export interface EpilogueSteps {
  /** Byte index of the first operation in the pool. */
  readonly first: number
  /** Offset of the last instruction (the return or jump) from the epilogue's start. */
  readonly terminator: number
  /** Offset of each operation's instruction from the epilogue's start. */
  readonly offsets: readonly number[]
}

/** One record of version 3. */
export interface UnwindInfo3 {
  readonly version: 3
  /** UNW_FLAG_ bits, LARGE among them. */
  readonly flags: number
  readonly prologueSize: number
  /** Of each prologue operation, the last one first: offset of the start of its instruction. */
  readonly offsets: readonly number[]
  readonly epilogues: readonly EpilogueDescriptor[]
  /** All operations; those of the prologue are the first `offsets.length`. */
  readonly pool: readonly UnwindOperation3[]
  /** What the prologue's SET_FPREG says; 0: none. */
  readonly frameRegister: number
  readonly frameOffset: number
  /** With a handler flag: its rva; 0 while a relocation stands for it. */
  readonly handler: number
  /** With the chain flag. */
  readonly parent: RuntimeFunction | null
}

const MAX_OPERATIONS = 31
const MAX_EPILOGUES = 7
const MAX_PAYLOAD = 510

/** Where the handler's rva, or the parent's entry, lies in an encoded record of version 3. */
export function trailerOffset3(bytes: Uint8Array, record: number = 0): number {
  return (4 + 2 * bytes[record + 2]! + 3) & ~3
}

/**
 * Writes one record.
 *
 * @param handlerData - bytes behind the handler's rva.
 * @throws Win64UnwindError if a field does not fit.
 */
export function encodeUnwindInfo3(info: UnwindInfo3, handlerData?: Uint8Array): Uint8Array {
  const { flags, offsets, epilogues, pool, prologueSize } = info
  const large = (flags & UNW_FLAG_LARGE) !== 0
  const most = large ? 0xffff : 0xff
  if (offsets.length > MAX_OPERATIONS) fail({ code: 'operations', count: offsets.length, limit: MAX_OPERATIONS })
  if (epilogues.length > MAX_EPILOGUES) fail({ code: 'epilogues', count: epilogues.length, limit: MAX_EPILOGUES })
  if (!(prologueSize >= 0 && prologueSize <= most)) fail({ code: 'prologue-size', bytes: prologueSize, limit: most })
  let payload = (large ? 1 : 0) + offsets.length * (large ? 2 : 1)
  for (const epilogue of epilogues) payload += descriptorSize(epilogue)
  for (const operation of pool) payload += operation3Size(operation)
  payload = (payload + 1) & ~1
  if (payload > MAX_PAYLOAD) fail({ code: 'payload', bytes: payload, limit: MAX_PAYLOAD })

  const hasHandler = (flags & (UNW_FLAG_EHANDLER | UNW_FLAG_UHANDLER)) !== 0
  const trailer = (4 + payload + 3) & ~3
  const data = hasHandler && handlerData !== undefined ? handlerData.length : 0
  const size = hasHandler ? trailer + 4 + data : (flags & UNW_FLAG_CHAININFO) !== 0 ? trailer + 12 : 4 + payload
  const bytes = new Uint8Array(size)
  bytes[0] = 3 | (flags << 3)
  bytes[1] = prologueSize
  bytes[2] = payload / 2
  bytes[3] = offsets.length | (epilogues.length << 5)
  const writer = new Writer(bytes)
  if (large) writer.u8(prologueSize >> 8)
  for (const offset of offsets) {
    if (!(offset >= 0 && offset <= most)) fail({ code: 'code-offset', offset, limit: most })
    writer.offset(offset, large)
  }
  for (const epilogue of epilogues) writeDescriptor(writer, epilogue)
  for (const operation of pool) writer.at = writeOperation3(bytes, writer.at, operation)
  if (hasHandler) {
    writeU32(bytes, trailer, info.handler)
    if (handlerData !== undefined) bytes.set(handlerData, trailer + 4)
  } else if (info.parent !== null) {
    writeU32(bytes, trailer, info.parent.begin)
    writeU32(bytes, trailer + 4, info.parent.end)
    writeU32(bytes, trailer + 8, info.parent.unwindInfo)
  }
  return bytes
}

function descriptorSize({ steps, large }: EpilogueDescriptor): number {
  return steps === null ? 3 : 3 + 2 + (1 + steps.offsets.length) * (large ? 2 : 1)
}

function writeDescriptor(writer: Writer, epilogue: EpilogueDescriptor): void {
  const { toParent, large, offset, steps } = epilogue
  const count = steps === null ? 0 : steps.offsets.length
  if (count > MAX_OPERATIONS) fail({ code: 'operations', count, limit: MAX_OPERATIONS })
  if (!(offset >= -0x8000 && offset <= 0x7fff)) {
    fail({ code: 'epilogue-form', why: `it lies ${Math.abs(offset)} bytes away, the limit is 32768` })
  }
  writer.u8((toParent ? 1 : 0) | (large ? 2 : 0) | (count << 3))
  writer.u16(offset)
  if (steps === null) return
  writer.u16(steps.first)
  const most = large ? 0xffff : 0xff
  for (const step of [steps.terminator, ...steps.offsets]) {
    if (!(step >= 0 && step <= most)) fail({ code: 'code-offset', offset: step, limit: most })
    writer.offset(step, large)
  }
}

class Writer {
  at = 4
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  u8(value: number): void {
    this.#bytes[this.at++] = value
  }

  u16(value: number): void {
    this.u8(value)
    this.u8(value >> 8)
  }

  offset(value: number, large: boolean): void {
    if (large) this.u16(value)
    else this.u8(value)
  }
}

/**
 * Reads one record of version 3.
 *
 * @param at - where it starts in `bytes`.
 * @throws Win64UnwindError for a record that is cut off or does not make sense.
 */
export function decodeUnwindInfo3(bytes: Uint8Array, at: number = 0): UnwindInfo3 {
  need(bytes, at, 4, 'UNWIND_INFO')
  const version = bytes[at]! & 7
  if (version !== 3) fail({ code: 'bad-version', at, version })
  const flags = bytes[at]! >> 3
  const hasHandler = (flags & (UNW_FLAG_EHANDLER | UNW_FLAG_UHANDLER)) !== 0
  const chained = (flags & UNW_FLAG_CHAININFO) !== 0
  if ((hasHandler && chained) || flags > 15) fail({ code: 'bad-flags', at, flags })
  const large = (flags & UNW_FLAG_LARGE) !== 0
  const end = at + 4 + 2 * bytes[at + 2]!
  need(bytes, at + 4, end - at - 4, 'the payload')
  const count = bytes[at + 3]! & 31
  const reader = new Reader(bytes, at + 4, end)
  const prologueSize = bytes[at + 1]! | (large ? reader.u8('the size of the prologue') << 8 : 0)
  const offsets: number[] = []
  for (let i = 0; i < count; i++) {
    const place = reader.at
    const offset = reader.offset('an offset', large)
    const previous = offsets.at(-1)
    if (previous !== undefined && offset > previous) fail({ code: 'bad-code-order', at: place, offset, previous })
    offsets.push(offset)
  }
  const epilogues: EpilogueDescriptor[] = []
  for (let left = bytes[at + 3]! >> 5; left > 0; left--) epilogues.push(readDescriptor(reader, epilogues.at(-1)))

  // The pool ends with its last byte, or with one of padding, which looks like the head of a SET_FPREG without its second byte.
  const poolStart = reader.at
  const pool: UnwindOperation3[] = []
  const starts = new Set<number>()
  while (reader.at < end) {
    if (reader.at === end - 1 && bytes[reader.at] === 0) break
    starts.add(reader.at - poolStart)
    const { operation, next } = decodeOperation3(bytes, reader.at, end)
    pool.push(operation)
    reader.at = next
  }
  if (pool.length < count) {
    fail({ code: 'truncated', at: end, needed: count - pool.length, what: 'the operations of the prologue' })
  }
  for (const { steps } of epilogues) {
    if (steps === null) continue
    const first = poolIndex(pool, steps.first)
    if (!starts.has(steps.first) || first + steps.offsets.length > pool.length) {
      fail({ code: 'bad-pool-index', at, index: steps.first })
    }
  }
  const frame = pool.slice(0, count).find((operation) => operation.kind === 'SET_FPREG')

  const trailer = at + trailerOffset3(bytes, at)
  let handler = 0
  let parent: RuntimeFunction | null = null
  if (hasHandler) {
    need(bytes, trailer, 4, 'the address of the handler')
    handler = readU32(bytes, trailer)
  } else if (chained) {
    need(bytes, trailer, 12, 'the parent entry')
    parent = {
      begin: readU32(bytes, trailer),
      end: readU32(bytes, trailer + 4),
      unwindInfo: readU32(bytes, trailer + 8),
    }
  }
  return {
    version: 3,
    flags,
    prologueSize,
    offsets,
    epilogues,
    pool,
    frameRegister: frame?.register ?? RSP_NONE,
    frameOffset: frame?.operand ?? 0,
    handler,
    parent,
  }
}

/** Number of the operation that starts at a byte of the pool; the pool's length where none does. */
export function poolIndex(pool: readonly UnwindOperation3[], byte: number): number {
  let at = 0
  for (let i = 0; i < pool.length; i++) {
    if (at >= byte) return at === byte ? i : pool.length
    at += operation3Size(pool[i]!)
  }
  return pool.length
}

/** Start of each epilogue from the start of its range, with its steps. */
export function epiloguesOf3(
  info: UnwindInfo3,
  rangeSize: number,
): { readonly start: number; readonly toParent: boolean; readonly steps: EpilogueSteps }[] {
  const found: { start: number; toParent: boolean; steps: EpilogueSteps }[] = []
  let start = 0
  let steps: EpilogueSteps | null = null
  let toParent = false
  for (let i = 0; i < info.epilogues.length; i++) {
    const epilogue = info.epilogues[i]!
    start = i === 0 ? (epilogue.offset < 0 ? rangeSize + epilogue.offset : epilogue.offset) : start + epilogue.offset
    // Without steps of its own a descriptor inherits the flags as well.
    if (epilogue.steps !== null) {
      steps = epilogue.steps
      toParent = epilogue.toParent
    }
    if (steps !== null) found.push({ start, toParent, steps })
  }
  return found
}

function readDescriptor(reader: Reader, before: EpilogueDescriptor | undefined): EpilogueDescriptor {
  const place = reader.at
  const head = reader.u8('a descriptor')
  const offset = (reader.u16('a descriptor') << 16) >> 16
  const count = head >> 3
  const large = (head & 2) !== 0
  if ((head & 4) !== 0) fail({ code: 'bad-descriptor', at: place, why: 'a reserved bit is set' })
  if (before === undefined && count === 0) {
    fail({ code: 'bad-descriptor', at: place, why: 'the first one repeats the one before it' })
  }
  let steps: EpilogueSteps | null = null
  if (count > 0) {
    const first = reader.u16('a descriptor')
    const terminator = reader.offset('a descriptor', large)
    const offsets: number[] = []
    for (let i = 0; i < count; i++) offsets.push(reader.offset('a descriptor', large))
    steps = { first, terminator, offsets }
  }
  return { toParent: (head & 1) !== 0, large, offset, steps }
}

class Reader {
  at: number
  readonly #bytes: Uint8Array
  readonly #end: number

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.#bytes = bytes
    this.at = at
    this.#end = end
  }

  u8(what: string): number {
    if (this.at >= this.#end) fail({ code: 'truncated', at: this.at, needed: 1, what })
    return this.#bytes[this.at++]!
  }

  u16(what: string): number {
    return this.u8(what) | (this.u8(what) << 8)
  }

  offset(what: string, large: boolean): number {
    return large ? this.u16(what) : this.u8(what)
  }
}

function need(bytes: Uint8Array, at: number, needed: number, what: string): void {
  if (!(at >= 0) || at + needed > bytes.length) fail({ code: 'truncated', at, needed, what })
}

function fail(problem: Win64UnwindProblem): never {
  throw new Win64UnwindError(problem)
}
