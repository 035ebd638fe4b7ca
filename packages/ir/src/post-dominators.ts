// Post-dominators: dominators of the edges turned round, from a virtual exit behind every place where control may stay
// for good. Such a place is a block without successors, and every block of a loop that has no way out: whoever watches
// such a loop cannot tell where it is, so none of its blocks is certain to come after another.

import type { ControlFlowGraph } from './cfg.ts'
import { components } from './components.ts'
import { dominatorsFrom } from './dominators.ts'
import type { Block } from './entities.ts'
import type { Function as IrFunction } from './function.ts'

/** What comes after what. Unreachable blocks are in it like all others of the layout. */
export class PostDominatorTree {
  /** The virtual exit, one more than the last block. It post-dominates every block. */
  readonly exit: Block
  /** Immediate post-dominator, by block; the virtual exit, or -1 for a block outside the layout. */
  readonly immediate: Int32Array
  /** Number in a walk of the tree, by block and for the exit, and the largest number in the subtree; -1 outside. */
  readonly enter: Int32Array
  readonly leave: Int32Array

  constructor(exit: Block, immediate: Int32Array, enter: Int32Array, leave: Int32Array) {
    this.exit = exit
    this.immediate = immediate
    this.enter = enter
    this.leave = leave
  }

  /**
   * Whether every path from b that ends goes through a, where a path ends in a block without successors or anywhere in a
   * loop without a way out. A block post-dominates itself. False when either is outside the layout.
   */
  postDominates(a: Block, b: Block): boolean {
    const { enter, leave } = this
    return enter[a] >= 0 && enter[a] <= enter[b] && enter[b] <= leave[a]
  }
}

/** Computes the post-dominator tree of a function. */
export function postDominatorTree(func: IrFunction, graph: ControlFlowGraph): PostDominatorTree {
  const { successorStart, successors, predecessorStart, predecessors } = graph
  const exit = func.blocks.length
  const { count, ofBlock } = components(graph)
  const hasWayOut = new Uint8Array(count)
  for (let block = 0; block < exit; block++) {
    for (let i = successorStart[block]; i < successorStart[block + 1]; i++) {
      if (ofBlock[successors[i]] !== ofBlock[block]) hasWayOut[ofBlock[block]] = 1
    }
  }
  const ends: number[] = []
  for (let block: number = func.layout.entry; block >= 0; block = func.blocks.nextBlock[block]) {
    if (hasWayOut[ofBlock[block]] === 0) ends.push(block)
  }

  // The graph turned round, with a row more: from the exit to the ends, which have it as one more predecessor.
  const forwardStart = new Int32Array(exit + 2)
  forwardStart.set(predecessorStart)
  forwardStart[exit + 1] = predecessors.length + ends.length
  const forward = new Int32Array(forwardStart[exit + 1])
  forward.set(predecessors)
  forward.set(ends, predecessors.length)
  const backwardStart = new Int32Array(exit + 2)
  const backward = new Int32Array(forward.length)
  let at = 0
  for (let block = 0; block < exit; block++) {
    backwardStart[block] = at
    for (let i = successorStart[block]; i < successorStart[block + 1]; i++) backward[at++] = successors[i]
    if (hasWayOut[ofBlock[block]] === 0 && func.layout.hasBlock(block as Block)) backward[at++] = exit
  }
  backwardStart[exit] = backwardStart[exit + 1] = at
  const turned = {
    successorStart: forwardStart,
    successors: forward,
    predecessorStart: backwardStart,
    predecessors: backward,
  }
  const tree = dominatorsFrom(exit as Block, turned)
  return new PostDominatorTree(exit as Block, tree.immediate, tree.enter, tree.leave)
}
