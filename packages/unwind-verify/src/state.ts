/**
 * What is known at one place of a function: registers, and the places on the stack that hold something of the frame.
 *
 * Stores through pointers are taken not to hit saved registers, and so are calls above their own stack pointer: code that
 * breaks this breaks any frame.
 */

import { RETURN_ADDRESS, type Register, RSP, XMM0 } from '@framewright/frame-layout'
import {
  ADDRESS,
  baseOf,
  ENTRY,
  entryValue,
  FOREIGN,
  joinValues,
  ofFrame,
  offsetOf,
  ofStack,
  UNKNOWN,
  type Value,
} from './value.ts'

/** General registers 0 to 15, xmm registers 16 to 31. */
export const REGISTERS = 32
export const NO_BOUND: number = -1
const VECTOR: Register = XMM0
/** Base of what the first vector register held on entry, and the one behind the last. */
const FIRST_VECTOR_ENTRY = ENTRY + VECTOR
const END_VECTOR_ENTRY = ENTRY + REGISTERS

/** What the flags compare. */
export interface Comparison {
  /** A register, or -1 for a place on the stack. */
  readonly register: number
  /** The address of that place; UNKNOWN when it is a register. */
  readonly slot: Value
  /** The other side: a register, or -1 for a number. */
  readonly otherRegister: number
  readonly number: number
}

export class FrameState {
  readonly registers: Float64Array
  /** By address (a value): what is there. Only what has to do with the frame is kept, and addresses of the image, and UNKNOWN where it may be gone. */
  readonly slots: Map<Value, Value>
  /** The greatest number, taken without sign, that a general register can hold; NO_BOUND where nothing says so. */
  readonly bounds: Float64Array
  /** One place on the stack with a bound. */
  boundSlot: Value = UNKNOWN
  slotBound: number = NO_BOUND
  comparison: Comparison | null = null
  /** Something of the frame was stored through an address that is not known. */
  lost = false
  /** Control comes here only if a call returns of which nobody says so, and nothing was done since then. */
  onlyPossible = false
  /** The state was not followed from a known entry but taken from a row. */
  assumed = false

  constructor(registers?: Float64Array, slots?: Map<Value, Value>, bounds?: Float64Array) {
    this.registers = registers ?? new Float64Array(REGISTERS)
    this.slots = slots ?? new Map()
    this.bounds = bounds ?? new Float64Array(REGISTERS / 2).fill(NO_BOUND)
  }

  /** As at the first instruction of a function: every register is the caller's, the return address lies at CFA - 8. */
  static entry(cfa: (offset: number) => Value): FrameState {
    const state = new FrameState()
    for (let register = 0; register < REGISTERS; register++) state.registers[register] = entryValue(register)
    state.registers[RSP] = cfa(-8)
    state.slots.set(cfa(-8), entryValue(RETURN_ADDRESS))
    return state
  }

  clone(): FrameState {
    const copy = new FrameState(this.registers.slice(), new Map(this.slots), this.bounds.slice())
    copy.boundSlot = this.boundSlot
    copy.slotBound = this.slotBound
    copy.comparison = this.comparison
    copy.lost = this.lost
    copy.assumed = this.assumed
    copy.onlyPossible = this.onlyPossible
    return copy
  }

  /** Keeps what holds in both. @returns whether something of this state was given up. */
  join(other: FrameState): boolean {
    let changed = false
    const { registers, bounds, slots } = this
    for (let i = 0; i < REGISTERS; i++) {
      const value = joinValues(registers[i]!, other.registers[i]!)
      if (value !== registers[i]) {
        registers[i] = value
        changed = true
      }
    }
    for (let i = 0; i < bounds.length; i++) {
      const mine = bounds[i]!
      const theirs = other.bounds[i]!
      const bound = mine === NO_BOUND || theirs === NO_BOUND ? NO_BOUND : Math.max(mine, theirs)
      if (bound !== mine) {
        bounds[i] = bound
        changed = true
      }
    }
    for (const [address, value] of slots) {
      const theirs = other.slots.get(address)
      if (theirs === value) continue
      if (theirs === undefined || (theirs !== UNKNOWN && value !== UNKNOWN)) slots.delete(address)
      else if (value !== UNKNOWN) slots.set(address, UNKNOWN)
      else continue
      changed = true
    }
    if (this.slotBound !== NO_BOUND && (this.boundSlot !== other.boundSlot || this.slotBound !== other.slotBound)) {
      this.slotBound = NO_BOUND
      this.boundSlot = UNKNOWN
      changed = true
    }
    if (this.comparison !== null && !sameComparison(this.comparison, other.comparison)) {
      this.comparison = null
      changed = true
    }
    if (!other.onlyPossible && this.onlyPossible) {
      this.onlyPossible = false
      changed = true
    }
    if (other.lost && !this.lost) {
      this.lost = true
      changed = true
    }
    if (other.assumed && !this.assumed) {
      this.assumed = true
      changed = true
    }
    return changed
  }

  set(register: Register, value: Value): void {
    this.registers[register] = value
    if (register < VECTOR) this.bounds[register] = NO_BOUND
    const { comparison } = this
    if (comparison !== null && (comparison.register === register || comparison.otherRegister === register)) {
      this.comparison = null
    }
  }

  /** What an aligned read of a whole register finds. */
  load(address: Value, size: number): Value {
    if (address < 0) return ofStack(address) ? UNKNOWN : FOREIGN
    const value = this.slots.get(address)
    if (value === undefined || (value >= 0 && sizeOf(value) !== size)) return FOREIGN
    return value
  }

  store(address: Value, size: number, value: Value): void {
    if (address < 0) {
      if (ofStack(address) && ofFrame(value) && value >= 0) this.lost = true
      return
    }
    if (!ofStack(address)) return
    this.forget(address, size)
    if (value >= 0 && isKept(value) && sizeOf(value) === size) this.slots.set(address, value)
  }

  /** The bytes of a place are overwritten, or mean nothing any more. */
  forget(address: Value, size: number): void {
    const base = baseOf(address)
    const from = offsetOf(address)
    for (const [place, value] of this.slots) {
      if (baseOf(place) !== base) continue
      const at = offsetOf(place)
      if (at < from + size && at + sizeOf(value) > from) this.slots.delete(place)
    }
    if (this.slotBound !== NO_BOUND && baseOf(this.boundSlot) === base) {
      const at = offsetOf(this.boundSlot)
      if (at < from + size && at + 8 > from) this.slotBound = NO_BOUND
    }
  }

  /** Everything that hangs on a base is gone: the instruction that made it makes it anew. */
  forgetBase(base: number): void {
    for (let i = 0; i < REGISTERS; i++) {
      const value = this.registers[i]!
      if (value >= 0 && baseOf(value) === base) this.registers[i] = UNKNOWN
    }
    for (const [place, value] of this.slots) {
      if (baseOf(place) === base || baseOf(value) === base) this.slots.delete(place)
    }
  }
}

/** What is worth to be found again: what belongs to the frame, and addresses of tables. */
function isKept(value: Value): boolean {
  return ofFrame(value) || baseOf(value) === ADDRESS
}

function sizeOf(value: Value): number {
  const base = baseOf(value)
  return base >= FIRST_VECTOR_ENTRY && base < END_VECTOR_ENTRY ? 16 : 8
}

function sameComparison(a: Comparison, b: Comparison | null): boolean {
  return (
    b !== null &&
    a.register === b.register &&
    a.slot === b.slot &&
    a.otherRegister === b.otherRegister &&
    a.number === b.number
  )
}
