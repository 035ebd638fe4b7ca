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
  /** Offset of the byte behind the last one. */
  readonly end: number
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

/** How a section is read. */
export interface DecodeOptions {
  /** The section's own address; 0 when left out. */
  readonly address?: bigint
  /** Where in the section the header is; 0 when left out. */
  readonly offset?: number
  /**
   * What starts count from in a section that does not say. `'assembler'`, when left out: from the section if it is sorted,
   * which only linkers do, else from the field, as relocations leave it. `'section'`, `'field'`: always, if no flag says
   * otherwise.
   */
  readonly starts?: SFrameStarts
}

/** Of tables in a section. */
const ALIGNMENT = 8

const FLAGS: Readonly<Record<SFrameVersion, number>> = {
  1: SFRAME_F_FDE_SORTED | SFRAME_F_FRAME_POINTER,
  2: SFRAME_F_FDE_SORTED | SFRAME_F_FRAME_POINTER | SFRAME_F_FDE_FUNC_START_PCREL,
  3: SFRAME_F_FDE_SORTED | SFRAME_F_FDE_FUNC_START_PCREL,
}

/**
 * All tables of a section. There is one, unless a linker that does not know the format put those of several objects one
 * behind the other.
 *
 * @throws SFrameError with the byte that is wrong.
 */
export function decodeSFrameTables(bytes: Uint8Array, options: DecodeOptions = {}): SFrameTable[] {
  const tables: SFrameTable[] = []
  let { offset = 0 } = options
  do {
    const table = decodeSFrame(bytes, { ...options, offset })
    tables.push(table)
    offset = Math.ceil(table.end / ALIGNMENT) * ALIGNMENT
  } while (startsTable(bytes, offset))
  return tables
}

function startsTable(bytes: Uint8Array, offset: number): boolean {
  return offset + HEADER_BYTES <= bytes.length && byteOrder(bytes, offset) !== null
}

/** @throws SFrameError with the byte that is wrong. */
export function decodeSFrame(bytes: Uint8Array, options: DecodeOptions = {}): SFrameTable {
  const { address = 0n, offset: at = 0, starts = 'assembler' } = options
  const bigEndian = isBigEndian(bytes, at)
  const reader = new ByteReader(bytes, bigEndian)
  reader.require(at, HEADER_BYTES, 'the header')
  const version = reader.u8(at + 2)
  if (version !== 1 && version !== 2 && version !== 3) return reader.fail({ code: 'version', version }, at + 2)
  const flags = reader.u8(at + 3)
  if ((flags & ~FLAGS[version]) !== 0) reader.fail({ code: 'flags', version, flags }, at + 3)
  if (version === 3 && (flags & SFRAME_F_FDE_FUNC_START_PCREL) === 0) {
    reader.fail({ code: 'malformed', why: 'starts of functions that do not count from their field' }, at + 3)
  }
  const abi = abis.find(({ number }) => number === reader.u8(at + 4))
  if (abi === undefined) return reader.fail({ code: 'abi', abi: reader.u8(at + 4) }, at + 4)
  if (abi.bigEndian !== bigEndian) {
    reader.fail({ code: 'malformed', why: `the ABI ${abi.number} in the other byte order` }, at + 4)
  }

  const headerEnd = at + HEADER_BYTES + reader.u8(at + 7)
  const count = reader.u32(at + 8)
  const indexAt = headerEnd + reader.u32(at + 20)
  const rowsAt = headerEnd + reader.u32(at + 24)
  const rowsEnd = rowsAt + reader.u32(at + 16)
  reader.require(indexAt, count * FDE_BYTES[version], 'the index of functions')
  reader.require(rowsAt, rowsEnd - rowsAt, 'the rows')
  const fromField = countsFromField(flags, starts)
  const functions: SFrameFunction[] = []
  let rows = 0
  for (let i = 0; i < count; i++) {
    const offset = indexAt + i * FDE_BYTES[version]
    const base = address + BigInt(fromField ? offset : at)
    const one = readFunction(reader, version, offset, base, rowsAt, rowsEnd, abi)
    rows += one.rows
    functions.push(one)
  }
  // Without this, descriptions that share their rows would make a small section mean a great many of them.
  const stated = reader.u32(at + 12)
  const statedAt = at + 12
  if (rows > stated)
    reader.fail({ code: 'malformed', why: `${stated} rows are stated, functions have ${rows}` }, statedAt)
  if (rows * 2 > rowsEnd - rowsAt) {
    reader.fail({ code: 'malformed', why: `${rows} rows in ${rowsEnd - rowsAt} bytes` }, statedAt)
  }
  return {
    ...{ version, flags, abi, functions, reader },
    ...{ fixedFramePointer: reader.i8(at + 5), fixedReturnAddress: reader.i8(at + 6) },
    end: Math.max(headerEnd, indexAt + count * FDE_BYTES[version], rowsEnd),
  }
}

function isBigEndian(bytes: Uint8Array, at: number): boolean {
  if (bytes.length < at + 2) {
    const problem = {
      code: 'truncated',
      what: 'the header',
      bytes: HEADER_BYTES,
      available: bytes.length - at,
    } as const
    throw new SFrameError(problem, { in: 'section', offset: at })
  }
  const order = byteOrder(bytes, at)
  if (order !== null) return order === 'big'
  throw new SFrameError({ code: 'magic', magic: bytes[at]! | (bytes[at + 1]! << 8) }, { in: 'section', offset: at })
}

/** What the magic number says of it; null where there is none. */
function byteOrder(bytes: Uint8Array, at: number): 'little' | 'big' | null {
  const [first, second] = [bytes[at]!, bytes[at + 1]!]
  if ((first | (second << 8)) === SFRAME_MAGIC) return 'little'
  return ((first << 8) | second) === SFRAME_MAGIC ? 'big' : null
}

function countsFromField(flags: number, starts: SFrameStarts): boolean {
  if ((flags & SFRAME_F_FDE_FUNC_START_PCREL) !== 0 || starts === 'field') return true
  return starts === 'assembler' && (flags & SFRAME_F_FDE_SORTED) === 0
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
