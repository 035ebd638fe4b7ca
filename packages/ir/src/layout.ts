// The order of blocks, and of instructions in a block: doubly linked lists through columns, kept apart from what blocks
// and instructions are, so that moving one changes no id.
//
// Whoever reads or builds a function adds one block's instructions after another: their ids count up, and the first and
// the last of a block say it all. The links are made when somebody asks for them.

import type { BlockTable } from './block-table.ts'
import { Columns, columnBytes } from './columns.ts'
import { NO_ROWS } from './empty.ts'
import { type Block, type Inst, NO_BLOCK } from './entities.ts'
import type { InstTable } from './inst-table.ts'

/** The order of one function. Block columns of the order live in the block table, instruction columns here. */
export class Layout {
  /** The first block, where the function is entered; -1 for a function without blocks. */
  entry: Block = NO_BLOCK
  last: Block = NO_BLOCK
  blockCount = 0
  readonly #blocks: BlockTable
  readonly #insts: InstTable
  /** Whether the columns hold the order; else every block is a run of consecutive instructions. */
  #linked = false
  #nextInst: Int32Array = NO_ROWS
  #prevInst: Int32Array = NO_ROWS
  #instBlock: Int32Array = NO_ROWS

  constructor(blocks: BlockTable, insts: InstTable) {
    this.#blocks = blocks
    this.#insts = insts
  }

  /** The next instruction of the same block; -1 at its end. */
  get nextInst(): Int32Array {
    if (!this.#linked) this.#link()
    return this.#nextInst
  }

  /** The previous instruction of the same block; -1 at its start. */
  get prevInst(): Int32Array {
    if (!this.#linked) this.#link()
    return this.#prevInst
  }

  /** The block an instruction is in; -1 when it is in none. */
  get instBlock(): Int32Array {
    if (!this.#linked) this.#link()
    return this.#instBlock
  }

  /** The same order for tables that hold the same rows. */
  over(blocks: BlockTable, insts: InstTable): Layout {
    const layout = new Layout(blocks, insts)
    layout.entry = this.entry
    layout.last = this.last
    layout.blockCount = this.blockCount
    if (!this.#linked) return layout
    layout.#reserve(insts.length)
    layout.#nextInst.set(this.#nextInst.subarray(0, insts.length))
    layout.#prevInst.set(this.#prevInst.subarray(0, insts.length))
    layout.#instBlock.set(this.#instBlock.subarray(0, insts.length))
    layout.#linked = true
    return layout
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
    const blocks = this.#blocks
    const last = blocks.lastInst[block]
    if (!this.#linked) {
      if (last < 0 || last === inst - 1) {
        if (last < 0) blocks.firstInst[block] = inst
        blocks.lastInst[block] = inst
        return
      }
      this.#link()
    }
    this.#room(inst)
    this.#instBlock[inst] = block
    this.#prevInst[inst] = last
    this.#nextInst[inst] = -1
    if (last < 0) blocks.firstInst[block] = inst
    else this.#nextInst[last] = inst
    blocks.lastInst[block] = inst
  }

  /** Makes the instructions from `first` up to `end` the contents of a block that is empty. */
  appendRun(block: Block, first: number, end: number): void {
    if (first === end) return
    this.#blocks.firstInst[block] = first
    this.#blocks.lastInst[block] = end - 1
    if (this.#linked) this.#linkRun(block)
  }

  /** Makes the contents of a block, in another order of the same instructions, those of a block that is empty. */
  appendFrom(block: Block, from: Layout, fromBlock: number): void {
    const first = from.#blocks.firstInst[fromBlock]
    const last = from.#blocks.lastInst[fromBlock]
    if (first < 0) return
    if (!from.#linked) this.appendRun(block, first, last + 1)
    else for (let inst = first; inst >= 0; inst = from.#nextInst[inst]) this.appendInst(inst as Inst, block)
  }

  /** The next instruction of the same block, which must not be its last. Makes no links. */
  following(inst: number): number {
    return this.#linked ? this.#nextInst[inst] : inst + 1
  }

  insertInstBefore(inst: Inst, before: Inst): void {
    if (!this.#linked) this.#link()
    this.#room(inst)
    const block = this.#instBlock[before]
    const prev = this.#prevInst[before]
    this.#instBlock[inst] = block
    this.#prevInst[inst] = prev
    this.#nextInst[inst] = before
    this.#prevInst[before] = inst
    if (prev < 0) this.#blocks.firstInst[block] = inst
    else this.#nextInst[prev] = inst
  }

  insertInstAfter(inst: Inst, after: Inst): void {
    const next = this.nextInst[after]
    if (next < 0) this.appendInst(inst, this.#instBlock[after] as Block)
    else this.insertInstBefore(inst, next as Inst)
  }

  /** Takes an instruction out of its block. */
  removeInst(inst: Inst): void {
    if (!this.#linked) this.#link()
    const block = this.#instBlock[inst]
    const prev = this.#prevInst[inst]
    const next = this.#nextInst[inst]
    if (prev < 0) this.#blocks.firstInst[block] = next
    else this.#nextInst[prev] = next
    if (next < 0) this.#blocks.lastInst[block] = prev
    else this.#prevInst[next] = prev
    this.#instBlock[inst] = this.#prevInst[inst] = this.#nextInst[inst] = -1
  }

  /** Moves `first` and all that follows it in its block to the end of `into`. */
  splitBlock(first: Inst, into: Block): void {
    if (!this.#linked) this.#link()
    const blocks = this.#blocks
    const from = this.#instBlock[first]
    const prev = this.#prevInst[first]
    const last = blocks.lastInst[from]
    blocks.lastInst[from] = prev
    if (prev < 0) blocks.firstInst[from] = -1
    else this.#nextInst[prev] = -1
    const tail = blocks.lastInst[into]
    this.#prevInst[first] = tail
    if (tail < 0) blocks.firstInst[into] = first
    else this.#nextInst[tail] = first
    blocks.lastInst[into] = last
    for (let inst: number = first; inst >= 0; inst = this.#nextInst[inst]) this.#instBlock[inst] = into
  }

  /** Makes the links: from here on the columns hold the order. */
  #link(): void {
    this.#linked = true
    this.#reserve(this.#insts.capacity)
    for (let block = 0; block < this.#blocks.length; block++) this.#linkRun(block)
  }

  #linkRun(block: number): void {
    const blocks = this.#blocks
    const first = blocks.firstInst[block]
    // Whoever broke the tables is told by the verifier; no walk gets lost in them.
    const last = Math.min(blocks.lastInst[block], this.#insts.length - 1)
    if (first < 0 || last < first) return
    this.#room(last)
    const next = this.#nextInst
    const prev = this.#prevInst
    const of = this.#instBlock
    for (let inst = first; inst <= last; inst++) {
      of[inst] = block
      prev[inst] = inst - 1
      next[inst] = inst + 1
    }
    prev[first] = -1
    next[last] = -1
  }

  #room(inst: number): void {
    if (inst >= this.#nextInst.length) this.#reserve(Math.max(this.#insts.capacity, inst + 1))
  }

  /** Makes room for that many instructions. Columns are replaced: read them afresh. */
  #reserve(rows: number): void {
    const from = this.#nextInst.length
    const columns = new Columns(3 * columnBytes(rows, 4))
    this.#nextInst = columns.int32(rows, this.#nextInst).fill(-1, from)
    this.#prevInst = columns.int32(rows, this.#prevInst).fill(-1, from)
    this.#instBlock = columns.int32(rows, this.#instBlock).fill(-1, from)
  }
}
