/** A longer array with the same beginning; the rest is 0. At least `least` long, and at least twice as long as before. */
export function growInt32(array: Int32Array, least = 0): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(Math.max(array.length * 2, least))
  grown.set(array)
  return grown
}

/** The same for doubles. */
export function growFloat64(array: Float64Array, least = 0): Float64Array<ArrayBuffer> {
  const grown = new Float64Array(Math.max(array.length * 2, least))
  grown.set(array)
  return grown
}
