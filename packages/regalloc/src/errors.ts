/** What is wrong with a function given to the allocator, with the numbers. */
export type AllocationProblem =
  | { readonly code: 'too-many-virtual-registers'; readonly limit: number }
  /** A record needs more registers at once than there are. */
  | { readonly code: 'no-register'; readonly vreg: number; readonly point: number }
  /** Read on a way from the entry that does not define it. */
  | { readonly code: 'undefined'; readonly vreg: number }
  /** An edge needs moves, but its start has several successors and its end several predecessors. */
  | { readonly code: 'critical-edge'; readonly from: number; readonly to: number }

/** The function cannot be allocated as it was given. */
export class AllocationError extends Error {
  override readonly name = 'AllocationError'
  readonly problem: AllocationProblem

  constructor(problem: AllocationProblem) {
    super(describe(problem))
    this.problem = problem
  }
}

function describe(problem: AllocationProblem): string {
  switch (problem.code) {
    case 'too-many-virtual-registers':
      return `more than ${problem.limit} virtual registers in one function`
    case 'no-register':
      return `no register is left for virtual register ${problem.vreg} at point ${problem.point}`
    case 'undefined':
      return `virtual register ${problem.vreg} is read on a path that does not define it`
    case 'critical-edge':
      return `the edge from block ${problem.from} to block ${problem.to} needs moves, and a block to hold them`
  }
}
