// Checks of branches, calls and returns: what they refer to, and the types of what they pass on.

import { argumentNumber, isExceptionArgument } from '../block-table.ts'
import type { Block, Inst, Value } from '../entities.ts'
import type { Function as IrFunction } from '../function.ts'
import { Opcode } from '../opcode.ts'
import {
  type AbiParam,
  equalSignatures,
  exceptionPayloadWords,
  type Signature,
  supportsExceptions,
  supportsTailCalls,
} from '../signature.ts'
import { printBlock, printInst, printValue } from '../text/index.ts'
import { type Type, typeName } from '../types.ts'
import type { BodyVerifier } from './body.ts'

/** Which target of an instruction a block call is. */
type TargetKind = 'plain' | 'normal-return' | 'exception'

/** The checks, by when they are made. */
export const verifyCall = {
  /** @returns false after a finding that ends CLIF's own verification. */
  references(verifier: BodyVerifier, inst: Inst, opcode: Opcode): boolean {
    const { func } = verifier
    const { insts } = func
    const entity = insts.entity[inst]
    switch (opcode) {
      case Opcode.Jump:
        return target(verifier, inst, insts.target0[inst])
      case Opcode.Brif:
        return target(verifier, inst, insts.target0[inst]) && target(verifier, inst, insts.target1[inst])
      case Opcode.BrTable: {
        const table = func.jumpTables[entity]
        if (table === undefined) verifier.report.inst(inst, `invalid jump table reference jt${entity}`) // D29
        return (
          target(verifier, inst, insts.target0[inst]) &&
          (table === undefined || table.every((call) => target(verifier, inst, call)))
        )
      }
      case Opcode.CallIndirect:
      case Opcode.ReturnCallIndirect:
        return signatureReference(verifier, inst, entity) && resultCount(verifier, inst)
      case Opcode.TryCall:
        return functionReference(verifier, inst) && tryCall(verifier, inst)
      case Opcode.TryCallIndirect:
        return tryCall(verifier, inst)
      case Opcode.GetExceptionHandlerAddress:
        return existing(verifier, inst, insts.arg1[inst]) && handlerIndex(verifier, inst, insts.arg1[inst] as Block)
      case Opcode.FuncAddr:
        functionReference(verifier, inst)
        return true
      default:
        return functionReference(verifier, inst) && patchable(verifier, inst) && resultCount(verifier, inst)
    }
  },

  types(verifier: BodyVerifier, inst: Inst, opcode: Opcode): void {
    const { func } = verifier
    const { insts } = func
    switch (opcode) {
      case Opcode.Jump:
        blockCall(verifier, inst, insts.target0[inst], 'plain')
        return
      case Opcode.Brif:
        blockCall(verifier, inst, insts.target0[inst], 'plain')
        blockCall(verifier, inst, insts.target1[inst], 'plain')
        return
      case Opcode.BrTable:
        blockCall(verifier, inst, insts.target0[inst], 'plain')
        for (const call of func.jumpTables[insts.entity[inst]] ?? []) blockCall(verifier, inst, call, 'plain')
        return
      case Opcode.Return: {
        const start = insts.listStart[inst]
        const found: Type[] = []
        for (let i = start; i < start + insts.listLength[inst]; i++) found.push(func.values.type[func.valueLists[i]])
        returnTypes(verifier, inst, found, 'arguments of return must match function signature') // D97
        return
      }
    }
    const signature = func.calleeSignature(inst)
    if (signature === null) return
    callArguments(verifier, inst, signature)
    if (opcode === Opcode.ReturnCall || opcode === Opcode.ReturnCallIndirect) tailCall(verifier, inst, signature)
    if (opcode === Opcode.TryCall || opcode === Opcode.TryCallIndirect) {
      tryCallSignature(verifier, inst, opcode)
      const table = func.exceptionTables[insts.imm[inst]]
      blockCall(verifier, inst, table.normal, 'normal-return')
      for (const item of table.items) if (item.kind !== 'context') blockCall(verifier, inst, item.target, 'exception')
    }
  },
} as const

/** The target of a branch exists, is in the layout and is not the entry. */
function target(verifier: BodyVerifier, inst: Inst, call: number): boolean {
  const { func, report } = verifier
  const { blockCalls, layout } = func
  if (call < 0 || call >= blockCalls.length) {
    report.inst(inst, `invalid block call ${call}`)
    return false
  }
  const block = blockCalls.block[call] as Block
  if (!existing(verifier, inst, block)) return false
  if (block !== layout.entry) return true
  report.inst(inst, `invalid reference to entry block ${printBlock(func, block)}`) // D22
  return false
}

function existing(verifier: BodyVerifier, inst: Inst, block: number): boolean {
  const { func, report } = verifier
  if (block >= 0 && block < func.blocks.length && func.layout.hasBlock(block as Block)) return true
  report.inst(inst, `invalid block reference ${printBlock(func, block as Block)}`) // D21
  return false
}

function signatureReference(verifier: BodyVerifier, inst: Inst, signature: number): boolean {
  if (signature >= 0 && signature < verifier.func.signatures.length) return true
  verifier.report.inst(inst, `invalid signature reference sig${signature}`) // D23
  return false
}

function functionReference(verifier: BodyVerifier, inst: Inst): boolean {
  const { func, report } = verifier
  const entity = func.insts.entity[inst]
  const data = func.funcRefs[entity]
  if (data !== undefined && data.signature >= 0) return signatureReference(verifier, inst, data.signature)
  report.inst(inst, `invalid function reference fn${entity}`) // D24
  return true
}

/** Calls have the results of their callee's signature. */
function resultCount(verifier: BodyVerifier, inst: Inst): boolean {
  const { func, report } = verifier
  const { opcode } = func.insts
  const signature = func.calleeSignature(inst)
  if (signature === null || (opcode[inst] !== Opcode.Call && opcode[inst] !== Opcode.CallIndirect)) return true
  const found = func.insts.resultCount[inst]
  if (signature.returns.length !== found) {
    report.inst(inst, `expected ${signature.returns.length} result values, found ${found}`) // D14
    return false
  }
  signature.returns.forEach(({ type }, i) => {
    const result = func.result(inst, i)
    if (func.values.type[result] === type) return
    const types = `${typeName(type)}, found ${typeName(func.values.type[result])}`
    report.inst(inst, `expected result ${i} (${printValue(func, result)}) to have type ${types}`) // D58
  })
  return true
}

function patchable(verifier: BodyVerifier, inst: Inst): boolean {
  const { func, report } = verifier
  const data = func.funcRefs[func.insts.entity[inst]]
  if (data === undefined || !data.patchable) return true
  if (func.insts.opcode[inst] === Opcode.ReturnCall) {
    report.inst(inst, 'patchable funcref cannot be used in a return_call') // D32
  } else if (!data.colocated)
    report.inst(inst, 'patchable call to non-colocated function') // D33
  else if ((func.signatures[data.signature]?.returns.length ?? 0) > 0) {
    report.inst(inst, 'patchable call cannot occur to a function with return values') // D34
  } else return true
  return false
}

function tryCall(verifier: BodyVerifier, inst: Inst): boolean {
  const { func, report } = verifier
  const index = func.insts.imm[inst]
  const table = func.exceptionTables[index]
  if (table === undefined) {
    report.inst(inst, `invalid exception table reference extable${index}`) // D30
    return true
  }
  if (!signatureReference(verifier, inst, table.signature)) return false
  const { callConv } = func.signatures[table.signature]
  if (!supportsExceptions(callConv)) {
    report.inst(inst, `calling convention \`${callConv}\` of callee does not support exceptions`) // D31
  }
  for (const item of table.items) if (item.kind !== 'context' && !target(verifier, inst, item.target)) return false
  return target(verifier, inst, table.normal)
}

function handlerIndex(verifier: BodyVerifier, inst: Inst, block: Block): boolean {
  const { func, report } = verifier
  const { insts, blocks } = func
  const low = insts.imm[inst]
  const high = insts.immHigh[inst]
  const index = (BigInt(high) << 32n) | BigInt(low >>> 0)
  const last = blocks.lastInst[block]
  const name = printBlock(func, block)
  const ends = last >= 0 && (insts.opcode[last] === Opcode.TryCall || insts.opcode[last] === Opcode.TryCallIndirect)
  if (high < 0)
    report.inst(inst, `exception handler index ${index} cannot be negative`) // D89
  else if (last < 0)
    report.inst(inst, `referenced block ${name} does not have a terminator`) // D91
  else if (!ends)
    report.inst(inst, `referenced block ${name} does not end in a try_call`) // D92
  else {
    const items = func.exceptionTables[insts.imm[last]]?.items ?? []
    if (index < BigInt(items.filter(({ kind }) => kind !== 'context').length)) return true
    report.inst(inst, `exception handler index ${index} is out-of-range`) // D90, D93
  }
  return false
}

function callArguments(verifier: BodyVerifier, inst: Inst, { params }: Signature): void {
  const { func, report } = verifier
  const { insts, valueLists, values } = func
  const start = insts.listStart[inst]
  const count = insts.listLength[inst]
  for (let i = 0; i < Math.min(count, params.length); i++) {
    const value = valueLists[start + i]
    if (values.type[value] === params[i].type) continue
    const types = `${typeName(values.type[value])}, expected ${typeName(params[i].type)}`
    report.inst(inst, `arg ${i} (${printValue(func, value as Value)}) has type ${types}`) // D71
  }
  if (count === params.length) return
  report.inst(inst, `mismatched argument count for ${shown(func, inst)}: got ${count}, expected ${params.length}`) // D72
}

/** The instruction as CLIF shows it in a message: with its type, and the values of constants. */
function shown(func: IrFunction, inst: Inst): string {
  return `\`${printInst(func, inst, { constants: true, suffix: true })}\``
}

function tailCall(verifier: BodyVerifier, inst: Inst, { callConv, returns }: Signature): void {
  const { func, report } = verifier
  if (!supportsTailCalls(callConv)) {
    report.inst(inst, `calling convention \`${callConv}\` does not support tail calls`) // D73
  }
  if (callConv !== func.signature.callConv) report.inst(inst, "callee's calling convention must match caller") // D74
  returnTypes(
    verifier,
    inst,
    returns.map(({ type }) => type),
    'results of callee must match caller', // D98
  )
}

function returnTypes(verifier: BodyVerifier, inst: Inst, found: readonly Type[], message: string): void {
  const { func, report } = verifier
  const expected: readonly AbiParam[] = func.signature.returns
  if (found.length !== expected.length) {
    report.inst(inst, message)
    return
  }
  found.forEach((type, i) => {
    if (type === expected[i].type) return
    const types = `type ${typeName(type)}, must match function signature of ${typeName(expected[i].type)}`
    report.inst(inst, `result ${i} has ${types}`) // D75
  })
}

/** The signature that a direct `try_call` names is that of the function, if not the same one. */
function tryCallSignature(verifier: BodyVerifier, inst: Inst, opcode: Opcode): void {
  if (opcode !== Opcode.TryCall) return
  const { func, report } = verifier
  const entity = func.insts.entity[inst]
  const own = func.funcRefs[entity]?.signature
  const named = func.exceptionTables[func.insts.imm[inst]]?.signature
  if (own === undefined || named === undefined || own === named) return
  const [ownSignature, namedSignature] = [func.signatures[own], func.signatures[named]]
  // What does not exist has been reported.
  if (ownSignature === undefined || namedSignature === undefined) return
  if (equalSignatures(ownSignature, namedSignature)) return
  report.inst(inst, `exception table signature sig${named} did not match function fn${entity}'s signature sig${own}`) // D63
}

/** The arguments of a block call are those of the block. */
function blockCall(verifier: BodyVerifier, inst: Inst, call: number, kind: TargetKind): void {
  const { func, report, pointer } = verifier
  const { blockCalls, blockArgs, blocks, values } = func
  const block = blockCalls.block[call]
  const count = blockCalls.argCount[call]
  const expected = blocks.paramCount[block]
  if (count !== expected) {
    report.inst(inst, `mismatched argument count for ${shown(func, inst)}: got ${count}, expected ${expected}`) // D64
    return
  }
  const start = blockCalls.argStart[call]
  const first = blocks.firstParam[block]
  for (let i = 0; i < count; i++) {
    const entry = blockArgs[start + i]
    const wanted = values.type[first + i]
    if (entry >= 0) {
      if (values.type[entry] === wanted) continue
      const types = `${typeName(values.type[entry])}, expected ${typeName(wanted)}`
      report.inst(inst, `arg ${printValue(func, entry as Value)} has type ${types}`) // D65
      continue
    }
    const type = calleeArgumentType(verifier, inst, entry, kind, pointer)
    if (type < 0) return
    if (type === 0 || type === wanted) continue
    const name = `${isExceptionArgument(entry) ? 'exn' : 'ret'}${argumentNumber(entry)}`
    report.inst(inst, `arg ${name} has type ${typeName(type)}, expected ${typeName(wanted)}`) // D65
  }
}

/** The type of `retN` or `exnN`; 0 when it depends on a target that is not known, -1 after a report. */
function calleeArgumentType(
  verifier: BodyVerifier,
  inst: Inst,
  entry: number,
  kind: TargetKind,
  pointer: Type,
): number {
  const { func, report } = verifier
  const exception = isExceptionArgument(entry)
  const number = argumentNumber(entry)
  if (kind === 'plain') {
    report.inst(inst, '`retN` block argument in block-call not on `try_call` instruction') // D66
    return -1
  }
  const { returns, callConv } = func.signatures[func.exceptionTables[func.insts.imm[inst]].signature]
  if (!exception) {
    if (kind !== 'normal-return') {
      report.inst(inst, '`retN` block argument used outside normal-return target of `try_call`') // D68
    } else if (number >= returns.length)
      report.inst(inst, 'out-of-bounds `retN` block argument') // D67
    else return returns[number].type
    return -1
  }
  if (kind !== 'exception') {
    report.inst(inst, '`exnN` block argument used outside normal-return target of `try_call`') // D70
  } else if (pointer === 0 || number < exceptionPayloadWords(callConv)) return pointer
  else report.inst(inst, 'out-of-bounds `exnN` block argument') // D69
  return -1
}
