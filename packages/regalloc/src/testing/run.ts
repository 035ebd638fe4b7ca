import type { Allocator } from '../allocator.ts'
import type { AllocationOutput } from '../checker.ts'
import {
  OPERAND_DEF,
  RECORD_HEADER_WORDS,
  RECORD_OPERANDS_MASK,
  RECORD_OPERANDS_SHIFT,
  RECORD_WORDS_SHIFT,
} from '../interface.ts'
import type { Problem } from './problems.ts'

/** Walks a problem backwards, as a code generator does, and allocates. The words of the problem stay as they are. */
export function allocateProblem(allocator: Allocator, problem: Problem): AllocationOutput {
  const code = problem.code.slice()
  walkProblem(allocator, problem, code)
  allocator.allocate()
  return allocator.results(code)
}

/** All calls but `allocate`. */
export function walkProblem(allocator: Allocator, problem: Problem, code: Int32Array): void {
  const { environment, graph, blockStart, blockEnd, classes, clobbers, hints } = problem
  allocator.begin(environment, graph, code)
  for (const cls of classes) allocator.newVreg(cls)
  for (const [argument, parameter] of hints) allocator.hint(argument, parameter)
  let clobber = clobbers.length - 1
  for (let block = graph.count - 1; block >= 0; block--) {
    allocator.enterBlock(block, blockEnd[block])
    for (const record of recordsOf(code, blockStart[block], blockEnd[block]).reverse()) {
      const point = record * 2
      const count = (code[record] >>> RECORD_OPERANDS_SHIFT) & RECORD_OPERANDS_MASK
      if (clobber >= 0 && clobbers[clobber].point === point) allocator.clobber(point, clobbers[clobber--].mask)
      for (const results of [true, false]) {
        for (let k = 0; k < count; k++) {
          const at = record + RECORD_HEADER_WORDS + k
          if (((code[at] & OPERAND_DEF) !== 0) === results) allocator.operand(at, code[at], point)
        }
      }
    }
    allocator.leaveBlock(block, blockStart[block])
  }
}

/** Word indices of the records between two points. */
export function recordsOf(code: Int32Array, start: number, end: number): number[] {
  const records: number[] = []
  for (let record = start >> 1; record < end >> 1; record += code[record] >>> RECORD_WORDS_SHIFT) records.push(record)
  return records
}
