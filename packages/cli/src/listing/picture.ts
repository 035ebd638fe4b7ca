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
  const deepest = rows.reduce((best, row) =>
    row.cfa.offset + 16 * row.registers.size > best.cfa.offset + 16 * best.registers.size ? row : best,
  )
  if (deepest.cfa.register === RSP && deepest.cfa.offset <= 8) return null
  return drawFrame(record ?? recordOf(deepest, codeSize))
}

/** A record whose frame looks like the row. Where the CFA hangs on a frame register, nobody knows how far down rsp is. */
function recordOf(row: UnwindRow, codeSize: number): FrameRecord {
  const recorder = new FrameRecorder()
  recorder.adjustSp(0, 0, 8 - row.cfa.offset)
  for (const [register, rule] of row.registers) {
    if (rule.rule === 'cfa-offset' && register !== RETURN_ADDRESS && row.cfa.offset + rule.offset >= 0) {
      recorder.save(0, 0, register, 'sp', row.cfa.offset + rule.offset)
    }
  }
  if (row.cfa.register !== RSP) {
    recorder.setFrameRegister(0, 0, row.cfa.register, 0)
    recorder.dynamicSp(0, 0)
  }
  recorder.prologueEnd(0)
  return recorder.finish({ codeSize: Math.max(1, codeSize) })
}
