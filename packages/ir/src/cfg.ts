// literals: Opcode
// Successors and predecessors of every block, as two lists each in one array.

import type { Block } from './entities.ts'
import type { Function as IrFunction } from './function.ts'

/**
 * The edges of a function. Both lists are indexed by block id and hold one entry per edge, so a block that is twice a
 * target is there twice. Blocks outside the layout have no successors.
 */
export interface ControlFlowGraph {
  /** Successors of block b are `successors[successorStart[b] .. successorStart[b + 1])`, in operand order. */
  readonly successorStart: Int32Array
  readonly successors: Int32Array
  /** Predecessors of block b, in layout order of the branches: `predecessors[predecessorStart[b] .. …)`. */
  readonly predecessorStart: Int32Array
  readonly predecessors: Int32Array
}

/**
 * Reads the edges off the last instruction of every block. The order of successors is that of the operands; the
 * handlers of a `try_call` come before its normal return. Branches to blocks that do not exist are left out: the
 * verifier reports them.
 */
export function controlFlowGraph(func: IrFunction): ControlFlowGraph {
  const { blocks, layout } = func
  const count = blocks.length
  const successorStart = new Int32Array(count + 1)
  const predecessorStart = new Int32Array(count + 1)
  // Every block call is an edge at most once.
  const edges = new EdgeList(func, func.blockCalls.length)
  const first = new Int32Array(count)
  const end = new Int32Array(count)
  for (let block: number = layout.entry; block >= 0; block = blocks.nextBlock[block]) {
    first[block] = edges.length
    edges.addSuccessors(blocks.lastInst[block])
    end[block] = edges.length
  }
  const { targets, length } = edges
  const successors = new Int32Array(length)
  const predecessors = new Int32Array(length)
  let at = 0
  for (let block = 0; block < count; block++) {
    successorStart[block] = at
    for (let i = first[block]; i < end[block]; i++) {
      successors[at++] = targets[i]
      predecessorStart[targets[i] + 1]++
    }
  }
  successorStart[count] = at
  for (let block = 0; block < count; block++) predecessorStart[block + 1] += predecessorStart[block]
  const next = predecessorStart.slice()
  for (let block: number = layout.entry; block >= 0; block = blocks.nextBlock[block]) {
    for (let i = first[block]; i < end[block]; i++) predecessors[next[targets[i]]++] = block
  }
  return { successorStart, successors, predecessorStart, predecessors }
}

class EdgeList {
  readonly #func: IrFunction
  targets: Int32Array
  length = 0

  constructor(func: IrFunction, capacity: number) {
    this.#func = func
    this.targets = new Int32Array(capacity)
  }

  addSuccessors(inst: number): void {
    if (inst < 0) return
    const { insts, jumpTables, exceptionTables } = this.#func
    switch (insts.opcode[inst]) {
      case 1 /* Opcode.Jump */:
        this.#add(insts.target0[inst])
        break
      case 2 /* Opcode.Brif */:
        this.#add(insts.target0[inst])
        this.#add(insts.target1[inst])
        break
      case 3 /* Opcode.BrTable */:
        {
          this.#add(insts.target0[inst])
          const table = jumpTables[insts.entity[inst]]
          if (table !== undefined) for (let i = 0; i < table.length; i++) this.#add(table[i])
          break
        }
      case 14 /* Opcode.TryCall */:
      case 15 /* Opcode.TryCallIndirect */:
        {
          const table = exceptionTables[insts.imm[inst]]
          if (table === undefined) break
          for (const item of table.items) if (item.kind !== 'context') this.#add(item.target)
          this.#add(table.normal)
        }
    }
  }

  #add(call: number): void {
    const { blockCalls, blocks } = this.#func
    if (call < 0 || call >= blockCalls.length) return
    const block = blockCalls.block[call]
    if (block < 0 || block >= blocks.length) return
    if (this.length === this.targets.length) {
      // Only when block calls are shared between instructions, which is not forbidden.
      const grown = new Int32Array(2 * this.length + 8)
      grown.set(this.targets)
      this.targets = grown
    }
    this.targets[this.length++] = block
  }
}

/** The successors of one block, in operand order. */
export function successorsOf(graph: ControlFlowGraph, block: Block): Int32Array {
  return graph.successors.subarray(graph.successorStart[block], graph.successorStart[block + 1])
}

/** The predecessors of one block, in layout order. */
export function predecessorsOf(graph: ControlFlowGraph, block: Block): Int32Array {
  return graph.predecessors.subarray(graph.predecessorStart[block], graph.predecessorStart[block + 1])
}
