/**
 * One function's record to UNWIND_INFO: a single record in nearly every case, a chain of them where prologue or code array
 * are too long for one (`chained.ts`).
 */

import type { EncodeOptions, FrameRecord, FunctionUnwind, UnwindRelocation } from '@framewright/frame-layout'
import { encodeChain } from './chained.ts'
import { verifyEpilogueBytes } from './check-code.ts'
import { UNW_FLAG_EHANDLER, UNW_FLAG_UHANDLER } from './constants.ts'
import { Win64UnwindError } from './errors.ts'
import { prologueCodes } from './prologue.ts'
import { shapeOf } from './shape.ts'
import { encodeUnwindInfo, trailerOffset } from './unwind-info.ts'
import { epilogueCodes } from './version-2.ts'

/** Choices of the format. */
export interface Win64EncodeOptions extends EncodeOptions {
  /** 1 when left out. 2 says where epilogues are, so that the system need not read instructions. */
  readonly version?: 1 | 2
  /** When the personality is called; both when left out. */
  readonly handler?: 'exception' | 'termination' | 'both'
  /** What follows the handler's rva, in place of the rva of the record's language data. */
  readonly handlerData?: { readonly bytes: Uint8Array; readonly relocations?: readonly UnwindRelocation[] }
  /** An entry for functions that would need none as well. */
  readonly always?: boolean
}

/** One or several records that describe a function, each with the range of code that it is for. */
export interface Win64FunctionUnwind extends FunctionUnwind {
  readonly format: 'win64'
  readonly fragments: readonly Win64Fragment[]
}

/** A range of the function and its record. Ranges follow one another without a gap. */
export interface Win64Fragment {
  /** Offset in the function's code. */
  readonly begin: number
  readonly end: number
  /** Offset of the record in `bytes`. */
  readonly info: number
  /** Index of the fragment that this one's record chains to, or -1. */
  readonly parent: number
}

/**
 * Encodes the frame of one function.
 *
 * @param record - for x86-64.
 * @returns null when the function needs no entry: it leaves SP and all nonvolatile registers alone and has no handler. A
 *   function that calls others needs one, but it also moves SP, to align the stack for them.
 * @throws Win64UnwindError with the event that the format cannot express.
 * @see Microsoft Learn, "x64 exception handling"
 */
export function encodeFrame(record: FrameRecord, options: Win64EncodeOptions = {}): Win64FunctionUnwind | null {
  if (record.architecture !== 'x86-64') {
    throw new Win64UnwindError({ code: 'architecture', architecture: record.architecture })
  }
  const version = options.version ?? 1
  if (version !== 1 && version !== 2) throw new Win64UnwindError({ code: 'version', version })
  if (record.parts !== undefined) {
    throw new Win64UnwindError({ code: 'inexpressible', what: 'parts', why: 'the function lies in several' })
  }
  const shape = shapeOf(record)
  const { operations } = shape
  const { personality } = record
  if (operations.length === 0 && personality === undefined && options.always !== true) return null
  if (options.code !== undefined) verifyEpilogueBytes(shape, options.code, record.codeSize)

  // The end of the prologue may lie behind its last effect; where that is too far, the last effect counts.
  const lastEffect = operations.length === 0 ? 0 : operations[operations.length - 1]!.at
  const prologueSize = record.prologueEnd <= 255 ? Math.max(record.prologueEnd, lastEffect) : lastEffect
  const handled = handlerOf(record, options)
  if (prologueSize > 255 || operations.length > 60) {
    const chain = encodeChain(record, shape, prologueSize, version, handled)
    if (chain !== null) return chain
  }
  const prologue = prologueCodes(operations, prologueSize, shape)
  const bytes = encodeUnwindInfo(
    {
      version,
      flags: handled.flags,
      prologueSize,
      frameRegister: prologue.frameRegister,
      frameOffset: prologue.frameOffset,
      codes: prologue.codes,
      epilogues: version === 2 ? epilogueCodes(shape, prologue.codes, record.codeSize) : null,
      handler: 0,
      parent: null,
    },
    handled.data,
  )
  return {
    format: 'win64',
    bytes,
    relocations: handled.flags === 0 ? none : handled.relocations(trailerOffset(bytes)),
    fragments: [{ begin: 0, end: record.codeSize, info: 0, parent: -1 }],
  }
}

const none: readonly UnwindRelocation[] = []

/** The handler's part of a record: flags, the bytes behind its rva, and relocations once its place is known. */
export interface Handled {
  readonly flags: number
  readonly data: Uint8Array | undefined
  relocations(at: number): UnwindRelocation[]
}

const unhandled: Handled = { flags: 0, data: undefined, relocations: () => [] }

function handlerOf(record: FrameRecord, options: Win64EncodeOptions): Handled {
  const { personality, languageData } = record
  if (personality === undefined) return unhandled
  const when = options.handler ?? 'both'
  const flags = (when === 'termination' ? 0 : UNW_FLAG_EHANDLER) | (when === 'exception' ? 0 : UNW_FLAG_UHANDLER)
  const { handlerData } = options
  const data = handlerData?.bytes ?? (languageData === undefined ? undefined : new Uint8Array(4))
  return {
    flags,
    data,
    relocations(at) {
      const relocations: UnwindRelocation[] = [
        { offset: at, kind: 'image-relative-32', symbol: personality.symbol, addend: 0 },
      ]
      if (handlerData !== undefined) {
        for (const r of handlerData.relocations ?? []) relocations.push({ ...r, offset: r.offset + at + 4 })
      } else if (languageData !== undefined) {
        relocations.push({ offset: at + 4, kind: 'image-relative-32', symbol: languageData.symbol, addend: 0 })
      }
      return relocations
    },
  }
}
