// What binutils say of the same: the assembler given our rows as directives, the reader and the linker given our bytes.
// Debian 12 has version 2.40, which writes and reads version 1 of the format; what a newer one writes is compared likewise.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { UnwindSection } from '@framewright/frame-layout'
import { requireTool } from '@framewright/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSFrameFormat, decodeSFrame, readRows, type SFrameFormat, sframeV1 } from '../src/index.ts'
import { assemblyOf } from './directives.ts'
import { readElf, sectionOf } from './elf.ts'
import { parseObjdump } from './objdump.ts'
import { place, records } from './samples.ts'
import { rowText, toVersion2 } from './texts.ts'

const tools = {
  as: requireTool('as'),
  aarch64As: requireTool('aarch64-linux-gnu-as'),
  objdump: requireTool('objdump'),
  aarch64Objdump: requireTool('aarch64-linux-gnu-objdump'),
  ld: requireTool('ld'),
  gcc: requireTool('gcc'),
}

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'unwind-sframe-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function run(tool: string, ...words: string[]): string {
  const { status, stdout, stderr } = spawnSync(tool, words, { encoding: 'utf8', maxBuffer: 1 << 28 })
  expect({ status, stderr }, words.join(' ')).toEqual({ status: 0, stderr: '' })
  return stdout
}

const file = (name: string): string => join(folder, name)

/** The format that writes what an assembler wrote. */
function sameFormat(bytes: Uint8Array): SFrameFormat {
  const version = bytes[2] === 1 ? 1 : 2
  return createSFrameFormat({ version, starts: (bytes[3]! & 4) === 0 ? 'assembler' : 'field', sorted: false })
}

describe.each([
  ['x86-64', tools.as, tools.objdump, 2],
  ['aarch64', tools.aarch64As, tools.aarch64Objdump, 261],
] as const)('%s', (architecture, as, objdump, PC32) => {
  const list = records(architecture, architecture === 'x86-64' ? 600 : 300)
  const source = list.flatMap((record, index) => assemblyOf(record, `f${index}`))

  test.skipIf(as === null)('the assembler makes the same bytes and relocations of the same rows', () => {
    expect(list.length).toBeGreaterThan(250)
    writeFileSync(file('theirs.s'), ['  .text', ...source, ''].join('\n'))
    run(as!, '--gsframe', '-o', file('theirs.o'), file('theirs.s'))
    const theirs = sectionOf(file('theirs.o'), '.sframe')
    if (theirs.bytes[2] === 3) return // There is nothing of ours to compare; it is read below.
    const format = sameFormat(theirs.bytes)
    const [ours] = format.assemble(place(list, format))
    expect(ours!.bytes).toEqual(theirs.bytes)
    expect(ours!.relocations.map(({ offset, symbol, addend }) => ({ offset, type: PC32, symbol, addend }))).toEqual(
      theirs.relocations,
    )
    // Row starts of all sizes are among them.
    const sizes = new Set(decodeSFrame(ours!.bytes).functions.map(({ startSize }) => startSize))
    expect([...sizes].sort()).toEqual([0, 1, 2])

    // Version 2 differs in the version, and in three bytes behind each description of a function.
    if (theirs.bytes[2] !== 1) return
    const second = createSFrameFormat()
    expect(second.assemble(place(list, second))[0]!.bytes).toEqual(toVersion2(theirs.bytes))
  })

  test.skipIf(as === null || objdump === null)('the reader shows our rows', () => {
    const format = createSFrameFormat({ version: 1 })
    const functions = place(list, format)
    const [section] = format.assemble(functions)
    writeFileSync(
      file('ours.s'),
      withSection(
        source.filter((line) => !line.includes('.cfi_')),
        section!,
      ),
    )
    run(as!, '-o', file('ours.o'), file('ours.s'))
    const listed = parseObjdump(run(objdump!, '--sframe=.sframe', file('ours.o')))
    const table = decodeSFrame(section!.bytes)
    expect(listed.map(({ size }) => size)).toEqual(table.functions.map(({ size }) => size))
    for (const [index, fn] of table.functions.entries()) {
      const rows = readRows(table, fn).map((row) => rowText(row, table.abi))
      expect(listed[index]!.rows).toEqual(rows)
    }
  })
})

/** Code, and a section of ours in it as data. */
function withSection(code: readonly string[], { bytes, relocations, align }: UnwindSection): string {
  const lines = ['  .text', '.Ltext:', ...code, '  .section .sframe,"a",%progbits', `  .balign ${align}`]
  let at = 0
  for (const { offset, addend } of [...relocations, { offset: bytes.length, addend: 0 }]) {
    if (offset > at) lines.push(`  .byte ${[...bytes.subarray(at, offset)].join(', ')}`)
    if (offset < bytes.length) lines.push(`  .long .Ltext + ${addend} - .`)
    at = offset + 4
  }
  return `${lines.join('\n')}\n`
}

test.skipIf(tools.as === null || tools.ld === null || tools.objdump === null)(
  'the linker merges our sections with those of the assembler, without a warning',
  () => {
    const [mine, theirs] = [records('x86-64', 120).slice(0, 60), records('x86-64', 120).slice(60)]
    const [section] = sframeV1.assemble(place(mine, sframeV1))
    const code = mine.flatMap((record, index) => [
      `  .globl m${index}`,
      `m${index}:`,
      ...assemblyOf(record, `f${index}`).filter((line) => !line.includes('.cfi_')),
    ])
    writeFileSync(file('mine.s'), withSection(code, section!))
    writeFileSync(
      file('other.s'),
      ['  .text', '  .globl _start', '_start:', ...theirs.flatMap((one, index) => assemblyOf(one, `g${index}`))].join(
        '\n',
      ) + '\n',
    )
    run(tools.as!, '-o', file('mine.o'), file('mine.s'))
    run(tools.as!, '--gsframe', '-o', file('other.o'), file('other.s'))
    // A version that the linker does not write is left out by it, with a message.
    if (sectionOf(file('other.o'), '.sframe').bytes[2] !== 1) return
    for (const [out, ...flags] of [
      ['linked'],
      ['linked.so', '-shared'],
      ['linked.pie', '-pie', '--no-dynamic-linker'],
    ]) {
      run(tools.ld!, '--fatal-warnings', ...flags, '-o', file(out!), file('other.o'), file('mine.o'))
      const { sections, symbols } = readElf(file(out!))
      const merged = sections.find(({ name }) => name === '.sframe')!
      const table = decodeSFrame(merged.bytes, { address: merged.address })
      expect(table.flags & 1).toBe(1)
      const begins = new Set(table.functions.map(({ begin }) => begin))
      for (let i = 0; i < mine.length; i++) expect(begins).toContain(symbols.get(`m${i}`))
      const listed = parseObjdump(run(tools.objdump!, '--sframe=.sframe', file(out!)))
      expect(listed.map(({ begin }) => begin)).toEqual(table.functions.map(({ begin }) => begin))
    }
  },
)

test.skipIf(tools.gcc === null || tools.objdump === null)(
  'a program of gcc, with a procedure linkage table, is read as the reader of binutils reads it',
  () => {
    writeFileSync(
      file('program.c'),
      `#include <stdio.h>
       #include <stdlib.h>
       int deep(int n) { volatile char space[5000]; space[n] = n; return n ? deep(n - 1) + space[n] : rand(); }
       int dynamic(int n) { volatile char space[n]; space[0] = 1; return printf("%d", space[0]); }
       int main(int c, char **v) { printf("%d\\n", deep(c) + dynamic(c)); exit(puts("x")); }`,
    )
    for (const [out, ...flags] of [
      ['O2', '-O2'],
      ['O0', '-O0'],
      ['lazy', '-O2', '-Wl,-z,lazy', '-fno-omit-frame-pointer'],
    ]) {
      run(tools.gcc!, ...flags, '-Wa,--gsframe', '-o', file(out!), file('program.c'))
      const section = sectionOf(file(out!), '.sframe')
      const table = decodeSFrame(section.bytes, { address: section.address })
      const listed = parseObjdump(run(tools.objdump!, '--sframe=.sframe', file(out!)))
      expect(listed.length).toBeGreaterThan(3)
      const ours = table.functions.map((fn) => ({
        ...{ begin: fn.begin, size: fn.size, repeats: fn.repeat !== 0 },
        rows: readRows(table, fn).map((row) => rowText(row, table.abi)),
      }))
      expect(ours).toEqual(listed)
      expect(ours.some(({ repeats }) => repeats)).toBe(true)
    }
  },
)
