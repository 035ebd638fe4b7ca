// The lines above the functions of a file test: which tests to make of it, with which settings, for which targets.

import type { Lexer } from './lexer.ts'
import { Token } from './lexer.ts'

/** One `test` line: a command and its options. */
export interface TestLine {
  readonly command: string
  readonly options: readonly string[]
  readonly line: number
}

/** One `target` line, with all `set` options that stand above it. */
export interface TargetLine {
  readonly triple: string
  /** Settings and presets of this target alone. */
  readonly options: readonly string[]
  /** Shared settings, in order, cumulative. */
  readonly settings: readonly string[]
  readonly line: number
}

/** One `feature` line. */
export interface FeatureLine {
  readonly name: string
  /** Whether the line says `feature "…"`, not `feature ! "…"`. */
  readonly enabled: boolean
}

/** What stands above the functions. */
export interface FileHeader {
  readonly tests: readonly TestLine[]
  readonly targets: readonly TargetLine[]
  /** All shared settings, in order; they count for a file without targets. */
  readonly settings: readonly string[]
  readonly features: readonly FeatureLine[]
}

/**
 * Reads the header lines; the lexer then stands at the first token after them. The order is fixed: `test`, then `set`
 * and `target`, then `feature`; a `set` needs a `target` below it when there is any.
 */
export function readHeader(lexer: Lexer): FileHeader {
  const tests: TestLine[] = []
  const targets: TargetLine[] = []
  const settings: string[] = []
  const features: FeatureLine[] = []
  let stage = 0
  let lastSet = -1
  lexer.next()
  while (lexer.is(Token.Word)) {
    const word = lexer.spelling()
    const own = ['test', 'set', 'target', 'feature'].indexOf(word)
    if (own < 0) break
    const { start } = lexer
    // `set` and `target` are one stage.
    const next = own === 0 ? 0 : own === 3 ? 2 : 1
    if (next < stage) throw lexer.error({ code: 'header', reason: `a ${word} line comes too late` }, start)
    stage = next
    const { line } = lexer.source.place(start)
    if (own === 3) {
      features.push(readFeature(lexer))
      continue
    }
    const words = restOfLine(lexer)
    if (own === 1) {
      lastSet = start
      settings.push(...words)
    } else if (words.length === 0) {
      throw lexer.error({ code: 'header', reason: own === 0 ? 'which test?' : 'which target?' }, start)
    } else if (own === 0) tests.push({ command: words[0], options: words.slice(1), line })
    else {
      lastSet = -1
      targets.push({ triple: words[0], options: words.slice(1), settings: [...settings], line })
    }
    lexer.next()
  }
  if (lastSet >= 0 && targets.length > 0) {
    throw lexer.error({ code: 'header', reason: 'a set line must stand above a target' }, lastSet)
  }
  return { tests, targets, settings, features }
}

function restOfLine(lexer: Lexer): string[] {
  const { text } = lexer
  const at = text.indexOf('\n', lexer.end)
  const end = at < 0 ? text.length : at
  lexer.pos = end
  return text
    .slice(lexer.end, end)
    .split(/[ \t\r\f\v]+/)
    .filter((word) => word !== '')
}

function readFeature(lexer: Lexer): FeatureLine {
  lexer.next()
  const enabled = !lexer.is(33) /* ! */
  if (!enabled) lexer.next()
  if (!lexer.is(Token.String)) throw lexer.expected('the name of a feature in quotes')
  const name = lexer.spelling().slice(1, -1)
  lexer.next()
  return { name, enabled }
}
