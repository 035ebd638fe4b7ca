// As much of Mach-O as the tests need: sections with their bytes and relocations, and symbols.

import { readFileSync } from 'node:fs'

export interface MachSection {
  /** `__TEXT,__text`. */
  readonly name: string
  readonly address: bigint
  readonly bytes: Uint8Array
  readonly relocations: readonly MachRelocation[]
}

export interface MachRelocation {
  readonly offset: number
  /** Name of the symbol, or the number of the section. */
  readonly target: string | number
}

export interface MachFile {
  readonly sections: readonly MachSection[]
  readonly symbols: ReadonlyMap<string, bigint>
}

const LC_SEGMENT_64 = 0x19
const LC_SYMTAB = 0x2
const S_ZEROFILL = 1

export function readMachO(path: string): MachFile {
  const bytes = new Uint8Array(readFileSync(path))
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const u32 = (at: number): number => view.getUint32(at, true)
  if (u32(0) !== 0xfeedfacf) throw new Error(`${path} is no 64-bit Mach-O file`)
  const text = (at: number, most: number): string => {
    let end = at
    while (end < at + most && bytes[end] !== 0) end++
    return new TextDecoder().decode(bytes.subarray(at, end))
  }
  const headers: { at: number }[] = []
  const names: string[] = []
  const symbols = new Map<string, bigint>()
  let command = 32
  for (let i = 0; i < u32(16); i++) {
    const kind = u32(command)
    if (kind === LC_SEGMENT_64) {
      for (let k = 0; k < u32(command + 64); k++) headers.push({ at: command + 72 + 80 * k })
    } else if (kind === LC_SYMTAB) {
      const [symoff, nsyms, stroff] = [u32(command + 8), u32(command + 12), u32(command + 16)]
      for (let k = 0; k < nsyms; k++) {
        const at = symoff + 16 * k
        names.push(text(stroff + u32(at), 1 << 16))
        // Those of debuggers have bits that others have not; undefined ones have no section.
        if ((bytes[at + 4]! & 0xe0) === 0 && bytes[at + 5]! !== 0)
          symbols.set(names[k]!, view.getBigUint64(at + 8, true))
      }
    }
    command += u32(command + 4)
  }
  const sections = headers.map(({ at }): MachSection => {
    const size = Number(view.getBigUint64(at + 40, true))
    const isEmpty = (u32(at + 64) & 0xff) === S_ZEROFILL
    const start = u32(at + 48)
    const relocations = Array.from({ length: u32(at + 60) }, (_, i): MachRelocation => {
      const place = u32(at + 56) + 8 * i
      const word = u32(place + 4)
      const isExternal = ((word >>> 27) & 1) === 1
      return { offset: u32(place), target: isExternal ? names[word & 0xff_ffff]! : word & 0xff_ffff }
    })
    return {
      name: `${text(at + 16, 16)},${text(at, 16)}`,
      address: view.getBigUint64(at + 32, true),
      bytes: isEmpty ? new Uint8Array(size) : bytes.slice(start, start + size),
      relocations: relocations.sort((a, b) => a.offset - b.offset),
    }
  })
  return { sections, symbols }
}

export function machSection(file: MachFile, name: string): MachSection {
  const found = file.sections.find((section) => section.name === name)
  if (found === undefined) throw new Error(`no section ${name}`)
  return found
}
