// Control flow: branches whose way is known become jumps, blocks that nothing reaches are removed, and a block that is
// only ever jumped to from one place continues that place's block.
//
// Relies on: constants are iconst (simplify). Leaves true: every block in the layout is reachable; no block that ends in
// a jump is the only way to its target. Merged blocks let selection merge across what was a border.
//
// literals: Opcode

import { type Block, type Function, type Inst, Opcode } from '@framewright/ir'
import type { PassContext } from './context.ts'
import { targetsOf } from './operands.ts'

/** Runs the pass. */
export function simplifyControlFlow(func: Function, context: PassContext): void {
  let changed = false
  const { blocks, layout } = func
  for (let block: number = layout.entry; block >= 0; block = blocks.nextBlock[block]) {
    if (decideBranch(func, blocks.lastInst[block])) changed = true
  }
  if (changed) context.flowChanged()
  if (removeUnreachable(func, context)) changed = true
  if (mergeBlocks(func, context)) changed = true
  if (changed) context.flowChanged()
}

/** Makes a branch on a constant, or with the same two targets, a jump. */
function decideBranch(func: Function, inst: number): boolean {
  const { insts, values } = func
  const opcode = insts.opcode[inst]
  if (opcode !== Opcode.Brif && opcode !== Opcode.BrTable) return false
  const condition = values.definition[insts.arg0[inst]]
  const known = condition >= 0 && insts.opcode[condition] === Opcode.Iconst
  let target = -1
  if (opcode === Opcode.Brif) {
    if (known) {
      target = insts.imm[condition] !== 0 || insts.immHigh[condition] !== 0 ? insts.target0[inst] : insts.target1[inst]
    } else if (sameCall(func, insts.target0[inst], insts.target1[inst])) target = insts.target0[inst]
  } else if (known) {
    const table = func.jumpTables[insts.entity[inst]]
    const index = insts.imm[condition] >>> 0
    target = index < table.length ? table[index] : insts.target0[inst]
  } else if (func.jumpTables[insts.entity[inst]].length === 0) target = insts.target0[inst]
  if (target < 0) return false
  insts.clearOperands(inst as Inst)
  insts.opcode[inst] = Opcode.Jump
  insts.ctrlType[inst] = 0
  insts.target0[inst] = target
  return true
}

function sameCall({ blockCalls, blockArgs }: Function, a: number, b: number): boolean {
  if (blockCalls.block[a] !== blockCalls.block[b]) return false
  for (let i = 0; i < blockCalls.argCount[a]; i++) {
    if (blockArgs[blockCalls.argStart[a] + i] !== blockArgs[blockCalls.argStart[b] + i]) return false
  }
  return true
}

function removeUnreachable(func: Function, context: PassContext): boolean {
  const { blocks, layout } = func
  if (context.order().length === layout.blockCount) return false
  const { enter } = context.tree()
  let next = -1
  for (let block: number = layout.entry; block >= 0; block = next) {
    next = blocks.nextBlock[block]
    if (enter[block] >= 0) continue
    layout.removeBlock(block as Block)
    blocks.firstInst[block] = blocks.lastInst[block] = -1
  }
  return true
}

/** Appends to each block what only it jumps to, and to that what only that jumps to. */
function mergeBlocks(func: Function, context: PassContext): boolean {
  const { blocks, layout, insts } = func
  // Edges into each block.
  const edges = new Int32Array(blocks.length)
  const targets: number[] = []
  for (let block: number = layout.entry; block >= 0; block = blocks.nextBlock[block]) {
    const last = blocks.lastInst[block]
    targetsOf(func, last, targets)
    for (let t = 0; t < targets.length; t++) edges[func.blockCalls.block[targets[t]]]++
  }
  for (let inst = 0; inst < insts.length; inst++) {
    // A block that is named other than as a target.
    if (insts.opcode[inst] === Opcode.GetExceptionHandlerAddress) edges[insts.arg1[inst]] += 2
  }
  let merged = false
  // The first of a line of blocks comes first in the order and takes all the others, so each is moved once.
  const order = context.order()
  for (let i = 0; i < order.length; i++) {
    const block = order[i]
    if (!layout.hasBlock(block as Block)) continue
    for (;;) {
      const jump = blocks.lastInst[block]
      if (insts.opcode[jump] !== Opcode.Jump) break
      const target = func.blockCalls.block[insts.target0[jump]]
      if (edges[target] !== 1 || target === block || target === layout.entry) break
      const from = func.blockCalls.argStart[insts.target0[jump]]
      const param = blocks.firstParam[target]
      for (let i = 0; i < blocks.paramCount[target]; i++) {
        context.replace(param + i, context.find(func.blockArgs[from + i]))
      }
      layout.removeInst(jump as Inst)
      layout.removeBlock(target as Block)
      layout.splitBlock(blocks.firstInst[target] as Inst, block as Block)
      merged = true
    }
  }
  context.rewriteAll()
  return merged
}
