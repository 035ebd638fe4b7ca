// Memory for the columns of tables. Many columns lie in one piece of memory: a small function then costs one allocation
// where two dozen typed arrays would cost two dozen, which is most of the time to parse ten instructions.

import { NO_ROWS } from './empty.ts'

/** Below this many rows a loop is faster than the set-up of a copy in one piece. */
const LOOP_ROWS = 48

/** Bytes that a column of so many rows takes: columns begin at multiples of 4. */
export function columnBytes(rows: number, rowBytes: number): number {
  return (rows * rowBytes + 3) & ~3
}

/** A piece of memory that is handed out as columns, one after another. */
export class Columns {
  readonly #buffer: ArrayBuffer
  #at = 0

  /** @param bytes - what all columns take together. */
  constructor(bytes: number) {
    this.#buffer = new ArrayBuffer(bytes)
  }

  /** A column of that many rows; it begins with the first `length` rows of `from`. */
  int32(rows: number, from: Int32Array = NO_ROWS, length: number = from.length): Int32Array {
    const column = new Int32Array(this.#buffer, this.#at, rows)
    this.#at += rows * 4
    if (length > 0) copyRows(column, from, length)
    return column
  }

  /** As {@link int32}. */
  uint16(rows: number, from: Uint16Array, length: number): Uint16Array {
    const column = new Uint16Array(this.#buffer, this.#at, rows)
    this.#at += columnBytes(rows, 2)
    if (length > 0) copyRows(column, from, length)
    return column
  }

  /** As {@link int32}. */
  uint8(rows: number, from: Uint8Array, length: number): Uint8Array {
    const column = new Uint8Array(this.#buffer, this.#at, rows)
    this.#at += columnBytes(rows, 1)
    if (length > 0) copyRows(column, from, length)
    return column
  }
}

function copyRows<T extends Int32Array | Uint16Array | Uint8Array>(to: T, from: T, length: number): void {
  if (length <= LOOP_ROWS) for (let i = 0; i < length; i++) to[i] = from[i]
  else to.set(length === from.length ? from : from.subarray(0, length))
}
