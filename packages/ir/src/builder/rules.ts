// What declarations and rare instructions must keep to, beside types: what is wrong, in words, or null. `pointer` is the
// type of addresses, 0 when the builder was not told.

import type { GlobalValueData } from '../externals.ts'
import type { Function as IrFunction } from '../function.ts'
import { DEFAULT_MEM_FLAGS, MemFlags, memFlagsRegion, memFlagsTrapCode } from '../memory-flags.ts'
import { type AbiParam, equalTypes, type Signature, supportsExceptions, supportsTailCalls } from '../signature.ts'
import { isScalarInteger, isType, isVector, laneCount, type Type, typeBits, typeName } from '../types.ts'
import { globalValueType } from '../verify/declarations.ts'

/** A signature by itself. */
export function signatureFault({ params, returns, callConv }: Signature): string | null {
  const all: readonly (readonly [string, readonly AbiParam[]])[] = [
    ['parameter', params],
    ['result', returns],
  ]
  for (const [item, list] of all) {
    for (const [i, { type, extension, purpose }] of list.entries()) {
      if (!isType(type)) return `${item} ${i} of the signature has no type`
      if (purpose === 'sarg' && item === 'result') return `result ${i} of the signature cannot be a structure argument`
      if (extension !== 'none' && !isScalarInteger(type)) {
        return `${item} ${i} of the signature is ${typeName(type)}, which cannot be extended (${extension})`
      }
    }
  }
  if (callConv === 'preserve_all' && returns.length > 0) {
    return 'a function of the convention preserve_all has no results'
  }
  return null
}

/** A global value, before it is declared: what its base is has been declared. */
export function globalValueFault(func: IrFunction, data: GlobalValueData, pointer: Type): string | null {
  switch (data.kind) {
    case 'vmctx':
      if (func.signature.params.some(({ purpose }) => purpose === 'vmctx')) return null
      return 'a global value vmctx needs a parameter of the function whose purpose is vmctx'
    case 'iadd_imm': {
      if (!isScalarInteger(data.type)) return `a global value iadd_imm cannot be ${typeName(data.type)}`
      const base = globalValueType(func.globalValues[data.base], pointer)
      if (base === 0 || base === data.type) return null
      return `a global value iadd_imm of ${typeName(data.type)} cannot be based on gv${data.base}, which is ${typeName(base)}`
    }
    case 'load': {
      if (!isType(data.type)) return 'a global value load needs a type'
      const base = globalValueType(func.globalValues[data.base], pointer)
      if (base !== 0 && (pointer === 0 ? !isAddress(base) : base !== pointer)) {
        return `gv${data.base} is ${typeName(base)}, which is no address`
      }
      const trusted = memFlagsTrapCode(data.flags) === 0 && (data.flags & MemFlags.Aligned) !== 0
      return trusted ? flagsFault(func, data.flags) : 'a global value load must be notrap and aligned'
    }
    case 'symbol':
      return null
    case 'dyn_scale_target_const':
      return isVector(data.vectorType) ? null : `${typeName(data.vectorType)} is no vector`
  }
}

function isAddress(type: Type): boolean {
  return isScalarInteger(type) && (typeBits(type) === 32 || typeBits(type) === 64)
}

/** The flags of an access to memory. */
export function flagsFault(func: IrFunction, flags: MemFlags): string | null {
  const region = memFlagsRegion(flags)
  if (region >= func.aliasRegions.length) return `the alias region region${region} was not declared`
  if ((flags & MemFlags.Little) !== 0 && (flags & MemFlags.Big) !== 0) {
    return 'memory cannot be of both byte orders, little and big'
  }
  return (flags & UNUSED_FLAGS) === 0 ? null : `the memory flags ${flags} have bits that mean nothing`
}

const UNUSED_FLAGS = 0xff & ~(MemFlags.Aligned | MemFlags.Readonly | MemFlags.CanMove | MemFlags.Little | MemFlags.Big)

/** A bitcast between two types. */
export function bitcastFault(from: Type, to: Type, flags: MemFlags): string | null {
  if (typeBits(from) !== typeBits(to)) {
    return `${typeName(from)} has ${typeBits(from)} bits and ${typeName(to)} has ${typeBits(to)}`
  }
  const order = flags & (MemFlags.Little | MemFlags.Big)
  if (flags !== (DEFAULT_MEM_FLAGS | order) || order === (MemFlags.Little | MemFlags.Big)) {
    return 'no memory flag but one of little and big can be given'
  }
  if (order !== 0 || laneCount(from) === laneCount(to)) return null
  return `between ${typeName(from)} and ${typeName(to)} a byte order must be given: little or big`
}

/** A call of a function that may be turned off in place. */
export function patchableFault(colocated: boolean, tail: boolean, { returns }: Signature): string | null {
  if (tail) return 'a patchable function cannot be called in place of this one'
  if (!colocated) return 'a patchable function must be colocated to be called'
  return returns.length === 0 ? null : 'a patchable function that has results cannot be called'
}

/** A call in place of the function that makes it. */
export function tailCallFault(caller: Signature, callee: Signature): string | null {
  if (!supportsTailCalls(callee.callConv)) return `the convention ${callee.callConv} does not support tail calls`
  if (callee.callConv !== caller.callConv) {
    return `the callee has the convention ${callee.callConv}, this function ${caller.callConv}`
  }
  return equalTypes(callee.returns, caller.returns) ? null : 'the callee has other results than this function'
}

/** A call that exceptions may pass. */
export function tryCallFault({ callConv }: Signature): string | null {
  return supportsExceptions(callConv) ? null : `the convention ${callConv} does not support exceptions`
}

/** The block that a function is entered by. */
export function entryFault(func: IrFunction, block: number): string | null {
  const { blocks, values, signature } = func
  const count = blocks.paramCount[block]
  const { params } = signature
  if (blocks.cold[block] !== 0) return 'the entry cannot be cold'
  if (count !== params.length) {
    return `the entry has ${count} parameters, the signature of the function has ${params.length}`
  }
  for (let i = 0; i < count; i++) {
    const type = values.type[blocks.firstParam[block] + i]
    if (type === params[i].type) continue
    return `parameter ${i} of the entry is ${typeName(type)}, in the signature of the function ${typeName(params[i].type)}`
  }
  return null
}
