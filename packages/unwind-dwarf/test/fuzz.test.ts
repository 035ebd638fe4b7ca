// Bytes that are no call-frame information: a typed error with a place, or a meaning, in bounded time and memory.

import { expect, test } from 'vitest'
import { decodeFrames } from '../src/decode.ts'
import { decodeEhFrameHdr, searchEhFrameHdr } from '../src/eh-frame-hdr.ts'
import { DwarfUnwindError } from '../src/errors.ts'
import { createDwarfFormat } from '../src/format.ts'
import { decodeLsda } from '../src/lsda.ts'
import { printFrames } from '../src/print.ts'
import { callFrameRows } from '../src/rows.ts'
import { asUnwindRows } from '../src/unwind-rows.ts'
import { Random } from './records.ts'
import { fromHex, loadVectors } from './vectors.ts'

const vectors = loadVectors()
const format = createDwarfFormat({ reader: 'specification' })

/** Runs a reader; anything but its own error is a fault. Returns whether the bytes had a meaning. */
function survives(run: () => unknown): boolean {
  try {
    run()
    return true
  } catch (error) {
    if (!(error instanceof DwarfUnwindError)) throw error
    expect(error.message.replace('address is undefined', '')).not.toMatch(/undefined|NaN/)
    return false
  }
}

/** Everything that can be asked of a section. */
function readAll(bytes: Uint8Array, debug: boolean): boolean {
  return survives(() => {
    const table = decodeFrames(bytes, { address: 0x1000n, debug })
    for (const entry of table.entries) {
      if (entry.kind === 'fde') survives(() => asUnwindRows(callFrameRows(table, entry), 16))
    }
    printFrames(table)
    const name = debug ? '.debug_frame' : '.eh_frame'
    const image = { base: 0n, sections: [{ name, address: 0x1000n, bytes }] }
    for (const entry of table.entries.slice(0, 8)) {
      if (entry.kind !== 'fde') continue
      const registers = Array.from({ length: 33 }, () => 0x5000n).with(32, entry.begin)
      survives(() => format.unwind({ registers }, image, () => 1n))
    }
  })
}

/** Flips, cuts, copies and splices. */
function damage(bytes: Uint8Array, random: Random): Uint8Array {
  let result = bytes.slice()
  for (let count = 1 + random.below(4); count > 0; count--) {
    if (result.length === 0) return result
    const at = random.below(result.length)
    switch (random.below(5)) {
      case 0:
        result[at] = result[at]! ^ (1 << random.below(8))
        break
      case 1:
        result[at] = random.pick([0, 0xff, 0x80, 0x7f, 0x0a, 0x0b, 0x0f, 0x10, random.below(256)])
        break
      case 2:
        result = result.slice(0, at)
        break
      case 3:
        result = Uint8Array.of(...result.subarray(0, at), ...result.subarray(random.below(result.length)))
        break
      case 4:
        result.copyWithin(at, random.below(result.length))
        break
    }
  }
  return result
}

test.skipIf(vectors === null)('20000 damaged sections', () => {
  const random = new Random(1)
  const sections = vectors!.cases.flatMap((one) => [
    ...Object.values(one.eh_frame).map((by) => ({ bytes: fromHex(by!.hex), debug: false })),
    ...Object.values(one.debug_frame).flatMap((by) =>
      Object.values(by).map(({ hex }) => ({ bytes: fromHex(hex), debug: true })),
    ),
  ])
  let understood = 0
  for (let i = 0; i < 20_000; i++) {
    const { bytes, debug } = random.pick(sections)
    if (readAll(damage(bytes, random), debug)) understood++
  }
  expect(understood).toBeGreaterThan(1000)
  expect(understood).toBeLessThan(19_000)
})

test.skipIf(vectors === null)('5000 damaged headers and LSDAs', () => {
  const random = new Random(2)
  const headers = vectors!.hdrCases.flatMap(({ results }) => results.map((result) => fromHex(result.eh_frame_hdr.hex)))
  const tables = vectors!.lsdaCases.map(({ hex }) => fromHex(hex))
  let understood = 0
  for (let i = 0; i < 2500; i++) {
    const header = damage(random.pick(headers), random)
    survives(() => decodeEhFrameHdr(header, 0x1000n))
    survives(() => searchEhFrameHdr(header, 0x1000n, 0x2000n))
    const table = damage(random.pick(tables), random)
    if (survives(() => decodeLsda(table))) understood++
  }
  expect(understood).toBeGreaterThan(100)
})

test('random bytes', () => {
  const random = new Random(3)
  for (let i = 0; i < 3000; i++) {
    const bytes = Uint8Array.from({ length: random.below(80) }, () => random.below(256))
    readAll(bytes, random.chance(0.5))
    survives(() => decodeLsda(bytes))
  }
})

test('a program that would make an enormous table stops', () => {
  // One CIE, one FDE: 900 registers saved, then rows that change one of them each.
  const program: number[] = []
  for (let register = 0; register < 900; register++) program.push(0x05, (register & 0x7f) | 0x80, register >> 7, 1)
  for (let row = 0; row < 60_000; row++) program.push(0x41, 0x05, 0x80, 0x01, row & 1)
  const head = fromHex('1400000000000000017a5200017810011b0c070890010000')
  const length = 4 + 8 + 1 + program.length
  const fde = [length & 255, (length >> 8) & 255, (length >> 16) & 255, 0, 28, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 127, 0]
  const table = decodeFrames(Uint8Array.from([...head, ...fde, ...program]))
  const entry = table.entries.find((one) => one.kind === 'fde')!
  let problem: unknown
  try {
    callFrameRows(table, entry)
  } catch (error) {
    problem = (error as DwarfUnwindError).problem
  }
  expect(problem).toMatchObject({ code: 'too-large' })
})
