// The assembler: instructions, labels, branches, constants behind the code, and the end that makes them fit together.

import { Inst } from './encoding/table.ts'
import { AsmError } from './errors.ts'
import { resolve, settle, writePool } from './finish.ts'
import { word32 } from './instruction-writer.ts'
import { NamedInstructions } from './named-instructions.ts'
import { Pool } from './pool.ts'

const CALL = Inst.Call_rm
const JMP = Inst.Jmp_rm

/** How a branch is written: as short as it can be, or as asked. */
export const BranchForm = { auto: 0, short: 1, long: 2 } as const

/**
 * Writes x86-64 machine code.
 *
 * Use: write instructions, bind labels, `finish()`, read `bytes`, `codeLength`, `length`, `relocations`; then `reset()` for the
 * next piece of code, which keeps the buffers.
 */
export class Assembler extends NamedInstructions {
  /** After `finish`: bytes of code, without the pool. `length` counts both. */
  codeLength = 0
  /** The alignment that the start of the code needs, in bytes. */
  alignment = 1
  readonly #pool: Pool = new Pool()

  /** Forgets everything and keeps the buffers. */
  reset(): void {
    this.length = 0
    this.codeLength = 0
    this.alignment = 1
    this.relocations.length = 0
    this.fixups.reset()
    this.#pool.reset()
  }

  // Control flow

  newLabel(): number {
    return this.fixups.newLabel()
  }

  /** Puts a label here. @throws AsmError if it is already somewhere. */
  bind(label: number): void {
    this.fixups.bind(label, this.length)
  }

  /** @param form - a `BranchForm`; `auto` is short where `finish` finds that it can be. */
  jmp(label: number, form: number = 0): void {
    const bytes = this.room()
    const at = this.length
    const target = this.fixups.labelOffset[label]!
    // Back, and near enough as written: nearer in the end.
    if (form === 1 || (form === 0 && target >= 0 && target - at >= -126)) {
      bytes[at] = 0xeb
      this.fixups.branch(at, 2, true, label)
      this.length = at + 2
    } else {
      bytes[at] = 0xe9
      this.fixups.branch(at, 5, form === 2, label)
      this.length = at + 5
    }
  }

  jcc(condition: number, label: number, form: number = 0): void {
    const bytes = this.room()
    const at = this.length
    const target = this.fixups.labelOffset[label]!
    if (form === 1 || (form === 0 && target >= 0 && target - at >= -126)) {
      bytes[at] = 0x70 | condition
      this.fixups.branch(at, 2, true, label)
      this.length = at + 2
    } else {
      bytes[at] = 0x0f
      bytes[at + 1] = 0x80 | condition
      this.fixups.branch(at, 6, form === 2, label)
      this.length = at + 6
    }
  }

  call(label: number): void {
    const bytes = this.room()
    const at = this.length
    bytes[at] = 0xe8
    this.fixups.labelReference(at + 1, label, -4)
    this.length = word32(bytes, at + 1, 0)
  }

  callSymbol(kind: number, symbol: number, addend: number = 0): void {
    this.#symbolBranch(0xe8, kind, symbol, addend)
  }

  /** A jump out of this code: a tail call. */
  jmpSymbol(kind: number, symbol: number, addend: number = 0): void {
    this.#symbolBranch(0xe9, kind, symbol, addend)
  }

  callR(rm: number): void {
    this.r(CALL, 2, rm)
  }

  callM(base: number, index: number, scaleLog2: number, disp: number): void {
    this.m(CALL, 2, base, index, scaleLog2, disp)
  }

  jmpR(rm: number): void {
    this.r(JMP, 2, rm)
  }

  jmpM(base: number, index: number, scaleLog2: number, disp: number): void {
    this.m(JMP, 2, base, index, scaleLog2, disp)
  }

  /**
   * Pads with nops to a multiple of `alignment` bytes from the start of the code, a power of two up to 256.
   * A label bound before it stays before the padding.
   */
  align(alignment: number): void {
    if (![1, 2, 4, 8, 16, 32, 64, 128, 256].includes(alignment)) {
      throw new AsmError({ code: 'alignment', alignment }, this.length)
    }
    if (alignment === 1) return
    if (alignment > this.alignment) this.alignment = alignment
    this.fixups.padding(this.length, alignment)
    this.nop(alignment - 1)
  }

  // Data behind the code. All return the entry's number, for the memory operands with `Base.pool`

  constant32(lo: number): number {
    return this.#pool.constant(2, lo | 0, 0, 0, 0)
  }

  constant64(lo: number, hi: number): number {
    return this.#pool.constant(3, lo | 0, hi | 0, 0, 0)
  }

  /** From the lowest word up. */
  constant128(w0: number, w1: number, w2: number, w3: number): number {
    return this.#pool.constant(4, w0 | 0, w1 | 0, w2 | 0, w3 | 0)
  }

  /** Entries of four bytes: label less start of the table. The labels are copied. */
  jumpTable(labels: ArrayLike<number>): number {
    return this.#pool.table(labels)
  }

  // The end

  /**
   * Shortens branches, pads alignments, places the pool and resolves every reference; relocations and label offsets move
   * along. Linear in the size of the code.
   *
   * @returns `length`, which now counts the pool.
   * @throws AsmError for a label that is used but not bound, a displacement that does not fit. The code is then lost.
   */
  finish(): number {
    const fixups = this.fixups
    const pool = this.#pool
    this.#checkLabels()
    fixups.decide()
    this.codeLength = settle(this.bytes, this.length, fixups)
    const end = pool.place(this.codeLength)
    if (pool.alignment > this.alignment) this.alignment = pool.alignment
    while (end > this.bytes.length) this.grow()
    fixups.remap(this.relocations.offset, this.relocations.length)
    resolve(this.bytes, fixups, pool)
    writePool(this.bytes, this.codeLength, fixups, pool)
    this.length = end
    return end
  }

  /** After `finish`: offset of a label in the code. */
  labelOffset(label: number): number {
    return this.fixups.finalOffset(label)
  }

  /** After `finish`: offset of an entry of the pool. */
  poolOffset(entry: number): number {
    return this.#pool.offset(entry)
  }

  /** After `finish`: turns offsets taken while writing, ascending, into offsets of the finished code, in place. */
  remap(offsets: Int32Array, count: number): void {
    this.fixups.remap(offsets, count)
  }

  #checkLabels(): void {
    this.fixups.checkLabels()
    const pool = this.#pool
    for (let entry = 0; entry < pool.length; entry++) {
      if (!pool.isTable(entry)) continue
      for (let i = 0; i < pool.wordCount(entry); i++) this.fixups.checkLabel(pool.word(entry, i), this.length)
    }
  }

  #symbolBranch(opcode: number, kind: number, symbol: number, addend: number): void {
    const bytes = this.room()
    const at = this.length
    bytes[at] = opcode
    this.relocations.push(at + 1, kind, symbol, addend - 4)
    this.length = word32(bytes, at + 1, 0)
  }
}
