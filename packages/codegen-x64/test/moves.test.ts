// Parallel moves, executed: the instructions are decoded and run on numbered places.
import { Assembler } from '@framewright/asm-x64'
import { LOCATION_NOWHERE, LOCATION_SLOT } from '@framewright/regalloc'
import { disassemble } from '@framewright/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ParallelMove } from '../src/emit/moves.ts'

const SPILL_BASE = 64
const R11 = 11
const NAMES = [
  'rax',
  'rcx',
  'rdx',
  'rbx',
  'rsp',
  'rbp',
  'rsi',
  'rdi',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
]

/** The place that an operand names, as a location. */
function place(operand: string): number {
  if (operand.startsWith('xmm')) return 16 + Number(operand.slice(3))
  const slot = /^\[rsp(?:\+0x([\da-f]+)|\+(\d+))?\]$/.exec(operand.replace(/^.* ptr /, ''))
  if (slot !== null) {
    const offset = slot[1] !== undefined ? Number.parseInt(slot[1], 16) : Number(slot[2] ?? 0)
    expect((offset - SPILL_BASE) % 8).toBe(0)
    return LOCATION_SLOT + (offset - SPILL_BASE) / 8
  }
  const register = NAMES.indexOf(operand)
  expect(register, operand).toBeGreaterThanOrEqual(0)
  return register
}

/** What every place holds after the moves, when each held its own number before. */
function run(moves: readonly (readonly [from: number, to: number])[], move = new ParallelMove()): Map<number, number> {
  const asm = new Assembler()
  move.spillBase = SPILL_BASE
  for (const [from, to] of moves) move.add(from, to)
  expect(move.isEmpty).toBe(moves.every(([from, to]) => from === to || to === LOCATION_NOWHERE))
  move.flush(asm)
  expect(move.isEmpty).toBe(true)
  asm.finish()
  const held = new Map<number, number>()
  const read = (at: number): number => held.get(at) ?? at
  for (const { text } of disassemble(asm.bytes.slice(0, asm.length))) {
    const [, mnemonic, left, right] = /^(\w+) ([^,]+),(.+)$/.exec(text)!
    const [to, from] = [place(left!), place(right!)]
    if (mnemonic === 'xchg') {
      const old = read(to)
      held.set(to, read(from))
      held.set(from, old)
    } else {
      expect(['mov', 'movaps', 'movsd', 'movq']).toContain(mnemonic)
      held.set(to, read(from))
    }
  }
  return held
}

function check(moves: readonly (readonly [number, number])[], move?: ParallelMove): void {
  const held = run(moves, move)
  const wanted = new Map(moves.filter(([, to]) => to !== LOCATION_NOWHERE).map(([from, to]) => [to, from]))
  for (const [to, from] of wanted) expect(held.get(to) ?? to, JSON.stringify(moves)).toBe(from)
  // Nothing else has changed but the emitter's own register.
  for (const [at, value] of held) if (!wanted.has(at) && at !== R11) expect(value, JSON.stringify(moves)).toBe(at)
}

const general = [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15]
const vectors = Array.from({ length: 16 }, (_, i) => 16 + i)
const slots = Array.from({ length: 12 }, (_, i) => LOCATION_SLOT + i)

/** Any destinations, each once, from any sources of the same kind; slots are of either. */
const anyMoves = fc
  .tuple(fc.shuffledSubarray([...general, ...slots.slice(0, 6)]), fc.shuffledSubarray([...vectors, ...slots.slice(6)]))
  .chain(([integers, floats]) =>
    fc.tuple(
      ...integers.map((to) => fc.constantFrom(...general, ...slots.slice(0, 6)).map((from) => [from, to] as const)),
      ...floats.map((to) => fc.constantFrom(...vectors, ...slots.slice(6)).map((from) => [from, to] as const)),
    ),
  )

test('any moves', () => {
  const reused = new ParallelMove()
  fc.assert(
    fc.property(anyMoves, (moves) => {
      check(moves)
      check(moves, reused)
    }),
    { numRuns: 600 },
  )
})

test('permutations, which are all cycles', () => {
  const places = [...general, ...slots]
  fc.assert(
    fc.property(
      fc.shuffledSubarray(places, { minLength: places.length }),
      fc.shuffledSubarray(vectors, { minLength: vectors.length }),
      (shuffled, shuffledVectors) => {
        check([
          ...places.map((to, i) => [shuffled[i]!, to] as const),
          ...vectors.map((to, i) => [shuffledVectors[i]!, to] as const),
        ])
      },
    ),
    { numRuns: 200 },
  )
})

test('one place to many, places to themselves, places to nowhere', () => {
  check(general.map((to) => [3, to] as const))
  check([
    [1, 1],
    [1, LOCATION_NOWHERE],
    [2, 1],
    [1, 2],
  ])
  check([])
  check([
    [LOCATION_SLOT, LOCATION_SLOT + 1],
    [LOCATION_SLOT + 1, LOCATION_SLOT],
  ])
  check([
    [16, 17],
    [17, LOCATION_SLOT],
    [LOCATION_SLOT, 16],
  ])
})

test('slots far away', () => {
  check([
    [LOCATION_SLOT + 5000, LOCATION_SLOT + 9000],
    [LOCATION_SLOT + 9000, LOCATION_SLOT + 5000],
    [0, LOCATION_SLOT + 70_000],
  ])
})

test('chains take one instruction a move, cycles of registers one less than they are long', () => {
  const count = (moves: readonly (readonly [number, number])[]): number => {
    const asm = new Assembler()
    const move = new ParallelMove()
    for (const [from, to] of moves) move.add(from, to)
    move.flush(asm)
    asm.finish()
    return disassemble(asm.bytes.slice(0, asm.length)).length
  }
  expect(
    count([
      [0, 1],
      [1, 2],
      [2, 3],
    ]),
  ).toBe(3)
  expect(
    count([
      [0, 1],
      [1, 2],
      [2, 0],
    ]),
  ).toBe(2)
  expect(
    count([
      [0, 1],
      [1, 0],
      [1, 2],
    ]),
  ).toBe(2)
})
