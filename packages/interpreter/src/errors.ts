// What ends an execution without an outcome: a call that cannot be made, or a function that says something which cannot be
// executed here. A trap is an outcome and no error.

export type InterpreterProblem =
  | { readonly code: 'unknown-function'; readonly name: string }
  | { readonly code: 'duplicate-function'; readonly name: string }
  | { readonly code: 'arguments'; readonly expected: number; readonly found: number }
  /** An argument that is no bit pattern of its type. */
  | { readonly code: 'argument'; readonly index: number; readonly type: string }
  /** What the interpreter has no machine for: dynamic vectors, stack switching. */
  | { readonly code: 'unsupported'; readonly what: string }
  /** Something that the verifier would have reported, or that is undefined: a call through a wrong signature. */
  | { readonly code: 'ill-formed'; readonly why: string }

/** Execution cannot begin or go on; `problem` says why, the place says where. */
export class InterpreterError extends Error {
  override readonly name = 'InterpreterError'
  readonly problem: InterpreterProblem
  /** `%f:inst3 (file.clif:7:5)`; empty where no instruction is to blame. */
  readonly place: string

  constructor(problem: InterpreterProblem, place: string = '') {
    super(place === '' ? describe(problem) : `${place}: ${describe(problem)}`)
    this.problem = problem
    this.place = place
  }
}

function describe(problem: InterpreterProblem): string {
  switch (problem.code) {
    case 'unknown-function':
      return `there is no function ${problem.name}`
    case 'duplicate-function':
      return `there are two functions ${problem.name}`
    case 'arguments':
      return `${problem.expected} arguments are wanted, ${problem.found} were given`
    case 'argument':
      return `argument ${problem.index} is not a value of type ${problem.type}`
    case 'unsupported':
      return `${problem.what} cannot be interpreted`
    case 'ill-formed':
      return problem.why
  }
}
