// CLIF text to checked functions.

import { type Function, verifyFunction } from '@framewright/ir'
import { type ParsedFile, parseFile } from '@framewright/ir/text'
import { diagnosticOf } from './problems.ts'
import type { Diagnostic } from './report.ts'

export interface CheckedFile {
  readonly parsed: ParsedFile | null
  readonly functions: readonly Function[]
  readonly diagnostics: readonly Diagnostic[]
}

/** Parses and verifies; what is wrong is in the diagnostics, in the order of the text. */
export function checkText(text: string, file: string): CheckedFile {
  let parsed: ParsedFile
  try {
    parsed = parseFile(text, { file })
  } catch (error) {
    const diagnostic = diagnosticOf(error, file)
    if (diagnostic === null) throw error
    return { parsed: null, functions: [], diagnostics: [diagnostic] }
  }
  const diagnostics = parsed.functions.flatMap((func) =>
    verifyFunction(func).map(
      ({ entity, message, line, column }): Diagnostic => ({
        ...{ severity: 'error', file, line, column, message: `${entity}: ${message}`, entity, code: 'verifier' },
      }),
    ),
  )
  return { parsed, functions: parsed.functions, diagnostics }
}
