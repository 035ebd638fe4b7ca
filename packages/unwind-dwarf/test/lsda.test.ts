import { expect, test } from 'vitest'
import { buildLsda } from '../src/build-lsda.ts'
import { decodeLsda } from '../src/decode-lsda.ts'
import { DwarfUnwindError } from '../src/errors.ts'
import { landingPadAt } from '../src/landing-pad.ts'
import { encodeLsda, type Lsda } from '../src/lsda.ts'
import { asVector, fromHex, loadVectors } from './vectors.ts'

const vectors = loadVectors()

test.skipIf(vectors === null)('what GCC and Clang wrote is read and written again, byte for byte', () => {
  for (const { id, decoded, hex, relocs } of vectors!.lsdaCases) {
    const bytes = fromHex(hex)
    const read = decodeLsda(bytes)
    expect(read.length, id).toBe(bytes.length)
    expect(read.landingPadStart).toBeNull()
    expect([read.typeEncoding, read.callSiteEncoding]).toEqual([decoded.ttype_encoding, decoded.callsite_encoding])
    const place = (index: number | null): number => (index === null ? 0 : decoded.actions[index]!.at + 1)
    expect(
      read.callSites.map(({ action, ...site }) => ({ ...site, action: place(action) })),
      id,
    ).toEqual(decoded.callsites)
    expect(
      read.actions.map(({ filter, next }, i) => ({
        at: decoded.actions[i]!.at,
        filter: filter < 0 ? -decoded.filters[-filter - 1]!.at - 1 : filter,
        next: next === null ? null : decoded.actions[next]!.at,
      })),
      id,
    ).toEqual(decoded.actions)
    expect(read.specifications).toEqual(decoded.filters.map(({ types }) => types))
    const byPlace = new Map(relocs.map(([offset, , symbol, addend]) => [offset, { symbol, addend }]))
    const types = read.types.map((type) => byPlace.get(type.place) ?? null)
    expect(types.length).toBe(decoded.types.length)
    const again: Lsda = { ...read, types, landingPadStart: undefined as never }
    expect(asVector(encodeLsda(again)), id).toEqual({ hex, relocs })
  }
})

test('long tables keep their distances right', () => {
  // Types enough for two-byte numbers, chains that lead both ways.
  const types = Array.from({ length: 300 }, (_, i) => (i % 7 === 0 ? null : { symbol: `t${i}` }))
  const actions = Array.from({ length: 300 }, (_, i) => ({
    filter: i % 50 === 49 ? -1 - ((i / 50) | 0) : (i * 7) % 301,
    next: i % 3 === 0 ? null : i % 3 === 1 ? i - 1 : Math.min(i + 40, 299) === i ? null : Math.min(i + 40, 299),
  }))
  const specifications = Array.from({ length: 6 }, (_, i) => [1, 200 + i, 300])
  const callSites = actions.map((_, i) => ({ start: i * 10, length: 5, landingPad: 100 + i, action: i }))
  for (const callSiteEncoding of [0x01, 0x03, 0x04]) {
    const { bytes } = encodeLsda({ callSites, actions, specifications, types, typeEncoding: 0x9b, callSiteEncoding })
    const read = decodeLsda(bytes)
    expect(read.callSites).toEqual(callSites)
    expect(read.actions).toEqual(actions)
    expect(read.specifications).toEqual(specifications)
    expect(read.types.length).toBe(300)
    expect(read.length).toBe(bytes.length)
  }
})

test('what cannot be is refused', () => {
  const lsda: Lsda = { callSites: [], actions: [], specifications: [], types: [] }
  const site = { start: 4, length: 4, landingPad: 0, action: null }
  const problem = (run: () => unknown): unknown => {
    try {
      run()
    } catch (error) {
      if (error instanceof DwarfUnwindError) return error.problem.code
      throw error
    }
    return null
  }
  expect(problem(() => encodeLsda({ ...lsda, callSites: [site, { ...site, start: 6 }] }))).toBe('order')
  expect(problem(() => encodeLsda({ ...lsda, callSites: [{ ...site, action: 0 }] }))).toBe('number-range')
  expect(problem(() => encodeLsda({ ...lsda, types: [null] }))).toBe('pointer-encoding')
  expect(problem(() => encodeLsda({ ...lsda, actions: [{ filter: 1, next: null }] }))).toBe('number-range')
  expect(problem(() => decodeLsda(fromHex('ff')))).toBe('truncated')
  expect(problem(() => decodeLsda(fromHex('ff0303010401050801')))).toBe('truncated')
  // An action far behind the end.
  expect(problem(() => decodeLsda(fromHex('ffff0104010508ff7f')))).toBe('truncated')
  // A chain that leads back into itself ends.
  expect(decodeLsda(fromHex('ffff010401050801007f')).actions).toEqual([{ filter: 0, next: 0 }])
})

const landing = (lsda: Lsda, offset: number): unknown => landingPadAt(lsda, offset)

test('a table is built from what is caught where', () => {
  const lsda = buildLsda([
    { start: 40, length: 5, landingPad: 120, handlers: [{ kind: 'catch', type: 'A' }, { kind: 'cleanup' }] },
    {
      start: 10,
      length: 5,
      landingPad: 100,
      handlers: [{ kind: 'catch', type: 'B' }, { kind: 'catch', type: 'A' }, { kind: 'cleanup' }],
    },
    { start: 20, length: 5, landingPad: null, handlers: [] },
    { start: 30, length: 5, landingPad: 110, handlers: [{ kind: 'cleanup' }] },
    { start: 50, length: 5, landingPad: 130, handlers: [{ kind: 'except', types: ['A', { symbol: 'C', addend: 8 }] }] },
    { start: 60, length: 5, landingPad: 140, handlers: [{ kind: 'except', types: [] }] },
    { start: 70, length: 5, landingPad: 150, handlers: [{ kind: 'catch', type: null }] },
  ])
  // Chains share their ends: A and cleanup are written once.
  expect(lsda.actions.length).toBe(6)
  expect(lsda.types).toEqual([{ symbol: 'A' }, { symbol: 'B' }, { symbol: 'C', addend: 8 }, null])
  expect(lsda.specifications).toEqual([[1, 3], []])
  const { bytes, relocations } = encodeLsda(lsda)
  expect(relocations.map(({ symbol, addend }) => `${symbol}+${addend}`)).toEqual(['C+8', 'B+0', 'A+0'])
  const read = decodeLsda(bytes)
  expect(read.callSites).toEqual(lsda.callSites)
  expect(read.actions).toEqual(lsda.actions)
  expect(read.specifications).toEqual(lsda.specifications)
  expect(read.types.length).toBe(4)
  expect(read.length).toBe(bytes.length)
  for (const table of [lsda, read as unknown as Lsda]) {
    expect(landing(table, 12)).toEqual({ kind: 'land', at: 100, filters: [2, 1, 0] })
    expect(landing(table, 44)).toEqual({ kind: 'land', at: 120, filters: [1, 0] })
    expect(landing(table, 22)).toEqual({ kind: 'pass' })
    expect(landing(table, 30)).toEqual({ kind: 'land', at: 110, filters: [] })
    expect(landing(table, 50)).toEqual({ kind: 'land', at: 130, filters: [-1] })
    expect(landing(table, 64)).toEqual({ kind: 'land', at: 140, filters: [-2] })
    expect(landing(table, 70)).toEqual({ kind: 'land', at: 150, filters: [4] })
    expect(landing(table, 5)).toEqual({ kind: 'terminate' })
  }
})

test('regions that cannot be said are refused', () => {
  const region = { start: 4, length: 4, landingPad: 20, handlers: [] }
  expect(() => buildLsda([{ ...region, landingPad: 0 }])).toThrow(/landing pad cannot be 0/)
  expect(() => encodeLsda(buildLsda([region, { ...region, start: 6 }]))).toThrow(/stands behind/)
})

test('types, actions and specifications that nothing leads to are read', () => {
  const types = [{ symbol: 'A' }, { symbol: 'B' }, null, { symbol: 'D' }, { symbol: 'E' }]
  const actions = [
    { filter: 2, next: null },
    { filter: 1, next: 0 },
    { filter: -2, next: null },
  ]
  const specifications = [[1], [2, 4]]
  for (const typeEncoding of [0x9b, 0x00, 0x1c]) {
    for (const leads of [[0], [1], [2], [0, 1, 2]]) {
      const callSites = leads.map((action, i) => ({ start: 8 * i, length: 4, landingPad: 60, action }))
      const { bytes, relocations } = encodeLsda({ callSites, actions, types, specifications, typeEncoding })
      // As linked: types are addresses, which do not read as actions.
      const view = new DataView(bytes.buffer)
      for (const { offset } of relocations) view.setInt32(offset, 0x1234_5678 + offset, true)
      const read = decodeLsda(bytes)
      expect(read.types.length, `${typeEncoding} ${leads}`).toBe(5)
      expect(read.actions).toEqual(actions)
      expect(read.specifications).toEqual(specifications)
    }
  }
})
