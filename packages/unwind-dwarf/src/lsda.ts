/**
 * The language-specific data area of C++ and those who do as it does: which calls lead to which landing pad, and what is
 * caught there. It has no standard; GCC's except.c (`output_function_exception_table`) and LLVM's EHStreamer.cpp write it,
 * libstdc++'s eh_personality.cc reads it.
 *
 *     encodings | call sites | actions | padding | types, backwards | exception specifications
 *
 * Here actions, types and specifications are lists addressed by index; in the bytes they are addressed by distance.
 */

import { ByteReader } from './byte-reader.ts'
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
  readFormat,
  readPointer,
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

interface LsdaTables {
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
export function encodeLsda(lsda: Lsda): {
  readonly bytes: Uint8Array
  readonly relocations: readonly DwarfRelocation[]
} {
  const { callSites, actions, types, specifications, landingPadStart } = lsda
  const { callSiteEncoding = DW_EH_PE_uleb128, typeEncoding = DW_EH_PE_omit } = lsda
  const out = new ByteWriter()
  const relocations: DwarfRelocation[] = []
  const pointer = (encoding: number, symbol: string, addend: number, use: string): void => {
    const form = pointerForm(encoding, use)
    relocations.push({ offset: out.length, kind: form.kind, symbol, addend })
    out.zeros(form.bytes)
  }

  const { bytes: actionBytes, places, specificationBytes } = encodeActions(actions, specifications, types.length)
  const callSiteBytes = encodeCallSites(callSites, callSiteEncoding, places)
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
      types.length * pointerForm(typeEncoding, 'types').bytes
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
    if (type === null) out.zeros(pointerForm(typeEncoding, 'types').bytes)
    else pointer(typeEncoding, type.symbol, type.addend ?? 0, 'types')
  }
  out.block(specificationBytes)
  return { bytes: out.slice(), relocations }
}

function fail(problem: DwarfUnwindProblem): never {
  throw new DwarfUnwindError(problem)
}

function encodeCallSites(sites: readonly LsdaCallSite[], encoding: number, places: readonly number[]): Uint8Array {
  const size = fixedSize(encoding)
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

/** How many records a table may have. */
const LIMIT = 1 << 20

/**
 * Reads an LSDA.
 *
 * The bytes do not say how many types and specifications there are: those are read that an action leads to.
 *
 * @param offset - where it starts in `bytes`, which lie at `address`.
 * @throws DwarfUnwindError with the place in `bytes`.
 */
export function decodeLsda(bytes: Uint8Array, offset: number = 0, address: bigint = 0n): DecodedLsda {
  const reader = new ByteReader(bytes, offset)
  const bases = { section: address }
  const startEncoding = reader.u8('encoding')
  const landingPadStart =
    startEncoding === DW_EH_PE_omit ? null : readPointer(reader, startEncoding, bases, 'landing pads')
  const typePlace = reader.position
  const typeEncoding = reader.u8('encoding')
  let typeEnd = -1
  if (typeEncoding !== DW_EH_PE_omit) {
    const distance = reader.uleb('distance to the types')
    reader.require(distance, 'types')
    typeEnd = reader.position + distance
  }
  const callSitePlace = reader.position
  const callSiteEncoding = reader.u8('encoding')
  if (callSiteEncoding > 0x0f || fixedSize(callSiteEncoding) < 0) {
    reader.fail({ code: 'pointer-encoding', encoding: callSiteEncoding, use: 'call sites' }, callSitePlace)
  }
  const callSiteBytes = reader.uleb('call sites')
  reader.require(callSiteBytes, 'call sites')
  const actionStart = reader.position + callSiteBytes
  reader.end = actionStart
  const raw: { start: number; length: number; landingPad: number; action: number }[] = []
  while (reader.position < actionStart) {
    const place = reader.position
    const [start, length, landingPad] = [0, 0, 0].map(() => {
      const value = readFormat(reader, callSiteEncoding, 'call site')
      if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) {
        reader.fail({ code: 'malformed', why: 'a call site out of range' }, place)
      }
      return Number(value)
    }) as [number, number, number]
    raw.push({ start, length, landingPad, action: reader.uleb('action') })
  }
  reader.end = bytes.length

  // Records by their place; chains may share their ends, or lead back into themselves.
  const found = new Map<number, { filter: number; next: number | null }>()
  let end = actionStart
  for (const { action } of raw) {
    for (let at: number | null = action === 0 ? null : action - 1; at !== null && !found.has(at); ) {
      reader.position = actionStart + at
      if (found.size === LIMIT) reader.fail({ code: 'too-large', what: 'actions', limit: LIMIT })
      const filter = reader.sleb('action')
      const field = reader.position
      const distance = reader.sleb('action')
      end = Math.max(end, reader.position)
      const next: number | null = distance === 0 ? null : field - actionStart + distance
      if (next !== null && next < 0) reader.fail({ code: 'malformed', why: 'an action before the first' }, field)
      found.set(at, { filter, next })
      at = next
    }
  }
  const order = [...found.keys()].sort((a, b) => a - b)
  const index = new Map(order.map((at, i) => [at, i]))

  const lists = new Map<number, number[]>()
  let typeCount = 0
  for (const { filter } of found.values()) {
    if (filter > 0) typeCount = Math.max(typeCount, filter)
    if (filter >= 0 || lists.has(filter)) continue
    if (typeEnd < 0) reader.fail({ code: 'malformed', why: 'an exception specification without types' }, typePlace)
    reader.position = typeEnd - filter - 1
    const list: number[] = []
    for (let type = reader.uleb('type'); type !== 0; type = reader.uleb('type')) {
      list.push(type)
      typeCount = Math.max(typeCount, type)
    }
    lists.set(filter, list)
    end = Math.max(end, reader.position)
  }
  const types: EncodedPointer[] = []
  if (typeCount > 0) {
    const size = fixedSize(typeEncoding)
    if (typeEnd < 0 || size <= 0) {
      reader.fail({ code: 'pointer-encoding', encoding: typeEncoding, use: 'types' }, typePlace)
    }
    if (typeCount * size > typeEnd - actionStart) {
      reader.fail({ code: 'truncated', what: 'types', bytes: typeCount * size, available: typeEnd - actionStart })
    }
    for (let type = 1; type <= typeCount; type++) {
      reader.position = typeEnd - type * size
      types.push(readPointer(reader, typeEncoding, bases, 'type'))
    }
  }
  const listOrder = [...lists.keys()].sort((a, b) => b - a)
  const listIndex = new Map(listOrder.map((filter, i) => [filter, -i - 1]))
  return {
    typeEncoding,
    callSiteEncoding,
    landingPadStart,
    callSites: raw.map(({ action, ...site }) => ({ ...site, action: action === 0 ? null : index.get(action - 1)! })),
    actions: order.map((at) => {
      const { filter, next } = found.get(at)!
      return { filter: listIndex.get(filter) ?? filter, next: next === null ? null : index.get(next)! }
    }),
    specifications: listOrder.map((filter) => lists.get(filter)!),
    types,
    length: Math.max(end, typeEnd) - offset,
  }
}
