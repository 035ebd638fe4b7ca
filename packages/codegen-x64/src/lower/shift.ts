// Shifts and rotates. The hardware takes the amount modulo 32 or 64, CLIF modulo the width of the type.

import { MachOp } from '../machine/op.ts'
import * as record from '../machine/record.ts'
import type { Lowering } from './context.ts'
import { extension } from './integer.ts'
import { DEF, fixedUse, USE, USE_ANY, USE_TIED } from './operand.ts'

const RCX = 1
const SIZE = record.SIZE_SHIFT

/** The operation of BMI2 that does the same without rcx and flags, -1 for rotates. */
function withoutFlags(op: number): number {
  if (op === MachOp.Shl) return MachOp.Shlx
  if (op === MachOp.Shr) return MachOp.Shrx
  return op === MachOp.Sar ? MachOp.Sarx : -1
}

export function lowerShift(c: Lowering, op: number): void {
  const x = c.arg0[c.inst]
  const amount = c.arg1[c.inst]
  const size = c.size(x)
  c.size(amount)
  const rotates = op === MachOp.Rol || op === MachOp.Ror
  // Rotates of 8 and 16 bits have instructions of that size. Shifts to the right work on the widened value.
  const widens = size < 2 && (op === MachOp.Shr || op === MachOp.Sar)
  const d = c.result()
  const operand = widens ? c.newVreg(false) : c.use(x)
  const machineSize = rotates ? size : Math.max(size, 2)
  if (c.matchConstant(amount)) {
    c.binaryImmediate(op, machineSize, d, operand, c.low & ((8 << size) - 1))
  } else {
    variableShift(c, op, machineSize, size, d, operand, amount)
  }
  if (widens) c.unary(extension(size, op === MachOp.Sar), 2, operand, c.use(x), USE_ANY)
}

function variableShift(
  c: Lowering,
  op: number,
  machineSize: number,
  size: number,
  d: number,
  operand: number,
  amount: number,
): void {
  // Narrow types: the amount is masked by hand. (Rotates of 8 and 16 bits would do without, modulo 32 being a multiple of their width.)
  const masks = size < 2 && machineSize >= 2
  const count = masks ? c.newVreg(false) : c.use(amount)
  const flagless = c.settings.hasBmi2 ? withoutFlags(op) : -1
  if (flagless >= 0) {
    c.buffer.begin(flagless, 3, 0, machineSize << SIZE)
    c.buffer.operand(DEF | d)
    c.buffer.operand(USE_ANY | operand)
    c.buffer.operand(USE | count)
  } else {
    c.buffer.begin(op, 3, 0, (machineSize << SIZE) | record.SOURCE_OPERAND)
    c.buffer.operand(DEF | d)
    c.buffer.operand(USE_TIED | operand)
    c.buffer.operand(fixedUse(RCX) | count)
    c.buffer.clobber(1 << RCX)
  }
  if (masks) c.binaryImmediate(MachOp.And, 2, count, c.use(amount), (8 << size) - 1)
}
