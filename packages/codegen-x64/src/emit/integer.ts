// Integer operations, and the ones that both register files share: stores, comparisons, constants.

import { Inst } from '@framewright/asm-x64'
import { LOCATION_SLOT, RECORD_OPERANDS_MASK, RECORD_OPERANDS_SHIFT, RECORD_WORDS_SHIFT } from '@framewright/regalloc'
import { MachOp } from '../machine/op.ts'
import * as record from '../machine/record.ts'
import { type Emitter, IMMEDIATE, IN_MEMORY, IN_REGISTER, R11 } from './emitter.ts'
import { floatConstant } from './float.ts'
import { ROW_DOUBLE, ROW_MEMORY, ROW_R_RM, ROW_RM, ROW_RM_CL, ROW_RM_IMM } from './rows.ts'

const RAX = 0
const RCX = 1
const RDX = 2
const RSP = 4
const _R10 = 10
const _FIRST_VECTOR = 16
const S32 = 2
const S64 = 3

export function emitAlu(e: Emitter, at: number, op: number, header: number): void {
  const { asm } = e
  const d = e.location(at, 0)
  const a = e.location(at, 1)
  e.readSource(at, header, 2)
  let size = (header >> record.SIZE_SHIFT) & 3
  const exact = (header & record.EXACT) !== 0
  const form = e.form
  if (size < 2 && !exact && (form !== IN_MEMORY || e.base === RSP)) size = S32
  const row = ROW_R_RM[op]
  if (form === IN_REGISTER) {
    const b = e.register
    if (d === a) {
      asm.rr(row, size, d, b)
    } else if (d === b) {
      // Only a commutative operation has its second input where the result goes.
      if (a < LOCATION_SLOT) asm.rr(row, size, d, a)
      else asm.rm(row, size, d, RSP, -1, 0, e.moves.address(a))
    } else if (op === MachOp.Add && !exact && a < LOCATION_SLOT) {
      asm.rm(Inst.Lea_r_m, size, d, a, b, 0, 0)
    } else {
      e.toRegister(size, d, a)
      asm.rr(row, size, d, b)
    }
    return
  }
  if (form === IMMEDIATE) {
    if (d !== a) {
      if (!exact && a < LOCATION_SLOT && (op === MachOp.Add || (op === MachOp.Sub && e.immediate !== -0x80000000))) {
        asm.rm(Inst.Lea_r_m, size, d, a, -1, 0, op === MachOp.Add ? e.immediate : -e.immediate)
        return
      }
      e.toRegister(size, d, a)
    }
    asm.ri(ROW_RM_IMM[op], size, d, e.immediate)
    return
  }
  if (d !== a && (d === e.base || d === e.index) && e.base >= -1) {
    // Copying the first input to the result would destroy the address.
    e.toRegister(size, R11, a)
    e.withMemory(row, size, R11)
    asm.rr(Inst.Mov_r_rm, size < 3 ? S32 : S64, d, R11)
    return
  }
  e.toRegister(size, d, a)
  e.withMemory(row, size, d)
}

export function emitUnary(e: Emitter, at: number, op: number, header: number): void {
  const d = e.location(at, 0)
  const exact = (header & record.EXACT) !== 0
  const size = (header >> record.SIZE_SHIFT) & 3
  const wide = size < 2 && !exact ? S32 : size
  e.toRegister(size, d, e.location(at, 1))
  if (op === MachOp.Bswap) e.asm.bswap(size, d)
  else e.asm.r(ROW_RM[op], wide, d)
}

export function emitShift(e: Emitter, at: number, op: number, header: number): void {
  const { asm } = e
  const size = (header >> record.SIZE_SHIFT) & 3
  const d = e.location(at, 0)
  const a = e.location(at, 1)
  if ((header & record.SOURCE_MASK) === record.SOURCE_IMMEDIATE) {
    const words = e.code[at] >>> RECORD_WORDS_SHIFT
    const amount = e.code[at + words - 1]
    if (op === MachOp.Shl && d !== a && a < LOCATION_SLOT && amount >= 1 && amount <= 3 && size >= 2) {
      if (amount === 1) asm.rm(Inst.Lea_r_m, size, d, a, a, 0, 0)
      else asm.rm(Inst.Lea_r_m, size, d, -1, a, amount, 0)
      return
    }
    e.toRegister(size, d, a)
    if (amount !== 0) asm.ri(ROW_RM_IMM[op], size, d, amount)
    // Lowering counts on zeros above every 32-bit result, also of a shift that does nothing.
    else if (size === S32 && d === a) asm.rr(Inst.Mov_r_rm, S32, d, d)
    return
  }
  e.moves.add(a, d)
  e.moves.add(e.location(at, 2), RCX)
  e.moves.flush(asm)
  asm.r(ROW_RM_CL[op], size, d)
}

/** d = op(source), untied: moves, extensions, counts, multiplication by an immediate. */
export function emitMove(e: Emitter, at: number, op: number, header: number): void {
  const { asm } = e
  const size = (header >> record.SIZE_SHIFT) & 3
  const d = e.location(at, 0)
  const row = ROW_R_RM[op]
  if (op === MachOp.ImulImm) {
    const words = e.code[at] >>> RECORD_WORDS_SHIFT
    const immediate = e.code[at + words - 1]
    e.readOperand(e.location(at, 1))
    if (e.form === IN_REGISTER) asm.rri(row, size, d, e.register, immediate)
    else asm.rmi(row, size, d, e.base, e.index, e.scale, e.disp, immediate)
    return
  }
  e.readSource(at, header, 1)
  // bsf and lzcnt's older relatives leave the result as it was for 0; nothing relies on that, but it is a false dependency only.
  if (e.form === IN_REGISTER) {
    if (op === MachOp.Mov && size === S64 && d === e.register) return
    asm.rr(row, size, d, e.register)
  } else {
    e.withMemory(row, size, d)
  }
}

export function emitStore(e: Emitter, at: number, op: number, header: number): void {
  const { asm } = e
  const size = (header >> record.SIZE_SHIFT) & 3
  if ((header & record.SOURCE_MASK) === record.SOURCE_MEMORY_IMMEDIATE) {
    e.readAddress(at, header, 0)
    e.trapHere(header)
    const words = e.code[at] >>> RECORD_WORDS_SHIFT
    const row = op >= MachOp.AddMemory ? ROW_RM_IMM[op] : Inst.Mov_rm_imm
    asm.mi(row, size, e.base, e.index, e.scale, e.disp, e.code[at + words - 1])
    return
  }
  e.readAddress(at, header, 1)
  e.trapHere(header)
  const row =
    op >= MachOp.AddMemory
      ? ROW_MEMORY[op]
      : op === MachOp.Store
        ? Inst.Mov_rm_r
        : size === 2
          ? Inst.Movss_xm_x
          : Inst.Movsd_xm_x
  e.withMemory(row, size, e.location(at, 0))
}

export function emitCompare(e: Emitter, at: number, op: number, header: number): void {
  const { asm } = e
  const size = (header >> record.SIZE_SHIFT) & 3
  const operands = (e.code[at] >>> RECORD_OPERANDS_SHIFT) & RECORD_OPERANDS_MASK
  const source = header & record.SOURCE_MASK
  const words = e.code[at] >>> RECORD_WORDS_SHIFT
  if (source === record.SOURCE_MEMORY_IMMEDIATE) {
    e.readAddress(at, header, 0)
    e.trapHere(header)
    asm.mi(Inst.Cmp_rm_imm, size, e.base, e.index, e.scale, e.disp, e.code[at + words - 1])
    return
  }
  const a = e.location(at, 0)
  if (source === record.SOURCE_IMMEDIATE) {
    const immediate = e.code[at + words - 1]
    e.readOperand(a)
    let narrow = size
    // A mask of low bits needs no more than the bits it has: `test r/m8` saves bytes and reads the same.
    if (op === MachOp.Test && immediate >= 0 && immediate < 128 && size > 0 && (e.form === IN_MEMORY || a < 4))
      narrow = 0
    if (e.form === IN_REGISTER) asm.ri(ROW_RM_IMM[op], narrow, a, immediate)
    else asm.mi(ROW_RM_IMM[op], narrow, e.base, e.index, e.scale, e.disp, immediate)
    return
  }
  if (op === MachOp.Test) {
    if (operands === 1) {
      e.readOperand(a)
      if (e.form === IN_REGISTER) asm.rr(Inst.Test_rm_r, size, a, a)
      else asm.mi(Inst.Cmp_rm_imm, size, e.base, e.index, e.scale, e.disp, 0)
      return
    }
    e.readOperand(e.location(at, 1))
    if (e.form === IN_REGISTER) asm.rr(Inst.Test_rm_r, size, a, e.register)
    else e.withMemory(Inst.Test_rm_r, size, a)
    return
  }
  e.readSource(at, header, 1)
  const row = op === MachOp.Ucomis && size === 3 ? ROW_DOUBLE[op] : ROW_R_RM[op]
  if (e.form === IN_REGISTER) asm.rr(row, size, a, e.register)
  else e.withMemory(row, size, a)
}

export function emitLea(e: Emitter, at: number, header: number): void {
  const size = (header >> record.SIZE_SHIFT) & 3
  e.readAddress(at, header, 1)
  const d = e.location(at, 0)
  const { base, index } = e
  if (index === -1 && base === d && e.disp !== 0) e.asm.ri(Inst.Add_rm_imm, size, d, e.disp)
  else if (index === -1 && base >= 0 && e.disp === 0) e.asm.rr(Inst.Mov_r_rm, size, d, base)
  else e.withMemory(Inst.Lea_r_m, size, d)
}

export function emitConstant(e: Emitter, at: number, op: number, header: number): void {
  const d = e.location(at, 0)
  const low = e.code[at + 3]
  const high = e.code[at + 4]
  const size = (header >> record.SIZE_SHIFT) & 3
  if (op === MachOp.Const) {
    if (low === 0 && (high === 0 || size < 3)) e.asm.zero(d)
    else e.asm.movImm(size, d, low, high)
    return
  }
  floatConstant(e, d, low, high, size)
}

export function emitSetcc(e: Emitter, at: number, header: number): void {
  const { asm } = e
  const condition = header & record.COND_MASK
  const d = e.location(at, 0)
  if (condition < record.FLOAT_EQ) {
    asm.setcc(condition, d)
    return
  }
  const temporary = e.location(at, 1)
  const equal = condition === record.FLOAT_EQ
  asm.setcc(equal ? 4 : 5, d)
  asm.setcc(equal ? 11 : 10, temporary)
  asm.rr(equal ? Inst.And_r_rm : Inst.Or_r_rm, S32, d, temporary)
}

/** d = condition ? operand 2 : operand 1. Lowering has turned FLOAT_EQ into FLOAT_NE. */
export function emitCmov(e: Emitter, at: number, header: number): void {
  const { asm } = e
  const size = (header >> record.SIZE_SHIFT) & 3
  const condition = header & record.COND_MASK
  const d = e.location(at, 0)
  e.toRegister(size, d, e.location(at, 1))
  e.readOperand(e.location(at, 2))
  const first = condition === record.FLOAT_NE ? 5 : condition
  for (let i = 0; i < (condition === record.FLOAT_NE ? 2 : 1); i++) {
    const hardware = i === 0 ? first : 10
    if (e.form === IN_REGISTER) asm.cmov(hardware, size, d, e.register)
    else e.withMemory(CMOV[hardware], size, d)
  }
}

/** Divisions and wide multiplications: rax and rdx. */
export function emitFixed(e: Emitter, at: number, op: number, header: number): void {
  const { asm } = e
  const size = (header >> record.SIZE_SHIFT) & 3
  const operands = (e.code[at] >>> RECORD_OPERANDS_SHIFT) & RECORD_OPERANDS_MASK
  const results = operands - 2
  e.toRegister(size, RAX, e.location(at, results))
  e.readOperand(e.location(at, results + 1))
  if (op === MachOp.Srem) {
    // x % -1 is 0, but the hardware's quotient for the smallest x does not fit.
    const divide = asm.newLabel()
    const done = asm.newLabel()
    asm.ri(Inst.Cmp_rm_imm, size, e.register, -1)
    asm.jcc(5, divide)
    asm.zero(RDX)
    asm.jmp(done)
    asm.bind(divide)
    asm.op(Inst.Cdq, size)
    e.trapHere(header)
    asm.r(Inst.Idiv_rm, size, e.register)
    asm.bind(done)
  } else {
    if (op === MachOp.Div) asm.zero(RDX)
    else if (op === MachOp.Idiv) asm.op(Inst.Cdq, size)
    e.trapHere(header)
    if (e.form === IN_REGISTER) asm.r(ROW_RM[op], size, e.register)
    else asm.m(ROW_RM[op], size, e.base, e.index, e.scale, e.disp)
  }
  for (let i = 0; i < results; i++) e.moves.add(e.fixedRegister(at, i), e.location(at, i))
  e.moves.flush(asm)
}

/** Rows of cmov by condition, for memory. */
const CMOV: readonly number[] = [
  Inst.Cmovo_r_rm,
  Inst.Cmovno_r_rm,
  Inst.Cmovb_r_rm,
  Inst.Cmovae_r_rm,
  Inst.Cmove_r_rm,
  Inst.Cmovne_r_rm,
  Inst.Cmovbe_r_rm,
  Inst.Cmova_r_rm,
  Inst.Cmovs_r_rm,
  Inst.Cmovns_r_rm,
  Inst.Cmovp_r_rm,
  Inst.Cmovnp_r_rm,
  Inst.Cmovl_r_rm,
  Inst.Cmovge_r_rm,
  Inst.Cmovle_r_rm,
  Inst.Cmovg_r_rm,
]
