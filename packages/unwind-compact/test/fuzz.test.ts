// Bytes that are no compact unwind: a typed error, or a meaning, in bounded time and memory.

import { damage, Random } from '@framewright/testkit'
import { describe, expect, test } from 'vitest'
import {
  CompactUnwindError,
  type CompactUnwindProblem,
  compact,
  decodeEncoding,
  decodeObjectRows,
  decodeUnwindInfo,
  encodeEncoding,
  linkUnwindInfo,
  printEncoding,
  searchUnwindInfo,
} from '../src/index.ts'
import { compiledFrame, randomChoices } from './records.ts'

/** Limits, modes and kinds of pages. */
const TELLING = [0, 0xff, 0x80, 0x7f, 1, 2, 3, 4]

/** Runs a reader; anything but its own error is a fault. Returns whether the bytes had a meaning. */
function survives(run: () => unknown): boolean {
  try {
    run()
    return true
  } catch (error) {
    if (!(error instanceof CompactUnwindError)) throw error
    expect(error.message).not.toMatch(/undefined|NaN/)
    return false
  }
}

const BASE = 0x1_0000_0000n

/** The rows of some functions as an object has them, and the section that is linked of them. */
function sample(random: Random, count: number): { rows: Uint8Array; info: Uint8Array } {
  let address = BASE + 0x1000n
  const rows = new Uint8Array(32 * count)
  const view = new DataView(rows.buffer)
  for (let i = 0; i < count; i++) {
    const { record, choices } = compiledFrame('_f', { ...randomChoices(random), vector: false })
    let encoding = 0x0400_0000
    survives(() => {
      encoding = compact.encode(record)!.ranges[0]!.encoding
    })
    view.setBigUint64(32 * i, address, true)
    view.setUint32(32 * i + 8, record.codeSize, true)
    view.setUint32(32 * i + 12, encoding, true)
    if (choices.personality) view.setBigUint64(32 * i + 16, BASE + 0x9000n, true)
    if (choices.languageData) view.setBigUint64(32 * i + 24, BASE + 0xa000n, true)
    address += BigInt(record.codeSize + (random.chance(0.3) ? 0x100 : 0))
  }
  const info = linkUnwindInfo(decodeObjectRows(rows), { base: BASE, personalityPointer: (routine) => routine })
  return { rows, info }
}

/** Everything that can be asked of an image with such a section. */
function readAll(name: string, bytes: Uint8Array): boolean {
  const image = { base: BASE, sections: [{ name, address: BASE + 0xf000n, bytes }] }
  const understood = survives(() => {
    for (const range of compact.decode(image)) survives(() => range.rows())
  })
  const registers = Array.from({ length: 33 }, (_, i) => (i === 32 ? BASE + 0x1020n : BASE + 0x100n))
  survives(() => compact.unwind({ registers }, image, () => 8n))
  return understood
}

test('100000 damaged sections', () => {
  const random = new Random(1)
  const samples = Array.from({ length: 40 }, (_, i) => sample(random, i < 30 ? 1 + (i % 5) : 40))
  let understood = 0
  const count = 100_000
  for (let i = 0; i < count; i++) {
    const { rows, info } = samples[i % 32]!
    const linked = random.chance(0.7)
    if (
      readAll(linked ? '__TEXT,__unwind_info' : '__LD,__compact_unwind', damage(linked ? info : rows, random, TELLING))
    )
      understood++
  }
  expect(understood).toBeGreaterThan(count * 0.05)
  expect(understood).toBeLessThan(count * 0.95)
  for (const { info } of samples)
    for (let cut = 0; cut < info.length; cut += 3) readAll('__unwind_info', info.slice(0, cut))
})

test('every word has a meaning that encodes to it, or an error', () => {
  const random = new Random(2)
  let meanings = 0
  for (let i = 0; i < 100_000; i++) {
    const mode = random.below(8)
    const word = ((random.next() * 2 ** 32) & 0xf0ff_ffff) | (mode << 24)
    survives(() => {
      const encoding = decodeEncoding(word >>> 0)
      printEncoding(word >>> 0)
      // Bits that say nothing in a mode, and empty slots above the highest register, are not kept.
      const again = encodeEncoding(encoding)
      expect(decodeEncoding(again)).toEqual(encoding)
      if (mode === 4) expect(again).toBe(word >>> 0)
      meanings++
    })
  }
  expect(meanings).toBeGreaterThan(10_000)
})

describe('tables that are wrong in one way', () => {
  const info = sample(new Random(3), 200).info
  const header = (field: number, value: number): Uint8Array => {
    const bytes = info.slice()
    new DataView(bytes.buffer).setUint32(4 * field, value, true)
    return bytes
  }
  const problemOf = (bytes: Uint8Array): CompactUnwindProblem | null => {
    try {
      decodeUnwindInfo(bytes)
      return null
    } catch (error) {
      return (error as CompactUnwindError).problem
    }
  }

  test('a version that nobody knows', () => {
    expect(problemOf(header(0, 2))).toEqual({ code: 'bad-version', version: 2 })
  })

  test.each([
    ['common encodings', 2],
    ['personalities', 4],
    ['index', 6],
  ])('absurd counts: %s', (what, field) => {
    expect(problemOf(header(field, 0xffff_ffff))).toMatchObject({ code: 'truncated', what })
  })

  test('one page that the whole index points at', () => {
    const count = 10_000
    const page = 28 + 12 * count
    const bytes = new Uint8Array(page + 12 + 4 * 1000)
    const view = new DataView(bytes.buffer)
    for (const [i, value] of [1, 28, 0, 28, 0, 28, count].entries()) view.setUint32(4 * i, value, true)
    for (let i = 0; i < count; i++) view.setUint32(28 + 12 * i + 4, page, true)
    view.setUint32(page, 3, true)
    view.setUint16(page + 4, 12, true)
    view.setUint16(page + 6, 1000, true)
    view.setUint16(page + 8, 12, true)
    view.setUint16(page + 10, 1, true)
    expect(problemOf(bytes)).toMatchObject({ code: 'bad-table', why: 'pages lie over each other' })
  })

  test('an index that does not ascend, a page of no kind, an encoding that is not there', () => {
    const view = new DataView(info.buffer.slice(0))
    const index = view.getUint32(20, true)
    const page = view.getUint32(index + 4, true)
    const changed = (at: number, value: number): Uint8Array => {
      const bytes = info.slice()
      new DataView(bytes.buffer).setUint32(at, value, true)
      return bytes
    }
    expect(problemOf(changed(index, 0xffff_0000))).toMatchObject({
      code: 'bad-table',
      why: 'the index does not ascend',
    })
    expect(problemOf(changed(page, 7))).toMatchObject({ code: 'bad-table', why: 'there is no page of kind 7' })
    expect(problemOf(changed(page + 12, 0xff00_0000))).toMatchObject({ code: 'bad-table' })
    expect(searchUnwindInfo(info, 0)).toBeNull()
  })
})
