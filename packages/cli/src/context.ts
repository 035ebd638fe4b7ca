// What every command is given.

import { detectImage } from '@framewright/object'
import type { ParsedArguments } from './arguments.ts'
import { UsageError } from './arguments.ts'
import type { Host } from './host.ts'
import { InputError } from './problems.ts'
import { printable } from './report.ts'
import type { Style } from './style.ts'

export interface Context {
  readonly host: Host
  readonly args: ParsedArguments
  /** Print one JSON document and nothing else on standard output. */
  readonly json: boolean
  readonly verbose: boolean
  /** For standard output. */
  readonly style: Style
  /** For standard error. */
  readonly errorStyle: Style
}

/** A file of the command line. */
export interface Input {
  /** As diagnostics name it. */
  readonly name: string
  /** `-` for standard input. */
  readonly path: string
  readonly bytes: Uint8Array
}

/** @throws FileError, UsageError */
export async function readInput(path: string, host: Host): Promise<Input> {
  if (path !== '-') return { name: printable(path), path, bytes: host.readFile(path) }
  return { name: '<stdin>', path, bytes: await host.readStandardInput() }
}

/** @throws UsageError unless there is exactly one. */
export function onlyInput(inputs: readonly string[], command: string): string {
  if (inputs.length === 1) return inputs[0]
  throw new UsageError(inputs.length === 0 ? `${command} needs an input` : `${command} takes one input at a time`)
}

/** The text of a file that must be CLIF. @throws InputError for bytes that are clearly something else. */
export function textOf({ name, bytes }: Input): string {
  const zero = bytes.indexOf(0)
  const text = new TextDecoder().decode(
    isObject(bytes) ? bytes.subarray(0, 0) : zero < 0 ? bytes : bytes.subarray(0, zero),
  )
  if (zero < 0 && !isObject(bytes)) return text
  const message = isObject(bytes) ? 'this is an object file, and no CLIF text' : 'a zero byte: this is no CLIF text'
  const lines = text.split('\n')
  const place = { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 }
  throw new InputError([{ severity: 'error', file: name, ...place, message, code: 'binary' }])
}

/** Whether the bytes begin as an object or a linked image does. */
export function isObject(bytes: Uint8Array): boolean {
  if (detectImage(bytes) !== null && bytes.includes(0)) return true
  const isElf = bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46
  // A COFF header's machine is the two bytes `d` and 0x86: no text begins so.
  return isElf || (bytes[0] === 0x64 && bytes[1] === 0x86) || (bytes[0] === 0 && bytes[1] === 0 && bytes[2] === 0xff)
}

export function printJson(value: unknown, { host }: Context): void {
  host.stdout.write(`${JSON.stringify(value, jsonValue, 2)}\n`)
}

/**
 * Prints one document whose `key` is a list that may be too long for one string. Nothing is printed unless all of it can
 * be.
 *
 * @param head - what stands in front of the list; a list of diagnostics stands behind it, empty.
 */
export function printJsonList(
  head: Readonly<Record<string, unknown>>,
  key: string,
  items: Iterable<unknown>,
  { host }: Context,
): void {
  const indented = (value: unknown, by: string): string =>
    JSON.stringify(value, jsonValue, 2).replaceAll('\n', `\n${by}`)
  const texts: string[] = []
  for (const item of items) texts.push(`    ${indented(item, '    ')}`)
  const front = Object.entries(head).map(([name, value]) => `  ${JSON.stringify(name)}: ${indented(value, '  ')},\n`)
  host.stdout.write(`{\n${front.join('')}  ${JSON.stringify(key)}: [`)
  for (const [index, text] of texts.entries()) host.stdout.write(`${index === 0 ? '\n' : ',\n'}${text}`)
  host.stdout.write(`${texts.length === 0 ? '' : '\n  '}],\n  "diagnostics": []\n}\n`)
}

/** Bytes as hex, maps as lists of pairs, big integers as decimal text. */
export function jsonValue(_: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  if (value instanceof Map) return [...value]
  return typeof value === 'bigint' ? String(value) : value
}
