/**
 * Instructions that are met at exits, as far as they have to be told apart to say what is wrong with one. No disassembler:
 * what is not in here is "another instruction", of unknown length.
 *
 * @see Intel SDM vol. 2
 */

import { x64 } from '@framewright/frame-layout'
import type { CodeReader } from './recognise.ts'

/** An instruction by what it does to an exit. Offsets and numbers are those in the instruction. */
export type ExitInstruction = { readonly length: number; readonly text: string } & (
  | { readonly kind: 'add-sp'; readonly bytes: number }
  /** `sub rsp, -n`, `lea rsp, [rsp + n]`. */
  | { readonly kind: 'add-sp-otherwise'; readonly bytes: number }
  /** `add rsp, reg`. */
  | { readonly kind: 'add-register' }
  /** `lea rsp, [reg + n]`; `displacement`: bytes of it, 0, 1 or 4. */
  | { readonly kind: 'lea-sp'; readonly register: number; readonly offset: number; readonly displacement: number }
  /** `mov rsp, reg`. */
  | { readonly kind: 'move-sp'; readonly register: number }
  | { readonly kind: 'leave' }
  | { readonly kind: 'pop'; readonly register: number }
  | { readonly kind: 'pop-flags' }
  /** A load, or anything else that leaves SP alone. */
  | { readonly kind: 'other' }
  | { readonly kind: 'return' }
  | { readonly kind: 'interrupt-return' }
  | { readonly kind: 'jump'; readonly target: number }
  | { readonly kind: 'conditional-jump' }
  /** `jmp reg` or `jmp [mem]` without the prefix that says that the function is left. */
  | { readonly kind: 'indirect-jump'; readonly bytes: readonly number[] }
  | { readonly kind: 'call' }
  | { readonly kind: 'trap' }
)

/** @returns null for an instruction that is not known here. */
export function exitInstruction(read: CodeReader, at: number): ExitInstruction | null {
  let position = at
  // Legacy prefixes and REX.
  let operandSize = false
  let repeat = 0
  for (; ; position++) {
    const prefix = read(position)
    if (prefix === 0x66) operandSize = true
    else if (prefix === 0xf2 || prefix === 0xf3) repeat = prefix
    else if (prefix !== 0x3e && prefix !== 0x2e) break
    if (position - at > 3) return null
  }
  const rex = ((read(position) ?? 0) & 0xf0) === 0x40 ? read(position++)! : 0
  const wide = (rex & 8) !== 0
  const opcode = read(position)
  if (opcode === undefined) return null
  const byte = (offset: number): number => read(position + offset) ?? 0
  const signed8 = (offset: number): number => (byte(offset) << 24) >> 24
  const signed32 = (offset: number): number =>
    byte(offset) | (byte(offset + 1) << 8) | (byte(offset + 2) << 16) | (byte(offset + 3) << 24)
  const before = position - at
  const modrm = byte(1)
  const rm = (modrm & 7) | ((rex & 1) << 3)
  const reg = ((modrm >> 3) & 7) | ((rex & 4) << 1)
  const name = (register: number): string => x64.registerNames[register]!

  if (wide && (opcode === 0x83 || opcode === 0x81) && (modrm & 0xc7) === 0xc4 && (rex & 1) === 0) {
    const length = before + (opcode === 0x83 ? 3 : 6)
    const bytes = opcode === 0x83 ? signed8(2) : signed32(2)
    if (reg === 0) return { length, text: `add rsp, ${bytes}`, kind: 'add-sp', bytes }
    if (reg === 5) return { length, text: `sub rsp, ${bytes}`, kind: 'add-sp-otherwise', bytes: -bytes }
    return null
  }
  if (wide && (opcode === 0x01 || opcode === 0x03) && (modrm & 0xc0) === 0xc0 && (opcode === 0x01 ? rm : reg) === 4) {
    return { length: before + 2, text: `add rsp, ${name(opcode === 0x01 ? reg : rm)}`, kind: 'add-register' }
  }
  if (wide && (opcode === 0x89 || opcode === 0x8b) && (modrm & 0xc0) === 0xc0 && (opcode === 0x89 ? rm : reg) === 4) {
    const register = opcode === 0x89 ? reg : rm
    return { length: before + 2, text: `mov rsp, ${name(register)}`, kind: 'move-sp', register }
  }
  if (wide && opcode === 0x8d && reg === 4) {
    const mod = modrm >> 6
    const sib = (modrm & 7) === 4
    // An index register would make it an address that no form has.
    if (mod === 3 || (sib && ((byte(2) & 0x38) !== 0x20 || (rex & 2) !== 0)) || (mod === 0 && (modrm & 7) === 5))
      return null
    const register = sib ? (byte(2) & 7) | ((rex & 1) << 3) : rm
    const displacement = mod === 0 ? 0 : mod === 1 ? 1 : 4
    const from = sib ? 3 : 2
    const offset = mod === 0 ? 0 : mod === 1 ? signed8(from) : signed32(from)
    const length = before + from + displacement
    const text = `lea rsp, [${name(register)}${offset === 0 ? '' : offset < 0 ? ` - ${-offset}` : ` + ${offset}`}]`
    if (register === 4) return { length, text, kind: 'add-sp-otherwise', bytes: offset }
    return { length, text, kind: 'lea-sp', register, offset, displacement }
  }
  if (opcode >= 0x58 && opcode <= 0x5f && !operandSize) {
    const register = (opcode & 7) | ((rex & 1) << 3)
    return { length: before + 1, text: `pop ${name(register)}`, kind: 'pop', register }
  }
  if (opcode >= 0x70 && opcode <= 0x7f)
    return { length: before + 2, text: 'a conditional jump', kind: 'conditional-jump' }
  switch (opcode) {
    case 0x9d:
      return { length: before + 1, text: 'popfq', kind: 'pop-flags' }
    case 0xc9:
      return { length: before + 1, text: 'leave', kind: 'leave' }
    case 0xc3:
      return { length: before + 1, text: repeat === 0xf3 ? 'rep ret' : 'ret', kind: 'return' }
    case 0xc2:
      return { length: before + 3, text: `ret ${byte(1) | (byte(2) << 8)}`, kind: 'return' }
    case 0xcf:
      return { length: before + 1, text: wide ? 'iretq' : 'iret', kind: 'interrupt-return' }
    case 0xeb:
    case 0xe9: {
      const length = before + (opcode === 0xeb ? 2 : 5)
      const target = length + (opcode === 0xeb ? signed8(1) : signed32(1))
      return { length, text: 'jmp', kind: 'jump', target }
    }
    case 0xe8:
      return { length: before + 5, text: 'call', kind: 'call' }
    case 0xcc:
      return { length: before + 1, text: 'int3', kind: 'trap' }
    case 0x90:
      return { length: before + 1, text: 'nop', kind: 'other' }
    case 0xff: {
      const kind = (modrm >> 3) & 7
      const length = before + 1 + modrmLength(modrm, byte(2))
      if (kind === 2) return { length, text: 'call', kind: 'call' }
      if (kind !== 4) return null
      const bytes = Array.from({ length }, (_, i) => read(at + i) ?? 0)
      const target = (modrm & 0xc0) === 0xc0 ? name(rm) : 'a place in memory'
      return { length, text: `jmp ${target}`, kind: 'indirect-jump', bytes }
    }
    case 0x0f: {
      const second = byte(1)
      if (second >= 0x80 && second <= 0x8f) {
        return { length: before + 6, text: 'a conditional jump', kind: 'conditional-jump' }
      }
      if (second === 0x0b) return { length: before + 2, text: 'ud2', kind: 'trap' }
      // movups, movaps, movdqa, movdqu, pxor, xorps from memory or a register; nop.
      if ([0x10, 0x28, 0x6f, 0x57, 0xef, 0x1f].includes(second)) {
        const length = before + 2 + modrmLength(byte(2), byte(3))
        const load = (byte(2) & 0xc0) !== 0xc0 && second !== 0x1f
        return { length, text: load ? 'a load of a vector register' : 'another instruction', kind: 'other' }
      }
      return null
    }
    case 0xc5: // vzeroupper
      return byte(1) === 0xf8 && byte(2) === 0x77 ? { length: before + 3, text: 'vzeroupper', kind: 'other' } : null
    case 0x31:
    case 0x33:
    case 0x85:
    case 0x89:
    case 0x8b: {
      // xor, test, mov; mov to rsp was handled above.
      const length = before + 1 + modrmLength(modrm, byte(2))
      const load = opcode === 0x8b && (modrm & 0xc0) !== 0xc0
      return { length, text: load ? `a load of ${name(reg)}` : 'another instruction', kind: 'other' }
    }
    default:
      if (opcode >= 0xb8 && opcode <= 0xbf && opcode !== 0xbc) {
        const length = before + 1 + (wide ? 8 : operandSize ? 2 : 4)
        return { length, text: 'another instruction', kind: 'other' }
      }
      return null
  }
}

/** Bytes of ModRM, SIB and displacement. */
function modrmLength(modrm: number, sib: number): number {
  const mod = modrm >> 6
  const rm = modrm & 7
  if (mod === 3) return 1
  const hasSib = rm === 4
  const base = hasSib ? sib & 7 : rm
  const displacement = mod === 1 ? 1 : mod === 2 ? 4 : base === 5 ? 4 : 0
  return 1 + (hasSib ? 1 : 0) + displacement
}
