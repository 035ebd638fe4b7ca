// Operations on vector registers that are one instruction each.

import { Inst } from '@framewright/asm-x64'
import { LOCATION_SLOT, RECORD_WORDS_SHIFT } from '@framewright/regalloc'
import { MachOp } from '../machine/op.ts'
import * as record from '../machine/record.ts'
import { type Emitter, IN_REGISTER } from './emitter.ts'
import { COMMUTES, ROW_DOUBLE, ROW_R_RM } from './rows.ts'

const _RAX = 0
const _RCX = 1
const _RDX = 2
const RSP = 4
const _R10 = 10
const _FIRST_VECTOR = 16
const _S32 = 2
const _S64 = 3

/** Tied operations on vector registers; the logical ones take 16-byte constants from the pool. */
export function emitFloatAlu(e: Emitter, at: number, op: number, header: number): void {
  const { asm } = e
  const size = (header >> record.SIZE_SHIFT) & 3
  const d = e.location(at, 0)
  const a = e.location(at, 1)
  if (op >= MachOp.Fand && (header & record.SOURCE_MASK) === record.SOURCE_POOL) {
    const words = e.code[at] >>> RECORD_WORDS_SHIFT
    const low = e.code[at + words - 2]
    const high = e.code[at + words - 1]
    e.toVector(3, d, a)
    asm.rmPool(ROW_R_RM[op], 0, d, asm.constant128(low, high, low, high))
    return
  }
  e.readSource(at, header, 2)
  const row = size === 3 ? ROW_DOUBLE[op] : ROW_R_RM[op]
  if (e.form === IN_REGISTER) {
    if (d === e.register && d !== a && COMMUTES[op] !== 0) {
      if (a < LOCATION_SLOT) asm.rr(row, 0, d, a)
      else asm.rm(row, 0, d, RSP, -1, 0, e.moves.address(a))
      return
    }
    e.toVector(op >= MachOp.Fand ? 3 : size, d, a)
    asm.rr(row, 0, d, e.register)
    return
  }
  e.toVector(size, d, a)
  e.withMemory(row, 0, d)
}

export function emitFloatMove(e: Emitter, at: number, op: number, header: number): void {
  const { asm } = e
  const size = (header >> record.SIZE_SHIFT) & 3
  const d = e.location(at, 0)
  e.readSource(at, header, 1)
  const row = size === 3 ? ROW_DOUBLE[op] : ROW_R_RM[op]
  if (op === MachOp.Fmov && e.form === IN_REGISTER) {
    if (d !== e.register) asm.rr(Inst.Movaps_x_xm, 0, d, e.register)
    return
  }
  if (e.form === IN_REGISTER) asm.rr(row, 0, d, e.register)
  else e.withMemory(row, 0, d)
}

export function floatConstant(e: Emitter, d: number, low: number, high: number, size: number): void {
  const { asm } = e
  if (low === 0 && high === 0) asm.zero(d)
  else if (size === 2) asm.rmPool(Inst.Movss_x_xm, 0, d, asm.constant32(low))
  else asm.rmPool(Inst.Movsd_x_xm, 0, d, asm.constant64(low, high))
}
