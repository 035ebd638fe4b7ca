// Instruction selection: one backward walk over the blocks, from CLIF instructions to machine records over virtual registers. The allocator
// builds its live ranges in the same walk (backend design, "Recommendation" and "Selection").
//
// literals: Opcode

import { NO_INST, OPCODE_FLAGS, Opcode, OpcodeFlag } from '@framewright/ir'
import type { RegisterEnvironment } from '@framewright/regalloc'
import { MachOp } from '../machine/op.ts'
import * as bits from './bits.ts'
import * as call from './call.ts'
import { lowerCompare } from './compare.ts'
import { DEF, DEF_ANY, type Lowering } from './context.ts'
import * as control from './control.ts'
import * as convert from './convert.ts'
import { lowerDivide } from './divide.ts'
import * as float from './float.ts'
import * as integer from './integer.ts'
import * as memory from './memory.ts'
import { lowerShift } from './shift.ts'

/** 1 for opcodes that are lowered although nobody reads their results. */
const ALWAYS: Uint8Array = new Uint8Array(256)
for (let opcode = 1; opcode < OPCODE_FLAGS.length; opcode++) {
  const effects =
    OpcodeFlag.Terminator | OpcodeFlag.Call | OpcodeFlag.CanTrap | OpcodeFlag.CanLoad | OpcodeFlag.CanStore | OpcodeFlag.OtherSideEffects
  if ((OPCODE_FLAGS[opcode] & effects) !== 0) ALWAYS[opcode] = 1
}

/**
 * Lowers the function bound to `c`, whose analyses are computed, into `c.buffer`.
 *
 * @throws BufferFull when the buffer is too small; CodegenError for what is not supported.
 */
export function lowerFunction(c: Lowering, environment: RegisterEnvironment): void {
  const { allocator, order, buffer, func } = c
  c.start()
  allocator.begin(environment, order, buffer.code)
  const target = func.blockCalls.block
  for (let block = order.count - 1; block >= 0; block--) {
    allocator.enterBlock(block, buffer.start * 2)
    if (buffer.recording !== null) buffer.recording.blockEnd[block] = buffer.start * 2
    const ir = order.irBlock[block]
    if (ir < 0) {
      const edge = order.edgeCall[block]
      c.block = -1
      control.lowerJump(c, edge, order.machineBlock[target[edge]])
      buffer.begin(MachOp.Block, 0, 0, 0)
    } else {
      c.block = ir
      lowerBlock(c, ir)
      if (block === 0) call.lowerParameters(c)
      else lowerHead(c, ir)
    }
    allocator.leaveBlock(block, buffer.start * 2)
    if (buffer.recording !== null) buffer.recording.blockStart[block] = buffer.start * 2
  }
}

function lowerBlock(c: Lowering, block: number): void {
  const { opcode, firstResult, sunk, func } = c
  const { prevInst } = func.layout
  const { resultCount, sourceLocation } = func.insts
  const located = c.uses.located
  let location = -1
  for (let inst = func.blocks.lastInst[block]; inst !== NO_INST; inst = prevInst[inst]) {
    const op = opcode[inst]
    if (sunk[inst] !== 0) continue
    const results = resultCount[inst]
    if (ALWAYS[op] === 0) {
      const first = firstResult[inst]
      // c.vregs may be replaced by no one during the walk, but a result is asked for at any time before this.
      if (results === 1 ? c.vregs[first] < 0 : !anyAsked(c.vregs, first, results)) continue
    }
    c.inst = inst
    if (located && sourceLocation[inst] !== location) {
      writeLocation(c, location)
      location = sourceLocation[inst]
    }
    lowerInst(c, op)
    c.flushConstants()
  }
  if (located) writeLocation(c, location)
}

/** The records after this point come from `location`; before it, from the next one written. */
function writeLocation(c: Lowering, location: number): void {
  if (location < 0) return
  c.buffer.begin(MachOp.SourceLocation, 0, 1, 0)
  c.buffer.payload(location)
}

function anyAsked(vregs: Int32Array, first: number, count: number): boolean {
  for (let i = 0; i < count; i++) if (vregs[first + i] >= 0) return true
  return false
}

/** The head record of a block other than the entry: every parameter, as jumps pass one argument for each. */
function lowerHead(c: Lowering, block: number): void {
  const { blocks } = c.func
  const first = blocks.firstParam[block]
  const count = blocks.paramCount[block]
  c.buffer.begin(MachOp.Block, count, 0, 0)
  for (let i = 0; i < count; i++) c.buffer.operand(DEF_ANY | control.parameterVreg(c, first + i))
}

function lowerInst(c: Lowering, op: number): void {
  switch (op) {
    case Opcode.Jump: {
      const jump = c.func.insts.target0[c.inst]
      return control.lowerJump(c, jump, c.order.targetOf(jump, c.func.blockCalls.block))
    }
    case Opcode.Brif: {
      const { target0, target1 } = c.func.insts
      const blocks = c.func.blockCalls.block
      return control.lowerBrif(c, c.order.targetOf(target0[c.inst], blocks), c.order.targetOf(target1[c.inst], blocks))
    }
    case Opcode.BrTable:
      return control.lowerBrTable(c)
    case Opcode.Return:
      return control.lowerReturn(c)
    case Opcode.Call:
      return call.lowerCall(c)
    case Opcode.CallIndirect:
      return call.lowerCallIndirect(c)
    case Opcode.Iadd:
      return integer.lowerAdd(c)
    case Opcode.Isub:
      return integer.lowerSub(c)
    case Opcode.Imul:
      return integer.lowerMul(c)
    case Opcode.Ishl:
      return lowerShift(c, MachOp.Shl)
    case Opcode.Ushr:
      return lowerShift(c, MachOp.Shr)
    case Opcode.Sshr:
      return lowerShift(c, MachOp.Sar)
    case Opcode.Rotl:
      return lowerShift(c, MachOp.Rol)
    case Opcode.Rotr:
      return lowerShift(c, MachOp.Ror)
    case Opcode.Icmp:
    case Opcode.Fcmp:
      return lowerCompare(c)
    case Opcode.Load:
      return memory.lowerPlainLoad(c)
    case Opcode.Store:
      return memory.lowerStore(c, c.size(c.arg0[c.inst]))
    case Opcode.Fadd:
      return float.lowerFloatBinary(c, MachOp.Fadd, true)
    case Opcode.Fsub:
      return float.lowerFloatBinary(c, MachOp.Fsub, false)
    case Opcode.Fmul:
      return float.lowerFloatBinary(c, MachOp.Fmul, true)
    case Opcode.Fdiv:
      return float.lowerFloatBinary(c, MachOp.Fdiv, false)
    case Opcode.Band:
      return lowerLogic(c, MachOp.And, MachOp.Fand)
    case Opcode.Bor:
      return lowerLogic(c, MachOp.Or, MachOp.For)
    case Opcode.Bxor:
      return lowerLogic(c, MachOp.Xor, MachOp.Fxor)
    case Opcode.Uextend:
      return integer.lowerExtend(c, false)
    case Opcode.Sextend:
      return integer.lowerExtend(c, true)
    case Opcode.Select:
    case Opcode.SelectSpectreGuard:
      return lowerSelect(c)
    default:
      return lowerRare(c, op)
  }
}

/** The opcodes that compiled programs seldom contain: a switch of its own keeps the one above small enough to be optimised early. */
function lowerRare(c: Lowering, op: number): void {
  switch (op) {
    case Opcode.Trap:
      return control.lowerTrap(c)
    case Opcode.Trapz:
    case Opcode.Trapnz:
      return control.lowerTrapIf(c)
    case Opcode.Debugtrap:
      return c.buffer.begin(MachOp.DebugTrap, 0, 0, 0)
    case Opcode.Nop:
    case Opcode.SequencePoint:
      return
    case Opcode.Fence:
      return c.buffer.begin(MachOp.Fence, 0, 0, 0)
    case Opcode.Uload8:
      return memory.lowerLoad(c, MachOp.Movzx8, 2)
    case Opcode.Uload16:
      return memory.lowerLoad(c, MachOp.Movzx16, 2)
    case Opcode.Uload32:
      return memory.lowerLoad(c, MachOp.Mov, 2)
    case Opcode.Sload8:
      return memory.lowerLoad(c, MachOp.Movsx8, Math.max(c.size(c.firstResult[c.inst]), 2))
    case Opcode.Sload16:
      return memory.lowerLoad(c, MachOp.Movsx16, Math.max(c.size(c.firstResult[c.inst]), 2))
    case Opcode.Sload32:
      return memory.lowerLoad(c, MachOp.Movsx32, 3)
    case Opcode.Istore8:
      return memory.lowerStore(c, 0)
    case Opcode.Istore16:
      return memory.lowerStore(c, 1)
    case Opcode.Istore32:
      return memory.lowerStore(c, 2)
    case Opcode.StackAddr:
      return memory.lowerStackAddr(c)
    case Opcode.SymbolValue:
      return memory.lowerSymbolValue(c)
    case Opcode.FuncAddr:
      return memory.lowerFuncAddr(c)
    case Opcode.Ineg:
      return integer.lowerTiedUnary(c, MachOp.Neg)
    case Opcode.Bnot:
      return c.isFloat(c.arg0[c.inst]) ? float.lowerFloatLogic(c, MachOp.Not) : integer.lowerTiedUnary(c, MachOp.Not)
    case Opcode.Iabs:
      return integer.lowerAbs(c)
    case Opcode.Smin:
      return integer.lowerMinMax(c, 12)
    case Opcode.Smax:
      return integer.lowerMinMax(c, 15)
    case Opcode.Umin:
      return integer.lowerMinMax(c, 2)
    case Opcode.Umax:
      return integer.lowerMinMax(c, 7)
    case Opcode.Umulhi:
      return integer.lowerMulHigh(c, false)
    case Opcode.Smulhi:
      return integer.lowerMulHigh(c, true)
    case Opcode.Udiv:
    case Opcode.Sdiv:
    case Opcode.Urem:
    case Opcode.Srem:
      return lowerDivide(c)
    case Opcode.UaddOverflow:
      return integer.lowerOverflow(c, MachOp.Add, false)
    case Opcode.SaddOverflow:
      return integer.lowerOverflow(c, MachOp.Add, true)
    case Opcode.UsubOverflow:
      return integer.lowerOverflow(c, MachOp.Sub, false)
    case Opcode.SsubOverflow:
      return integer.lowerOverflow(c, MachOp.Sub, true)
    case Opcode.UmulOverflow:
      return integer.lowerMulOverflow(c)
    case Opcode.SmulOverflow:
      return integer.lowerOverflow(c, MachOp.Imul, true)
    case Opcode.UaddOverflowCin:
      return integer.lowerOverflowCarry(c, MachOp.Adc, false)
    case Opcode.SaddOverflowCin:
      return integer.lowerOverflowCarry(c, MachOp.Adc, true)
    case Opcode.UsubOverflowBin:
      return integer.lowerOverflowCarry(c, MachOp.Sbb, false)
    case Opcode.SsubOverflowBin:
      return integer.lowerOverflowCarry(c, MachOp.Sbb, true)
    case Opcode.UaddOverflowTrap:
      return integer.lowerOverflowTrap(c)
    case Opcode.Bitselect:
      return c.isFloat(c.arg1[c.inst]) ? float.lowerFloatBitselect(c) : integer.lowerBitselect(c)
    case Opcode.Bmask:
      return integer.lowerMask(c)
    case Opcode.Clz:
      return bits.lowerClz(c)
    case Opcode.Ctz:
      return bits.lowerCtz(c)
    case Opcode.Cls:
      return bits.lowerCls(c)
    case Opcode.Popcnt:
      return bits.lowerPopcnt(c)
    case Opcode.Bswap:
      return bits.lowerBswap(c)
    case Opcode.Bitrev:
      return bits.lowerBitrev(c)
    case Opcode.Sqrt:
      return float.lowerFloatUnary(c, MachOp.Fsqrt)
    case Opcode.Fpromote:
      return float.lowerFloatUnary(c, MachOp.Fpromote)
    case Opcode.Fdemote:
      return float.lowerFloatUnary(c, MachOp.Fdemote)
    case Opcode.Fneg:
      return float.lowerNeg(c)
    case Opcode.Fabs:
      return float.lowerFabs(c)
    case Opcode.Fcopysign:
      return float.lowerCopysign(c)
    case Opcode.Fmin:
      return float.lowerFloatMinMax(c, MachOp.Fmin)
    case Opcode.Fmax:
      return float.lowerFloatMinMax(c, MachOp.Fmax)
    case Opcode.Ceil:
    case Opcode.Floor:
    case Opcode.Trunc:
    case Opcode.Nearest:
      return float.lowerRound(c)
    case Opcode.Fma:
      return float.lowerFma(c)
    case Opcode.FcvtFromSint:
      return convert.lowerFromSint(c)
    case Opcode.FcvtFromUint:
      return convert.lowerFromUint(c)
    case Opcode.FcvtToSint:
    case Opcode.FcvtToUint:
    case Opcode.FcvtToSintSat:
    case Opcode.FcvtToUintSat:
      return convert.lowerToInt(c)
    case Opcode.Ireduce:
      return integer.lowerReduce(c)
    case Opcode.Bitcast:
      return convert.lowerBitcast(c)
    case Opcode.GetStackPointer:
      return readRegister(c, 4)
    case Opcode.GetFramePointer:
      if (!c.settings.preserveFramePointers) c.unsupported('it needs the setting preserve_frame_pointers')
      c.needsFramePointer = true
      return readRegister(c, 5)
    case Opcode.GetReturnAddress:
      if (!c.settings.preserveFramePointers) c.unsupported('it needs the setting preserve_frame_pointers')
      c.needsFramePointer = true
      c.buffer.begin(MachOp.ReadReturnAddress, 1, 0, 0)
      return c.buffer.operand(DEF | c.result())
    default:
      return c.unsupported()
  }
}

function readRegister(c: Lowering, register: number): void {
  c.buffer.begin(MachOp.ReadRegister, 1, 1, 0)
  c.buffer.operand(DEF | c.result())
  c.buffer.payload(register)
}

function lowerLogic(c: Lowering, op: number, floatOp: number): void {
  if (c.isFloat(c.arg0[c.inst])) float.lowerFloatLogic(c, floatOp)
  else integer.lowerAlu(c, op, true)
}

function lowerSelect(c: Lowering): void {
  if (c.isFloat(c.arg1[c.inst])) float.lowerFloatSelect(c)
  else integer.lowerSelect(c)
}

