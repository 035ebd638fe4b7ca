// The `run` and `print` directives of file tests (CLIF reference, 5.2), and calls written as they write them.

import { type Function as IrFunction, type Signature, type SourceComment, Type } from '@framewright/ir'
import { FileTestError } from './errors.ts'
import { parseLiteral, printLiteral } from './literals.ts'

/** A call, and what it has to give. Values are bit patterns. */
export interface RunDirective {
  /** As written, from `run` or `print` on. */
  readonly text: string
  /** Offset of the comment in the text of the file. */
  readonly offset: number
  readonly args: readonly bigint[]
  /** Null where nothing is wanted: by `print`, and by a bare `run` of what gives no i8. */
  readonly expected: readonly bigint[] | null
  /** The results have to differ from the expected ones. */
  readonly unequal: boolean
}

/** All directives of a function, in order. @throws FileTestError for a comment that begins like one and is none. */
export function runDirectives(func: IrFunction): RunDirective[] {
  const directives: RunDirective[] = []
  for (const comment of func.source?.comments ?? []) {
    const directive = runDirectiveOf(comment, func.signature)
    if (directive !== null) directives.push(directive)
  }
  return directives
}

const DIRECTIVE = /^[;\s]*((?:run|print)\s*(?::.*)?)$/

/** The name in a directive, with its `%`; null for a bare directive and for another comment. */
export function directiveName({ text }: SourceComment): string | null {
  const name = /^\w+\s*:\s*(%?[\w:]+)\s*\(/.exec(DIRECTIVE.exec(text)?.[1] ?? '')?.[1]
  return name === undefined ? null : /^(?:%|u\d)/.test(name) ? name : `%${name}`
}

/** The directive that a comment is; null for another comment. @throws FileTestError for one that begins like a directive. */
export function runDirectiveOf({ text, offset }: SourceComment, signature: Signature): RunDirective | null {
  const directive = DIRECTIVE.exec(text)?.[1]
  return directive === undefined ? null : { ...parseDirective(directive.trim(), signature), offset }
}

function parseDirective(text: string, { params, returns }: Signature): Omit<RunDirective, 'offset'> {
  const isPrint = text.startsWith('print')
  const types = params.map(({ type }) => type)
  if (!text.includes(':')) {
    if (types.length > 0) throw new FileTestError({ code: 'directive', text, why: 'the function has parameters' })
    // The result has to differ from a zero of type i8, which a value of another type always does.
    const compared = !isPrint && returns.length === 1 && returns[0].type === Type.I8
    return { text, args: [], expected: compared ? [0n] : null, unequal: compared }
  }
  const call = /^\w+\s*:\s*%?[\w:]*\s*\(((?:[^()[\]]|\[[^\]]*\])*)\)\s*(.*)$/.exec(text)
  if (call === null) throw new FileTestError({ code: 'directive', text, why: "a call, '%name(values)', is wanted" })
  const args = parseLiterals(call[1], types, text)
  if (isPrint) return { text, args, expected: null, unequal: false }
  const relation = /^(==|!=)\s*(.*)$/.exec(call[2])
  if (relation === null) throw new FileTestError({ code: 'directive', text, why: "'==' or '!=' is wanted" })
  const results = returns.map(({ type }) => type)
  const list = results.length === 1 ? firstLiteral(relation[2]) : insideBrackets(relation[2])
  return { text, args, expected: parseLiterals(list, results, text), unequal: relation[1] === '!=' }
}

/** @throws FileTestError where number or types do not fit. */
export function parseLiterals(list: string, types: readonly number[], text: string): bigint[] {
  // At the commas that no bracket encloses.
  const items = list.trim() === '' ? [] : list.split(/,(?![^[]*\])/)
  if (items.length !== types.length) {
    throw new FileTestError({ code: 'directive', text, why: `${items.length} values for ${types.length} types` })
  }
  return items.map((item, i) => parseLiteral(item.trim(), types[i]))
}

/** A vector in brackets, or a word; what follows the expected value is ignored. */
function firstLiteral(text: string): string {
  return /^(?:\[[^\]]*\]|\S+)/.exec(text)?.[0] ?? ''
}

/** Several expected values; each may be in brackets itself. */
function insideBrackets(text: string): string {
  return /^\[((?:[^[\]]|\[[^\]]*\])*)\]/.exec(text)?.[1] ?? ''
}

/** Several values as a directive writes them: brackets unless there is exactly one. */
export function printLiterals(values: readonly bigint[], types: readonly number[]): string {
  const literals = values.map((value, i) => printLiteral(value, types[i]))
  return literals.length === 1 ? literals[0] : `[${literals.join(', ')}]`
}
