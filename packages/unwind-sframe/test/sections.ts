// Sections put together field by field, right or wrong.

export interface SectionParts {
  readonly version?: 1 | 2 | 3
  readonly flags?: number
  readonly abi?: 1 | 2 | 3
  /** Bytes of an auxiliary header. */
  readonly auxiliary?: number
  /** Bytes between index and rows. */
  readonly gap?: number
  readonly functions: readonly FunctionParts[]
}

export interface FunctionParts {
  readonly start?: number
  readonly size: number
  readonly rows: number
  readonly info: number
  readonly info2?: number
  readonly repeat?: number
  /** Rows, as hexadecimal digits. Only words and starts of one byte in the other byte order. */
  readonly bytes: string
}

export function fromHex(text: string): number[] {
  return (text.replace(/\s/g, '').match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16))
}

export function section(parts: SectionParts): Uint8Array {
  const { version = 2, abi = 3, auxiliary = 0, gap = 0, functions } = parts
  const { flags = version === 3 ? 4 : 0 } = parts
  const little = abi !== 1
  const entryBytes = [0, 17, 20, 16][version]!
  const rows = functions.map(({ bytes, rows: count, info, info2 = 0, repeat = 0 }) =>
    version === 3
      ? [...(little ? [count & 255, count >> 8] : [count >> 8, count & 255]), info, info2, repeat, ...fromHex(bytes)]
      : fromHex(bytes),
  )
  const rowBytes = rows.flat()
  const indexAt = 28 + auxiliary
  const rowsAt = indexAt + functions.length * entryBytes + gap
  const result = new Uint8Array(rowsAt + rowBytes.length)
  const view = new DataView(result.buffer)
  view.setUint16(0, 0xdee2, little)
  result.set([version, flags, abi, 0, abi === 3 ? 0xf8 : 0, auxiliary], 2)
  const total = functions.reduce((sum, one) => sum + one.rows, 0)
  const fields = [functions.length, total, rowBytes.length, 0, rowsAt - indexAt]
  fields.forEach((value, i) => {
    view.setUint32(8 + 4 * i, value, little)
  })
  let from = 0
  functions.forEach(({ start = 0, size, rows: count, info, repeat = 0 }, i) => {
    let at = indexAt + i * entryBytes
    if (version === 3) view.setBigInt64(at, BigInt(start), little)
    else view.setInt32(at, start, little)
    at += version === 3 ? 8 : 4
    view.setUint32(at, size, little)
    view.setUint32(at + 4, from, little)
    if (version !== 3) {
      view.setUint32(at + 8, count, little)
      result[at + 12] = info
      if (version === 2) result[at + 13] = repeat
    }
    from += rows[i]!.length
  })
  result.set(rowBytes, rowsAt)
  return result
}
