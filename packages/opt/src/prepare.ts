// What must hold before any pass runs, and seldom does not already: operands hold no alias, and no two instructions, nor
// two entries of a table, share a block call.

import { type Block, type BlockCall, type Function, Opcode, type Value } from '@framewright/ir'
import { rewriteOperands, targetsOf } from './operands.ts'

/** Prepares a function. Aliases, and how the text spelled operands, are forgotten: passes do not keep them true. */
export function prepare(func: Function): void {
  dropAliases(func)
  const { blocks, layout, blockCalls } = func
  const seen = new Uint8Array(blockCalls.length)
  const targets: number[] = []
  for (let block: number = layout.entry; block >= 0; block = blocks.nextBlock[block]) {
    const inst = blocks.lastInst[block]
    targetsOf(func, inst, targets)
    let shared = false
    for (let t = 0; t < targets.length; t++) {
      if (seen[targets[t]] !== 0) shared = true
      seen[targets[t]] = 1
    }
    if (shared) copyTargets(func, inst)
  }
}

function dropAliases(func: Function): void {
  const { values, blocks, layout } = func
  func.forgetAliasSpellings()
  if (values.aliasOf === null) return
  const resolved = new Int32Array(values.length).fill(-1)
  for (let value = 0; value < values.length; value++) {
    if (values.aliasOf[value] >= 0) resolved[value] = func.resolve(value as Value)
  }
  for (let block: number = layout.entry; block >= 0; block = blocks.nextBlock[block]) {
    for (let inst = blocks.firstInst[block]; inst >= 0; inst = layout.nextInst[inst]) {
      rewriteOperands(func, inst, resolved)
    }
  }
  values.aliasOf = null
}

/** Gives an instruction targets of its own. */
function copyTargets(func: Function, inst: number): void {
  const { insts, jumpTables, exceptionTables } = func
  const copy = (call: BlockCall): BlockCall => {
    const { block, argStart, argCount } = func.blockCalls
    const args = func.blockArgs.slice(argStart[call], argStart[call] + argCount[call])
    return func.addBlockCall(block[call] as Block, args)
  }
  switch (insts.opcode[inst]) {
    case Opcode.Jump:
      insts.target0[inst] = copy(insts.target0[inst] as BlockCall)
      break
    case Opcode.Brif:
      insts.target0[inst] = copy(insts.target0[inst] as BlockCall)
      insts.target1[inst] = copy(insts.target1[inst] as BlockCall)
      break
    case Opcode.BrTable: {
      insts.target0[inst] = copy(insts.target0[inst] as BlockCall)
      const entries = jumpTables[insts.entity[inst]].map((call) => copy(call as BlockCall))
      insts.entity[inst] = jumpTables.push(entries) - 1
      break
    }
    case Opcode.TryCall:
    case Opcode.TryCallIndirect: {
      const { signature, items, normal } = exceptionTables[insts.imm[inst]]
      const own = items.map((item) => (item.kind === 'context' ? { ...item } : { ...item, target: copy(item.target) }))
      insts.imm[inst] = exceptionTables.push({ signature, normal: copy(normal), items: own }) - 1
    }
  }
}
