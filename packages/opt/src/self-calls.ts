// Which calls are calls of the function itself, and of which functions a body may be put in place of a call.

import { type ExternalName, equalSignatures, type Function, Opcode } from '@framewright/ir'

/**
 * Whether a call surely runs the function of that name that is in this module: the reference says that it is defined in
 * the same linkage unit (a symbol that is not may be another's when the program is loaded), nobody may patch the call,
 * and caller and callee agree on the signature.
 */
export function isCallOf(func: Function, call: number, callee: Function): boolean {
  const reference = func.funcRefs[func.insts.entity[call]]
  return (
    reference?.colocated &&
    !reference.patchable &&
    reference.signature >= 0 &&
    sameName(reference.name, callee.name) &&
    equalSignatures(func.signatures[reference.signature], callee.signature)
  )
}

/** Whether an instruction is a call of the function that it is in. */
export function isSelfCall(func: Function, inst: number): boolean {
  return func.insts.opcode[inst] === Opcode.Call && isCallOf(func, inst, func)
}

export function sameName(a: ExternalName, b: ExternalName): boolean {
  if (a.kind === 'testcase') return b.kind === 'testcase' && a.name === b.name
  return a.kind === 'user' && b.kind === 'user' && a.namespace === b.namespace && a.index === b.index
}
