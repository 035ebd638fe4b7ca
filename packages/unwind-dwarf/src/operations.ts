/**
 * The operations of a call-frame program: what they are called here, how they are written, how they are read.
 *
 * An operation says what is meant (`offset` of register 70 by +16); which of the opcodes that can say it is used
 * (`DW_CFA_offset`, `_extended`, `_extended_sf`) is chosen when it is written and forgotten when it is read. Offsets are
 * bytes, unfactored; registers are DWARF numbers.
 */

import type { DwarfRegister } from './architecture.ts'
import type { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import {
  DW_CFA_AARCH64_negate_ra_state_with_pc,
  DW_CFA_advance_loc,
  DW_CFA_advance_loc1,
  DW_CFA_advance_loc2,
  DW_CFA_advance_loc4,
  DW_CFA_def_cfa,
  DW_CFA_def_cfa_expression,
  DW_CFA_def_cfa_offset,
  DW_CFA_def_cfa_offset_sf,
  DW_CFA_def_cfa_register,
  DW_CFA_def_cfa_sf,
  DW_CFA_expression,
  DW_CFA_GNU_args_size,
  DW_CFA_GNU_negative_offset_extended,
  DW_CFA_GNU_window_save,
  DW_CFA_high_mask,
  DW_CFA_LLVM_def_aspace_cfa,
  DW_CFA_LLVM_def_aspace_cfa_sf,
  DW_CFA_MIPS_advance_loc8,
  DW_CFA_nop,
  DW_CFA_offset,
  DW_CFA_offset_extended,
  DW_CFA_offset_extended_sf,
  DW_CFA_register,
  DW_CFA_remember_state,
  DW_CFA_restore,
  DW_CFA_restore_extended,
  DW_CFA_restore_state,
  DW_CFA_same_value,
  DW_CFA_set_loc,
  DW_CFA_undefined,
  DW_CFA_val_expression,
  DW_CFA_val_offset,
  DW_CFA_val_offset_sf,
} from './constants.ts'
import { DwarfUnwindError, type DwarfUnwindPlace } from './errors.ts'

/** What one operation does to the row. */
export type CallFrameOperation =
  | { readonly op: 'def_cfa'; readonly register: DwarfRegister; readonly offset: number }
  | { readonly op: 'def_cfa_register'; readonly register: DwarfRegister }
  | { readonly op: 'def_cfa_offset'; readonly offset: number }
  | { readonly op: 'def_cfa_expression'; readonly expression: Uint8Array }
  /** Saved at CFA + offset; its value is CFA + offset. */
  | { readonly op: 'offset' | 'val_offset'; readonly register: DwarfRegister; readonly offset: number }
  | { readonly op: 'register'; readonly register: DwarfRegister; readonly into: DwarfRegister }
  /** Saved at the address that the expression yields; its value is what the expression yields. */
  | {
      readonly op: 'expression' | 'val_expression'
      readonly register: DwarfRegister
      readonly expression: Uint8Array
    }
  | { readonly op: 'restore' | 'undefined' | 'same_value'; readonly register: DwarfRegister }
  | { readonly op: 'remember_state' | 'restore_state' }
  /** AArch64's pointer signing (0x2d and 0x2c). On other machines 0x2d is SPARC's, without effect on rows. */
  | { readonly op: 'negate_ra_state' | 'negate_ra_state_with_pc' | 'window_save' }
  /** DW_CFA_LLVM_def_aspace_cfa: def_cfa in another address space than the default one. */
  | {
      readonly op: 'def_aspace_cfa'
      readonly register: DwarfRegister
      readonly offset: number
      readonly addressSpace: number
    }
  /** Bytes of arguments that lie pushed (DW_CFA_GNU_args_size). */
  | { readonly op: 'args_size'; readonly size: number }

/** An operation and the code offset from which it holds. */
export type PlacedOperation = { readonly at: number } & CallFrameOperation

/** An operation as it stands in a section. */
export interface CallFrameInstruction {
  /** Where its opcode stands, in bytes from the start of the section. */
  readonly place: number
  /** Its length in bytes. */
  readonly length: number
  /** Code offset from the start of the function at which it takes effect; for advances, the offset that they lead to. */
  readonly at: number
  readonly opcode: number
  /** Null for nop and for the operations that only move the location. */
  readonly operation: CallFrameOperation | null
}

/** What a reader has to know of the CIE to read operations. */
export interface FactorInfo {
  readonly codeAlignmentFactor: number
  readonly dataAlignmentFactor: number
  readonly architecture?: { readonly signsReturnAddress?: boolean }
}

/** Registers above this are refused by the reader: no machine has them, and tables by register stay small. */
export const REGISTER_LIMIT = 1023

/** Writes an advance of the location in the shortest form; none at all for 0. */
export function writeAdvance(out: ByteWriter, delta: number): void {
  if (delta === 0) return
  if (delta < 0x40) {
    out.u8(DW_CFA_advance_loc | delta)
  } else if (delta <= 0xff) {
    out.u8(DW_CFA_advance_loc1)
    out.u8(delta)
  } else if (delta <= 0xffff) {
    out.u8(DW_CFA_advance_loc2)
    out.u16(delta)
  } else {
    out.u8(DW_CFA_advance_loc4)
    out.u32(delta)
  }
}

/**
 * Writes one operation in the opcode that gas, LLVM and gimli choose.
 *
 * @throws DwarfUnwindError when the data alignment factor does not divide an offset that has to be factored.
 */
export function writeOperation(
  out: ByteWriter,
  operation: CallFrameOperation,
  factor: number,
  place: DwarfUnwindPlace | null = null,
): void {
  switch (operation.op) {
    case 'def_cfa':
      if (operation.offset < 0) {
        const factored = factorOf(operation.offset, factor, place)
        out.u8(DW_CFA_def_cfa_sf)
        out.uleb(operation.register)
        out.sleb(factored)
      } else {
        out.u8(DW_CFA_def_cfa)
        out.uleb(operation.register)
        out.uleb(operation.offset)
      }
      return
    case 'def_cfa_register':
      out.u8(DW_CFA_def_cfa_register)
      out.uleb(operation.register)
      return
    case 'def_cfa_offset':
      if (operation.offset < 0) {
        const factored = factorOf(operation.offset, factor, place)
        out.u8(DW_CFA_def_cfa_offset_sf)
        out.sleb(factored)
      } else {
        out.u8(DW_CFA_def_cfa_offset)
        out.uleb(operation.offset)
      }
      return
    case 'def_cfa_expression':
      out.u8(DW_CFA_def_cfa_expression)
      out.uleb(operation.expression.length)
      out.block(operation.expression)
      return
    case 'offset': {
      const { register } = operation
      const factored = factorOf(operation.offset, factor, place)
      if (factored < 0) {
        out.u8(DW_CFA_offset_extended_sf)
        out.uleb(register)
        out.sleb(factored)
      } else if (register < 0x40) {
        out.u8(DW_CFA_offset | register)
        out.uleb(factored)
      } else {
        out.u8(DW_CFA_offset_extended)
        out.uleb(register)
        out.uleb(factored)
      }
      return
    }
    case 'val_offset': {
      const factored = factorOf(operation.offset, factor, place)
      out.u8(factored < 0 ? DW_CFA_val_offset_sf : DW_CFA_val_offset)
      out.uleb(operation.register)
      if (factored < 0) out.sleb(factored)
      else out.uleb(factored)
      return
    }
    case 'register':
      out.u8(DW_CFA_register)
      out.uleb(operation.register)
      out.uleb(operation.into)
      return
    case 'expression':
    case 'val_expression':
      out.u8(operation.op === 'expression' ? DW_CFA_expression : DW_CFA_val_expression)
      out.uleb(operation.register)
      out.uleb(operation.expression.length)
      out.block(operation.expression)
      return
    case 'restore':
      if (operation.register < 0x40) {
        out.u8(DW_CFA_restore | operation.register)
      } else {
        out.u8(DW_CFA_restore_extended)
        out.uleb(operation.register)
      }
      return
    case 'undefined':
    case 'same_value':
      out.u8(operation.op === 'undefined' ? DW_CFA_undefined : DW_CFA_same_value)
      out.uleb(operation.register)
      return
    case 'remember_state':
      out.u8(DW_CFA_remember_state)
      return
    case 'restore_state':
      out.u8(DW_CFA_restore_state)
      return
    case 'window_save':
    case 'negate_ra_state':
      out.u8(DW_CFA_GNU_window_save)
      return
    case 'negate_ra_state_with_pc':
      out.u8(DW_CFA_AARCH64_negate_ra_state_with_pc)
      return
    case 'def_aspace_cfa': {
      const negative = operation.offset < 0
      const written = negative ? factorOf(operation.offset, factor, place) : operation.offset
      out.u8(negative ? DW_CFA_LLVM_def_aspace_cfa_sf : DW_CFA_LLVM_def_aspace_cfa)
      out.uleb(operation.register)
      if (negative) out.sleb(written)
      else out.uleb(written)
      out.uleb(operation.addressSpace)
      return
    }
    case 'args_size':
      out.u8(DW_CFA_GNU_args_size)
      out.uleb(operation.size)
      return
  }
}

/** @throws DwarfUnwindError when the factor does not divide the offset. */
export function factorOf(offset: number, factor: number, place: DwarfUnwindPlace | null): number {
  const factored = offset / factor
  if (!Number.isInteger(factored)) throw new DwarfUnwindError({ code: 'offset-unaligned', offset, factor }, place)
  // -0 would be written as a negative number.
  return factored + 0
}

/** Receives the operations of a program one by one; see {@link readProgram}. */
export type InstructionVisitor = (
  operation: CallFrameOperation | null,
  at: number,
  place: number,
  length: number,
  opcode: number,
) => void

/**
 * Reads a call-frame program, from the reader's position to its end.
 *
 * @param at - the location that the program starts with.
 * @param readAddress - reads the operand of DW_CFA_set_loc as a code offset; without it that operation is refused.
 * @throws DwarfUnwindError with the place in the section. Time and memory are linear in the program's length.
 */
export function readProgram(
  reader: ByteReader,
  cie: FactorInfo,
  at: number,
  visit: InstructionVisitor,
  readAddress?: (reader: ByteReader) => number,
): void {
  const { codeAlignmentFactor: caf, dataAlignmentFactor: daf } = cie
  while (reader.position < reader.end) {
    const place = reader.position
    const opcode = reader.u8('operation')
    let operation: CallFrameOperation | null = null
    const low = opcode & ~DW_CFA_high_mask
    switch (opcode & DW_CFA_high_mask) {
      case DW_CFA_advance_loc:
        at += low * caf
        break
      case DW_CFA_offset:
        operation = { op: 'offset', register: low, offset: factored(reader, daf, false, place) }
        break
      case DW_CFA_restore:
        operation = { op: 'restore', register: low }
        break
      default:
        switch (opcode) {
          case DW_CFA_nop:
            break
          case DW_CFA_set_loc: {
            if (readAddress === undefined) reader.fail({ code: 'opcode', opcode }, place)
            const to = readAddress(reader)
            if (to < at) reader.fail({ code: 'order', at: to, previous: at }, place)
            at = to
            break
          }
          case DW_CFA_advance_loc1:
            at += reader.u8('advance') * caf
            break
          case DW_CFA_advance_loc2:
            at += reader.u16('advance') * caf
            break
          case DW_CFA_advance_loc4:
            at += reader.u32('advance') * caf
            break
          case DW_CFA_MIPS_advance_loc8:
            at += reader.u64Number('advance') * caf
            break
          default:
            operation = readLong(reader, opcode, cie, place)
        }
    }
    if (at > Number.MAX_SAFE_INTEGER) {
      reader.fail({ code: 'too-large', what: 'location', limit: Number.MAX_SAFE_INTEGER }, place)
    }
    visit(operation, at, place, reader.position - place, opcode)
  }
}

/** The operations with a byte of their own and operands behind it. */
function readLong(reader: ByteReader, opcode: number, cie: FactorInfo, place: number): CallFrameOperation {
  const { dataAlignmentFactor: daf } = cie
  switch (opcode) {
    case DW_CFA_offset_extended:
      return { op: 'offset', register: register(reader), offset: factored(reader, daf, false, place) }
    case DW_CFA_offset_extended_sf:
      return { op: 'offset', register: register(reader), offset: factored(reader, daf, true, place) }
    case DW_CFA_GNU_negative_offset_extended:
      return { op: 'offset', register: register(reader), offset: factored(reader, -daf, false, place) }
    case DW_CFA_val_offset:
      return { op: 'val_offset', register: register(reader), offset: factored(reader, daf, false, place) }
    case DW_CFA_val_offset_sf:
      return { op: 'val_offset', register: register(reader), offset: factored(reader, daf, true, place) }
    case DW_CFA_restore_extended:
      return { op: 'restore', register: register(reader) }
    case DW_CFA_undefined:
      return { op: 'undefined', register: register(reader) }
    case DW_CFA_same_value:
      return { op: 'same_value', register: register(reader) }
    case DW_CFA_register:
      return { op: 'register', register: register(reader), into: register(reader) }
    case DW_CFA_remember_state:
      return { op: 'remember_state' }
    case DW_CFA_restore_state:
      return { op: 'restore_state' }
    case DW_CFA_def_cfa:
      return { op: 'def_cfa', register: register(reader), offset: reader.wrappedUleb('CFA offset') }
    case DW_CFA_def_cfa_sf:
      return { op: 'def_cfa', register: register(reader), offset: factored(reader, daf, true, place) }
    case DW_CFA_def_cfa_register:
      return { op: 'def_cfa_register', register: register(reader) }
    case DW_CFA_def_cfa_offset:
      return { op: 'def_cfa_offset', offset: reader.wrappedUleb('CFA offset') }
    case DW_CFA_def_cfa_offset_sf:
      return { op: 'def_cfa_offset', offset: factored(reader, daf, true, place) }
    case DW_CFA_def_cfa_expression:
      return { op: 'def_cfa_expression', expression: block(reader) }
    case DW_CFA_expression:
      return { op: 'expression', register: register(reader), expression: block(reader) }
    case DW_CFA_val_expression:
      return { op: 'val_expression', register: register(reader), expression: block(reader) }
    case DW_CFA_GNU_window_save:
      return { op: cie.architecture?.signsReturnAddress === true ? 'negate_ra_state' : 'window_save' }
    case DW_CFA_AARCH64_negate_ra_state_with_pc:
      return { op: 'negate_ra_state_with_pc' }
    case DW_CFA_LLVM_def_aspace_cfa:
    case DW_CFA_LLVM_def_aspace_cfa_sf: {
      const signed = opcode === DW_CFA_LLVM_def_aspace_cfa_sf
      const base = register(reader)
      const offset = signed ? factored(reader, daf, true, place) : reader.wrappedUleb('CFA offset')
      return { op: 'def_aspace_cfa', register: base, offset, addressSpace: reader.uleb('address space') }
    }
    case DW_CFA_GNU_args_size:
      return { op: 'args_size', size: reader.uleb('size of arguments') }
    default:
      return reader.fail({ code: 'opcode', opcode }, place)
  }
}

function register(reader: ByteReader): DwarfRegister {
  return reader.uleb('register', REGISTER_LIMIT)
}

function block(reader: ByteReader): Uint8Array {
  return reader.block(reader.uleb('expression'), 'expression')
}

function factored(reader: ByteReader, factor: number, signed: boolean, place: number): number {
  const offset = (signed ? reader.sleb('offset') : reader.wrappedUleb('offset')) * factor
  if (!Number.isSafeInteger(offset)) {
    reader.fail({ code: 'too-large', what: 'offset', limit: Number.MAX_SAFE_INTEGER }, place)
  }
  return offset + 0
}
