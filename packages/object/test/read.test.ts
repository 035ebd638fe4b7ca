// Tools read what we write, and we read what compilers write.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readObject, writeObject } from '../src/index.ts'
import { driver, sample } from './sample.ts'
import { run, scratch, tools } from './tools.ts'

const file = scratch()

for (const [name, format, ...flags] of [
  ['llvm-readobj', 'elf', '--all'],
  ['llvm-readobj', 'coff', '--all'],
  ['llvm-readobj', 'coff', '--unwind'],
  ['llvm-readelf', 'elf', '-aW'],
  ['readelf', 'elf', '-aW'],
  ['readelf', 'elf', '-wF'],
  ['objdump', 'elf', '-xdrs'],
  ['llvm-objdump', 'elf', '-xdrs'],
  ['llvm-objdump', 'coff', '-xdrs'],
  ['x86_64-w64-mingw32-objdump', 'coff', '-xdrs'],
  ['llvm-dwarfdump', 'elf', '--eh-frame'],
  ['llvm-nm', 'coff', '-a'],
] as const) {
  test(`${name} ${flags.join(' ')} reads the ${format} object without a complaint`, (context) => {
    const [tool] = tools(context, name)
    const object = file(format === 'elf' ? 'sample.o' : 'sample.obj', writeObject(sample(format)))
    const { status, stdout, stderr } = run(tool, ...flags, object)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).not.toMatch(/warning|error|corrupt|<unknown|invalid/i)
  })
}

test('readelf sees the frame that the unwind section describes', (context) => {
  const [readelf] = tools(context, 'readelf')
  const { stdout } = run(readelf, '-wF', file('frame.o', writeObject(sample('elf'))))
  const rows = [...stdout.matchAll(/^([\da-f]{16}) (rsp\+\d+)/gm)].map(([, at, cfa]) => `${Number(`0x${at}`)} ${cfa}`)
  expect(rows).toEqual(['0 rsp+8', '0 rsp+8', '1 rsp+16', '5 rsp+48', '37 rsp+16', '38 rsp+8'])
})

test('llvm-readobj sees the frame that the unwind sections describe', (context) => {
  const [readobj] = tools(context, 'llvm-readobj')
  const { stdout } = run(readobj, '--unwind', file('frame.obj', writeObject(sample('coff'))))
  expect(stdout).toMatch(/StartAddress: .*answer.*\n.*EndAddress: .*answer \+0x27/i)
  expect(stdout).toMatch(/0x05: ALLOC_SMALL size=32\n\s*0x01: PUSH_NONVOL reg=RBX/)
})

/** Functions, data, strings, a common symbol, a weak one, a jump table, floats: what makes sections and relocations. */
const program = `
#include <stddef.h>
extern int other(int), printf(const char *, ...);
extern double table[16];
__attribute__((weak)) int maybe(int x) { return x; }
static int private(int x) { return other(x) + 1; }
int zeroes[100];
const char *names[] = {"one", "two", "three", NULL};
int pick(int x) {
  switch (x) {
    case 0: return other(1); case 1: return maybe(7); case 2: return zeroes[x]; case 3: return 11;
    case 4: return printf("%s", names[x]); case 5: return private(x);
  }
  return -1;
}
double sum(int n) { double s = 0.5; for (int i = 0; i < n; i++) s += table[i]; return s; }
`

const compilers = [
  ['gcc', 'elf', ['-O2']],
  ['gcc', 'elf', ['-O0', '-g', '-fPIC', '-ffunction-sections']],
  ['clang', 'elf', ['-O2', '-g']],
  ['clang', 'coff', ['-O2', '--target=x86_64-pc-windows-msvc', '-ffreestanding']],
  ['x86_64-w64-mingw32-gcc', 'coff', ['-O2']],
  ['x86_64-w64-mingw32-gcc', 'coff', ['-O0', '-g', '-ffunction-sections', '-fdata-sections']],
] as const

describe.each(compilers)('what %s writes (%s, %j)', (compiler, format, flags) => {
  test('has the sections, symbols and relocations that LLVM sees', (context) => {
    const [cc, readobj] = tools(context, compiler, 'llvm-readobj')
    const object = file('theirs.o')
    expect(run(cc, ...flags, '-c', '-o', object, file('program.c', program)).stderr).toBe('')
    const read = readObject(readFileSync(object))
    expect(read.format).toBe(format)

    const symbols = run(readobj, '--symbols', object).stdout
    const theirNames = [...symbols.matchAll(/^ {4}Name: (.*?)(?: \(\d+\))?$/gm)].map((match) => match[1])
    // ELF begins with a symbol that is none; COFF's file symbol has the name in a record beside it.
    const ourNames = read.symbols.map(({ name, type }) => (type === 'file' && format === 'coff' ? '.file' : name))
    expect(ourNames).toEqual(format === 'elf' ? theirNames.slice(1) : theirNames)
    const values = [...symbols.matchAll(/^ {4}Value: (\w+)$/gm)].map((match) => Number(match[1]))
    expect(read.symbols.filter((symbol) => symbol.section !== 'common').map((symbol) => symbol.value)).toEqual(
      format === 'elf' ? values.slice(1) : values,
    )

    const relocations = run(readobj, '--relocations', '--expand-relocs', object).stdout
    const theirs = [...relocations.matchAll(/Offset: (\w+)\n *Type: (\w+) \((\d+)\)\n *Symbol: (.*?)(?: \(\d+\))?\n/g)]
    const ours = read.sections.flatMap((section) => section.relocations)
    expect(ours.map((each) => each.offset)).toEqual(theirs.map((match) => Number(match[1])))
    expect(ours.map((each) => read.symbols[each.symbol].name)).toEqual(theirs.map((match) => match[4]))
    expect(ours.length).toBeGreaterThan(10)
  })

  test('written again it is read as the same', (context) => {
    const [cc] = tools(context, compiler)
    const object = file('theirs.o')
    expect(run(cc, ...flags, '-c', '-o', object, file('program.c', program)).stderr).toBe('')
    const read = readObject(readFileSync(object))
    expect(readObject(writeObject(read))).toEqual(read)
  })
})

for (const [compiler, ...runner] of [['gcc'], ['x86_64-w64-mingw32-gcc', 'wine64']] as const) {
  test(`what ${compiler} writes, written again, links and runs`, (context) => {
    const [cc, ...wine] = tools(context, compiler, ...runner)
    const format = compiler === 'gcc' ? 'elf' : 'coff'
    const main = file('main.o')
    expect(run(cc, '-DMAIN=main', '-c', '-o', main, file('driver.c', driver)).stderr).toBe('')
    const again = file('again.o', writeObject(readObject(readFileSync(main))))
    const out = file('again.exe')
    const sampleFile = file('sample.o', writeObject(sample(format)))
    expect(run(cc, '-Wl,--fatal-warnings', '-o', out, again, sampleFile).stderr).toBe('')
    const [program, ...args] = [...wine, out]
    expect(run(program, ...args).status).toBe(42)
  })
}
