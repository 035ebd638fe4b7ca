// One door for linked images.

import { ET_DYN, ET_EXEC } from './elf/constants.ts'
import { readElfImage } from './elf/read-image.ts'
import { ObjectError } from './errors.ts'
import type { ImageFormat, LinkedImage } from './linked-image.ts'
import { detectFormat } from './object.ts'
import { DOS_SIGNATURE } from './pe/constants.ts'
import { readPeImage } from './pe/read-image.ts'

/** The format of the linked image that the first bytes announce; null when they announce none, or a relocatable object. */
export function detectImage(bytes: Uint8Array): ImageFormat | null {
  if (((bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8)) === DOS_SIGNATURE) return 'pe'
  const type = (bytes[16] ?? 0) | ((bytes[17] ?? 0) << 8)
  return detectFormat(bytes) === 'elf' && (type === ET_EXEC || type === ET_DYN) ? 'elf' : null
}

/**
 * Reads an executable or a shared library for x86-64, ELF or PE32+.
 *
 * The result holds views of `bytes`. Time and memory are linear in the length of the input.
 *
 * @throws ObjectError with the byte of the file that is wrong.
 */
export function readImage(bytes: Uint8Array): LinkedImage {
  switch (detectImage(bytes)) {
    case 'elf':
      return readElfImage(bytes)
    case 'pe':
      return readPeImage(bytes)
    case null:
      throw new ObjectError({ code: 'unknown-format', wanted: 'image' }, { in: 'file', offset: 0 })
  }
}
