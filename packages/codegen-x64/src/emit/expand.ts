// Expansions of conversions and of the float operations that x64 has no single instruction for.
//
// Labels bound here are local to one record; the jumps between them become short. Sources: Intel SDM vol. 2, "CVTTSD2SI" (what does not fit
// gives the smallest integer), "UCOMISD" (unordered sets ZF, PF and CF), "MINSD" (why it is not fmin).
//
// literals: MachOp

import { Inst } from '@framewright/asm-x64'
import { TrapCode } from '@framewright/ir'
import { LOCATION_SLOT } from '@framewright/regalloc'
import { MachOp } from '../machine/op.ts'
import * as record from '../machine/record.ts'
import { trapWhen } from './control.ts'
import type { Emitter } from './emitter.ts'
import { ROW_DOUBLE, ROW_R_RM } from './rows.ts'

const S32 = 2
const S64 = 3
const NO_OVERFLOW = 1
const BELOW = 2
const ABOVE_OR_EQUAL = 3
const EQUAL = 4
const NOT_EQUAL = 5
const BELOW_OR_EQUAL = 6
const SIGN = 8
const NO_SIGN = 9
const PARITY = 10
const NO_PARITY = 11
const GREATER_OR_EQUAL = 13
const LESS_OR_EQUAL = 14

export function emitExpansion(e: Emitter, at: number, op: number, header: number): void {
  const size = (header >> record.SIZE_SHIFT) & 3
  const double = (header & record.FLOAT64) !== 0
  switch (op) {
    case 97 /* MachOp.IntToFloat */:
      return intToFloat(e, at, op, header, size, double)
    case 108 /* MachOp.Uint64ToFloat */:
      return uint64ToFloat(e, at, double)
    case 98 /* MachOp.MovToXmm */:
      return movToXmm(e, at, size)
    case 99 /* MachOp.MovFromXmm */:
      return movFromXmm(e, at, size)
    case 100 /* MachOp.Fround */:
      return round(e, at, op, size)
    case 101 /* MachOp.Fmin */:
    case 102 /* MachOp.Fmax */:
      return minMax(e, at, op, size)
    case 103 /* MachOp.Fcmov */:
      return conditionalMove(e, at, header & record.COND_MASK, size)
    case 109 /* MachOp.Fma */:
      {
        const d = e.location(at, 0)
        e.toVector(size, d, e.location(at, 1))
        e.asm.vvv(size === 3 ? ROW_DOUBLE[op] : ROW_R_RM[op], size, d, e.location(at, 2), e.location(at, 3))
        return
      }
    case 104 /* MachOp.FloatToSint */:
      return new FloatToInt(e, at, size, double).signed()
    case 105 /* MachOp.FloatToUint */:
      return new FloatToInt(e, at, size, double).unsigned()
    case 106 /* MachOp.FloatToSintSat */:
      return new FloatToInt(e, at, size, double).signedSaturating()
    case 107 /* MachOp.FloatToUintSat */:
      return new FloatToInt(e, at, size, double).unsignedSaturating()
    default:
      throw new Error(`codegen-x64: internal error: no emission for machine operation ${op}`)
  }
}

/** The upper half of the result would be kept: clearing it first avoids waiting for whoever wrote it last. */
function intToFloat(e: Emitter, at: number, op: number, header: number, size: number, double: boolean): void {
  const d = e.location(at, 0)
  e.readSource(at, header, 1)
  const row = double ? ROW_DOUBLE[op] : ROW_R_RM[op]
  e.asm.zero(d)
  if (e.form === 0) e.asm.rr(row, size, d, e.register)
  else e.withMemory(row, size, d)
}

/** Values of 2^63 and more are halved, their lowest bit kept sticky so that rounding stays right, and doubled again. */
function uint64ToFloat(e: Emitter, at: number, double: boolean): void {
  const { asm } = e
  const d = e.location(at, 0)
  const half = e.location(at, 1)
  const sticky = e.location(at, 2)
  const x = e.location(at, 3)
  const convert = double ? Inst.Cvtsi2sd_x_rm : Inst.Cvtsi2ss_x_rm
  const large = asm.newLabel()
  const done = asm.newLabel()
  asm.zero(d)
  asm.rr(Inst.Test_rm_r, S64, x, x)
  asm.jcc(SIGN, large)
  asm.rr(convert, S64, d, x)
  asm.jmp(done)
  asm.bind(large)
  asm.rr(Inst.Mov_r_rm, S64, half, x)
  asm.rr(Inst.Mov_r_rm, S64, sticky, x)
  asm.ri(Inst.Shr_rm_imm, S64, half, 1)
  asm.ri(Inst.And_rm_imm, S32, sticky, 1)
  asm.rr(Inst.Or_r_rm, S64, half, sticky)
  asm.rr(convert, S64, d, half)
  asm.rr(double ? Inst.Addsd_x_xm : Inst.Addss_x_xm, 0, d, d)
  asm.bind(done)
}

function movToXmm(e: Emitter, at: number, size: number): void {
  const d = e.location(at, 0)
  const source = e.location(at, 1)
  if (source < LOCATION_SLOT) e.asm.rr(Inst.Movd_x_rm, size, d, source)
  else e.toVector(size, d, source)
}

function movFromXmm(e: Emitter, at: number, size: number): void {
  const d = e.location(at, 0)
  const source = e.location(at, 1)
  if (source < LOCATION_SLOT) e.asm.rr(Inst.Movd_rm_x, size, source, d)
  else e.toRegister(size, d, source)
}

function round(e: Emitter, at: number, op: number, size: number): void {
  const d = e.location(at, 0)
  const mode = e.code[at + 4]
  const row = size === 3 ? ROW_DOUBLE[op] : ROW_R_RM[op]
  e.readOperand(e.location(at, 1))
  if (e.form === 0) e.asm.rri(row, 0, d, e.register, mode)
  else e.asm.rmi(row, 0, d, e.base, e.index, e.scale, e.disp, mode)
}

/** minsd gives its second operand for NaN and for zeros of either sign; both cases are told apart by one comparison. */
function minMax(e: Emitter, at: number, op: number, size: number): void {
  const { asm } = e
  const d = e.location(at, 0)
  const b = e.location(at, 2)
  const double = size === 3
  const differ = asm.newLabel()
  const nan = asm.newLabel()
  const done = asm.newLabel()
  e.toVector(size, d, e.location(at, 1))
  asm.rr(double ? Inst.Ucomisd_x_xm : Inst.Ucomiss_x_xm, 0, d, b)
  asm.jcc(NOT_EQUAL, differ)
  asm.jcc(PARITY, nan)
  // Equal: for zeros of both signs the minimum has the sign bit of either, the maximum only that of both.
  asm.rr(op === MachOp.Fmin ? Inst.Orps_x_xm : Inst.Andps_x_xm, 0, d, b)
  asm.jmp(done)
  asm.bind(nan)
  asm.rr(double ? Inst.Addsd_x_xm : Inst.Addss_x_xm, 0, d, b)
  asm.jmp(done)
  asm.bind(differ)
  asm.rr(double ? ROW_DOUBLE[op] : ROW_R_RM[op], 0, d, b)
  asm.bind(done)
}

function conditionalMove(e: Emitter, at: number, condition: number, size: number): void {
  const { asm } = e
  const d = e.location(at, 0)
  const skip = asm.newLabel()
  e.toVector(size, d, e.location(at, 1))
  if (condition === record.FLOAT_EQ) {
    asm.jcc(NOT_EQUAL, skip)
    asm.jcc(PARITY, skip)
  } else if (condition === record.FLOAT_NE) {
    const take = asm.newLabel()
    asm.jcc(NOT_EQUAL, take)
    asm.jcc(NO_PARITY, skip)
    asm.bind(take)
  } else {
    asm.jcc(condition ^ 1, skip)
  }
  asm.rr(Inst.Movaps_x_xm, 0, d, e.location(at, 2))
  asm.bind(skip)
}

/** One conversion from float to integer. Operands: result, a vector and a general temporary, the float. */
class FloatToInt {
  readonly #e: Emitter
  readonly #d: number
  readonly #vector: number
  readonly #general: number
  readonly #x: number
  readonly #size: number
  readonly #double: boolean

  constructor(e: Emitter, at: number, size: number, double: boolean) {
    this.#e = e
    this.#d = e.location(at, 0)
    this.#vector = e.location(at, 1)
    this.#general = e.location(at, 2)
    this.#x = e.location(at, 3)
    this.#size = size
    this.#double = double
  }

  #convert(size: number, source: number): void {
    this.#e.asm.rr(this.#double ? Inst.Cvttsd2si_r_xm : Inst.Cvttss2si_r_xm, size, this.#d, source)
  }

  #compare(a: number, b: number): void {
    this.#e.asm.rr(this.#double ? Inst.Ucomisd_x_xm : Inst.Ucomiss_x_xm, 0, a, b)
  }

  /** Pool entry of a float that both formats hold exactly, or that only the double one needs. */
  #pool(value: number): number {
    const { asm } = this.#e
    const words = new Int32Array(2)
    if (this.#double) {
      const view = new DataView(words.buffer)
      view.setFloat64(0, value, true)
      return asm.constant64(view.getInt32(0, true), view.getInt32(4, true))
    }
    const view = new DataView(words.buffer)
    view.setFloat32(0, value, true)
    return asm.constant32(view.getInt32(0, true))
  }

  #load(value: number): void {
    this.#e.asm.rmPool(this.#double ? Inst.Movsd_x_xm : Inst.Movss_x_xm, 0, this.#vector, this.#pool(value))
  }

  /** vector = x - 2^63. */
  #lessTwoTo63(): void {
    const { asm } = this.#e
    asm.rr(Inst.Movaps_x_xm, 0, this.#vector, this.#x)
    asm.rmPool(this.#double ? Inst.Subsd_x_xm : Inst.Subss_x_xm, 0, this.#vector, this.#pool(2 ** 63))
  }

  /** The result differs from what the type holds: not a number, or too large. */
  #trapUnless(equal: number): void {
    const e = this.#e
    e.asm.jcc(EQUAL, equal)
    this.#compare(this.#x, this.#x)
    trapWhen(e, PARITY, TrapCode.BadConversionToInteger)
    trapWhen(e, NO_PARITY, TrapCode.IntegerOverflow)
  }

  signed(): void {
    const e = this.#e
    const { asm } = e
    const size = this.#size
    const done = asm.newLabel()
    if (size < 2) {
      this.#convert(S32, this.#x)
      asm.rr(size === 0 ? Inst.Movsx8_r_rm : Inst.Movsx16_r_rm, S32, this.#general, this.#d)
      asm.rr(Inst.Cmp_r_rm, S32, this.#general, this.#d)
      this.#trapUnless(done)
      asm.bind(done)
      return
    }
    this.#convert(size, this.#x)
    // Only the smallest integer overflows when 1 is taken away: the conversion failed, or it is the result.
    asm.ri(Inst.Cmp_rm_imm, size, this.#d, 1)
    asm.jcc(NO_OVERFLOW, done)
    this.#compare(this.#x, this.#x)
    trapWhen(e, PARITY, TrapCode.BadConversionToInteger)
    // What truncates to the smallest integer lies above this bound.
    const fraction = this.#double && size === 2
    this.#load(fraction ? -(2 ** 31) - 1 : -(2 ** (size === 2 ? 31 : 63)))
    this.#compare(this.#x, this.#vector)
    trapWhen(e, fraction ? BELOW_OR_EQUAL : BELOW, TrapCode.IntegerOverflow)
    asm.zero(this.#vector)
    this.#compare(this.#vector, this.#x)
    trapWhen(e, BELOW, TrapCode.IntegerOverflow)
    asm.bind(done)
  }

  unsigned(): void {
    const e = this.#e
    const { asm } = e
    const size = this.#size
    const done = asm.newLabel()
    if (size < 3) {
      const wide = size === 2 ? S64 : S32
      this.#convert(wide, this.#x)
      if (size === 2) asm.rr(Inst.Mov_r_rm, S32, this.#general, this.#d)
      else asm.rr(size === 0 ? Inst.Movzx8_r_rm : Inst.Movzx16_r_rm, S32, this.#general, this.#d)
      asm.rr(Inst.Cmp_r_rm, wide, this.#general, this.#d)
      this.#trapUnless(done)
      asm.bind(done)
      return
    }
    const large = asm.newLabel()
    this.#load(2 ** 63)
    this.#compare(this.#x, this.#vector)
    trapWhen(e, PARITY, TrapCode.BadConversionToInteger)
    asm.jcc(ABOVE_OR_EQUAL, large)
    this.#convert(S64, this.#x)
    asm.rr(Inst.Test_rm_r, S64, this.#d, this.#d)
    trapWhen(e, SIGN, TrapCode.IntegerOverflow)
    asm.jmp(done)
    asm.bind(large)
    this.#lessTwoTo63()
    this.#convert(S64, this.#vector)
    asm.rr(Inst.Test_rm_r, S64, this.#d, this.#d)
    trapWhen(e, SIGN, TrapCode.IntegerOverflow)
    this.#addTwoTo63()
    asm.bind(done)
  }

  #addTwoTo63(): void {
    const { asm } = this.#e
    asm.movImm(S64, this.#general, 0, -0x80000000)
    asm.rr(Inst.Xor_r_rm, S64, this.#d, this.#general)
  }

  signedSaturating(): void {
    const { asm } = this.#e
    const size = Math.max(this.#size, 2)
    const done = asm.newLabel()
    const number = asm.newLabel()
    this.#convert(size, this.#x)
    asm.ri(Inst.Cmp_rm_imm, size, this.#d, 1)
    asm.jcc(NO_OVERFLOW, done)
    this.#compare(this.#x, this.#x)
    asm.jcc(NO_PARITY, number)
    asm.zero(this.#d)
    asm.jmp(done)
    asm.bind(number)
    asm.zero(this.#vector)
    this.#compare(this.#x, this.#vector)
    asm.jcc(BELOW, done)
    // The smallest integer less 1 is the largest.
    asm.ri(Inst.Sub_rm_imm, size, this.#d, 1)
    asm.bind(done)
    if (this.#size >= 2) return
    const bits = 8 << this.#size
    this.#clamp(LESS_OR_EQUAL, 2 ** (bits - 1) - 1)
    this.#clamp(GREATER_OR_EQUAL, -(2 ** (bits - 1)))
  }

  /** d = bound unless d already is within it. */
  #clamp(within: number, bound: number): void {
    const { asm } = this.#e
    const skip = asm.newLabel()
    asm.ri(Inst.Cmp_rm_imm, S32, this.#d, bound)
    asm.jcc(within, skip)
    asm.movImm(S32, this.#d, bound, 0)
    asm.bind(skip)
  }

  unsignedSaturating(): void {
    if (this.#size === 3) this.#unsignedSaturating64()
    else this.#unsignedSaturatingNarrow()
  }

  #unsignedSaturatingNarrow(): void {
    const { asm } = this.#e
    const size = this.#size
    const done = asm.newLabel()
    const positive = asm.newLabel()
    const largest = asm.newLabel()
    this.#convert(S64, this.#x)
    asm.rr(Inst.Test_rm_r, S64, this.#d, this.#d)
    asm.jcc(NO_SIGN, positive)
    // Negative, not a number, or 2^63 and more.
    asm.zero(this.#vector)
    this.#compare(this.#x, this.#vector)
    asm.movImm(S32, this.#d, 0, 0)
    asm.jcc(BELOW_OR_EQUAL, done)
    asm.jmp(largest)
    asm.bind(positive)
    const mask = size === 2 ? -1 : (1 << (8 << size)) - 1
    asm.movImm(S32, this.#general, mask, 0)
    asm.rr(Inst.Cmp_r_rm, S64, this.#d, this.#general)
    asm.jcc(BELOW_OR_EQUAL, done)
    asm.bind(largest)
    asm.movImm(S32, this.#d, mask, 0)
    asm.bind(done)
  }

  #unsignedSaturating64(): void {
    const { asm } = this.#e
    const done = asm.newLabel()
    const large = asm.newLabel()
    const largest = asm.newLabel()
    this.#load(2 ** 63)
    this.#compare(this.#x, this.#vector)
    asm.jcc(ABOVE_OR_EQUAL, large)
    this.#convert(S64, this.#x)
    asm.rr(Inst.Test_rm_r, S64, this.#d, this.#d)
    asm.jcc(NO_SIGN, done)
    asm.zero(this.#d)
    asm.jmp(done)
    asm.bind(large)
    this.#lessTwoTo63()
    this.#convert(S64, this.#vector)
    asm.rr(Inst.Test_rm_r, S64, this.#d, this.#d)
    asm.jcc(SIGN, largest)
    this.#addTwoTo63()
    asm.jmp(done)
    asm.bind(largest)
    asm.movImm(S64, this.#d, -1, -1)
    asm.bind(done)
  }
}
