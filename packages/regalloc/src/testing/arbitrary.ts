import fc from 'fast-check'
import type { ProblemOptions } from './problems.ts'

/** Options of random problems, for properties: a counterexample shrinks to few blocks and few records. */
export function problemOptions(): fc.Arbitrary<ProblemOptions> {
  return fc.record({
    seed: fc.noShrink(fc.integer({ min: 0, max: 0x3fffffff })),
    blocks: fc.integer({ min: 1, max: 24 }),
    records: fc.integer({ min: 1, max: 24 }),
    integers: fc.integer({ min: 2, max: 12 }),
    floats: fc.integer({ min: 2, max: 8 }),
    reach: fc.integer({ min: 3, max: 100 }),
  })
}
