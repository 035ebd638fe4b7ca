// A switch over integers: tables where the cases lie close together, comparisons elsewhere, found by halving.

import { IntCC } from '../condition-codes.ts'
import type { Block, Value } from '../entities.ts'
import { IrBuildError } from '../errors.ts'
import { Type, typeBits, typeName } from '../types.ts'
import type { FunctionBuilder } from './function-builder.ts'

/** A value and the block to go to. Negative values are taken modulo the width. */
export type SwitchCase = readonly [value: number | bigint, block: Block]

/** Cases of consecutive values. */
interface Run {
  readonly first: bigint
  readonly blocks: Block[]
}

/** Fewer cases than this are cheaper compared one by one. */
const TABLE_MINIMUM = 4
/** The most entries of one table: more than this must be a mistake or a run of its own. */
const TABLE_MAXIMUM = 0x1_0000

/** Ends the current block with a switch. */
export function buildSwitch(
  builder: FunctionBuilder,
  value: Value,
  cases: readonly SwitchCase[],
  otherwise: Block,
): void {
  const type = builder.typeOf(value)
  if (type < Type.I8 || type > Type.I64) {
    throw new IrBuildError({ code: 'arguments', reason: `a switch cannot be over ${typeName(type)}` })
  }
  decide(builder, value, type, runsOf(cases, type), otherwise)
}

function runsOf(cases: readonly SwitchCase[], type: Type): Run[] {
  const bits = typeBits(type)
  const sorted = cases
    .map(([value, block]) => {
      const whole = typeof value === 'bigint' || Number.isSafeInteger(value)
      const big = whole ? BigInt(value) : 0n
      if (!whole || big < -(1n << BigInt(bits - 1)) || big >= 1n << BigInt(bits)) {
        throw new IrBuildError({ code: 'arguments', reason: `the case ${String(value)} is no ${typeName(type)}` })
      }
      return [BigInt.asUintN(bits, big), block] as const
    })
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  const runs: Run[] = []
  for (const [value, block] of sorted) {
    const last = runs.at(-1)
    const next = last === undefined ? -1n : last.first + BigInt(last.blocks.length)
    if (last !== undefined && value < next) {
      throw new IrBuildError({ code: 'arguments', reason: `the case ${value} is there twice` })
    }
    if (last !== undefined && value === next && last.blocks.length < TABLE_MAXIMUM) last.blocks.push(block)
    else runs.push({ first: value, blocks: [block] })
  }
  return runs
}

/** Narrows down to one run by comparing with the first value of the middle one. */
function decide(builder: FunctionBuilder, value: Value, type: Type, runs: readonly Run[], otherwise: Block): void {
  if (runs.length === 0) {
    builder.jump(otherwise)
    return
  }
  if (runs.length === 1) {
    pick(builder, value, type, runs[0], otherwise)
    return
  }
  const middle = runs.length >> 1
  const low = builder.createBlock()
  const high = builder.createBlock()
  builder.brif(builder.icmpImm(IntCC.Ult, value, signed(runs[middle].first, type)), low, high)
  builder.seal(low)
  builder.seal(high)
  builder.switchTo(low)
  decide(builder, value, type, runs.slice(0, middle), otherwise)
  builder.switchTo(high)
  decide(builder, value, type, runs.slice(middle), otherwise)
}

function pick(builder: FunctionBuilder, value: Value, type: Type, { first, blocks }: Run, otherwise: Block): void {
  if (blocks.length < TABLE_MINIMUM) {
    blocks.forEach((block, i) => {
      const equal = builder.icmpImm(IntCC.Eq, value, signed(first + BigInt(i), type))
      if (i === blocks.length - 1) {
        builder.brif(equal, block, otherwise)
        return
      }
      const next = builder.createBlock()
      builder.brif(equal, block, next)
      builder.seal(next)
      builder.switchTo(next)
    })
    return
  }
  const index = first === 0n ? value : builder.isub(value, builder.iconst(type, signed(first, type)))
  if (type !== Type.I64) {
    builder.brTable(type === Type.I32 ? index : builder.uextend(Type.I32, index), otherwise, blocks)
    return
  }
  // A table is indexed by 32 bits: what does not fit must not be cut off.
  const inside = builder.createBlock()
  builder.brif(builder.icmpImm(IntCC.Ult, index, blocks.length), inside, otherwise)
  builder.seal(inside)
  builder.switchTo(inside)
  builder.brTable(builder.ireduce(Type.I32, index), otherwise, blocks)
}

function signed(value: bigint, type: Type): bigint {
  return BigInt.asIntN(typeBits(type), value)
}
