// Shifts and rotates. A count of one is encoded in the opcode. Intel SDM vol. 2, "RCL/RCR/ROL/ROR", "SAL/SAR/SHL/SHR".
import type { EncodingRow } from '../encoding/row.ts'

const sized = '8 16 32 64'
const wide = '16 32 64'

export const shift: readonly EncodingRow[] = [
  ['Rol_rm_imm', 'rol rm, imm8', 'C0|C1 /0 ib', sized, 'one'],
  ['Ror_rm_imm', 'ror rm, imm8', 'C0|C1 /1 ib', sized, 'one'],
  ['Rcl_rm_imm', 'rcl rm, imm8', 'C0|C1 /2 ib', sized, 'one'],
  ['Rcr_rm_imm', 'rcr rm, imm8', 'C0|C1 /3 ib', sized, 'one'],
  ['Shl_rm_imm', 'shl rm, imm8', 'C0|C1 /4 ib', sized, 'one'],
  ['Shr_rm_imm', 'shr rm, imm8', 'C0|C1 /5 ib', sized, 'one'],
  ['Sar_rm_imm', 'sar rm, imm8', 'C0|C1 /7 ib', sized, 'one'],
  ['Rol_rm_cl', 'rol rm, cl', 'D2|D3 /0', sized],
  ['Ror_rm_cl', 'ror rm, cl', 'D2|D3 /1', sized],
  ['Rcl_rm_cl', 'rcl rm, cl', 'D2|D3 /2', sized],
  ['Rcr_rm_cl', 'rcr rm, cl', 'D2|D3 /3', sized],
  ['Shl_rm_cl', 'shl rm, cl', 'D2|D3 /4', sized],
  ['Shr_rm_cl', 'shr rm, cl', 'D2|D3 /5', sized],
  ['Sar_rm_cl', 'sar rm, cl', 'D2|D3 /7', sized],
  // SHLD, SHRD
  ['Shld_rm_r_imm', 'shld rm, r, imm8', '0F A4 /r ib', wide],
  ['Shld_rm_r_cl', 'shld rm, r, cl', '0F A5 /r', wide],
  ['Shrd_rm_r_imm', 'shrd rm, r, imm8', '0F AC /r ib', wide],
  ['Shrd_rm_r_cl', 'shrd rm, r, cl', '0F AD /r', wide],
  // RORX, SARX, SHLX, SHRX (feature BMI2). The count is the operand in VEX.vvvv
  ['Rorx_r_rm_imm', 'rorx r, rm, imm8', 'VEX.LZ.F2.0F3A.W F0 /r ib', '32 64'],
  ['Sarx_r_rm_r', 'sarx r, rm, v', 'VEX.LZ.F3.0F38.W F7 /r', '32 64'],
  ['Shlx_r_rm_r', 'shlx r, rm, v', 'VEX.LZ.66.0F38.W F7 /r', '32 64'],
  ['Shrx_r_rm_r', 'shrx r, rm, v', 'VEX.LZ.F2.0F38.W F7 /r', '32 64'],
]
