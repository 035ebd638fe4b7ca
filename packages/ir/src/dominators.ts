// The dominator tree, by the SemiNCA algorithm: Loukas Georgiadis, "Linear-Time Algorithms for Dominators and Related
// Problems", 2005, section 2.3. It needs no more than the depth-first tree and one array with path compression, and it
// stays near-linear where the usual iteration over reverse post-order does not.

import type { ControlFlowGraph } from './cfg.ts'
import { type Block, NO_BLOCK } from './entities.ts'
import type { Function as IrFunction } from './function.ts'

/** Who dominates whom. Blocks that cannot be reached from the entry are in none of its orders. */
export class DominatorTree {
  /** Reachable blocks, each after all blocks that the depth-first walk met beyond it; successors in operand order. */
  readonly postorder: Int32Array
  /** Immediate dominator, by block; -1 for the entry and for what is unreachable. */
  readonly immediate: Int32Array
  /** Number in a walk of the tree, by block, and the largest number in the block's subtree; -1 when unreachable. */
  readonly enter: Int32Array
  readonly leave: Int32Array

  constructor(postorder: Int32Array, immediate: Int32Array, enter: Int32Array, leave: Int32Array) {
    this.postorder = postorder
    this.immediate = immediate
    this.enter = enter
    this.leave = leave
  }

  isReachable(block: Block): boolean {
    return this.enter[block] >= 0
  }

  /** Whether every path to b goes through a; a block dominates itself. False when either is unreachable. */
  dominates(a: Block, b: Block): boolean {
    const { enter, leave } = this
    return enter[a] >= 0 && enter[a] <= enter[b] && enter[b] <= leave[a]
  }

  /** The blocks that a block is the immediate dominator of, in reverse post-order. */
  children(block: Block): Block[] {
    const children: Block[] = []
    for (let i = this.postorder.length - 1; i >= 0; i--) {
      if (this.immediate[this.postorder[i]] === block) children.push(this.postorder[i] as Block)
    }
    return children
  }
}

/** Computes the dominator tree of a function. */
export function dominatorTree(func: IrFunction, graph: ControlFlowGraph): DominatorTree {
  return dominatorsFrom(func.layout.entry, graph)
}

/** Dominators of any graph from any of its nodes; from {@link NO_BLOCK} nothing is reachable. */
export function dominatorsFrom(entry: Block, graph: ControlFlowGraph): DominatorTree {
  const blockCount = graph.successorStart.length - 1
  const immediate = new Int32Array(blockCount).fill(-1)
  const enter = new Int32Array(blockCount).fill(-1)
  const leave = new Int32Array(blockCount).fill(-1)
  if (entry === NO_BLOCK) return new DominatorTree(new Int32Array(0), immediate, enter, leave)

  // Depth-first walk: numbers in preorder, parents in the walk, post-order.
  const { successorStart, successors, predecessorStart, predecessors } = graph
  const number = new Int32Array(blockCount).fill(-1)
  const blockAt = new Int32Array(blockCount)
  const parent = new Int32Array(blockCount)
  const postorder = new Int32Array(blockCount)
  const cursor = successorStart.slice()
  const stack = new Int32Array(blockCount)
  let count = 0
  let finished = 0
  let depth = 0
  number[entry] = count
  blockAt[count++] = entry
  stack[depth++] = entry
  while (depth > 0) {
    const block = stack[depth - 1]
    if (cursor[block] === successorStart[block + 1]) {
      postorder[finished++] = block
      depth--
      continue
    }
    const next = successors[cursor[block]++]
    if (number[next] >= 0) continue
    number[next] = count
    parent[count] = number[block]
    blockAt[count++] = next
    stack[depth++] = next
  }

  // Semidominators, from the last numbered block up; then immediate dominators, from the first down. All in preorder
  // numbers. `ancestor` with `label` is the forest of what has been linked, its paths compressed.
  const semi = new Int32Array(count)
  const label = new Int32Array(count)
  const ancestor = new Int32Array(count).fill(-1)
  for (let i = 0; i < count; i++) semi[i] = label[i] = i
  for (let i = count - 1; i > 0; i--) {
    const block = blockAt[i]
    let best = parent[i]
    for (let p = predecessorStart[block]; p < predecessorStart[block + 1]; p++) {
      const from = number[predecessors[p]]
      if (from < 0) continue
      const candidate = from <= i ? from : semi[evaluate(from, ancestor, label, semi, stack)]
      if (candidate < best) best = candidate
    }
    semi[i] = best
    label[i] = i
    ancestor[i] = parent[i]
  }
  const idom = new Int32Array(count)
  for (let i = 1; i < count; i++) {
    let dominator = parent[i]
    while (dominator > semi[i]) dominator = idom[dominator]
    idom[i] = dominator
    immediate[blockAt[i]] = blockAt[dominator]
  }
  numberTree(count, idom, blockAt, enter, leave)
  return new DominatorTree(postorder.subarray(0, finished), immediate, enter, leave)
}

/** The label with the least semidominator on the path from a node to its root in the forest, the root left out. */
function evaluate(node: number, ancestor: Int32Array, label: Int32Array, semi: Int32Array, stack: Int32Array): number {
  if (ancestor[node] < 0) return label[node]
  let depth = 0
  for (let at = node; ancestor[ancestor[at]] >= 0; at = ancestor[at]) stack[depth++] = at
  while (depth > 0) {
    const at = stack[--depth]
    const up = ancestor[at]
    if (semi[label[up]] < semi[label[at]]) label[at] = label[up]
    ancestor[at] = ancestor[up]
  }
  return label[node]
}

/** Numbers the tree so that a subtree is a range. Children come after their parents in preorder numbers. */
function numberTree(count: number, idom: Int32Array, blockAt: Int32Array, enter: Int32Array, leave: Int32Array): void {
  const size = new Int32Array(count).fill(1)
  for (let i = count - 1; i > 0; i--) size[idom[i]] += size[i]
  // Where the next child of a node begins.
  const next = new Int32Array(count)
  for (let i = 0; i < count; i++) {
    const at = i === 0 ? 0 : next[idom[i]]
    if (i > 0) next[idom[i]] += size[i]
    next[i] = at + 1
    enter[blockAt[i]] = at
    leave[blockAt[i]] = at + size[i] - 1
  }
}
