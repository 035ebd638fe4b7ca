/** Expressions are bytes here and hexadecimal digits in records and rows. */

/** Two digits a byte. */
export function hexOf(bytes: Uint8Array): string {
  let digits = ''
  for (const byte of bytes) digits += byte.toString(16).padStart(2, '0')
  return digits
}
