/** SFrame as an `UnwindFormat` of frame-layout. */

import type {
  DecodedFunction,
  EncodeOptions,
  FrameRecord,
  FunctionUnwind,
  ReadMemory,
  UnwindFormat,
  UnwindImage,
  UnwindSection,
} from '@framewright/frame-layout'
import { assembleSection, type SFrameStarts } from './assemble.ts'
import { encodeRecord, type SFrameFunctionUnwind } from './encode.ts'
import { SFrameError } from './errors.ts'
import { printFunction, printUnwind } from './print.ts'
import { type SFrameMachineState, sframeTables, unwindFrame } from './unwind.ts'
import { unwindRowsOf } from './unwind-rows.ts'

/** Fixed when the format is made. */
export interface SFrameFormatOptions {
  /** Which version is written; 2 when left out. All of 1, 2 and 3 are read. */
  readonly version?: 1 | 2
  /**
   * What the starts of functions count from. `'assembler'` when left out: what GNU's linker expects of an object. `'field'`
   * sets the flag of version 2, errata 1, which binutils know since 2.45; `'section'` is for sections that no linker sees.
   * Also how sections are read that do not say it themselves.
   */
  readonly starts?: SFrameStarts
  /** Sort the index where all functions lie in one section, which needs `starts` other than `'assembler'`; true when left out. */
  readonly sorted?: boolean
}

/** See {@link createSFrameFormat}. */
export interface SFrameFormat extends UnwindFormat {
  readonly name: 'sframe' | 'sframe-v1'
  encode(record: FrameRecord, options?: EncodeOptions): SFrameFunctionUnwind | null
  unwind(frame: SFrameMachineState, image: UnwindImage, memory: ReadMemory): SFrameMachineState
}

/**
 * Makes the format; of version 1 it is named `sframe-v1`.
 *
 * @throws SFrameError 'options' for a flag that version 1 does not have.
 */
export function createSFrameFormat(options: SFrameFormatOptions = {}): SFrameFormat {
  const { version = 2, starts = 'assembler', sorted = true } = options
  if (version === 1 && starts === 'field') {
    throw new SFrameError({ code: 'options', why: 'version 1 cannot say that starts count from their field' })
  }
  const name = version === 1 ? 'sframe-v1' : 'sframe'
  return {
    name,
    architectures: ['x86-64', 'aarch64'],

    encode(record): SFrameFunctionUnwind | null {
      return encodeRecord(record, version, name)
    },

    assemble(functions): UnwindSection[] {
      return assembleSection(functions, { version, starts, sorted, format: name })
    },

    decode(image): DecodedFunction[] {
      return sframeTables(image, starts).flatMap((table) =>
        table.functions
          .filter(({ rows, size }) => rows > 0 && size > 0)
          .map(
            (fn): DecodedFunction => ({
              begin: fn.begin,
              end: fn.begin + BigInt(fn.size),
              rows: () => unwindRowsOf(table, fn),
              print: () => printFunction(table, fn),
            }),
          ),
      )
    },

    unwind(frame, image, memory): SFrameMachineState {
      return unwindFrame(frame, image, memory, starts)
    },

    print(unwind): string[] {
      if (!isOwn(unwind)) throw new SFrameError({ code: 'foreign-unwind', format: unwind.format, symbol: 'a function' })
      return printUnwind(unwind, version)
    },
  }

  function isOwn(unwind: FunctionUnwind): unwind is SFrameFunctionUnwind {
    return unwind.format === name
  }
}

/** Version 2, as GNU's linker expects it of an object. */
export const sframe: SFrameFormat = createSFrameFormat()

/** Version 1, for binutils 2.40. */
export const sframeV1: SFrameFormat = createSFrameFormat({ version: 1 })
