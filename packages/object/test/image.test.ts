// Executables and shared libraries: what linkers wrote, and what the tools that judge them see in them.

import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  detectFormat,
  detectImage,
  imageBytesAt,
  type LinkedImage,
  linkExecutable,
  ObjectError,
  type ObjectProblem,
  readImage,
  readObject,
  writeObject,
} from '../src/index.ts'
import { bytes, sample } from './sample.ts'
import { run, scratch, tools } from './tools.ts'

const file = scratch()

const program = `
static int table[100];
int shared_data = 7;
__attribute__((noinline, used)) static int local_function(int x) { return table[x % 100] + x; }
__attribute__((weak)) int weak_function(int x) { return local_function(x) * 2; }
#ifdef _WIN32
__declspec(dllexport)
#endif
int exported(int x) { return weak_function(x) + shared_data; }
int main(void) { return exported(3); }
`

/** What the linker made of the program, as bytes. */
function built(compiler: string, name: string, ...flags: string[]): Uint8Array {
  const path = file(name)
  const { stderr, status } = run(compiler, '-O1', ...flags, '-o', path, file('program.c', program))
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  return new Uint8Array(readFileSync(path))
}

function problemOf(action: () => unknown): ObjectProblem | null {
  try {
    action()
  } catch (error) {
    if (error instanceof ObjectError) return error.problem
    throw error
  }
  return null
}

const hex = (value: bigint): string => value.toString(16).padStart(16, '0')

describe.each([
  ['a library', 'library', ['-shared', '-fPIC']],
  ['a program that lies anywhere', 'executable', ['-pie', '-fPIE']],
  ['a program with a place of its own', 'executable', ['-no-pie', '-static-libgcc']],
] as const)('ELF: %s', (_, kind, flags) => {
  test('its symbols, sections and segments are those that readelf sees', (context) => {
    const [gcc, readelf] = tools(context, 'gcc', 'readelf')
    const image = readImage(built(gcc, 'image', ...flags))
    expect(image).toMatchObject({ format: 'elf', kind })
    const theirs = run(readelf, '-W', '--syms', file('image')).stdout
    // Num, value, size, type, binding, visibility, section, name and version
    const lines = [...theirs.matchAll(/^ *\d+: ([\da-f]+) +(\w+) (\w+) +(\w+) +\w+ +(\d+) (\S+)/gm)]
    const symbols = lines
      .filter(([, , , type]) => ['FUNC', 'OBJECT', 'NOTYPE', 'IFUNC'].includes(type))
      .map(([, value, size, , , , symbol]) => `${value} ${Number(size)} ${symbol.replace(/@.*/, '')}`)
    expect(symbols.some((line) => line.endsWith(' local_function'))).toBe(true)
    expect(image.symbols.map(({ address, size, name }) => `${hex(address)} ${size} ${name}`).sort()).toEqual(
      symbols.sort(),
    )
    const headers = run(readelf, '-W', '--sections', file('image')).stdout
    const sections = [...headers.matchAll(/\] (\S+) +\w+ +([\da-f]{16}) [\da-f]+ ([\da-f]+)/g)].map(
      ([, section, address, size]) => `${section} ${address} ${Number.parseInt(size, 16)}`,
    )
    expect(image.sections.map(({ name, address, size }) => `${name} ${hex(address)} ${size}`)).toEqual(sections)
    const program = run(readelf, '-W', '--segments', file('image')).stdout
    const loads = [...program.matchAll(/LOAD +0x\w+ 0x(\w+) 0x\w+ 0x(\w+) 0x(\w+) (.)(.)(.)/g)].map(
      ([, address, inFile, size, ...flags]) =>
        [address, inFile, size]
          .map((each) => BigInt(`0x${each}`))
          .concat(flags.map((flag) => (flag === ' ' ? 0n : 1n))),
    )
    expect(
      image.segments.map(({ address, bytes, size, readable, writable, executable }) =>
        [address, bytes.length, size, readable, writable, executable].map(BigInt),
      ),
    ).toEqual(loads)
    const index = image.sections.find((section) => section.name === '.eh_frame_hdr')
    expect(image.unwindIndex).toEqual({ address: index?.address, bytes: index?.bytes })
  })

  test('without section headers the segments and the dynamic symbols remain', (context) => {
    const [gcc] = tools(context, 'gcc')
    const build = (style: string) => built(gcc, 'whole', ...flags, '-rdynamic', `-Wl,-s,--hash-style=${style}`)
    for (const style of ['gnu', 'sysv']) {
      const whole = build(style)
      expect(names(readImage(withoutHeaders(whole)))).toEqual(names(readImage(whole)))
    }
    const whole = build('both')
    const full = readImage(whole)
    const bare = readImage(withoutHeaders(whole))
    expect(bare.sections).toEqual([])
    expect(names(bare)).toContain('exported')
    expect(bare).toMatchObject({ unwindIndex: full.unwindIndex, kind })
    const mapped = ({ segments }: LinkedImage) =>
      segments.map(({ bytes, ...rest }) => ({ ...rest, length: bytes.length }))
    expect(mapped(bare)).toEqual(mapped(full))
  })
})

function withoutHeaders(image: Uint8Array): Uint8Array {
  const result = image.slice()
  const view = new DataView(result.buffer)
  view.setBigUint64(40, 0n, true) // e_shoff
  view.setUint32(60, 0, true) // e_shnum, e_shstrndx
  return result
}

const names = ({ symbols }: LinkedImage): string[] => symbols.map(({ name }) => name).sort()

describe('PE', () => {
  test('exports, COFF symbols and directories are those that objdump sees', (context) => {
    const [gcc, objdump] = tools(context, 'x86_64-w64-mingw32-gcc', 'x86_64-w64-mingw32-objdump')
    const image = readImage(built(gcc, 'image.dll', '-shared'))
    expect(image).toMatchObject({ format: 'pe', kind: 'library' })
    const listed = run(objdump, '-p', file('image.dll')).stdout
    expect(image.base).toBe(BigInt(`0x${/^ImageBase\s+([\da-f]+)/m.exec(listed)?.[1]}`))
    const [, rva, size] = /^Entry 3 ([\da-f]+) ([\da-f]+) Exception/m.exec(listed) ?? []
    expect(image.unwindIndex?.address).toBe(image.base + BigInt(`0x${rva}`))
    expect(image.unwindIndex?.bytes.length).toBe(Number.parseInt(size, 16))
    const table = run(objdump, '-t', file('image.dll')).stdout
    // [ n](sec s)(fl f)(ty t)(scl c) (nx a) value name; storage class 2 is external, 3 static
    const theirs = [
      ...table.matchAll(/^\[ *\d+\]\(sec +(\d+)\)\(fl \w+\)\(ty +(\d+)\)\(scl +([23])\) \(nx (\d)\) 0x(\w+) (.+)$/gm),
    ]
      .filter(([, section]) => section !== '0')
      .filter(([, , type, storage, auxiliary]) => !(storage === '3' && auxiliary !== '0' && type !== '20'))
      .map(([, section, , , , value, name]) => {
        return `${hex(image.sections[Number(section) - 1].address + BigInt(`0x${value}`))} ${name}`
      })
    const ours = image.symbols.filter((symbol) => symbol.table === 'static')
    expect(ours.map(({ address, name }) => `${hex(address)} ${name}`)).toEqual(theirs)
    expect(ours.find(({ name }) => name === 'local_function')).toMatchObject({ binding: 'local', type: 'function' })
    const exported = image.symbols.filter((symbol) => symbol.table === 'dynamic')
    expect(exported.map(({ name, type }) => [name, type])).toEqual([['exported', 'function']])
    expect(exported[0].address).toBe(ours.find(({ name }) => name === 'exported')?.address)
  })

  test('exports without a name have their number, forwarders are no symbols', (context) => {
    const [gcc] = tools(context, 'x86_64-w64-mingw32-gcc')
    const definitions = file(
      'exports.def',
      'EXPORTS\n exported @7 NONAME\n elsewhere = KERNEL32.Sleep\n shared_data DATA\n',
    )
    const image = readImage(built(gcc, 'numbers.dll', '-shared', '-s', definitions))
    expect(image.symbols.map(({ name, type }) => `${name} ${type}`).sort()).toEqual([
      '#7 function',
      'shared_data object',
    ])
  })

  test('a program', (context) => {
    const [gcc] = tools(context, 'x86_64-w64-mingw32-gcc')
    const image = readImage(built(gcc, 'image.exe'))
    expect(image).toMatchObject({ format: 'pe', kind: 'executable' })
    const entry = image.symbols.find(({ name }) => name === 'mainCRTStartup')
    expect(image.entry).toBe(entry?.address)
  })
})

const text = bytes('b8 3c 00 00 00 bf 07 00 00 00 0f 05')

/** Without section headers, and without a symbol. */
function ownProgram(): Uint8Array {
  return linkExecutable(
    [
      {
        format: 'elf',
        sections: [{ name: '.text', kind: 'text', align: 16, bytes: text, relocations: [] }],
        symbols: [{ name: '_start', binding: 'global', type: 'function', section: 0, value: 0, size: 12 }],
      },
    ],
    { entry: '_start' },
  ).bytes
}

test('our own linker’s programs', () => {
  const image = readImage(ownProgram())
  expect(image).toMatchObject({ format: 'elf', kind: 'executable', sections: [], symbols: [], unwindIndex: null })
  const entry = image.entry as bigint
  expect(imageBytesAt(image, entry)?.subarray(0, text.length)).toEqual(text)
  expect(imageBytesAt(image, 0n)).toBe(null)
  expect(imageBytesAt(image, 2n ** 63n)).toBe(null)
})

test('objects and images are told apart', () => {
  const object = writeObject(sample('elf'))
  expect(detectImage(object)).toBe(null)
  expect(detectFormat(object)).toBe('elf')
  expect(detectImage(ownProgram())).toBe('elf')
  expect(detectImage(bytes('4d 5a'))).toBe('pe')
  expect(detectImage(bytes(''))).toBe(null)
  expect(problemOf(() => readObject(ownProgram()))).toMatchObject({ code: 'unsupported' })
  expect(problemOf(() => readImage(object))).toEqual({ code: 'unknown-format', wanted: 'image' })
  expect(problemOf(() => readImage(bytes('4d 5a')))).toMatchObject({ code: 'truncated' })
})

test('addresses beyond 2^53, as kernels have them', () => {
  const image = ownProgram()
  const view = new DataView(image.buffer)
  const count = view.getUint16(56, true)
  const moved = 0xffff_ffff_8000_0000n
  for (let i = 0; i < count; i++) {
    const at = 64 + 56 * i + 16
    view.setBigUint64(at, view.getBigUint64(at, true) + moved, true)
  }
  expect(readImage(image).base).toBeGreaterThan(moved)
})

test('segments over one another are refused', () => {
  const image = ownProgram()
  const view = new DataView(image.buffer)
  const loads = Array.from({ length: view.getUint16(56, true) }, (_, i) => 64 + 56 * i).filter(
    (at) => view.getUint32(at, true) === 1,
  )
  expect(loads.length).toBeGreaterThan(1)
  view.setBigUint64(loads[1] + 16, view.getBigUint64(loads[0] + 16, true), true)
  expect(problemOf(() => readImage(image))).toMatchObject({ code: 'bad-field', what: 'p_vaddr' })
})

/** A DLL with one export, every byte of it known. */
function smallDll(): Uint8Array {
  const image = new Uint8Array(0x600)
  const view = new DataView(image.buffer)
  const put = (at: number, ...words: number[]) => {
    for (const [i, word] of words.entries()) view.setUint32(at + 4 * i, word, true)
  }
  const say = (at: number, text: string) => image.set(new TextEncoder().encode(text), at)
  say(0, 'MZ')
  put(0x3c, 0x40)
  say(0x40, 'PE')
  view.setUint16(0x44, 0x8664, true)
  view.setUint16(0x46, 2, true) // sections
  view.setUint16(0x54, 240, true) // SizeOfOptionalHeader
  view.setUint16(0x56, 0x2022, true)
  const optional = 0x58
  view.setUint16(optional, 0x20b, true)
  put(optional + 16, 0x1000)
  view.setBigUint64(optional + 24, 0x1_8000_0000n, true)
  put(optional + 32, 0x1000, 0x200)
  put(optional + 56, 0x3000, 0x200)
  put(optional + 108, 16)
  put(optional + 112, 0x2000, 0x60) // exports
  put(optional + 112 + 24, 0x2100, 12) // exceptions
  const section = (at: number, name: string, rva: number, offset: number, flags: number) => {
    say(at, name)
    put(at + 8, 0x200, rva, 0x200, offset)
    put(at + 36, flags)
  }
  section(optional + 240, '.text', 0x1000, 0x200, 0x6000_0020)
  section(optional + 280, '.rdata', 0x2000, 0x400, 0x4000_0040)
  put(0x400 + 16, 1, 1, 1, 0x2028, 0x202c, 0x2030)
  put(0x400 + 0x28, 0x1000, 0x2034, 0)
  say(0x400 + 0x34, 'fn')
  put(0x500, 0x1000, 0x1010, 0x2180)
  return image
}

test('a DLL made by hand, and the same with one field wrong', () => {
  const good = smallDll()
  expect(readImage(good)).toMatchObject({
    ...{ format: 'pe', kind: 'library', base: 0x1_8000_0000n, entry: 0x1_8000_1000n },
    symbols: [{ name: 'fn', type: 'function', address: 0x1_8000_1000n }],
    unwindIndex: { address: 0x1_8000_2100n, bytes: good.subarray(0x500, 0x50c) },
  })
  const optional = 0x58
  const wrong = (at: number, value: number): ObjectProblem | null => {
    const bad = smallDll()
    new DataView(bad.buffer).setUint32(at, value, true)
    return problemOf(() => readImage(bad))
  }
  expect(wrong(0x3c, 0x7fff_fff0)).toMatchObject({ code: 'truncated', what: 'the PE header' })
  expect(wrong(0x40, 0x454e)).toMatchObject({ code: 'unsupported' }) // "NE"
  expect(wrong(0x44, 0x0002_014c)).toMatchObject({ code: 'unsupported', what: 'machine 0x14c' })
  expect(wrong(0x44, 0xffff_8664)).toMatchObject({ code: 'truncated', what: 'the section headers' })
  expect(wrong(0x54, 0x2022_0040)).toMatchObject({ code: 'bad-field', what: 'SizeOfOptionalHeader' })
  expect(wrong(optional + 108, 0xffff_ffff)).toMatchObject({ code: 'bad-field', what: 'SizeOfOptionalHeader' })
  expect(wrong(optional, 0x10b)).toMatchObject({ code: 'unsupported' }) // PE32
  expect(wrong(optional + 280 + 12, 0x1100)).toMatchObject({ code: 'bad-field', what: 'VirtualAddress' })
  expect(wrong(optional + 280 + 16, 0x1_0000)).toMatchObject({ code: 'too-large' })
  expect(wrong(optional + 280 + 20, 0xffff_ff00)).toMatchObject({ code: 'truncated', what: 'section 1' })
  expect(wrong(optional + 112 + 24, 0x21f8)).toMatchObject({ code: 'truncated', what: 'the exception directory' })
  expect(wrong(optional + 112 + 24, 0x9000)).toMatchObject({ code: 'truncated', what: 'the exception directory' })
  expect(wrong(0x400 + 20, 0x4000_0000)).toMatchObject({ code: 'truncated', what: 'the export address table' })
  expect(wrong(0x400 + 24, 0xffff_ffff)).toMatchObject({ code: 'truncated', what: 'the export name table' })
  expect(wrong(0x400 + 0x30, 9)).toMatchObject({ code: 'bad-index', what: 'export' })
  expect(wrong(0x400 + 0x2c, 0x2fff)).toMatchObject({ code: 'truncated', what: 'a name' })
  expect(wrong(0x48 + 4, 0x100)).toBe(null) // a symbol table without symbols
})

test('damaged images are read or refused with a typed error, in bounded time', (context) => {
  const [gcc, mingw] = tools(context, 'gcc', 'x86_64-w64-mingw32-gcc')
  const images = [
    built(gcc, 'f.so', '-shared', '-fPIC'),
    built(mingw, 'f.dll', '-shared', '-Wl,-S'),
    smallDll(),
    ownProgram(),
  ]
  const damaged = fc.record({
    image: fc.integer({ min: 0, max: images.length - 1 }),
    length: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { freq: 5 }),
    flips: fc.array(
      fc.record({
        at: fc.double({ min: 0, max: 1, noNaN: true }),
        // Headers lie at the start and at the end.
        near: fc.constantFrom('start', 'end', 'anywhere'),
        value: fc.oneof(fc.constantFrom(0, 0xff, 0x7f, 0x80), fc.nat(255)),
        count: fc.constantFrom(1, 1, 2, 4, 8),
      }),
      { minLength: 1, maxLength: 6 },
    ),
  })
  fc.assert(
    fc.property(damaged, ({ image, length, flips }) => {
      const bad = images[image].slice(0, length === null ? undefined : Math.floor(length * images[image].length))
      for (const { at, near, value, count } of flips) {
        const reach = near === 'anywhere' ? bad.length : Math.min(bad.length, 4096)
        const place = Math.floor(at * reach) + (near === 'end' ? bad.length - reach : 0)
        bad.fill(value, place, place + count)
      }
      problemOf(() => readImage(bad))
    }),
    { numRuns: 40_000 },
  )
}, 60_000)
