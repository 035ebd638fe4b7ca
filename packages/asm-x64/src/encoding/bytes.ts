// The bytes before ModRM: prefixes, REX or VEX, escape bytes, opcode. Both functions take the packed word of a row and a
// position, write, and return the next position. Intel SDM vol. 2, 2.1 to 2.3.

import { EncodingWord } from './word.ts'

// Constants of the file itself cost what literals cost; read from the imported object they cost 7 % (bench/encoder.mjs).
const OPERAND_SIZE = EncodingWord.operandSize
const PREFIX_SHIFT = EncodingWord.prefixShift
const MAP_SHIFT = EncodingWord.mapShift
const WIDE = EncodingWord.wide

/** Legacy form. `rex` holds W, R, X and B in the low four bits; 0x40 in it asks for a REX prefix without any of them. */
export function legacyOpcode(bytes: Uint8Array, at: number, word: number, rex: number): number {
  if ((word & OPERAND_SIZE) !== 0) bytes[at++] = 0x66
  const prefix = (word >> PREFIX_SHIFT) & 3
  if (prefix !== 0) bytes[at++] = prefix === 1 ? 0x66 : prefix === 2 ? 0xf3 : 0xf2
  if (rex !== 0) bytes[at++] = 0x40 | rex
  const map = (word >> MAP_SHIFT) & 3
  if (map !== 0) {
    bytes[at++] = 0x0f
    if (map !== 1) bytes[at++] = map === 2 ? 0x38 : 0x3a
  }
  bytes[at++] = word
  return at
}

/** VEX form; register numbers as they are, the high bits of index and base in bit 3. Intel SDM vol. 2, 2.3.5. */
export function vexOpcode(
  bytes: Uint8Array,
  at: number,
  word: number,
  reg: number,
  vvvv: number,
  index: number,
  base: number,
): number {
  const map = (word >> MAP_SHIFT) & 3
  const last = ((~vvvv & 15) << 3) | ((word >> PREFIX_SHIFT) & 3)
  if (map === 1 && ((index | base) & 8) === 0 && (word & WIDE) === 0) {
    bytes[at++] = 0xc5
    bytes[at++] = ((~reg & 8) << 4) | last
  } else {
    bytes[at++] = 0xc4
    bytes[at++] = ((~reg & 8) << 4) | ((~index & 8) << 3) | ((~base & 8) << 2) | map
    bytes[at++] = ((word & WIDE) >> 6) | last
  }
  bytes[at++] = word
  return at
}
