// Strongly connected components, by Tarjan's algorithm: Robert Tarjan, "Depth-First Search and Linear Graph Algorithms",
// 1972. The walk keeps its own stack, because graphs are deeper than JavaScript's.

import type { ControlFlowGraph } from './cfg.ts'

/** The strongly connected components of a graph: largest sets of blocks that can all reach each other. */
export interface Components {
  readonly count: number
  /** By block. Every edge between two components leads to the smaller number. */
  readonly ofBlock: Int32Array
}

/** Finds the components of all blocks, whether the entry reaches them or not; one for each block outside the layout. */
export function components(graph: ControlFlowGraph): Components {
  const { successorStart, successors } = graph
  const blockCount = successorStart.length - 1
  const ofBlock = new Int32Array(blockCount).fill(-1)
  /** Number in preorder; -1 before. */
  const number = new Int32Array(blockCount).fill(-1)
  /** The smallest number known to be reached from a block without leaving what is open. */
  const low = new Int32Array(blockCount)
  const cursor = successorStart.slice()
  const path = new Int32Array(blockCount)
  /** Blocks that have been met and are in no component yet, in preorder. */
  const open = new Int32Array(blockCount)
  let count = 0
  let met = 0
  let openCount = 0
  for (let root = 0; root < blockCount; root++) {
    if (number[root] >= 0) continue
    let depth = 0
    number[root] = low[root] = met++
    path[depth++] = root
    open[openCount++] = root
    while (depth > 0) {
      const block = path[depth - 1]
      if (cursor[block] < successorStart[block + 1]) {
        const next = successors[cursor[block]++]
        if (number[next] < 0) {
          number[next] = low[next] = met++
          path[depth++] = next
          open[openCount++] = next
        } else if (ofBlock[next] < 0 && number[next] < low[block]) low[block] = number[next]
        continue
      }
      depth--
      if (depth > 0 && low[block] < low[path[depth - 1]]) low[path[depth - 1]] = low[block]
      if (low[block] < number[block]) continue
      for (;;) {
        const member = open[--openCount]
        ofBlock[member] = count
        if (member === block) break
      }
      count++
    }
  }
  return { count, ofBlock }
}
