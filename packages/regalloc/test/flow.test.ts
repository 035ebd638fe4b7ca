import { describe, expect, test } from 'vitest'
import { Flow } from '../src/flow.ts'
import { Random, type RandomGraph, randomGraph } from '../src/testing/index.ts'

function analyze(successors: readonly (readonly number[])[]): Flow {
  const successorStart = [0]
  for (const list of successors) successorStart.push(successorStart.at(-1)! + list.length)
  const flow = new Flow()
  flow.analyze({
    count: successors.length,
    successorStart: Int32Array.from(successorStart),
    successors: Int32Array.from(successors.flat()),
  })
  return flow
}

const list = (column: Int32Array, count: number): number[] => [...column.subarray(0, count)]

describe('extents', () => {
  test('a loop runs from its header to its last latch', () => {
    // 0 → 1 → 2 → 3 → 1, 3 → 4; 2 → 1 is a `continue`.
    const flow = analyze([[1], [2], [1, 3], [1, 4], []])
    expect(list(flow.extentEnd, 5)).toEqual([-1, 3, -1, -1, -1])
    expect(list(flow.depth, 5)).toEqual([0, 1, 1, 1, 0])
    expect(list(flow.keptFrom, 5)).toEqual([-1, -1, -1, -1, -1])
  })

  test('an extent takes in those that start in it, when the arm that leaves comes before the body', () => {
    // The inner loop is 2, 4; its exit 3, placed before its body, is the latch of the outer loop.
    const flow = analyze([[1], [2, 5], [3, 4], [1], [2], []])
    expect(list(flow.extentEnd, 6)).toEqual([-1, 4, 4, -1, -1, -1])
    expect(list(flow.depth, 6)).toEqual([0, 1, 2, 2, 2, 0])
    expect(flow.enclosing[2]).toBe(1)
  })

  test('an edge to a block that only lies in between does not make a loop irreducible', () => {
    // 2 is placed between header 1 and latch 3, but 0 reaches it too.
    const flow = analyze([[1, 2], [3, 2], [], [1]])
    expect(flow.extentEnd[1]).toBe(3)
    expect(flow.keptFrom[1]).toBe(-1)
  })

  test('a second entry makes a loop irreducible', () => {
    const flow = analyze([[1, 2], [2, 3], [1], []])
    expect(flow.extentEnd[1]).toBe(2)
    expect(flow.keptFrom[1]).toBe(0)
  })
})

test('double edges count once as predecessors', () => {
  const flow = analyze([[1, 1, 2], [2], []])
  expect(list(flow.predecessorCount, 3)).toEqual([0, 1, 2])
})

/** All blocks that dominate a block, itself among them. */
function dominatorsOf({ dominators }: RandomGraph, block: number): number[] {
  const chain = [block]
  while (block !== 0) {
    block = dominators[block]
    chain.push(block)
  }
  return chain
}

/** Blocks from which the latch is reached without passing the header. */
function loopBody({ predecessors }: RandomGraph, header: number, latch: number): Set<number> {
  const body = new Set([header, latch])
  const work = latch === header ? [] : [latch]
  for (const block of work) {
    for (const predecessor of predecessors[block]) {
      if (body.has(predecessor)) continue
      body.add(predecessor)
      work.push(predecessor)
    }
  }
  return body
}

test('random graphs: natural loops lie in their extents, which nest; other headers are found with their dominator', () => {
  let natural = 0
  let irreducible = 0
  for (let seed = 1; seed < 600; seed++) {
    const graph = randomGraph(new Random(seed), 2 + (seed % 25))
    const { successors, predecessors } = graph
    const flow = analyze(successors)
    successors.forEach((_, header) => {
      const latches = predecessors[header].filter((from) => from >= header)
      const place = `seed ${seed}, block ${header}`
      expect(flow.extentEnd[header] >= 0, place).toBe(latches.length > 0)
      if (latches.length === 0) return
      const end = flow.extentEnd[header]
      for (let block = header + 1; block <= end; block++) {
        expect(flow.extentEnd[block], `${place} in ${header}..${end}`).toBeLessThanOrEqual(end)
      }
      const chains = [header, ...latches].map((block) => dominatorsOf(graph, block))
      const common = chains[0].find((block) => chains.every((chain) => chain.includes(block)))
      expect(flow.keptFrom[header], place).toBe(common === header ? -1 : common)
      for (const latch of latches) {
        if (!dominatorsOf(graph, latch).includes(header)) {
          irreducible++
          continue
        }
        natural++
        for (const block of loopBody(graph, header, latch)) {
          expect(block, place).toBeGreaterThanOrEqual(header)
          expect(block, place).toBeLessThanOrEqual(end)
        }
      }
    })
  }
  expect(natural).toBeGreaterThan(1000)
  expect(irreducible).toBeGreaterThan(300)
})
