// Every value that the instructions of a function read.

import type { Inst } from '../entities.ts'
import { FORMAT_HAS_LIST, FORMAT_VALUES } from '../format.ts'
import type { Function as IrFunction } from '../function.ts'
import { OPCODE_FORMAT, Opcode } from '../opcode.ts'

/** Calls back for every operand, arguments of branches included, of the instructions in the tables. */
export function forEachOperand(func: IrFunction, visit: (value: number, inst: Inst) => void): void {
  const { insts, valueLists } = func
  for (let row = 0; row < insts.length; row++) {
    const inst = row as Inst
    const format = OPCODE_FORMAT[insts.opcode[inst]]
    const fixed = FORMAT_VALUES[format]
    if (fixed > 0) visit(insts.arg0[inst], inst)
    if (fixed > 1) visit(insts.arg1[inst], inst)
    if (fixed > 2) visit(insts.arg2[inst], inst)
    if (FORMAT_HAS_LIST[format] !== 0) {
      const start = insts.listStart[inst]
      for (let at = start; at < start + insts.listLength[inst]; at++) visit(valueLists[at], inst)
    }
    switch (insts.opcode[inst]) {
      case Opcode.Jump:
        visitArguments(func, insts.target0[inst], inst, visit)
        break
      case Opcode.Brif:
        visitArguments(func, insts.target0[inst], inst, visit)
        visitArguments(func, insts.target1[inst], inst, visit)
        break
      case Opcode.BrTable:
        visitArguments(func, insts.target0[inst], inst, visit)
        for (const call of func.jumpTables[insts.entity[inst]]) visitArguments(func, call, inst, visit)
        break
      case Opcode.TryCall:
      case Opcode.TryCallIndirect: {
        const { normal, items } = func.exceptionTables[insts.imm[inst]]
        visitArguments(func, normal, inst, visit)
        for (const item of items) {
          if (item.kind === 'context') visit(item.value, inst)
          else visitArguments(func, item.target, inst, visit)
        }
      }
    }
  }
}

function visitArguments(func: IrFunction, call: number, inst: Inst, visit: (value: number, inst: Inst) => void): void {
  const { blockCalls, blockArgs } = func
  const start = blockCalls.argStart[call]
  // Entries below 0 are results and payloads of a try_call.
  for (let at = start; at < start + blockCalls.argCount[call]; at++) if (blockArgs[at] >= 0) visit(blockArgs[at], inst)
}
