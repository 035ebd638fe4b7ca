/** Apple's compact unwind for x86-64, written, read and walked. */

export { encodeUnwindInfo, type UnwindInfoContent } from './build-unwind-info.ts'
export { type CompactRange, encodeRanges } from './encode.ts'
export {
  type CompactEncoding,
  type CompactFrame,
  compactRegisters,
  decodeEncoding,
  encodeEncoding,
} from './encoding.ts'
export { CompactUnwindError, type CompactUnwindProblem } from './errors.ts'
export {
  type CompactDecodedFunction,
  type CompactFormat,
  type CompactFormatOptions,
  type CompactFunctionUnwind,
  type CompactMachineState,
  compact,
  createCompactFormat,
  machOSectionNames,
} from './format.ts'
export { type CompactEntry, entryAt, imageEntries } from './image-entries.ts'
export { type LinkOptions, linkRows, linkUnwindInfo } from './link.ts'
export {
  type CompactUnwindRow,
  decodeObjectRows,
  encodeObjectRows,
  type ObjectRow,
  type SymbolPlace,
} from './object-rows.ts'
export { printEncoding, printRanges } from './print.ts'
export type { Precision } from './ranges.ts'
export { type FrameOfRow, frameOfRow, rowOfFrame, type StackImmediate } from './rows.ts'
export { type DescribedFrame, unwindFrame } from './unwind.ts'
export {
  decodeUnwindInfo,
  searchUnwindInfo,
  type UnwindInfo,
  type UnwindInfoEntry,
  type UnwindInfoPage,
} from './unwind-info.ts'
