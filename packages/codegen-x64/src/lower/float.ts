// Floating-point arithmetic, sign operations, selection and rounding.

import { LIBCALL_SYMBOLS, type Libcall, Opcode, Type } from '@framewright/ir'
import { MachOp } from '../machine/op.ts'
import * as record from '../machine/record.ts'
import { libcall } from './call.ts'
import { emitFlags, matchCondition } from './compare.ts'
import type { Lowering } from './context.ts'
import { DEF, LATE, USE, USE_ANY, USE_TIED } from './operand.ts'

const SIZE = record.SIZE_SHIFT

/** `fadd`, `fsub`, `fmul`, `fdiv`. */
export function lowerFloatBinary(c: Lowering, op: number, commutative: boolean): void {
  let x = c.arg0[c.inst]
  let y = c.arg1[c.inst]
  const size = c.size(x)
  if (
    commutative &&
    !c.matchConstant(y) &&
    (c.matchConstant(x) || (c.mergeableLoad(y) < 0 && c.mergeableLoad(x) >= 0))
  ) {
    const swap = x
    x = y
    y = swap
  }
  const word = c.use(x)
  c.withSource(op, size << SIZE, DEF | c.result(), USE_TIED | word, y, commutative ? USE_ANY : USE_ANY | LATE, false)
}

/** `sqrt`, `fpromote`, `fdemote`: untied, memory merges. `size` is that of the source. */
export function lowerFloatUnary(c: Lowering, op: number): void {
  const x = c.arg0[c.inst]
  const size = c.size(x)
  c.size(c.firstResult[c.inst])
  c.withSource(op, size << SIZE, DEF | c.result(), -1, x, USE_ANY, false)
}

/** Bits of the sign, or of everything else, of an f32 or f64: low and high half as a pool constant repeats them. */
function signLow(size: number): number {
  return size === 2 ? -0x80000000 : 0
}
const SIGN_HIGH = -0x80000000

/** A packed logical operation with a constant of 16 bytes: the given 8, twice. */
function logicConstant(c: Lowering, op: number, d: number, x: number, low: number, high: number): void {
  c.buffer.begin(op, 2, 2, record.SOURCE_POOL)
  c.buffer.operand(DEF | d)
  c.buffer.operand(USE_TIED | x)
  c.buffer.payload(low)
  c.buffer.payload(high)
}

/** A packed logical operation on registers: memory operands of 16 bytes would read past a slot. */
function logic(c: Lowering, op: number, d: number, x: number, y: number): void {
  c.buffer.begin(op, 3, 0, record.SOURCE_OPERAND)
  c.buffer.operand(DEF | d)
  c.buffer.operand(USE_TIED | x)
  c.buffer.operand(USE | LATE | y)
}

export function lowerNeg(c: Lowering): void {
  const x = c.arg0[c.inst]
  logicConstant(c, MachOp.Fxor, c.result(), c.use(x), signLow(c.size(x)), SIGN_HIGH)
}

export function lowerFabs(c: Lowering): void {
  const x = c.arg0[c.inst]
  logicConstant(c, MachOp.Fand, c.result(), c.use(x), ~signLow(c.size(x)), ~SIGN_HIGH)
}

export function lowerCopysign(c: Lowering): void {
  const x = c.arg0[c.inst]
  const size = c.size(x)
  const magnitude = c.newVreg(true)
  const sign = c.newVreg(true)
  logic(c, MachOp.For, c.result(), magnitude, sign)
  logicConstant(c, MachOp.Fand, magnitude, c.use(x), ~signLow(size), ~SIGN_HIGH)
  logicConstant(c, MachOp.Fand, sign, c.use(c.arg1[c.inst]), signLow(size), SIGN_HIGH)
}

/** `band`, `bor`, `bxor`, `bnot` on floats, by their bits. */
export function lowerFloatLogic(c: Lowering, op: number): void {
  c.size(c.arg0[c.inst])
  if (op === MachOp.Not) logicConstant(c, MachOp.Fxor, c.result(), c.use(c.arg0[c.inst]), -1, -1)
  else logic(c, op, c.result(), c.use(c.arg0[c.inst]), c.use(c.arg1[c.inst]))
}

export function lowerFloatBitselect(c: Lowering): void {
  const mask = c.use(c.arg0[c.inst])
  const y = c.use(c.arg2[c.inst])
  const difference = c.newVreg(true)
  const masked = c.newVreg(true)
  logic(c, MachOp.Fxor, c.result(), masked, y)
  logic(c, MachOp.Fand, masked, difference, mask)
  logic(c, MachOp.Fxor, difference, c.use(c.arg1[c.inst]), y)
}

/** `fmin`, `fmax`: NaN if either is, -0 below +0. Emission writes a short branching sequence. */
export function lowerFloatMinMax(c: Lowering, op: number): void {
  const x = c.arg0[c.inst]
  c.buffer.begin(op, 3, 0, c.size(x) << SIZE)
  c.buffer.operand(DEF | c.result())
  c.buffer.operand(USE_TIED | c.use(x))
  c.buffer.operand(USE | LATE | c.use(c.arg1[c.inst]))
}

/** `select` between floats: a branch around a move. */
export function lowerFloatSelect(c: Lowering): void {
  const d = c.result()
  const match = matchCondition(c, c.arg0[c.inst])
  c.size(c.arg1[c.inst])
  const first = c.use(c.arg2[c.inst])
  const second = c.use(c.arg1[c.inst])
  c.buffer.begin(MachOp.Fcmov, 3, 0, (c.size(c.arg1[c.inst]) << SIZE) | match.code)
  c.buffer.operand(DEF | d)
  c.buffer.operand(USE_TIED | first)
  c.buffer.operand(USE | LATE | second)
  emitFlags(c, match)
}

// roundsd's immediate: mode, with the precision exception masked (Intel SDM vol. 2, "ROUNDSD", figure 4-24).
const ROUNDING: ReadonlyMap<number, readonly [mode: number, single: Libcall, double: Libcall]> = new Map([
  [Opcode.Nearest, [8, 'NearestF32', 'NearestF64']],
  [Opcode.Floor, [9, 'FloorF32', 'FloorF64']],
  [Opcode.Ceil, [10, 'CeilF32', 'CeilF64']],
  [Opcode.Trunc, [11, 'TruncF32', 'TruncF64']],
] as const)

/** `ceil`, `floor`, `trunc`, `nearest`: an instruction of SSE4.1, or the C library. */
export function lowerRound(c: Lowering): void {
  const x = c.arg0[c.inst]
  const size = c.size(x)
  const row = ROUNDING.get(c.opcode[c.inst])
  if (row === undefined) return
  if (c.settings.hasSse41) {
    c.buffer.begin(MachOp.Fround, 2, 1, size << SIZE)
    c.buffer.operand(DEF | c.result())
    c.buffer.operand(USE_ANY | c.use(x))
    c.buffer.payload(row[0])
    return
  }
  libcall(c, LIBCALL_SYMBOLS[size === 2 ? row[1] : row[2]], [x], size === 2 ? Type.F32 : Type.F64)
}

/** `fma`: an instruction of FMA3, or the C library. */
export function lowerFma(c: Lowering): void {
  const x = c.arg0[c.inst]
  const size = c.size(x)
  const operands = [x, c.arg1[c.inst], c.arg2[c.inst]]
  if (c.settings.hasFma) {
    c.buffer.begin(MachOp.Fma, 4, 0, size << SIZE)
    c.buffer.operand(DEF | c.result())
    c.buffer.operand(USE_TIED | c.use(operands[0]))
    c.buffer.operand(USE | LATE | c.use(operands[1]))
    c.buffer.operand(USE | LATE | c.use(operands[2]))
    return
  }
  libcall(c, LIBCALL_SYMBOLS[size === 2 ? 'FmaF32' : 'FmaF64'], operands, size === 2 ? Type.F32 : Type.F64)
}
