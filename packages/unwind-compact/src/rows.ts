/** Between rows and compact frames: what a frame means, and which frame says a row. */

import { RBP, RETURN_ADDRESS, type Register, type RegisterRule, RSP, type UnwindRow } from '@framewright/frame-layout'
import { MAXIMUM_ADJUSTMENT, MAXIMUM_WORDS, RBP_FRAME_SLOTS } from './constants.ts'
import { type CompactFrame, compactNumber } from './encoding.ts'
import type { CompactUnwindProblem } from './errors.ts'

/** CFA - rbp in a frame with `push rbp; mov rbp, rsp`. */
const RBP_FRAME_CFA = 16
/** Where the return address lies, from the CFA; everything else lies below. */
const RETURN_ADDRESS_OFFSET = -8

/** A `sub rsp, imm32`, as mode 3 refers to it. */
export interface StackImmediate {
  /** Where the four bytes lie, from the begin of the range. */
  readonly at: number
  readonly value: number
}

/** A frame that says a row, or why there is none and what of the row is to blame. */
export type FrameOfRow =
  | { readonly frame: CompactFrame }
  | { readonly problem: CompactUnwindProblem; readonly blames: Register | 'cfa' }

/**
 * The frame that says what a row says.
 *
 * @param immediates - the allocations that mode 3 may refer to.
 */
export function frameOfRow(row: UnwindRow, immediates: readonly StackImmediate[]): FrameOfRow {
  const { cfa } = row
  if (cfa.rule !== 'register') {
    const why = cfa.rule === 'memory' ? 'it is read from memory' : 'an expression gives it'
    return { problem: { code: 'cfa', why }, blames: 'cfa' }
  }
  const saved = savedRegisters(row.registers)
  if ('problem' in saved) return saved
  if (cfa.register === RSP) return frameless(cfa.offset, saved.registers, immediates)
  if (cfa.register === RBP && cfa.offset === RBP_FRAME_CFA) return rbpFrame(saved.registers)
  const why = cfa.register === RBP ? `it is rbp + ${cfa.offset}` : 'it hangs on another register'
  return { problem: { code: 'cfa', why }, blames: 'cfa' }
}

interface Saved {
  readonly register: Register
  readonly cfaOffset: number
}

type SavedRegisters =
  | { readonly registers: Saved[] }
  | { readonly problem: CompactUnwindProblem; readonly blames: Register }

/** The saved registers, lowest address first. */
function savedRegisters(rules: ReadonlyMap<Register, RegisterRule>): SavedRegisters {
  const registers: Saved[] = []
  for (const [register, rule] of rules) {
    const refuse = (why: string): SavedRegisters => ({
      problem: { code: 'register-rule', register, why },
      blames: register,
    })
    if (rule.rule === 'unchanged') continue
    if (register === RETURN_ADDRESS) {
      if (rule.rule === 'undefined') return refuse('there is no caller')
      if (rule.rule !== 'cfa-offset' || rule.offset !== RETURN_ADDRESS_OFFSET) return refuse('it is not at CFA-8')
      continue
    }
    if (compactNumber(register) < 0) return refuse('only rbx, rbp and r12 to r15 have numbers')
    if (rule.rule !== 'cfa-offset') return refuse('it is not in the frame')
    registers.push({ register, cfaOffset: rule.offset })
  }
  return { registers: registers.sort((a, b) => a.cfaOffset - b.cfaOffset) }
}

function rbpFrame(saved: readonly Saved[]): FrameOfRow {
  const rbp = saved.find(({ register }) => register === RBP)
  if (rbp?.cfaOffset !== -RBP_FRAME_CFA) {
    if (rbp !== undefined) return misplaced(rbp, 'in a frame of rbp it is at CFA-16')
    return { problem: { code: 'register-rule', register: RBP, why: 'in a frame of rbp it is saved' }, blames: RBP }
  }
  const others = saved.filter((one) => one !== rbp)
  const [lowest] = others
  if (lowest === undefined) return { frame: { mode: 'rbp-frame', distance: 0, slots: [] } }
  const slots: (Register | null)[] = []
  for (const one of others) {
    const slot = (one.cfaOffset - lowest.cfaOffset) / 8
    if (one.cfaOffset > -RBP_FRAME_CFA - 8) return misplaced(one, 'it lies above rbp')
    if (!Number.isInteger(slot)) return misplaced(one, 'slots are multiples of 8 apart')
    if (slot >= RBP_FRAME_SLOTS) return misplaced(one, 'it lies past the fifth slot')
    if (slot < slots.length) return misplaced(one, 'another register lies there')
    while (slots.length < slot) slots.push(null)
    slots.push(one.register)
  }
  const distance = -RBP_FRAME_CFA - lowest.cfaOffset
  if (distance % 8 !== 0) return misplaced(lowest, 'slots are multiples of 8 below rbp')
  if (distance > 8 * MAXIMUM_WORDS) return misplaced(lowest, `it lies more than ${8 * MAXIMUM_WORDS} bytes below rbp`)
  return { frame: { mode: 'rbp-frame', distance, slots } }
}

function frameless(stackSize: number, saved: readonly Saved[], immediates: readonly StackImmediate[]): FrameOfRow {
  const count = saved.length
  for (let i = 0; i < count; i++) {
    const one = saved[i]!
    const place = RETURN_ADDRESS_OFFSET - 8 * (count - i)
    if (one.cfaOffset !== place) {
      return misplaced(one, 'without a frame of rbp registers lie directly below the return address')
    }
  }
  const refuse = (why: string): FrameOfRow => ({
    problem: { code: 'stack-size', bytes: stackSize, why },
    blames: 'cfa',
  })
  // Registers below rsp are nobody's: the next signal overwrites them.
  if (stackSize % 8 !== 0 || stackSize < 8 * (count + 1)) return refuse('that is no room in words for what is saved')
  const registers = saved.map(({ register }) => register)
  if (stackSize <= 8 * MAXIMUM_WORDS) return { frame: { mode: 'frameless', stackSize, registers } }
  for (const { at, value } of immediates) {
    const adjustment = stackSize - value
    if (adjustment < 0 || adjustment > 8 * MAXIMUM_ADJUSTMENT || adjustment % 8 !== 0) continue
    return { frame: { mode: 'frameless-indirect', immediateAt: at, adjustment, registers } }
  }
  const limit = 8 * MAXIMUM_WORDS
  return refuse(`over ${limit}, and no 'sub rsp, imm32' in the first 256 bytes of its range says all but 56 of it`)
}

function misplaced({ register, cfaOffset }: Saved, why: string): FrameOfRow {
  return { problem: { code: 'save-place', register, cfaOffset, why }, blames: register }
}

/**
 * What a frame means, as the row that holds in the body.
 *
 * @param immediate - of mode 3: the number in the code.
 * @returns null where the word itself says nothing: modes `none` and `dwarf`.
 */
export function rowOfFrame(frame: CompactFrame, immediate: (at: number) => number): UnwindRow | null {
  const rules = new Map<Register, RegisterRule>()
  switch (frame.mode) {
    case 'none':
    case 'dwarf':
      return null
    case 'rbp-frame': {
      rules.set(RBP, { rule: 'cfa-offset', offset: -RBP_FRAME_CFA })
      for (let i = 0; i < frame.slots.length; i++) {
        const register = frame.slots[i]!
        if (register === null) continue
        rules.set(register, { rule: 'cfa-offset', offset: 8 * i - frame.distance - RBP_FRAME_CFA })
      }
      return row(RBP, RBP_FRAME_CFA, rules)
    }
    case 'frameless':
    case 'frameless-indirect': {
      const { registers } = frame
      const size = frame.mode === 'frameless' ? frame.stackSize : immediate(frame.immediateAt) + frame.adjustment
      for (let i = 0; i < registers.length; i++) {
        rules.set(registers[i]!, { rule: 'cfa-offset', offset: RETURN_ADDRESS_OFFSET - 8 * (registers.length - i) })
      }
      return row(RSP, size, rules)
    }
  }
}

function row(register: Register, offset: number, rules: Map<Register, RegisterRule>): UnwindRow {
  rules.set(RETURN_ADDRESS, { rule: 'cfa-offset', offset: RETURN_ADDRESS_OFFSET })
  const registers = new Map([...rules].sort((a, b) => a[0] - b[0]))
  return { at: 0, cfa: { rule: 'register', register, offset }, registers, argumentBytes: 0 }
}
