/** SFrame: where the CFA, the return address and the frame pointer are, for stack traces. */

export { type AssembleOptions, assembleSection, type SFrameStarts } from './assemble.ts'
export type { SFrameVersion } from './constants.ts'
export {
  type DecodeOptions,
  decodeSFrame,
  decodeSFrameTables,
  type SFrameFunction,
  type SFrameTable,
} from './decode.ts'
export { encodeRecord, type SFrameFunctionUnwind, type SFramePartRows } from './encode.ts'
export { SFrameError, type SFramePlace, type SFrameProblem } from './errors.ts'
export { createSFrameFormat, type SFrameFormat, type SFrameFormatOptions, sframe, sframeV1 } from './format.ts'
export { printFunction, printSFrame } from './print.ts'
export { readRows } from './read-rows.ts'
export { type SFrameRow, type SFrameRule, sameRow } from './row.ts'
export { type FoundRow, findRow, type SFrameMachineState } from './unwind.ts'
export { unwindRowsOf } from './unwind-rows.ts'
