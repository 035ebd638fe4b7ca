// Runs a function twice side by side: with virtual registers, and with locations as the emitter would use them. It
// follows one random path and compares each value that is read. What the checker proves for all paths this shows for
// one, with numbers and without sets of names.
import type { AllocationOutput } from '../checker.ts'
import {
  CONSTRAINT_FIXED,
  LOCATION_NOWHERE,
  MOVE_JUMP,
  OPERAND_CONST,
  OPERAND_DEF,
  OPERAND_EARLY,
  OPERAND_LATE,
  OPERAND_VREG_MASK,
  RECORD_HEADER_WORDS,
  RECORD_OPERANDS_MASK,
  RECORD_OPERANDS_SHIFT,
} from '../interface.ts'
import type { Problem } from './problems.ts'
import { Random } from './random.ts'
import { recordsOf } from './run.ts'

/** An input that was not what it should be. */
export interface Difference {
  readonly point: number
  readonly vreg: number
  readonly location: number
}

interface Operand {
  readonly vreg: number
  readonly location: number
  readonly fixed: number
  readonly isFixed: boolean
  readonly def: boolean
  readonly early: boolean
  readonly late: boolean
  readonly constant: boolean
}

/** Runs up to `steps` blocks; null when every value read was the right one. */
export function simulate(problem: Problem, output: AllocationOutput, seed: number, steps: number): Difference | null {
  return new Simulation(problem, output, seed).run(steps)
}

class Simulation {
  readonly #problem: Problem
  readonly #output: AllocationOutput
  readonly #random: Random
  /** Each definition makes a number that nothing else has. */
  #made = 1
  readonly #values: Map<number, number> = new Map()
  readonly #places: Map<number, number> = new Map()
  #difference: Difference | null = null

  constructor(problem: Problem, output: AllocationOutput, seed: number) {
    this.#problem = problem
    this.#output = output
    this.#random = new Random(seed)
  }

  run(steps: number): Difference | null {
    const { graph, blockStart, blockEnd, code } = this.#problem
    let block = 0
    /** The jump that led here had arguments, so that the first record only names parameters. */
    let entered = false
    for (let step = 0; step < steps && this.#difference === null; step++) {
      const records = recordsOf(code, blockStart[block], blockEnd[block])
      const first = graph.successorStart[block]
      const ways = graph.successorStart[block + 1] - first
      const next = ways > 0 ? graph.successors[first + this.#random.below(ways)] : -1
      for (const record of records) {
        this.#move(record * 2, (group) => group < MOVE_JUMP)
        const operands = this.#operands(record)
        if (record === records.at(-1) && ways === 1) {
          this.#jump(record, operands, next)
          entered = operands.length > 0
        } else if (record === records[0] && entered) entered = false
        else this.#execute(record * 2, operands)
      }
      if (next < 0) break
      block = next
    }
    return this.#difference
  }

  #operands(record: number): Operand[] {
    const { code } = this.#problem
    const count = (code[record] >>> RECORD_OPERANDS_SHIFT) & RECORD_OPERANDS_MASK
    return Array.from({ length: count }, (_, k) => {
      const at = record + RECORD_HEADER_WORDS + k
      const word = code[at]
      return {
        vreg: word & OPERAND_VREG_MASK,
        location: this.#output.code[at] & OPERAND_VREG_MASK,
        fixed: (word >>> 22) & 31,
        isFixed: ((word >>> 20) & 3) === CONSTRAINT_FIXED,
        def: (word & OPERAND_DEF) !== 0,
        early: (word & OPERAND_EARLY) !== 0,
        late: (word & OPERAND_LATE) !== 0,
        constant: (word & OPERAND_CONST) !== 0,
      }
    })
  }

  #read({ vreg, location }: Operand, point: number): void {
    if (this.#values.get(vreg) !== this.#places.get(location)) this.#difference ??= { point, vreg, location }
  }

  #define({ vreg }: Operand, location: number): void {
    const value = this.#made++
    this.#values.set(vreg, value)
    this.#places.set(location, value)
  }

  #copy(copies: readonly (readonly [number | null, number])[]): void {
    const values = copies.map(([from]) => (from === null ? this.#made++ : this.#places.get(from)))
    copies.forEach(([, to], k) => {
      this.#places.set(to, values[k] ?? 0)
    })
  }

  #movesAt(point: number, group: number): [number, number][] {
    const { moveCount, movePoint, moveGroup, moveFrom, moveTo } = this.#output
    const moves: [number, number][] = []
    for (let k = 0; k < moveCount; k++) {
      if (movePoint[k] === point && moveGroup[k] === group) moves.push([moveFrom[k], moveTo[k]])
    }
    return moves
  }

  #move(point: number, wanted: (group: number) => boolean): void {
    for (let group = 0; group <= MOVE_JUMP; group++) if (wanted(group)) this.#copy(this.#movesAt(point, group))
  }

  #jump(record: number, operands: readonly Operand[], target: number): void {
    const point = record * 2
    const copies: [number | null, number][] = this.#movesAt(point, MOVE_JUMP)
    const parameters = operands.length > 0 ? this.#operands(this.#problem.blockStart[target] >> 1) : []
    const values = operands.map((operand) => {
      if (operand.constant) return null
      this.#read(operand, point)
      return this.#values.get(operand.vreg) ?? 0
    })
    const constants: [number, number][] = []
    operands.forEach((operand, k) => {
      const { location } = parameters[k]
      const value = values[k] ?? this.#made++
      this.#values.set(parameters[k].vreg, value)
      if (location === LOCATION_NOWHERE) return
      if (operand.constant) constants.push([location, value])
      else copies.push([operand.location, location])
    })
    this.#copy(copies)
    for (const [location, value] of constants) this.#places.set(location, value)
  }

  #execute(point: number, all: readonly Operand[]): void {
    const operands = all.filter((operand) => !operand.constant)
    const inputs = operands.filter((operand) => !operand.def)
    const results = operands.filter((operand) => operand.def && !operand.isFixed)
    const fixedResults = operands.filter((operand) => operand.def && operand.isFixed)
    for (const result of results) if (result.early) this.#define(result, result.location)
    for (const input of inputs) if (!input.late) this.#read(input, point)
    this.#copy(inputs.filter((input) => input.isFixed).map((input) => [input.location, input.fixed]))
    for (const result of results) if (!result.early) this.#define(result, result.location)
    for (const { point: at, mask } of this.#problem.clobbers) {
      if (at !== point) continue
      for (let register = 0; register < 32; register++) {
        if (((mask >>> register) & 1) !== 0) this.#places.set(register, this.#made++)
      }
    }
    for (const input of inputs) if (input.late) this.#read(input, point)
    for (const result of fixedResults) this.#define(result, result.fixed)
    // What nothing reads may be left in its register, where another one may be copied to.
    const copies = fixedResults.filter(({ location, fixed }) => location !== LOCATION_NOWHERE && location !== fixed)
    this.#copy(copies.map(({ fixed, location }) => [fixed, location]))
  }
}
