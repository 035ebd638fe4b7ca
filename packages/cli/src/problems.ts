// What the packages throw, as diagnostics. A typed error says that the input is wrong; anything else is a mistake of ours
// and passes through.

import { IrSyntaxError } from '@framewright/ir'
import { FileError } from './host.ts'
import type { Diagnostic } from './report.ts'

/** Several things are wrong with the input: exit code 1. */
export class InputError extends Error {
  override readonly name = 'InputError'
  readonly diagnostics: readonly Diagnostic[]
  /** Text of the files that the diagnostics are about, by name. */
  readonly sources: ReadonlyMap<string, string>

  constructor(diagnostics: readonly Diagnostic[], sources: ReadonlyMap<string, string> = new Map()) {
    super(diagnostics.map(({ message }) => message).join('; '))
    this.diagnostics = diagnostics
    this.sources = sources
  }
}

/** Where in the text something is. */
export interface TextPlace {
  readonly line: number
  readonly column: number
}

/**
 * The diagnostic that a typed error of any of the packages is.
 *
 * @param place - where in the file, when the error does not say.
 * @returns null for an error that is none of theirs.
 */
export function diagnosticOf(error: unknown, file: string, place: TextPlace | null = null): Diagnostic | null {
  if (error instanceof IrSyntaxError) {
    const { line, column, problem } = error
    const prefix = `${error.file}:${line}:${column}: `
    const message = error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message
    return { severity: 'error', file, line, column, message, code: problem.code }
  }
  if (error instanceof FileError) {
    const message = error.message.slice(error.path.length + 2)
    return { severity: 'error', file: error.path, line: 0, column: 0, message, code: error.code }
  }
  const code = problemCode(error)
  if (code === null) return null
  const { line, column } = place ?? { line: 0, column: 0 }
  return { severity: 'error', file, line, column, message: (error as Error).message, code }
}

/** Every error class of ours, and of a stranger's format, has a `problem` with a `code`. */
export function problemCode(error: unknown): string | null {
  if (!(error instanceof Error) || !('problem' in error)) return null
  const problem: unknown = error.problem
  if (typeof problem !== 'object' || problem === null || !('code' in problem)) return null
  return typeof problem.code === 'string' ? problem.code : null
}
