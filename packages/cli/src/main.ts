// Words to a command, and what a command throws to words and an exit code.

import { commandHelp, parseArguments, UsageError } from './arguments.ts'
import { commands, generalHelp } from './command-table.ts'
import type { Context } from './context.ts'
import type { Host } from './host.ts'
import { diagnosticOf, InputError } from './problems.ts'
import { reportDiagnostics } from './report.ts'
import { type ColorChoice, styleFor } from './style.ts'
import { suggest } from './suggest.ts'

/** All is well; the input is wrong; the call is wrong; we are (sysexits.h, EX_SOFTWARE). */
export const EXIT_OK = 0
export const EXIT_INPUT = 1
export const EXIT_USAGE = 2
export const EXIT_INTERNAL = 70

/**
 * Runs the command.
 *
 * @param argv - the words after the command's name.
 * @returns the exit code.
 */
export async function main(argv: readonly string[], host: Host): Promise<number> {
  const json = argv.includes('--json')
  const color = colorChoice(argv)
  const style = styleFor(color, host.stdout, host)
  const errorStyle = styleFor(color, host.stderr, host)
  try {
    return await dispatch(argv, host, { json, style, errorStyle })
  } catch (error) {
    if (error instanceof UsageError) {
      const [first, ...more] = error.message.split('\n')
      const head = `${errorStyle('bold', 'framewright:')} ${errorStyle('red', 'error:')} ${errorStyle('bold', first)}`
      const name = argv.find((word) => !word.startsWith('-'))
      const known = commands.some(({ row }) => row.name === name)
      const help = `framewright ${known ? `${name} ` : ''}--help`
      host.stderr.write(`${[head, ...more].join('\n')}\nrun '${help}' for what there is\n`)
      if (json) {
        const diagnostics = [{ severity: 'error', file: '', line: 0, column: 0, message: error.message, code: 'usage' }]
        host.stdout.write(`${JSON.stringify({ ok: false, diagnostics }, null, 2)}\n`)
      }
      return EXIT_USAGE
    }
    const typed = error instanceof InputError ? null : diagnosticOf(error, '')
    const diagnostics = error instanceof InputError ? error.diagnostics : typed === null ? null : [typed]
    if (diagnostics === null) return internalError(error, host)
    const sources = error instanceof InputError ? error.sources : new Map<string, string>()
    if (json) host.stdout.write(`${JSON.stringify({ ok: false, diagnostics }, null, 2)}\n`)
    else reportDiagnostics(diagnostics, sources, host.stderr, errorStyle)
    return EXIT_INPUT
  }
}

async function dispatch(
  argv: readonly string[],
  host: Host,
  look: Pick<Context, 'json' | 'style' | 'errorStyle'>,
): Promise<number> {
  const [name, ...rest] = argv
  if (argv.length === 0 || name === '--help' || name === '-h' || name === 'help') {
    const topic = name === 'help' ? commands.find(({ row }) => row.name === rest[0]) : undefined
    const help = topic === undefined ? generalHelp() : commandHelp(topic.row)
    // Without a word it is a wrong call that gets its help.
    ;(argv.length === 0 ? host.stderr : host.stdout).write(help)
    return argv.length === 0 ? EXIT_USAGE : EXIT_OK
  }
  if (name === '--version') {
    host.stdout.write(`framewright ${host.version}\n`)
    return EXIT_OK
  }
  const command = commands.find(({ row }) => row.name === name)
  if (command === undefined) {
    if (name.startsWith('-')) throw new UsageError(`'${name}' stands before the command; begin with the command`)
    const meant = suggest(
      name,
      commands.filter(({ row }) => row.hidden !== true).map(({ row }) => row.name),
    )
    throw new UsageError(`unknown command '${name}'${meant === undefined ? '' : `; did you mean '${meant}'?`}`)
  }
  const args = parseArguments(rest, command.row)
  if (args.switches.has('help')) {
    host.stdout.write(commandHelp(command.row))
    return EXIT_OK
  }
  if (args.switches.has('version')) {
    host.stdout.write(`framewright ${host.version}\n`)
    return EXIT_OK
  }
  return await command.run({ host, args, verbose: args.switches.has('verbose'), ...look })
}

/** Before anything is parsed: errors in the call have a colour too. */
function colorChoice(argv: readonly string[]): ColorChoice {
  let choice: ColorChoice = 'auto'
  for (const [index, word] of argv.entries()) {
    if (word === '--') break
    if (word === '--no-color') choice = 'never'
    const value = word === '--color' ? (argv[index + 1] ?? 'always') : /^--color=(.*)$/.exec(word)?.[1]
    if (value === 'auto' || value === 'always' || value === 'never') choice = value
    else if (word === '--color') choice = 'always'
  }
  return choice
}

function internalError(error: unknown, host: Host): number {
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
  host.stderr.write(
    `framewright: internal error. This is a mistake in framewright and not in your input; please report it with the\n` +
      `input and the lines below.\nframewright ${host.version}\n${detail}\n`,
  )
  return EXIT_INTERNAL
}
