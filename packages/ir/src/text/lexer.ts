// literals: Token
// CLIF text to tokens. One token is current at a time, in fields: reading a token allocates nothing.
//
// Lexical rules are those of the CLIF reference, section 1. The points that matter here: a word with a numeric tail is
// an entity if the rest is a known prefix, else a type if it spells one, else a plain word; a leading zero in the tail
// makes it a plain word; a number swallows every following letter, digit, `_`, `.` and `-`.

import { IrSyntaxError, type IrSyntaxProblem } from '../errors.ts'
import type { SourceText } from '../source.ts'
import { findWord, HASH_FACTOR, WORD_COLD, WORD_INF, WORD_NAN, WORD_TYPE } from './words.ts'

/** Kinds of tokens; a punctuation character is its own kind, by its code, all above these. */
export const Token = {
  End: 0,
  Word: 1,
  Type: 2,
  Integer: 3,
  Float: 4,
  Name: 5,
  String: 6,
  SourceLocation: 7,
  Arrow: 8,
  Cold: 9,
  Value: 10,
  Block: 11,
  StackSlot: 12,
  DynamicStackSlot: 13,
  DynamicType: 14,
  GlobalValue: 15,
  MemoryType: 16,
  Constant: 17,
  Function: 18,
  Signature: 19,
  User: 20,
  UserExternalName: 21,
  ExceptionTable: 22,
  Tag: 23,
  Region: 24,
  Return: 25,
  Exception: 26,
} as const

/** Prefixes of entities. */
const PREFIXES: readonly (readonly [prefix: string, kind: number])[] = [
  ['v', Token.Value],
  ['block', Token.Block],
  ['ss', Token.StackSlot],
  ['dss', Token.DynamicStackSlot],
  ['dt', Token.DynamicType],
  ['gv', Token.GlobalValue],
  ['mt', Token.MemoryType],
  ['const', Token.Constant],
  ['fn', Token.Function],
  ['sig', Token.Signature],
  ['u', Token.User],
  ['userextname', Token.UserExternalName],
  ['extable', Token.ExceptionTable],
  ['tag', Token.Tag],
  ['region', Token.Region],
  ['ret', Token.Return],
  ['exn', Token.Exception],
]

/** The prefixes by their first character: most words with digits at their end are types, which share none. */
const PREFIXES_BY_FIRST: (readonly (readonly [prefix: string, kind: number])[])[] = Array.from(
  { length: 128 },
  (_, c) => PREFIXES.filter(([prefix]) => prefix.charCodeAt(0) === c),
)

// Classes of ASCII characters, as bits.
const SPACE = 1
const LETTER = 2
const DIGIT = 4
const WORD_CHAR = 8
const NUMBER_CHAR = 16
const CLASS = new Uint8Array(128)
for (const c of ' \t\n\r\v\f') CLASS[c.charCodeAt(0)] = SPACE
for (let c = 0; c < 128; c++) {
  const digit = c >= 48 && c <= 57
  const letter = (c >= 65 && c <= 90) || (c >= 97 && c <= 122)
  if (digit) CLASS[c] = DIGIT | WORD_CHAR | NUMBER_CHAR
  if (letter) CLASS[c] = LETTER | WORD_CHAR | NUMBER_CHAR
}
CLASS[95] = WORD_CHAR | NUMBER_CHAR // _
CLASS[45] = NUMBER_CHAR // -
CLASS[46] = NUMBER_CHAR // .

const PUNCTUATION = '(){}[],:=.*!<>+-@'
const IS_PUNCTUATION = new Uint8Array(128)
for (const c of PUNCTUATION) IS_PUNCTUATION[c.charCodeAt(0)] = 1

/** The largest number of an entity; upstream reserves the one above. */
export const MAX_ENTITY_NUMBER = 0xfffffffe

/** Splits one text. */
export class Lexer {
  readonly source: SourceText
  readonly text: string
  readonly limit: number
  /** Where the next token is looked for. */
  pos = 0
  /** The current token: its kind and its place, text[start .. end). */
  kind = 0
  start = 0
  end = 0
  /** The number of an entity or source location, as 32 bits, or of a short decimal integer. */
  number = 0
  /** The number of a word in words.ts, the type of a type. */
  word = 0
  /** Whether `number` is the value of the current integer token. */
  short = false
  /** Comments met since they were last claimed: start and end of each. */
  readonly comments: number[] = []

  constructor(source: SourceText) {
    this.source = source
    this.text = source.text
    this.limit = source.text.length
  }

  /** Moves to the next token. */
  next(): void {
    const { text, limit } = this
    let pos = this.pos
    let c = 0
    for (;;) {
      if (pos >= limit) {
        this.kind = Token.End
        this.start = this.end = this.pos = limit
        return
      }
      c = text.charCodeAt(pos)
      if (c === 32 || c === 10) pos++
      else if (c === 59) pos = this.#comment(pos)
      else if (c < 128 && CLASS[c] === SPACE) pos++
      else break
    }
    this.start = pos
    if (c > 127)
      throw this.error({ code: 'character', character: String.fromCodePoint(text.codePointAt(pos) ?? c) }, pos)
    const cls = CLASS[c]
    if ((cls & LETTER) !== 0) this.#word(c, pos)
    else if ((cls & DIGIT) !== 0) this.#number(pos)
    else this.#other(c, pos)
  }

  /** Text of the current token. */
  spelling(): string {
    return this.text.slice(this.start, this.end)
  }

  /** Whether the current token is this word (never an entity, a type or `cold`). */
  isWord(word: string): boolean {
    return this.kind === Token.Word && this.end - this.start === word.length && this.text.startsWith(word, this.start)
  }

  /** Whether the current token is of that kind. */
  is(kind: number): boolean {
    return this.kind === kind
  }

  /** The error that something else should stand here. */
  expected(expected: string): IrSyntaxError {
    return this.error({ code: 'expected', expected, found: this.spelling() }, this.start)
  }

  /** The error of a problem at that place. */
  error(problem: IrSyntaxProblem, offset: number): IrSyntaxError {
    const { line, column } = this.source.place(offset)
    return new IrSyntaxError(problem, this.source.file, line, column)
  }

  #comment(pos: number): number {
    let end = this.text.indexOf('\n', pos)
    if (end < 0) end = this.limit
    this.comments.push(pos, end)
    return end
  }

  #word(first: number, start: number): void {
    const { text, limit } = this
    let pos = start + 1
    let hash = first
    let c = 0
    // Where the digits at the end begin.
    let tail = pos
    // Values are half of all tokens.
    if (first === 118 && pos < limit) {
      c = text.charCodeAt(pos)
      if (c >= 49 && c <= 57) {
        let number = c - 48
        pos++
        while (pos < limit && (c = text.charCodeAt(pos)) >= 48 && c <= 57 && number < 100_000_000) {
          number = number * 10 + c - 48
          pos++
        }
        if (pos >= limit || c > 127 || (CLASS[c] & WORD_CHAR) === 0) {
          this.kind = Token.Value
          this.number = number
          this.end = this.pos = pos
          return
        }
        pos = start + 1
      }
    }
    while (pos < limit) {
      c = text.charCodeAt(pos)
      if (c > 127 || (CLASS[c] & WORD_CHAR) === 0) break
      hash = (Math.imul(hash, HASH_FACTOR) + c) | 0
      pos++
      if (c > 57 || c < 48) tail = pos
    }
    this.end = this.pos = pos
    if (tail < pos && this.#entity(start, tail, pos)) return
    const word = findWord(text, start, pos, hash)
    if (word === 0) {
      this.kind = Token.Word
      this.word = 0
    } else if (WORD_TYPE[word] !== 0) {
      this.kind = Token.Type
      this.word = WORD_TYPE[word]
    } else if (word === WORD_COLD) this.kind = Token.Cold
    else if (word === WORD_NAN || word === WORD_INF) this.#special(pos)
    else {
      this.kind = Token.Word
      this.word = word
    }
  }

  /** A word with digits at its end: an entity if the rest is a prefix and the digits are a number below 2^32 - 1. */
  #entity(start: number, tail: number, end: number): boolean {
    const { text } = this
    const zero = text.charCodeAt(tail) === 48
    if ((zero && end - tail > 1) || end - tail > 10 || tail - start > 11) return false
    const candidates = PREFIXES_BY_FIRST[text.charCodeAt(start)]
    let kind = 0
    for (let i = 0; i < candidates.length; i++) {
      const prefix = candidates[i][0]
      if (prefix.length === tail - start && text.startsWith(prefix, start)) kind = candidates[i][1]
    }
    if (kind === 0) return false
    let number = 0
    for (let i = tail; i < end; i++) number = number * 10 + text.charCodeAt(i) - 48
    if (number > MAX_ENTITY_NUMBER) return false
    this.kind = kind
    this.number = number | 0
    return true
  }

  #number(pos: number): void {
    const { text, limit } = this
    const first = text.charCodeAt(pos)
    let at = first === 43 || first === 45 ? pos + 1 : pos
    const digits = at
    let number = 0
    let c = 0
    while (at < limit) {
      c = text.charCodeAt(at)
      if (c < 48 || c > 57) break
      number = number * 10 + c - 48
      at++
    }
    this.kind = Token.Integer
    if (at >= limit || c > 127 || (CLASS[c] & NUMBER_CHAR) === 0) {
      this.short = at - digits < 10
      this.number = this.short ? (first === 45 ? 0 - number : number) : 0
      this.end = this.pos = at
      return
    }
    this.short = false
    while (at < limit) {
      c = text.charCodeAt(at)
      if (c > 127 || (CLASS[c] & NUMBER_CHAR) === 0) break
      if (c === 46) this.kind = Token.Float
      at++
    }
    this.end = this.pos = at
  }

  /** After `NaN`, `Inf` or `sNaN`: a payload may follow. */
  #special(pos: number): void {
    const { text, limit } = this
    let at = pos
    if (at < limit && text.charCodeAt(at) === 58) {
      at++
      while (at < limit) {
        const c = text.charCodeAt(at)
        if (c > 127 || (CLASS[c] & NUMBER_CHAR) === 0) break
        at++
      }
    }
    this.kind = Token.Float
    this.end = this.pos = at
  }

  #other(c: number, pos: number): void {
    const { text, limit } = this
    const following = pos + 1 < limit ? text.charCodeAt(pos + 1) : 0
    if (c === 37 /* % */) {
      let at = pos + 1
      while (at < limit && text.charCodeAt(at) < 128 && (CLASS[text.charCodeAt(at)] & WORD_CHAR) !== 0) at++
      this.kind = Token.Name
      this.end = this.pos = at
    } else if (c === 34 /* " */) {
      const at = text.indexOf('"', pos + 1)
      if (at < 0) throw this.error({ code: 'unterminated-string' }, pos)
      this.kind = Token.String
      this.end = this.pos = at + 1
    } else if (c === 64 /* @ */ && isHexDigit(following)) this.#sourceLocation(pos)
    else if (c === 45 && following === 62) {
      this.kind = Token.Arrow
      this.end = this.pos = pos + 2
    } else if ((c === 43 || c === 45) && following < 128 && (CLASS[following] & DIGIT) !== 0) this.#number(pos)
    else if ((c === 43 || c === 45) && this.#signedSpecial(pos)) return
    else if (IS_PUNCTUATION[c] === 1) {
      this.kind = c
      this.end = this.pos = pos + 1
    } else throw this.error({ code: 'character', character: String.fromCharCode(c) }, pos)
  }

  #signedSpecial(pos: number): boolean {
    const { text } = this
    const length = text.startsWith('sNaN:', pos + 1) ? 4 : /^(?:NaN|Inf)$/.test(text.slice(pos + 1, pos + 4)) ? 3 : 0
    if (length === 0) return false
    const after = text.charCodeAt(pos + 1 + length)
    if (after < 128 && (CLASS[after] & WORD_CHAR) !== 0) return false
    this.#special(pos + 1 + length)
    return true
  }

  #sourceLocation(pos: number): void {
    const { text, limit } = this
    let at = pos + 1
    while (at < limit && isHexDigit(text.charCodeAt(at))) at++
    const digits = text.slice(pos + 1, at)
    this.end = at
    if (digits.length > 8)
      throw this.error({ code: 'number', text: `@${digits}`, reason: 'does not fit in 32 bits' }, pos)
    this.kind = Token.SourceLocation
    this.number = Number.parseInt(digits, 16) | 0
    this.pos = at
  }
}

function isHexDigit(c: number): boolean {
  return (c >= 48 && c <= 57) || (c >= 97 && c <= 102) || (c >= 65 && c <= 70)
}
