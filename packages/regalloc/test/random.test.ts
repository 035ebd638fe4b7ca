import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Allocator, checkAllocation } from '../src/index.ts'
import {
  allocateProblem,
  makeProblem,
  type ProblemOptions,
  problemOptions,
  randomOptions,
  simulate,
} from '../src/testing/index.ts'

// FRAMEWRIGHT_REGALLOC_PROBLEMS=100000 for a long run; FRAMEWRIGHT_REGALLOC_SEED to start elsewhere.
const COUNT = Number(process.env['FRAMEWRIGHT_REGALLOC_PROBLEMS'] ?? 1200)
const SEED = Number(process.env['FRAMEWRIGHT_REGALLOC_SEED'] ?? 0)

/** The first mistake in each of many problems, with the options that make the problem again. */
function mistakes(count: number, options: (seed: number) => ProblemOptions): unknown[] {
  const allocator = new Allocator()
  const found: unknown[] = []
  for (let seed = SEED; seed < SEED + count; seed++) {
    const problem = makeProblem(options(seed))
    try {
      const output = allocateProblem(allocator, problem)
      const [mistake] = checkAllocation(problem, output)
      if (mistake !== undefined) found.push({ options: options(seed), mistake })
      const difference = simulate(problem, output, seed, 30)
      if (difference !== null) found.push({ options: options(seed), difference })
    } catch (error) {
      found.push({ options: options(seed), error })
    }
    if (found.length > 3) break
  }
  return found
}

test('every random problem is allocated without a mistake', { timeout: 3_600_000 }, () => {
  expect(mistakes(COUNT, randomOptions)).toEqual([])
})

test('small graphs of any shape, where each block and edge counts', { timeout: 3_600_000 }, () => {
  const options = (seed: number): ProblemOptions => ({
    seed,
    blocks: 3 + (seed % 8),
    records: 3,
    integers: 2 + (seed % 3),
    floats: 2,
    reach: 100,
  })
  expect(mistakes(2 * COUNT, options)).toEqual([])
})

test('few registers and everything live at once', { timeout: 3_600_000 }, () => {
  const options = (seed: number): ProblemOptions => ({
    seed,
    blocks: 12,
    records: 20,
    integers: 2,
    floats: 2,
    reach: 1000,
  })
  expect(mistakes(COUNT >> 3, options)).toEqual([])
})

test('any options, shrunk to the smallest problem that fails', () => {
  const allocator = new Allocator()
  fc.assert(
    fc.property(problemOptions(), (options) => {
      const problem = makeProblem(options)
      expect(checkAllocation(problem, allocateProblem(allocator, problem))).toEqual([])
    }),
    { numRuns: 200 },
  )
})

test('a context leaves nothing behind: the same problem gives the same words after any other', () => {
  const reused = new Allocator()
  for (let seed = 0; seed < 150; seed++) {
    const problem = makeProblem(randomOptions(seed))
    const other = makeProblem(randomOptions(seed + 1000))
    allocateProblem(reused, other)
    expect(allocateProblem(reused, problem), `seed ${seed}`).toEqual(allocateProblem(new Allocator(), problem))
  }
})

test('a context can be used again after a function that it refused', () => {
  const reused = new Allocator()
  for (let seed = 0; seed < 40; seed++) {
    const problem = makeProblem({ seed, blocks: 6, records: 12, integers: 4, floats: 3, reach: 20 })
    const refused = makeProblem({ seed: seed + 500, blocks: 8, records: 20, integers: 4, floats: 3, reach: 100 })
    const none = { order: [new Int32Array(0), new Int32Array(0)] as const, calleeSaved: 0 }
    try {
      allocateProblem(reused, { ...refused, environment: none })
    } catch {
      // Without registers most cannot be allocated.
    }
    expect(allocateProblem(reused, problem), `seed ${seed}`).toEqual(allocateProblem(new Allocator(), problem))
  }
})
