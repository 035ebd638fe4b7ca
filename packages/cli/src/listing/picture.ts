// The frame as a picture, also where only rows are known and no record.

import {
  drawFrame,
  type FrameRecord,
  FrameRecorder,
  RETURN_ADDRESS,
  RSP,
  type UnwindRow,
} from '@framewright/frame-layout'
import type { ListedFunction } from './listed-function.ts'

/** Null for a function without a frame, or of which nothing is known. */
export function framePicture({ record, rows, codeSize }: ListedFunction): string[] | null {
  if (rows === null) return null
  let deepest: UnwindRow | null = null
  let most = 0
  for (const row of rows) {
    if (row.cfa.rule !== 'register') continue
    const size = row.cfa.offset + 16 * row.registers.size
    if (deepest !== null && size <= most) continue
    deepest = row
    most = size
  }
  if (deepest === null || deepest.cfa.rule !== 'register') return null
  const { cfa } = deepest
  if (cfa.register === RSP && cfa.offset <= 8) return null
  return drawFrame(record ?? recordOf(deepest, cfa, codeSize))
}

/** A record whose frame looks like the row. Where the CFA hangs on a frame register, nobody knows how far down rsp is. */
function recordOf(row: UnwindRow, cfa: { register: number; offset: number }, codeSize: number): FrameRecord {
  const recorder = new FrameRecorder()
  recorder.adjustSp(0, 0, 8 - cfa.offset)
  for (const [register, rule] of row.registers) {
    if (rule.rule === 'cfa-offset' && register !== RETURN_ADDRESS && cfa.offset + rule.offset >= 0) {
      recorder.save(0, 0, register, 'sp', cfa.offset + rule.offset)
    }
  }
  if (cfa.register !== RSP) {
    recorder.setFrameRegister(0, 0, cfa.register, 0)
    recorder.dynamicSp(0, 0)
  }
  recorder.prologueEnd(0)
  return recorder.finish({ codeSize: Math.max(1, codeSize) })
}
