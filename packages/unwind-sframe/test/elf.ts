// Enough of 64-bit little-endian ELF to see what an assembler or a linker left.

import { readFileSync } from 'node:fs'

export interface ElfSection {
  readonly name: string
  readonly address: bigint
  readonly bytes: Uint8Array
  readonly relocations: readonly ElfRelocation[]
}

export interface ElfRelocation {
  readonly offset: number
  readonly type: number
  /** Name of the symbol, or of the section that it stands for. */
  readonly symbol: string
  readonly addend: number
}

const SHT_RELA = 4
const SHT_NOBITS = 8
const STT_SECTION = 3

/** All sections of a file. */
export function readElf(path: string): { sections: ElfSection[]; symbols: Map<string, bigint> } {
  const bytes = new Uint8Array(readFileSync(path))
  const view = new DataView(bytes.buffer)
  const table = Number(view.getBigUint64(0x28, true))
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
  const text = (strings: { offset: number }, at: number): string => {
    const start = strings.offset + at
    return String.fromCharCode(...bytes.subarray(start, bytes.indexOf(0, start)))
  }
  const headers = Array.from({ length: view.getUint16(0x3c, true) }, (_, index) => header(index))
  const names = header(view.getUint16(0x3e, true))
  const nameOf = (index: number): string => text(names, headers[index]!.name)
  const sections = headers.map((section, index): ElfSection => {
    const relocations: ElfRelocation[] = []
    for (const { type, link, info, offset, size } of headers) {
      if (type !== SHT_RELA || info !== index) continue
      const symbols = headers[link]!
      for (let at = offset; at < offset + size; at += 24) {
        const symbol = symbols.offset + view.getUint32(at + 12, true) * 24
        const isSection = (view.getUint8(symbol + 4) & 15) === STT_SECTION
        const name = isSection
          ? nameOf(view.getUint16(symbol + 6, true))
          : text(headers[symbols.link]!, view.getUint32(symbol, true))
        relocations.push({
          offset: Number(view.getBigUint64(at, true)),
          type: view.getUint32(at + 8, true),
          symbol: name,
          addend: Number(view.getBigInt64(at + 16, true)),
        })
      }
    }
    const { address, offset, size, type } = section
    const data = type === SHT_NOBITS ? new Uint8Array(size) : bytes.slice(offset, offset + size)
    return { name: nameOf(index), address, bytes: data, relocations }
  })
  const symbols = new Map<string, bigint>()
  for (const { type, offset, size, link } of headers) {
    if (type !== 2) continue // SHT_SYMTAB
    for (let at = offset; at < offset + size; at += 24) {
      symbols.set(text(headers[link]!, view.getUint32(at, true)), view.getBigUint64(at + 8, true))
    }
  }
  return { sections, symbols }
}

export function sectionOf(path: string, name: string): ElfSection {
  const section = readElf(path).sections.find((one) => one.name === name)
  if (section === undefined) throw new Error(`${path} has no ${name}`)
  return section
}
