// The machine blocks of a function and their order in memory.
//
// Relies on: a verified function (blocks end in one terminator, targets exist). Leaves true:
// - machine block 0 is the entry; every block's immediate dominator precedes it (reverse postorder, cold blocks moved to the end);
// - in a function without irreducible loops, a loop's blocks follow its header without a gap (cold ones aside) and exits come after the
//   loop, wherever the exit stands in the branch;
// - an edge from a block with several successors to a block with several predecessors, or with arguments, has a block of its own, placed
//   right after its predecessor. Such a block holds one jump; when it turns out to move nothing, emission threads it away.
//
// literals: Opcode

import { type Function, Opcode } from '@framewright/ir'
import { ensureInt32, ensureUint8 } from './growable.ts'

const UNSEEN = 0
const OPEN = 1
const DONE = 2

/** Reusable: `compute` fills it for one function; the columns may be longer than `count`. */
export class BlockOrder {
  /** Machine blocks. */
  count = 0
  /** IR block of a machine block, -1 for an edge block. */
  irBlock: Int32Array = new Int32Array(64)
  /** Block call of an edge block, -1 otherwise. */
  edgeCall: Int32Array = new Int32Array(64)
  /** Machine block of an IR block, -1 if unreachable. */
  machineBlock: Int32Array = new Int32Array(64)
  /** Edge block of a block call, -1 if the call goes straight to its target. */
  edgeBlock: Int32Array = new Int32Array(64)
  /** Successors of machine blocks, as the allocator wants them. */
  successorStart: Int32Array = new Int32Array(65)
  successors: Int32Array = new Int32Array(128)
  hasEdgeBlocks = false

  // Per IR block.
  #state: Uint8Array = new Uint8Array(64)
  #callStart: Int32Array = new Int32Array(65)
  #postorder: Int32Array = new Int32Array(64)
  #number: Int32Array = new Int32Array(64)
  #loopHeader: Int32Array = new Int32Array(64)
  #depth: Int32Array = new Int32Array(64)
  #predecessorCount: Int32Array = new Int32Array(64)
  #cold: Uint8Array = new Uint8Array(64)
  #stack: Int32Array = new Int32Array(64)
  #next: Int32Array = new Int32Array(64)
  // Per IR block that is the header of a loop, and for all others together: its list of members, linked by #nextMember.
  #firstMember: Int32Array = new Int32Array(65)
  #lastMember: Int32Array = new Int32Array(65)
  #nextMember: Int32Array = new Int32Array(64)
  // Per block call leaving a block, grouped by block.
  #calls: Int32Array = new Int32Array(128)
  #callCount = 0
  // Per machine block: the last block that listed it as a successor.
  #stamp: Int32Array = new Int32Array(64)
  #backEdges = false
  /** Some loop has an entry beside its header. */
  #irreducible = false

  compute(func: Function): void {
    const blocks = func.blocks.length
    this.#state = ensureUint8(this.#state, blocks)
    this.#cold = ensureUint8(this.#cold, blocks)
    this.#callStart = ensureInt32(this.#callStart, blocks + 1)
    this.#postorder = ensureInt32(this.#postorder, blocks)
    this.#number = ensureInt32(this.#number, blocks)
    this.#loopHeader = ensureInt32(this.#loopHeader, blocks)
    this.#depth = ensureInt32(this.#depth, blocks)
    this.#predecessorCount = ensureInt32(this.#predecessorCount, blocks)
    this.#stack = ensureInt32(this.#stack, blocks + 1)
    this.#next = ensureInt32(this.#next, blocks + 1)
    this.machineBlock = ensureInt32(this.machineBlock, blocks)
    this.#collectCalls(func, blocks)

    this.#depth.fill(0, 0, blocks)
    let reached = this.#search(func, blocks)
    if (this.#backEdges) {
      this.#findLoops(func, reached)
      reached = this.#search(func, blocks)
      if (!this.#irreducible) this.#gatherLoops(blocks, reached)
    }
    this.#place(func, blocks, reached)
  }

  /** Lists the block calls of every terminator. */
  #collectCalls(func: Function, blocks: number): void {
    const { opcode, target0, target1, entity } = func.insts
    const { lastInst } = func.blocks
    let calls = this.#calls
    let count = 0
    for (let block = 0; block < blocks; block++) {
      this.#callStart[block] = count
      const inst = lastInst[block]
      if (inst < 0) continue
      switch (opcode[inst]) {
        case 1 /* Opcode.Jump */:
          if (count + 1 > calls.length) calls = this.#growCalls(count + 1)
          calls[count++] = target0[inst]
          break
        case 2 /* Opcode.Brif */:
          if (count + 2 > calls.length) calls = this.#growCalls(count + 2)
          calls[count++] = target0[inst]
          calls[count++] = target1[inst]
          break
        case 3 /* Opcode.BrTable */:
          {
            const table = func.jumpTables[entity[inst]]
            if (count + 1 + table.length > calls.length) calls = this.#growCalls(count + 1 + table.length)
            calls[count++] = target0[inst]
            for (let i = 0; i < table.length; i++) calls[count++] = table[i]
            break
          }
      }
    }
    this.#callStart[blocks] = count
    this.#callCount = count
  }

  #growCalls(count: number): Int32Array {
    const old = this.#calls
    this.#calls = new Int32Array(count * 2)
    this.#calls.set(old)
    return this.#calls
  }

  /**
   * Depth-first search from the entry; fills `#postorder`, returns the number of blocks reached. What is visited first comes last in the
   * order: the arm that leaves a loop (lower depth), else the last arm.
   */
  #search(func: Function, blocks: number): number {
    const state = this.#state
    const stack = this.#stack
    const next = this.#next
    const calls = this.#calls
    const callStart = this.#callStart
    const depth = this.#depth
    const target = func.blockCalls.block
    state.fill(UNSEEN, 0, blocks)
    this.#backEdges = false
    let reached = 0
    let top = 0
    const entry = func.layout.entry
    stack[0] = entry
    next[0] = 0
    state[entry] = OPEN
    while (top >= 0) {
      const block = stack[top]
      const start = callStart[block]
      const fanOut = callStart[block + 1] - start
      const step = next[top]++
      if (step === fanOut) {
        state[block] = DONE
        this.#postorder[reached++] = block
        top--
        continue
      }
      let arm = fanOut - 1 - step
      if (fanOut === 2 && depth[target[calls[start]]] < depth[target[calls[start + 1]]]) arm = step
      const successor = target[calls[start + arm]]
      if (state[successor] === UNSEEN) {
        state[successor] = OPEN
        top++
        stack[top] = successor
        next[top] = 0
      } else if (state[successor] === OPEN) {
        this.#backEdges = true
      }
    }
    return reached
  }

  /**
   * Loop depth of every reached block: headers from the innermost, bodies collected backwards from the latches with inner loops collapsed
   * to their headers (Tarjan). An irreducible entry is not followed above its header, which costs quality only.
   */
  #findLoops(func: Function, reached: number): void {
    const postorder = this.#postorder
    const number = this.#number
    const calls = this.#calls
    const callStart = this.#callStart
    const header = this.#loopHeader
    const target = func.blockCalls.block
    for (let i = 0; i < reached; i++) number[postorder[i]] = i
    header.fill(-1, 0, func.blocks.length)
    // Predecessors, grouped by target.
    const start = new Int32Array(func.blocks.length + 1)
    for (let i = 0; i < reached; i++) {
      const block = postorder[i]
      for (let c = callStart[block]; c < callStart[block + 1]; c++) start[target[calls[c]] + 1]++
    }
    for (let block = 0; block < func.blocks.length; block++) start[block + 1] += start[block]
    const fill = start.slice()
    const predecessors = new Int32Array(this.#callCount)
    for (let i = 0; i < reached; i++) {
      const block = postorder[i]
      for (let c = callStart[block]; c < callStart[block + 1]; c++) predecessors[fill[target[calls[c]]]++] = block
    }
    const outermost = new Int32Array(func.blocks.length).map((_, i) => i) // union-find: block to the header of the outermost loop found so far
    const find = (block: number): number => {
      let root = block
      while (outermost[root] !== root) root = outermost[root]
      while (outermost[block] !== root) {
        const up = outermost[block]
        outermost[block] = root
        block = up
      }
      return root
    }
    const work: number[] = []
    this.#irreducible = false
    for (let i = 0; i < reached; i++) {
      const head = postorder[i]
      for (let p = start[head]; p < start[head + 1]; p++) {
        const latch = predecessors[p]
        if (number[latch] > i) continue // a forward edge; equal = a loop of one block
        const root = find(latch)
        if (root !== head) work.push(root)
        else if (header[head] === -1) header[head] = -2 // marks a header whose own loop is not entered in its chain
      }
      while (work.length > 0) {
        const block = work.pop() as number
        if (outermost[block] !== block || block === head) continue
        outermost[block] = head
        header[block] = header[block] === -2 ? -3 - head : head
        for (let p = start[block]; p < start[block + 1]; p++) {
          const root = find(predecessors[p])
          if (root === head) continue
          if (number[root] < i) work.push(root)
          else this.#irreducible = true
        }
        if (header[head] === -1) header[head] = -2
      }
    }
    // From the outside in: headers have higher postorder numbers than their bodies.
    for (let i = reached - 1; i >= 0; i--) {
      const block = postorder[i]
      const mark = header[block]
      if (mark >= 0) this.#depth[block] = this.#depth[mark]
      else if (mark <= -3) this.#depth[block] = this.#depth[-3 - mark] + 1
      else this.#depth[block] = mark === -2 ? 1 : 0
    }
  }

  /**
   * Moves the blocks of each loop together, behind its header: an exit from the middle of a loop may stand among them so far.
   *
   * Only where every loop is entered at its header alone. Then headers and members do not depend on the order of a search, and dominators
   * still precede their blocks: a dominator of a member that comes after the header is on the way from the header to the member, so it is
   * a member too.
   */
  #gatherLoops(blocks: number, reached: number): void {
    this.#firstMember = ensureInt32(this.#firstMember, blocks + 1)
    this.#lastMember = ensureInt32(this.#lastMember, blocks + 1)
    this.#nextMember = ensureInt32(this.#nextMember, blocks)
    const first = this.#firstMember
    const last = this.#lastMember
    const next = this.#nextMember
    const postorder = this.#postorder
    const stack = this.#stack
    first.fill(-1, 0, blocks + 1)
    // Each loop's members and inner headers, in reverse postorder; what is in no loop is in the list `blocks`.
    for (let i = reached - 1; i >= 0; i--) {
      const block = postorder[i]
      const mark = this.#loopHeader[block]
      const list = mark >= 0 ? mark : mark <= -3 ? -3 - mark : blocks
      next[block] = -1
      if (first[list] === -1) first[list] = block
      else next[last[list]] = block
      last[list] = block
    }
    let at = reached
    let top = 0
    stack[0] = first[blocks]
    while (top >= 0) {
      const block = stack[top]
      if (block === -1) {
        top--
        continue
      }
      stack[top] = next[block]
      postorder[--at] = block
      if (first[block] !== -1) stack[++top] = first[block]
    }
  }

  /** Numbers the blocks: reverse postorder, cold ones last, edge blocks after their predecessors. */
  #place(func: Function, blocks: number, reached: number): void {
    const postorder = this.#postorder
    const calls = this.#calls
    const callStart = this.#callStart
    const target = func.blockCalls.block
    const argCount = func.blockCalls.argCount
    const predecessorCount = this.#predecessorCount
    const cold = this.#cold
    const { lastInst } = func.blocks
    predecessorCount.fill(0, 0, blocks)
    for (let i = 0; i < reached; i++) {
      const block = postorder[i]
      for (let c = callStart[block]; c < callStart[block + 1]; c++) predecessorCount[target[calls[c]]]++
    }

    // A block is cold when it says so, when it ends in a trap, or when only cold blocks lead to it: then a block that is not cold has a
    // way to the entry without cold blocks, so its immediate dominator is not cold either and stays in front of it.
    let anyCold = false
    cold.fill(1, 0, blocks)
    cold[func.layout.entry] = 0
    for (let i = reached - 1; i >= 0; i--) {
      const block = postorder[i]
      if (block !== func.layout.entry && cold[block] === 0) {
        if (func.blocks.cold[block] !== 0 || func.insts.opcode[lastInst[block]] === Opcode.Trap) cold[block] = 1
      }
      if (cold[block] !== 0) {
        anyCold = true
        continue
      }
      for (let c = callStart[block]; c < callStart[block + 1]; c++) cold[target[calls[c]]] = 0
    }

    this.machineBlock.fill(-1, 0, blocks)
    const callsInUse = func.blockCalls.length
    this.edgeBlock = ensureInt32(this.edgeBlock, callsInUse)
    this.edgeBlock.fill(-1, 0, callsInUse)
    const most = reached + this.#callCount
    this.irBlock = ensureInt32(this.irBlock, most)
    this.edgeCall = ensureInt32(this.edgeCall, most)
    this.hasEdgeBlocks = false
    let count = 0
    for (let pass = 0; pass < (anyCold ? 2 : 1); pass++) {
      for (let i = reached - 1; i >= 0; i--) {
        const block = postorder[i]
        if (anyCold && cold[block] !== pass) continue
        this.machineBlock[block] = count
        this.irBlock[count] = block
        this.edgeCall[count++] = -1
        const start = callStart[block]
        const end = callStart[block + 1]
        if (end - start < 2) continue
        for (let c = start; c < end; c++) {
          const call = calls[c]
          const successor = target[call]
          if (argCount[call] === 0) {
            if (predecessorCount[successor] === 1) continue
            if (end - start > 2) {
              const shared = this.#sameEdge(start, c, target, argCount)
              if (shared !== -1) {
                this.edgeBlock[call] = shared
                continue
              }
            }
          }
          this.edgeBlock[call] = count
          this.irBlock[count] = -1
          this.edgeCall[count++] = call
          this.hasEdgeBlocks = true
        }
      }
    }
    this.count = count
    this.#linkSuccessors(target)
  }

  /** An edge block of the same table that leads to the same block, also without arguments; -1 if there is none yet. */
  #sameEdge(start: number, at: number, target: Int32Array, argCount: Int32Array): number {
    const calls = this.#calls
    // Only the nearest entries are compared: tables mostly repeat the default or their neighbour, and a full search is quadratic.
    for (let c = at - 1; c >= start && c > at - 8; c--) {
      if (target[calls[c]] === target[calls[at]] && argCount[calls[c]] === 0) return this.edgeBlock[calls[c]]
    }
    const first = calls[start]
    return at !== start && target[first] === target[calls[at]] && argCount[first] === 0 ? this.edgeBlock[first] : -1
  }

  /** The machine block that a block call leads to first. */
  targetOf(call: number, target: Int32Array): number {
    const edge = this.edgeBlock[call]
    return edge >= 0 ? edge : this.machineBlock[target[call]]
  }

  #linkSuccessors(target: Int32Array): void {
    const calls = this.#calls
    this.successorStart = ensureInt32(this.successorStart, this.count + 1)
    this.successors = ensureInt32(this.successors, this.#callCount * 2 + 1)
    this.#stamp = ensureInt32(this.#stamp, this.count)
    this.#stamp.fill(-1, 0, this.count)
    const { successorStart, successors } = this
    let filled = 0
    for (let block = 0; block < this.count; block++) {
      successorStart[block] = filled
      const ir = this.irBlock[block]
      if (ir < 0) {
        successors[filled++] = this.machineBlock[target[this.edgeCall[block]]]
        continue
      }
      for (let c = this.#callStart[ir]; c < this.#callStart[ir + 1]; c++) {
        const successor = this.targetOf(calls[c], target)
        // A table names its targets many times, the graph names each once.
        if (this.#stamp[successor] === block) continue
        this.#stamp[successor] = block
        successors[filled++] = successor
      }
    }
    successorStart[this.count] = filled
  }
}
