// Which section type and flags stand for which kind, which numbers for which type of symbol. The gABI, "Special Sections"; AMD64 psABI, "Special Sections".

import { ObjectError } from '../errors.ts'
import type { NativeSection, Section, SectionKind, SymbolType } from '../object-file.ts'
import * as elf from './constants.ts'
import { atByte } from './headers.ts'

const implied: Readonly<Record<Exclude<SectionKind, 'other'>, NativeSection>> = {
  text: { type: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC | elf.SHF_EXECINSTR },
  rodata: { type: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC },
  data: { type: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC | elf.SHF_WRITE },
  bss: { type: elf.SHT_NOBITS, flags: elf.SHF_ALLOC | elf.SHF_WRITE },
  unwind: { type: elf.SHT_X86_64_UNWIND, flags: elf.SHF_ALLOC },
  unloaded: { type: elf.SHT_PROGBITS, flags: 0 },
}

/** The header's words for a section, those that its kind implies unless it brings its own. */
export function nativeOf(section: Section): NativeSection {
  // The type is for .eh_frame; other formats' data are bytes like any other to a linker.
  if (section.kind === 'unwind' && section.name !== '.eh_frame') return section.native ?? implied.rodata
  return section.native ?? implied[section.kind as Exclude<SectionKind, 'other'>]
}

/** The kind of a section in a file, and the file's words for it where the kind does not imply them. */
export function kindOf(name: string, type: number, flags: number, entrySize: number): Pick<Section, 'kind' | 'native'> {
  let kind: SectionKind = 'other'
  for (const [candidate, words] of Object.entries(implied)) {
    if (words.type === type && words.flags === flags) kind = candidate as SectionKind
  }
  // The GNU assembler gives .eh_frame the type SHT_PROGBITS.
  if (kind === 'rodata' && name === '.eh_frame') kind = 'unwind'
  const words = kind === 'other' ? undefined : implied[kind]
  if (words?.type === type && words.flags === flags && entrySize === 0) return { kind }
  // Strings that may be merged, link order, groups: the kind stays the one of the plain flags, where there is one.
  if (kind === 'other' && type === elf.SHT_PROGBITS) {
    const plain = flags & (elf.SHF_WRITE | elf.SHF_ALLOC | elf.SHF_EXECINSTR)
    for (const candidate of ['text', 'rodata', 'data', 'unloaded'] as const) {
      if (implied[candidate].flags === plain) kind = candidate
    }
  }
  return { kind, native: entrySize === 0 ? { type, flags } : { type, flags, entrySize } }
}

/** @param at - place of the number in the file. */
export function symbolType(number: number, at: number): SymbolType {
  if (number === elf.STT_GNU_IFUNC) return 'ifunc'
  const type = elf.symbolTypes[number]
  if (type === undefined) throw new ObjectError({ code: 'unsupported', what: `symbol type ${number}` }, atByte(at))
  return type === 'common' ? 'object' : type
}
