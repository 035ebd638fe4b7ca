// What can be wrong with a file test itself, as opposed to what it tests.

export type FileTestProblem =
  /** A literal that is no value of its type. */
  | { readonly code: 'literal'; readonly text: string; readonly type: string; readonly why: string }
  /** A comment that begins like a directive and is none. */
  | { readonly code: 'directive'; readonly text: string; readonly why: string }

/** A directive cannot be read. */
export class FileTestError extends Error {
  override readonly name = 'FileTestError'
  readonly problem: FileTestProblem

  constructor(problem: FileTestProblem) {
    super(
      problem.code === 'literal'
        ? `'${problem.text}' is no ${problem.type}: ${problem.why}`
        : `'${problem.text}': ${problem.why}`,
    )
    this.problem = problem
  }
}
