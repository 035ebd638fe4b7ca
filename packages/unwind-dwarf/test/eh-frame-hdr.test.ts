import { expect, test } from 'vitest'
import { decodeFrames } from '../src/decode.ts'
import { decodeEhFrameHdr, encodeEhFrameHdr, searchEhFrameHdr } from '../src/eh-frame-hdr.ts'
import { DwarfUnwindError } from '../src/errors.ts'
import { fromHex, loadVectors, toHex } from './vectors.ts'

const vectors = loadVectors()

test.skipIf(vectors === null)("the linkers' headers, byte for byte from their sections", () => {
  for (const { id, results } of vectors!.hdrCases) {
    for (const { linker, eh_frame: frame, eh_frame_hdr: header } of results) {
      const address = BigInt(header.address)
      const table = decodeFrames(fromHex(frame.hex), { address: BigInt(frame.address) })
      expect(toHex(encodeEhFrameHdr(table, address)), `${id} ${linker}`).toBe(header.hex)
    }
  }
})

test.skipIf(vectors === null)('every byte of every function is found, and those beside it are not', () => {
  for (const { results } of vectors!.hdrCases) {
    for (const { eh_frame: frame, eh_frame_hdr: header } of results) {
      const address = BigInt(header.address)
      const bytes = fromHex(header.hex)
      const table = decodeFrames(fromHex(frame.hex), { address: BigInt(frame.address) })
      const read = decodeEhFrameHdr(bytes, address)
      expect(read.ehFrame).toBe(table.address)
      let lowest: bigint | null = null
      for (const entry of table.entries) {
        if (entry.kind !== 'fde' || entry.size === 0) continue
        if (lowest === null || entry.begin < lowest) lowest = entry.begin
        for (const pc of [entry.begin, entry.begin + BigInt(entry.size) - 1n]) {
          expect(searchEhFrameHdr(bytes, address, pc)).toBe(table.address + BigInt(entry.offset))
        }
      }
      expect(searchEhFrameHdr(bytes, address, lowest! - 1n)).toBeNull()
    }
  }
})

test('a header without a table cannot be searched, and a broken one says where', () => {
  const none = fromHex('011bffff10000000')
  expect(decodeEhFrameHdr(none, 0x1000n)).toEqual({ ehFrame: 0x1014n, functions: null })
  expect(searchEhFrameHdr(none, 0x1000n, 0x2000n)).toBeUndefined()
  const problem = (hex: string): unknown => {
    try {
      decodeEhFrameHdr(fromHex(hex), 0n)
    } catch (error) {
      if (error instanceof DwarfUnwindError) return [error.problem.code, error.place]
      throw error
    }
    return null
  }
  expect(problem('021bffff10000000')).toEqual(['version', { in: 'section', offset: 0 }])
  expect(problem('011b033b10000000ffffff7f')).toEqual(['truncated', { in: 'section', offset: 12 }])
})
