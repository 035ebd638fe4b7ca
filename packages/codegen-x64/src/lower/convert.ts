// Conversions between integers and floats, and between their bit patterns.

import { Opcode, Type } from '@framewright/ir'
import { MachOp } from '../machine/op.ts'
import * as record from '../machine/record.ts'
import type { Lowering } from './context.ts'
import { extension } from './integer.ts'
import { DEF, LATE, TEMPORARY, USE, USE_ANY } from './operand.ts'

const SIZE = record.SIZE_SHIFT

function floatBit(c: Lowering, value: number): number {
  return c.valueType[value] === Type.F64 ? record.FLOAT64 : 0
}

/** `fcvt_from_sint`: narrow integers are widened first. */
export function lowerFromSint(c: Lowering): void {
  const x = c.arg0[c.inst]
  const size = c.size(x)
  c.size(c.firstResult[c.inst])
  const d = c.result()
  if (size < 2) {
    const wide = c.newVreg(false)
    intToFloat(c, d, wide, 2)
    c.unary(extension(size, true), 2, wide, c.use(x), USE_ANY)
    return
  }
  c.withSource(MachOp.IntToFloat, (size << SIZE) | floatBit(c, c.firstResult[c.inst]), DEF | d, -1, x, USE_ANY, false)
}

function intToFloat(c: Lowering, d: number, source: number, size: number): void {
  c.buffer.begin(MachOp.IntToFloat, 2, 0, (size << SIZE) | floatBit(c, c.firstResult[c.inst]))
  c.buffer.operand(DEF | d)
  c.buffer.operand(USE_ANY | source)
}

/** `fcvt_from_uint`: up to 32 bits by way of a wider signed integer, 64 bits by halving what is too large. */
export function lowerFromUint(c: Lowering): void {
  const x = c.arg0[c.inst]
  const size = c.size(x)
  c.size(c.firstResult[c.inst])
  const d = c.result()
  if (size === 3) {
    c.buffer.begin(MachOp.Uint64ToFloat, 4, 0, (3 << SIZE) | floatBit(c, c.firstResult[c.inst]))
    c.buffer.operand(DEF | d)
    c.buffer.operand(TEMPORARY | c.newVreg(false))
    c.buffer.operand(TEMPORARY | c.newVreg(false))
    c.buffer.operand(USE | LATE | c.use(x))
    return
  }
  if (size === 2 && c.isZeroExtended32(x)) {
    intToFloat(c, d, c.use(x), 3)
    return
  }
  const wide = c.newVreg(false)
  intToFloat(c, d, wide, size === 2 ? 3 : 2)
  c.unary(extension(size, false), 2, wide, c.use(x), USE_ANY)
}

/** `fcvt_to_sint` and its family. Emission writes the checks; temporaries for the comparisons come from the allocator. */
export function lowerToInt(c: Lowering): void {
  const opcode = c.opcode[c.inst]
  const x = c.arg0[c.inst]
  const size = c.size(c.firstResult[c.inst])
  c.size(x)
  if (c.valueType[c.firstResult[c.inst]] === c.valueType[x] || !c.isFloat(x)) c.unsupported()
  const d = c.result() >= 0 ? c.result() : c.newVreg(false)
  let op: number = MachOp.FloatToSint
  if (opcode === Opcode.FcvtToUint) op = MachOp.FloatToUint
  else if (opcode === Opcode.FcvtToSintSat) op = MachOp.FloatToSintSat
  else if (opcode === Opcode.FcvtToUintSat) op = MachOp.FloatToUintSat
  c.buffer.begin(op, 4, 0, (size << SIZE) | floatBit(c, x))
  c.buffer.operand(DEF | d)
  c.buffer.operand(TEMPORARY | c.newVreg(true))
  c.buffer.operand(TEMPORARY | c.newVreg(false))
  c.buffer.operand(USE | LATE | c.use(x))
}

/** `bitcast` between the register files; within one it is a renaming. */
export function lowerBitcast(c: Lowering): void {
  const x = c.arg0[c.inst]
  const size = c.size(x)
  const d = c.result()
  if (c.size(c.firstResult[c.inst]) !== size) c.unsupported()
  const toFloat = c.isFloat(c.firstResult[c.inst])
  if (toFloat === c.isFloat(x)) {
    if (d !== c.vregs[x]) c.unary(toFloat ? MachOp.Fmov : MachOp.Mov, size, d, c.use(x), USE_ANY)
    return
  }
  c.unary(toFloat ? MachOp.MovToXmm : MachOp.MovFromXmm, size, d, c.use(x), USE_ANY)
}
