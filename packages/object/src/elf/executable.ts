// Links objects into a static ELF executable: enough to run generated code where there is no linker.
//
// Three segments, read-only, executable and writable, each on pages of its own; a slot of a small table for every symbol
// reached through the GOT. No dynamic linking, no thread-local storage, no archives, no garbage collection. Section
// headers are left out: the system needs none.

import { ByteWriter, setU32, setU64 } from '../byte-writer.ts'
import { checkModel, relocationPlace, sectionPlace, symbolPlace } from '../check.ts'
import { ObjectError } from '../errors.ts'
import type { ObjectFile, Relocation, Section } from '../object-file.ts'
import { relocationWidth } from '../relocations.ts'
import * as elf from './constants.ts'
import { nativeOf } from './kinds.ts'

/** How an executable is linked. */
export interface ExecutableOptions {
  /** Name of the global symbol where the program starts. */
  readonly entry: string
  /** Address of the first byte of the file in memory; a multiple of 4096. */
  readonly baseAddress?: number
}

/** A linked program. */
export interface Executable {
  readonly bytes: Uint8Array
  readonly entry: number
  /** Address of every global symbol. */
  readonly symbols: ReadonlyMap<string, number>
  /** By object, by section: its address; 0 for a section that is not loaded. */
  readonly sectionAddresses: readonly (readonly number[])[]
}

const PAGE = 4096

interface Placed {
  readonly object: number
  readonly section: number
  readonly address: number
  readonly bytes: Uint8Array
}

interface Segment {
  readonly flags: number
  readonly offset: number
  readonly address: number
  readonly fileSize: number
  readonly memorySize: number
}

/**
 * Links relocatable objects for Linux on x86-64.
 *
 * @throws ObjectError for an undefined or twice defined symbol, a value that does not fit its field, and what this small
 *   linker does not know.
 */
export function linkExecutable(objects: readonly ObjectFile[], options: ExecutableOptions): Executable {
  for (const object of objects) {
    checkModel(object)
    if (object.format !== 'elf') {
      throw new ObjectError({ code: 'unsupported', what: `linking ${object.format}` }, { in: 'object' })
    }
  }
  return new Linker(objects, options.baseAddress ?? 0x40_0000).link(options.entry)
}

class Linker {
  readonly #objects: readonly ObjectFile[]
  readonly #base: number
  readonly #definitions: Map<string, { readonly object: number; readonly symbol: number }> = new Map()
  readonly #sectionAddresses: number[][]
  readonly #commons: Map<string, number> = new Map()
  /** Name of a global symbol, or object and index of a local one, to the number of its slot. */
  readonly #slots: Map<string, number> = new Map()
  #slotsAddress = 0

  constructor(objects: readonly ObjectFile[], base: number) {
    this.#objects = objects
    this.#base = base
    this.#sectionAddresses = objects.map((object) => object.sections.map(() => 0))
  }

  link(entryName: string): Executable {
    this.#define()
    this.#countSlots()
    const writer = new ByteWriter()
    writer.skip(elf.EHDR_SIZE + 4 * elf.PHDR_SIZE)
    const placed: Placed[] = []
    const segments = [
      this.#layOut(writer, placed, elf.PF_R),
      this.#layOut(writer, placed, elf.PF_R | elf.PF_X),
      this.#layOut(writer, placed, elf.PF_R | elf.PF_W),
    ]
    for (const each of placed) this.#relocate(each)
    for (const each of placed) writer.setBytes(each.address - this.#base, each.bytes)
    this.#fillSlots(writer)
    const entry = this.#definitions.get(entryName)
    if (entry === undefined) throw new ObjectError({ code: 'undefined-symbol', name: entryName }, { in: 'object' })
    const entryAddress = this.#address(entry.object, entry.symbol)
    writeHeaders(writer, segments, entryAddress)
    const symbols = new Map<string, number>()
    for (const [name, { object, symbol }] of this.#definitions) symbols.set(name, this.#address(object, symbol))
    return { bytes: writer.finish(), entry: entryAddress, symbols, sectionAddresses: this.#sectionAddresses }
  }

  #define(): void {
    for (const [object, { symbols }] of this.#objects.entries()) {
      for (const [symbol, { name, binding, section }] of symbols.entries()) {
        if (binding === 'local' || section === 'undefined') continue
        const known = this.#definitions.get(name)
        const knownSymbol = known && this.#objects[known.object].symbols[known.symbol]
        const knownIsWeak = knownSymbol?.binding === 'weak' || knownSymbol?.section === 'common'
        if (known === undefined || (knownIsWeak && binding === 'global' && section !== 'common')) {
          this.#definitions.set(name, { object, symbol })
        } else if (!knownIsWeak && binding === 'global' && section !== 'common') {
          throw new ObjectError({ code: 'duplicate-symbol', name }, symbolPlace(symbols, symbol))
        }
      }
    }
  }

  #countSlots(): void {
    for (const [object, { sections }] of this.#objects.entries()) {
      for (const { relocations } of sections) {
        for (const { kind, symbol } of relocations) {
          const key = this.#slotKey(object, symbol)
          if (kind.startsWith('got-') && !this.#slots.has(key)) this.#slots.set(key, this.#slots.size)
        }
      }
    }
  }

  #slotKey(object: number, symbol: number): string {
    const found = this.#objects[object].symbols[symbol]
    return found === undefined || found.binding === 'local' ? `${object}\0${symbol}` : found.name
  }

  /** Places the sections of one kind of memory, those without bytes in the file last. */
  #layOut(writer: ByteWriter, placed: Placed[], flags: number): Segment {
    const loaded = this.#objects.flatMap(({ sections }, object) =>
      sections.flatMap((section, index) => (protection(section) === flags ? [{ object, index, section }] : [])),
    )
    const writable = flags === (elf.PF_R | elf.PF_W)
    // The headers are the beginning of the first segment.
    const empty = loaded.length === 0 && !(writable && this.#slots.size > 0)
    if (flags !== elf.PF_R && !empty) writer.align(PAGE)
    const offset = flags === elf.PF_R ? 0 : writer.length
    for (const { object, index, section } of loaded) {
      if (section.size !== undefined) continue
      if (section.align > PAGE) {
        const what = `alignment of ${section.align} bytes`
        throw new ObjectError({ code: 'unsupported', what }, sectionPlace(this.#objects[object].sections, index))
      }
      writer.align(section.align)
      const address = this.#base + writer.skip(section.bytes.length)
      this.#sectionAddresses[object][index] = address
      placed.push({ object, section: index, address, bytes: new Uint8Array(section.bytes) })
    }
    if (writable && this.#slots.size > 0) {
      writer.align(8)
      this.#slotsAddress = this.#base + writer.skip(this.#slots.size * 8)
    }
    let end = this.#base + writer.length
    const reserve = (align: number, size: number): number => {
      const start = Math.ceil(end / align) * align
      end = start + size
      return start
    }
    for (const { object, index, section } of loaded) {
      if (section.size === undefined) continue
      this.#sectionAddresses[object][index] = reserve(section.align, section.size)
    }
    if (writable) {
      for (const [name, { object, symbol }] of this.#definitions) {
        const { section, value, size } = this.#objects[object].symbols[symbol]
        if (section === 'common') this.#commons.set(name, reserve(Math.max(1, value), size))
      }
    }
    const address = this.#base + offset
    return { flags, offset, address, fileSize: writer.length - offset, memorySize: end - address }
  }

  #address(object: number, symbol: number): number {
    const { symbols } = this.#objects[object]
    if (symbol < 0) return 0
    const { name, binding, section, value } = symbols[symbol]
    if (binding !== 'local') {
      const found = this.#definitions.get(name)
      if (found !== undefined && (found.object !== object || found.symbol !== symbol)) {
        return this.#address(found.object, found.symbol)
      }
    }
    if (typeof section === 'number') return this.#sectionAddresses[object][section] + value
    if (section === 'absolute') return value
    if (section === 'common') return this.#commons.get(name) ?? 0
    if (binding === 'weak') return 0
    throw new ObjectError({ code: 'undefined-symbol', name }, symbolPlace(symbols, symbol))
  }

  #relocate({ object, section, address, bytes }: Placed): void {
    const { sections } = this.#objects[object]
    for (const [index, relocation] of sections[section].relocations.entries()) {
      const place = relocationPlace(sections, section, index)
      const value = this.#value(object, relocation, address + relocation.offset)
      const { kind, offset } = relocation
      if (value === null) throw new ObjectError({ code: 'unsupported', what: `linking ${kind}` }, place)
      if (relocationWidth(kind) === 8) {
        setU64(bytes, offset, value)
        continue
      }
      const [low, high] = kind === 'absolute-32' ? [0, 0xffff_ffff] : [-0x8000_0000, 0x7fff_ffff]
      if (value < low || value > high) throw new ObjectError({ code: 'relocation-overflow', kind, value }, place)
      setU32(bytes, offset, value)
    }
  }

  #value(object: number, { kind, symbol, addend }: Relocation, place: number): number | null {
    switch (kind) {
      case 'absolute-64':
      case 'absolute-32':
      case 'absolute-32-signed':
        return this.#address(object, symbol) + addend
      case 'pc-relative-32':
      case 'pc-relative-64':
      case 'plt-32':
        return this.#address(object, symbol) + addend - place
      case 'image-relative-32':
        return this.#address(object, symbol) + addend - this.#base
      case 'got-pc-relative-32':
      case 'got-pc-relative-32-relaxable':
      case 'got-pc-relative-32-relaxable-rex':
        return this.#slotsAddress + 8 * (this.#slots.get(this.#slotKey(object, symbol)) ?? 0) + addend - place
      default:
        return null
    }
  }

  #fillSlots(writer: ByteWriter): void {
    for (const [object, { sections }] of this.#objects.entries()) {
      for (const { relocations } of sections) {
        for (const { kind, symbol } of relocations) {
          const slot = kind.startsWith('got-') ? this.#slots.get(this.#slotKey(object, symbol)) : undefined
          if (slot === undefined) continue
          writer.setU64(this.#slotsAddress - this.#base + 8 * slot, this.#address(object, symbol))
        }
      }
    }
  }
}

/** The kind of memory a section needs; 0 when none. */
function protection(section: Section): number {
  const { flags } = nativeOf(section)
  if ((flags & elf.SHF_ALLOC) === 0) return 0
  if ((flags & elf.SHF_EXECINSTR) !== 0) return elf.PF_R | elf.PF_X
  return (flags & elf.SHF_WRITE) !== 0 ? elf.PF_R | elf.PF_W : elf.PF_R
}

function writeHeaders(writer: ByteWriter, segments: readonly Segment[], entry: number): void {
  const stack = { flags: elf.PF_R | elf.PF_W, offset: 0, address: 0, fileSize: 0, memorySize: 0 }
  for (const [index, segment] of [...segments, stack].entries()) {
    const at = elf.EHDR_SIZE + index * elf.PHDR_SIZE
    if (segment.memorySize === 0 && segment !== stack) continue // PT_NULL
    writer.setU32(at, segment === stack ? elf.PT_GNU_STACK : elf.PT_LOAD)
    writer.setU32(at + 4, segment.flags)
    writer.setU64(at + 8, segment.offset)
    writer.setU64(at + 16, segment.address)
    writer.setU64(at + 24, segment.address)
    writer.setU64(at + 32, segment.fileSize)
    writer.setU64(at + 40, segment.memorySize)
    writer.setU64(at + 48, segment === stack ? 16 : PAGE)
  }
  writer.setU32(0, 0x464c_457f) // "\x7fELF"
  writer.setU32(4, 0x0001_0102) // ELFCLASS64, ELFDATA2LSB, EV_CURRENT, ELFOSABI_NONE
  writer.setU16(16, elf.ET_EXEC)
  writer.setU16(18, elf.EM_X86_64)
  writer.setU32(20, 1) // e_version
  writer.setU64(24, entry)
  writer.setU64(32, elf.EHDR_SIZE) // e_phoff
  writer.setU16(52, elf.EHDR_SIZE)
  writer.setU16(54, elf.PHDR_SIZE)
  writer.setU16(56, segments.length + 1)
  writer.setU16(58, elf.SHDR_SIZE)
}
