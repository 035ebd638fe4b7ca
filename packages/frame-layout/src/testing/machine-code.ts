/**
 * Just enough of an x86-64 assembler to write prologues and epilogues and record them in one go, so that formats that
 * read instructions (Windows) have some to read. Encodings: Intel SDM vol. 2.
 */

import type { Register } from '../architecture.ts'
import { FrameRecorder } from '../recorder.ts'
import { RETURN_ADDRESS, RSP } from '../registers-x64.ts'

/** Writes instructions, and each one's event into `recorder`. */
export class CodeWriter {
  readonly recorder: FrameRecorder = new FrameRecorder()
  readonly bytes: number[] = []
  /** Where instructions start. */
  readonly boundaries: number[] = []

  get at(): number {
    return this.bytes.length
  }

  /** @returns the length. */
  #emit(...bytes: number[]): number {
    this.boundaries.push(this.bytes.length)
    for (const byte of bytes) this.bytes.push(byte & 255)
    return bytes.length
  }

  nop(): void {
    this.#emit(0x90)
  }

  /** A call whose target does not matter. */
  call(): void {
    this.#emit(0xe8, 0, 0, 0, 0)
  }

  push(register: Register, saves: boolean = true): void {
    const length = register < 8 ? this.#emit(0x50 + register) : this.#emit(0x41, 0x50 + (register & 7))
    this.recorder.push(this.at, length, register, saves)
  }

  pop(register: Register, restores: boolean = true): void {
    const length = register < 8 ? this.#emit(0x58 + register) : this.#emit(0x41, 0x58 + (register & 7))
    this.recorder.pop(this.at, length, register, restores)
  }

  /** `sub rsp, -delta` or `add rsp, delta`. */
  adjustSp(delta: number): void {
    const amount = Math.abs(delta)
    const modrm = delta < 0 ? 0xec : 0xc4
    const length =
      amount <= 127 ? this.#emit(0x48, 0x83, modrm, amount) : this.#emit(0x48, 0x81, modrm, ...word(amount))
    this.recorder.adjustSp(this.at, length, delta)
  }

  /** `lea rsp, [rsp + delta]`: the same effect, in a form that Windows does not take for an epilogue. */
  adjustSpByLea(delta: number): void {
    const short = delta >= -128 && delta <= 127
    const length = short
      ? this.#emit(0x48, 0x8d, 0x64, 0x24, delta)
      : this.#emit(0x48, 0x8d, 0xa4, 0x24, ...word(delta))
    this.recorder.adjustSp(this.at, length, delta)
  }

  /** `mov eax, bytes; call; sub rsp, rax`. */
  allocateProbed(bytes: number): void {
    this.#emit(0xb8, ...word(bytes))
    this.call()
    const length = this.#emit(0x48, 0x29, 0xc4)
    this.recorder.adjustSp(this.at, length, -bytes, 'register')
  }

  /** `sub rsp, rax`, with a number that nobody knows. */
  allocateDynamic(): void {
    const length = this.#emit(0x48, 0x29, 0xc4)
    this.recorder.dynamicSp(this.at, length)
  }

  /** `and rsp, -alignment`. */
  realign(alignment: number): void {
    const length = this.#emit(0x48, 0x83, 0xe4, -alignment)
    this.recorder.realign(this.at, length, alignment)
  }

  /** `mov register, rsp`, or `lea register, [rsp + offset]`. */
  setFrame(register: Register, offset: number): void {
    const rex = 0x48 | (register < 8 ? 0 : 4)
    const reg = (register & 7) << 3
    const length =
      offset === 0
        ? this.#emit(0x48 | (register < 8 ? 0 : 1), 0x89, 0xe0 | (register & 7))
        : offset <= 127
          ? this.#emit(rex, 0x8d, 0x44 | reg, 0x24, offset)
          : this.#emit(rex, 0x8d, 0x84 | reg, 0x24, ...word(offset))
    this.recorder.setFrameRegister(this.at, length, register, offset)
  }

  /** `mov register, rsp`, of a register that the CFA does not hang on. */
  copySp(register: Register): void {
    const length = this.#emit(0x48 | (register < 8 ? 0 : 1), 0x89, 0xe0 | (register & 7))
    this.recorder.copySp(this.at, length, register)
  }

  /** `push [r10 - 8]`. */
  pushCopyOfReturnAddress(): void {
    const length = this.#emit(0x41, 0xff, 0x72, -8)
    this.recorder.push(this.at, length, RETURN_ADDRESS, false)
  }

  /** `lea rsp, [register + offset]`; not for r12, which needs another form. */
  restoreSpByLea(register: Register, offset: number): void {
    const rex = 0x48 | (register < 8 ? 0 : 1)
    const short = offset >= -128 && offset <= 127
    const length = short
      ? this.#emit(rex, 0x8d, 0x60 | (register & 7), offset)
      : this.#emit(rex, 0x8d, 0xa0 | (register & 7), ...word(offset))
    this.recorder.restoreSp(this.at, length, register, offset)
  }

  /** `mov rsp, register`. */
  restoreSpByMove(register: Register): void {
    const length = this.#emit(0x48 | (register < 8 ? 0 : 4), 0x89, 0xc4 | ((register & 7) << 3))
    this.recorder.restoreSp(this.at, length, register, 0)
  }

  leave(register: Register): void {
    const length = this.#emit(0xc9)
    this.recorder.leave(this.at, length, register)
  }

  /** `mov [base + offset], register` or `movaps`. */
  save(register: Register, base: 'sp' | 'frame', baseRegister: Register, offset: number): void {
    const length = this.#access(register, baseRegister, offset, 0x89, 0x29)
    this.recorder.save(this.at, length, register, base, offset)
  }

  restore(register: Register, base: 'sp' | 'frame', baseRegister: Register, offset: number): void {
    const length = this.#access(register, baseRegister, offset, 0x8b, 0x28)
    this.recorder.restore(this.at, length, register, base, offset)
  }

  #access(register: Register, base: Register, offset: number, general: number, vector: number): number {
    const rex = (register & 8 ? 4 : 0) | (base & 8 ? 1 : 0)
    const head = register < 16 ? [0x48 | rex, general] : rex === 0 ? [0x0f, vector] : [0x40 | rex, 0x0f, vector]
    const sib = (base & 7) === RSP ? [0x24] : []
    const modrm = ((register & 7) << 3) | (base & 7)
    return offset >= -128 && offset <= 127
      ? this.#emit(...head, 0x40 | modrm, ...sib, offset)
      : this.#emit(...head, 0x80 | modrm, ...sib, ...word(offset))
  }

  ret(): void {
    this.#emit(0xc3)
    this.recorder.epilogueEnd(this.at, 'return')
  }

  /** A jump far out of the function. */
  tailJump(): void {
    this.#emit(0xe9, ...word(0x4000))
    this.recorder.epilogueEnd(this.at, 'tail-jump')
  }
}

function word(value: number): number[] {
  return [value, value >> 8, value >> 16, value >> 24]
}
