// Options as tables, words to options, and the help that follows from the tables.

import { suggest } from './suggest.ts'

/** The call is wrong: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export interface OptionRow {
  readonly long: string
  readonly short?: string
  /** Name of its value in the help; absent for a switch. */
  readonly value?: string
  /** What the value may be. */
  readonly choices?: readonly string[]
  readonly repeatable?: boolean
  /** Switches: `--no-…` turns it off again. */
  readonly negatable?: boolean
  readonly help: string
  /** Understood, and not in the help. */
  readonly hidden?: boolean
}

export interface CommandRow {
  readonly name: string
  /** The words after the name, as the help shows them. */
  readonly usage: string
  /** One line. */
  readonly summary: string
  readonly options: readonly OptionRow[]
  /** Paragraphs under the options. */
  readonly details?: readonly string[]
  readonly examples?: readonly string[]
  readonly hidden?: boolean
}

/** What every command understands. */
export const commonOptions: readonly OptionRow[] = [
  { long: 'json', help: 'print one JSON document, diagnostics included, and nothing else' },
  {
    long: 'color',
    value: 'WHEN',
    choices: ['auto', 'always', 'never'],
    help: 'colour the output: auto (on a terminal; NO_COLOR turns it off), always, never',
  },
  { long: 'verbose', short: 'v', help: 'say more, on standard error' },
  { long: 'help', short: 'h', help: 'print this help' },
  { long: 'version', help: 'print the version' },
]

/** Options by long name; a switch has the values `true` or `false`. */
export interface ParsedArguments {
  readonly values: ReadonlyMap<string, string>
  readonly lists: ReadonlyMap<string, readonly string[]>
  readonly switches: ReadonlySet<string>
  readonly inputs: readonly string[]
}

/** @throws UsageError */
export function parseArguments(words: readonly string[], command: CommandRow): ParsedArguments {
  const options = [...command.options, ...commonOptions]
  const values = new Map<string, string>()
  const lists = new Map<string, string[]>()
  const switches = new Set<string>()
  const inputs: string[] = []

  const rest = [...words]
  const take = (option: OptionRow, spelled: string, given: string | undefined): void => {
    if (option.value === undefined) {
      if (given !== undefined) throw new UsageError(`${spelled} takes no value`)
      switches.add(option.long)
      return
    }
    let value = given
    // `--color` alone means always: what follows is most likely a file.
    if (value === undefined && option.long === 'color') value = 'always'
    if (value === undefined) value = rest.shift()
    if (value === undefined) throw new UsageError(`${spelled} needs a value: ${spelled} ${option.value}`)
    if (option.choices !== undefined && !option.choices.includes(value)) {
      throw new UsageError(`${spelled} can be ${listed(option.choices)}, not '${value}'${hint(value, option.choices)}`)
    }
    if (option.repeatable === true) lists.set(option.long, [...(lists.get(option.long) ?? []), value])
    else values.set(option.long, value)
  }

  while (rest.length > 0) {
    const word = rest.shift() as string
    if (word === '--') {
      inputs.push(...rest)
      break
    }
    if (word.startsWith('--')) {
      const equals = word.indexOf('=')
      const name = equals < 0 ? word.slice(2) : word.slice(2, equals)
      const given = equals < 0 ? undefined : word.slice(equals + 1)
      const option = options.find((row) => row.long === name)
      if (option !== undefined) take(option, `--${name}`, given)
      else if (name === 'no-color') values.set('color', 'never')
      else throw unknownOption(`--${name}`, options, command)
    } else if (word.startsWith('-') && word !== '-') {
      const option = options.find((row) => row.short === word[1])
      if (option === undefined) throw unknownOption(word, options, command)
      const attached = word.length > 2 ? word.slice(2) : undefined
      if (option.value === undefined && attached !== undefined) {
        // A cluster of switches: -vh.
        switches.add(option.long)
        rest.unshift(`-${attached}`)
      } else take(option, `-${option.short}`, attached?.replace(/^=/, ''))
    } else inputs.push(word)
  }
  return { values, lists, switches, inputs }
}

function unknownOption(word: string, options: readonly OptionRow[], command: CommandRow): UsageError {
  const names = options.filter((row) => row.hidden !== true).map((row) => `--${row.long}`)
  // `-target` is most likely `--target`.
  const doubled = word.startsWith('--') ? word : `-${word}`
  const meant = names.includes(doubled) ? doubled : suggest(doubled, names)
  const did = meant === undefined ? '' : `; did you mean '${meant}'?`
  return new UsageError(`unknown option '${word}' of ${command.name}${did}`)
}

function hint(typed: string, candidates: readonly string[]): string {
  const meant = suggest(typed, candidates)
  return meant === undefined ? '' : `; did you mean '${meant}'?`
}

/** `a, b or c` */
export function listed(words: readonly string[], last: string = 'or'): string {
  if (words.length < 2) return words.join('')
  return `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`
}

/** Help on one command. */
export function commandHelp(command: CommandRow): string {
  const lines = [`Usage: framewright ${command.name} ${command.usage}`, '', sentence(command.summary), '', 'Options:']
  lines.push(...optionLines([...command.options, ...commonOptions]))
  for (const paragraph of command.details ?? []) lines.push('', ...wrapped(paragraph, 0))
  if (command.examples !== undefined) lines.push('', 'Examples:', ...command.examples.map((line) => `  ${line}`))
  return `${lines.join('\n')}\n`
}

function optionLines(options: readonly OptionRow[]): string[] {
  const shown = options.filter((row) => row.hidden !== true)
  const left = shown.map((row) => {
    const short = row.short === undefined ? '    ' : `-${row.short}, `
    return `  ${short}--${row.long}${row.value === undefined ? '' : ` ${row.value}`}`
  })
  const width = Math.max(...left.map((text) => text.length)) + 2
  return shown.flatMap((row, index) => {
    const [first = '', ...more] = wrapped(row.help, width)
    return [left[index].padEnd(width) + first.trimStart(), ...more]
  })
}

/** Lines of at most 80 characters, `indent` spaces before each. */
function wrapped(text: string, indent: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > 80) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].map((each) => ' '.repeat(indent) + each)
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}
