/** From CLIF functions to x86-64 machine code with a record of its frames. */

export { type CompileOptions, Compiler, compileFunction, type StageTimes } from './compile.ts'
export { defaultFormats } from './default-formats.ts'
export type { CompiledFunction, Relocation, RelocationKind } from './emit/result.ts'
export { CodegenError, type CodegenPlace, type CodegenProblem } from './errors.ts'
export { type ConventionName, type TargetTriple, targetTriples, type UnwindFormats } from './options.ts'
export { applySetting, defaultSettings, type Settings, settingNames } from './settings.ts'
