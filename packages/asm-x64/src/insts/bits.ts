// Counting, searching and testing of bits. Intel SDM vol. 2.
import type { EncodingRow } from '../encoding/row.ts'

const wide = '16 32 64'

export const bits: readonly EncodingRow[] = [
  ['Bsf_r_rm', 'bsf r, rm', '0F BC /r', wide],
  ['Bsr_r_rm', 'bsr r, rm', '0F BD /r', wide],
  ['Tzcnt_r_rm', 'tzcnt r, rm', 'F3 0F BC /r', wide], // feature BMI1; a bsf elsewhere
  ['Lzcnt_r_rm', 'lzcnt r, rm', 'F3 0F BD /r', wide], // feature LZCNT; a bsr elsewhere
  ['Popcnt_r_rm', 'popcnt r, rm', 'F3 0F B8 /r', wide], // feature POPCNT
  // BT, BTC, BTR, BTS. With a register index a memory operand reaches beyond its own width
  ['Bt_rm_r', 'bt rm, r', '0F A3 /r', wide],
  ['Bt_rm_imm', 'bt rm, imm8', '0F BA /4 ib', wide],
  ['Bts_rm_r', 'bts rm, r', '0F AB /r', wide],
  ['Bts_rm_imm', 'bts rm, imm8', '0F BA /5 ib', wide],
  ['Btr_rm_r', 'btr rm, r', '0F B3 /r', wide],
  ['Btr_rm_imm', 'btr rm, imm8', '0F BA /6 ib', wide],
  ['Btc_rm_r', 'btc rm, r', '0F BB /r', wide],
  ['Btc_rm_imm', 'btc rm, imm8', '0F BA /7 ib', wide],
  // Feature BMI1
  ['Andn_r_r_rm', 'andn r, v, rm', 'VEX.LZ.0F38.W F2 /r', '32 64'],
  ['Bextr_r_rm_r', 'bextr r, rm, v', 'VEX.LZ.0F38.W F7 /r', '32 64'],
  ['Blsi_r_rm', 'blsi v, rm', 'VEX.LZ.0F38.W F3 /3', '32 64'],
  ['Blsmsk_r_rm', 'blsmsk v, rm', 'VEX.LZ.0F38.W F3 /2', '32 64'],
  ['Blsr_r_rm', 'blsr v, rm', 'VEX.LZ.0F38.W F3 /1', '32 64'],
  // Feature BMI2
  ['Bzhi_r_rm_r', 'bzhi r, rm, v', 'VEX.LZ.0F38.W F5 /r', '32 64'],
  ['Pdep_r_r_rm', 'pdep r, v, rm', 'VEX.LZ.F2.0F38.W F5 /r', '32 64'],
  ['Pext_r_r_rm', 'pext r, v, rm', 'VEX.LZ.F3.0F38.W F5 /r', '32 64'],
]
