/** CLIF's file tests. */

export { FileTestError, type FileTestProblem } from './errors.ts'
export {
  type FileTestFailure,
  type FileTestOptions,
  type FileTestResult,
  runDirective,
  runFileTests,
} from './file-test.ts'
export { type FilecheckFailure, filecheck } from './filecheck.ts'
export { parseLiteral, printLiteral } from './literals.ts'
export { parseLiterals, printLiterals, type RunDirective, runDirectiveOf, runDirectives } from './run-directive.ts'
