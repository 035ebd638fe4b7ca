import { expect, test } from 'vitest'
import { DwarfUnwindError } from '../src/errors.ts'
import { decodeLsda, encodeLsda, type Lsda } from '../src/lsda.ts'
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
