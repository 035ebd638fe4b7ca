// Checks of what stands above the blocks: global values, alias regions, signatures, the entry block's parameters.

import type { Block } from '../entities.ts'
import type { GlobalValueData } from '../externals.ts'
import type { Function as IrFunction } from '../function.ts'
import { memFlagsRegion } from '../memory-flags.ts'
import type { AbiParam, Signature } from '../signature.ts'
import { isScalarInteger, isType, Type, typeName } from '../types.ts'
import type { Report } from './report.ts'

/** Checks everything that is not in a block. `pointer` is the type of addresses, 0 when no target is known. */
export function verifyDeclarations(func: IrFunction, pointer: Type, report: Report): void {
  verifyGlobalValues(func, pointer, report)
  verifyAliasRegions(func, report)
  if (!verifyEntry(func, report)) return
  verifySignature(func.signature, report)
  verifyConventions(func, report)
}

function verifyGlobalValues(func: IrFunction, pointer: Type, report: Report): void {
  const { globalValues, aliasRegions } = func
  const cyclic = findCycles(globalValues, report)
  globalValues.forEach((data, gv) => {
    if (cyclic[gv] === 1) return
    const say = (message: string): void => report.declaration(`gv${gv}`, message)
    switch (data.kind) {
      case 'vmctx':
        if (!func.signature.params.some(({ purpose }) => purpose === 'vmctx')) say(`undeclared vmctx reference gv${gv}`)
        break
      case 'iadd_imm': {
        const base = globalValueType(globalValues[data.base], pointer)
        if (!isScalarInteger(data.type)) {
          say(`iadd_imm global value with non-int type ${typeName(data.type)}`)
        } else if (pointer !== 0 && base !== data.type) {
          say(`iadd_imm type ${typeName(data.type)} differs from operand type ${typeName(base)}`)
        }
        break
      }
      case 'load': {
        const base = globalValueType(globalValues[data.base], pointer)
        if (pointer !== 0 && base !== pointer) {
          say(`base gv${data.base} has type ${typeName(base)}, which is not the pointer type ${typeName(pointer)}`)
        }
        const region = memFlagsRegion(data.flags)
        if (region >= aliasRegions.length) say(`undefined alias region region${region}`)
      }
    }
  })
}

/** Marks the globals whose bases lead round in a circle, and reports the first circle met. */
function findCycles(globalValues: readonly GlobalValueData[], report: Report): Uint8Array {
  const UNKNOWN = 0
  const CYCLIC = 1
  const FINE = 2
  const OPEN = 3
  const state = new Uint8Array(globalValues.length)
  let reported = false
  for (let gv = 0; gv < globalValues.length; gv++) {
    const chain: number[] = []
    let at = gv
    while (state[at] === UNKNOWN) {
      state[at] = OPEN
      chain.push(at)
      const data = globalValues[at]
      if (data.kind !== 'load' && data.kind !== 'iadd_imm') break
      at = data.base
    }
    const base = globalValues[at]
    const ends = chain.at(-1) === at && base.kind !== 'load' && base.kind !== 'iadd_imm'
    const circle = state[at] === CYCLIC || (state[at] === OPEN && !ends)
    if (circle && !reported && state[at] === OPEN) {
      reported = true
      report.declaration(`gv${gv}`, `global value cycle: [${chain.map((i) => `gv${i}`).join(', ')}]`)
    }
    for (const link of chain) state[link] = circle ? CYCLIC : FINE
  }
  return state
}

/** The type of a global value; 0 when it is an address and the target is not known. */
export function globalValueType(data: GlobalValueData | undefined, pointer: Type): Type {
  switch (data?.kind) {
    case 'load':
    case 'iadd_imm':
      return data.type
    case 'dyn_scale_target_const':
      return Type.I32
    default:
      return pointer
  }
}

function verifyAliasRegions(func: IrFunction, report: Report): void {
  const first = new Map<number, number>()
  func.aliasRegions.forEach(({ userId }, region) => {
    const other = first.get(userId)
    if (other === undefined) first.set(userId, region)
    else {
      report.declaration(
        `region${region}`,
        `duplicate alias region user_id ${userId}: region${other} and region${region}`,
      )
    }
  })
}

/** @returns false when a report here ends the checks of the declarations. */
function verifyEntry(func: IrFunction, report: Report): boolean {
  const { blocks, layout, values } = func
  const entry: Block = layout.entry
  if (entry < 0) return true
  const expected = func.signature.params
  const count = blocks.paramCount[entry]
  if (count !== expected.length) {
    report.block(entry, `entry block parameters (${count}) must match function signature (${expected.length})`)
    return false
  }
  for (let i = 0; i < count; i++) {
    const type = values.type[blocks.firstParam[entry] + i]
    if (type === expected[i].type) continue
    const types = `${typeName(expected[i].type)}, got ${typeName(type)}`
    report.block(entry, `entry block parameter ${i} expected to have type ${types}`)
  }
  if (blocks.cold[entry] === 0) return true
  report.block(entry, 'entry block cannot be marked as cold')
  return false
}

function verifySignature({ params, returns }: Signature, report: Report): void {
  const check = (item: string, { type, extension, purpose }: AbiParam, i: number): void => {
    if (!isType(type)) report.function(`${item} at position ${i} has an invalid type`)
    if (item !== 'Parameter' && purpose === 'sarg')
      report.function(`${item} at position ${i} can't be an struct argument`)
    if (extension === 'none' || isScalarInteger(type)) return
    report.function(`${item} at position ${i} has invalid extension ${extension === 'uext' ? 'Uext' : 'Sext'}`)
  }
  params.forEach((param, i) => {
    check('Parameter', param, i)
  })
  returns.forEach((param, i) => {
    check('Return value', param, i)
  })
}

function verifyConventions(func: IrFunction, report: Report): void {
  const broken = (sig: Signature | undefined): boolean => sig?.callConv === 'preserve_all' && sig.returns.length > 0
  const message = 'Signature with `preserve_all` ABI cannot have return values'
  if (broken(func.signature)) report.function(message)
  func.funcRefs.forEach(({ signature }, i) => {
    if (broken(func.signatures[signature])) report.declaration(`fn${i}`, message)
  })
  func.signatures.forEach((sig, i) => {
    if (broken(sig)) report.declaration(`sig${i}`, message)
  })
}
