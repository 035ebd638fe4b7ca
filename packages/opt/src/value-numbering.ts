// Value numbering over the dominator tree: an instruction that computes what one that dominates it has computed is
// replaced by that one.
//
// Two instructions are the same when opcode, type, immediates and operands are, operands compared as values; that they
// have been replaced already is what the dominator order sees to. There is one hash table for the function. An entry
// that does not dominate the current block never will dominate a block that comes later in the walk, unless its subtree
// is still being walked, in which case it does; so it may be overwritten, and no scope has to be undone.
//
// A trapping instruction that repeats another (`idempotent` in the opcode table) goes too: the first has trapped or
// given the result. Loads are never numbered.
//
// Left alone, because selection does them better where they are used: comparisons, which merge into one branch or select
// each; additions and shifts that merge into an address; addresses of slots and symbols in other blocks.
//
// Relies on: simplify (constants are arg1), control-flow (everything in the layout is reachable). Leaves true: no two
// numbered instructions of which one dominates the other are the same.
//
// literals: Opcode

import type { DominatorTree, Function, Inst } from '@framewright/ir'
import { type ValueUses, valueUses } from './analysis/uses.ts'
import type { PassContext } from './context.ts'
import { TRAITS, Trait } from './opcode-traits.ts'

/** Runs the pass. */
export function numberValues(func: Function, context: PassContext): void {
  const order = context.order()
  const { blocks, layout, insts } = func
  const uses = valueUses(func, order)
  const table = new NumberTable(func, context.tree())
  for (let i = 0; i < order.length; i++) {
    const block = order[i]
    let next = -1
    for (let inst = blocks.firstInst[block]; inst >= 0; inst = next) {
      next = layout.nextInst[inst]
      context.rewrite(inst)
      const traits = TRAITS[insts.opcode[inst]]
      if ((traits & Trait.Repeatable) === 0 || !isNumbered(func, inst, uses)) continue
      const same = table.lookup(inst, block)
      if (same < 0) continue
      const first = insts.firstResult[inst]
      const other = insts.firstResult[same]
      for (let r = 0; r < insts.resultCount[inst]; r++) {
        context.replace(first + r, other + r)
        uses.count[other + r] += uses.count[first + r]
      }
      layout.removeInst(inst as Inst)
    }
  }
  context.forgetReplacements()
}

function isNumbered({ insts }: Function, inst: number, { merged }: ValueUses): boolean {
  switch (insts.opcode[inst]) {
    case 73 /* Opcode.Icmp */:
    case 113 /* Opcode.Fcmp */:
      return false
    case 74 /* Opcode.Iadd */:
    case 104 /* Opcode.Ishl */:
      return merged[insts.firstResult[inst]] === 0
  }
  return true
}

/** Instructions by what they compute. */
class NumberTable {
  readonly #func: Function
  readonly #tree: DominatorTree
  readonly #slots: Int32Array
  readonly #mask: number

  constructor(func: Function, tree: DominatorTree) {
    this.#func = func
    this.#tree = tree
    let size = 64
    while (size < 2 * func.insts.length) size *= 2
    this.#slots = new Int32Array(size).fill(-1)
    this.#mask = size - 1
  }

  /** The instruction that computes the same and dominates the block; -1, and this one is remembered. */
  lookup(inst: number, block: number): number {
    const { layout } = this.#func
    const slots = this.#slots
    let at = this.#hash(inst) & this.#mask
    for (let other = slots[at]; other >= 0; other = slots[at]) {
      if (this.#same(inst, other)) {
        const from = layout.instBlock[other]
        if (from === block || (this.#tree.dominates(from as never, block as never) && !isPlaced(this.#func, inst))) {
          return other
        }
        break
      }
      at = (at + 1) & this.#mask
    }
    slots[at] = inst
    return -1
  }

  #hash(inst: number): number {
    const { opcode, ctrlType, arg0, arg1, arg2, imm, immHigh, entity } = this.#func.insts
    let x = arg0[inst]
    let y = arg1[inst]
    if (x > y && (TRAITS[opcode[inst]] & Trait.Commutative) !== 0) {
      x = y
      y = arg0[inst]
    }
    let hash = Math.imul(opcode[inst] + (ctrlType[inst] << 8), 0x9e3779b1)
    hash = Math.imul(hash ^ x, 0x85ebca6b)
    hash = Math.imul((hash ^ (hash >>> 13)) + y, 0xc2b2ae35)
    hash = Math.imul((hash ^ (hash >>> 16)) + arg2[inst] + imm[inst], 0x27d4eb2f)
    hash = Math.imul((hash ^ (hash >>> 15)) + immHigh[inst] + entity[inst], 0x165667b1)
    return hash ^ (hash >>> 14)
  }

  #same(a: number, b: number): boolean {
    const { opcode, ctrlType, arg0, arg1, arg2, imm, immHigh, entity } = this.#func.insts
    if (opcode[a] !== opcode[b] || ctrlType[a] !== ctrlType[b]) return false
    if (arg0[a] !== arg0[b] || arg1[a] !== arg1[b]) {
      if ((TRAITS[opcode[a]] & Trait.Commutative) === 0 || arg0[a] !== arg1[b] || arg1[a] !== arg0[b]) return false
    }
    return arg2[a] === arg2[b] && imm[a] === imm[b] && immHigh[a] === immHigh[b] && entity[a] === entity[b]
  }
}

/** Made again in each block: holding it in a register over a distance costs more. */
function isPlaced({ insts }: Function, inst: number): boolean {
  switch (insts.opcode[inst]) {
    case 48 /* Opcode.StackAddr */:
    case 50 /* Opcode.SymbolValue */:
    case 13 /* Opcode.FuncAddr */:
      return true
  }
  return false
}
