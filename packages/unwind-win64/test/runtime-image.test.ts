// Images of code made at run time: layout, thunks, growth, limits. What the system makes of them: test/oracle.

import { FrameRecorder, RBX } from '@framewright/frame-layout'
import { describe, expect, test } from 'vitest'
import { buildRuntimeImage, decodeImage, encodeFrame, type RuntimeCode, RuntimeImage } from '../src/index.ts'
import { hexOf } from './vectors.ts'

const BASE = 0x1_0000_0000n

function made(symbol: string, personality?: string): RuntimeCode {
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBX)
  recorder.prologueEnd(1)
  const record = recorder.finish({
    codeSize: 20,
    ...(personality === undefined ? {} : { personality: { symbol: personality } }),
  })
  return { symbol, code: new Uint8Array(20).fill(0x90), unwind: encodeFrame(record) }
}

const leaf: RuntimeCode = { symbol: 'leaf', code: Uint8Array.of(0xc3), unwind: null }

/** As the system sees it. */
function decoded(image: RuntimeImage) {
  const sections = image.regions.map(({ name, offset, size }) => ({
    name: name === 'table' ? '.pdata' : name,
    address: image.base + BigInt(offset),
    bytes: image.bytes.subarray(offset, name === 'table' ? offset + 12 * image.entryCount : offset + size),
  }))
  return decodeImage({ base: image.base, sections })
}

describe('an image', () => {
  test('has code, unwind information and table on pages of their own', () => {
    const image = buildRuntimeImage([made('f'), leaf, made('g')], { base: BASE })
    expect(image.regions).toEqual([
      { name: 'code', offset: 0, size: 4096 },
      { name: 'unwind', offset: 4096, size: 4096 },
      { name: 'table', offset: 8192, size: 4096 },
    ])
    expect(['f', 'leaf', 'g'].map((name) => image.address(name) - BASE)).toEqual([0n, 32n, 48n])
    expect(decoded(image).map(({ begin, end }) => [begin - BASE, end - BASE])).toEqual([
      [0n, 20n],
      [48n, 68n],
    ])
    expect(image.find(BASE + 50n)).toEqual({
      entry: { begin: 48, end: 68, unwindInfo: 4096 },
      address: BASE + 8192n + 12n,
    })
    expect(image.find(BASE + 32n)).toBeNull()
  })

  test('reaches a handler above the base directly, and one elsewhere by a thunk, one for all', () => {
    const near = buildRuntimeImage([made('f', 'h')], { base: BASE, symbols: new Map([['h', BASE + 0x9000n]]) })
    expect(decoded(near)[0]!.info.handler).toBe(0x9000)
    for (const address of [BASE - 0x1000n, 0x7ff6_1234_5678n]) {
      const far = buildRuntimeImage([made('f', 'h'), made('g', 'h')], {
        base: BASE,
        symbols: new Map([['h', address]]),
      })
      const [f, g] = decoded(far).map(({ info }) => info.handler)
      expect(f).toBe(g)
      const bytes = Buffer.alloc(8)
      bytes.writeBigUInt64LE(address)
      expect(hexOf(far.bytes.subarray(f, f! + 12))).toBe(`48b8${bytes.toString('hex')}ffe0`)
    }
  })

  test('grows by what is written behind what is there', () => {
    const image = new RuntimeImage({ base: BASE, capacity: { code: 4096, unwind: 4096, entries: 10 } })
    image.add([made('f')])
    const before = image.bytes.slice()
    const writes = image.add([made('g')])
    expect(writes.map(({ address, bytes }) => [address - BASE, bytes.length])).toEqual([
      [20n, 32], // 12 bytes in front of the function, for alignment
      [4104n, 8],
      [8204n, 12],
    ])
    for (const { address, bytes } of writes) before.set(bytes, Number(address - BASE))
    expect(hexOf(before)).toBe(hexOf(image.bytes))
    expect(image.entryCount).toBe(2)
  })

  test('relocates code', () => {
    const code = new Uint8Array(32)
    const relocations = [
      { offset: 0, kind: 'absolute-64', symbol: 'out', addend: 1 },
      { offset: 8, kind: 'pc-relative-32', symbol: 'f', addend: -4 },
      { offset: 12, kind: 'image-relative-32', symbol: 'f', addend: 0 },
    ] as const
    const image = buildRuntimeImage([made('f'), { symbol: 'c', code, relocations, unwind: null }], {
      base: BASE,
      symbols: new Map([['out', 0x1122_3344_5566_7788n]]),
    })
    const at = Number(image.address('c') - BASE)
    expect(hexOf(image.bytes.subarray(at, at + 16))).toBe(`8977665544332211${'d4ffffff'}${'00000000'}`)
  })

  test.each<[string, () => unknown, string]>([
    ['an unknown handler', () => buildRuntimeImage([made('f', 'h')], { base: BASE }), 'unknown-symbol'],
    ['a crooked base', () => buildRuntimeImage([], { base: 12n }), 'capacity'],
    [
      'more than 4 GiB',
      () => new RuntimeImage({ base: BASE, capacity: { code: 2 ** 32, unwind: 1, entries: 1 } }),
      'capacity',
    ],
    [
      'a branch of 2 GiB',
      () =>
        buildRuntimeImage(
          [
            {
              ...leaf,
              code: new Uint8Array(5),
              relocations: [{ offset: 1, kind: 'pc-relative-32', symbol: 'out', addend: -4 }],
            },
          ],
          { base: BASE, symbols: new Map([['out', BASE + 0x8000_1000n]]) },
        ),
      'out-of-reach',
    ],
  ])('%s is refused', (_, act, code) => {
    expect(act).toThrow(expect.objectContaining({ problem: expect.objectContaining({ code }) }))
  })

  test.each([
    ['code', { code: 4096, unwind: 4096, entries: 400 }, 300],
    ['unwind information', { code: 40_960, unwind: 4096, entries: 4000 }, 600],
    ['the function table', { code: 40_960, unwind: 40_960, entries: 300 }, 400],
  ])('that is full of %s stays as it was', (what, capacity, count) => {
    const image = new RuntimeImage({ base: BASE, symbols: new Map([['h', 0n]]), capacity })
    image.add([made('f', 'h')])
    const before = hexOf(image.bytes)
    // Different handlers, so that no record is shared.
    const functions = Array.from({ length: count }, (_, i) => made(`g${i}`, `f`)).map((one, i) => ({
      ...one,
      align: i < 2 ? 16 : 1,
    }))
    const many = what === 'unwind information' ? functions.map((one, i) => ({ ...one, unwind: longer(i) })) : functions
    expect(() => image.add(many)).toThrow(
      expect.objectContaining({ problem: expect.objectContaining({ code: 'capacity', what }) }),
    )
    expect(hexOf(image.bytes)).toBe(before)
    expect(image.entryCount).toBe(1)
    expect(() => image.address('g0')).toThrow(/not known/)
  })

  function longer(bytes: number) {
    const recorder = new FrameRecorder()
    recorder.adjustSp(4, 4, -8 * (bytes + 20))
    recorder.prologueEnd(4)
    return encodeFrame(recorder.finish({ codeSize: 20 }))
  }

  test('says how it is registered, grown and removed', () => {
    const image = buildRuntimeImage([made('f')], { base: BASE })
    const table = BASE + 8192n
    expect(image.functionTable()).toEqual({
      register: { name: 'RtlAddFunctionTable', arguments: [table, 1n, BASE] },
      remove: { name: 'RtlDeleteFunctionTable', arguments: [table] },
    })
    const growable = image.growableFunctionTable(0x10n)
    expect(growable.register).toEqual({
      name: 'RtlAddGrowableFunctionTable',
      arguments: [0x10n, table, 1n, 341n, BASE, BASE + 12_288n],
    })
    image.add([made('g')].map((one) => ({ ...one, align: 1 })))
    expect(growable.grow(5n)).toEqual({ name: 'RtlGrowFunctionTable', arguments: [5n, 2n] })
    expect(growable.remove(5n)).toEqual({ name: 'RtlDeleteGrowableFunctionTable', arguments: [5n] })
    expect(image.functionTableCallback(7n, 8n)).toEqual({
      register: { name: 'RtlInstallFunctionTableCallback', arguments: [BASE | 3n, BASE, 12_288n, 7n, 8n, 0n] },
      remove: { name: 'RtlDeleteFunctionTable', arguments: [BASE | 3n] },
    })
  })
})
