// Sections of all versions, built by hand from the specification's fields, and what is wrong with others.

import {
  AARCH64_FP,
  AARCH64_LR,
  AARCH64_PC,
  AARCH64_SP,
  printRow,
  RBP,
  RETURN_ADDRESS,
  RSP,
  x64,
} from '@framewright/frame-layout'
import { expect, test } from 'vitest'
import {
  decodeSFrame,
  decodeSFrameTables,
  printSFrame,
  readRows,
  SFrameError,
  type SFrameProblem,
  sframe,
  unwindRowsOf,
} from '../src/index.ts'
import { type SectionParts, section } from './sections.ts'

function rowsOf(parts: SectionParts): string[] {
  const table = decodeSFrame(section(parts))
  return unwindRowsOf(table, table.functions[0]!).map((row) => `${row.at} ${printRow(row, table.abi.architecture)}`)
}

function problem(bytes: Uint8Array): SFrameProblem & { readonly at?: number } {
  try {
    const table = decodeSFrame(bytes)
    for (const fn of table.functions) unwindRowsOf(table, fn)
  } catch (error) {
    if (error instanceof SFrameError && error.place?.in === 'section')
      return { ...error.problem, at: error.place.offset }
  }
  throw new Error('nothing is wrong')
}

const framed = '000308 010510f0 040410f0 050308'

test('version 1 and 2', () => {
  const rows = [
    '0 cfa = rsp+8, rip at cfa-8',
    '1 cfa = rsp+16, rbp at cfa-16, rip at cfa-8',
    '4 cfa = rbp+16, rbp at cfa-16, rip at cfa-8',
    '5 cfa = rsp+8, rip at cfa-8',
  ]
  for (const version of [1, 2, 3] as const) {
    expect(rowsOf({ version, functions: [{ size: 6, rows: 4, info: 0, bytes: framed }] })).toEqual(rows)
  }
})

test('starts of two and four bytes, words of two and four', () => {
  const bytes = '0000 03 08  0100 25 1010 f0ff  3b01 45 00001000 f0ffffff'
  expect(rowsOf({ functions: [{ size: 317, rows: 3, info: 1, bytes }] })).toEqual([
    '0 cfa = rsp+8, rip at cfa-8',
    '1 cfa = rsp+4112, rbp at cfa-16, rip at cfa-8',
    '315 cfa = rsp+1048576, rbp at cfa-16, rip at cfa-8',
  ])
  const wide = '00000000 03 08  00000100 03 10'
  expect(rowsOf({ functions: [{ size: 0x20000, rows: 2, info: 2, bytes: wide }] })).toEqual([
    '0 cfa = rsp+8, rip at cfa-8',
    '65536 cfa = rsp+16, rip at cfa-8',
  ])
})

test('rows that repeat are written out, and looked up by remainder', () => {
  const parts = { functions: [{ size: 40, rows: 2, info: 0x10, repeat: 16, bytes: '000308 0b0310' }] }
  expect(rowsOf(parts).map((row) => row.split(',')[0])).toEqual([
    ...['0 cfa = rsp+8', '11 cfa = rsp+16', '16 cfa = rsp+8', '27 cfa = rsp+16', '32 cfa = rsp+8'],
  ])
  const image = { base: 0n, sections: [{ name: '.sframe', address: 0x1000n, bytes: section(parts) }] }
  const registers: (bigint | undefined)[] = []
  registers[RETURN_ADDRESS] = 0x1000n + 28n + 16n + 12n
  registers[RSP] = 0x8000n
  registers[RBP] = 7n
  const caller = sframe.unwind({ registers }, image, (address) => (address === 0x8008n ? 0x1234n : undefined))
  expect(caller.registers[RSP]).toBe(0x8010n)
  expect(caller.registers[RETURN_ADDRESS]).toBe(0x1234n)
  expect(caller.registers[RBP]).toBe(7n)
  expect(caller.registers.filter((value) => value !== undefined)).toHaveLength(3)
  // In the second repetition the first row holds again.
  registers[RETURN_ADDRESS] = 0x1000n + 28n + 16n + 5n
  expect(sframe.unwind({ registers }, image, () => 0x1234n).registers[RSP]).toBe(0x8008n)
  // Version 1 has no field for it: its repetitions are entries of the procedure linkage table.
  expect(rowsOf({ ...parts, version: 1 })).toHaveLength(5)
  expect(
    problem(section({ functions: [{ size: 0xffff_ffff, rows: 2, info: 0x10, repeat: 2, bytes: '000308 010310' }] })),
  ).toEqual({
    ...{ code: 'too-large', rows: 0x1_0000_0000, limit: 0x1_0000, at: 28 },
  })
})

test('AArch64 in both byte orders: signed return addresses, and a row without words', () => {
  for (const abi of [1, 2] as const) {
    const bytes = '000300 048300 088720e8e0 1000'
    expect(rowsOf({ abi, functions: [{ size: 20, rows: 4, info: 0x20, bytes }] })).toEqual([
      '0 cfa = sp+0',
      '4 cfa = sp+0, return address signed',
      '8 cfa = sp+32, x29 at cfa-32, x30 at cfa-24, return address signed',
      '16 cfa = sp+0, no caller',
    ])
    const table = decodeSFrame(section({ abi, functions: [{ size: 20, rows: 4, info: 0x20, bytes }] }))
    expect(table.functions[0]!.key).toBe('b')
    expect(printSFrame(table)[0]).toBe(`SFrame version 2, aarch64${abi === 1 ? ', big-endian' : ''}, 1 function`)
  }
})

test.each([1, 2] as const)(
  'a walk on AArch64, ABI %i: the signature goes, and memory is read in the order of the machine',
  (abi) => {
    const bytes = section({ abi, functions: [{ size: 20, rows: 2, info: 0, bytes: '000300 088620e8e0' }] })
    const image = { base: 0n, sections: [{ name: '.sframe', address: 0x1000n, bytes }] }
    const registers: (bigint | undefined)[] = []
    registers[AARCH64_PC] = 0x1000n + 28n + 12n
    registers[AARCH64_SP] = 0x7000n
    registers[AARCH64_FP] = 0x8000n
    const words = new Map([
      [0x8008n, 0x0070_0000_1234_5678n],
      [0x8000n, 0x9000n],
    ])
    const memory = (address: bigint): bigint | undefined => {
      const value = words.get(address)
      if (value === undefined || abi === 2) return value
      return BigInt(`0x${value.toString(16).padStart(16, '0').match(/../g)!.reverse().join('')}`)
    }
    const caller = sframe.unwind({ registers }, image, memory)
    expect(caller.registers[AARCH64_PC]).toBe(0x1234_5678n)
    expect(caller.registers[AARCH64_SP]).toBe(0x8020n)
    expect(caller.registers[AARCH64_FP]).toBe(0x9000n)
    // The link register is the caller's own affair: it is not known.
    expect(caller.registers[AARCH64_LR]).toBeUndefined()
    expect(caller.afterCall).toBe(true)
  },
)

test('version 3: flexible rules, as binutils 2.47 write them for a realigned frame', () => {
  const bytes = '00 04 3908  05 04 5100  11 0a 5100 00 3300  13 0a 33f8 00 3300'
  expect(rowsOf({ version: 3, functions: [{ size: 40, rows: 4, info: 0, info2: 1, bytes }] })).toEqual([
    '0 cfa = rsp+8, rip at cfa-8',
    '5 cfa = r10+0, rip at cfa-8',
    '17 cfa = r10+0, rbp at rbp+0, rip at cfa-8',
    '19 cfa = [rbp-8], rbp at rbp+0, rip at cfa-8',
  ])
})

test('version 3: a return address in a register or below the CFA, a frame pointer that is the CFA, signal frames', () => {
  const bytes = '00 08 3908 5100  04 0a 3908 00 00f0'
  const parts = { version: 3, functions: [{ size: 40, rows: 1, info: 0x80, info2: 1, bytes }] } as const
  expect(rowsOf(parts)).toEqual(['0 cfa = rsp+8, rip in r10'])
  const table = decodeSFrame(section(parts))
  expect(table.functions[0]!.signalFrame).toBe(true)
  // 0x00 as a control word is the default: this row has an odd word left over.
  expect(() => readRows(table, { ...table.functions[0]!, rows: 2 })).toThrow(SFrameError)
})

test('where a function lies: from the field, from the section, and what the flags say of it', () => {
  const one = { size: 6, rows: 4, info: 0, bytes: framed, start: 0x100 }
  const begins = (parts: Partial<SectionParts>, starts?: 'section'): bigint =>
    decodeSFrame(section({ ...parts, functions: [one] }), { address: 0x4000n, ...(starts ? { starts } : {}) })
      .functions[0]!.begin
  expect(begins({ flags: 0 })).toBe(0x4000n + 28n + 0x100n)
  expect(begins({ flags: 0 }, 'section')).toBe(0x4100n)
  expect(begins({ flags: 1 })).toBe(0x4100n)
  expect(begins({ flags: 5 }, 'section')).toBe(0x4000n + 28n + 0x100n)
})

test('tables one behind the other, as linkers that do not know the format leave them', () => {
  const one = section({ functions: [{ size: 6, rows: 4, info: 0, bytes: framed, start: 0x100 }] })
  const two = section({ version: 1, functions: [{ size: 6, rows: 4, info: 0, bytes: framed, start: 0x200 }] })
  const at = Math.ceil(one.length / 8) * 8
  const bytes = new Uint8Array(at + two.length + 40)
  bytes.set(one)
  bytes.set(two, at)
  const tables = decodeSFrameTables(bytes, { address: 0x4000n })
  expect(tables.map(({ version }) => version)).toEqual([2, 1])
  expect(tables.map(({ functions }) => functions[0]!.begin)).toEqual([
    0x4000n + 28n + 0x100n,
    0x4000n + BigInt(at) + 28n + 0x200n,
  ])
  expect(unwindRowsOf(tables[1]!, tables[1]!.functions[0]!)).toHaveLength(4)
  bytes[at + 2] = 9
  expect(() => decodeSFrameTables(bytes)).toThrow(
    `version 9 is not known (at 0x${(at + 2).toString(16)} of the section)`,
  )
  // An offset means that there is a table.
  expect(() => decodeSFrameTables(bytes, { offset: 4 })).toThrow(SFrameError)
})

test('an auxiliary header, and gaps between the parts of a section, are stepped over', () => {
  const parts = { auxiliary: 12, gap: 5, functions: [{ size: 6, rows: 4, info: 0, bytes: framed }] }
  expect(rowsOf(parts)).toHaveLength(4)
})

test('what is wrong is said with its place', () => {
  const good = section({ functions: [{ size: 6, rows: 4, info: 0, bytes: framed }] })
  const with_ = (at: number, ...bytes: number[]): Uint8Array => {
    const copy = good.slice()
    copy.set(bytes, at)
    return copy
  }
  const cases: readonly [Uint8Array, object][] = [
    [good.subarray(0, 1), { code: 'truncated', at: 0 }],
    [good.subarray(0, 20), { code: 'truncated', at: 0 }],
    [with_(0, 0), { code: 'magic', at: 0 }],
    [with_(2, 4), { code: 'version', version: 4, at: 2 }],
    [with_(3, 8), { code: 'flags', at: 3 }],
    [with_(4, 4), { code: 'abi', abi: 4, at: 4 }],
    [with_(4, 1), { code: 'malformed', at: 4 }],
    [with_(8, 2), { code: 'truncated', at: 28 }],
    [with_(8, 255, 255, 255, 255), { code: 'truncated', at: 28 }],
    [with_(12, 3), { code: 'malformed', at: 12 }],
    [with_(16, 255), { code: 'truncated', at: 48 }],
    [with_(24, 255), { code: 'truncated' }],
    [with_(36, 200), { code: 'malformed', at: 36 }],
    [with_(40, 255), { code: 'malformed', at: 40 }],
    [with_(44, 3), { code: 'malformed', at: 44 }],
    [with_(44, 0x10), { code: 'malformed', at: 44 }],
    // A row at the function's end, and behind it: binutils' reader aborts.
    [with_(32, 5), { code: 'row-past-end', at: 59, size: 5 }],
    [with_(48, 1), { code: 'malformed', at: 48 }],
    [with_(55, 0), { code: 'malformed', at: 55 }],
    [with_(49, 0x63), { code: 'malformed', at: 49 }],
    [with_(49, 0x0f), { code: 'malformed', at: 49 }],
    [with_(60, 0x1f), { code: 'truncated', at: 61 }],
  ]
  for (const [bytes, expected] of cases) expect(problem(bytes)).toMatchObject(expected)
})

test('a walk stops with the reason', () => {
  const bytes = section({ functions: [{ size: 8, rows: 2, info: 0, bytes: '000210 0600', start: 0 }] })
  const image = { base: 0n, sections: [{ name: '.sframe', address: 0x1000n, bytes }] }
  const walk = (pc: bigint, frame: bigint | undefined, afterCall: boolean = false): string => {
    const registers: (bigint | undefined)[] = []
    registers[RETURN_ADDRESS] = pc
    registers[RBP] = frame
    try {
      sframe.unwind({ registers, afterCall }, image, (address) => (address === 0x18n ? 0n : undefined))
    } catch (error) {
      if (error instanceof SFrameError) return error.problem.code
    }
    return ''
  }
  const begin = 0x1000n + 28n
  expect(walk(begin, undefined)).toBe('unknown-register')
  expect(walk(begin, 0x100n)).toBe('unreadable')
  expect(walk(begin, 0x10n)).toBe('no-caller')
  expect(walk(begin + 6n, 0x100n)).toBe('no-caller')
  expect(walk(begin + 6n, 0x100n, true)).toBe('unreadable')
  expect(walk(begin + 8n, 0x100n)).toBe('no-entry')
  expect(() => sframe.unwind({ registers: [] }, { base: 0n, sections: [] }, () => 0n)).toThrow('no section .sframe')
})

test('a section in words', () => {
  const table = decodeSFrame(
    section({ flags: 3, functions: [{ size: 6, rows: 4, info: 0, bytes: framed, start: 0x40 }] }),
  )
  expect(printSFrame(table)).toEqual([
    'SFrame version 2, x86-64, 1 function, sorted, all keep the frame pointer',
    '',
    '0x40',
    'SFrame version 2: 6 bytes of code, 4 rows, 1 byte for a start',
    `  00  cfa = rsp+8, rip at cfa-8`,
    `  01  cfa = rsp+16, rbp at cfa-16, rip at cfa-8`,
    `  04  cfa = rbp+16, rbp at cfa-16, rip at cfa-8`,
    `  05  cfa = rsp+8, rip at cfa-8`,
  ])
  expect(x64.name).toBe('x86-64')
})
