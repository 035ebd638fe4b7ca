/**
 * Prologues that do not fit into one record. The range of the function is cut: the first record holds what fits, and each
 * further one holds saves that come later, chained to the one before it. Only saves can be chained: pushes and allocations
 * behind the limits cannot be described at all. Every record repeats frame register and offset, for the system reads them
 * from the record it starts at.
 */

import type { FrameRecord, UnwindRelocation } from '@framewright/frame-layout'
import { UNW_FLAG_CHAININFO } from './constants.ts'
import type { Handled, Win64Fragment, Win64FunctionUnwind } from './encode.ts'
import { Win64UnwindError } from './errors.ts'
import { type PrologueOperation, prologueCodes } from './prologue.ts'
import type { FrameShape } from './shape.ts'
import { encodeUnwindInfo, trailerOffset } from './unwind-info.ts'

const LIMIT = 255

/** One record to be: its range starts at `begin`, its operations are those from `first` to before `last`. */
interface Part {
  readonly begin: number
  readonly first: number
  last: number
}

/**
 * @returns null when one record is enough after all.
 * @throws Win64UnwindError at the operation that fits nowhere.
 */
export function encodeChain(
  record: FrameRecord,
  shape: FrameShape,
  prologueSize: number,
  version: 1 | 2,
  handled: Handled,
): Win64FunctionUnwind | null {
  const parts = cut(record, shape)
  if (parts.length === 1) return null
  if (version !== 1) {
    // The epilogue walk wants all pushes in one record and distances from each range's end; nobody writes such chains.
    throw new Win64UnwindError({ code: 'inexpressible', what: 'version 2', why: 'the prologue needs chained records' })
  }
  const { operations, events } = shape
  const fragments: Win64Fragment[] = []
  const relocations: UnwindRelocation[] = []
  const blobs: Uint8Array[] = []
  let size = 0
  let frameRegister = 0
  let frameOffset = 0
  for (let i = 0; i < parts.length; i++) {
    const { begin, first, last } = parts[i]!
    const own = operations.slice(first, last).map((operation) => ({ ...operation, at: operation.at - begin }))
    const ownSize = i === parts.length - 1 ? prologueSize - begin : (own.at(-1)?.at ?? 0)
    const prologue = prologueCodes(own, Math.min(ownSize, LIMIT), {
      pushesAfterFrame: shape.pushesAfterFrame,
      events: events.slice(first, last),
    })
    if (i === 0) {
      frameRegister = prologue.frameRegister
      frameOffset = prologue.frameOffset
    }
    const bytes = encodeUnwindInfo(
      {
        version,
        flags: i === 0 ? handled.flags : UNW_FLAG_CHAININFO,
        prologueSize: Math.min(ownSize, LIMIT),
        frameRegister,
        frameOffset,
        codes: prologue.codes,
        epilogues: null,
        handler: 0,
        parent: i === 0 ? null : { begin: 0, end: 0, unwindInfo: 0 },
      },
      i === 0 ? handled.data : undefined,
    )
    if (i === 0 && handled.flags !== 0) relocations.push(...handled.relocations(trailerOffset(bytes)))
    const end = i === parts.length - 1 ? record.codeSize : parts[i + 1]!.begin
    fragments.push({ begin, end, info: size, parent: i - 1 })
    blobs.push(bytes)
    size += (bytes.length + 3) & ~3
  }
  const bytes = new Uint8Array(size)
  for (let i = 0; i < blobs.length; i++) bytes.set(blobs[i]!, fragments[i]!.info)
  return { format: 'win64', bytes, relocations, fragments }
}

function cut(record: FrameRecord, shape: FrameShape): Part[] {
  const { operations, events } = shape
  const parts: Part[] = [{ begin: 0, first: 0, last: 0 }]
  let part = parts[0]!
  let slots = 0
  for (let i = 0; i < operations.length; i++) {
    const operation = operations[i]!
    const own = slotsOfOperation(operation)
    if (operation.at - part.begin > LIMIT || slots + own > LIMIT) {
      const index = events[i]!
      if (operation.kind !== 'save') {
        throw new Win64UnwindError({ code: 'code-offset', offset: operation.at, limit: LIMIT }, index)
      }
      const event = record.events[index]!
      const begin = event.at - event.length
      // An instruction longer than a range can be does not exist, but a record may claim one.
      if (operation.at - begin > LIMIT || begin <= part.begin) {
        throw new Win64UnwindError({ code: 'code-offset', offset: operation.at, limit: LIMIT }, index)
      }
      part = { begin, first: i, last: i }
      parts.push(part)
      slots = 0
    }
    slots += own
    part.last = i + 1
  }
  return parts
}

function slotsOfOperation(operation: PrologueOperation): number {
  switch (operation.kind) {
    case 'push':
    case 'set-frame':
    case 'machine-frame':
      return 1
    case 'allocate':
      return operation.bytes <= 128 ? 1 : operation.bytes <= 0xffff * 8 ? 2 : 3
    case 'save':
      return operation.offset <= 0xffff * (operation.register < 16 ? 8 : 16) ? 2 : 3
  }
}
