// UTF-8 without TextEncoder and TextDecoder, which the plain language does not have.

/** The bytes of a string; a lone surrogate becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes: number[] = []
  for (const character of text) {
    let code = character.codePointAt(0) as number
    if (code >= 0xd800 && code < 0xe000) code = 0xfffd
    if (code < 0x80) bytes.push(code)
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63))
    else if (code < 0x1_0000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63))
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63))
  }
  return Uint8Array.from(bytes)
}

/** The text of bytes `start` to `end`; what is no UTF-8 becomes U+FFFD, one for each byte. */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  let at = start
  while (at < end) {
    let plain = at
    while (plain < end && bytes[plain] < 0x80 && plain - at < 4096) plain++
    if (plain > at) {
      text += String.fromCharCode(...bytes.subarray(at, plain))
      at = plain
      continue
    }
    const first = bytes[at]
    const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0
    let code = first & (0x7f >> length)
    let good = length > 0 && first < 0xf5 && at + length <= end
    for (let i = 1; good && i < length; i++) {
      const next = bytes[at + i]
      good = (next & 0xc0) === 0x80
      code = (code << 6) | (next & 63)
    }
    // Overlong forms, surrogates and what is past the last plane are no characters.
    if (length === 3) good &&= code >= 0x800 && (code < 0xd800 || code >= 0xe000)
    if (length === 4) good &&= code >= 0x1_0000 && code < 0x11_0000
    text += good ? String.fromCodePoint(code) : '\ufffd'
    at += good ? length : 1
  }
  return text
}
