// The `run` directives of CLIF file tests (CLIF reference, 5.2).

import type { Function as IrFunction, Signature } from '../../../packages/ir/src/index.ts'
import { isScalarFloat, isVector, laneBits, laneType, typeBits } from '../../../packages/ir/src/index.ts'
import { parseFloatBits } from '../../../packages/ir/src/text/index.ts'

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
  const match = /^run:\s*%?\w*\s*\(([^)]*)\)\s*(==|!=)\s*(.*)$/.exec(text)
  if (match === null) throw new Error(`not a run directive: ${text}`)
  const [, args, relation, expected] = match
  const read = (list: string, types: readonly number[]): bigint[] => {
    const items = splitList(list)
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
      returns.length === 1 ? firstDatum(expected) : insideBrackets(expected),
      returns.map(({ type }) => type),
    ),
    unequal: relation === '!=',
  }
}

/** At the commas that no bracket encloses. */
function splitList(list: string): string[] {
  return list.trim() === '' ? [] : list.split(/,(?![^[]*\])/)
}

/** A vector in brackets, or a word; what follows the expected value is ignored. */
function firstDatum(text: string): string {
  return /^(?:\[[^\]]*\]|\S+)/.exec(text)?.[0] ?? ''
}

/** Several expected values; each may be in brackets itself. */
function insideBrackets(text: string): string {
  return /^\[((?:[^[\]]|\[[^\]]*\])*)\]/.exec(text)?.[1] ?? ''
}

/** Bits of a literal. Integers may be in the signed or the unsigned range of their type; lane 0 of a vector is lowest. */
export function parseDatum(text: string, type: number): bigint {
  if (isVector(type)) {
    const lane = laneType(type)
    const list = /^\[(.*)\]$/.exec(text)?.[1]
    if (list === undefined) return BigInt(text.replaceAll('_', ''))
    const lanes = list.trim().split(/\s+/)
    return lanes.reduce((bits, each, i) => bits | (parseDatum(each, lane) << BigInt(i * laneBits(type))), 0n)
  }
  if (isScalarFloat(type)) {
    const bits = parseFloatBits(text, typeBits(type) as 16 | 32 | 64 | 128)
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
