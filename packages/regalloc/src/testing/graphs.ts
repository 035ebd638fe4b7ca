// Random control flow, in an order that the allocator accepts.
import type { Random } from './random.ts'

/** Blocks in emission order, entry first, with critical edges split. */
export interface RandomGraph {
  readonly successors: readonly (readonly number[])[]
  readonly predecessors: readonly (readonly number[])[]
  /** Immediate dominators; the entry is its own. */
  readonly dominators: readonly number[]
}

/**
 * A graph of about `size` blocks, all reached: nested structure (branches, loops, exits), or edges drawn at will, which
 * makes irreducible loops; emission order by depth first search with arms in any order, or any order in which
 * dominators come first.
 */
export function randomGraph(random: Random, size: number): RandomGraph {
  const drawn = random.once(2) ? structured(random, size) : tangled(random, size)
  const split = splitCriticalEdges(reachable(drawn))
  const dominators = immediateDominators(split)
  const order = random.once(3) ? anyDominatorOrder(random, dominators) : depthFirstOrder(random, split)
  const place = new Array<number>(split.length)
  order.forEach((block, k) => {
    place[block] = k
  })
  const successors = order.map((block) => split[block].map((successor) => place[successor]))
  return {
    successors,
    predecessors: predecessorsOf(successors),
    dominators: order.map((block) => place[dominators[block]]),
  }
}

export function predecessorsOf(successors: readonly (readonly number[])[]): number[][] {
  const predecessors: number[][] = successors.map(() => [])
  successors.forEach((list, block) => {
    for (const successor of new Set(list)) predecessors[successor].push(block)
  })
  return predecessors
}

/** Branches and loops inside each other; `break` and `continue` of any loop around. */
function structured(random: Random, size: number): number[][] {
  const successors: number[][] = [[]]
  const open = (): number => successors.push([]) - 1
  let left = size
  const body = (from: number, loops: readonly { header: number; exit: number }[]): number | null => {
    let block = from
    for (let steps = random.between(1, 3); steps > 0 && left > 0; steps--) {
      left--
      const kind = random.below(6)
      if (kind < 2) {
        const arms = [open(), open()]
        successors[block].push(...arms)
        const ends = arms.map((arm) => body(arm, loops)).filter((end) => end !== null)
        if (ends.length === 0) return null
        const join = open()
        for (const end of ends) successors[end].push(join)
        block = join
      } else if (kind < 4) {
        const header = open()
        const inside = open()
        const exit = open()
        successors[block].push(header)
        successors[header].push(...(random.once(2) ? [inside, exit] : [exit, inside]))
        const end = body(inside, [...loops, { header, exit }])
        if (end !== null) successors[end].push(header)
        block = exit
      } else if (kind === 4 && loops.length > 0) {
        const loop = random.pick(loops)
        const on = open()
        successors[block].push(random.once(2) ? loop.header : loop.exit, on)
        block = on
      } else if (kind === 5) {
        const arms = Array.from({ length: random.between(2, 4) }, open)
        const join = open()
        successors[block].push(...arms)
        for (const arm of arms) successors[arm].push(join)
        block = join
      }
    }
    if (loops.length > 0 && random.once(12)) return null
    return block
  }
  body(0, [])
  return successors
}

function tangled(random: Random, size: number): number[][] {
  const count = Math.max(1, size)
  return Array.from({ length: count }, (_, block) => {
    const ways = random.pick([0, 1, 1, 1, 2, 2, 2, 3])
    const near = (): number => Math.min(count - 1, Math.max(0, block + random.between(-4, 5)))
    const list = Array.from({ length: ways }, () => (random.once(3) ? random.below(count) : near()))
    // The entry takes no edges, but in some graphs.
    const entered = random.once(16) ? list : list.map((to) => (to === 0 ? Math.min(1, count - 1) : to))
    if (entered.length === 0 && block < count - 1 && !random.once(6)) entered.push(block + 1)
    return count === 1 ? [] : entered
  })
}

function reachable(successors: readonly (readonly number[])[]): number[][] {
  const number = new Map([[0, 0]])
  const list = [0]
  for (const block of list) {
    for (const successor of successors[block]) {
      if (number.has(successor)) continue
      number.set(successor, list.length)
      list.push(successor)
    }
  }
  return list.map((block) => successors[block].map((successor) => number.get(successor)!))
}

function splitCriticalEdges(successors: number[][]): number[][] {
  const edges = new Array<number>(successors.length).fill(0)
  for (const list of successors) for (const successor of list) edges[successor]++
  const split = successors.map((list) => [...list])
  successors.forEach((list, block) => {
    if (list.length < 2) return
    list.forEach((successor, k) => {
      if (edges[successor] > 1 || successor === 0) split[block][k] = split.push([successor]) - 1
    })
  })
  return split
}

/** By sets to a fixed point: slow, and nothing like what the allocator does. */
function immediateDominators(successors: readonly (readonly number[])[]): number[] {
  const predecessors = predecessorsOf(successors)
  const everything = successors.map((_, block) => block)
  const dominators = successors.map((_, block) => new Set(block === 0 ? [0] : everything))
  for (let changed = true; changed; ) {
    changed = false
    for (let block = 1; block < successors.length; block++) {
      const [first, ...others] = predecessors[block]
      const common = [...dominators[first]].filter((other) => others.every((from) => dominators[from].has(other)))
      const now = new Set([...common, block])
      if (now.size === dominators[block].size) continue
      dominators[block] = now
      changed = true
    }
  }
  return dominators.map((set, block) => {
    const strict = [...set].filter((other) => other !== block)
    return strict.find((other) => dominators[other].size === strict.length) ?? block
  })
}

function anyDominatorOrder(random: Random, dominators: readonly number[]): number[] {
  const order: number[] = []
  const ready = [0]
  while (ready.length > 0) {
    const [block] = ready.splice(random.below(ready.length), 1)
    order.push(block)
    dominators.forEach((dominator, child) => {
      if (dominator === block && child !== block) ready.push(child)
    })
  }
  return order
}

/** Reverse postorder; the order of the arms is drawn, so that loops may end before their bodies begin. */
function depthFirstOrder(random: Random, successors: readonly (readonly number[])[]): number[] {
  const seen = new Set<number>()
  const order: number[] = []
  const visit = (block: number): void => {
    seen.add(block)
    for (const successor of random.shuffle(successors[block])) if (!seen.has(successor)) visit(successor)
    order.push(block)
  }
  visit(0)
  return order.reverse()
}
