// What an access to memory promises, packed in the 32 bits of the `immHigh` column:
//
//   | 31..16                     | 15..8                           | 4   | 3      | 2        | 1        | 0       |
//   | alias region + 1, 0 = none | trap code, 0 = does not trap    | big | little | can_move | readonly | aligned |

import { TrapCode, trapCodeName } from './trap-codes.ts'

/** Bits of a memory flags word. */
export const MemFlags = {
  Aligned: 1,
  Readonly: 2,
  CanMove: 4,
  Little: 8,
  Big: 16,
} as const
/** A packed word; see the picture at the top of `memory-flags.ts`. */
export type MemFlags = number

const TRAP_SHIFT = 8
const REGION_SHIFT = 16
const TRAP_MASK = 0xff << TRAP_SHIFT
const REGION_MASK = 0xffff << REGION_SHIFT

/** The largest alias region that a word can hold. */
export const MAX_ALIAS_REGION = 0xfffe

/** No flag given: traps with heap_oob, promises nothing. */
export const DEFAULT_MEM_FLAGS: MemFlags = TrapCode.HeapOutOfBounds << TRAP_SHIFT
/** `notrap aligned`: known to succeed. */
export const TRUSTED_MEM_FLAGS: MemFlags = MemFlags.Aligned

/** The code that a failing access traps with; 0 when the access is promised to succeed (`notrap`). */
export function memFlagsTrapCode(flags: MemFlags): TrapCode {
  return (flags >>> TRAP_SHIFT) & 0xff
}

/** The same flags with another trap code; 0 for `notrap`. */
export function withTrapCode(flags: MemFlags, code: TrapCode): MemFlags {
  return (flags & ~TRAP_MASK) | (code << TRAP_SHIFT)
}

/** The alias region, or -1. */
export function memFlagsRegion(flags: MemFlags): number {
  return (flags >>> REGION_SHIFT) - 1
}

/** The same flags in another alias region; -1 for none. */
export function withRegion(flags: MemFlags, region: number): MemFlags {
  return (flags & ~REGION_MASK) | ((region + 1) << REGION_SHIFT)
}

/** In the order of the text, each word after a space: ` notrap aligned region2`; empty for the default. */
export function printMemFlags(flags: MemFlags): string {
  if (flags === DEFAULT_MEM_FLAGS) return ''
  let text = ''
  const code = memFlagsTrapCode(flags)
  if (code === 0) text += ' notrap'
  else if (code !== TrapCode.HeapOutOfBounds) text += ` ${trapCodeName(code)}`
  if ((flags & MemFlags.Aligned) !== 0) text += ' aligned'
  if ((flags & MemFlags.Readonly) !== 0) text += ' readonly'
  if ((flags & MemFlags.CanMove) !== 0) text += ' can_move'
  if ((flags & MemFlags.Big) !== 0) text += ' big'
  if ((flags & MemFlags.Little) !== 0) text += ' little'
  const region = memFlagsRegion(flags)
  return region < 0 ? text : `${text} region${region}`
}
