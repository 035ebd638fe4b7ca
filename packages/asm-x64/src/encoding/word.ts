// What the encoder knows of a row at one size, packed in one word.
//
//  | 31..26 | 25..24 imm | 23 acc | 22 short | 21 /digit | 20..18 digit | 17 rm8 | 16 r8 | 15 vvvv | 14 vex | 13 W | 12 66 | 11..10 pp | 9..8 map | 7..0 opcode |
//  imm: 0 none, 1 one byte, 2 two bytes, 3 four bytes.  pp: 0 none, 1 66, 2 F3, 3 F2.  map: 0 none, 1 0F, 2 0F38, 3 0F3A.
//  short: with imm one byte a shift, whose count 1 is opcode + 0x10; else opcode | 2 takes a sign-extended imm8.
//  vvvv: the register of a two-operand row is in VEX.vvvv, for the digit fills ModRM.reg.
export const EncodingWord = {
  opcode: 0xff,
  mapShift: 8,
  prefixShift: 10,
  operandSize: 0x1000,
  wide: 0x2000,
  vex: 0x4000,
  vvvv: 0x8000,
  byteReg: 0x10000,
  byteRm: 0x20000,
  digitShift: 18,
  digit: 0x200000,
  short: 0x400000,
  accumulator: 0x800000,
  immediateShift: 24,
} as const
