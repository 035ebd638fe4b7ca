// Where a parsed function was written: kept beside its tables so that diagnostics can point at the text.

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

/** Offsets into the text of everything in a function that a diagnostic may be about. */
export interface FunctionPlaces {
  /** By instruction: of its first result, or its opcode when it has none. */
  readonly insts: readonly number[]
  /** By block: of its header; -1 for a block that is only mentioned. */
  readonly blocks: readonly number[]
  /** Of the names of all declarations, in the order of the text. */
  readonly declarations: readonly number[]
}

const WORD = /\w*/y
const NO_PLACES: FunctionPlaces = { insts: [], blocks: [], declarations: [] }

/**
 * Where a function was written.
 *
 * Places inside the function are found by reading its text once more: only diagnostics ask, and every other function
 * then costs neither time nor memory.
 */
export class FunctionSource {
  readonly source: SourceText
  /** Of the word `function`. */
  readonly offset: number
  comments: SourceComment[] = []
  #places: FunctionPlaces | null = null
  #declarations: Map<string, number> | null = null
  readonly #read: (offset: number) => FunctionPlaces

  /** @param read - reads the function at an offset once more. */
  constructor(source: SourceText, offset: number, read: (offset: number) => FunctionPlaces = () => NO_PLACES) {
    this.source = source
    this.offset = offset
    this.#read = read
  }

  /** Offset of an instruction; -1 for one that was not parsed. */
  instOffset(inst: number): number {
    return this.#all().insts[inst] ?? -1
  }

  /** Offset of a block; -1 for one that was not parsed. */
  blockOffset(block: number): number {
    return this.#all().blocks[block] ?? -1
  }

  /** Offset of a declaration by its printed name, as `gv3`; -1 for none. */
  declarationOffset(name: string): number {
    this.#declarations ??= new Map(this.#all().declarations.map((offset) => [this.#wordAt(offset), offset]))
    return this.#declarations.get(name) ?? -1
  }

  #wordAt(offset: number): string {
    WORD.lastIndex = offset
    return WORD.exec(this.source.text)?.[0] ?? ''
  }

  #all(): FunctionPlaces {
    return (this.#places ??= this.#read(this.offset))
  }
}
