import { describe, expect, test } from 'vitest'
import { type ObjectFile, writeObject } from '../src/index.ts'
import { bytes, hexDump } from './sample.ts'

/** `f`: calls `external_function`, whose name is too long for a COFF symbol record. */
function tiny(format: 'elf' | 'coff'): ObjectFile {
  return {
    format,
    sections: [
      {
        name: '.text',
        kind: 'text',
        align: 16,
        bytes: bytes('e9 00 00 00 00'),
        relocations: [{ offset: 1, kind: 'plt-32', symbol: 1, addend: -4 }],
      },
    ],
    symbols: [
      { name: 'f', binding: 'global', type: 'function', section: 0, value: 0, size: format === 'elf' ? 5 : 0 },
      { name: 'external_function', binding: 'global', type: 'none', section: 'undefined', value: 0, size: 0 },
      { name: '.text', binding: 'local', type: 'section', section: 0, value: 0, size: 0 },
    ],
  }
}

describe.each(['elf', 'coff'] as const)('%s', (format) => {
  test('every byte of a small object', async () => {
    await expect(hexDump(writeObject(tiny(format)))).toMatchFileSnapshot(`golden/tiny.${format}.hex`)
  })

  test('the same object is the same bytes', () => {
    expect(writeObject(tiny(format))).toEqual(writeObject(tiny(format)))
  })
})

test('the words of the COFF headers that Microsoft prints', () => {
  const section = (name: string, kind: 'text' | 'unwind' | 'bss', align: number) => ({
    ...{ name, kind, align, bytes: bytes(kind === 'bss' ? '' : '90'), relocations: [] },
    ...(kind === 'bss' ? { size: 16 } : {}),
  })
  const sections = [section('.text', 'text', 16), section('.xdata', 'unwind', 4), section('.bss', 'bss', 8192)]
  const written = writeObject({ format: 'coff', sections, symbols: [] })
  const view = new DataView(written.buffer)
  expect(view.getUint32(4, true), 'TimeDateStamp').toBe(0)
  const characteristics = sections.map((_, index) => view.getUint32(20 + index * 40 + 36, true))
  expect(characteristics).toEqual([0x60500020, 0x40300040, 0xc0e00080])
  expect(view.getUint32(20 + 2 * 40 + 16, true), 'SizeOfRawData of .bss').toBe(16)
})
