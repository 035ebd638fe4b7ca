/** One function's rows as bytes. SFrame specification, "SFrame FREs". */

import { type FrameRecord, type FunctionUnwind, partsOf, unwindRows } from '@framewright/frame-layout'
import { abiOf } from './abi.ts'
import { SFRAME_BASE_REG_FP, SFRAME_BASE_REG_SP } from './constants.ts'
import { SFrameError } from './errors.ts'
import { sframeRows } from './frame-rows.ts'
import type { SFrameRow } from './row.ts'

/** The unwind data of one function. Its bytes are the rows of all parts; addresses come with the section. */
export interface SFrameFunctionUnwind extends FunctionUnwind {
  /** Name of the architecture. */
  readonly architecture: string
  readonly parts: readonly SFramePartRows[]
}

/** The rows of one part, in the bytes of its function. */
export interface SFramePartRows {
  readonly begin: number
  readonly end: number
  readonly rows: number
  /** Bytes of code. */
  readonly codeSize: number
  /** log2 of the bytes of a row's start. */
  readonly startSize: number
}

/**
 * Encodes the frame of one function.
 *
 * @returns null for a function without code.
 * @throws SFrameError with the event that the format has no words for.
 */
export function encodeRecord(record: FrameRecord, version: 1 | 2, format: string): SFrameFunctionUnwind | null {
  const inRecord = { in: 'record', event: -1 } as const
  const abi = abiOf(record.architecture)
  if (abi === null) throw new SFrameError({ code: 'architecture', architecture: record.architecture }, inRecord)
  if (record.kind === 'signal') throw new SFrameError({ code: 'signal-frame' }, inRecord)
  if (record.codeSize === 0) return null
  if (record.codeSize > 0xffff_ffff) {
    throw new SFrameError({ code: 'range', field: 'the code size', value: record.codeSize }, inRecord)
  }
  const rows = unwindRows(record, abi.architecture)
  const bytes: number[] = []
  const parts = partsOf(record).map((part): SFramePartRows => {
    const own = sframeRows(record, rows, part, abi, version)
    const codeSize = part.end - part.begin
    const startSize = startSizeOf(codeSize)
    const begin = bytes.length
    for (const row of own) writeRow(bytes, row, startSize, abi.architecture.stackPointer)
    return { begin, end: bytes.length, rows: own.length, codeSize, startSize }
  })
  return { format, bytes: Uint8Array.from(bytes), relocations: [], architecture: record.architecture, parts }
}

/** The specification leaves the choice to the writer; the size of the function decides, as in the GNU assembler. */
function startSizeOf(size: number): number {
  if (size < 0x100) return 0
  return size < 0x1_0000 ? 1 : 2
}

/**
 * Info byte of a row:
 *
 *     7        6 5         4 3 2 1         0
 *     RA       log2 bytes  number          CFA base:
 *     signed   of a word   of words        1 SP, 0 FP
 */
function writeRow(bytes: number[], row: SFrameRow, startSize: number, stackPointer: number): void {
  const { cfa, returnAddress, framePointer } = row
  writeNumber(bytes, row.at, startSize)
  if (cfa === null) {
    // No words: there is no caller (version 2, errata 2). The other fields are 0 then.
    bytes.push(0)
    return
  }
  const words = [cfa.offset]
  if (returnAddress !== null) words.push(returnAddress.offset)
  if (framePointer !== null) words.push(framePointer.offset)
  const wordSize = wordSizeOf(words)
  const base = cfa.base === stackPointer ? SFRAME_BASE_REG_SP : SFRAME_BASE_REG_FP
  bytes.push((row.signed ? 0x80 : 0) | (wordSize << 5) | (words.length << 1) | base)
  for (const word of words) writeNumber(bytes, word, wordSize)
}

function wordSizeOf(words: readonly number[]): number {
  if (words.every((word) => word >= -0x80 && word < 0x80)) return 0
  return words.every((word) => word >= -0x8000 && word < 0x8000) ? 1 : 2
}

function writeNumber(bytes: number[], value: number, size: number): void {
  for (let i = 0; i < 1 << size; i++) bytes.push((value >> (8 * i)) & 0xff)
}
