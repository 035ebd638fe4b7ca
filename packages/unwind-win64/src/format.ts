/** The format, put together. */

import type {
  DecodedFunction,
  FrameRecord,
  FunctionUnwind,
  MachineState,
  ReadMemory,
  UnwindFormat,
  UnwindImage,
  UnwindSection,
  UnwoundFunction,
} from '@framewright/frame-layout'
import { decodeFunctionTable } from './decode.ts'
import { encodeFrame, type Win64EncodeOptions, type Win64FunctionUnwind } from './encode.ts'
import { Win64UnwindError } from './errors.ts'
import { assembleTables, type Win64AssembleOptions } from './function-table.ts'
import { type AnyUnwindInfo, ImageReader, MAX_CHAIN } from './image.ts'
import { type RangedInfo, rowsOf } from './meaning.ts'
import { printUnwind } from './print.ts'
import { unwindFrame, type Win64UnwindOptions, type Win64UnwindStep } from './unwind.ts'
import type { RuntimeFunction } from './unwind-info.ts'

/** One range of code as read back from a function table. */
export interface Win64DecodedFunction extends DecodedFunction {
  readonly entry: RuntimeFunction
  readonly info: AnyUnwindInfo
}

/** Choices of reading. */
export interface Win64DecodeOptions {
  /** Whether records of version 3 are read; refused with 'bad-version' when left out. */
  readonly version3?: boolean
}

/** `UnwindFormat`, with this format's own options and results. */
export interface Win64Format extends UnwindFormat {
  readonly name: 'win64'
  encode(record: FrameRecord, options?: Win64EncodeOptions): Win64FunctionUnwind | null
  assemble(functions: readonly UnwoundFunction[], options?: Win64AssembleOptions): UnwindSection[]
  decode(image: UnwindImage, options?: Win64DecodeOptions): Win64DecodedFunction[]
  unwind(frame: MachineState, image: UnwindImage, memory: ReadMemory, options?: Win64UnwindOptions): Win64UnwindStep
  print(unwind: FunctionUnwind): string[]
}

/** Windows x64. */
export const win64Format: Win64Format = {
  name: 'win64',
  architectures: ['x86-64'],
  encode: encodeFrame,
  assemble: assembleTables,
  decode: decodeImage,
  unwind: unwindFrame,
  print: printUnwind,
}

/**
 * Reads every function table of an image.
 *
 * @throws Win64UnwindError for tables and records that the system would refuse or misread.
 */
export function decodeImage(image: UnwindImage, options: Win64DecodeOptions = {}): Win64DecodedFunction[] {
  const reader = new ImageReader(image, options.version3 ?? false)
  const functions: Win64DecodedFunction[] = []
  for (const table of reader.tables()) {
    for (const listed of decodeFunctionTable(table)) {
      const entry = (listed.unwindInfo & 1) === 0 ? listed : reader.entry(listed.unwindInfo - 1)
      const { info } = reader.info(entry.unwindInfo)
      functions.push({
        begin: image.base + BigInt(listed.begin),
        end: image.base + BigInt(listed.end),
        entry,
        info,
        rows: () => rowsOf(chainOf(reader, entry), entry.end - entry.begin),
      })
    }
  }
  return functions
}

/** The records of a range, from the primary one to its own, with offsets counted from the range's begin. */
function chainOf(reader: ImageReader, entry: RuntimeFunction): RangedInfo[] {
  const chain: RangedInfo[] = []
  let current: RuntimeFunction | null = entry
  while (current !== null) {
    if (chain.length > MAX_CHAIN) throw new Win64UnwindError({ code: 'chain-too-long', links: MAX_CHAIN })
    const info: AnyUnwindInfo = reader.info(current.unwindInfo).info
    // What the ranges in front have done is true from this range's first byte on.
    chain.unshift({ info, done: current !== entry })
    current = info.parent
  }
  return chain
}
