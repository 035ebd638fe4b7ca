/** What there is to verify: code at addresses, and what the unwind information says of it. */

import type { UnwindRow } from '@framewright/frame-layout'
import type { Convention } from './convention.ts'

/**
 * A range of code that one entry of the unwind information describes: a function, or a part of one.
 *
 * Addresses are numbers; whose high bits a number cannot hold, counts from a multiple of 4096 near by.
 */
export interface VerifiedRange {
  readonly name: string
  /** Address of the first byte. */
  readonly begin: number
  readonly code: Uint8Array
  /**
   * What holds at an offset from `begin`, before the instruction there runs: rows in ascending order, the first at 0, or a
   * function where the platform's unwinder does not go by tables alone (Windows reads epilogues in the code). Null: nothing
   * is said.
   */
  readonly rows: readonly UnwindRow[] | ((offset: number) => UnwindRow | null)
  /** Where unwinding may resume. */
  readonly landingPads?: readonly LandingPad[]
  /** Nobody says where the code ends: what no path reaches may be data, or another's, and is not counted. */
  readonly openEnd?: boolean
  /** What calls to this function leave alone, where it is not the image's convention. */
  readonly convention?: Convention
}

/** Instructions in a range of addresses from which control may come to a landing pad. */
export interface LandingPad {
  readonly begin: number
  readonly end: number
  readonly address: number
  /** From every instruction there, which may fault; when left out, from calls. */
  readonly anywhere?: boolean
}

/** What is verified: the unwind data, the code, and what is known of both. */
export interface VerifyInput {
  readonly ranges: readonly VerifiedRange[]
  readonly convention: Convention
  /** Reads a signed little-endian number of 4 or 8 bytes of the image: jump tables. */
  readonly readNumber?: (address: number, bytes: 4 | 8) => number | undefined
  /** Where calls from elsewhere come in, besides the begins of functions: exported symbols, for example. */
  readonly entries?: Iterable<number>
  /** Whether a call comes back, if somebody knows; `target` is null for an indirect one. */
  readonly returns?: (target: number | null, address: number) => boolean | undefined
}
