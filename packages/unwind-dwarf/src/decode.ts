/**
 * Reads `.eh_frame` and `.debug_frame` into CIEs and FDEs. Programs are not run here, only delimited: `instructionsOf` reads
 * them, `rows.ts` runs them.
 *
 * Every length, pointer and encoding is checked where it stands; time and memory are linear in the section's size.
 */

import { type AddressBytes, conventionsOf, type DwarfArchitecture, type DwarfRegister } from './architecture.ts'
import { ByteReader } from './byte-reader.ts'
import { DW_EH_PE_absptr, DW_EH_PE_omit, DW_EH_PE_udata4, DW_EH_PE_udata8 } from './constants.ts'
import { type CallFrameInstruction, type FactorInfo, readProgram } from './operations.ts'
import { type EncodedPointer, fixedSize, type PointerBases, readFormat, readPointer } from './pointer-encoding.ts'
import { dwarfX64 } from './registers.ts'

/** Common information of some FDEs. Offsets are bytes from the start of the section. */
export interface CommonInformationEntry extends FactorInfo {
  readonly kind: 'cie'
  /** Whose registers its numbers are, as whoever read it said. */
  readonly architecture: DwarfArchitecture
  readonly offset: number
  /** Bytes of the whole record, its length field included. */
  readonly length: number
  readonly dwarf64: boolean
  readonly version: number
  readonly augmentation: string
  readonly addressSize: number
  readonly segmentSelectorSize: number
  readonly returnAddressRegister: DwarfRegister
  /** How FDEs write their addresses. */
  readonly codeEncoding: number
  /** How FDEs write their LSDA pointer; null where they have none. */
  readonly languageDataEncoding: number | null
  readonly personality: EncodedPointer | null
  readonly signalFrame: boolean
  /** AArch64: letters `B` and `G`. */
  readonly signedWithKeyB: boolean
  readonly taggedStack: boolean
  /** Whether FDEs have augmentation data. */
  readonly sized: boolean
  readonly programStart: number
  readonly programEnd: number
}

/** One range of code and its program. */
export interface FrameDescriptionEntry {
  readonly kind: 'fde'
  readonly offset: number
  readonly length: number
  readonly cie: CommonInformationEntry
  /** Address of the first byte of code, and where the section says so. */
  readonly begin: bigint
  readonly beginPlace: number
  /** Bytes of code. */
  readonly size: number
  readonly languageData: EncodedPointer | null
  readonly programStart: number
  readonly programEnd: number
}

/** A zero length word: a reader that walks memory stops here. */
export interface FrameTerminator {
  readonly kind: 'terminator'
  readonly offset: number
  readonly length: number
}

/** One record of a section, by `kind`. */
export type FrameEntry = CommonInformationEntry | FrameDescriptionEntry | FrameTerminator

/** A section as read. */
export interface FrameTable {
  readonly bytes: Uint8Array
  /** Address of the first byte of the section. */
  readonly address: bigint
  readonly debug: boolean
  /** In the order of the section. */
  readonly entries: readonly FrameEntry[]
}

/** How to read a section. */
export interface FrameTableOptions {
  /** Where the section lies; 0 when left out. pc-relative pointers count from it. */
  readonly address?: bigint
  /** It is `.debug_frame`. */
  readonly debug?: boolean
  /** x86-64 when left out; the bytes do not say it. */
  readonly architecture?: DwarfArchitecture
  /** What text- and data-relative pointers count from. */
  readonly text?: bigint
  readonly data?: bigint
}

/**
 * Reads a whole section whose relocations are applied.
 *
 * @throws DwarfUnwindError with the place, on malformed bytes.
 */
export function decodeFrames(bytes: Uint8Array, options: FrameTableOptions = {}): FrameTable {
  const decoder = new FrameDecoder(bytes, options)
  const entries: FrameEntry[] = []
  let offset = 0
  while (offset < bytes.length) {
    const entry = decoder.entry(offset)
    entries.push(entry)
    offset = entry.offset + entry.length
  }
  return { bytes, address: decoder.address, debug: decoder.debug, entries }
}

interface RecordHeader {
  readonly dwarf64: boolean
  readonly end: number
  /** Where the field with the CIE id or pointer stands. */
  readonly idPlace: number
  readonly id: bigint
}

/** Reads single records of a section; CIEs are read once. */
export class FrameDecoder {
  readonly bytes: Uint8Array
  readonly address: bigint
  readonly debug: boolean
  readonly #architecture: DwarfArchitecture
  readonly #addressBytes: AddressBytes
  readonly #bases: PointerBases
  readonly #cies: Map<number, CommonInformationEntry> = new Map()

  constructor(bytes: Uint8Array, options: FrameTableOptions = {}) {
    this.bytes = bytes
    this.address = options.address ?? 0n
    this.debug = options.debug ?? false
    this.#architecture = options.architecture ?? dwarfX64
    this.#addressBytes = conventionsOf(this.#architecture).addressBytes
    this.#bases = {
      section: this.address,
      addressBytes: this.#addressBytes,
      ...(options.text === undefined ? undefined : { text: options.text }),
      ...(options.data === undefined ? undefined : { data: options.data }),
    }
  }

  /** The record that starts at an offset. */
  entry(offset: number): FrameEntry {
    const reader = new ByteReader(this.bytes, offset)
    const header = this.#header(reader)
    if (header === null) return { kind: 'terminator', offset, length: 4 }
    if (this.#isCie(header)) return this.#cie(reader, offset, header)
    return this.#fde(reader, offset, header)
  }

  /** The length field and the id behind it; leaves the reader behind both, bounded by the record. */
  #header(reader: ByteReader): RecordHeader | null {
    let length: number = reader.u32('record length')
    const dwarf64 = length === 0xffff_ffff
    if (length === 0) return null
    if (length > 0xffff_fff0 && !dwarf64) reader.fail({ code: 'malformed', why: 'reserved record length' })
    if (dwarf64) length = reader.u64Number('record length')
    reader.require(length, 'record')
    const end = reader.position + length
    reader.end = end
    const idPlace = reader.position
    // LLVM's libunwind and gimli read four bytes in a 64-bit .eh_frame too; no producer writes one.
    const id = dwarf64 && this.debug ? reader.u64('CIE pointer') : BigInt(reader.u32('CIE pointer'))
    return { dwarf64, end, idPlace, id }
  }

  #isCie({ id, dwarf64 }: RecordHeader): boolean {
    if (!this.debug) return id === 0n
    return id === (dwarf64 ? 0xffff_ffff_ffff_ffffn : 0xffff_ffffn)
  }

  #cie(reader: ByteReader, offset: number, { dwarf64, end }: RecordHeader): CommonInformationEntry {
    const known = this.#cies.get(offset)
    if (known !== undefined) return known
    const versionPlace = reader.position
    const version = reader.u8('CIE version')
    if (version !== 1 && version !== 3 && version !== 4) reader.fail({ code: 'version', version }, versionPlace)
    const augmentationPlace = reader.position
    const augmentation = reader.string('augmentation')
    let addressSize: number = this.#addressBytes
    let segmentSelectorSize = 0
    // Of GCC 2: a word that points at exception data, for which there is no use.
    if (augmentation.startsWith('eh')) reader.block(this.#addressBytes, 'exception data')
    if (version === 4) {
      const place = reader.position
      addressSize = reader.u8('address size')
      segmentSelectorSize = reader.u8('segment selector size')
      if (addressSize !== 8 && addressSize !== 4) {
        reader.fail({ code: 'malformed', why: `addresses of ${addressSize} bytes` }, place)
      }
      if (segmentSelectorSize > 8) {
        reader.fail({ code: 'malformed', why: `segment selectors of ${segmentSelectorSize} bytes` }, place + 1)
      }
    }
    const factorPlace = reader.position
    const codeAlignmentFactor = reader.uleb('code alignment factor', 0xffff)
    const dataAlignmentFactor = reader.sleb('data alignment factor')
    if (dataAlignmentFactor === 0 || Math.abs(dataAlignmentFactor) > 0xffff) {
      reader.fail({ code: 'malformed', why: `a data alignment factor of ${dataAlignmentFactor}` }, factorPlace)
    }
    const returnAddressRegister = version === 1 ? reader.u8('return register') : reader.uleb('return register', 0xffff)

    let codeEncoding = addressSize === 4 ? DW_EH_PE_udata4 : DW_EH_PE_udata8
    if (addressSize === this.#addressBytes) codeEncoding = DW_EH_PE_absptr
    let languageDataEncoding: number | null = null
    let personality: EncodedPointer | null = null
    let signalFrame = false
    let signedWithKeyB = false
    let taggedStack = false
    const sized = augmentation.startsWith('z')
    let programStart = -1
    if (sized) {
      const length = reader.uleb('augmentation length')
      reader.require(length, 'augmentation')
      programStart = reader.position + length
      reader.end = programStart
    }
    for (let i = sized ? 1 : augmentation.startsWith('eh') ? 2 : 0; i < augmentation.length; i++) {
      const letter = augmentation[i]!
      if (letter === 'R') {
        const place = reader.position
        codeEncoding = reader.u8('code encoding')
        if (fixedSize(codeEncoding, this.#addressBytes) < 0 || codeEncoding === DW_EH_PE_omit) {
          reader.fail({ code: 'pointer-encoding', encoding: codeEncoding, use: 'code' }, place)
        }
      } else if (letter === 'L') {
        const encoding = reader.u8('LSDA encoding')
        languageDataEncoding = encoding === DW_EH_PE_omit ? null : encoding
      } else if (letter === 'P') {
        const encoding = reader.u8('personality encoding')
        if (encoding !== DW_EH_PE_omit) personality = readPointer(reader, encoding, this.#bases, 'personality')
      } else if (letter === 'S') {
        signalFrame = true
      } else if (letter === 'B') {
        signedWithKeyB = true
      } else if (letter === 'G') {
        taggedStack = true
      } else {
        // The rest is data of unknown length: with `z` it can be skipped, otherwise nothing behind it can be found.
        if (!sized) reader.fail({ code: 'augmentation', augmentation }, augmentationPlace)
        break
      }
    }
    reader.end = end
    if (programStart >= 0) reader.position = programStart
    const cie: CommonInformationEntry = {
      kind: 'cie',
      architecture: this.#architecture,
      offset,
      length: end - offset,
      dwarf64,
      version,
      augmentation,
      addressSize,
      segmentSelectorSize,
      codeAlignmentFactor,
      dataAlignmentFactor,
      returnAddressRegister,
      codeEncoding,
      languageDataEncoding,
      personality,
      signalFrame,
      signedWithKeyB,
      taggedStack,
      sized,
      programStart: reader.position,
      programEnd: end,
    }
    this.#cies.set(offset, cie)
    return cie
  }

  #fde(reader: ByteReader, offset: number, { idPlace, id, end }: RecordHeader): FrameDescriptionEntry {
    const target = this.debug ? Number(id) : idPlace - Number(id)
    const cie = this.#cieAt(reader, target, idPlace)
    const bases = this.#bases
    if (cie.segmentSelectorSize > 0) reader.block(cie.segmentSelectorSize, 'segment selector')
    const first = readPointer(reader, cie.codeEncoding, bases, 'first address')
    if (first.indirect) {
      reader.fail({ code: 'pointer-encoding', encoding: cie.codeEncoding, use: 'code' }, first.place)
    }
    const rangePlace = reader.position
    const bits = fixedSize(cie.codeEncoding, this.#addressBytes) * 8 || 64
    const range = BigInt.asUintN(bits, readFormat(reader, cie.codeEncoding, 'address range', this.#addressBytes))
    if (range > BigInt(Number.MAX_SAFE_INTEGER)) {
      reader.fail({ code: 'too-large', what: 'address range', limit: Number.MAX_SAFE_INTEGER }, rangePlace)
    }
    let languageData: EncodedPointer | null = null
    if (cie.sized) {
      const length = reader.uleb('augmentation length')
      reader.require(length, 'augmentation')
      const programStart = reader.position + length
      if (cie.languageDataEncoding !== null) {
        reader.end = programStart
        const pointer = readPointer(reader, cie.languageDataEncoding, { ...bases, function: first.value }, 'LSDA')
        if (pointer.value !== 0n) languageData = pointer
        reader.end = end
      }
      reader.position = programStart
    }
    return {
      kind: 'fde',
      offset,
      length: end - offset,
      cie,
      begin: first.value,
      beginPlace: first.place,
      size: Number(range),
      languageData,
      programStart: reader.position,
      programEnd: end,
    }
  }

  #cieAt(from: ByteReader, target: number, place: number): CommonInformationEntry {
    const known = this.#cies.get(target)
    if (known !== undefined) return known
    if (target < 0 || target + 4 > this.bytes.length) from.fail({ code: 'cie-pointer', target }, place)
    const reader = new ByteReader(this.bytes, target)
    const header = this.#header(reader)
    if (header === null || !this.#isCie(header)) from.fail({ code: 'cie-pointer', target }, place)
    return this.#cie(reader, target, header)
  }
}

/** The operations of a CIE's or FDE's program, in the order of its bytes. @throws DwarfUnwindError with the place. */
export function instructionsOf(
  table: Pick<FrameTable, 'bytes' | 'address'>,
  entry: CommonInformationEntry | FrameDescriptionEntry,
): CallFrameInstruction[] {
  const instructions: CallFrameInstruction[] = []
  visitProgram(table, entry, (operation, at, place, length, opcode) => {
    instructions.push({ place, length, at, opcode, operation })
  })
  return instructions
}

/** As {@link instructionsOf}, without making a list. */
export function visitProgram(
  table: Pick<FrameTable, 'bytes' | 'address'>,
  entry: CommonInformationEntry | FrameDescriptionEntry,
  visit: Parameters<typeof readProgram>[3],
): void {
  const reader = new ByteReader(table.bytes, entry.programStart, entry.programEnd)
  if (entry.kind === 'cie') {
    readProgram(reader, entry, 0, visit)
    return
  }
  const { cie, begin } = entry
  const { addressBytes } = conventionsOf(cie.architecture)
  const bases: PointerBases = { section: table.address, function: begin, addressBytes }
  readProgram(reader, cie, 0, visit, (operand) => {
    const place = operand.position
    const pointer = readPointer(operand, cie.codeEncoding, bases, 'location')
    const offset = pointer.value - begin
    if (offset < 0n || offset > BigInt(Number.MAX_SAFE_INTEGER)) {
      operand.fail({ code: 'malformed', why: 'the location lies before the function' }, place)
    }
    return Number(offset)
  })
}
