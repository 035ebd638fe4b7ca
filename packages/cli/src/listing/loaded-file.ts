// A file of machine code, a relocatable object or a linked image, as what is in it: sections at addresses, and functions
// with their code, rows and the ranges of unwind data that say so.
//
// Everything that takes somebody's file begins with `loadFile`. Functions are many, so what takes time (rows, relocations)
// is made when it is asked for.

import type { DecodedFunction, LoadedSection, UnwindFormat, UnwindImage } from '@framewright/frame-layout'
import { detectImage, type ObjectFormat, readImage, readObject } from '@framewright/object'
import type { ListedFunction } from './listed-function.ts'
import { loadImage } from './load-image.ts'
import { loadObject } from './load-object.ts'

export interface LoadedFile {
  /** `object`: addresses are made up, and users count from the start of a section. `image`: addresses are the file's own. */
  readonly kind: 'object' | 'image'
  readonly container: ObjectFormat | 'pe'
  /** In words: `ELF object`, `PE library`. */
  readonly description: string
  readonly sections: readonly FileSection[]
  /** The sections at their addresses, relocations applied: what formats read. */
  readonly image: UnwindImage
  /** Of the unwind data that the functions' rows come from: the first that finds anything; null when there are none. */
  readonly format: UnwindFormat | null
  /** Ascending by section and place. */
  readonly functions: readonly LoadedFunction[]
}

export interface FileSection extends LoadedSection {
  readonly isCode: boolean
  /** The bytes before relocations are applied; of an image, the same bytes. */
  readonly stored: Uint8Array
}

/** Rows and relocations are made anew at each access. */
export interface LoadedFunction extends ListedFunction {
  readonly address: bigint
  /** The ranges of unwind data that describe it, ascending: one nearly always; none: nothing describes it. */
  readonly ranges: readonly DecodedFunction[]
  /** Whose ranges they are; null where there are none. */
  readonly format: UnwindFormat | null
}

/**
 * @param formats - those that may describe the file's frames; the first that describes a function is used for it.
 * @param chosen - whether somebody asked for them, in this order; see `readUnwindData`.
 * @throws ObjectError for what is neither an object nor an image, and a format's typed error on malformed unwind data.
 */
export function loadFile(bytes: Uint8Array, formats: readonly UnwindFormat[], chosen: boolean = false): LoadedFile {
  return detectImage(bytes) === null
    ? loadObject(readObject(bytes), formats, chosen)
    : loadImage(readImage(bytes), formats, chosen)
}
