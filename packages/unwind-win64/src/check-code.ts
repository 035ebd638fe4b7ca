/** Recorded epilogues against the machine code itself: every instruction of each must be recognised for what it is. */

import { Win64UnwindError } from './errors.ts'
import { isEpilogue, recogniseEpilogue } from './recognise.ts'
import type { FrameShape } from './shape.ts'

/** @throws Win64UnwindError 'epilogue-form' for an exit that the system would take for body. */
export function verifyEpilogueBytes(shape: FrameShape, code: Uint8Array, codeSize: number): void {
  let frameRegister = 0
  for (const operation of shape.operations) {
    if (operation.kind === 'set-frame') frameRegister = operation.register
  }
  for (const epilogue of shape.epilogues) {
    if (!epilogue.moves) continue
    // Where the header names no frame register (`shape.ts` says when), `lea rsp, [register + n]` is body, rightly so.
    const start = epilogue.restoresSp && frameRegister === 0 ? epilogue.popStart : epilogue.start
    const found = recogniseEpilogue(
      (offset) => code[start + offset],
      frameRegister,
      (target) => start + target < 0 || start + target >= codeSize || start + target === 0,
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
