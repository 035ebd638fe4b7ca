/** The rows of one function, from its bytes. */

import type { Register } from '@framewright/frame-layout'
import { SFRAME_BASE_REG_SP } from './constants.ts'
import type { RowContext, RowPlace } from './decode.ts'
import type { SFrameRow, SFrameRule } from './row.ts'

/**
 * The rows as they stand there, ascending; neighbours may say the same. Those of a function with repeating rows are the
 * rows of one repetition.
 *
 * @throws SFrameError with the byte that is wrong.
 */
export function readRows(table: RowContext, fn: RowPlace): SFrameRow[] {
  const { reader } = table
  const { startSize, size, repeat } = fn
  const end = repeat === 0 ? size : Math.min(size, repeat)
  const rows: SFrameRow[] = []
  let offset = fn.rowsAt
  for (let i = 0; i < fn.rows; i++) {
    const rowAt = offset
    if (rowAt + (1 << startSize) + 1 > fn.rowsEnd) {
      reader.fail(
        { code: 'truncated', what: 'a row', bytes: (1 << startSize) + 1, available: fn.rowsEnd - rowAt },
        rowAt,
      )
    }
    const at = reader.unsigned(rowAt, startSize)
    if (at >= end) reader.fail({ code: 'row-past-end', at, size: end }, rowAt)
    if (i === 0 ? at !== 0 : at < rows[i - 1]!.at) {
      reader.fail(
        { code: 'malformed', why: `a row at ${at} behind one at ${i === 0 ? 'none' : rows[i - 1]!.at}` },
        rowAt,
      )
    }
    const info = reader.u8(rowAt + (1 << startSize))
    const wordSize = (info >> 5) & 3
    const count = (info >> 1) & 15
    if (wordSize === 3) reader.fail({ code: 'malformed', why: 'words of an unknown size' }, rowAt + (1 << startSize))
    const wordsAt = rowAt + (1 << startSize) + 1
    offset = wordsAt + (count << wordSize)
    if (offset > fn.rowsEnd) {
      const bytes = count << wordSize
      reader.fail({ code: 'truncated', what: 'the words of a row', bytes, available: fn.rowsEnd - wordsAt }, wordsAt)
    }
    rows.push(readRow(table, fn, at, info, wordsAt, count, wordSize))
  }
  return rows
}

function readRow(
  table: RowContext,
  fn: RowPlace,
  at: number,
  info: number,
  wordsAt: number,
  count: number,
  wordSize: number,
): SFrameRow {
  const { reader, version } = table
  const signed = (info & 0x80) !== 0
  if (count === 0) {
    // Version 2, errata 2: there is no caller.
    if (version === 1) reader.fail({ code: 'malformed', why: 'a row without words' }, wordsAt - 1)
    return { at, cfa: null, returnAddress: null, framePointer: null, signed: false }
  }
  if (fn.flexible) return flexibleRow(table, at, signed, wordsAt, count, wordSize)
  const { stackPointer, framePointer } = table.abi.architecture
  const base = (info & 1) === SFRAME_BASE_REG_SP ? stackPointer : framePointer
  const word = (index: number): number => reader.signed(wordsAt + (index << wordSize), wordSize)
  const { fixedFramePointer, fixedReturnAddress } = table
  // What is fixed has no word.
  let next = 1
  let address: SFrameRule | null = null
  if (fixedReturnAddress !== 0) {
    if (fixedReturnAddress !== table.abi.fixedReturnAddress) address = fromCfa(fixedReturnAddress)
  } else if (next < count) address = fromCfa(word(next++))
  let saved: SFrameRule | null = null
  if (fixedFramePointer !== 0) saved = fromCfa(fixedFramePointer)
  else if (next < count) saved = fromCfa(word(next++))
  if (next < count) reader.fail({ code: 'malformed', why: `a row of ${count} words` }, wordsAt - 1)
  const cfa = { base, offset: word(0), dereferenced: false }
  return { at, cfa, returnAddress: address, framePointer: saved, signed }
}

function fromCfa(offset: number): SFrameRule {
  return { base: 'cfa', offset, dereferenced: true }
}

/**
 * Pairs of a control word and an offset, in the order CFA, return address, frame pointer; a single 0 stands for "where it
 * usually is". A control word is register << 3 | dereference << 1 | register-based; else the base is the CFA.
 */
function flexibleRow(
  table: RowContext,
  at: number,
  signed: boolean,
  wordsAt: number,
  count: number,
  wordSize: number,
): SFrameRow {
  const { reader } = table
  let next = 0
  const rule = (): SFrameRule | null => {
    if (next === count) return null
    const controlAt = wordsAt + (next++ << wordSize)
    const control = reader.unsigned(controlAt, wordSize)
    if (control === 0) return null
    if (next === count) reader.fail({ code: 'malformed', why: 'a control word without an offset' }, controlAt)
    const offset = reader.signed(wordsAt + (next++ << wordSize), wordSize)
    const dereferenced = (control & 2) !== 0
    if ((control & 1) === 0) return { base: 'cfa', offset, dereferenced }
    const base: Register | undefined = table.abi.fromDwarf[control >>> 3]
    if (base === undefined) return reader.fail({ code: 'malformed', why: `DWARF register ${control >>> 3}` }, controlAt)
    return { base, offset, dereferenced }
  }
  const cfa = rule()
  if (cfa === null || cfa.base === 'cfa') return reader.fail({ code: 'malformed', why: 'a row without CFA' }, wordsAt)
  const returnAddress = rule()
  const framePointer = rule()
  if (next < count) reader.fail({ code: 'malformed', why: `a row of ${count} words` }, wordsAt - 1)
  return { at, cfa, returnAddress, framePointer, signed }
}
