// Every function of the libraries that this system runs on: read, and written again with the same meaning.

import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { decodeFrames } from '../src/decode.ts'
import { assembleEhFrame } from '../src/eh-frame.ts'
import { encodeEhFrameHdr } from '../src/eh-frame-hdr.ts'
import { encodeRows } from '../src/encode-rows.ts'
import { callFrameRows, sameMeaning } from '../src/rows.ts'
import { readElf } from './elf.ts'
import { toHex } from './vectors.ts'

const folder = '/usr/lib/x86_64-linux-gnu'
const libraries = ['libc.so.6', 'libstdc++.so.6', 'libgcc_s.so.1', 'ld-linux-x86-64.so.2']
  .map((name) => `${folder}/${name}`)
  .filter((path) => existsSync(path))
if (libraries.length === 0) process.stderr.write(`skipped: no libraries in ${folder}\n`)

test.skipIf(libraries.length === 0).each(libraries)('%s', (path) => {
  const { sections } = readElf(path)
  const frame = sections.find(({ name }) => name === '.eh_frame')!
  const header = sections.find(({ name }) => name === '.eh_frame_hdr')!
  const table = decodeFrames(frame.bytes, { address: frame.address })
  expect(toHex(encodeEhFrameHdr(table, header.address))).toBe(toHex(header.bytes))

  let functions = 0
  for (const entry of table.entries) {
    if (entry.kind !== 'fde') continue
    const rows = callFrameRows(table, entry)
    const program = encodeRows(rows)
    const description = { symbol: 'f', section: '.text', offset: 0, size: entry.size, program }
    const again = decodeFrames(assembleEhFrame([description]).bytes)
    const fde = again.entries.find((one) => one.kind === 'fde')!
    const found = callFrameRows(again, fde)
    expect(found.length).toBe(rows.length)
    for (let i = 0; i < rows.length; i++) {
      if (!sameMeaning(found[i]!, rows[i]!) || found[i]!.at !== rows[i]!.at) {
        expect(found[i], `0x${entry.begin.toString(16)}`).toEqual(rows[i])
      }
    }
    functions++
  }
  expect(functions).toBeGreaterThan(50)
})
