/** The Windows x64 unwind format: UNWIND_INFO and RUNTIME_FUNCTION from a frame record, and back. */

export {
  operationNames,
  UNW_FLAG_CHAININFO,
  UNW_FLAG_EHANDLER,
  UNW_FLAG_LARGE,
  UNW_FLAG_UHANDLER,
  UWOP_ALLOC_LARGE,
  UWOP_ALLOC_SMALL,
  UWOP_EPILOG,
  UWOP_PUSH_MACHFRAME,
  UWOP_PUSH_NONVOL,
  UWOP_SAVE_NONVOL,
  UWOP_SAVE_NONVOL_FAR,
  UWOP_SAVE_XMM128,
  UWOP_SAVE_XMM128_FAR,
  UWOP_SET_FPREG,
  UWOP_SPARE_CODE,
} from './constants.ts'
export { decodeFunctionTable, decodeUnwindInfo } from './decode.ts'
export { encodeFrame, type Win64EncodeOptions, type Win64Fragment, type Win64FunctionUnwind } from './encode.ts'
export type { Win64Version } from './encode-range.ts'
export { Win64UnwindError, type Win64UnwindProblem } from './errors.ts'
export {
  type EpilogueExplanation,
  type ExplainOptions,
  explainEpilogue,
  explainExit,
  type WineVerdict,
} from './explain.ts'
export type { Finding, FindingCode } from './finding.ts'
export {
  decodeImage,
  type Win64DecodedFunction,
  type Win64DecodeOptions,
  type Win64Format,
  win64Format,
} from './format.ts'
export { assembleTables, type Win64AssembleOptions } from './function-table.ts'
export type { AnyUnwindInfo } from './image.ts'
export { R16 } from './machine.ts'
export { printUnwind, printUnwindInfo } from './print.ts'
export { type PrologueCodes, type PrologueOperation, type PrologueRules, prologueCodes } from './prologue.ts'
export {
  type CodeReader,
  isEpilogue,
  type LeavesFunction,
  type NotEpilogue,
  type RecognisedEpilogue,
  recogniseEpilogue,
} from './recognise.ts'
export {
  buildRuntimeImage,
  type RuntimeCode,
  RuntimeImage,
  type RuntimeImageOptions,
  type RuntimeRegion,
  type RuntimeWrite,
  type SystemCall,
} from './runtime-image.ts'
export {
  type DecodedScope,
  decodeScopeTable,
  encodeScopeTable,
  type Scope,
  type ScopeFault,
  type ScopePlace,
  type ScopeRow,
  type ScopeTable,
  type ScopeTableOptions,
  scopeFaults,
} from './scope-table.ts'
export {
  unwindFrame,
  type Win64System,
  type Win64UnwindOptions,
  type Win64UnwindStep,
} from './unwind.ts'
export {
  type EpilogueCodes,
  encodeUnwindInfo,
  operandBytes,
  type RuntimeFunction,
  type UnwindCode,
  type UnwindInfo,
} from './unwind-info.ts'
export { type ValidateImageOptions, validateFunctionTable, validateImage } from './validate.ts'
export { type ValidateInfoOptions, validateUnwindInfo } from './validate-info.ts'
export {
  decodeUnwindInfo3,
  type EpilogueDescriptor,
  type EpilogueSteps,
  encodeUnwindInfo3,
  type UnwindInfo3,
} from './version-3.ts'
export { unwindInfo3, type Winding, type WindingEpilogue, type WindingOperation } from './version-3-build.ts'
export type { OperationKind3, UnwindOperation3 } from './version-3-operations.ts'
