// Integer arithmetic and logic. Intel SDM vol. 2, chapters 3 and 4, by name of instruction.
import type { EncodingRow } from '../encoding/row.ts'

const sized = '8 16 32 64'
const wide = '16 32 64'

export const alu: readonly EncodingRow[] = [
  // ADD
  ['Add_rm_imm', 'add rm, imm', '80|81 /0 iz', sized, '83 accumulator'],
  ['Add_rm_r', 'add rm, r', '00|01 /r', sized],
  ['Add_r_rm', 'add r, rm', '02|03 /r', sized],
  // OR
  ['Or_rm_imm', 'or rm, imm', '80|81 /1 iz', sized, '83 accumulator'],
  ['Or_rm_r', 'or rm, r', '08|09 /r', sized],
  ['Or_r_rm', 'or r, rm', '0A|0B /r', sized],
  // ADC
  ['Adc_rm_imm', 'adc rm, imm', '80|81 /2 iz', sized, '83 accumulator'],
  ['Adc_rm_r', 'adc rm, r', '10|11 /r', sized],
  ['Adc_r_rm', 'adc r, rm', '12|13 /r', sized],
  // SBB
  ['Sbb_rm_imm', 'sbb rm, imm', '80|81 /3 iz', sized, '83 accumulator'],
  ['Sbb_rm_r', 'sbb rm, r', '18|19 /r', sized],
  ['Sbb_r_rm', 'sbb r, rm', '1A|1B /r', sized],
  // AND
  ['And_rm_imm', 'and rm, imm', '80|81 /4 iz', sized, '83 accumulator'],
  ['And_rm_r', 'and rm, r', '20|21 /r', sized],
  ['And_r_rm', 'and r, rm', '22|23 /r', sized],
  // SUB
  ['Sub_rm_imm', 'sub rm, imm', '80|81 /5 iz', sized, '83 accumulator'],
  ['Sub_rm_r', 'sub rm, r', '28|29 /r', sized],
  ['Sub_r_rm', 'sub r, rm', '2A|2B /r', sized],
  // XOR
  ['Xor_rm_imm', 'xor rm, imm', '80|81 /6 iz', sized, '83 accumulator'],
  ['Xor_rm_r', 'xor rm, r', '30|31 /r', sized],
  ['Xor_r_rm', 'xor r, rm', '32|33 /r', sized],
  // CMP
  ['Cmp_rm_imm', 'cmp rm, imm', '80|81 /7 iz', sized, '83 accumulator'],
  ['Cmp_rm_r', 'cmp rm, r', '38|39 /r', sized],
  ['Cmp_r_rm', 'cmp r, rm', '3A|3B /r', sized],
  // TEST
  ['Test_rm_imm', 'test rm, imm', 'F6|F7 /0 iz', sized, 'accumulator'],
  ['Test_rm_r', 'test rm, r', '84|85 /r', sized],
  // INC, DEC, NEG, NOT
  ['Inc_rm', 'inc rm', 'FE|FF /0', sized],
  ['Dec_rm', 'dec rm', 'FE|FF /1', sized],
  ['Neg_rm', 'neg rm', 'F6|F7 /3', sized],
  ['Not_rm', 'not rm', 'F6|F7 /2', sized],
  // ADCX, ADOX (feature ADX)
  ['Adcx_r_rm', 'adcx r, rm', '66 0F 38 F6 /r', '32 64'],
  ['Adox_r_rm', 'adox r, rm', 'F3 0F 38 F6 /r', '32 64'],
  // The flag alone
  ['Clc', 'clc', 'F8', ''],
  ['Stc', 'stc', 'F9', ''],
  ['Cmc', 'cmc', 'F5', ''],
  // LEA
  ['Lea_r_m', 'lea r, m', '8D /r', wide],
]
