// What validation finds in records, tables and images; and that it finds nothing in what this package writes.

import { type LoadedSection, loadImage, type UnwindImage } from '@framewright/frame-layout'
import { generatedFunctions } from '@framewright/frame-layout/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  assembleTables,
  decodeUnwindInfo,
  encodeFrame,
  encodeUnwindInfo,
  type Finding,
  type UnwindCode,
  type UnwindInfo,
  UWOP_ALLOC_LARGE,
  UWOP_ALLOC_SMALL,
  UWOP_PUSH_MACHFRAME,
  UWOP_PUSH_NONVOL,
  UWOP_SAVE_NONVOL,
  UWOP_SAVE_NONVOL_FAR,
  UWOP_SAVE_XMM128,
  UWOP_SET_FPREG,
  UWOP_SPARE_CODE,
  unwindInfo3,
  type ValidateInfoOptions,
  validateFunctionTable,
  validateImage,
  validateUnwindInfo,
} from '../src/index.ts'
import { bytesOf, imageOf, readVectors } from './vectors.ts'

const RBX = 3
const RSI = 6

/** In the order of the prologue: `[at, operation, info, operand]`. */
function record(
  codes: readonly (readonly [number, number, number, number?])[],
  more: Partial<UnwindInfo> = {},
): UnwindInfo {
  const unwound = codes.map(
    ([codeOffset, operation, info, operand = 0]): UnwindCode => ({ codeOffset, operation, info, operand }),
  )
  return {
    version: 1,
    flags: 0,
    prologueSize: Math.max(0, ...codes.map(([at]) => at)),
    frameRegister: 0,
    frameOffset: 0,
    codes: unwound.reverse(),
    epilogues: null,
    handler: 0,
    parent: null,
    ...more,
  }
}

const shown = (findings: readonly Finding[]) => findings.map(({ severity, code }) => `${severity} ${code}`)

const plain = record(
  [
    [1, UWOP_PUSH_NONVOL, 5],
    [5, UWOP_ALLOC_SMALL, 7],
    [8, UWOP_SET_FPREG, 0],
    [13, UWOP_SAVE_NONVOL, RBX, 2],
    [18, UWOP_SAVE_XMM128, 6, 2],
  ],
  { frameRegister: 5, frameOffset: 32 },
)

describe('a record', () => {
  test('that is right', () => {
    expect(validateUnwindInfo(plain, { rangeSize: 100 })).toEqual([])
    // Such a record can be written.
    expect(decodeUnwindInfo(encodeUnwindInfo(plain))).toEqual(plain)
  })

  const framed = { frameRegister: 5, frameOffset: 0 }
  test.each<[string, UnwindInfo, string[], ValidateInfoOptions?]>([
    ['a prologue longer than its range', plain, ['warning prologue-past-range'], { rangeSize: 10 }],
    [
      'a prologue without an end',
      { ...record([[1, UWOP_PUSH_NONVOL, RBX]]), prologueSize: 0 },
      ['error code-past-prologue'],
    ],
    ['a spare code', record([[1, UWOP_SPARE_CODE, 0]]), ['error spare-code']],
    [
      'a reserved field',
      record(
        [
          [1, UWOP_PUSH_NONVOL, 5],
          [4, UWOP_SET_FPREG, 1],
        ],
        framed,
      ),
      ['warning reserved-info'],
    ],
    ['an allocation of 12', record([[1, UWOP_ALLOC_LARGE, 1, 12]]), ['error allocation']],
    ['an allocation of 0', record([[1, UWOP_ALLOC_LARGE, 0, 0]]), ['error allocation']],
    ['a push of rsp', record([[1, UWOP_PUSH_NONVOL, 4]]), ['error push-rsp']],
    [
      'a save of rsp',
      record([
        [4, UWOP_ALLOC_SMALL, 7],
        [9, UWOP_SAVE_NONVOL, 4, 1],
      ]),
      ['error push-rsp'],
    ],
    ['a push of rcx', record([[1, UWOP_PUSH_NONVOL, 1]]), ['warning push-volatile']],
    [
      'a push behind an allocation',
      record([
        [4, UWOP_ALLOC_SMALL, 0],
        [5, UWOP_PUSH_NONVOL, RBX],
      ]),
      ['note push-order'],
    ],
    [
      'the same in version 2',
      record(
        [
          [4, UWOP_ALLOC_SMALL, 1],
          [5, UWOP_PUSH_NONVOL, RBX],
        ],
        { version: 2, epilogues: { size: 2, atEnd: true, distances: [] } },
      ),
      ['error push-order'],
    ],
    [
      'a machine frame in second place',
      record([
        [1, UWOP_PUSH_NONVOL, RBX],
        [1, UWOP_PUSH_MACHFRAME, 0],
      ]),
      ['error machine-frame-order'],
    ],
    ['SET_FPREG without a register', record([[3, UWOP_SET_FPREG, 0]]), ['error frame-register-missing']],
    ['a register without SET_FPREG', record([[1, UWOP_PUSH_NONVOL, 5]], framed), ['error frame-register-unset']],
    [
      'two SET_FPREG',
      record(
        [
          [1, UWOP_PUSH_NONVOL, 5],
          [4, UWOP_SET_FPREG, 0],
          [7, UWOP_SET_FPREG, 0],
        ],
        framed,
      ),
      ['error frame-register-twice'],
    ],
    [
      'rsp as frame register',
      record([[4, UWOP_SET_FPREG, 0]], { frameRegister: 4 }),
      ['error frame-register-number', 'warning frame-register-not-saved'],
    ],
    [
      'r12 as frame register',
      record(
        [
          [2, UWOP_PUSH_NONVOL, 12],
          [5, UWOP_SET_FPREG, 0],
        ],
        { frameRegister: 12 },
      ),
      ['warning frame-register-r12'],
    ],
    [
      'a frame register that nobody saved',
      record([[3, UWOP_SET_FPREG, 0]], framed),
      ['warning frame-register-not-saved'],
    ],
    [
      'a save in front of the frame register, at the same rsp',
      record(
        [
          [1, UWOP_PUSH_NONVOL, 5],
          [5, UWOP_ALLOC_SMALL, 7],
          [10, UWOP_SAVE_NONVOL, RBX, 2],
          [13, UWOP_SET_FPREG, 0],
        ],
        framed,
      ),
      ['warning save-before-frame-register'],
    ],
    [
      'and at another',
      record(
        [
          [1, UWOP_PUSH_NONVOL, 5],
          [6, UWOP_SAVE_NONVOL, RBX, 2],
          [10, UWOP_ALLOC_SMALL, 7],
          [13, UWOP_SET_FPREG, 0],
        ],
        framed,
      ),
      ['error save-before-frame-register'],
    ],
    [
      'a save in front of the allocation',
      record([
        [5, UWOP_SAVE_NONVOL, RBX, 1],
        [9, UWOP_ALLOC_SMALL, 7],
      ]),
      ['error save-before-allocation'],
    ],
    [
      'an unaligned save',
      record([
        [4, UWOP_ALLOC_SMALL, 7],
        [9, UWOP_SAVE_NONVOL_FAR, RBX, 12],
      ]),
      ['error save-unaligned'],
    ],
    [
      'a save on the return address',
      record([
        [4, UWOP_ALLOC_SMALL, 7],
        [9, UWOP_SAVE_NONVOL, RBX, 8],
      ]),
      ['error save-on-return-address'],
    ],
    [
      'two registers in a slot',
      record([
        [4, UWOP_ALLOC_SMALL, 7],
        [9, UWOP_SAVE_NONVOL, RBX, 1],
        [14, UWOP_SAVE_NONVOL, RSI, 1],
      ]),
      ['warning slots-overlap'],
    ],
    [
      'a register that is saved twice',
      record([
        [1, UWOP_PUSH_NONVOL, RBX],
        [5, UWOP_ALLOC_SMALL, 7],
        [10, UWOP_SAVE_NONVOL, RBX, 1],
      ]),
      ['warning saved-twice'],
    ],
    [
      'a crooked slot of a vector register',
      record([
        [4, UWOP_ALLOC_SMALL, 7],
        [9, UWOP_SAVE_XMM128, 6, 1],
      ]),
      ['warning vector-slot-misaligned'],
    ],
    [
      'a chained record with a push, and another frame register',
      record([[1, UWOP_PUSH_NONVOL, RBX]], { flags: 4, parent: { begin: 0, end: 1, unwindInfo: 0 } }),
      ['error chained-operation', 'error chained-frame-register'],
      { parents: [plain] },
    ],
    [
      'a chained record that is right',
      record([[5, UWOP_SAVE_NONVOL, RSI, 1]], { flags: 4, frameRegister: 5, frameOffset: 32 }),
      [],
      { parents: [plain] },
    ],
    [
      'epilogues of a wrong size',
      record([[1, UWOP_PUSH_NONVOL, RBX]], { version: 2, epilogues: { size: 3, atEnd: true, distances: [] } }),
      ['error epilogue-size'],
    ],
    [
      'epilogues outside',
      record([[1, UWOP_PUSH_NONVOL, RBX]], { version: 2, epilogues: { size: 2, atEnd: false, distances: [200, 1] } }),
      ['error epilogue-outside', 'error epilogue-outside'],
      { rangeSize: 100 },
    ],
    [
      'an epilogue at the end that is longer than the range',
      record([[1, UWOP_PUSH_NONVOL, RBX]], { version: 2, epilogues: { size: 2, atEnd: true, distances: [] } }),
      ['error epilogue-outside'],
      { rangeSize: 1 },
    ],
    [
      'an odd number of EPILOG codes',
      record([], { version: 2, epilogues: { size: 1, atEnd: true, distances: [] } }),
      ['error epilogue-slots'],
      { epilogueSlots: 1 },
    ],
    [
      'an allocation that is taken for flags',
      record(
        [
          [2, UWOP_ALLOC_SMALL, 0],
          [3, UWOP_PUSH_NONVOL, RBX],
        ],
        { version: 2, epilogues: { size: 2, atEnd: true, distances: [] } },
      ),
      ['error push-order', 'warning epilogue-flags'],
    ],
  ])('%s', (_, info, expected, options) => {
    const found = validateUnwindInfo(info, options)
    expect(shown(found)).toEqual(expected)
    for (const { message, cure } of found) expect(`${message} ${cure}`).toMatch(/^\S.*\S$/)
  })

  test('of version 3', () => {
    const winding = {
      rangeSize: 40,
      prologueSize: 5,
      operations: [
        { start: 0, kind: 'push', register: 3 },
        { start: 1, kind: 'allocate', bytes: 32 },
      ],
      epilogues: [{ start: 30, terminator: 35, operations: [{ start: 30, kind: 'allocate', bytes: 32 }] }],
    } as const
    const info = unwindInfo3(winding)
    expect(validateUnwindInfo(info, { rangeSize: 40 })).toEqual([])
    expect(shown(validateUnwindInfo(info, { rangeSize: 5 }))).toEqual(['error epilogue-outside'])
    const torn = { ...info, epilogues: [info.epilogues[0]!, { ...info.epilogues[0]!, offset: 5 }] }
    expect(shown(validateUnwindInfo(torn))).toEqual(['error epilogue-outside'])
    expect(
      shown(validateUnwindInfo(unwindInfo3({ ...winding, operations: [{ start: 0, kind: 'push', register: 1 }] }))),
    ).toEqual(['warning push-volatile'])
  })
})

const word = (value: number): string => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes.toString('hex')
}
const entries = (...rows: readonly (readonly [number, number, number])[]): Uint8Array =>
  bytesOf(rows.flat().map(word).join(''))

describe('a table', () => {
  test.each<[string, Uint8Array, string[], number?]>([
    ['that is right', entries([0x10, 0x20, 0x100], [0x20, 0x30, 0x100]), []],
    ['torn', bytesOf('0000'), ['error table-size']],
    ['with an empty range', entries([0x10, 0x10, 0]), ['warning empty-range']],
    ['unsorted', entries([0x20, 0x30, 0], [0x10, 0x20, 0]), ['error unsorted'], 12],
    [
      'with overlapping ranges',
      entries([0x10, 0x30, 0], [0x12, 0x14, 0], [0x20, 0x40, 0]),
      ['error overlap', 'error overlap'],
      12,
    ],
    ['with a crooked record', entries([0x10, 0x20, 0x102]), ['error misaligned-record']],
  ])('%s', (_, bytes, expected, at = 0) => {
    const found = validateFunctionTable(bytes)
    expect(shown(found)).toEqual(expected)
    if (found.length > 0) expect(found[0]!.at).toBe(at)
  })
})

/** `.text` at 0x1000, `.pdata` at 0x2000, `.xdata` at 0x3000. */
function image(pdata: Uint8Array, xdata: string, text: Uint8Array = new Uint8Array(0x100).fill(0x90)): UnwindImage {
  const section = (name: string, address: bigint, bytes: Uint8Array): LoadedSection => ({ name, address, bytes })
  return {
    base: 0n,
    sections: [
      section('.text', 0x1000n, text),
      section('.pdata', 0x2000n, pdata),
      section('.xdata', 0x3000n, bytesOf(xdata)),
    ],
  }
}

const LEAF = '0104010004420000' // sub rsp, 40

describe('an image', () => {
  const chain = (begin: number, end: number, info: number, header = '21000000') =>
    header + word(begin) + word(end) + word(info)

  test.each<[string, UnwindImage, string[]]>([
    ['that is right', image(entries([0x1000, 0x1010, 0x3000]), LEAF), []],
    ['with an indirect entry', image(entries([0x1000, 0x1010, 0x2000 + 12 + 1], [0x1010, 0x1020, 0x3000]), LEAF), []],
    [
      'with an indirect entry to an indirect one',
      image(entries([0x1000, 0x1010, 0x2000 + 1]), LEAF),
      ['error indirect-twice'],
    ],
    ['with a record that is not there', image(entries([0x1000, 0x1010, 0x9000]), LEAF), ['error unreadable']],
    ['with a record of version 3', image(entries([0x1000, 0x1010, 0x3000]), '03000000'), ['error malformed']],
    ['with codes that go back', image(entries([0x1000, 0x1010, 0x3000]), '0104020001420230'), ['error malformed']],
    [
      'with a chain in a circle',
      image(entries([0x1000, 0x1010, 0x3000]), chain(0x1000, 0x1010, 0x3000)),
      ['error chain-too-long'],
    ],
    [
      'with a chain to nowhere',
      image(entries([0x1000, 0x1010, 0x3000]), chain(0x1000, 0x1010, 0x9000)),
      ['error unreadable'],
    ],
    [
      'with a chain to a range that is in no table',
      image(entries([0x1000, 0x1010, 0x3000]), chain(0x1010, 0x1020, 0x3010) + LEAF),
      ['warning parent-unlisted'],
    ],
    [
      "with a parent's range over its child's",
      image(entries([0x1000, 0x1020, 0x3010], [0x1010, 0x1020, 0x3000]), chain(0x1000, 0x1020, 0x3010) + LEAF),
      ['error parent-covers-child'],
    ],
    [
      'with another frame register in the child',
      image(
        entries([0x1000, 0x1010, 0x3010], [0x1010, 0x1020, 0x3000]),
        chain(0x1000, 0x1010, 0x3010, '21000013') + LEAF,
      ),
      ['error chained-frame-register'],
    ],
    [
      'with a handler that is nowhere',
      image(entries([0x1000, 0x1010, 0x3000]), `19000000${word(0x9000)}`),
      ['warning handler-outside'],
    ],
    ['with a handler at 0', image(entries([0x1000, 0x1010, 0x3000]), `19000000${word(0)}`), ['error handler-outside']],
    [
      'with an odd number of EPILOG codes',
      image(entries([0x1000, 0x1010, 0x3000]), '0204020001160442'),
      ['error epilogue-slots'],
    ],
  ])('%s', (_, one, expected) => {
    expect(shown(validateImage(one))).toEqual(expected)
  })

  test('that cannot be read, with a cure for each way', () => {
    const cureOf = (xdata: string): string => validateImage(image(entries([0x1000, 0x1010, 0x3000]), xdata))[0]!.cure
    expect(cureOf('29000000')).toMatch(/leave the handler to the first record/)
    expect(cureOf('0104020001420230')).toMatch(/by falling offset/)
    expect(cureOf('010401000f0b')).toMatch(/operations of the version alone/)
    expect(cureOf('0104020004')).toMatch(/number of slots/)
    expect(cureOf('03000000')).toMatch(/version 1 or 2/)
  })

  test('with scope tables: inner before outer, inside the function', () => {
    const rows = [
      [0x1002, 0x1008, 1, 0x1009],
      [0x1003, 0x1005, 1, 0x1009],
      [0x1002, 0x1030, 1, 0x1009],
    ]
    const xdata = `19000000${word(0x1040)}${word(rows.length)}${rows.flat().map(word).join('')}`
    const one = image(entries([0x1000, 0x1010, 0x3000]), xdata)
    expect(validateImage(one)).toEqual([])
    const found = validateImage(one, { specificHandlers: new Set([0x1040n]) })
    expect(found.map(({ code, at }) => [code, at])).toEqual([
      ['scope', 0x3000 + 12 + 16],
      ['scope', 0x3000 + 12 + 32],
    ])
    const torn = image(entries([0x1000, 0x1010, 0x3000]), `19000000${word(0x1040)}${word(5)}`)
    expect(shown(validateImage(torn, { specificHandlers: new Set([0x1040n]) }))).toEqual(['error scope'])
  })

  test('with code that ends with a call, or calls in front of an epilogue', () => {
    const text = new Uint8Array(0x100).fill(0x90)
    text.set([0xe8, 0, 0, 0, 0], 0x0b)
    const ends = image(entries([0x1000, 0x1010, 0x3000]), LEAF, text)
    expect(validateImage(ends).map(({ code, at }) => [code, at])).toEqual([['ends-with-call', 0x1010]])
    const before = new Uint8Array(0x100).fill(0x90)
    before.set([0xe8, 0, 0, 0, 0, 0x48, 0x83, 0xc4, 0x28, 0xc3], 4)
    const handled = `0904010004420000${word(0x1040)}`
    const found = validateImage(image(entries([0x1000, 0x1010, 0x3000]), handled, before))
    expect(found.map(({ severity, code, at }) => [severity, code, at])).toEqual([
      ['note', 'call-before-epilogue', 0x1004],
    ])
    // A jump inside the function is no epilogue.
    before.set([0xeb, 0xf8], 9)
    expect(validateImage(image(entries([0x1000, 0x1020, 0x3000]), handled, before))).toEqual([])
  })

  test('of vectors has nothing wrong but what their tags say', () => {
    const vectors = readVectors()
    if (vectors === null) return
    const seen = new Set<string>()
    for (const vector of vectors.cases) {
      for (const { code, severity } of validateImage(imageOf(vectors, vector), { version3: true })) {
        if (code === 'parent-covers-child') expect(vector.tags, vector.name).toContain('overlapping-ranges')
        seen.add(`${severity} ${code}`)
      }
    }
    // Handlers lie outside of the images that tests make.
    expect([...seen].sort()).toEqual([
      'error parent-covers-child',
      'note push-order',
      'warning frame-register-r12',
      'warning handler-outside',
    ])
  })
})

test('what this package writes has nothing wrong', () => {
  const functions = generatedFunctions({ forms: 'windows', parts: true, labelsAhead: true, machineFrames: true })
  fc.assert(
    fc.property(functions, fc.constantFrom(1, 2, 3), ({ record: made, code }, version) => {
      const placed = { symbol: 'f', section: '.text', offset: 0, codeSize: code.length }
      const sizes = (made.parts ?? [{ begin: 0, end: made.codeSize }]).map(({ begin, end }) => ({
        begin,
        size: end - begin,
      }))
      const parts = sizes.map(({ begin, size }) => ({ ...placed, offset: begin, codeSize: size }))
      let unwind: ReturnType<typeof encodeFrame>
      try {
        unwind = encodeFrame(made, { version: version as 1 })
      } catch {
        return
      }
      const text = { name: '.text', address: 0x1000n, bytes: code }
      const sections = assembleTables([{ ...placed, parts, unwind }])
      const found = validateImage(loadImage(0n, [text], sections, new Map()), { version3: true })
      expect(found.filter(({ severity }) => severity !== 'note')).toEqual([])
    }),
    { numRuns: 500 },
  )
})
