/**
 * From the events of a record to what Windows can say of it: the operations of its prologue, checked against what body
 * and epilogues do to the stack pointer, and the ranges of the body that need records of their own.
 *
 * What Windows knows. In prologue and body it undoes the prologue's operations, last first, starting from SP or, once the
 * frame register is set, from that. In an epilogue it reads instructions (`epilogue.ts`). So without a frame register SP may
 * not move in the body. With one it may, but then nothing that was pushed after the register was set can be undone by
 * popping: such pushes become saves. `prologue-shape.ts` says how a prologue is described.
 *
 * A range of code has one record and so, behind its prologue, one state. Registers that the body saves and restores, and
 * states from inside the prologue that code elsewhere goes on with, make further ranges (`body-ranges.ts`). A register that
 * the prologue saved and the body restores makes none: the slot keeps its value, so "in the slot" stays true.
 */

import { type FrameEvent, type FrameRecord, type Register, runsTowards } from '@framewright/frame-layout'
import {
  type BodyRange,
  type BodyState,
  cutRanges,
  type EpilogueLimits,
  exceeds,
  type ListedEpilogue,
  type StateChange,
  splitAtEpilogues,
} from './body-ranges.ts'
import type { Win64Version } from './encode-range.ts'
import { checkEpilogue, type EpilogueShape } from './epilogue.ts'
import { Win64UnwindError, type Win64UnwindProblem } from './errors.ts'
import { slotsOfOperation } from './prologue.ts'
import { type FrameSetting, type PrologueShape, type PrologueSurvey, shapePrologue, slotOf } from './prologue-shape.ts'
import { followEpilogue } from './version-3-epilogue.ts'

/** A frame in terms of Windows. */
export interface FrameShape {
  /** The whole prologue. */
  readonly prologue: PrologueShape
  readonly epilogues: readonly EpilogueShape[]
  /** The ranges behind the one with the prologue; empty for nearly every function. */
  readonly ranges: readonly BodyRange[]
  /** The prologue up to a state that a range is in; `prologue` where that is the whole. */
  prologueOf(state: BodyState): PrologueShape
}

/** What shaping may look at besides the record. */
export interface ShapeOptions {
  readonly version: Win64Version
  readonly code: Uint8Array | undefined
}

/** A distance that is known at run time only. */
const UNKNOWN = -1

const noSaves: ReadonlyMap<Register, number> = new Map()
const noRanges: readonly BodyRange[] = []

/** @throws Win64UnwindError with the event that cannot be expressed. */
export function shapeOf(record: FrameRecord, options: ShapeOptions): FrameShape {
  return new Shaper(record, options).shape()
}

/** Where the walk through the body stands. */
interface Position extends BodyState {
  /** CFA - SP, or UNKNOWN. */
  readonly cfaFromSp: number
}

/** What the prologue had done at one point, by the number of its events so far. */
interface Stage {
  readonly events: number
  readonly frame: FrameSetting | null
  readonly cfaFromSp: number
  readonly deepestSlot: number
  readonly deepestPush: number
  readonly vectorSlot: number
}

class Shaper {
  readonly #record: FrameRecord
  readonly #events: readonly FrameEvent[]
  readonly #options: ShapeOptions
  /** Index of the first event after the prologue. */
  #bodyStart = 0
  #machineFrame = false
  /** The whole prologue. */
  #whole!: Stage
  /** Stages at labels inside the prologue, by their number of events; empty for nearly every function. */
  #stages: Map<number, Stage> | null = null
  #labels: Map<number, Position> | null = null
  #position!: Position
  /** The first event that moves SP outside prologue and epilogues, by stage. */
  #moves: Map<number, number> | null = null
  /** The largest distance from the CFA down to a slot that the body fills, and the slot of some xmm register. */
  #deepestBodySlot = 0
  #vectorBodySlot = Number.NaN
  #changes: StateChange[] | null = null

  constructor(record: FrameRecord, options: ShapeOptions) {
    this.#record = record
    this.#events = record.events
    this.#options = options
  }

  shape(): FrameShape {
    if (this.#record.kind === 'outermost') {
      this.#fail(
        { code: 'inexpressible', what: 'outermost', why: 'there is no way to say that a frame has no caller' },
        -1,
      )
    }
    this.#surveyPrologue()
    const epilogues = this.#walkBody()
    const prologue = this.#shapeStage(this.#whole)
    const limits = this.#epilogueLimits(prologue)
    const listed = limits === null ? [] : listEpilogues(epilogues, this.#options.version)
    const long = limits !== null && exceeds(listed, this.#record.codeSize, limits)
    if (this.#changes === null && this.#record.parts === undefined && !long) {
      return { prologue, epilogues, ranges: noRanges, prologueOf: () => prologue }
    }
    const initial: BodyState = { prologue: this.#whole.events, saves: noSaves }
    const ends = epilogues.map(({ end }) => end)
    let ranges = cutRanges(this.#record, initial, this.#changes ?? [], ends)
    if (long) ranges = splitAtEpilogues(this.#record, initial, ranges, listed, limits)
    this.#checkParts(epilogues)
    const known = new Map([[this.#whole.events, prologue]])
    const prologueOf = (state: BodyState): PrologueShape => {
      let shape = known.get(state.prologue)
      if (shape === undefined) {
        shape = this.#shapeStage(this.#stages!.get(state.prologue)!)
        known.set(state.prologue, shape)
      }
      return shape
    }
    return { prologue, epilogues, ranges, prologueOf }
  }

  /** Version 1 lists none. In version 2 each takes a slot, in 12 bits of distance; version 3 has three bits for their number. */
  #epilogueLimits({ operations }: PrologueShape): EpilogueLimits | null {
    const { version } = this.#options
    if (version === 1) return null
    if (version === 3) return { count: 7, reach: 0x7fff }
    let slots = 0
    for (const operation of operations) slots += slotsOfOperation(operation)
    return { count: Math.max(1, 252 - slots), reach: 4095 }
  }

  #shapeStage(stage: Stage): PrologueShape {
    const moved = this.#moves?.get(stage.events)
    if (moved !== undefined && stage.frame === null) this.#fail({ code: 'sp-moves' }, moved)
    const { events, frame, cfaFromSp, deepestPush } = stage
    const survey: PrologueSurvey = {
      events,
      frame,
      cfaFromSp,
      deepestPush,
      deepestSlot: Math.max(stage.deepestSlot, this.#deepestBodySlot),
      vectorSlot: Number.isNaN(stage.vectorSlot) ? this.#vectorBodySlot : stage.vectorSlot,
      moves: moved !== undefined,
    }
    return shapePrologue(this.#events, survey, this.#options.code)
  }

  /** The prologue lies in the first part, and every epilogue in one. */
  #checkParts(epilogues: readonly EpilogueShape[]): void {
    const { parts, prologueEnd } = this.#record
    if (parts === undefined || parts.length < 2) return
    const cut = parts[0]!.end
    if (prologueEnd > cut) {
      this.#fail({ code: 'inexpressible', what: 'parts', why: 'the prologue does not end in the first one' }, -1)
    }
    for (const { start, end, event } of epilogues) {
      if (parts.some((part) => start < part.begin && end > part.begin)) {
        this.#fail({ code: 'epilogue-form', why: 'it lies in two parts' }, event)
      }
    }
  }

  /** Where the frame register is set, how deep slots lie, where SP ends up. */
  #surveyPrologue(): void {
    const events = this.#events
    let cfaFromSp = 8
    let frame: FrameSetting | null = null
    let deepestSlot = 0
    let deepestPush = 0
    let vectorSlot = Number.NaN
    // Number of events up to the last one with an effect.
    let effects = 0
    let i = 0
    for (; i < events.length; i++) {
      const event = events[i]!
      switch (event.kind) {
        case 'push':
          if (event.size !== 8) this.#fail({ code: 'push-size', bytes: event.size }, i)
          if (cfaFromSp !== UNKNOWN) cfaFromSp += 8
          if (frame !== null && event.saves) {
            if (cfaFromSp === UNKNOWN) this.#unknownSp(event, i)
            deepestPush = cfaFromSp
          }
          effects = i + 1
          break
        case 'adjust-sp':
          if (event.delta >= 0) {
            this.#fail({ code: 'inexpressible', what: event.kind, why: 'a prologue can only allocate' }, i)
          }
          if (cfaFromSp !== UNKNOWN) cfaFromSp -= event.delta
          effects = i + 1
          break
        case 'dynamic-sp':
        case 'realign':
          if (frame === null) this.#fail({ code: 'sp-moves' }, i)
          cfaFromSp = UNKNOWN
          effects = i + 1
          break
        case 'set-frame-register': {
          if (frame !== null) this.#fail({ code: 'order', why: 'there is a frame register already' }, i)
          if (cfaFromSp === UNKNOWN) this.#unknownSp(event, i)
          const { register, spOffset } = event
          // Header offsets other than these could be dressed up with a pretended ALLOC; a frame that asks for it is a mistake.
          if (!(spOffset >= 0 && spOffset <= 240) || spOffset % 16 !== 0) {
            this.#fail({ code: 'frame-register-offset', bytes: spOffset }, i)
          }
          frame = { event: i, register, cfaFromSp, cfaFromRegister: cfaFromSp - spOffset }
          effects = i + 1
          break
        }
        case 'save': {
          this.#checkWidth(event, i)
          const slot = slotOf(event, cfaFromSp, frame, i)
          if (slot > deepestSlot) deepestSlot = slot
          if (event.register >= 16) vectorSlot = slot
          effects = i + 1
          break
        }
        case 'machine-frame':
          if (i !== 0) this.#fail({ code: 'order', why: 'a machine frame comes before everything else' }, i)
          cfaFromSp = event.errorCode ? 48 : 40
          this.#machineFrame = true
          effects = i + 1
          break
        case 'label': {
          this.#labels ??= new Map()
          this.#labels.set(event.id, { prologue: effects, saves: noSaves, cfaFromSp })
          this.#stages ??= new Map()
          this.#stages.set(effects, { events: effects, frame, cfaFromSp, deepestSlot, deepestPush, vectorSlot })
          break
        }
        case 'plain':
        case 'call-args':
        case 'kept':
        case 'prologue-end':
          break
        default:
          this.#fail({ code: 'inexpressible', what: event.kind, why: 'it stands in the prologue' }, i)
      }
      if (event.kind === 'prologue-end') {
        i++
        break
      }
    }
    this.#bodyStart = i
    this.#whole = { events: effects, frame, cfaFromSp, deepestSlot, deepestPush, vectorSlot }
    this.#position = { prologue: effects, saves: noSaves, cfaFromSp }
    // In the prologue SP may become unknown as well, by `alloca` or a realignment; the codes are then those of a moving SP.
    if (cfaFromSp === UNKNOWN) this.#moved(this.#position, events.findIndex(isUnknowing))
  }

  #checkWidth(event: FrameEvent & { kind: 'save' }, index: number): void {
    if (event.width !== (event.register < 16 ? 8 : 16)) {
      this.#fail({ code: 'save-width', register: event.register, bytes: event.width }, index)
    }
  }

  /** Body and epilogues. Finds out whether SP moves, and that every exit has a form that the system recognises. */
  #walkBody(): EpilogueShape[] {
    const events = this.#events
    const epilogues: EpilogueShape[] = []
    for (let i = this.#bodyStart; i < events.length; i++) {
      const event = events[i]!
      if (event.kind === 'epilogue-begin') {
        const epilogue = this.#epilogue(i)
        epilogues.push(epilogue)
        i = epilogue.last
      } else if (event.kind === 'resume') {
        if (event.at < this.#record.codeSize) this.#resume(event.id, i)
      } else if (event.kind === 'label') {
        this.#labels ??= new Map()
        this.#labels.set(event.id, this.#position)
      } else {
        const next = this.#advance(this.#position, event, i)
        if (next.saves !== this.#position.saves) this.#changeSaves(next, event, i)
        this.#position = next
      }
    }
    return epilogues
  }

  #epilogue(begin: number): EpilogueShape {
    const frame = this.#frameAt(this.#position)
    const entry = {
      frameRegister: frame === null ? UNKNOWN : frame.register,
      cfaFromRegister: frame === null ? UNKNOWN : frame.cfaFromRegister,
      cfaFromSp: this.#position.cfaFromSp,
      machineFrame: this.#machineFrame,
    }
    return this.#options.version === 3
      ? followEpilogue(this.#events, begin, entry)
      : checkEpilogue(this.#events, begin, entry)
  }

  #frameAt(position: BodyState): FrameSetting | null {
    return this.#stageAt(position).frame
  }

  #stageAt({ prologue }: BodyState): Stage {
    return prologue === this.#whole.events ? this.#whole : this.#stages!.get(prologue)!
  }

  /** The position behind an event of the body. */
  #advance(from: Position, event: FrameEvent, index: number): Position {
    switch (event.kind) {
      case 'push': {
        const position = this.#moveSp(from, -event.size, index)
        if (!event.saves) return position
        // Without a frame register it fails as a move of SP.
        if (this.#frameAt(from) === null) return position
        if (event.size !== 8) this.#fail({ code: 'push-size', bytes: event.size }, index)
        if (position.cfaFromSp === UNKNOWN) this.#unknownSp(event, index)
        return this.#withSave(position, event.register, position.cfaFromSp)
      }
      case 'pop':
        // A slot that has been popped lies below SP, where it may be overwritten; the system would still read it.
        if (event.register === this.#frameAt(from)?.register) this.#afterPrologue(event, index)
        if (event.restores && !from.saves.has(event.register)) this.#afterPrologue(event, index)
        return withoutSave(this.#moveSp(from, event.size, index), event.register)
      case 'restore-sp': {
        const frame = this.#frameAt(from)
        if (frame === null || event.register !== frame.register) this.#afterPrologue(event, index)
        this.#moved(from, index)
        return { ...from, cfaFromSp: frame.cfaFromRegister - event.offset }
      }
      case 'adjust-sp':
        return this.#moveSp(from, event.delta, index)
      case 'dynamic-sp':
      case 'realign':
        this.#moved(from, index)
        return { ...from, cfaFromSp: UNKNOWN }
      case 'save': {
        this.#checkWidth(event, index)
        const slot = slotOf(event, from.cfaFromSp, this.#frameAt(from), index)
        return this.#withSave(from, event.register, slot)
      }
      case 'restore':
        // The slot keeps its value, so "in the slot" stays true beside "in the register" - but for the frame register.
        if (event.register === this.#frameAt(from)?.register) this.#afterPrologue(event, index)
        return withoutSave(from, event.register)
      case 'kept':
        return withoutSave(from, event.register)
      case 'plain':
      case 'call-args':
        return from
      default:
        return this.#afterPrologue(event, index)
    }
  }

  /** A register that the prologue has saved already stays described by its first slot, which keeps the value. */
  #withSave(from: Position, register: Register, slot: number): Position {
    if (register === this.#frameAt(from)?.register || this.#savedByPrologue(from.prologue, register)) return from
    if (slot > this.#deepestBodySlot) this.#deepestBodySlot = slot
    if (register >= 16 && Number.isNaN(this.#vectorBodySlot)) this.#vectorBodySlot = slot
    return { ...from, saves: new Map(from.saves).set(register, slot) }
  }

  #savedByPrologue(count: number, register: Register): boolean {
    for (let i = 0; i < count; i++) {
      const event = this.#events[i]!
      if ((event.kind === 'save' || (event.kind === 'push' && event.saves)) && event.register === register) return true
    }
    return false
  }

  #changeSaves(next: Position, event: FrameEvent, index: number): void {
    const { saves } = this.#position
    const changes = (this.#changes ??= [])
    const added = event.kind === 'save' || event.kind === 'push'
    // Version 3 cannot tell saves that were done before a range begins from one that its first instruction does.
    if (added && !saves.has(event.register) && this.#options.version !== 3) {
      const save = { event: index, register: event.register, start: event.at - event.length }
      changes.push({ at: event.at, state: next, save })
      return
    }
    // Registers that are restored one right after the other make one range, and none when the function is left behind them:
    // until then their slots keep the values.
    let at = event.at
    for (let i = index + 1; i < this.#events.length && event.kind === 'restore'; i++) {
      const follower = this.#events[i]!
      if (follower.kind === 'epilogue-begin' && follower.at === at) {
        const end = this.#events.find(({ kind }, k) => k > i && kind === 'epilogue-end')
        at = end === undefined ? at : end.at
        break
      }
      if (follower.kind !== 'restore' || follower.at - follower.length !== at) break
      at = follower.at
    }
    const last = changes.at(-1)
    if (last !== undefined && last.at >= at) changes.pop()
    changes.push({ at, state: next, save: null })
  }

  #moveSp(from: Position, delta: number, index: number): Position {
    this.#moved(from, index)
    return from.cfaFromSp === UNKNOWN ? from : { ...from, cfaFromSp: from.cfaFromSp - delta }
  }

  #moved({ prologue }: BodyState, index: number): void {
    this.#moves ??= new Map()
    if (!this.#moves.has(prologue)) this.#moves.set(prologue, index)
  }

  #resume(id: number, index: number): void {
    if (this.#labels?.has(id) !== true) this.#lookAhead(id, index)
    const position = this.#labels?.get(id)
    if (position === undefined) {
      const why = 'the state at the label is that of an epilogue, or cannot be found'
      this.#fail({ code: 'inexpressible', what: 'resume', why }, index)
    }
    const { at } = this.#events[index]!
    this.#changes ??= []
    this.#changes.push({ at, state: position, save: null })
    this.#position = position
  }

  /** Finds the state at a label that stands further on. */
  #lookAhead(wanted: number, index: number): void {
    const events = this.#events
    const labels = (this.#labels ??= new Map())
    for (const start of runsTowards(wanted, events, index, new Set(labels.keys())) ?? []) {
      let position = labels.get((events[start]! as FrameEvent & { kind: 'resume' }).id)!
      for (let i = start + 1; i < events.length && events[i]!.kind !== 'resume'; i++) {
        const event = events[i]!
        if (event.kind === 'epilogue-begin') i = events.findIndex((one, k) => k > i && one.kind === 'epilogue-end')
        else if (event.kind === 'label') labels.set(event.id, position)
        else position = this.#advance(position, event, i)
      }
    }
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

/** Epilogues from where records say that they start: in version 2 from the first pop, in version 3 from the first move of SP. */
function listEpilogues(epilogues: readonly EpilogueShape[], version: Win64Version): ListedEpilogue[] {
  const listed = version === 3 ? epilogues.filter(({ moves }) => moves) : epilogues
  return listed.map(({ start, popStart, end }) => ({ listedStart: version === 3 ? start : popStart, end }))
}

const isUnknowing = ({ kind }: FrameEvent): boolean => kind === 'dynamic-sp' || kind === 'realign'

function withoutSave(position: Position, register: Register): Position {
  if (!position.saves.has(register)) return position
  const saves = new Map(position.saves)
  saves.delete(register)
  return { ...position, saves }
}
