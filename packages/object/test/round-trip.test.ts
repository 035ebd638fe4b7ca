// Random objects, and random damage to good ones.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  NO_SYMBOL,
  ObjectError,
  type ObjectFile,
  type ObjectSymbol,
  type Relocation,
  type RelocationKind,
  readObject,
  relocationWidth,
  type Section,
  type SectionKind,
  writeObject,
} from '../src/index.ts'
import { sample } from './sample.ts'

const kindsOf: Readonly<Record<'elf' | 'coff', readonly RelocationKind[]>> = {
  elf: ['absolute-64', 'absolute-32', 'pc-relative-32', 'pc-relative-64', 'plt-32', 'got-pc-relative-32', 'elf-20'],
  coff: ['absolute-64', 'absolute-32', 'pc-relative-32', 'image-relative-32', 'section-relative-32', 'coff-13'],
}

const name = fc.oneof(
  fc.stringMatching(/^[a-z_.$@?][\w.$@?]{0,20}$/),
  fc.string({ minLength: 1 }).map((text) => text.replaceAll('\\0', 'x') || 'x'),
)

/** Fields far enough apart that none lies over another: their bytes hold the addends in COFF. */
function relocations(format: 'elf' | 'coff', size: number, symbols: number): fc.Arbitrary<Relocation[]> {
  const places = Math.floor(size / 8)
  if (places === 0) return fc.constant([])
  const one = fc.record({
    kind: fc.constantFrom(...kindsOf[format]),
    symbol: format === 'elf' ? fc.integer({ min: NO_SYMBOL, max: symbols - 1 }) : fc.nat(symbols - 1),
    addend: fc.integer({ min: -0x7fff_ffff, max: 0x7fff_fff0 }),
  })
  return fc.array(one, { maxLength: places }).map((list) =>
    list.map((each, index) => ({
      ...each,
      offset: index * 8,
      // A kind without a name has no field that we know of; in COFF then no addend either.
      addend: format === 'coff' && relocationWidth(each.kind) === 0 ? 0 : each.addend,
    })),
  )
}

function section(format: 'elf' | 'coff', symbols: number): fc.Arbitrary<Section> {
  const kind = fc.constantFrom<SectionKind>('text', 'data', 'bss', 'rodata', 'unloaded')
  return fc
    .record({ kind, name, align: fc.nat(13).map((log) => 2 ** log), bytes: fc.uint8Array({ maxLength: 80 }) })
    .chain(
      ({ kind, name, align, bytes }): fc.Arbitrary<Section> =>
        kind === 'bss'
          ? fc.constant({ kind, name, align, bytes: new Uint8Array(0), size: bytes.length, relocations: [] })
          : relocations(format, bytes.length, symbols).map((list) => {
              const clear = bytes.slice()
              for (const { offset, kind } of list) clear.fill(0, offset, offset + relocationWidth(kind))
              return { kind, name, align, bytes: clear, relocations: list }
            }),
    )
}

function objectFile(format: 'elf' | 'coff'): fc.Arbitrary<ObjectFile> {
  return fc.nat(4).chain((sectionCount) => {
    const place = (size: number): fc.Arbitrary<ObjectSymbol> =>
      fc
        .record({
          name,
          binding: fc.constantFrom<'local' | 'global'>('local', 'global'),
          type: fc.constantFrom<'none' | 'function'>('none', 'function'),
          section: sectionCount > 0 ? fc.nat(sectionCount - 1) : fc.constant('absolute' as const),
          size: fc.nat(size),
        })
        .map((symbol) => ({ ...symbol, value: 0 }))
    const undefinedSymbol = name.map(
      (text): ObjectSymbol => ({
        ...{ name: text, binding: 'global', type: 'none', section: 'undefined', value: 0, size: 0 },
      }),
    )
    return fc
      .array(fc.oneof(place(format === 'elf' ? 1000 : 0), undefinedSymbol), { minLength: 1, maxLength: 8 })
      .map((list) => list.toSorted((a, b) => Number(a.binding !== 'local') - Number(b.binding !== 'local')))
      .chain((symbols) =>
        fc
          .array(section(format, symbols.length), { minLength: sectionCount, maxLength: sectionCount })
          .map((sections) => ({ format, sections, symbols })),
      )
  })
}

describe.each(['elf', 'coff'] as const)('%s', (format) => {
  test('what is written is read as it was', () => {
    fc.assert(
      fc.property(objectFile(format), (file) => {
        const { sections, symbols } = readObject(writeObject(file))
        const ours = sections.filter((each) => each.name !== '.note.GNU-stack')
        expect({ format, sections: ours, symbols }).toEqual(file)
      }),
      { numRuns: 300 },
    )
  })

  test('the sample is read as it was', () => {
    const { sections, symbols } = readObject(writeObject(sample(format)))
    const { sections: given, symbols: names } = sample(format)
    expect(sections.slice(0, given.length)).toEqual(given)
    // Locals first in ELF, as they are in the sample.
    expect(symbols).toEqual(names)
  })

  test('damaged bytes are read, or refused with their place, and never anything else', () => {
    const good = writeObject(sample(format))
    const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(damage, fc.nat(good.length), (changes, cut) => {
        const bytes = good.slice(0, cut % 3 === 0 ? cut : good.length)
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
        try {
          readObject(bytes)
        } catch (error) {
          if (!(error instanceof ObjectError)) throw error
          expect(error.place.in).toBe('file')
        }
      }),
      { numRuns: 3000 },
    )
  })

  test('headers of damaged bytes are reached in every field', () => {
    const good = writeObject(sample(format))
    for (let at = 0; at < good.length; at++) {
      for (const value of [0, 1, 0x7f, 0xff]) {
        const bytes = good.slice()
        bytes[at] = value
        try {
          readObject(bytes)
        } catch (error) {
          if (!(error instanceof ObjectError)) throw error
        }
      }
    }
  })

  test('a truncated object is refused at every length', () => {
    const good = writeObject(sample(format))
    // The last string, or section header, ends the file.
    for (let length = 0; length < good.length; length++) {
      expect(() => readObject(good.subarray(0, length)), `${length} bytes`).toThrow(ObjectError)
    }
  })
})

test('arbitrary bytes are refused', () => {
  const magic = fc.constantFrom([], [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], [0x64, 0x86])
  fc.assert(
    fc.property(magic, fc.uint8Array({ maxLength: 400 }), (start, rest) => {
      try {
        readObject(Uint8Array.from([...start, ...rest]))
      } catch (error) {
        if (!(error instanceof ObjectError)) throw error
      }
    }),
    { numRuns: 2000 },
  )
})
