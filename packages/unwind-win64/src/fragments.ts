/**
 * Functions that one record cannot describe. The range of the function is cut, each byte belongs to one fragment:
 *
 *   [prologue, first record) [saves of the prologue that did not fit) ... [body ranges in other states) [parts elsewhere)
 *
 * Every record but the first is chained, repeats frame register and offset (the system reads them from the record it starts
 * at), and holds saves alone: pushes and allocations in chained records are not supported. The system undoes the parents in
 * full, so body ranges chain to the record of the whole prologue; where only the first part of the prologue has happened,
 * they chain to a record of that part, which no table entry names, under the range of the function's first fragment: chained
 * to it they are parts of the same function still, and a jump to them is no exit. A part with language data of its own chains
 * to such a record too: the system takes the handler and its data from the last record of the chain.
 */

import type { FramePart, FrameRecord, UnwindRelocation } from '@framewright/frame-layout'
import type { BodyRange } from './body-ranges.ts'
import type { Handled, Win64Fragment, Win64FunctionUnwind } from './encode.ts'
import { encodeRange, type RangeRecord, trailerOf, type Win64Version } from './encode-range.ts'
import type { EpilogueShape } from './epilogue.ts'
import { Win64UnwindError } from './errors.ts'
import { type PrologueOperation, slotsOfOperation } from './prologue.ts'
import type { PrologueShape } from './prologue-shape.ts'
import type { FrameShape } from './shape.ts'

const LIMIT = 255

/** A function on its way. */
export interface FragmentedFunction {
  readonly record: FrameRecord
  readonly shape: FrameShape
  readonly prologueSize: number
  readonly version: Win64Version
  /** The handler with the data of a part. */
  readonly handledIn: (part: FramePart) => Handled
}

/** Whether one record can hold a prologue. */
export function fitsOne(prologue: PrologueShape, prologueSize: number, version: Win64Version): boolean {
  if (version === 3) return true
  // Operations take three slots at most.
  if (prologueSize <= LIMIT && prologue.operations.length <= 60) return true
  let slots = 0
  for (const operation of prologue.operations) slots += slotsOfOperation(operation)
  return prologueSize <= LIMIT && slots <= LIMIT
}

/** @throws Win64UnwindError at the operation that fits nowhere. */
export function encodeFragments(fragmented: FragmentedFunction): Win64FunctionUnwind {
  return new FragmentEncoder(fragmented).encode()
}

class FragmentEncoder {
  readonly #function: FragmentedFunction
  readonly #parts: readonly FramePart[]
  readonly #fragments: Win64Fragment[] = []
  readonly #relocations: UnwindRelocation[] = []
  readonly #blobs: { readonly at: number; readonly bytes: Uint8Array }[] = []
  readonly #known: Map<string, number> = new Map()
  #size = 0

  constructor(fragmented: FragmentedFunction) {
    this.#function = fragmented
    const { record } = fragmented
    this.#parts = record.parts ?? [{ begin: 0, end: record.codeSize }]
  }

  encode(): Win64FunctionUnwind {
    const { shape } = this.#function
    this.#prologue()
    const body = this.#fragments.length - 1
    for (const range of shape.ranges) this.#range(range, body)
    const bytes = new Uint8Array(this.#size)
    for (const { at, bytes: blob } of this.#blobs) bytes.set(blob, at)
    return { format: 'win64', bytes, relocations: this.#relocations, fragments: this.#fragments }
  }

  /** The fragments of the prologue, each chained to the one in front of it. */
  #prologue(): void {
    const { record, shape, prologueSize, version } = this.#function
    const { prologue } = shape
    const { operations } = prologue
    const cuts = version === 3 ? [{ begin: 0, first: 0, last: operations.length }] : cutPrologue(prologue)
    const end = shape.ranges[0]?.begin ?? record.codeSize
    for (let i = 0; i < cuts.length; i++) {
      const { begin, first, last } = cuts[i]!
      const next = cuts[i + 1]
      const own = operations.slice(first, last).map((operation) => ({ ...operation, at: operation.at - begin }))
      const size = next === undefined ? prologueSize - begin : (own.at(-1)?.at ?? 0)
      const info = this.#record({
        begin,
        end: next?.begin ?? end,
        chained: i > 0,
        prologueSize: version === 3 ? size : Math.min(size, LIMIT),
        operations: own,
        events: prologue.events.slice(first, last),
        starts: prologue.starts.slice(first, last).map((start) => start - begin),
        prologue,
      })
      const parentInfo = i === 0 ? -1 : this.#fragments[i - 1]!.info
      this.#fragments.push({ part: 0, begin, end: next?.begin ?? end, info, parent: i - 1, parentInfo })
    }
  }

  /** @param body - the fragment with the whole prologue behind it. */
  #range(range: BodyRange, body: number): void {
    const { shape } = this.#function
    const { begin, end, state } = range
    const prologue = shape.prologueOf(state)
    const part = this.#parts.findIndex((one) => begin >= one.begin && begin < one.end)
    const ownData = part > 0 && this.#parts[part]!.languageData !== undefined
    const whole = prologue === shape.prologue && !ownData
    const parent = whole ? body : 0
    const parentInfo = whole ? this.#fragments[body]!.info : this.#hidden(prologue, range, ownData ? part : 0)
    const { operations, events, starts } = this.#saves(range, prologue)
    const info = this.#record(
      {
        begin,
        end,
        chained: true,
        prologueSize: operations.at(-1)?.at ?? 0,
        operations,
        events,
        starts,
        prologue,
      },
      `${parent} ${parentInfo}`,
    )
    const { begin: origin } = this.#parts[part]!
    this.#fragments.push({ part, begin: begin - origin, end: end - origin, info, parent, parentInfo })
  }

  /** A record of a prologue, or of the first part of one, all of it done, with the handler data of a part. */
  #hidden(prologue: PrologueShape, { begin, end }: BodyRange, part: number): number {
    const operations = prologue.operations.map((operation) => ({ ...operation, at: 0 }))
    const starts = operations.map(() => 0)
    const { events } = prologue
    const range = { begin, end, chained: false, prologueSize: 0, operations, events, starts, prologue }
    return this.#record(range, `hidden ${part}`, part, [])
  }

  /** The saves of a range: those that have been made when it begins are true at its first byte. */
  #saves(
    { begin, state, own }: BodyRange,
    prologue: PrologueShape,
  ): { operations: PrologueOperation[]; events: number[]; starts: number[] } {
    const { version } = this.#function
    const operations: PrologueOperation[] = []
    const events: number[] = []
    const starts: number[] = []
    if (version === 3 && state.saves.size > 0 && prologue.frameRegister !== 0) {
      const why = 'the preview does not say what saves in a chained record count from when there is a frame register'
      throw new Win64UnwindError({ code: 'inexpressible', what: 'version 3', why }, own[0]?.event ?? -1)
    }
    const later = new Set(own.map(({ register }) => register))
    for (const [register, slot] of state.saves) {
      if (later.has(register)) continue
      operations.push({ at: 0, kind: 'save', register, offset: prologue.base - slot })
      events.push(-1)
      starts.push(0)
    }
    for (const { register, at, start, event } of own) {
      operations.push({ at: at - begin, kind: 'save', register, offset: prologue.base - state.saves.get(register)! })
      events.push(event)
      starts.push(start - begin)
    }
    return { operations, events, starts }
  }

  /**
   * Writes a record.
   *
   * @param key - what tells the parents of chained records apart: equal records with equal parents are written once.
   * @param part - whose handler data an unchained record has.
   * @returns its offset.
   */
  #record(
    range: Omit<RangeRecord, 'flags' | 'handlerData' | 'epilogues'>,
    key: string = 'prologue',
    part: number = 0,
    epilogues: readonly EpilogueShape[] = this.#epiloguesIn(range),
  ): number {
    const { version, handledIn } = this.#function
    const handled = handledIn(this.#parts[part]!)
    const flags = range.chained ? 0 : handled.flags
    const handlerData = range.chained ? undefined : handled.data
    const bytes = encodeRange({ ...range, flags, handlerData, epilogues }, version)
    const whole = `${key} ${bytes.join(' ')}`
    const known = this.#known.get(whole)
    if (known !== undefined) return known
    const at = this.#size
    this.#known.set(whole, at)
    if (flags !== 0) this.#relocations.push(...handled.relocations(at + trailerOf(bytes)))
    this.#blobs.push({ at, bytes })
    this.#size += (bytes.length + 3) & ~3
    return at
  }

  #epiloguesIn({ begin, end }: { readonly begin: number; readonly end: number }): EpilogueShape[] {
    return this.#function.shape.epilogues.filter((epilogue) => epilogue.start >= begin && epilogue.end <= end)
  }
}

/** A stretch of the prologue with the operations from `first` to before `last`. */
interface PrologueCut {
  readonly begin: number
  readonly first: number
  last: number
}

/** @throws Win64UnwindError at the operation that can neither stay nor be chained. */
function cutPrologue(prologue: PrologueShape): PrologueCut[] {
  const { operations, events, starts } = prologue
  const cuts: PrologueCut[] = [{ begin: 0, first: 0, last: 0 }]
  let cut = cuts[0]!
  let slots = 0
  for (let i = 0; i < operations.length; i++) {
    const operation = operations[i]!
    const own = slotsOfOperation(operation)
    if (operation.at - cut.begin > LIMIT || slots + own > LIMIT) {
      const begin = starts[i]!
      // An instruction longer than a range can be does not exist, but a record may claim one.
      if (operation.kind !== 'save' || operation.at - begin > LIMIT || begin <= cut.begin) {
        throw new Win64UnwindError({ code: 'code-offset', offset: operation.at, limit: LIMIT }, events[i]!)
      }
      cut = { begin, first: i, last: i }
      cuts.push(cut)
      slots = 0
    }
    slots += own
    cut.last = i + 1
  }
  return cuts
}
