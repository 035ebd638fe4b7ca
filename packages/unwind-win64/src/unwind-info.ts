/**
 * UNWIND_INFO, versions 1 and 2, as numbers: one object for each record, one for each code, nothing interpreted, so that
 * decoding and encoding are exact inverses (also of records that did not use the shortest form).
 *
 *   byte 0   version (bits 2-0), flags (7-3)        byte 2   slots in the array
 *   byte 1   size of the prologue                   byte 3   frame register (3-0), frame offset / 16 (7-4)
 *   4...     codes, two bytes a slot, the last action of the prologue first, padded to an even number
 *   then     rva of the handler and its data, or the parent's RUNTIME_FUNCTION, or nothing
 */

import {
  slotsOf,
  UNW_FLAG_CHAININFO,
  UNW_FLAG_EHANDLER,
  UNW_FLAG_UHANDLER,
  UWOP_ALLOC_LARGE,
  UWOP_ALLOC_SMALL,
  UWOP_EPILOG,
  UWOP_SAVE_NONVOL,
  UWOP_SAVE_NONVOL_FAR,
  UWOP_SAVE_XMM128,
  UWOP_SAVE_XMM128_FAR,
} from './constants.ts'
import { Win64UnwindError } from './errors.ts'

/** One entry of a function table: three distances from the image base. */
export interface RuntimeFunction {
  readonly begin: number
  /** The first byte after the code. */
  readonly end: number
  readonly unwindInfo: number
}

/** One operation, raw. */
export interface UnwindCode {
  /** Offset of the end of the instruction. */
  readonly codeOffset: number
  /** A UWOP_ number. */
  readonly operation: number
  /** The high nibble of byte 1. */
  readonly info: number
  /** The operand slots as one unsigned number, as stored (scaled forms divided); 0 for operations that have none. */
  readonly operand: number
}

/** Version 2: where the epilogues of the range are. */
export interface EpilogueCodes {
  /** Bytes from the first pop up to and including the first byte of the exit instruction; one size for all. */
  readonly size: number
  /** Whether one ends exactly at the end of the range. */
  readonly atEnd: boolean
  /** Of the others: bytes from the end of the range back to their start, nearest first. */
  readonly distances: readonly number[]
}

/** One record. */
export interface UnwindInfo {
  readonly version: 1 | 2
  /** UNW_FLAG_ bits. */
  readonly flags: number
  readonly prologueSize: number
  /** 0: none. */
  readonly frameRegister: number
  /** In bytes. */
  readonly frameOffset: number
  /** In the order of the array: the last action of the prologue first. */
  readonly codes: readonly UnwindCode[]
  /** Version 2 alone. */
  readonly epilogues: EpilogueCodes | null
  /** With a handler flag: its rva; 0 while a relocation stands for it. */
  readonly handler: number
  /** With the chain flag. */
  readonly parent: RuntimeFunction | null
}

/** What an operation means in bytes: the size of an allocation, the offset of a save; 0 for the others. */
export function operandBytes(code: UnwindCode): number {
  switch (code.operation) {
    case UWOP_ALLOC_SMALL:
      return code.info * 8 + 8
    case UWOP_ALLOC_LARGE:
      return code.info === 0 ? code.operand * 8 : code.operand
    case UWOP_SAVE_NONVOL:
      return code.operand * 8
    case UWOP_SAVE_XMM128:
      return code.operand * 16
    case UWOP_SAVE_NONVOL_FAR:
    case UWOP_SAVE_XMM128_FAR:
      return code.operand
    default:
      return 0
  }
}

/** Slots that the EPILOG codes take: the first, the distances, and padding to an even number. */
export function epilogueSlots(epilogues: EpilogueCodes): number {
  return (1 + epilogues.distances.length + 1) & ~1
}

/**
 * Writes one record.
 *
 * @param handlerData - bytes behind the handler's rva.
 * @returns the record, a multiple of 4 bytes unless the handler data are not. An empty record takes 8, the documented
 *   minimum (GNU as writes 4, LLVM 8).
 * @throws Win64UnwindError if a field does not fit. Whether the codes make sense together is the caller's affair.
 */
export function encodeUnwindInfo(info: UnwindInfo, handlerData?: Uint8Array): Uint8Array {
  let slots = info.epilogues === null ? 0 : epilogueSlots(info.epilogues)
  for (const code of info.codes) slots += slotsOf(code.operation, code.info)
  if (slots > 255) throw new Win64UnwindError({ code: 'slots', count: slots })
  if (!(info.prologueSize >= 0 && info.prologueSize <= 255)) {
    throw new Win64UnwindError({ code: 'prologue-size', bytes: info.prologueSize, limit: 255 })
  }
  if (!(info.frameOffset >= 0 && info.frameOffset <= 240) || info.frameOffset % 16 !== 0) {
    throw new Win64UnwindError({ code: 'frame-register-offset', bytes: info.frameOffset })
  }
  const array = 4 + 2 * ((slots + 1) & ~1)
  const hasHandler = (info.flags & (UNW_FLAG_EHANDLER | UNW_FLAG_UHANDLER)) !== 0
  const chained = (info.flags & UNW_FLAG_CHAININFO) !== 0
  const data = hasHandler && handlerData !== undefined ? handlerData.length : 0
  const size = hasHandler ? array + 4 + data : chained ? array + 12 : Math.max(array, 8)
  const bytes = new Uint8Array(size)
  bytes[0] = info.version | (info.flags << 3)
  bytes[1] = info.prologueSize
  bytes[2] = slots
  bytes[3] = info.frameRegister | info.frameOffset
  let at = info.epilogues === null ? 4 : writeEpilogues(bytes, info.epilogues)
  for (const code of info.codes) {
    const { codeOffset, operation, operand } = code
    if (!(codeOffset >= 0 && codeOffset <= 255)) {
      throw new Win64UnwindError({ code: 'code-offset', offset: codeOffset, limit: 255 })
    }
    bytes[at] = codeOffset
    bytes[at + 1] = operation | (code.info << 4)
    const count = slotsOf(operation, code.info)
    if (count >= 2) {
      bytes[at + 2] = operand
      bytes[at + 3] = operand >>> 8
      if (count === 3) {
        bytes[at + 4] = operand >>> 16
        bytes[at + 5] = operand >>> 24
      }
    }
    at += 2 * count
  }
  if (hasHandler) {
    writeU32(bytes, array, info.handler)
    if (handlerData !== undefined) bytes.set(handlerData, array + 4)
  } else if (chained && info.parent !== null) {
    writeU32(bytes, array, info.parent.begin)
    writeU32(bytes, array + 4, info.parent.end)
    writeU32(bytes, array + 8, info.parent.unwindInfo)
  }
  return bytes
}

/** Where the handler's rva, or the parent's entry, lies in an encoded record. */
export function trailerOffset(bytes: Uint8Array, record: number = 0): number {
  return 4 + 2 * ((bytes[record + 2]! + 1) & ~1)
}

function writeEpilogues(bytes: Uint8Array, epilogues: EpilogueCodes): number {
  if (!(epilogues.size > 0 && epilogues.size <= 255)) {
    throw new Win64UnwindError({ code: 'epilogue-form', why: `its ${epilogues.size} bytes do not fit into a byte` })
  }
  bytes[4] = epilogues.size
  bytes[5] = UWOP_EPILOG | (epilogues.atEnd ? 0x10 : 0)
  let at = 6
  for (const distance of epilogues.distances) {
    if (!(distance > 0 && distance <= 4095)) {
      throw new Win64UnwindError({
        code: 'epilogue-form',
        why: `it starts ${distance} bytes before the end, the limit is 4095`,
      })
    }
    bytes[at] = distance
    bytes[at + 1] = UWOP_EPILOG | ((distance >>> 8) << 4)
    at += 2
  }
  if (at % 4 !== 0) {
    bytes[at + 1] = UWOP_EPILOG
    at += 2
  }
  return at
}

/** Little-endian, whatever the host. */
export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

/** Little-endian, unsigned. */
export function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}
