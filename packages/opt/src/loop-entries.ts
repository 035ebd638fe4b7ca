// Loop entries: every loop gets a block that control comes through when it enters, and that goes nowhere else: a place
// for what is to be computed once.
//
// Relies on: no unreachable block. Leaves true: every natural loop has a preheader. Such a block with nothing in it costs
// nothing: selection would make one for the edge, and threads its jump away.
//
// literals: Opcode

import { type Block, type Function, Opcode, type Type } from '@framewright/ir'
import type { PassContext } from './context.ts'

/** Runs the pass. */
export function addLoopEntries(func: Function, context: PassContext): void {
  const loops = context.loops()
  let added = false
  for (let loop = 0; loop < loops.count; loop++) {
    if (loops.preheader[loop] >= 0) continue
    addEntry(func, context, loops.header[loop] as Block)
    added = true
  }
  if (added) context.flowChanged()
}

function addEntry(func: Function, context: PassContext, header: Block): void {
  const { blocks, blockCalls, blockArgs, insts, layout, values } = func
  const { start, calls, from } = context.incoming()
  const { enter, leave } = context.tree()
  const outside: number[] = []
  for (let c = start[header]; c < start[header + 1]; c++) {
    if (enter[from[c]] < enter[header] || enter[from[c]] > leave[header]) outside.push(calls[c])
  }
  const block = blocks.push()
  blocks.cold[block] = blocks.cold[header]
  layout.insertBlockAfter(block, blocks.prevBlock[header] as Block)
  const count = blocks.paramCount[header]
  const at = blockCalls.argStart[outside[0]]
  let args: number[] = Array.from(blockArgs.subarray(at, at + count))
  if (outside.length > 1 || args.some((entry) => entry < 0)) {
    const types = args.map((_, i): Type => values.type[blocks.firstParam[header] + i])
    const first = context.setParameters(block, types)
    args = args.map((_, i) => first + i)
  } else blockCalls.argCount[outside[0]] = 0 // what was passed to the header dominates the new block
  for (const call of outside) blockCalls.block[call] = block
  const jump = insts.push(Opcode.Jump)
  insts.target0[jump] = func.addBlockCall(header, args)
  layout.appendInst(jump, block)
}
