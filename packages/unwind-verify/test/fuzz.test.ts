// Bytes that are no program, and rows that nobody meant: no exception, in bounded time, and every instruction is accounted for.

import { RETURN_ADDRESS, type RegisterRule, type UnwindRow } from '@framewright/frame-layout'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { systemV, type VerifiedRange, verifyUnwind, windows } from '../src/index.ts'
import { cases } from './corpus.ts'

const register = fc.integer({ min: 0, max: 15 })
const offset = fc.oneof(fc.integer({ min: -64, max: 64 }), fc.constantFrom(2 ** 31, -(2 ** 31), 2 ** 40, 2 ** 52))
const expression = fc
  .uint8Array({ maxLength: 12 })
  .map((bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(''))

const rule: fc.Arbitrary<RegisterRule> = fc.oneof(
  fc.record({ rule: fc.constantFrom('cfa-offset' as const, 'cfa-value' as const), offset }),
  fc.record({ rule: fc.constant('register' as const), register }),
  fc.record({ rule: fc.constant('memory' as const), register, offset }),
  fc.record({ rule: fc.constantFrom('expression' as const, 'value-expression' as const), expression }),
  fc.record({ rule: fc.constantFrom('undefined' as const, 'unchanged' as const) }),
)

const row: fc.Arbitrary<Omit<UnwindRow, 'at'>> = fc.record({
  cfa: fc.oneof(
    fc.record({ rule: fc.constant('register' as const), register, offset }),
    fc.record({ rule: fc.constant('memory' as const), register, offset, add: offset }),
    fc.record({ rule: fc.constant('expression' as const), expression }),
  ),
  registers: fc
    .array(fc.tuple(fc.oneof(register, fc.integer({ min: 16, max: 31 }), fc.constant(RETURN_ADDRESS)), rule), {
      maxLength: 6,
    })
    .map((rules) => new Map(rules)),
  argumentBytes: fc.constantFrom(0, 16),
})

/** Code of its own, or of the corpus with some bytes changed. */
const code = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 64 }),
  fc
    .tuple(
      fc.constantFrom(...cases.map(({ functions }) => functions[0]!.code)),
      fc.array(fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 255 })), { maxLength: 4 }),
    )
    .map(([bytes, changes]) => {
      const copy = Uint8Array.from(bytes)
      for (const [at, value] of changes) copy[at % copy.length] = value
      return copy
    }),
)

const ranges = fc
  .array(fc.tuple(code, fc.array(fc.tuple(fc.nat({ max: 8 }), row), { minLength: 1, maxLength: 5 })), {
    minLength: 1,
    maxLength: 4,
  })
  .map((all) => {
    let begin = 0x1000
    return all.map(([bytes, rows], index): VerifiedRange => {
      let at = 0
      const placed = rows.map(([step, each], i): UnwindRow => {
        at += i === 0 ? 0 : step + 1
        return { ...each, at }
      })
      const range = { name: `f${index}`, begin, code: bytes, rows: placed }
      begin += bytes.length
      return { ...range, landingPads: [{ begin: range.begin, end: begin, address: range.begin + 3, anywhere: true }] }
    })
  })

test('anything is verified without an exception', () => {
  fc.assert(
    fc.property(ranges, fc.integer({ min: -40, max: 40 }), fc.boolean(), (input, entry, isWindows) => {
      const report = verifyUnwind({
        ranges: input,
        convention: isWindows ? windows : systemV,
        readNumber: (address) => (address % 7 === 0 ? undefined : entry),
        entries: [0x1000 + entry],
      })
      for (const { instructions, right, findings, undecided } of report.functions) {
        let open = 0
        for (const offsets of undecided.values()) open += offsets.length
        const wrong = new Set(findings.flatMap(({ offsets }) => offsets)).size
        expect(right + open).toBeLessThanOrEqual(instructions)
        expect(right + open + wrong).toBeGreaterThanOrEqual(instructions)
      }
    }),
    { numRuns: 3000 },
  )
})
