// Instructions as bytes: one method for each shape of operands, any row of the tables. Arguments are integers and are not
// checked (the checked way is `assemble`); nothing is allocated for an instruction.
//
// A memory operand is four integers: base, index, scaleLog2, displacement. `Base` in registers.ts lists what may stand in
// place of a base register: nothing, a label, an entry of the pool, a symbol; so every method that takes memory takes those.
// A displacement from rip counts from the end of the instruction, hence `trailing`, the bytes of the immediate behind it.

import { legacyOpcode, vexOpcode } from './encoding/bytes.ts'
import { Inst, words } from './encoding/table.ts'
import { EncodingWord } from './encoding/word.ts'
import { Fixups } from './labels.ts'
import { Size } from './registers.ts'
import { Relocations } from './relocations.ts'

// As in encoding/bytes.ts: constants of the file itself cost what literals cost.
const WIDE = EncodingWord.wide
const VEX = EncodingWord.vex
const VVVV = EncodingWord.vvvv
const DIGIT = EncodingWord.digit
const DIGIT_SHIFT = EncodingWord.digitShift
const SHORT = EncodingWord.short
const ACCUMULATOR = EncodingWord.accumulator
const IMMEDIATE_SHIFT = EncodingWord.immediateShift
const BYTE_REG = EncodingWord.byteReg
const BYTE_RM = EncodingWord.byteRm
const LEA = Inst.Lea_r_m
// The longest thing written at once: an instruction (15 bytes at most; Intel SDM vol. 2, 2.3.11).
const ROOM = 16

/**
 * Writes instructions into a growing buffer. `NamedInstructions` adds those that are no row, `Assembler` labels, branches, the
 * pool and the end.
 *
 * Common arguments: `row` is a member of `Inst`; `size` a `Size` (ignored where the row has one size or none); `reg` the
 * register in ModRM.reg, `rm` the one in ModRM.rm, `vvvv` the one in VEX.vvvv, numbered 0 to 15 or 16 to 31.
 */
export class InstructionWriter {
  /** The code; beyond `length` undefined. Replaced when it grows, so not to be kept across writes. */
  bytes: Uint8Array = new Uint8Array(4096)
  /** Bytes written. */
  length = 0
  /** What a linker must fill in. */
  readonly relocations: Relocations = new Relocations()
  protected readonly fixups: Fixups = new Fixups()

  // Instructions, by shape of operands

  /** No operands, or implied ones: cdq, mfence, stos. */
  op(row: number, size: number = Size.bits64): void {
    const word = words[(row << 2) | size]!
    const bytes = this.room()
    let at = legacyOpcode(bytes, this.length, word, (word & WIDE) >> 10)
    if ((word & DIGIT) !== 0) bytes[at++] = 0xc0 | ((word >> 15) & 0x38)
    this.length = at
  }

  /** Two registers. */
  rr(row: number, size: number, reg: number, rm: number): void {
    const word = words[(row << 2) | size]!
    if ((word & VEX) !== 0) {
      if ((word & VVVV) === 0) this.#vexRegisters(word, reg, 0, rm)
      else this.#vexRegisters(word, (word >> DIGIT_SHIFT) & 7, reg, rm)
    } else this.#registers(word, reg, rm)
  }

  /** A register and memory; the row says which of them is written. */
  rm(row: number, size: number, reg: number, base: number, index: number, scaleLog2: number, disp: number): void {
    const word = words[(row << 2) | size]!
    if ((word & VEX) !== 0) {
      if ((word & VVVV) === 0) this.#vexMemory(word, reg, 0, base, index, scaleLog2, disp, 0)
      else this.#vexMemory(word, (word >> DIGIT_SHIFT) & 7, reg, base, index, scaleLog2, disp, 0)
    } else this.#memory(word, reg, base, index, scaleLog2, disp, 0)
  }

  /** One register, in a row with a digit: neg, mul, shl by cl, sete. */
  r(row: number, size: number, rm: number): void {
    const word = words[(row << 2) | size]!
    this.#registers(word, (word >> DIGIT_SHIFT) & 7, rm)
  }

  /** One memory operand, in a row with a digit. */
  m(row: number, size: number, base: number, index: number, scaleLog2: number, disp: number): void {
    const word = words[(row << 2) | size]!
    this.#memory(word, (word >> DIGIT_SHIFT) & 7, base, index, scaleLog2, disp, 0)
  }

  /** A register and an immediate: the low bits of `imm` that the row takes. The shortest form of the row is chosen. */
  ri(row: number, size: number, rm: number, imm: number): void {
    let word = words[(row << 2) | size]!
    if ((word & SHORT) !== 0) word = shortened(word, imm)
    // A word that still has its long immediate, or never had a short form.
    if ((word & ACCUMULATOR) !== 0 && rm === 0) {
      const bytes = this.room()
      const opcode = (word & 0xff) >= 0xf6 ? 0xa8 : ((word >> 15) & 0x38) | 4
      word = (word & ~0xff) | opcode | (word & 1)
      const at = legacyOpcode(bytes, this.length, word, (word & WIDE) >> 10)
      this.length = immediate(bytes, at, word, imm)
      return
    }
    this.#registers(word, (word >> DIGIT_SHIFT) & 7, rm)
    this.length = immediate(this.bytes, this.length, word, imm)
  }

  /** Memory and an immediate. */
  mi(row: number, size: number, base: number, index: number, scaleLog2: number, disp: number, imm: number): void {
    let word = words[(row << 2) | size]!
    if ((word & SHORT) !== 0) word = shortened(word, imm)
    this.#memory(word, (word >> DIGIT_SHIFT) & 7, base, index, scaleLog2, disp, immediateBytes(word))
    this.length = immediate(this.bytes, this.length, word, imm)
  }

  /** Two registers and an immediate: imul, pshufd, shld. */
  rri(row: number, size: number, reg: number, rm: number, imm: number): void {
    let word = words[(row << 2) | size]!
    if ((word & SHORT) !== 0) word = shortened(word, imm)
    if ((word & VEX) !== 0) {
      if ((word & VVVV) === 0) this.#vexRegisters(word, reg, 0, rm)
      else this.#vexRegisters(word, (word >> DIGIT_SHIFT) & 7, reg, rm)
    } else this.#registers(word, reg, rm)
    this.length = immediate(this.bytes, this.length, word, imm)
  }

  /** A register, memory and an immediate. */
  rmi(
    row: number,
    size: number,
    reg: number,
    base: number,
    index: number,
    scaleLog2: number,
    disp: number,
    imm: number,
  ): void {
    let word = words[(row << 2) | size]!
    if ((word & SHORT) !== 0) word = shortened(word, imm)
    const trailing = immediateBytes(word)
    if ((word & VEX) !== 0) {
      if ((word & VVVV) === 0) {
        this.#vexMemory(word, reg, 0, base, index, scaleLog2, disp, trailing)
      } else this.#vexMemory(word, (word >> DIGIT_SHIFT) & 7, reg, base, index, scaleLog2, disp, trailing)
    } else this.#memory(word, reg, base, index, scaleLog2, disp, trailing)
    this.length = immediate(this.bytes, this.length, word, imm)
  }

  /** VEX, three registers. `Shlx_r_rm_r` and its like have the last operand, the count, in `vvvv`. */
  vvv(row: number, size: number, reg: number, vvvv: number, rm: number): void {
    this.#vexRegisters(words[(row << 2) | size]!, reg, vvvv, rm)
  }

  /** VEX, two registers and memory. */
  vvm(
    row: number,
    size: number,
    reg: number,
    vvvv: number,
    base: number,
    index: number,
    scaleLog2: number,
    disp: number,
  ): void {
    this.#vexMemory(words[(row << 2) | size]!, reg, vvvv, base, index, scaleLog2, disp, 0)
  }

  /** VEX, three registers and an immediate. */
  vvvi(row: number, size: number, reg: number, vvvv: number, rm: number, imm: number): void {
    const word = words[(row << 2) | size]!
    this.#vexRegisters(word, reg, vvvv, rm)
    this.length = immediate(this.bytes, this.length, word, imm)
  }

  /** VEX, two registers, memory and an immediate. */
  vvmi(
    row: number,
    size: number,
    reg: number,
    vvvv: number,
    base: number,
    index: number,
    scaleLog2: number,
    disp: number,
    imm: number,
  ): void {
    const word = words[(row << 2) | size]!
    this.#vexMemory(word, reg, vvvv, base, index, scaleLog2, disp, immediateBytes(word))
    this.length = immediate(this.bytes, this.length, word, imm)
  }

  // The same with memory relative to rip: `Base` spelled out

  rmLabel(row: number, size: number, reg: number, label: number, addend: number = 0): void {
    this.rm(row, size, reg, -2, label, 0, addend)
  }

  rmPool(row: number, size: number, reg: number, entry: number, addend: number = 0): void {
    this.rm(row, size, reg, -3, entry, 0, addend)
  }

  rmSymbol(row: number, size: number, reg: number, kind: number, symbol: number, addend: number = 0): void {
    this.rm(row, size, reg, -4, symbol, kind, addend)
  }

  vvmPool(row: number, size: number, reg: number, vvvv: number, entry: number, addend: number = 0): void {
    this.vvm(row, size, reg, vvvv, -3, entry, 0, addend)
  }

  leaLabel(reg: number, label: number, addend: number = 0): void {
    this.rm(LEA, 3, reg, -2, label, 0, addend)
  }

  /** The address of an entry of the pool, say of a jump table. */
  leaPool(reg: number, entry: number, addend: number = 0): void {
    this.rm(LEA, 3, reg, -3, entry, 0, addend)
  }

  leaSymbol(reg: number, kind: number, symbol: number, addend: number = 0): void {
    this.rm(LEA, 3, reg, -4, symbol, kind, addend)
  }

  // Raw bytes

  byte(value: number): void {
    const bytes = this.room()
    bytes[this.length++] = value
  }

  word32(value: number): void {
    const bytes = this.room()
    this.length = word32(bytes, this.length, value)
  }

  /** A relocation of the field that is written next. */
  relocation(kind: number, symbol: number, addend: number): void {
    this.relocations.push(this.length, kind, symbol, addend)
  }

  protected room(): Uint8Array {
    if (this.length + ROOM > this.bytes.length) this.grow()
    return this.bytes
  }

  protected grow(): void {
    const old = this.bytes
    this.bytes = new Uint8Array(old.length * 2)
    this.bytes.set(old)
  }

  #registers(word: number, reg: number, rm: number): void {
    const bytes = this.room()
    let rex = ((word & WIDE) >> 10) | ((reg & 8) >> 1) | ((rm & 8) >> 3)
    // Without REX the encodings 4 to 7 of a byte register are ah, ch, dh, bh (Intel SDM vol. 2, table 3-1).
    if ((word & BYTE_REG) !== 0 && reg >= 4) rex |= 0x40
    if ((word & BYTE_RM) !== 0 && rm >= 4) rex |= 0x40
    const at = legacyOpcode(bytes, this.length, word, rex)
    bytes[at] = 0xc0 | ((reg & 7) << 3) | (rm & 7)
    this.length = at + 1
  }

  #memory(
    word: number,
    reg: number,
    base: number,
    index: number,
    scaleLog2: number,
    disp: number,
    trailing: number,
  ): void {
    if (base === -1 && index >= 0 && scaleLog2 < 2) {
      // Without a base the displacement always has 32 bits: [r*1] is [r], [r*2] is [r+r].
      base = index
      if (scaleLog2 === 0) index = -1
      scaleLog2 = 0
    }
    const bytes = this.room()
    let rex = ((word & WIDE) >> 10) | ((reg & 8) >> 1)
    if ((word & BYTE_REG) !== 0 && reg >= 4) rex |= 0x40
    if (base >= -1) {
      if (index >= 0) rex |= (index & 8) >> 2
      if (base >= 0) rex |= (base & 8) >> 3
    }
    const at = legacyOpcode(bytes, this.length, word, rex)
    this.#address(bytes, at, (reg & 7) << 3, base, index, scaleLog2, disp, trailing)
  }

  #vexRegisters(word: number, reg: number, vvvv: number, rm: number): void {
    const bytes = this.room()
    const at = vexOpcode(bytes, this.length, word, reg, vvvv, 0, rm)
    bytes[at] = 0xc0 | ((reg & 7) << 3) | (rm & 7)
    this.length = at + 1
  }

  #vexMemory(
    word: number,
    reg: number,
    vvvv: number,
    base: number,
    index: number,
    scaleLog2: number,
    disp: number,
    trailing: number,
  ): void {
    if (base === -1 && index >= 0 && scaleLog2 < 2) {
      // As in #memory.
      base = index
      if (scaleLog2 === 0) index = -1
      scaleLog2 = 0
    }
    const bytes = this.room()
    const indexHigh = base >= -1 && index >= 0 ? index : 0
    const baseHigh = Math.max(base, 0)
    const at = vexOpcode(bytes, this.length, word, reg, vvvv, indexHigh, baseHigh)
    this.#address(bytes, at, (reg & 7) << 3, base, index, scaleLog2, disp, trailing)
  }

  /** ModRM, SIB and displacement. Intel SDM vol. 2, 2.1.5, tables 2-2 and 2-3, and 2.2.1.6. */
  #address(
    bytes: Uint8Array,
    at: number,
    reg: number,
    base: number,
    index: number,
    scaleLog2: number,
    disp: number,
    trailing: number,
  ): void {
    if (base >= 0) {
      const low = base & 7
      // rm = 4 announces a SIB byte, so rsp and r12 need one; base 5 with mod = 0 means another thing, so rbp and r13 need a
      // displacement.
      const mod = disp === 0 && low !== 5 ? 0 : (disp << 24) >> 24 === disp ? 0x40 : 0x80
      if (index >= 0) {
        bytes[at++] = mod | reg | 4
        bytes[at++] = (scaleLog2 << 6) | ((index & 7) << 3) | low
      } else {
        bytes[at++] = mod | reg | low
        if (low === 4) bytes[at++] = 0x24
      }
      if (mod === 0x40) bytes[at++] = disp
      else if (mod === 0x80) at = word32(bytes, at, disp)
      this.length = at
    } else if (base === -1) {
      bytes[at++] = reg | 4
      bytes[at++] = index >= 0 ? (scaleLog2 << 6) | ((index & 7) << 3) | 5 : 0x25
      this.length = word32(bytes, at, disp)
    } else {
      bytes[at] = reg | 5
      this.#relative(at + 1, base, index, scaleLog2, disp - 4 - trailing)
    }
  }

  /** A displacement that counts from the end of the instruction; `addend` has the distance to there taken off. */
  #relative(at: number, base: number, index: number, scaleLog2: number, addend: number): void {
    if (base === -4) this.relocations.push(at, scaleLog2, index, addend)
    else if (base === -3) this.fixups.poolReference(at, index, addend)
    else this.fixups.labelReference(at, index, addend)
    this.length = word32(this.bytes, at, 0)
  }
}

/** The row's word for its short form, if the immediate allows it. */
function shortened(word: number, imm: number): number {
  const kind = (word >> IMMEDIATE_SHIFT) & 3
  if (kind === 1) return imm === 1 ? (word & ~(3 << IMMEDIATE_SHIFT)) + 0x10 : word
  const value = kind === 2 ? (imm << 16) >> 16 : imm | 0
  if ((value << 24) >> 24 !== value) return word
  return (word & ~(ACCUMULATOR | (3 << IMMEDIATE_SHIFT))) | (1 << IMMEDIATE_SHIFT) | 2
}

/** Bytes of the immediate that a word asks for. */
function immediateBytes(word: number): number {
  const kind = (word >> IMMEDIATE_SHIFT) & 3
  return kind === 3 ? 4 : kind
}

function immediate(bytes: Uint8Array, at: number, word: number, imm: number): number {
  const kind = (word >> IMMEDIATE_SHIFT) & 3
  if (kind === 3) return word32(bytes, at, imm)
  if (kind !== 0) bytes[at++] = imm
  if (kind === 2) bytes[at++] = imm >> 8
  return at
}

/** Four bytes, the lowest first. Returns the position behind them. */
export function word32(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = value
  bytes[at + 1] = value >> 8
  bytes[at + 2] = value >> 16
  bytes[at + 3] = value >> 24
  return at + 4
}
