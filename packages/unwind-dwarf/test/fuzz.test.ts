// Bytes that are no call-frame information: a typed error with a place, or a meaning, in bounded time and memory.

import { damage, Random } from '@framewright/testkit'
import { expect, test } from 'vitest'
import { decodeFrames } from '../src/decode.ts'
import { decodeLsda } from '../src/decode-lsda.ts'
import { decodeEhFrameHdr, searchEhFrameHdr } from '../src/eh-frame-hdr.ts'
import { DwarfUnwindError } from '../src/errors.ts'
import { decodeExpression, evaluateExpression, printExpression } from '../src/expression.ts'
import { createDwarfFormat } from '../src/format.ts'
import { landingPadAt } from '../src/landing-pad.ts'
import { printFrames } from '../src/print.ts'
import { callFrameRows } from '../src/rows.ts'
import { asUnwindRows } from '../src/unwind-rows.ts'
import { fromHex, loadVectors } from './vectors.ts'

/** Limits, and operations that change what follows. */
const TELLING = [0, 0xff, 0x80, 0x7f, 0x0a, 0x0b, 0x0f, 0x10]

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

/** Entries and rows alone. */
function readRows(bytes: Uint8Array, debug: boolean): boolean {
  return survives(() => {
    const table = decodeFrames(bytes, { address: 0x1000n, debug })
    for (const entry of table.entries) {
      if (entry.kind === 'fde') survives(() => asUnwindRows(callFrameRows(table, entry), 16))
    }
  })
}

/** Sections small enough that a hundred thousand of them are read in seconds. */
const smallSections = (vectors?.cases ?? [])
  .flatMap((one) => [
    ...Object.values(one.eh_frame).map((by) => ({ bytes: fromHex(by!.hex), debug: false })),
    ...Object.values(one.debug_frame).flatMap((by) =>
      Object.values(by).map(({ hex }) => ({ bytes: fromHex(hex), debug: true })),
    ),
  ])
  .filter(({ bytes }) => bytes.length < 400)

test.skipIf(vectors === null)('40000 damaged sections', () => {
  const random = new Random(1)
  let understood = 0
  for (let i = 0; i < 40_000; i++) {
    const { bytes, debug } = random.pick(smallSections)
    // Every eighth is put in words and walked as well, which takes most of the time.
    if ((i % 8 === 0 ? readAll : readRows)(damage(bytes, random, TELLING, 4), debug)) understood++
  }
  expect(understood).toBeGreaterThan(2000)
  expect(understood).toBeLessThan(38_000)
})

test.skipIf(vectors === null)('30000 damaged headers, 30000 damaged LSDAs', () => {
  const random = new Random(2)
  const headers = vectors!.hdrCases.flatMap(({ results }) => results.map((result) => fromHex(result.eh_frame_hdr.hex)))
  const tables = vectors!.lsdaCases.map(({ hex }) => fromHex(hex))
  let understood = 0
  for (let i = 0; i < 30_000; i++) {
    const header = damage(random.pick(headers), random, TELLING, 4)
    survives(() => decodeEhFrameHdr(header, 0x1000n))
    survives(() => searchEhFrameHdr(header, 0x1000n, 0x2000n))
    const table = damage(random.pick(tables), random, TELLING, 4)
    if (
      survives(() => {
        const read = decodeLsda(table)
        for (const { start } of read.callSites) landingPadAt(read, start)
      })
    )
      understood++
  }
  expect(understood).toBeGreaterThan(600)
})

test('30000 expressions', () => {
  const random = new Random(4)
  const samples = ['77a00106', '770893 0106', '7600', '2310', '1168 22', '7708801a0a0f1a3b2e08033024 22', '30 2f f9ff']
    .map((digits) => digits.replaceAll(' ', ''))
    .map(fromHex)
  const context = { register: (register: number): bigint => BigInt(register) << 8n, memory: (): bigint => 0x1234n }
  let understood = 0
  for (let i = 0; i < 30_000; i++) {
    const expression = random.chance(0.5)
      ? damage(random.pick(samples), random, TELLING, 4)
      : Uint8Array.from({ length: random.below(24) }, () => random.below(256))
    survives(() => decodeExpression(expression))
    expect(printExpression(expression)).toBeTypeOf('string')
    if (survives(() => evaluateExpression(expression, context, [0x7000n]))) understood++
  }
  expect(understood).toBeGreaterThan(3000)
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

/** Runs something that has to end soon, on input that was made to keep it busy. */
function endsSoon(run: () => unknown): void {
  const start = performance.now()
  survives(run)
  expect(performance.now() - start).toBeLessThan(3000)
}

const sleb = (value: number): number[] => {
  const bytes: number[] = []
  for (let rest = value; ; rest >>= 7) {
    if (rest >= -64 && rest < 64) return [...bytes, rest & 0x7f]
    bytes.push((rest & 0x7f) | 0x80)
  }
}

test('a long initial program is run once, not once for each of many entries', () => {
  const initial = new Array<number>(400_000).fill(0x0a) // remember_state
  const cieLength = 13 + initial.length
  const u32 = (value: number): number[] => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24]
  const bytes = [...u32(cieLength), 0, 0, 0, 0, 1, 0, 1, 0x78, 16, 0x0c, 7, 8, 0, ...initial]
  bytes.length = 4 + cieLength
  for (let i = 0; i < 5000; i++)
    bytes.push(...u32(20), ...u32(bytes.length + 4), ...u32(i), 0, 0, 0, 0, ...u32(1), 0, 0, 0, 0)
  const section = Uint8Array.from(bytes)
  endsSoon(() => {
    const table = decodeFrames(section)
    let rows = 0
    for (const entry of table.entries) if (entry.kind === 'fde') rows += callFrameRows(table, entry).length
    expect(rows).toBe(5000)
  })
})

test('specifications that share one end are not read without bound', () => {
  // 20000 actions, each with a list of its own that reaches to the end of all.
  const actions: number[] = []
  for (let i = 0; i < 20_000; i++) actions.push(...sleb(-i - 1), i === 19_999 ? 0 : 1)
  const lists = new Array<number>(20_000).fill(1)
  const sites = [0, 1, 1, 1]
  const uleb4 = (value: number): number[] =>
    [0, 7, 14].map((bits) => ((value >> bits) & 0x7f) | 0x80).concat(value >> 21)
  const rest = [1, ...uleb4(sites.length), ...sites, ...actions, 0, 0, 0, 0]
  endsSoon(() => decodeLsda(Uint8Array.from([0xff, 0x03, ...uleb4(rest.length), ...rest, ...lists, 0])))
})

test('absurd counts', () => {
  endsSoon(() => decodeEhFrameHdr(fromHex('011b033b00000000ffffffff'), 0n))
  endsSoon(() => decodeEhFrameHdr(fromHex('011b043b00000000ffffffffffffffff'), 0n))
  endsSoon(() => searchEhFrameHdr(fromHex('011b013900000000ffffffff7f'), 0n, 0n))
  endsSoon(() => decodeFrames(fromHex('fffffffff0ffffffffffff7f00000000')))
  endsSoon(() => decodeLsda(fromHex('ff00ffffffffffff7f01ffffffffffff7f')))
  endsSoon(() => evaluateExpression(fromHex('302ffcff'), { register: () => 0n, memory: () => 0n }))
})
