// What can be wrong with a program given to the assembler.

/** What is wrong with a program, by `code`, with the numbers that went wrong. */
export type AsmProblem =
  // finish()
  | { readonly code: 'label-unbound'; readonly label: number }
  | { readonly code: 'displacement-range'; readonly displacement: number } // not in 32 bits
  | { readonly code: 'short-branch-range'; readonly displacement: number } // forced short, not in 8 bits
  | { readonly code: 'constant-unknown'; readonly entry: number }
  | { readonly code: 'label-unknown'; readonly label: number } // bind() too
  // bind(), align()
  | { readonly code: 'label-bound-twice'; readonly label: number }
  | { readonly code: 'alignment'; readonly alignment: number } // not a power of two from 1 to 256
  // assemble()
  | { readonly code: 'unknown-instruction'; readonly name: string }
  | { readonly code: 'unknown-register'; readonly name: string }
  | { readonly code: 'no-such-form'; readonly name: string; readonly operands: string }
  | { readonly code: 'size-ambiguous'; readonly name: string; readonly operands: string }
  | { readonly code: 'immediate-range'; readonly value: bigint; readonly bits: number }
  | { readonly code: 'immediate-fraction'; readonly value: number }
  | { readonly code: 'invalid-memory'; readonly reason: string }

/** The program cannot be assembled: what is wrong, with its numbers, and where. */
export class AsmError extends Error {
  override readonly name = 'AsmError'
  readonly problem: AsmProblem
  /** Offset in the code, in bytes, of the instruction concerned. */
  readonly offset: number

  constructor(problem: AsmProblem, offset: number) {
    super(`${describe(problem)} (at offset ${offset})`)
    this.problem = problem
    this.offset = offset
  }
}

function describe(problem: AsmProblem): string {
  switch (problem.code) {
    case 'label-unbound':
      return `label ${problem.label} is used and never bound`
    case 'displacement-range':
      return `the displacement ${problem.displacement} does not fit in 32 bits`
    case 'short-branch-range':
      return `the displacement ${problem.displacement} does not fit the short branch asked for`
    case 'constant-unknown':
      return `the pool has no entry ${problem.entry}`
    case 'label-unknown':
      return `there is no label ${problem.label}`
    case 'label-bound-twice':
      return `label ${problem.label} is already bound`
    case 'alignment':
      return `the alignment ${problem.alignment} is not a power of two from 1 to 256`
    case 'unknown-instruction':
      return `there is no instruction '${problem.name}'`
    case 'unknown-register':
      return `there is no register '${problem.name}'`
    case 'no-such-form':
      return `'${problem.name}' does not take the operands ${problem.operands || '(none)'}`
    case 'size-ambiguous':
      return `the operands ${problem.operands} leave the size of '${problem.name}' open`
    case 'immediate-range':
      return `the immediate ${problem.value} does not fit in ${problem.bits} bits`
    case 'immediate-fraction':
      return `the immediate ${problem.value} is not an integer`
    case 'invalid-memory':
      return `the memory operand ${problem.reason}`
  }
}
