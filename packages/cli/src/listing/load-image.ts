// An executable or a shared library as the functions in it. Addresses are those that the file asks for.

import type { UnwindFormat, UnwindImage } from '@framewright/frame-layout'
import { type ImageSymbol, imageBytesAt, type LinkedImage } from '@framewright/object'
import { decodeEhFrameHdr } from '@framewright/unwind-dwarf'
import type { Win64DecodedFunction } from '@framewright/unwind-win64'
import type { FunctionSymbol, SectionFacts } from './find-functions.ts'
import type { FileSection, LoadedFile } from './loaded-file.ts'
import { readUnwindData } from './read-unwind-data.ts'
import { codeSectionAt, firstWhere, functionsOf } from './section-functions.ts'

/**
 * @param formats - those that may describe the image's frames; the first that describes a function is used for it.
 * @param chosen - whether somebody asked for them, in this order; see `readUnwindData`.
 * @throws the format's typed error on unwind data that are malformed.
 */
export function loadImage(linked: LinkedImage, formats: readonly UnwindFormat[], chosen: boolean = false): LoadedFile {
  const sections = linked.format === 'elf' ? elfSections(linked) : peSections(linked)
  const image: UnwindImage = { base: linked.base, sections }
  const data = readUnwindData(image, formats, linked.format, chosen)
  const symbols = symbolsBySection(linked, sections)
  const functions = functionsOf(
    {
      ...{ sections, symbols, relocations: sections.map(() => []), nameOf: addressNames(linked) },
      nameAt: ({ address }, offset) => `0x${(address + BigInt(offset)).toString(16)}`,
      goesOn: linked.format === 'elf' ? goesOnInElf : goesOnInPe,
      keepsTail: false,
    },
    data,
  )
  const container = linked.format === 'elf' ? 'ELF' : 'PE'
  return {
    ...{ kind: 'image', container: linked.format, description: `${container} ${linked.kind}` },
    ...{ sections, image, format: data.format, functions },
  }
}

const goesOnInElf: SectionFacts['goesOn'] = ({ from }, _, symbol) =>
  symbol !== null && from < symbol.offset + symbol.size

/** A range that is chained to another one goes on in its function, where it lies right behind it. */
const goesOnInPe: SectionFacts['goesOn'] = ({ from, range }, endBefore) =>
  from === endBefore && 'info' in range && (range as Win64DecodedFunction).info.parent !== null

function elfSections(linked: LinkedImage): FileSection[] {
  const sections = linked.sections.flatMap(({ name, address, bytes, loaded, executable, compressed }) => {
    // Debug data mean something without being loaded, as long as they are not compressed.
    if (compressed || bytes.length === 0) return []
    return [{ name, address, bytes, stored: bytes, isCode: loaded && executable }]
  })
  return linked.sections.length === 0 ? segmentSections(linked) : sections
}

/** What can be said without section headers: the segments, and the unwind data that the system finds as well. */
function segmentSections(linked: LinkedImage): FileSection[] {
  const sections = linked.segments.map(({ address, bytes, executable }, index): FileSection => {
    return { name: `segment ${index}`, address, bytes, stored: bytes, isCode: executable }
  })
  const { unwindIndex } = linked
  if (unwindIndex === null) return sections
  const { ehFrame } = decodeEhFrameHdr(unwindIndex.bytes, unwindIndex.address)
  const add = (name: string, address: bigint, bytes: Uint8Array) =>
    sections.push({ name, address, bytes, stored: bytes, isCode: false })
  add('.eh_frame_hdr', unwindIndex.address, unwindIndex.bytes)
  const bytes = imageBytesAt(linked, ehFrame)
  if (bytes !== null) add('.eh_frame', ehFrame, untilTerminator(bytes))
  return sections
}

/** Records up to the zero word that ends `.eh_frame`. */
function untilTerminator(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  while (at + 4 <= bytes.length) {
    const length = view.getUint32(at, true)
    if (length === 0) break
    if (length === 0xffff_ffff && at + 12 <= bytes.length) at += 12 + Number(view.getBigUint64(at + 4, true))
    else at += 4 + length
  }
  return bytes.subarray(0, Math.min(at, bytes.length))
}

/** The function table is what the exception directory says, whatever section it lies in. */
function peSections(linked: LinkedImage): FileSection[] {
  const { unwindIndex } = linked
  const sections: FileSection[] = []
  let isThere = false
  for (const { name, address, bytes, executable } of linked.sections) {
    const isTable = address === unwindIndex?.address && bytes.length === unwindIndex.bytes.length
    const called = isTable ? '.pdata' : name.startsWith('.pdata') ? `(${name})` : name
    sections.push({ name: called, address, bytes, stored: bytes, isCode: executable })
    isThere ||= isTable
  }
  if (unwindIndex === null || isThere) return sections
  const { address, bytes } = unwindIndex
  return [...sections, { name: '.pdata', address, bytes, stored: bytes, isCode: false }]
}

function symbolsBySection({ symbols }: LinkedImage, sections: readonly FileSection[]): FunctionSymbol[][] {
  const result: FunctionSymbol[][] = sections.map(() => [])
  for (const symbol of [...symbols].filter(mayBeFunction).sort(byAppeal)) {
    const section = codeSectionAt(sections, symbol.address)
    if (section < 0) continue
    const offset = Number(symbol.address - sections[section].address)
    result[section].push({ name: symbol.name, offset, size: symbol.size })
  }
  return result
}

function mayBeFunction({ name, type, binding }: ImageSymbol): boolean {
  if (name === '') return false
  return type === 'function' || type === 'ifunc' || (type === 'none' && binding !== 'local')
}

/** The name that people know comes first: `malloc`, then `__libc_malloc`. */
function byAppeal(a: ImageSymbol, b: ImageSymbol): number {
  const underscores = ({ name }: ImageSymbol): number => name.length - name.replace(/^_+/, '').length
  return Number(a.binding === 'local') - Number(b.binding === 'local') || underscores(a) - underscores(b)
}

/** Names of addresses: `stdout`, `malloc+0x12`. */
function addressNames({ symbols }: LinkedImage): (address: bigint) => string | null {
  let sorted: ImageSymbol[] | null = null
  return (address) => {
    sorted ??= symbols.filter(({ name }) => name !== '').sort((a, b) => Number(a.address - b.address) || byAppeal(a, b))
    const { address: nearest } = sorted[firstWhere(sorted, (symbol) => symbol.address > address) - 1] ?? {}
    if (nearest === undefined) return null
    const symbol = sorted[firstWhere(sorted, (each) => each.address >= nearest)]
    const beyond = address - symbol.address
    // Where sizes are unknown a place far behind a symbol has nothing to do with it.
    if (beyond > 0n && beyond >= BigInt(symbol.size)) return null
    return beyond === 0n ? symbol.name : `${symbol.name}+0x${beyond.toString(16)}`
  }
}
