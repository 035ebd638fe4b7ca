/** Whether a value from outside (JSON, text, another program) is a record. */

import { FrameError } from './errors.ts'
import type { FrameEvent, FrameEventKind, FramePart, FrameRecord } from './record.ts'

/** Fields of an event besides kind, at and length, and what each has to be; `'hex'`: bytes as hexadecimal digits. */
export type FieldKind = 'register' | 'integer' | 'natural' | 'boolean' | 'hex' | readonly string[]

/** One row to a kind. Text and JSON are both driven by this table, in this order of fields. */
export const eventFields: { readonly [Kind in FrameEventKind]: readonly (readonly [name: string, kind: FieldKind])[] } =
  {
    push: [
      ['register', 'register'],
      ['size', 'natural'],
      ['saves', 'boolean'],
    ],
    pop: [
      ['register', 'register'],
      ['size', 'natural'],
      ['restores', 'boolean'],
    ],
    'adjust-sp': [
      ['delta', 'integer'],
      ['via', ['immediate', 'register', 'probe']],
    ],
    'dynamic-sp': [],
    'set-frame-register': [
      ['register', 'register'],
      ['spOffset', 'integer'],
    ],
    'copy-sp': [
      ['register', 'register'],
      ['spOffset', 'integer'],
    ],
    'restore-sp': [
      ['register', 'register'],
      ['offset', 'integer'],
    ],
    save: [
      ['register', 'register'],
      ['base', ['sp', 'frame']],
      ['offset', 'integer'],
      ['width', 'natural'],
    ],
    restore: [
      ['register', 'register'],
      ['base', ['sp', 'frame']],
      ['offset', 'integer'],
      ['width', 'natural'],
    ],
    'saved-at': [
      ['register', 'register'],
      ['base', 'register'],
      ['offset', 'integer'],
    ],
    'cfa-from-register': [
      ['register', 'register'],
      ['offset', 'integer'],
    ],
    'cfa-from-memory': [
      ['register', 'register'],
      ['offset', 'integer'],
      ['add', 'integer'],
    ],
    'cfa-expression': [['expression', 'hex']],
    expression: [
      ['register', 'register'],
      ['is', ['address', 'value']],
      ['expression', 'hex'],
    ],
    'sign-return-address': [['signed', 'boolean']],
    move: [
      ['register', 'register'],
      ['into', 'register'],
    ],
    lost: [['register', 'register']],
    kept: [['register', 'register']],
    realign: [['alignment', 'natural']],
    'call-args': [['bytes', 'natural']],
    'machine-frame': [['errorCode', 'boolean']],
    label: [['id', 'natural']],
    resume: [['id', 'natural']],
    'prologue-end': [],
    'epilogue-begin': [],
    'epilogue-end': [['exit', ['return', 'tail-jump']]],
    plain: [],
  }

const kinds: readonly FrameRecord['kind'][] = ['normal', 'signal', 'outermost']

/**
 * Checks that a value is a record, as `JSON.parse` gives it: shapes, ranges, order of offsets, markers that pair up. What
 * the events mean together is checked by `unwindRows`.
 *
 * @throws FrameError with the index of the event.
 */
export function checkRecord(value: unknown): FrameRecord {
  const record = object(value, 'a record', -1)
  if (record.version !== 1) wrong('version 1', record.version, -1)
  const architecture = text(record.architecture, 'an architecture', -1)
  const codeSize = natural(record.codeSize, 'codeSize', -1)
  const prologueEnd = natural(record.prologueEnd, 'prologueEnd', -1)
  const kind = kinds.find((known) => known === record.kind)
  if (kind === undefined) return wrong(kinds.join(', '), record.kind, -1)
  if (!Array.isArray(record.events)) return wrong('a list of events', record.events, -1)
  const events = record.events.map(checkEvent)
  checkOrder(events, codeSize, prologueEnd)
  return {
    version: 1,
    architecture,
    codeSize,
    kind,
    prologueEnd,
    ...symbolField('personality', record.personality),
    ...symbolField('languageData', record.languageData),
    ...(record.parts === undefined ? undefined : { parts: checkParts(record.parts, codeSize) }),
    events,
  }
}

function checkEvent(value: unknown, index: number): FrameEvent {
  const event = object(value, 'an event', index)
  const fields = Object.hasOwn(eventFields, String(event.kind)) ? eventFields[event.kind as FrameEventKind] : undefined
  if (fields === undefined) return wrong('a kind of event', event.kind, index)
  const checked: Record<string, unknown> = {
    at: natural(event.at, 'at', index),
    length: natural(event.length, 'length', index),
    kind: event.kind,
  }
  for (const [name, kind] of fields) checked[name] = checkField(event[name], name, kind, index)
  return checked as unknown as FrameEvent
}

function checkField(value: unknown, name: string, kind: FieldKind, index: number): unknown {
  switch (kind) {
    case 'register':
    case 'natural':
      return natural(value, name, index)
    case 'integer':
      return integer(value, name, index)
    case 'hex':
      return typeof value === 'string' && /^(?:[\da-f]{2})+$/.test(value)
        ? value
        : wrong(`${name}: bytes as hexadecimal digits`, value, index)
    case 'boolean':
      return typeof value === 'boolean' ? value : wrong(`${name}: true or false`, value, index)
    default:
      return kind.includes(value as string) ? value : wrong(`${name}: ${kind.join(', ')}`, value, index)
  }
}

function checkOrder(events: readonly FrameEvent[], codeSize: number, prologueEnd: number): void {
  let last = 0
  let ended = -1
  let inEpilogue = false
  const labels = new Set<number>()
  const known = new Set(events.map((event) => (event.kind === 'label' ? event.id : -1)))
  for (let i = 0; i < events.length; i++) {
    const event = events[i]!
    const { at, length, kind } = event
    if (at < last || (at - length < last && at !== last)) {
      throw new FrameError({ code: 'out-of-order', at, previous: last }, i)
    }
    if (at > codeSize) throw new FrameError({ code: 'past-end', at, codeSize }, i)
    last = at
    const misplaced = (why: string): never => {
      throw new FrameError({ code: 'misplaced', kind, why }, i)
    }
    if (kind === 'label') {
      if (labels.has(event.id)) misplaced('there is a label of that number already')
      labels.add(event.id)
    } else if (kind === 'resume') {
      if (!known.has(event.id)) throw new FrameError({ code: 'unknown-label', id: event.id }, i)
    } else if (kind === 'prologue-end') {
      if (ended >= 0) misplaced('the prologue has ended already')
      ended = at
    } else if (kind === 'epilogue-begin') {
      if (ended < 0) misplaced('the prologue has not ended')
      if (inEpilogue) misplaced('the epilogue before has not ended')
      inEpilogue = true
    } else if (kind === 'epilogue-end') {
      if (!inEpilogue) misplaced('no epilogue has begun')
      inEpilogue = false
    }
  }
  if (inEpilogue) misplacedAtEnd('epilogue-begin', 'the last epilogue has not ended', events.length)
  if (ended < 0 && events.length > 0) misplacedAtEnd('prologue-end', 'it is missing', events.length)
  const expected = Math.max(ended, 0)
  if (prologueEnd !== expected) {
    throw new FrameError({ code: 'bad-number', field: 'prologueEnd', value: prologueEnd })
  }
}

function misplacedAtEnd(kind: FrameEventKind, why: string, index: number): never {
  throw new FrameError({ code: 'misplaced', kind, why }, index)
}

/** Parts follow one another from 0 to the code's end, and none is empty. */
function checkParts(value: unknown, codeSize: number): FramePart[] {
  if (!Array.isArray(value) || value.length === 0) return wrong('parts: a list of parts', value, -1)
  let end = 0
  const parts = value.map((one: unknown): FramePart => {
    const part = object(one, 'a part', -1)
    const begin = natural(part.begin, 'begin', -1)
    if (begin !== end) wrong(`a part that begins at ${end}`, begin, -1)
    end = natural(part.end, 'end', -1)
    if (end <= begin) wrong(`a part that ends behind ${begin}`, end, -1)
    return { begin, end, ...symbolField('languageData', part.languageData) }
  })
  return end === codeSize ? parts : wrong(`parts up to the end of the code at ${codeSize}`, end, -1)
}

function symbolField<Name extends string>(name: Name, value: unknown): { [N in Name]?: { symbol: string } } {
  if (value === undefined) return {}
  const { symbol } = object(value, `${name}: an object with a symbol`, -1)
  return { [name]: { symbol: text(symbol, `${name}: a symbol`, -1) } } as { [N in Name]?: { symbol: string } }
}

function object(value: unknown, expected: string, index: number): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong(expected, value, index)
  return value as Record<string, unknown>
}

function text(value: unknown, expected: string, index: number): string {
  return typeof value === 'string' && value !== '' ? value : wrong(expected, value, index)
}

function integer(value: unknown, name: string, index: number): number {
  return Number.isSafeInteger(value) ? (value as number) : wrong(`${name}: a whole number`, value, index)
}

function natural(value: unknown, name: string, index: number): number {
  const number = integer(value, name, index)
  return number >= 0 ? number : wrong(`${name}: a number from 0 up`, value, index)
}

function wrong(expected: string, found: unknown, index: number): never {
  const shown = found === undefined ? 'nothing' : (JSON.stringify(found)?.slice(0, 60) ?? String(found))
  throw new FrameError({ code: 'syntax', line: 0, expected, found: shown }, index)
}
