// Conditions: comparisons as values, and comparisons fused into the branch, select or trap that uses them.
//
// Two steps, because the walk is backwards: `matchCondition` looks at what defines the condition and settles the hardware condition, then
// the caller writes the record that reads the flags, then `emitFlags` writes the one that sets them.
//
// literals: Opcode

import { FloatCC, MemFlags, Opcode } from '@framewright/ir'
import { MachOp } from '../machine/op.ts'
import * as record from '../machine/record.ts'
import { SIZE_OF_TYPE } from '../types.ts'
import type { Condition, Lowering } from './context.ts'
import { INT_CONDITION, setcc } from './integer.ts'
import { DEF, TEMPORARY, USE, USE_ANY } from './operand.ts'

const SIZE = record.SIZE_SHIFT
const EXACT = record.EXACT
const EQUAL = 4
const NOT_ZERO = 5

/** How a value that is true when it is not 0 can be had from flags. */
export function matchCondition(c: Lowering, value: number): Condition {
  const { condition } = c
  condition.kind = 'value'
  condition.code = NOT_ZERO
  condition.a = value
  let inst = c.mergeable(value)
  while (inst >= 0 && (c.opcode[inst] === Opcode.Uextend || c.opcode[inst] === Opcode.Sextend))
    inst = c.mergeable(c.arg0[inst])
  if (inst < 0) return condition
  switch (c.opcode[inst]) {
    case 73 /* Opcode.Icmp */:
      matchIcmp(c, condition, inst)
      break
    case 113 /* Opcode.Fcmp */:
      matchFcmp(c, condition, inst)
      break
    case 98 /* Opcode.Band */:
      if (inst === c.mergeable(value)) matchBits(c, condition, inst, NOT_ZERO)
      break
  }
  return condition
}

function matchBits(c: Lowering, condition: Condition, inst: number, code: number): void {
  if (c.isFloat(c.arg0[inst])) return
  condition.kind = 'bits'
  condition.code = code
  condition.a = c.arg0[inst]
  condition.b = c.arg1[inst]
  if (c.matchConstant(condition.a)) swapOperands(condition)
}

function swapOperands(condition: Condition): void {
  const { a } = condition
  condition.a = condition.b
  condition.b = a
}

// What each icmp condition becomes when the operands change places, by its number.
const SWAPPED = [0, 1, 4, 5, 2, 3, 8, 9, 6, 7]

function matchIcmp(c: Lowering, condition: Condition, inst: number): void {
  let code = c.imm[inst]
  condition.kind = 'integer'
  condition.a = c.arg0[inst]
  condition.b = c.arg1[inst]
  c.size(condition.a)
  if (
    c.matchConstant(condition.a) ||
    (!c.matchConstant(condition.b) && c.mergeableLoad(condition.b) < 0 && c.mergeableLoad(condition.a) >= 0)
  ) {
    swapOperands(condition)
    code = SWAPPED[code]
  }
  condition.code = INT_CONDITION[code]
  if (c.matchConstant(condition.b) && c.low === 0 && c.high === 0) {
    const and = c.mergeable(condition.a)
    if (and >= 0 && c.opcode[and] === Opcode.Band) matchBits(c, condition, and, condition.code)
  }
}

// ucomis sets CF on less or unordered, ZF on equal or unordered, PF on unordered: hardware condition, and whether the operands change places.
//   [condition, swap], by fcmp's number
const FLOAT_CONDITION: readonly (readonly [number, boolean])[] = []
const rows: readonly (readonly [FloatCC, number, boolean])[] = [
  [FloatCC.Ord, 11, false],
  [FloatCC.Uno, 10, false],
  [FloatCC.Eq, record.FLOAT_EQ, false],
  [FloatCC.Ne, record.FLOAT_NE, false],
  [FloatCC.One, 5, false],
  [FloatCC.Ueq, 4, false],
  [FloatCC.Lt, 7, true],
  [FloatCC.Le, 3, true],
  [FloatCC.Gt, 7, false],
  [FloatCC.Ge, 3, false],
  [FloatCC.Ult, 2, false],
  [FloatCC.Ule, 6, false],
  [FloatCC.Ugt, 2, true],
  [FloatCC.Uge, 6, true],
]
for (const [cc, code, swap] of rows) (FLOAT_CONDITION as [number, boolean][])[cc] = [code, swap]

function matchFcmp(c: Lowering, condition: Condition, inst: number): void {
  const [code, swap] = FLOAT_CONDITION[c.imm[inst]]
  condition.kind = 'float'
  condition.code = code
  condition.a = c.arg0[inst]
  condition.b = c.arg1[inst]
  c.size(condition.a)
  if (swap) swapOperands(condition)
}

/** Writes the record that sets the flags for a condition. */
export function emitFlags(c: Lowering, condition: Condition): void {
  const { a, b } = condition
  const size = c.size(a) << SIZE
  switch (condition.kind) {
    case 'value':
      emitEqualsZero(c, beforeExtensions(c, a))
      return
    case 'bits':
      // Memory would have to be the first operand of `test`: only an immediate or a register here.
      if (c.matchImmediate(b)) {
        const immediate = c.low
        c.buffer.begin(MachOp.Test, 1, 1, size | EXACT | record.SOURCE_IMMEDIATE)
        c.buffer.operand(USE_ANY | c.use(a))
        c.buffer.payload(immediate)
        return
      }
      c.buffer.begin(MachOp.Test, 2, 0, size | EXACT)
      c.buffer.operand(USE | c.use(a))
      c.buffer.operand(USE_ANY | c.use(b))
      return
    case 'integer':
      if (c.matchImmediate(b)) {
        // Without a sign only equality survives.
        const equality = c.low === 0 && (condition.code & ~1) === EQUAL
        if (equality) emitEqualsZero(c, beforeExtensions(c, a))
        else emitCompareImmediate(c, a, c.low)
      } else c.withSource(MachOp.Cmp, size | EXACT, -1, USE | c.use(a), b, USE_ANY, true)
      return
    case 'float':
      c.withSource(MachOp.Ucomis, size, -1, USE | c.use(a), b, USE_ANY, false)
  }
}

/** Only whether `a` is 0 matters: a load that extends is compared at the width of the memory. */
function emitEqualsZero(c: Lowering, a: number): void {
  const load = c.mergeable(a)
  if (load >= 0 && c.uses.colour[load] === c.uses.colour[c.inst] && (c.immHigh[load] & MemFlags.Big) === 0) {
    const size = extendingLoadSize(c.opcode[load])
    if (size >= 0) {
      compareMemory(c, load, size, 0)
      return
    }
  }
  emitCompareImmediate(c, a, 0)
}

/** log2 of the bytes that an extending load reads, -1 for other opcodes. */
function extendingLoadSize(opcode: number): number {
  if (opcode === Opcode.Uload8 || opcode === Opcode.Sload8) return 0
  if (opcode === Opcode.Uload16 || opcode === Opcode.Sload16) return 1
  return opcode === Opcode.Uload32 || opcode === Opcode.Sload32 ? 2 : -1
}

/** `cmp [memory], immediate` in place of a load. */
function compareMemory(c: Lowering, load: number, size: number, immediate: number): void {
  c.sunk[load] = 1
  c.matchAddress(c.arg0[load], c.imm[load])
  const header = (size << SIZE) | EXACT | record.SOURCE_MEMORY_IMMEDIATE | c.addressHeader() | c.trapHeader(load)
  c.buffer.begin(MachOp.Cmp, c.addressOperands(), c.addressPayload() + 1, header)
  c.writeAddressOperands(0)
  c.writeAddressPayload()
  c.buffer.payload(immediate)
}

function emitCompareImmediate(c: Lowering, a: number, immediate: number): void {
  const size = c.size(a) << SIZE
  const load = c.mergeableLoad(a)
  if (load >= 0) {
    compareMemory(c, load, c.size(a), immediate)
    return
  }
  if (immediate === 0) {
    emitZeroTest(c, a, size)
    return
  }
  c.buffer.begin(MachOp.Cmp, 1, 1, size | EXACT | record.SOURCE_IMMEDIATE)
  c.buffer.operand(USE_ANY | c.use(a))
  c.buffer.payload(immediate)
}

/** `test a, a`, which leaves the flags of a comparison with 0. */
function emitZeroTest(c: Lowering, a: number, size: number): void {
  c.buffer.begin(MachOp.Test, 1, 0, size | EXACT)
  c.buffer.operand(USE_ANY | c.use(a))
}

/** The value that is 0 just when `value` is: before zero or sign extensions that merge. */
function beforeExtensions(c: Lowering, value: number): number {
  for (let a = value; ; ) {
    const inst = c.mergeable(a)
    if (inst < 0 || (c.opcode[inst] !== Opcode.Uextend && c.opcode[inst] !== Opcode.Sextend)) return a
    a = c.arg0[inst]
    if (SIZE_OF_TYPE[c.valueType[a]] < 0) return value
  }
}

/** `icmp` and `fcmp` as values. */
export function lowerCompare(c: Lowering): void {
  const { condition } = c
  if (c.opcode[c.inst] === Opcode.Icmp) matchIcmp(c, condition, c.inst)
  else matchFcmp(c, condition, c.inst)
  const d = c.result()
  if (condition.code >= record.FLOAT_EQ) {
    c.buffer.begin(MachOp.Setcc, 2, 0, condition.code)
    c.buffer.operand(DEF | d)
    c.buffer.operand(TEMPORARY | c.newVreg(false))
  } else {
    setcc(c, condition.code, d)
  }
  emitFlags(c, condition)
}
