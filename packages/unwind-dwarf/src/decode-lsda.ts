/**
 * Reads an LSDA (see `lsda.ts`). Its bytes say neither how many actions there are nor how many types and specifications,
 * so that has to be found out.
 */

import type { AddressBytes } from './architecture.ts'
import { ByteReader } from './byte-reader.ts'
import { DW_EH_PE_omit } from './constants.ts'
import { DwarfUnwindError } from './errors.ts'
import type { DecodedLsda } from './lsda.ts'
import { type EncodedPointer, fixedSize, readFormat, readPointer } from './pointer-encoding.ts'

/** How many records a table may have. */
const LIMIT = 1 << 20

/** An action by its place; `next` is one too. */
interface PlacedAction {
  readonly filter: number
  readonly next: number | null
  /** Past its last byte. */
  readonly end: number
}

/**
 * Reads an LSDA.
 *
 * Types and actions that nothing leads to are read as well: gcc writes them for functions in two parts, whose tables of
 * calls differ and nothing else. Where the actions end and the types begin is inferred: actions lead back to actions, no two
 * are the same, and none names a type that there is no room for. Specifications are read up to the last one that an action
 * leads to.
 *
 * @param offset - where it starts in `bytes`, which lie at `address`.
 * @param addressBytes - of the machine, for types by their addresses.
 * @throws DwarfUnwindError with the place in `bytes`.
 */
export function decodeLsda(
  bytes: Uint8Array,
  offset: number = 0,
  address: bigint = 0n,
  addressBytes: AddressBytes = 8,
): DecodedLsda {
  const reader = new ByteReader(bytes, offset)
  const bases = { section: address, addressBytes }
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
  const callSiteEncoding = reader.u8('encoding')
  const sites = readCallSites(reader, callSiteEncoding, addressBytes)
  const actionStart = reader.position
  reader.end = bytes.length

  const found = readChains(reader, actionStart, sites)
  let end = actionStart
  for (const action of found.values()) end = Math.max(end, actionStart + action.end)
  const typeSize = typeEncoding === DW_EH_PE_omit ? 0 : fixedSize(typeEncoding, addressBytes)
  if (typeEnd > end && typeSize > 0) {
    const { lists } = readSpecifications(reader, typeEnd, filtersOf(found))
    const wanted = highestType(filtersOf(found), lists)
    end = actionStart + addLooseActions(bytes, actionStart, typeEnd, typeSize, wanted, found)
  }
  const order = [...found.keys()].sort((a, b) => a - b)
  const index = new Map(order.map((at, i) => [at, i]))

  const filters = filtersOf(found)
  if (typeEnd < 0 && filters.some((filter) => filter < 0)) {
    reader.fail({ code: 'malformed', why: 'an exception specification without types' }, typePlace)
  }
  const { lists, listsEnd } = readSpecifications(reader, typeEnd, filters)
  const room = typeEnd > end && typeSize > 0 ? Math.floor((typeEnd - end) / typeSize) : 0
  const typeCount = Math.max(room, highestType(filters, lists))
  const types: EncodedPointer[] = []
  if (typeCount > 0) {
    if (typeEnd < 0 || typeSize <= 0) {
      reader.fail({ code: 'pointer-encoding', encoding: typeEncoding, use: 'types' }, typePlace)
    }
    if (typeCount * typeSize > typeEnd - actionStart) {
      const available = typeEnd - actionStart
      reader.fail({ code: 'truncated', what: 'types', bytes: typeCount * typeSize, available })
    }
    for (let type = 1; type <= typeCount; type++) {
      reader.position = typeEnd - type * typeSize
      types.push(readPointer(reader, typeEncoding, bases, 'type'))
    }
  }
  const listOrder = [...lists.keys()].sort((a, b) => b - a)
  const listIndex = new Map(listOrder.map((filter, i) => [filter, -i - 1]))
  return {
    typeEncoding,
    callSiteEncoding,
    landingPadStart,
    callSites: sites.map(({ action, ...site }) => ({ ...site, action: action === 0 ? null : index.get(action - 1)! })),
    actions: order.map((at) => {
      const { filter, next } = found.get(at)!
      return { filter: listIndex.get(filter) ?? filter, next: next === null ? null : index.get(next)! }
    }),
    specifications: listOrder.map((filter) => lists.get(filter)!),
    types,
    length: Math.max(end, typeEnd, listsEnd) - offset,
  }
}

interface RawCallSite {
  readonly start: number
  readonly length: number
  readonly landingPad: number
  /** 1 more than its place; 0: none. */
  readonly action: number
}

/** Leaves the reader behind the table. */
function readCallSites(reader: ByteReader, encoding: number, addressBytes: AddressBytes): RawCallSite[] {
  if (encoding > 0x0f || fixedSize(encoding) < 0) {
    reader.fail({ code: 'pointer-encoding', encoding, use: 'call sites' }, reader.position - 1)
  }
  const bytes = reader.uleb('call sites')
  reader.require(bytes, 'call sites')
  reader.end = reader.position + bytes
  const sites: RawCallSite[] = []
  while (reader.position < reader.end) {
    const place = reader.position
    const number = (): number => {
      const value = readFormat(reader, encoding, 'call site', addressBytes)
      if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) {
        reader.fail({ code: 'malformed', why: 'a call site out of range' }, place)
      }
      return Number(value)
    }
    sites.push({ start: number(), length: number(), landingPad: number(), action: reader.uleb('action') })
  }
  return sites
}

/** Reads the action at a place behind `start`. */
function readAction(reader: ByteReader, start: number, at: number): PlacedAction {
  reader.position = start + at
  const filter = reader.sleb('action')
  const field = reader.position
  const distance = reader.sleb('action')
  const next = distance === 0 ? null : field - start + distance
  if (next !== null && next < 0) reader.fail({ code: 'malformed', why: 'an action before the first' }, field)
  return { filter, next, end: reader.position - start }
}

/** The actions that calls lead to. Chains may share their ends, or lead back into themselves. */
function readChains(reader: ByteReader, start: number, sites: readonly RawCallSite[]): Map<number, PlacedAction> {
  const found = new Map<number, PlacedAction>()
  for (const { action } of sites) {
    for (let at: number | null = action === 0 ? null : action - 1; at !== null && !found.has(at); ) {
      if (found.size === LIMIT) reader.fail({ code: 'too-large', what: 'actions', limit: LIMIT })
      const read: PlacedAction = readAction(reader, start, at)
      found.set(at, read)
      at = read.next
    }
  }
  return found
}

function filtersOf(found: ReadonlyMap<number, PlacedAction>): number[] {
  return Array.from(found.values(), ({ filter }) => filter)
}

/** The highest number of a type that filters or lists name; 0 where none does. */
function highestType(filters: readonly number[], lists: ReadonlyMap<number, readonly number[]>): number {
  let highest = 0
  for (const filter of filters) highest = Math.max(highest, filter)
  for (const list of lists.values()) for (const type of list) highest = Math.max(highest, type)
  return highest
}

/**
 * Adds to `found` the actions that nothing leads to.
 *
 * @param wanted - how many types there are at least.
 * @returns where the actions end, from their start.
 */
function addLooseActions(
  bytes: Uint8Array,
  start: number,
  typeEnd: number,
  typeSize: number,
  wanted: number,
  found: Map<number, PlacedAction>,
): number {
  let reached = 0
  for (const { end } of found.values()) reached = Math.max(reached, end)
  const reader = new ByteReader(bytes, start, typeEnd)
  const inOrder = new Map<number, PlacedAction>()
  const known = new Set<string>()
  let last = reached
  for (let at = 0; start + at < typeEnd && inOrder.size < LIMIT; ) {
    const action = found.get(at) ?? actionOrNone(reader, start, at)
    if (action === null) break
    const { filter, next, end } = action
    const room = Math.floor((typeEnd - start - end) / typeSize)
    const key = `${filter} ${next}`
    if (!found.has(at)) {
      if ((next !== null && !inOrder.has(next)) || known.has(key)) break
      if (Math.max(wanted, filter) > room) break
      wanted = Math.max(wanted, filter)
    }
    known.add(key)
    inOrder.set(at, action)
    // Two zeros are padding, not an action that does nothing, where they take no type's place.
    const isRoom =
      at === last && filter === 0 && next === null && room === Math.floor((typeEnd - start - at) / typeSize)
    at = end
    if (!isRoom && at >= reached && isPadding(bytes, start + at, (typeEnd - start - at) % typeSize)) last = at
  }
  for (const [at, action] of inOrder) if (action.end <= last) found.set(at, action)
  return last
}

function actionOrNone(reader: ByteReader, start: number, at: number): PlacedAction | null {
  try {
    return readAction(reader, start, at)
  } catch (error) {
    // Types, then, that do not read as actions.
    if (error instanceof DwarfUnwindError) return null
    throw error
  }
}

function isPadding(bytes: Uint8Array, at: number, count: number): boolean {
  for (let i = 0; i < count; i++) if (bytes[at + i] !== 0) return false
  return true
}

/** The lists that filters lead to, by filter, and those in front of and between them. */
function readSpecifications(
  reader: ByteReader,
  typeEnd: number,
  filters: readonly number[],
): { lists: Map<number, number[]>; listsEnd: number } {
  const lists = new Map<number, number[]>()
  let listsEnd = -1
  let listed = 0
  const read = (filter: number): number[] => {
    reader.position = typeEnd - filter - 1
    const list: number[] = []
    for (let type = reader.uleb('type'); type !== 0; type = reader.uleb('type')) {
      // Lists may share their ends, so short input can hold long ones many times.
      if (++listed > LIMIT) reader.fail({ code: 'too-large', what: 'types of specifications', limit: LIMIT })
      list.push(type)
    }
    return list
  }
  for (const filter of filters) {
    if (filter >= 0 || lists.has(filter)) continue
    lists.set(filter, read(filter))
    listsEnd = Math.max(listsEnd, reader.position)
  }
  for (let at = typeEnd; at < listsEnd; at = reader.position) {
    const filter = typeEnd - at - 1
    const list = read(filter)
    if (!lists.has(filter)) lists.set(filter, list)
  }
  return { lists, listsEnd }
}
