// Common information and frame descriptions of .eh_frame, field by field. DWARF 5, 6.4.1; System V AMD64 ABI, "EH_FRAME
// sections".

import {
  type CallFrameInstruction,
  type CommonInformationEntry,
  type FrameDescriptionEntry,
  type FrameTable,
  instructionsOf,
  printOperation,
  registerName,
} from '@framewright/unwind-dwarf'
import { type Field, FieldReader, LINKER } from './fields.ts'

/** @param bytes - the section, as the object has it: addresses are the linker's to fill in. */
export function cieFields(table: FrameTable, bytes: Uint8Array, cie: CommonInformationEntry): Field[] {
  const reader = new FieldReader(bytes, cie.offset)
  const end = cie.offset + cie.length
  startFields(reader, cie.dwarf64)
  reader.field(cie.dwarf64 ? 8 : 4, 'CIE id', 'common information for the entries that point here')
  reader.field(1, 'version', String(cie.version))
  reader.field(
    cie.augmentation.length + 1,
    'augmentation',
    `"${cie.augmentation}": ${augmentationText(cie.augmentation)}`,
  )
  if (cie.version >= 4) {
    reader.field(1, 'address size', `${cie.addressSize} bytes`)
    reader.field(1, 'segment size', `${cie.segmentSelectorSize} bytes`)
  }
  reader.field(leb(bytes, reader.at), 'code alignment', `advances count ${plural(cie.codeAlignmentFactor, 'byte')}`)
  reader.field(leb(bytes, reader.at), 'data alignment', `offsets count ${cie.dataAlignmentFactor} bytes`)
  const register = cie.version === 1 ? 1 : leb(bytes, reader.at)
  reader.field(
    register,
    'return address',
    `column ${cie.returnAddressRegister}, ${registerName(cie.returnAddressRegister)}`,
  )
  if (cie.augmentation.startsWith('z')) {
    reader.field(leb(bytes, reader.at), 'augmentation size', (size) => plural(size, 'byte'))
    const size = cie.programStart - reader.at
    if (size > 0) reader.field(size, 'augmentation data', encodingText(cie))
  }
  return [...reader.fields, ...programFields(bytes, instructionsOf(table, cie), cie.programStart, end)]
}

/**
 * @param code - the function, in words.
 * @param isLinked - the addresses are filled in.
 */
export function fdeFields(
  table: FrameTable,
  bytes: Uint8Array,
  fde: FrameDescriptionEntry,
  code: string,
  isLinked: boolean,
): Field[] {
  const reader = new FieldReader(bytes, fde.offset)
  const end = fde.offset + fde.length
  const { cie } = fde
  startFields(reader, cie.dwarf64)
  const size = cie.dwarf64 ? 8 : 4
  const back = table.debug ? '' : `${reader.at - cie.offset} bytes back, `
  reader.field(size, 'CIE pointer', `${back}to the one at ${cie.offset.toString(16)}`)
  // Both have the size of the encoding; only the first is relocated.
  const addressSize = fixedSize(cie.codeEncoding, cie.addressSize)
  reader.field(addressSize, 'first byte', isLinked ? code : `${code}${LINKER}`)
  reader.field(addressSize, 'code size', plural(fde.size, 'byte'))
  if (cie.sized) {
    reader.field(leb(bytes, reader.at), 'augmentation size', (count) => plural(count, 'byte'))
    const data = fde.programStart - reader.at
    if (data > 0) reader.field(data, 'augmentation data', 'address of the language’s own table')
  }
  return [...reader.fields, ...programFields(bytes, instructionsOf(table, fde), fde.programStart, end)]
}

function startFields(reader: FieldReader, dwarf64: boolean): void {
  if (dwarf64) reader.field(4, 'escape', '64-bit DWARF')
  reader.field(dwarf64 ? 8 : 4, 'length', (length) => `${length} bytes follow`)
}

function programFields(
  bytes: Uint8Array,
  instructions: readonly CallFrameInstruction[],
  start: number,
  end: number,
): Field[] {
  const reader = new FieldReader(bytes, start)
  let last = instructions.length
  while (last > 0 && instructions[last - 1].opcode === 0) last--
  for (const { place, length, at, operation, opcode } of instructions.slice(0, last)) {
    reader.at = place
    if (operation !== null) reader.field(length, `DW_CFA_${operation.op}`, printOperation(operation))
    else if (opcode === 0) reader.field(length, 'DW_CFA_nop', '')
    else reader.field(length, opcode === 1 ? 'DW_CFA_set_loc' : 'DW_CFA_advance_loc', `from 0x${at.toString(16)} on:`)
  }
  if (reader.at < end) reader.field(end - reader.at, 'padding', 'DW_CFA_nop')
  return reader.fields
}

function augmentationText(augmentation: string): string {
  const words: Readonly<Record<string, string>> = {
    ...{ z: 'sized data', R: 'how code is addressed', P: 'a personality routine', L: 'how its data are addressed' },
    S: 'frames of signal handlers',
  }
  return augmentation === '' ? 'none' : [...augmentation].map((letter) => words[letter] ?? letter).join(', ')
}

function encodingText(cie: CommonInformationEntry): string {
  const encoding = cie.codeEncoding
  const forms: Readonly<Record<number, string>> = { 0: '8 bytes', 2: '2 bytes', 3: '4 bytes', 4: '8 bytes' }
  const size = forms[encoding & 7] ?? 'variable length'
  const base = (encoding & 0x70) === 0x10 ? 'relative to the field itself' : 'absolute'
  const sign = (encoding & 8) === 8 ? ', signed' : ''
  const personality = cie.personality === null ? '' : '; a personality routine'
  return `code addresses take ${size}${sign}, ${base}${personality}`
}

/** Bytes of a number of variable length. */
function leb(bytes: Uint8Array, at: number): number {
  let end = at
  while (end < bytes.length && (bytes[end] & 0x80) !== 0) end++
  return end + 1 - at
}

function fixedSize(encoding: number, addressSize: number): number {
  return { 2: 2, 3: 4, 4: 8 }[encoding & 7] ?? addressSize
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
