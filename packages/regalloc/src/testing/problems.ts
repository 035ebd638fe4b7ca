// Random allocation problems: all constraints, high and low pressure, few or many registers.
import {
  type BlockGraph,
  CONSTRAINT_ANY,
  CONSTRAINT_FIXED,
  CONSTRAINT_REGISTER,
  CONSTRAINT_TIED,
  OPERAND_CONST,
  OPERAND_CONSTRAINT_SHIFT,
  OPERAND_DEF,
  OPERAND_EARLY,
  OPERAND_FIXED_SHIFT,
  OPERAND_LATE,
  RECORD_HEADER_WORDS,
  RECORD_OPERANDS_SHIFT,
  RECORD_WORDS_SHIFT,
  type RegisterEnvironment,
} from '../interface.ts'
import { type RandomGraph, randomGraph } from './graphs.ts'
import { Random } from './random.ts'

/** A function to allocate; also what the checker takes. */
export interface Problem {
  readonly environment: RegisterEnvironment
  readonly graph: BlockGraph
  readonly code: Int32Array<ArrayBuffer>
  readonly blockStart: Int32Array
  readonly blockEnd: Int32Array
  /** By virtual register. */
  readonly classes: readonly (0 | 1)[]
  readonly clobbers: readonly { readonly point: number; readonly mask: number }[]
  /** Arguments of jumps and the parameters that they become. */
  readonly hints: readonly (readonly [number, number])[]
}

/** Which allocation problem to make. */
export interface ProblemOptions {
  readonly seed: number
  /** About so many blocks. */
  readonly blocks: number
  /** Records in one block, at most. */
  readonly records: number
  /** Allocatable registers of either class. */
  readonly integers: number
  readonly floats: number
  /** How far back inputs reach: the higher, the more values are live at once. */
  readonly reach: number
}

type Class = 0 | 1

interface Record {
  readonly operands: number[]
  readonly payload: number
  clobber: number
}

const constraint = (kind: number): number => kind << OPERAND_CONSTRAINT_SHIFT
const fixedTo = (register: number): number => constraint(CONSTRAINT_FIXED) | (register << OPERAND_FIXED_SHIFT)
const DEF = OPERAND_DEF
const LATE = OPERAND_LATE

/** Options drawn from a seed: anything from one block to dozens, from two registers to twelve. */
export function randomOptions(seed: number): ProblemOptions {
  const random = new Random(seed)
  return {
    seed,
    blocks: random.pick([1, 2, 4, 8, 16, 32]),
    records: random.pick([2, 6, 12, 30]),
    integers: random.pick([2, 3, 4, 6, 12]),
    floats: random.pick([2, 3, 8]),
    reach: random.pick([3, 8, 20, 100]),
  }
}

/** Makes one problem. The same options make the same problem. */
export function makeProblem(options: ProblemOptions): Problem {
  return new ProblemMaker(options).make()
}

class ProblemMaker {
  readonly #random: Random
  readonly #options: ProblemOptions
  readonly #graph: RandomGraph
  readonly #classes: Class[] = []
  readonly #blocks: Record[][] = []
  /** By block: values defined at its end, by class, oldest first. */
  readonly #values: [number[], number[]][] = []
  readonly #registers: readonly [number[], number[]]
  readonly #calleeSaved: number

  constructor(options: ProblemOptions) {
    this.#options = options
    const random = new Random(options.seed * 2 + 1)
    this.#random = random
    this.#graph = randomGraph(random, options.blocks)
    const drawn = (from: number, count: number): number[] =>
      random.shuffle(Array.from({ length: 16 }, (_, k) => from + k)).slice(0, count)
    this.#registers = [drawn(0, options.integers), drawn(16, options.floats)]
    let saved = 0
    const times = random.pick([2, 3, 1000])
    for (const list of this.#registers) {
      // Those that cost something come last, as in any order that makes sense; and in some that do not.
      const [dear, cheap] = [list.filter(() => random.once(times)), [] as number[]]
      for (const register of list) if (!dear.includes(register)) cheap.push(register)
      for (const register of dear) saved |= 1 << register
      if (!random.once(4)) list.splice(0, list.length, ...cheap, ...dear)
    }
    this.#calleeSaved = saved
  }

  make(): Problem {
    const { successors, predecessors, dominators } = this.#graph
    successors.forEach((_, block) => {
      const [integers, floats] = block === 0 ? [[], []] : this.#values[dominators[block]]
      this.#values.push([[...integers], [...floats]])
      this.#blocks.push(this.#makeBlock(block))
    })
    // Arguments may be values that are defined behind the block they go to.
    const hints: [number, number][] = []
    successors.forEach(([target], block) => {
      if (successors[block].length !== 1) return
      const parameters = predecessors[target].length > 0 ? this.#parameters(target) : []
      const jump = this.#blocks[block].at(-1)!
      for (const parameter of parameters) {
        const cls = this.#classes[parameter]
        if (this.#values[block][cls].length === 0 || this.#random.once(6)) {
          jump.operands.push(OPERAND_CONST | this.#random.below(1 << 20))
        } else {
          const argument = this.#value(block, cls)
          jump.operands.push(constraint(CONSTRAINT_ANY) | argument)
          if (!this.#random.once(8)) hints.push([argument, parameter])
        }
      }
    })
    return this.#layOut(hints)
  }

  /** Parameters of blocks that take edges from jumps alone. */
  #parameters(block: number): number[] {
    const first = this.#blocks[block][0]
    const isParameters = (this.#withParameters.get(block) ?? 0) > 0
    return isParameters ? first.operands.map((word) => word & 0xfffff) : []
  }
  readonly #withParameters: Map<number, number> = new Map()

  #makeBlock(block: number): Record[] {
    const random = this.#random
    const { successors, predecessors } = this.#graph
    const records: Record[] = []
    const entries = predecessors[block]
    const takesArguments = entries.length > 0 && entries.every((from) => successors[from].length === 1)
    if (block === 0 && !takesArguments && random.once(2)) records.push(this.#functionParameters(block))
    else if (block !== 0 && takesArguments && random.once(2)) {
      const count = random.pick([1, 1, 2, 3, 6])
      this.#withParameters.set(block, count)
      const operands = Array.from({ length: count }, () => {
        const value = this.#define(block, random.once(4) ? 1 : 0)
        return value | DEF | constraint(CONSTRAINT_ANY)
      })
      records.push({ operands, payload: 0, clobber: 0 })
    }
    for (let left = random.between(0, this.#options.records); left > 0; left--) records.push(this.#makeRecord(block))
    const ways = successors[block].length
    if (ways === 1) records.push({ operands: [], payload: random.below(3), clobber: 0 })
    else if (ways > 1) records.push(this.#branch(block))
    else records.push(this.#return(block))
    return records
  }

  #define(block: number, cls: Class): number {
    const vreg = this.#classes.push(cls) - 1
    // Some are never read.
    if (!this.#random.once(10)) this.#values[block][cls].push(vreg)
    return vreg
  }

  /** A value that is defined here; a late one more often than an early one. */
  #value(block: number, cls: Class): number {
    const values = this.#values[block][cls]
    const { reach } = this.#options
    const back = this.#random.once(8) ? values.length : Math.min(reach, values.length)
    return values[values.length - 1 - this.#random.below(back)]
  }

  /** An input, or a constant where no value is there to be read. */
  #input(block: number, cls: Class, flags: number): number {
    if (this.#values[block][cls].length === 0) return OPERAND_CONST | this.#random.below(1 << 20)
    return this.#value(block, cls) | flags
  }

  #functionParameters(block: number): Record {
    const random = this.#random
    const operands: number[] = []
    let mask = 0
    for (const cls of [0, 1] as const) {
      for (const register of random.shuffle(this.#registers[cls]).slice(0, random.between(0, 4))) {
        operands.push(this.#define(block, cls) | DEF | fixedTo(register))
        mask |= 1 << register
      }
    }
    if (!random.once(3)) return { operands, payload: 0, clobber: 0 }
    // Other results must keep out of the fixed registers.
    operands.push(this.#define(block, 0) | DEF | constraint(CONSTRAINT_ANY))
    return { operands, payload: 0, clobber: mask }
  }

  #makeRecord(block: number): Record {
    const kind = this.#random.below(12)
    if (kind < 5) return this.#plain(block)
    if (kind < 7) return this.#twoAddress(block)
    if (kind < 8) return this.#shift(block)
    if (kind < 9) return this.#divide(block)
    if (kind < 11) return this.#call(block)
    return this.#constant(block)
  }

  #record(operands: number[], clobber = 0): Record {
    // Results first: they stand first in the word order, and are met first on the way back.
    const results = operands.filter((word) => (word & OPERAND_DEF) !== 0 && (word & OPERAND_CONST) === 0)
    const inputs = operands.filter((word) => !results.includes(word))
    return { operands: [...results, ...inputs], payload: this.#random.below(4), clobber }
  }

  #constant(block: number): Record {
    return this.#record([this.#define(block, this.#class()) | DEF])
  }

  #class(): Class {
    return this.#random.once(4) ? 1 : 0
  }

  /** How many operands of either class may ask for a register beside what is clobbered. */
  #budget(clobber: number): [number, number] {
    return this.#registers.map((list) => list.filter((register) => ((clobber >>> register) & 1) === 0).length) as [
      number,
      number,
    ]
  }

  /** Any mix of results, temporaries and inputs that can be satisfied. */
  #mix(block: number, clobber: number, inputs: number, results: number): number[] {
    const random = this.#random
    const left = this.#budget(clobber)
    const operands: number[] = []
    for (let k = 0; k < inputs; k++) {
      const cls = this.#class()
      const late = random.once(3) ? LATE : 0
      const kind = left[cls] > 0 && !random.once(3) ? CONSTRAINT_REGISTER : CONSTRAINT_ANY
      if (kind === CONSTRAINT_REGISTER) left[cls]--
      const word = this.#input(block, cls, constraint(kind) | late)
      operands.push(word)
      // The same value again, read at another time or in another way.
      if ((word & OPERAND_CONST) === 0 && random.once(4)) {
        operands.push((word & 0xfffff) | constraint(CONSTRAINT_ANY) | (random.once(2) ? LATE : 0))
      }
    }
    const temporaries = random.once(5) ? 1 : 0
    for (let k = 0; k < results + temporaries; k++) {
      const cls = this.#class()
      if (left[cls] === 0) continue
      left[cls]--
      if (k >= results) operands.push((this.#classes.push(cls) - 1) | DEF | OPERAND_EARLY)
      else operands.push(this.#later(cls) | DEF)
    }
    return operands
  }

  /** Results become visible once the record is made, or it would read them. */
  #later(cls: Class): number {
    const vreg = this.#classes.push(cls) - 1
    this.#pending.push(vreg)
    return vreg
  }
  #pending: number[] = []

  #finish(block: number, record: Record): Record {
    for (const vreg of this.#pending) {
      if (!this.#random.once(10)) this.#values[block][this.#classes[vreg]].push(vreg)
    }
    this.#pending = []
    return record
  }

  #plain(block: number): Record {
    const random = this.#random
    return this.#finish(block, this.#record(this.#mix(block, 0, random.below(4), random.pick([0, 1, 1, 1, 2]))))
  }

  #twoAddress(block: number): Record {
    const cls = this.#class()
    const tied = this.#input(block, cls, constraint(CONSTRAINT_TIED))
    const kind = this.#random.once(2) ? CONSTRAINT_REGISTER : CONSTRAINT_ANY
    const isSame = (tied & OPERAND_CONST) === 0 && this.#random.once(5)
    const other = isSame ? tied & 0xfffff : this.#input(block, cls, 0)
    return this.#finish(
      block,
      this.#record([this.#later(cls) | DEF, tied, other | constraint(kind) | (this.#random.once(4) ? 0 : LATE)]),
    )
  }

  #shift(block: number): Record {
    const count = this.#random.pick(this.#registers[0])
    const operands = [
      this.#input(block, 0, constraint(CONSTRAINT_TIED)),
      this.#input(block, 0, fixedTo(count)),
      this.#later(0) | DEF,
    ]
    return this.#finish(block, this.#record(operands, 1 << count))
  }

  #divide(block: number): Record {
    const [low, high] = this.#random.shuffle(this.#registers[0])
    const clobber = (1 << low) | (1 << high)
    const operands = [this.#input(block, 0, fixedTo(low))]
    if (this.#random.once(2)) operands.push(this.#input(block, 0, fixedTo(high)))
    const kind = this.#budget(clobber)[0] > 0 && this.#random.once(2) ? CONSTRAINT_REGISTER : CONSTRAINT_ANY
    operands.push(this.#input(block, 0, constraint(kind) | LATE))
    operands.push(this.#later(0) | DEF | fixedTo(low))
    if (this.#random.once(2)) operands.push(this.#later(0) | DEF | fixedTo(high))
    return this.#finish(block, this.#record(operands, clobber))
  }

  #call(block: number): Record {
    const random = this.#random
    const all = [...this.#registers[0], ...this.#registers[1]]
    // Where nothing is callee-saved a call takes all there is.
    const clobber = all.reduce((mask, register) => mask | (1 << register), 0) & ~this.#calleeSaved
    const operands: number[] = []
    for (const cls of [0, 1] as const) {
      const free = this.#registers[cls].filter((register) => ((clobber >>> register) & 1) !== 0)
      for (const register of random.shuffle(free).slice(0, random.between(0, 3))) {
        operands.push(this.#input(block, cls, fixedTo(register)))
      }
      for (const register of random.shuffle(free).slice(0, random.pick([0, 0, 1, 1, 2]))) {
        operands.push(this.#later(cls) | DEF | fixedTo(register))
      }
    }
    if (random.once(2)) operands.push(...this.#mix(block, clobber, random.below(2), 0))
    return this.#finish(block, this.#record(operands, clobber))
  }

  #branch(block: number): Record {
    return this.#record(this.#mix(block, 0, this.#random.below(3), 0).filter((word) => (word & OPERAND_DEF) === 0))
  }

  #return(block: number): Record {
    const register = this.#random.pick(this.#registers[0])
    return this.#record([this.#input(block, 0, fixedTo(register))], 1 << register)
  }

  /** Records to words, downwards from the end of an array with room to spare on both sides. */
  #layOut(hints: [number, number][]): Problem {
    const words = (record: Record): number => RECORD_HEADER_WORDS + record.operands.length + record.payload
    const total = this.#blocks.flat().reduce((sum, record) => sum + words(record), 0)
    const code = new Int32Array(total + 7).fill(-1)
    const blockStart = new Int32Array(this.#blocks.length)
    const blockEnd = new Int32Array(this.#blocks.length)
    const clobbers: { point: number; mask: number }[] = []
    let at = 5
    this.#blocks.forEach((records, block) => {
      blockStart[block] = at * 2
      for (const record of records) {
        code[at] = this.#random.below(1024)
        code[at] |= (record.operands.length << RECORD_OPERANDS_SHIFT) | (words(record) << RECORD_WORDS_SHIFT)
        code.set(record.operands, at + RECORD_HEADER_WORDS)
        if (record.clobber !== 0) clobbers.push({ point: at * 2, mask: record.clobber })
        at += words(record)
      }
      blockEnd[block] = at * 2
    })
    const { successors } = this.#graph
    const successorStart = new Int32Array(successors.length + 1)
    successors.forEach((list, block) => {
      successorStart[block + 1] = successorStart[block] + list.length
    })
    return {
      environment: {
        order: [Int32Array.from(this.#registers[0]), Int32Array.from(this.#registers[1])],
        calleeSaved: this.#calleeSaved,
      },
      graph: { count: successors.length, successorStart, successors: Int32Array.from(successors.flat()) },
      code,
      blockStart,
      blockEnd,
      classes: this.#classes,
      clobbers,
      hints,
    }
  }
}
