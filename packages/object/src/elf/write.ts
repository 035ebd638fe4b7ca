// ELF-64 relocatable objects for x86-64.
//
// File: header, the sections' bytes, their .rela sections, .symtab, .strtab, .shstrtab, section headers. Section i of
// the model is section i + 1 of the file. Local symbols come first, as the gABI ("Symbol Table", sh_info) demands;
// otherwise the order is the model's. The same model gives the same bytes.

import { ByteWriter } from '../byte-writer.ts'
import { checkModel, relocationPlace, sectionPlace, sectionSize, symbolPlace } from '../check.ts'
import { ObjectError } from '../errors.ts'
import type { ObjectFile, ObjectSymbol, Section } from '../object-file.ts'
import { relocationType } from '../relocations.ts'
import { StringTable } from '../string-table.ts'
import * as elf from './constants.ts'
import { nativeOf } from './kinds.ts'

interface Header {
  readonly name: number
  readonly type: number
  readonly flags: number
  readonly offset: number
  readonly size: number
  readonly link: number
  readonly info: number
  readonly align: number
  readonly entrySize: number
}

/** Without it the linker gives the whole program an executable stack. */
const stackNote: Section = {
  name: '.note.GNU-stack',
  kind: 'unloaded',
  align: 1,
  bytes: new Uint8Array(0),
  relocations: [],
}

/** @throws ObjectError when the model contradicts itself, or ELF cannot express it. */
export function writeElf(file: ObjectFile): Uint8Array {
  checkModel(file)
  const sections = file.sections.some((section) => section.name === stackNote.name)
    ? file.sections
    : [...file.sections, stackNote]
  const relocated = sections.flatMap((section, index) => (section.relocations.length > 0 ? [index] : []))
  const sectionCount = 1 + sections.length + relocated.length + 3
  if (sectionCount >= elf.SHN_LORESERVE) {
    throw new ObjectError({ code: 'too-large', what: 'the number of sections', limit: 0xfeff }, { in: 'object' })
  }
  const symtabIndex = 1 + sections.length + relocated.length

  const writer = new ByteWriter()
  const names = new StringTable(1)
  const headers: Header[] = [
    { name: 0, type: elf.SHT_NULL, flags: 0, offset: 0, size: 0, link: 0, info: 0, align: 0, entrySize: 0 },
  ]
  writer.skip(elf.EHDR_SIZE)

  for (let i = 0; i < sections.length; i++) {
    const section = sections[i]
    const { type, flags, entrySize = 0 } = checkedNative(sections, i)
    writer.align(Math.min(section.align, 4096))
    const offset = writer.length
    writer.bytes(section.bytes)
    const size = sectionSize(section)
    headers.push({
      name: names.add(section.name),
      ...{ type, flags, offset, size, link: 0, info: 0, align: section.align, entrySize },
    })
  }

  const order = symbolOrder(file.symbols)
  for (const index of relocated) {
    const section = sections[index]
    writer.align(8)
    const offset = writer.length
    writeRelocations(writer, sections, index, order.indexInFile)
    headers.push({
      name: names.add(`.rela${section.name}`),
      ...{ type: elf.SHT_RELA, flags: elf.SHF_INFO_LINK, offset, size: writer.length - offset },
      ...{ link: symtabIndex, info: index + 1, align: 8, entrySize: elf.RELA_SIZE },
    })
  }

  const strings = new StringTable(1)
  writer.align(8)
  const symtab = writer.skip(elf.SYM_SIZE) // the symbol that is none
  for (const index of order.order) writeSymbol(writer, strings, file.symbols, index)
  headers.push({
    name: names.add('.symtab'),
    ...{ type: elf.SHT_SYMTAB, flags: 0, offset: symtab, size: writer.length - symtab },
    ...{ link: symtabIndex + 1, info: order.firstGlobal, align: 8, entrySize: elf.SYM_SIZE },
  })
  headers.push(writeStrings(writer, names.add('.strtab'), strings))
  headers.push(writeStrings(writer, names.add('.shstrtab'), names))

  writer.align(8)
  const headersAt = writer.length
  for (const header of headers) writeSectionHeader(writer, header)
  writeFileHeader(writer, headersAt, headers.length)
  return writer.finish()
}

function checkedNative(sections: readonly Section[], index: number): ReturnType<typeof nativeOf> {
  const section = sections[index]
  const native = nativeOf(section)
  const place = sectionPlace(sections, index)
  if (section.comdat !== undefined) throw new ObjectError({ code: 'unsupported', what: 'COMDAT in ELF' }, place)
  switch (native.type) {
    case elf.SHT_NULL:
    case elf.SHT_SYMTAB:
    case elf.SHT_RELA:
    case elf.SHT_REL:
    case elf.SHT_GROUP:
    case elf.SHT_SYMTAB_SHNDX:
      throw new ObjectError({ code: 'unsupported', what: `writing a section of type ${native.type}` }, place)
  }
  if ((section.size !== undefined) !== (native.type === elf.SHT_NOBITS)) {
    throw new ObjectError({ code: 'bad-model', what: 'a size without bytes is for SHT_NOBITS, and only for it' }, place)
  }
  return native
}

/** Locals before the rest; `indexInFile` counts from 1, for the file's first symbol is none. */
function symbolOrder(symbols: readonly ObjectSymbol[]): {
  readonly order: readonly number[]
  readonly indexInFile: Uint32Array
  readonly firstGlobal: number
} {
  const locals: number[] = []
  const others: number[] = []
  for (let i = 0; i < symbols.length; i++) (symbols[i]?.binding === 'local' ? locals : others).push(i)
  const order = [...locals, ...others]
  const indexInFile = new Uint32Array(symbols.length)
  for (let i = 0; i < order.length; i++) indexInFile[order[i]] = i + 1
  return { order, indexInFile, firstGlobal: locals.length + 1 }
}

function writeRelocations(
  writer: ByteWriter,
  sections: readonly Section[],
  index: number,
  indexInFile: Uint32Array,
): void {
  const { relocations } = sections[index]
  for (let i = 0; i < relocations.length; i++) {
    const { offset, kind, symbol, addend } = relocations[i]
    const type = relocationType(kind, 'elf')
    if (type < 0) {
      const what = `relocation of kind ${kind}`
      throw new ObjectError({ code: 'format-lacks', format: 'ELF', what }, relocationPlace(sections, index, i))
    }
    writer.u64(offset)
    writer.u32(type) // r_info: type below, symbol above
    writer.u32(symbol < 0 ? 0 : indexInFile[symbol])
    writer.u64(addend)
  }
}

function writeSymbol(writer: ByteWriter, strings: StringTable, symbols: readonly ObjectSymbol[], index: number): void {
  const { name, binding, type, section, value, size, visibility = 'default', fallback, unique } = symbols[index]
  if (fallback !== undefined) {
    const what = 'symbol that stands for another until it is defined'
    throw new ObjectError({ code: 'format-lacks', format: 'ELF', what }, symbolPlace(symbols, index))
  }
  const typeNumber = type === 'ifunc' ? elf.STT_GNU_IFUNC : elf.symbolTypes.indexOf(type)
  // A section's symbol has no name of its own: tools print the section's.
  writer.u32(type === 'section' || name === '' ? 0 : strings.add(name))
  const bindingNumber = unique === true ? elf.STB_GNU_UNIQUE : elf.bindings.indexOf(binding)
  writer.u8((bindingNumber << 4) | typeNumber)
  writer.u8(elf.visibilities.indexOf(visibility))
  if (typeof section === 'number') writer.u16(section + 1)
  else writer.u16({ undefined: elf.SHN_UNDEF, absolute: elf.SHN_ABS, common: elf.SHN_COMMON }[section])
  writer.u64(value)
  writer.u64(size)
}

function writeStrings(writer: ByteWriter, name: number, table: StringTable): Header {
  const offset = writer.skip(1)
  table.writeTo(writer)
  const size = writer.length - offset
  return { name, type: elf.SHT_STRTAB, flags: 0, offset, size, link: 0, info: 0, align: 1, entrySize: 0 }
}

function writeSectionHeader(writer: ByteWriter, header: Header): void {
  writer.u32(header.name)
  writer.u32(header.type)
  writer.u64(header.flags)
  writer.u64(0) // sh_addr
  writer.u64(header.offset)
  writer.u64(header.size)
  writer.u32(header.link)
  writer.u32(header.info)
  writer.u64(header.align)
  writer.u64(header.entrySize)
}

function writeFileHeader(writer: ByteWriter, headersAt: number, headerCount: number): void {
  writer.setU32(0, 0x464c_457f) // "\x7fELF"
  writer.setU32(4, 0x0001_0102) // ELFCLASS64, ELFDATA2LSB, EV_CURRENT, ELFOSABI_NONE
  writer.setU16(16, elf.ET_REL)
  writer.setU16(18, elf.EM_X86_64)
  writer.setU32(20, 1) // e_version
  writer.setU64(40, headersAt)
  writer.setU16(52, elf.EHDR_SIZE)
  writer.setU16(58, elf.SHDR_SIZE)
  writer.setU16(60, headerCount)
  writer.setU16(62, headerCount - 1) // e_shstrndx
}
