// Which values are live where blocks begin and end.
//
// A value gets a bit only if it is used in another block than the one that defines it: most values are not, and rows
// stay short. From every such use control is followed backwards up to the definition, and each block on the way is marked
// once; there is nothing to iterate, so the time is that of the answer. Florian Brandner et al., "Computing Liveness Sets
// for SSA-Form Programs", 2011, section 5 (by use).
//
// literals: Opcode

import type { ControlFlowGraph } from './cfg.ts'
import type { Block, Value } from './entities.ts'
import { FORMAT_HAS_LIST, FORMAT_VALUES } from './format.ts'
import type { Function as IrFunction } from './function.ts'
import { OPCODE_FORMAT } from './opcode.ts'

/**
 * Values that are live into and out of blocks. The parameters of a block are defined where it begins, so they are not
 * live into it; the arguments of a branch are used by the branch.
 */
export class Liveness {
  /** The bit of a value in every row, by value; -1 for one that is live in a single block only. */
  readonly bit: Int32Array
  /** The value of a bit. */
  readonly valueAt: Int32Array
  /** Length of a row. */
  readonly words: number
  /** Two rows for each block: live in from `2 * block * words`, live out from `(2 * block + 1) * words`. */
  readonly rows: Uint32Array

  constructor(bit: Int32Array, valueAt: Int32Array, words: number, rows: Uint32Array) {
    this.bit = bit
    this.valueAt = valueAt
    this.words = words
    this.rows = rows
  }

  /** Whether the value, defined before the block, is used in it or after it. */
  isLiveIn(block: Block, value: Value): boolean {
    return this.#has(2 * block, value)
  }

  /** Whether the value is used after the block. */
  isLiveOut(block: Block, value: Value): boolean {
    return this.#has(2 * block + 1, value)
  }

  /** The values that are live into a block, by the order of their bits. */
  liveIn(block: Block): Value[] {
    return this.#list(2 * block)
  }

  /** The values that are live out of a block, by the order of their bits. */
  liveOut(block: Block): Value[] {
    return this.#list(2 * block + 1)
  }

  #has(row: number, value: Value): boolean {
    const bit = this.bit[value]
    return bit >= 0 && (this.rows[row * this.words + (bit >> 5)] & (1 << (bit & 31))) !== 0
  }

  #list(row: number): Value[] {
    const found: Value[] = []
    for (let word = 0; word < this.words; word++) {
      for (let rest = this.rows[row * this.words + word]; rest !== 0; rest &= rest - 1) {
        found.push(this.valueAt[32 * word + 31 - Math.clz32(rest & -rest)] as Value)
      }
    }
    return found
  }
}

/**
 * Computes liveness for all blocks of the layout. The function must be one that the verifier accepts: a value that is used
 * where its definition does not dominate is live back to the entry.
 */
export function liveness(func: IrFunction, graph: ControlFlowGraph): Liveness {
  const uses = new FarUses(func)
  for (let block: number = func.layout.entry; block >= 0; block = func.blocks.nextBlock[block]) uses.addBlock(block)
  const { bit, length, values: usedValues, blocks: usedIn } = uses
  const words = (uses.bits + 31) >> 5
  const rows = new Uint32Array(2 * func.blocks.length * words)
  const valueAt = new Int32Array(uses.bits)
  const { predecessorStart, predecessors } = graph
  const { definition } = func.values
  const { instBlock } = func.layout
  const work = new Int32Array(func.blocks.length)
  for (let i = 0; i < length; i++) {
    const value = usedValues[i]
    const word = bit[value] >> 5
    const mask = 1 << (bit[value] & 31)
    valueAt[bit[value]] = value
    const from = definition[value]
    const home = from >= 0 ? instBlock[from] : -2 - from
    // A block is put to work when its live-in bit is set, so at most once for a value.
    let pending = 0
    const used = 2 * usedIn[i] * words + word
    if ((rows[used] & mask) !== 0) continue
    rows[used] |= mask
    work[pending++] = usedIn[i]
    while (pending > 0) {
      const block = work[--pending]
      for (let p = predecessorStart[block]; p < predecessorStart[block + 1]; p++) {
        const before = predecessors[p]
        rows[(2 * before + 1) * words + word] |= mask
        const entering = 2 * before * words + word
        if (before === home || (rows[entering] & mask) !== 0) continue
        rows[entering] |= mask
        work[pending++] = before
      }
    }
  }
  return new Liveness(bit, valueAt, words, rows)
}

/** Uses of values outside the block of their definition: pairs of value and block. */
class FarUses {
  readonly #func: IrFunction
  /** By value: its bit, in the order of first use; -1. */
  readonly bit: Int32Array
  bits = 0
  /** By value: the last block that it was noted for. */
  readonly #noted: Int32Array
  values: Int32Array = new Int32Array(64)
  blocks: Int32Array = new Int32Array(64)
  length = 0

  constructor(func: IrFunction) {
    this.#func = func
    this.bit = new Int32Array(func.values.length).fill(-1)
    this.#noted = new Int32Array(func.values.length).fill(-1)
  }

  addBlock(block: number): void {
    const { blocks, insts, layout, valueLists } = this.#func
    const { opcode, arg0, arg1, arg2, listStart, listLength } = insts
    for (let inst = blocks.firstInst[block]; inst >= 0; inst = layout.nextInst[inst]) {
      const format = OPCODE_FORMAT[opcode[inst]]
      const fixed = FORMAT_VALUES[format]
      if (fixed > 0) this.#add(arg0[inst], block)
      if (fixed > 1) this.#add(arg1[inst], block)
      if (fixed > 2) this.#add(arg2[inst], block)
      if (FORMAT_HAS_LIST[format] === 0) continue
      const end = listStart[inst] + listLength[inst]
      for (let at = listStart[inst]; at < end; at++) this.#add(valueLists[at], block)
    }
    this.#addTargets(blocks.lastInst[block], block)
  }

  #addTargets(inst: number, block: number): void {
    if (inst < 0) return
    const { insts, jumpTables, exceptionTables } = this.#func
    const { opcode, target0, target1, entity, imm } = insts
    switch (opcode[inst]) {
      case 1 /* Opcode.Jump */:
        this.#addCall(target0[inst], block)
        break
      case 2 /* Opcode.Brif */:
        this.#addCall(target0[inst], block)
        this.#addCall(target1[inst], block)
        break
      case 3 /* Opcode.BrTable */:
        this.#addCall(target0[inst], block)
        for (const call of jumpTables[entity[inst]]) this.#addCall(call, block)
        break
      case 14 /* Opcode.TryCall */:
      case 15 /* Opcode.TryCallIndirect */:
        this.#addCall(exceptionTables[imm[inst]].normal, block)
        for (const item of exceptionTables[imm[inst]].items) {
          if (item.kind === 'context') this.#add(item.value, block)
          else this.#addCall(item.target, block)
        }
    }
  }

  #addCall(call: number, block: number): void {
    const { blockCalls, blockArgs } = this.#func
    const start = blockCalls.argStart[call]
    const end = start + blockCalls.argCount[call]
    for (let at = start; at < end; at++) if (blockArgs[at] >= 0) this.#add(blockArgs[at], block)
  }

  #add(value: number, block: number): void {
    if (this.#noted[value] === block) return
    this.#noted[value] = block
    const { values, layout } = this.#func
    const from = values.definition[value]
    if ((from >= 0 ? layout.instBlock[from] : -2 - from) === block) return
    if (this.bit[value] < 0) this.bit[value] = this.bits++
    if (this.length === this.values.length) {
      this.values = doubled(this.values)
      this.blocks = doubled(this.blocks)
    }
    this.values[this.length] = value
    this.blocks[this.length++] = block
  }
}

function doubled(column: Int32Array): Int32Array {
  const larger = new Int32Array(2 * column.length)
  larger.set(column)
  return larger
}
