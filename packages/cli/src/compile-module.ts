// CLIF text to compiled functions. Everything that is wrong with the file is found before anything is returned.

import {
  applySetting,
  CodegenError,
  type CompiledFunction,
  Compiler,
  defaultSettings,
  type Settings,
  settingNames,
} from '@framewright/codegen-x64'
import { type UnwindFormat, type UnwindRow, unwindRows } from '@framewright/frame-layout'
import type { Function } from '@framewright/ir'
import type { ParsedFile } from '@framewright/ir/text'
import { optimizeModule } from '@framewright/opt'
import { UsageError } from './arguments.ts'
import { diagnosticOf, InputError, type TextPlace } from './problems.ts'
import type { Diagnostic } from './report.ts'
import { parseSetting, type Setting } from './settings.ts'
import { checkText } from './source-file.ts'
import { suggest } from './suggest.ts'
import type { CallingConvention, Target } from './target.ts'

export interface ModuleRequest {
  /** As diagnostics name it. */
  readonly file: string
  readonly text: string
  readonly target: Target
  readonly optLevel: 0 | 2
  readonly settings: readonly Setting[]
  /** Describes the frames of either convention; null for no unwind data. */
  readonly format: UnwindFormat | null
}

/** What the code generator gives, and what the listings want to know besides. */
export interface ModuleFunction extends CompiledFunction {
  readonly convention: CallingConvention
  readonly func: Function
  /** The rows of the record. */
  readonly rows: readonly UnwindRow[]
}

/**
 * Parses, verifies and compiles a file.
 *
 * @throws InputError with every diagnostic; UsageError for a setting of the command line that makes no sense.
 */
export function compileModule(request: ModuleRequest): ModuleFunction[] {
  const { file, text, target, format } = request
  const sources = new Map([[file, text]])
  const { parsed, functions, diagnostics } = checkText(text, file)
  if (parsed === null || diagnostics.length > 0) throw new InputError(diagnostics, sources)
  const settings = fileSettings(parsed, request, sources)
  optimizeModule(functions, { level: request.optLevel })
  const compiler = new Compiler({
    ...{ target: target.triple, settings },
    unwindFormats: { system_v: format, windows_fastcall: format },
  })
  const compiled: ModuleFunction[] = []
  const problems: Diagnostic[] = []
  const seen = new Map<string, TextPlace | null>()
  for (const func of functions) {
    try {
      const result = compiler.compile(func)
      const place = placeOf(func, -1)
      if (seen.has(result.name)) {
        const message = `the symbol '${result.name}' is defined twice in this file`
        problems.push({
          severity: 'error',
          file,
          ...(place ?? { line: 0, column: 0 }),
          message,
          code: 'duplicate-symbol',
        })
      }
      seen.set(result.name, place)
      const named = func.signature.callConv
      const convention = named === 'system_v' || named === 'windows_fastcall' ? named : target.convention
      compiled.push({ ...result, convention, func, rows: unwindRows(result.frame) })
    } catch (error) {
      const inst = error instanceof CodegenError ? (error.place?.inst ?? -1) : -1
      const diagnostic = diagnosticOf(error, file, placeOf(func, inst))
      if (diagnostic === null) throw error
      problems.push(diagnostic)
    }
  }
  if (problems.length > 0) throw new InputError(problems, sources)
  return compiled
}

/** Where an instruction, or with -1 the function, was written. */
function placeOf({ source }: Function, inst: number): TextPlace | null {
  if (source === null) return null
  const offset = source.instOffset(inst)
  return source.source.place(offset >= 0 ? offset : source.offset)
}

/** The settings of the file's header, then those of the command line over them. */
function fileSettings({ header }: ParsedFile, request: ModuleRequest, sources: Map<string, string>): Settings {
  const settings = defaultSettings()
  const target = header.targets.find(({ triple }) => triple.startsWith('x86_64'))
  for (const text of [...(target?.settings ?? header.settings), ...(target?.options ?? [])]) {
    try {
      const { name, value } = parseSetting(text)
      applySetting(settings, name, value)
    } catch (error) {
      const diagnostic = diagnosticOf(
        error,
        request.file,
        target === undefined ? null : { line: target.line, column: 1 },
      )
      if (diagnostic === null) throw error
      throw new InputError([diagnostic], sources)
    }
  }
  applySettings(settings, [
    { name: 'opt_level', value: request.optLevel === 0 ? 'none' : 'speed' },
    ...request.settings,
  ])
  return settings
}

/** @throws UsageError for an unknown setting, or a value that it cannot have. */
export function applySettings(settings: Settings, given: readonly Setting[]): void {
  for (const { name, value } of given) {
    try {
      applySetting(settings, name, value)
    } catch (error) {
      if (!(error instanceof CodegenError)) throw error
      const meant = settingNames.includes(name) ? undefined : suggest(name, settingNames)
      throw new UsageError(`--set ${name}: ${error.message}${meant === undefined ? '' : `; did you mean '${meant}'?`}`)
    }
  }
}
