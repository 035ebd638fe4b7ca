import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkRecord,
  FrameError,
  type FrameRecord,
  FrameRecorder,
  parseRecord,
  printRecord,
  RBP,
  RBX,
} from '../src/index.ts'
import { generatedFunctions } from '../src/testing/index.ts'

function sample(): FrameRecord {
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBP)
  recorder.setFrameRegister(4, 3, RBP)
  recorder.adjustSp(8, 4, -32)
  recorder.prologueEnd(8)
  recorder.push(9, 1, RBX, false)
  recorder.callArgs(9, 8)
  const label = recorder.label(9)
  recorder.epilogueBegin(20)
  recorder.leave(21, 1, RBP)
  recorder.epilogueEnd(26, 'tail-jump')
  recorder.resume(26, label)
  return recorder.finish({ codeSize: 30, kind: 'signal', personality: { symbol: '__gxx_personality_v0' } })
}

const text = `frame x86-64, signal, 30 bytes
personality __gxx_personality_v0
1 (1) push rbp 8 saves
4 (3) set-frame-register rbp 0
8 (4) adjust-sp -32 immediate
8 prologue-end
9 (1) push rbx 8 no-saves
9 call-args 8
9 label 0
20 epilogue-begin
21 (1) restore-sp rbp 0
21 (1) pop rbp 8 restores
26 epilogue-end tail-jump
26 resume 0
`

test('a record prints one event to a line', () => {
  expect(printRecord(sample())).toBe(text)
})

test('text reads back, with comments and blank lines', () => {
  expect(parseRecord(text)).toEqual(sample())
  expect(parseRecord(`; a frame\n\n${text.replaceAll('\n', ' ; note\n')}`)).toEqual(sample())
})

test('parse undoes print, and JSON loses nothing', () => {
  fc.assert(
    fc.property(generatedFunctions({ machineFrames: true, handlers: true }), ({ record }) => {
      expect(parseRecord(printRecord(record))).toEqual(record)
      expect(checkRecord(JSON.parse(JSON.stringify(record)))).toEqual(record)
    }),
    { numRuns: 100 },
  )
})

describe('text that is no record says where', () => {
  const cases: [string, string, RegExp][] = [
    ['nothing', '', /line 1: expected 'frame ARCHITECTURE, KIND, N bytes', found nothing/],
    ['no header', '1 (1) push rbp 8 saves', /line 1: expected 'frame/],
    [
      'an unknown kind',
      'frame x86-64, normal, 4 bytes\n1 (1) jump rbp',
      /line 2: expected a kind of event, found 'jump'/,
    ],
    ['a kind of Object.prototype', 'frame x86-64, normal, 4 bytes\n1 toString', /line 2: expected a kind of event/],
    ['a missing field', 'frame x86-64, normal, 4 bytes\n1 (1) push rbp 8', /line 2: expected 3 fields after 'push'/],
    [
      'an unknown register',
      'frame x86-64, normal, 4 bytes\n1 (1) push foo 8 saves',
      /line 2: expected a register, found 'foo'/,
    ],
    ['a word for a number', 'frame x86-64, normal, 4 bytes\n1 (1) push rbp x saves', /line 2: expected a number/],
    [
      'an unknown choice',
      'frame x86-64, normal, 4 bytes\n0 prologue-end\n1 (1) adjust-sp -8 magic',
      /via: immediate, register, probe/,
    ],
    [
      'an offset past the code',
      'frame x86-64, normal, 4 bytes\n0 prologue-end\n9 (1) push rbp 8 saves',
      /past the end/,
    ],
    ['a huge number', `frame x86-64, normal, ${'9'.repeat(30)} bytes`, /codeSize: a whole number/],
  ]
  test.each(cases)('%s', (_, input, message) => {
    expect(() => parseRecord(input)).toThrow(FrameError)
    expect(() => parseRecord(input)).toThrow(message)
  })
})

describe('JSON that is no record is refused', () => {
  const good = JSON.parse(JSON.stringify(sample())) as Record<string, unknown>
  const cases: [string, unknown][] = [
    ['a list', []],
    ['another version', { ...good, version: 2 }],
    ['an unknown kind', { ...good, kind: 'strange' }],
    ['a prologue end that is not its marker', { ...good, prologueEnd: 3 }],
    ['events that are none', { ...good, events: [null] }],
    ['a register that is text', { ...good, events: [{ at: 0, length: 0, kind: 'kept', register: 'rbx' }] }],
    ['no prologue end', { ...good, prologueEnd: 0, events: [{ at: 1, length: 1, kind: 'plain' }] }],
    ['a personality without symbol', { ...good, personality: {} }],
    ['a label twice', { ...good, events: [0, 0].map((id) => ({ at: 0, length: 0, kind: 'label', id })) }],
  ]
  test.each(cases)('%s', (_, value) => {
    expect(() => checkRecord(value)).toThrow(FrameError)
  })
})

test('whatever the text, there is a record or a FrameError', () => {
  const words = text.split(/\s+/)
  const garbled = fc.array(fc.oneof(fc.constantFrom(...words, '\n', '\n'), fc.string({ maxLength: 4 })), {
    maxLength: 40,
  })
  fc.assert(
    fc.property(garbled, (parts) => {
      try {
        parseRecord(`frame x86-64, normal, 90 bytes\n${parts.join(' ')}`)
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError)
      }
    }),
    { numRuns: 500 },
  )
})
