// Counting and reversing bits.
//
// Sequences are written backwards, last record first. Each function's comment shows them forwards.

import { Type } from '@framewright/ir'
import { MachOp } from '../machine/op.ts'
import * as record from '../machine/record.ts'
import type { Lowering } from './context.ts'
import { extension, widen, widened } from './integer.ts'
import { DEF, LATE, USE_ANY, USE_TIED } from './operand.ts'

const SIZE = record.SIZE_SHIFT
const ZERO = 4

/** A constant register of `size`, the low `bits`-wide pattern repeated by the caller. */
function pattern(c: Lowering, size: number, low: number): number {
  return c.constant(low, size === 3 ? low : 0, size === 3 ? Type.I64 : Type.I32)
}

/** `clz`: lzcnt; or bsr, which gives the index of the highest bit, and -1 by a conditional move where there is none. */
export function lowerClz(c: Lowering): void {
  const x = c.arg0[c.inst]
  const size = c.size(x)
  leadingZeros(c, c.result(), size, widened(c, x), (wide) => widen(c, wide, x, false))
}

/** d = leading zeros of a zero-extended register; `before` writes what fills the register. */
function leadingZeros(c: Lowering, d: number, size: number, operand: number, before: (operand: number) => void): void {
  const width = 8 << size
  const machineSize = Math.max(size, 2)
  const machineWidth = 8 << machineSize
  if (c.settings.hasLzcnt) {
    const count = width === machineWidth ? d : c.newVreg(false)
    if (count !== d) c.binaryImmediate(MachOp.Sub, 2, d, count, machineWidth - width)
    c.unary(MachOp.Lzcnt, machineSize, count, operand, USE_ANY)
  } else {
    // index = bsr x; index = x is 0 ? -1 : index; d = width - 1 - index
    const index = c.newVreg(false)
    const found = c.newVreg(false)
    const negated = c.newVreg(false)
    c.binaryImmediate(MachOp.Add, machineSize, d, negated, width - 1)
    c.unary(MachOp.Neg, machineSize, negated, index, USE_TIED)
    conditionalMove(
      c,
      ZERO,
      machineSize,
      index,
      found,
      c.constant(-1, machineSize === 3 ? -1 : 0, machineSize === 3 ? Type.I64 : Type.I32),
    )
    c.unary(MachOp.Bsr, machineSize, found, operand, USE_ANY)
  }
  before(operand)
}

/** d = condition ? b : a, by flags that the record before sets. */
function conditionalMove(c: Lowering, condition: number, size: number, d: number, a: number, b: number): void {
  c.buffer.begin(MachOp.Cmov, 3, 0, (size << SIZE) | condition)
  c.buffer.operand(DEF | d)
  c.buffer.operand(USE_TIED | a)
  c.buffer.operand(USE_ANY | LATE | b)
}

/** `ctz`: a bit above narrow types stops the search; tzcnt, or bsf with the width where there is no bit. */
export function lowerCtz(c: Lowering): void {
  const x = c.arg0[c.inst]
  const size = c.size(x)
  const machineSize = Math.max(size, 2)
  const d = c.result()
  const operand = size < 2 ? c.newVreg(false) : c.use(x)
  if (size < 2) {
    // With the stop bit the operand is never 0.
    c.unary(c.settings.hasBmi1 ? MachOp.Tzcnt : MachOp.Bsf, 2, d, operand, USE_ANY)
    c.binaryImmediate(MachOp.Or, 2, operand, c.use(x), 1 << (8 << size))
    return
  }
  if (c.settings.hasBmi1) {
    c.unary(MachOp.Tzcnt, machineSize, d, operand, USE_ANY)
    return
  }
  const found = c.newVreg(false)
  const width = c.constant(8 << size, 0, size === 3 ? Type.I64 : Type.I32)
  conditionalMove(c, ZERO, machineSize, d, found, width)
  c.unary(MachOp.Bsf, machineSize, found, operand, USE_ANY)
}

/** `cls`: bits equal to the sign after it: leading zeros of x ^ (x >> width - 1), less one. */
export function lowerCls(c: Lowering): void {
  const x = c.arg0[c.inst]
  const size = c.size(x)
  const machineSize = Math.max(size, 2)
  const source = widened(c, x)
  const count = c.newVreg(false)
  const folded = c.newVreg(false)
  const sign = c.newVreg(false)
  c.binaryImmediate(MachOp.Sub, machineSize, c.result(), count, 1)
  leadingZeros(c, count, size, folded, () => {
    c.binary(MachOp.Xor, machineSize, folded, source, sign)
    c.binaryImmediate(MachOp.Sar, machineSize, sign, source, 8 * 2 ** machineSize - 1)
  })
  widen(c, source, x, true)
}

/** `popcnt`: the instruction, or sums of ever wider fields (H. S. Warren, "Hacker's Delight", 5-1). */
export function lowerPopcnt(c: Lowering): void {
  const x = c.arg0[c.inst]
  const size = c.size(x)
  const machineSize = Math.max(size, 2)
  const operand = widened(c, x)
  if (c.settings.hasPopcnt) {
    c.unary(MachOp.Popcnt, machineSize, c.result(), operand, USE_ANY)
    widen(c, operand, x, false)
    return
  }
  const v = (): number => c.newVreg(false)
  const [pairs, half, odd, nibbles, low, high, shifted, bytes, quarter, sum] = [
    v(),
    v(),
    v(),
    v(),
    v(),
    v(),
    v(),
    v(),
    v(),
    v(),
  ]
  const spread = c.newVreg(false)
  const m1 = pattern(c, machineSize, 0x55555555)
  const m2 = pattern(c, machineSize, 0x33333333)
  const m4 = pattern(c, machineSize, 0x0f0f0f0f)
  // pairs = x - ((x >> 1) & m1); nibbles = (pairs & m2) + ((pairs >> 2) & m2); bytes = (nibbles + (nibbles >> 4)) & m4;
  // d = (bytes * 0x01010101...) >> (width - 8)
  c.binaryImmediate(MachOp.Shr, machineSize, c.result(), spread, (8 << machineSize) - 8)
  c.binary(MachOp.Imul, machineSize, spread, bytes, pattern(c, machineSize, 0x01010101))
  c.binary(MachOp.And, machineSize, bytes, sum, m4)
  c.binary(MachOp.Add, machineSize, sum, nibbles, quarter)
  c.binaryImmediate(MachOp.Shr, machineSize, quarter, nibbles, 4)
  c.binary(MachOp.Add, machineSize, nibbles, low, high)
  c.binary(MachOp.And, machineSize, high, shifted, m2)
  c.binaryImmediate(MachOp.Shr, machineSize, shifted, pairs, 2)
  c.binary(MachOp.And, machineSize, low, pairs, m2)
  c.binary(MachOp.Sub, machineSize, pairs, operand, odd)
  c.binary(MachOp.And, machineSize, odd, half, m1)
  c.binaryImmediate(MachOp.Shr, machineSize, half, operand, 1)
  widen(c, operand, x, false)
}

/** `bswap`; 16 bits by a rotate. */
export function lowerBswap(c: Lowering): void {
  const x = c.arg0[c.inst]
  const size = c.size(x)
  if (size === 1) c.binaryImmediate(MachOp.Rol, 1, c.result(), c.use(x), 8)
  else c.unary(MachOp.Bswap, size, c.result(), c.use(x), USE_TIED)
}

/** `bitrev`: neighbours, pairs and nibbles change places, then bytes (Hacker's Delight, 7-1). */
export function lowerBitrev(c: Lowering): void {
  const x = c.arg0[c.inst]
  const size = c.size(x)
  const machineSize = Math.max(size, 2)
  const reversedBytes = c.newVreg(false)
  if (size === 0) {
    c.unary(extension(0, false), 2, c.result(), reversedBytes, USE_ANY)
  } else if (size === 1) {
    c.binaryImmediate(MachOp.Rol, 1, c.result(), reversedBytes, 8)
  } else {
    c.unary(MachOp.Bswap, size, c.result(), reversedBytes, USE_TIED)
  }
  const pairs = c.newVreg(false)
  const bits = c.newVreg(false)
  swapFields(c, machineSize, reversedBytes, pairs, 4, 0x0f0f0f0f)
  swapFields(c, machineSize, pairs, bits, 2, 0x33333333)
  swapFields(c, machineSize, bits, c.use(x), 1, 0x55555555)
}

/** d = ((x >> by) & mask) | ((x & mask) << by). */
function swapFields(c: Lowering, size: number, d: number, x: number, by: number, mask: number): void {
  const v = (): number => c.newVreg(false)
  const [down, up, kept, shifted] = [v(), v(), v(), v()]
  const m = pattern(c, size, mask)
  c.binary(MachOp.Or, size, d, down, up)
  c.binaryImmediate(MachOp.Shl, size, up, kept, by)
  c.binary(MachOp.And, size, kept, x, m)
  c.binary(MachOp.And, size, down, shifted, m)
  c.binaryImmediate(MachOp.Shr, size, shifted, x, by)
}
