// More than 150 000 malformed inputs: every outcome is a value or a typed error, soon. Seeds are fixed, so a failure comes
// again; FUZZ_SEED asks for others.

import {
  checkRecord,
  FrameError,
  type LoadedSection,
  loadImage,
  RETURN_ADDRESS,
  RSP,
  type UnwindImage,
} from '@framewright/frame-layout'
import { expect, test } from 'vitest'
import {
  assembleTables,
  decodeFunctionTable,
  decodeImage,
  decodeScopeTable,
  decodeUnwindInfo,
  decodeUnwindInfo3,
  encodeFrame,
  encodeUnwindInfo,
  encodeUnwindInfo3,
  explainEpilogue,
  printUnwind,
  printUnwindInfo,
  scopeFaults,
  unwindFrame,
  validateFunctionTable,
  validateImage,
  validateUnwindInfo,
  Win64UnwindError,
} from '../src/index.ts'
import { bytesOf, imageOf, readVectors } from './vectors.ts'

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_127)

/** Mulberry32. */
function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }
}

/** Runs `act`; anything thrown has to be a typed error of ours. */
function attempt(act: () => unknown, shown: () => string): boolean {
  try {
    act()
    return true
  } catch (error) {
    const typed = error instanceof Win64UnwindError || error instanceof FrameError
    if (!typed || /undefined|NaN/.test(error.message)) {
      throw new Error(`${String(error)} for ${shown()}`, { cause: error })
    }
    return false
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Flips, overwrites, cuts, repeats, and fills with extremes. */
function mutate(bytes: Uint8Array, next: () => number): Uint8Array {
  const copy = bytes.slice()
  const count = 1 + (next() % 4)
  for (let i = 0; i < count && copy.length > 0; i++) {
    const at = next() % copy.length
    switch (next() % 6) {
      case 0:
        copy[at]! ^= 1 << (next() % 8)
        break
      case 1:
        copy[at] = next()
        break
      case 2:
        copy[at] = 0xff
        break
      case 3:
        copy[at] = 0
        break
      case 4:
        copy.copyWithin(at, next() % copy.length)
        break
      default:
        return copy.subarray(0, at)
    }
  }
  return copy
}

const vectors = readVectors()
const seeds: Uint8Array[] = [
  ...(vectors?.cases ?? []).map(({ xdataHex }) => bytesOf(xdataHex)),
  bytesOf('120e0d8d06160006236405001e74070019f40f0014030cf205e003d00150000000000000'),
  bytesOf('0104010004420000'),
  bytesOf('21000000001000000020000000300000'),
  bytesOf('030b0a240602010020f4ff00000a000408090025481c2c00'),
]

const registers: bigint[] = new Array(49).fill(0x8000n)

function placed(text: Uint8Array, pdata: Uint8Array, xdata: Uint8Array): UnwindImage {
  const section = (name: string, address: bigint, bytes: Uint8Array): LoadedSection => ({ name, address, bytes })
  return {
    base: 0n,
    sections: [section('.text', 0x1000n, text), section('.pdata', 0x2000n, pdata), section('.xdata', 0x3000n, xdata)],
  }
}

/** Whatever takes an image; walks start anywhere. */
function exercise(image: UnwindImage, next: () => number): void {
  const shown = () => image.sections.map(({ name, bytes }) => `${name} ${hex(bytes)}`).join(' ')
  const version3 = next() % 2 === 0
  attempt(() => decodeImage(image, { version3 }).map((one) => one.rows()), shown)
  const state = [...registers]
  state[RSP] = 0x8000n
  state[RETURN_ADDRESS] = 0x1000n + BigInt(next() % 0x40)
  const system = next() % 2 === 0 ? 'windows' : 'wine-8'
  attempt(() => unwindFrame({ registers: state }, image, (address) => address & 0xffffn, { system, version3 }), shown)
  // Validation never throws.
  validateImage(image, { version3, specificHandlers: new Set([0x1000n, 0x1040n]) })
}

const started = performance.now()

test('records: 60 000', () => {
  const next = random(SEED)
  let decoded = 0
  for (let i = 0; i < 60_000; i++) {
    const source = seeds[next() % seeds.length]!
    const bytes = next() % 8 === 0 ? Uint8Array.from({ length: next() % 48 }, next) : mutate(source, next)
    const at = next() % 16 === 0 ? next() % 40 : 0
    const third = bytes.length > at && (bytes[at]! & 7) === 3
    const shown = () => `${at} in ${hex(bytes)}`
    const good = attempt(() => {
      const info = third ? decodeUnwindInfo3(bytes, at) : decodeUnwindInfo(bytes, at)
      printUnwindInfo(info)
      validateUnwindInfo(info, { rangeSize: next() % 300 })
      // What was read can be written, but for numbers that the writer refuses.
      attempt(() => (info.version === 3 ? encodeUnwindInfo3(info) : encodeUnwindInfo(info)), shown)
    }, shown)
    if (good) decoded++
  }
  expect(decoded).toBeGreaterThan(10_000)
  expect(decoded).toBeLessThan(50_000)
})

test('images: 25 000, with mutated tables, records and code', () => {
  const next = random(SEED + 1)
  const table = (): Uint8Array => {
    const bytes = new Uint8Array(12 * (1 + (next() % 4)))
    const view = new DataView(bytes.buffer)
    let begin = 0x1000
    for (let at = 0; at < bytes.length; at += 12) {
      view.setUint32(at, begin, true)
      begin += 1 + (next() % 0x20)
      view.setUint32(at + 4, begin, true)
      view.setUint32(at + 8, 0x3000 + (next() % 4) * 16 + (next() % 16 === 0 ? next() % 4 : 0), true)
      if (next() % 4 === 0) begin += next() % 8
    }
    return next() % 3 === 0 ? mutate(bytes, next) : bytes
  }
  for (let i = 0; i < 25_000; i++) {
    const xdata = new Uint8Array(96)
    for (let at = 0; at < 96; at += 16) xdata.set(mutate(seeds[next() % seeds.length]!, next).subarray(0, 96 - at), at)
    const text = Uint8Array.from(
      { length: 0x60 },
      () => [0x5b, 0xc3, 0x48, 0x83, 0xc4, 0x28, 0xe9, 0xeb, next()][next() % 9]!,
    )
    exercise(placed(text, table(), xdata), next)
  }
})

test('images of the vectors: 12 000 mutations', () => {
  if (vectors === null) return
  const next = random(SEED + 2)
  const images = vectors.cases.filter(({ functionSize }) => functionSize < 400).map((one) => imageOf(vectors, one))
  for (let i = 0; i < 12_000; i++) {
    const { base, sections } = images[next() % images.length]!
    const which = next() % sections.length
    const image = {
      base,
      sections: sections.map((one, k) => (k === which ? { ...one, bytes: mutate(one.bytes, next) } : one)),
    }
    exercise(image, next)
  }
})

test('chains: in circles, of every length, and absurd', () => {
  const next = random(SEED + 3)
  for (let i = 0; i < 2000; i++) {
    const count = 1 + (next() % 60)
    const xdata = new Uint8Array(16 * count)
    const view = new DataView(xdata.buffer)
    for (let k = 0; k < count; k++) {
      xdata[16 * k] = k === count - 1 && next() % 2 === 0 ? 1 : 0x21
      view.setUint32(16 * k + 4, 0x1000, true)
      view.setUint32(16 * k + 8, 0x1040, true)
      const to = next() % 8 === 0 ? next() % (2 * count) : (k + 1) % count
      view.setUint32(16 * k + 12, 0x3000 + 16 * to, true)
    }
    const pdata = new Uint8Array(12)
    new DataView(pdata.buffer).setUint32(0, 0x1000, true)
    new DataView(pdata.buffer).setUint32(4, 0x1040, true)
    new DataView(pdata.buffer).setUint32(8, 0x3000, true)
    exercise(placed(new Uint8Array(0x40), pdata, xdata), next)
  }
})

test('tables, scope tables and exits: 40 000', () => {
  const next = random(SEED + 4)
  for (let i = 0; i < 20_000; i++) {
    const bytes = Uint8Array.from({ length: next() % 100 }, () => (next() % 3 === 0 ? 0 : next()))
    attempt(
      () => decodeFunctionTable(bytes),
      () => hex(bytes),
    )
    validateFunctionTable(bytes)
    const rows = Uint8Array.from({ length: 4 + (next() % 100) }, () => next() % 5)
    rows[0] = next() % 8
    attempt(
      () => scopeFaults(decodeScopeTable(rows), [{ begin: 0, end: 1 << 26 }]),
      () => hex(rows),
    )
    attempt(
      () => decodeScopeTable(bytes, next() % 8),
      () => hex(bytes),
    )
    const code = Uint8Array.from(
      { length: next() % 24 },
      () => [0x48, 0x8d, 0x64, 0x24, 0x5b, 0xff, 0xe0, 0x66, next()][next() % 9]!,
    )
    explainEpilogue(code, next() % 4, { frameRegister: next() % 16 })
    explainEpilogue(bytes, 0, { frameRegister: next() % 16 })
  }
})

test('frame records: 20 000 that may say anything', () => {
  const next = random(SEED + 6)
  const numbers = [0, 8, 16, 24, 32, 40, 64, 240, 256, -8, -16, 4, 12, 524_288, 0x1_0000_0000, next()]
  const one = <T>(values: readonly T[]): T => values[next() % values.length]!
  const number = (): number => one(numbers)
  const register = (): number => one([0, 3, 4, 5, 6, 7, 12, 13, 22, 25, 31, 32])
  const actions = [
    () => ({ kind: 'push', register: register(), size: one([8, 8, 8, 2]), saves: next() % 4 !== 0 }),
    () => ({ kind: 'pop', register: register(), size: 8, restores: next() % 4 !== 0 }),
    () => ({ kind: 'adjust-sp', delta: one([-1, -1, 1]) * number(), via: one(['immediate', 'register', 'probe']) }),
    () => ({ kind: 'set-frame-register', register: one([5, 5, 3, 0]), spOffset: number() }),
    () => ({ kind: 'restore-sp', register: one([5, 3]), offset: number() }),
    () => ({ kind: 'save', register: register(), base: one(['sp', 'frame']), offset: number(), width: one([8, 16]) }),
    () => ({ kind: 'restore', register: register(), base: one(['sp', 'frame']), offset: number(), width: 8 }),
    () => ({ kind: 'label', id: next() % 4 }),
    () => ({ kind: 'resume', id: next() % 4 }),
    () => ({ kind: 'epilogue-begin' }),
    () => ({ kind: 'epilogue-end', exit: one(['return', 'tail-jump']) }),
    () => ({ kind: one(['plain', 'dynamic-sp']) }),
    () => ({ kind: 'realign', alignment: 32 }),
    () => ({ kind: one(['lost', 'kept']), register: register() }),
    () => ({ kind: 'move', register: register(), into: register() }),
    () => ({ kind: 'copy-sp', register: register(), spOffset: number() }),
    () => ({ kind: 'saved-at', register: register(), base: register(), offset: number() }),
    () => ({ kind: 'cfa-from-memory', register: register(), offset: number(), add: 0 }),
  ]
  let encoded = 0
  let walked = 0
  for (let i = 0; i < 20_000; i++) {
    const events: object[] = []
    let at = 0
    const count = next() % 14
    const prologue = next() % (count + 1)
    for (let k = 0; k < count; k++) {
      if (k === prologue) events.push({ at, length: 0, kind: 'prologue-end' })
      const length = next() % 8
      at += length + (next() % 3 === 0 ? next() % 200 : 0)
      // Simple actions are taken more often than strange ones.
      events.push({ at, length, ...actions[next() % (next() % 2 === 0 ? 6 : actions.length)]!() })
    }
    if (prologue >= count) events.push({ at, length: 0, kind: 'prologue-end' })
    const end = events.find((event) => 'kind' in event && event.kind === 'prologue-end') as { at: number }
    const codeSize = at + 1 + (next() % 10)
    const cut = 1 + (next() % codeSize)
    const parts =
      next() % 4 === 0 && cut < codeSize
        ? {
            parts: [
              { begin: 0, end: cut },
              { begin: cut, end: codeSize },
            ],
          }
        : {}
    const shown = () => JSON.stringify(events)
    attempt(() => {
      const record = checkRecord({
        ...{ version: 1, architecture: 'x86-64', codeSize, kind: 'normal', prologueEnd: end.at, events },
        ...(next() % 4 === 0 ? { personality: { symbol: 'h' } } : {}),
        ...parts,
      })
      const version = one([1, 2, 3] as const)
      const unwind = encodeFrame(record, { version })
      encoded++
      if (unwind === null) return
      printUnwind(unwind)
      const owner = { symbol: 'f', section: '.text', offset: 0, codeSize, unwind }
      const second = { ...owner, offset: cut, codeSize: codeSize - cut }
      const sections = assembleTables([{ ...owner, parts: [owner, second] }])
      const text = { name: '.text', address: 0x1000n, bytes: new Uint8Array(codeSize).fill(0xcc) }
      const image = loadImage(0n, [text], sections, new Map())
      // What is written can be read, and holds nothing that the system would refuse.
      for (const fn of decodeImage(image, { version3: true })) fn.rows()
      walked++
      const faults = validateImage(image, { version3: true }).filter(
        // A record that overwrites the return address says so to every format.
        ({ severity, code }) => severity === 'error' && code !== 'save-on-return-address',
      )
      if (faults.length > 0) throw new Error(JSON.stringify(faults))
    }, shown)
  }
  expect(encoded).toBeGreaterThan(1000)
  expect(walked).toBeGreaterThan(300)
})

test('large inputs take time in proportion', () => {
  const next = random(SEED + 5)
  const rows = 60_000
  const pdata = new Uint8Array(12 * rows)
  const view = new DataView(pdata.buffer)
  for (let i = 0; i < rows; i++) {
    // All ranges overlap, and all records are the same chain.
    view.setUint32(12 * i, 0x1000 + (next() % 64), true)
    view.setUint32(12 * i + 4, 0x4000_0000, true)
    view.setUint32(12 * i + 8, 0x10_0000_00, true)
  }
  const section = (name: string, address: bigint, bytes: Uint8Array): LoadedSection => ({ name, address, bytes })
  const image: UnwindImage = {
    base: 0n,
    sections: [
      section('.text', 0x1000n, new Uint8Array(0x1000).fill(0xe8)),
      section('.pdata', 0x1_0000n, pdata),
      section('.xdata', 0x10_0000_00n, bytesOf('21000000' + '00100000' + '00000040' + '00000010')),
    ],
  }
  const from = performance.now()
  expect(validateImage(image).length).toBeGreaterThan(rows)
  const scopes = new Uint8Array(4 + 16 * rows)
  new DataView(scopes.buffer).setUint32(0, rows, true)
  for (let i = 0; i < rows; i++) {
    new DataView(scopes.buffer).setUint32(4 + 16 * i, i, true)
    new DataView(scopes.buffer).setUint32(8 + 16 * i, 2 * rows - i, true)
  }
  expect(scopeFaults(decodeScopeTable(scopes), [{ begin: 0, end: 2 * rows }]).length).toBeGreaterThan(0)
  expect(performance.now() - from).toBeLessThan(10_000)
})

test('all of it was fast', () => {
  expect(performance.now() - started).toBeLessThan(60_000)
})
