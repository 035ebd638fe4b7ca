// Forms that producers seldom use: headers changed in the middle, DW_CFA_set_loc, short pointers, other tables, other bases.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requireTool } from '@framewright/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ByteWriter } from '../src/byte-writer.ts'
import { decodeFrames, type FrameDescriptionEntry } from '../src/decode.ts'
import type { CfiDirective } from '../src/directives.ts'
import { assembleEhFrame, type EhFrameOptions } from '../src/eh-frame.ts'
import { decodeEhFrameHdr, encodeEhFrameHdr, searchEhFrameHdr } from '../src/eh-frame-hdr.ts'
import { encodeRows } from '../src/encode-rows.ts'
import { DwarfUnwindError } from '../src/errors.ts'
import { createDwarfFormat } from '../src/format.ts'
import type { FrameDescription } from '../src/frame-section.ts'
import { findEntry } from '../src/lookup.ts'
import { printRows } from '../src/print.ts'
import { callFrameRows } from '../src/rows.ts'
import { linkSection } from '../src/run-time/link.ts'
import { unwindFrame } from '../src/unwind.ts'
import { asUnwindRows } from '../src/unwind-rows.ts'
import { objectSection } from './elf.ts'
import { asVector, toHex } from './vectors.ts'

const tools = { as: requireTool('as'), llvmMc: requireTool('llvm-mc'), readelf: requireTool('readelf') }
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'unwind-dwarf-forms-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function assemble(tool: 'as' | 'llvmMc', text: string): string {
  const source = join(folder, 'in.s')
  const object = join(folder, `${tool}.o`)
  writeFileSync(source, text)
  const args = tool === 'as' ? ['--64'] : ['-triple=x86_64-linux-gnu', '-filetype=obj']
  const { status, stderr } = spawnSync(tools[tool]!, [...args, source, '-o', object], { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  return object
}

const functionOf = (program: FrameDescription['program'], size: number, offset: number = 0): FrameDescription => {
  return { symbol: 'f', section: '.text', offset, size, program }
}
const fdeOf = (bytes: Uint8Array, address: bigint = 0n): [ReturnType<typeof decodeFrames>, FrameDescriptionEntry] => {
  const table = decodeFrames(bytes, { address })
  return [table, table.entries.find((entry): entry is FrameDescriptionEntry => entry.kind === 'fde')!]
}

test.skipIf(tools.as === null || tools.llvmMc === null)('headers that change in the middle of a function', () => {
  const text = `
.cfi_startproc
.skip 4
.cfi_signal_frame
.skip 3
.cfi_def_cfa_offset 16
.skip 1
.cfi_personality 0x9b, p
.skip 1
.cfi_lsda 0x1b, l
.skip 1
.cfi_offset 3, -16
.cfi_endproc
.cfi_startproc
.cfi_offset 6, -24
.skip 70
.cfi_return_column 17
.skip 2
.cfi_def_cfa_offset 24
.skip 1
.cfi_endproc
.cfi_startproc
.cfi_return_column 17
.skip 1
.cfi_endproc
`
  const first: CfiDirective[] = [
    { at: 4, op: 'signal_frame' },
    { at: 7, op: 'def_cfa_offset', offset: 16 },
    { at: 8, op: 'personality', pointer: { encoding: 0x9b, symbol: 'p' } },
    { at: 9, op: 'lsda', pointer: { encoding: 0x1b, symbol: 'l' } },
    { at: 10, op: 'offset', register: 3, offset: -16 },
  ]
  const second: CfiDirective[] = [
    { at: 0, op: 'offset', register: 6, offset: -24 },
    { at: 70, op: 'return_column', register: 17 },
    { at: 72, op: 'def_cfa_offset', offset: 24 },
  ]
  const given = [
    functionOf(first, 10),
    functionOf(second, 73, 10),
    functionOf([{ at: 0, op: 'return_column', register: 17 }], 1, 83),
  ]
  for (const [tool, dialect] of [
    ['as', 'gnu'],
    ['llvmMc', 'llvm'],
  ] as const) {
    const object = assemble(tool, text)
    expect(asVector(assembleEhFrame(given, { dialect })), dialect).toEqual(objectSection(object, '.eh_frame'))
  }
  // gas alone goes to where such a directive stands.
  const [table, fde] = fdeOf(assembleEhFrame([given[0]!], { dialect: 'gnu' }).bytes)
  expect(toHex(table.bytes.subarray(fde.programStart, fde.programStart + 4))).toBe('44430e10')
  const canonical = fdeOf(assembleEhFrame([given[0]!]).bytes)
  expect(canonical[1].cie).toMatchObject({ signalFrame: true, augmentation: 'zPLRS' })
})

test.skipIf(tools.as === null || tools.llvmMc === null)('pointers of two bytes, as assemblers relocate them', () => {
  const text = `
.cfi_startproc
.cfi_personality 0x02, p
.cfi_lsda 0x1a, l
.skip 8
.cfi_endproc
`
  const given = {
    ...functionOf([], 8),
    personality: { encoding: 0x02, symbol: 'p' },
    languageData: { encoding: 0x1a, symbol: 'l' },
  }
  const expected = asVector(assembleEhFrame([given]))
  expect(expected).toEqual(objectSection(assemble('llvmMc', text), '.eh_frame'))
  expect(expected).toEqual(objectSection(assemble('as', text), '.eh_frame'))
  const bytes = linkSection(
    assembleEhFrame([given], { codeEncoding: 0x1a }),
    0x1000n,
    new Map([
      ['p', 0xff00n],
      ['l', 0x900n],
      ['.text', 0x7000n],
    ]),
  )
  const [, fde] = fdeOf(bytes, 0x1000n)
  expect([fde.begin, fde.size]).toEqual([0x7000n, 8])
  expect(fde.cie.personality!.value).toBe(0xff00n)
  expect(fde.languageData!.value).toBe(0x900n)
  expect(() => assembleEhFrame([functionOf([], 0x1_0000)], { codeEncoding: 0x1a })).toThrow(/size cannot be 65536/)
  const far = new Map([['.text', 0x1_8000n]])
  expect(() => linkSection(assembleEhFrame([functionOf([], 8)], { codeEncoding: 0x1a }), 0x1000n, far)).toThrow(
    /too far/,
  )
})

test('LEB128 numbers have no relocation, other bases none that is known', () => {
  for (const codeEncoding of [0x01, 0x09, 0x2b, 0x3b, 0x4b, 0x50]) {
    expect(() => assembleEhFrame([functionOf([], 8)], { codeEncoding })).toThrow(DwarfUnwindError)
  }
})

test.each([
  ['pc-relative', 0x1b],
  ['pc-relative, 8 bytes', 0x1c],
  ['absolute', 0x00],
] as const)('set_loc on request, %s', (_, codeEncoding) => {
  const program: CfiDirective[] = [
    { at: 5, op: 'set_loc' },
    { at: 5, op: 'def_cfa_offset', offset: 16 },
    { at: 9, op: 'def_cfa_offset', offset: 24 },
    { at: 700, op: 'set_loc' },
    { at: 700, op: 'def_cfa_offset', offset: 8 },
  ]
  const options: EhFrameOptions = { codeEncoding }
  for (const relocateBy of ['section', 'symbol'] as const) {
    const section = assembleEhFrame([functionOf(program, 800, 64)], { ...options, relocateBy })
    expect(section.relocations.map(({ symbol, addend }) => `${symbol}+${addend}`)).toEqual(
      relocateBy === 'section' ? ['.text+64', '.text+69', '.text+764'] : ['f+0', 'f+5', 'f+700'],
    )
    const addresses = new Map([
      ['.text', 0x40_0000n],
      ['f', 0x40_0040n],
    ])
    const bytes = linkSection(section, 0x41_0000n, addresses)
    const [table, fde] = fdeOf(bytes, 0x41_0000n)
    expect(callFrameRows(table, fde).map(({ at, cfa }) => [at, cfa?.rule === 'register' ? cfa.offset : 0])).toEqual([
      [0, 8],
      [5, 16],
      [9, 24],
      [700, 8],
    ])
    if (tools.as === null || tools.readelf === null || codeEncoding === 0x1c) continue
    // readelf reads the locations as we do.
    const lines = ['.text', '.org 800', `.section .eh_frame,"a",@progbits`, `.byte ${[...bytes].join(', ')}`]
    const printed = spawnSync(tools.readelf, ['--debug-dump=frames', assemble('as', `${lines.join('\n')}\n`)], {
      encoding: 'utf8',
    })
    expect(printed.stderr).toBe('')
    expect(printed.stdout.match(/DW_CFA_set_loc/g)?.length).toBe(2)
  }
})

/** A header over two functions in some encoding of its table. */
function headerOf(encoding: number, functions: readonly (readonly [bigint, bigint])[], address: bigint): Uint8Array {
  const out = new ByteWriter()
  for (const byte of [1, 0x1b, 0x01, encoding]) out.u8(byte)
  out.u32(0x2000)
  out.uleb(functions.length)
  const write = (target: bigint): void => {
    const base = (encoding & 0x70) === 0x30 ? address : (encoding & 0x70) === 0x10 ? address + BigInt(out.length) : 0n
    const value = target - base
    switch (encoding & 0x0f) {
      case 0x01:
        out.uleb(Number(value))
        return
      case 0x09:
        out.sleb(Number(value))
        return
      case 0x02:
      case 0x0a:
        out.u16(Number(value))
        return
      case 0x03:
      case 0x0b:
        out.u32(Number(value))
        return
      default:
        out.u64Bits(value)
    }
  }
  for (const [begin, entry] of functions) {
    write(begin)
    write(entry)
  }
  return out.slice()
}

test.each([0x00, 0x01, 0x02, 0x03, 0x04, 0x09, 0x0b, 0x0c, 0x1a, 0x1b, 0x1c, 0x3a, 0x3b, 0x3c, 0x39])(
  'a search table in encoding %i',
  (encoding) => {
    const address = 0x1000n
    const functions = [
      [0x400n, 0x3000n],
      [0x480n, 0x3020n],
      [0x1f00n, 0x3040n],
    ] as const
    const bytes = headerOf(encoding, functions, address)
    expect(decodeEhFrameHdr(bytes, address)).toEqual({
      ehFrame: 0x3004n,
      functions: functions.map(([begin, entry]) => ({ begin, entry })),
    })
    const search = (pc: bigint): unknown => searchEhFrameHdr(bytes, address, pc)
    expect([0x3ffn, 0x400n, 0x47fn, 0x480n, 0x1effn, 0x1f00n, 0x9999n].map(search)).toEqual([
      null,
      ...[0x3000n, 0x3000n, 0x3020n, 0x3020n, 0x3040n, 0x3040n],
    ])
  },
)

test('a search table that counts from what nobody knows is none', () => {
  const bytes = headerOf(0x2b, [[0x400n, 0x3000n]], 0x1000n)
  expect(decodeEhFrameHdr(bytes, 0x1000n).functions).toBeNull()
  expect(searchEhFrameHdr(bytes, 0x1000n, 0x400n)).toBeUndefined()
})

test('a table that 4 bytes do not reach has entries of 8', () => {
  const far = 0x7000_0000_0000n
  const addresses = new Map([['.text', 0x40_0000n]])
  const section = assembleEhFrame([functionOf([], 16), functionOf([], 16, 16)], { codeEncoding: 0x1c })
  const table = decodeFrames(linkSection(section, far, addresses), { address: far })
  const address = far + 0x100n
  const bytes = encodeEhFrameHdr(table, address)
  expect(bytes[3]).toBe(0x3c)
  expect(decodeEhFrameHdr(bytes, address).functions!.map(({ begin }) => begin)).toEqual([0x40_0000n, 0x40_0010n])
  const image = {
    base: 0n,
    sections: [
      { name: '.eh_frame', address: far, bytes: table.bytes },
      { name: '.eh_frame_hdr', address, bytes },
    ],
  }
  expect(findEntry(image, 0x40_001fn)!.entry.begin).toBe(0x40_0010n)
  expect(findEntry(image, 0x40_0020n)).toBeNull()
})

test('text- and data-relative pointers count from bases of their own', () => {
  const section = assembleEhFrame([functionOf([], 16)], { codeEncoding: 0x03 })
  for (const [application, option] of [
    [0x20, 'text'],
    [0x30, 'data'],
  ] as const) {
    const bytes = linkSection(section, 0n, new Map([['.text', 0x40n]]))
    bytes[bytes.indexOf(0x03, 8)] = 0x03 | application
    const image = { base: 0n, sections: [{ name: '.eh_frame', address: 0n, bytes }] }
    const format = createDwarfFormat({ [option]: 0x50_0000n })
    expect(format.decode(image)[0]!.begin).toBe(0x50_0040n)
    expect(findEntry(image, 0x50_0048n, { [option]: 0x50_0000n })!.entry.size).toBe(16)
    expect(() => createDwarfFormat().decode(image)).toThrow(/cannot be used for first address/)
  }
})

test('a CFA in another address space has rows, and no meaning to a walk', () => {
  const program: CfiDirective[] = [
    { at: 0, op: 'def_aspace_cfa', register: 7, offset: 16, addressSpace: 3 },
    { at: 4, op: 'def_cfa_offset', offset: 24 },
    { at: 8, op: 'def_aspace_cfa', register: 6, offset: -16, addressSpace: 0 },
  ]
  const [table, fde] = fdeOf(assembleEhFrame([functionOf(program, 12)]).bytes)
  const rows = callFrameRows(table, fde)
  expect(rows.map(({ cfa }) => cfa)).toEqual([
    { rule: 'register', register: 7, offset: 16, addressSpace: 3 },
    { rule: 'register', register: 7, offset: 24, addressSpace: 3 },
    { rule: 'register', register: 6, offset: -16 },
  ])
  expect(printRows(rows)[1]).toBe('0x0000  rsp+16 in address space 3  [CFA-8]')
  const again = fdeOf(assembleEhFrame([functionOf(encodeRows(rows), 12)]).bytes)
  expect(callFrameRows(...again)).toEqual(rows)
  expect(() => asUnwindRows(rows, 16)).toThrow(/a CFA in address space 3/)
  expect(() => unwindFrame(table, fde, 0n, [], () => 0n)).toThrow(/a CFA in address space 3/)
})
