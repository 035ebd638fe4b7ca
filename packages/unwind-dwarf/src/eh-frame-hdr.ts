/**
 * `.eh_frame_hdr`: where `.eh_frame` lies, and its functions sorted for binary search (Linux Standard Base 5.0, 10.6.2).
 *
 * Written in the only form that libgcc searches: 4-byte entries relative to the header. Once a header is used a miss in it
 * is final, so it lists all functions.
 */

import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { DW_EH_PE_datarel, DW_EH_PE_omit, DW_EH_PE_pcrel, DW_EH_PE_sdata4, DW_EH_PE_udata4 } from './constants.ts'
import type { FrameTable } from './decode.ts'
import { DwarfUnwindError } from './errors.ts'
import { readPointer } from './pointer-encoding.ts'

const FUNCTION_ENCODING = DW_EH_PE_datarel | DW_EH_PE_sdata4
const HEADER_BYTES = 12
const ENTRY_BYTES = 8

/**
 * Makes the header for an `.eh_frame` that lies where `table` says.
 *
 * @param address - where the header will lie.
 * @throws DwarfUnwindError when something is out of reach of 32 bits.
 */
export function encodeEhFrameHdr(table: FrameTable, address: bigint): Uint8Array {
  const functions: { begin: number; entry: number }[] = []
  for (const entry of table.entries) {
    if (entry.kind !== 'fde') continue
    functions.push({
      begin: distance(entry.begin, address),
      entry: distance(table.address + BigInt(entry.offset), address),
    })
  }
  functions.sort((a, b) => a.begin - b.begin)
  const out = new ByteWriter()
  out.u8(1) // version
  out.u8(DW_EH_PE_pcrel | DW_EH_PE_sdata4)
  out.u8(DW_EH_PE_udata4)
  out.u8(FUNCTION_ENCODING)
  out.u32(distance(table.address, address + 4n))
  out.u32(functions.length)
  for (const { begin, entry } of functions) {
    out.u32(begin)
    out.u32(entry)
  }
  return out.slice()
}

function distance(to: bigint, from: bigint): number {
  const value = Number(to - from)
  if (value !== (value | 0)) throw new DwarfUnwindError({ code: 'number-range', field: 'distance', value })
  return value
}

/** A header as read. */
export interface EhFrameHdr {
  readonly ehFrame: bigint
  /** Null when there is no table that can be searched. */
  readonly functions: readonly { readonly begin: bigint; readonly entry: bigint }[] | null
}

/** @throws DwarfUnwindError with the place, on malformed bytes. */
export function decodeEhFrameHdr(bytes: Uint8Array, address: bigint): EhFrameHdr {
  const header = readHeader(bytes, address)
  if (header.count === null) return { ehFrame: header.ehFrame, functions: null }
  const functions = Array.from({ length: header.count }, (_, i) => {
    const view = header.tableStart + i * ENTRY_BYTES
    return { begin: address + BigInt(i32(bytes, view)), entry: address + BigInt(i32(bytes, view + 4)) }
  })
  return { ehFrame: header.ehFrame, functions }
}

function i32(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

function readHeader(bytes: Uint8Array, address: bigint): { ehFrame: bigint; tableStart: number; count: number | null } {
  const reader = new ByteReader(bytes)
  const bases = { section: address, data: address }
  const version = reader.u8('header version')
  if (version !== 1) reader.fail({ code: 'version', version }, 0)
  const pointerEncoding = reader.u8('encoding')
  const countEncoding = reader.u8('encoding')
  const tableEncoding = reader.u8('encoding')
  const ehFrame = readPointer(reader, pointerEncoding, bases, '.eh_frame').value
  if (countEncoding === DW_EH_PE_omit || tableEncoding !== FUNCTION_ENCODING) {
    return { ehFrame, tableStart: HEADER_BYTES, count: null }
  }
  const count = Number(readPointer(reader, countEncoding, bases, 'number of functions').value)
  reader.require(count * ENTRY_BYTES, 'table of functions')
  return { ehFrame, tableStart: reader.position, count }
}

/**
 * Looks up a pc by binary search.
 *
 * @returns the address of the FDE of the last function that begins at or before it, whose range the FDE itself tells;
 *   null when there is none; undefined when the header cannot be searched.
 */
export function searchEhFrameHdr(bytes: Uint8Array, address: bigint, pc: bigint): bigint | null | undefined {
  const { tableStart, count } = readHeader(bytes, address)
  if (count === null || count === 0) return undefined
  const wanted = pc - address
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (BigInt(i32(bytes, tableStart + middle * ENTRY_BYTES)) <= wanted) low = middle + 1
    else high = middle
  }
  if (low === 0) return null
  return address + BigInt(i32(bytes, tableStart + (low - 1) * ENTRY_BYTES + 4))
}
