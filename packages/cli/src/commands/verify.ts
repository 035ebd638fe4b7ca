// framewright verify: everything that is wrong with a file, each with its line.

import type { CommandRow } from '../arguments.ts'
import { UsageError } from '../arguments.ts'
import { type Context, printJson, readInput, textOf } from '../context.ts'
import { diagnosticOf, InputError } from '../problems.ts'
import { counted, type Diagnostic, reportDiagnostics } from '../report.ts'
import { checkText } from '../source-file.ts'

export const verifyRow: CommandRow = {
  name: 'verify',
  usage: '[OPTIONS] IN.clif...',
  summary: 'check CLIF files and show every diagnostic with its line',
  options: [],
  details: [
    "IN may be '-' for standard input. A file that cannot be parsed has one diagnostic, the first thing that is no CLIF; " +
      'one that can has all that the verifier finds. The exit code is 1 when there is any.',
  ],
  examples: ['framewright verify fib.clif', 'framewright verify --json *.clif'],
}

export async function verifyCommand(context: Context): Promise<number> {
  const { host, args, json, errorStyle } = context
  if (args.inputs.length === 0) throw new UsageError('verify needs an input')
  const all: Diagnostic[] = []
  const sources = new Map<string, string>()
  const files: { file: string; functions: number; diagnostics: readonly Diagnostic[] }[] = []
  for (const path of args.inputs) {
    let name = path
    let functions = 0
    let diagnostics: readonly Diagnostic[]
    try {
      const input = await readInput(path, host)
      name = input.name
      const text = textOf(input)
      sources.set(name, text)
      const checked = checkText(text, name)
      functions = checked.functions.length
      diagnostics = checked.diagnostics
    } catch (error) {
      const typed = error instanceof InputError ? null : diagnosticOf(error, name)
      if (error instanceof InputError) diagnostics = error.diagnostics
      else if (typed !== null) diagnostics = [typed]
      else throw error
    }
    files.push({ file: name, functions, diagnostics })
    for (const each of diagnostics) all.push(each)
  }
  if (json) printJson({ ok: all.length === 0, files, diagnostics: all }, context)
  else if (all.length > 0) reportDiagnostics(all, sources, host.stderr, errorStyle)
  else {
    const functions = files.reduce((sum, file) => sum + file.functions, 0)
    const what = files.length === 1 ? files[0].file : counted(files.length, 'file')
    host.stdout.write(`${what}: ${counted(functions, 'function')}, ${context.style('green', 'all well formed')}\n`)
  }
  return all.length > 0 ? 1 : 0
}
