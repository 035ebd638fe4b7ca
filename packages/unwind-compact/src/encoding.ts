/** One 32-bit encoding and what it says; `decodeEncoding` and `encodeEncoding` undo each other. */

import { R12, R13, R14, R15, RBP, RBX, type Register } from '@framewright/frame-layout'
import {
  FRAMELESS_REGISTERS,
  MAXIMUM_ADJUSTMENT,
  MAXIMUM_FDE_OFFSET,
  MAXIMUM_PERSONALITIES,
  MAXIMUM_WORDS,
  RBP_FRAME_SLOTS,
  UNWIND_HAS_LSDA,
  UNWIND_IS_NOT_FUNCTION_START,
  UNWIND_PERSONALITY_SHIFT,
  UNWIND_X86_64_MODE_DWARF,
  UNWIND_X86_64_MODE_RBP_FRAME,
  UNWIND_X86_64_MODE_SHIFT,
  UNWIND_X86_64_MODE_STACK_IMMD,
  UNWIND_X86_64_MODE_STACK_IND,
} from './constants.ts'
import { CompactUnwindError } from './errors.ts'
import { permute, unpermute } from './permutation.ts'

/** How a frame looks in the body of its function. Sizes and distances in bytes. */
export type CompactFrame =
  /** Encoding 0: nothing is known of this code, and a walk ends here. */
  | { readonly mode: 'none' }
  /**
   * `push rbp; mov rbp, rsp`. From rbp - distance upwards lie the slots, lowest first, null where none of the caller's
   * registers lies; never more than five, the last one never null.
   */
  | { readonly mode: 'rbp-frame'; readonly distance: number; readonly slots: readonly (Register | null)[] }
  /** CFA = rsp + stackSize. Directly below the return address lie the registers, lowest first. */
  | { readonly mode: 'frameless'; readonly stackSize: number; readonly registers: readonly Register[] }
  /** The same, where stackSize = the 32-bit number that stands at that offset in the code of the range, plus adjustment. */
  | {
      readonly mode: 'frameless-indirect'
      readonly immediateAt: number
      readonly adjustment: number
      readonly registers: readonly Register[]
    }
  /** `__eh_frame` says it. The offset of the FDE there is zero in objects. */
  | { readonly mode: 'dwarf'; readonly fdeOffset: number }

/** An encoding, taken apart. */
export interface CompactEncoding {
  readonly frame: CompactFrame
  /** The range is a further one of its function. */
  readonly isNotFunctionStart: boolean
  readonly hasLanguageData: boolean
  /** Place in the image's table of personality routines, from 1; 0 for none, and in objects. */
  readonly personality: number
}

/** The registers by their numbers here; 0 is none, 7 is not used. */
export const compactRegisters: readonly (Register | null)[] = [null, RBX, R12, R13, R14, R15, RBP]

/** Number of a register, or -1 where it has none. */
export function compactNumber(register: Register): number {
  return compactRegisters.indexOf(register)
}

/** @throws CompactUnwindError 'bad-encoding' for words that no producer may write. */
export function decodeEncoding(word: number): CompactEncoding {
  return {
    frame: decodeFrame(word),
    isNotFunctionStart: (word & UNWIND_IS_NOT_FUNCTION_START) !== 0,
    hasLanguageData: (word & UNWIND_HAS_LSDA) !== 0,
    personality: (word >>> UNWIND_PERSONALITY_SHIFT) & 3,
  }
}

function decodeFrame(word: number): CompactFrame {
  const bad = (why: string): never => {
    throw new CompactUnwindError({ code: 'bad-encoding', word, why })
  }
  const high = (word >>> 16) & 0xff
  const mode = (word >>> UNWIND_X86_64_MODE_SHIFT) & 0xf
  switch (mode) {
    case 0:
      return (word & 0xff_ffff) === 0 ? { mode: 'none' } : bad('mode 0 says nothing, but bits are set')
    case UNWIND_X86_64_MODE_RBP_FRAME: {
      const slots: (Register | null)[] = []
      for (let i = 0; i < RBP_FRAME_SLOTS; i++) {
        const number = (word >>> (3 * i)) & 7
        const register = compactRegisters[number]
        if (register === undefined) return bad(`there is no register ${number}`)
        // rbp lies where the mode says already.
        if (register === RBP) return bad('rbp is in a slot of its own frame')
        slots.push(register)
      }
      while (slots.at(-1) === null) slots.pop()
      if (8 * slots.length > 8 * high) return bad(`${slots.length} slots reach above rbp - ${8 * high}`)
      return { mode: 'rbp-frame', distance: 8 * high, slots }
    }
    case UNWIND_X86_64_MODE_STACK_IMMD:
    case UNWIND_X86_64_MODE_STACK_IND: {
      const count = (word >>> 10) & 7
      const numbers = unpermute(word & 0x3ff, count)
      if (numbers === null) return bad(`${word & 0x3ff} is no permutation of ${count} registers`)
      const registers = numbers.map((number) => compactRegisters[number]!)
      if (mode === UNWIND_X86_64_MODE_STACK_IND) {
        return { mode: 'frameless-indirect', immediateAt: high, adjustment: 8 * ((word >>> 13) & 7), registers }
      }
      if (high < count + 1) return bad(`${count} registers do not fit into ${8 * high} bytes`)
      return { mode: 'frameless', stackSize: 8 * high, registers }
    }
    case UNWIND_X86_64_MODE_DWARF:
      return { mode: 'dwarf', fdeOffset: word & MAXIMUM_FDE_OFFSET }
    default:
      return bad(`there is no mode ${mode}`)
  }
}

/** @throws CompactUnwindError 'field-range' and 'register-rule' for what does not fit into the word. */
export function encodeEncoding({ frame, isNotFunctionStart, hasLanguageData, personality }: CompactEncoding): number {
  checkRange('personality', personality, MAXIMUM_PERSONALITIES)
  let word = encodeFrame(frame) | (personality << UNWIND_PERSONALITY_SHIFT)
  if (isNotFunctionStart) word |= UNWIND_IS_NOT_FUNCTION_START
  if (hasLanguageData) word |= UNWIND_HAS_LSDA
  return word >>> 0
}

function encodeFrame(frame: CompactFrame): number {
  switch (frame.mode) {
    case 'none':
      return 0
    case 'rbp-frame': {
      const { distance, slots } = frame
      checkRange('number of slots', slots.length, Math.min(RBP_FRAME_SLOTS, distance / 8))
      let word = (UNWIND_X86_64_MODE_RBP_FRAME << UNWIND_X86_64_MODE_SHIFT) | (words('distance', distance) << 16)
      for (let i = 0; i < slots.length; i++) {
        const register = slots[i]!
        if (register === RBP) throw noNumber(register, 'its slot is the one at rbp')
        if (register !== null) word |= numberOf(register) << (3 * i)
      }
      return word
    }
    case 'frameless': {
      const { stackSize, registers } = frame
      const size = words('stack size', stackSize)
      checkRange('number of registers', registers.length, Math.min(FRAMELESS_REGISTERS, size - 1))
      return (UNWIND_X86_64_MODE_STACK_IMMD << UNWIND_X86_64_MODE_SHIFT) | (size << 16) | permutation(registers)
    }
    case 'frameless-indirect': {
      const { immediateAt, adjustment, registers } = frame
      checkRange('offset of the immediate', immediateAt, MAXIMUM_WORDS)
      const extra = words('adjustment', adjustment, MAXIMUM_ADJUSTMENT)
      const mode = UNWIND_X86_64_MODE_STACK_IND << UNWIND_X86_64_MODE_SHIFT
      return mode | (immediateAt << 16) | (extra << 13) | permutation(registers)
    }
    case 'dwarf':
      checkRange('offset of the FDE', frame.fdeOffset, MAXIMUM_FDE_OFFSET)
      return (UNWIND_X86_64_MODE_DWARF << UNWIND_X86_64_MODE_SHIFT) | frame.fdeOffset
  }
}

function permutation(registers: readonly Register[]): number {
  checkRange('number of registers', registers.length, FRAMELESS_REGISTERS)
  const numbers = registers.map(numberOf)
  const twice = registers.find((register, i) => registers.indexOf(register) < i)
  if (twice !== undefined) throw noNumber(twice, 'it is saved twice')
  return (registers.length << 10) | permute(numbers)
}

function numberOf(register: Register): number {
  const number = compactNumber(register)
  if (number < 0) throw noNumber(register, 'it has no number')
  return number
}

function noNumber(register: Register, why: string): CompactUnwindError {
  return new CompactUnwindError({ code: 'register-rule', register, why })
}

function words(field: string, bytes: number, limit: number = MAXIMUM_WORDS): number {
  checkRange(`${field} in words`, bytes / 8, limit)
  return bytes / 8
}

function checkRange(field: string, value: number, limit: number): void {
  if (!Number.isInteger(value) || value < 0 || value > limit) {
    throw new CompactUnwindError({ code: 'field-range', field, value, limit })
  }
}
