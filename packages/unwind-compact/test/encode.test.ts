// What is said, what is refused and why, and what the fallback gets.

import {
  type FrameRecord,
  FrameRecorder,
  firstFitting,
  fit,
  loadImage,
  R12,
  RBP,
  RBX,
  RETURN_ADDRESS,
  RSP,
  type UnwindFormat,
  unwindRows,
  XMM0,
} from '@framewright/frame-layout'
import { describe, expect, test } from 'vitest'
import { CompactUnwindError, compact, createCompactFormat, decodeObjectRows, machOSectionNames } from '../src/index.ts'

type Write = (recorder: FrameRecorder) => void

function recordOf(codeSize: number, write: Write, more: object = {}): FrameRecord {
  const recorder = new FrameRecorder()
  write(recorder)
  return recorder.finish({ codeSize, ...more })
}

const pushRbx: Write = (recorder) => {
  recorder.push(1, 1, RBX)
  recorder.prologueEnd(1)
}

/** A body that allocates and frees around a call. */
const shrinkWrapped = recordOf(40, (recorder) => {
  recorder.push(1, 1, RBX)
  recorder.prologueEnd(1)
  recorder.adjustSp(10, 4, -32)
  recorder.adjustSp(20, 4, 32)
  recorder.epilogueBegin(30)
  recorder.pop(31, 1, RBX)
  recorder.epilogueEnd(32)
})

/** A format that takes everything, and says nothing but that it did. */
const everything: UnwindFormat = {
  name: 'everything',
  architectures: ['x86-64'],
  encode: () => ({ format: 'everything', bytes: Uint8Array.of(1), relocations: [] }),
  assemble: (functions) =>
    functions.some(({ unwind }) => unwind !== null)
      ? [
          {
            name: '.eh_frame',
            bytes: new Uint8Array(8),
            align: 8,
            relocations: [
              { offset: 0, kind: 'pc-relative-32', symbol: '.text', addend: 0 },
              { offset: 4, kind: 'pc-relative-32', symbol: '.eh_frame', addend: 4 },
            ],
          },
        ]
      : [],
  decode: (image) =>
    image.sections.some(({ name }) => name === '.eh_frame')
      ? [{ begin: image.base + 0x100n, end: image.base + 0x200n, rows: () => [] }]
      : [],
  unwind: (_, image) => {
    if (!image.sections.some(({ name }) => name === '.eh_frame')) throw new Error('no section')
    return { registers: [7n] }
  },
  print: () => ['everything'],
}

const wordsOf = (record: FrameRecord, format = compact, code?: Uint8Array): [number, number, string][] =>
  format
    .encode(record, code === undefined ? {} : { code })!
    .ranges.map(({ begin, end, encoding }) => [begin, end, encoding.toString(16)])

describe('refused, with the event', () => {
  test.each<[string, number, FrameRecord]>([
    [
      'cfa',
      1,
      recordOf(9, (r) => {
        r.push(1, 1, RBX)
        r.setFrameRegister(4, 3, RBX)
        r.prologueEnd(4)
      }),
    ],
    [
      'cfa',
      2,
      recordOf(20, (r) => {
        r.push(1, 1, RBP)
        r.adjustSp(5, 4, -64)
        r.setFrameRegister(9, 4, RBP, 32)
        r.prologueEnd(9)
      }),
    ],
    [
      'register-rule',
      1,
      recordOf(20, (r) => {
        r.adjustSp(4, 4, -24)
        r.save(9, 5, XMM0 + 6, 'sp', 0)
        r.prologueEnd(9)
      }),
    ],
    [
      'register-rule',
      0,
      recordOf(20, (r) => {
        r.push(1, 1, 7)
        r.prologueEnd(1)
      }),
    ],
    [
      'register-rule',
      0,
      recordOf(20, (r) => {
        r.move(3, 3, RBX, 8)
        r.prologueEnd(3)
      }),
    ],
    [
      'save-place',
      1,
      recordOf(20, (r) => {
        r.adjustSp(4, 4, -24)
        r.save(8, 4, RBX, 'sp', 0)
        r.prologueEnd(8)
      }),
    ],
    [
      'stack-size',
      0,
      recordOf(30, (r) => {
        r.adjustSp(12, 5, -5000, 'register')
        r.prologueEnd(12)
      }),
    ],
    ['body-changes', 2, shrinkWrapped],
    [
      'signal-frame',
      0,
      recordOf(
        9,
        (r) => {
          r.machineFrame(false)
          r.prologueEnd(0)
        },
        { kind: 'signal' },
      ),
    ],
    [
      'argument-bytes',
      2,
      recordOf(
        30,
        (r) => {
          pushRbx(r)
          r.callArgs(9, 16)
          r.callArgs(19, 0)
        },
        { personality: { symbol: 'p' } },
      ),
    ],
  ])('%s', (code, event, record) => {
    const result = fit(record, compact)
    expect(result).toMatchObject({ fits: false, code, event })
    if (!result.fits) expect(result.error).toBeInstanceOf(CompactUnwindError)
  })

  test('another architecture', () => {
    const record = { ...recordOf(4, (r) => r.prologueEnd(0)), architecture: 'aarch64' }
    expect(fit(record, compact)).toMatchObject({ fits: false, code: 'architecture' })
  })
})

describe('ranges', () => {
  test('a body that changes takes a word each on request', () => {
    const format = createCompactFormat({ precision: 'body-changes' })
    expect(wordsOf(shrinkWrapped, format)).toEqual([
      [0, 10, '2020400'],
      [10, 20, '82060400'],
      [20, 40, '82020400'],
    ])
  })

  test('and so does every instruction that moves the stack', () => {
    const format = createCompactFormat({ precision: 'instructions' })
    expect(wordsOf(shrinkWrapped, format)).toEqual([
      [0, 1, '2010000'],
      [1, 10, '82020400'],
      [10, 20, '82060400'],
      [20, 31, '82020400'],
      [31, 32, '82010000'],
      [32, 40, '82020400'],
    ])
  })

  test('a function that makes its frame and leaves has the word of its empty body', () => {
    const record = recordOf(6, (r) => {
      r.push(1, 1, RBP)
      r.setFrameRegister(4, 3, RBP)
      r.prologueEnd(4)
      r.epilogueBegin(4)
      r.pop(5, 1, RBP)
      r.epilogueEnd(6)
    })
    expect(wordsOf(record)).toEqual([[0, 6, '1000000']])
  })

  test('parts have words of their own, the later ones marked', () => {
    const parts = [
      { begin: 0, end: 20 },
      { begin: 20, end: 33 },
    ]
    const record = recordOf(
      33,
      (r) => {
        const entry = r.label(0)
        pushRbx(r)
        r.resume(20, entry)
      },
      { parts },
    )
    const unwind = compact.encode(record)!
    expect(unwind.ranges.map(({ encoding }) => encoding)).toEqual([0x02020400, 0x82010000])
    const placed = [
      { symbol: 'f', section: '.text', offset: 0x40, codeSize: 20 },
      { symbol: 'f.cold', section: '.text.cold', offset: 0x80, codeSize: 13 },
    ]
    const [section] = compact.assemble([{ ...placed[0]!, parts: placed, unwind }])
    expect(section!.relocations).toEqual([
      { offset: 0, kind: 'absolute-64', symbol: '.text', addend: 0x40 },
      { offset: 32, kind: 'absolute-64', symbol: '.text.cold', addend: 0x80 },
    ])
    expect(decodeObjectRows(section!.bytes).map(({ length }) => length)).toEqual([20, 13])
  })

  test('one LSDA serves one range', () => {
    const record = { ...shrinkWrapped, languageData: { symbol: 'data' }, personality: { symbol: 'p' } }
    const format = createCompactFormat({ precision: 'body-changes' })
    expect(fit(record, format)).toMatchObject({ fits: false, code: 'language-data' })
    expect(fit(record, compact)).toMatchObject({ fits: false, code: 'language-data' })
  })
})

describe('large frames', () => {
  const large = recordOf(40, (r) => {
    r.push(2, 2, R12)
    r.push(3, 1, RBX)
    r.adjustSp(10, 7, -5000)
    r.prologueEnd(10)
  })
  const code = Uint8Array.from([
    0x41,
    0x54,
    0x53,
    0x48,
    0x81,
    0xec,
    0x88,
    0x13,
    0,
    0,
    ...new Array<number>(30).fill(0x90),
  ])

  test('refer to the number in the code', () => {
    expect(wordsOf(large)).toEqual([[0, 40, '3066800']])
    expect(wordsOf(large, compact, code)).toEqual([[0, 40, '3066800']])
  })

  test('when it is there', () => {
    const other = code.with(6, 0x80)
    expect(fit(large, compact, { code: other })).toMatchObject({ fits: false, code: 'stack-size', event: 2 })
  })

  test('and are walked by it', () => {
    const unwind = compact.encode(large, { code })
    const sections = compact.assemble([{ symbol: 'f', section: '.text', offset: 0, codeSize: 40, unwind }])
    const text = { name: '.text', address: 0x1000n, bytes: code }
    const image = loadImage(0n, [text], sections, new Map())
    const registers: bigint[] = []
    registers[RETURN_ADDRESS] = 0x1014n
    registers[RSP] = 0x8000n
    const caller = compact.unwind({ registers }, image, (address) => address + 1n)
    expect(caller.registers[RSP]).toBe(0x8000n + 5000n + 24n)
    expect(caller.registers[RBX]).toBe(0x8000n + 5001n)
    expect(caller.registers[R12]).toBe(0x8000n + 5009n)
    const [decoded] = compact.decode(image)
    expect(decoded!.print!()).toEqual([
      '0x03066800  CFA = rsp+(imm32 at 0x6 of the range)+24, rbx at CFA-24, r12 at CFA-16',
    ])
    expect(decoded!.rows()[0]).toEqual({ ...unwindRows(large).at(-1)!, at: 0 })
  })
})

describe('fallbacks', () => {
  const format = createCompactFormat({ fallback: everything, sectionNames: machOSectionNames })
  const place = { symbol: 'f', section: '.text', offset: 0x100, codeSize: 40 }

  test('what no word says gets one that refers to the fallback, and its sections', () => {
    const unwind = format.encode(shrinkWrapped)!
    expect(unwind.ranges).toEqual([{ begin: 0, end: 40, encoding: 0x04000000 }])
    expect(format.print(unwind)).toEqual(['0x0000..0x0028  0x04000000  see DWARF', '', 'everything'])
    const sections = format.assemble([{ ...place, unwind }])
    expect(sections.map(({ name }) => name)).toEqual(['__LD,__compact_unwind', '__TEXT,__eh_frame'])
    expect(sections[1]!.relocations.map(({ symbol }) => symbol)).toEqual(['.text', '__TEXT,__eh_frame'])
    // Read and walked, the sections have the names that the fallback knows.
    const text = { name: '.text', address: 0x1000n, bytes: new Uint8Array(0x200) }
    const image = loadImage(0x1000n, [text], sections, new Map())
    expect(format.decode(image)).toMatchObject([{ begin: 0x1100n, end: 0x1200n }])
    const registers: bigint[] = []
    registers[RETURN_ADDRESS] = 0x1110n
    expect(format.unwind({ registers }, image, () => 0n)).toEqual({ registers: [7n] })
    expect(() => compact.unwind({ registers }, image, () => 0n)).toThrow(/described in DWARF/)
  })

  test('what a word says does not get into its sections', () => {
    const sections = format.assemble([{ ...place, unwind: format.encode(recordOf(40, pushRbx)) }])
    expect(sections.map(({ name }) => name)).toEqual(['__LD,__compact_unwind'])
  })

  test('when it refuses too, both reasons are told', () => {
    const stubborn: UnwindFormat = {
      ...everything,
      encode: () => {
        throw Object.assign(new Error('no words'), { problem: { code: 'none' }, event: 3 })
      },
    }
    const result = fit(shrinkWrapped, createCompactFormat({ fallback: stubborn }))
    expect(result).toMatchObject({ fits: false, code: 'fallback', event: 3 })
    if (!result.fits) expect(result.reason).toMatch(/second encoding.*everything: no words/)
  })

  test('faults of the fallback are not taken for refusals', () => {
    const broken: UnwindFormat = {
      ...everything,
      encode: () => {
        throw new TypeError('a fault')
      },
    }
    expect(() => createCompactFormat({ fallback: broken }).encode(shrinkWrapped)).toThrow(TypeError)
  })

  test('a chain of formats does without the word', () => {
    const chain = firstFitting([compact, everything])
    expect(chain.encode(shrinkWrapped)!.format).toBe('everything')
    expect(chain.encode(recordOf(40, pushRbx))!.format).toBe('compact')
  })
})

test('the outermost function has a word that ends the walk', () => {
  const record = recordOf(9, (r) => r.prologueEnd(0), { kind: 'outermost' })
  const unwind = compact.encode(record)
  expect(unwind!.ranges).toEqual([{ begin: 0, end: 9, encoding: 0 }])
  const sections = compact.assemble([{ symbol: 'f', section: '.text', offset: 0, codeSize: 9, unwind }])
  const image = loadImage(0n, [{ name: '.text', address: 0x1000n, bytes: new Uint8Array(9) }], sections, new Map())
  const registers: bigint[] = []
  registers[RETURN_ADDRESS] = 0x1004n
  expect(() => compact.unwind({ registers }, image, () => 0n)).toThrow(/has no caller/)
  expect(createCompactFormat({ fallback: everything }).encode(record)!.fallback).not.toBeNull()
})

test('a return address belongs to the call in front of it', () => {
  const unwind = compact.encode(recordOf(16, pushRbx))
  const sections = compact.assemble([{ symbol: 'f', section: '.text', offset: 0, codeSize: 16, unwind }])
  const image = loadImage(0n, [{ name: '.text', address: 0x1000n, bytes: new Uint8Array(16) }], sections, new Map())
  const registers: bigint[] = []
  registers[RETURN_ADDRESS] = 0x1010n
  registers[RSP] = 0x8000n
  expect(() => compact.unwind({ registers }, image, () => 1n)).toThrow(/nothing describes/)
  const caller = compact.unwind({ registers, afterCall: true }, image, () => 1n)
  expect(caller).toMatchObject({ afterCall: true })
  expect(caller.registers[RSP]).toBe(0x8010n)
  expect(() => compact.unwind({ registers, afterCall: true }, image, () => undefined)).toThrow(/cannot be read/)
  expect(() =>
    compact.unwind({ registers: registers.with(RSP, undefined as never), afterCall: true }, image, () => 1n),
  ).toThrow(/rsp is needed/)
})
