/** DWARF call-frame information: written from frame records or from operations, read, walked and printed. */

export type { AddressBytes, DwarfArchitecture, DwarfRegister } from './architecture.ts'
export { buildLsda, type LsdaHandler, type LsdaOptions, type LsdaRegion, type LsdaType } from './build-lsda.ts'
export { assembleDebugFrame, type DebugFrameOptions } from './debug-frame.ts'
export {
  type CommonInformationEntry,
  decodeFrames,
  type FrameDescriptionEntry,
  type FrameEntry,
  type FrameTable,
  type FrameTableOptions,
  type FrameTerminator,
  instructionsOf,
} from './decode.ts'
export { decodeLsda } from './decode-lsda.ts'
export {
  type CfiDirective,
  type Dialect,
  type DirectiveHeader,
  type DirectiveOptions,
  type EncodedDirectives,
  encodeDirectives,
  type ProgramAddress,
} from './directives.ts'
export { assembleEhFrame, type EhFrameOptions } from './eh-frame.ts'
export {
  decodeEhFrameHdr,
  type EhFrameHdr,
  encodeEhFrameHdr,
  type HdrFunction,
  searchEhFrameHdr,
} from './eh-frame-hdr.ts'
export { type PartProgram, ProgramEncoder, type ProgramOptions } from './encode.ts'
export { encodeRows } from './encode-rows.ts'
export { encodeUnwindRows, type UnwindRowOptions } from './encode-unwind-rows.ts'
export { DwarfUnwindError, type DwarfUnwindPlace, type DwarfUnwindProblem } from './errors.ts'
export { type ExplainedInstruction, explainRow, type RowExplanation } from './explain.ts'
export {
  decodeExpression,
  type ExpressionContext,
  type ExpressionOperation,
  evaluateExpression,
  printExpression,
} from './expression.ts'
export {
  createDwarfFormat,
  type DwarfFormat,
  type DwarfFormatOptions,
  type DwarfFunctionUnwind,
  type DwarfMachineState,
  dwarf,
  type FrameDescriptionOptions,
  frameDescriptions,
  type PointerForm,
} from './format.ts'
export type { DwarfSection, FrameDescription, FrameSectionOptions } from './frame-section.ts'
export { type LandingPad, landingPadAt } from './landing-pad.ts'
export { type FoundEntry, type FrameReadOptions, findEntry, frameSections } from './lookup.ts'
export {
  type DecodedLsda,
  encodeLsda,
  type Lsda,
  type LsdaAction,
  type LsdaCallSite,
  type LsdaTables,
} from './lsda.ts'
export type { CallFrameInstruction, CallFrameOperation, PlacedOperation } from './operations.ts'
export type { DwarfRelocation, EncodedPointer, EncodedSymbol } from './pointer-encoding.ts'
export { printCfa, printEntry, printFrames, printOperation, printProgram, printRows, printRule } from './print.ts'
export { dwarfRegister, dwarfX64, hardwareRegister, registerName } from './registers.ts'
export { dwarfAarch64 } from './registers-aarch64.ts'
export {
  type CallFrameRow,
  type CallFrameRule,
  type CfaRule,
  callFrameRowAt,
  callFrameRows,
  type RowOptions,
} from './rows.ts'
export {
  buildRunTimeImage,
  measureRunTimeImage,
  type RunTimeFunction,
  type RunTimeImage,
  type RunTimeOptions,
} from './run-time/image.ts'
export {
  encodeJitCodeEntry,
  encodeJitDescriptor,
  encodeJitElf,
  type JitCode,
  type JitElf,
  type JitSymbol,
} from './run-time/jit-elf.ts'
export {
  type JitDumpCode,
  jitDumpClose,
  jitDumpCodeLoad,
  jitDumpHeader,
  jitDumpImageAddress,
  jitDumpUnwindingInfo,
} from './run-time/jitdump.ts'
export { linkSection } from './run-time/link.ts'
export {
  DYN_INFO_BYTES,
  type DynInfoRegistration,
  dynInfoOf,
  type Registration,
  type RegistrationCall,
  registrationOf,
  type Unwinder,
  unwindersOf,
} from './run-time/registration.ts'
export { type CallerFrame, type DwarfRegisters, type UnwindReader, unwindFrame } from './unwind.ts'
export { asUnwindRows } from './unwind-rows.ts'
