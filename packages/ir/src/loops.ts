// The loops of a function, reducible or not, as a forest.
//
// A loop is a strongly connected component with an edge in it. Its header is the block that the depth-first walk (by
// successors in operand order) meets first; the loops inside are those of the component without its header. For a
// natural loop that is the header which dominates the rest; a cycle with several entries is a loop, too, here, and says
// so. The loops of an irreducible graph depend on the order of the walk, as they do in every definition.
//
// Found in near-linear time: Ganesan Ramalingam, "Identifying Loops in Almost Linear Time", 1999, the modification of
// Havlak's algorithm. Headers are taken from the last in preorder to the first, what is inside is collapsed into its
// header, and an edge between two branches of the depth-first tree counts from when the block where these branches part
// is taken: before that, it cannot be part of a loop.

import type { ControlFlowGraph } from './cfg.ts'
import type { Block } from './entities.ts'
import type { Function as IrFunction } from './function.ts'

/** Row i of every column is loop i: the loops in a walk of the forest, each before those inside it. */
export class LoopForest {
  readonly count: number
  readonly header: Int32Array
  /** The next loop outwards; -1 for none. */
  readonly parent: Int32Array
  /** 1 for a loop that is in no other. */
  readonly depth: Int32Array
  /** The last of the loops inside, or the loop itself: loop i holds the loops i to last[i]. */
  readonly last: Int32Array
  /** The innermost loop of a block, by block; -1 for none, and for unreachable blocks. */
  readonly ofBlock: Int32Array
  /**
   * The blocks where control may enter loop i: `entries[entryStart[i] .. entryStart[i + 1])`, its header first. More than
   * one makes the loop irreducible.
   */
  readonly entryStart: Int32Array
  readonly entries: Int32Array

  constructor(columns: {
    header: Int32Array
    parent: Int32Array
    depth: Int32Array
    last: Int32Array
    ofBlock: Int32Array
    entryStart: Int32Array
    entries: Int32Array
  }) {
    this.count = columns.header.length
    this.header = columns.header
    this.parent = columns.parent
    this.depth = columns.depth
    this.last = columns.last
    this.ofBlock = columns.ofBlock
    this.entryStart = columns.entryStart
    this.entries = columns.entries
  }

  /** Whether the block is in the loop, or in one that the loop holds. */
  contains(loop: number, block: Block): boolean {
    const inner = this.ofBlock[block]
    return loop <= inner && inner <= this.last[loop]
  }

  /** How many loops a block is in. */
  depthOf(block: Block): number {
    const loop = this.ofBlock[block]
    return loop < 0 ? 0 : this.depth[loop]
  }

  /** Whether the loop can be entered at more than its header. */
  isIrreducible(loop: number): boolean {
    return this.entryStart[loop + 1] - this.entryStart[loop] > 1
  }
}

/** Finds the loops that the entry reaches. */
export function loopForest(func: IrFunction, graph: ControlFlowGraph): LoopForest {
  const walk = walkDepthFirst(func, graph)
  const { count, blockAt, number, firstEdge, nextEdge, edgeFrom, edgeTo } = walk
  // All in preorder numbers. `inside` is the header that a block or loop was collapsed into, itself when in none.
  const inside = new Int32Array(count)
  for (let i = 0; i < count; i++) inside[i] = i
  /** The header of the innermost loop around, a header's own loop left out; -1. */
  const around = new Int32Array(count).fill(-1)
  const isHeader = new Uint8Array(count)
  // Edges into a collapsed block, as lists: those of the walk that count already.
  const firstInto = new Int32Array(count).fill(-1)
  const nextInto = new Int32Array(edgeFrom.length)
  const work = new Int32Array(count)
  for (let head = count - 1; head >= 0; head--) {
    let pending = 0
    for (let edge = firstEdge[head]; edge >= 0; edge = nextEdge[edge]) {
      if (edgeTo[edge] === head) {
        isHeader[head] = 1
        const body = collapsedInto(inside, edgeFrom[edge])
        if (body === head || around[body] >= 0) continue
        around[body] = head
        work[pending++] = body
      } else {
        const to = collapsedInto(inside, edgeTo[edge])
        nextInto[edge] = firstInto[to]
        firstInto[to] = edge
      }
    }
    if (isHeader[head] === 0) continue
    let taken = 0
    while (taken < pending) {
      const body = work[taken++]
      for (let edge = firstInto[body]; edge >= 0; edge = nextInto[edge]) {
        const from = collapsedInto(inside, edgeFrom[edge])
        if (from === head || around[from] >= 0) continue
        around[from] = head
        work[pending++] = from
      }
    }
    for (let i = 0; i < pending; i++) inside[work[i]] = head
  }
  return numberLoops(func, graph, count, blockAt, number, around, isHeader)
}

interface Walk {
  /** How many blocks are reachable. */
  readonly count: number
  readonly blockAt: Int32Array
  /** Preorder number by block; -1. */
  readonly number: Int32Array
  /**
   * Edges by where their ends part in the depth-first tree, which is the target for one that goes back: lists by preorder
   * number, -1 at their end.
   */
  readonly firstEdge: Int32Array
  readonly nextEdge: Int32Array
  readonly edgeFrom: Int32Array
  readonly edgeTo: Int32Array
}

function walkDepthFirst(func: IrFunction, graph: ControlFlowGraph): Walk {
  const { successorStart, successors } = graph
  const blockCount = func.blocks.length
  const number = new Int32Array(blockCount).fill(-1)
  const blockAt = new Int32Array(blockCount)
  const firstEdge = new Int32Array(blockCount).fill(-1)
  const nextEdge = new Int32Array(successors.length)
  const edgeFrom = new Int32Array(successors.length)
  const edgeTo = new Int32Array(successors.length)
  // A block that is finished points to its parent: the end of these pointers is the nearest ancestor that is not, and
  // that is where the block parts from the one the walk is at.
  const unfinished = new Int32Array(blockCount)
  const cursor = successorStart.slice()
  const path = new Int32Array(blockCount)
  let count = 0
  let depth = 0
  const { entry } = func.layout
  if (entry >= 0) {
    number[entry] = count
    blockAt[count++] = entry
    path[depth++] = entry
  }
  while (depth > 0) {
    const block = path[depth - 1]
    const from = number[block]
    if (cursor[block] === successorStart[block + 1]) {
      depth--
      if (depth > 0) unfinished[from] = number[path[depth - 1]]
      continue
    }
    const edge = cursor[block]++
    const next = successors[edge]
    let meeting = from
    if (number[next] < 0) {
      number[next] = count
      unfinished[count] = count
      blockAt[count++] = next
      path[depth++] = next
    } else meeting = collapsedInto(unfinished, number[next])
    edgeFrom[edge] = from
    edgeTo[edge] = number[next]
    nextEdge[edge] = firstEdge[meeting]
    firstEdge[meeting] = edge
  }
  return { count, blockAt, number, firstEdge, nextEdge, edgeFrom, edgeTo }
}

/** The end of a chain of pointers, which is one that points to itself; halves the way for the next time. */
function collapsedInto(pointers: Int32Array, from: number): number {
  let at = from
  while (pointers[at] !== at) {
    pointers[at] = pointers[pointers[at]]
    at = pointers[at]
  }
  return at
}

/** Numbers the loops so that those inside a loop are a range, and finds where they are entered. */
function numberLoops(
  func: IrFunction,
  graph: ControlFlowGraph,
  count: number,
  blockAt: Int32Array,
  number: Int32Array,
  around: Int32Array,
  isHeader: Uint8Array,
): LoopForest {
  // Headers come after those around them in preorder.
  const size = new Int32Array(count)
  let loops = 0
  for (let i = count - 1; i >= 0; i--) {
    if (isHeader[i] === 0) continue
    loops++
    size[i]++
    if (around[i] >= 0) size[around[i]] += size[i]
  }
  const header = new Int32Array(loops)
  const parent = new Int32Array(loops)
  const depth = new Int32Array(loops)
  const last = new Int32Array(loops)
  const ofBlock = new Int32Array(func.blocks.length).fill(-1)
  /** Of a header: its loop; and the number of the next loop in it. */
  const loopOf = new Int32Array(count)
  const next = new Int32Array(count)
  let roots = 0
  for (let i = 0; i < count; i++) {
    const outer = around[i]
    const up = outer < 0 ? -1 : loopOf[outer]
    if (isHeader[i] === 0) {
      ofBlock[blockAt[i]] = up
      continue
    }
    const loop = outer < 0 ? roots : next[outer]
    if (outer < 0) roots += size[i]
    else next[outer] += size[i]
    loopOf[i] = loop
    next[i] = loop + 1
    header[loop] = blockAt[i]
    parent[loop] = up
    depth[loop] = up < 0 ? 1 : depth[up] + 1
    last[loop] = loop + size[i] - 1
    ofBlock[blockAt[i]] = loop
  }
  const { entryStart, entries } = findEntries(graph, count, blockAt, number, header, parent, last, ofBlock)
  return new LoopForest({ header, parent, depth, last, ofBlock, entryStart, entries })
}

function findEntries(
  graph: ControlFlowGraph,
  count: number,
  blockAt: Int32Array,
  number: Int32Array,
  header: Int32Array,
  parent: Int32Array,
  last: Int32Array,
  ofBlock: Int32Array,
): { entryStart: Int32Array; entries: Int32Array } {
  const { predecessorStart, predecessors } = graph
  const entryStart = new Int32Array(header.length + 1)
  // Pairs of loop and block, for entries beside the header: none in a reducible graph.
  const pairs: number[] = []
  const seen = new Int32Array(header.length).fill(-1)
  for (let i = 0; i < count; i++) {
    const block = blockAt[i]
    const innermost = ofBlock[block]
    if (innermost < 0) continue
    const first = header[innermost] === block ? parent[innermost] : innermost
    for (let p = predecessorStart[block]; p < predecessorStart[block + 1]; p++) {
      if (number[predecessors[p]] < 0) continue
      const from = ofBlock[predecessors[p]]
      for (let loop = first; loop >= 0 && !(loop <= from && from <= last[loop]); loop = parent[loop]) {
        if (seen[loop] === block) continue
        seen[loop] = block
        pairs.push(loop, block)
        entryStart[loop + 1]++
      }
    }
  }
  for (let loop = 0; loop < header.length; loop++) entryStart[loop + 1] += entryStart[loop] + 1
  const entries = new Int32Array(entryStart[header.length])
  const next = entryStart.slice()
  for (let loop = 0; loop < header.length; loop++) entries[next[loop]++] = header[loop]
  for (let i = 0; i < pairs.length; i += 2) entries[next[pairs[i]]++] = pairs[i + 1]
  return { entryStart, entries }
}
