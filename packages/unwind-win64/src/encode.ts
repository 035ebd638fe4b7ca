/**
 * One function's record to UNWIND_INFO: a single record in nearly every case, several where prologue or code array are too
 * long for one, or the state of the frame is not the same everywhere behind the prologue (`fragments.ts`).
 */

import type { EncodeOptions, FramePart, FrameRecord, FunctionUnwind, UnwindRelocation } from '@framewright/frame-layout'
import { verifyEpilogueBytes } from './check-code.ts'
import { UNW_FLAG_EHANDLER, UNW_FLAG_UHANDLER } from './constants.ts'
import { encodeRange, trailerOf, type Win64Version } from './encode-range.ts'
import { Win64UnwindError } from './errors.ts'
import { encodeFragments, fitsOne } from './fragments.ts'
import { shapeOf } from './shape.ts'

/** Choices of the format. */
export interface Win64EncodeOptions extends EncodeOptions {
  /**
   * 1 when left out. 2 says where epilogues are, so that the system need not read instructions. 3, a public preview, says
   * what they do as well; no system reads it yet.
   */
  readonly version?: Win64Version
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

/** A range of the function and its record. Ranges of a part follow one another without a gap. */
export interface Win64Fragment {
  /** Number of the part of the function, in the record's order; 0 where it lies in one. */
  readonly part: number
  /** Offset in the part's code. */
  readonly begin: number
  readonly end: number
  /** Offset of the record in `bytes`. */
  readonly info: number
  /** Index of the fragment whose range the record names as its parent's, or -1. */
  readonly parent: number
  /**
   * Offset in `bytes` of the record that it chains to: the parent's own, or one that describes only the first part of the
   * prologue, where this range is in a state from inside of it. -1 without a parent.
   */
  readonly parentInfo: number
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
  if (version !== 1 && version !== 2 && version !== 3) throw new Win64UnwindError({ code: 'version', version })
  const { code } = options
  const shape = shapeOf(record, { version, code })
  const { prologue, ranges, epilogues } = shape
  const { operations } = prologue
  const saves = ranges.some(({ state }) => state.saves.size > 0)
  if (operations.length === 0 && !saves && record.personality === undefined && options.always !== true) return null
  if (code !== undefined && version !== 3) verifyEpilogueBytes(shape, code, record)

  const handled = handlerOf(record, options, record.parts?.[0])
  const prologueSize = prologueSizeOf(record, operations.at(-1)?.at ?? 0, version)
  if (ranges.length > 0 || !fitsOne(prologue, prologueSize, version)) {
    return encodeFragments({
      record,
      shape,
      prologueSize,
      version,
      handledIn: (part) => handlerOf(record, options, part),
    })
  }
  const bytes = encodeRange(
    {
      begin: 0,
      end: record.codeSize,
      flags: handled.flags,
      chained: false,
      prologueSize,
      operations,
      events: prologue.events,
      starts: prologue.starts,
      prologue,
      epilogues,
      handlerData: handled.data,
    },
    version,
  )
  return {
    format: 'win64',
    bytes,
    relocations: handled.flags === 0 ? none : handled.relocations(trailerOf(bytes)),
    fragments: [{ part: 0, begin: 0, end: record.codeSize, info: 0, parent: -1, parentInfo: -1 }],
  }
}

/** The end of the prologue may lie behind its last effect; where that is too far, the last effect counts. */
function prologueSizeOf({ prologueEnd }: FrameRecord, lastEffect: number, version: Win64Version): number {
  const limit = version === 3 ? 0xffff : 0xff
  return prologueEnd <= limit ? Math.max(prologueEnd, lastEffect) : lastEffect
}

const none: readonly UnwindRelocation[] = []

/** The handler's part of a record: flags, the bytes behind its rva, and relocations once its place is known. */
export interface Handled {
  readonly flags: number
  readonly data: Uint8Array | undefined
  relocations(at: number): UnwindRelocation[]
}

const unhandled: Handled = { flags: 0, data: undefined, relocations: () => [] }

function handlerOf(record: FrameRecord, options: Win64EncodeOptions, part: FramePart | undefined): Handled {
  const { personality } = record
  const languageData = part?.languageData ?? record.languageData
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
