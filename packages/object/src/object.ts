// One door for all formats.

import { IMAGE_FILE_MACHINE_AMD64 } from './coff/constants.ts'
import { readCoff } from './coff/read.ts'
import { writeCoff } from './coff/write.ts'
import { readElf } from './elf/read.ts'
import { writeElf } from './elf/write.ts'
import { ObjectError } from './errors.ts'
import type { ObjectFile, ObjectFormat } from './object-file.ts'

/**
 * Writes a relocatable object for x86-64. The same model gives the same bytes, on every machine and at every time.
 *
 * @throws ObjectError when the model contradicts itself, or its format cannot express it. Mach-O is not written yet.
 */
export function writeObject(file: ObjectFile): Uint8Array {
  switch (file.format) {
    case 'elf':
      return writeElf(file)
    case 'coff':
      return writeCoff(file)
    case 'macho':
      throw new ObjectError({ code: 'unsupported', what: 'Mach-O' }, { in: 'object' })
  }
}

/** The format that the first bytes announce; null when they announce none. */
export function detectFormat(bytes: Uint8Array): ObjectFormat | null {
  const first = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8)
  const second = (bytes[2] ?? 0) | ((bytes[3] ?? 0) << 8)
  if (first === 0x457f && second === 0x464c) return 'elf' // "\x7fELF"
  if (first === 0xfacf && second === 0xfeed) return 'macho' // MH_MAGIC_64
  return first === IMAGE_FILE_MACHINE_AMD64 ? 'coff' : null
}

/**
 * Reads a relocatable object for x86-64.
 *
 * The result may hold views of `bytes`. What the model has no words for is kept as numbers (`native`, `elf-…` and
 * `coff-…` relocations) or refused; it is never passed over. Time and memory are linear in the length of the input.
 *
 * @throws ObjectError with the byte of the file that is wrong.
 */
export function readObject(bytes: Uint8Array): ObjectFile {
  switch (detectFormat(bytes)) {
    case 'elf':
      return readElf(bytes)
    case 'coff':
      return readCoff(bytes)
    case 'macho':
      throw new ObjectError({ code: 'unsupported', what: 'Mach-O' }, { in: 'file', offset: 0 })
    case null: {
      // A big object begins with IMAGE_FILE_MACHINE_UNKNOWN and 0xffff ("PE Format", "Import Header" shares the mark).
      const isBig = bytes.length > 6 && bytes[0] === 0 && bytes[1] === 0 && bytes[2] === 0xff && bytes[3] === 0xff
      if (isBig) throw new ObjectError({ code: 'unsupported', what: 'COFF big object' }, { in: 'file', offset: 0 })
      throw new ObjectError({ code: 'unknown-format' }, { in: 'file', offset: 0 })
    }
  }
}
