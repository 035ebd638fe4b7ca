/** From a frame record to the words of its ranges. */

import { type FrameRecord, type UnwindRow, x64 } from '@framewright/frame-layout'
import { MAXIMUM_WORDS } from './constants.ts'
import { type CompactFrame, encodeEncoding } from './encoding.ts'
import { CompactUnwindError } from './errors.ts'
import { type FrameRange, frameRanges, lastChange, type Precision } from './ranges.ts'
import { frameOfRow, type StackImmediate } from './rows.ts'

/** A range of a function's code and its word; offsets of the record. */
export interface CompactRange {
  readonly begin: number
  readonly end: number
  /** Without personality index, which is the image's affair. */
  readonly encoding: number
}

/**
 * The words of a record, in code order; they cover all of it. Words of parts and ranges behind the first say that they
 * are no start of a function.
 *
 * @param code - when given, mode 3 refers only to instructions that are there.
 * @throws CompactUnwindError for what no encoding says, with the event.
 */
export function encodeRanges(record: FrameRecord, precision: Precision, code?: Uint8Array): CompactRange[] {
  if (record.architecture !== x64.name) {
    throw new CompactUnwindError({ code: 'architecture', architecture: record.architecture })
  }
  const interrupted = record.events[0]?.kind === 'machine-frame'
  if (record.kind === 'signal' || interrupted) {
    throw new CompactUnwindError({ code: 'signal-frame' }, interrupted ? 0 : -1)
  }
  const parts = frameRanges(record, precision)
  checkPersonality(record, parts)
  const words: CompactRange[] = []
  for (const ranges of parts) {
    const [, second] = ranges
    if (precision === 'body' && second !== undefined) {
      const event = record.events.findLastIndex(({ at }) => at <= second.begin)
      throw new CompactUnwindError({ code: 'body-changes', at: second.begin }, event)
    }
    for (const range of ranges) {
      const frame = frameOf(record, range, code)
      const isNotFunctionStart = words.length > 0
      const hasLanguageData = record.languageData !== undefined
      const encoding = encodeEncoding({ frame, isNotFunctionStart, hasLanguageData, personality: 0 })
      words.push({ begin: range.begin, end: range.end, encoding })
    }
  }
  return words
}

/** What a personality routine asks for and one word cannot say. */
function checkPersonality(record: FrameRecord, parts: readonly FrameRange[][]): void {
  if (record.languageData !== undefined) {
    const ranges = parts.reduce((sum, { length }) => sum + length, 0)
    if (ranges > 1) throw new CompactUnwindError({ code: 'language-data', ranges })
  }
  if (record.personality === undefined) return
  // Whoever lands in the middle of a call has to drop the arguments that were pushed for it (DW_CFA_GNU_args_size).
  const event = record.events.findIndex((one) => one.kind === 'call-args' && one.bytes > 0)
  if (event >= 0) throw new CompactUnwindError({ code: 'argument-bytes', at: record.events[event]!.at }, event)
}

function frameOf(record: FrameRecord, range: FrameRange, code: Uint8Array | undefined): CompactFrame {
  const found = frameOfRow(range.row, needsImmediate(range.row) ? immediatesOf(record, range, code) : [])
  if ('frame' in found) return found.frame
  throw new CompactUnwindError(found.problem, lastChange(record, range.from, found.blames))
}

function needsImmediate({ cfa }: UnwindRow): boolean {
  return cfa.rule === 'register' && cfa.offset > 8 * MAXIMUM_WORDS
}

/** `sub rsp, imm32` is 48 81 ec and the number (Intel SDM vol. 2, "SUB"): the only form of that length. */
const SUB_RSP_BYTES = 7
const SUB_RSP: readonly number[] = [0x48, 0x81, 0xec]

/** The allocations at the begin of a range that a word can refer to. */
function immediatesOf(record: FrameRecord, range: FrameRange, code: Uint8Array | undefined): StackImmediate[] {
  const found: StackImmediate[] = []
  for (const event of record.events) {
    if (event.kind !== 'adjust-sp' || event.delta >= 0 || event.via !== 'immediate') continue
    if (event.length !== SUB_RSP_BYTES || event.at > range.from) continue
    const start = event.at - SUB_RSP_BYTES
    const at = event.at - 4 - range.begin
    if (start < range.begin || at > MAXIMUM_WORDS) continue
    if (code !== undefined && !standsThere(code, start, -event.delta)) continue
    found.push({ at, value: -event.delta })
  }
  return found
}

function standsThere(code: Uint8Array, start: number, value: number): boolean {
  if (start + SUB_RSP_BYTES > code.length) return false
  const view = new DataView(code.buffer, code.byteOffset, code.length)
  return SUB_RSP.every((byte, i) => code[start + i] === byte) && view.getInt32(start + SUB_RSP.length, true) === value
}
