// Where a parsed function was written: kept beside its tables so that diagnostics can point at the text.

import { NO_ROWS } from './empty.ts'

/** A place in a text; line and column count from 1, the column in UTF-16 units. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** One text with its name. Lines are found on demand: only diagnostics ask. */
export class SourceText {
  readonly file: string
  readonly text: string
  #lineStarts: number[] | null = null

  constructor(text: string, file = '<text>') {
    this.text = text
    this.file = file
  }

  /** The line and column of an offset into the text. */
  place(offset: number): Place {
    const starts = (this.#lineStarts ??= lineStarts(this.text))
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (starts[middle] <= offset) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: offset - starts[low] + 1 }
  }

  /** The text of a line, without its end. */
  line(line: number): string {
    const starts = (this.#lineStarts ??= lineStarts(this.text))
    return this.text.slice(starts[line - 1], starts[line] ?? this.text.length).replace(/\r?\n$/, '')
  }
}

function lineStarts(text: string): number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

/** A comment, and what it follows: the printed name of a declaration or block, an instruction, or the function. */
export interface SourceComment {
  /** From the first `;` to the end of the line. */
  readonly text: string
  readonly offset: number
  /** `function`, `inst`, `block`, or a declaration's kind: `ss`, `gv`, `sig`, `fn`, `const`, `region`, … */
  readonly kind: string
  /** Id of the instruction, block or declaration; 0 for the function. */
  readonly index: number
}

/** Offsets into the text of everything a diagnostic may be about. */
export class FunctionSource {
  readonly source: SourceText
  /** Of the word `function`. */
  readonly offset: number
  /** By instruction: of its first result, or its opcode when it has none. Rows beyond were not parsed. */
  instOffset: Int32Array = NO_ROWS
  /** By block: of its header; -1 for a block that is only mentioned. */
  blockOffset: number[] = []
  /** By printed name of a declaration: `ss0`, `gv3`. */
  readonly declarations: Map<string, number> = new Map()
  comments: SourceComment[] = []

  constructor(source: SourceText, offset: number) {
    this.source = source
    this.offset = offset
  }
}
