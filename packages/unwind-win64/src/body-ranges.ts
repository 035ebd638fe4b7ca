/**
 * Where the code behind the prologue is in another state than the prologue leaves: registers that are saved for a while
 * (shrink wrapping), code that control enters from within the prologue, parts of the function that lie elsewhere. Each such
 * stretch becomes a range with a record of its own.
 */

import type { FramePart, FrameRecord, Register } from '@framewright/frame-layout'

/** What holds, as far as records have to differ for it. */
export interface BodyState {
  /** Number of events of the prologue that have happened. */
  readonly prologue: number
  /** Registers that were saved after the prologue: CFA - slot. */
  readonly saves: ReadonlyMap<Register, number>
}

/** The state from an offset on. */
export interface StateChange {
  readonly at: number
  readonly state: BodyState
  /** A save of a register that was not saved made it: the start of its instruction. */
  readonly save: { readonly event: number; readonly register: Register; readonly start: number } | null
}

/** A save that the first instructions of a range make; true from `at` on. */
export interface OwnSave {
  readonly event: number
  readonly register: Register
  readonly start: number
  readonly at: number
}

/** A range of code in one state, but for the saves that it begins with. */
export interface BodyRange {
  readonly begin: number
  readonly end: number
  readonly state: BodyState
  /** Those of the state's saves that happen in the range; all others have happened when it begins. */
  readonly own: readonly OwnSave[]
}

/** Code offsets take a byte. */
const REACH = 255

/**
 * Cuts the function.
 *
 * @param changes - ascending; before the first one the state is `initial`.
 * @param epilogueEnds - of all epilogues: no range's own prologue may reach over one.
 * @returns the ranges behind the first, which has the prologue; empty for nearly every function.
 */
export function cutRanges(
  record: FrameRecord,
  initial: BodyState,
  changes: readonly StateChange[],
  epilogueEnds: readonly number[],
): BodyRange[] {
  return new Cutter(record, initial, epilogueEnds).cut(changes)
}

/** How many epilogues one record can list, and how far in front of the end of its range they may start. */
export interface EpilogueLimits {
  readonly count: number
  readonly reach: number
}

/** An epilogue, as far as records have to list it. */
export interface ListedEpilogue {
  readonly listedStart: number
  readonly end: number
}

/** Whether a function from 0 to `size` has more epilogues than one record can list. */
export function exceeds(epilogues: readonly ListedEpilogue[], size: number, limits: EpilogueLimits): boolean {
  return epilogues.length > limits.count || epilogues.some(({ listedStart }) => size - listedStart > limits.reach)
}

/**
 * Cuts ranges behind epilogues where one record cannot list all that lie in it.
 *
 * @param ranges - behind the first one, which is in state `initial`.
 * @param epilogues - ascending.
 */
export function splitAtEpilogues(
  record: FrameRecord,
  initial: BodyState,
  ranges: readonly BodyRange[],
  epilogues: readonly ListedEpilogue[],
  limits: EpilogueLimits,
): BodyRange[] {
  const first = { begin: 0, end: ranges[0]?.begin ?? record.codeSize, state: initial, own: [] }
  const split: BodyRange[] = []
  for (const range of [first, ...ranges]) {
    const { begin, end, state } = range
    const cuts: number[] = []
    let group: ListedEpilogue[] = []
    for (const epilogue of epilogues) {
      if (epilogue.listedStart < begin || epilogue.end > end) continue
      if (group.length > 0 && exceeds([group[0]!], epilogue.end, limits)) group = cutBehind(group, cuts)
      else if (group.length >= limits.count) group = cutBehind(group, cuts)
      group.push(epilogue)
    }
    if (group.length > 0 && exceeds([group[0]!], end, limits)) cutBehind(group, cuts)
    const begins = [begin, ...cuts.filter((cut) => cut < end)]
    for (let i = 0; i < begins.length; i++) {
      const own = i === 0 ? range.own : []
      split.push({ begin: begins[i]!, end: begins[i + 1] ?? end, state, own })
    }
  }
  return split.slice(1)
}

function cutBehind(group: readonly ListedEpilogue[], cuts: number[]): ListedEpilogue[] {
  cuts.push(group.at(-1)!.end)
  return []
}

interface Cut {
  readonly begin: number
  state: BodyState
  readonly own: OwnSave[]
}

class Cutter {
  readonly #record: FrameRecord
  readonly #parts: readonly FramePart[]
  readonly #epilogueEnds: readonly number[]
  readonly #cuts: Cut[] = []
  #state: BodyState
  #nextPart = 1

  constructor(record: FrameRecord, initial: BodyState, epilogueEnds: readonly number[]) {
    this.#record = record
    this.#parts = record.parts ?? [{ begin: 0, end: record.codeSize }]
    this.#epilogueEnds = epilogueEnds
    this.#state = initial
  }

  cut(changes: readonly StateChange[]): BodyRange[] {
    const { codeSize } = this.#record
    for (const { at, state, save } of changes) {
      // A range in front of the first instruction would be empty: there the save counts as done behind it.
      const done = save === null || save.start === 0
      this.#enterParts(done ? at : save.start)
      if (done) {
        if (!sameState(state, this.#state)) this.#begin(at, state)
      } else {
        const last = this.#cuts.at(-1)
        const target =
          last !== undefined && this.#joins(last, at, save.start) ? last : this.#begin(save.start, this.#state)
        target.own.push({ ...save, at })
        target.state = state
      }
      this.#state = state
    }
    this.#enterParts(codeSize - 1)
    const cuts = this.#cuts.filter(({ begin }) => begin < codeSize)
    return cuts.map(({ begin, state, own }, i) => {
      const { end } = this.#parts.find((part) => part.end > begin)!
      return { begin, end: Math.min(cuts[i + 1]?.begin ?? codeSize, end), state, own }
    })
  }

  /** What begins where the range in front began takes its place. */
  #begin(begin: number, state: BodyState): Cut {
    if (this.#cuts.at(-1)?.begin === begin) this.#cuts.pop()
    const cut: Cut = { begin, state, own: [] }
    this.#cuts.push(cut)
    return cut
  }

  /** Parts begin whatever the state; what the events at their first byte say replaces it. */
  #enterParts(upTo: number): void {
    const parts = this.#parts
    for (; this.#nextPart < parts.length && parts[this.#nextPart]!.begin <= upTo; this.#nextPart++) {
      this.#begin(parts[this.#nextPart]!.begin, this.#state)
    }
  }

  /** Saves that follow one another share a range. */
  #joins(cut: Cut, at: number, start: number): boolean {
    return (
      (cut.own.length > 0 || cut.begin === start) &&
      cut.state === this.#state &&
      at - cut.begin <= REACH &&
      !this.#epilogueEnds.some((end) => end > cut.begin && end <= start)
    )
  }
}

function sameState(a: BodyState, b: BodyState): boolean {
  if (a.prologue !== b.prologue || a.saves.size !== b.saves.size) return false
  for (const [register, slot] of a.saves) if (b.saves.get(register) !== slot) return false
  return true
}
