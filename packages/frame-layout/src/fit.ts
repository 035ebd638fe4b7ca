/**
 * Whether a format can express a record, and what to do when it cannot: chains of fallbacks. A chain is an `UnwindFormat`
 * itself, so nobody who is given one has to know.
 */

import { FrameError } from './errors.ts'
import type { EncodeOptions, FunctionUnwind, MachineState, UnwindFormat, UnwindSection } from './format.ts'
import type { FrameRecord } from './record.ts'

/** What a format made of a record. */
export type Fit =
  /** `unwind` is null where the function needs no entry. */
  | { readonly fits: true; readonly format: UnwindFormat; readonly unwind: FunctionUnwind | null }
  | ({ readonly fits: false } & Refusal)

/** Why a format cannot express a record. */
export interface Refusal {
  /** The format's name. */
  readonly format: string
  /** Index of the event that it has no words for; -1: none in particular. */
  readonly event: number
  /** `problem.code` of the format's error. */
  readonly code: string
  readonly reason: string
  readonly error: Error
}

/**
 * Whether the format can express the record: what it encoded, or why not and at which event.
 *
 * @throws whatever is no typed error of the format.
 */
export function fit(record: FrameRecord, format: UnwindFormat, options?: EncodeOptions): Fit {
  try {
    return { fits: true, format, unwind: format.encode(record, options) }
  } catch (error) {
    const { problem, event } = error as { problem?: { code?: unknown }; event?: unknown }
    if (!(error instanceof Error) || typeof problem?.code !== 'string') throw error
    const place = typeof event === 'number' ? event : -1
    return { fits: false, format: format.name, event: place, code: problem.code, reason: error.message, error }
  }
}

/**
 * The first of several formats that can express the record.
 *
 * @throws FrameError 'no-format' with every refusal when none can.
 */
export function fitFirst(
  record: FrameRecord,
  formats: readonly UnwindFormat[],
  options?: EncodeOptions,
): Extract<Fit, { fits: true }> & { readonly refused: readonly Refusal[] } {
  const refused: Refusal[] = []
  for (const format of formats) {
    const result = fit(record, format, options)
    if (result.fits) return { ...result, refused }
    refused.push(result)
  }
  const reasons = refused.map(({ format, reason }) => ({ format, reason }))
  throw new FrameError({ code: 'no-format', reasons }, refused.at(-1)?.event ?? -1)
}

/**
 * A format that describes each function in the first of `formats` that can express it. Its sections are those of all of
 * them; a walk asks the first that has anything to say of the pc.
 *
 * @throws FrameError in `encode` when no format can express a record.
 */
export function firstFitting(formats: readonly UnwindFormat[]): UnwindFormat {
  const [first] = formats
  if (first === undefined) throw new FrameError({ code: 'no-format', reasons: [] })
  return {
    name: formats.map(({ name }) => name).join(','),
    architectures: first.architectures.filter((name) =>
      formats.every(({ architectures }) => architectures.includes(name)),
    ),
    encode: (record, options) => fitFirst(record, formats, options).unwind,
    assemble(functions): UnwindSection[] {
      // What needs no entry is passed to all: no format may take its absence for an omission.
      return formats.flatMap((format) =>
        format.assemble(functions.filter(({ unwind }) => unwind === null || unwind.format === format.name)),
      )
    },
    decode: (image) => formats.flatMap((format) => format.decode(image)),
    unwind(frame, image, memory): MachineState {
      let refusal: unknown
      for (const format of formats) {
        try {
          return format.unwind(frame, image, memory)
        } catch (error) {
          if (typeof (error as { problem?: { code?: unknown } }).problem?.code !== 'string') throw error
          refusal ??= error
        }
      }
      throw refusal
    },
    print(unwind) {
      const format = formats.find(({ name }) => name === unwind.format)
      if (format === undefined) throw new FrameError({ code: 'foreign-unwind', format: unwind.format })
      return format.print(unwind)
    },
  }
}
