// The published schema, read by somebody else's validator, and checkRecord accept and refuse the same.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkRecord, frameRecordSchema } from '../src/index.ts'
import { generatedFunctions, realignedFunctions } from '../src/testing/index.ts'

const published = new URL('../frame-record.schema.json', import.meta.url)
const accepts = new Ajv2020().compile(JSON.parse(readFileSync(published, 'utf8')))
const records = fc.oneof(
  generatedFunctions({ machineFrames: true, handlers: true, parts: true, labelsAhead: true }),
  realignedFunctions(),
)

test('the published file is the schema', async () => {
  await expect(`${JSON.stringify(frameRecordSchema(), null, 2)}\n`).toMatchFileSnapshot(fileURLToPath(published))
})

test('records are accepted', () => {
  fc.assert(
    fc.property(records, ({ record }) => {
      accepts(JSON.parse(JSON.stringify(record)))
      expect(accepts.errors).toBeNull()
    }),
  )
})

/** Every place in a JSON value that holds something. */
function places(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  const inside = Object.entries(value).flatMap(([key, each]) =>
    places(each, [...path, Array.isArray(value) ? Number(key) : key]),
  )
  return path.length === 0 ? inside : [path, ...inside]
}

/** Another value at that place; undefined takes the field away. */
function changed(value: unknown, [first, ...rest]: readonly (string | number)[], to: unknown): unknown {
  if (first === undefined) return to
  const copy = Array.isArray(value) ? [...value] : { ...(value as object) }
  const inner = (copy as Record<string | number, unknown>)[first]
  if (rest.length === 0 && to === undefined && !Array.isArray(copy)) {
    delete (copy as Record<string | number, unknown>)[first]
  } else (copy as Record<string | number, unknown>)[first] = changed(inner, rest, to)
  return copy
}

test('what has another shape is refused by both', () => {
  const wrong = fc.constantFrom<unknown>(undefined, null, -1, 0.5, 'x', '', true, [], {}, 1e300)
  let refused = 0
  fc.assert(
    fc.property(records, fc.nat(), wrong, ({ record }, where, value) => {
      const all = places(record)
      const bad = JSON.parse(JSON.stringify(changed(record, all[where % all.length]!, value)) ?? 'null')
      let complaint: unknown = null
      try {
        checkRecord(bad)
      } catch (error) {
        complaint = error
      }
      if (accepts(bad)) {
        // What no schema can say: order, markers, labels, sizes that fit together.
        if (complaint !== null) expect(String(complaint)).toMatch(/FrameError/)
      } else {
        refused++
        expect(complaint, JSON.stringify(bad)).not.toBeNull()
      }
    }),
    { numRuns: 2000 },
  )
  expect(refused).toBeGreaterThan(500)
})
