// C++ exceptions through frames that only our sections describe: libgcc walks them, libstdc++ reads our LSDA.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FrameRecorder, R12, RBP, RBX, type UnwindSection } from '@framewright/frame-layout'
import { requireTool } from '@framewright/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dwarf } from '../src/format.ts'
import { encodeLsda } from '../src/lsda.ts'
import type { DwarfRelocation } from '../src/pointer-encoding.ts'

const compiler = requireTool('g++')
const lld = requireTool('ld.lld')

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'unwind-dwarf-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** A section as assembler text, its relocations as expressions. */
function sectionText(
  name: string,
  flags: string,
  {
    bytes,
    relocations,
  }: { bytes: Uint8Array; relocations: readonly (DwarfRelocation | UnwindSection['relocations'][0])[] },
): string[] {
  const lines = [`.section ${name},"${flags}",@progbits`, '.balign 8']
  let at = 0
  const upTo = (end: number): void => {
    if (end > at) lines.push(`.byte ${Array.from(bytes.subarray(at, end)).join(', ')}`)
  }
  for (const { offset, kind, symbol, addend } of relocations) {
    upTo(offset)
    const wide = kind.endsWith('64')
    lines.push(`${wide ? '.quad' : '.long'} ${symbol}+${addend}${kind.startsWith('pc') ? '-.' : ''}`)
    at = offset + (wide ? 8 : 4)
  }
  upTo(bytes.length)
  return lines
}

/** Calls its argument and catches whatever comes: returns whether something did. */
const catcher = {
  code: `
    push %rbx
    call *%rdi
    xor %eax, %eax
    pop %rbx
    ret
    mov %rax, %rdi
    call __cxa_begin_catch@PLT
    call __cxa_end_catch@PLT
    mov $1, %eax
    pop %rbx
    ret`,
  size: 27,
}

/** Calls its argument from a frame with saved registers, which it spoils. */
const passer = {
  code: `
    push %rbp
    mov %rsp, %rbp
    push %rbx
    push %r12
    sub $32, %rsp
    mov $7, %ebx
    mov $8, %r12d
    call *%rdi
    add $32, %rsp
    pop %r12
    pop %rbx
    pop %rbp
    ret`,
  size: 33,
}

function assembly(): string {
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBX)
  recorder.prologueEnd(1)
  for (const pop of [6, 26]) {
    recorder.epilogueBegin(pop - 1)
    recorder.pop(pop, 1, RBX)
    recorder.epilogueEnd(pop + 1)
  }
  const catching = dwarf.encode(
    recorder.finish({
      codeSize: catcher.size,
      personality: { symbol: '__gxx_personality_v0' },
      languageData: { symbol: '.gcc_except_table.ours' },
    }),
  )
  recorder.push(1, 1, RBP)
  recorder.setFrameRegister(4, 3, RBP)
  recorder.push(5, 1, RBX)
  recorder.push(7, 2, R12)
  recorder.adjustSp(11, 4, -32)
  recorder.prologueEnd(11)
  recorder.epilogueBegin(24)
  recorder.adjustSp(28, 4, 32)
  recorder.pop(30, 2, R12)
  recorder.pop(31, 1, RBX)
  recorder.pop(32, 1, RBP)
  recorder.epilogueEnd(33)
  const passing = dwarf.encode(recorder.finish({ codeSize: 33 }))

  const sections = dwarf.assemble([
    { symbol: 'catch_all', section: '.text', offset: 0, codeSize: catcher.size, unwind: catching },
    { symbol: 'pass', section: '.text', offset: catcher.size, codeSize: 33, unwind: passing },
  ])
  expect(sections.map(({ name }) => name)).toEqual(['.eh_frame', '.data.rel.local.DW.ref.__gxx_personality_v0'])
  const lsda = encodeLsda({
    callSites: [
      { start: 1, length: 2, landingPad: 7, action: 0 },
      { start: 10, length: 10, landingPad: 0, action: null },
    ],
    actions: [{ filter: 1, next: null }],
    types: [null],
    typeEncoding: 0x9b,
    specifications: [],
  })
  return [
    '.text',
    '.globl catch_all, pass',
    '.type catch_all, @function',
    '.type pass, @function',
    'catch_all:',
    catcher.code,
    'pass:',
    passer.code,
    ...sectionText('.gcc_except_table.ours', 'a', lsda),
    ...sections.flatMap((section) => sectionText(section.name, section.name === '.eh_frame' ? 'a' : 'aw', section)),
    '.section .note.GNU-stack,"",@progbits',
    '',
  ].join('\n')
}

const driver = `
#include <cstdio>
#include <stdexcept>
extern "C" int catch_all(void (*)());
extern "C" void pass(void (*)());
static void quiet() {}
static void thrower() { throw std::runtime_error("through"); }
static void through_pass() { pass(thrower); }
int main() {
  std::printf("%d %d %d\\n", catch_all(quiet), catch_all(thrower), catch_all(through_pass));
  int kept = 0;
  for (volatile int i = 0; i < 3; i++) {
    long a = i * 3, b = i * 5;
    try { pass(thrower); } catch (const std::exception& e) { kept += a + b == i * 8; std::printf("%s %d\\n", e.what(), i); }
  }
  std::printf("%d\\n", kept);
}
`

test.skipIf(compiler === null).each([
  ['GNU ld', []],
  ['GNU ld, not position independent', ['-no-pie']],
  ['GNU ld, static', ['-static']],
  ['lld', ['-fuse-ld=lld']],
])('thrown through and caught in our frames, linked by %s', (name, options) => {
  if (name === 'lld' && lld === null) return
  writeFileSync(join(folder, 'ours.s'), assembly())
  writeFileSync(join(folder, 'driver.cc'), driver)
  const out = join(folder, 'program')
  const files = [join(folder, 'driver.cc'), join(folder, 'ours.s')]
  const built = spawnSync(compiler!, ['-O2', ...options, '-Wl,--fatal-warnings', ...files, '-o', out], {
    encoding: 'utf8',
  })
  expect(built.stderr).toBe('')
  const { stdout, status, signal } = spawnSync(out, { encoding: 'utf8' })
  expect({ stdout, status, signal }).toEqual({
    stdout: '0 1 1\nthrough 0\nthrough 1\nthrough 2\n3\n',
    status: 0,
    signal: null,
  })
})
