// framewright run: calls functions of a CLIF file in the interpreter.

import { FileTestError, parseLiterals, printLiterals, runDirective, runDirectives } from '@framewright/filetest'
import type { Outcome } from '@framewright/interpreter'
import { Interpreter } from '@framewright/interpreter'
import type { SourceText } from '@framewright/ir'
import { type Function as IrFunction, printExternalName } from '@framewright/ir'
import type { CommandRow } from '../arguments.ts'
import { UsageError } from '../arguments.ts'
import { type Context, onlyInput, printJson, readInput, textOf } from '../context.ts'
import { diagnosticOf, InputError } from '../problems.ts'
import { counted, type Diagnostic, reportDiagnostics } from '../report.ts'
import { checkText } from '../source-file.ts'

export const runRow: CommandRow = {
  name: 'run',
  usage: '[OPTIONS] IN.clif',
  summary: 'call functions of a CLIF file, in the interpreter',
  options: [
    {
      long: 'call',
      short: 'c',
      value: 'CALL',
      repeatable: true,
      help: "a call such as '%f(1, -2)'; may be given several times. Without it the file's run directives are executed",
    },
    { long: 'fuel', value: 'N', help: 'instructions that one call may execute; 100 million by default' },
  ],
  details: [
    'Arguments and results are literals as in CLIF files: 7, -1, 0x10, 0x1.8p3, +NaN, [1 2 3 4]. A result is printed as a ' +
      'run directive that holds: %f(1, -2) == 7. A trap is an error, with its place; the exit code is 1.',
  ],
  examples: ["framewright run fib.clif --call '%fib(10)'", 'framewright run tests.clif'],
}

interface CallResult {
  readonly text: string
  /** As a literal; null when there is none. */
  readonly results: string | null
  readonly diagnostic: Diagnostic | null
}

export async function runCommand(context: Context): Promise<number> {
  const { host, args, json, errorStyle } = context
  const input = await readInput(onlyInput(args.inputs, 'run'), host)
  const fuel = fuelOf(args.values.get('fuel'))
  const text = textOf(input)
  const sources = new Map([[input.name, text]])
  const { parsed, functions, diagnostics } = checkText(text, input.name)
  if (parsed === null || diagnostics.length > 0) throw new InputError(diagnostics, sources)
  const calls = args.lists.get('call')
  const file: RunFile = { name: input.name, functions, source: parsed.source, fuel }
  const results = calls === undefined ? directivesOf(file) : calls.map((call) => resultOf(file, call))
  if (results.length === 0) {
    throw new UsageError(`${input.name} has no run directives; name a call: --call '%f(1, 2)'`)
  }
  const failed = results.flatMap(({ diagnostic }) => (diagnostic === null ? [] : [diagnostic]))
  if (json) {
    const shown = results.map((each) => ({ call: each.text, results: each.results, ok: each.diagnostic === null }))
    printJson({ ok: failed.length === 0, input: input.name, calls: shown, diagnostics: failed }, context)
  } else {
    if (calls !== undefined) {
      for (const { text, results: values } of results) {
        if (values !== null) host.stdout.write(values === '' ? `${text}\n` : `${text} == ${values}\n`)
      }
    } else {
      const right = results.length - failed.length
      host.stdout.write(`${input.name}: ${right} of ${counted(results.length, 'run directive')} hold\n`)
    }
    if (failed.length > 0) reportDiagnostics(failed, sources, host.stderr, errorStyle)
  }
  return failed.length > 0 ? 1 : 0
}

interface RunFile {
  readonly name: string
  readonly functions: readonly IrFunction[]
  readonly source: SourceText
  readonly fuel: number
}

function fuelOf(value: string | undefined): number {
  if (value === undefined) return 100_000_000
  if (!/^\d{1,15}$/.test(value)) throw new UsageError(`--fuel needs a number of instructions, not '${value}'`)
  return Number(value)
}

function directivesOf(file: RunFile): CallResult[] {
  return file.functions.flatMap((func) => {
    let place = file.source.place(func.source?.offset ?? 0)
    const failure = (message: string): Diagnostic => diagnostic(file, message, place, 'directive')
    try {
      return runDirectives(func).map((directive): CallResult => {
        place = file.source.place(directive.offset)
        const wrong = runDirective(file.functions, func, directive, file.fuel)
        return { text: directive.text, results: null, diagnostic: wrong === null ? null : failure(wrong) }
      })
    } catch (error) {
      if (!(error instanceof FileTestError)) throw error
      return [{ text: '', results: null, diagnostic: failure(error.message) }]
    }
  })
}

/** Executes `%f(1, 2)`. */
function resultOf(file: RunFile, call: string): CallResult {
  const match = /^\s*(%\w*|u\d+:\d+|\w+)\s*(?:\((.*)\))?\s*$/.exec(call)
  if (match === null) throw new UsageError(`'${call}' is no call: one is written '%f(1, 2)'`)
  const [, written, list = ''] = match
  const name = /^(?:%|u\d+:)/.test(written) ? written : `%${written}`
  const func = file.functions.find((each) => printExternalName(each.name) === name)
  if (func === undefined) {
    const known = file.functions.map((each) => printExternalName(each.name)).slice(0, 20)
    throw new UsageError(`${file.name} has no function ${name}; there are ${known.join(', ')}`)
  }
  const { params, returns } = func.signature
  let args: bigint[]
  try {
    args = parseLiterals(
      list,
      params.map(({ type }) => type),
      call,
    )
  } catch (error) {
    if (error instanceof FileTestError) throw new UsageError(error.message)
    throw error
  }
  const failed = (message: string, code: string): CallResult => {
    return { text: call, results: null, diagnostic: diagnostic(file, `${call}: ${message}`, null, code) }
  }
  let outcome: Outcome
  try {
    outcome = new Interpreter(file.functions, { fuel: file.fuel }).call(name, args)
  } catch (error) {
    const known = diagnosticOf(error, file.name)
    if (known === null) throw error
    return failed(known.message, known.code ?? 'interpreter')
  }
  switch (outcome.kind) {
    case 'returned': {
      const types = returns.map(({ type }) => type)
      return { text: call, results: types.length === 0 ? '' : printLiterals(outcome.values, types), diagnostic: null }
    }
    case 'trapped':
      return failed(`trapped with ${outcome.name} in ${outcome.place}`, 'trap')
    case 'threw':
      return failed(`an exception with tag ${outcome.tag} was caught by nobody`, 'exception')
    case 'out-of-fuel':
      return failed(`not done after ${file.fuel} instructions; --fuel gives more`, 'fuel')
  }
}

function diagnostic(
  { name }: RunFile,
  message: string,
  place: { readonly line: number; readonly column: number } | null,
  code: string,
): Diagnostic {
  return { severity: 'error', file: name, line: place?.line ?? 0, column: place?.column ?? 0, message, code }
}
