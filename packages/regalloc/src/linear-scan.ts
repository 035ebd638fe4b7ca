// Linear scan over live ranges with holes, with splitting and eviction.
//
// Intervals come by rising start: virtual registers in the order of their definitions, pieces through a heap. Each gets
// a register, a register for a while with the rest to come back later, or its slot. Nothing is moved here: where pieces
// of one virtual register meet in different places, `moves.ts` moves.
//
// What must stay true:
// - The ranges given to one register do not overlap, and none overlaps a clobber of it.
// - A piece in a register starts at a definition, at the start of a block, or at the point p of a record: there a move
//   can be made. A piece in a slot may also start at p+1 or p+2, since no move is needed: the one store of a value is
//   made right behind its definition, and the slot holds it from then on.
// - So a definition that is in a register stays there until the next record, before which the store is made.
// - A piece that has to wait starts after the point that is worked at, which is why it all ends.
import type { BlockIndex } from './block-index.ts'
import { NEVER as BUSY_NEVER, Busy } from './busy.ts'
import type { Clobbers } from './clobbers.ts'
import { Demands } from './demands.ts'
import { AllocationError } from './errors.ts'
import { LOCATION_SLOT, REGISTER_COUNT, type RegisterEnvironment } from './interface.ts'
import type { LiveRanges } from './live-ranges.ts'
import type { Pieces } from './pieces.ts'
import * as tables from './tables.ts'

// Imported names are read through a cell each time; aliases are as good as literals.
const NEVER = BUSY_NEVER
const IN_SLOT = LOCATION_SLOT
const REGISTERS = REGISTER_COUNT
const ROW = tables.INTERVAL_SHIFT
const FIRST_RANGE = tables.FIRST_RANGE
const END = tables.END
const FIRST_USE = tables.FIRST_USE
const USES_END = tables.USES_END
const LOCATION = tables.LOCATION
const HINT_AFTER = tables.HINT_AFTER
const HINT_BEFORE = tables.HINT_BEFORE
const CLASS = tables.CLASS
const ROOT = tables.ROOT
const NEXT_PIECE = tables.NEXT_PIECE
const CURSOR = tables.CURSOR
const LAST_USE = tables.LAST_USE
const SLOT = tables.SLOT
const FROM = tables.FROM
const POINT = tables.POINT
const WORD = tables.WORD
const NEXT_USE = tables.NEXT_USE
const IN_REGISTER = tables.USE_IN_REGISTER
const LATE = tables.USE_LATE
const DEF = tables.USE_DEF
const HINT_REGISTER = tables.HINT_REGISTER
const NONE = -1
/** Pieces of a hinted value that are looked through for the last one. */
const HINT_PIECES = 6
/** What a save and a restore cost, in uses outside loops. */
const CALLEE_SAVED_COST = 2

export class LinearScan {
  readonly #live: LiveRanges
  readonly #blocks: BlockIndex
  readonly #pieces: Pieces
  readonly #clobbers: Clobbers
  readonly #busy: Busy
  readonly #demands: Demands

  usedRegisters = 0
  /** Virtual registers with a slot. */
  spilledCount = 0

  // The interval that is worked at: where it starts, the registers it may look at, those it loses to clobbers; and by
  // register where another one is in its way, for registers that no clobber takes.
  #position = 0
  #order: Int32Array = new Int32Array(0)
  #crossed = 0
  readonly #conflict: Int32Array = new Int32Array(REGISTER_COUNT)

  #integerOrder: Int32Array = new Int32Array(0)
  #floatOrder: Int32Array = new Int32Array(0)
  #integerMask = 0
  #floatMask = 0
  #calleeSaved = 0
  /** What it would have saved so far to open another callee-saved register. */
  #declined = 0

  constructor(live: LiveRanges, blocks: BlockIndex, pieces: Pieces, clobbers: Clobbers) {
    this.#live = live
    this.#blocks = blocks
    this.#pieces = pieces
    this.#clobbers = clobbers
    this.#busy = new Busy(live)
    this.#demands = new Demands(live)
  }

  run(environment: RegisterEnvironment): void {
    const live = this.#live
    const pieces = this.#pieces
    pieces.reset()
    this.#busy.reset()
    this.usedRegisters = 0
    this.spilledCount = 0
    this.#integerOrder = environment.order[0]
    this.#floatOrder = environment.order[1]
    this.#integerMask = maskOf(environment.order[0])
    this.#floatMask = maskOf(environment.order[1])
    this.#calleeSaved = environment.calleeSaved
    this.#declined = 0

    for (let at = live.orderCount - 1; at >= 0; at--) {
      const vreg = live.order[at]
      if (pieces.waiting > 0) {
        const start = pieces.startOf(vreg)
        while (pieces.waiting > 0 && pieces.firstStart() < start) this.#place(pieces.takeFirst())
      }
      this.#place(vreg)
    }
    while (pieces.waiting > 0) this.#place(pieces.takeFirst())
  }

  #place(interval: number): void {
    const live = this.#live
    const busy = this.#busy
    const row = interval << ROW
    const range = live.intervals[row + FIRST_RANGE]
    const end = live.intervals[row + END]
    const float = live.intervals[row + CLASS] !== 0
    const start = live.ranges[range + FROM]
    this.#position = start
    const order = float ? this.#floatOrder : this.#integerOrder
    const all = float ? this.#floatMask : this.#integerMask
    const crossed = this.#clobbers.crossed(live, interval, start, all)
    const free = all & ~crossed

    let register = this.#hinted(interval, range, free)
    if (register >= 0) {
      this.#commit(interval, register)
      return
    }
    const { headFrom, headTo } = busy
    const closed = this.#calleeSaved & ~this.usedRegisters
    let unopened = NONE
    for (let k = 0; k < order.length; k++) {
      const candidate = order[k]
      if (((free >>> candidate) & 1) === 0) continue
      if (headTo[candidate] <= start) busy.expire(candidate, start)
      if (headFrom[candidate] < end) {
        const conflict = busy.conflict(range, candidate)
        this.#conflict[candidate] = conflict
        if (conflict !== NEVER) continue
      } else this.#conflict[candidate] = NEVER
      if (((closed >>> candidate) & 1) === 0) {
        register = candidate
        break
      }
      if (unopened < 0) unopened = candidate
    }
    if (register < 0 && unopened >= 0) {
      if (this.#isWorthOpening(interval)) register = unopened
    }
    if (register >= 0) this.#commit(interval, register)
    else {
      this.#order = order
      this.#crossed = crossed
      this.#placeUnderPressure(interval, start, unopened)
    }
  }

  /**
   * Whether an interval should have a callee-saved register that is not used yet. One that is read a few times outside
   * loops costs less in its slot; but when that has been said of several, it would have been cheaper for them all.
   */
  #isWorthOpening(interval: number): boolean {
    const weight = this.#demands.weightOf(interval)
    if (this.#live.intervals[(interval << ROW) + ROOT] !== interval) {
      // Counted with its virtual register, if that was declined.
      return weight > CALLEE_SAVED_COST || this.#declined > CALLEE_SAVED_COST
    }
    if (weight + this.#declined > CALLEE_SAVED_COST) return true
    this.#declined += weight
    return false
  }

  /** No register is free to the interval's end, unless it is `unopened` and seemed too dear. */
  #placeUnderPressure(interval: number, start: number, unopened: number): void {
    const live = this.#live
    const busy = this.#busy
    const order = this.#order
    const range = live.intervals[(interval << ROW) + FIRST_RANGE]
    const need = this.#demands.needUntil(interval, start)
    const useful = need > start ? need : this.#demands.firstReadEnd(interval)
    const closed = this.#calleeSaved & ~this.usedRegisters
    if (this.#crossed !== 0) this.#clobbers.find(live, interval, start, this.#crossed)

    // The register that is free longest; one that would have to be saved only when nothing else helps.
    let best = NONE
    let bestUntil = start
    let bestClosed = NONE
    let bestClosedUntil = start
    for (let k = 0; k < order.length; k++) {
      const register = order[k]
      if (((closed >>> register) & 1) !== 0) {
        const until = this.#limit(range, register, bestClosedUntil)
        if (until <= bestClosedUntil) continue
        bestClosed = register
        bestClosedUntil = until
      } else {
        const until = this.#limit(range, register, bestUntil)
        if (until <= bestUntil) continue
        best = register
        bestUntil = until
      }
    }
    // A register that is taken now may be free where that one is taken: a move, and no slot.
    const isMovable =
      best >= 0 &&
      bestUntil >= need &&
      (bestUntil < useful || (bestUntil & 1) !== 0) &&
      this.#isFreeElsewhere(interval, best, bestUntil & ~1)
    if (best >= 0 && (bestUntil >= useful || isMovable)) {
      this.#commitUntil(interval, best, bestUntil, isMovable)
      return
    }

    // Evict the cheapest, unless this one is cheaper.
    const record = this.#demands.recordOf(interval, start)
    let cheapest = need > start ? Number.POSITIVE_INFINITY : this.#demands.costOf(interval)
    let victim = NONE
    let flags = 0
    best = NONE
    for (let k = 0; k < order.length; k++) {
      const register = order[k]
      if (busy.headFrom[register] > start || this.#lostAt(register) < useful) continue
      const occupant = busy.occupant(register)
      const cost = this.#demands.costOf(occupant)
      if (cost >= cheapest || this.#demands.isPinned(occupant, record, start)) continue
      if (busy.conflictBeside(range, register, occupant) < useful) continue
      flags = this.#demands.flagsHere
      cheapest = cost
      victim = occupant
      best = register
    }
    if (need > start && unopened >= 0 && (victim < 0 || this.#demands.weightOf(victim) > CALLEE_SAVED_COST)) {
      this.#commit(interval, unopened)
    } else if (victim >= 0) {
      this.#evict(victim, best, record, flags)
      const conflict = busy.conflict(range, best)
      const lostAt = this.#lostAt(best)
      if (conflict === NEVER && lostAt === NEVER) this.#commit(interval, best)
      else this.#commitUntil(interval, best, conflict < lostAt ? conflict : lostAt, false)
    } else if (need === start) this.#toSlot(interval)
    else if (bestClosedUntil >= need) this.#commitUntil(interval, bestClosed, bestClosedUntil, false)
    else {
      const vreg = live.intervals[(interval << ROW) + ROOT]
      throw new AllocationError({ code: 'no-register', vreg, point: record })
    }
  }

  // Questions about the interval that is worked at.

  #lostAt(register: number): number {
    return ((this.#crossed >>> register) & 1) !== 0 ? this.#clobbers.lostAt[register] : NEVER
  }

  /** Up to where it could have the register; anything up to `least`, if it is no more than that. */
  #limit(range: number, register: number, least: number): number {
    // Calls take many registers at one point, and one of those that are free until then will do.
    if (((this.#crossed >>> register) & 1) === 0) return this.#conflict[register]
    const lostAt = this.#clobbers.lostAt[register]
    if (lostAt <= least) return least
    const busy = this.#busy
    if (busy.headTo[register] <= this.#position) busy.expire(register, this.#position)
    if (busy.headFrom[register] <= this.#position) return least
    const conflict = busy.conflict(range, register)
    return conflict < lostAt ? conflict : lostAt
  }

  /** Whether another register is free from a later point to the interval's end. */
  #isFreeElsewhere(interval: number, register: number, point: number): boolean {
    const row = interval << ROW
    const { intervals, uses } = this.#live
    const isPiece = intervals[row + ROOT] !== interval
    if (isPiece ? point <= this.#position : point < this.#demands.after(uses[intervals[row + FIRST_USE] + POINT]))
      return false
    const busy = this.#busy
    const order = this.#order
    const range = intervals[row + FIRST_RANGE]
    const wrong = this.#crossed | (this.#calleeSaved & ~this.usedRegisters) | (1 << register)
    for (let k = 0; k < order.length; k++) {
      const other = order[k]
      if (((wrong >>> other) & 1) === 0 && busy.isFreeFrom(range, other, point)) return true
    }
    return false
  }

  /** A hinted register that is free for the whole interval, or -1. */
  #hinted(interval: number, range: number, free: number): number {
    const intervals = this.#live.intervals
    const root = intervals[(interval << ROW) + ROOT]
    const rootRow = root << ROW
    const after = intervals[rootRow + HINT_AFTER]
    if (after !== NONE) {
      const afterRow = after << ROW
      let place = after < 0 ? HINT_REGISTER - after : intervals[afterRow + LOCATION]
      if (after >= 0 && (place < 0 || place >= REGISTERS)) {
        // Not placed yet. Where would it like to be: with another argument of the same parameter, or further on?
        const other = intervals[afterRow + HINT_BEFORE]
        if (other >= 0 && other !== root) place = intervals[(other << ROW) + LOCATION]
        if (place < 0 || place >= REGISTERS) {
          const further = intervals[afterRow + HINT_AFTER]
          if (further >= 0) place = intervals[(further << ROW) + LOCATION]
          else if (further !== NONE) place = HINT_REGISTER - further
        }
      }
      if (this.#isFree(place, interval, range, free)) return place
    }
    // What comes before the first piece; a later one comes out of its own slot, or from a register that is taken.
    const before = intervals[rootRow + HINT_BEFORE]
    if (before === NONE || interval !== root) return NONE
    let place = HINT_REGISTER - before
    if (before >= 0) {
      let last = before << ROW
      for (let step = 0; step < HINT_PIECES && intervals[last + NEXT_PIECE] >= 0; step++) {
        last = intervals[last + NEXT_PIECE] << ROW
      }
      place = intervals[last + LOCATION]
    }
    return this.#isFree(place, interval, range, free) ? place : NONE
  }

  /** Whether a place is a register that is free for the whole interval. */
  #isFree(place: number, interval: number, range: number, free: number): boolean {
    if (place < 0 || place >= REGISTERS || ((free >>> place) & 1) === 0) return false
    const busy = this.#busy
    if (busy.headTo[place] <= this.#position) busy.expire(place, this.#position)
    return (
      busy.headFrom[place] >= this.#live.intervals[(interval << ROW) + END] || busy.conflict(range, place) === NEVER
    )
  }

  /** The start of the outermost loop that holds `point` and starts behind `after`; else the point itself. */
  #hoist(point: number, after: number): number {
    const { flow, blockStart } = this.#live
    let place = point
    for (let loop = flow.innermost[this.#blocks.blockOf(point)]; loop >= 0; loop = flow.enclosing[loop]) {
      if (blockStart[loop] <= after) break
      place = blockStart[loop]
    }
    return place
  }

  // Decisions carried out.

  #commit(interval: number, register: number): void {
    const intervals = this.#live.intervals
    const row = interval << ROW
    intervals[row + LOCATION] = register
    intervals[row + CURSOR] = intervals[row + FIRST_USE]
    intervals[row + LAST_USE] = 0
    this.usedRegisters |= 1 << register
    this.#busy.insert(interval, register)
  }

  /** Gives a register up to a point, or less; what is behind waits, or goes to the slot. */
  #commitUntil(interval: number, register: number, until: number, isMovable: boolean): void {
    const { intervals, uses } = this.#live
    const usesEnd = intervals[(interval << ROW) + USES_END]
    // The conflict is at p+1 with a clobber, and otherwise at the start of a block or of a piece.
    const record = until & ~1
    let last = this.#position
    let use = intervals[(interval << ROW) + FIRST_USE]
    for (; use !== usesEnd && uses[use + POINT] < record; use = uses[use + NEXT_USE]) last = uses[use + POINT]
    let flags = 0
    if (record !== until) {
      for (; use !== usesEnd && uses[use + POINT] === record; use = uses[use + NEXT_USE]) flags |= uses[use + WORD]
    }
    if (flags !== 0 && (flags & LATE) === 0 && !isMovable) {
      // Read by the record that clobbers: here, and behind it from the slot.
      const rest = this.#pieces.splitAt(interval, until)
      this.#commit(interval, register)
      this.#toSlot(rest)
      return
    }
    const need = this.#demands.needUntil(interval, this.#position)
    const rest = this.#pieces.splitAt(interval, this.#hoist(record, need > last + 1 ? need - 1 : last))
    this.#commit(interval, register)
    this.#pieces.wait(rest)
  }

  /** Takes the register from an interval, from the current position on or from before a loop that does not use it. */
  #evict(interval: number, register: number, record: number, flags: number): void {
    const position = this.#position
    const start = this.#pieces.startOf(interval)
    let from = position
    // A definition of this record that need not be in a register can be in its slot from the beginning.
    if ((flags & DEF) !== 0) from = start
    // Read by this record: what is behind it needs no move. But where it is yet to be read it must stay to be read.
    else {
      const isLate = (flags & LATE) !== 0 && position < record + 2
      if (flags === 0 || record === position || isLate) {
        const last = this.#live.intervals[(interval << ROW) + LAST_USE]
        from = this.#hoist(isLate ? record : position, last > start ? last : start)
      }
    }
    const rest = from > start ? this.#pieces.splitAt(interval, from) : interval
    this.#busy.remove(interval, register, from, this.#live.intervals[(rest << ROW) + END])
    this.#toSlot(rest)
  }

  /** Into the slot, up to the next use that must be in a register. */
  #toSlot(interval: number): void {
    const { intervals, uses } = this.#live
    const pieces = this.#pieces
    const row = interval << ROW
    const rootRow = intervals[row + ROOT] << ROW
    intervals[row + LOCATION] = IN_SLOT
    if (intervals[rootRow + SLOT] === 0) {
      intervals[rootRow + SLOT] = IN_SLOT
      this.spilledCount++
    }
    const usesEnd = intervals[row + USES_END]
    let use = intervals[row + FIRST_USE]
    while (use !== usesEnd && (uses[use + WORD] & IN_REGISTER) === 0) use = uses[use + NEXT_USE]
    if (use === usesEnd) return
    const start = pieces.startOf(interval)
    const after = start > this.#position ? start : this.#position
    pieces.wait(pieces.splitAt(interval, this.#hoist(uses[use + POINT], after)))
  }
}

function maskOf(registers: Int32Array): number {
  let mask = 0
  for (let k = 0; k < registers.length; k++) mask |= 1 << registers[k]
  return mask
}
