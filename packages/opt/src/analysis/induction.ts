// Basic induction variables: parameters of a loop's header that every way round the loop adds the same to.

import { type Function, Opcode, Type } from '@framewright/ir'
import type { PassContext } from '../context.ts'
import { definitionBlock } from './uses.ts'

export interface InductionVariable {
  /** The header's parameter. */
  readonly value: number
  /** What it is when the loop is entered. */
  readonly initial: number
  /** What each round adds: an i64 from outside the loop, or a constant. */
  readonly step: number
}

/** The i64 induction variables of a loop that has a preheader. */
export function inductionVariables(func: Function, context: PassContext, loop: number): InductionVariable[] {
  const { blocks, blockCalls, blockArgs, values } = func
  const loops = context.loops()
  const { start, calls, from } = context.incoming()
  const header = loops.header[loop]
  const found: InductionVariable[] = []
  for (let index = 0; index < blocks.paramCount[header]; index++) {
    const value = blocks.firstParam[header] + index
    if (values.type[value] !== Type.I64) continue
    let initial = -1
    let step = -1
    let regular = true
    for (let c = start[header]; c < start[header + 1] && regular; c++) {
      const given = blockArgs[blockCalls.argStart[calls[c]] + index]
      if (given < 0) regular = false
      else if (from[c] === loops.preheader[loop]) initial = given
      else {
        const added = addend(func, value, given)
        regular = added >= 0 && (step < 0 || sameStep(func, step, added)) && isInvariant(func, context, loop, added)
        step = added
      }
    }
    if (regular && initial >= 0 && step >= 0) found.push({ value, initial, step })
  }
  return found
}

/** The x of `value + x`; -1. */
function addend({ insts, values }: Function, value: number, sum: number): number {
  const inst = values.definition[sum]
  if (inst < 0 || insts.opcode[inst] !== Opcode.Iadd) return -1
  if (insts.arg0[inst] === value) return insts.arg1[inst]
  return insts.arg1[inst] === value ? insts.arg0[inst] : -1
}

function sameStep({ insts, values }: Function, a: number, b: number): boolean {
  if (a === b) return true
  const x = values.definition[a]
  const y = values.definition[b]
  if (x < 0 || y < 0 || insts.opcode[x] !== Opcode.Iconst || insts.opcode[y] !== Opcode.Iconst) return false
  return insts.imm[x] === insts.imm[y] && insts.immHigh[x] === insts.immHigh[y]
}

function isInvariant(func: Function, context: PassContext, loop: number, value: number): boolean {
  const inst = func.values.definition[value]
  if (inst >= 0 && func.insts.opcode[inst] === Opcode.Iconst) return true
  return !context.loops().contains(loop, definitionBlock(func, value))
}
