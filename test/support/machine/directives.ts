// The `run` directives of CLIF file tests (CLIF reference, 5.2), for scalar signatures.

import type { Function as IrFunction, Signature } from '../../../packages/ir/src/index.ts'
import { Type, typeBits } from '../../../packages/ir/src/index.ts'
import { parseFloatBits } from '../../../packages/ir/src/text/index.ts'
import { isFloat } from './values.ts'

export interface RunDirective {
  readonly text: string
  readonly args: readonly bigint[]
  /** Results must be these, or, with `unequal`, must differ from them. */
  readonly expected: readonly bigint[]
  readonly unequal: boolean
}

/** All directives of a function; every comment that begins like one must be one. */
export function runDirectives(func: IrFunction): RunDirective[] {
  const directives: RunDirective[] = []
  for (const { text } of func.source?.comments ?? []) {
    if (!/^[; ]*run\b/.test(text)) continue
    directives.push(parseDirective(text.replace(/^[; ]*/, ''), func.signature))
  }
  return directives
}

function parseDirective(text: string, { params, returns }: Signature): RunDirective {
  if (/^run\s*$/.test(text)) return { text, args: [], expected: [0n], unequal: true }
  const match = /^run:\s*%?\w*\s*\(([^)]*)\)\s*(==|!=)\s*(\[[^\]]*\]|\S+)/.exec(text)
  if (match === null) throw new Error(`not a run directive: ${text}`)
  const [, args, relation, expected] = match
  const read = (list: string, types: readonly number[]): bigint[] => {
    const items = list.trim() === '' ? [] : list.split(',')
    if (items.length !== types.length) throw new Error(`${items.length} values for ${types.length} types: ${text}`)
    return items.map((item, i) => parseDatum(item.trim(), types[i]))
  }
  return {
    text,
    args: read(
      args,
      params.map(({ type }) => type),
    ),
    expected: read(
      returns.length === 1 ? expected : expected.replace(/^\[|\]$/g, ''),
      returns.map(({ type }) => type),
    ),
    unequal: relation === '!=',
  }
}

/** Bits of a literal. Integers may be in the signed or the unsigned range of their type. */
export function parseDatum(text: string, type: number): bigint {
  if (isFloat(type)) {
    const bits = parseFloatBits(text, type === Type.F32 ? 32 : 64)
    if (typeof bits !== 'bigint') throw new Error(`${text}: ${bits}`)
    return bits
  }
  const match = /^([+-]?)((?:0x)?[\da-fA-F_]+)$/.exec(text)
  if (match === null) throw new Error(`not an integer: ${text}`)
  const magnitude = BigInt(match[2].replaceAll('_', ''))
  const value = match[1] === '-' ? -magnitude : magnitude
  const bits = typeBits(type)
  if (value < -(1n << BigInt(bits - 1)) || value >= 1n << BigInt(bits)) throw new Error(`${text} does not fit i${bits}`)
  return BigInt.asUintN(bits, value)
}
