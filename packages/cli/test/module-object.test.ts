// Functions made by hand, put into objects.

import type { FunctionUnwind, UnwindFormat } from '@framewright/frame-layout'
import { FrameRecorder, RBX } from '@framewright/frame-layout'
import { ObjectError, readObject, writeObject } from '@framewright/object'
import { expect, test } from 'vitest'
import { builtInFormats } from '../src/formats.ts'
import { type CodeRelocation, moduleObject, type ObjectFunction } from '../src/module-object.ts'
import { findTarget, type Target } from '../src/target.ts'
import { runTool, scratch, tools } from './tools.ts'

const file = scratch()
const linux = findTarget('x86_64-unknown-linux-gnu')
const windows = findTarget('x86_64-w64-windows-gnu')

const formatOf = ({ unwindFormat }: Target): UnwindFormat =>
  builtInFormats.find(({ name }) => name === unwindFormat) as UnwindFormat

function made(
  name: string,
  hex: string,
  relocations: readonly CodeRelocation[],
  unwind: FunctionUnwind | null = null,
): ObjectFunction {
  const code = Uint8Array.from(hex.split(/\s+/).filter(Boolean), (pair) => Number.parseInt(pair, 16))
  return { name, code, codeSize: code.length, alignment: 16, relocations, unwind }
}

/** `first` calls `second` with 20 more, and `elsewhere` with what comes back; `second` gives its own address's parity. */
function functions(target: Target): ObjectFunction[] {
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBX)
  recorder.adjustSp(5, 4, -32)
  recorder.prologueEnd(5)
  recorder.epilogueBegin(19)
  recorder.adjustSp(23, 4, 32)
  recorder.pop(24, 1, RBX)
  recorder.epilogueEnd(25)
  const frame = recorder.finish({ codeSize: 25 })
  const leaf = new FrameRecorder().finish({ codeSize: 11 })
  const format = formatOf(target)
  // push rbx; sub rsp, 32; call second; mov ecx/edi, eax; call elsewhere; nop; add rsp, 32; pop rbx; ret
  const argument = target.objectFormat === 'elf' ? '89 c7' : '89 c1'
  return [
    made(
      'first',
      `53  48 83 ec 20  e8 00 00 00 00  ${argument}  e8 00 00 00 00  66 90  48 83 c4 20  5b  c3`,
      [
        { offset: 6, kind: 'plt-32', symbol: 'second', addend: -4 },
        { offset: 13, kind: 'plt-32', symbol: 'elsewhere', addend: -4 },
      ],
      format.encode(frame),
    ),
    // lea rax, [rip + second]; and eax, 15; ret: 0, for functions are aligned.
    made(
      'second',
      '48 8d 05 00 00 00 00  83 e0 0f  c3',
      [{ offset: 3, kind: 'pc-relative-32', symbol: 'second', addend: -4 }],
      format.encode(leaf),
    ),
  ]
}

const driver = `
int first(void);
int elsewhere(int x) { return x + 42; }
int main(void) { return first(); }
`

test('the object of a module, as a linker reads it', () => {
  const { sections, symbols } = moduleObject(functions(linux), linux, formatOf(linux))
  expect(sections.map(({ name, kind, align }) => [name, kind, align])).toEqual([
    ['.text', 'text', 16],
    ['.eh_frame', 'unwind', 8],
  ])
  expect(
    symbols.map(({ name, binding, type, section, value, size }) => [name, binding, type, section, value, size]),
  ).toEqual([
    ['.text', 'local', 'section', 0, 0, 0],
    ['.eh_frame', 'local', 'section', 1, 0, 0],
    ['first', 'global', 'function', 0, 0, 25],
    ['second', 'global', 'function', 0, 32, 11],
    ['elsewhere', 'global', 'none', 'undefined', 0, 0],
  ])
  const [text, ehFrame] = sections
  // Between the functions there is nothing to run.
  expect([...text.bytes.subarray(25, 32)]).toEqual(Array(7).fill(0xcc))
  expect(text.relocations).toEqual([
    { offset: 6, kind: 'plt-32', symbol: 3, addend: -4 },
    { offset: 13, kind: 'plt-32', symbol: 4, addend: -4 },
    // An address of our own function needs no symbol.
    { offset: 35, kind: 'pc-relative-32', symbol: 0, addend: 28 },
  ])
  expect(ehFrame.relocations.map(({ kind, symbol, addend }) => [kind, symbol, addend])).toEqual([
    ['pc-relative-32', 0, 0],
    ['pc-relative-32', 0, 32],
  ])
})

test('on Windows a leaf has no entry, and functions elsewhere are marked as functions', () => {
  const { sections, symbols } = moduleObject(functions(windows), windows, formatOf(windows))
  expect(sections.map(({ name, bytes }) => [name, bytes.length])).toEqual([
    ['.text', 43],
    ['.xdata', 8],
    ['.pdata', 12],
  ])
  expect(sections[2].relocations).toEqual([
    { offset: 0, kind: 'image-relative-32', symbol: 0, addend: 0 },
    { offset: 4, kind: 'image-relative-32', symbol: 0, addend: 25 },
    { offset: 8, kind: 'image-relative-32', symbol: 1, addend: 0 },
  ])
  expect(symbols.find(({ name }) => name === 'elsewhere')).toMatchObject({ type: 'function', section: 'undefined' })
})

test('without a format there are no unwind sections', () => {
  for (const target of [linux, windows]) {
    const { sections } = moduleObject(functions(target), target, null)
    expect(sections.map(({ name }) => name)).toEqual(['.text'])
  }
})

test('functions keep the alignment they ask for', () => {
  const [first, second] = functions(linux)
  const { sections, symbols } = moduleObject([first, { ...second, alignment: 64 }], linux, null)
  expect(sections[0].align).toBe(64)
  expect(symbols.find(({ name }) => name === 'second')?.value).toBe(64)
})

test('a symbol defined twice is refused', () => {
  const [first] = functions(linux)
  expect(() => moduleObject([first, first], linux, null)).toThrow(ObjectError)
  expect(() => moduleObject([first, first], linux, null)).toThrow(`symbol 'first' is defined twice`)
})

test('an empty module is an empty object', () => {
  for (const target of [linux, windows]) {
    const object = moduleObject([], target, formatOf(target))
    expect(readObject(writeObject(object)).sections[0].bytes).toHaveLength(0)
  }
})

for (const linker of ['ld', 'ld.lld']) {
  test(`${linker} links it without a warning: executable, position independent, shared`, (context) => {
    const [gcc] = tools(context, 'gcc', linker)
    const object = file('module.o', writeObject(moduleObject(functions(linux), linux, formatOf(linux))))
    const main = file('driver.c', driver)
    const flavour = ['-Wl,--fatal-warnings', ...(linker === 'ld.lld' ? ['-fuse-ld=lld'] : [])]
    for (const mode of ['-no-pie', '-pie']) {
      const out = file('module')
      expect(runTool(gcc, mode, ...flavour, '-o', out, main, object)).toEqual({ status: 0, stdout: '', stderr: '' })
      expect(runTool(out).status).toBe(42)
    }
    const library = file('libmodule.so')
    expect(runTool(gcc, '-shared', ...flavour, '-o', library, object)).toEqual({ status: 0, stdout: '', stderr: '' })
    const out = file('with-library')
    expect(runTool(gcc, ...flavour, '-o', out, main, library).stderr).toBe('')
    expect(runTool(out).status).toBe(42)
  })
}
