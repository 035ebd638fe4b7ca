// The order of blocks, and of instructions in a block: doubly linked lists through columns, kept apart from what blocks
// and instructions are, so that moving one changes no id.

import type { BlockTable } from './block-table.ts'
import { NO_ROWS } from './empty.ts'
import { type Block, type Inst, NO_BLOCK } from './entities.ts'

/** The order of one function. Block columns of the order live in the block table, instruction columns here. */
export class Layout {
  /** The first block, where the function is entered; -1 for a function without blocks. */
  entry: Block = NO_BLOCK
  last: Block = NO_BLOCK
  blockCount = 0
  /** The next instruction of the same block; -1 at its end. */
  nextInst: Int32Array = NO_ROWS
  prevInst: Int32Array = NO_ROWS
  /** The block an instruction is in; -1 when it is in none. */
  instBlock: Int32Array = NO_ROWS
  readonly #blocks: BlockTable

  constructor(blocks: BlockTable) {
    this.#blocks = blocks
  }

  /** Makes room for that many instructions. Columns are replaced: read them afresh. */
  reserve(rows: number): void {
    const from = this.nextInst.length
    if (rows <= from) return
    const buffer = new ArrayBuffer(rows * 12)
    new Int32Array(buffer).fill(-1)
    const next = new Int32Array(buffer, 0, rows)
    const prev = new Int32Array(buffer, rows * 4, rows)
    const block = new Int32Array(buffer, rows * 8, rows)
    next.set(this.nextInst)
    prev.set(this.prevInst)
    block.set(this.instBlock)
    this.nextInst = next
    this.prevInst = prev
    this.instBlock = block
  }

  /** Whether the block is in the layout. */
  hasBlock(block: Block): boolean {
    return block >= 0 && (block === this.entry || this.#blocks.prevBlock[block] >= 0)
  }

  appendBlock(block: Block): void {
    const blocks = this.#blocks
    blocks.prevBlock[block] = this.last
    blocks.nextBlock[block] = -1
    if (this.last < 0) this.entry = block
    else blocks.nextBlock[this.last] = block
    this.last = block
    this.blockCount++
  }

  insertBlockAfter(block: Block, after: Block): void {
    const blocks = this.#blocks
    const next = blocks.nextBlock[after]
    blocks.prevBlock[block] = after
    blocks.nextBlock[block] = next
    blocks.nextBlock[after] = block
    if (next < 0) this.last = block
    else blocks.prevBlock[next] = block
    this.blockCount++
  }

  /** Takes a block and its instructions out of the order; the block keeps its instructions. */
  removeBlock(block: Block): void {
    const blocks = this.#blocks
    const prev = blocks.prevBlock[block]
    const next = blocks.nextBlock[block]
    if (prev < 0) this.entry = next as Block
    else blocks.nextBlock[prev] = next
    if (next < 0) this.last = prev as Block
    else blocks.prevBlock[next] = prev
    blocks.prevBlock[block] = -1
    blocks.nextBlock[block] = -1
    this.blockCount--
  }

  appendInst(inst: Inst, block: Block): void {
    if (inst >= this.nextInst.length) this.reserve(Math.max(32, inst * 2))
    const blocks = this.#blocks
    const last = blocks.lastInst[block]
    this.instBlock[inst] = block
    this.prevInst[inst] = last
    this.nextInst[inst] = -1
    if (last < 0) blocks.firstInst[block] = inst
    else this.nextInst[last] = inst
    blocks.lastInst[block] = inst
  }

  /** Makes the instructions from `first` up to `end` the contents of a block that is empty. */
  appendRun(block: Block, first: number, end: number): void {
    if (first === end) return
    if (end > this.nextInst.length) this.reserve(Math.max(end, 2 * this.nextInst.length))
    const { nextInst, prevInst, instBlock } = this
    for (let inst = first; inst < end; inst++) {
      instBlock[inst] = block
      prevInst[inst] = inst - 1
      nextInst[inst] = inst + 1
    }
    prevInst[first] = -1
    nextInst[end - 1] = -1
    this.#blocks.firstInst[block] = first
    this.#blocks.lastInst[block] = end - 1
  }

  insertInstBefore(inst: Inst, before: Inst): void {
    if (inst >= this.nextInst.length) this.reserve(Math.max(32, inst * 2))
    const block = this.instBlock[before]
    const prev = this.prevInst[before]
    this.instBlock[inst] = block
    this.prevInst[inst] = prev
    this.nextInst[inst] = before
    this.prevInst[before] = inst
    if (prev < 0) this.#blocks.firstInst[block] = inst
    else this.nextInst[prev] = inst
  }

  insertInstAfter(inst: Inst, after: Inst): void {
    const next = this.nextInst[after]
    if (next < 0) this.appendInst(inst, this.instBlock[after] as Block)
    else this.insertInstBefore(inst, next as Inst)
  }

  /** Takes an instruction out of its block. */
  removeInst(inst: Inst): void {
    const block = this.instBlock[inst]
    const prev = this.prevInst[inst]
    const next = this.nextInst[inst]
    if (prev < 0) this.#blocks.firstInst[block] = next
    else this.nextInst[prev] = next
    if (next < 0) this.#blocks.lastInst[block] = prev
    else this.prevInst[next] = prev
    this.instBlock[inst] = this.prevInst[inst] = this.nextInst[inst] = -1
  }

  /** Moves `first` and all that follows it in its block to the end of `into`. */
  splitBlock(first: Inst, into: Block): void {
    const blocks = this.#blocks
    const from = this.instBlock[first]
    const prev = this.prevInst[first]
    const last = blocks.lastInst[from]
    blocks.lastInst[from] = prev
    if (prev < 0) blocks.firstInst[from] = -1
    else this.nextInst[prev] = -1
    const tail = blocks.lastInst[into]
    this.prevInst[first] = tail
    if (tail < 0) blocks.firstInst[into] = first
    else this.nextInst[tail] = first
    blocks.lastInst[into] = last
    for (let inst: number = first; inst >= 0; inst = this.nextInst[inst]) this.instBlock[inst] = into
  }
}
