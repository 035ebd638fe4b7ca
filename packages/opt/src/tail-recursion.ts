// Recursion in last place becomes a loop; so does recursion whose result is only added to something.
//
//   return f(y)          becomes   jump loop(y)
//   return x + f(y)      becomes   jump loop(y, sum + x), and every other `return v` becomes `return sum + v`
//
// The second needs an operation that is associative and commutative and has a neutral element to start from: iadd, imul,
// band, bor, bxor of integers, one of them for the whole function. `f(y) - x` is `f(y) + -x`. x may be anything that has
// been computed before the call, other calls included: what happens, happens in the same order.
//
// What stands between the call and the return must be pure and must not read the result, so the loop may do it before
// what the call did. A function with stack slots is left alone: each activation has slots of its own, and the address of
// one may have been handed on. Infinite recursion becomes an infinite loop instead of a stack overflow.
//
// The idea and the conditions: GCC, tree-tailcall.c; LLVM, TailRecursionElimination.cpp.
//
// Relies on: prepare. Leaves true: nothing to rely on; where it acts, the entry block only jumps to the loop.

import { type Block, type Function, type Inst, Opcode, Type } from '@framewright/ir'
import type { PassContext } from './context.ts'
import { FIXED_OPERANDS, TRAITS, Trait } from './opcode-traits.ts'
import { isSelfCall } from './self-calls.ts'

/** Instructions looked at between a call and the end of its block. */
const MOST_BETWEEN = 16

/** One call that can become a jump. */
interface Site {
  readonly call: number
  /** `x op result`, -1 when the result is returned as it is. */
  readonly combine: number
}

/** Runs the pass. */
export function loopTailRecursion(func: Function, context: PassContext): void {
  const sites = findSites(func)
  if (sites.length === 0 || !mayLoop(func)) return
  const combined = sites.find(({ combine }) => combine >= 0)
  const operation = combined === undefined ? -1 : operationOf(func, combined.combine)
  const chosen = sites.filter(({ combine }) => combine < 0 || operationOf(func, combine) === operation)
  makeLoop(func, context, chosen, operation)
  context.flowChanged()
}

/** Whether nothing in the function is tied to one activation. */
function mayLoop(func: Function): boolean {
  const { insts, signature } = func
  if (func.stackSlots.length > 0 || func.dynamicStackSlots.length > 0 || func.stackMaps.size > 0) return false
  if (func.debugTags.size > 0 || func.stackLimit >= 0) return false
  if (func.globalValues.some(({ kind }) => kind === 'vmctx')) return false
  if ([...signature.params, ...signature.returns].some(({ purpose }) => purpose !== 'normal')) return false
  for (let inst = 0; inst < insts.length; inst++) {
    switch (insts.opcode[inst]) {
      case Opcode.GetFramePointer:
      case Opcode.GetStackPointer:
      case Opcode.GetReturnAddress:
      case Opcode.ReturnCall:
      case Opcode.ReturnCallIndirect:
        return false
    }
  }
  return true
}

function findSites(func: Function): Site[] {
  const sites: Site[] = []
  if (!func.funcRefs.some(({ colocated }) => colocated)) return sites
  const { blocks, layout, insts } = func
  for (let block: number = layout.entry; block >= 0; block = blocks.nextBlock[block]) {
    const last = blocks.lastInst[block]
    if (insts.opcode[last] !== Opcode.Return && insts.opcode[last] !== Opcode.Jump) continue
    let inst = layout.prevInst[last]
    for (let n = 0; n < MOST_BETWEEN && inst >= 0 && (TRAITS[insts.opcode[inst]] & Trait.Pure) !== 0; n++) {
      inst = layout.prevInst[inst]
    }
    if (inst < 0 || !isSelfCall(func, inst)) continue
    const returned = returnedValues(func, last)
    const site = returned === null ? null : siteOf(func, inst, returned)
    if (site !== null) sites.push(site)
  }
  return sites
}

/** What a block returns, itself or in a block that it jumps to and that does nothing else. */
function returnedValues(func: Function, last: number): number[] | null {
  const { blocks, blockCalls, blockArgs, insts, valueLists } = func
  let inst = last
  let arguments_ = 0
  let block = -1
  if (insts.opcode[last] === Opcode.Jump) {
    const call = insts.target0[last]
    block = blockCalls.block[call]
    arguments_ = blockCalls.argStart[call]
    inst = blocks.lastInst[block]
    if (inst !== blocks.firstInst[block] || insts.opcode[inst] !== Opcode.Return) return null
  }
  const start = insts.listStart[inst]
  return Array.from(valueLists.subarray(start, start + insts.listLength[inst]), (value) => {
    const param = block < 0 ? -1 : value - blocks.firstParam[block]
    return param >= 0 && param < blocks.paramCount[block] ? blockArgs[arguments_ + param] : value
  })
}

function siteOf(func: Function, call: number, returned: readonly number[]): Site | null {
  const { insts, layout, values } = func
  const result = insts.firstResult[call]
  const isPlain =
    returned.length === insts.resultCount[call] && returned.every((value, index) => value === result + index)
  const combine = isPlain || returned.length !== 1 ? -1 : values.definition[returned[0]]
  if (!isPlain && (combine < 0 || !combines(func, combine, result))) return null
  let met = isPlain
  for (let inst = layout.nextInst[call]; layout.nextInst[inst] >= 0; inst = layout.nextInst[inst]) {
    if (inst === combine) met = true
    else if (reads(func, inst, result, insts.resultCount[call])) return null
  }
  // The operation stands behind the call, in its block.
  return met ? { call, combine } : null
}

/** Whether an instruction is `x op result`, x something else, of an operation that may be done in any order. */
function combines(func: Function, inst: number, result: number): boolean {
  const { insts, values } = func
  const type = values.type[result]
  if (type < Type.I8 || type > Type.I64 || operationOf(func, inst) < 0) return false
  const x = insts.arg0[inst]
  const y = insts.arg1[inst]
  if (insts.opcode[inst] === Opcode.Isub) return x === result && y !== result
  return (x === result) !== (y === result)
}

/** The operation that collects what an instruction combines; -1 when it is none. */
function operationOf({ insts }: Function, inst: number): number {
  const opcode = insts.opcode[inst]
  switch (opcode) {
    case Opcode.Iadd:
    case Opcode.Imul:
    case Opcode.Band:
    case Opcode.Bor:
    case Opcode.Bxor:
      return opcode
    case Opcode.Isub:
      return Opcode.Iadd
  }
  return -1
}

function reads({ insts }: Function, inst: number, first: number, count: number): boolean {
  const fixed = FIXED_OPERANDS[insts.opcode[inst]]
  const isResult = (value: number): boolean => value >= first && value < first + count
  if (count === 0 || fixed === 0) return false
  return (
    isResult(insts.arg0[inst]) || (fixed > 1 && isResult(insts.arg1[inst])) || (fixed > 2 && isResult(insts.arg2[inst]))
  )
}

function makeLoop(func: Function, context: PassContext, sites: readonly Site[], operation: number): void {
  const { blocks, insts, layout, values } = func
  const entry = layout.entry
  const count = blocks.paramCount[entry]
  const collects = operation >= 0
  const type = collects ? func.signature.returns[0].type : 0
  const returns = collects ? collectReturns(func, sites) : []

  const header = blocks.push()
  layout.insertBlockAfter(header, entry)
  layout.splitBlock(blocks.firstInst[entry] as Inst, header)
  const types: Type[] = []
  for (let i = 0; i < count; i++) types.push(values.type[blocks.firstParam[entry] + i])
  if (collects) types.push(type)
  const first = context.setParameters(header, types)
  for (let i = 0; i < count; i++) context.replace(blocks.firstParam[entry] + i, first + i)
  context.rewriteAll()
  const sum = collects ? first + count : -1

  for (const { call, combine } of sites) {
    const block = layout.instBlock[call] as Block
    const start = insts.listStart[call]
    const args = Array.from(func.valueLists.subarray(start, start + insts.listLength[call]))
    const result = insts.firstResult[call]
    const last = blocks.lastInst[block]
    if (collects) {
      if (combine < 0) args.push(sum)
      else {
        const opcode = insts.opcode[combine] as Opcode
        const x = insts.arg0[combine] === result ? insts.arg1[combine] : insts.arg0[combine]
        args.push(context.binaryBefore(opcode, type, sum, x, last))
        layout.removeInst(combine as Inst)
      }
    }
    const jump = insts.push(Opcode.Jump)
    insts.setLocation(jump, insts.locationOf(call as Inst))
    insts.target0[jump] = func.addBlockCall(header, args)
    layout.insertInstBefore(jump, last as Inst)
    layout.removeInst(last as Inst)
    layout.removeInst(call as Inst)
  }
  for (const inst of returns) {
    const at = insts.listStart[inst]
    func.valueLists[at] = context.binaryBefore(operation as Opcode, type, sum, func.valueLists[at], inst)
  }

  const jump = insts.push(Opcode.Jump)
  layout.appendInst(jump, entry)
  const args: number[] = []
  for (let i = 0; i < count; i++) args.push(blocks.firstParam[entry] + i)
  if (collects) args.push(neutralElement(context, operation, type, jump))
  insts.target0[jump] = func.addBlockCall(header, args)
}

/** The returns that stay: those that no site ends in. */
function collectReturns(func: Function, sites: readonly Site[]): number[] {
  const { blocks, layout, insts } = func
  const gone = new Set(sites.map(({ call }) => layout.instBlock[call]))
  const found: number[] = []
  for (let block: number = layout.entry; block >= 0; block = blocks.nextBlock[block]) {
    const last = blocks.lastInst[block]
    if (insts.opcode[last] === Opcode.Return && !gone.has(block)) found.push(last)
  }
  return found
}

function neutralElement(context: PassContext, operation: number, type: Type, before: number): number {
  if (operation === Opcode.Imul) return context.constantBefore(type, 1, 0, before)
  if (operation !== Opcode.Band) return context.constantBefore(type, 0, 0, before)
  if (type === Type.I64) return context.constantBefore(type, -1, -1, before)
  return context.constantBefore(type, type === Type.I32 ? -1 : type === Type.I16 ? 0xffff : 0xff, 0, before)
}
