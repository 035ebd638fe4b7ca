// Components, post-dominators, loops and liveness: worked examples, and their definitions on random graphs.

import { describe, expect, test } from 'vitest'
import {
  type Block,
  type ControlFlowGraph,
  components,
  controlFlowGraph,
  dominatorTree,
  type Function as IrFunction,
  liveness,
  loopForest,
  parseFunctions,
  postDominatorTree,
  printValue,
  successorsOf,
  type Value,
  verifyFunction,
} from '../src/index.ts'
import { generateIr } from '../src/testing/index.ts'
import { randomGraph, randomValues } from './random-graph.ts'

const blocksOf = (func: IrFunction): number[] => Array.from({ length: func.blocks.length }, (_, block) => block)

/** What can be reached, the start included, without entering blocks that are not allowed. */
function reach(graph: ControlFlowGraph, from: number, allowed: (block: number) => boolean = () => true): Set<number> {
  const seen = new Set<number>()
  const stack = allowed(from) ? [from] : []
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    if (seen.has(at)) continue
    seen.add(at)
    for (const next of successorsOf(graph, at as Block)) if (allowed(next)) stack.push(next)
  }
  return seen
}

/** A function of blocks that branch on v0 to those listed; none is a return. Mentioned in the order of their numbers. */
function graphOf(...targets: readonly (readonly number[])[]): IrFunction {
  const lines = targets.map((list, i) => {
    const [a, b] = list
    const branch = a === undefined ? 'return' : b === undefined ? `jump block${a}` : `brif.i32 v0, block${a}, block${b}`
    return `block${i}${i === 0 ? '(v0: i32)' : ''}:\n    ${branch}`
  })
  return parseFunctions(`function %graph(i32) {\n${lines.join('\n')}\n}`)[0]
}

describe('components', () => {
  test('are the blocks that reach each other, numbered against the edges', () => {
    for (let seed = 0; seed < 200; seed++) {
      const func = randomGraph(seed, 3 + (seed % 17))
      const graph = controlFlowGraph(func)
      const { count, ofBlock } = components(graph)
      expect(new Set(ofBlock).size).toBe(count)
      const reached = blocksOf(func).map((block) => reach(graph, block))
      for (const a of blocksOf(func)) {
        for (const b of blocksOf(func)) {
          expect(ofBlock[a] === ofBlock[b], `seed ${seed}: ${a}, ${b}`).toBe(reached[a].has(b) && reached[b].has(a))
          if (reached[a].has(b)) expect(ofBlock[b]).toBeLessThanOrEqual(ofBlock[a])
        }
      }
    }
  })
})

describe('post-dominators', () => {
  const treeOf = (func: IrFunction) => postDominatorTree(func, controlFlowGraph(func))

  test('of a diamond are its join and what follows', () => {
    const tree = treeOf(graphOf([1], [2, 3], [4], [4], []))
    expect([...tree.immediate.subarray(0, 5)]).toEqual([1, 4, 4, 4, tree.exit])
    expect(tree.postDominates(4 as Block, 1 as Block)).toBe(true)
    expect(tree.postDominates(2 as Block, 1 as Block)).toBe(false)
  })

  test('of a function with two returns meet in the exit', () => {
    const tree = treeOf(graphOf([1, 2], [], []))
    expect([...tree.immediate.subarray(0, 3)]).toEqual([tree.exit, tree.exit, tree.exit])
  })

  test('of a loop without a way out are where it is entered, for what leads to it', () => {
    const tree = treeOf(graphOf([1], [2], [3], [2]))
    expect([...tree.immediate.subarray(0, 4)]).toEqual([1, 2, tree.exit, tree.exit])
  })

  test('are the blocks without which there is no way to an end', () => {
    for (let seed = 0; seed < 200; seed++) {
      const func = randomGraph(seed, 3 + (seed % 17))
      const graph = controlFlowGraph(func)
      const tree = treeOf(func)
      const reached = blocksOf(func).map((block) => reach(graph, block))
      // A path ends where everything that can still be reached leads back.
      const isEnd = blocksOf(func).map((block) => [...reached[block]].every((other) => reached[other].has(block)))
      for (const a of blocksOf(func)) {
        for (const b of blocksOf(func)) {
          const expected = ![...reach(graph, b, (block) => block !== a)].some((block) => isEnd[block])
          expect(tree.postDominates(a as Block, b as Block), `seed ${seed}: ${a} after ${b}`).toBe(expected)
        }
        const up = tree.immediate[a]
        for (const b of blocksOf(func)) {
          if (a !== b && tree.postDominates(b as Block, a as Block)) {
            expect(tree.postDominates(b as Block, up as Block), `seed ${seed}: ${up} nearest to ${a}`).toBe(true)
          }
        }
        expect(tree.postDominates(tree.exit, a as Block)).toBe(true)
      }
    }
  })

  test('leave out blocks that are not in the layout', () => {
    const func = graphOf([1], [2], [])
    func.layout.removeBlock(1 as Block)
    const tree = postDominatorTree(func, controlFlowGraph(func))
    expect(tree.immediate[1]).toBe(-1)
    expect(tree.postDominates(1 as Block, 1 as Block)).toBe(false)
  })
})

interface NaiveLoop {
  header: number
  depth: number
  blocks: number[]
  entries: number[]
}

/** Loops by their definition: components without their headers, again and again. */
function naiveLoops(func: IrFunction, graph: ControlFlowGraph): NaiveLoop[] {
  const preorder: number[] = []
  const visit = (block: number): void => {
    if (preorder.includes(block)) return
    preorder.push(block)
    for (const next of successorsOf(graph, block as Block)) visit(next)
  }
  visit(func.layout.entry)
  const found: NaiveLoop[] = []
  const split = (allowed: Set<number>, depth: number): void => {
    const done = new Set<number>()
    for (const header of preorder) {
      if (!allowed.has(header) || done.has(header)) continue
      const inside = (block: number): boolean => allowed.has(block)
      const blocks = [...reach(graph, header, inside)].filter((block) => reach(graph, block, inside).has(header))
      for (const block of blocks) done.add(block)
      if (blocks.length === 1 && !successorsOf(graph, header as Block).includes(header)) continue
      const outside = preorder.filter((block) => !blocks.includes(block))
      const entries = blocks.filter((block) =>
        outside.some((from) => successorsOf(graph, from as Block).includes(block)),
      )
      found.push({ header, depth, blocks: blocks.sort(), entries: [...new Set([header, ...entries.sort()])] })
      split(new Set(blocks.filter((block) => block !== header)), depth + 1)
    }
  }
  split(new Set(preorder), 1)
  return found
}

describe('loops', () => {
  const forestOf = (func: IrFunction) => loopForest(func, controlFlowGraph(func))

  test('nest', () => {
    // 1 { 2 { 4 } 5 }, then 3 alone.
    const forest = forestOf(graphOf([1], [2, 3], [4, 5], [6, 3], [2], [1], []))
    expect(forest.count).toBe(3)
    expect([...forest.header]).toEqual([1, 2, 3])
    expect([...forest.parent]).toEqual([-1, 0, -1])
    expect([...forest.depth]).toEqual([1, 2, 1])
    expect([...forest.ofBlock]).toEqual([-1, 0, 1, 2, 1, 0, -1])
    expect(forest.contains(0, 4 as Block)).toBe(true)
    expect(forest.contains(2, 4 as Block)).toBe(false)
    expect(forest.contains(0, 6 as Block)).toBe(false)
    expect(forest.depthOf(4 as Block)).toBe(2)
    expect(forest.depthOf(0 as Block)).toBe(0)
    expect([0, 1, 2].map((loop) => forest.isIrreducible(loop))).toEqual([false, false, false])
  })

  test('with two entries say so', () => {
    const forest = forestOf(graphOf([1], [2, 3], [3], [2, 4], []))
    expect([...forest.header]).toEqual([2])
    expect(forest.isIrreducible(0)).toBe(true)
    expect([...forest.entries]).toEqual([2, 3])
  })

  test('are components without their headers, again and again', () => {
    let irreducible = 0
    let deepest = 0
    for (let seed = 0; seed < 600; seed++) {
      const func = randomGraph(seed, 3 + (seed % 23))
      const graph = controlFlowGraph(func)
      const forest = loopForest(func, graph)
      const found = Array.from({ length: forest.count }, (_, loop) => ({
        header: forest.header[loop],
        depth: forest.depth[loop],
        blocks: blocksOf(func)
          .filter((block) => forest.contains(loop, block as Block))
          .sort(),
        entries: [...forest.entries.subarray(forest.entryStart[loop], forest.entryStart[loop + 1])],
      }))
      const byHeader = (a: NaiveLoop, b: NaiveLoop): number => a.header - b.header
      const sorted = found.map((loop) => ({ ...loop, entries: [loop.header, ...loop.entries.slice(1).sort()] }))
      expect(found.map(({ entries }) => entries[0])).toEqual(found.map(({ header }) => header))
      const expected = naiveLoops(func, graph).map((loop) => ({
        ...loop,
        entries: [loop.header, ...loop.entries.filter((block) => block !== loop.header).sort()],
      }))
      expect(sorted.sort(byHeader), `seed ${seed}`).toEqual(expected.sort(byHeader))
      found.forEach((_, loop) => {
        const outer = forest.parent[loop]
        expect(forest.depth[loop]).toBe(outer < 0 ? 1 : forest.depth[outer] + 1)
        if (outer >= 0) expect(forest.contains(outer, forest.header[loop] as Block)).toBe(true)
        if (forest.isIrreducible(loop)) irreducible++
        deepest = Math.max(deepest, forest.depth[loop])
      })
    }
    expect(irreducible).toBeGreaterThan(50)
    expect(deepest).toBeGreaterThan(3)
  })

  test('of a reducible function are headed by what dominates them', () => {
    for (let seed = 0; seed < 40; seed++) {
      const func = generateIr({ seed, instructions: 400 })
      const graph = controlFlowGraph(func)
      const tree = dominatorTree(func, graph)
      const forest = loopForest(func, graph)
      for (let loop = 0; loop < forest.count; loop++) {
        expect(forest.isIrreducible(loop)).toBe(false)
        for (const block of blocksOf(func)) {
          if (!forest.contains(loop, block as Block)) continue
          expect(tree.dominates(forest.header[loop] as Block, block as Block)).toBe(true)
        }
      }
    }
  })

  test('thousands deep are found', () => {
    // Block i is the header of a loop that ends in block 2 * depth - i.
    const depth = 5000
    const targets: number[][] = []
    for (let i = 0; i <= depth; i++) targets.push([i + 1])
    for (let i = depth; i >= 1; i--) targets.push([targets.length + 1, i])
    const forest = forestOf(graphOf(...targets, []))
    expect(forest.count).toBe(depth)
    expect(forest.depthOf((depth + 1) as Block)).toBe(depth)
  })
})

/** Liveness by its equations, iterated until nothing changes. Uses are read off the text. */
function naiveLiveness(func: IrFunction, graph: ControlFlowGraph): { into: Set<string>[]; out: Set<string>[] } {
  const blocks = blocksOf(func)
  const used = blocks.map(() => new Set<string>())
  const defined = blocks.map(() => new Set<string>())
  for (let value = 0; value < func.values.length; value++) {
    const from = func.values.definition[value]
    const block = from >= 0 ? func.layout.instBlock[from] : -2 - from
    if (from !== -1) defined[block].add(printValue(func, value as Value))
  }
  for (const block of blocks) {
    for (let inst = func.blocks.firstInst[block]; inst >= 0; inst = func.layout.nextInst[inst]) {
      const offset = func.source?.instOffset(inst) ?? 0
      const line = func.source?.source.text.slice(offset).split('\n')[0] ?? ''
      const operands = line.replace(/;.*/, '').replace(/^.* = /, '')
      for (const [name] of operands.matchAll(/\bv\d+/g)) if (!defined[block].has(name)) used[block].add(name)
    }
  }
  const into = blocks.map(() => new Set<string>())
  const out = blocks.map(() => new Set<string>())
  for (let changed = true; changed; ) {
    changed = false
    for (const block of blocks) {
      const before = into[block].size + out[block].size
      for (const next of successorsOf(graph, block as Block)) for (const name of into[next]) out[block].add(name)
      for (const name of [...used[block], ...out[block]]) if (!defined[block].has(name)) into[block].add(name)
      if (into[block].size + out[block].size !== before) changed = true
    }
  }
  return { into, out }
}

function checkLiveness(func: IrFunction, name: string): number {
  const graph = controlFlowGraph(func)
  const found = liveness(func, graph)
  const expected = naiveLiveness(func, graph)
  const names = (values: readonly Value[]): string[] => values.map((value) => printValue(func, value)).sort()
  let live = 0
  for (const block of blocksOf(func) as Block[]) {
    expect(names(found.liveIn(block)), `${name}: into block${block}`).toEqual([...expected.into[block]].sort())
    expect(names(found.liveOut(block)), `${name}: out of block${block}`).toEqual([...expected.out[block]].sort())
    for (let value = 0; value < func.values.length; value++) {
      const printed = printValue(func, value as Value)
      expect(found.isLiveIn(block, value as Value)).toBe(expected.into[block].has(printed))
      expect(found.isLiveOut(block, value as Value)).toBe(expected.out[block].has(printed))
    }
    live += expected.into[block].size
  }
  return live
}

describe('liveness', () => {
  test('follows a value round a loop, through a handler and into a branch argument', () => {
    const [func] = parseFunctions(`function %f(i32, i64) -> i32 system_v {
    sig0 = (i32) -> i32 system_v
    fn0 = %g sig0

block0(v0: i32, v1: i64):
    v2 = iconst.i32 1
    jump block1(v0)

block1(v3: i32):
    try_call fn0(v3), sig0, block2(ret0), [ context v1, tag0: block3(exn0) ]

block2(v4: i32):
    v5 = iadd v4, v2
    brif v5, block1(v5), block4(v5)

block3(v6: i64):
    trap user1

block4(v7: i32):
    return v7
}`)
    expect(verifyFunction(func)).toEqual([])
    const found = liveness(func, controlFlowGraph(func))
    const lists = blocksOf(func).map((block) => [found.liveIn(block as Block), found.liveOut(block as Block)])
    // v1 and v2 are needed again in the next round; v3, v4 and v5 live in one block only.
    expect(lists.map((pair) => pair.map((list) => [...list].sort()))).toEqual([
      [[], [1, 2]],
      [
        [1, 2],
        [1, 2],
      ],
      [
        [1, 2],
        [1, 2],
      ],
      [[], []],
      [[], []],
    ])
    expect(found.bit[5]).toBe(-1)
    expect(checkLiveness(func, 'example')).toBeGreaterThan(0)
  })

  test('is the least solution of its equations on graphs of any shape', () => {
    let live = 0
    for (let seed = 0; seed < 150; seed++) live += checkLiveness(randomValues(seed, 3 + (seed % 17)), `seed ${seed}`)
    expect(live).toBeGreaterThan(1000)
  })

  test('is the least solution of its equations on generated functions', () => {
    let live = 0
    for (let seed = 0; seed < 12; seed++) live += checkLiveness(generateIr({ seed, instructions: 300 }), `seed ${seed}`)
    expect(live).toBeGreaterThan(200)
  })
})
