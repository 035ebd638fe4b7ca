/**
 * Which frames a record needs words for. A word describes a range of code as if the frame were the same all over it; the
 * format was made for the body of a function, where calls are, and what it says of a prologue or an epilogue is what
 * holds in the body beside them. How much of that is wanted is the caller's choice ({@link Precision}).
 */

import {
  type FramePart,
  type FrameRecord,
  FrameState,
  partsOf,
  type Register,
  sameState,
  type UnwindRow,
  x64,
} from '@framewright/frame-layout'

/**
 * `'body'`: one word for each part of a function, true in its body, as compilers for macOS emit it; a body whose frame
 * changes is refused. `'body-changes'`: a word for each frame of the body. `'instructions'`: words for prologues and
 * epilogues as well, so that all is true at every instruction.
 */
export type Precision = 'body' | 'body-changes' | 'instructions'

/** A stretch of code to which one row applies; offsets of the record. */
export interface FrameRange {
  readonly begin: number
  readonly end: number
  readonly row: UnwindRow
  /** Where the row became true: `begin`, or behind a prologue that the range includes. */
  readonly from: number
}

interface Stretch {
  readonly begin: number
  readonly end: number
  readonly row: UnwindRow
  readonly inBody: boolean
}

/** The ranges of each part, which they cover without gaps. */
export function frameRanges(record: FrameRecord, precision: Precision): FrameRange[][] {
  const stretches = stretchesOf(record)
  return partsOf(record).map((part) => rangesOf(part, stretches, precision))
}

function rangesOf(part: FramePart, stretches: readonly Stretch[], precision: Precision): FrameRange[] {
  const own: Stretch[] = []
  for (const { begin, end, ...rest } of stretches) {
    // Empty stretches belong to where they are, also at the very end of the last part.
    const inside = begin === end ? begin >= part.begin && begin <= part.end : begin < part.end && end > part.begin
    if (inside) own.push({ begin: Math.max(begin, part.begin), end: Math.min(end, part.end), ...rest })
  }
  const filled = own.filter(({ begin, end }) => end > begin)
  const body = filled.filter(({ inBody }) => inBody)
  // A function that leaves as soon as it has made its frame has a body all the same: of no bytes.
  const empty = own.filter(({ begin, end, inBody }) => inBody && begin === end)
  const chosen = precision === 'instructions' ? filled : body.length > 0 ? body : empty.slice(0, 1)
  const ranges: FrameRange[] = []
  for (const { begin, row } of chosen.length > 0 ? chosen : filled.slice(0, 1)) {
    const last = ranges.at(-1)
    if (last !== undefined) {
      if (sameFrame(last.row, row)) continue
      ranges[ranges.length - 1] = { ...last, end: begin }
    }
    ranges.push({ begin: last === undefined ? part.begin : begin, end: part.end, row, from: begin })
  }
  return ranges
}

/** Pushed arguments are no part of the frame to this format. */
function sameFrame(a: UnwindRow, b: UnwindRow): boolean {
  return sameState({ ...a, argumentBytes: 0 }, { ...b, argumentBytes: 0 })
}

/** The code of a record, cut wherever something happens; and where a body begins or ends, a stretch of no bytes. */
function stretchesOf(record: FrameRecord): Stretch[] {
  const { events, codeSize, prologueEnd } = record
  const state = new FrameState(x64, record)
  const stretches: Stretch[] = []
  let at = 0
  let inEpilogue = false
  const advance = (to: number): void => {
    while (at < to) {
      // The prologue may end where no event says so.
      const end = at < prologueEnd && prologueEnd < to ? prologueEnd : to
      stretches.push({ begin: at, end, row: state.row(at), inBody: at >= prologueEnd && !inEpilogue })
      at = end
    }
  }
  for (let i = 0; i < events.length; i++) {
    const event = events[i]!
    advance(event.at)
    state.apply(event, i)
    if (event.kind === 'epilogue-begin') inEpilogue = true
    if (event.kind === 'epilogue-end') inEpilogue = false
    if (event.kind === 'prologue-end' || event.kind === 'epilogue-begin') {
      stretches.push({ begin: at, end: at, row: state.row(at), inBody: true })
    }
  }
  advance(codeSize)
  return stretches
}

/** The last event up to an offset that changed where a register, or the CFA, is found; -1 when none did. */
export function lastChange(record: FrameRecord, upTo: number, of: Register | 'cfa'): number {
  const { events } = record
  const state = new FrameState(x64, record)
  const fact = (): string => {
    const { cfa, registers } = state.row(0)
    return JSON.stringify(of === 'cfa' ? cfa : (registers.get(of) ?? null))
  }
  let found = -1
  let before = fact()
  for (let i = 0; i < events.length && events[i]!.at <= upTo; i++) {
    state.apply(events[i]!, i)
    const after = fact()
    if (after !== before) found = i
    before = after
  }
  return found
}
