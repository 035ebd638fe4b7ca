// One function as the listings show it, whether we compiled it or found it in somebody's object.

import type { FrameRecord, UnwindRow } from '@framewright/frame-layout'

export interface ListedRelocation {
  /** From the start of the function. */
  readonly offset: number
  readonly kind: string
  readonly symbol: string
  /** As ELF means it: pc-relative values count from the field. */
  readonly addend: number
}

/** Code that is linked refers to addresses. */
export interface ListedPlace {
  readonly address: bigint
  /** `stdout`, `malloc+0x12`; null for an address that nothing names. */
  readonly nameOf: (address: bigint) => string | null
}

export interface ListedFunction {
  readonly name: string
  /** Other names of the same place. */
  readonly aliases: readonly string[]
  /** Where it starts in its section. */
  readonly offset: number
  readonly section: string
  /** Its index in the file. */
  readonly sectionIndex: number
  /** Where it lies in an image. Absent: addresses mean nothing. */
  readonly place?: ListedPlace
  /** Instructions, and behind them constants and tables. */
  readonly code: Uint8Array
  /** Bytes of instructions. */
  readonly codeSize: number
  /** Nobody says where the function ends: the last instructions may be padding. */
  readonly isEndGuessed: boolean
  readonly relocations: readonly ListedRelocation[]
  /** Null where nothing describes the frame: a leaf on Windows, or an object without unwind data. */
  readonly rows: readonly UnwindRow[] | null
  /** What the code generator recorded; null for a function out of an object. */
  readonly record: FrameRecord | null
}
