/** Stack frames as data: records, what they mean, how they are laid out, and the interface of unwind formats. */

export { runsTowards } from './ahead.ts'
export type { FrameArchitecture, InterruptFrame, Register } from './architecture.ts'
export { FrameError, type FrameProblem } from './errors.ts'
export { type Fit, firstFitting, fit, fitFirst, type Refusal } from './fit.ts'
export type {
  DecodedFunction,
  EncodeOptions,
  FunctionUnwind,
  LoadedSection,
  MachineState,
  PlacedPart,
  ReadMemory,
  UnwindFormat,
  UnwindImage,
  UnwindRelocation,
  UnwindSection,
  UnwoundFunction,
} from './format.ts'
export { knownArchitecture } from './known-architectures.ts'
export { loadImage } from './load-image.ts'
export { drawFrame, type FramePicture, type PictureSlot, pictureOf } from './picture.ts'
export { drawFrameSvg } from './picture-svg.ts'
export { type FrameArea, type FramePlan, type FrameRequest, planFrame } from './plan.ts'
export { printRow, printRows } from './print-rows.ts'
export type {
  FrameAction,
  FrameEvent,
  FrameEventKind,
  FrameEventPlace,
  FramePart,
  FrameRecord,
  FrameRegion,
} from './record.ts'
export { type FinishOptions, FrameRecorder } from './recorder.ts'
export { AARCH64_FP, AARCH64_LR, AARCH64_PC, AARCH64_SP, AARCH64_V0, aarch64 } from './registers-aarch64.ts'
export {
  R8,
  R9,
  R10,
  R11,
  R12,
  R13,
  R14,
  R15,
  RAX,
  RBP,
  RBX,
  RCX,
  RDI,
  RDX,
  RETURN_ADDRESS,
  RSI,
  RSP,
  XMM0,
  x64,
} from './registers-x64.ts'
export {
  type CfaRule,
  partRows,
  partsOf,
  type RegisterRule,
  rowAt,
  sameCfa,
  sameRule,
  sameState,
  type UnwindRow,
  unwindRows,
} from './rows.ts'
export { frameRecordSchema, type JsonSchema } from './schema.ts'
export { entryState, FrameState, UNKNOWN } from './state.ts'
export { parseRecord, printRecord } from './text.ts'
export { checkRecord } from './validate.ts'
