// What does not fit, what cannot be said, and files made to be expensive.

import { expect, test } from 'vitest'
import {
  detectFormat,
  ObjectError,
  type ObjectFile,
  type ObjectProblem,
  type ObjectSymbol,
  readObject,
  type Section,
  writeObject,
} from '../src/index.ts'
import { bytes, sample } from './sample.ts'
import { run, scratch, tools } from './tools.ts'

const file = scratch()

const text: Section = { name: '.text', kind: 'text', align: 16, bytes: new Uint8Array(16), relocations: [] }
const f: ObjectSymbol = { name: 'f', binding: 'global', type: 'function', section: 0, value: 0, size: 0 }

function problemOf(action: () => unknown): ObjectProblem | null {
  try {
    action()
  } catch (error) {
    if (error instanceof ObjectError) return error.problem
    throw error
  }
  return null
}

const write = (format: ObjectFile['format'], section: Partial<Section> = {}, symbol: Partial<ObjectSymbol> = {}) =>
  problemOf(() => writeObject({ format, sections: [{ ...text, ...section }], symbols: [{ ...f, ...symbol }] }))

test('70 000 relocations in a COFF section', (context) => {
  const count = 70_000
  const relocations = Array.from({ length: count }, (_, index) => ({
    ...{ offset: index * 4, kind: 'image-relative-32' as const, symbol: 0, addend: index },
  }))
  const section: Section = { name: '.xdata', kind: 'unwind', align: 4, bytes: new Uint8Array(count * 4), relocations }
  const written = writeObject({ format: 'coff', sections: [section], symbols: [f] })
  expect(readObject(written).sections[0].relocations).toEqual(relocations)

  const [readobj] = tools(context, 'llvm-readobj')
  const { stdout, stderr } = run(readobj, '--sections', file('many.obj', written))
  expect(stderr).toBe('')
  expect(stdout).toContain('IMAGE_SCN_LNK_NRELOC_OVFL')
  expect(run(readobj, '--relocations', file('many.obj')).stdout.match(/IMAGE_REL_AMD64_ADDR32NB/g)).toHaveLength(count)
})

test('exactly 65 535 relocations need the overflow form too', () => {
  const relocations = Array.from({ length: 0xffff }, () => ({
    ...{ offset: 0, kind: 'coff-0' as const, symbol: 0, addend: 0 },
  }))
  const written = writeObject({ format: 'coff', sections: [{ ...text, relocations }], symbols: [f] })
  expect(readObject(written).sections[0].relocations).toHaveLength(0xffff)
})

test('long names of sections, also past the seven digits that fit a header', (context) => {
  const names = ['.eh_frame', `.${'x'.repeat(10_000_000)}`, '.a_section_behind_it']
  const sections = names.map((name): Section => ({ ...text, name }))
  const written = writeObject({ format: 'coff', sections, symbols: [] })
  expect(readObject(written).sections.map((section) => section.name === names[1] || section.name)).toEqual([
    ...['.eh_frame', true, '.a_section_behind_it'],
  ])
  const [readobj] = tools(context, 'llvm-readobj')
  const { stdout, stderr } = run(readobj, '--sections', file('names.obj', written))
  expect(stderr).toBe('')
  const printed = [...stdout.matchAll(/^ *Name: (\..).*(.) \((\w\w \w\w) /gm)].map(([, ...parts]) => parts.join(' '))
  expect(printed).toEqual(['.e e 2F 34', '.x x 2F 31', '.a t 2F 2F']) // "/4…", "/14…", "//…"
})

test('what a format cannot say is refused by name', () => {
  expect(write('macho')).toEqual({ code: 'unsupported', what: 'Mach-O' })
  const relocation = { offset: 0, kind: 'plt-32', symbol: 0, addend: 0 } as const
  const image = { ...relocation, kind: 'image-relative-32' } as const
  const got = { ...relocation, kind: 'got-pc-relative-32' } as const
  expect(write('elf', { relocations: [image] })).toEqual({
    ...{ code: 'format-lacks', format: 'ELF', what: 'relocation of kind image-relative-32' },
  })
  expect(write('coff', { relocations: [got] })).toEqual({
    ...{ code: 'format-lacks', format: 'COFF', what: 'relocation of kind got-pc-relative-32' },
  })
  expect(write('coff', { relocations: [{ ...relocation, addend: 2 ** 32 }] })).toEqual({
    ...{ code: 'relocation-overflow', kind: 'plt-32', value: 2 ** 32 + 4 },
  })
  expect(write('coff', { align: 16_384 })).toMatchObject({ code: 'format-lacks', format: 'COFF' })
  expect(write('elf', { align: 16_384 })).toBe(null)
  expect(write('coff', {}, { binding: 'weak' })).toMatchObject({ code: 'format-lacks' })
  expect(write('coff', {}, { visibility: 'hidden' })).toMatchObject({ code: 'format-lacks' })
  expect(write('coff', {}, { unique: true })).toMatchObject({ code: 'format-lacks' })
  expect(write('coff', {}, { type: 'tls' })).toMatchObject({ code: 'format-lacks' })
  expect(write('elf', { native: { type: 17, flags: 0 } })).toMatchObject({ code: 'unsupported' })
})

test('a model that contradicts itself is refused', () => {
  const relocation = { offset: 13, kind: 'pc-relative-32', symbol: 0, addend: 0 } as const
  expect(write('elf', { relocations: [relocation] })).toMatchObject({ code: 'bad-model' }) // 13 + 4 > 16
  expect(write('elf', { relocations: [{ ...relocation, offset: 12 }] })).toBe(null)
  expect(write('elf', { relocations: [{ ...relocation, offset: -1 }] })).toMatchObject({ code: 'bad-model' })
  expect(write('elf', { relocations: [{ ...relocation, offset: 0, symbol: 1 }] })).toEqual({
    ...{ code: 'bad-index', what: 'symbol', value: 1, count: 1 },
  })
  expect(write('elf', { relocations: [{ ...relocation, offset: 0, addend: 0.5 }] })).toMatchObject({
    code: 'bad-model',
  })
  expect(write('elf', { align: 3 })).toMatchObject({ code: 'bad-model' })
  expect(write('elf', { align: 0 })).toMatchObject({ code: 'bad-model' })
  expect(write('elf', { kind: 'bss' })).toMatchObject({ code: 'bad-model' })
  expect(write('elf', { size: 4 })).toMatchObject({ code: 'bad-model' })
  expect(write('elf', {}, { section: 1 })).toMatchObject({ code: 'bad-index' })
  expect(write('elf', {}, { value: 17 })).toMatchObject({ code: 'bad-model' })
  expect(write('elf', {}, { name: 'a\0b' })).toMatchObject({ code: 'bad-model' })
  expect(write('coff', { comdat: { selection: 'any' } })).toMatchObject({ code: 'bad-model' })
})

test('every problem has a text and a place', () => {
  expect(() => readObject(bytes('01 02 03'))).toThrow('neither an ELF nor a COFF object (byte 0x0 of the file)')
  const relocations = [{ offset: 3, kind: 'image-relative-32', symbol: 0, addend: 0 } as const]
  expect(() => writeObject({ format: 'elf', sections: [{ ...text, relocations }], symbols: [f] })).toThrow(
    `ELF has no relocation of kind image-relative-32 (relocation 0 of section 0 '.text')`,
  )
})

test('COMDAT and weak symbols of COFF survive', (context) => {
  const section = (name: string): ObjectSymbol => ({
    ...{ name, binding: 'local', type: 'section', section: name === '.text' ? 0 : 1, value: 0, size: 0 },
  })
  const model: ObjectFile = {
    format: 'coff',
    sections: [
      { ...text, comdat: { selection: 'any' } },
      { ...text, name: '.xdata', kind: 'unwind', align: 4, comdat: { selection: 'associative', section: 0 } },
    ],
    symbols: [
      section('.text'),
      section('.xdata'),
      f,
      { ...f, name: 'maybe', binding: 'weak', type: 'none', section: 'undefined', fallback: 2 },
      { ...f, name: 'a file with a long name.c', binding: 'local', type: 'file', section: 'absolute' },
      { ...f, name: 'heap', type: 'none', section: 'common', size: 100 },
    ],
  }
  const written = writeObject(model)
  expect(readObject(written)).toEqual(model)
  const [readobj] = tools(context, 'llvm-readobj')
  const { stdout, stderr } = run(readobj, '--symbols', '--sections', file('comdat.obj', written))
  expect(stderr).toBe('')
  expect(stdout).toMatch(/Selection: Any/)
  expect(stdout).toMatch(/Selection: Associative[\s\S]*AssocSection: \.text/)
  expect(stdout).toMatch(/Linked: f /)
})

test('a file that spells out enormous names is refused, not obeyed', () => {
  // 100 000 symbols, each the tail of one name of 100 000 letters: 5 GB of names in a file of 2.5 MB.
  const count = 100_000
  const symbols = Array.from(
    { length: count },
    (_, index): ObjectSymbol => ({ ...f, name: index === 0 ? 'x'.repeat(count) : '' }),
  )
  const written = writeObject({ format: 'elf', sections: [text], symbols })
  const view = new DataView(written.buffer)
  const headersAt = Number(view.getBigUint64(40, true))
  const symtab = headersAt + 3 * 64 // null, .text, .note.GNU-stack, .symtab
  const symbolsAt = Number(view.getBigUint64(symtab + 24, true))
  for (let i = 0; i < count; i++) view.setUint32(symbolsAt + 24 * (i + 1), i + 1, true)
  const started = performance.now()
  expect(problemOf(() => readObject(written))).toMatchObject({ code: 'too-large' })
  expect(performance.now() - started).toBeLessThan(5000)
})

test('sections that lie over one another are refused', () => {
  const big: Section = { ...text, bytes: new Uint8Array(100_000) }
  const written = writeObject({ format: 'elf', sections: [big, { ...big, name: '.text.b' }], symbols: [] })
  const view = new DataView(written.buffer)
  const headersAt = Number(view.getBigUint64(40, true))
  for (const index of [1, 2]) {
    view.setBigUint64(headersAt + index * 64 + 24, 0n, true)
    view.setBigUint64(headersAt + index * 64 + 32, BigInt(written.length), true)
  }
  expect(problemOf(() => readObject(written))).toMatchObject({ code: 'too-large' })
})

test('formats are told apart by their first bytes', () => {
  expect(detectFormat(writeObject(sample('elf')))).toBe('elf')
  expect(detectFormat(writeObject(sample('coff')))).toBe('coff')
  expect(detectFormat(bytes('cf fa ed fe'))).toBe('macho')
  expect(detectFormat(bytes('66 75 6e 63'))).toBe(null)
  expect(detectFormat(bytes(''))).toBe(null)
  expect(problemOf(() => readObject(bytes('00 00 ff ff 02 00 64 86')))).toMatchObject({ code: 'unsupported' })
})
