// Which of the formats describe anything in a file, and what they say.

import type { DecodedFunction, UnwindFormat, UnwindImage } from '@framewright/frame-layout'
import { problemCode } from '../problems.ts'
import { targets } from '../target.ts'
import type { LoadedFile } from './loaded-file.ts'
import { firstWhere } from './section-functions.ts'

export interface UnwindData {
  /** The first that finds anything; null: none does. */
  readonly format: UnwindFormat | null
  readonly decoded: readonly DecodedFunction[]
  /** Which format a range of `decoded` is from. */
  readonly formatOf: (range: DecodedFunction) => UnwindFormat
}

/**
 * What the first format that finds anything says, and what others say of the code that it says nothing of: of a chain of
 * fallbacks each function is described by one.
 *
 * @param chosen - whether somebody asked for the formats. Where nobody did, those behind the first that finds anything do not
 *   complain; and on Windows they are not asked, for there the absence of an entry means something.
 * @throws the format's typed error on malformed data.
 */
export function readUnwindData(
  image: UnwindImage,
  formats: readonly UnwindFormat[],
  container: LoadedFile['container'],
  chosen: boolean,
): UnwindData {
  const formatOf = new Map<DecodedFunction, UnwindFormat>()
  let decoded: readonly DecodedFunction[] = []
  let first: UnwindFormat | null = null
  for (const format of chosen ? formats : nativeFirst(formats, container)) {
    if (first !== null && !chosen && container !== 'elf') break
    const found = first === null || chosen ? format.decode(image) : decodeQuietly(format, image)
    if (found.length === 0) continue
    first ??= format
    const added = decoded.length === 0 ? found : outsideOf(decoded, found)
    for (const range of added) formatOf.set(range, format)
    decoded = [...decoded, ...added]
  }
  return { format: first, decoded, formatOf: (range) => formatOf.get(range) as UnwindFormat }
}

/** What a format reads; nothing where the data are malformed. */
export function decodeQuietly(format: UnwindFormat, image: UnwindImage): readonly DecodedFunction[] {
  try {
    return format.decode(image)
  } catch (error) {
    if (problemCode(error) === null) throw error
    return []
  }
}

/** Those ranges that begin in none of the others. */
function outsideOf(others: readonly DecodedFunction[], ranges: readonly DecodedFunction[]): readonly DecodedFunction[] {
  const sorted = [...others].sort((a, b) => (a.begin < b.begin ? -1 : a.begin > b.begin ? 1 : 0))
  return ranges.filter(({ begin }) => {
    const before = sorted[firstWhere(sorted, (other) => other.begin > begin) - 1]
    return before === undefined || begin >= before.end
  })
}

/** The format that the system itself reads stands first: an object for Windows may carry a debugger's DWARF as well. */
export function nativeFirst(
  formats: readonly UnwindFormat[],
  container: LoadedFile['container'],
): readonly UnwindFormat[] {
  const objectFormat = container === 'pe' ? 'coff' : container
  const native = targets.find((target) => target.objectFormat === objectFormat)?.unwindFormat
  const isNative = ({ name }: UnwindFormat): boolean => name === native
  return [...formats.filter(isNative), ...formats.filter((format) => !isNative(format))]
}
