/**
 * From the events of a record to what Windows can say of it: the operations of its prologue, checked against what body
 * and epilogues do to the stack pointer.
 *
 * What Windows knows. In prologue and body it undoes the prologue's operations, last first, starting from SP or, once the
 * frame register is set, from that. In an epilogue it reads instructions (`epilogue.ts`). So:
 *
 * - Without a frame register SP may not move in the body. With one it may, but then nothing that was pushed after the
 *   register was set can be undone by popping: such pushes become saves.
 * - Offsets of saves count upwards from one base, the bottom of the allocation, which is frame register - header offset.
 *   Where the register was set before the allocation, slots lie below it. Then the code pretends that the area down to
 *   the lowest slot had been allocated just before the register was set: SET_FPREG and an ALLOC of that size at the same
 *   code offset, so that no instruction boundary sees half of it, and header offset = the size. The real allocation
 *   needs no code then, for SP is recovered from the register. When the slots lie more than 240 bytes below it and SP
 *   stays put, the function is described as one without a frame register, which it also is.
 */

import type { FrameEvent, FrameRecord, Register } from '@framewright/frame-layout'
import { checkEpilogue, type EpilogueShape } from './epilogue.ts'
import { Win64UnwindError, type Win64UnwindProblem } from './errors.ts'
import type { PrologueOperation } from './prologue.ts'

/** A frame in terms of Windows. */
export interface FrameShape {
  readonly operations: readonly PrologueOperation[]
  /** Of each operation: the event it came from. */
  readonly events: readonly number[]
  /** Some pushes follow SET_FPREG, and SP does not move in the body. */
  readonly pushesAfterFrame: boolean
  readonly epilogues: readonly EpilogueShape[]
}

/** CFA - SP when the register was set, CFA - register. */
interface FrameSetting {
  readonly event: number
  readonly register: Register
  readonly cfaFromSp: number
  readonly cfaFromRegister: number
}

/** A distance that is known at run time only. */
const UNKNOWN = -1

/** @throws Win64UnwindError with the event that cannot be expressed. */
export function shapeOf(record: FrameRecord): FrameShape {
  return new Shaper(record).shape()
}

class Shaper {
  readonly #record: FrameRecord
  readonly #events: readonly FrameEvent[]
  /** CFA - SP at the point reached. */
  #cfaFromSp = 8
  #frame: FrameSetting | null = null
  /** Index of the first event after the prologue. */
  #bodyStart = 0
  /** The largest distance from the CFA down to a slot that a store or a push below the frame register filled. */
  #deepestSlot = 0
  /** CFA - the slot of some xmm register, or -1. */
  #vectorSlot = -1
  #pushesAfterFrame = false
  #machineFrame = false
  /** The first event that moves SP outside prologue and epilogues, or -1. */
  #spMoves = -1
  /** Distance from the CFA down to the last push after SET_FPREG. */
  #deepestPush = 0
  /** Labels at which the state is the body's. */
  readonly #labels: { readonly id: number; readonly cfaFromSp: number }[] = []

  constructor(record: FrameRecord) {
    this.#record = record
    this.#events = record.events
  }

  shape(): FrameShape {
    if (this.#record.kind === 'outermost') {
      this.#fail(
        { code: 'inexpressible', what: 'outermost', why: 'there is no way to say that a frame has no caller' },
        -1,
      )
    }
    this.#surveyPrologue()
    const epilogues = this.#checkBody()
    if (this.#spMoves >= 0 && this.#frame === null) this.#fail({ code: 'sp-moves' }, this.#spMoves)
    const operations: PrologueOperation[] = []
    const events: number[] = []
    const pushesAfterFrame = this.#writeOperations(operations, events)
    return { operations, events, pushesAfterFrame, epilogues }
  }

  /** Where the frame register is set, how deep slots lie, where SP ends up. */
  #surveyPrologue(): void {
    const events = this.#events
    const labels = this.#labels
    let cfaFromSp = 8
    for (let i = 0; i < events.length; i++) {
      const event = events[i]!
      switch (event.kind) {
        case 'push':
          if (event.size !== 8) this.#fail({ code: 'push-size', bytes: event.size }, i)
          if (cfaFromSp !== UNKNOWN) cfaFromSp += 8
          if (this.#frame !== null && event.saves) {
            if (cfaFromSp === UNKNOWN) this.#unknownSp(event, i)
            this.#pushesAfterFrame = true
            this.#deepestPush = cfaFromSp
          }
          labels.length = 0
          break
        case 'adjust-sp':
          if (event.delta >= 0) {
            this.#fail({ code: 'inexpressible', what: event.kind, why: 'a prologue can only allocate' }, i)
          }
          if (cfaFromSp !== UNKNOWN) cfaFromSp -= event.delta
          labels.length = 0
          break
        case 'dynamic-sp':
        case 'realign':
          if (this.#frame === null) this.#fail({ code: 'sp-moves' }, i)
          if (this.#spMoves < 0) this.#spMoves = i
          cfaFromSp = UNKNOWN
          labels.length = 0
          break
        case 'set-frame-register': {
          if (this.#frame !== null) this.#fail({ code: 'order', why: 'there is a frame register already' }, i)
          if (cfaFromSp === UNKNOWN) this.#unknownSp(event, i)
          const { register, spOffset } = event
          // Header offsets other than these could be dressed up with a pretended ALLOC; a frame that asks for it is a mistake.
          if (!(spOffset >= 0 && spOffset <= 240) || spOffset % 16 !== 0) {
            this.#fail({ code: 'frame-register-offset', bytes: spOffset }, i)
          }
          this.#frame = { event: i, register, cfaFromSp, cfaFromRegister: cfaFromSp - spOffset }
          labels.length = 0
          break
        }
        case 'save': {
          if (event.width !== (event.register < 16 ? 8 : 16)) {
            this.#fail({ code: 'save-width', register: event.register, bytes: event.width }, i)
          }
          const slot = this.#slot(event, cfaFromSp, i)
          if (slot > this.#deepestSlot) this.#deepestSlot = slot
          if (event.register >= 16) this.#vectorSlot = slot
          labels.length = 0
          break
        }
        case 'machine-frame':
          if (i !== 0) this.#fail({ code: 'order', why: 'a machine frame comes before everything else' }, i)
          cfaFromSp = event.errorCode ? 48 : 40
          this.#machineFrame = true
          labels.length = 0
          break
        case 'prologue-end':
          this.#bodyStart = i + 1
          this.#cfaFromSp = cfaFromSp
          return
        case 'label':
          labels.push({ id: event.id, cfaFromSp })
          break
        case 'plain':
        case 'call-args':
        case 'kept':
          break
        default:
          this.#fail({ code: 'inexpressible', what: event.kind, why: 'it stands in the prologue' }, i)
      }
    }
    this.#bodyStart = events.length
    this.#cfaFromSp = cfaFromSp
  }

  /** CFA - address of the slot. */
  #slot(event: FrameEvent & { kind: 'save' }, cfaFromSp: number, index: number): number {
    if (event.base === 'sp') {
      if (cfaFromSp === UNKNOWN) this.#unknownSp(event, index)
      return cfaFromSp - event.offset
    }
    if (this.#frame === null) {
      this.#fail({ code: 'order', why: 'a slot relative to the frame register before one is set' }, index)
    }
    return this.#frame.cfaFromRegister - event.offset
  }

  /** Body and epilogues. Finds out whether SP moves, and that every exit has a form that the system recognises. */
  #checkBody(): EpilogueShape[] {
    const events = this.#events
    const epilogues: EpilogueShape[] = []
    const frameRegister = this.#frame === null ? UNKNOWN : this.#frame.register
    for (let i = this.#bodyStart; i < events.length; i++) {
      const event = events[i]!
      switch (event.kind) {
        case 'epilogue-begin': {
          const epilogue = checkEpilogue(events, i, {
            frameRegister,
            cfaFromRegister: this.#frame === null ? UNKNOWN : this.#frame.cfaFromRegister,
            cfaFromSp: this.#cfaFromSp,
            machineFrame: this.#machineFrame,
          })
          epilogues.push(epilogue)
          i = epilogue.last
          break
        }
        case 'push':
          if (event.saves) this.#afterPrologue(event, i)
          this.#moveSp(-event.size, i)
          break
        case 'pop':
          // A slot that has been popped lies below SP, where it may be overwritten; the system would still read it.
          if (event.restores || event.register === frameRegister) this.#afterPrologue(event, i)
          this.#moveSp(event.size, i)
          break
        case 'restore-sp':
          if (event.register !== frameRegister) this.#afterPrologue(event, i)
          this.#moveSp(0, i)
          this.#cfaFromSp = this.#frame!.cfaFromRegister - event.offset
          break
        case 'adjust-sp':
          this.#moveSp(event.delta, i)
          break
        case 'dynamic-sp':
        case 'realign':
          this.#moveSp(0, i)
          this.#cfaFromSp = UNKNOWN
          break
        case 'restore':
          // The slot keeps its value, so "in the slot" stays true beside "in the register" - but for the frame register.
          if (event.register === frameRegister) this.#afterPrologue(event, i)
          break
        case 'resume':
          if (event.at < this.#record.codeSize) this.#resume(event.id, i)
          break
        case 'label':
          this.#labels.push({ id: event.id, cfaFromSp: this.#cfaFromSp })
          break
        case 'plain':
        case 'call-args':
        case 'kept':
          break
        default:
          this.#afterPrologue(event, i)
      }
    }
    return epilogues
  }

  #moveSp(delta: number, index: number): void {
    if (this.#spMoves < 0) this.#spMoves = index
    if (this.#cfaFromSp !== UNKNOWN) this.#cfaFromSp -= delta
  }

  /** Code of one range has one state outside prologue and epilogues: labels count from the prologue's last effect on. */
  #resume(id: number, index: number): void {
    for (const label of this.#labels) {
      if (label.id !== id) continue
      this.#cfaFromSp = label.cfaFromSp
      return
    }
    const why = 'the state at the label is not that of the body, and a range of code has only one'
    this.#fail({ code: 'inexpressible', what: 'resume', why }, index)
  }

  /** @returns whether pushes after SET_FPREG are written as pushes. */
  #writeOperations(operations: PrologueOperation[], eventOf: number[]): boolean {
    const events = this.#events
    const frame = this.#frame
    const moves = this.#spMoves >= 0
    const popsBelowFrame = this.#pushesAfterFrame && !moves
    // Distance from the CFA to the bottom of what the header describes, and the header's offset.
    let base = this.#cfaFromSp
    let headerOffset = 0
    let pretended = 0
    let describeFrame = frame !== null
    if (frame !== null) {
      const spOffset = frame.cfaFromSp - frame.cfaFromRegister
      const deepest = moves ? Math.max(this.#deepestSlot, this.#deepestPush) : this.#deepestSlot
      headerOffset = Math.max(spOffset, (deepest - frame.cfaFromRegister + 15) & ~15)
      // From a base that is not a multiple of 16 away no xmm slot can be reached.
      const crooked = this.#vectorSlot >= 0 && (frame.cfaFromRegister - this.#vectorSlot) % 16 !== 0
      if (headerOffset > 240 && moves) this.#fail({ code: 'frame-register-offset', bytes: headerOffset }, frame.event)
      if (headerOffset > 240 || (crooked && !moves)) describeFrame = false
      else {
        pretended = headerOffset - spOffset
        base = frame.cfaFromRegister + headerOffset
      }
    }
    // After SET_FPREG an allocation tells nothing: SP comes from the register. It is written where pushes below it are
    // popped, and in the classic frame (`push rbp; mov rbp, rsp; sub rsp, n`, no slots), where everybody writes it.
    const allocationsAfterFrame = popsBelowFrame || (!moves && pretended === 0)
    let afterFrame = false
    // CFA - SP; wrong once SP is unknown, but then the survey has refused what would need it.
    let depth = 8
    for (let i = 0; i < this.#bodyStart; i++) {
      const event = events[i]!
      const { at } = event
      switch (event.kind) {
        case 'push':
          depth += 8
          if (afterFrame && !popsBelowFrame) {
            if (event.saves) operations.push({ at, kind: 'save', register: event.register, offset: base - depth })
            else if (allocationsAfterFrame) operations.push({ at, kind: 'allocate', bytes: 8 })
            else continue
          } else if (event.saves) operations.push({ at, kind: 'push', register: event.register })
          else operations.push({ at, kind: 'allocate', bytes: 8 })
          break
        case 'adjust-sp':
          depth -= event.delta
          if (afterFrame && !allocationsAfterFrame) continue
          operations.push({ at, kind: 'allocate', bytes: -event.delta })
          break
        case 'set-frame-register':
          if (!describeFrame) continue
          if (pretended > 0) {
            operations.push({ at, kind: 'allocate', bytes: pretended })
            eventOf.push(i)
          }
          operations.push({ at, kind: 'set-frame', register: event.register, offset: headerOffset })
          afterFrame = true
          break
        case 'save': {
          const slot = this.#slot(event, depth, i)
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
      eventOf.push(i)
    }
    return popsBelowFrame && describeFrame
  }

  #unknownSp(event: FrameEvent, index: number): never {
    return this.#fail({ code: 'inexpressible', what: event.kind, why: 'SP is not known here' }, index)
  }

  #afterPrologue(event: FrameEvent, index: number): never {
    return this.#fail({ code: 'inexpressible', what: event.kind, why: 'it stands after the prologue' }, index)
  }

  #fail(problem: Win64UnwindProblem, event: number): never {
    throw new Win64UnwindError(problem, event)
  }
}
