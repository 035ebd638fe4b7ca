// Every place of an instruction that holds a value: fixed operands, the value pool, arguments of branch targets, and the
// contexts of an exception table.
//
// literals: Opcode

import type { Function } from '@framewright/ir'
import { FIXED_OPERANDS, TRAITS, Trait } from './opcode-traits.ts'

const LIST_OR_TARGETS = Trait.List | Trait.Targets

/** Writes `by[v]` for every operand v where that is not negative. Doing it twice is the same as doing it once. */
export function rewriteOperands(func: Function, inst: number, by: Int32Array): void {
  const { insts } = func
  const opcode = insts.opcode[inst]
  const fixed = FIXED_OPERANDS[opcode]
  if (fixed > 0) {
    const x = by[insts.arg0[inst]]
    if (x >= 0) insts.arg0[inst] = x
    if (fixed > 1) {
      const y = by[insts.arg1[inst]]
      if (y >= 0) insts.arg1[inst] = y
      if (fixed > 2) {
        const z = by[insts.arg2[inst]]
        if (z >= 0) insts.arg2[inst] = z
      }
    }
  }
  const traits = TRAITS[opcode]
  if ((traits & LIST_OR_TARGETS) === 0) return
  if ((traits & Trait.List) !== 0) {
    const start = insts.listStart[inst]
    rewritePool(func.valueLists, start, start + insts.listLength[inst], by)
  }
  if ((traits & Trait.Targets) === 0) return
  switch (opcode) {
    case 1 /* Opcode.Jump */:
      rewriteCall(func, insts.target0[inst], by)
      break
    case 2 /* Opcode.Brif */:
      rewriteCall(func, insts.target0[inst], by)
      rewriteCall(func, insts.target1[inst], by)
      break
    case 3 /* Opcode.BrTable */:
      rewriteCall(func, insts.target0[inst], by)
      for (const call of func.jumpTables[insts.entity[inst]]) rewriteCall(func, call, by)
      break
    case 14 /* Opcode.TryCall */:
    case 15 /* Opcode.TryCallIndirect */:
      rewriteCall(func, func.exceptionTables[insts.imm[inst]].normal, by)
      for (const item of func.exceptionTables[insts.imm[inst]].items) {
        if (item.kind !== 'context') rewriteCall(func, item.target, by)
        else if (by[item.value] >= 0) item.value = by[item.value] as typeof item.value
      }
  }
}

function rewriteCall(func: Function, call: number, by: Int32Array): void {
  const start = func.blockCalls.argStart[call]
  rewritePool(func.blockArgs, start, start + func.blockCalls.argCount[call], by)
}

function rewritePool(pool: Int32Array, start: number, end: number, by: Int32Array): void {
  for (let i = start; i < end; i++) {
    const value = pool[i]
    // Entries below 0 are results and payloads of a try_call.
    if (value >= 0 && by[value] >= 0) pool[i] = by[value]
  }
}

/**
 * The block calls of an instruction, in operand order, into `calls`; handlers of a `try_call` come first.
 *
 * @returns how many.
 */
export function targetsOf(func: Function, inst: number, calls: number[]): number {
  const { insts } = func
  calls.length = 0
  switch (insts.opcode[inst]) {
    case 1 /* Opcode.Jump */:
      calls.push(insts.target0[inst])
      break
    case 2 /* Opcode.Brif */:
      calls.push(insts.target0[inst], insts.target1[inst])
      break
    case 3 /* Opcode.BrTable */:
      calls.push(insts.target0[inst])
      for (const call of func.jumpTables[insts.entity[inst]]) calls.push(call)
      break
    case 14 /* Opcode.TryCall */:
    case 15 /* Opcode.TryCallIndirect */:
      for (const item of func.exceptionTables[insts.imm[inst]].items) {
        if (item.kind !== 'context') calls.push(item.target)
      }
      calls.push(func.exceptionTables[insts.imm[inst]].normal)
  }
  return calls.length
}

/** Gives a block call other arguments, any number of them. */
export function setArguments(func: Function, call: number, args: readonly number[]): void {
  const start = func.blockArgsLength
  func.reserveBlockArgs(start + args.length)
  func.blockArgs.set(args, start)
  func.blockArgsLength = start + args.length
  func.blockCalls.argStart[call] = start
  func.blockCalls.argCount[call] = args.length
}
