// Calls: arguments to their places, results from theirs, in the callee's convention.
//
// A call is one record whose inputs are fixed to the argument registers; emission copies them there in one parallel move, so they may live
// anywhere until then. Stack arguments are stored before it. Results in memory are loaded after it from an area behind the stack slots.

import { type Signature, signature, Type } from '@framewright/ir'
import type { Assignment } from '../abi/assign.ts'
import { MachOp } from '../machine/op.ts'
import * as record from '../machine/record.ts'
import type { Lowering } from './context.ts'
import { extension } from './integer.ts'
import { DEF, fixedDef, fixedUse, USE, USE_ANY } from './operand.ts'
import { Reach } from './symbols.ts'

const SIZE = record.SIZE_SHIFT
/** Carries no argument in either convention, and no callee keeps it. */
const R10 = 10

export function lowerCall(c: Lowering): void {
  const data = c.func.funcRefs[c.entity[c.inst]]
  if (data.patchable) c.unsupported('a patchable call')
  const callee = c.func.signatures[data.signature]
  writeListCall(c, callee, c.symbols.number(data.name), data.colocated ? Reach.local : Reach.far, -1)
}

export function lowerCallIndirect(c: Lowering): void {
  const callee = c.func.signatures[c.entity[c.inst]]
  writeListCall(c, callee, -1, 0, c.use(c.arg0[c.inst]))
}

function writeListCall(c: Lowering, callee: Signature, symbol: number, reach: number, target: number): void {
  const { insts, valueLists } = c.func
  const start = insts.listStart[c.inst]
  const first = c.firstResult[c.inst]
  const results: number[] = []
  for (let i = 0; i < callee.returns.length; i++) results.push(c.vregs[first + i])
  writeCall(c, callee, valueLists.subarray(start, start + insts.listLength[c.inst]), results, symbol, reach, target)
}

const libcallSignatures: Map<string, Signature> = new Map()

/** A call of a C function on floats of one type, in the platform's own convention. */
export function libcall(c: Lowering, name: string, args: readonly number[], type: number): void {
  const key = `${args.length} ${type}`
  let callee = libcallSignatures.get(key)
  if (callee === undefined) {
    const parameter = { type, extension: 'none', purpose: 'normal', structBytes: 0 } as const
    callee = signature(Array(args.length).fill(parameter), [parameter], 'fast')
    libcallSignatures.set(key, callee)
  }
  writeCall(c, callee, args, [c.result()], c.symbols.numberOf(name), Reach.far, -1)
}

/**
 * @param args - values.
 * @param results - registers that want the results, -1 for none.
 * @param symbol - callee, or -1 with its address in the register `target`.
 */
function writeCall(
  c: Lowering,
  callee: Signature,
  args: ArrayLike<number>,
  results: readonly number[],
  symbol: number,
  reach: number,
  target: number,
): void {
  const places = c.assignment(callee)
  const { convention } = places
  c.hasCall = true
  c.outgoingBytes = Math.max(c.outgoingBytes, places.stackBytes)
  c.returnAreaBytes = Math.max(c.returnAreaBytes, places.returnAreaBytes)

  for (let i = results.length - 1; i >= 0; i--) {
    if (results[i] >= 0 && places.results[i] < 0)
      loadResult(c, results[i], callee.returns[i].type, -1 - places.results[i])
  }

  const vregs: number[] = []
  let fixedInputs = (places.returnAreaPointer >= 0 ? 1 : 0) + (target >= 0 ? 1 : 0)
  for (let i = 0; i < args.length; i++) {
    if (places.parameters[i] >= 0) fixedInputs++
    vregs.push(
      isExtended(c, callee, i, args[i])
        ? c.newVreg(false)
        : isStoredConstant(c, places, i, args[i])
          ? -1
          : c.use(args[i]),
    )
  }
  let fixedResults = 0
  for (let i = 0; i < results.length; i++) if (results[i] >= 0 && places.results[i] >= 0) fixedResults++
  const area = places.returnAreaPointer >= 0 ? c.newVreg(false) : -1

  c.buffer.begin(symbol >= 0 ? MachOp.Call : MachOp.CallIndirect, fixedResults + fixedInputs, symbol >= 0 ? 2 : 0, 0)
  for (let i = 0; i < results.length; i++) {
    if (results[i] >= 0 && places.results[i] >= 0) c.buffer.operand(fixedDef(places.results[i]) | results[i])
  }
  if (area >= 0) c.buffer.operand(fixedUse(places.returnAreaPointer) | area)
  for (let i = 0; i < args.length; i++) {
    if (places.parameters[i] >= 0) c.buffer.operand(fixedUse(places.parameters[i]) | vregs[i])
  }
  if (target >= 0) c.buffer.operand(fixedUse(R10) | target)
  if (symbol >= 0) {
    c.buffer.payload(symbol)
    c.buffer.payload(reach)
  }
  c.buffer.clobber(convention.clobbered)

  for (let i = args.length - 1; i >= 0; i--) {
    if (places.parameters[i] < 0) storeArgument(c, places, i, args[i], vregs[i])
  }
  if (area >= 0) {
    c.buffer.begin(MachOp.Lea, 1, 1, record.SOURCE_MEMORY | record.ADDRESS_SLOT | (3 << SIZE))
    c.buffer.operand(DEF | area)
    c.buffer.payload(c.slotBytes)
  }
  for (let i = args.length - 1; i >= 0; i--) {
    if (!isExtended(c, callee, i, args[i])) continue
    c.unary(extension(c.size(args[i]), callee.params[i].extension === 'sext'), 3, vregs[i], c.use(args[i]), USE_ANY)
  }
}

/** The signature wants argument i widened, and it is narrower than a register. */
function isExtended(c: Lowering, callee: Signature, i: number, value: number): boolean {
  return callee.params[i].extension !== 'none' && !c.isFloat(value) && c.size(value) < 3
}

/** An argument on the stack that is stored as an immediate. */
function isStoredConstant(c: Lowering, places: Assignment, i: number, value: number): boolean {
  return places.parameters[i] < 0 && !c.isFloat(value) && c.matchConstant(value) && c.high === c.low >> 31
}

function storeArgument(c: Lowering, places: Assignment, i: number, value: number, vreg: number): void {
  const offset = -1 - places.parameters[i]
  if (vreg < 0) {
    c.matchConstant(value)
    const immediate = c.low
    c.buffer.begin(MachOp.Store, 0, 2, (3 << SIZE) | record.SOURCE_MEMORY_IMMEDIATE | record.ADDRESS_OUTGOING)
    c.buffer.payload(offset)
    c.buffer.payload(immediate)
    return
  }
  const float = c.isFloat(value)
  const size = float ? c.size(value) : 3
  c.buffer.begin(
    float ? MachOp.Fstore : MachOp.Store,
    1,
    1,
    (size << SIZE) | record.SOURCE_MEMORY | record.ADDRESS_OUTGOING,
  )
  c.buffer.operand(USE | vreg)
  c.buffer.payload(offset)
}

function loadResult(c: Lowering, d: number, type: number, offset: number): void {
  const float = type === Type.F32 || type === Type.F64
  const size = type === Type.F32 ? 2 : 3
  c.buffer.begin(float ? MachOp.Fmov : MachOp.Mov, 1, 1, (size << SIZE) | record.SOURCE_MEMORY | record.ADDRESS_SLOT)
  c.buffer.operand(DEF | d)
  c.buffer.payload(c.slotBytes + offset)
}

/** The head record of the entry block: parameters from their registers, then those from the stack. */
export function lowerParameters(c: Lowering): void {
  const { own, func } = c
  const entry = func.layout.entry
  const first = func.blocks.firstParam[entry]
  const count = func.blocks.paramCount[entry]
  // Stack parameters are loaded after the head, so their records come first in this backward walk.
  for (let i = count - 1; i >= 0; i--) {
    const vreg = c.vregs[first + i]
    if (vreg >= 0 && own.parameters[i] < 0) loadParameter(c, vreg, func.values.type[first + i], -1 - own.parameters[i])
  }
  let registers = c.returnArea >= 0 ? 1 : 0
  for (let i = 0; i < count; i++) if (c.vregs[first + i] >= 0 && own.parameters[i] >= 0) registers++
  c.buffer.begin(MachOp.Block, registers, 0, 0)
  if (c.returnArea >= 0) c.buffer.operand(fixedDef(own.returnAreaPointer) | c.returnArea)
  for (let i = 0; i < count; i++) {
    if (c.vregs[first + i] >= 0 && own.parameters[i] >= 0)
      c.buffer.operand(fixedDef(own.parameters[i]) | c.vregs[first + i])
  }
}

function loadParameter(c: Lowering, d: number, type: number, offset: number): void {
  const float = type === Type.F32 || type === Type.F64
  // Stack arguments have 8 bytes each, whatever their type.
  const size = type === Type.F32 ? 2 : 3
  c.buffer.begin(
    float ? MachOp.Fmov : MachOp.Mov,
    1,
    1,
    (size << SIZE) | record.SOURCE_MEMORY | record.ADDRESS_INCOMING,
  )
  c.buffer.operand(DEF | d)
  c.buffer.payload(offset)
}
