/**
 * DWARF expressions over what is known: registers, the stack, and arithmetic on them. DWARF 5, 2.5.1, with register numbers
 * of the System V AMD64 ABI, figure 3.36.
 */

import type { FrameState } from './state.ts'
import { ADDRESS, baseOf, isKnown, makeValue, moved, NUMBER, offsetOf, ofStack, UNKNOWN, type Value } from './value.ts'

/** General registers by DWARF number 0 to 15. */
const general = [0, 2, 1, 3, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15]
const DWARF_RIP = 16
/** Addresses are counted from a multiple of this, so lower bits of a difference are those of the address. */
const PAGE = 4096

/**
 * @param expression - hexadecimal digits, as rows have them.
 * @param start - what is on the stack at first.
 * @param address - of the instruction.
 * @returns UNKNOWN where an operation is not followed, or an operand is not known.
 */
export function evaluate(expression: string, start: readonly Value[], state: FrameState, address: number): Value {
  const bytes: number[] = []
  for (let i = 0; i < expression.length; i += 2) bytes.push(Number.parseInt(expression.slice(i, i + 2), 16))
  const stack = [...start]
  let at = 0
  const leb = (signed: boolean): number => {
    let value = 0
    let weight = 1
    for (;;) {
      const byte = bytes[at++] ?? 0
      value += (byte & 0x7f) * weight
      weight *= 128
      if ((byte & 0x80) === 0) return signed && (byte & 0x40) !== 0 ? value - weight : value
    }
  }
  const fixed = (size: number, signed: boolean): number => {
    let value = 0
    for (let i = 0; i < size; i++) value += (bytes[at++] ?? 0) * 2 ** (8 * i)
    return signed && value >= 2 ** (8 * size - 1) ? value - 2 ** (8 * size) : value
  }
  const register = (dwarf: number, offset: number): Value => {
    if (dwarf === DWARF_RIP) return makeValue(ADDRESS, address + offset)
    const hardware = general[dwarf]
    return hardware === undefined ? UNKNOWN : moved(state.registers[hardware]!, offset)
  }
  const pop = (): Value => stack.pop() ?? UNKNOWN
  while (at < bytes.length) {
    const op = bytes[at++]!
    if (op >= 0x30 && op <= 0x4f) stack.push(makeValue(NUMBER, op - 0x30))
    else if (op >= 0x70 && op <= 0x8f) stack.push(register(op - 0x70, leb(true)))
    else if (op >= 0x08 && op <= 0x0d) stack.push(makeValue(NUMBER, fixed(1 << ((op - 8) >> 1), (op & 1) === 1)))
    else {
      switch (op) {
        case 0x06 /* DW_OP_deref */:
          stack.push(loaded(pop(), state))
          break
        case 0x10 /* DW_OP_constu */:
          stack.push(makeValue(NUMBER, leb(false)))
          break
        case 0x11 /* DW_OP_consts */:
          stack.push(makeValue(NUMBER, leb(true)))
          break
        case 0x12 /* DW_OP_dup */:
          {
            const value = pop()
            stack.push(value, value)
            break
          }
        case 0x13 /* DW_OP_drop */:
          pop()
          break
        case 0x16 /* DW_OP_swap */:
          {
            const upper = pop()
            const lower = pop()
            stack.push(upper, lower)
            break
          }
        case 0x23 /* DW_OP_plus_uconst */:
          stack.push(moved(pop(), leb(false)))
          break
        case 0x92 /* DW_OP_bregx */:
          {
            const dwarf = leb(false)
            stack.push(register(dwarf, leb(true)))
            break
          }
        case 0x96 /* DW_OP_nop */:
          break
        default: {
          const b = pop()
          stack.push(binary(op, pop(), b))
        }
      }
    }
  }
  return pop()
}

function loaded(address: Value, state: FrameState): Value {
  const value = state.load(address, 8)
  return isKnown(value) ? value : UNKNOWN
}

function binary(op: number, a: Value, b: Value): Value {
  if (!isKnown(a) || !isKnown(b)) return UNKNOWN
  const x = offsetOf(a)
  const y = offsetOf(b)
  const numbers = baseOf(a) === NUMBER && baseOf(b) === NUMBER
  const truth = (is: boolean): Value => makeValue(NUMBER, is ? 1 : 0)
  switch (op) {
    case 0x1a /* DW_OP_and */:
      if (numbers && x >= 0 && y >= 0 && x < 2 ** 31 && y < 2 ** 31) return makeValue(NUMBER, x & y)
      if (baseOf(a) === ADDRESS && baseOf(b) === NUMBER && y >= 0 && y < PAGE) {
        return makeValue(NUMBER, (((x % PAGE) + PAGE) % PAGE) & y)
      }
      return UNKNOWN
    case 0x22 /* DW_OP_plus */:
      if (baseOf(b) === NUMBER) return moved(a, y)
      return baseOf(a) === NUMBER ? moved(b, x) : UNKNOWN
    case 0x1c /* DW_OP_minus */:
      if (baseOf(b) === NUMBER) return moved(a, -y)
      return baseOf(a) === baseOf(b) && ofStack(a) ? makeValue(NUMBER, x - y) : UNKNOWN
    case 0x24 /* DW_OP_shl */:
      return numbers && y >= 0 && y < 32 ? makeValue(NUMBER, x * 2 ** y) : UNKNOWN
    case 0x29 /* DW_OP_eq */:
      return numbers ? truth(x === y) : UNKNOWN
    case 0x2a /* DW_OP_ge */:
      return numbers ? truth(x >= y) : UNKNOWN
    case 0x2b /* DW_OP_gt */:
      return numbers ? truth(x > y) : UNKNOWN
    case 0x2c /* DW_OP_le */:
      return numbers ? truth(x <= y) : UNKNOWN
    case 0x2d /* DW_OP_lt */:
      return numbers ? truth(x < y) : UNKNOWN
    case 0x2e /* DW_OP_ne */:
      return numbers ? truth(x !== y) : UNKNOWN
    default:
      return UNKNOWN
  }
}
