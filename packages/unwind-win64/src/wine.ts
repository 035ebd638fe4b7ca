/** Epilogues as Wine 8 sees them (dlls/ntdll/unwind.c there, `is_inside_epilog` and `interpret_epilog`). */

import { RSP } from '@framewright/frame-layout'
import type { CodeReader } from './recognise.ts'

/** What Wine does, in order; ends with `return`, whose bytes are those of `ret n`. */
export type WineAction =
  | { readonly kind: 'adjust'; readonly from: number; readonly offset: number }
  | { readonly kind: 'pop'; readonly register: number }
  | { readonly kind: 'return'; readonly bytes: number }

/** Wine follows jumps; a loop of jumps has to end somewhere. */
const MAX_INSTRUCTIONS = 256

/** @param inside - whether an offset from `read(0)` lies in the function's range. @returns null: no epilogue. */
export function recogniseWineEpilogue(read: CodeReader, inside: (target: number) => boolean): WineAction[] | null {
  const actions: WineAction[] = []
  const byte = (at: number): number => read(at) ?? 0
  const imm8 = (at: number): number => (byte(at) << 24) >> 24
  const imm32 = (at: number): number => byte(at) | (byte(at + 1) << 8) | (byte(at + 2) << 16) | (byte(at + 3) << 24)
  let at = 0
  if ((byte(0) & 0xf8) === 0x48) {
    const modrm = byte(2)
    switch (byte(1)) {
      case 0x81:
        if (byte(0) !== 0x48 || modrm !== 0xc4) return null
        actions.push({ kind: 'adjust', from: RSP, offset: imm32(3) })
        at = 7
        break
      case 0x83:
        if (byte(0) !== 0x48 || modrm !== 0xc4) return null
        actions.push({ kind: 'adjust', from: RSP, offset: imm8(3) })
        at = 4
        break
      case 0x8d: {
        if ((byte(0) & 6) !== 0 || ((modrm >> 3) & 7) !== 4 || (modrm & 7) === 4) return null
        const from = ((byte(0) & 1) << 3) | (modrm & 7)
        if (modrm >> 6 === 1) {
          actions.push({ kind: 'adjust', from, offset: imm8(3) })
          at = 4
        } else if (modrm >> 6 === 2) {
          actions.push({ kind: 'adjust', from, offset: imm32(3) })
          at = 7
        } else return null
        break
      }
    }
  }
  for (let steps = 0; steps < MAX_INSTRUCTIONS; steps++) {
    let rex = 0
    if ((byte(at) & 0xf0) === 0x40) rex = byte(at++) & 15
    const opcode = byte(at)
    if ((opcode & 0xf8) === 0x58) {
      actions.push({ kind: 'pop', register: (opcode & 7) | ((rex & 1) << 3) })
      at += 1
    } else if (opcode === 0xc2) {
      actions.push({ kind: 'return', bytes: byte(at + 1) | (byte(at + 2) << 8) })
      return actions
    } else if (opcode === 0xc3 || (opcode === 0xf3 && byte(at + 1) === 0xc3)) {
      actions.push({ kind: 'return', bytes: 0 })
      return actions
    } else if (opcode === 0xe9 || opcode === 0xeb) {
      at += opcode === 0xe9 ? 5 + imm32(at + 1) : 2 + imm8(at + 1)
      if (!inside(at)) return null
    } else return null
  }
  return null
}
