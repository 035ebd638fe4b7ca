/** What one instruction makes of a state. */

import { RBP, RSP } from '@framewright/frame-layout'
import type { Convention } from './convention.ts'
import { Action, type Condition, Flow, type Instruction, type Memory, NONE } from './instruction.ts'
import { type Comparison, type FrameState, NO_BOUND } from './state.ts'
import {
  ADDRESS,
  baseOf,
  CFA,
  FOREIGN,
  isKnown,
  MIXED,
  makeValue,
  moved,
  NUMBER,
  ofFrame,
  offsetOf,
  ofStack,
  type Symbols,
  UNKNOWN,
  type Value,
} from './value.ts'

const VECTOR = 16
const A = Action

/** The address of a memory operand. */
export function addressOf(memory: Memory, state: FrameState): Value {
  if (memory.elsewhere) return FOREIGN
  if (memory.ripRelative) return makeValue(ADDRESS, memory.displacement)
  let sum: Value = makeValue(NUMBER, memory.displacement)
  if (memory.base !== NONE) sum = add(sum, state.registers[memory.base]!)
  if (memory.index !== NONE) sum = add(sum, scaled(state.registers[memory.index]!, memory.scale))
  return sum
}

function add(a: Value, b: Value): Value {
  if (isKnown(a) && isKnown(b)) {
    if (baseOf(a) === NUMBER) return moved(b, offsetOf(a))
    if (baseOf(b) === NUMBER) return moved(a, offsetOf(b))
  }
  return ofStack(a) || ofStack(b) ? worse(a, b) : FOREIGN
}

function worse(a: Value, b: Value): Value {
  return a === UNKNOWN || b === UNKNOWN ? UNKNOWN : MIXED
}

function scaled(value: Value, by: number): Value {
  if (by === 1) return value
  if (isKnown(value) && baseOf(value) === NUMBER) return makeValue(NUMBER, offsetOf(value) * by)
  return ofStack(value) ? MIXED : FOREIGN
}

/**
 * Runs one instruction on a state, all but its jump.
 *
 * @param following - the instruction behind it in memory, if that is known: a call in front of `sub rsp, rax` is a stack probe
 *   (`__chkstk`), which keeps rax.
 */
export function step(
  at: Instruction,
  state: FrameState,
  symbols: Symbols,
  convention: Convention,
  following: Instruction | null,
): void {
  const { action, a, b, number, memory } = at
  const { registers } = state
  if (at.changesFlags) state.comparison = null
  switch (action) {
    case A.other:
      if (at.flow !== Flow.next) transfer(at, state, convention, following)
      other(at, state)
      return
    case A.copy: {
      const bound = b < VECTOR ? state.bounds[b]! : NO_BOUND
      state.set(a, registers[b]!)
      if (a < VECTOR) state.bounds[a] = bound
      return
    }
    case A.extend: {
      const bound = state.bounds[b]!
      const value = registers[b]!
      const keep = isKnown(value) && (symbols.tableOf(value) !== undefined || smallNumber(value))
      state.set(a, keep ? value : ofStack(value) ? MIXED : FOREIGN)
      state.bounds[a] = bound
      return
    }
    case A.widen:
      // Signs are not followed: where the sign bit matters, nothing of the frame is in the register.
      if (ofStack(registers[0]!)) state.set(0, MIXED)
      return
    case A.constant:
      state.set(a, makeValue(NUMBER, number))
      if (a < VECTOR) state.bounds[a] = number >= 0 ? number : NO_BOUND
      return
    case A.load: {
      const address = addressOf(memory!, state)
      const bound = state.boundSlot === address && a < VECTOR ? state.slotBound : NO_BOUND
      let value = state.load(address, a < VECTOR ? 8 : 16)
      if (value === FOREIGN && a < VECTOR) value = fromTable(memory!, state, symbols, 8) ?? value
      state.set(a, value)
      if (a < VECTOR) state.bounds[a] = bound
      return
    }
    case A.loadPart: {
      const address = addressOf(memory!, state)
      const bound = state.boundSlot === address ? state.slotBound : NO_BOUND
      const value = memory!.size === 4 ? fromTable(memory!, state, symbols, 4) : undefined
      state.set(a, value ?? FOREIGN)
      state.bounds[a] = bound
      return
    }
    case A.store:
      storeAt(memory!, state, b < VECTOR ? 8 : 16, registers[b]!)
      return
    case A.lea: {
      const value = leaValue(memory!, state, symbols)
      const bound = memory!.base === NONE && memory!.displacement === 0 ? state.bounds[memory!.index] : NO_BOUND
      assign(a, value, at, state, symbols)
      // The index of a table of four-byte entries, made ready: the scale is undone where it is used.
      if (memory!.base === NONE && memory!.index !== NONE) state.bounds[a] = bound ?? NO_BOUND
      return
    }
    case A.addNumber: {
      assign(a, moved(registers[a]!, number), at, state, symbols)
      return
    }
    case A.addRegister:
      assign(a, addRegisters(registers[a]!, registers[b]!, symbols), at, state, symbols)
      return
    case A.subtractRegister: {
      const value = registers[b]!
      const difference =
        isKnown(value) && baseOf(value) === NUMBER
          ? moved(registers[a]!, -offsetOf(value))
          : ofStack(registers[a]!) || ofStack(value)
            ? MIXED
            : FOREIGN
      assign(a, difference, at, state, symbols)
      return
    }
    case A.andNumber: {
      const value = registers[a]!
      if (ofStack(value)) assign(a, MIXED, at, state, symbols)
      else {
        state.set(a, FOREIGN)
        state.bounds[a] = number >= 0 ? number : NO_BOUND
      }
      return
    }
    case A.push: {
      const value = b === NONE ? FOREIGN : registers[b]!
      push(state, value)
      return
    }
    case A.pop: {
      const value = state.load(registers[RSP]!, 8)
      moveSp(state, 8)
      if (a !== NONE) state.set(a, value)
      // The address is computed with SP already moved (Intel SDM vol. 2, "POP").
      else if (memory !== null) storeAt(memory, state, 8, value)
      return
    }
    case A.pushOther:
      moveSp(state, number)
      if (number < 0) state.store(registers[RSP]!, -number, FOREIGN)
      other(at, state)
      return
    case A.leave: {
      state.set(RSP, registers[RBP]!)
      const value = state.load(registers[RSP]!, 8)
      moveSp(state, 8)
      state.set(RBP, value)
      return
    }
    case A.enter:
      push(state, registers[RBP]!)
      state.set(RBP, registers[RSP]!)
      moveSp(state, -number)
      return
    case A.exchange: {
      const value = registers[a]!
      state.set(a, registers[b]!)
      state.set(b, value)
      return
    }
    case A.choose: {
      const value = registers[a]!
      const other = registers[b]!
      if (value !== other) state.set(a, ofStack(value) || ofStack(other) ? MIXED : FOREIGN)
      return
    }
    case A.compare:
      state.comparison = {
        register: a,
        slot: a === NONE && memory !== null ? addressOf(memory, state) : UNKNOWN,
        otherRegister: b,
        number,
      }
      return
  }
}

function smallNumber(value: Value): boolean {
  const offset = offsetOf(value)
  return baseOf(value) === NUMBER && offset >= 0 && offset < 0x80
}

/** Arithmetic on addresses of the stack whose result is no known place makes a new base, so that what lies there is found. */
function assign(register: number, value: Value, at: Instruction, state: FrameState, symbols: Symbols): void {
  if (value !== MIXED) {
    state.set(register, value)
    return
  }
  const base = symbols.stack(at.address)
  state.forgetBase(base)
  state.set(register, makeValue(base, 0))
}

function push(state: FrameState, value: Value): void {
  moveSp(state, -8)
  state.store(state.registers[RSP]!, 8, value)
}

function moveSp(state: FrameState, by: number): void {
  state.set(RSP, moved(state.registers[RSP]!, by))
}

/**
 * A store. Through a pointer, or with an index, only what belongs to the frame is taken down: that a loop over a buffer on the
 * stack stays in it is the buffer's affair, though its first round has an address that is known.
 */
function storeAt(memory: Memory, state: FrameState, size: number, value: Value): void {
  const isFrame = memory.index === NONE && (memory.base === RSP || memory.base === RBP)
  if (isFrame || (isKnown(value) && ofFrame(value))) state.store(addressOf(memory, state), size, value)
}

/** Registers and memory that get values of no interest. */
function other(at: Instruction, state: FrameState): void {
  const { writes, reads, memory } = at
  if (at.storesMemory && memory !== null) storeAt(memory, state, memory.size || 64, FOREIGN)
  if (writes === 0) return
  let derived = false
  for (let rest = reads; rest !== 0; rest &= rest - 1) {
    if (ofStack(state.registers[31 - Math.clz32(rest & -rest)]!)) derived = true
  }
  for (let rest = writes; rest !== 0; rest &= rest - 1) {
    const register = 31 - Math.clz32(rest & -rest)
    state.set(register, derived && register < VECTOR ? MIXED : FOREIGN)
  }
}

/** Calls and interrupts: what they leave behind. */
function transfer(at: Instruction, state: FrameState, convention: Convention, following: Instruction | null): void {
  if (at.flow !== Flow.call && at.flow !== Flow.indirectCall) return
  const { registers } = state
  if (at.flow === Flow.call && at.target === at.address + at.length) {
    push(state, makeValue(ADDRESS, at.target))
    return
  }
  const keepsRax =
    following !== null && following.action === A.subtractRegister && following.a === RSP && following.b === 0
  const sp = registers[RSP]!
  for (const [place, value] of state.slots) {
    if (mayBeChanged(value)) state.slots.set(place, UNKNOWN)
    if (!isKnown(sp) || baseOf(place) !== baseOf(sp)) continue
    const above = offsetOf(place) - offsetOf(sp)
    if (above < 0) state.slots.delete(place)
    // The called function may have another convention, that knows no home area.
    else if (above < convention.homeArea && !keepsRax) state.slots.set(place, UNKNOWN)
  }
  afterCall(state, convention, keepsRax)
}

/**
 * Whether a called function may give a place in the frame another value: pointers to buffers lie in structures whose addresses
 * are handed on. The CFA is kept for the frame alone.
 */
function mayBeChanged(value: Value): boolean {
  return isKnown(value) && ofStack(value) && !(baseOf(value) === CFA && offsetOf(value) >= 0)
}

/** Registers behind a call, or at a landing pad. */
export function afterCall(state: FrameState, { preserved }: Convention, keepsRax: boolean): void {
  for (let register = 0; register < state.registers.length; register++) {
    if (register === RSP || preserved.includes(register) || (register === 0 && keepsRax)) continue
    state.set(register, FOREIGN)
  }
}

/** What a read of that many bytes finds if the address is that of an entry in a table. */
export function fromTable(memory: Memory, state: FrameState, symbols: Symbols, width: 4 | 8): Value | undefined {
  const { base, index, scale, displacement, ripRelative } = memory
  if (ripRelative || index === NONE) return undefined
  const known = base === NONE ? makeValue(ADDRESS, 0) : state.registers[base]!
  let table = tableAddress(known, displacement)
  let indexRegister = index
  if (table === undefined) {
    // table and index the other way round, without scale: unoptimised code scales by `lea`.
    if (scale !== 1) return undefined
    table = tableAddress(state.registers[index]!, displacement)
    indexRegister = base
  } else if (scale !== 1 && scale !== width) return undefined
  if (table === undefined || table === 0) return undefined
  const bound = state.bounds[indexRegister]!
  return symbols.table({ table, width, from: null, bound })
}

function tableAddress(value: Value, displacement: number): number | undefined {
  return isKnown(value) && baseOf(value) === ADDRESS ? offsetOf(value) + displacement : undefined
}

function addRegisters(a: Value, b: Value, symbols: Symbols): Value {
  return leadingFrom(a, b, symbols) ?? leadingFrom(b, a, symbols) ?? add(a, b)
}

/** `lea` adds an entry to its table, too. */
function leaValue(memory: Memory, state: FrameState, symbols: Symbols): Value {
  const { base, index, scale, displacement } = memory
  if (base !== NONE && index !== NONE && scale === 1 && displacement === 0) {
    return addRegisters(state.registers[base]!, state.registers[index]!, symbols)
  }
  return addressOf(memory, state)
}

/** An entry of a table added to an address: where the entry leads. */
function leadingFrom(entry: Value, address: Value, symbols: Symbols): Value | undefined {
  const symbol = symbols.tableOf(entry)
  if (symbol === undefined || symbol.from !== null || !isKnown(address) || baseOf(address) !== ADDRESS) return undefined
  return symbols.table({ ...symbol, from: offsetOf(address) })
}

/**
 * What a conditional jump, taken or not, says about what was compared.
 *
 * @returns false where it cannot go that way: a loop that probes the stack does not end with its first page.
 */
export function refine(state: FrameState, condition: Condition, taken: boolean): boolean {
  const { comparison } = state
  if (comparison === null || condition === null) return true
  switch (condition) {
    case 'equal':
    case 'not-equal':
      return taken === (condition === 'equal') ? equal(state, comparison) : true
    case 'above':
      if (!taken) bounded(state, comparison, comparison.number)
      return true
    case 'below-or-equal':
      if (taken) bounded(state, comparison, comparison.number)
      return true
    case 'above-or-equal':
      if (!taken) bounded(state, comparison, comparison.number - 1)
      return true
    case 'below':
      if (taken) bounded(state, comparison, comparison.number - 1)
      return true
  }
}

function equal(state: FrameState, { register, otherRegister }: Comparison): boolean {
  if (register === NONE || otherRegister === NONE) return true
  const a = state.registers[register]!
  const b = state.registers[otherRegister]!
  // Of other pairs nothing is concluded: one of them may have been in memory, where a called function can have changed it.
  const isSp = register === RSP || otherRegister === RSP
  if (isSp && isKnown(a) && isKnown(b) && baseOf(a) === baseOf(b) && ofStack(a)) return a === b
  // Of the two the one that hangs on the CFA says more.
  if (isKnown(b) && better(b, a)) state.registers[register] = b
  else if (isKnown(a) && better(a, b)) state.registers[otherRegister] = a
  return true
}

function better(a: Value, than: Value): boolean {
  return !isKnown(than) || baseOf(a) < baseOf(than)
}

function bounded(state: FrameState, { register, slot, otherRegister }: Comparison, bound: number): void {
  if (otherRegister !== NONE || bound < 0) return
  if (register !== NONE) state.bounds[register] = bound
  else if (isKnown(slot)) {
    state.boundSlot = slot
    state.slotBound = bound
  }
}
