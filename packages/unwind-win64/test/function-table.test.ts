import { type FrameRecord, FrameRecorder, type FunctionUnwind, loadImage, RBX, XMM0 } from '@framewright/frame-layout'
import { CodeWriter, checkConformance } from '@framewright/frame-layout/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  assembleTables,
  decodeFunctionTable,
  decodeImage,
  decodeUnwindInfo,
  encodeFrame,
  printUnwind,
  win64Format,
} from '../src/index.ts'

function simple(bytes: number, personality?: string): FunctionUnwind | null {
  const recorder = new FrameRecorder()
  if (bytes > 0) recorder.adjustSp(4, 4, -bytes)
  recorder.prologueEnd(bytes > 0 ? 4 : 0)
  return encodeFrame(
    recorder.finish({ codeSize: 20, ...(personality === undefined ? {} : { personality: { symbol: personality } }) }),
  )
}

const at = (symbol: string, offset: number, unwind: FunctionUnwind | null, section = '.text') => ({
  symbol,
  offset,
  section,
  codeSize: 20,
  unwind,
})

test('entries are sorted, leaves have none, equal records are written once', () => {
  const [xdata, pdata] = assembleTables([
    at('c', 64, simple(40)),
    at('leaf', 32, simple(0)),
    at('a', 0, simple(40)),
    at('handled', 96, simple(40, 'h')),
    at('other', 128, simple(40, 'g')),
    at('same', 160, simple(40, 'g')),
  ])
  expect(xdata!.bytes.length).toBe(8 + 12 + 12)
  expect(pdata!.bytes.length).toBe(5 * 12)
  const entries = pdata!.relocations.map(({ symbol, addend }) => `${symbol}+${addend}`)
  expect(entries).toEqual([
    ...['.text+0', '.text+20', '.xdata+0'],
    ...['.text+64', '.text+84', '.xdata+0'],
    ...['.text+96', '.text+116', '.xdata+8'],
    ...['.text+128', '.text+148', '.xdata+20'],
    ...['.text+160', '.text+180', '.xdata+20'],
  ])
  expect(xdata!.relocations.map(({ offset, symbol }) => `${offset} ${symbol}`)).toEqual(['16 h', '28 g'])
})

test('records are written one by one on request', () => {
  const [xdata] = assembleTables([at('a', 0, simple(40)), at('b', 32, simple(40))], { share: false })
  expect(xdata!.bytes.length).toBe(16)
})

test('nothing to say: no sections', () => {
  expect(assembleTables([at('leaf', 0, null)])).toEqual([])
})

test('overlapping functions, and unwind data of another format, are refused', () => {
  expect(() => assembleTables([at('a', 0, simple(40)), at('b', 19, simple(40))])).toThrow(
    "the code of 'b' overlaps 'a'",
  )
  expect(() => assembleTables([at('a', 0, simple(40)), at('b', 10, simple(40), '.text$b')])).not.toThrow()
  const foreign = { format: 'dwarf', bytes: new Uint8Array(), relocations: [] }
  expect(() => assembleTables([at('a', 0, foreign)])).toThrow("unwind data of format 'dwarf'")
})

test.each([
  ['a torn table', 13, [], /no multiple of 12/],
  ['a range that ends before it begins', 12, [0x11, 0x10], /the range ends before it begins/],
  ['overlapping ranges', 24, [0x10, 0x20, 0, 0x18, 0x28], /before the one in front of it ends/],
])('%s is refused', (_, size, words, message) => {
  const bytes = new Uint8Array(size)
  words.forEach((word, i) => {
    new DataView(bytes.buffer).setUint32(i * 4, word, true)
  })
  expect(() => decodeFunctionTable(bytes)).toThrow(message)
})

test('an empty range, as GCC makes of a function that cannot return, is read', () => {
  const bytes = new Uint8Array(24)
  const view = new DataView(bytes.buffer)
  for (const [i, word] of [0x10, 0x10, 0x100, 0x10, 0x18, 0x108].entries()) view.setUint32(i * 4, word, true)
  expect(decodeFunctionTable(bytes)).toEqual([
    { begin: 0x10, end: 0x10, unwindInfo: 0x100 },
    { begin: 0x10, end: 0x18, unwindInfo: 0x108 },
  ])
})

/** A prologue of `filler` bytes between the allocation and each of ten xmm saves. */
function longPrologue(filler: number): { record: FrameRecord; code: Uint8Array; boundaries: number[] } {
  const code = new CodeWriter()
  code.push(RBX)
  code.adjustSp(-176)
  for (let i = 0; i < 10; i++) {
    for (let k = 0; k < filler; k++) code.nop()
    code.save(XMM0 + 6 + i, 'sp', 4, i * 16)
  }
  code.recorder.prologueEnd(code.at)
  code.nop()
  for (let i = 0; i < 10; i++) code.restore(XMM0 + 6 + i, 'sp', 4, i * 16)
  code.recorder.epilogueBegin(code.at)
  code.adjustSp(176)
  code.pop(RBX)
  code.ret()
  const record = code.recorder.finish({ codeSize: code.at })
  return { record, code: Uint8Array.from(code.bytes), boundaries: code.boundaries }
}

test('a prologue over 255 bytes is cut into a chain that is walked from every instruction', () => {
  const functions = fc.nat(60).map(longPrologue)
  const report = checkConformance(win64Format, { runs: 30, functions, rows: 'true-outside-epilogues' })
  expect(report.refused).toEqual(new Map())
})

test('a chain names its ranges, and repeats nothing', () => {
  const { record } = longPrologue(40)
  const unwind = encodeFrame(record)!
  expect(unwind.fragments.map(({ begin, end, parent }) => [begin, end, parent])).toEqual([
    [0, unwind.fragments[1]!.begin, -1],
    [unwind.fragments[1]!.begin, record.codeSize, 0],
  ])
  expect(printUnwind(unwind).filter((line) => line.startsWith('range'))).toEqual([
    `range 0..${unwind.fragments[1]!.begin}`,
    `range ${unwind.fragments[1]!.begin}..${record.codeSize}, chained to range 0`,
  ])
  const text = { name: '.text', address: 0x1000n, bytes: new Uint8Array(record.codeSize) }
  const sections = assembleTables([{ symbol: 'f', offset: 0, section: '.text', codeSize: record.codeSize, unwind }])
  const functions = decodeImage(loadImage(0n, [text], sections, new Map()))
  expect(functions.map(({ info }) => info.flags)).toEqual([0, 4])
  expect(functions[1]!.info.parent).toEqual(functions[0]!.entry)
})

test('a chain of version 2 lists the epilogues of each range in its own record', () => {
  const { record } = longPrologue(40)
  const unwind = encodeFrame(record, { version: 2 })!
  const infos = unwind.fragments.map(({ info }) => decodeUnwindInfo(unwind.bytes, info))
  expect(infos.map(({ version, epilogues }) => [version, epilogues])).toEqual([
    [2, null],
    [2, { size: 2, atEnd: true, distances: [] }],
  ])
  const functions = fc.nat(60).map(longPrologue)
  const encodeOptions = { version: 2 } as object
  const report = checkConformance(win64Format, { runs: 20, functions, rows: 'true-outside-epilogues', encodeOptions })
  expect(report.refused).toEqual(new Map())
})
