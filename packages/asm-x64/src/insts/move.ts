// Moves between general registers and memory, widenings, conditional moves and sets. Intel SDM vol. 2.
import type { EncodingRow } from '../encoding/row.ts'

const sized = '8 16 32 64'
const wide = '16 32 64'

export const move: readonly EncodingRow[] = [
  // MOV; the forms with a register in the opcode are `movImm`
  ['Mov_rm_r', 'mov rm, r', '88|89 /r', sized],
  ['Mov_r_rm', 'mov r, rm', '8A|8B /r', sized],
  ['Mov_rm_imm', 'mov rm, imm', 'C6|C7 /0 iz', sized],
  // MOVZX, MOVSX, MOVSXD. The number in the name is the width of the source
  ['Movzx8_r_rm', 'movzx r, rm8', '0F B6 /r', wide],
  ['Movzx16_r_rm', 'movzx r, rm16', '0F B7 /r', '32 64'],
  ['Movsx8_r_rm', 'movsx r, rm8', '0F BE /r', wide],
  ['Movsx16_r_rm', 'movsx r, rm16', '0F BF /r', '32 64'],
  ['Movsxd_r_rm', 'movsxd r, rm32', '63 /r', '64'],
  // MOVBE (feature MOVBE)
  ['Movbe_r_m', 'movbe r, m', '0F 38 F0 /r', wide],
  ['Movbe_m_r', 'movbe m, r', '0F 38 F1 /r', wide],
  // MOVNTI
  ['Movnti_m_r', 'movnti m, r', '0F C3 /r', '32 64'],
  // CMOVcc, in the order of the condition codes: Cmovo_r_rm + condition is a row
  ['Cmovo_r_rm', 'cmovo r, rm', '0F 40 /r', wide],
  ['Cmovno_r_rm', 'cmovno r, rm', '0F 41 /r', wide],
  ['Cmovb_r_rm', 'cmovb r, rm', '0F 42 /r', wide],
  ['Cmovae_r_rm', 'cmovae r, rm', '0F 43 /r', wide],
  ['Cmove_r_rm', 'cmove r, rm', '0F 44 /r', wide],
  ['Cmovne_r_rm', 'cmovne r, rm', '0F 45 /r', wide],
  ['Cmovbe_r_rm', 'cmovbe r, rm', '0F 46 /r', wide],
  ['Cmova_r_rm', 'cmova r, rm', '0F 47 /r', wide],
  ['Cmovs_r_rm', 'cmovs r, rm', '0F 48 /r', wide],
  ['Cmovns_r_rm', 'cmovns r, rm', '0F 49 /r', wide],
  ['Cmovp_r_rm', 'cmovp r, rm', '0F 4A /r', wide],
  ['Cmovnp_r_rm', 'cmovnp r, rm', '0F 4B /r', wide],
  ['Cmovl_r_rm', 'cmovl r, rm', '0F 4C /r', wide],
  ['Cmovge_r_rm', 'cmovge r, rm', '0F 4D /r', wide],
  ['Cmovle_r_rm', 'cmovle r, rm', '0F 4E /r', wide],
  ['Cmovg_r_rm', 'cmovg r, rm', '0F 4F /r', wide],
  // SETcc, in the order of the condition codes: Seto_rm + condition is a row
  ['Seto_rm', 'seto rm8', '0F 90 /0', '8'],
  ['Setno_rm', 'setno rm8', '0F 91 /0', '8'],
  ['Setb_rm', 'setb rm8', '0F 92 /0', '8'],
  ['Setae_rm', 'setae rm8', '0F 93 /0', '8'],
  ['Sete_rm', 'sete rm8', '0F 94 /0', '8'],
  ['Setne_rm', 'setne rm8', '0F 95 /0', '8'],
  ['Setbe_rm', 'setbe rm8', '0F 96 /0', '8'],
  ['Seta_rm', 'seta rm8', '0F 97 /0', '8'],
  ['Sets_rm', 'sets rm8', '0F 98 /0', '8'],
  ['Setns_rm', 'setns rm8', '0F 99 /0', '8'],
  ['Setp_rm', 'setp rm8', '0F 9A /0', '8'],
  ['Setnp_rm', 'setnp rm8', '0F 9B /0', '8'],
  ['Setl_rm', 'setl rm8', '0F 9C /0', '8'],
  ['Setge_rm', 'setge rm8', '0F 9D /0', '8'],
  ['Setle_rm', 'setle rm8', '0F 9E /0', '8'],
  ['Setg_rm', 'setg rm8', '0F 9F /0', '8'],
]
