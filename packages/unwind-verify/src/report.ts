/** What a run over code and unwind information says. */

import type { CfaRule, Register, RegisterRule } from '@framewright/frame-layout'

/** One statement of the unwind information that the instructions contradict, at one or several offsets. */
export interface Finding {
  readonly function: string
  /** Offsets of instructions, from the function's begin, at which it is so: the state before the instruction runs. */
  readonly offsets: readonly number[]
  readonly problem: FindingProblem
  /** The jumps of one path that leads to the first offset, as offsets from the function's begin, its entry first. */
  readonly path: readonly number[]
}

/** The row's statement, and what the instructions do. */
export type FindingProblem =
  /** The CFA is not where the row says; `distance`: by how many bytes, where both are known. */
  | { readonly code: 'cfa'; readonly rule: CfaRule; readonly found: string; readonly distance: number | null }
  /** The place that the rule names does not hold the caller's value. */
  | { readonly code: 'not-saved'; readonly register: Register; readonly rule: RegisterRule; readonly found: string }
  /** The row has no rule, or says that the register is unchanged, and it has another value. */
  | { readonly code: 'changed'; readonly register: Register; readonly found: string }
  /** Control goes on behind the last instruction that the unwind information describes. */
  | { readonly code: 'runs-out' }
  /** Another range begins before this one ends: two rows for one instruction. */
  | { readonly code: 'overlap'; readonly other: string }

/** Why nothing was decided at an offset. */
export type UndecidedReason =
  /** No path that was found leads there: behind a jump whose targets are not known. */
  | 'unreached'
  /** The bytes are no instruction that the decoder knows. */
  | 'no-instruction'
  /** The register that the row counts from is not known. */
  | 'cfa-unknown'
  /** A saved value, or an expression, is not known. */
  | 'register-unknown'
  /** Everything is right, but a saved register lies below the stack pointer, beyond what interrupts leave alone. */
  | 'below-stack-pointer'
  /** The row says that there is no caller. */
  | 'outermost'
  /** The row has no statement for the place. */
  | 'no-row'

/** One function. */
export interface FunctionReport {
  readonly name: string
  readonly begin: number
  /** Instructions, padding left out. */
  readonly instructions: number
  /** Of them: those where every statement was found to be right. */
  readonly right: number
  /** Of those, the ones that hang on a row for their beginning: it was not seen how control comes there. */
  readonly assumed: number
  readonly findings: readonly Finding[]
  /** Offsets by reason. */
  readonly undecided: ReadonlyMap<UndecidedReason, readonly number[]>
}

/** What was found. */
export interface VerifyReport {
  readonly functions: readonly FunctionReport[]
}
