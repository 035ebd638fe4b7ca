/**
 * A row as SFrame has it: from an offset on, where the CFA, the return address and the caller's frame pointer are. Nothing is
 * said of other registers.
 */

import type { Register } from '@framewright/frame-layout'

/** One row of a function. */
export interface SFrameRow {
  /** From the function's first byte. */
  readonly at: number
  /** Null: there is no caller, and nothing else is said. */
  readonly cfa: SFrameRule | null
  /** Null: where a call left it (CFA-8 on AMD64, x30 on AArch64). */
  readonly returnAddress: SFrameRule | null
  /** Null: in the register, unchanged. */
  readonly framePointer: SFrameRule | null
  /** The return address is signed (AArch64's pointer authentication). */
  readonly signed: boolean
}

/** base + offset, or what lies in memory there. */
export interface SFrameRule {
  readonly base: 'cfa' | Register
  readonly offset: number
  readonly dereferenced: boolean
}

/** Whether two rows say the same of the frame; where they begin does not count. */
export function sameRow(a: SFrameRow, b: SFrameRow): boolean {
  return (
    sameRule(a.cfa, b.cfa) &&
    sameRule(a.returnAddress, b.returnAddress) &&
    sameRule(a.framePointer, b.framePointer) &&
    a.signed === b.signed
  )
}

function sameRule(a: SFrameRule | null, b: SFrameRule | null): boolean {
  if (a === null || b === null) return a === b
  return a.base === b.base && a.offset === b.offset && a.dereferenced === b.dereferenced
}
