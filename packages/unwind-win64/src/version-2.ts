/**
 * Version 2: EPILOG codes, which say where the epilogues of a range are. The system then reads no instruction; inside an
 * epilogue it undoes the pushes that have not been popped yet, in array order, counting one byte for each pop of a
 * register below r8 and two for the others. So an epilogue must pop exactly what was pushed, mirrored.
 */

import { UWOP_ALLOC_SMALL, UWOP_PUSH_NONVOL } from './constants.ts'
import type { EpilogueShape } from './epilogue.ts'
import { Win64UnwindError } from './errors.ts'
import type { EpilogueCodes, UnwindCode } from './unwind-info.ts'

/**
 * The EPILOG codes of a range that ends at `rangeEnd`; null for a range without an epilogue.
 *
 * @param codes - of the record with the pushes.
 * @throws Win64UnwindError 'epilogue-form' for an epilogue that is not the mirror of the pushes.
 */
export function epilogueCodes(
  epilogues: readonly EpilogueShape[],
  codes: readonly UnwindCode[],
  rangeEnd: number,
): EpilogueCodes | null {
  if (epilogues.length === 0) return null
  const pushes = codes.filter((code) => code.operation === UWOP_PUSH_NONVOL)
  let size = 1
  for (const push of pushes) size += push.info < 8 ? 1 : 2
  const first = codes.findIndex((code) => code.operation === UWOP_PUSH_NONVOL)
  if (pushes.some((push, i) => codes[first + i] !== push)) {
    const why = 'the pushes do not follow one another'
    throw new Win64UnwindError({ code: 'epilogue-form', why }, epilogues[0]!.event)
  }
  for (const epilogue of epilogues) checkMirror(epilogue, pushes, codes)
  const starts = epilogues.map((epilogue) => epilogue.popStart).sort((a, b) => b - a)
  const last = epilogues.reduce((a, b) => (b.popStart > a.popStart ? b : a))
  // Bit 0 says that the last epilogue's one-byte exit is the last byte of the range.
  const atEnd = last.end === rangeEnd && last.popStart + size === rangeEnd
  // Ranges have been cut so that all distances fit (`body-ranges.ts`).
  const distances = (atEnd ? starts.slice(1) : starts).map((start) => rangeEnd - start)
  return { size, atEnd, distances }
}

function checkMirror(epilogue: EpilogueShape, pushes: readonly UnwindCode[], codes: readonly UnwindCode[]): void {
  const fail = (why: string): never => {
    throw new Win64UnwindError({ code: 'epilogue-form', why }, epilogue.event)
  }
  const { pops } = epilogue
  if (!epilogue.moves && pushes.length === 0 && codes.length > 0) {
    fail('SP is not where it was on entry')
  }
  if (pops.length !== pushes.length) fail(`it pops ${pops.length} registers where ${pushes.length} were pushed`)
  for (let i = 0; i < pops.length; i++) {
    const { register, length } = pops[i]!
    if (register !== pushes[i]!.info) fail('it does not pop the registers in the order that undoes the pushes')
    if (length !== (register < 8 ? 1 : 2)) fail('a pop is longer than it has to be')
  }
  // The walk in an epilogue takes an ALLOC_SMALL 8 behind the pushes for flags that are popped as well.
  const outermost = codes.at(-1)
  if (
    outermost !== undefined &&
    outermost.operation === UWOP_ALLOC_SMALL &&
    outermost.info === 0 &&
    pushes.length > 0
  ) {
    fail('8 bytes were allocated before the pushes, which is taken for pushed flags')
  }
}
