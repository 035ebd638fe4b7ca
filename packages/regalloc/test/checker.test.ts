import { expect, test } from 'vitest'
import { type AllocationOutput, Allocator, checkAllocation, LOCATION_SLOT, OPERAND_CONST } from '../src/index.ts'
import {
  allocateProblem,
  makeProblem,
  type Problem,
  Random,
  randomOptions,
  recordsOf,
  simulate,
} from '../src/testing/index.ts'

interface Mutant {
  readonly kind: string
  readonly output: AllocationOutput
}

/** One thing made wrong, or perhaps only different. */
function mutate(random: Random, problem: Problem, output: AllocationOutput): Mutant | null {
  const copy = {
    ...output,
    code: output.code.slice(),
    movePoint: Int32Array.from(output.movePoint),
    moveGroup: Int32Array.from(output.moveGroup),
    moveFrom: Int32Array.from(output.moveFrom),
    moveTo: Int32Array.from(output.moveTo),
  }
  const place = (): number => {
    const registers = [...problem.environment.order[0], ...problem.environment.order[1]]
    return output.slotCount > 0 && random.once(3)
      ? LOCATION_SLOT + random.below(output.slotCount)
      : random.pick(registers)
  }
  if (random.once(2) && output.moveCount > 0) {
    const k = random.below(output.moveCount)
    const kind = random.pick(['drop a move', 'read elsewhere', 'write elsewhere'])
    if (kind === 'drop a move') {
      for (const column of [copy.movePoint, copy.moveGroup, copy.moveFrom, copy.moveTo]) column.copyWithin(k, k + 1)
      return { kind, output: { ...copy, moveCount: output.moveCount - 1 } }
    }
    if (kind === 'read elsewhere') copy.moveFrom[k] = place()
    else copy.moveTo[k] = place()
    return { kind, output: copy }
  }
  const block = random.below(problem.graph.count)
  const record = random.pick(recordsOf(problem.code, problem.blockStart[block], problem.blockEnd[block]))
  const count = (problem.code[record] >>> 10) & 1023
  if (count === 0) return null
  const at = record + 2 + random.below(count)
  if ((problem.code[at] & OPERAND_CONST) !== 0) return null
  copy.code[at] = (copy.code[at] & ~0xfffff) | place()
  return copy.code[at] === output.code[at] ? null : { kind: 'operand elsewhere', output: copy }
}

test('wrong allocations are rejected', () => {
  const allocator = new Allocator()
  const rejected = new Map<string, number>()
  const passed = new Map<string, number>()
  let wrong = 0
  for (let seed = 0; seed < 500; seed++) {
    const problem = makeProblem({ ...randomOptions(seed), blocks: 6, records: 8 })
    const random = new Random(seed)
    const mutant = mutate(random, problem, allocateProblem(allocator, problem))
    if (mutant === null) continue
    const mistakes = checkAllocation(problem, mutant.output)
    const counts = mistakes.length > 0 ? rejected : passed
    counts.set(mutant.kind, (counts.get(mutant.kind) ?? 0) + 1)
    // Not every change is a mistake. But where running it shows one, the checker must have seen it.
    for (let path = 0; path < 4; path++) {
      if (simulate(problem, mutant.output, path, 30) === null) continue
      wrong++
      expect(mistakes, `seed ${seed}: ${mutant.kind}`).not.toEqual([])
    }
  }
  expect(wrong).toBeGreaterThan(200)
  for (const [kind, count] of rejected) expect(count / (count + (passed.get(kind) ?? 0)), kind).toBeGreaterThan(0.6)
  expect([...rejected.keys()].sort()).toEqual(['drop a move', 'operand elsewhere', 'read elsewhere', 'write elsewhere'])
})
