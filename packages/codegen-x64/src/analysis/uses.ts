// What selection must know before it walks backwards: how often each value is used, in which block each instruction stands, and its colour.
//
// The colour of an instruction counts the effects before it in program order. Two instructions of one block with equal colours have no
// effect between them, so a load may move from the first to the second (backend design, "Selection"). An effect takes the colour *before*
// itself: the load that feeds a store may still merge into it.
//
// literals: Opcode

import { type Function, NO_VALUE, OPCODE_FLAGS, OPCODE_ROWS, Opcode, OpcodeFlag } from '@framewright/ir'
import type { BlockOrder } from './block-order.ts'
import { ensureInt32 } from './growable.ts'

/** Value operands in the argument columns, per opcode. */
export const FIXED_OPERANDS: Uint8Array = new Uint8Array(256)
/** 1 for opcodes with operands in the list pool, 2 for those with block calls, 4 for those whose execution is an effect. */
const SHAPE: Uint8Array = new Uint8Array(256)
const HAS_LIST = 1
const HAS_CALLS = 2
const EFFECT = 4

for (const [i, row] of OPCODE_ROWS.entries()) {
  const opcode = i + 1
  const operands = row[3].split(' ').filter((operand) => operand !== '')
  FIXED_OPERANDS[opcode] = operands.filter((operand) => !operand.endsWith('...')).length
  if (operands.some((operand) => operand.endsWith('...'))) SHAPE[opcode] |= HAS_LIST
  const flags = OPCODE_FLAGS[opcode]
  if ((flags & OpcodeFlag.Branch) !== 0 && (flags & OpcodeFlag.Call) === 0) SHAPE[opcode] |= HAS_CALLS
  const effects = OpcodeFlag.Call | OpcodeFlag.CanTrap | OpcodeFlag.CanStore | OpcodeFlag.OtherSideEffects
  if ((flags & effects) !== 0) SHAPE[opcode] |= EFFECT
}

/** Reusable notes on one function. */
export class Uses {
  /** Uses of a value, block arguments and returned values included. */
  count: Int32Array = new Int32Array(256)
  /** Per instruction: its IR block; unreachable instructions are not filled. */
  block: Int32Array = new Int32Array(256)
  /** Per instruction: effects before it. */
  colour: Int32Array = new Int32Array(256)
  /** Some instruction has a source location. */
  located = false

  compute(func: Function, order: BlockOrder): void {
    const { insts, values, layout, blocks, blockCalls, valueLists, blockArgs } = func
    this.count = ensureInt32(this.count, values.length)
    this.block = ensureInt32(this.block, insts.length)
    this.colour = ensureInt32(this.colour, insts.length)
    const { count, block: blockOf, colour } = this
    const { opcode, arg0, arg1, arg2, listStart, listLength, sourceLocation, target0, target1, entity } = insts
    const { nextInst } = layout
    count.fill(0, 0, values.length)
    let effects = 0
    let locations = -1
    for (let i = 0; i < order.count; i++) {
      const block = order.irBlock[i]
      if (block < 0) continue
      for (let inst = blocks.firstInst[block]; inst >= 0; inst = nextInst[inst]) {
        const op = opcode[inst]
        const shape = SHAPE[op]
        blockOf[inst] = block
        colour[inst] = effects
        if (sourceLocation !== null) locations &= sourceLocation[inst]
        const fixed = FIXED_OPERANDS[op]
        if (fixed > 0) {
          count[arg0[inst]]++
          if (fixed > 1) {
            count[arg1[inst]]++
            if (fixed > 2) count[arg2[inst]]++
          }
        }
        if (shape === 0) continue
        if ((shape & EFFECT) !== 0) effects++
        if ((shape & HAS_LIST) !== 0) {
          const start = listStart[inst]
          const end = start + listLength[inst]
          for (let j = start; j < end; j++) count[valueLists[j]]++
        }
        if ((shape & HAS_CALLS) !== 0) {
          countArguments(target0[inst], blockCalls, blockArgs, count)
          if (op === Opcode.Brif) {
            countArguments(target1[inst], blockCalls, blockArgs, count)
          } else if (op === Opcode.BrTable) {
            const table = func.jumpTables[entity[inst]]
            for (let j = 0; j < table.length; j++) countArguments(table[j], blockCalls, blockArgs, count)
          }
        }
      }
    }
    // -1 has every bit: the conjunction is -1 only if no instruction has a location.
    this.located = locations !== -1
  }
}

function countArguments(
  call: number,
  blockCalls: Function['blockCalls'],
  blockArgs: Int32Array,
  count: Int32Array,
): void {
  const start = blockCalls.argStart[call]
  const end = start + blockCalls.argCount[call]
  for (let i = start; i < end; i++) {
    const value = blockArgs[i]
    if (value > NO_VALUE) count[value]++
  }
}
