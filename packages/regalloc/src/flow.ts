// Predecessors, loops and loop depth of a block graph in emission order.
//
// A retreating edge is one whose end does not come after its start. Its end is called a header, and the header has an
// EXTENT: the blocks from the header to the last block with a retreating edge to it. Extents are runs of blocks, not
// sets, since a value that is live around a loop gets one range over the whole run. For that to be enough, extents must
// nest: one takes in every extent that starts in it. Otherwise the latch of an outer loop may come before blocks of an
// inner one, when the arm that leaves a loop is placed before its body, and a value that is live around both would be
// lost in those blocks.
//
// Where a header does not dominate the start of its retreating edge, the loop has a second entry, and what is live into
// the header is also live on the way to that entry. Such values must be kept live back to the end of the last block
// that dominates both ends of the edge (`keptFrom`): every path from there to the edge lies in between, or in extents
// that start in between. Only here dominators are needed, so only here they are computed.
import { growInt32 } from './grow.ts'
import type { BlockGraph } from './interface.ts'

export class Flow {
  count = 0
  /** Predecessors of block b, each once: `predecessors[predecessorStart[b]]` and so on, `predecessorCount[b]` of them. */
  predecessorStart: Int32Array = new Int32Array(65)
  predecessorCount: Int32Array = new Int32Array(64)
  predecessors: Int32Array = new Int32Array(128)
  /** By header: the last block of its extent. -1 for all other blocks. */
  extentEnd: Int32Array = new Int32Array(64)
  /** The header of the innermost extent that holds the block, or -1. */
  innermost: Int32Array = new Int32Array(64)
  /** By header: the header of the next extent around its own, or -1. */
  enclosing: Int32Array = new Int32Array(64)
  /** How many extents hold the block. */
  depth: Int32Array = new Int32Array(64)
  /** By header of an irreducible loop: the block from whose end on its live values are to be kept. -1 elsewhere. */
  keptFrom: Int32Array = new Int32Array(64)

  /** By block: the lowest predecessor; by header, after #nest: the lowest predecessor of the extent's other blocks. */
  #lowest: Int32Array = new Int32Array(64)
  /** By block: the last walk that came by. */
  #mark: Int32Array = new Int32Array(64)
  #walks = 0
  #nextEdge: Int32Array = new Int32Array(64)
  #stack: Int32Array = new Int32Array(64)
  #dominator: Int32Array = new Int32Array(64)
  #number: Int32Array = new Int32Array(64)
  #order: Int32Array = new Int32Array(64)

  analyze(graph: BlockGraph): void {
    const count = graph.count
    this.count = count
    if (this.depth.length < count) this.#grow(count)
    if (this.predecessors.length < graph.successorStart[count]) {
      this.predecessors = growInt32(this.predecessors, graph.successorStart[count])
    }
    if (this.#connect(graph)) this.#nest(graph)
    else {
      this.innermost.fill(-1, 0, count)
      this.depth.fill(0, 0, count)
    }
  }

  /** Predecessors, and the extents as the edges give them. Returns whether there is any. */
  #connect(graph: BlockGraph): boolean {
    const { count, successors, successorStart } = graph
    const { predecessors, predecessorStart, predecessorCount, extentEnd, keptFrom } = this
    const lowest = this.#lowest
    for (let block = 0; block < count; block++) {
      predecessorCount[block] = 0
      extentEnd[block] = -1
      keptFrom[block] = -1
      lowest[block] = count
    }
    let loops = false
    for (let edge = 0, edges = successorStart[count]; edge < edges; edge++) predecessorCount[successors[edge]]++
    let start = 0
    for (let block = 0; block < count; block++) {
      predecessorStart[block] = start
      start += predecessorCount[block]
      predecessorCount[block] = 0
    }
    predecessorStart[count] = start
    for (let block = 0; block < count; block++) {
      for (let edge = successorStart[block], end = successorStart[block + 1]; edge < end; edge++) {
        const successor = successors[edge]
        const at = predecessorStart[successor] + predecessorCount[successor]
        // Edges of one block follow each other, so a double is the last one entered.
        if (predecessorCount[successor] > 0 && predecessors[at - 1] === block) continue
        predecessors[at] = block
        predecessorCount[successor]++
        if (block < lowest[successor]) lowest[successor] = block
        if (successor <= block) {
          loops = true
          extentEnd[successor] = block // blocks come in rising order, so the last one stays
        }
      }
    }
    return loops
  }

  /** Makes the extents nest, and finds depths and irreducible loops. */
  #nest(graph: BlockGraph): void {
    const { count, extentEnd, innermost, enclosing, depth } = this
    const lowest = this.#lowest
    let dominators = false
    for (let header = count - 1; header >= 0; header--) {
      let end = extentEnd[header]
      if (end < 0) continue
      let entry = count
      for (let block = header + 1; block <= end; ) {
        // An extent inside has taken in its own, and counts as one block here.
        if (lowest[block] < entry) entry = lowest[block]
        const inner = extentEnd[block]
        if (inner < 0) block++
        else {
          if (inner > end) end = inner
          block = inner + 1
        }
      }
      extentEnd[header] = end
      // No edge into the extent but to its header: a natural loop. An edge need not be an entry, if it goes to blocks
      // that only lie in between; then a walk decides.
      if (entry < header && this.#hasEntryBeside(header)) {
        if (!dominators) this.#dominate(graph)
        dominators = true
        this.#keep(header)
      }
      if (entry < lowest[header]) lowest[header] = entry
    }

    const stack = this.#stack
    let open = 0
    for (let block = 0; block < count; block++) {
      while (open > 0 && extentEnd[stack[open - 1]] < block) open--
      if (extentEnd[block] >= 0) {
        enclosing[block] = open > 0 ? stack[open - 1] : -1
        stack[open++] = block
      }
      innermost[block] = open > 0 ? stack[open - 1] : -1
      depth[block] = open
    }
  }

  /** Walks back from the retreating edges of a header. A block before the header is on a way around it. */
  #hasEntryBeside(header: number): boolean {
    const { predecessors, predecessorStart, predecessorCount } = this
    const mark = this.#mark
    const stack = this.#stack
    const walk = ++this.#walks
    mark[header] = walk
    let length = 0
    let block = header
    for (;;) {
      for (let k = predecessorStart[block], end = k + predecessorCount[block]; k < end; k++) {
        const predecessor = predecessors[k]
        if (predecessor < header) {
          if (block !== header) return true
        } else if (mark[predecessor] !== walk) {
          mark[predecessor] = walk
          stack[length++] = predecessor
        }
      }
      if (length === 0) return false
      block = stack[--length]
    }
  }

  /** Sets `keptFrom` of a header to the last block that dominates it and all starts of its retreating edges. */
  #keep(header: number): void {
    const { predecessors, predecessorStart, predecessorCount, keptFrom } = this
    const dominator = this.#dominator
    if (dominator[header] < 0) return // cannot be reached
    let common = header
    for (let k = predecessorStart[header], end = k + predecessorCount[header]; k < end; k++) {
      const predecessor = predecessors[k]
      if (predecessor >= header && dominator[predecessor] >= 0) common = this.commonDominator(common, predecessor)
    }
    keptFrom[header] = common < header ? common : -1
  }

  /**
   * Immediate dominators, as in Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm". They are found in
   * postorder numbers; emission order will not do, since all predecessors of a block may come after it.
   */
  #dominate(graph: BlockGraph): void {
    const { predecessors, predecessorStart, predecessorCount } = this
    const order = this.#postorder(graph)
    const dominator = this.#dominator
    dominator.fill(-1, 0, this.count)
    dominator[0] = 0
    for (let changed = true; changed; ) {
      changed = false
      for (let at = this.#stack[0] - 1; at >= 0; at--) {
        const block = order[at]
        let common = -1
        for (let k = predecessorStart[block], end = k + predecessorCount[block]; k < end; k++) {
          const predecessor = predecessors[k]
          if (dominator[predecessor] < 0) continue
          common = common < 0 ? predecessor : this.commonDominator(common, predecessor)
        }
        if (common !== dominator[block]) {
          dominator[block] = common
          changed = true
        }
      }
    }
  }

  /** The last block that dominates both. Only for graphs with irreducible loops. */
  commonDominator(a: number, b: number): number {
    const dominator = this.#dominator
    const number = this.#number
    while (a !== b) {
      if (number[a] < number[b]) a = dominator[a]
      else b = dominator[b]
    }
    return a
  }

  /** Blocks that the entry reaches, without it, in postorder. Their count is left in #stack[0], numbers in #number. */
  #postorder(graph: BlockGraph): Int32Array {
    const { successors, successorStart } = graph
    const number = this.#number
    const stack = this.#stack
    const nextEdge = this.#nextEdge
    const order = this.#order
    number.fill(-1, 0, this.count)
    let finished = 0
    let length = 1
    stack[0] = 0
    nextEdge[0] = successorStart[0]
    number[0] = 0
    while (length > 0) {
      const block = stack[length - 1]
      if (nextEdge[block] < successorStart[block + 1]) {
        const successor = successors[nextEdge[block]++]
        if (number[successor] >= 0) continue
        number[successor] = 0
        nextEdge[successor] = successorStart[successor]
        stack[length++] = successor
      } else {
        length--
        if (block !== 0) order[finished] = block
        number[block] = finished++
      }
    }
    stack[0] = finished - 1
    return order
  }

  #grow(count: number): void {
    this.predecessorStart = growInt32(this.predecessorStart, count + 1)
    this.predecessorCount = growInt32(this.predecessorCount, count)
    this.extentEnd = growInt32(this.extentEnd, count)
    this.innermost = growInt32(this.innermost, count)
    this.enclosing = growInt32(this.enclosing, count)
    this.depth = growInt32(this.depth, count)
    this.keptFrom = growInt32(this.keptFrom, count)
    this.#lowest = growInt32(this.#lowest, count)
    this.#mark = growInt32(this.#mark, count)
    this.#nextEdge = growInt32(this.#nextEdge, count)
    this.#stack = growInt32(this.#stack, count)
    this.#dominator = growInt32(this.#dominator, count)
    this.#number = growInt32(this.#number, count)
    this.#order = growInt32(this.#order, count)
  }
}
