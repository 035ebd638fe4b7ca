/** What can be wrong with a frame record, its text or a frame plan. */

import type { FrameEventKind } from './record.ts'

/** What is wrong with a record, or with what was asked of it, by `code`, with the numbers that went wrong. */
export type FrameProblem =
  /** The architecture is none that ships with the package, and none was given. */
  | { readonly code: 'unknown-architecture'; readonly architecture: string }
  /** A number that is none, is fractional, or lies outside its range. */
  | { readonly code: 'bad-number'; readonly field: string; readonly value: number }
  | { readonly code: 'unknown-register'; readonly register: number }
  /** An event that begins before the previous one ends. */
  | { readonly code: 'out-of-order'; readonly at: number; readonly previous: number }
  /** An event behind the last byte of code. */
  | { readonly code: 'past-end'; readonly at: number; readonly codeSize: number }
  /** Markers that do not pair up, or events where their kind may not stand. */
  | { readonly code: 'misplaced'; readonly kind: FrameEventKind; readonly why: string }
  | { readonly code: 'unknown-label'; readonly id: number }
  /** Nothing that is known leads to the canonical frame address any more. */
  | { readonly code: 'cfa-lost'; readonly why: string }
  /** A slot addressed from a base whose distance from the CFA is not known. */
  | { readonly code: 'base-unknown'; readonly base: 'sp' | 'frame' }
  /** Text or JSON that is no record. */
  | { readonly code: 'syntax'; readonly line: number; readonly expected: string; readonly found: string }
  /** No format of a chain can express the record. */
  | { readonly code: 'no-format'; readonly reasons: readonly { readonly format: string; readonly reason: string }[] }
  /** Unwind data that none of the formats made. */
  | { readonly code: 'foreign-unwind'; readonly format: string }
  /** A frame that cannot be laid out. */
  | { readonly code: 'plan'; readonly why: string }

/** A frame record, its text, or a request for a frame is wrong. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
  readonly problem: FrameProblem
  /** Index of the event in the record; -1 where the problem is in none. */
  readonly event: number

  constructor(problem: FrameProblem, event: number = -1) {
    super(event < 0 ? describe(problem) : `${describe(problem)} (frame event ${event})`)
    this.problem = problem
    this.event = event
  }
}

function describe(problem: FrameProblem): string {
  switch (problem.code) {
    case 'unknown-architecture':
      return `no description of architecture '${problem.architecture}'`
    case 'bad-number':
      return `${problem.field} cannot be ${problem.value}`
    case 'unknown-register':
      return `there is no register ${problem.register}`
    case 'out-of-order':
      return `event at ${problem.at} begins before the previous one ends at ${problem.previous}`
    case 'past-end':
      return `event at ${problem.at} lies past the end of the code at ${problem.codeSize}`
    case 'misplaced':
      return `'${problem.kind}' cannot stand here: ${problem.why}`
    case 'unknown-label':
      return `there is no label ${problem.id}, or nothing leads to it but itself`
    case 'cfa-lost':
      return `the canonical frame address is lost: ${problem.why}`
    case 'base-unknown':
      return problem.base === 'sp'
        ? 'the slot is addressed from SP, whose distance from the CFA is not known here'
        : 'the slot is addressed from the frame register, but none is set'
    case 'syntax':
      return `line ${problem.line}: expected ${problem.expected}, found ${problem.found}`
    case 'no-format':
      if (problem.reasons.length === 0) return 'there is no format to choose from'
      return problem.reasons.map(({ format, reason }) => `${format}: ${reason}`).join('; ')
    case 'foreign-unwind':
      return `unwind data of format '${problem.format}'`
    case 'plan':
      return problem.why
  }
}
