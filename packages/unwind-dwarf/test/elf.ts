// Enough of ELF to see a section as an assembler left it.

import { readFileSync } from 'node:fs'
import type { VectorBytes } from './vectors.ts'
import { toHex } from './vectors.ts'

/** Relocations of x86-64, and those of AArch64 by the names of their like. */
const types: Record<number, string> = {
  1: 'R_X86_64_64',
  2: 'R_X86_64_PC32',
  10: 'R_X86_64_32',
  12: 'R_X86_64_16',
  13: 'R_X86_64_PC16',
  24: 'R_X86_64_PC64',
  257: 'R_X86_64_64',
  258: 'R_X86_64_32',
  260: 'R_X86_64_PC64',
  261: 'R_X86_64_PC32',
}

export interface ElfSection {
  readonly name: string
  readonly address: bigint
  readonly bytes: Uint8Array
}

/** All sections of a file, and the relocations of each by its name. */
export function readElf(path: string): { sections: ElfSection[]; relocations: Map<string, VectorBytes['relocs']> } {
  const bytes = new Uint8Array(readFileSync(path))
  const view = new DataView(bytes.buffer)
  const table = Number(view.getBigUint64(0x28, true))
  const count = view.getUint16(0x3c, true)
  const header = (index: number) => {
    const at = table + index * 64
    return {
      name: view.getUint32(at, true),
      type: view.getUint32(at + 4, true),
      address: view.getBigUint64(at + 16, true),
      offset: Number(view.getBigUint64(at + 24, true)),
      size: Number(view.getBigUint64(at + 32, true)),
      link: view.getUint32(at + 40, true),
      info: view.getUint32(at + 44, true),
    }
  }
  const text = (section: { offset: number }, at: number): string => {
    const start = section.offset + at
    return String.fromCharCode(...bytes.subarray(start, bytes.indexOf(0, start)))
  }
  const names = header(view.getUint16(0x3e, true))
  const sections: ElfSection[] = []
  for (let i = 0; i < count; i++) {
    const { name, address, offset, size, type } = header(i)
    const data = type === 8 ? new Uint8Array(size) : bytes.slice(offset, offset + size)
    sections.push({ name: text(names, name), address, bytes: data })
  }
  const relocations = new Map<string, VectorBytes['relocs']>()
  for (let i = 0; i < count; i++) {
    const section = header(i)
    if (section.type !== 4) continue // SHT_RELA
    const symbols = header(section.link)
    const strings = header(symbols.link)
    const list: VectorBytes['relocs'] = []
    for (let at = section.offset; at < section.offset + section.size; at += 24) {
      const symbol = symbols.offset + view.getUint32(at + 12, true) * 24
      const isSection = (view.getUint8(symbol + 4) & 15) === 3
      list.push([
        Number(view.getBigUint64(at, true)),
        types[view.getUint32(at + 8, true)] ?? '?',
        isSection ? sections[view.getUint16(symbol + 6, true)]!.name : text(strings, view.getUint32(symbol, true)),
        Number(view.getBigInt64(at + 16, true)),
      ])
    }
    relocations.set(sections[section.info]!.name, list)
  }
  return { sections, relocations }
}

/** A section of an object file as the vectors describe one. */
export function objectSection(path: string, name: string): VectorBytes {
  const { sections, relocations } = readElf(path)
  const section = sections.find((one) => one.name === name)
  if (section === undefined) throw new Error(`${path} has no ${name}`)
  return { hex: toHex(section.bytes), relocs: relocations.get(name) ?? [] }
}
