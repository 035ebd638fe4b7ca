// The order of machine blocks on random graphs, held against dominators and loops computed the slow way.
import type { Function as IrFunction } from '@framewright/ir'
import { parseFunctions } from '@framewright/ir/text'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BlockOrder } from '../src/analysis/block-order.ts'

/** What ends a block: its targets (block numbers), with an argument or without, and whether the block is marked cold. */
interface BlockEnd {
  readonly kind: 'return' | 'trap' | 'jump' | 'brif' | 'br_table'
  readonly targets: readonly number[]
  readonly cold: boolean
}

function parse(ends: readonly BlockEnd[]): IrFunction {
  // A block with an odd number takes a parameter, so that edges to it need a place for their moves.
  const call = (target: number): string => `block${target}${target % 2 === 1 ? '(v0)' : ''}`
  const lines = ['function %graph(i32) {']
  ends.forEach(({ kind, targets, cold }, block) => {
    const params = block === 0 ? '(v0: i32)' : block % 2 === 1 ? `(v${block}: i32)` : ''
    lines.push(`block${block}${params}${cold && block > 0 ? ' cold' : ''}:`)
    const [first, second, ...others] = targets.map(call)
    if (kind === 'return') lines.push('    return')
    else if (kind === 'trap') lines.push('    trap user1')
    else if (kind === 'jump') lines.push(`    jump ${first}`)
    else if (kind === 'brif') lines.push(`    brif v0, ${first}, ${second}`)
    else lines.push(`    br_table v0, ${first}, [${[second, ...others].join(', ')}]`)
  })
  lines.push('}')
  return parseFunctions(lines.join('\n'))[0]!
}

/** A random graph. `shape` bends targets: near ones make nests, any ones make irreducible loops. */
function graphs(kinds: readonly BlockEnd['kind'][], cold: boolean): fc.Arbitrary<BlockEnd[]> {
  return fc.integer({ min: 1, max: 14 }).chain((count) =>
    fc.tuple(
      ...Array.from({ length: count }, () => {
        // The entry has no predecessors.
        const target = fc.integer({ min: Math.min(1, count - 1), max: count - 1 })
        return fc.record({
          kind: count === 1 ? fc.constantFrom('return' as const, 'trap' as const) : fc.constantFrom(...kinds),
          targets: fc.array(target, { minLength: 2, maxLength: 5 }),
          cold: cold ? fc.boolean() : fc.constant(false),
        })
      }),
    ),
  )
}

const successorsOf = ({ kind, targets }: BlockEnd): number[] =>
  kind === 'return' || kind === 'trap'
    ? []
    : [...new Set(kind === 'jump' ? targets.slice(0, 1) : kind === 'brif' ? targets.slice(0, 2) : targets)]

/** Blocks that reach `to` from the entry without passing `without`. */
function reachable(ends: readonly BlockEnd[], without = -1): Set<number> {
  const seen = new Set<number>(without === 0 ? [] : [0])
  for (const block of seen) for (const next of successorsOf(ends[block]!)) if (next !== without) seen.add(next)
  return seen
}

/** Dominators of each reachable block, itself included: blocks without which it is not reached. */
function dominators(ends: readonly BlockEnd[]): Map<number, Set<number>> {
  const all = reachable(ends)
  const result = new Map([...all].map((block) => [block, new Set([block])]))
  for (const candidate of all) {
    const others = reachable(ends, candidate)
    for (const block of all) if (!others.has(block)) result.get(block)!.add(candidate)
  }
  return result
}

/** Natural loops: header to body. Null when some cycle has no header that dominates it. */
function naturalLoops(ends: readonly BlockEnd[]): Map<number, Set<number>> | null {
  const over = dominators(ends)
  const loops = new Map<number, Set<number>>()
  const forward = new Map<number, number[]>()
  for (const block of over.keys()) {
    for (const next of successorsOf(ends[block]!)) {
      if (!over.get(block)!.has(next)) {
        forward.set(block, [...(forward.get(block) ?? []), next])
        continue
      }
      const body = loops.get(next) ?? new Set([next])
      loops.set(next, body)
      const work = [block]
      while (work.length > 0) {
        const member = work.pop()!
        if (body.has(member)) continue
        body.add(member)
        for (const other of over.keys()) if (successorsOf(ends[other]!).includes(member)) work.push(other)
      }
    }
  }
  // Reducible: without the edges back to a dominator nothing goes round.
  const state = new Map<number, 'open' | 'done'>()
  const acyclic = (block: number): boolean => {
    if (state.has(block)) return state.get(block) === 'done'
    state.set(block, 'open')
    const fine = (forward.get(block) ?? []).every(acyclic)
    state.set(block, 'done')
    return fine
  }
  return acyclic(0) ? loops : null
}

const every = ['return', 'trap', 'jump', 'brif', 'br_table'] as const
const order = new BlockOrder()

/** Computes the order. @returns the number in the text of each block of the function, by its id. */
function compute(func: IrFunction): number[] {
  order.compute(func)
  const numbers: number[] = []
  let number = 0
  for (let block: number = func.layout.entry; block >= 0; block = func.blocks.nextBlock[block]!)
    numbers[block] = number++
  return numbers
}

/** Blocks by their numbers in the text, in the order of machine blocks, without those of edges. */
function placedBlocks(func: IrFunction): number[] {
  const numbers = compute(func)
  return [...order.irBlock.slice(0, order.count)].filter((block) => block >= 0).map((block) => numbers[block]!)
}

test('the entry first, every reachable block once, no other', () => {
  fc.assert(
    fc.property(graphs(every, true), (ends) => {
      const func = parse(ends)
      const placed = placedBlocks(func)
      expect(placed[0]).toBe(0)
      expect([...placed].sort((a, b) => a - b)).toEqual([...reachable(ends)].sort((a, b) => a - b))
      compute(func).forEach((number, block) => {
        const machine = order.machineBlock[block]!
        if (placed.includes(number)) expect(order.irBlock[machine]).toBe(block)
        else expect(machine).toBe(-1)
      })
    }),
    { numRuns: 500 },
  )
})

// A cycle with two entries, of which different searches take different ones for its header.
const twoEntries: BlockEnd[] = (
  [
    ['brif', 7, 4],
    ['br_table', 5, 1, 3],
    ['return'],
    ['brif', 2, 4],
    ['jump', 5],
    ['jump', 1],
    ['return'],
    ['jump', 1],
  ] as const
).map(([kind, ...targets]) => ({ kind, targets, cold: false }))

test('every dominator precedes its block', () => {
  fc.assert(
    fc.property(graphs(every, true), (ends) => {
      const placed = placedBlocks(parse(ends))
      for (const [block, over] of dominators(ends)) {
        for (const dominator of over) expect(placed.indexOf(dominator)).toBeLessThanOrEqual(placed.indexOf(block))
      }
    }),
    { numRuns: 1500, examples: [[twoEntries]] },
  )
})

test('the blocks of a loop follow its header without a gap', () => {
  let seen = 0
  fc.assert(
    fc.property(graphs(['return', 'jump', 'brif', 'brif', 'brif'], false), (ends) => {
      const loops = naturalLoops(ends)
      if (loops === null) return
      const placed = placedBlocks(parse(ends))
      for (const [header, body] of loops) {
        seen++
        const positions = [...body].map((block) => placed.indexOf(block)).sort((a, b) => a - b)
        expect(positions[0]).toBe(placed.indexOf(header))
        expect(positions.at(-1)! - positions[0]!, `loop of block${header} in ${placed}`).toBe(body.size - 1)
      }
    }),
    { numRuns: 2000 },
  )
  expect(seen).toBeGreaterThan(500)
})

test('an exit comes after its loop, whichever arm it is', () => {
  for (const arms of ['block2, block3', 'block3, block2']) {
    const [func] = parseFunctions(
      `function %f(i32) {\nblock0(v0: i32):\n    jump block1\nblock1:\n    brif v0, ${arms}\nblock2:\n    jump block1\nblock3:\n    return\n}`,
    )
    expect(placedBlocks(func!), arms).toEqual([0, 1, 2, 3])
  }
})

test('cold blocks and traps come last', () => {
  const [func] = parseFunctions(
    'function %f(i32) {\nblock0(v0: i32):\n    brif v0, block1, block2\nblock1 cold:\n    jump block3\nblock2:\n    brif v0, block4, block5\nblock3:\n    return\nblock4:\n    trap user1\nblock5:\n    return\n}',
  )
  expect(placedBlocks(func!)).toEqual([0, 2, 5, 1, 3, 4])
})

test('edges that need moves have a block of their own, just after their predecessor', () => {
  fc.assert(
    fc.property(graphs(every, true), (ends) => {
      const func = parse(ends)
      const numbers = compute(func)
      const target = func.blockCalls.block
      const live = reachable(ends)
      const incoming = (block: number): number =>
        ends.reduce((sum, end, from) => {
          if (!live.has(from) || end.kind === 'return' || end.kind === 'trap') return sum
          const used =
            end.kind === 'jump' ? end.targets.slice(0, 1) : end.kind === 'brif' ? end.targets.slice(0, 2) : end.targets
          return sum + used.filter((to) => to === block).length
        }, 0)
      let last = -1
      for (let machine = 0; machine < order.count; machine++) {
        const successors = [...order.successors.slice(order.successorStart[machine], order.successorStart[machine + 1])]
        expect(new Set(successors).size).toBe(successors.length)
        if (order.irBlock[machine]! < 0) {
          // One way in, from the last real block before it, and one way out.
          expect(successors).toEqual([order.machineBlock[target[order.edgeCall[machine]!]!]])
          const before = [...order.successors.slice(order.successorStart[last], order.successorStart[last + 1])]
          expect(before).toContain(machine)
          continue
        }
        last = machine
        const block = numbers[order.irBlock[machine]!]!
        const real = successors.map((successor) =>
          order.irBlock[successor]! >= 0 ? order.irBlock[successor]! : target[order.edgeCall[successor]!]!,
        )
        expect([...new Set(real.map((id) => numbers[id]!))].sort((a, b) => a - b)).toEqual(
          successorsOf(ends[block]!).sort((a, b) => a - b),
        )
        // The last successor of several, straight to a block that others lead to: no place for moves.
        const several = ends[block]!.kind === 'brif' || ends[block]!.kind === 'br_table'
        for (const successor of successors) {
          const direct = order.irBlock[successor]! >= 0
          if (several && direct) expect(incoming(numbers[order.irBlock[successor]!]!)).toBe(1)
        }
      }
    }),
    { numRuns: 500 },
  )
})
