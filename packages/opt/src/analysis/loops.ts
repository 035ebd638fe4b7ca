// The loops of a function: each a header, the blocks from which the header is reached again without leaving it, and the
// loop around it.
//
// Only natural loops are seen: an edge is a back edge when its target dominates its source. A cycle with two entries is
// no loop here; nothing is moved out of it.

import type { ControlFlowGraph, DominatorTree, Function } from '@framewright/ir'

/** Row i of every column is loop i. An inner loop has a smaller number than the loops around it. */
export class Loops {
  count = 0
  readonly header: number[] = []
  /** The next loop outwards; -1 for none. */
  readonly parent: number[] = []
  /**
   * The block that control comes from when it enters the loop: the header's only predecessor outside, which goes nowhere
   * else. -1 when there is none.
   */
  readonly preheader: number[] = []
  /** The innermost loop of a block, by block; -1 for none. */
  readonly ofBlock: Int32Array
  /** Number in a walk of the forest of loops, and the largest number of a loop inside. */
  readonly #enter: number[] = []
  readonly #leave: number[] = []

  constructor(blocks: number) {
    this.ofBlock = new Int32Array(blocks).fill(-1)
  }

  /** Whether the block is in the loop, or in one that the loop holds. */
  contains(loop: number, block: number): boolean {
    const inner = this.ofBlock[block]
    if (inner < 0) return false
    return this.#enter[loop] <= this.#enter[inner] && this.#enter[inner] <= this.#leave[loop]
  }

  /** Numbers the loops, once all are there, so that those inside a loop are a range. */
  number(): void {
    const { count, parent } = this
    const size = new Int32Array(count).fill(1)
    for (let loop = 0; loop < count; loop++) if (parent[loop] >= 0) size[parent[loop]] += size[loop]
    const next = new Int32Array(count)
    let roots = 0
    for (let loop = count - 1; loop >= 0; loop--) {
      const outer = parent[loop]
      const at = outer < 0 ? roots : next[outer]
      if (outer < 0) roots += size[loop]
      else next[outer] += size[loop]
      next[loop] = at + 1
      this.#enter[loop] = at
      this.#leave[loop] = at + size[loop] - 1
    }
  }
}

/**
 * Finds the loops.
 *
 * @param order - the reachable blocks, each after its immediate dominator.
 */
export function findLoops(func: Function, graph: ControlFlowGraph, tree: DominatorTree, order: Int32Array): Loops {
  const { predecessorStart, predecessors, successorStart } = graph
  const { enter, leave } = tree
  const loops = new Loops(func.blocks.length)
  const { ofBlock, header, parent, preheader } = loops
  const work: number[] = []
  // By loop: itself, or one farther out that is known so far.
  const outer: number[] = []
  // Dominated headers come later in the order, so inner loops are met first from its end.
  for (let i = order.length - 1; i >= 0; i--) {
    const head = order[i]
    const from = predecessorStart[head]
    const to = predecessorStart[head + 1]
    for (let p = from; p < to; p++) {
      const latch = predecessors[p]
      if (enter[latch] >= enter[head] && enter[latch] <= leave[head]) work.push(latch)
    }
    if (work.length === 0) continue
    const loop = loops.count++
    header.push(head)
    parent.push(-1)
    preheader.push(-1)
    outer.push(loop)
    while (work.length > 0) {
      let block = work.pop() as number
      if (ofBlock[block] < 0) {
        ofBlock[block] = loop
        if (block === head) continue
      } else {
        const outermost = findOutermost(outer, ofBlock[block])
        if (outermost === loop) continue
        outer[outermost] = loop
        parent[outermost] = loop
        block = header[outermost]
        if (block === head) continue
      }
      for (let p = predecessorStart[block]; p < predecessorStart[block + 1]; p++) {
        if (enter[predecessors[p]] >= 0) work.push(predecessors[p])
      }
    }
    ofBlock[head] = loop
    preheader[loop] = outsidePredecessor(from, to, predecessors, enter, enter[head], leave[head], successorStart)
  }
  loops.number()
  return loops
}

/** The outermost loop known around a loop; shortens the way there for the next time. */
function findOutermost(outer: number[], loop: number): number {
  let root = loop
  while (outer[root] !== root) root = outer[root]
  let at = loop
  while (outer[at] !== root) {
    const up = outer[at]
    outer[at] = root
    at = up
  }
  return root
}

/** The only predecessor that the header does not dominate, if it has no other successor; -1. */
function outsidePredecessor(
  from: number,
  to: number,
  predecessors: Int32Array,
  enter: Int32Array,
  first: number,
  last: number,
  successorStart: Int32Array,
): number {
  let found = -1
  for (let p = from; p < to; p++) {
    const block = predecessors[p]
    if (enter[block] < 0 || (enter[block] >= first && enter[block] <= last)) continue
    if (found >= 0) return -1
    found = block
  }
  return found >= 0 && successorStart[found + 1] - successorStart[found] === 1 ? found : -1
}
