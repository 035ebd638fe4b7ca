/** Recorded epilogues against the machine code itself: every instruction of each must be recognised for what it is. */

import type { FrameRecord } from '@framewright/frame-layout'
import { Win64UnwindError } from './errors.ts'
import { isEpilogue, recogniseEpilogue } from './recognise.ts'
import type { FrameShape } from './shape.ts'

/** @throws Win64UnwindError 'epilogue-form' for an exit that the system would take for body. */
export function verifyEpilogueBytes(shape: FrameShape, code: Uint8Array, record: FrameRecord): void {
  for (const epilogue of shape.epilogues) {
    if (!epilogue.moves) continue
    // Where the header names no frame register (`prologue-shape.ts` says when), `lea rsp, [register + n]` is body, rightly so.
    const frameRegister = shape.prologue.frameRegister === epilogue.frameRegister ? epilogue.frameRegister : 0
    const start = epilogue.restoresSp && frameRegister === 0 ? epilogue.popStart : epilogue.start
    const { begin, end } = partAt(record, start)
    const found = recogniseEpilogue(
      (offset) => code[start + offset],
      frameRegister,
      (target) => {
        // A jump to the next instruction is none: the linker has not filled in its target yet.
        const unresolved = start + target === epilogue.end
        return unresolved || start + target < begin || start + target >= end || start + target === 0
      },
    )
    if (!isEpilogue(found)) {
      const why = `at ${start + found.offset} there is ${found.why}`
      throw new Win64UnwindError({ code: 'epilogue-form', why }, epilogue.last)
    }
    const same =
      start + found.exit === epilogue.terminator &&
      found.pops.length === epilogue.pops.length &&
      found.pops.every((register, i) => register === epilogue.pops[i]!.register)
    if (!same) {
      const why = 'its instructions are not the recorded ones'
      throw new Win64UnwindError({ code: 'epilogue-form', why }, epilogue.last)
    }
  }
}

function partAt(record: FrameRecord, offset: number): { readonly begin: number; readonly end: number } {
  const whole = { begin: 0, end: record.codeSize }
  return record.parts?.find(({ begin, end }) => offset >= begin && offset < end) ?? whole
}
