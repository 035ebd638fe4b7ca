// Jumps, branches, tables, returns and traps.

import { Opcode } from '@framewright/ir'
import { OPERAND_CONST } from '@framewright/regalloc'
import { CodegenError } from '../errors.ts'
import { MAX_OPERANDS, MAX_WORDS } from '../machine/buffer.ts'
import { MachOp } from '../machine/op.ts'
import * as record from '../machine/record.ts'
import { emitFlags, matchCondition } from './compare.ts'
import type { Lowering } from './context.ts'
import { extension } from './integer.ts'
import { fixedUse, TEMPORARY, USE, USE_ANY } from './operand.ts'

const SIZE = record.SIZE_SHIFT
/** In an operand word with OPERAND_CONST: nothing is passed, the parameter is dead. */
export const NO_ARGUMENT = 0xfffff

/** The jump that carries a block call's arguments to `target`, a machine block. */
export function lowerJump(c: Lowering, call: number, target: number): void {
  const { blockCalls, blockArgs, blocks } = c.func
  const start = blockCalls.argStart[call]
  const count = blockCalls.argCount[call]
  const parameter = blocks.firstParam[blockCalls.block[call]]
  let constants = 0
  for (let i = 0; i < count; i++) {
    if (c.uses.count[parameter + i] > 0 && c.matchConstant(blockArgs[start + i])) constants++
  }
  if (count > MAX_OPERANDS || 2 + count + 1 + constants * 2 > MAX_WORDS) {
    throw new CodegenError({ code: 'limit', what: 'number of block arguments', limit: MAX_OPERANDS }, c.place())
  }
  c.buffer.begin(MachOp.Jump, count, 1 + constants * 2, 0)
  let constant = 0
  for (let i = 0; i < count; i++) {
    const value = blockArgs[start + i]
    if (c.uses.count[parameter + i] === 0) {
      c.buffer.payload(OPERAND_CONST | NO_ARGUMENT)
    } else if (c.matchConstant(value)) {
      c.buffer.payload(OPERAND_CONST | constant++)
    } else {
      const vreg = c.use(value)
      c.buffer.operand(USE_ANY | vreg)
      c.allocator.hint(vreg, parameterVreg(c, parameter + i))
    }
  }
  c.buffer.payload(target)
  if (constants === 0) return
  for (let i = 0; i < count; i++) {
    const value = blockArgs[start + i]
    if (c.uses.count[parameter + i] === 0 || !c.matchConstant(value)) continue
    c.buffer.payload(c.low)
    c.buffer.payload(c.high)
  }
}

/** The register of a block parameter. Asked for by the jumps to the block, which the walk may meet before the block's own code. */
export function parameterVreg(c: Lowering, parameter: number): number {
  let vreg = c.vregs[parameter]
  if (vreg < 0) {
    vreg = c.newVreg(c.isFloat(parameter))
    c.size(parameter)
    c.vregs[parameter] = vreg
  }
  return vreg
}

export function lowerBrif(c: Lowering, taken: number, other: number): void {
  const condition = c.arg0[c.inst]
  if (taken === other) {
    lowerPlainJump(c, taken)
    return
  }
  const match = matchCondition(c, condition)
  c.buffer.begin(MachOp.Branch, 0, 2, match.code)
  c.buffer.payload(taken)
  c.buffer.payload(other)
  emitFlags(c, match)
}

function lowerPlainJump(c: Lowering, target: number): void {
  c.buffer.begin(MachOp.Jump, 0, 1, 0)
  c.buffer.payload(target)
}

export function lowerBrTable(c: Lowering): void {
  const { func, inst, order } = c
  const target = func.blockCalls.block
  const otherwise = order.targetOf(c.func.insts.target0[inst], target)
  const entries = func.jumpTables[c.entity[inst]]
  const table: number[] = [otherwise]
  for (let i = 0; i < entries.length; i++) table.push(order.targetOf(entries[i], target))
  if (table.every((block) => block === otherwise)) {
    lowerPlainJump(c, otherwise)
    return
  }
  const index = c.use(c.arg0[inst])
  c.buffer.begin(MachOp.Switch, 3, 1, 2 << SIZE)
  c.buffer.operand(TEMPORARY | c.newVreg(false))
  c.buffer.operand(TEMPORARY | c.newVreg(false))
  c.buffer.operand(USE | index)
  c.buffer.payload(c.tables.length)
  c.tables.push(table)
}

/** `return`: results to their registers, or to the area that the caller gave. */
export function lowerReturn(c: Lowering): void {
  const { func, inst, own } = c
  const start = func.insts.listStart[inst]
  const count = func.insts.listLength[inst]
  const { returns } = func.signature
  let fixed = 0
  for (let i = 0; i < count; i++) if (own.results[i] >= 0) fixed++
  const structReturn = own.structReturnParameter >= 0
  if (structReturn) fixed++
  const vregs: number[] = []
  for (let i = 0; i < count; i++) {
    const value = func.valueLists[start + i]
    if (own.results[i] < 0) vregs.push(-1)
    else vregs.push(isExtended(c, i, value) ? c.newVreg(false) : c.use(value))
  }
  const pointer = structReturn ? parameterVreg(c, blockParameter(c, own.structReturnParameter)) : -1
  c.buffer.begin(MachOp.Return, fixed, 0, 0)
  for (let i = 0; i < count; i++) if (own.results[i] >= 0) c.buffer.operand(fixedUse(own.results[i]) | vregs[i])
  if (structReturn) c.buffer.operand(fixedUse(own.convention.integerResults[0]) | pointer)
  for (let i = count - 1; i >= 0; i--) {
    const value = func.valueLists[start + i]
    if (own.results[i] < 0) storeToPointer(c, value, c.returnAreaVreg(), -1 - own.results[i])
    else if (isExtended(c, i, value))
      c.unary(extension(c.size(value), returns[i].extension === 'sext'), 3, vregs[i], c.use(value), USE_ANY)
  }
}

/** The signature wants result i widened, and it is narrower than a register. */
function isExtended(c: Lowering, i: number, value: number): boolean {
  return c.func.signature.returns[i].extension !== 'none' && !c.isFloat(value) && c.size(value) < 3
}

function blockParameter(c: Lowering, index: number): number {
  return c.func.blocks.firstParam[c.func.layout.entry] + index
}

/** [pointer + offset] = value. */
export function storeToPointer(c: Lowering, value: number, pointer: number, offset: number): void {
  const vreg = c.use(value)
  const header = (c.size(value) << SIZE) | record.SOURCE_MEMORY | record.ADDRESS_PLAIN | record.HAS_BASE
  c.buffer.begin(c.isFloat(value) ? MachOp.Fstore : MachOp.Store, 2, 1, header)
  c.buffer.operand(USE | vreg)
  c.buffer.operand(USE | pointer)
  c.buffer.payload(offset)
}

/** A trap taken when a hardware condition holds. */
export function trapIf(c: Lowering, condition: number, code: number): void {
  c.buffer.begin(MachOp.TrapIf, 0, 0, condition | (code << record.TRAP_SHIFT))
}

export function lowerTrap(c: Lowering): void {
  c.buffer.begin(MachOp.Trap, 0, 0, c.imm[c.inst] << record.TRAP_SHIFT)
}

export function lowerTrapIf(c: Lowering): void {
  const onZero = c.opcode[c.inst] === Opcode.Trapz
  const match = matchCondition(c, c.arg0[c.inst])
  const code = onZero ? invert(match.code) : match.code
  trapIf(c, code, c.imm[c.inst])
  emitFlags(c, match)
}

/** The opposite condition. */
export function invert(condition: number): number {
  return condition ^ 1
}
