/** What a call leaves alone. */

import { R12, R13, R14, R15, RBP, RBX, RDI, type Register, RSI, XMM0 } from '@framewright/frame-layout'

export interface Convention {
  readonly name: string
  /** Registers whose values a function gives back to its caller, without SP. */
  readonly preserved: readonly Register[]
  /** Bytes below SP that no interrupt touches. */
  readonly redZone: number
  /** Bytes above SP that a called function may write: the home area. */
  readonly homeArea: number
}

/** System V AMD64 ABI, 3.2.1 "Registers" and 3.2.2 "The Stack Frame". */
export const systemV: Convention = {
  name: 'system-v',
  preserved: [RBX, RBP, R12, R13, R14, R15],
  redZone: 128,
  homeArea: 0,
}

/** Microsoft Learn, "x64 calling convention", "Caller/callee saved registers" and "Shadow store". */
export const windows: Convention = {
  name: 'windows',
  preserved: [RBX, RBP, RSI, RDI, R12, R13, R14, R15, ...Array.from({ length: 10 }, (_, i) => XMM0 + 6 + i)],
  redZone: 0,
  homeArea: 32,
}
