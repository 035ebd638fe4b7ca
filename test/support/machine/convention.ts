// Where the arguments and results of scalar signatures travel, for calls from outside.
//
// Written from the ABIs and not from packages/codegen-x64, which it tests: System V AMD64 ABI, 3.2.3 and figure 3.4;
// Microsoft Learn, "x64 calling convention". Results beyond the registers: CLIF reference, 5.3.

import type { Signature } from '../../../packages/ir/src/index.ts'
import { Type } from '../../../packages/ir/src/index.ts'

export type ConventionName = 'system_v' | 'windows_fastcall'

interface Convention {
  readonly integers: readonly number[]
  readonly floats: readonly number[]
  /** Argument i has the i-th register of its kind or none. */
  readonly byPosition: boolean
  readonly homeWords: number
  readonly integerResults: readonly number[]
  readonly floatResults: readonly number[]
  /** Registers that a callee keeps: general ones, then from bit 16 on vector ones. */
  readonly kept: number
}

const [RAX, RCX, RDX, RBX, RBP, RSI, RDI] = [0, 1, 2, 3, 5, 6, 7]
const mask = (registers: readonly number[]): number => registers.reduce((bits, register) => bits | (1 << register), 0)

const conventions: Readonly<Record<ConventionName, Convention>> = {
  system_v: {
    integers: [RDI, RSI, RDX, RCX, 8, 9],
    floats: [0, 1, 2, 3, 4, 5, 6, 7],
    byPosition: false,
    homeWords: 0,
    integerResults: [RAX, RDX],
    floatResults: [0, 1],
    kept: mask([RBX, RBP, 12, 13, 14, 15]),
  },
  windows_fastcall: {
    integers: [RCX, RDX, 8, 9],
    floats: [0, 1, 2, 3],
    byPosition: true,
    homeWords: 4,
    integerResults: [RAX, RDX],
    floatResults: [0],
    kept: mask([RBX, RBP, RSI, RDI, 12, 13, 14, 15, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31]),
  },
}

/** A register, by its number in its file, or a word of the stack arguments or of the area for results. */
export interface Place {
  readonly in: 'general' | 'vector' | 'stack'
  readonly index: number
}

export interface Places {
  readonly convention: ConventionName
  readonly params: readonly Place[]
  readonly returns: readonly Place[]
  /** The register of the hidden pointer to the area for results, if one is passed. */
  readonly returnArea: number | null
  readonly stackWords: number
  readonly kept: number
}

/** @param fallback - what the convention `fast` stands for. */
export function placesOf(signature: Signature, fallback: ConventionName): Places {
  const name = signature.callConv === 'fast' ? fallback : signature.callConv
  if (name !== 'system_v' && name !== 'windows_fastcall') throw new Error(`no calls of convention ${name} from outside`)
  const convention = conventions[name]
  const isFloat = (type: number): boolean => type === Type.F32 || type === Type.F64

  let general = 0
  let vector = 0
  let stack = 0
  const returns = signature.returns.map(({ type }): Place => {
    const registers = isFloat(type) ? convention.floatResults : convention.integerResults
    const index = isFloat(type) ? vector++ : general++
    if (index >= registers.length) return { in: 'stack', index: stack++ }
    return { in: isFloat(type) ? 'vector' : 'general', index: registers[index] }
  })

  general = stack > 0 ? 1 : 0
  vector = stack > 0 && convention.byPosition ? 1 : 0
  const returnArea = stack > 0 ? convention.integers[0] : null
  let words = convention.homeWords
  const params = signature.params.map(({ type }, i): Place => {
    const hidden = stack > 0 ? 1 : 0
    const registers = isFloat(type) ? convention.floats : convention.integers
    const index = convention.byPosition ? i + hidden : isFloat(type) ? vector++ : general++
    if (index >= registers.length) return { in: 'stack', index: words++ }
    return { in: isFloat(type) ? 'vector' : 'general', index: registers[index] }
  })
  return { convention: name, params, returns, returnArea, stackWords: words, kept: convention.kept }
}

const names = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi']

/** Names of the registers of a mask. */
export function registerNames(registers: number): string[] {
  return Array.from({ length: 32 }, (_, i) => i)
    .filter((i) => ((registers >>> i) & 1) !== 0)
    .map((i) => (i >= 16 ? `xmm${i - 16}` : (names[i] ?? `r${i}`)))
}
