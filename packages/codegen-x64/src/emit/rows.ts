// Which row of the instruction table each machine operation is, by the form of its last input.

import { Inst } from '@framewright/asm-x64'
import { MachOp } from '../machine/op.ts'

const NONE = 0

/** d op= register or memory; `[f64]` for the double forms of float operations. */
export const ROW_R_RM: Int32Array = new Int32Array(128).fill(NONE)
export const ROW_DOUBLE: Int32Array = new Int32Array(128).fill(NONE)
/** d op= immediate. */
export const ROW_RM_IMM: Int32Array = new Int32Array(128).fill(NONE)
/** d op= cl. */
export const ROW_RM_CL: Int32Array = new Int32Array(128).fill(NONE)
/** One operand, /digit. */
export const ROW_RM: Int32Array = new Int32Array(128).fill(NONE)
/** memory op= register. */
export const ROW_MEMORY: Int32Array = new Int32Array(128).fill(NONE)
/** 1 for operations whose two inputs may change places. */
export const COMMUTES: Uint8Array = new Uint8Array(128)

//   operation, r rm, rm imm, commutes
const alu: readonly (readonly [number, number, number, boolean])[] = [
  [MachOp.Add, Inst.Add_r_rm, Inst.Add_rm_imm, true],
  [MachOp.Sub, Inst.Sub_r_rm, Inst.Sub_rm_imm, false],
  [MachOp.And, Inst.And_r_rm, Inst.And_rm_imm, true],
  [MachOp.Or, Inst.Or_r_rm, Inst.Or_rm_imm, true],
  [MachOp.Xor, Inst.Xor_r_rm, Inst.Xor_rm_imm, true],
  [MachOp.Imul, Inst.Imul_r_rm, NONE, true],
  [MachOp.Adc, Inst.Adc_r_rm, Inst.Adc_rm_imm, true],
  [MachOp.Sbb, Inst.Sbb_r_rm, Inst.Sbb_rm_imm, false],
  [MachOp.Cmp, Inst.Cmp_r_rm, Inst.Cmp_rm_imm, false],
  [MachOp.Test, Inst.Test_rm_r, Inst.Test_rm_imm, true],
]
for (const [op, rRm, rmImm, commutes] of alu) {
  ROW_R_RM[op] = rRm
  ROW_RM_IMM[op] = rmImm
  COMMUTES[op] = commutes ? 1 : 0
}

//   operation on memory, by register, by immediate
const memory: readonly (readonly [number, number, number])[] = [
  [MachOp.AddMemory, Inst.Add_rm_r, Inst.Add_rm_imm],
  [MachOp.SubMemory, Inst.Sub_rm_r, Inst.Sub_rm_imm],
  [MachOp.AndMemory, Inst.And_rm_r, Inst.And_rm_imm],
  [MachOp.OrMemory, Inst.Or_rm_r, Inst.Or_rm_imm],
  [MachOp.XorMemory, Inst.Xor_rm_r, Inst.Xor_rm_imm],
]
for (const [op, rmR, rmImm] of memory) {
  ROW_MEMORY[op] = rmR
  ROW_RM_IMM[op] = rmImm
}

//   operation, by immediate, by cl
const shifts: readonly (readonly [number, number, number])[] = [
  [MachOp.Shl, Inst.Shl_rm_imm, Inst.Shl_rm_cl],
  [MachOp.Shr, Inst.Shr_rm_imm, Inst.Shr_rm_cl],
  [MachOp.Sar, Inst.Sar_rm_imm, Inst.Sar_rm_cl],
  [MachOp.Rol, Inst.Rol_rm_imm, Inst.Rol_rm_cl],
  [MachOp.Ror, Inst.Ror_rm_imm, Inst.Ror_rm_cl],
]
for (const [op, imm, cl] of shifts) {
  ROW_RM_IMM[op] = imm
  ROW_RM_CL[op] = cl
}

//   operation, r rm
const untied: readonly (readonly [number, number])[] = [
  [MachOp.Mov, Inst.Mov_r_rm],
  [MachOp.Movzx8, Inst.Movzx8_r_rm],
  [MachOp.Movzx16, Inst.Movzx16_r_rm],
  [MachOp.Movsx8, Inst.Movsx8_r_rm],
  [MachOp.Movsx16, Inst.Movsx16_r_rm],
  [MachOp.Movsx32, Inst.Movsxd_r_rm],
  [MachOp.Popcnt, Inst.Popcnt_r_rm],
  [MachOp.Lzcnt, Inst.Lzcnt_r_rm],
  [MachOp.Tzcnt, Inst.Tzcnt_r_rm],
  [MachOp.Bsr, Inst.Bsr_r_rm],
  [MachOp.Bsf, Inst.Bsf_r_rm],
  [MachOp.ImulImm, Inst.Imul_r_rm_imm],
  [MachOp.Shlx, Inst.Shlx_r_rm_r],
  [MachOp.Shrx, Inst.Shrx_r_rm_r],
  [MachOp.Sarx, Inst.Sarx_r_rm_r],
]
for (const [op, row] of untied) ROW_R_RM[op] = row

//   operation, /digit form
const single: readonly (readonly [number, number])[] = [
  [MachOp.Neg, Inst.Neg_rm],
  [MachOp.Not, Inst.Not_rm],
  [MachOp.Div, Inst.Div_rm],
  [MachOp.Idiv, Inst.Idiv_rm],
  [MachOp.Srem, Inst.Idiv_rm],
  [MachOp.Mul, Inst.Mul_rm],
  [MachOp.ImulWide, Inst.Imul_rm],
]
for (const [op, row] of single) ROW_RM[op] = row

//   operation, single, double, commutes
const floats: readonly (readonly [number, number, number, boolean])[] = [
  [MachOp.Fadd, Inst.Addss_x_xm, Inst.Addsd_x_xm, true],
  [MachOp.Fsub, Inst.Subss_x_xm, Inst.Subsd_x_xm, false],
  [MachOp.Fmul, Inst.Mulss_x_xm, Inst.Mulsd_x_xm, true],
  [MachOp.Fdiv, Inst.Divss_x_xm, Inst.Divsd_x_xm, false],
  [MachOp.Fand, Inst.Andps_x_xm, Inst.Andps_x_xm, true],
  [MachOp.For, Inst.Orps_x_xm, Inst.Orps_x_xm, true],
  [MachOp.Fxor, Inst.Xorps_x_xm, Inst.Xorps_x_xm, true],
  [MachOp.Fandn, Inst.Andnps_x_xm, Inst.Andnps_x_xm, false],
  [MachOp.Fsqrt, Inst.Sqrtss_x_xm, Inst.Sqrtsd_x_xm, false],
  [MachOp.Fpromote, Inst.Cvtss2sd_x_xm, Inst.Cvtss2sd_x_xm, false],
  [MachOp.Fdemote, Inst.Cvtsd2ss_x_xm, Inst.Cvtsd2ss_x_xm, false],
  [MachOp.Fmov, Inst.Movss_x_xm, Inst.Movsd_x_xm, false],
  [MachOp.Ucomis, Inst.Ucomiss_x_xm, Inst.Ucomisd_x_xm, false],
  [MachOp.IntToFloat, Inst.Cvtsi2ss_x_rm, Inst.Cvtsi2sd_x_rm, false],
  [MachOp.Fround, Inst.Roundss_x_xm_imm, Inst.Roundsd_x_xm_imm, false],
  [MachOp.Fmin, Inst.Minss_x_xm, Inst.Minsd_x_xm, false],
  [MachOp.Fmax, Inst.Maxss_x_xm, Inst.Maxsd_x_xm, false],
  [MachOp.Fma, Inst.Vfmadd213ss_x_x_xm, Inst.Vfmadd213sd_x_x_xm, false],
]
for (const [op, row, double, commutes] of floats) {
  ROW_R_RM[op] = row
  ROW_DOUBLE[op] = double
  COMMUTES[op] = commutes ? 1 : 0
}

/** How emission writes an operation; see the switch in emit.ts. */
export const Shape = {
  control: 0,
  alu: 1,
  unary: 2,
  shift: 3,
  move: 4,
  store: 5,
  compare: 6,
  lea: 7,
  constant: 8,
  setcc: 9,
  cmov: 10,
  fixed: 11,
  float: 12,
  floatMove: 13,
  other: 14,
} as const

/** The shape of each operation. */
export const SHAPE: Uint8Array = new Uint8Array(128).fill(Shape.other)
const shapes: readonly (readonly [number, readonly number[]])[] = [
  [
    Shape.control,
    [
      MachOp.Block,
      MachOp.Jump,
      MachOp.Branch,
      MachOp.Switch,
      MachOp.Return,
      MachOp.Call,
      MachOp.CallIndirect,
      MachOp.Trap,
      MachOp.TrapIf,
    ],
  ],
  [Shape.alu, [MachOp.Add, MachOp.Sub, MachOp.And, MachOp.Or, MachOp.Xor, MachOp.Imul, MachOp.Adc, MachOp.Sbb]],
  [Shape.unary, [MachOp.Neg, MachOp.Not, MachOp.Bswap]],
  [Shape.shift, [MachOp.Shl, MachOp.Shr, MachOp.Sar, MachOp.Rol, MachOp.Ror]],
  [
    Shape.move,
    [
      MachOp.Mov,
      MachOp.Movzx8,
      MachOp.Movzx16,
      MachOp.Movsx8,
      MachOp.Movsx16,
      MachOp.Movsx32,
      MachOp.Popcnt,
      MachOp.Lzcnt,
      MachOp.Tzcnt,
      MachOp.Bsr,
      MachOp.Bsf,
      MachOp.ImulImm,
    ],
  ],
  [
    Shape.store,
    [
      MachOp.Store,
      MachOp.Fstore,
      MachOp.AddMemory,
      MachOp.SubMemory,
      MachOp.AndMemory,
      MachOp.OrMemory,
      MachOp.XorMemory,
    ],
  ],
  [Shape.compare, [MachOp.Cmp, MachOp.Test, MachOp.Ucomis]],
  [Shape.lea, [MachOp.Lea]],
  [Shape.constant, [MachOp.Const, MachOp.Fconst]],
  [Shape.setcc, [MachOp.Setcc]],
  [Shape.cmov, [MachOp.Cmov]],
  [Shape.fixed, [MachOp.Div, MachOp.Idiv, MachOp.Srem, MachOp.Mul, MachOp.ImulWide]],
  [
    Shape.float,
    [MachOp.Fadd, MachOp.Fsub, MachOp.Fmul, MachOp.Fdiv, MachOp.Fand, MachOp.For, MachOp.Fxor, MachOp.Fandn],
  ],
  [Shape.floatMove, [MachOp.Fmov, MachOp.Fsqrt, MachOp.Fpromote, MachOp.Fdemote]],
]
for (const [shape, ops] of shapes) for (const op of ops) SHAPE[op] = shape
