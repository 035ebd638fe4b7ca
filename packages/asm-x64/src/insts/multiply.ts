// Multiplication, division and the sign extensions around them. Intel SDM vol. 2.
import type { EncodingRow } from '../encoding/row.ts'

const sized = '8 16 32 64'
const wide = '16 32 64'

export const multiply: readonly EncodingRow[] = [
  ['Mul_rm', 'mul rm', 'F6|F7 /4', sized],
  ['Imul_rm', 'imul rm', 'F6|F7 /5', sized],
  ['Imul_r_rm', 'imul r, rm', '0F AF /r', wide],
  ['Imul_r_rm_imm', 'imul r, rm, imm', '69 /r iz', wide, '6B'],
  ['Div_rm', 'div rm', 'F6|F7 /6', sized],
  ['Idiv_rm', 'idiv rm', 'F6|F7 /7', sized],
  // MULX (feature BMI2): reg = high half, VEX.vvvv = low half, rdx = the other factor
  ['Mulx_r_r_rm', 'mulx r, v, rm', 'VEX.LZ.F2.0F38.W F6 /r', '32 64'],
  // CBW/CWDE/CDQE: the accumulator widened into itself. CWD/CDQ/CQO: into rdx. Named for their 32-bit forms
  ['Cwde', 'cwde', '98', wide],
  ['Cdq', 'cdq', '99', wide],
]
