// Instruction selection: one backward walk over the blocks, from CLIF instructions to machine records over virtual registers. The allocator
// builds its live ranges in the same walk (backend design, "Recommendation" and "Selection").
//
// literals: Opcode

import { NO_INST, OPCODE_FLAGS, OpcodeFlag } from '@framewright/ir'
import type { RegisterEnvironment } from '@framewright/regalloc'
import { MachOp } from '../machine/op.ts'
import * as bits from './bits.ts'
import * as call from './call.ts'
import { lowerCompare } from './compare.ts'
import type { Lowering } from './context.ts'
import * as control from './control.ts'
import * as convert from './convert.ts'
import { lowerDivide } from './divide.ts'
import * as float from './float.ts'
import * as integer from './integer.ts'
import * as memory from './memory.ts'
import { DEF, DEF_ANY } from './operand.ts'
import { lowerShift } from './shift.ts'

/** 1 for opcodes that are lowered although nobody reads their results. */
const ALWAYS: Uint8Array = new Uint8Array(256)
for (let opcode = 1; opcode < OPCODE_FLAGS.length; opcode++) {
  const effects =
    OpcodeFlag.Terminator |
    OpcodeFlag.Call |
    OpcodeFlag.CanTrap |
    OpcodeFlag.CanLoad |
    OpcodeFlag.CanStore |
    OpcodeFlag.OtherSideEffects
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
  const { resultCount } = func.insts
  const sourceLocation = c.uses.located ? func.insts.sourceLocation : null
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
    if (sourceLocation !== null && sourceLocation[inst] !== location) {
      writeLocation(c, location)
      location = sourceLocation[inst]
    }
    lowerInst(c, op)
    c.flushConstants()
  }
  if (sourceLocation !== null) writeLocation(c, location)
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
    case 1 /* Opcode.Jump */:
      {
        const jump = c.func.insts.target0[c.inst]
        return control.lowerJump(c, jump, c.order.targetOf(jump, c.func.blockCalls.block))
      }
    case 2 /* Opcode.Brif */:
      {
        const { target0, target1 } = c.func.insts
        const blocks = c.func.blockCalls.block
        return control.lowerBrif(
          c,
          c.order.targetOf(target0[c.inst], blocks),
          c.order.targetOf(target1[c.inst], blocks),
        )
      }
    case 3 /* Opcode.BrTable */:
      return control.lowerBrTable(c)
    case 8 /* Opcode.Return */:
      return control.lowerReturn(c)
    case 9 /* Opcode.Call */:
      return call.lowerCall(c)
    case 10 /* Opcode.CallIndirect */:
      return call.lowerCallIndirect(c)
    case 74 /* Opcode.Iadd */:
      return integer.lowerAdd(c)
    case 75 /* Opcode.Isub */:
      return integer.lowerSub(c)
    case 78 /* Opcode.Imul */:
      return integer.lowerMul(c)
    case 104 /* Opcode.Ishl */:
      return lowerShift(c, MachOp.Shl)
    case 105 /* Opcode.Ushr */:
      return lowerShift(c, MachOp.Shr)
    case 106 /* Opcode.Sshr */:
      return lowerShift(c, MachOp.Sar)
    case 102 /* Opcode.Rotl */:
      return lowerShift(c, MachOp.Rol)
    case 103 /* Opcode.Rotr */:
      return lowerShift(c, MachOp.Ror)
    case 73 /* Opcode.Icmp */:
    case 113 /* Opcode.Fcmp */:
      return lowerCompare(c)
    case 30 /* Opcode.Load */:
      return memory.lowerPlainLoad(c)
    case 31 /* Opcode.Store */:
      return memory.lowerStore(c, c.size(c.arg0[c.inst]))
    case 114 /* Opcode.Fadd */:
      return float.lowerFloatBinary(c, MachOp.Fadd, true)
    case 115 /* Opcode.Fsub */:
      return float.lowerFloatBinary(c, MachOp.Fsub, false)
    case 116 /* Opcode.Fmul */:
      return float.lowerFloatBinary(c, MachOp.Fmul, true)
    case 117 /* Opcode.Fdiv */:
      return float.lowerFloatBinary(c, MachOp.Fdiv, false)
    case 98 /* Opcode.Band */:
      return lowerLogic(c, MachOp.And, MachOp.Fand)
    case 99 /* Opcode.Bor */:
      return lowerLogic(c, MachOp.Or, MachOp.For)
    case 100 /* Opcode.Bxor */:
      return lowerLogic(c, MachOp.Xor, MachOp.Fxor)
    case 142 /* Opcode.Uextend */:
      return integer.lowerExtend(c, false)
    case 143 /* Opcode.Sextend */:
      return integer.lowerExtend(c, true)
    case 66 /* Opcode.Select */:
    case 67 /* Opcode.SelectSpectreGuard */:
      return lowerSelect(c)
    default:
      return lowerRare(c, op)
  }
}

/** The opcodes that compiled programs seldom contain: a switch of its own keeps the one above small enough to be optimised early. */
function lowerRare(c: Lowering, op: number): void {
  switch (op) {
    case 5 /* Opcode.Trap */:
      return control.lowerTrap(c)
    case 6 /* Opcode.Trapz */:
    case 7 /* Opcode.Trapnz */:
      return control.lowerTrapIf(c)
    case 4 /* Opcode.Debugtrap */:
      return c.buffer.begin(MachOp.DebugTrap, 0, 0, 0)
    case 65 /* Opcode.Nop */:
    case 163 /* Opcode.SequencePoint */:
      return
    case 161 /* Opcode.Fence */:
      return c.buffer.begin(MachOp.Fence, 0, 0, 0)
    case 32 /* Opcode.Uload8 */:
      return memory.lowerLoad(c, MachOp.Movzx8, 2)
    case 35 /* Opcode.Uload16 */:
      return memory.lowerLoad(c, MachOp.Movzx16, 2)
    case 38 /* Opcode.Uload32 */:
      return memory.lowerLoad(c, MachOp.Mov, 2)
    case 33 /* Opcode.Sload8 */:
      return memory.lowerLoad(c, MachOp.Movsx8, Math.max(c.size(c.firstResult[c.inst]), 2))
    case 36 /* Opcode.Sload16 */:
      return memory.lowerLoad(c, MachOp.Movsx16, Math.max(c.size(c.firstResult[c.inst]), 2))
    case 39 /* Opcode.Sload32 */:
      return memory.lowerLoad(c, MachOp.Movsx32, 3)
    case 34 /* Opcode.Istore8 */:
      return memory.lowerStore(c, 0)
    case 37 /* Opcode.Istore16 */:
      return memory.lowerStore(c, 1)
    case 40 /* Opcode.Istore32 */:
      return memory.lowerStore(c, 2)
    case 48 /* Opcode.StackAddr */:
      return memory.lowerStackAddr(c)
    case 50 /* Opcode.SymbolValue */:
      return memory.lowerSymbolValue(c)
    case 13 /* Opcode.FuncAddr */:
      return memory.lowerFuncAddr(c)
    case 76 /* Opcode.Ineg */:
      return integer.lowerTiedUnary(c, MachOp.Neg)
    case 101 /* Opcode.Bnot */:
      return c.isFloat(c.arg0[c.inst]) ? float.lowerFloatLogic(c, MachOp.Not) : integer.lowerTiedUnary(c, MachOp.Not)
    case 77 /* Opcode.Iabs */:
      return integer.lowerAbs(c)
    case 21 /* Opcode.Smin */:
      return integer.lowerMinMax(c, 12)
    case 23 /* Opcode.Smax */:
      return integer.lowerMinMax(c, 15)
    case 22 /* Opcode.Umin */:
      return integer.lowerMinMax(c, 2)
    case 24 /* Opcode.Umax */:
      return integer.lowerMinMax(c, 7)
    case 79 /* Opcode.Umulhi */:
      return integer.lowerMulHigh(c, false)
    case 80 /* Opcode.Smulhi */:
      return integer.lowerMulHigh(c, true)
    case 83 /* Opcode.Udiv */:
    case 84 /* Opcode.Sdiv */:
    case 85 /* Opcode.Urem */:
    case 86 /* Opcode.Srem */:
      return lowerDivide(c)
    case 89 /* Opcode.UaddOverflow */:
      return integer.lowerOverflow(c, MachOp.Add, false)
    case 90 /* Opcode.SaddOverflow */:
      return integer.lowerOverflow(c, MachOp.Add, true)
    case 91 /* Opcode.UsubOverflow */:
      return integer.lowerOverflow(c, MachOp.Sub, false)
    case 92 /* Opcode.SsubOverflow */:
      return integer.lowerOverflow(c, MachOp.Sub, true)
    case 93 /* Opcode.UmulOverflow */:
      return integer.lowerMulOverflow(c)
    case 94 /* Opcode.SmulOverflow */:
      return integer.lowerOverflow(c, MachOp.Imul, true)
    case 88 /* Opcode.UaddOverflowCin */:
      return integer.lowerOverflowCarry(c, MachOp.Adc, false)
    case 87 /* Opcode.SaddOverflowCin */:
      return integer.lowerOverflowCarry(c, MachOp.Adc, true)
    case 97 /* Opcode.UsubOverflowBin */:
      return integer.lowerOverflowCarry(c, MachOp.Sbb, false)
    case 96 /* Opcode.SsubOverflowBin */:
      return integer.lowerOverflowCarry(c, MachOp.Sbb, true)
    case 95 /* Opcode.UaddOverflowTrap */:
      return integer.lowerOverflowTrap(c)
    case 68 /* Opcode.Bitselect */:
      return c.isFloat(c.arg1[c.inst]) ? float.lowerFloatBitselect(c) : integer.lowerBitselect(c)
    case 131 /* Opcode.Bmask */:
      return integer.lowerMask(c)
    case 108 /* Opcode.Clz */:
      return bits.lowerClz(c)
    case 110 /* Opcode.Ctz */:
      return bits.lowerCtz(c)
    case 109 /* Opcode.Cls */:
      return bits.lowerCls(c)
    case 112 /* Opcode.Popcnt */:
      return bits.lowerPopcnt(c)
    case 111 /* Opcode.Bswap */:
      return bits.lowerBswap(c)
    case 107 /* Opcode.Bitrev */:
      return bits.lowerBitrev(c)
    case 118 /* Opcode.Sqrt */:
      return float.lowerFloatUnary(c, MachOp.Fsqrt)
    case 144 /* Opcode.Fpromote */:
      return float.lowerFloatUnary(c, MachOp.Fpromote)
    case 145 /* Opcode.Fdemote */:
      return float.lowerFloatUnary(c, MachOp.Fdemote)
    case 120 /* Opcode.Fneg */:
      return float.lowerNeg(c)
    case 121 /* Opcode.Fabs */:
      return float.lowerFabs(c)
    case 122 /* Opcode.Fcopysign */:
      return float.lowerCopysign(c)
    case 123 /* Opcode.Fmin */:
      return float.lowerFloatMinMax(c, MachOp.Fmin)
    case 124 /* Opcode.Fmax */:
      return float.lowerFloatMinMax(c, MachOp.Fmax)
    case 125 /* Opcode.Ceil */:
    case 126 /* Opcode.Floor */:
    case 127 /* Opcode.Trunc */:
    case 128 /* Opcode.Nearest */:
      return float.lowerRound(c)
    case 119 /* Opcode.Fma */:
      return float.lowerFma(c)
    case 154 /* Opcode.FcvtFromSint */:
      return convert.lowerFromSint(c)
    case 153 /* Opcode.FcvtFromUint */:
      return convert.lowerFromUint(c)
    case 149 /* Opcode.FcvtToSint */:
    case 148 /* Opcode.FcvtToUint */:
    case 151 /* Opcode.FcvtToSintSat */:
    case 150 /* Opcode.FcvtToUintSat */:
      return convert.lowerToInt(c)
    case 132 /* Opcode.Ireduce */:
      return integer.lowerReduce(c)
    case 129 /* Opcode.Bitcast */:
      return convert.lowerBitcast(c)
    case 55 /* Opcode.GetStackPointer */:
      return readRegister(c, 4)
    case 54 /* Opcode.GetFramePointer */:
      if (!c.settings.preserveFramePointers) c.unsupported('it needs the setting preserve_frame_pointers')
      c.needsFramePointer = true
      return readRegister(c, 5)
    case 56 /* Opcode.GetReturnAddress */:
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
