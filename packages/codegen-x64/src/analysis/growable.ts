// Columns that a reusable context keeps from function to function.

/** `column`, or a larger empty one when it has fewer than `length` rows. What it held is not kept. */
export function ensureInt32(column: Int32Array, length: number): Int32Array {
  return column.length >= length ? column : new Int32Array(Math.max(length, column.length * 2))
}

export function ensureUint8(column: Uint8Array, length: number): Uint8Array {
  return column.length >= length ? column : new Uint8Array(Math.max(length, column.length * 2))
}

/** The same rows in a column of twice the length. */
export function growInt32(column: Int32Array): Int32Array {
  const grown = new Int32Array(column.length * 2)
  grown.set(column)
  return grown
}
