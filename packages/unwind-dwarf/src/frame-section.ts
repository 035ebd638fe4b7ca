/**
 * Lays out CIEs and FDEs: the part that `.eh_frame` and `.debug_frame` have in common. What differs stands in a
 * {@link FrameSectionLayout}; `eh-frame.ts` and `debug-frame.ts` are the two.
 *
 * The dialects differ in order and sharing:
 *
 * - `canonical`: one CIE per distinct header, none of the function's operations in it. Functions with the same header
 *   follow their CIE (order `'grouped'`, by first appearance: `__unw_add_dynamic_eh_frame_section` and an Android
 *   unwinder want the closest preceding CIE), or everything stays in the order given (`'source'`).
 * - `gnu`: source order. The newest CIE with the same header whose initial program begins the function's own is shared;
 *   otherwise a new one takes the operations at the function's first byte with it.
 * - `llvm`: functions sorted by header; a CIE per run of equal headers, in `.debug_frame` a single one for all.
 */

import { ByteWriter } from './byte-writer.ts'
import { type CfiDirective, type Dialect, encodeDirectives } from './directives.ts'
import { DwarfUnwindError } from './errors.ts'
import { type CallFrameOperation, writeOperation } from './operations.ts'
import { type DwarfRelocation, pointerForm } from './pointer-encoding.ts'
import { DWARF_RETURN_ADDRESS, DWARF_RSP, type DwarfRegister } from './registers.ts'

/** A pointer in a header. */
export interface EncodedSymbol {
  /** `DW_EH_PE_*`. */
  readonly encoding: number
  /** A symbol, or the name of a section, which starts with a dot. */
  readonly symbol: string
  readonly addend?: number
}

/** One function of a section. */
export interface FrameDescription {
  readonly symbol: string
  /** Section that holds the code, and where the function starts in it. */
  readonly section: string
  readonly offset: number
  /** Bytes of code. */
  readonly size: number
  /** Its program: encoded and without padding, or as directives. The dialect `gnu` needs directives to do as gas does. */
  readonly program: Uint8Array | readonly CfiDirective[]
  /** The CIE says nothing of the CFA and the return address; the program does. */
  readonly simple?: boolean
  /** The caller's pc is exact: the frame was interrupted, it did not call. */
  readonly signalFrame?: boolean
  /** 16 when left out; written out, LLVM sorts it before functions that leave it out. */
  readonly returnAddressRegister?: DwarfRegister
  readonly personality?: EncodedSymbol
  /** The LSDA. */
  readonly languageData?: EncodedSymbol
}

/** A finished section. */
export interface DwarfSection {
  readonly name: string
  readonly bytes: Uint8Array
  readonly align: number
  /** Ascending by offset. */
  readonly relocations: readonly DwarfRelocation[]
}

/** What a section may be asked to be like. */
export interface FrameSectionOptions {
  readonly dialect?: Dialect
  /** In the canonical dialect: functions with one header together (the default), or as given. */
  readonly order?: 'grouped' | 'source'
  /** What relocations name: the section with an offset, as assemblers do (the default), or the function. */
  readonly relocateBy?: 'section' | 'symbol'
}

/** What the two sections do differently. */
export interface FrameSectionLayout {
  readonly name: string
  readonly version: number
  /** Bytes of the fields that hold lengths and offsets of the section: 8 in 64-bit DWARF. */
  readonly offsetBytes: 4 | 8
  readonly eh: boolean
  /** Encoding of the function's first address. */
  readonly codeEncoding: number
  /** Records end at a multiple of this; the last one of the section at a multiple of 8. */
  readonly padding: 4 | 8
  /** Zero word at the end. */
  readonly terminator: boolean
}

/** Every producer's factors on x86-64. */
export const CODE_ALIGNMENT_FACTOR = 1
export const DATA_ALIGNMENT_FACTOR = -8

/** The initial program of every CIE that is not simple: CFA = rsp + 8, return address at CFA - 8. */
const initialOperations: readonly CallFrameOperation[] = [
  { op: 'def_cfa', register: DWARF_RSP, offset: 8 },
  { op: 'offset', register: DWARF_RETURN_ADDRESS, offset: -8 },
]

/** A function on its way into the section. */
interface Pending {
  readonly description: FrameDescription
  /** What its CIE must agree in. */
  readonly key: string
  readonly bytes: Uint8Array
  /** The initial program that a CIE made for this function gets, each operation as text of its bytes. */
  readonly leading: readonly string[]
}

interface CieRecord {
  readonly start: number
  readonly key: string
  /** As {@link Pending.leading}: its initial program. */
  readonly initial: readonly string[]
  readonly languageDataEncoding: number
}

const NO_ENCODING = -1

/** @throws DwarfUnwindError for what the section cannot hold. */
export function layOutFrames(
  functions: readonly FrameDescription[],
  layout: FrameSectionLayout,
  options: FrameSectionOptions,
): DwarfSection {
  const dialect = options.dialect ?? 'canonical'
  const pending = functions.map((description) => prepare(description, layout, dialect))
  const ordered = order(pending, dialect, options.order ?? 'grouped')
  const out = new ByteWriter()
  const relocations: DwarfRelocation[] = []
  const cies: CieRecord[] = []
  const newest = new Map<string, CieRecord>()

  for (let i = 0; i < ordered.length; i++) {
    const one = ordered[i]!
    let cie: CieRecord | undefined
    if (dialect === 'gnu') cie = cies.findLast((other) => other.key === one.key && begins(other.initial, one.leading))
    else cie = newest.get(one.key)
    if (cie === undefined) {
      cie = writeCie(out, relocations, one, layout, dialect)
      if (dialect === 'gnu') cies.push(cie)
      else newest.set(one.key, cie)
    }
    writeFde(out, relocations, one, cie, layout, options, dialect, i + 1 === ordered.length)
  }
  if (layout.terminator) out.u32(0)
  return { name: layout.name, bytes: out.slice(), align: 8, relocations }
}

/** The function's program in bytes, and the key of its header. */
function prepare(description: FrameDescription, layout: FrameSectionLayout, dialect: Dialect): Pending {
  const { program, simple = false, symbol, size } = description
  if (!(size >= 0 && size <= 0xffff_ffff && Number.isInteger(size))) {
    const place = { in: 'function', name: symbol, operation: -1 } as const
    throw new DwarfUnwindError({ code: 'number-range', field: 'size', value: size }, place)
  }
  const key = headerKey(description, layout, dialect)
  if (program instanceof Uint8Array) return { description, key, bytes: program, leading: simple ? [] : initialTexts }
  const { bytes, leading } = encodeDirectives(program, DATA_ALIGNMENT_FACTOR, dialect, simple, symbol)
  if (dialect !== 'gnu') return { description, key, bytes, leading: simple ? [] : initialTexts }
  return { description, key, bytes, leading: [...(simple ? [] : initialTexts), ...leading.map(textOf)] }
}

const initialBytes: readonly Uint8Array[] = initialOperations.map((operation) => {
  const out = new ByteWriter()
  writeOperation(out, operation, DATA_ALIGNMENT_FACTOR)
  return out.slice()
})
const initialTexts: readonly string[] = initialBytes.map(textOf)

function textOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}

function writeText(out: ByteWriter, text: string): void {
  for (let i = 0; i < text.length; i++) out.u8(text.charCodeAt(i))
}

function begins(start: readonly string[], whole: readonly string[]): boolean {
  return start.length <= whole.length && start.every((text, i) => text === whole[i])
}

/** What must be equal for two functions to share a CIE. */
function headerKey(description: FrameDescription, layout: FrameSectionLayout, dialect: Dialect): string {
  const { returnAddressRegister, signalFrame = false, personality, languageData, simple = false } = description
  if (!layout.eh && dialect === 'llvm') return ''
  if (
    returnAddressRegister === undefined &&
    !signalFrame &&
    !simple &&
    (!layout.eh || (personality === undefined && languageData === undefined))
  ) {
    return ''
  }
  const column = returnAddressRegister ?? DWARF_RETURN_ADDRESS
  const parts: unknown[] = [dialect === 'llvm' ? (returnAddressRegister ?? -1) : column, signalFrame]
  // gas does not compare `simple`: without the initial program, the leading operations tell the CIEs apart.
  if (dialect !== 'gnu') parts.push(simple)
  if (layout.eh) {
    parts.push(personality?.symbol ?? '', personality?.addend ?? 0, personality?.encoding ?? NO_ENCODING)
    // LLVM holds "no LSDA" and an LSDA in encoding 0 for the same.
    parts.push(languageData?.encoding ?? (dialect === 'llvm' ? 0 : NO_ENCODING))
  }
  const key = JSON.stringify(parts)
  return key === DEFAULT_KEYS[dialect][layout.eh ? 1 : 0] ? '' : key
}

/** Headers that say nothing special, so that a written-out default is the same as none. */
const DEFAULT_KEYS: Readonly<Record<Dialect, readonly [string, string]>> = {
  canonical: ['[16,false,false]', '[16,false,false,"",0,-1,-1]'],
  gnu: ['[16,false]', '[16,false,"",0,-1,-1]'],
  llvm: ['[-1,false,false]', '[-1,false,false,"",0,-1,0]'],
}

function order(pending: readonly Pending[], dialect: Dialect, wanted: 'grouped' | 'source'): readonly Pending[] {
  if (dialect === 'llvm') return pending.toSorted((a, b) => compareLlvm(a.description, b.description))
  if (dialect === 'gnu' || wanted === 'source') return pending
  const groups = new Map<string, Pending[]>()
  for (const one of pending) {
    const group = groups.get(one.key)
    if (group === undefined) groups.set(one.key, [one])
    else group.push(one)
  }
  return groups.size <= 1 ? pending : [...groups.values()].flat()
}

/** `CIEKey::operator<` of LLVM's MCDwarf.cpp. */
function compareLlvm(a: FrameDescription, b: FrameDescription): number {
  const aName = a.personality?.symbol ?? ''
  const bName = b.personality?.symbol ?? ''
  if (aName !== bName) return aName < bName ? -1 : 1
  return (
    (a.personality?.encoding ?? 0) - (b.personality?.encoding ?? 0) ||
    (a.languageData?.encoding ?? 0) - (b.languageData?.encoding ?? 0) ||
    Number(a.signalFrame ?? false) - Number(b.signalFrame ?? false) ||
    Number(a.simple ?? false) - Number(b.simple ?? false) ||
    (a.returnAddressRegister ?? 0x7fff_ffff) - (b.returnAddressRegister ?? 0x7fff_ffff)
  )
}

/** Writes the length field, to be filled in by {@link closeRecord}; returns where the record starts. */
function openRecord(out: ByteWriter, layout: FrameSectionLayout): number {
  const start = out.length
  if (layout.offsetBytes === 8) out.u32(0xffff_ffff)
  out.zeros(layout.offsetBytes)
  return start
}

function closeRecord(out: ByteWriter, start: number, layout: FrameSectionLayout, padding: number): void {
  out.align(padding)
  if (layout.offsetBytes === 8) out.setU64(start + 4, out.length - start - 12)
  else out.setU32(start, out.length - start - 4)
}

function writeCie(
  out: ByteWriter,
  relocations: DwarfRelocation[],
  one: Pending,
  layout: FrameSectionLayout,
  dialect: Dialect,
): CieRecord {
  const { description } = one
  const { signalFrame = false, personality, languageData, returnAddressRegister = DWARF_RETURN_ADDRESS } = description
  const start = openRecord(out, layout)
  const id = layout.eh ? 0 : 0xffff_ffff
  out.u32(id)
  if (layout.offsetBytes === 8) out.u32(id)
  out.u8(layout.version)
  if (layout.eh) {
    // Readers scan for R before they know S (libgcc); gas and LLVM write this order.
    const letters = `z${personality ? 'P' : ''}${languageData ? 'L' : ''}R${signalFrame ? 'S' : ''}`
    out.string(letters)
  } else {
    out.string(signalFrame && dialect !== 'llvm' ? 'S' : '')
  }
  if (layout.version >= 4) {
    out.u8(8) // address_size
    out.u8(0) // segment_selector_size
  }
  out.uleb(CODE_ALIGNMENT_FACTOR)
  out.sleb(DATA_ALIGNMENT_FACTOR)
  if (layout.version === 1) {
    if (returnAddressRegister > 0xff) {
      throw new DwarfUnwindError(
        { code: 'return-column', register: returnAddressRegister, version: 1 },
        { in: 'function', name: description.symbol, operation: -1 },
      )
    }
    out.u8(returnAddressRegister)
  } else {
    out.uleb(returnAddressRegister)
  }
  if (layout.eh) {
    // At most 1 + 8 + 1 + 1 bytes: the length takes one.
    const lengthAt = out.length
    out.u8(0)
    if (personality !== undefined) {
      out.u8(personality.encoding)
      writePointer(out, relocations, personality, 'a personality routine')
    }
    if (languageData !== undefined) out.u8(languageData.encoding)
    out.u8(layout.codeEncoding)
    out.bytes[lengthAt] = out.length - lengthAt - 1
  }
  const initial = one.leading
  for (const text of initial) writeText(out, text)
  closeRecord(out, start, layout, layout.padding)
  return { start, key: one.key, initial, languageDataEncoding: languageData?.encoding ?? NO_ENCODING }
}

function writeFde(
  out: ByteWriter,
  relocations: DwarfRelocation[],
  one: Pending,
  cie: CieRecord,
  layout: FrameSectionLayout,
  options: FrameSectionOptions,
  dialect: Dialect,
  last: boolean,
): void {
  const { description } = one
  const start = openRecord(out, layout)
  if (layout.eh) {
    out.u32(out.length - cie.start)
  } else {
    const kind = layout.offsetBytes === 8 ? 'absolute-64' : 'absolute-32'
    relocations.push({ offset: out.length, kind, symbol: layout.name, addend: cie.start })
    out.zeros(layout.offsetBytes)
  }
  const form = pointerForm(layout.codeEncoding, 'code')
  relocations.push(
    options.relocateBy === 'symbol'
      ? { offset: out.length, kind: form.kind, symbol: description.symbol, addend: 0 }
      : { offset: out.length, kind: form.kind, symbol: description.section, addend: description.offset },
  )
  out.zeros(form.bytes)
  if (form.bytes === 8) out.u64(description.size)
  else out.u32(description.size)
  if (layout.eh) {
    const { languageData } = description
    if (languageData === undefined) {
      out.u8(0)
    } else {
      out.u8(pointerForm(languageData.encoding, 'language data').bytes)
      writePointer(out, relocations, languageData, 'language data')
    }
  }
  if (dialect === 'gnu') {
    // What the CIE says already is left out; what it does not say of the ordinary first row is said here.
    const own = description.simple ? [] : initialTexts
    for (let i = cie.initial.length; i < own.length; i++) writeText(out, own[i]!)
    let skip = 0
    for (let i = own.length; i < cie.initial.length; i++) skip += cie.initial[i]!.length
    out.block(one.bytes.subarray(skip))
  } else {
    out.block(one.bytes)
  }
  closeRecord(out, start, layout, last ? 8 : layout.padding)
}

function writePointer(out: ByteWriter, relocations: DwarfRelocation[], pointer: EncodedSymbol, use: string): void {
  const form = pointerForm(pointer.encoding, use)
  relocations.push({ offset: out.length, kind: form.kind, symbol: pointer.symbol, addend: pointer.addend ?? 0 })
  out.zeros(form.bytes)
}
