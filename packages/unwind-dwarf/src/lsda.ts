/**
 * The language-specific data area of C++ and those who do as it does: which calls lead to which landing pad, and what is
 * caught there. It has no standard; GCC's except.c (`output_function_exception_table`) and LLVM's EHStreamer.cpp write it,
 * libstdc++'s eh_personality.cc reads it.
 *
 *     encodings | call sites | actions | padding | types, backwards | exception specifications
 *
 * Here actions, types and specifications are lists addressed by index; in the bytes they are addressed by distance.
 */

import type { AddressBytes } from './architecture.ts'
import { ByteWriter } from './byte-writer.ts'
import { DW_EH_PE_omit, DW_EH_PE_sleb128, DW_EH_PE_uleb128 } from './constants.ts'
import { DwarfUnwindError, type DwarfUnwindProblem } from './errors.ts'
import { slebSize, ulebSize } from './leb128.ts'
import {
  type DwarfRelocation,
  type EncodedPointer,
  type EncodedSymbol,
  fixedSize,
  pointerForm,
} from './pointer-encoding.ts'

/** A stretch of code in which calls may throw. Offsets are bytes from the function's start, or from `landingPadStart`. */
export interface LsdaCallSite {
  readonly start: number
  readonly length: number
  /** 0: none, unwinding goes on. */
  readonly landingPad: number
  /** Index in `actions`; null: nothing but cleanup. */
  readonly action: number | null
}

/** What a landing pad does, tried in order along `next`. */
export interface LsdaAction {
  /** n > 0: catches `types[n - 1]`. 0: cleanup. n < 0: exceptions not in `specifications[-n - 1]`. */
  readonly filter: number
  /** Index in `actions`; null: the last. */
  readonly next: number | null
}

/** The tables of an LSDA. */
export interface LsdaTables {
  /** Sorted by start, not overlapping. A call that lies in none of them terminates the program. */
  readonly callSites: readonly LsdaCallSite[]
  readonly actions: readonly LsdaAction[]
  /** Lists of type numbers, which begin at 1. */
  readonly specifications: readonly (readonly number[])[]
}

/** What is written. */
export interface Lsda extends LsdaTables {
  /** Encoding of the types; left out where there are none. */
  readonly typeEncoding?: number
  /** 0x01 (LEB128) when left out, as compilers write it. */
  readonly callSiteEncoding?: number
  /** What landing pads count from, where it is not the function. */
  readonly landingPadStart?: EncodedSymbol
  /** null catches everything. */
  readonly types: readonly ({ readonly symbol: string; readonly addend?: number } | null)[]
}

/** What is read. */
export interface DecodedLsda extends LsdaTables {
  readonly typeEncoding: number
  readonly callSiteEncoding: number
  readonly landingPadStart: EncodedPointer | null
  readonly types: readonly EncodedPointer[]
  /** Bytes of the whole, without padding behind it. */
  readonly length: number
}

/** Bytes that type tables are aligned to, and with them every LSDA. */
const ALIGNMENT = 4

/** @throws DwarfUnwindError for call sites out of order, indices that lead nowhere, and encodings that cannot be written. */
export function encodeLsda(
  lsda: Lsda,
  addressBytes: AddressBytes = 8,
): {
  readonly bytes: Uint8Array
  readonly relocations: readonly DwarfRelocation[]
} {
  const { callSites, actions, types, specifications, landingPadStart } = lsda
  const { callSiteEncoding = DW_EH_PE_uleb128, typeEncoding = DW_EH_PE_omit } = lsda
  const out = new ByteWriter()
  const relocations: DwarfRelocation[] = []
  const pointer = (encoding: number, symbol: string, addend: number, use: string): void => {
    const form = pointerForm(encoding, use, addressBytes)
    relocations.push({ offset: out.length, kind: form.kind, symbol, addend })
    out.zeros(form.bytes)
  }

  const { bytes: actionBytes, places, specificationBytes } = encodeActions(actions, specifications, types.length)
  const callSiteBytes = encodeCallSites(callSites, callSiteEncoding, places, addressBytes)
  out.u8(landingPadStart?.encoding ?? DW_EH_PE_omit)
  if (landingPadStart !== undefined) {
    pointer(landingPadStart.encoding, landingPadStart.symbol, landingPadStart.addend ?? 0, 'landing pads')
  }
  out.u8(typeEncoding)
  if (typeEncoding === DW_EH_PE_omit) {
    if (types.length + specifications.length > 0)
      fail({ code: 'pointer-encoding', encoding: typeEncoding, use: 'types' })
  } else {
    const rest =
      1 +
      ulebSize(callSiteBytes.length) +
      callSiteBytes.length +
      actionBytes.length +
      types.length * pointerForm(typeEncoding, 'types', addressBytes).bytes
    // The distance to the end of the types counts the padding before them, and its own size shifts what is padded.
    let distance = rest
    for (let last = -1; last !== distance; ) {
      last = distance
      distance = rest + (-(out.length + ulebSize(distance) + rest) & (ALIGNMENT - 1))
    }
    out.uleb(distance)
  }
  out.u8(callSiteEncoding)
  out.uleb(callSiteBytes.length)
  out.block(callSiteBytes)
  out.block(actionBytes)
  if (typeEncoding !== DW_EH_PE_omit) out.align(ALIGNMENT)
  for (const type of types.toReversed()) {
    if (type === null) out.zeros(pointerForm(typeEncoding, 'types', addressBytes).bytes)
    else pointer(typeEncoding, type.symbol, type.addend ?? 0, 'types')
  }
  out.block(specificationBytes)
  return { bytes: out.slice(), relocations }
}

function fail(problem: DwarfUnwindProblem): never {
  throw new DwarfUnwindError(problem)
}

function encodeCallSites(
  sites: readonly LsdaCallSite[],
  encoding: number,
  places: readonly number[],
  addressBytes: AddressBytes,
): Uint8Array {
  const size = fixedSize(encoding, addressBytes)
  if (encoding > 0x0f || size < 0 || size === 2 || encoding === DW_EH_PE_sleb128) {
    fail({ code: 'pointer-encoding', encoding, use: 'call sites' })
  }
  const out = new ByteWriter()
  let end = 0
  for (const { start, length, landingPad, action } of sites) {
    if (!(start >= end)) fail({ code: 'order', at: start, previous: end })
    end = start + length
    for (const value of [start, length, landingPad]) {
      if (!(Number.isSafeInteger(value) && value >= 0)) {
        fail({ code: 'number-range', field: 'call site', value })
      }
      if (size === 0) out.uleb(value)
      else if (size === 4) out.u32(value)
      else out.u64(value)
    }
    if (action !== null && places[action] === undefined) fail({ code: 'number-range', field: 'action', value: action })
    out.uleb(action === null ? 0 : places[action]! + 1)
  }
  return out.slice()
}

/** The action records, where each of them lies, and the exception specifications that they lead to. */
function encodeActions(
  actions: readonly LsdaAction[],
  specifications: readonly (readonly number[])[],
  types: number,
): { bytes: Uint8Array; places: readonly number[]; specificationBytes: Uint8Array } {
  const lists = new ByteWriter()
  const listPlaces = specifications.map((list) => {
    const place = lists.length
    for (const type of list) {
      if (!(type >= 1 && type <= types)) fail({ code: 'number-range', field: 'type', value: type })
      lists.uleb(type)
    }
    lists.u8(0)
    return place
  })
  const filters = actions.map(({ filter }) => {
    if (filter > types) fail({ code: 'number-range', field: 'type', value: filter })
    if (filter >= 0) return filter
    const place = listPlaces[-filter - 1]
    return place === undefined ? fail({ code: 'number-range', field: 'specification', value: filter }) : -place - 1
  })
  // A distance leads from its own field to a record, so its size may depend on sizes before or behind it.
  const sizes = actions.map(() => 1)
  const places: number[] = []
  const distance = (i: number): number => {
    const { next } = actions[i]!
    if (next === null) return 0
    const to = places[next]
    if (to === undefined) fail({ code: 'number-range', field: 'action', value: next })
    return to - (places[i]! + slebSize(filters[i]!))
  }
  for (let settled = false; !settled; ) {
    settled = true
    let place = 0
    for (let i = 0; i < actions.length; i++) {
      places[i] = place
      place += slebSize(filters[i]!) + sizes[i]!
    }
    for (let i = 0; i < actions.length; i++) {
      // Sizes only grow, so this ends; a larger size than needed cannot come of it more than once.
      const size = slebSize(distance(i))
      if (size > sizes[i]!) {
        sizes[i] = size
        settled = false
      }
    }
  }
  const out = new ByteWriter()
  for (let i = 0; i < actions.length; i++) {
    out.sleb(filters[i]!)
    const value = distance(i)
    out.sleb(value)
    // Sizes that grew for another layout are kept by a longer form of the same number.
    const missing = sizes[i]! - slebSize(value)
    if (missing > 0) lengthenLeb(out, missing, value < 0)
  }
  return { bytes: out.slice(), places, specificationBytes: lists.slice() }
}

function lengthenLeb(out: ByteWriter, by: number, negative: boolean): void {
  out.bytes[out.length - 1] = out.bytes[out.length - 1]! | 0x80
  for (let i = 1; i < by; i++) out.u8(negative ? 0xff : 0x80)
  out.u8(negative ? 0x7f : 0)
}
