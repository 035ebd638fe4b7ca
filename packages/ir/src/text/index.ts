export type { FloatWidth } from './floats.ts'
export { parseFloatBits, printFloatBits } from './floats.ts'
export type { FeatureLine, FileHeader, TargetLine, TestLine } from './header.ts'
export { printInteger, printOffset } from './integers.ts'
export type { OpenFile, ParsedFile, ParseOptions } from './parser.ts'
export { openFile, parseFile, parseFunctions, parseModule } from './parser.ts'
export type { PrintInstOptions, PrintOptions } from './printer.ts'
export {
  printBlock,
  printBlockHeader,
  printFunction,
  printGlobalValue,
  printInst,
  printValue,
} from './printer.ts'
