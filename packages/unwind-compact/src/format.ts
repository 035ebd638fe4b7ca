/** Apple's compact unwind for x86-64 as an `UnwindFormat` of frame-layout. */

import {
  type DecodedFunction,
  type EncodeOptions,
  type FrameRecord,
  type FunctionUnwind,
  type MachineState,
  type PlacedPart,
  partsOf,
  RETURN_ADDRESS,
  type ReadMemory,
  type UnwindFormat,
  type UnwindImage,
  type UnwindRelocation,
  type UnwindRow,
  type UnwindSection,
  type UnwoundFunction,
} from '@framewright/frame-layout'
import { type CompactRange, encodeRanges } from './encode.ts'
import { decodeEncoding, encodeEncoding } from './encoding.ts'
import { CompactUnwindError } from './errors.ts'
import { COMPACT_UNWIND_SECTION, type CompactEntry, entryAt, imageEntries, readImage } from './image-entries.ts'
import { encodeObjectRows, type ObjectRow } from './object-rows.ts'
import { printEncoding, printRanges } from './print.ts'
import type { Precision } from './ranges.ts'
import { rowOfFrame } from './rows.ts'
import { unwindFrame } from './unwind.ts'

/** Fixed when the format is made. */
export interface CompactFormatOptions {
  /**
   * The format, DWARF's in practice, that describes what no encoding says: such functions get an encoding that refers to
   * it, and its sections. Without one they are refused.
   */
  readonly fallback?: UnwindFormat
  /**
   * What the words are true of; `'body'` when left out, as compilers for macOS have it. Objects can have more than one
   * word a function, but linkers may know only the one at its symbol (lld 14 does), so the others are for code that is
   * described at run time.
   */
  readonly precision?: Precision
  /**
   * What sections are called in the container, by the name that the fallback or this format gives them. Mach-O calls
   * `.eh_frame` `__TEXT,__eh_frame` ({@link machOSectionNames}); whoever writes another container leaves it out.
   */
  readonly sectionNames?: Readonly<Record<string, string>>
}

/** Names of sections in Mach-O where formats call them otherwise. */
export const machOSectionNames: Readonly<Record<string, string>> = { '.eh_frame': '__TEXT,__eh_frame' }

/** The unwind data of one function: its words, or the fallback's data. */
export interface CompactFunctionUnwind extends FunctionUnwind {
  readonly format: 'compact'
  /** The words, four bytes each. Addresses stand in the rows that `assemble` writes, so there are no relocations. */
  readonly bytes: Uint8Array
  readonly ranges: readonly CompactRange[]
  readonly personality: { readonly symbol: string } | null
  readonly languageData: { readonly symbol: string } | null
  /** What the fallback says, where the words refer to it. */
  readonly fallback: FunctionUnwind | null
}

/** A range that was read back. */
export interface CompactDecodedFunction extends DecodedFunction {
  readonly encoding: number
  /** Address of the LSDA; null for none. */
  readonly languageData: bigint | null
}

/** A state that a walk came to. */
export interface CompactMachineState extends MachineState {
  /** The pc is a return address: unwind information is looked up for the byte before it. */
  readonly afterCall?: boolean
}

/** See {@link createCompactFormat}. */
export interface CompactFormat extends UnwindFormat {
  readonly name: 'compact'
  encode(record: FrameRecord, options?: EncodeOptions): CompactFunctionUnwind | null
  unwind(frame: CompactMachineState, image: UnwindImage, memory: ReadMemory): CompactMachineState
}

/** "See DWARF", before a linker has put in where. */
const seeFallback = (isNotFunctionStart: boolean): number =>
  encodeEncoding({
    frame: { mode: 'dwarf', fdeOffset: 0 },
    isNotFunctionStart,
    hasLanguageData: false,
    personality: 0,
  })

/**
 * Makes the format.
 *
 * `assemble` writes `__LD,__compact_unwind`, which linkers make `__TEXT,__unwind_info` of, and what the fallback writes for
 * its functions. `decode` and `unwind` read either.
 */
export function createCompactFormat(options: CompactFormatOptions = {}): CompactFormat {
  const { fallback, precision = 'body', sectionNames = {} } = options
  const containerName = (name: string): string => sectionNames[name] ?? name
  return {
    name: 'compact',
    architectures: ['x86-64'],
    describes: precision === 'instructions' ? 'instructions' : 'body',

    encode(record, encodeOptions): CompactFunctionUnwind | null {
      let ranges: readonly CompactRange[]
      try {
        if (record.kind === 'outermost' && fallback === undefined) ranges = endOfStack(record)
        else ranges = encodeRanges(record, precision, encodeOptions?.code)
      } catch (error) {
        if (fallback === undefined || !(error instanceof CompactUnwindError)) throw error
        const data = encodeByFallback(fallback, record, error, encodeOptions)
        return data === null ? null : functionUnwind(record, fallbackRanges(record), data)
      }
      return functionUnwind(record, ranges, null)
    },

    assemble(functions): UnwindSection[] {
      const rows: ObjectRow[] = []
      const others: UnwoundFunction[] = []
      for (const one of functions) {
        const { unwind } = one
        if (unwind === null) {
          others.push(one)
          continue
        }
        if (!isCompact(unwind)) {
          throw new CompactUnwindError({ code: 'foreign-unwind', format: unwind.format, symbol: one.symbol })
        }
        rows.push(...objectRows(one, unwind))
        if (unwind.fallback !== null) others.push({ ...one, unwind: unwind.fallback })
      }
      const own = rows.length > 0 ? [encodeObjectRows(rows, containerName(COMPACT_UNWIND_SECTION))] : []
      const sections = fallback?.assemble(others) ?? []
      return [...own, ...sections.map((section) => renamed(section, containerName))]
    },

    decode(image): DecodedFunction[] {
      const entries = imageEntries(image)
      if (entries.length === 0) return []
      const functions: DecodedFunction[] = []
      const described: CompactEntry[] = []
      let needsFallback = false
      for (const entry of entries) {
        const { frame } = decodeEncoding(entry.encoding)
        if (frame.mode === 'dwarf') needsFallback = true
        if (frame.mode === 'dwarf' || frame.mode === 'none' || entry.begin === entry.end) continue
        described.push(entry)
        functions.push(decodedFunction(entry, image))
      }
      if (!needsFallback || fallback === undefined) return functions
      // Objects may have both for a function; the system asks the word first.
      const isDescribed = coverage(described)
      return [...functions, ...fallback.decode(asFallback(image)).filter(({ begin }) => !isDescribed(begin))]
    },

    unwind(frame, image, memory): CompactMachineState {
      const pc = frame.registers[RETURN_ADDRESS]
      if (pc === undefined) throw new CompactUnwindError({ code: 'unknown-register-value', register: RETURN_ADDRESS })
      const entry = entryAt(image, frame.afterCall === true ? pc - 1n : pc)
      const found = entry === null ? null : decodeEncoding(entry.encoding).frame
      if (entry === null || found === null || found.mode === 'dwarf') {
        if (fallback !== undefined) return fallback.unwind(frame, asFallback(image), memory)
        throw new CompactUnwindError(entry === null ? { code: 'no-entry', pc } : { code: 'dwarf-needed', pc })
      }
      if (found.mode === 'none') throw new CompactUnwindError({ code: 'no-caller', pc })
      const read: ReadMemory = (address, bytes) => readImage(image, address, bytes) ?? memory(address, bytes)
      return { registers: unwindFrame(found, entry.begin, frame.registers, read), afterCall: true }
    },

    print(unwind): string[] {
      if (!isCompact(unwind)) {
        throw new CompactUnwindError({ code: 'foreign-unwind', format: unwind.format, symbol: '' })
      }
      const lines = printRanges(unwind.ranges)
      if (unwind.fallback === null || fallback === undefined) return lines
      return [...lines, '', ...fallback.print(unwind.fallback)]
    },
  }

  /** The image with its sections called as the fallback calls them. */
  function asFallback(image: UnwindImage): UnwindImage {
    const back = new Map(Object.entries(sectionNames).map(([own, container]) => [container, own]))
    return { ...image, sections: image.sections.map((one) => ({ ...one, name: back.get(one.name) ?? one.name })) }
  }
}

/** The format without a fallback. */
export const compact: CompactFormat = createCompactFormat()

function functionUnwind(
  record: FrameRecord,
  ranges: readonly CompactRange[],
  fallback: FunctionUnwind | null,
): CompactFunctionUnwind {
  const bytes = new Uint8Array(4 * ranges.length)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < ranges.length; i++) view.setUint32(4 * i, ranges[i]!.encoding, true)
  return {
    format: 'compact',
    bytes,
    relocations: [],
    ranges,
    personality: record.personality ?? null,
    languageData: record.languageData ?? null,
    fallback,
  }
}

function fallbackRanges(record: FrameRecord): CompactRange[] {
  return partsOf(record).map((part, i) => ({ ...part, encoding: seeFallback(i > 0) }))
}

/** Encoding 0: the walk ends. */
function endOfStack(record: FrameRecord): CompactRange[] {
  return partsOf(record).map((part) => ({ ...part, encoding: 0 }))
}

function encodeByFallback(
  fallback: UnwindFormat,
  record: FrameRecord,
  refusal: CompactUnwindError,
  options: EncodeOptions | undefined,
): FunctionUnwind | null {
  try {
    return fallback.encode(record, options)
  } catch (error) {
    const { problem, event } = error as { problem?: { code?: unknown }; event?: unknown }
    if (!(error instanceof Error) || typeof problem?.code !== 'string') throw error
    const place = typeof event === 'number' ? event : -1
    const { name: format } = fallback
    const reason = refusal.message
    throw new CompactUnwindError({ code: 'fallback', format, reason, why: error.message }, place, { cause: error })
  }
}

function isCompact(unwind: FunctionUnwind): unwind is CompactFunctionUnwind {
  return unwind.format === 'compact'
}

function objectRows(one: UnwoundFunction, unwind: CompactFunctionUnwind): ObjectRow[] {
  const parts: readonly PlacedPart[] = one.parts ?? [one]
  // Personality and data of what the fallback describes stand in its own sections.
  const { personality, languageData, fallback } = unwind
  const extra = {
    ...(personality === null || fallback !== null ? {} : { personality: { symbol: personality.symbol, addend: 0 } }),
    ...(languageData === null || fallback !== null ? {} : { languageData: { symbol: languageData.symbol, addend: 0 } }),
  }
  const rows: ObjectRow[] = []
  let partBegin = 0
  for (const { section, offset, codeSize } of parts) {
    for (const { begin, end, encoding } of unwind.ranges) {
      if (begin < partBegin || begin >= partBegin + codeSize) continue
      rows.push({
        start: { symbol: section, addend: offset + begin - partBegin },
        length: end - begin,
        encoding,
        ...extra,
      })
    }
    partBegin += codeSize
  }
  return rows
}

function renamed(section: UnwindSection, containerName: (name: string) => string): UnwindSection {
  const relocations = section.relocations.map(
    (one): UnwindRelocation => ({ ...one, symbol: containerName(one.symbol) }),
  )
  return { ...section, name: containerName(section.name), relocations }
}

function decodedFunction(entry: CompactEntry, image: UnwindImage): CompactDecodedFunction {
  const { begin, end, encoding, languageData } = entry
  return {
    begin,
    end,
    encoding,
    languageData,
    rows(): UnwindRow[] {
      const row = rowOfFrame(decodeEncoding(encoding).frame, (at) => {
        const address = begin + BigInt(at)
        const value = readImage(image, address, 4)
        if (value === undefined) throw new CompactUnwindError({ code: 'unreadable', address, what: 'immediate' })
        return Number(value)
      })
      return row === null ? [] : [row]
    },
    print: () => [printEncoding(encoding)],
  }
}

/** Whether one of the ranges covers an address. */
function coverage(entries: readonly CompactEntry[]): (address: bigint) => boolean {
  const sorted = [...entries].sort((a, b) => (a.begin < b.begin ? -1 : a.begin > b.begin ? 1 : 0))
  return (address) => {
    let low = 0
    let high = sorted.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (sorted[middle]!.begin <= address) low = middle + 1
      else high = middle
    }
    return low > 0 && address < sorted[low - 1]!.end
  }
}
