// Which of the formats describe anything in a file, and what they say.

import type { DecodedFunction, UnwindFormat, UnwindImage } from '@framewright/frame-layout'
import { targets } from '../target.ts'
import type { LoadedFile } from './loaded-file.ts'

export interface UnwindData {
  readonly format: UnwindFormat | null
  readonly decoded: readonly DecodedFunction[]
}

/**
 * What the first format that finds anything says.
 *
 * @throws the format's typed error on malformed data.
 */
export function readUnwindData(
  image: UnwindImage,
  formats: readonly UnwindFormat[],
  container: LoadedFile['container'],
): UnwindData {
  for (const format of nativeFirst(formats, container)) {
    const decoded = format.decode(image)
    if (decoded.length > 0) return { format, decoded }
  }
  return { format: null, decoded: [] }
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
