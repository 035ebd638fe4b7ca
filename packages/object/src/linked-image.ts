// A linked file, an executable or a shared library, as plain values: where everything lies, and which bytes lie there.
//
// It stands beside ObjectFile and not inside it: a linker has applied the relocations, so nothing here refers to anything
// by index, and everything has an address. Addresses are those that the file asks for (ELF: p_vaddr; PE: ImageBase and an
// rva), as bigint, for kernels lie past 2^53.

import type { SymbolType } from './object-file.ts'

/** Of linked files. */
export type ImageFormat = 'elf' | 'pe'

/** An executable or a shared library, as linked. */
export interface LinkedImage {
  readonly format: ImageFormat
  readonly kind: 'executable' | 'library'
  /** Address of the first byte of the image: PE's ImageBase; of ELF's lowest segment, at the start of its page. */
  readonly base: bigint
  /** Where control starts; null where the file names no place. */
  readonly entry: bigint | null
  /** In the file's order. Empty for an ELF file whose section headers were taken off. */
  readonly sections: readonly ImageSection[]
  /** What the system maps, ascending and without overlap. */
  readonly segments: readonly ImageSegment[]
  /** Symbols that are defined in this image, in the file's order; a name may be in several of its tables. */
  readonly symbols: readonly ImageSymbol[]
  /**
   * Where the system starts to look for unwind data: PT_GNU_EH_FRAME (`.eh_frame_hdr`), or PE's exception directory
   * (`.pdata`). Null where the file has none.
   */
  readonly unwindIndex: ImageRange | null
}

/** Bytes at an address. */
export interface ImageRange {
  readonly address: bigint
  /** Views of the input, so do not write into them. */
  readonly bytes: Uint8Array
}

export interface ImageSegment extends ImageRange {
  /** Bytes in memory; those that the file does not have are zero. */
  readonly size: number
  readonly readable: boolean
  readonly writable: boolean
  readonly executable: boolean
}

export interface ImageSection extends ImageRange {
  readonly name: string
  /** Bytes in memory (or in the file, for what is not loaded). */
  readonly size: number
  /** Whether it reaches memory at all; an unloaded section's address says nothing. */
  readonly loaded: boolean
  readonly executable: boolean
  readonly writable: boolean
  /** ELF: the bytes are compressed (SHF_COMPRESSED), and nothing here undoes that. */
  readonly compressed: boolean
}

/**
 * The table that a symbol comes from. `static`: ELF's `.symtab`, PE's COFF symbols; `dynamic`: ELF's `.dynsym`, PE's export
 * directory.
 */
export type ImageSymbolTable = 'static' | 'dynamic'

/** A name of a linked file, and its address. */
export interface ImageSymbol {
  /** An export that has no name is called by its ordinal: `#12`. */
  readonly name: string
  readonly binding: 'local' | 'global' | 'weak'
  /** Of an export, what the section says that it lies in. */
  readonly type: SymbolType
  readonly address: bigint
  /** Bytes; 0 where unknown, as always in PE. */
  readonly size: number
  readonly table: ImageSymbolTable
}

/** The bytes of an image from an address to the end of the segment's part of the file; null where the file has none. */
export function imageBytesAt({ segments }: Pick<LinkedImage, 'segments'>, address: bigint): Uint8Array | null {
  let low = 0
  let high = segments.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (segments[middle].address <= address) low = middle + 1
    else high = middle
  }
  const segment = segments[low - 1]
  if (segment === undefined) return null
  const offset = address - segment.address
  return offset < BigInt(segment.bytes.length) ? segment.bytes.subarray(Number(offset)) : null
}
