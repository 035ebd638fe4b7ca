// Section kinds and Characteristics. Microsoft, "PE Format", "Section Flags" and "Special Sections".

import type { NativeSection, Section, SectionKind } from '../object-file.ts'
import * as coff from './constants.ts'

const READ_DATA = coff.IMAGE_SCN_CNT_INITIALIZED_DATA | coff.IMAGE_SCN_MEM_READ

const implied: Readonly<Record<Exclude<SectionKind, 'other'>, number>> = {
  text: coff.IMAGE_SCN_CNT_CODE | coff.IMAGE_SCN_MEM_EXECUTE | coff.IMAGE_SCN_MEM_READ,
  rodata: READ_DATA,
  data: (READ_DATA | coff.IMAGE_SCN_MEM_WRITE) >>> 0,
  bss: (coff.IMAGE_SCN_CNT_UNINITIALIZED_DATA | coff.IMAGE_SCN_MEM_READ | coff.IMAGE_SCN_MEM_WRITE) >>> 0,
  unwind: READ_DATA,
  unloaded: READ_DATA | coff.IMAGE_SCN_MEM_DISCARDABLE,
}

export function nativeOf(section: Section): NativeSection {
  return section.native ?? { type: 0, flags: implied[section.kind as Exclude<SectionKind, 'other'>] }
}

/** @param flags - Characteristics without what the writer works out: alignment, COMDAT, many relocations. */
export function kindOf(name: string, flags: number): Pick<Section, 'kind' | 'native'> {
  if (flags === READ_DATA) return { kind: /^\.[px]data(?:$|\$)/.test(name) ? 'unwind' : 'rodata' }
  for (const [kind, words] of Object.entries(implied)) if (words === flags) return { kind: kind as SectionKind }
  return { kind: 'other', native: { type: 0, flags } }
}
