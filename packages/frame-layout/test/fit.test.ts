import { describe, expect, test } from 'vitest'
import {
  type FrameEventKind,
  FrameRecorder,
  firstFitting,
  fit,
  fitFirst,
  loadImage,
  RBX,
  type UnwindFormat,
} from '../src/index.ts'

class ToyError extends Error {
  readonly problem = { code: 'no-word' }
  readonly event: number
  constructor(kind: string, event: number) {
    super(`no word for '${kind}'`)
    this.event = event
  }
}

/** Knows only some kinds of events, and describes functions in a section of its own, a byte each. */
function toy(name: string, words: readonly FrameEventKind[]): UnwindFormat {
  return {
    name,
    architectures: ['x86-64', ...(name === 'small' ? ['vax'] : [])],
    encode(record) {
      record.events.forEach(({ kind }, index) => {
        if (!words.includes(kind)) throw new ToyError(kind, index)
      })
      return { format: name, bytes: Uint8Array.of(record.codeSize), relocations: [] }
    },
    assemble(functions) {
      const bytes = Uint8Array.from(functions.filter(({ unwind }) => unwind !== null).map(({ offset }) => offset))
      return bytes.length === 0 ? [] : [{ name: `.${name}`, bytes, align: 1, relocations: [] }]
    },
    decode(image) {
      const section = image.sections.find((one) => one.name === `.${name}`)
      return [...(section?.bytes ?? [])].map((begin) => ({
        begin: image.base + BigInt(begin),
        end: image.base + BigInt(begin) + 1n,
        rows: () => [],
      }))
    },
    unwind(frame, image) {
      if (!image.sections.some((one) => one.name === `.${name}`)) throw new ToyError('this place', -1)
      return { registers: [...frame.registers, name === 'small' ? 1n : 2n] }
    },
    print: () => [`by ${name}`],
  }
}

const small = toy('small', ['prologue-end'])
const large = toy('large', ['push', 'prologue-end'])

function record(push: boolean, alloca: boolean = false) {
  const recorder = new FrameRecorder()
  if (push) recorder.push(1, 1, RBX)
  if (alloca) recorder.setFrameRegister(4, 3, RBX)
  recorder.prologueEnd(4)
  return recorder.finish({ codeSize: 8 })
}

test('fit says what fits, and at which event what does not', () => {
  expect(fit(record(false), small)).toMatchObject({ fits: true, unwind: { format: 'small' } })
  expect(fit(record(true), small)).toMatchObject({
    fits: false,
    format: 'small',
    event: 0,
    code: 'no-word',
    reason: "no word for 'push'",
  })
})

test('a mistake of the format is no refusal', () => {
  const broken: UnwindFormat = { ...small, encode: () => [][0]!['x'] }
  expect(() => fit(record(false), broken)).toThrow(TypeError)
})

test('the first that fits is taken, with the reasons of those before it', () => {
  expect(fitFirst(record(false), [small, large])).toMatchObject({ unwind: { format: 'small' }, refused: [] })
  const second = fitFirst(record(true), [small, large])
  expect(second).toMatchObject({ unwind: { format: 'large' }, refused: [{ format: 'small', event: 0 }] })
  expect(() => fitFirst(record(true, true), [small, large])).toThrow(
    expect.objectContaining({
      message: "small: no word for 'push'; large: no word for 'set-frame-register' (frame event 1)",
      event: 1,
    }),
  )
})

describe('a chain of fallbacks is a format', () => {
  const chain = firstFitting([small, large])
  const functions = [false, true].map((push, index) => ({
    symbol: `f${index}`,
    offset: index * 8,
    section: '.text',
    codeSize: 8,
    unwind: chain.encode(record(push)),
  }))

  test('with the architectures that all of it serves', () => {
    expect(chain).toMatchObject({ name: 'small,large', architectures: ['x86-64'] })
    expect(() => firstFitting([])).toThrow(/no format to choose from/)
  })

  test('that describes each function in its own format, and prints it', () => {
    const sections = chain.assemble(functions)
    expect(sections.map(({ name, bytes }) => [name, ...bytes])).toEqual([
      ['.small', 0],
      ['.large', 8],
    ])
    const image = loadImage(0x1000n, [], sections, new Map())
    expect(chain.decode(image).map(({ begin }) => begin)).toEqual([0x1000n, 0x1008n])
    expect(functions.map(({ unwind }) => chain.print(unwind!))).toEqual([['by small'], ['by large']])
    expect(() => chain.print({ format: 'other', bytes: new Uint8Array(), relocations: [] })).toThrow(/'other'/)
  })

  test('that walks with the first that knows the place', () => {
    const [, second] = chain.assemble(functions)
    const image = loadImage(0x1000n, [], [second!], new Map())
    const memory = () => undefined
    expect(chain.unwind({ registers: [] }, image, memory).registers).toEqual([2n])
    const nothing = loadImage(0x1000n, [], [], new Map())
    expect(() => chain.unwind({ registers: [] }, nothing, memory)).toThrow(/no word for 'this place'/)
  })
})
