// Proves that an allocation does what the words before it say, without knowing how it was made.
//
// The state at a point says for every location which virtual registers' values it holds for certain: a set, since a
// copy makes two names for one value. Where paths meet, a location holds what it holds on all of them. A definition
// takes its virtual register out of every other location, for those hold the value of an earlier round of the loop.
// States only ever lose names, so that repeating until nothing changes ends. Then every input of every record must be
// found in the place that its operand names.
//
// A record is executed as the emitter does it:
//
//   moves of groups 0, 1 and 2, each group one parallel move
//   at a jump: its arguments into the parameters, and the moves of group 3, all in one parallel move
//   early results are written
//   inputs are read, but for late ones; fixed inputs are copied to their registers in one parallel move
//   the other results are written, and what is clobbered is lost
//   late inputs are read
//   fixed results stand in their registers, and are copied to their locations in one parallel move
import {
  type BlockGraph,
  CONSTRAINT_FIXED,
  CONSTRAINT_REGISTER,
  LOCATION_NOWHERE,
  LOCATION_SLOT,
  MOVE_BLOCK_START,
  MOVE_JUMP,
  OPERAND_CONST,
  OPERAND_DEF,
  OPERAND_EARLY,
  OPERAND_LATE,
  OPERAND_VREG_MASK,
  RECORD_HEADER_WORDS,
  RECORD_OPERANDS_MASK,
  RECORD_OPERANDS_SHIFT,
  RECORD_WORDS_SHIFT,
  REGISTER_COUNT,
  type RegisterEnvironment,
} from './interface.ts'

/** A function as it was given to the allocator. */
export interface AllocationInput {
  readonly environment: RegisterEnvironment
  readonly graph: BlockGraph
  /** The words as they were before: make a copy. */
  readonly code: Int32Array
  /** By block: the point of its first record, and the point just past its last. */
  readonly blockStart: ArrayLike<number>
  readonly blockEnd: ArrayLike<number>
  /** By virtual register: its class. */
  readonly classes: ArrayLike<number>
  readonly clobbers: readonly { readonly point: number; readonly mask: number }[]
}

/** What came out: an `Allocator` after `allocate`, and the words. */
export interface AllocationOutput {
  readonly code: Int32Array
  readonly usedRegisters: number
  readonly slotCount: number
  readonly moveCount: number
  readonly movePoint: ArrayLike<number>
  readonly moveGroup: ArrayLike<number>
  readonly moveFrom: ArrayLike<number>
  readonly moveTo: ArrayLike<number>
}

/** What a checked allocation does wrong, and where. */
export interface AllocationMistake {
  readonly code:
    | 'wrong-value' // an input's location does not hold its value
    | 'overwritten' // a late input's location does not hold its value any more when it is read
    | 'not-allowed' // a location that the operand's class or constraint does not allow
    | 'shared' // two results of one record in one place, or a result in a clobbered register
    | 'bad-move' // out of order, at no fitting place, or two to one location
    | 'word-changed' // something other than the low 20 bits of an operand
    | 'not-reported' // a register or slot that `usedRegisters` or `slotCount` leaves out
  readonly point: number
  readonly vreg: number
  readonly location: number
}

/** Location to the virtual registers whose values it holds. */
type State = Map<number, ReadonlySet<number>>

const NOTHING: ReadonlySet<number> = new Set()

/**
 * Checks an allocation.
 *
 * @returns every mistake found; none means that each input of each record finds its value, on every path.
 */
export function checkAllocation(input: AllocationInput, output: AllocationOutput): AllocationMistake[] {
  return new Checker(input, output).check()
}

interface Operand {
  readonly vreg: number
  readonly location: number
  readonly constraint: number
  readonly fixed: number
  readonly def: boolean
  readonly early: boolean
  readonly late: boolean
  readonly constant: boolean
}

interface Copy {
  /** -1: a constant. */
  readonly from: number
  readonly to: number
  /** The virtual register that this defines, or -1. */
  readonly defines: number
}

class Checker {
  readonly #input: AllocationInput
  readonly #output: AllocationOutput
  readonly #mistakes: AllocationMistake[] = []
  readonly #predecessors: number[][] = []
  readonly #clobbers: Map<number, number> = new Map()
  readonly #allowed: readonly [number, number]
  /** Moves by point and group. */
  readonly #moves: Map<string, Copy[]> = new Map()
  #reporting = false

  constructor(input: AllocationInput, output: AllocationOutput) {
    this.#input = input
    this.#output = output
    this.#allowed = [maskOf(input.environment.order[0]), maskOf(input.environment.order[1])]
    for (const { point, mask } of input.clobbers) this.#clobbers.set(point, (this.#clobbers.get(point) ?? 0) | mask)
  }

  check(): AllocationMistake[] {
    const { graph } = this.#input
    this.#reporting = true
    this.#checkWords()
    this.#gatherMoves()
    this.#reporting = false
    for (let block = 0; block < graph.count; block++) this.#predecessors.push([])
    for (let block = 0; block < graph.count; block++) {
      for (const successor of this.#successors(block)) this.#predecessors[successor].push(block)
    }
    this.#checkMovePlaces()

    // What holds at the start of each block, before its moves. Undefined: not reached yet, hence anything.
    const atStart: (State | undefined)[] = Array.from({ length: graph.count }, () => undefined)
    atStart[0] = new Map()
    const work = [0]
    while (work.length > 0) {
      const block = work.pop()!
      const state = this.#walk(block, new Map(atStart[block]!))
      for (const successor of this.#successors(block)) {
        const met = meet(atStart[successor], state)
        if (met === atStart[successor]) continue
        atStart[successor] = met
        work.push(successor)
      }
    }
    this.#reporting = true
    for (let block = 0; block < graph.count; block++) {
      const start = atStart[block]
      if (start !== undefined) this.#walk(block, new Map(start))
    }
    return this.#mistakes
  }

  #report(code: AllocationMistake['code'], point: number, vreg: number, location: number): void {
    if (this.#reporting) this.#mistakes.push({ code, point, vreg, location })
  }

  #successors(block: number): number[] {
    const { successors, successorStart } = this.#input.graph
    return [...new Set(successors.subarray(successorStart[block], successorStart[block + 1]))]
  }

  /** Word indices of the records of a block. */
  #records(block: number): number[] {
    const records: number[] = []
    const end = this.#input.blockEnd[block] >> 1
    let record = this.#input.blockStart[block] >> 1
    while (record < end) {
      records.push(record)
      record += this.#input.code[record] >>> RECORD_WORDS_SHIFT
    }
    return records
  }

  #operands(record: number): Operand[] {
    const { code } = this.#input
    const count = (code[record] >>> RECORD_OPERANDS_SHIFT) & RECORD_OPERANDS_MASK
    return Array.from({ length: count }, (_, k) => {
      const word = code[record + RECORD_HEADER_WORDS + k]
      return {
        vreg: word & OPERAND_VREG_MASK,
        location: this.#output.code[record + RECORD_HEADER_WORDS + k] & OPERAND_VREG_MASK,
        constraint: (word >>> 20) & 3,
        fixed: (word >>> 22) & 31,
        def: (word & OPERAND_DEF) !== 0,
        early: (word & OPERAND_EARLY) !== 0,
        late: (word & OPERAND_LATE) !== 0,
        constant: (word & OPERAND_CONST) !== 0,
      }
    })
  }

  #takesArguments(block: number): boolean {
    return this.#predecessors[block].some((predecessor) => this.#jumpWithArguments(predecessor) !== null)
  }

  #jumpWithArguments(block: number): Operand[] | null {
    const { successorStart } = this.#input.graph
    if (successorStart[block + 1] - successorStart[block] !== 1) return null
    const operands = this.#operands(this.#records(block).at(-1)!)
    return operands.length > 0 ? operands : null
  }

  #checkWords(): void {
    const { code, graph } = this.#input
    const after = this.#output.code
    for (let block = 0; block < graph.count; block++) {
      for (const record of this.#records(block)) {
        const operands = this.#operands(record)
        const words = code[record] >>> RECORD_WORDS_SHIFT
        for (let k = 0; k < words; k++) {
          const operand = operands[k - RECORD_HEADER_WORDS]
          const mask = operand !== undefined && !operand.constant ? ~OPERAND_VREG_MASK : -1
          if ((code[record + k] & mask) !== (after[record + k] & mask)) {
            this.#report('word-changed', record * 2, operand?.vreg ?? -1, -1)
          }
        }
        for (const operand of operands) if (!operand.constant) this.#checkPlace(operand, record * 2)
      }
    }
  }

  /** Whether the location is one that the operand may have. */
  #checkPlace(operand: Operand, point: number): void {
    const { location, constraint, vreg, def } = operand
    const ofClass = this.#allowed[this.#input.classes[vreg] as 0 | 1]
    const isRegister = location < REGISTER_COUNT && ((ofClass >>> location) & 1) !== 0
    const isSlot = location >= LOCATION_SLOT
    // A fixed result that nothing reads may be left where it is, and a parameter that nothing reads may be dropped.
    const isSpecial =
      def && ((constraint === CONSTRAINT_FIXED && location === operand.fixed) || location === LOCATION_NOWHERE)
    if (constraint === CONSTRAINT_REGISTER ? !isRegister : !isRegister && !isSlot && !isSpecial) {
      this.#report('not-allowed', point, vreg, location)
    } else if (!isSpecial) this.#checkReported(location, point, vreg)
  }

  #checkReported(location: number, point: number, vreg: number): void {
    const reported =
      location < REGISTER_COUNT
        ? ((this.#output.usedRegisters >>> location) & 1) !== 0
        : location - LOCATION_SLOT < this.#output.slotCount
    if (!reported) this.#report('not-reported', point, vreg, location)
  }

  #gatherMoves(): void {
    const { moveCount, movePoint, moveGroup, moveFrom, moveTo } = this.#output
    for (let k = 0; k < moveCount; k++) {
      const point = movePoint[k]
      const group = moveGroup[k]
      const from = moveFrom[k]
      const to = moveTo[k]
      if (k > 0 && (movePoint[k - 1] > point || (movePoint[k - 1] === point && moveGroup[k - 1] > group))) {
        this.#report('bad-move', point, -1, to)
      }
      const key = `${point}:${group}`
      const copies = this.#moves.get(key) ?? []
      copies.push({ from, to, defines: -1 })
      this.#moves.set(key, copies)
      const oneClass = this.#allowed.some((mask) => isPlaceOf(mask, from) && isPlaceOf(mask, to))
      if (!oneClass) this.#report('bad-move', point, -1, to)
      else this.#checkReported(to, point, -1)
    }
  }

  /** Every move must be at a record, and edge moves where only that edge comes by. */
  #checkMovePlaces(): void {
    this.#reporting = true
    const { graph } = this.#input
    const unseen = new Set(this.#moves.keys())
    for (let block = 0; block < graph.count; block++) {
      const records = this.#records(block)
      for (const record of records) {
        unseen.delete(`${record * 2}:1`)
        unseen.delete(`${record * 2}:2`)
      }
      if (this.#predecessors[block].length === 1) unseen.delete(`${records[0] * 2}:${MOVE_BLOCK_START}`)
      const oneWay = graph.successorStart[block + 1] - graph.successorStart[block] === 1
      if (oneWay) unseen.delete(`${records.at(-1)! * 2}:${MOVE_JUMP}`)
    }
    for (const key of unseen) this.#report('bad-move', Number(key.split(':')[0]), -1, -1)
    this.#reporting = false
  }

  /** Executes a block. */
  #walk(block: number, state: State): State {
    const isEntered = block > 0 && this.#takesArguments(block)
    const records = this.#records(block)
    records.forEach((record, k) => {
      const point = record * 2
      for (let group = MOVE_BLOCK_START; group < MOVE_JUMP; group++) {
        this.#copy(state, this.#moves.get(`${point}:${group}`) ?? [], point)
      }
      if (k === 0 && isEntered) {
        // Parameters: the edges have written them.
        for (const { vreg, location } of this.#operands(record)) {
          if (location !== LOCATION_NOWHERE) this.#expect(state, vreg, location, point, 'wrong-value')
        }
        return
      }
      const isJump = k === records.length - 1 && this.#jumpWithArguments(block) !== null
      const copies = [...(this.#moves.get(`${point}:${MOVE_JUMP}`) ?? [])]
      if (isJump) copies.push(...this.#arguments(state, block, record))
      else this.#execute(state, record)
      this.#copy(state, copies, point)
    })
    return state
  }

  #arguments(state: State, block: number, record: number): Copy[] {
    const [target] = this.#successors(block)
    const parameters = this.#operands(this.#records(target)[0])
    const operands = this.#operands(record)
    if (operands.length !== parameters.length) this.#report('bad-move', record * 2, -1, -1)
    const copies: Copy[] = []
    operands.forEach((operand, k) => {
      const parameter = parameters[k]
      if (!operand.constant) this.#expect(state, operand.vreg, operand.location, record * 2, 'wrong-value')
      if (parameter === undefined || parameter.location === LOCATION_NOWHERE) return
      copies.push({
        from: operand.constant ? -1 : operand.location,
        to: parameter.location,
        defines: parameter.vreg,
      })
    })
    return copies
  }

  #execute(state: State, record: number): void {
    const point = record * 2
    const operands = this.#operands(record).filter((operand) => !operand.constant)
    const clobbered = this.#clobbers.get(point) ?? 0
    const results = operands.filter((operand) => operand.def && operand.constraint !== CONSTRAINT_FIXED)
    const inputs = operands.filter((operand) => !operand.def)
    const taken = new Set<number>()
    for (const { vreg, location } of results) {
      const isClobbered = location < REGISTER_COUNT && ((clobbered >>> location) & 1) !== 0
      if (location !== LOCATION_NOWHERE && (taken.has(location) || isClobbered)) {
        this.#report('shared', point, vreg, location)
      }
      taken.add(location)
    }

    for (const { vreg, location, early } of results) if (early) define(state, vreg, location)
    for (const { vreg, location, late } of inputs) {
      if (!late) this.#expect(state, vreg, location, point, 'wrong-value')
    }
    const fixedInputs = inputs.filter((operand) => operand.constraint === CONSTRAINT_FIXED)
    copyAll(
      state,
      fixedInputs.map(({ location, fixed }) => ({ from: location, to: fixed, defines: -1 })),
    )
    for (const { vreg, location, early } of results) if (!early) define(state, vreg, location)
    for (let register = 0; register < REGISTER_COUNT; register++) {
      if (((clobbered >>> register) & 1) !== 0) state.delete(register)
    }
    for (const { vreg, location, late } of inputs) if (late) this.#expect(state, vreg, location, point, 'overwritten')

    const fixedResults = operands.filter((operand) => operand.def && operand.constraint === CONSTRAINT_FIXED)
    for (const { vreg, fixed } of fixedResults) define(state, vreg, fixed)
    const copies = fixedResults
      .filter(({ location, fixed }) => location !== fixed && location !== LOCATION_NOWHERE)
      .map(({ location, fixed }) => ({ from: fixed, to: location, defines: -1 }))
    this.#copy(state, copies, point)
  }

  #expect(state: State, vreg: number, location: number, point: number, code: AllocationMistake['code']): void {
    if (!(state.get(location) ?? NOTHING).has(vreg)) this.#report(code, point, vreg, location)
  }

  #copy(state: State, copies: readonly Copy[], point: number): void {
    const targets = new Set<number>()
    for (const { to } of copies) {
      if (targets.has(to)) this.#report('bad-move', point, -1, to)
      targets.add(to)
    }
    copyAll(state, copies)
  }
}

/** One parallel move. */
function copyAll(state: State, copies: readonly Copy[]): void {
  const defined = new Set(copies.map((copy) => copy.defines))
  const values = copies.map(({ from, defines }) => {
    const value = new Set(
      [...(from >= 0 ? (state.get(from) ?? NOTHING) : NOTHING)].filter((vreg) => !defined.has(vreg)),
    )
    if (defines >= 0) value.add(defines)
    return value
  })
  // What is defined anew is no longer what other places hold under its name.
  for (const vreg of defined) if (vreg >= 0) forget(state, vreg)
  copies.forEach(({ to }, k) => {
    state.set(to, values[k])
  })
}

function define(state: State, vreg: number, location: number): void {
  forget(state, vreg)
  if (location !== LOCATION_NOWHERE) state.set(location, new Set([vreg]))
}

function forget(state: State, vreg: number): void {
  for (const [location, held] of state) {
    if (held.has(vreg)) state.set(location, new Set([...held].filter((other) => other !== vreg)))
  }
}

/** What holds on both paths; the first state itself if that is all of it. */
function meet(before: State | undefined, state: State): State {
  if (before === undefined) return new Map(state)
  let changed = false
  const met: State = new Map()
  for (const [location, held] of before) {
    const other = state.get(location) ?? NOTHING
    const both = new Set([...held].filter((vreg) => other.has(vreg)))
    if (both.size !== held.size) changed = true
    if (both.size > 0) met.set(location, both)
  }
  return changed ? met : before
}

function isPlaceOf(mask: number, location: number): boolean {
  return location >= LOCATION_SLOT || (location < REGISTER_COUNT && ((mask >>> location) & 1) !== 0)
}

function maskOf(registers: Int32Array): number {
  return registers.reduce((mask, register) => mask | (1 << register), 0)
}
