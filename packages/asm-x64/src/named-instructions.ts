// Instructions that have a method of their own: those with the register in the opcode, a choice of forms, or no operands that
// a row could describe.

import { Inst } from './encoding/table.ts'
import { padding } from './finish.ts'
import { InstructionWriter, word32 } from './instruction-writer.ts'

const SETO = Inst.Seto_rm
const CMOVO = Inst.Cmovo_r_rm

/** The instructions that are no row, or that many rows share. */
export class NamedInstructions extends InstructionWriter {
  /**
   * Loads a constant with the shortest mov; flags stay as they are. Of `lo` and `hi`, the two halves, sizes 8 and 16 take their
   * low bits and clear the rest of the register, as size 32 does: writing a part of a register waits for the whole.
   */
  movImm(size: number, reg: number, lo: number, hi: number): void {
    lo |= 0
    hi |= 0
    const bytes = this.room()
    let at = this.length
    const high = (reg & 8) >> 3
    if (size !== 3 || hi === 0) {
      if (size < 2) lo &= size === 0 ? 0xff : 0xffff
      if (high !== 0) bytes[at++] = 0x41
      bytes[at++] = 0xb8 | (reg & 7)
    } else if (hi === lo >> 31) {
      bytes[at++] = 0x48 | high
      bytes[at++] = 0xc7
      bytes[at++] = 0xc0 | (reg & 7)
    } else {
      bytes[at++] = 0x48 | high
      bytes[at++] = 0xb8 | (reg & 7)
      at = word32(bytes, at, lo)
      lo = hi
    }
    this.length = word32(bytes, at, lo)
  }

  /** The address of a symbol as ten bytes of mov with a relocation of 64 bits. */
  movSymbol(reg: number, kind: number, symbol: number, addend: number = 0): void {
    const bytes = this.room()
    const at = this.length
    bytes[at] = 0x48 | ((reg & 8) >> 3)
    bytes[at + 1] = 0xb8 | (reg & 7)
    this.relocations.push(at + 2, kind, symbol, addend)
    bytes.fill(0, at + 2, at + 10)
    this.length = at + 10
  }

  /** Clears a register with xor, which changes the flags, or xorps, which does not. */
  zero(reg: number): void {
    const bytes = this.room()
    let at = this.length
    if ((reg & 8) !== 0) bytes[at++] = 0x45
    if (reg >= 16) bytes[at++] = 0x0f
    bytes[at++] = reg >= 16 ? 0x57 : 0x31
    bytes[at++] = 0xc0 | ((reg & 7) * 9)
    this.length = at
  }

  push(reg: number): void {
    this.#short(0x50, 0, reg)
  }

  pop(reg: number): void {
    this.#short(0x58, 0, reg)
  }

  /** push of a sign-extended immediate. */
  pushImm(imm: number): void {
    const bytes = this.room()
    const at = this.length
    const short = (imm << 24) >> 24 === imm
    bytes[at] = short ? 0x6a : 0x68
    if (short) bytes[at + 1] = imm
    else word32(bytes, at + 1, imm)
    this.length = at + (short ? 2 : 5)
  }

  /** Reverses the bytes of a register of 32 or 64 bits. */
  bswap(size: number, reg: number): void {
    const bytes = this.room()
    let at = this.length
    const rex = (size === 3 ? 8 : 0) | ((reg & 8) >> 3)
    if (rex !== 0) bytes[at++] = 0x40 | rex
    bytes[at++] = 0x0f
    bytes[at++] = 0xc8 | (reg & 7)
    this.length = at
  }

  ret(): void {
    this.byte(0xc3)
  }

  /** Returns and takes `count` bytes of arguments off the stack. */
  retPop(count: number): void {
    this.byte(0xc2)
    this.byte(count)
    this.byte(count >> 8)
  }

  ud2(): void {
    this.byte(0x0f)
    this.byte(0x0b)
  }

  int3(): void {
    this.byte(0xcc)
  }

  endbr64(): void {
    this.byte(0xf3)
    this.byte(0x0f)
    this.byte(0x1e)
    this.byte(0xfa)
  }

  /** `count` bytes that do nothing, in as few instructions as can be. */
  nop(count: number = 1): void {
    while (this.length + count > this.bytes.length) this.grow()
    padding(this.bytes, this.length, count)
    this.length += count
  }

  /** A prefix of the next instruction: 0x64 fs, 0x65 gs, 0x66, 0xf2 repne, 0xf3 rep, 0xf0 lock. */
  prefix(byte: number): void {
    this.byte(byte)
  }

  /** The next instruction, which must be one that may be locked and write memory, is atomic. */
  lock(): void {
    this.byte(0xf0)
  }

  /** Repeats the next string instruction rcx times. */
  rep(): void {
    this.byte(0xf3)
  }

  setcc(condition: number, rm: number): void {
    this.r(SETO + condition, 0, rm)
  }

  cmov(condition: number, size: number, reg: number, rm: number): void {
    this.rr(CMOVO + condition, size, reg, rm)
  }

  #short(opcode: number, rex: number, reg: number): void {
    const bytes = this.room()
    let at = this.length
    rex |= (reg & 8) >> 3
    if (rex !== 0) bytes[at++] = 0x40 | rex
    bytes[at++] = opcode | (reg & 7)
    this.length = at
  }
}
