// The passes, in the order that they run.

import type { Function } from '@framewright/ir'
import type { PassContext } from './context.ts'
import { simplifyControlFlow } from './control-flow.ts'
import { removeDeadCode } from './dead-code.ts'
import { inlineCalls } from './inline.ts'
import { addLoopEntries } from './loop-entries.ts'
import { hoistInvariants } from './loop-invariants.ts'
import { simplify } from './simplify.ts'
import { reduceAddresses } from './strength-reduction.ts'
import { loopTailRecursion } from './tail-recursion.ts'
import { numberValues } from './value-numbering.ts'

/** One step of the optimiser. */
export interface Pass {
  readonly name: string
  /** Rewrites the function in place. What it relies on and leaves true is said at the top of its file. */
  readonly run: (func: Function, context: PassContext) => void
  /** Passes that must have run before, by name; `pipeline.test.ts` checks the order of the list. */
  readonly after?: readonly string[]
}

/** What `optimize` runs at level 2. A pass may be there more than once. */
export const passes: readonly Pass[] = [
  { name: 'tail-recursion', run: loopTailRecursion },
  // The body that is copied into its own calls should have lost the calls in last place.
  { name: 'inline', run: inlineCalls, after: ['tail-recursion'] },
  { name: 'simplify', run: simplify, after: ['inline'] },
  // Branches on what simplify found to be constant go, and blocks with them.
  { name: 'control-flow', run: simplifyControlFlow, after: ['simplify'] },
  // What is dead seems to use values; the passes below count uses. It also needs unreachable blocks gone.
  { name: 'dead-code', run: removeDeadCode, after: ['simplify', 'control-flow'] },
  { name: 'loop-entries', run: addLoopEntries, after: ['control-flow'] },
  { name: 'loop-invariants', run: hoistInvariants, after: ['loop-entries', 'dead-code'] },
  // Takes what lies outside a loop as invariant, so what can move out should have.
  { name: 'strength-reduction', run: reduceAddresses, after: ['loop-entries', 'loop-invariants', 'dead-code'] },
  // Compares operands by id: constants must be on the right. After strength reduction, whose new instructions it merges.
  { name: 'value-numbering', run: numberValues, after: ['simplify', 'control-flow', 'strength-reduction'] },
  { name: 'dead-code', run: removeDeadCode, after: ['strength-reduction', 'value-numbering'] },
]
