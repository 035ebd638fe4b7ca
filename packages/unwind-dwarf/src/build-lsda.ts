/**
 * Makes an LSDA from what a compiler knows: which calls are protected, where control goes when they throw, and what is
 * caught there. Types, specifications and actions that are the same are written once, chains that end alike share their
 * ends, as compilers have it.
 */

import { DW_EH_PE_indirect, DW_EH_PE_pcrel, DW_EH_PE_sdata4 } from './constants.ts'
import { DwarfUnwindError } from './errors.ts'
import type { Lsda, LsdaAction, LsdaCallSite } from './lsda.ts'
import type { EncodedSymbol } from './pointer-encoding.ts'

/** What happens at a landing pad. A personality routine tries one after the other. */
export type LsdaHandler =
  /** Catches exceptions of a type; null: all. What a type's symbol means is the personality routine's affair. */
  | { readonly kind: 'catch'; readonly type: LsdaType | null }
  /** Runs and throws on. */
  | { readonly kind: 'cleanup' }
  /** Catches everything but these: an exception specification. An empty list catches everything. */
  | { readonly kind: 'except'; readonly types: readonly LsdaType[] }

/** A type by its symbol: C++'s `_ZTI…`, or `DW.ref._ZTI…` where the encoding is indirect. */
export type LsdaType = string | { readonly symbol: string; readonly addend?: number }

/** A stretch of code in which calls may throw. */
export interface LsdaRegion {
  /** Offset from the function's first byte. */
  readonly start: number
  readonly length: number
  /** Offset of the landing pad; null: none, and what is thrown passes. Calls in no region end the program. */
  readonly landingPad: number | null
  /** In the order in which they are tried; empty: nothing but cleanup. */
  readonly handlers: readonly LsdaHandler[]
}

/** How the tables are written. */
export interface LsdaOptions {
  /** Of types: 0x9b (through a pointer, pc-relative) when left out, as position-independent code needs it. */
  readonly typeEncoding?: number
  readonly callSiteEncoding?: number
  /** What landing pads count from, where it is not the function: its other part. */
  readonly landingPadStart?: EncodedSymbol
}

/**
 * The tables for these regions, to be written by `encodeLsda`.
 *
 * @param regions - of one function, or of one part of it; in any order, without overlaps.
 * @throws DwarfUnwindError for regions that overlap, and a landing pad at the function's first byte (0 means none).
 */
export function buildLsda(regions: readonly LsdaRegion[], options: LsdaOptions = {}): Lsda {
  const tables = new Tables()
  const callSites = regions
    .toSorted((a, b) => a.start - b.start)
    .map(({ start, length, landingPad, handlers }): LsdaCallSite => {
      if (landingPad === 0 && options.landingPadStart === undefined) {
        throw new DwarfUnwindError({ code: 'number-range', field: 'landing pad', value: 0 })
      }
      const plain = handlers.every(({ kind }) => kind === 'cleanup')
      const action = landingPad === null || plain ? null : tables.chain(handlers)
      return { start, length, landingPad: landingPad ?? 0, action }
    })
  const { actions, types, specifications } = tables
  const {
    typeEncoding = DW_EH_PE_indirect | DW_EH_PE_pcrel | DW_EH_PE_sdata4,
    callSiteEncoding,
    landingPadStart,
  } = options
  return {
    callSites,
    actions,
    types,
    specifications,
    ...(types.length + specifications.length === 0 ? undefined : { typeEncoding }),
    ...(callSiteEncoding === undefined ? undefined : { callSiteEncoding }),
    ...(landingPadStart === undefined ? undefined : { landingPadStart }),
  }
}

class Tables {
  readonly actions: LsdaAction[] = []
  readonly types: ({ readonly symbol: string; readonly addend?: number } | null)[] = []
  readonly specifications: number[][] = []
  readonly #known: Map<string, number> = new Map()

  /** The index of the action that begins a chain. */
  chain(handlers: readonly LsdaHandler[]): number {
    let next: number | null = null
    for (const handler of handlers.toReversed()) {
      const filter = this.#filter(handler)
      const after: number | null = next
      next = this.#once(`action ${filter} ${after}`, () => this.actions.push({ filter, next: after }) - 1)
    }
    return next!
  }

  #filter(handler: LsdaHandler): number {
    switch (handler.kind) {
      case 'cleanup':
        return 0
      case 'catch':
        return this.#type(handler.type)
      case 'except': {
        const list = handler.types.map((type) => this.#type(type))
        return this.#once(`except ${list.join(' ')}`, () => -this.specifications.push(list))
      }
    }
  }

  /** Numbers begin at 1. */
  #type(type: LsdaType | null): number {
    const full = typeof type === 'string' ? { symbol: type } : type
    const key = full === null ? 'any' : `type ${full.addend ?? 0} ${full.symbol}`
    return this.#once(key, () => this.types.push(full))
  }

  #once(key: string, make: () => number): number {
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const made = make()
    this.#known.set(key, made)
    return made
  }
}
