// A relocatable object as plain values: what the writers take and what the readers give.
//
// The model is one for all formats. Where they disagree the ELF sense is used, and the COFF files translate: an addend
// stands beside its relocation and not in the section's bytes, and a pc-relative value is S + A - P, P being the place
// itself. (COFF counts from the end of the field; its reader and writer account for the difference.)

import type { RelocationKind } from './relocations.ts'

/** Of relocatable files. */
export type ObjectFormat = 'elf' | 'coff' | 'macho'

/** A relocatable object. */
export interface ObjectFile {
  readonly format: ObjectFormat
  readonly sections: readonly Section[]
  readonly symbols: readonly ObjectSymbol[]
}

/**
 * What a section is for; each format has its own flags for it.
 *
 * `unloaded` sections never reach memory: debug data, comments, notes to the linker. `other` is what a reader found and
 * none of the kinds describes; `native` then has the file's own words for it.
 */
export type SectionKind = 'text' | 'rodata' | 'data' | 'bss' | 'unwind' | 'unloaded' | 'other'

/** One section of an object. */
export interface Section {
  readonly name: string
  readonly kind: SectionKind
  /** Bytes; a power of two. */
  readonly align: number
  /** Empty where the file holds none (`bss`). A reader gives views of its input where it can, so do not write into them. */
  readonly bytes: Uint8Array
  /** Size in memory, for a section without bytes in the file, and only there. */
  readonly size?: number
  readonly relocations: readonly Relocation[]
  /** The header's own words, where they are not those that the kind implies. */
  readonly native?: NativeSection
  /** COFF: which copies of this section the linker keeps. */
  readonly comdat?: Comdat
}

/** What a section header of the format says. */
export interface NativeSection {
  /** ELF: sh_type. COFF: 0. */
  readonly type: number
  /** ELF: sh_flags. COFF: Characteristics without the alignment. */
  readonly flags: number
  /** ELF: sh_entsize, when it is not 0. */
  readonly entrySize?: number
}

/** Which of several sections of one name the linker keeps. */
export type ComdatSelection = 'one-only' | 'any' | 'same-size' | 'exact-match' | 'associative' | 'largest'

/** That a section is one of several copies. */
export interface Comdat {
  readonly selection: ComdatSelection
  /** Index of the section that an `associative` one lives and dies with. */
  readonly section?: number
}

/** A field that gets an address. */
export interface Relocation {
  /** Bytes from the start of the section to the field. */
  readonly offset: number
  readonly kind: RelocationKind
  /** Index into the file's symbols, or {@link NO_SYMBOL}. */
  readonly symbol: number
  readonly addend: number
}

/** In a relocation that names no symbol. */
export const NO_SYMBOL: -1 = -1

/** Index of a section, or where else a symbol may be. */
export type SymbolPlace = number | 'undefined' | 'absolute' | 'common'

/** What a symbol names. */
export type SymbolType = 'none' | 'function' | 'object' | 'section' | 'file' | 'tls' | 'ifunc'

/** A name of an object: defined in it, or wanted by it. */
export interface ObjectSymbol {
  /** Of a section's symbol, the section's name. */
  readonly name: string
  readonly binding: 'local' | 'global' | 'weak'
  readonly type: SymbolType
  readonly section: SymbolPlace
  /** Bytes from the start of the section; the value of an absolute symbol; the alignment of a common one. */
  readonly value: number
  /** Bytes; 0 where unknown. COFF keeps it for common symbols alone. */
  readonly size: number
  /** ELF; `default` when absent. */
  readonly visibility?: 'internal' | 'hidden' | 'protected'
  /** ELF: a global symbol of which there is one in the whole process (STB_GNU_UNIQUE), as g++ makes them of inline variables. */
  readonly unique?: true
  /** COFF: a weak symbol is an undefined one that stands for this symbol (by index) unless somebody defines it. */
  readonly fallback?: number
}
