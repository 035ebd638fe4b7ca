/** A larger copy of a column, with room for that many rows and more to come; the new rows are `fill`. */
export function grownColumn(column: Int32Array, rows: number, fill = 0): Int32Array {
  const larger = new Int32Array(Math.max(32, rows, 2 * column.length))
  larger.set(column)
  if (fill !== 0) larger.fill(fill, column.length)
  return larger
}
