// Division and its traps.
//
// A hardware division raises #DE both for a divisor of 0 and for a quotient that does not fit. Where only one of the two can happen the
// instruction itself is the trap site; where both can, the divisor is tested first. 8- and 16-bit divisions are done in 32 bits, where the
// quotient always fits, so the one quotient that is too large is looked for afterwards.

import { Opcode, TrapCode, Type } from '@framewright/ir'
import { MachOp } from '../machine/op.ts'
import * as record from '../machine/record.ts'
import type { Lowering } from './context.ts'
import { trapIf } from './control.ts'
import { powerOfTwo, widen, widened } from './integer.ts'
import { magicSigned, magicUnsigned } from './magic.ts'
import { DEF, fixedDef, fixedUse, LATE, USE, USE_ANY } from './operand.ts'

const RAX = 0
const RDX = 2
const SIZE = record.SIZE_SHIFT
const TRAP = record.TRAP_SHIFT
const EQUAL = 4

export function lowerDivide(c: Lowering): void {
  const op = c.opcode[c.inst]
  const signed = op === Opcode.Sdiv || op === Opcode.Srem
  const remainder = op === Opcode.Urem || op === Opcode.Srem
  const x = c.arg0[c.inst]
  const y = c.arg1[c.inst]
  const size = c.size(x)
  const machineSize = Math.max(size, 2)
  let d = c.result()
  const asked = d >= 0
  if (!asked) d = c.newVreg(false)

  const known = c.matchConstant(y)
  let divisorIsZero = false
  let divisorIsMinusOne = false
  if (known) {
    divisorIsZero = c.low === 0 && c.high === 0
    const ones = size === 3 ? c.low === -1 && c.high === -1 : (c.low | (size === 2 ? 0 : -1 << (8 << size))) === -1
    divisorIsMinusOne = signed && ones
    if (!divisorIsZero && !divisorIsMinusOne) {
      if (!asked) return
      if (divideByConstant(c, signed, remainder, size, d, c.low, c.high)) return
    }
  }
  const mayBeZero = !known || divisorIsZero
  const mayOverflow = signed && (!known || divisorIsMinusOne)

  // Too large a quotient of narrow types: the only one is 2^(bits - 1).
  if (size < 2 && mayOverflow && !remainder) {
    trapIf(c, EQUAL, TrapCode.IntegerOverflow)
    c.buffer.begin(MachOp.Cmp, 1, 1, (2 << SIZE) | record.SOURCE_IMMEDIATE)
    c.buffer.operand(USE_ANY | d)
    c.buffer.payload(1 << ((8 << size) - 1))
  }
  const a = widened(c, x)
  const b = widened(c, y)
  const overflowsInHardware = mayOverflow && size >= 2
  let code = mayBeZero ? TrapCode.IntegerDivisionByZero : 0
  let operation: number = signed ? MachOp.Idiv : MachOp.Div
  if (overflowsInHardware) {
    if (remainder) operation = MachOp.Srem
    else code = TrapCode.IntegerOverflow
  }
  c.buffer.begin(operation, 3, 0, (machineSize << SIZE) | (code << TRAP))
  c.buffer.operand(fixedDef(remainder ? RDX : RAX) | d)
  c.buffer.operand(fixedUse(RAX) | a)
  c.buffer.operand((operation === MachOp.Srem ? USE : USE_ANY) | LATE | b)
  c.buffer.clobber((1 << RAX) | (1 << RDX))
  if (overflowsInHardware && !remainder && mayBeZero) {
    trapIf(c, EQUAL, TrapCode.IntegerDivisionByZero)
    c.buffer.begin(MachOp.Test, 1, 0, (machineSize << SIZE) | record.EXACT)
    c.buffer.operand(USE_ANY | b)
  }
  widen(c, a, x, signed)
  widen(c, b, y, signed)
}

/** Division by a known divisor other than 0 and -1, as shifts and multiplications. False where the plain division is to be used. */
function divideByConstant(
  c: Lowering,
  signed: boolean,
  remainder: boolean,
  size: number,
  d: number,
  low: number,
  high: number,
): boolean {
  if (size < 2) return false
  const x = c.arg0[c.inst]
  const bit = powerOfTwo(low, high)
  const negativeMinimum = signed && bit === (8 << size) - 1
  if (bit >= 0 && !negativeMinimum) {
    if (signed) signedPowerOfTwo(c, remainder, size, d, bit)
    else if (!remainder) c.binaryImmediate(MachOp.Shr, size, d, c.use(x), bit)
    else maskLow(c, d, c.use(x), bit)
    return true
  }
  if (negativeMinimum) return false
  if (signed && high < 0 && size === 3) return false
  if (signed && low < 0 && size === 2) return false
  byMultiplication(c, signed, remainder, size, d, low, high)
  return true
}

/** d = x & (2^bit - 1). */
function maskLow(c: Lowering, d: number, x: number, bit: number): void {
  if (bit < 32) {
    // A 32-bit operation clears the upper half, and a mask of at most 31 bits is a positive immediate.
    c.binaryImmediate(MachOp.And, 2, d, x, 0x7fffffff >>> (31 - bit))
    return
  }
  const mask = c.constant(-1, 0x7fffffff >>> (63 - bit), Type.I64)
  c.binary(MachOp.And, 3, d, x, mask)
}

/** Signed division by 2^bit rounds towards zero: 2^bit - 1 is added to negative dividends first. */
function signedPowerOfTwo(c: Lowering, remainder: boolean, size: number, d: number, bit: number): void {
  const x = c.use(c.arg0[c.inst])
  const width = 8 << size
  if (bit === 0) {
    if (remainder) c.binary(MachOp.Xor, size, d, x, x)
    else c.binaryImmediate(MachOp.Add, size, d, x, 0)
    return
  }
  const biased = c.newVreg(false)
  const bias = c.newVreg(false)
  const sign = c.newVreg(false)
  if (remainder) {
    const whole = c.newVreg(false)
    const quotient = c.newVreg(false)
    c.binary(MachOp.Sub, size, d, x, whole)
    c.binaryImmediate(MachOp.Shl, size, whole, quotient, bit)
    c.binaryImmediate(MachOp.Sar, size, quotient, biased, bit)
  } else {
    c.binaryImmediate(MachOp.Sar, size, d, biased, bit)
  }
  c.binary(MachOp.Add, size, biased, x, bias)
  c.binaryImmediate(MachOp.Shr, size, bias, sign, width - bit)
  c.binaryImmediate(MachOp.Sar, size, sign, x, width - 1)
}

/** Granlund and Montgomery, "Division by Invariant Integers using Multiplication": the quotient is the high half of a product. */
function byMultiplication(
  c: Lowering,
  signed: boolean,
  remainder: boolean,
  size: number,
  d: number,
  low: number,
  high: number,
): void {
  const width = 8 << size
  const x = c.use(c.arg0[c.inst])
  const type = size === 3 ? Type.I64 : Type.I32
  const divisor = BigInt.asUintN(width, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0))
  let quotient = d
  if (remainder) {
    quotient = c.newVreg(false)
    const product = c.newVreg(false)
    c.binary(MachOp.Sub, size, d, x, product)
    const fits = size === 2 || high === low >> 31
    if (fits) {
      c.buffer.begin(MachOp.ImulImm, 2, 1, size << SIZE)
      c.buffer.operand(DEF | product)
      c.buffer.operand(USE_ANY | quotient)
      c.buffer.payload(low)
    } else {
      c.binary(MachOp.Imul, size, product, quotient, c.constant(low, high, type))
    }
  }
  if (signed) signedQuotient(c, size, quotient, x, divisor, type)
  else unsignedQuotient(c, size, quotient, x, divisor, type)
}

function multiplyHigh(
  c: Lowering,
  signed: boolean,
  size: number,
  d: number,
  x: number,
  multiplier: bigint,
  type: number,
): void {
  const factor = c.constant(
    Number(BigInt.asIntN(32, multiplier)),
    type === Type.I64 ? Number(BigInt.asIntN(32, multiplier >> 32n)) : 0,
    type,
  )
  c.buffer.begin(signed ? MachOp.ImulWide : MachOp.Mul, 3, 0, size << SIZE)
  c.buffer.operand(fixedDef(RDX) | d)
  c.buffer.operand(fixedUse(RAX) | factor)
  c.buffer.operand(USE_ANY | LATE | x)
  c.buffer.clobber((1 << RAX) | (1 << RDX))
}

function unsignedQuotient(c: Lowering, size: number, quotient: number, x: number, divisor: bigint, type: number): void {
  const { multiplier, shift, add, preShift } = magicUnsigned(divisor, 8 << size)
  if (add) {
    // The multiplier has one bit more than the register: q = (((x - t) >> 1) + t) >> (shift - 1), t = high half.
    const t = c.newVreg(false)
    const difference = c.newVreg(false)
    const half = c.newVreg(false)
    const sum = c.newVreg(false)
    c.binaryImmediate(MachOp.Shr, size, quotient, sum, shift - 1)
    c.binary(MachOp.Add, size, sum, half, t)
    c.binaryImmediate(MachOp.Shr, size, half, difference, 1)
    c.binary(MachOp.Sub, size, difference, x, t)
    multiplyHigh(c, false, size, t, x, multiplier, type)
    return
  }
  let product = quotient
  if (shift > 0) {
    product = c.newVreg(false)
    c.binaryImmediate(MachOp.Shr, size, quotient, product, shift)
  }
  const operand = preShift > 0 ? c.newVreg(false) : x
  multiplyHigh(c, false, size, product, operand, multiplier, type)
  if (preShift > 0) c.binaryImmediate(MachOp.Shr, size, operand, x, preShift)
}

function signedQuotient(c: Lowering, size: number, quotient: number, x: number, divisor: bigint, type: number): void {
  const { multiplier, shift, add } = magicSigned(divisor, 8 << size)
  const sign = c.newVreg(false)
  const shifted = shift > 0 ? c.newVreg(false) : -1
  const high = c.newVreg(false)
  const sum = add ? c.newVreg(false) : high
  c.binary(MachOp.Sub, size, quotient, shift > 0 ? shifted : sum, sign)
  if (shift > 0) c.binaryImmediate(MachOp.Sar, size, shifted, sum, shift)
  if (add) c.binary(MachOp.Add, size, sum, high, x)
  multiplyHigh(c, true, size, high, x, multiplier, type)
  c.binaryImmediate(MachOp.Sar, size, sign, x, (8 << size) - 1)
}
