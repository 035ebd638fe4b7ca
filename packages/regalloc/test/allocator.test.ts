import { describe, expect, test } from 'vitest'
import {
  AllocationError,
  Allocator,
  CONSTRAINT_ANY,
  CONSTRAINT_FIXED,
  CONSTRAINT_TIED,
  checkAllocation,
  LOCATION_NOWHERE,
  LOCATION_SLOT,
  MOVE_BLOCK_START,
  MOVE_JUMP,
  MOVE_SPILL,
  MOVE_SPLIT,
  OPERAND_CONSTRAINT_SHIFT,
  OPERAND_DEF,
  OPERAND_EARLY,
  OPERAND_FIXED_SHIFT,
  OPERAND_LATE,
  VREG_LIMIT,
} from '../src/index.ts'
import { allocateProblem, type Problem } from '../src/testing/index.ts'

// A function as text would have it: operands of each record, block by block.
const def = (vreg: number): number => vreg | OPERAND_DEF
const use = (vreg: number): number => vreg
const any = (vreg: number): number => vreg | (CONSTRAINT_ANY << OPERAND_CONSTRAINT_SHIFT)
const tied = (vreg: number): number => vreg | (CONSTRAINT_TIED << OPERAND_CONSTRAINT_SHIFT)
const fixed = (vreg: number, register: number): number =>
  vreg | (CONSTRAINT_FIXED << OPERAND_CONSTRAINT_SHIFT) | (register << OPERAND_FIXED_SHIFT)
const late = (word: number): number => word | OPERAND_LATE
const early = (word: number): number => word | OPERAND_EARLY

type Line = readonly number[] | { readonly operands: readonly number[]; readonly clobber: number }

interface Func {
  readonly blocks: readonly (readonly Line[])[]
  readonly successors: readonly (readonly number[])[]
  readonly vregs: number
  readonly floats?: readonly number[]
  readonly registers?: readonly number[]
  readonly calleeSaved?: readonly number[]
  readonly hints?: readonly (readonly [number, number])[]
}

function problemOf(func: Func): Problem {
  const words: number[] = []
  const blockStart: number[] = []
  const blockEnd: number[] = []
  const clobbers: { point: number; mask: number }[] = []
  for (const block of func.blocks) {
    blockStart.push(words.length * 2)
    for (const line of block) {
      const operands = 'operands' in line ? line.operands : line
      if ('operands' in line) clobbers.push({ point: words.length * 2, mask: line.clobber })
      words.push((operands.length << 10) | ((operands.length + 2) << 20), 0, ...operands)
    }
    blockEnd.push(words.length * 2)
  }
  const successorStart = [0]
  for (const list of func.successors) successorStart.push(successorStart.at(-1)! + list.length)
  return {
    environment: {
      order: [Int32Array.from(func.registers ?? [0, 1, 2, 3]), Int32Array.from([16, 17])],
      calleeSaved: (func.calleeSaved ?? []).reduce((mask, register) => mask | (1 << register), 0),
    },
    graph: {
      count: func.blocks.length,
      successorStart: Int32Array.from(successorStart),
      successors: Int32Array.from(func.successors.flat()),
    },
    code: Int32Array.from(words),
    blockStart: Int32Array.from(blockStart),
    blockEnd: Int32Array.from(blockEnd),
    classes: Array.from({ length: func.vregs }, (_, vreg) => ((func.floats ?? []).includes(vreg) ? 1 : 0)),
    clobbers,
    hints: func.hints ?? [],
  }
}

/** Locations of all operands, record by record, once the checker has agreed; and the moves as [group, from, to]. */
function allocate(func: Func): { places: number[][]; moves: number[][]; slotCount: number; usedRegisters: number } {
  const problem = problemOf(func)
  const output = allocateProblem(new Allocator(), problem)
  expect(checkAllocation(problem, output)).toEqual([])
  const places: number[][] = []
  let at = 0
  for (const line of func.blocks.flat()) {
    const count = 'operands' in line ? line.operands.length : line.length
    places.push(Array.from(output.code.subarray(at + 2, at + 2 + count), (word) => word & 0xfffff))
    at += count + 2
  }
  const moves = Array.from({ length: output.moveCount }, (_, k) => [
    output.moveGroup[k],
    output.moveFrom[k],
    output.moveTo[k],
  ])
  return { places, moves, slotCount: output.slotCount, usedRegisters: output.usedRegisters }
}

const S0 = LOCATION_SLOT

describe('constraints', () => {
  test('a tied input that ends gives its place to the result', () => {
    const { places } = allocate({
      vregs: 3,
      successors: [[]],
      blocks: [[[def(0)], [def(1)], [def(2), tied(0), late(use(1))], [use(2)]]],
    })
    expect(places[2][0]).toBe(places[2][1])
    expect(places[2][0]).not.toBe(places[2][2])
  })

  test('a tied input that lives on does not', () => {
    const { places, moves } = allocate({
      vregs: 2,
      successors: [[]],
      blocks: [[[def(0)], [def(1), tied(0)], [use(1), use(0)]]],
    })
    expect(places[1][0]).not.toBe(places[1][1])
    expect(moves).toEqual([])
  })

  test('a value goes to where it is wanted, through the operations on the way', () => {
    const { places } = allocate({
      vregs: 3,
      successors: [[]],
      blocks: [[[def(0)], [def(1), tied(0)], [def(2), tied(1)], { operands: [fixed(2, 3)], clobber: 1 << 3 }]],
    })
    expect(places.flat()).toEqual([3, 3, 3, 3, 3, 3])
  })

  test('a temporary has a place of its own, apart from inputs and results', () => {
    const { places } = allocate({
      vregs: 3,
      successors: [[]],
      blocks: [[[def(0)], [def(1), early(def(2)), use(0)], [use(1)]]],
    })
    const [result, temporary, input] = places[1]
    expect(temporary).not.toBe(input)
    expect(temporary).not.toBe(result)
    expect(result).toBe(input)
  })

  test('one value read early and late in one record is still there late: x / x', () => {
    const { places } = allocate({
      vregs: 2,
      registers: [0, 1],
      successors: [[]],
      blocks: [[[def(0)], [def(1), tied(0), late(use(0))], [use(1)]]],
    })
    expect(places[1][0]).not.toBe(places[1][1])
  })

  test('a divide: the divisor is late, and so in neither clobbered register; the fixed result may replace it', () => {
    const clobber = (1 << 0) | (1 << 2)
    const { places } = allocate({
      vregs: 3,
      registers: [0, 2, 1],
      successors: [[]],
      blocks: [[[def(0)], [def(1)], { operands: [fixed(def(2), 0), fixed(0, 0), late(use(1))], clobber }, [use(2)]]],
    })
    expect(places[2]).toEqual([0, 0, 1])
  })

  test('a value across a call sits in a callee-saved register, if that is worth it, or in a slot', () => {
    const clobber = 0b0011
    const call = { operands: [], clobber }
    const often = allocate({
      vregs: 1,
      registers: [0, 1, 2],
      calleeSaved: [2],
      successors: [[]],
      blocks: [[[def(0)], call, [use(0)], call, [use(0)], [use(0)]]],
    })
    expect(often.places.flat()).toEqual([2, 2, 2, 2])
    expect(often.moves).toEqual([])
    const once = allocate({
      vregs: 1,
      registers: [0, 1, 2],
      calleeSaved: [2],
      successors: [[]],
      blocks: [[[def(0)], call, [any(0)]]],
    })
    expect(once.places.flat()).toEqual([0, S0])
    expect(once.moves).toEqual([[MOVE_SPILL, 0, S0]])
    expect(once.usedRegisters).toBe(0b0011) // registers that are clobbered count as used
  })

  test('a register that becomes free before the call is better than a slot', () => {
    // The second recursive call: 0 is read for its argument, and its register is free for the first call's result.
    const { places, moves, slotCount } = allocate({
      vregs: 5,
      registers: [0, 1, 2],
      calleeSaved: [2],
      successors: [[]],
      blocks: [
        [
          [def(0)],
          [use(0)],
          { operands: [fixed(def(1), 0)], clobber: 0b011 },
          [def(2), tied(0)],
          { operands: [fixed(def(3), 0), fixed(2, 1)], clobber: 0b011 },
          [def(4), tied(3), any(1)],
          [use(4)],
        ],
      ],
    })
    expect(slotCount).toBe(0)
    expect(moves).toEqual([[MOVE_SPLIT, places[2][0], 2]])
    expect(places[5][2]).toBe(2)
  })

  test('what nothing reads: a parameter is nowhere, a fixed result stays, another result has a register', () => {
    const { places } = allocate({
      vregs: 4,
      successors: [[1], []],
      blocks: [
        [[def(0)], [any(0)]],
        [[any(def(1))], [fixed(def(2), 3)], [def(3)]],
      ],
    })
    expect(places[2]).toEqual([LOCATION_NOWHERE])
    expect(places[3]).toEqual([3])
    expect(places[4][0]).toBeLessThan(4)
  })

  test('integers and floats do not meet', () => {
    const { places } = allocate({
      vregs: 4,
      floats: [1, 3],
      successors: [[]],
      blocks: [[[def(0)], [def(1)], [def(2), use(0)], [def(3), use(1)], [use(2), use(3)]]],
    })
    expect(places[3].every((place) => place >= 16)).toBe(true)
    expect(places[2].every((place) => place < 16)).toBe(true)
  })
})

describe('splits and moves', () => {
  test('what has no register is stored once, behind its definition, and read from its slot where that will do', () => {
    const { places, moves, slotCount } = allocate({
      vregs: 3,
      registers: [0, 1],
      successors: [[]],
      blocks: [[[def(0)], [def(1)], [def(2)], [use(1), use(2)], [any(0)], [use(1), use(2)], [use(0)]]],
    })
    expect(slotCount).toBe(1)
    expect(moves.filter(([group]) => group === MOVE_SPILL)).toHaveLength(1)
    expect(places[4]).toEqual([S0])
    expect(moves.filter(([, from]) => from === S0)).toHaveLength(1)
  })

  test('a reload is moved out of the loop that reads it', () => {
    // 0 is defined, then room is needed; the loop 1, 2 reads it.
    const problem = problemOf({
      vregs: 4,
      registers: [0, 1],
      successors: [[1], [2, 3], [1], []],
      blocks: [[[def(0)], [def(1)], [def(2)], [use(1), use(2)], []], [[use(0)]], [[use(0)], []], [[]]],
    })
    const output = allocateProblem(new Allocator(), problem)
    expect(checkAllocation(problem, output)).toEqual([])
    const reloads = Array.from(output.movePoint).filter((_, k) => output.moveFrom[k] >= S0)
    expect(reloads.length).toBeGreaterThan(0)
    for (const point of reloads) expect(point).toBeLessThan(problem.blockStart[1])
  })

  test('a slot that is freed by a record is not given out by the same record', () => {
    const { places, slotCount } = allocate({
      vregs: 6,
      registers: [0, 1],
      successors: [[]],
      // 0 is read from its slot by the record that defines 3, which needs a slot.
      blocks: [
        [
          [def(0)],
          { operands: [def(1)], clobber: 0 },
          [def(2)],
          [use(1), use(2)],
          { operands: [fixed(def(3), 0), any(0)], clobber: 0b11 },
          [def(4)],
          [def(5)],
          [use(4), use(5)],
          [any(3)],
        ],
      ],
    })
    const read = places[4][1]
    expect(read).toBeGreaterThanOrEqual(S0)
    expect(places[8][0]).toBeGreaterThanOrEqual(S0)
    expect(places[8][0]).not.toBe(read)
    expect(slotCount).toBe(2)
  })

  test('edge moves: at the start of a block with one predecessor, otherwise at the jump', () => {
    const kinds = new Set<number>()
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const { moves } = allocate({
        vregs: 4,
        registers: order,
        successors: [[1, 2], [3], [3], []],
        blocks: [
          [[def(0)], [def(1)], [use(0), use(1)]],
          [{ operands: [], clobber: 0b11 }, []],
          [[use(0)], [use(0)], [use(1)], []],
          [[use(0)], [use(1)]],
        ],
      })
      for (const [group] of moves) kinds.add(group)
    }
    expect(kinds.has(MOVE_JUMP)).toBe(true)
    expect([...kinds].every((kind) => [MOVE_BLOCK_START, MOVE_SPILL, MOVE_SPLIT, MOVE_JUMP].includes(kind))).toBe(true)
  })
})

describe('control flow', () => {
  test('a value that is live around a loop keeps its place in blocks behind the latch', () => {
    // The inner loop is 2, 4; its exit 3, placed before its body, is the latch of the outer loop, which reads 0.
    const func: Func = {
      vregs: 3,
      registers: [0, 1],
      successors: [[1], [2, 5], [3, 4], [1], [2], []],
      blocks: [[[def(0)], []], [[use(0)]], [[]], [[]], [[def(1)], [def(2)], [use(1), use(2)], []], [[]]],
    }
    expect(allocate(func).slotCount).toBe(1)
  })

  test('a loop with two entries', () => {
    // 1 and 2 jump to each other; 0 is read in 1 alone, and must survive 2.
    const func: Func = {
      vregs: 3,
      registers: [0, 1],
      successors: [[3, 4], [2], [5, 6], [1], [2], [1], []],
      blocks: [[[def(0)], []], [[use(0)], []], [[def(1)], [def(2)], [use(1), use(2)], []], [[]], [[]], [[]], [[]]],
    }
    expect(allocate(func).slotCount).toBe(1)
  })

  test('arguments and parameters share a place where they can', () => {
    const jump = [any(0), any(1)]
    const { places, moves } = allocate({
      vregs: 6,
      successors: [[1], [2, 3], [1], []],
      hints: [
        [4, 2],
        [5, 3],
        [0, 2],
        [1, 3],
      ],
      blocks: [
        [[def(0)], [def(1)], jump],
        [[any(def(2)), any(def(3))], [use(2)]],
        [
          [def(4), tied(2)],
          [def(5), tied(3)],
          [any(4), any(5)],
        ],
        [[use(3)]],
      ],
    })
    expect(places[2]).toEqual(places[3])
    expect(places[7]).toEqual(places[3])
    expect(moves).toEqual([])
  })
})

describe('functions that cannot be allocated', () => {
  const problemWith = (func: Func): unknown => {
    try {
      allocateProblem(new Allocator(), problemOf(func))
    } catch (error) {
      expect(error).toBeInstanceOf(AllocationError)
      return (error as AllocationError).problem
    }
    return null
  }

  test('a record that needs more registers than there are', () => {
    const blocks = [[[def(0)], [def(1)], [def(2)], [use(0), use(1), use(2)]]]
    const problem = problemWith({ vregs: 3, registers: [0, 1], successors: [[]], blocks })
    expect(problem).toMatchObject({ code: 'no-register', point: 18 })
  })

  test('a value without a definition', () => {
    expect(problemWith({ vregs: 1, successors: [[]], blocks: [[[use(0)]]] })).toEqual({ code: 'undefined', vreg: 0 })
  })

  test('an edge that needs moves and is critical', () => {
    // The loop 1 reads 0, which is in its slot before: the reload belongs on the edge from 0.
    const problem = problemWith({
      vregs: 1,
      registers: [0],
      successors: [[1, 2], [1, 3], [], []],
      blocks: [[[def(0)], { operands: [], clobber: 1 }, []], [[use(0)]], [[]], [[]]],
    })
    expect(problem).toEqual({ code: 'critical-edge', from: 0, to: 1 })
  })

  test('more virtual registers than a word can name', () => {
    const allocator = new Allocator()
    const problem = problemOf({ vregs: 0, successors: [[]], blocks: [[[]]] })
    allocator.begin(problem.environment, problem.graph, problem.code)
    for (let k = 0; k < VREG_LIMIT; k++) allocator.newVreg(0)
    expect(() => allocator.newVreg(0)).toThrow(AllocationError)
  })
})
