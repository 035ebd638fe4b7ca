import { expect, test } from 'vitest'
import { Allocator, checkAllocation } from '../src/index.ts'
import { allocateProblem, makeProblem, randomOptions } from '../src/testing/index.ts'

test('random', () => {
  const allocator = new Allocator()
  const n = Number(process.env.N ?? 2000)
  const from = Number(process.env.FROM ?? 0)
  let fails = 0
  for (let seed = from; seed < from + n; seed++) {
    const o = randomOptions(seed)
    const problem = makeProblem(o)
    try {
      const output = allocateProblem(allocator, problem)
      const m = checkAllocation(problem, output)
      if (m.length > 0) {
        fails++
        if (fails < 10) console.log(JSON.stringify(o), problem.code.length, problem.graph.count, m[0])
      }
    } catch (e) {
      fails++
      if (fails < 10) console.log(JSON.stringify(o), problem.code.length, e)
    }
  }
  expect(fails).toBe(0)
})
