/** What a personality routine finds in an LSDA for a call. */

import type { DecodedLsda, Lsda } from './lsda.ts'

/** Where a call that throws leads. */
export type LandingPad =
  /** No entry covers the call: nothing may be thrown there, and the program ends. */
  | { readonly kind: 'terminate' }
  /** Nothing to do in this frame. */
  | { readonly kind: 'pass' }
  | {
      readonly kind: 'land'
      /** Offset of the landing pad, from the function or from what the table says. */
      readonly at: number
      /** Filters in the order in which they are tried: see `LsdaAction`. Empty, or 0 alone: nothing but cleanup. */
      readonly filters: readonly number[]
    }

/**
 * Looks a call up.
 *
 * @param offset - of a byte of the call instruction (the return address less 1), from the function's first byte.
 */
export function landingPadAt(lsda: Lsda | DecodedLsda, offset: number): LandingPad {
  const site = lsda.callSites.find(({ start, length }) => offset >= start && offset < start + length)
  if (site === undefined) return { kind: 'terminate' }
  // Landing pads that count from elsewhere may be at 0; no producer has one that counts from the function there.
  if (site.landingPad === 0 && (lsda.landingPadStart ?? null) === null) return { kind: 'pass' }
  const filters: number[] = []
  const seen = new Set<number>()
  for (let index = site.action; index !== null && !seen.has(index); ) {
    seen.add(index)
    const action = lsda.actions[index]
    if (action === undefined) break
    filters.push(action.filter)
    index = action.next
  }
  return { kind: 'land', at: site.landingPad, filters }
}
