// Directives in comments against a text, as CLIF's file tests use them (CLIF reference, section 5.4):
//
//   check       matches behind the furthest match so far
//   sameln      in the rest of that line; nextln: in the next line
//   unordered   anywhere behind the last of those, and moves none of them
//   not         must not occur between the matches around it
//   regex       NAME=…, a regular expression by name
//
// A pattern is plain text with word boundaries at its ends. `$VAR` is what a variable matched, `$(VAR=…)` gives it something to
// match (a regular expression, or `$NAME` for one by name), `$()` is nothing, `$$` a dollar.

import { FileTestError } from './errors.ts'

/** A directive that found nothing, or found what must not be. */
export interface FilecheckFailure {
  /** Index of the comment. */
  readonly comment: number
  readonly message: string
}

const DIRECTIVE = /(?<!\w)(check|sameln|nextln|unordered|not|regex):(?:\s(.*)|$)/
const VARIABLE = /^\$(?:\$|\(\)|(\w+)|\((\w*)(?:=(?:\$(\w+)|((?:[^()]|\([^()]*\))*)))?\))/
const WORD = /[A-Za-z0-9_]/

/**
 * Holds the directives of comments against a text.
 *
 * @returns what did not match; empty when all is well, or no comment is a directive.
 * @throws FileTestError for a pattern that is none.
 */
export function filecheck(comments: readonly string[], text: string): FilecheckFailure[] {
  return new Filecheck(text).run(comments)
}

interface Pattern {
  readonly regex: RegExp
  /** The variable that each group gives its match to; empty for none. */
  readonly names: readonly string[]
  /** Where the last of the variables that it uses was defined ends. */
  readonly usesUpTo: number
}

class Filecheck {
  readonly #text: string
  /** What each variable matched, and where that ends. */
  readonly #variables: Map<string, { readonly text: string; readonly end: number }> = new Map()
  readonly #regexes: Map<string, string> = new Map()
  readonly #failures: FilecheckFailure[] = []
  /** `not` directives since the last match. */
  #forbidden: { readonly comment: number; readonly pattern: string; readonly regex: RegExp }[] = []
  /** The end of the furthest match. */
  #position = 0
  /** The end of the last match that was not `unordered`. */
  #ordered = 0
  #matched = false

  constructor(text: string) {
    this.#text = text
  }

  run(comments: readonly string[]): FilecheckFailure[] {
    comments.forEach((comment, index) => {
      const [, kind, pattern = ''] = DIRECTIVE.exec(comment) ?? []
      if (kind !== undefined) this.#directive(index, kind, pattern.trim())
    })
    this.#checkForbidden(this.#text.length)
    return this.#failures
  }

  #directive(comment: number, kind: string, pattern: string): void {
    if (kind === 'regex') {
      const at = pattern.indexOf('=')
      if (at < 0) throw new FileTestError({ code: 'directive', text: `regex: ${pattern}`, why: "'NAME=…' is wanted" })
      this.#regexes.set(pattern.slice(0, at).trim(), pattern.slice(at + 1).trim())
    } else if (kind === 'not') {
      this.#forbidden.push({ comment, pattern, regex: this.#compile(pattern).regex })
    } else {
      const compiled = this.#compile(pattern)
      const [from, to] = this.#range(kind, compiled)
      const found = from > to ? null : this.#find(compiled, from, to)
      if (found === null) {
        this.#failures.push({ comment, message: `${kind}: ${pattern}: nothing matches` })
        return
      }
      this.#position = Math.max(this.#position, found.end)
      if (kind !== 'unordered') {
        this.#checkForbidden(found.start)
        this.#ordered = found.end
      }
      this.#matched = true
    }
  }

  /** Where a directive may match. */
  #range(kind: string, { usesUpTo }: Pattern): [from: number, to: number] {
    const { length } = this.#text
    switch (kind) {
      case 'check':
        return [this.#position, length]
      case 'unordered':
        return [Math.max(this.#ordered, usesUpTo), length]
      case 'sameln':
        return [this.#position, this.#lineEnd(this.#position)]
      default: {
        const start = this.#lineEnd(this.#matched ? this.#position : 0) + 1
        return [start, start > length ? -1 : this.#lineEnd(start)]
      }
    }
  }

  #lineEnd(from: number): number {
    const at = this.#text.indexOf('\n', from)
    return at < 0 ? this.#text.length : at
  }

  #find({ regex, names }: Pattern, from: number, to: number): { start: number; end: number } | null {
    regex.lastIndex = from
    const match = regex.exec(this.#text)
    if (match === null || match.index + match[0].length > to) return null
    const end = match.index + match[0].length
    names.forEach((name, i) => {
      if (name !== '') this.#variables.set(name, { text: match[i + 1] ?? '', end })
    })
    return { start: match.index, end }
  }

  #checkForbidden(before: number): void {
    for (const { comment, pattern, regex } of this.#forbidden) {
      regex.lastIndex = this.#ordered
      const match = regex.exec(this.#text)
      if (match !== null && match.index < before) {
        this.#failures.push({ comment, message: `not: ${pattern}: '${match[0]}' is there` })
      }
    }
    this.#forbidden = []
  }

  #compile(pattern: string): Pattern {
    const names: string[] = []
    let usesUpTo = 0
    const unknown = (name: string): never => {
      throw new FileTestError({ code: 'directive', text: pattern, why: `nothing has defined $${name}` })
    }
    let source = WORD.test(pattern[0] ?? '') ? '\\b' : ''
    for (let i = 0; i < pattern.length; ) {
      const match = VARIABLE.exec(pattern.slice(i))
      if (match === null) {
        source += escaped(pattern[i])
        i++
        continue
      }
      i += match[0].length
      const [whole, bare, name = bare ?? '', regexName, inline] = match
      if (whole === '$$') source += '\\$'
      else if (whole === '$()') source += ''
      else if (regexName !== undefined || inline !== undefined) {
        const regex = regexName === undefined ? inline : (this.#regexes.get(regexName) ?? unknown(regexName))
        source += `(${noGroups(regex)})`
        names.push(name)
      } else if (this.#regexes.has(name)) source += `(?:${noGroups(this.#regexes.get(name)!)})`
      else if (names.includes(name)) {
        // Given a value by this very pattern.
        source += `(?:\\${names.lastIndexOf(name) + 1})`
      } else {
        const { text, end } = this.#variables.get(name) ?? unknown(name)
        source += escaped(text)
        usesUpTo = Math.max(usesUpTo, end)
      }
    }
    if (WORD.test(pattern.at(-1) ?? '')) source += '\\b'
    try {
      return { regex: new RegExp(source, 'g'), names, usesUpTo }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new FileTestError({ code: 'directive', text: pattern, why })
    }
  }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}

/** Groups of an author's regular expression must not count among those of variables. */
function noGroups(source: string): string {
  return source.replace(/(\\.)|\((?!\?)/g, (_, escape: string | undefined) => escape ?? '(?:')
}
