/**
 * One function with all its parts, followed from its entries along every path until nothing new is learnt.
 *
 * A state is kept for every place where paths may meet, and behind every call. Where a path arrives with a state that contradicts the
 * row there, and others arrive that agree, the contradiction is reported and the path's state is not joined, so that one
 * wrong row does not make the rest of the function unknown. A path that only may exist (behind a call of which nobody says
 * whether it returns, or through a jump table of unknown length) is not followed where it contradicts the row. Nor is a jump
 * to the begin of a part of a function, if others agree with the row there: compilers leave out what cannot be reached, and
 * the jump to it goes to whatever comes next, which may be another function's part.
 */

import { RETURN_ADDRESS, RSP, type UnwindRow } from '@framewright/frame-layout'
import { checkRow, isRight, type Outcome } from './check.ts'
import type { Convention } from './convention.ts'
import type { CodeReader } from './decode.ts'
import { evaluate } from './expression.ts'
import { type Image, type PlacedRange, rowOf } from './image.ts'
import type { LandingPad, VerifyInput } from './input.ts'
import { Flow, type Instruction } from './instruction.ts'
import { readTable, tableOfJump } from './jump-table.ts'
import type { FindingProblem } from './report.ts'
import { FrameState } from './state.ts'
import { afterCall, refine, step } from './step.ts'
import { CFA, entryValue, FOREIGN, isKnown, makeValue, moved, Symbols, UNKNOWN, type Value } from './value.ts'

/** DW_OP_deref. */
const DEREFERENCE = '06'

/** Who is told what was found; offsets are addresses here. */
export interface FlowReport {
  checked(address: number, outcome: Outcome, leader: number, assumed: boolean): void
  /** Control goes on behind the instruction, and nothing is said of what stands there. */
  ranOut(address: number, leader: number): void
  /** A path arrives with a state that the row contradicts, while others do not. */
  arrived(address: number, problems: readonly FindingProblem[], from: number): void
}

/** Whether control takes a path at all. */
const Doubt = {
  none: 0,
  /** Unless the row at its end contradicts. */
  possible: 1,
  /** If the row at its end agrees. */
  unlikely: 2,
} as const
type Doubt = (typeof Doubt)[keyof typeof Doubt]

interface Rejected {
  readonly state: FrameState
  readonly from: number
}

export class UnitFlow {
  /** By leader: the leader of the block that the first path to it came from; itself for entries. */
  readonly parents: Map<number, number> = new Map()
  /** Parts of functions that jump tables lead to and that are not among the members: they belong to the same function. */
  readonly strangers: Set<PlacedRange> = new Set()
  /** The instructions of a range one after the other, as far as they are some. */
  readonly sweeps: Map<PlacedRange, Instruction[]> = new Map()
  readonly #image: Image
  readonly #members: ReadonlySet<PlacedRange>
  readonly #input: VerifyInput
  readonly #reader: CodeReader
  readonly #symbols: Symbols = new Symbols()
  readonly #instructions: Map<number, Instruction | null> = new Map()
  readonly #leaders: Set<number> = new Set()
  readonly #states: Map<number, FrameState> = new Map()
  readonly #rejected: Map<number, Rejected> = new Map()
  /** Where a path arrived that agrees with the row. */
  readonly #agreed: Set<number> = new Set()
  readonly #work: number[] = []
  readonly #waiting: Set<number> = new Set()
  /** By instruction: the leader of the block that it was seen in. */
  readonly #seen: Map<number, number> = new Map()
  /** Tables that were found, and where they end. */
  readonly #tables: Map<number, number> = new Map()
  readonly #named: ReadonlySet<number>
  readonly #pads: readonly LandingPad[]
  #report: FlowReport | null = null

  constructor(
    image: Image,
    members: readonly PlacedRange[],
    input: VerifyInput,
    reader: CodeReader,
    named: ReadonlySet<number>,
  ) {
    this.#named = named
    this.#image = image
    this.#members = new Set(members)
    this.#input = input
    this.#reader = reader
    this.#pads = members.flatMap(({ range }) => range.landingPads ?? [])
    for (const member of members) this.#sweep(member)
    for (const { address } of this.#pads) this.#leaders.add(address)
  }

  /** Whether an instruction was reached. */
  reached(address: number): boolean {
    return this.#seen.has(address)
  }

  /** Whether an address lies in a jump table, which may stand among the instructions. */
  isTable(address: number): boolean {
    for (const [begin, end] of this.#tables) if (address >= begin && address < end) return true
    return false
  }

  /** @param entries - where calls come in. */
  run(entries: Iterable<number>): void {
    for (const address of entries) {
      this.#leaders.add(address)
      this.#arrive(
        address,
        address,
        FrameState.entry((offset) => makeValue(CFA, offset)),
        Doubt.none,
      )
    }
    this.#settle()
    for (const member of this.#members) {
      const sweep = this.sweeps.get(member)!
      if (sweep.some(({ address }) => this.#seen.has(address))) continue
      const row = rowOf(member.range, 0)
      const state = row === null ? null : this.#assume(row, member.begin)
      if (state === null) continue
      this.#leaders.add(member.begin)
      this.#arrive(member.begin, member.begin, state, Doubt.none)
      this.#settle()
    }
  }

  /** Goes over everything once more and says what holds. */
  report(to: FlowReport): void {
    this.#report = to
    for (const leader of [...this.#states.keys()].sort((a, b) => a - b)) this.#walk(leader)
    this.#report = null
  }

  #settle(): void {
    for (;;) {
      for (let leader = this.#work.shift(); leader !== undefined; leader = this.#work.shift()) {
        this.#waiting.delete(leader)
        this.#walk(leader)
      }
      // Nobody agrees with the row there: go on with one of those that do not.
      let first = Number.POSITIVE_INFINITY
      for (const address of this.#rejected.keys()) {
        if (!this.#states.has(address) && address < first) first = address
      }
      const rejected = this.#rejected.get(first)
      if (rejected === undefined) return
      this.#join(first, rejected.from, rejected.state)
    }
  }

  /** Follows one block. */
  #walk(leader: number): void {
    const state = this.#states.get(leader)!.clone()
    const convention = this.#conventionAt(leader)
    for (let address = leader; ; ) {
      const at = this.#instruction(address)
      if (at === null) {
        this.#report?.checked(address, { problems: [], undecided: 'no-instruction' }, leader, state.assumed)
        return
      }
      const row = this.#rowAt(address)
      if (this.#report === null) this.#seen.set(address, leader)
      else {
        const outcome: Outcome =
          row === null ? { problems: [], undecided: 'no-row' } : checkRow(row, state, convention, address)
        this.#report.checked(address, outcome, leader, state.assumed)
      }
      if (!at.isFiller) state.onlyPossible = false
      const next = address + at.length
      if (this.#pads.length > 0) this.#land(at, leader, state, row, convention)
      const jumped = tableOfJump(at, state, this.#symbols)
      step(at, state, this.#symbols, convention, at.flow === Flow.call ? this.#instruction(next) : null)
      switch (at.flow) {
        case Flow.next:
        case Flow.system:
          if (this.#leaders.has(next)) {
            this.#arrive(next, leader, state, state.onlyPossible ? Doubt.possible : Doubt.none)
            return
          }
          break
        case Flow.jump:
          this.#arrive(at.target, leader, state, Doubt.none)
          return
        case Flow.branch: {
          const taken = state.clone()
          if (refine(taken, at.condition, true)) this.#arrive(at.target, leader, taken, Doubt.none)
          if (refine(state, at.condition, false)) this.#arrive(next, leader, state, Doubt.none)
          return
        }
        case Flow.call:
        case Flow.indirectCall: {
          const target = at.flow === Flow.call ? at.target : null
          const returns = target === next ? true : this.#input.returns?.(target, address)
          if (returns !== false) this.#arrive(next, leader, state, returns === true ? Doubt.none : Doubt.possible)
          return
        }
        case Flow.interrupt:
          if (!at.isFiller) this.#arrive(next, leader, state, Doubt.possible)
          return
        case Flow.indirectJump:
          if (jumped !== null) {
            const { targets, exact, end } = readTable(
              jumped,
              (place, bytes) => this.#input.readNumber?.(place, bytes),
              (place) => this.#isTarget(place),
              (place) => this.#tables.has(place) || this.#named.has(place),
            )
            this.#tables.set(jumped.table, end)
            // Behind the end of a table of unknown length may stand what looks like another entry of it.
            const doubt = exact ? Doubt.none : this.#isRight(address, state) ? Doubt.unlikely : Doubt.possible
            for (const target of targets) this.#arrive(target, leader, state, doubt)
          } else if (at.memory?.ripRelative === true) {
            // Linkage that is resolved on the first call: until then the pointer leads back to the stub.
            const target = this.#input.readNumber?.(at.memory.displacement, 8)
            if (target !== undefined && this.#isTarget(target)) this.#arrive(target, leader, state, Doubt.possible)
          }
          return
        case Flow.end:
          return
      }
      if (this.#memberAt(next) === null) {
        // What follows may be another function that this one runs into; or nothing that is described.
        if (at.flow === Flow.next && !state.onlyPossible && this.#image.indexAt(next) < 0)
          this.#report?.ranOut(address, leader)
        return
      }
      address = next
    }
  }

  /** Unwinding may resume behind a call, or a fault: registers that calls preserve are as they were, and SP is. */
  #land(at: Instruction, leader: number, state: FrameState, row: UnwindRow | null, convention: Convention): void {
    const isCall = at.flow === Flow.call || at.flow === Flow.indirectCall
    for (const { begin, end, address, anywhere } of this.#pads) {
      if (at.address < begin || at.address >= end || !(isCall || anywhere === true)) continue
      const landed = state.clone()
      afterCall(landed, convention, false)
      // libgcc removes arguments that were pushed for the call.
      if (row !== null && row.argumentBytes !== 0) landed.set(RSP, moved(landed.registers[RSP]!, row.argumentBytes))
      this.#arrive(address, leader, landed, Doubt.none)
    }
  }

  /** A path comes to an address. */
  #arrive(address: number, from: number, state: FrameState, doubt: Doubt): void {
    const member = this.#memberAt(address)
    if (member === null) return
    const source = this.#memberAt(from)
    // A jump to another function: what holds there does not depend on who jumps.
    if (member.isFunction && address === member.begin && source !== member && from !== address) return
    const row = this.#rowAt(address)
    const outcome = row === null ? null : checkRow(row, state, this.#conventionAt(address), address)
    const contradicts = outcome !== null && outcome.problems.length > 0
    if (this.#report !== null) {
      const mayBeEnd = this.#agreed.has(address) && this.#image.isPart(address)
      if (contradicts && doubt === Doubt.none && !mayBeEnd) this.#report.arrived(address, outcome.problems, from)
      return
    }
    if (doubt === Doubt.unlikely && outcome !== null && !isRight(outcome)) return
    this.#leaders.add(address)
    state.onlyPossible = doubt !== Doubt.none
    if (!contradicts) {
      this.#agreed.add(address)
      this.#join(address, from, state)
    } else if (doubt === Doubt.none && !this.#rejected.has(address))
      this.#rejected.set(address, { state: state.clone(), from })
  }

  #join(address: number, from: number, state: FrameState): void {
    const known = this.#states.get(address)
    if (known === undefined) {
      this.#states.set(address, state.clone())
      this.parents.set(address, from)
      // A block that ran through here ends here from now on.
      const block = this.#seen.get(address)
      if (block !== undefined && block !== address) this.#enqueue(block)
    } else if (!known.join(state)) return
    this.#enqueue(address)
  }

  #enqueue(leader: number): void {
    if (this.#waiting.has(leader)) return
    this.#waiting.add(leader)
    this.#work.push(leader)
  }

  /** A state in which everything that a row says is so; null where the row does not say enough. */
  #assume(row: UnwindRow, address: number): FrameState | null {
    const state = FrameState.entry((offset) => makeValue(CFA, offset))
    const { cfa, registers } = row
    state.assumed = true
    state.slots.clear()
    const sp = makeValue(this.#symbols.stack(-address), 0)
    state.registers[RSP] = sp
    if (cfa.rule === 'register') state.registers[cfa.register] = makeValue(CFA, -cfa.offset)
    else if (cfa.rule === 'memory') {
      if (cfa.register !== RSP) state.registers[cfa.register] = makeValue(this.#symbols.stack(-address - 0.5), 0)
      state.slots.set(moved(state.registers[cfa.register]!, cfa.offset), makeValue(CFA, -cfa.add))
    } else {
      // What lies at an address that is computed from SP, as where the system has pushed the interrupted registers.
      if (!cfa.expression.endsWith(DEREFERENCE)) return null
      const place = evaluate(cfa.expression.slice(0, -DEREFERENCE.length), [], state, address)
      if (!isKnown(place)) return null
      state.slots.set(place, makeValue(CFA, 0))
    }
    for (const [register, rule] of registers) {
      const value = entryValue(register)
      let place: Value = UNKNOWN
      if (rule.rule === 'cfa-offset') place = makeValue(CFA, rule.offset)
      else if (rule.rule === 'memory') place = moved(state.registers[rule.register]!, rule.offset)
      else if (rule.rule === 'expression') place = evaluate(rule.expression, [makeValue(CFA, 0)], state, address)
      else if (rule.rule === 'register') state.registers[rule.register] = value
      if (isKnown(place)) state.slots.set(place, register === RSP ? makeValue(CFA, 0) : value)
      const isBase = register === RSP || (cfa.rule !== 'expression' && cfa.register === register)
      if (rule.rule !== 'unchanged' && register < RETURN_ADDRESS && !isBase) state.registers[register] = FOREIGN
    }
    return state
  }

  #sweep(member: PlacedRange): void {
    const { range, begin, end } = member
    this.#reader.open(range.code, begin)
    const sweep: Instruction[] = []
    for (let address = begin; address < end; ) {
      const at = this.#reader.read(address)
      this.#instructions.set(address, at)
      if (at === null) {
        address++
        continue
      }
      sweep.push(at)
      address += at.length
      if (at.target >= 0 && at.flow !== Flow.call) this.#leaders.add(at.target)
      if (at.flow !== Flow.next) this.#leaders.add(address)
    }
    this.sweeps.set(member, sweep)
  }

  /** Also in the middle of another one: old code jumps over a `lock` prefix. */
  #instruction(address: number): Instruction | null {
    const known = this.#instructions.get(address)
    if (known !== undefined) return known
    const member = this.#memberAt(address)
    let read: Instruction | null = null
    if (member !== null) {
      this.#reader.open(member.range.code, member.begin)
      read = this.#reader.read(address)
    }
    this.#instructions.set(address, read)
    return read
  }

  #isTarget(address: number): boolean {
    const known = this.#instructions.get(address)
    if (known !== undefined) return known !== null
    if (!this.#image.isPart(address) || this.#memberAt(address) !== null) return false
    this.strangers.add(this.#image.ranges[this.#image.indexAt(address)]!)
    return true
  }

  #memberAt(address: number): PlacedRange | null {
    const index = this.#image.indexAt(address)
    if (index < 0) return null
    const range = this.#image.ranges[index]!
    return this.#members.has(range) ? range : null
  }

  #rowAt(address: number): UnwindRow | null {
    const member = this.#memberAt(address)
    return member === null ? null : rowOf(member.range, address - member.begin)
  }

  #isRight(address: number, state: FrameState): boolean {
    const row = this.#rowAt(address)
    return row !== null && isRight(checkRow(row, state, this.#conventionAt(address), address))
  }

  #conventionAt(address: number): Convention {
    return this.#memberAt(address)?.range.convention ?? this.#input.convention
  }
}
