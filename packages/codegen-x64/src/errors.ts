// What the code generator refuses, and where.

/** Where in the function something was refused. Fields that do not apply are absent. */
export interface CodegenPlace {
  /** Name of the function as it is printed, e.g. `%main`. */
  readonly function: string
  /** Instruction id in the function. */
  readonly inst?: number
  /** Byte offset of the instruction in the source text, when the function was parsed and the parser kept it. */
  readonly sourceOffset?: number
}

/** What cannot be compiled, by `code`, with what it was about. */
export type CodegenProblem =
  /** An opcode, or an opcode on this type, that this version cannot compile. `docs/status.md` lists them. */
  | {
      readonly code: 'unsupported-opcode'
      readonly opcode: string
      readonly type: string | null
      readonly detail?: string
    }
  /** A calling convention, parameter purpose or parameter type that this version cannot compile. */
  | { readonly code: 'unsupported-signature'; readonly detail: string }
  /** A setting with a value that this version does not implement. */
  | { readonly code: 'unsupported-setting'; readonly setting: string; readonly detail: string }
  /** An unknown setting, or a value outside its range. */
  | { readonly code: 'bad-setting'; readonly setting: string; readonly detail: string }
  /** A fixed capacity of the code generator is exceeded. */
  | { readonly code: 'limit'; readonly what: string; readonly limit: number }
  /** A function that the verifier would refuse in a way that the code generator cannot survive. */
  | { readonly code: 'ill-formed'; readonly detail: string }

/** The function is valid, but cannot be compiled; or a setting makes no sense. Nothing partial is returned. */
export class CodegenError extends Error {
  override readonly name = 'CodegenError'
  readonly problem: CodegenProblem
  readonly place: CodegenPlace | null

  constructor(problem: CodegenProblem, place: CodegenPlace | null) {
    super(describe(problem) + (place === null ? '' : ` in ${place.function}`))
    this.problem = problem
    this.place = place
  }
}

function describe(problem: CodegenProblem): string {
  switch (problem.code) {
    case 'unsupported-opcode': {
      const type = problem.type === null ? '' : `.${problem.type}`
      return `${problem.opcode}${type} is not supported by the x64 code generator${problem.detail ? `: ${problem.detail}` : ''}`
    }
    case 'unsupported-signature':
      return problem.detail
    case 'unsupported-setting':
      return `setting ${problem.setting} is not supported: ${problem.detail}`
    case 'bad-setting':
      return `setting ${problem.setting}: ${problem.detail}`
    case 'limit':
      return `${problem.what} exceeds the limit of ${problem.limit}`
    case 'ill-formed':
      return problem.detail
  }
}

/** Thrown and never caught: a mistake of ours. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`codegen-x64: internal error: ${message}`)
}
