// framewright test: the tests that CLIF files ask for in their headers.

import { type FileTestResult, runFileTests } from '@framewright/filetest'
import type { CommandRow } from '../arguments.ts'
import { UsageError } from '../arguments.ts'
import { type Context, printJson, readInput, textOf } from '../context.ts'
import { diagnosticOf, InputError } from '../problems.ts'
import { counted, type Diagnostic, reportDiagnostics } from '../report.ts'
import { padTo } from '../style.ts'

export const testRow: CommandRow = {
  name: 'test',
  usage: '[OPTIONS] FILE|FOLDER...',
  summary: 'run the tests that CLIF files ask for in their headers',
  options: [],
  details: [
    "Understood are 'test cat', 'print-cfg', 'domtree', 'verifier', 'interpret' and 'run' (in the interpreter), with " +
      'filecheck directives and run directives. Other commands are counted as not run. Of a FOLDER all files that end in ' +
      '.clif are tested, also those in folders in it. The exit code is 1 when a test fails, or when none was run.',
  ],
  examples: ['framewright test tests/', 'framewright test --json fib.clif'],
}

interface FileReport {
  readonly file: string
  readonly folder: string
  readonly tests: readonly FileTestResult[]
  readonly diagnostics: readonly Diagnostic[]
}

export async function testCommand(context: Context): Promise<number> {
  const { host, args, json, errorStyle, style } = context
  if (args.inputs.length === 0) throw new UsageError('test needs a file or a folder')
  const sources = new Map<string, string>()
  const reports: FileReport[] = []
  for (const input of args.inputs) {
    const files = host.isFolder(input) ? filesIn(input, context) : [input]
    for (const path of files) reports.push(await testFile(path, sources, context))
  }
  const failures = reports.flatMap(({ diagnostics }) => diagnostics)
  const all = reports.flatMap(({ tests }) => tests)
  const ran = all.filter(({ status }) => status !== 'not-run').length
  const ok = failures.length === 0 && ran > 0
  if (json) {
    const files = reports.map(({ file, tests }) => ({ file, tests }))
    printJson({ ok, folders: summaries(reports), files, diagnostics: failures }, context)
    return ok ? 0 : 1
  }
  if (failures.length > 0) reportDiagnostics(failures, sources, host.stderr, errorStyle)
  const rows = summaries(reports)
  const width = Math.max(...rows.map(({ folder }) => folder.length), 5)
  const line = (name: string, { files, passed, failed, notRun, checked }: Omit<Summary, 'folder'>): string => {
    const words = [counted(files, 'file'), style(failed > 0 ? 'red' : 'green', `${passed} passed, ${failed} failed`)]
    if (notRun > 0) words.push(`${notRun} not run`)
    return `${padTo(name, width)}  ${words.join(', ')} (${counted(checked, 'check')})\n`
  }
  for (const row of rows) host.stdout.write(line(row.folder, row))
  if (rows.length > 1) host.stdout.write(line('all', summaryOf(reports)))
  if (all.some(({ command, status }) => command === 'run' && status !== 'not-run')) {
    host.stdout.write(`'test run' went through the interpreter\n`)
  }
  const skipped = [...new Set(all.filter(({ status }) => status === 'not-run').map(({ command }) => command))]
  if (skipped.length > 0) host.stdout.write(`not run, for there is no such test here: ${skipped.sort().join(', ')}\n`)
  if (ran === 0) host.stderr.write('no test was run\n')
  return ok ? 0 : 1
}

/** Files that end in `.clif`, deeply. */
function filesIn(folder: string, context: Context): string[] {
  const { host } = context
  return host.listFolder(folder).flatMap((name) => {
    const path = `${folder.replace(/\/+$/, '')}/${name}`
    if (host.isFolder(path)) return filesIn(path, context)
    return name.endsWith('.clif') ? [path] : []
  })
}

async function testFile(path: string, sources: Map<string, string>, { host }: Context): Promise<FileReport> {
  let name = path
  try {
    const input = await readInput(path, host)
    name = input.name
    const text = textOf(input)
    sources.set(name, text)
    const tests = runFileTests(text, { file: name })
    const diagnostics = tests.flatMap(({ command, failures }) =>
      failures.map(({ line, column, message }): Diagnostic => {
        return { severity: 'error', file: name, line, column, message: `test ${command}: ${message}`, code: 'test' }
      }),
    )
    return { file: name, folder: folderOf(name), tests, diagnostics }
  } catch (error) {
    if (error instanceof InputError)
      return { file: name, folder: folderOf(name), tests: [], diagnostics: error.diagnostics }
    const diagnostic = diagnosticOf(error, name)
    if (diagnostic === null) throw error
    return { file: name, folder: folderOf(name), tests: [], diagnostics: [diagnostic] }
  }
}

function folderOf(path: string): string {
  const at = path.lastIndexOf('/')
  return at < 0 ? '.' : path.slice(0, at)
}

interface Summary {
  readonly folder: string
  readonly files: number
  readonly passed: number
  /** Tests, and files that could not be read. */
  readonly failed: number
  readonly notRun: number
  readonly checked: number
}

function summaryOf(reports: readonly FileReport[]): Omit<Summary, 'folder'> {
  const tests = reports.flatMap((report) => report.tests)
  const count = (status: FileTestResult['status']): number => tests.filter((test) => test.status === status).length
  const unread = reports.filter((report) => report.tests.length === 0 && report.diagnostics.length > 0).length
  return {
    files: reports.length,
    passed: count('passed'),
    failed: count('failed') + unread,
    notRun: count('not-run'),
    checked: tests.reduce((sum, { checked }) => sum + checked, 0),
  }
}

function summaries(reports: readonly FileReport[]): Summary[] {
  const folders = [...new Set(reports.map(({ folder }) => folder))]
  return folders.map((folder) => ({ folder, ...summaryOf(reports.filter((report) => report.folder === folder)) }))
}
