// Diagnostics, with the line of the source that each is about.

import type { OutputStream } from './host.ts'
import type { Style } from './style.ts'

export interface Diagnostic {
  readonly severity: 'error' | 'warning' | 'note'
  readonly file: string
  /** From 1; 0 where there is no place in the text. */
  readonly line: number
  readonly column: number
  readonly message: string
  /** What in the program it is about: `inst3`, `block1`. */
  readonly entity?: string
  /** What went wrong, for programs. */
  readonly code?: string
}

const inks = { error: 'red', warning: 'yellow', note: 'cyan' } as const
const MAX_COLUMNS = 160

/**
 * One diagnostic as a reader wants it: `file:line:column: error: message`, the line, and a caret.
 *
 * @param source - the text of the file, when there is one.
 */
export function renderDiagnostic(diagnostic: Diagnostic, source: string | undefined, style: Style): string {
  const { file, line, column, severity, message } = diagnostic
  const place = line > 0 ? `${file}:${line}:${Math.max(1, column)}` : file
  const head = `${style('bold', `${place}:`)} ${style(inks[severity], `${severity}:`)} ${style('bold', message)}\n`
  if (line <= 0 || source === undefined) return head
  const text = lineOf(source, line)
  if (text === undefined) return head
  // A window around the column, in case the line is enormous.
  const from = Math.max(0, Math.min(column - 1, text.length) - MAX_COLUMNS / 2)
  const shown = printable(text.slice(from, from + MAX_COLUMNS))
  const before = text.slice(from, Math.max(from, column - 1))
  // Tabs stay tabs, so that the caret stands under its character at any width.
  const gap = [...before].map((character) => (character === '\t' ? '\t' : ' ')).join('')
  const number = String(line)
  const gutter = ' '.repeat(number.length)
  return `${head}${style('dim', `  ${number} |`)} ${shown}\n${style('dim', `  ${gutter} |`)} ${gap}${style('green', '^')}\n`
}

function lineOf(source: string, line: number): string | undefined {
  let start = 0
  for (let i = 1; i < line; i++) {
    start = source.indexOf('\n', start) + 1
    if (start === 0) return undefined
  }
  const end = source.indexOf('\n', start)
  return source.slice(start, end < 0 ? undefined : end).replace(/\r$/, '')
}

/** Control characters, those that move a terminal's cursor among them, as `·`. */
export function printable(text: string): string {
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, '·')
}

/** `2 errors`, `1 warning`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** Every diagnostic, and how many there were. */
export function reportDiagnostics(
  diagnostics: readonly Diagnostic[],
  sources: ReadonlyMap<string, string>,
  stream: OutputStream,
  style: Style,
): void {
  for (const each of diagnostics) stream.write(renderDiagnostic(each, sources.get(each.file), style))
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length
  if (errors > 1) stream.write(`${counted(errors, 'error')}\n`)
}
