/**
 * Reads sections of all versions. The header and the index are checked as a whole, so that the rows of all functions
 * together are no more than the section has bytes for; rows are read function by function, when somebody asks.
 */

import { abis, type SFrameAbi } from './abi.ts'
import type { SFrameStarts } from './assemble.ts'
import { ByteReader } from './byte-reader.ts'
import {
  FDE_ATTRIBUTE_BYTES,
  FDE_BYTES,
  HEADER_BYTES,
  SFRAME_F_FDE_FUNC_START_PCREL,
  SFRAME_F_FDE_SORTED,
  SFRAME_F_FRAME_POINTER,
  SFRAME_FDE_TYPE_DEFAULT,
  SFRAME_FDE_TYPE_FLEX,
  SFRAME_MAGIC,
  type SFrameVersion,
} from './constants.ts'
import { SFrameError } from './errors.ts'

/** A section, read up to its rows. */
export interface SFrameTable {
  readonly version: SFrameVersion
  readonly flags: number
  readonly abi: SFrameAbi
  /** Where the frame pointer and the return address lie from the CFA in every row; 0: rows say it. */
  readonly fixedFramePointer: number
  readonly fixedReturnAddress: number
  readonly functions: readonly SFrameFunction[]
  readonly reader: ByteReader
}

/** What holds for the rows of all functions of a table. */
export type RowContext = Pick<SFrameTable, 'version' | 'abi' | 'fixedFramePointer' | 'fixedReturnAddress' | 'reader'>

/** Where the rows of a function are, and how they are to be read. */
export type RowPlace = Pick<
  SFrameFunction,
  'offset' | 'size' | 'rows' | 'rowsAt' | 'rowsEnd' | 'startSize' | 'repeat' | 'flexible'
>

/** The description of one contiguous piece of code. */
export interface SFrameFunction {
  /** Offset of the description in the section. */
  readonly offset: number
  readonly begin: bigint
  readonly size: number
  readonly rows: number
  /** Offset of the first row in the section. */
  readonly rowsAt: number
  /** Where the rows of the section end. */
  readonly rowsEnd: number
  /** log2 of the bytes of a row's start. */
  readonly startSize: number
  /** Rows hold again every so many bytes; 0: they do not. */
  readonly repeat: number
  /** Rules are pairs of control word and offset (version 3). */
  readonly flexible: boolean
  /** The function was interrupted, not called (version 3). */
  readonly signalFrame: boolean
  /** Which key signs return addresses on AArch64. */
  readonly key: 'a' | 'b'
}

export interface DecodeOptions {
  /** The section's own address; 0 when left out. */
  readonly address?: bigint
  /**
   * What starts count from in a section that does not say (no flag for it, and not sorted). Assemblers leave it so, hence
   * `'assembler'` when left out: from the field.
   */
  readonly starts?: SFrameStarts
}

const FLAGS: Readonly<Record<SFrameVersion, number>> = {
  1: SFRAME_F_FDE_SORTED | SFRAME_F_FRAME_POINTER,
  2: SFRAME_F_FDE_SORTED | SFRAME_F_FRAME_POINTER | SFRAME_F_FDE_FUNC_START_PCREL,
  3: SFRAME_F_FDE_SORTED | SFRAME_F_FDE_FUNC_START_PCREL,
}

/** @throws SFrameError with the byte that is wrong. */
export function decodeSFrame(bytes: Uint8Array, options: DecodeOptions = {}): SFrameTable {
  const bigEndian = isBigEndian(bytes)
  const reader = new ByteReader(bytes, bigEndian)
  reader.require(0, HEADER_BYTES, 'the header')
  const version = reader.u8(2)
  if (version !== 1 && version !== 2 && version !== 3) return reader.fail({ code: 'version', version }, 2)
  const flags = reader.u8(3)
  if ((flags & ~FLAGS[version]) !== 0) reader.fail({ code: 'flags', version, flags }, 3)
  if (version === 3 && (flags & SFRAME_F_FDE_FUNC_START_PCREL) === 0) {
    reader.fail({ code: 'malformed', why: 'starts of functions that do not count from their field' }, 3)
  }
  const abi = abis.find(({ number }) => number === reader.u8(4))
  if (abi === undefined) return reader.fail({ code: 'abi', abi: reader.u8(4) }, 4)
  if (abi.bigEndian !== bigEndian) {
    reader.fail({ code: 'malformed', why: `the ABI ${abi.number} in the other byte order` }, 4)
  }

  const headerEnd = HEADER_BYTES + reader.u8(7)
  const count = reader.u32(8)
  const indexAt = headerEnd + reader.u32(20)
  const rowsAt = headerEnd + reader.u32(24)
  const rowsEnd = rowsAt + reader.u32(16)
  reader.require(indexAt, count * FDE_BYTES[version], 'the index of functions')
  reader.require(rowsAt, rowsEnd - rowsAt, 'the rows')
  const fromField = countsFromField(flags, options.starts ?? 'assembler')
  const { address = 0n } = options
  const functions: SFrameFunction[] = []
  let rows = 0
  for (let i = 0; i < count; i++) {
    const offset = indexAt + i * FDE_BYTES[version]
    const base = fromField ? address + BigInt(offset) : address
    const one = readFunction(reader, version, offset, base, rowsAt, rowsEnd, abi)
    rows += one.rows
    functions.push(one)
  }
  // Without this, descriptions that share their rows would make a small section mean a great many of them.
  const stated = reader.u32(12)
  if (rows > stated) reader.fail({ code: 'malformed', why: `${stated} rows are stated, functions have ${rows}` }, 12)
  if (rows * 2 > rowsEnd - rowsAt)
    reader.fail({ code: 'malformed', why: `${rows} rows in ${rowsEnd - rowsAt} bytes` }, 12)
  return { version, flags, abi, fixedFramePointer: reader.i8(5), fixedReturnAddress: reader.i8(6), functions, reader }
}

function isBigEndian(bytes: Uint8Array): boolean {
  if (bytes.length < 2) {
    const problem = { code: 'truncated', what: 'the header', bytes: HEADER_BYTES, available: bytes.length } as const
    throw new SFrameError(problem, { in: 'section', offset: 0 })
  }
  const magic = bytes[0]! | (bytes[1]! << 8)
  if (magic === SFRAME_MAGIC) return false
  if (((bytes[0]! << 8) | bytes[1]!) === SFRAME_MAGIC) return true
  throw new SFrameError({ code: 'magic', magic }, { in: 'section', offset: 0 })
}

/**
 * Sections that a linker has been over are sorted. Others of versions 1 and 2 without the flag are an assembler's, and what
 * their relocations make of them counts from the field.
 */
function countsFromField(flags: number, starts: SFrameStarts): boolean {
  if ((flags & SFRAME_F_FDE_FUNC_START_PCREL) !== 0) return true
  return (flags & SFRAME_F_FDE_SORTED) === 0 && starts !== 'section'
}

function readFunction(
  reader: ByteReader,
  version: SFrameVersion,
  offset: number,
  base: bigint,
  rowsAt: number,
  rowsEnd: number,
  abi: SFrameAbi,
): SFrameFunction {
  const isThird = version === 3
  const begin = base + (isThird ? reader.i64(offset) : BigInt(reader.i32(offset)))
  const sizeAt = offset + (isThird ? 8 : 4)
  const size = reader.u32(sizeAt)
  let first = rowsAt + reader.u32(sizeAt + 4)
  // The rest lies behind these in the index, or, in version 3, in front of the rows.
  let attribute = sizeAt + 8
  if (isThird) {
    attribute = first
    first += FDE_ATTRIBUTE_BYTES
  }
  if (first > rowsEnd) {
    const problem = { code: 'malformed', why: `rows at ${first - rowsAt} of ${rowsEnd - rowsAt} bytes` } as const
    reader.fail(problem, sizeAt + 4)
  }
  const rows = isThird ? reader.u16(attribute) : reader.u32(attribute)
  const infoAt = attribute + (isThird ? 2 : 4)
  const info = reader.u8(infoAt)
  const startSize = info & 0xf
  if (startSize > 2) reader.fail({ code: 'malformed', why: `rows of type ${startSize}` }, infoAt)
  const type = isThird ? reader.u8(infoAt + 1) & 0x1f : SFRAME_FDE_TYPE_DEFAULT
  if (type > SFRAME_FDE_TYPE_FLEX) {
    reader.fail({ code: 'malformed', why: `a function description of type ${type}` }, infoAt + 1)
  }
  if (rows * ((1 << startSize) + 1) > rowsEnd - first) {
    reader.fail({ code: 'malformed', why: `${rows} rows in ${rowsEnd - first} bytes` }, attribute)
  }
  const repeats = (info & 0x10) !== 0
  let repeat = 0
  if (repeats) {
    repeat = version === 1 ? abi.linkageEntryBytes : reader.u8(infoAt + (isThird ? 2 : 1))
    if (repeat === 0) reader.fail({ code: 'malformed', why: 'rows that repeat every 0 bytes' }, infoAt)
  }
  return {
    ...{ offset, begin, size, rows, rowsAt: first, rowsEnd, startSize, repeat },
    ...{ flexible: type === SFRAME_FDE_TYPE_FLEX, signalFrame: isThird && (info & 0x80) !== 0 },
    key: (info & 0x20) === 0 ? 'a' : 'b',
  }
}
