/**
 * A record as text, and back. One event to a line, so that a difference between two records is a difference of lines:
 *
 *   frame x86-64, normal, 57 bytes
 *   personality __gxx_personality_v0
 *   1 (1) push rbp 8 saves
 *   4 (3) set-frame-register rbp 0
 *   8 (4) adjust-sp -32 immediate
 *   8 prologue-end
 *
 * A line is: the offset of the instruction's end, its length in parentheses unless 0, the kind, the fields in the order of
 * `eventFields` in `validate.ts`. A function in several parts has a line `part BEGIN END` for each, with
 * ` language-data SYMBOL` where it has its own. A boolean field is its name or `no-` and its name. `;` starts a comment.
 */

import type { FrameArchitecture } from './architecture.ts'
import { FrameError } from './errors.ts'
import { knownArchitecture } from './known-architectures.ts'
import type { FrameEvent, FrameEventKind, FramePart, FrameRecord } from './record.ts'
import { checkRecord, eventFields } from './validate.ts'

/**
 * A record as text, which {@link parseRecord} reads.
 *
 * @param architecture - for register names; numbers are written for an architecture that nobody described.
 */
export function printRecord(record: FrameRecord, architecture?: FrameArchitecture): string {
  const names = (architecture ?? knownArchitecture(record.architecture))?.registerNames ?? []
  const lines = [`frame ${record.architecture}, ${record.kind}, ${record.codeSize} bytes`]
  if (record.personality !== undefined) lines.push(`personality ${record.personality.symbol}`)
  if (record.languageData !== undefined) lines.push(`language-data ${record.languageData.symbol}`)
  for (const { begin, end, languageData } of record.parts ?? []) {
    lines.push(`part ${begin} ${end}${languageData === undefined ? '' : ` language-data ${languageData.symbol}`}`)
  }
  for (const event of record.events) lines.push(printEvent(event, names))
  return `${lines.join('\n')}\n`
}

function printEvent(event: FrameEvent, names: readonly string[]): string {
  const words: string[] = [String(event.at)]
  if (event.length !== 0) words.push(`(${event.length})`)
  words.push(event.kind)
  const fields = event as unknown as Record<string, string | number | boolean>
  for (const [name, kind] of eventFields[event.kind]) {
    const value = fields[name]!
    if (kind === 'register') words.push(names[value as number] ?? String(value))
    else if (kind === 'boolean') words.push(value ? name : `no-${name}`)
    else words.push(String(value))
  }
  return words.join(' ')
}

/** @throws FrameError 'syntax' with the line, or what `checkRecord` finds. */
export function parseRecord(text: string, architecture?: FrameArchitecture): FrameRecord {
  const lines = text.split('\n')
  let header: RegExpMatchArray | null = null
  let names: readonly string[] = []
  const record: Record<string, unknown> = { version: 1, prologueEnd: 0 }
  const events: Record<string, unknown>[] = []
  const parts: FramePart[] = []
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!.replace(/(^|\s);.*$/, '').trim()
    if (line === '') continue
    const wrong = (expected: string, found: string): never => {
      throw new FrameError({ code: 'syntax', line: i + 1, expected, found: found === '' ? 'nothing' : `'${found}'` })
    }
    if (header === null) {
      header = line.match(/^frame ([^\s,]+), (\w+), (\d+) bytes$/) ?? wrong("'frame ARCHITECTURE, KIND, N bytes'", line)
      const [, name, kind, codeSize] = header
      Object.assign(record, { architecture: name, kind, codeSize: Number(codeSize) })
      names = (architecture ?? knownArchitecture(name!))?.registerNames ?? []
      continue
    }
    const symbol = line.match(/^(personality|language-data) (\S+)$/)
    if (symbol !== null) {
      record[symbol[1] === 'personality' ? 'personality' : 'languageData'] = { symbol: symbol[2] }
      continue
    }
    const part = line.match(/^part (\d+) (\d+)(?: language-data (\S+))?$/)
    if (part !== null) {
      const languageData = part[3] === undefined ? undefined : { languageData: { symbol: part[3] } }
      parts.push({ begin: Number(part[1]), end: Number(part[2]), ...languageData })
      continue
    }
    const event = parseEvent(line, names, wrong)
    if (event.kind === 'prologue-end') record.prologueEnd = event.at
    events.push(event)
  }
  if (header === null) {
    throw new FrameError({
      code: 'syntax',
      line: lines.length,
      expected: "'frame ARCHITECTURE, KIND, N bytes'",
      found: 'nothing',
    })
  }
  return checkRecord({ ...record, ...(parts.length > 0 ? { parts } : undefined), events })
}

function parseEvent(
  line: string,
  names: readonly string[],
  wrong: (expected: string, found: string) => never,
): Record<string, unknown> {
  const place = line.match(/^(\d+)(?: \((\d+)\))? (\S+)(.*)$/) ?? wrong("'OFFSET (LENGTH) KIND'", line)
  const kind = place[3]!
  if (!Object.hasOwn(eventFields, kind)) wrong('a kind of event', kind)
  const words = place[4]!.trim() === '' ? [] : place[4]!.trim().split(/\s+/)
  const fields = eventFields[kind as FrameEventKind]
  if (words.length !== fields.length) wrong(`${fields.length} fields after '${kind}'`, words.join(' '))
  const event: Record<string, unknown> = { at: Number(place[1]), length: Number(place[2] ?? 0), kind }
  for (let i = 0; i < fields.length; i++) {
    const [name, type] = fields[i]!
    const word = words[i]!
    if (type === 'register') {
      const number = names.indexOf(word)
      event[name] = number >= 0 ? number : /^\d+$/.test(word) ? Number(word) : wrong('a register', word)
    } else if (type === 'boolean') {
      if (word !== name && word !== `no-${name}`) wrong(`'${name}' or 'no-${name}'`, word)
      event[name] = word === name
    } else if (type === 'natural' || type === 'integer') {
      event[name] = /^-?\d+$/.test(word) ? Number(word) : wrong('a number', word)
    } else {
      event[name] = word
    }
  }
  return event
}
