// framewright compile: CLIF to objects, assembly, JSON or CLIF again.

import { type CommandRow, listed, UsageError } from '../arguments.ts'
import { type CompileJob, type CompileResult, type Emit, emits, runJob } from '../compile-job.ts'
import { type Context, type Input, printJson, readInput, textOf } from '../context.ts'
import { builtInFormats } from '../formats.ts'
import type { OutputFile } from '../host.ts'
import { InputError } from '../problems.ts'
import { Progress } from '../progress.ts'
import { counted, type Diagnostic } from '../report.ts'
import { parseSetting } from '../settings.ts'
import { findTarget, hostTarget, type Target, targets } from '../target.ts'

export const compileRow: CommandRow = {
  name: 'compile',
  usage: '[OPTIONS] IN.clif...',
  summary: 'compile CLIF to an ELF or COFF object, assembly, JSON or CLIF',
  options: [
    { long: 'output', short: 'o', value: 'OUT', help: "where to write; '-' is standard output" },
    {
      long: 'target',
      value: 'TRIPLE',
      help: `${listed(targets.map(({ triple }) => triple))}; this machine's by default`,
    },
    { long: 'emit', value: 'WHAT', choices: emits, help: 'obj (the default), asm, json or clif' },
    {
      long: 'optimize',
      short: 'O',
      value: 'LEVEL',
      choices: ['0', '2'],
      help: '0: compile quickly; 2 (the default): good code',
    },
    { long: 'set', value: 'NAME[=VALUE]', repeatable: true, help: 'a code generation setting, as in CLIF files' },
    {
      long: 'unwind',
      value: 'FORMAT',
      help: `${listed([...builtInFormats.map(({ name }) => name), 'none'])}, the path of a module with an UnwindFormat, or several with commas: each function in the first that can describe it; the target's by default`,
    },
    {
      long: 'jobs',
      short: 'j',
      value: 'N',
      help: 'compile that many files at a time; by default as many as there are processors',
    },
  ],
  details: [
    "IN and OUT may be '-'. Without -o the output lies beside its input, with the extension that it deserves (.o, .obj, " +
      ".s, .json, .clif), or goes to standard output when the input is '-'. The triple decides between ELF and COFF, and " +
      'which convention functions have that name none. Outputs are whole or absent: nothing is written unless every input ' +
      'compiles.',
  ],
  examples: [
    'framewright compile fib.clif -o fib.o --target x86_64-unknown-linux-gnu',
    'framewright compile *.clif --target x86_64-pc-windows-msvc',
    'framewright compile fib.clif --emit asm -o -',
    'framewright compile fib.clif --set preserve_frame_pointers --unwind none',
  ],
}

const extensions: Readonly<Record<Exclude<Emit, 'obj'>, string>> = { asm: '.s', json: '.json', clif: '.clif' }

interface Planned {
  readonly input: string
  readonly output: string
}

export async function compileCommand(context: Context): Promise<number> {
  const { host, args, json, verbose } = context
  const { values, lists, inputs } = args
  const target = values.has('target') ? findTarget(values.get('target') as string) : hostTarget(host.platform)
  const emit = (values.get('emit') ?? 'obj') as Emit
  const planned = planOutputs(inputs, values.get('output'), emit, target, context)
  if (json && planned.some(({ output }) => output === '-')) {
    throw new UsageError('--json needs standard output for itself: name an output with -o')
  }
  const options = {
    ...{ triple: target.triple, emit },
    optLevel: values.get('optimize') === '0' ? (0 as const) : (2 as const),
    settings: (lists.get('set') ?? []).map(parseSetting),
    unwind: values.get('unwind') ?? target.unwindFormat,
  }
  const read: Input[] = []
  for (const { input } of planned) read.push(await readInput(input, host))
  const jobs = read.map((input): CompileJob => ({ ...options, file: input.name, text: textOf(input) }))
  const started = performance.now()
  const results = await runJobs(jobs, context)

  const diagnostics: Diagnostic[] = results.flatMap((result) => (result.ok ? [] : result.diagnostics))
  if (diagnostics.length > 0) {
    throw new InputError(diagnostics, new Map(jobs.map((job) => [job.file, job.text])))
  }
  const done = results.filter((result) => result.ok)
  const files: OutputFile[] = []
  for (const [index, { bytes }] of done.entries()) {
    if (planned[index].output === '-') host.stdout.write(bytes)
    else files.push({ path: planned[index].output, bytes })
  }
  host.writeFiles(files)
  if (verbose) {
    const milliseconds = Math.round(performance.now() - started)
    const functions = done.reduce((sum, each) => sum + each.functions.length, 0)
    host.stderr.write(`${counted(functions, 'function')} of ${counted(done.length, 'file')} in ${milliseconds} ms\n`)
    for (const { input, output } of planned) host.stderr.write(`${input} -> ${output}\n`)
  }
  if (json) {
    const outputs = planned.map((each, index) => {
      return { ...each, size: done[index].bytes.length, functions: done[index].functions }
    })
    printJson({ ok: true, target: target.triple, emit, outputs, diagnostics: [] }, context)
  }
  return 0
}

/** Which input goes where. @throws UsageError before anything is read. */
function planOutputs(
  inputs: readonly string[],
  named: string | undefined,
  emit: Emit,
  target: Target,
  { host }: Context,
): Planned[] {
  if (inputs.length === 0) throw new UsageError("compile needs an input; '-' is standard input")
  if (inputs.filter((input) => input === '-').length > 1) throw new UsageError("'-' can be an input only once")
  if (named !== undefined && inputs.length > 1) {
    throw new UsageError('-o names one output, and there are several inputs; without -o each lies beside its input')
  }
  const extension = emit === 'obj' ? target.objectExtension : extensions[emit]
  const planned = inputs.map((input) => {
    const output = named ?? (input === '-' ? '-' : input.replace(/(?<=[^/\\])\.clif$/, '') + extension)
    return { input, output }
  })
  for (const [index, { input, output }] of planned.entries()) {
    if (output === '-') {
      if (emit === 'obj' && host.stdout.isTerminal) {
        throw new UsageError('an object is not for a terminal: name a file with -o, or choose --emit asm')
      }
      continue
    }
    for (const other of planned) {
      if (other.input !== '-' && host.samePath(other.input, output)) {
        throw new UsageError(`the output ${output} would replace the input ${other.input}; name another with -o`)
      }
    }
    const twin = planned.findIndex((other) => other.output !== '-' && host.samePath(other.output, output))
    if (twin < index) throw new UsageError(`${planned[twin].input} and ${input} would both be written to ${output}`)
  }
  return planned
}

/** In threads when there are several; in the order of the inputs. */
async function runJobs(jobs: readonly CompileJob[], { host, args, errorStyle }: Context): Promise<CompileResult[]> {
  void errorStyle
  const asked = args.values.get('jobs')
  if (asked !== undefined && !/^[1-9]\d{0,3}$/.test(asked))
    throw new UsageError(`--jobs takes a number, not '${asked}'`)
  const count = Math.min(jobs.length, asked === undefined ? host.processors : Number(asked))
  const workers = count > 1 ? host.startWorkers(count) : null
  const progress = new Progress(host.stderr, 'compiling', jobs.length)
  try {
    const run = async (job: CompileJob): Promise<CompileResult> => {
      const result =
        workers === null ? await runJob(job, host.importModule) : ((await workers.run(job)) as CompileResult)
      progress.step(job.file)
      return result
    }
    if (workers !== null) return await Promise.all(jobs.map(run))
    const results: CompileResult[] = []
    for (const job of jobs) results.push(await run(job))
    return results
  } finally {
    progress.end()
    workers?.close()
  }
}
