// The machine code of one function while lowering writes it: records in one Int32Array, filled downwards because lowering walks backwards.
//
// The index of a record's first word is its place in program order and never moves, so it doubles as the allocator's program point. When
// the array is too small the walk is abandoned (`BufferFull`), the array doubled and the function lowered again: that happens a handful of
// times in a process, and no index ever has to be corrected.

import { type Allocator, RECORD_OPERANDS_SHIFT, RECORD_WORDS_SHIFT } from '@framewright/regalloc'

/** Thrown when the array is full; `compile` doubles it and starts the function again. */
export class BufferFull extends Error {
  override readonly name = 'BufferFull'
}
const bufferFull: BufferFull = new BufferFull('machine buffer full')

/** Most operands and most words of a record: 10 and 12 bits. */
export const MAX_OPERANDS = 1023
export const MAX_WORDS = 4095

/** What the allocator was told beside the words, kept for the checker. */
export interface Recording {
  readonly clobbers: { readonly point: number; readonly mask: number }[]
  /** Class of each virtual register. */
  readonly classes: number[]
  readonly blockStart: number[]
  readonly blockEnd: number[]
}

/** Reusable. Words from `start` to the end are the function, in program order. */
export class MachineBuffer {
  code: Int32Array = new Int32Array(1 << 14)
  /** Index of the first word of the record written last, which is the first in program order. */
  start: number = 1 << 14
  /** Program point of the current record. */
  point = 0
  readonly allocator: Allocator
  /** Everything that the checker must be told, when somebody wants the allocation checked. */
  recording: Recording | null = null
  #cursor = 0

  constructor(allocator: Allocator) {
    this.allocator = allocator
  }

  reset(): void {
    this.start = this.code.length
    if (this.recording !== null) this.recording = { clobbers: [], classes: [], blockStart: [], blockEnd: [] }
  }

  /** Doubles the array; what it held is gone. */
  grow(): void {
    this.code = new Int32Array(this.code.length * 2)
  }

  /** Starts a record in front of all others; exactly `operands` operand words, then `payload` words must follow. */
  begin(op: number, operands: number, payload: number, header: number): void {
    const words = 2 + operands + payload
    const start = this.start - words
    if (start < 0) throw bufferFull
    this.start = start
    this.code[start] = op | (operands << RECORD_OPERANDS_SHIFT) | (words << RECORD_WORDS_SHIFT)
    this.code[start + 1] = header
    this.#cursor = start + 2
    this.point = start * 2
  }

  /** Appends an operand word. Definitions come first. */
  operand(word: number): void {
    const at = this.#cursor++
    this.code[at] = word
    this.allocator.operand(at, word, this.point)
  }

  /** Appends a payload word, or an operand word that names no virtual register. */
  payload(word: number): void {
    this.code[this.#cursor++] = word
  }

  /** The current record destroys these registers. */
  clobber(mask: number): void {
    this.allocator.clobber(this.point, mask)
    if (this.recording !== null) this.recording.clobbers.push({ point: this.point, mask })
  }
}
