/** Pointers as `.eh_frame` and LSDA tables encode them (Linux Standard Base 5.0, "DWARF Exception Header Encoding"). */

import type { AddressBytes } from './architecture.ts'
import type { ByteReader } from './byte-reader.ts'
import {
  DW_EH_PE_absptr,
  DW_EH_PE_aligned,
  DW_EH_PE_datarel,
  DW_EH_PE_funcrel,
  DW_EH_PE_indirect,
  DW_EH_PE_omit,
  DW_EH_PE_pcrel,
  DW_EH_PE_sdata2,
  DW_EH_PE_sdata4,
  DW_EH_PE_sdata8,
  DW_EH_PE_signed,
  DW_EH_PE_sleb128,
  DW_EH_PE_textrel,
  DW_EH_PE_udata2,
  DW_EH_PE_udata4,
  DW_EH_PE_udata8,
  DW_EH_PE_uleb128,
} from './constants.ts'
import { DwarfUnwindError } from './errors.ts'

/** A field of a section that gets an address; it holds zero until then. RELA: the addend stands here. */
export interface DwarfRelocation {
  readonly offset: number
  readonly kind: `${'pc-relative' | 'absolute'}-${16 | 32 | 64}`
  /** A symbol, or the name of a section, which starts with a dot. */
  readonly symbol: string
  readonly addend: number
}

/** A pointer to be written. */
export interface EncodedSymbol {
  /** `DW_EH_PE_*`. */
  readonly encoding: number
  /** A symbol, or the name of a section, which starts with a dot. */
  readonly symbol: string
  readonly addend?: number
}

/** How the value of a field is stored, without what it counts from. */
const FORMAT_MASK = 0x0f
/** What it counts from. */
const APPLICATION_MASK = 0x70

/** What relocation a pointer in this encoding takes, and so its size. */
export interface EncodedPointerForm {
  readonly bytes: 2 | 4 | 8
  readonly kind: DwarfRelocation['kind']
}

/**
 * The form in which a pointer to a symbol is written. LEB128 numbers have no relocation and are refused, as assemblers
 * refuse them; so is what counts from a base that no relocation knows (text, data, function).
 *
 * @param use - what the pointer is, for the error.
 */
export function pointerForm(encoding: number, use: string, addressBytes: AddressBytes = 8): EncodedPointerForm {
  const bytes = fixedSize(encoding, addressBytes)
  const application = encoding & APPLICATION_MASK
  const isPointer = (bytes === 2 || bytes === 4 || bytes === 8) && encoding <= 0xff
  if (!isPointer || (application !== 0 && application !== DW_EH_PE_pcrel)) {
    throw new DwarfUnwindError({ code: 'pointer-encoding', encoding, use })
  }
  // sdata4 takes R_X86_64_32, not 32S, from both assemblers.
  return FORMS[application === DW_EH_PE_pcrel ? 'pc-relative' : 'absolute'][bytes]
}

const FORMS = {
  'pc-relative': formsOf('pc-relative'),
  absolute: formsOf('absolute'),
} as const

function formsOf(from: 'pc-relative' | 'absolute'): Readonly<Record<2 | 4 | 8, EncodedPointerForm>> {
  return {
    2: { bytes: 2, kind: `${from}-16` },
    4: { bytes: 4, kind: `${from}-32` },
    8: { bytes: 8, kind: `${from}-64` },
  }
}

/** Bytes of a field in this encoding; 0 for LEB128, which has no fixed size; -1 for numbers that are no encoding. */
export function fixedSize(encoding: number, addressBytes: AddressBytes = 8): number {
  switch (encoding & FORMAT_MASK) {
    case DW_EH_PE_absptr:
    case DW_EH_PE_signed:
      return addressBytes
    case DW_EH_PE_udata8:
    case DW_EH_PE_sdata8:
      return 8
    case DW_EH_PE_udata4:
    case DW_EH_PE_sdata4:
      return 4
    case DW_EH_PE_udata2:
    case DW_EH_PE_sdata2:
      return 2
    case DW_EH_PE_uleb128:
    case DW_EH_PE_sleb128:
      return 0
    default:
      return -1
  }
}

/** What encoded pointers may count from. A base that is not given makes pointers relative to it an error. */
export interface PointerBases {
  /** Address of the first byte of what is read. */
  readonly section: bigint
  readonly text?: bigint
  readonly data?: bigint
  readonly function?: bigint
  /** 8 when left out. */
  readonly addressBytes?: AddressBytes
}

/** A pointer as read. */
export interface EncodedPointer {
  readonly encoding: number
  /** Where the field stands in the section. */
  readonly place: number
  /** The address that it leads to; with `indirect`, the address of the word that holds the pointer. 0 = none. */
  readonly value: bigint
  readonly indirect: boolean
}

/** Reads a pointer. @throws DwarfUnwindError for an encoding that is none, or whose base is not known. */
export function readPointer(reader: ByteReader, encoding: number, bases: PointerBases, what: string): EncodedPointer {
  const { addressBytes = 8 } = bases
  const application = encoding & APPLICATION_MASK
  if (encoding === DW_EH_PE_omit) reader.fail({ code: 'pointer-encoding', encoding, use: what })
  if (application === DW_EH_PE_aligned) {
    // Alignment of the address, not of the offset in the section.
    const skip = Number(-(bases.section + BigInt(reader.position)) & BigInt(addressBytes - 1))
    reader.block(skip, what)
  }
  const place = reader.position
  const raw = readFormat(reader, encoding, what, addressBytes)
  let base = 0n
  // A raw value of 0 is no pointer: neither base nor indirection is applied to it (libgcc's unwind-pe.h).
  if (raw !== 0n) {
    switch (application) {
      case 0:
      case DW_EH_PE_aligned:
        break
      case DW_EH_PE_pcrel:
        base = bases.section + BigInt(place)
        break
      case DW_EH_PE_textrel:
        base = baseOf(reader, bases.text, encoding, what, place)
        break
      case DW_EH_PE_datarel:
        base = baseOf(reader, bases.data, encoding, what, place)
        break
      case DW_EH_PE_funcrel:
        base = baseOf(reader, bases.function, encoding, what, place)
        break
      default:
        reader.fail({ code: 'pointer-encoding', encoding, use: what }, place)
    }
  }
  return {
    encoding,
    place,
    value: BigInt.asUintN(8 * addressBytes, base + raw),
    indirect: (encoding & DW_EH_PE_indirect) !== 0 && raw !== 0n,
  }
}

function baseOf(reader: ByteReader, base: bigint | undefined, encoding: number, use: string, place: number): bigint {
  return base ?? reader.fail({ code: 'pointer-encoding', encoding, use }, place)
}

/** Reads the stored number, by the low four bits of the encoding alone: what a pc range is encoded by. */
export function readFormat(reader: ByteReader, encoding: number, what: string, addressBytes: AddressBytes = 8): bigint {
  switch (encoding & FORMAT_MASK) {
    case DW_EH_PE_absptr:
      return addressBytes === 8 ? reader.u64(what) : BigInt(reader.u32(what))
    case DW_EH_PE_udata8:
      return reader.u64(what)
    case DW_EH_PE_signed:
      return addressBytes === 8 ? BigInt.asIntN(64, reader.u64(what)) : BigInt(reader.u32(what) | 0)
    case DW_EH_PE_sdata8:
      return BigInt.asIntN(64, reader.u64(what))
    case DW_EH_PE_udata2:
      return BigInt(reader.u16(what))
    case DW_EH_PE_udata4:
      return BigInt(reader.u32(what))
    case DW_EH_PE_sdata2:
      return BigInt.asIntN(16, BigInt(reader.u16(what)))
    case DW_EH_PE_sdata4:
      return BigInt(reader.u32(what) | 0)
    case DW_EH_PE_uleb128:
      return reader.leb64(what, false)
    case DW_EH_PE_sleb128:
      return reader.leb64(what, true)
    default:
      return reader.fail({ code: 'pointer-encoding', encoding, use: what })
  }
}
