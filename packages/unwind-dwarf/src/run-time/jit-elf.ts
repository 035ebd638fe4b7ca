/**
 * The ELF file in memory that gdb's (and lldb's) JIT interface takes: the code's addresses and names, and its unwind data.
 * GDB manual, "JIT Compilation Interface". The code itself is in the process, so `.text` has no bytes (SHT_NOBITS).
 *
 * To register it: put a `jit_code_entry` in memory that points at it, link it into `__jit_debug_descriptor`, call
 * `__jit_debug_register_code`. `encodeJitCodeEntry` and `encodeJitDescriptor` write those two structures.
 */

import type { LoadedSection } from '@framewright/frame-layout'
import { type DwarfArchitecture, require64 } from '../architecture.ts'
import { ByteWriter } from '../byte-writer.ts'
import { dwarfX64 } from '../registers.ts'
import { encodeUtf8 } from '../utf8.ts'

/** A stretch of code. */
export interface JitCode {
  readonly address: bigint
  readonly size: number
}

/** A function's name and place; it lies in one of the stretches of code. */
export interface JitSymbol extends JitCode {
  readonly name: string
}

/** What gdb is told of code made at run time. */
export interface JitElf {
  readonly code: readonly JitCode[]
  readonly symbols: readonly JitSymbol[]
  /** `.eh_frame` at its address, or `.debug_frame` (absolute addresses, relocated). Further sections of debug information, too. */
  readonly sections: readonly LoadedSection[]
  /** x86-64 when left out. */
  readonly architecture?: DwarfArchitecture
}

// System V ABI, "Sections"; x86-64 ABI, 4.2.
const SHT_PROGBITS = 1
const SHT_SYMTAB = 2
const SHT_STRTAB = 3
const SHT_NOBITS = 8
const SHF_ALLOC = 2
const SHF_EXECINSTR = 4
const ET_EXEC = 2
/** STB_GLOBAL, STT_FUNC. */
const GLOBAL_FUNCTION = 0x12
const HEADER_BYTES = 64
const SECTION_HEADER_BYTES = 64
const SYMBOL_BYTES = 24

interface Section {
  readonly name: string
  readonly type: number
  readonly flags: bigint
  readonly address: bigint
  readonly size: number
  readonly bytes: Uint8Array
  readonly link: number
  readonly info: number
  readonly align: number
  readonly entryBytes: number
}

/** Makes the file. @throws DwarfUnwindError `architecture` where addresses have 4 bytes: it is one of 64-bit ELF. */
export function encodeJitElf({ code, symbols, sections, architecture = dwarfX64 }: JitElf): Uint8Array {
  require64(architecture)
  const list: Section[] = [section({ name: '', type: 0, align: 0 })]
  for (const { address, size } of code) {
    const flags = BigInt(SHF_ALLOC | SHF_EXECINSTR)
    list.push(section({ name: '.text', type: SHT_NOBITS, flags, address, size, align: 1 }))
  }
  for (const { name, address, bytes } of sections) {
    // Debuggers read what is allocated in the process or here; other sections are debug information, at no address.
    const loaded = name.startsWith('.eh_frame')
    const place = loaded ? { flags: BigInt(SHF_ALLOC), address } : {}
    list.push(section({ name, type: SHT_PROGBITS, bytes, align: 8, ...place }))
  }
  const names = new StringTable()
  const table = new ByteWriter()
  table.zeros(SYMBOL_BYTES)
  for (const { name, address, size } of symbols) {
    const index = code.findIndex((one) => address >= one.address && address < one.address + BigInt(one.size || 1))
    table.u32(names.add(name))
    table.u8(GLOBAL_FUNCTION)
    table.u8(0) // st_other
    // Without a stretch of code it would be in none of the sections: SHN_ABS.
    table.u16(index < 0 ? 0xfff1 : index + 1)
    table.u64Bits(address)
    table.u64(size)
  }
  list.push(
    section({
      name: '.symtab',
      type: SHT_SYMTAB,
      bytes: table.slice(),
      link: list.length + 1,
      info: 1, // the first global one
      align: 8,
      entryBytes: SYMBOL_BYTES,
    }),
  )
  list.push(section({ name: '.strtab', type: SHT_STRTAB, bytes: names.bytes(), align: 1 }))
  const sectionNames = new StringTable()
  for (const { name } of list) sectionNames.add(name)
  sectionNames.add('.shstrtab')
  list.push(section({ name: '.shstrtab', type: SHT_STRTAB, bytes: sectionNames.bytes(), align: 1 }))
  return layOut(list, sectionNames, architecture.elfMachine)
}

function section(given: Partial<Section> & Pick<Section, 'name' | 'type' | 'align'>): Section {
  const bytes = given.bytes ?? new Uint8Array(0)
  return { flags: 0n, address: 0n, size: bytes.length, bytes, link: 0, info: 0, entryBytes: 0, ...given }
}

function layOut(list: readonly Section[], names: StringTable, machine: number): Uint8Array {
  const out = new ByteWriter()
  out.zeros(HEADER_BYTES)
  const offsets = list.map(({ bytes, align }) => {
    out.align(Math.max(align, 1))
    const offset = out.length
    out.block(bytes)
    return offset
  })
  out.align(8)
  const table = out.length
  for (let i = 0; i < list.length; i++) {
    const { name, type, flags, address, size, link, info, align, entryBytes } = list[i]!
    out.u32(names.add(name))
    out.u32(type)
    out.u64Bits(flags)
    out.u64Bits(address)
    out.u64(type === 0 ? 0 : offsets[i]!)
    out.u64(size)
    out.u32(link)
    out.u32(info)
    out.u64(align)
    out.u64(entryBytes)
  }
  const bytes = out.slice()
  bytes.set(headerBytes(table, list.length, machine))
  return bytes
}

function headerBytes(table: number, count: number, machine: number): Uint8Array {
  const out = new ByteWriter()
  out.block(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46)) // "\x7fELF"
  out.block(Uint8Array.of(2, 1, 1, 0)) // ELFCLASS64, ELFDATA2LSB, EV_CURRENT, ELFOSABI_NONE
  out.zeros(8)
  out.u16(ET_EXEC)
  out.u16(machine)
  out.u32(1) // EV_CURRENT
  out.u64(0) // e_entry
  out.u64(0) // e_phoff
  out.u64(table)
  out.u32(0) // e_flags
  out.u16(HEADER_BYTES)
  out.u16(0) // e_phentsize
  out.u16(0) // e_phnum
  out.u16(SECTION_HEADER_BYTES)
  out.u16(count)
  out.u16(count - 1) // .shstrtab is the last
  return out.slice()
}

/** Strings that end in NUL, each once; the empty one at 0. */
class StringTable {
  readonly #out: ByteWriter = new ByteWriter()
  readonly #places: Map<string, number> = new Map([['', 0]])

  constructor() {
    this.#out.u8(0)
  }

  /** Where the string lies. */
  add(text: string): number {
    const known = this.#places.get(text)
    if (known !== undefined) return known
    const place = this.#out.length
    this.#out.block(encodeUtf8(text))
    this.#out.u8(0)
    this.#places.set(text, place)
    return place
  }

  bytes(): Uint8Array {
    return this.#out.slice()
  }
}

/** A `struct jit_code_entry`: a link of the list of files. Pointers are 0 where there is no neighbour. */
export function encodeJitCodeEntry(entry: {
  readonly next: bigint
  readonly previous: bigint
  /** Where the ELF file lies, and how long it is. */
  readonly address: bigint
  readonly size: number
}): Uint8Array {
  const out = new ByteWriter()
  out.u64Bits(entry.next)
  out.u64Bits(entry.previous)
  out.u64Bits(entry.address)
  out.u64(entry.size)
  return out.slice()
}

/** What the debugger is told. */
const actions = { none: 0, register: 1, unregister: 2 } as const

/** A `struct jit_descriptor`, the symbol `__jit_debug_descriptor`; set it before `__jit_debug_register_code` is called. */
export function encodeJitDescriptor(descriptor: {
  readonly action: keyof typeof actions
  /** The entry that the action is about. */
  readonly relevant: bigint
  /** The first of the list. */
  readonly first: bigint
}): Uint8Array {
  const out = new ByteWriter()
  out.u32(1) // version
  out.u32(actions[descriptor.action])
  out.u64Bits(descriptor.relevant)
  out.u64Bits(descriptor.first)
  return out.slice()
}
