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

import { type Conventions, conventionsOf, type DwarfArchitecture, type DwarfRegister } from './architecture.ts'
import { ByteWriter } from './byte-writer.ts'
import { type CfiDirective, type Dialect, encodeDirectives, type ProgramAddress } from './directives.ts'
import { DwarfUnwindError } from './errors.ts'
import { type CallFrameOperation, writeOperation } from './operations.ts'
import { type DwarfRelocation, type EncodedSymbol, pointerForm } from './pointer-encoding.ts'
import { dwarfX64 } from './registers.ts'

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
  /** The architecture's (16 on x86-64) when left out; written out, LLVM sorts it before functions that leave it out. */
  readonly returnAddressRegister?: DwarfRegister
  /** AArch64: return addresses are signed with key B (letter `B`), not A. */
  readonly signedWithKeyB?: boolean
  /** AArch64: the stack frame's memory is tagged (letter `G`). */
  readonly taggedStack?: boolean
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
  /** x86-64 when left out. */
  readonly architecture?: DwarfArchitecture
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
  /** Records end at a multiple of this, `'address'`: of an address's size; the last one of the section does anyway. */
  readonly padding: 4 | 'address'
  /** Zero word at the end. */
  readonly terminator: boolean
}

/** The initial program of every CIE that is not simple: CFA = SP + what a call pushes, and where it pushed. */
export function initialOperations(conventions: Conventions): CallFrameOperation[] {
  const { stackPointer, entryCfaOffset, returnAddress, returnAddressOffset } = conventions
  const cfa: CallFrameOperation = { op: 'def_cfa', register: stackPointer, offset: entryCfaOffset }
  if (returnAddressOffset === null) return [cfa]
  return [cfa, { op: 'offset', register: returnAddress, offset: returnAddressOffset }]
}

/** A function on its way into the section. */
interface Pending {
  readonly description: FrameDescription
  /** What its CIE must agree in. */
  readonly key: string
  readonly bytes: Uint8Array
  /** The initial program that a CIE made for this function gets, each operation as text of its bytes. */
  readonly leading: readonly string[]
  readonly addresses: readonly ProgramAddress[]
}

interface CieRecord {
  readonly start: number
  readonly key: string
  /** As {@link Pending.leading}: its initial program. */
  readonly initial: readonly string[]
}

const NO_ENCODING = -1

/** @throws DwarfUnwindError for what the section cannot hold. */
export function layOutFrames(
  functions: readonly FrameDescription[],
  layout: FrameSectionLayout,
  options: FrameSectionOptions,
): DwarfSection {
  return new FrameSectionWriter(layout, options).write(functions)
}

/** Writes one section. */
class FrameSectionWriter {
  readonly #layout: FrameSectionLayout
  readonly #options: FrameSectionOptions
  readonly #dialect: Dialect
  readonly #conventions: Conventions
  readonly #initial: readonly string[]
  readonly #out: ByteWriter = new ByteWriter()
  readonly #relocations: DwarfRelocation[] = []

  constructor(layout: FrameSectionLayout, options: FrameSectionOptions) {
    this.#layout = layout
    this.#options = options
    this.#dialect = options.dialect ?? 'canonical'
    this.#conventions = conventionsOf(options.architecture ?? dwarfX64)
    this.#initial = initialTexts(this.#conventions)
  }

  write(functions: readonly FrameDescription[]): DwarfSection {
    const pending = functions.map((description) => this.#prepare(description))
    const ordered = order(pending, this.#dialect, this.#options.order ?? 'grouped')
    const cies: CieRecord[] = []
    const newest = new Map<string, CieRecord>()
    for (let i = 0; i < ordered.length; i++) {
      const one = ordered[i]!
      let cie: CieRecord | undefined
      if (this.#dialect === 'gnu') {
        cie = cies.findLast((other) => other.key === one.key && begins(other.initial, one.leading))
      } else {
        cie = newest.get(one.key)
      }
      if (cie === undefined) {
        cie = this.#writeCie(one)
        if (this.#dialect === 'gnu') cies.push(cie)
        else newest.set(one.key, cie)
      }
      this.#writeFde(one, cie, i + 1 === ordered.length)
    }
    const { name, terminator } = this.#layout
    if (terminator) this.#out.u32(0)
    const { addressBytes } = this.#conventions
    return { name, bytes: this.#out.slice(), align: addressBytes, relocations: this.#relocations }
  }

  /** The function's program in bytes, and the key of its header. */
  #prepare(given: FrameDescription): Pending {
    const { program, simple = false, symbol, size } = given
    const widest = 2 ** (8 * Math.min(this.#pointerForm(this.#layout.codeEncoding, 'code').bytes, 4)) - 1
    if (!(size >= 0 && size <= widest && Number.isInteger(size))) {
      const place = { in: 'function', name: symbol, operation: -1 } as const
      throw new DwarfUnwindError({ code: 'number-range', field: 'size', value: size }, place)
    }
    const own = simple ? [] : this.#initial
    if (program instanceof Uint8Array) {
      const key = headerKey(given, this.#layout, this.#dialect, this.#conventions)
      return { description: given, key, bytes: program, leading: own, addresses: [] }
    }
    const { bytes, leading, addresses, header } = encodeDirectives(program, {
      dialect: this.#dialect,
      simple,
      name: symbol,
      architecture: this.#conventions.architecture,
      codeEncoding: this.#layout.codeEncoding,
    })
    const description = { ...given, ...header }
    const key = headerKey(description, this.#layout, this.#dialect, this.#conventions)
    const absorbed = this.#dialect === 'gnu' ? leading.map(textOf) : []
    return { description, key, bytes, leading: [...own, ...absorbed], addresses }
  }

  /** Writes the length field, to be filled in by {@link #closeRecord}; returns where the record starts. */
  #openRecord(): number {
    const out = this.#out
    const start = out.length
    if (this.#layout.offsetBytes === 8) out.u32(0xffff_ffff)
    out.zeros(this.#layout.offsetBytes)
    return start
  }

  #closeRecord(start: number, last: boolean): void {
    const out = this.#out
    const { padding } = this.#layout
    out.align(last || padding === 'address' ? this.#conventions.addressBytes : padding)
    if (this.#layout.offsetBytes === 8) out.setU64(start + 4, out.length - start - 12)
    else out.setU32(start, out.length - start - 4)
  }

  #writeCie(one: Pending): CieRecord {
    const out = this.#out
    const layout = this.#layout
    const { returnAddress, codeAlignmentFactor, dataAlignmentFactor } = this.#conventions
    const { description } = one
    const { signalFrame = false, personality, languageData, returnAddressRegister = returnAddress } = description
    const { signedWithKeyB = false, taggedStack = false } = description
    const start = this.#openRecord()
    const id = layout.eh ? 0 : 0xffff_ffff
    out.u32(id)
    if (layout.offsetBytes === 8) out.u32(id)
    out.u8(layout.version)
    if (layout.eh) {
      // Readers scan for R before they know S (libgcc); gas and LLVM write this order.
      const letters = `z${personality ? 'P' : ''}${languageData ? 'L' : ''}R`
      const signal = signalFrame ? 'S' : ''
      const key = signedWithKeyB ? 'B' : ''
      const tagged = taggedStack ? 'G' : ''
      out.string(letters + (this.#dialect === 'gnu' ? key + signal : signal + key) + tagged)
    } else {
      out.string(signalFrame && this.#dialect !== 'llvm' ? 'S' : '')
    }
    if (layout.version >= 4) {
      out.u8(this.#conventions.addressBytes) // address_size
      out.u8(0) // segment_selector_size
    }
    out.uleb(codeAlignmentFactor)
    out.sleb(dataAlignmentFactor)
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
        this.#writePointer(personality, 'a personality routine')
      }
      if (languageData !== undefined) out.u8(languageData.encoding)
      out.u8(layout.codeEncoding)
      out.bytes[lengthAt] = out.length - lengthAt - 1
    }
    const initial = one.leading
    for (const text of initial) writeText(out, text)
    this.#closeRecord(start, false)
    return { start, key: one.key, initial }
  }

  #writeFde(one: Pending, cie: CieRecord, last: boolean): void {
    const out = this.#out
    const layout = this.#layout
    const { description } = one
    const start = this.#openRecord()
    if (layout.eh) {
      out.u32(out.length - cie.start)
    } else {
      const kind = layout.offsetBytes === 8 ? 'absolute-64' : 'absolute-32'
      this.#relocations.push({ offset: out.length, kind, symbol: layout.name, addend: cie.start })
      out.zeros(layout.offsetBytes)
    }
    const { bytes } = this.#pointerForm(layout.codeEncoding, 'code')
    this.#relocate(out.length, description, 0)
    out.zeros(bytes)
    if (bytes === 8) out.u64(description.size)
    else if (bytes === 4) out.u32(description.size)
    else out.u16(description.size)
    if (layout.eh) {
      const { languageData } = description
      if (languageData === undefined) {
        out.u8(0)
      } else {
        out.u8(this.#pointerForm(languageData.encoding, 'language data').bytes)
        this.#writePointer(languageData, 'language data')
      }
    }
    let skip = 0
    if (this.#dialect === 'gnu') {
      // What the CIE says already is left out; what it does not say of the ordinary first row is said here.
      const own = description.simple ? [] : this.#initial
      for (let i = cie.initial.length; i < own.length; i++) writeText(out, own[i]!)
      for (let i = own.length; i < cie.initial.length; i++) skip += cie.initial[i]!.length
    }
    for (const { place, at } of one.addresses) this.#relocate(out.length - skip + place, description, at)
    out.block(one.bytes.subarray(skip))
    this.#closeRecord(start, last)
  }

  #pointerForm(encoding: number, use: string): ReturnType<typeof pointerForm> {
    return pointerForm(encoding, use, this.#conventions.addressBytes)
  }

  /** The field at `offset` gets the address of the function's byte `at`. */
  #relocate(offset: number, { symbol, section, offset: start }: FrameDescription, at: number): void {
    const { kind } = this.#pointerForm(this.#layout.codeEncoding, 'code')
    this.#relocations.push(
      this.#options.relocateBy === 'symbol'
        ? { offset, kind, symbol, addend: at }
        : { offset, kind, symbol: section, addend: start + at },
    )
  }

  #writePointer(pointer: EncodedSymbol, use: string): void {
    const form = this.#pointerForm(pointer.encoding, use)
    const { symbol, addend = 0 } = pointer
    this.#relocations.push({ offset: this.#out.length, kind: form.kind, symbol, addend })
    this.#out.zeros(form.bytes)
  }
}

/** The initial program, each operation as text of its bytes. */
function initialTexts(conventions: Conventions): string[] {
  return initialOperations(conventions).map((operation) => {
    const out = new ByteWriter()
    writeOperation(out, operation, conventions.dataAlignmentFactor)
    return textOf(out.slice())
  })
}

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
function headerKey(
  description: FrameDescription,
  layout: FrameSectionLayout,
  dialect: Dialect,
  conventions: Conventions,
): string {
  const { returnAddressRegister, signalFrame = false, personality, languageData, simple = false } = description
  if (!layout.eh && dialect === 'llvm') return ''
  if (
    returnAddressRegister === undefined &&
    !(signalFrame || description.signedWithKeyB || description.taggedStack) &&
    !simple &&
    (!layout.eh || (personality === undefined && languageData === undefined))
  ) {
    return ''
  }
  const key = keyOf(description)
  // Headers that say nothing special, so that a written-out default is the same as none.
  return key === keyOf({}) ? '' : key

  function keyOf(header: Partial<FrameDescription>): string {
    const { returnAddressRegister, signalFrame = false, personality, languageData, simple = false } = header
    const { signedWithKeyB = false, taggedStack = false } = header
    const column = returnAddressRegister ?? (dialect === 'llvm' ? -1 : conventions.returnAddress)
    const parts: unknown[] = [column, signalFrame, signedWithKeyB, taggedStack]
    // gas does not compare `simple`: without the initial program, the leading operations tell the CIEs apart.
    if (dialect !== 'gnu') parts.push(simple)
    if (layout.eh) {
      parts.push(personality?.symbol ?? '', personality?.addend ?? 0, personality?.encoding ?? NO_ENCODING)
      // LLVM holds "no LSDA" and an LSDA in encoding 0 for the same.
      parts.push(languageData?.encoding ?? (dialect === 'llvm' ? 0 : NO_ENCODING))
    }
    return JSON.stringify(parts)
  }
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
