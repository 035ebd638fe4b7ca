// Control flow graph and dominators: the definition of dominance on random graphs. CLIF's own tests are run by filetest.

import { describe, expect, test } from 'vitest'
import {
  type Block,
  controlFlowGraph,
  dominatorTree,
  type Function as IrFunction,
  parseFunctions,
  predecessorsOf,
  successorsOf,
} from '../src/index.ts'
import { randomGraph } from './random-graph.ts'

describe('dominators', () => {
  const reachable = (func: IrFunction, without: number): Set<number> => {
    const graph = controlFlowGraph(func)
    const seen = new Set<number>()
    const stack: number[] = func.layout.entry === without ? [] : [func.layout.entry]
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      if (seen.has(at)) continue
      seen.add(at)
      for (const next of successorsOf(graph, at as Block)) if (next !== without) stack.push(next)
    }
    return seen
  }

  test('are the blocks without which there is no way', () => {
    for (let seed = 0; seed < 150; seed++) {
      const func = randomGraph(seed, 3 + (seed % 17))
      const tree = dominatorTree(func, controlFlowGraph(func))
      const all = reachable(func, -1)
      expect([...tree.postorder].sort()).toEqual([...all].sort())
      for (let a = 0; a < func.blocks.length; a++) {
        const rest = reachable(func, a)
        for (let b = 0; b < func.blocks.length; b++) {
          const expected = all.has(a) && all.has(b) && !rest.has(b)
          expect(tree.dominates(a as Block, b as Block), `seed ${seed}: ${a} over ${b}`).toBe(expected)
        }
      }
      for (const block of all) {
        const up = tree.immediate[block]
        if (up >= 0) expect(tree.children(up as Block)).toContain(block)
      }
    }
  })

  test('of a long ladder of blocks take no longer than its length', () => {
    const rungs = 20_000
    const lines = ['function %ladder(i32) {', 'block0(v0: i32):', '    jump block1']
    for (let i = 1; i < rungs; i++) {
      lines.push(`block${i}:`, `    brif.i32 v0, block${i + 1}, block${Math.max(1, i - 1)}`)
    }
    const [func] = parseFunctions([...lines, `block${rungs}:`, '    return', '}'].join('\n'))
    const tree = dominatorTree(func, controlFlowGraph(func))
    expect(tree.postorder.length).toBe(rungs + 1)
    expect(tree.dominates(0 as Block, (rungs - 1) as Block)).toBe(true)
  })

  test('edges are listed once for every branch', () => {
    const func = randomGraph(5, 12)
    const graph = controlFlowGraph(func)
    for (let block = 0; block < 12; block++) {
      for (const next of successorsOf(graph, block as Block)) {
        expect(predecessorsOf(graph, next as Block)).toContain(block)
      }
    }
    expect(graph.successors.length).toBe(graph.predecessors.length)
  })
})
