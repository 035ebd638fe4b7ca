// One method per opcode. Operands are checked against the table of opcodes; the methods only say in which order a caller
// gives them, and put immediates into their columns. A test holds this file against the table.

import type { FloatCC, IntCC } from '../condition-codes.ts'
import type {
  Block,
  Constant,
  DynamicStackSlot,
  FuncRef,
  GlobalValue,
  Inst,
  SigRef,
  StackSlot,
  Value,
} from '../entities.ts'
import type { AtomicRmwOp } from '../format.ts'
import { DEFAULT_MEM_FLAGS, type MemFlags } from '../memory-flags.ts'
import { Opcode } from '../opcode.ts'
import type { TrapCode } from '../trap-codes.ts'
import type { Type } from '../types.ts'
import type { BlockTarget, TryTarget } from './emitter.ts'
import type { ExceptionHandlers } from './format-emitter.ts'
import { FormatEmitter } from './format-emitter.ts'

/** The methods that add instructions, one per opcode. */
export class InstructionBuilder extends FormatEmitter {
  /** Goes to a block. */
  jump(block: Block, args: readonly Value[] = []): Inst {
    return this.jumping(block, args)
  }

  /** Goes to the first target when the condition is not 0, else to the second. */
  brif(c: Value, then: BlockTarget | Block, otherwise: BlockTarget | Block): Inst {
    return this.branching(c, then, otherwise)
  }

  /** Goes to the entry of that index, to the default when there is none. The index is an unsigned i32. */
  brTable(x: Value, otherwise: BlockTarget | Block, entries: readonly (BlockTarget | Block)[]): Inst {
    return this.tableBranching(x, otherwise, entries)
  }

  /** Stops in a debugger; execution may go on. */
  debugtrap(): Inst {
    return this.emit(Opcode.Debugtrap, 0)
  }

  /** Ends with a trap. */
  trap(code: TrapCode): Inst {
    return this.trapping(Opcode.Trap, code)
  }

  /** Traps when the operand is 0. */
  trapz(c: Value, code: TrapCode): Inst {
    return this.trapping(Opcode.Trapz, code, c)
  }

  /** Traps when the operand is not 0. */
  trapnz(c: Value, code: TrapCode): Inst {
    return this.trapping(Opcode.Trapnz, code, c)
  }

  /** Returns from the function. */
  return(values: readonly Value[] = []): Inst {
    return this.emitReturn(values)
  }

  /** Calls a function. */
  call(callee: FuncRef, args: readonly Value[] = []): Value[] {
    return this.resultsOf(this.calling(Opcode.Call, callee, args))
  }

  /** Calls the function at an address. */
  callIndirect(signature: SigRef, callee: Value, args: readonly Value[] = []): Value[] {
    return this.resultsOf(this.callingIndirectly(Opcode.CallIndirect, signature, callee, args))
  }

  /** Calls a function in place of this one. */
  returnCall(callee: FuncRef, args: readonly Value[] = []): Inst {
    return this.calling(Opcode.ReturnCall, callee, args)
  }

  /** Calls the function at an address in place of this one. */
  returnCallIndirect(signature: SigRef, callee: Value, args: readonly Value[] = []): Inst {
    return this.callingIndirectly(Opcode.ReturnCallIndirect, signature, callee, args)
  }

  /** The address of a function. */
  funcAddr(type: Type, callee: FuncRef): Value {
    return this.addressOfFunction(type, callee)
  }

  /** Calls a function; goes on in one of several blocks. */
  tryCall(callee: FuncRef, args: readonly Value[], normal: TryTarget, handlers: ExceptionHandlers): Inst {
    return this.trying(callee, args, normal, handlers)
  }

  /** Calls the function at an address; goes on in one of several blocks. */
  tryCallIndirect(
    signature: SigRef,
    callee: Value,
    args: readonly Value[],
    normal: TryTarget,
    handlers: ExceptionHandlers,
  ): Inst {
    return this.tryingIndirectly(signature, callee, args, normal, handlers)
  }

  /** A vector with the value in every lane. */
  splat(type: Type, x: Value): Value {
    return this.value(Opcode.Splat, type, x)
  }

  /** Picks bytes of x by the indices in y; an index over 15 gives 0. */
  swizzle(x: Value, y: Value): Value {
    return this.value(Opcode.Swizzle, 0, x, y)
  }

  /** Picks bytes of x by the low four bits in y; a set top bit gives 0. */
  x86Pshufb(x: Value, y: Value): Value {
    return this.value(Opcode.X86Pshufb, 0, x, y)
  }

  /** The vector with one lane replaced. */
  insertlane(x: Value, y: Value, lane: number): Value {
    return this.lane(Opcode.Insertlane, lane, x, y)
  }

  /** One lane of a vector. */
  extractlane(x: Value, lane: number): Value {
    return this.lane(Opcode.Extractlane, lane, x)
  }

  /** The lesser, signed. */
  smin(x: Value, y: Value): Value {
    return this.value(Opcode.Smin, 0, x, y)
  }

  /** The lesser, unsigned. */
  umin(x: Value, y: Value): Value {
    return this.value(Opcode.Umin, 0, x, y)
  }

  /** The greater, signed. */
  smax(x: Value, y: Value): Value {
    return this.value(Opcode.Smax, 0, x, y)
  }

  /** The greater, unsigned. */
  umax(x: Value, y: Value): Value {
    return this.value(Opcode.Umax, 0, x, y)
  }

  /** The average, rounded up, unsigned. */
  avgRound(x: Value, y: Value): Value {
    return this.value(Opcode.AvgRound, 0, x, y)
  }

  /** The sum, saturated, unsigned. */
  uaddSat(x: Value, y: Value): Value {
    return this.value(Opcode.UaddSat, 0, x, y)
  }

  /** The sum, saturated, signed. */
  saddSat(x: Value, y: Value): Value {
    return this.value(Opcode.SaddSat, 0, x, y)
  }

  /** The difference, saturated, unsigned. */
  usubSat(x: Value, y: Value): Value {
    return this.value(Opcode.UsubSat, 0, x, y)
  }

  /** The difference, saturated, signed. */
  ssubSat(x: Value, y: Value): Value {
    return this.value(Opcode.SsubSat, 0, x, y)
  }

  /** Loads a value. */
  load(type: Type, flags: MemFlags, p: Value, offset = 0): Value {
    return this.access(Opcode.Load, type, flags, offset, p)
  }

  /** Stores a value. */
  store(flags: MemFlags, x: Value, p: Value, offset = 0): Inst {
    return this.storing(Opcode.Store, flags, offset, x, p)
  }

  /** Loads 8 bits, zero-extended. */
  uload8(type: Type, flags: MemFlags, p: Value, offset = 0): Value {
    return this.access(Opcode.Uload8, type, flags, offset, p)
  }

  /** Loads 8 bits, sign-extended. */
  sload8(type: Type, flags: MemFlags, p: Value, offset = 0): Value {
    return this.access(Opcode.Sload8, type, flags, offset, p)
  }

  /** Stores the low 8 bits. */
  istore8(flags: MemFlags, x: Value, p: Value, offset = 0): Inst {
    return this.storing(Opcode.Istore8, flags, offset, x, p)
  }

  /** Loads 16 bits, zero-extended. */
  uload16(type: Type, flags: MemFlags, p: Value, offset = 0): Value {
    return this.access(Opcode.Uload16, type, flags, offset, p)
  }

  /** Loads 16 bits, sign-extended. */
  sload16(type: Type, flags: MemFlags, p: Value, offset = 0): Value {
    return this.access(Opcode.Sload16, type, flags, offset, p)
  }

  /** Stores the low 16 bits. */
  istore16(flags: MemFlags, x: Value, p: Value, offset = 0): Inst {
    return this.storing(Opcode.Istore16, flags, offset, x, p)
  }

  /** Loads 32 bits, zero-extended to i64. */
  uload32(flags: MemFlags, p: Value, offset = 0): Value {
    return this.access(Opcode.Uload32, 0, flags, offset, p)
  }

  /** Loads 32 bits, sign-extended to i64. */
  sload32(flags: MemFlags, p: Value, offset = 0): Value {
    return this.access(Opcode.Sload32, 0, flags, offset, p)
  }

  /** Stores the low 32 bits. */
  istore32(flags: MemFlags, x: Value, p: Value, offset = 0): Inst {
    return this.storing(Opcode.Istore32, flags, offset, x, p)
  }

  /** Goes on on another stack. */
  stackSwitch(storeContextPtr: Value, loadContextPtr: Value, inPayload0: Value): Value {
    return this.value(Opcode.StackSwitch, 0, storeContextPtr, loadContextPtr, inPayload0)
  }

  /** Loads eight bytes, each zero-extended to 16 bits. */
  uload8x8(flags: MemFlags, p: Value, offset = 0): Value {
    return this.access(Opcode.Uload8x8, 0, flags, offset, p)
  }

  /** Loads eight bytes, each sign-extended to 16 bits. */
  sload8x8(flags: MemFlags, p: Value, offset = 0): Value {
    return this.access(Opcode.Sload8x8, 0, flags, offset, p)
  }

  /** Loads four 16-bit lanes, each zero-extended to 32 bits. */
  uload16x4(flags: MemFlags, p: Value, offset = 0): Value {
    return this.access(Opcode.Uload16x4, 0, flags, offset, p)
  }

  /** Loads four 16-bit lanes, each sign-extended to 32 bits. */
  sload16x4(flags: MemFlags, p: Value, offset = 0): Value {
    return this.access(Opcode.Sload16x4, 0, flags, offset, p)
  }

  /** Loads two 32-bit lanes, each zero-extended to 64 bits. */
  uload32x2(flags: MemFlags, p: Value, offset = 0): Value {
    return this.access(Opcode.Uload32x2, 0, flags, offset, p)
  }

  /** Loads two 32-bit lanes, each sign-extended to 64 bits. */
  sload32x2(flags: MemFlags, p: Value, offset = 0): Value {
    return this.access(Opcode.Sload32x2, 0, flags, offset, p)
  }

  /** The address of a stack slot, plus an offset inside it. */
  stackAddr(type: Type, slot: StackSlot, offset = 0): Value {
    return this.addressOfSlot(type, slot, offset)
  }

  /** The address of a dynamic stack slot. */
  dynamicStackAddr(type: Type, slot: DynamicStackSlot): Value {
    return this.addressOfDynamicSlot(type, slot)
  }

  /** The value of a global. */
  symbolValue(type: Type, global: GlobalValue): Value {
    return this.global(Opcode.SymbolValue, type, global)
  }

  /** The address of a thread-local global. */
  tlsValue(type: Type, global: GlobalValue): Value {
    return this.global(Opcode.TlsValue, type, global)
  }

  /** The value of the pinned register. */
  getPinnedReg(type: Type): Value {
    return this.value(Opcode.GetPinnedReg, type)
  }

  /** Sets the pinned register. */
  setPinnedReg(addr: Value): Inst {
    return this.emit(Opcode.SetPinnedReg, 0, addr)
  }

  /** The frame pointer. */
  getFramePointer(type: Type): Value {
    return this.value(Opcode.GetFramePointer, type)
  }

  /** The stack pointer. */
  getStackPointer(type: Type): Value {
    return this.value(Opcode.GetStackPointer, type)
  }

  /** The return address. */
  getReturnAddress(type: Type): Value {
    return this.value(Opcode.GetReturnAddress, type)
  }

  /** The address of a handler of the try_call that ends a block. */
  getExceptionHandlerAddress(type: Type, block: Block, index: number): Value {
    return this.handlerAddress(type, block, index)
  }

  /** An integer constant, from -2^(w-1) to 2^w-1. */
  iconst(type: Type, n: number | bigint): Value {
    return this.integerConstant(type, n)
  }

  /** An f16 constant, by its bits. */
  f16const(bits: number): Value {
    return this.halfConstant(bits)
  }

  /** An f32 constant; a number is rounded to nearest, a bigint is taken as bits. */
  f32const(n: number | bigint): Value {
    return this.singleConstant(n)
  }

  /** An f64 constant; a bigint is taken as bits. */
  f64const(n: number | bigint): Value {
    return this.doubleConstant(n)
  }

  /** An f128 constant, by its 128 bits or a declared constant. */
  f128const(n: bigint | Constant): Value {
    return this.quadConstant(n)
  }

  /** A vector constant: its bytes, little-endian, or a declared constant. */
  vconst(type: Type, n: Uint8Array | Constant): Value {
    return this.vectorConstant(type, n)
  }

  /** Picks bytes of a and b, seen as one vector of 32, by a mask of 16 indices. */
  shuffle(a: Value, b: Value, mask: Uint8Array): Value {
    return this.shuffling(a, b, mask)
  }

  /** Does nothing. */
  nop(): Inst {
    return this.emit(Opcode.Nop, 0)
  }

  /** x when the condition is not 0, else y. */
  select(c: Value, x: Value, y: Value): Value {
    return this.value(Opcode.Select, 0, c, x, y)
  }

  /** As select, never by a branch. */
  selectSpectreGuard(c: Value, x: Value, y: Value): Value {
    return this.value(Opcode.SelectSpectreGuard, 0, c, x, y)
  }

  /** Bits of x where c is set, of y elsewhere. */
  bitselect(c: Value, x: Value, y: Value): Value {
    return this.value(Opcode.Bitselect, 0, c, x, y)
  }

  /** Lanes of x where the top bit of c's lane is set, of y elsewhere. */
  blendv(c: Value, x: Value, y: Value): Value {
    return this.value(Opcode.Blendv, 0, c, x, y)
  }

  /** 1 when any lane is not 0. */
  vanyTrue(a: Value): Value {
    return this.value(Opcode.VanyTrue, 0, a)
  }

  /** 1 when no lane is 0. */
  vallTrue(a: Value): Value {
    return this.value(Opcode.VallTrue, 0, a)
  }

  /** The sign bits of the lanes, lane 0 lowest. */
  vhighBits(type: Type, a: Value): Value {
    return this.value(Opcode.VhighBits, type, a)
  }

  /** Compares integers: 1 or 0, or all ones or zeros in each lane. */
  icmp(condition: IntCC, x: Value, y: Value): Value {
    return this.compare(Opcode.Icmp, condition, x, y)
  }

  /** The sum, wrapping. */
  iadd(x: Value, y: Value): Value {
    return this.value(Opcode.Iadd, 0, x, y)
  }

  /** The difference, wrapping. */
  isub(x: Value, y: Value): Value {
    return this.value(Opcode.Isub, 0, x, y)
  }

  /** The negative, wrapping. */
  ineg(x: Value): Value {
    return this.value(Opcode.Ineg, 0, x)
  }

  /** The absolute value, wrapping. */
  iabs(x: Value): Value {
    return this.value(Opcode.Iabs, 0, x)
  }

  /** The product, wrapping. */
  imul(x: Value, y: Value): Value {
    return this.value(Opcode.Imul, 0, x, y)
  }

  /** The high half of the product, unsigned. */
  umulhi(x: Value, y: Value): Value {
    return this.value(Opcode.Umulhi, 0, x, y)
  }

  /** The high half of the product, signed. */
  smulhi(x: Value, y: Value): Value {
    return this.value(Opcode.Smulhi, 0, x, y)
  }

  /** The fixed-point product, rounded and saturated. */
  sqmulRoundSat(x: Value, y: Value): Value {
    return this.value(Opcode.SqmulRoundSat, 0, x, y)
  }

  /** As sqmul_round_sat, but MIN times MIN stays MIN. */
  x86Pmulhrsw(x: Value, y: Value): Value {
    return this.value(Opcode.X86Pmulhrsw, 0, x, y)
  }

  /** The quotient, unsigned; traps on 0. */
  udiv(x: Value, y: Value): Value {
    return this.value(Opcode.Udiv, 0, x, y)
  }

  /** The quotient, signed, truncated; traps on 0 and on MIN / -1. */
  sdiv(x: Value, y: Value): Value {
    return this.value(Opcode.Sdiv, 0, x, y)
  }

  /** The remainder, unsigned; traps on 0. */
  urem(x: Value, y: Value): Value {
    return this.value(Opcode.Urem, 0, x, y)
  }

  /** The remainder with the sign of the dividend; traps on 0. */
  srem(x: Value, y: Value): Value {
    return this.value(Opcode.Srem, 0, x, y)
  }

  /** Sum and signed overflow, with a carry in. */
  saddOverflowCin(x: Value, y: Value, cIn: Value): [Value, Value] {
    return this.pair(Opcode.SaddOverflowCin, x, y, cIn)
  }

  /** Sum and carry out, with a carry in. */
  uaddOverflowCin(x: Value, y: Value, cIn: Value): [Value, Value] {
    return this.pair(Opcode.UaddOverflowCin, x, y, cIn)
  }

  /** Sum and carry. */
  uaddOverflow(x: Value, y: Value): [Value, Value] {
    return this.pair(Opcode.UaddOverflow, x, y)
  }

  /** Sum and signed overflow. */
  saddOverflow(x: Value, y: Value): [Value, Value] {
    return this.pair(Opcode.SaddOverflow, x, y)
  }

  /** Difference and borrow. */
  usubOverflow(x: Value, y: Value): [Value, Value] {
    return this.pair(Opcode.UsubOverflow, x, y)
  }

  /** Difference and signed overflow. */
  ssubOverflow(x: Value, y: Value): [Value, Value] {
    return this.pair(Opcode.SsubOverflow, x, y)
  }

  /** Product and unsigned overflow. */
  umulOverflow(x: Value, y: Value): [Value, Value] {
    return this.pair(Opcode.UmulOverflow, x, y)
  }

  /** Product and signed overflow. */
  smulOverflow(x: Value, y: Value): [Value, Value] {
    return this.pair(Opcode.SmulOverflow, x, y)
  }

  /** The sum; traps on unsigned overflow. */
  uaddOverflowTrap(x: Value, y: Value, code: TrapCode): Value {
    return this.draft.result(this.trapping(Opcode.UaddOverflowTrap, code, x, y))
  }

  /** Difference and signed overflow, with a borrow in. */
  ssubOverflowBin(x: Value, y: Value, bIn: Value): [Value, Value] {
    return this.pair(Opcode.SsubOverflowBin, x, y, bIn)
  }

  /** Difference and borrow out, with a borrow in. */
  usubOverflowBin(x: Value, y: Value, bIn: Value): [Value, Value] {
    return this.pair(Opcode.UsubOverflowBin, x, y, bIn)
  }

  /** Bitwise and. */
  band(x: Value, y: Value): Value {
    return this.value(Opcode.Band, 0, x, y)
  }

  /** Bitwise or. */
  bor(x: Value, y: Value): Value {
    return this.value(Opcode.Bor, 0, x, y)
  }

  /** Bitwise exclusive or. */
  bxor(x: Value, y: Value): Value {
    return this.value(Opcode.Bxor, 0, x, y)
  }

  /** Bitwise not. */
  bnot(x: Value): Value {
    return this.value(Opcode.Bnot, 0, x)
  }

  /** Rotates left, the amount modulo the width. */
  rotl(x: Value, y: Value): Value {
    return this.value(Opcode.Rotl, 0, x, y)
  }

  /** Rotates right, the amount modulo the width. */
  rotr(x: Value, y: Value): Value {
    return this.value(Opcode.Rotr, 0, x, y)
  }

  /** Shifts left, the amount modulo the width. */
  ishl(x: Value, y: Value): Value {
    return this.value(Opcode.Ishl, 0, x, y)
  }

  /** Shifts right, zeros coming in, the amount modulo the width. */
  ushr(x: Value, y: Value): Value {
    return this.value(Opcode.Ushr, 0, x, y)
  }

  /** Shifts right, signs coming in, the amount modulo the width. */
  sshr(x: Value, y: Value): Value {
    return this.value(Opcode.Sshr, 0, x, y)
  }

  /** The bits in reverse. */
  bitrev(x: Value): Value {
    return this.value(Opcode.Bitrev, 0, x)
  }

  /** Leading zeros; the width for 0. */
  clz(x: Value): Value {
    return this.value(Opcode.Clz, 0, x)
  }

  /** Leading bits equal to the sign, after it. */
  cls(x: Value): Value {
    return this.value(Opcode.Cls, 0, x)
  }

  /** Trailing zeros; the width for 0. */
  ctz(x: Value): Value {
    return this.value(Opcode.Ctz, 0, x)
  }

  /** The bytes in reverse. */
  bswap(x: Value): Value {
    return this.value(Opcode.Bswap, 0, x)
  }

  /** The number of ones. */
  popcnt(x: Value): Value {
    return this.value(Opcode.Popcnt, 0, x)
  }

  /** Compares floats: 1 or 0, or all ones or zeros in each lane. */
  fcmp(condition: FloatCC, x: Value, y: Value): Value {
    return this.compare(Opcode.Fcmp, condition, x, y)
  }

  /** The sum. */
  fadd(x: Value, y: Value): Value {
    return this.value(Opcode.Fadd, 0, x, y)
  }

  /** The difference. */
  fsub(x: Value, y: Value): Value {
    return this.value(Opcode.Fsub, 0, x, y)
  }

  /** The product. */
  fmul(x: Value, y: Value): Value {
    return this.value(Opcode.Fmul, 0, x, y)
  }

  /** The quotient. */
  fdiv(x: Value, y: Value): Value {
    return this.value(Opcode.Fdiv, 0, x, y)
  }

  /** The square root. */
  sqrt(x: Value): Value {
    return this.value(Opcode.Sqrt, 0, x)
  }

  /** x * y + z, rounded once. */
  fma(x: Value, y: Value, z: Value): Value {
    return this.value(Opcode.Fma, 0, x, y, z)
  }

  /** The value with its sign flipped. */
  fneg(x: Value): Value {
    return this.value(Opcode.Fneg, 0, x)
  }

  /** The value without its sign. */
  fabs(x: Value): Value {
    return this.value(Opcode.Fabs, 0, x)
  }

  /** The value with the sign of the other. */
  fcopysign(x: Value, y: Value): Value {
    return this.value(Opcode.Fcopysign, 0, x, y)
  }

  /** The lesser; NaN if either is, -0 below +0. */
  fmin(x: Value, y: Value): Value {
    return this.value(Opcode.Fmin, 0, x, y)
  }

  /** The greater; NaN if either is, -0 below +0. */
  fmax(x: Value, y: Value): Value {
    return this.value(Opcode.Fmax, 0, x, y)
  }

  /** Rounds up to an integer. */
  ceil(x: Value): Value {
    return this.value(Opcode.Ceil, 0, x)
  }

  /** Rounds down to an integer. */
  floor(x: Value): Value {
    return this.value(Opcode.Floor, 0, x)
  }

  /** Rounds towards zero. */
  trunc(x: Value): Value {
    return this.value(Opcode.Trunc, 0, x)
  }

  /** Rounds to the nearest integer, ties to even. */
  nearest(x: Value): Value {
    return this.value(Opcode.Nearest, 0, x)
  }

  /** The same bits as another type. */
  bitcast(type: Type, x: Value, flags: MemFlags = DEFAULT_MEM_FLAGS): Value {
    return this.casting(type, x, flags)
  }

  /** A vector with the value in lane 0, zeros elsewhere. */
  scalarToVector(type: Type, s: Value): Value {
    return this.value(Opcode.ScalarToVector, type, s)
  }

  /** All ones when the operand is not 0, else 0. */
  bmask(type: Type, x: Value): Value {
    return this.value(Opcode.Bmask, type, x)
  }

  /** The low bits, as a narrower integer. */
  ireduce(type: Type, x: Value): Value {
    return this.value(Opcode.Ireduce, type, x)
  }

  /** Lanes of both operands, narrowed with signed saturation. */
  snarrow(x: Value, y: Value): Value {
    return this.value(Opcode.Snarrow, 0, x, y)
  }

  /** Signed lanes of both operands, narrowed with unsigned saturation. */
  unarrow(x: Value, y: Value): Value {
    return this.value(Opcode.Unarrow, 0, x, y)
  }

  /** Unsigned lanes of both operands, narrowed with unsigned saturation. */
  uunarrow(x: Value, y: Value): Value {
    return this.value(Opcode.Uunarrow, 0, x, y)
  }

  /** The low lanes, sign-extended. */
  swidenLow(x: Value): Value {
    return this.value(Opcode.SwidenLow, 0, x)
  }

  /** The high lanes, sign-extended. */
  swidenHigh(x: Value): Value {
    return this.value(Opcode.SwidenHigh, 0, x)
  }

  /** The low lanes, zero-extended. */
  uwidenLow(x: Value): Value {
    return this.value(Opcode.UwidenLow, 0, x)
  }

  /** The high lanes, zero-extended. */
  uwidenHigh(x: Value): Value {
    return this.value(Opcode.UwidenHigh, 0, x)
  }

  /** Sums of adjacent lanes, those of x low. */
  iaddPairwise(x: Value, y: Value): Value {
    return this.value(Opcode.IaddPairwise, 0, x, y)
  }

  /** Signed bytes times unsigned bytes, adjacent products added with signed saturation. */
  x86Pmaddubsw(x: Value, y: Value): Value {
    return this.value(Opcode.X86Pmaddubsw, 0, x, y)
  }

  /** The value zero-extended to a wider integer. */
  uextend(type: Type, x: Value): Value {
    return this.value(Opcode.Uextend, type, x)
  }

  /** The value sign-extended to a wider integer. */
  sextend(type: Type, x: Value): Value {
    return this.value(Opcode.Sextend, type, x)
  }

  /** The value in a wider float format. */
  fpromote(type: Type, x: Value): Value {
    return this.value(Opcode.Fpromote, type, x)
  }

  /** The value rounded to a narrower float format. */
  fdemote(type: Type, x: Value): Value {
    return this.value(Opcode.Fdemote, type, x)
  }

  /** f64x2 rounded to the low lanes of f32x4, zeros above. */
  fvdemote(x: Value): Value {
    return this.value(Opcode.Fvdemote, 0, x)
  }

  /** The two low lanes of f32x4 as f64x2. */
  fvpromoteLow(a: Value): Value {
    return this.value(Opcode.FvpromoteLow, 0, a)
  }

  /** Truncates to an unsigned integer; traps on NaN and out of range. */
  fcvtToUint(type: Type, x: Value): Value {
    return this.value(Opcode.FcvtToUint, type, x)
  }

  /** Truncates to a signed integer; traps on NaN and out of range. */
  fcvtToSint(type: Type, x: Value): Value {
    return this.value(Opcode.FcvtToSint, type, x)
  }

  /** Truncates to an unsigned integer, clamped; NaN gives 0. */
  fcvtToUintSat(type: Type, x: Value): Value {
    return this.value(Opcode.FcvtToUintSat, type, x)
  }

  /** Truncates to a signed integer, clamped; NaN gives 0. */
  fcvtToSintSat(type: Type, x: Value): Value {
    return this.value(Opcode.FcvtToSintSat, type, x)
  }

  /** Truncates to signed integers; MIN for NaN and out of range. */
  x86Cvtt2dq(type: Type, x: Value): Value {
    return this.value(Opcode.X86Cvtt2dq, type, x)
  }

  /** The nearest float to an unsigned integer. */
  fcvtFromUint(type: Type, x: Value): Value {
    return this.value(Opcode.FcvtFromUint, type, x)
  }

  /** The nearest float to a signed integer. */
  fcvtFromSint(type: Type, x: Value): Value {
    return this.value(Opcode.FcvtFromSint, type, x)
  }

  /** Low and high half. */
  isplit(x: Value): [Value, Value] {
    return this.pair(Opcode.Isplit, x)
  }

  /** An integer of twice the width from its low and high half. */
  iconcat(lo: Value, hi: Value): Value {
    return this.value(Opcode.Iconcat, 0, lo, hi)
  }

  /** Changes memory atomically; gives what was there. */
  atomicRmw(type: Type, flags: MemFlags, operation: AtomicRmwOp, p: Value, x: Value): Value {
    return this.readModifyWrite(type, flags, operation, p, x)
  }

  /** Stores a value where the expected one is found; gives what was there. */
  atomicCas(flags: MemFlags, p: Value, e: Value, x: Value): Value {
    return this.access(Opcode.AtomicCas, 0, flags, 0, p, e, x)
  }

  /** Loads atomically. */
  atomicLoad(type: Type, flags: MemFlags, p: Value): Value {
    return this.access(Opcode.AtomicLoad, type, flags, 0, p)
  }

  /** Stores atomically. */
  atomicStore(flags: MemFlags, x: Value, p: Value): Inst {
    return this.storing(Opcode.AtomicStore, flags, 0, x, p)
  }

  /** Orders all accesses to memory before it and after it. */
  fence(): Inst {
    return this.emit(Opcode.Fence, 0)
  }

  /** A fixed vector out of a dynamic one. */
  extractVector(x: Value, lane: number): Value {
    return this.lane(Opcode.ExtractVector, lane, x)
  }

  /** A mark that tags can hang on. */
  sequencePoint(): Inst {
    return this.emit(Opcode.SequencePoint, 0)
  }

  /** `icmp` with a constant of the type of x, or an amount, as its last operand. */
  icmpImm(condition: IntCC, x: Value, n: number | bigint): Value {
    return this.icmp(condition, x, this.iconst(this.immediateType(x), n))
  }

  /** `iadd` with a constant of the type of x, or an amount, as its last operand. */
  iaddImm(x: Value, n: number | bigint): Value {
    return this.iadd(x, this.iconst(this.immediateType(x), n))
  }

  /** `imul` with a constant of the type of x, or an amount, as its last operand. */
  imulImm(x: Value, n: number | bigint): Value {
    return this.imul(x, this.iconst(this.immediateType(x), n))
  }

  /** `udiv` with a constant of the type of x, or an amount, as its last operand. */
  udivImm(x: Value, n: number | bigint): Value {
    return this.udiv(x, this.iconst(this.immediateType(x), n))
  }

  /** `sdiv` with a constant of the type of x, or an amount, as its last operand. */
  sdivImm(x: Value, n: number | bigint): Value {
    return this.sdiv(x, this.iconst(this.immediateType(x), n))
  }

  /** `urem` with a constant of the type of x, or an amount, as its last operand. */
  uremImm(x: Value, n: number | bigint): Value {
    return this.urem(x, this.iconst(this.immediateType(x), n))
  }

  /** `srem` with a constant of the type of x, or an amount, as its last operand. */
  sremImm(x: Value, n: number | bigint): Value {
    return this.srem(x, this.iconst(this.immediateType(x), n))
  }

  /** `band` with a constant of the type of x, or an amount, as its last operand. */
  bandImm(x: Value, n: number | bigint): Value {
    return this.band(x, this.iconst(this.immediateType(x), n))
  }

  /** `bor` with a constant of the type of x, or an amount, as its last operand. */
  borImm(x: Value, n: number | bigint): Value {
    return this.bor(x, this.iconst(this.immediateType(x), n))
  }

  /** `bxor` with a constant of the type of x, or an amount, as its last operand. */
  bxorImm(x: Value, n: number | bigint): Value {
    return this.bxor(x, this.iconst(this.immediateType(x), n))
  }

  /** `rotl` with a constant of the type of x, or an amount, as its last operand. */
  rotlImm(x: Value, n: number | bigint): Value {
    return this.rotl(x, this.iconst(this.immediateType(x), n))
  }

  /** `rotr` with a constant of the type of x, or an amount, as its last operand. */
  rotrImm(x: Value, n: number | bigint): Value {
    return this.rotr(x, this.iconst(this.immediateType(x), n))
  }

  /** `ishl` with a constant of the type of x, or an amount, as its last operand. */
  ishlImm(x: Value, n: number | bigint): Value {
    return this.ishl(x, this.iconst(this.immediateType(x), n))
  }

  /** `ushr` with a constant of the type of x, or an amount, as its last operand. */
  ushrImm(x: Value, n: number | bigint): Value {
    return this.ushr(x, this.iconst(this.immediateType(x), n))
  }

  /** `sshr` with a constant of the type of x, or an amount, as its last operand. */
  sshrImm(x: Value, n: number | bigint): Value {
    return this.sshr(x, this.iconst(this.immediateType(x), n))
  }
}
