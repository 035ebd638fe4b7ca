// Linear scan over live ranges with holes, with splitting and eviction.
//
// Intervals come by rising start: virtual registers in the order of their definitions, pieces through a heap. Each gets
// a register, a register for a while with the rest to come back later, or its slot. Nothing is moved here: where pieces
// of one virtual register meet in different places, `moves.ts` moves.
//
// What must stay true:
// - The ranges given to one register do not overlap, and none overlaps a clobber of it. Each register has its ranges
//   in a sorted list; those that have ended are dropped when the list is next looked at.
// - A piece in a register starts at a definition, at the start of a block, or at the point p of a record: there a move
//   can be made. A piece in a slot may also start at p+1 or p+2, since no move is needed: the one store of a value is
//   made right behind its definition, and the slot holds it from then on.
// - So a definition that is in a register stays there until the next record, before which the store is made.
// - A piece put on the heap starts after the point that is worked at, which is why it all ends.
import { AllocationError } from './errors.ts'
import { growInt32 } from './grow.ts'
import { LOCATION_SLOT, RECORD_WORDS_SHIFT, REGISTER_COUNT, type RegisterEnvironment } from './interface.ts'
import { HINT_REGISTER, type LiveRanges, USE_DEF, USE_LATE, USE_REGISTER } from './live-ranges.ts'

const SLOT = LOCATION_SLOT
const NONE = -1
/** No conflict. */
const NEVER = 0x7fffffff
/** Followed hints; each is one virtual register further. */
const HINT_STEPS = 6
/** What a save and a restore cost, in uses outside loops. */
const CALLEE_SAVED_COST = 2
/** Added to the length of an interval, so that short ones are not all alike. */
const LENGTH_BIAS = 16

export class LinearScan {
  readonly #live: LiveRanges

  // Pieces. `next` leads to the piece behind; `root` is the virtual register.
  next: Int32Array = new Int32Array(256)
  root: Int32Array = new Int32Array(256)
  /** The first use that is no longer this interval's, or -1. */
  usesEnd: Int32Array = new Int32Array(256)
  /** For intervals in registers: the first use at or behind the current record, and the point of the one before it. */
  #cursor: Int32Array = new Int32Array(256)
  #lastUse: Int32Array = new Int32Array(256)

  /** Virtual registers with more than one piece, and those with a slot. */
  splitCount = 0
  split: Int32Array = new Int32Array(64)
  spilledCount = 0
  /** By virtual register: 1 when it needs a slot; and its slot as a location, which `slots.ts` fills in. */
  spilled: Uint8Array = new Uint8Array(256)
  slot: Int32Array = new Int32Array(256)
  usedRegisters = 0

  #heap: Int32Array = new Int32Array(64)
  #heapLength = 0

  // By register: its ranges that have not ended, sorted; by range: the next one, and the interval.
  #busy: Int32Array = new Int32Array(REGISTER_COUNT).fill(NONE)
  #busyNext: Int32Array = new Int32Array(512)
  #owner: Int32Array = new Int32Array(512)
  /** By register, for the interval that is worked at: where it is in the way of another, or of a clobber. */
  #conflict: Int32Array = new Int32Array(REGISTER_COUNT)
  #clobbered: Int32Array = new Int32Array(REGISTER_COUNT)

  #order: Int32Array = new Int32Array(0)
  #integerOrder: Int32Array = new Int32Array(0)
  #floatOrder: Int32Array = new Int32Array(0)
  #integerMask = 0
  #floatMask = 0
  #calleeSaved = 0
  /** What it would have saved so far to open another callee-saved register. */
  #declined = 0

  /** Flags of the uses that the last #isPinned found at the record; 0 if none (no operand has the word index 0). */
  #flagsHere = 0
  /** The start of the interval that is worked at; never falls. */
  #position = 0
  #clobber = 0

  constructor(live: LiveRanges) {
    this.#live = live
  }

  run(environment: RegisterEnvironment): void {
    const live = this.#live
    const count = live.vregCount
    live.intervalCount = count
    if (this.next.length < live.firstRange.length) this.#growIntervals()
    if (this.#busyNext.length < live.rangeFrom.length) this.#growRanges()
    const { next, root, usesEnd, spilled } = this
    for (let vreg = 0; vreg < count; vreg++) {
      next[vreg] = NONE
      root[vreg] = vreg
      usesEnd[vreg] = NONE
      spilled[vreg] = 0
    }
    this.splitCount = 0
    this.spilledCount = 0
    this.usedRegisters = 0
    this.#heapLength = 0
    this.#busy.fill(NONE)
    this.#integerOrder = environment.order[0]
    this.#floatOrder = environment.order[1]
    this.#integerMask = maskOf(environment.order[0])
    this.#floatMask = maskOf(environment.order[1])
    this.#calleeSaved = environment.calleeSaved
    this.#declined = 0
    this.#position = 0
    this.#clobber = live.clobberCount - 1

    let at = live.orderCount - 1
    for (;;) {
      const vreg = at >= 0 ? live.order[at] : NONE
      const start = vreg >= 0 ? live.rangeFrom[live.firstRange[vreg]] : NEVER
      if (this.#heapLength > 0 && this.#startOf(this.#heap[0]) < start) this.#place(this.#pop())
      else if (vreg >= 0) {
        at--
        this.#place(vreg)
      } else break
    }
  }

  #startOf(interval: number): number {
    return this.#live.rangeFrom[this.#live.firstRange[interval]]
  }

  #place(interval: number): void {
    const live = this.#live
    const start = live.rangeFrom[live.firstRange[interval]]
    this.#position = start
    const float = live.intervalClass[interval] !== 0
    const order = float ? this.#floatOrder : this.#integerOrder
    const all = float ? this.#floatMask : this.#integerMask
    this.#order = order
    const free = all & ~this.#crossed(interval, start, all)

    let register = this.#hinted(interval, free)
    let unopened = NONE
    const closed = this.#calleeSaved & ~this.usedRegisters
    for (let k = 0; register < 0 && k < order.length; k++) {
      const candidate = order[k]
      if (((free >>> candidate) & 1) === 0 || this.#conflictOf(interval, candidate) !== NEVER) continue
      if (((closed >>> candidate) & 1) === 0) register = candidate
      else if (unopened < 0) unopened = candidate
    }
    if (register < 0 && unopened >= 0) {
      const weight = this.#weightOf(interval)
      if (weight + this.#declined > CALLEE_SAVED_COST) register = unopened
      else this.#declined += weight
    }
    if (register >= 0) this.#commit(interval, register)
    else this.#placeUnderPressure(interval, start, unopened)
  }

  /** No register is free to the interval's end, unless it is `unopened` and seemed too dear. */
  #placeUnderPressure(interval: number, start: number, unopened: number): void {
    const order = this.#order
    const conflict = this.#conflict
    const clobbered = this.#clobbered
    const need = this.#needUntil(interval, start)
    const closed = this.#calleeSaved & ~this.usedRegisters
    this.#findClobbers(interval)

    // The register that is free longest; one that would have to be saved only when nothing else helps.
    let best = NONE
    let bestUntil = start
    let bestClosed = NONE
    let bestClosedUntil = start
    for (let k = 0; k < order.length; k++) {
      const register = order[k]
      const until = this.#conflictOf(interval, register)
      conflict[register] = until
      const limit = until < clobbered[register] ? until : clobbered[register]
      if (((closed >>> register) & 1) !== 0) {
        if (limit > bestClosedUntil) {
          bestClosed = register
          bestClosedUntil = limit
        }
      } else if (limit > bestUntil) {
        best = register
        bestUntil = limit
      }
    }
    const useful = need > start ? need : this.#firstReadEnd(interval, start)
    if (best >= 0 && bestUntil >= useful) {
      this.#commitUntil(interval, best, bestUntil)
      return
    }

    // Evict the cheapest, unless this one is cheaper.
    let cheapest = need > start ? Number.POSITIVE_INFINITY : this.#costOf(interval)
    let victim = NONE
    best = NONE
    const record = this.#recordOf(interval, start)
    let flags = 0
    for (let k = 0; k < order.length; k++) {
      const register = order[k]
      if (conflict[register] > start || clobbered[register] < useful) continue
      const occupant = this.#owner[this.#busy[register]]
      const cost = this.#costOf(occupant)
      if (cost >= cheapest || this.#isPinned(occupant, record, start)) continue
      if (this.#conflictBeside(interval, register, occupant) < useful) continue
      flags = this.#flagsHere
      cheapest = cost
      victim = occupant
      best = register
    }
    if (need > start && unopened >= 0 && (victim < 0 || this.#weightOf(victim) > CALLEE_SAVED_COST)) {
      this.#commit(interval, unopened)
    } else if (victim >= 0) {
      this.#evict(victim, best, record, flags)
      const until = this.#conflictOf(interval, best)
      const limit = until < clobbered[best] ? until : clobbered[best]
      if (limit === NEVER) this.#commit(interval, best)
      else this.#commitUntil(interval, best, limit)
    } else if (need === start) this.#toSlot(interval)
    else if (bestClosedUntil >= need) this.#commitUntil(interval, bestClosed, bestClosedUntil)
    else throw new AllocationError({ code: 'no-register', vreg: this.root[interval], point: record })
  }

  // Questions about an interval.

  /** The registers of `all` that clobbers take from the interval. */
  #crossed(interval: number, start: number, all: number): number {
    const live = this.#live
    const clobberPoint = live.clobberPoint
    let k = this.#clobber
    while (k >= 0 && clobberPoint[k] + 2 <= start) k--
    this.#clobber = k
    const end = live.end[interval]
    if (k < 0 || clobberPoint[k] + 1 >= end) return 0
    const { rangeFrom, rangeTo, rangeNext, clobberMask } = live
    const possible = live.clobberUnion & all
    let crossed = 0
    let range = live.firstRange[interval]
    for (; k >= 0; k--) {
      const point = clobberPoint[k] + 1
      if (point >= end) break
      while (rangeTo[range] <= point) range = rangeNext[range]
      if (rangeFrom[range] > point) continue
      crossed |= clobberMask[k]
      if ((possible & ~crossed) === 0) break
    }
    return crossed
  }

  /** By register: the first clobber of it that the interval meets. */
  #findClobbers(interval: number): void {
    const live = this.#live
    const clobbered = this.#clobbered
    clobbered.fill(NEVER)
    const { rangeFrom, rangeTo, rangeNext, clobberPoint, clobberMask } = live
    const end = live.end[interval]
    let wanted = live.clobberUnion
    let range = live.firstRange[interval]
    for (let k = this.#clobber; k >= 0 && wanted !== 0; k--) {
      const point = clobberPoint[k] + 1
      if (point >= end) break
      while (rangeTo[range] <= point) range = rangeNext[range]
      if (rangeFrom[range] > point) continue
      for (let rest = clobberMask[k] & wanted; rest !== 0; rest &= rest - 1) {
        clobbered[31 - Math.clz32(rest & -rest)] = point
      }
      wanted &= ~clobberMask[k]
    }
  }

  /** The first point that the interval and the ranges of the register have in common, or NEVER. */
  #conflictOf(interval: number, register: number): number {
    const { firstRange, rangeFrom, rangeTo, rangeNext } = this.#live
    const busyNext = this.#busyNext
    const position = this.#position
    let busy = this.#busy[register]
    if (busy < 0) return NEVER
    if (rangeTo[busy] <= position) {
      do {
        busy = busyNext[busy]
      } while (busy >= 0 && rangeTo[busy] <= position)
      this.#busy[register] = busy
      if (busy < 0) return NEVER
    }
    let range = firstRange[interval]
    for (;;) {
      if (rangeTo[range] <= rangeFrom[busy]) {
        range = rangeNext[range]
        if (range < 0) return NEVER
      } else if (rangeTo[busy] <= rangeFrom[range]) {
        busy = busyNext[busy]
        if (busy < 0) return NEVER
      } else return rangeFrom[range] > rangeFrom[busy] ? rangeFrom[range] : rangeFrom[busy]
    }
  }

  /** The same, as if `occupant` were not there. */
  #conflictBeside(interval: number, register: number, occupant: number): number {
    const { firstRange, rangeFrom, rangeTo, rangeNext } = this.#live
    let busy = this.#busy[register]
    let range = firstRange[interval]
    while (busy >= 0 && range >= 0) {
      if (rangeTo[range] <= rangeFrom[busy]) range = rangeNext[range]
      else if (this.#owner[busy] === occupant || rangeTo[busy] <= rangeFrom[range]) busy = this.#busyNext[busy]
      else return rangeFrom[range] > rangeFrom[busy] ? rangeFrom[range] : rangeFrom[busy]
    }
    return NEVER
  }

  /** A hinted register that is free for the whole interval, or -1. */
  #hinted(interval: number, free: number): number {
    const live = this.#live
    const { hintAfter, hintBefore, location } = live
    const root = this.root[interval]
    let register = NONE
    let hint = hintAfter[root]
    for (let step = 0; step < HINT_STEPS && hint !== NONE; step++) {
      if (hint <= HINT_REGISTER) {
        register = HINT_REGISTER - hint
        break
      }
      if (location[hint] !== NONE && location[hint] < SLOT) {
        register = location[hint]
        break
      }
      const other = hintBefore[hint]
      if (other >= 0 && other !== root && location[other] !== NONE && location[other] < SLOT) {
        register = location[other]
        break
      }
      hint = hintAfter[hint]
    }
    if (
      register >= 0 &&
      register < REGISTER_COUNT &&
      ((free >>> register) & 1) !== 0 &&
      this.#conflictOf(interval, register) === NEVER
    ) {
      return register
    }
    // What comes before the first piece; a later one comes out of its own slot or from a register that is taken.
    if (interval !== root) return NONE
    const before = hintBefore[root]
    if (before === NONE) return NONE
    if (before <= HINT_REGISTER) register = HINT_REGISTER - before
    else {
      let last = before
      for (let step = 0; step < HINT_STEPS && this.next[last] >= 0; step++) last = this.next[last]
      register = location[last]
    }
    const usable =
      register >= 0 &&
      register < REGISTER_COUNT &&
      ((free >>> register) & 1) !== 0 &&
      this.#conflictOf(interval, register) === NEVER
    return usable ? register : NONE
  }

  /** The record that the start of an interval belongs to. Pieces in question here start at one. */
  #recordOf(interval: number, start: number): number {
    return this.root[interval] === interval ? this.#live.usePoint[this.#live.firstUse[interval]] : start
  }

  /** Up to where it must be in a register at its start; `start`, if it need not. */
  #needUntil(interval: number, start: number): number {
    const { firstUse, usePoint, useNext, useWord, end } = this.#live
    const usesEnd = this.usesEnd[interval]
    let use = firstUse[interval]
    if (use === usesEnd) return start
    if (this.root[interval] === interval) {
      if ((useWord[use] & USE_REGISTER) === 0) return start
      const after = this.#after(usePoint[use])
      return after < end[interval] ? after : end[interval]
    }
    let flags = 0
    for (; use !== usesEnd && usePoint[use] === start; use = useNext[use]) flags |= useWord[use]
    // Operands of one record that name one virtual register stay together: read in a register and late means both.
    if ((flags & USE_REGISTER) === 0) return start
    return (flags & USE_LATE) !== 0 ? start + 2 : start + 1
  }

  /** The point of the record behind the one at `point`. */
  #after(point: number): number {
    return point + ((this.#live.code[point >> 1] >>> RECORD_WORDS_SHIFT) << 1)
  }

  /** Where the first record that reads it from `start` on has done so, or NEVER. */
  #firstReadEnd(interval: number, start: number): number {
    const { firstUse, usePoint, useNext, useWord } = this.#live
    const usesEnd = this.usesEnd[interval]
    let use = firstUse[interval]
    if (use !== usesEnd && (useWord[use] & USE_DEF) !== 0) use = useNext[use]
    if (use === usesEnd) return NEVER
    const point = usePoint[use]
    let flags = 0
    for (; use !== usesEnd && usePoint[use] === point; use = useNext[use]) flags |= useWord[use]
    return (flags & USE_LATE) !== 0 ? point + 2 : point + 1
  }

  #weightOf(interval: number): number {
    const { firstUse, useSum } = this.#live
    const first = firstUse[interval]
    const end = this.usesEnd[interval]
    if (first === end) return 0
    return end < 0 ? useSum[first] : useSum[first] - useSum[end]
  }

  #costOf(interval: number): number {
    return this.#weightOf(interval) / (this.#live.end[interval] - this.#startOf(interval) + LENGTH_BIAS)
  }

  /**
   * Whether an interval in a register must be there at `position`, which belongs to `record`. Moves its cursor to the
   * record.
   */
  #isPinned(interval: number, record: number, position: number): boolean {
    const { usePoint, useNext, useWord } = this.#live
    const usesEnd = this.usesEnd[interval]
    let use = this.#cursor[interval]
    if (use !== usesEnd && usePoint[use] < record) {
      let last = 0
      do {
        last = usePoint[use]
        use = useNext[use]
      } while (use !== usesEnd && usePoint[use] < record)
      this.#cursor[interval] = use
      this.#lastUse[interval] = last
    }
    let flags = 0
    for (; use !== usesEnd && usePoint[use] === record; use = useNext[use]) flags |= useWord[use]
    this.#flagsHere = flags
    if ((flags & USE_REGISTER) === 0) return false
    return (flags & USE_DEF) !== 0 || record + ((flags & USE_LATE) !== 0 ? 2 : 1) > position
  }

  /** The block of a point. */
  blockOf(point: number): number {
    const blockStart = this.#live.blockStart
    let low = 0
    let high = this.#live.flow.count - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (blockStart[middle] <= point) low = middle
      else high = middle - 1
    }
    return low
  }

  /** The start of the outermost loop that holds `point` and starts behind `after`; else the point itself. */
  #hoist(point: number, after: number): number {
    const { flow, blockStart } = this.#live
    let place = point
    for (let loop = flow.innermost[this.blockOf(point)]; loop >= 0; loop = flow.enclosing[loop]) {
      if (blockStart[loop] <= after) break
      place = blockStart[loop]
    }
    return place
  }

  // Decisions carried out.

  #commit(interval: number, register: number): void {
    const { rangeFrom, rangeNext, firstRange, location } = this.#live
    const busyNext = this.#busyNext
    const owner = this.#owner
    location[interval] = register
    this.usedRegisters |= 1 << register
    this.#cursor[interval] = this.#live.firstUse[interval]
    this.#lastUse[interval] = 0
    let previous = NONE
    let busy = this.#busy[register]
    for (let range = firstRange[interval]; range >= 0; range = rangeNext[range]) {
      const from = rangeFrom[range]
      while (busy >= 0 && rangeFrom[busy] < from) {
        previous = busy
        busy = busyNext[busy]
      }
      if (previous < 0) this.#busy[register] = range
      else busyNext[previous] = range
      busyNext[range] = busy
      owner[range] = interval
      previous = range
    }
  }

  /** Gives a register up to a point, or less; what is behind comes back later, or goes to the slot. */
  #commitUntil(interval: number, register: number, until: number): void {
    const { firstUse, usePoint, useNext, useWord } = this.#live
    const usesEnd = this.usesEnd[interval]
    // The conflict is at p+1 with a clobber, and otherwise at the start of a block or of a piece.
    const record = until & ~1
    let last = this.#position
    let use = firstUse[interval]
    for (; use !== usesEnd && usePoint[use] < record; use = useNext[use]) last = usePoint[use]
    let flags = 0
    if (record !== until) for (; use !== usesEnd && usePoint[use] === record; use = useNext[use]) flags |= useWord[use]
    if (flags !== 0 && (flags & USE_LATE) === 0) {
      // Read by the record that clobbers: here, and behind it from the slot.
      const rest = this.#splitAt(interval, until)
      this.#commit(interval, register)
      this.#toSlot(rest)
      return
    }
    const need = this.#needUntil(interval, this.#position)
    const rest = this.#splitAt(interval, this.#hoist(record, need > last + 1 ? need - 1 : last))
    this.#commit(interval, register)
    this.#push(rest)
  }

  /** Takes the register from an interval, from the current position on or from before a loop that does not use it. */
  #evict(interval: number, register: number, record: number, flags: number): void {
    const position = this.#position
    const start = this.#startOf(interval)
    let from = position
    // A definition of this record that need not be in a register can be in its slot from the beginning.
    if ((flags & USE_DEF) !== 0) from = start
    // Read by this record: what is behind it needs no move. But where it is yet to be read it must stay to be read.
    else {
      const isLate = (flags & USE_LATE) !== 0 && position < record + 2
      if (flags === 0 || record === position || isLate) {
        const last = this.#lastUse[interval]
        from = this.#hoist(isLate ? record : position, last > start ? last : start)
      }
    }
    const rest = from > start ? this.#splitAt(interval, from) : interval
    const rangeFrom = this.#live.rangeFrom
    const busyNext = this.#busyNext
    const owner = this.#owner
    let previous = NONE
    for (let busy = this.#busy[register]; busy >= 0; busy = busyNext[busy]) {
      if (owner[busy] === interval && rangeFrom[busy] >= from) {
        if (previous < 0) this.#busy[register] = busyNext[busy]
        else busyNext[previous] = busyNext[busy]
      } else previous = busy
    }
    this.#toSlot(rest)
  }

  /** Into the slot, up to the next use that must be in a register. */
  #toSlot(interval: number): void {
    const live = this.#live
    live.location[interval] = SLOT
    const root = this.root[interval]
    if (this.spilled[root] === 0) {
      this.spilled[root] = 1
      this.spilledCount++
    }
    const { usePoint, useNext, useWord } = live
    const usesEnd = this.usesEnd[interval]
    let use = live.firstUse[interval]
    while (use !== usesEnd && (useWord[use] & USE_REGISTER) === 0) use = useNext[use]
    if (use === usesEnd) return
    const start = this.#startOf(interval)
    const point = usePoint[use]
    this.#push(this.#splitAt(interval, this.#hoist(point, start > this.#position ? start : this.#position)))
  }

  /** Cuts off what is from `point` on, and returns it. */
  #splitAt(interval: number, point: number): number {
    const live = this.#live
    const piece = live.intervalCount++
    if (piece === live.firstRange.length) live.growIntervals()
    if (piece >= this.next.length) this.#growIntervals()
    const root = this.root[interval]
    if (this.next[root] === NONE) {
      if (this.splitCount === this.split.length) this.split = growInt32(this.split)
      this.split[this.splitCount++] = root
    }
    this.root[piece] = root
    this.next[piece] = this.next[interval]
    this.next[interval] = piece
    live.intervalClass[piece] = live.intervalClass[interval]
    live.location[piece] = NONE

    let previous = NONE
    let range = live.firstRange[interval]
    while (live.rangeTo[range] <= point) {
      previous = range
      range = live.rangeNext[range]
    }
    live.end[piece] = live.end[interval]
    if (live.rangeFrom[range] < point) {
      const part = live.rangeCount++
      if (part === live.rangeFrom.length) live.growRanges()
      if (part >= this.#busyNext.length) this.#growRanges()
      live.rangeFrom[part] = point
      live.rangeTo[part] = live.rangeTo[range]
      live.rangeNext[part] = live.rangeNext[range]
      live.rangeTo[range] = point
      live.rangeNext[range] = NONE
      live.end[interval] = point
      live.firstRange[piece] = part
    } else {
      live.end[interval] = live.rangeTo[previous]
      live.rangeNext[previous] = NONE
      live.firstRange[piece] = range
    }

    const usesEnd = this.usesEnd[interval]
    let use = live.firstUse[interval]
    while (use !== usesEnd && live.usePoint[use] < point) use = live.useNext[use]
    live.firstUse[piece] = use
    this.usesEnd[piece] = usesEnd
    this.usesEnd[interval] = use
    return piece
  }

  // The heap of pieces, by start.

  #push(interval: number): void {
    const start = this.#startOf(interval)
    let at = this.#heapLength++
    if (at === this.#heap.length) this.#heap = growInt32(this.#heap)
    const heap = this.#heap
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.#startOf(heap[parent]) <= start) break
      heap[at] = heap[parent]
      at = parent
    }
    heap[at] = interval
  }

  #pop(): number {
    const heap = this.#heap
    const top = heap[0]
    const length = --this.#heapLength
    const last = heap[length]
    const start = this.#startOf(last)
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= length) break
      if (child + 1 < length && this.#startOf(heap[child + 1]) < this.#startOf(heap[child])) child++
      if (this.#startOf(heap[child]) >= start) break
      heap[at] = heap[child]
      at = child
    }
    heap[at] = last
    return top
  }

  #growIntervals(): void {
    const length = this.#live.firstRange.length
    this.next = growInt32(this.next, length)
    this.root = growInt32(this.root, length)
    this.usesEnd = growInt32(this.usesEnd, length)
    this.slot = growInt32(this.slot, length)
    this.#cursor = growInt32(this.#cursor, length)
    this.#lastUse = growInt32(this.#lastUse, length)
    const spilled = new Uint8Array(this.next.length)
    spilled.set(this.spilled)
    this.spilled = spilled
  }

  #growRanges(): void {
    this.#busyNext = growInt32(this.#busyNext, this.#live.rangeFrom.length)
    this.#owner = growInt32(this.#owner, this.#live.rangeFrom.length)
  }
}

function maskOf(registers: Int32Array): number {
  let mask = 0
  for (let k = 0; k < registers.length; k++) mask |= 1 << registers[k]
  return mask
}
