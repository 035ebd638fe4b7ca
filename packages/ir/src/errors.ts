// What can be wrong with input. The parser throws IrSyntaxError at the first thing it cannot read, the builder throws
// IrBuildError at the call that is wrong, and the verifier collects Diagnostics, so that one run shows everything.

import type { Block, Inst } from './entities.ts'

/** What the reader could not make sense of. */
export type IrSyntaxProblem =
  /** Something else must stand here; `found` is empty at the end of the text. */
  | { readonly code: 'expected'; readonly expected: string; readonly found: string }
  | { readonly code: 'character'; readonly character: string }
  | { readonly code: 'unterminated-string' }
  | { readonly code: 'unknown'; readonly what: string; readonly name: string }
  | { readonly code: 'undefined'; readonly entity: string }
  | { readonly code: 'duplicate'; readonly entity: string }
  | { readonly code: 'number'; readonly text: string; readonly reason: string }
  | { readonly code: 'too-many'; readonly what: string; readonly limit: number }
  | { readonly code: 'type'; readonly reason: string }
  | { readonly code: 'results'; readonly opcode: string; readonly expected: number; readonly found: number }
  | { readonly code: 'alias-cycle'; readonly entity: string }
  | { readonly code: 'header'; readonly reason: string }

/** The text is not CLIF. `line` and `column` count from 1. */
export class IrSyntaxError extends Error {
  override readonly name = 'IrSyntaxError'
  readonly problem: IrSyntaxProblem
  readonly file: string
  readonly line: number
  readonly column: number

  constructor(problem: IrSyntaxProblem, file: string, line: number, column: number) {
    super(`${file}:${line}:${column}: ${describeSyntaxProblem(problem)}`)
    this.problem = problem
    this.file = file
    this.line = line
    this.column = column
  }
}

/** The problem in words, without its place. */
export function describeSyntaxProblem(problem: IrSyntaxProblem): string {
  switch (problem.code) {
    case 'expected':
      return `expected ${problem.expected}, found ${problem.found === '' ? 'the end of the text' : quoted(problem.found)}`
    case 'character':
      return `unexpected character ${quoted(problem.character)}`
    case 'unterminated-string':
      return 'the string has no end'
    case 'unknown':
      return `unknown ${problem.what} ${quoted(problem.name)}`
    case 'undefined':
      return `${problem.entity} is not defined`
    case 'duplicate':
      return `${problem.entity} is defined twice`
    case 'number':
      return `${quoted(problem.text)} ${problem.reason}`
    case 'too-many':
      return `more than ${problem.limit} ${problem.what}`
    case 'type':
      return problem.reason
    case 'results':
      return `${problem.opcode} gives ${problem.expected} results, ${problem.found} are named`
    case 'alias-cycle':
      return `${problem.entity} stands for itself`
    case 'header':
      return problem.reason
  }
}

function quoted(text: string): string {
  const short = text.length > 40 ? `${text.slice(0, 40)}…` : text
  return `\`${short.replace(/[^\x20-\x7e…]/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16) ?? ''}}`)}\``
}

/** What a call of the builder did wrong. */
export type IrBuildProblem =
  | { readonly code: 'operand-type'; readonly opcode: string; readonly operand: string; readonly reason: string }
  | { readonly code: 'immediate'; readonly opcode: string; readonly reason: string }
  | { readonly code: 'unknown-entity'; readonly entity: string }
  | { readonly code: 'block'; readonly reason: string }
  /** A value is used where it is not defined on every way. */
  | { readonly code: 'dominance'; readonly reason: string }
  | { readonly code: 'variable'; readonly variable: number; readonly reason: string }
  | { readonly code: 'arguments'; readonly reason: string }
  | { readonly code: 'state'; readonly reason: string }

/** A builder was told something that makes no function. Thrown by the call that is wrong. */
export class IrBuildError extends Error {
  override readonly name = 'IrBuildError'
  readonly problem: IrBuildProblem

  constructor(problem: IrBuildProblem) {
    super(describeBuildProblem(problem))
    this.problem = problem
  }
}

function describeBuildProblem(problem: IrBuildProblem): string {
  switch (problem.code) {
    case 'operand-type':
      return `${problem.opcode}: operand ${problem.operand} ${problem.reason}`
    case 'immediate':
      return `${problem.opcode}: ${problem.reason}`
    case 'unknown-entity':
      return `${problem.entity} does not exist in this function`
    case 'variable':
      return `variable ${problem.variable} ${problem.reason}`
    default:
      return problem.reason
  }
}

/** One finding of the verifier. */
export interface Diagnostic {
  /** The name of what it is about: `inst3`, `block1`, `gv0`, `ss2`, `v7`, `function`. */
  readonly entity: string
  readonly message: string
  /** The instruction it is about; -1 when it is not about one. */
  readonly inst: Inst
  /** The block it is about, or that the instruction is in; -1 for neither. */
  readonly block: Block
  /** The instruction as text; empty when it is not about one. */
  readonly text: string
  /** Where it was written, from 1; 0 when the function was not parsed. */
  readonly line: number
  readonly column: number
  readonly file: string
}
