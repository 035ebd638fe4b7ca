// Loads, stores, and the addresses of stack slots, symbols and other global values.

import { type GlobalValueData, MemFlags, memFlagsTrapCode, Opcode, Type } from '@framewright/ir'
import { MachOp } from '../machine/op.ts'
import * as record from '../machine/record.ts'
import { SIZE_OF_TYPE, typeName } from '../types.ts'
import type { Lowering } from './context.ts'
import { parameterVreg } from './control.ts'
import { DEF, USE, USE_ANY } from './operand.ts'
import { Reach } from './symbols.ts'

const SIZE = record.SIZE_SHIFT

/** `load`, and the loads that extend: `op` moves from memory and widens, `size` is that of what it writes. */
export function lowerLoad(c: Lowering, op: number, size: number): void {
  refuseBigEndian(c)
  let d = c.result()
  if (d < 0) {
    // A load nobody reads still traps, unless it promised not to.
    if (memFlagsTrapCode(c.immHigh[c.inst]) === 0) return
    d = c.newVreg(c.isFloat(c.firstResult[c.inst]))
  }
  c.matchAddress(c.arg0[c.inst], c.imm[c.inst])
  const header = (size << SIZE) | record.SOURCE_MEMORY | c.addressHeader() | c.trapHeader(c.inst)
  c.buffer.begin(op, 1 + c.addressOperands(), c.addressPayload(), header)
  c.buffer.operand(DEF | d)
  c.writeAddressOperands(0)
  c.writeAddressPayload()
}

/** Plain `load`: narrow integers are widened on the way, as that writes the whole register. */
export function lowerPlainLoad(c: Lowering): void {
  const value = c.firstResult[c.inst]
  const size = c.size(value)
  if (c.isFloat(value)) lowerLoad(c, MachOp.Fmov, size)
  else if (size === 0) lowerLoad(c, MachOp.Movzx8, 2)
  else if (size === 1) lowerLoad(c, MachOp.Movzx16, 2)
  else lowerLoad(c, MachOp.Mov, size)
}

/** `store` and `istoreN`: `size` is that of the memory written. */
export function lowerStore(c: Lowering, size: number): void {
  refuseBigEndian(c)
  const value = c.arg0[c.inst]
  if (c.size(value) === size && lowerReadModifyWrite(c, value, size)) return
  c.matchAddress(c.arg1[c.inst], c.imm[c.inst])
  const header = (size << SIZE) | c.addressHeader() | c.trapHeader(c.inst)
  const float = c.isFloat(value)
  if (c.matchConstant(value) && storableImmediate(c, size)) {
    const immediate = c.low
    c.buffer.begin(MachOp.Store, c.addressOperands(), c.addressPayload() + 1, header | record.SOURCE_MEMORY_IMMEDIATE)
    c.writeAddressOperands(0)
    c.writeAddressPayload()
    c.buffer.payload(immediate)
    return
  }
  const word = USE | c.use(value)
  c.buffer.begin(
    float ? MachOp.Fstore : MachOp.Store,
    1 + c.addressOperands(),
    c.addressPayload(),
    header | record.SOURCE_MEMORY,
  )
  c.buffer.operand(word)
  c.writeAddressOperands(0)
  c.writeAddressPayload()
}

/** The operation on memory for an opcode, -1 for none. */
function memoryOperation(opcode: number): number {
  if (opcode === Opcode.Iadd) return MachOp.AddMemory
  if (opcode === Opcode.Isub) return MachOp.SubMemory
  if (opcode === Opcode.Band) return MachOp.AndMemory
  if (opcode === Opcode.Bor) return MachOp.OrMemory
  return opcode === Opcode.Bxor ? MachOp.XorMemory : -1
}

/** A store of what was loaded from the same place and changed by one operation: `op [memory], register or immediate`. */
function lowerReadModifyWrite(c: Lowering, value: number, size: number): boolean {
  const inst = c.mergeable(value)
  if (inst < 0 || c.isFloat(value)) return false
  const op = memoryOperation(c.opcode[inst])
  if (op < 0) return false
  let load = samePlace(c, c.arg0[inst])
  let other = c.arg1[inst]
  if (load < 0 && op !== MachOp.SubMemory) {
    load = samePlace(c, c.arg1[inst])
    other = c.arg0[inst]
  }
  if (load < 0) return false
  c.sunk[load] = 1
  const immediate = c.matchImmediate(other)
  const { low } = c
  const word = immediate ? 0 : USE | c.use(other)
  c.matchAddress(c.arg1[c.inst], c.imm[c.inst])
  const header = (size << SIZE) | c.addressHeader() | c.trapHeader(c.inst)
  if (immediate) {
    c.buffer.begin(op, c.addressOperands(), c.addressPayload() + 1, header | record.SOURCE_MEMORY_IMMEDIATE)
    c.writeAddressOperands(0)
    c.writeAddressPayload()
    c.buffer.payload(low)
    return true
  }
  c.buffer.begin(op, 1 + c.addressOperands(), c.addressPayload(), header | record.SOURCE_MEMORY)
  c.buffer.operand(word)
  c.writeAddressOperands(0)
  c.writeAddressPayload()
  return true
}

/** The load that defines a value, if it may merge and reads what the current store writes. */
function samePlace(c: Lowering, value: number): number {
  const load = c.mergeableLoad(value)
  if (load < 0 || c.arg0[load] !== c.arg1[c.inst] || c.imm[load] !== c.imm[c.inst]) return -1
  return memFlagsTrapCode(c.immHigh[load]) === memFlagsTrapCode(c.immHigh[c.inst]) ? load : -1
}

/** The constant just matched can be stored without a register: the memory's bits come out of 32, sign-extended. */
function storableImmediate(c: Lowering, size: number): boolean {
  return size < 3 || c.high === c.low >> 31
}

function refuseBigEndian(c: Lowering): void {
  if ((c.immHigh[c.inst] & MemFlags.Big) !== 0) c.unsupported('a big-endian access')
}

export function lowerStackAddr(c: Lowering): void {
  const slot = c.entity[c.inst]
  const { alignLog2 } = c.func.stackSlots[slot]
  const header = record.SOURCE_MEMORY | record.ADDRESS_SLOT | (3 << SIZE)
  if (alignLog2 > 4) {
    // The frame is aligned to 16 bytes only; such a slot has room to be aligned by hand, the same way every time.
    const start = c.newVreg(false)
    const aligned = c.imm[c.inst] === 0 ? c.result() : c.newVreg(false)
    if (c.imm[c.inst] !== 0) c.binaryImmediate(MachOp.Add, 3, c.result(), aligned, c.imm[c.inst])
    c.binaryImmediate(MachOp.And, 3, aligned, start, -(2 ** alignLog2))
    c.buffer.begin(MachOp.Lea, 1, 1, header)
    c.buffer.operand(DEF | start)
    c.buffer.payload(c.slotOffsets[slot] + 2 ** alignLog2 - 1)
    return
  }
  c.buffer.begin(MachOp.Lea, 1, 1, header)
  c.buffer.operand(DEF | c.result())
  c.buffer.payload(c.slotOffsets[slot] + c.imm[c.inst])
}

/** The address of a symbol into a register. */
export function symbolAddress(c: Lowering, d: number, symbol: number, reach: number, offset: number): void {
  c.buffer.begin(MachOp.SymbolAddress, 1, 3, 3 << SIZE)
  c.buffer.operand(DEF | d)
  c.buffer.payload(symbol)
  c.buffer.payload(offset)
  c.buffer.payload(reach)
}

export function lowerSymbolValue(c: Lowering): void {
  globalInto(c, c.result(), c.entity[c.inst])
}

/** A global value into a register. */
function globalInto(c: Lowering, d: number, global: number): void {
  const data: GlobalValueData = c.func.globalValues[global]
  switch (data.kind) {
    case 'symbol': {
      if (data.tls) c.unsupported('a thread-local symbol')
      symbolAddress(c, d, c.symbols.number(data.name), data.colocated ? Reach.local : Reach.far, data.offset)
      return
    }
    case 'vmctx': {
      const index = c.func.signature.params.findIndex((parameter) => parameter.purpose === 'vmctx')
      if (index < 0) c.unsupported('vmctx without a parameter of that purpose')
      c.unary(MachOp.Mov, 3, d, parameterVreg(c, c.func.blocks.firstParam[c.func.layout.entry] + index), USE_ANY)
      return
    }
    case 'iadd_imm': {
      const base = c.newVreg(false)
      if (data.offset === BigInt.asIntN(32, data.offset)) {
        c.binaryImmediate(MachOp.Add, 3, d, base, Number(data.offset))
      } else {
        const low = Number(BigInt.asIntN(32, data.offset))
        const high = Number(BigInt.asIntN(32, data.offset >> 32n))
        c.binary(MachOp.Add, 3, d, base, c.constant(low, high, Type.I64))
      }
      globalInto(c, base, data.base)
      return
    }
    case 'load': {
      const size = SIZE_OF_TYPE[data.type]
      if (data.type !== Type.I64 && data.type !== Type.I32)
        c.unsupported(`a global value of type ${typeName(data.type)}`)
      const base = c.newVreg(false)
      const header = (size << SIZE) | record.SOURCE_MEMORY | record.ADDRESS_PLAIN | record.HAS_BASE
      c.buffer.begin(MachOp.Mov, 2, 1, header)
      c.buffer.operand(DEF | d)
      c.buffer.operand(USE | base)
      c.buffer.payload(data.offset)
      globalInto(c, base, data.base)
      return
    }
    case 'dyn_scale_target_const':
      c.unsupported('a dynamic vector scale')
  }
}

export function lowerFuncAddr(c: Lowering): void {
  const data = c.func.funcRefs[c.entity[c.inst]]
  symbolAddress(c, c.result(), c.symbols.number(data.name), data.colocated ? Reach.local : Reach.far, 0)
}
