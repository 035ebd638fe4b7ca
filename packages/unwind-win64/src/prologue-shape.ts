/**
 * The operations that describe a prologue, or the first part of one.
 *
 * - Offsets of saves count upwards from one base, the bottom of the allocation, which is frame register - header offset.
 *   Where the register was set before the allocation, slots lie below it. Then the code pretends that the area down to
 *   the lowest slot had been allocated just before the register was set: SET_FPREG and an ALLOC of that size at the same
 *   code offset, so that no instruction boundary sees half of it, and header offset = the size. The real allocation
 *   needs no code then, for SP is recovered from the register. When the slots lie more than 240 bytes below it and SP
 *   stays put, the function is described as one without a frame register, which it also is.
 * - A save before the base is there (`mov [rsp + 8], rbx; push rdi; sub rsp, 32`) is described at the code offset at which
 *   it is, as MSVC does: until then the register still holds the value. That is certain where nothing but recorded events
 *   lies between; anything else there might have changed the register, and is refused.
 */

import type { FrameEvent, Register } from '@framewright/frame-layout'
import { Win64UnwindError, type Win64UnwindProblem } from './errors.ts'
import type { PrologueOperation } from './prologue.ts'

/** What the events of a prologue come to. */
export interface PrologueShape {
  readonly operations: readonly PrologueOperation[]
  /** Of each operation: the event it came from. */
  readonly events: readonly number[]
  /** Of each operation: the start of the instruction that it is described at. */
  readonly starts: readonly number[]
  /** Some pushes follow SET_FPREG, and SP does not move in the body. */
  readonly pushesAfterFrame: boolean
  /** CFA - bottom of the allocation: offsets of saves are this minus the slot's distance from the CFA. */
  readonly base: number
  /** The frame register as the header names it; 0: none. */
  readonly frameRegister: Register
  readonly frameOffset: number
}

/** CFA - SP when the register was set, CFA - register. */
export interface FrameSetting {
  readonly event: number
  readonly register: Register
  readonly cfaFromSp: number
  readonly cfaFromRegister: number
}

/** What has been found out about a prologue (or its first part) and the code behind it. */
export interface PrologueSurvey {
  /** Number of events that belong to it. */
  readonly events: number
  readonly frame: FrameSetting | null
  /** CFA - SP at its end, or -1. */
  readonly cfaFromSp: number
  /** The largest distance from the CFA down to a slot that a store filled, here or in the code behind it. */
  readonly deepestSlot: number
  /** The same for pushes after SET_FPREG; 0 without such. */
  readonly deepestPush: number
  /** CFA - the slot of some xmm register; NaN without one. */
  readonly vectorSlot: number
  /** SP moves in the code behind it. */
  readonly moves: boolean
}

/** CFA - address of the slot that an event saves to. @throws Win64UnwindError where SP is not known. */
export function slotOf(
  event: FrameEvent & { kind: 'save' },
  cfaFromSp: number,
  frame: FrameSetting | null,
  index: number,
): number {
  if (event.base === 'sp') {
    if (cfaFromSp < 0) fail({ code: 'inexpressible', what: event.kind, why: 'SP is not known here' }, index)
    return cfaFromSp - event.offset
  }
  if (frame === null) {
    fail({ code: 'order', why: 'a slot relative to the frame register before one is set' }, index)
  }
  return frame.cfaFromRegister - event.offset
}

/**
 * @param code - the function's, if known.
 * @throws Win64UnwindError at the event that cannot be expressed.
 */
export function shapePrologue(
  allEvents: readonly FrameEvent[],
  survey: PrologueSurvey,
  code: Uint8Array | undefined,
): PrologueShape {
  const { frame, moves, deepestSlot, deepestPush, vectorSlot } = survey
  const popsBelowFrame = deepestPush > 0 && !moves
  // Distance from the CFA to the bottom of what the header describes, and the header's offset.
  let base = survey.cfaFromSp
  let headerOffset = 0
  let pretended = 0
  let described: FrameSetting | null = null
  if (frame !== null) {
    const spOffset = frame.cfaFromSp - frame.cfaFromRegister
    const deepest = moves ? Math.max(deepestSlot, deepestPush) : deepestSlot
    headerOffset = Math.max(spOffset, (deepest - frame.cfaFromRegister + 15) & ~15)
    // From a base that is not a multiple of 16 away no xmm slot can be reached. NaN: no such slot.
    const crooked = (frame.cfaFromRegister - vectorSlot) % 16 !== 0 && !Number.isNaN(vectorSlot)
    if (headerOffset > 240 && moves) fail({ code: 'frame-register-offset', bytes: headerOffset }, frame.event)
    if (headerOffset <= 240 && (!crooked || moves)) {
      described = frame
      pretended = headerOffset - spOffset
      base = frame.cfaFromRegister + headerOffset
    }
  }
  // After SET_FPREG an allocation tells nothing: SP comes from the register. It is written where pushes below it are
  // popped, and in the classic frame (`push rbp; mov rbp, rsp; sub rsp, n`, no slots), where everybody writes it.
  const allocationsAfterFrame = popsBelowFrame || (!moves && pretended === 0)
  const operations: PrologueOperation[] = []
  const events: number[] = []
  const starts: number[] = []
  let afterFrame = false
  // The first save so far, and the last operation that moved the base.
  let firstSave = -1
  let ready = -1
  // CFA - SP; wrong once SP is unknown, but then the survey has refused what would need it.
  let depth = 8
  for (let i = 0; i < survey.events; i++) {
    const event = allEvents[i]!
    const { at } = event
    switch (event.kind) {
      case 'push':
        depth += 8
        if (afterFrame && !popsBelowFrame) {
          if (event.saves) {
            if (firstSave < 0) firstSave = operations.length
            operations.push({ at, kind: 'save', register: event.register, offset: base - depth })
          } else if (allocationsAfterFrame) operations.push({ at, kind: 'allocate', bytes: 8 })
          else continue
        } else {
          ready = operations.length
          if (event.saves) operations.push({ at, kind: 'push', register: event.register })
          else operations.push({ at, kind: 'allocate', bytes: 8 })
        }
        break
      case 'adjust-sp':
        depth -= event.delta
        if (afterFrame && !allocationsAfterFrame) continue
        if (!afterFrame) ready = operations.length
        operations.push({ at, kind: 'allocate', bytes: -event.delta })
        break
      case 'set-frame-register':
        if (described === null) continue
        if (pretended > 0) {
          operations.push({ at, kind: 'allocate', bytes: pretended })
          events.push(i)
          starts.push(at - event.length)
        }
        ready = operations.length
        operations.push({ at, kind: 'set-frame', register: event.register, offset: headerOffset })
        afterFrame = true
        break
      case 'save': {
        const slot = slotOf(event, depth, frame, i)
        if (firstSave < 0) firstSave = operations.length
        operations.push({ at, kind: 'save', register: event.register, offset: base - slot })
        break
      }
      case 'machine-frame':
        depth = event.errorCode ? 48 : 40
        operations.push({ at, kind: 'machine-frame', errorCode: event.errorCode })
        break
      default:
        continue
    }
    events.push(i)
    starts.push(at - event.length)
  }
  if (firstSave >= 0 && firstSave < ready) defer(allEvents, operations, events, starts, ready, code)
  return {
    operations,
    events,
    starts,
    pushesAfterFrame: popsBelowFrame && described !== null,
    base,
    frameRegister: described === null ? 0 : described.register,
    frameOffset: described === null ? 0 : headerOffset,
  }
}

/** Moves saves in front of operation `ready` behind it, to its code offset. */
function defer(
  allEvents: readonly FrameEvent[],
  operations: PrologueOperation[],
  events: number[],
  starts: number[],
  ready: number,
  code: Uint8Array | undefined,
): void {
  const { at } = operations[ready]!
  const order: number[] = []
  const deferred: number[] = []
  for (let i = 0; i <= ready; i++) (operations[i]!.kind === 'save' ? deferred : order).push(i)
  for (const i of deferred) {
    const { register } = operations[i] as PrologueOperation & { kind: 'save' }
    holds(allEvents, events[i]!, events[ready]!, register, code)
  }
  order.push(...deferred)
  const moved = order.map((i) => (operations[i]!.kind === 'save' ? { ...operations[i]!, at } : operations[i]!))
  const movedEvents = order.map((i) => events[i]!)
  const movedStarts = order.map((i) => (operations[i]!.kind === 'save' ? starts[ready]! : starts[i]!))
  for (let i = 0; i <= ready; i++) {
    operations[i] = moved[i]!
    events[i] = movedEvents[i]!
    starts[i] = movedStarts[i]!
  }
}

/** @throws Win64UnwindError unless the register that event `from` saved still holds its value when event `to` is done. */
function holds(
  allEvents: readonly FrameEvent[],
  from: number,
  to: number,
  register: Register,
  code: Uint8Array | undefined,
): void {
  let reached = allEvents[from]!.at
  for (let i = from + 1; i <= to; i++) {
    const event = allEvents[i]!
    const start = event.at - event.length
    if (event.length === 0 || event.at === reached) continue // a marker, or another event of the same instruction
    const known =
      event.kind === 'push' ||
      event.kind === 'save' ||
      event.kind === 'adjust-sp' ||
      (event.kind === 'set-frame-register' && event.register !== register)
    if (!known || (start !== reached && !(event.kind === 'adjust-sp' && isProbe(code, reached, start)))) {
      const why =
        'SP moves after a register was saved relative to it, and code in between may have changed the register'
      fail({ code: 'order', why }, i)
    }
    reached = event.at
  }
}

/** `mov eax, imm32; call rel32`: a stack probe, which changes volatile registers at most. */
function isProbe(code: Uint8Array | undefined, from: number, to: number): boolean {
  return code !== undefined && to - from === 10 && code[from] === 0xb8 && code[from + 5] === 0xe8
}

function fail(problem: Win64UnwindProblem, event: number): never {
  throw new Win64UnwindError(problem, event)
}
