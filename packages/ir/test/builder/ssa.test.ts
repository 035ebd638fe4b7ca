import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Block,
  FunctionBuilder,
  parseFunctions,
  printFunction,
  signature,
  Type,
  type Value,
  verifyFunction,
} from '../../src/index.ts'
import { Random } from '../../src/testing/index.ts'
import { dumpFunction } from '../dump.ts'
import { walk } from './walk.ts'

describe('variables', () => {
  test('of a loop become parameters of its header, and only those that change', () => {
    const b = new FunctionBuilder('sum', signature([Type.I32, Type.I32], [Type.I32]))
    const [n, step] = b.createEntry()
    const [i, sum, constant] = [b.declareVariable(Type.I32), b.declareVariable(Type.I32), b.declareVariable(Type.I32)]
    b.define(i, n)
    b.define(sum, b.iconst(Type.I32, 0))
    b.define(constant, step)
    const [head, body, done] = [b.createBlock(), b.createBlock(), b.createBlock()]
    b.jump(head)
    b.switchTo(head)
    b.brif(b.use(i), body, done)
    b.switchTo(body)
    b.seal(body)
    b.define(sum, b.iadd(b.use(sum), b.use(constant)))
    b.define(i, b.isub(b.use(i), b.iconst(Type.I32, 1)))
    b.jump(head)
    b.seal(head)
    b.switchTo(done)
    b.seal(done)
    b.return([b.use(sum)])
    const func = b.finish()
    expect(verifyFunction(func)).toEqual([])
    expect(printFunction(func)).toBe(`function %sum(i32, i32) -> i32 fast {
block0(v0: i32, v1: i32):
    v2 = iconst.i32 0
    jump block1(v0, v2)  ; v2 = 0

block1(v3: i32, v4: i32):
    brif v3, block2, block3

block2:
    v5 = iadd.i32 v4, v1
    v6 = iconst.i32 1
    v7 = isub.i32 v3, v6  ; v6 = 1
    jump block1(v7, v5)

block3:
    return v4
}
`)
  })

  test('that are the same on both ways need no parameter', () => {
    const b = new FunctionBuilder('f', signature([Type.I32], [Type.I32]))
    const [x] = b.createEntry()
    const v = b.declareVariable(Type.I32)
    b.define(v, x)
    const [then, join] = [b.createBlock(), b.createBlock()]
    b.brif(x, then, join)
    b.switchTo(then)
    b.seal(then)
    b.define(v, b.use(v))
    b.jump(join)
    b.switchTo(join)
    b.seal(join)
    b.return([b.use(v)])
    expect(printFunction(b.finish())).not.toMatch(/block2\(/)
  })

  test('come after the parameters that a block was given', () => {
    const b = new FunctionBuilder('f', signature([Type.I32, Type.I64], [Type.I64]))
    const [x, y] = b.createEntry()
    const v = b.declareVariable(Type.I64)
    b.define(v, y)
    const [then, join] = [b.createBlock(), b.createBlock()]
    const given = b.appendParam(join, Type.I32)
    b.brif(x, then, { block: join, args: [x] })
    b.switchTo(then)
    b.seal(then)
    b.define(v, b.iconst(Type.I64, 7))
    b.jump(join, [b.iconst(Type.I32, 1)])
    b.switchTo(join)
    b.seal(join)
    b.return([b.iadd(b.use(v), b.uextend(Type.I64, given))])
    const { func, values } = b.finishWithIds()
    expect(verifyFunction(func)).toEqual([])
    expect(printFunction(func)).toMatch(/block2\(v\d+: i32, v\d+: i64\):/)
    expect(func.typeOf(values[given] as Value)).toBe(Type.I32)
  })

  test('read where nothing comes are zero', () => {
    for (const type of [Type.I8, Type.I64, Type.I128, Type.F16, Type.F32, Type.F64, Type.F128, Type.I32X4]) {
      const b = new FunctionBuilder('f', signature([], [type]))
      b.createEntry()
      b.trap(1)
      const [lost, circle] = [b.createBlock(), b.createBlock()]
      const v = b.declareVariable(type)
      b.seal(lost)
      b.switchTo(lost)
      b.return([b.use(v)])
      b.switchTo(circle)
      b.use(v)
      b.jump(circle)
      b.seal(circle)
      expect(verifyFunction(b.finish())).toEqual([])
    }
  })

  test('go through ten thousand blocks without recursion', () => {
    const b = new FunctionBuilder('f', signature([Type.I32], [Type.I32]))
    const [x] = b.createEntry()
    const v = b.declareVariable(Type.I32)
    b.define(v, x)
    for (let i = 0; i < 10_000; i++) {
      const next = b.createBlock()
      const side = i % 2 === 0 ? next : b.createBlock()
      b.brif(x, next, side)
      if (side !== next) {
        b.switchTo(side)
        b.seal(side)
        b.jump(next)
      }
      b.switchTo(next)
      b.seal(next)
    }
    b.return([b.use(v)])
    const func = b.finish()
    expect(func.blocks.paramCount.subarray(1).every((count) => count === 0)).toBe(true)
    expect(verifyFunction(func)).toEqual([])
  })
})

// Each takes well under a second; the square of its size would take minutes.
describe('a large function', () => {
  const SIZE = 20_000

  test('has many variables that one loop changes', () => {
    const b = new FunctionBuilder('f', signature([Type.I32], []))
    const [x] = b.createEntry()
    const variables = Array.from({ length: SIZE }, () => b.declareVariable(Type.I32))
    for (const variable of variables) b.define(variable, x)
    const [head, done] = [b.createBlock(), b.createBlock()]
    b.jump(head)
    b.switchTo(head)
    for (const variable of variables) b.define(variable, b.iadd(b.use(variable), x))
    b.brif(x, head, done)
    b.seal(head)
    b.switchTo(done)
    b.seal(done)
    b.return()
    const func = b.finish()
    expect(func.blocks.paramCount[1]).toBe(SIZE)
    expect(verifyFunction(func)).toEqual([])
  })

  test('uses values from far up the dominators', () => {
    const b = new FunctionBuilder('f', signature([Type.I32], [Type.I32]))
    const [x] = b.createEntry()
    const values = [x]
    for (let i = 0; i < SIZE; i++) {
      const [on, off] = [b.createBlock(), b.createBlock()]
      b.brif(x, on, off)
      b.switchTo(off)
      b.seal(off)
      b.trap(1)
      b.switchTo(on)
      b.seal(on)
      values.push(b.iadd(values[values.length >> 1], values[values.length >> 2]))
    }
    b.return([values[SIZE]])
    expect(verifyFunction(b.finish())).toEqual([])
  })

  test('is filled from its end, before anything is known of its branches', () => {
    const b = new FunctionBuilder('f', signature([Type.I32], [Type.I32]))
    const [x] = b.createEntry()
    const variable = b.declareVariable(Type.I32)
    b.define(variable, x)
    const blocks = Array.from({ length: SIZE }, () => b.createBlock())
    b.jump(blocks[0])
    for (let i = SIZE - 1; i >= 0; i--) {
      b.switchTo(blocks[i])
      if (i === SIZE - 1) b.return([b.use(variable)])
      else b.brif(b.use(variable), blocks[i + 1], blocks[(i * 7 + 3) % SIZE])
    }
    b.sealAll()
    // Loops with several entries keep parameters that they could do without, as in the paper.
    expect(verifyFunction(b.finish())).toEqual([])
  })
})

type Statement = readonly ['define', variable: number, value: number] | readonly ['use', variable: number]
interface PlanBlock {
  readonly statements: readonly Statement[]
  readonly next: readonly number[]
}

/** Blocks whose branches go anywhere but to the entry; the entry defines every variable. */
function plan(seed: number, blocks: number, variables: number): PlanBlock[] {
  const random = new Random(seed)
  let value = 1
  return Array.from({ length: blocks }, (_, block) => {
    const statements: Statement[] = []
    if (block === 0) for (let v = 0; v < variables; v++) statements.push(['define', v, value++])
    for (let i = random.below(5); i > 0; i--) {
      const variable = random.below(variables)
      statements.push(random.oneIn(2) ? ['define', variable, value++] : ['use', variable])
    }
    const next = Array.from({ length: random.pick([0, 1, 1, 2, 2, 2]) }, () => random.between(1, blocks - 1))
    return { statements, next: block === 0 && next.length === 0 ? [1] : next }
  })
}

/** The values that a run of the plan sees, and whether it came to an end. */
function simulate(
  blocks: readonly PlanBlock[],
  choices: readonly number[],
  maxBlocks: number,
): { seen: number[]; ended: boolean } {
  const env: number[] = []
  const seen: number[] = []
  let chosen = 0
  let at = 0
  for (let step = 0; step < maxBlocks; step++) {
    const { statements, next } = blocks[at]
    for (const statement of statements) {
      if (statement[0] === 'define') env[statement[1]] = statement[2]
      else seen.push(env[statement[1]])
    }
    if (next.length === 0) return { seen, ended: true }
    at = next.length === 1 ? next[0] : next[(choices[chosen++] ?? 0) !== 0 ? 0 : 1]
  }
  return { seen, ended: false }
}

/** Builds the plan, in a random order of blocks, sealing blocks at random moments. */
function buildPlan(
  blocks: readonly PlanBlock[],
  variables: number,
  seed: number,
): ReturnType<FunctionBuilder['finish']> {
  const random = new Random(seed)
  const b = new FunctionBuilder('plan', signature([], []))
  const see = b.importFunction('see', signature([Type.I64], []))
  const choose = b.importFunction('choose', signature([], [Type.I8]))
  const vars = Array.from({ length: variables }, () => b.declareVariable(Type.I64))
  const ids: Block[] = blocks.map(() => b.createBlock())
  const order = blocks.map((_, i) => i).slice(1)
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  const filled = new Set<number>()
  const sealed = new Set<number>()
  for (const block of [0, ...order]) {
    b.switchTo(ids[block])
    for (const statement of blocks[block].statements) {
      if (statement[0] === 'define') b.define(vars[statement[1]], b.iconst(Type.I64, statement[2]))
      else b.call(see, [b.use(vars[statement[1]])])
    }
    const next = blocks[block].next.map((i) => ids[i])
    if (next.length === 0) b.return()
    else if (next.length === 1) b.jump(next[0])
    else b.brif(b.call(choose)[0], next[0], next[1])
    filled.add(block)
    blocks.forEach((_, i) => {
      const complete = blocks.every(({ next }, from) => !next.includes(i) || filled.has(from))
      if (complete && !sealed.has(i) && random.oneIn(2)) {
        b.seal(ids[i])
        sealed.add(i)
      }
    })
  }
  b.sealAll()
  return b.finish()
}

test('a function built from variables sees what its plan sees', () => {
  fc.assert(
    fc.property(
      fc.nat(1_000_000),
      fc.integer({ min: 2, max: 14 }),
      fc.integer({ min: 1, max: 4 }),
      (seed, size, vars) => {
        const blocks = plan(seed, size, vars)
        const func = buildPlan(blocks, vars, seed + 1)
        expect(verifyFunction(func)).toEqual([])
        const [again] = parseFunctions(printFunction(func))
        expect(dumpFunction(again)).toEqual(dumpFunction(func))
        const random = new Random(seed + 2)
        for (let run = 0; run < 4; run++) {
          const choices = Array.from({ length: 100 }, () => random.below(2))
          const expected = simulate(blocks, choices, 60)
          const found = walk(func, [], choices, 600)
          // One of the two may have been cut off.
          const length = Math.min(expected.seen.length, found.seen.length)
          expect(found.seen.slice(0, length).map(Number)).toEqual(expected.seen.slice(0, length))
          if (expected.ended && found.returned !== null) expect(found.seen.length).toBe(expected.seen.length)
        }
      },
    ),
    { numRuns: 300 },
  )
})

describe('a switch', () => {
  const build = (type: Type, values: readonly bigint[]): ReturnType<FunctionBuilder['finish']> => {
    const b = new FunctionBuilder('switch', signature([type], [Type.I32]))
    const [x] = b.createEntry()
    const otherwise = b.createBlock()
    const cases = values.map((value) => [value, b.createBlock()] as const)
    b.switch(x, cases, otherwise)
    cases.forEach(([, block], i) => {
      b.switchTo(block)
      b.return([b.iconst(Type.I32, i)])
    })
    b.switchTo(otherwise)
    b.return([b.iconst(Type.I32, 9999)])
    b.sealAll()
    return b.finish()
  }

  test('goes where it should', () => {
    const sets: readonly (readonly [Type, readonly bigint[]])[] = [
      [Type.I32, []],
      [Type.I32, [5n]],
      [Type.I32, [1n, 2n, 3n]],
      [Type.I8, [0n, 1n, 2n, 3n, 250n, 251n, 252n, 253n, 254n, 255n]],
      [Type.I8, [-3n, -2n, -1n, 0n, 1n, 100n]],
      [Type.I16, [10n, 11n, 12n, 13n, 14n, 1000n, 0xffffn]],
      [Type.I32, Array.from({ length: 40 }, (_, i) => BigInt(i * i))],
      [Type.I64, [0n, 1n, 2n, 3n, 4n, 1n << 32n, (1n << 32n) + 1n, (1n << 32n) + 2n, (1n << 32n) + 3n, -1n]],
    ]
    for (const [type, values] of sets) {
      const func = build(type, values)
      expect(verifyFunction(func)).toEqual([])
      const bits = Number([8, 16, 32, 64][type - Type.I8])
      const probes = [
        0n,
        1n,
        4n,
        5n,
        255n,
        0xffffn,
        1n << 31n,
        (1n << 64n) - 1n,
        ...values,
        ...values.map((v) => v + 1n),
      ]
      for (const probe of probes) {
        const x = BigInt.asUintN(bits, probe)
        const at = values.findIndex((value) => BigInt.asUintN(bits, value) === x)
        expect(walk(func, [x], []).returned, `${x}`).toEqual([BigInt(at < 0 ? 9999 : at)])
      }
    }
  })

  test('makes a table of neighbours and comparisons of the rest', () => {
    const text = printFunction(build(Type.I32, [7n, 8n, 9n, 10n, 11n, 500n]))
    expect(text).toMatch(/br_table v\d+, block9, \[block3, block4, block5, block6, block7\]/)
    expect(text.match(/icmp\S* eq/g)?.length).toBe(1)
  })
})
