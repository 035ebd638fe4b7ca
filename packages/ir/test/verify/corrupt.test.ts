// Tables that no text can spell: whatever a pass has written into the columns, the verifier ends, and throws nothing.

import { describe, expect, test } from 'vitest'
import { type Function as IrFunction, parseFunctions, Type, verifyFunction } from '../../src/index.ts'
import { generateFunction, Random } from '../../src/testing/index.ts'

const ISA = { pointerType: Type.I64 }
const make = (seed: number): IrFunction => parseFunctions(generateFunction({ seed, instructions: 80 }).text)[0]

type Column = (func: IrFunction) => { [row: number]: number; readonly length: number }

const COLUMNS: Readonly<Record<string, Column>> = {
  opcode: (func) => func.insts.opcode.subarray(0, func.insts.length),
  ctrlType: (func) => func.insts.ctrlType.subarray(0, func.insts.length),
  arg0: (func) => func.insts.arg0.subarray(0, func.insts.length),
  arg1: (func) => func.insts.arg1.subarray(0, func.insts.length),
  arg2: (func) => func.insts.arg2.subarray(0, func.insts.length),
  imm: (func) => func.insts.imm.subarray(0, func.insts.length),
  immHigh: (func) => func.insts.immHigh.subarray(0, func.insts.length),
  entity: (func) => func.insts.entity.subarray(0, func.insts.length),
  target0: (func) => func.insts.target0.subarray(0, func.insts.length),
  target1: (func) => func.insts.target1.subarray(0, func.insts.length),
  listStart: (func) => func.insts.listStart.subarray(0, func.insts.length),
  listLength: (func) => func.insts.listLength.subarray(0, func.insts.length),
  firstResult: (func) => func.insts.firstResult.subarray(0, func.insts.length),
  resultCount: (func) => func.insts.resultCount.subarray(0, func.insts.length),
  valueType: (func) => func.values.type.subarray(0, func.values.length),
  definition: (func) => func.values.definition.subarray(0, func.values.length),
  valueLists: (func) => func.valueLists.subarray(0, func.valueListsLength),
  blockArgs: (func) => func.blockArgs.subarray(0, func.blockArgsLength),
  callBlock: (func) => func.blockCalls.block.subarray(0, func.blockCalls.length),
  callStart: (func) => func.blockCalls.argStart.subarray(0, func.blockCalls.length),
  callCount: (func) => func.blockCalls.argCount.subarray(0, func.blockCalls.length),
  firstParam: (func) => func.blocks.firstParam.subarray(0, func.blocks.length),
  paramCount: (func) => func.blocks.paramCount.subarray(0, func.blocks.length),
  firstInst: (func) => func.blocks.firstInst.subarray(0, func.blocks.length),
  lastInst: (func) => func.blocks.lastInst.subarray(0, func.blocks.length),
  nextBlock: (func) => func.blocks.nextBlock.subarray(0, func.blocks.length),
  prevBlock: (func) => func.blocks.prevBlock.subarray(0, func.blocks.length),
  nextInst: (func) => func.layout.nextInst.subarray(0, func.insts.length),
  instBlock: (func) => func.layout.instBlock.subarray(0, func.insts.length),
}

describe('a table that is wrong', () => {
  test.each(Object.entries(COLUMNS))('in %s is reported or harmless', (name, column) => {
    const random = new Random(name.length * 1000 + name.charCodeAt(0))
    let reported = 0
    for (let round = 0; round < 60; round++) {
      const func = make(round % 8)
      const rows = column(func)
      if (rows.length === 0) continue
      const at = random.below(rows.length)
      const other = rows[random.below(rows.length)]
      rows[at] = random.pick([-1, -2, 0, 1, 5, other, 1000, 0x7fff_ffff, -0x8000_0000])
      reported += verifyFunction(func, ISA).length
      verifyFunction(func, { ...ISA, stopEarly: true })
    }
    // Offsets, unused columns and the like may hold anything; most others may not.
    if (!['imm', 'immHigh', 'arg2', 'target1', 'listStart'].includes(name)) expect(reported).toBeGreaterThan(0)
  })

  test('in several places is reported or harmless', () => {
    const random = new Random(99)
    const columns = Object.values(COLUMNS)
    for (let round = 0; round < 300; round++) {
      const func = make(round % 8)
      for (let i = 0; i < 6; i++) {
        const rows = random.pick(columns)(func)
        if (rows.length > 0) rows[random.below(rows.length)] = random.below(200) - 20
      }
      verifyFunction(func, ISA)
    }
  })
})
