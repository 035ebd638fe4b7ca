/** LEB128 numbers (DWARF 5, 7.6), always of minimal length when written. */

/** Bytes that a number takes as unsigned LEB128. */
export function ulebSize(value: number): number {
  let size = 1
  while (value >= 0x80) {
    value = Math.floor(value / 0x80)
    size++
  }
  return size
}

/** Bytes that a number takes as signed LEB128. */
export function slebSize(value: number): number {
  let size = 1
  while (value < -0x40 || value >= 0x40) {
    value = Math.floor(value / 0x80)
    size++
  }
  return size
}
