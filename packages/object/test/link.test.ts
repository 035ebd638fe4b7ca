// Linkers and the machine itself judge what the writers make.

import { expect, test } from 'vitest'
import { linkExecutable, ObjectError, type ObjectFile, writeObject } from '../src/index.ts'
import { bytes, driver, sample } from './sample.ts'
import { run, scratch, tools } from './tools.ts'

const file = scratch()
const clean = { status: 0, stderr: '', stdout: '' }

for (const linker of ['ld', 'ld.lld']) {
  test(`${linker} links the ELF object without a warning, and the program runs`, (context) => {
    const [gcc] = tools(context, 'gcc', linker)
    const object = file('sample.o', writeObject(sample('elf')))
    const source = file('driver.c', driver)
    const out = file(`sample-${linker}`)
    const flavour = linker === 'ld.lld' ? ['-fuse-ld=lld'] : []
    for (const mode of [['-no-pie'], ['-pie', '-fPIE']]) {
      expect(run(gcc, '-DMAIN=main', ...mode, ...flavour, '-Wl,--fatal-warnings', '-o', out, source, object)).toEqual(
        clean,
      )
      expect(run(out)).toEqual({ ...clean, status: 42 })
    }
  })
}

test(`mingw's ld links the COFF object without a warning, and the program runs under Wine`, (context) => {
  const [gcc, wine] = tools(context, 'x86_64-w64-mingw32-gcc', 'wine64')
  const object = file('sample.obj', writeObject(sample('coff')))
  const out = file('sample.exe')
  expect(run(gcc, '-DMAIN=main', '-Wl,--fatal-warnings', '-o', out, file('driver.c', driver), object)).toEqual(clean)
  expect(run(wine, out).status).toBe(42)
})

test('lld-link links the COFF object without a warning, and the program runs under Wine', (context) => {
  const [gcc, lld, wine] = tools(context, 'x86_64-w64-mingw32-gcc', 'lld-link', 'wine64')
  const object = file('sample.obj', writeObject(sample('coff')))
  const out = file('sample-lld.exe')
  const main = file('driver.obj')
  expect(run(gcc, '-DMAIN=start', '-ffreestanding', '-c', '-o', main, file('driver.c', driver))).toEqual(clean)
  const flags = ['/entry:start', '/subsystem:console', '/nodefaultlib', '/WX', `/out:${out}`]
  expect(run(lld, ...flags, main, object)).toEqual(clean)
  expect(run(wine, out).status).toBe(42)
})

/** `_start`: calls `answer` and exits with what it returned; `helper` beside it. */
const start: ObjectFile = {
  format: 'elf',
  sections: [
    {
      name: '.text',
      kind: 'text',
      align: 16,
      // call answer; mov edi, eax; mov eax, 60 (exit); syscall; helper: mov rax, [rip + one@GOT]; mov eax, [rax]; ret
      bytes: bytes('e8 00 00 00 00  89 c7  b8 3c 00 00 00  0f 05  48 8b 05 00 00 00 00  8b 00  c3'),
      relocations: [
        { offset: 1, kind: 'plt-32', symbol: 0, addend: -4 },
        { offset: 17, kind: 'got-pc-relative-32', symbol: 2, addend: -4 },
      ],
    },
  ],
  symbols: [
    { name: 'answer', binding: 'global', type: 'none', section: 'undefined', value: 0, size: 0 },
    { name: 'helper', binding: 'global', type: 'function', section: 0, value: 14, size: 10 },
    { name: 'one', binding: 'global', type: 'none', section: 'undefined', value: 0, size: 0 },
    { name: '_start', binding: 'global', type: 'function', section: 0, value: 0, size: 14 },
  ],
}

test.runIf(process.platform === 'linux' && process.arch === 'x64')(
  'our own linker makes a program that runs',
  async () => {
    const { chmodSync } = await import('node:fs')
    const { bytes: program, symbols, entry } = linkExecutable([start, sample('elf')], { entry: '_start' })
    expect(symbols.get('_start')).toBe(entry)
    const out = file('program', program)
    chmodSync(out, 0o755)
    expect(run(out)).toEqual({ ...clean, status: 42 })
  },
)

test('llvm-readelf reads the program headers of our executable', (context) => {
  const [readelf] = tools(context, 'llvm-readelf')
  const out = file('program', linkExecutable([start, sample('elf')], { entry: '_start' }).bytes)
  const { stdout, stderr } = run(readelf, '-lW', out)
  expect(stderr).toBe('')
  // Columns: type, offset, two addresses, two sizes, flags, alignment.
  const flags = [...stdout.matchAll(/^ *(LOAD|GNU_STACK)(?: +0x\w+){5} ([RWE ]{3})/gm)].map(
    ([, type, bits]) => type + bits,
  )
  expect(flags).toEqual(['LOADR  ', 'LOADR E', 'LOADRW ', 'GNU_STACKRW '])
})

test('the linker names what is undefined, defined twice, and what does not fit', () => {
  const problem = (action: () => unknown) => {
    try {
      action()
    } catch (error) {
      if (error instanceof ObjectError) return error.problem
      throw error
    }
    return null
  }
  const samples = [start, sample('elf')]
  expect(problem(() => linkExecutable([start], { entry: '_start' }))).toEqual({
    code: 'undefined-symbol',
    name: 'answer',
  })
  expect(problem(() => linkExecutable(samples, { entry: 'begin' }))).toEqual({
    code: 'undefined-symbol',
    name: 'begin',
  })
  expect(problem(() => linkExecutable([...samples, start], { entry: '_start' }))).toEqual({
    ...{ code: 'duplicate-symbol', name: 'helper' },
  })
  expect(problem(() => linkExecutable(samples, { entry: '_start', baseAddress: 2 ** 40 }))).toBe(null)
  expect(problem(() => linkExecutable([sample('coff')], { entry: 'answer' }))).toEqual({
    code: 'unsupported',
    what: 'linking coff',
  })
  const [first] = start.sections
  const far = {
    ...start,
    sections: [{ ...first, relocations: [{ ...first.relocations[0], kind: 'absolute-32' as const }] }],
  }
  expect(problem(() => linkExecutable([far, sample('elf')], { entry: '_start', baseAddress: 2 ** 40 }))).toMatchObject({
    ...{ code: 'relocation-overflow', kind: 'absolute-32' },
  })
})
