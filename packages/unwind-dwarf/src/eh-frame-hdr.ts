/**
 * `.eh_frame_hdr`: where `.eh_frame` lies, and its functions sorted for binary search (Linux Standard Base 5.0, 10.6.2).
 *
 * Written in the only form that libgcc searches, 4-byte entries relative to the header, as long as they reach; with 8-byte
 * entries, which LLVM's libunwind searches and libgcc passes over, where they do not. Once a header is used a miss in it is
 * final, so it lists all functions. Every other form that the encodings allow is read.
 */

import { type AddressBytes, conventionsOf } from './architecture.ts'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import {
  DW_EH_PE_datarel,
  DW_EH_PE_omit,
  DW_EH_PE_pcrel,
  DW_EH_PE_sdata4,
  DW_EH_PE_sdata8,
  DW_EH_PE_udata4,
} from './constants.ts'
import type { FrameTable } from './decode.ts'
import { DwarfUnwindError } from './errors.ts'
import { fixedSize, readFormat, readPointer } from './pointer-encoding.ts'

/** Bytes of a header in the form that is written, without its table. */
export const EH_FRAME_HDR_BYTES = 12

/**
 * Makes the header for an `.eh_frame` that lies where `table` says.
 *
 * @param address - where the header will lie.
 * @throws DwarfUnwindError when `.eh_frame` itself is out of reach of 32 bits.
 */
export function encodeEhFrameHdr(table: FrameTable, address: bigint): Uint8Array {
  const functions: { readonly place: bigint; readonly begin: bigint; readonly entry: bigint }[] = []
  let near = true
  let addressBytes: AddressBytes = 8
  for (const entry of table.entries) {
    if (entry.kind !== 'fde') continue
    addressBytes = conventionsOf(entry.cie.architecture).addressBytes
    const begin = BigInt.asIntN(8 * addressBytes, entry.begin - address)
    near &&= begin === BigInt.asIntN(32, begin)
    functions.push({ place: entry.begin, begin, entry: table.address + BigInt(entry.offset) - address })
  }
  // By address, as readers compare: with 4-byte addresses distances may wrap.
  functions.sort((a, b) => (a.place < b.place ? -1 : a.place > b.place ? 1 : 0))
  const out = new ByteWriter()
  out.u8(1) // version
  out.u8(DW_EH_PE_pcrel | DW_EH_PE_sdata4)
  out.u8(DW_EH_PE_udata4)
  out.u8(DW_EH_PE_datarel | (near ? DW_EH_PE_sdata4 : DW_EH_PE_sdata8))
  const distance = BigInt.asIntN(8 * addressBytes, table.address - (address + 4n))
  if (distance !== BigInt.asIntN(32, distance)) {
    throw new DwarfUnwindError({ code: 'number-range', field: 'distance', value: Number(distance) })
  }
  out.u32(Number(distance))
  out.u32(functions.length)
  for (const { begin, entry } of functions) {
    if (near) {
      out.u32(Number(begin))
      out.u32(Number(entry))
    } else {
      out.u64Bits(begin)
      out.u64Bits(entry)
    }
  }
  return out.slice()
}

/** A header as read. */
export interface EhFrameHdr {
  readonly ehFrame: bigint
  /** In the table's order. Null when there is no table that can be searched. */
  readonly functions: readonly HdrFunction[] | null
}

/** An entry of the table. */
export interface HdrFunction {
  /** Address of the function. */
  readonly begin: bigint
  /** Address of its FDE. */
  readonly entry: bigint
}

/** @throws DwarfUnwindError with the place, on malformed bytes. */
export function decodeEhFrameHdr(bytes: Uint8Array, address: bigint, addressBytes: AddressBytes = 8): EhFrameHdr {
  const header = readHeader(bytes, address, addressBytes)
  const { ehFrame, count } = header
  return { ehFrame, functions: count === null ? null : readTable(bytes, address, header, count) }
}

interface Header {
  readonly addressBytes: AddressBytes
  readonly ehFrame: bigint
  readonly tableStart: number
  /** Null: there is no table, or none that can be searched. */
  readonly count: number | null
  readonly encoding: number
}

function readHeader(bytes: Uint8Array, address: bigint, addressBytes: AddressBytes): Header {
  const reader = new ByteReader(bytes)
  const bases = { section: address, data: address, addressBytes }
  const version = reader.u8('header version')
  if (version !== 1) reader.fail({ code: 'version', version }, 0)
  const pointerEncoding = reader.u8('encoding')
  const countEncoding = reader.u8('encoding')
  const encoding = reader.u8('encoding')
  const ehFrame =
    pointerEncoding === DW_EH_PE_omit ? 0n : readPointer(reader, pointerEncoding, bases, '.eh_frame').value
  if (countEncoding === DW_EH_PE_omit || encoding === DW_EH_PE_omit) {
    return { addressBytes, ehFrame, tableStart: reader.position, count: null, encoding }
  }
  const size = fixedSize(encoding, addressBytes)
  if (size < 0) reader.fail({ code: 'pointer-encoding', encoding, use: 'a table of functions' }, 3)
  // What an entry counts from: nothing, itself, or the header. With other bases it is a table that nobody can search.
  const application = encoding & 0xf0
  if (application !== 0 && application !== DW_EH_PE_pcrel && application !== DW_EH_PE_datarel) {
    return { addressBytes, ehFrame, tableStart: reader.position, count: null, encoding }
  }
  const count = readPointer(reader, countEncoding, bases, 'number of functions').value
  if (count * BigInt(Math.max(size, 1) * 2) > BigInt(bytes.length - reader.position)) {
    const available = bytes.length - reader.position
    const wanted = Number(count) * Math.max(size, 1) * 2
    reader.fail({ code: 'truncated', what: 'table of functions', bytes: wanted, available })
  }
  return { addressBytes, ehFrame, tableStart: reader.position, count: Number(count), encoding }
}

function readAddress(reader: ByteReader, address: bigint, { encoding, addressBytes }: Header): bigint {
  const place = reader.position
  const raw = readFormat(reader, encoding, 'table of functions', addressBytes)
  const application = encoding & 0xf0
  const base =
    application === DW_EH_PE_pcrel ? address + BigInt(place) : application === DW_EH_PE_datarel ? address : 0n
  return BigInt.asUintN(8 * addressBytes, base + raw)
}

function readTable(bytes: Uint8Array, address: bigint, header: Header, count: number): HdrFunction[] {
  const reader = new ByteReader(bytes, header.tableStart)
  return Array.from({ length: count }, () => {
    const begin = readAddress(reader, address, header)
    return { begin, entry: readAddress(reader, address, header) }
  })
}

/**
 * Looks up a pc by binary search; entry by entry where the entries have no fixed size.
 *
 * @returns the address of the FDE of the last function that begins at or before it, whose range the FDE itself tells;
 *   null when there is none; undefined when the header cannot be searched.
 */
export function searchEhFrameHdr(
  bytes: Uint8Array,
  address: bigint,
  pc: bigint,
  addressBytes: AddressBytes = 8,
): bigint | null | undefined {
  const header = readHeader(bytes, address, addressBytes)
  const { tableStart, count, encoding } = header
  if (count === null || count === 0) return undefined
  const size = fixedSize(encoding, addressBytes)
  if (size === 0) {
    const found = readTable(bytes, address, header, count).findLast(({ begin }) => begin <= pc)
    return found === undefined ? null : found.entry
  }
  const reader = new ByteReader(bytes)
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    reader.position = tableStart + middle * size * 2
    if (readAddress(reader, address, header) <= pc) low = middle + 1
    else high = middle
  }
  if (low === 0) return null
  reader.position = tableStart + (low - 1) * size * 2 + size
  return readAddress(reader, address, header)
}
