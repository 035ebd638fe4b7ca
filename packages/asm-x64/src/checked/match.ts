// Which row of the tables, at which size, takes the operands given.

import { type EncodingRow, rowOperands, rowSizes } from '../encoding/row.ts'
import { rows } from '../insts/index.ts'
import type { CheckedOperand } from './operand.ts'

export interface Candidate {
  readonly row: number
  readonly name: string
  readonly size: number
  readonly operands: readonly string[]
  /** Whether the row's size says anything. */
  readonly sized: boolean
}

/** Mnemonics that are the row of another one, at one size. */
const sizedNames: Readonly<Record<string, readonly [mnemonic: string, size: number]>> = {
  cbw: ['cwde', 1],
  cwde: ['cwde', 2],
  cdqe: ['cwde', 3],
  cwd: ['cdq', 1],
  cdq: ['cdq', 2],
  cqo: ['cdq', 3],
  movd: ['movd', 2],
  movq: ['movd', 3],
  vmovd: ['vmovd', 2],
  vmovq: ['vmovd', 3],
  pinsrd: ['pinsrd', 2],
  pinsrq: ['pinsrd', 3],
  pextrd: ['pextrd', 2],
  pextrq: ['pextrd', 3],
}
/** Size letters of the string instructions. Without one the row takes none: `movsd` and `cmpsd` are also float rows. */
const strings: readonly string[] = ['movs', 'stos', 'lods', 'scas', 'cmps']
const letters = 'bwdq'

let byName: ReadonlyMap<string, readonly Candidate[]> | undefined

/** The rows and sizes of a mnemonic or of a row's name, in the order of the tables; none if there is no such name. */
export function candidates(name: string): readonly Candidate[] {
  byName ??= index()
  return byName.get(name) ?? []
}

function index(): Map<string, Candidate[]> {
  const result = new Map<string, Candidate[]>()
  const add = (name: string, candidate: Candidate): void => {
    const list = result.get(name)
    if (list === undefined) result.set(name, [candidate])
    else list.push(candidate)
  }
  for (const [number, row] of rows.entries()) {
    const mnemonic = row[1].split(' ', 1)[0]!
    for (const candidate of candidatesOf(row, number)) {
      add(row[0], candidate)
      if (strings.includes(mnemonic)) add(mnemonic + letters[candidate.size]!, candidate)
      else if (!(mnemonic in sizedNames) || candidate.sized === false) add(mnemonic, candidate)
      for (const [name, [of, size]] of Object.entries(sizedNames)) {
        if (of === mnemonic && candidate.sized && size === candidate.size) add(name, candidate)
      }
    }
  }
  return result
}

function candidatesOf(row: EncodingRow, number: number): Candidate[] {
  const sizes = rowSizes(row)
  const operands = rowOperands(row)
  const sized = sizes.length > 0
  return (sized ? sizes : [3]).map((size) => ({ row: number, name: row[0], size, operands, sized }))
}

/**
 * How an operand of a row's syntax meets an operand given: undefined not at all, else the bits of memory it means, 0 for
 * what is not memory or has no width of its own.
 */
export function match(syntax: string, size: number, operand: CheckedOperand): number | undefined {
  if (operand.kind === 'immediate') return syntax.startsWith('imm') ? 0 : undefined
  const width = Number(/^\D+(\d+)/.exec(syntax)?.[1] ?? 8 << size)
  const kind = /^[a-z]+/.exec(syntax)![0]
  if (operand.kind === 'memory') {
    if (kind !== 'rm' && kind !== 'xm' && kind !== 'm') return undefined
    if (kind === 'm' && syntax === 'm' && operand.width === 0) return 0
    return operand.width === 0 || operand.width === width ? width : undefined
  }
  if (syntax === 'cl') return operand.size === 0 && operand.number === 1 ? 0 : undefined
  if (syntax === 'xmm0') return operand.size === 4 && operand.number === 0 ? 0 : undefined
  if (kind === 'x' || kind === 'vx' || kind === 'sx' || kind === 'xm') return operand.size === 4 ? 0 : undefined
  if (kind !== 'r' && kind !== 'v' && kind !== 'rm') return undefined
  // rm8-32 is memory of 8 bits or a register of 32.
  const registerWidth = syntax.endsWith('-32') ? 32 : width
  return operand.size < 4 && 8 << operand.size === registerWidth ? 0 : undefined
}

/** The least and the greatest value of an immediate of a row's syntax. */
export function immediateRange(syntax: string, size: number): readonly [bigint, bigint, number] {
  const bits = syntax === 'imm8' ? 8 : Math.min(8 << size, 32)
  // Of 64 bits the immediate has 32, sign-extended; of the others any pattern can be written, signed or not.
  const most = size === 3 && syntax === 'imm' ? 1n << 31n : 1n << BigInt(bits)
  return [-(1n << BigInt(bits - 1)), most - 1n, bits]
}
