// Bytes that are no SFrame: a typed error with a place, or a meaning, in bounded time and memory.

import { generatedFunctions } from '@framewright/frame-layout/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  createSFrameFormat,
  decodeSFrame,
  decodeSFrameTables,
  findRow,
  printSFrame,
  SFrameError,
  sframe,
  unwindRowsOf,
} from '../src/index.ts'
import { section } from './sections.ts'

/** Runs a reader; anything but its own error is a fault. Returns whether the bytes had a meaning. */
function survives(run: () => unknown): boolean {
  try {
    run()
    return true
  } catch (error) {
    if (!(error instanceof SFrameError)) throw error
    if (/undefined|NaN/.test(error.message)) throw error
    return false
  }
}

function readAll(bytes: Uint8Array, walks: boolean): boolean {
  let understood = false
  survives(() => {
    const table = decodeSFrame(bytes, { address: 0x1000n })
    understood = true
    for (const fn of table.functions) {
      if (!survives(() => unwindRowsOf(table, fn))) understood = false
      survives(() => findRow(table, fn.begin + BigInt(fn.size >> 1)))
    }
    if (!walks) return
    survives(() => printSFrame(table))
    survives(() => decodeSFrameTables(bytes))
    const image = { base: 0n, sections: [{ name: '.sframe', address: 0x1000n, bytes }] }
    for (const { begin } of table.functions.slice(0, 4)) {
      const { programCounter } = table.abi.architecture
      const registers = Array.from({ length: 65 }, () => 0x5000n).with(programCounter, begin)
      survives(() => sframe.unwind({ registers }, image, () => 1n))
    }
  })
  return understood
}

/** xorshift32: the same bytes in every run. */
class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  below(limit: number): number {
    let x = this.#state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#state = x
    return (x >>> 0) % limit
  }
}

/** Flips, bytes that tend to hurt, cuts and copies, in place of `scratch`. */
function damage(bytes: Uint8Array, scratch: Uint8Array, random: Random): Uint8Array {
  const result = scratch.subarray(0, bytes.length)
  result.set(bytes)
  for (let count = 1 + random.below(3); count > 0; count--) {
    // Half of it in the header and the first descriptions.
    const at = random.below(random.below(2) === 0 ? Math.min(64, result.length) : result.length)
    const kind = random.below(8)
    if (kind < 4) result[at] = result[at]! ^ (1 << random.below(8))
    else if (kind < 6) result[at] = [0, 0xff, 0x80, 0x7f, 1, 2, 0x10, 0x23][random.below(8)]!
    else if (kind === 6) result.copyWithin(at, random.below(result.length))
    else return result.subarray(0, at)
  }
  return result
}

function sections(): Uint8Array[] {
  const made: Uint8Array[] = []
  const functions = fc.sample(generatedFunctions({ parts: true }), { numRuns: 60, seed: 11 })
  for (const options of [{ version: 1 }, { version: 2 }, { version: 2, starts: 'field' }] as const) {
    const format = createSFrameFormat(options)
    let owners: Parameters<typeof format.assemble>[0][number][] = []
    for (const { record } of functions) {
      if (record.parts !== undefined) continue
      let unwind: ReturnType<typeof format.encode> = null
      if (!survives(() => (unwind = format.encode(record)))) continue
      owners.push({ symbol: 'f', section: '.text', offset: 0, codeSize: record.codeSize, unwind })
      if (owners.length < 3) continue
      made.push(format.assemble(owners)[0]!.bytes)
      owners = []
    }
  }
  const flexible = '00 04 3908  05 04 5100  11 0a 5100 00 3300  13 0a 33f8 00 3300'
  made.push(section({ version: 3, functions: [{ size: 40, rows: 4, info: 0, info2: 1, bytes: flexible }] }))
  made.push(section({ functions: [{ size: 480, rows: 2, info: 0x10, repeat: 16, bytes: '000308 0b0310' }] }))
  made.push(section({ abi: 1, functions: [{ size: 20, rows: 4, info: 0x20, bytes: '000300 048300 088720e8e0 1000' }] }))
  made.push(section({ abi: 2, functions: [{ size: 20, rows: 3, info: 0, bytes: '000300 048300 088720e8e0' }] }))
  return made
}

test('120000 damaged sections', () => {
  const originals = sections()
  expect(originals.length).toBeGreaterThan(20)
  for (const bytes of originals) expect(readAll(bytes, true)).toBe(true)
  const random = new Random(0x5f3a)
  const scratch = new Uint8Array(Math.max(...originals.map(({ length }) => length)))
  let understood = 0
  for (let i = 0; i < 120_000; i++) {
    const bytes = damage(originals[i % originals.length]!, scratch, random)
    if (readAll(bytes, i % 8 === 0)) understood++
  }
  expect(understood).toBeGreaterThan(10_000)
  expect(understood).toBeLessThan(110_000)
})

test('every prefix of a section', () => {
  const bytes = section({ functions: [{ size: 6, rows: 4, info: 0, bytes: '000308 010510f0 040410f0 050308' }] })
  for (let length = 0; length < bytes.length; length++) expect(readAll(bytes.subarray(0, length), true)).toBe(false)
})

test('many functions that claim the same rows are refused at once', () => {
  const rows = '0003080403'.repeat(1).padEnd(2 * 4000, '00')
  const functions = Array.from({ length: 20_000 }, () => ({ size: 255, rows: 1000, info: 0, bytes: '' }))
  const bytes = section({ functions: [{ size: 255, rows: 1000, info: 0, bytes: rows }, ...functions] })
  const started = performance.now()
  expect(readAll(bytes, true)).toBe(false)
  expect(performance.now() - started).toBeLessThan(1000)
})
