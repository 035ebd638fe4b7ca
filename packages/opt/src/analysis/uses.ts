// How often each value is used, and which additions and shifts selection will merge into the address of an access: a
// value number or a register of their own is then worth nothing.
//
// Selection merges into one address: constants added, however often the sum is used; one addition of two values and one
// shift by 1 to 3, each with one use in the block of the access.
//
// literals: Opcode

import { type Function, Opcode, Type } from '@framewright/ir'
import { FIXED_OPERANDS, TRAITS, Trait } from '../opcode-traits.ts'
import { targetsOf } from '../operands.ts'

export interface ValueUses {
  /** By value: uses, arguments of branches and calls included. */
  readonly count: Int32Array
  /** By value: 1 when it is merged into every address that it is used for, and used for nothing else. */
  readonly merged: Uint8Array
}

/** @param order - the reachable blocks. */
export function valueUses(func: Function, order: Int32Array): ValueUses {
  const { blocks, layout, insts, valueLists, blockArgs, blockCalls } = func
  const count = new Int32Array(func.values.length)
  const merged = new Uint8Array(func.values.length)
  const { opcode, arg0, arg1, arg2, listStart, listLength } = insts
  const { nextInst } = layout
  const targets: number[] = []
  for (let i = 0; i < order.length; i++) {
    for (let inst = blocks.firstInst[order[i]]; inst >= 0; inst = nextInst[inst]) {
      const op = opcode[inst]
      const fixed = FIXED_OPERANDS[op]
      if (fixed > 0) {
        count[arg0[inst]]++
        if (fixed > 1) {
          count[arg1[inst]]++
          if (fixed > 2) count[arg2[inst]]++
        }
      }
      const traits = TRAITS[op]
      if ((traits & Trait.List) !== 0) {
        const end = listStart[inst] + listLength[inst]
        for (let at = listStart[inst]; at < end; at++) count[valueLists[at]]++
      }
      if ((traits & Trait.Targets) === 0) continue
      targetsOf(func, inst, targets)
      for (let t = 0; t < targets.length; t++) {
        const start = blockCalls.argStart[targets[t]]
        const end = start + blockCalls.argCount[targets[t]]
        for (let at = start; at < end; at++) if (blockArgs[at] >= 0) count[blockArgs[at]]++
      }
    }
  }
  for (let i = 0; i < order.length; i++) {
    const block = order[i]
    for (let inst = blocks.firstInst[block]; inst >= 0; inst = nextInst[inst]) {
      if ((TRAITS[opcode[inst]] & Trait.Access) !== 0) markAddress(func, addressOf(func, inst), block, count, merged)
    }
  }
  return { count, merged }
}

/** The block that a value is a parameter of, or computed in. */
export function definitionBlock({ values, layout }: Function, value: number): number {
  const definition = values.definition[value]
  return definition >= 0 ? layout.instBlock[definition] : -2 - definition
}

/** The address operand of a load or store. */
export function addressOf({ insts }: Function, inst: number): number {
  return FIXED_OPERANDS[insts.opcode[inst]] === 1 ? insts.arg0[inst] : insts.arg1[inst]
}

function markAddress(func: Function, address: number, block: number, count: Int32Array, merged: Uint8Array): void {
  const { values, insts, layout } = func
  let value = address
  let indexed = false
  for (let depth = 0; depth < 8; depth++) {
    const inst = values.definition[value]
    if (inst < 0 || insts.opcode[inst] !== Opcode.Iadd || values.type[value] !== Type.I64) return
    const x = insts.arg0[inst]
    const y = insts.arg1[inst]
    if (isConstant(func, y)) {
      if (count[value] === 1) merged[value] = 1
      value = x
      continue
    }
    if (indexed || count[value] !== 1 || layout.instBlock[inst] !== block) return
    merged[value] = 1
    indexed = true
    if (markScale(func, y, block, count, merged)) value = x
    else if (markScale(func, x, block, count, merged)) value = y
    else value = x
  }
}

/** Marks a shift by 1 to 3. */
function markScale(func: Function, value: number, block: number, count: Int32Array, merged: Uint8Array): boolean {
  const { values, insts, layout } = func
  const inst = values.definition[value]
  if (inst < 0 || insts.opcode[inst] !== Opcode.Ishl || count[value] !== 1 || layout.instBlock[inst] !== block)
    return false
  const amount = values.definition[insts.arg1[inst]]
  if (amount < 0 || insts.opcode[amount] !== Opcode.Iconst || insts.imm[amount] < 1 || insts.imm[amount] > 3)
    return false
  merged[value] = 1
  return true
}

function isConstant({ values, insts }: Function, value: number): boolean {
  const inst = values.definition[value]
  return inst >= 0 && insts.opcode[inst] === Opcode.Iconst
}
