// Rows in the words of binutils' reader, and sections of version 1 as version 2.

import type { SFrameAbi } from '../src/abi.ts'
import type { SFrameRow, SFrameRule } from '../src/index.ts'

/** `at cfa fp ra`: `4 fp+16 c-16 u`. The return address of AMD64 is fixed, and shown as unchanged. */
export function rowText(
  { at, cfa, framePointer, returnAddress, signed }: SFrameRow,
  { architecture }: SFrameAbi,
): string {
  const base = cfa!.base === architecture.stackPointer ? 'sp' : 'fp'
  const text = (rule: SFrameRule | null): string => (rule === null ? 'u' : `c${plus(rule.offset)}`)
  return `${at} ${base}${plus(cfa!.offset)} ${text(framePointer)} ${text(returnAddress)}${signed ? '[s]' : ''}`
}

function plus(value: number): string {
  return value < 0 ? String(value) : `+${value}`
}

/**
 * Version 2 of a section of version 1: another version in the header, and behind the info byte of each description the
 * size of a repetition (one byte) and padding (two), so that the rows begin later.
 */
export function toVersion2(first: Uint8Array): Uint8Array {
  const view = new DataView(first.buffer, first.byteOffset, first.byteLength)
  const count = view.getUint32(8, true)
  const bytes = new Uint8Array(first.length + 3 * count)
  bytes.set(first.subarray(0, 28))
  bytes[2] = 2
  new DataView(bytes.buffer).setUint32(24, view.getUint32(24, true) + 3 * count, true)
  for (let i = 0; i < count; i++) bytes.set(first.subarray(28 + 17 * i, 28 + 17 * (i + 1)), 28 + 20 * i)
  bytes.set(first.subarray(28 + 17 * count), 28 + 20 * count)
  return bytes
}
