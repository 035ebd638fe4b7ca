/** Where an indirect jump leads, if it goes through a table of the forms that compilers write. */

import { Flow, type Instruction } from './instruction.ts'
import { type FrameState, NO_BOUND } from './state.ts'
import { fromTable } from './step.ts'
import type { Symbols, TableSymbol } from './value.ts'

/** More entries than any table has of which nobody says how long it is. */
const LIMIT = 4096

export interface JumpTargets {
  readonly targets: readonly number[]
  /** The length of the table is known: every target is one. */
  readonly exact: boolean
  /** Address of the byte behind the last entry. */
  readonly end: number
}

/** @returns null where the instruction jumps through something else. */
export function tableOfJump(at: Instruction, state: FrameState, symbols: Symbols): TableSymbol | null {
  if (at.flow !== Flow.indirectJump) return null
  const value = at.memory === null ? state.registers[at.a]! : fromTable(at.memory, state, symbols, 8)
  const symbol = value === undefined ? undefined : symbols.tableOf(value)
  if (symbol === undefined || (symbol.width === 4 && symbol.from === null)) return null
  return symbol
}

/**
 * @param isTarget - whether an address can be one.
 * @param isStart - whether something else begins at an address of data, so that a table in front of it ends there.
 */
export function readTable(
  { table, width, from, bound }: TableSymbol,
  readNumber: (address: number, bytes: 4 | 8) => number | undefined,
  isTarget: (address: number) => boolean,
  isStart: (address: number) => boolean,
): JumpTargets {
  const exact = bound !== NO_BOUND && bound < LIMIT
  const targets = new Set<number>()
  const count = exact ? bound + 1 : LIMIT
  let i = 0
  for (; i < count; i++) {
    const address = table + i * width
    if (!exact && i > 0 && isStart(address)) break
    const entry = readNumber(address, width)
    if (entry === undefined) break
    const target = (from ?? 0) + entry
    if (isTarget(target)) targets.add(target)
    else if (!exact) break
  }
  return { targets: [...targets], exact, end: table + i * width }
}
