/** What a record says, as a frame record: the way back from bytes to rows. Epilogues are not in version 1's bytes. */

import { type FrameRecord, FrameRecorder, RSP, type UnwindRow, unwindRows } from '@framewright/frame-layout'
import {
  UWOP_ALLOC_LARGE,
  UWOP_ALLOC_SMALL,
  UWOP_PUSH_MACHFRAME,
  UWOP_PUSH_NONVOL,
  UWOP_SAVE_NONVOL,
  UWOP_SAVE_NONVOL_FAR,
  UWOP_SAVE_XMM128,
  UWOP_SAVE_XMM128_FAR,
  UWOP_SET_FPREG,
} from './constants.ts'
import { operandBytes, type UnwindInfo } from './unwind-info.ts'

/** A record and where its range starts, from the start of the function. */
export interface RangedInfo {
  readonly info: UnwindInfo
  readonly begin: number
}

/**
 * The prologue that a chain of records describes.
 *
 * @param chain - the record of the function's first range first, each child after its parent.
 * @param codeSize - of all ranges together.
 */
export function recordOf(chain: readonly RangedInfo[], codeSize: number): FrameRecord {
  const recorder = new FrameRecorder()
  // Save offsets count from the bottom of the allocation: SP when all allocations are done, or the frame register.
  let framed = false
  // An allocation at the offset of SET_FPREG is pretended (two instructions cannot end at one offset): SP has not moved,
  // the register was set that much lower than the header says.
  let pretended = 0
  let prologueEnd = 0
  let last = 0
  for (const { info, begin } of chain) {
    prologueEnd = begin + info.prologueSize
    for (let i = info.codes.length - 1; i >= 0; i--) {
      const code = info.codes[i]!
      const at = begin + code.codeOffset
      const bytes = operandBytes(code)
      last = at
      switch (code.operation) {
        case UWOP_PUSH_NONVOL:
          recorder.push(at, 0, code.info)
          break
        case UWOP_ALLOC_LARGE:
        case UWOP_ALLOC_SMALL:
          if (
            i > 0 &&
            info.codes[i - 1]!.operation === UWOP_SET_FPREG &&
            info.codes[i - 1]!.codeOffset === code.codeOffset
          ) {
            pretended = bytes
          } else recorder.adjustSp(at, 0, -bytes)
          break
        case UWOP_SET_FPREG:
          recorder.setFrameRegister(
            at,
            0,
            info.frameRegister === 0 ? RSP : info.frameRegister,
            info.frameOffset - pretended,
          )
          framed = true
          break
        case UWOP_SAVE_NONVOL:
        case UWOP_SAVE_NONVOL_FAR:
          recorder.save(at, 0, code.info, framed ? 'frame' : 'sp', framed ? bytes - info.frameOffset : bytes)
          break
        case UWOP_SAVE_XMM128:
        case UWOP_SAVE_XMM128_FAR:
          recorder.save(at, 0, code.info + 16, framed ? 'frame' : 'sp', framed ? bytes - info.frameOffset : bytes)
          break
        case UWOP_PUSH_MACHFRAME:
          recorder.machineFrame(code.info !== 0)
          break
      }
    }
  }
  // Some assemblers write prologue size 0 when they are not told where it ends.
  recorder.prologueEnd(Math.max(prologueEnd, last))
  return recorder.finish({ codeSize })
}

/** The rows of a chain of records; see {@link recordOf}. */
export function rowsOf(chain: readonly RangedInfo[], codeSize: number): UnwindRow[] {
  return unwindRows(recordOf(chain, codeSize))
}
