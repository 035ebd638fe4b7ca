// What disasm and unwind print. The functions are made by hand, so that the pages change only when the printing does.

import { type FrameRecord, FrameRecorder, RBP, RBX, unwindRows } from '@framewright/frame-layout'
import { describe, expect, test } from 'vitest'
import { functionLines } from '../src/commands/unwind.ts'
import { builtInFormats } from '../src/formats.ts'
import { codeListing } from '../src/listing/code.ts'
import { loadDisassembler } from '../src/listing/disassemble.ts'
import { encodedReader } from '../src/listing/encoded.ts'
import { loadObject } from '../src/listing/load-object.ts'
import { rowTable } from '../src/listing/rows.ts'
import { moduleObject, type ObjectFunction } from '../src/module-object.ts'
import { plain } from '../src/style.ts'
import type { Subject, SubjectFunction } from '../src/subject.ts'
import { findTarget, type Target } from '../src/target.ts'

const disassemble = await loadDisassembler()

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.split(/\s+/).filter(Boolean), (pair) => Number.parseInt(pair, 16))
}

/** Two ways out, a call, a constant. */
function twoExits(): { code: Uint8Array; codeSize: number; frame: FrameRecord } {
  // push rbx; sub rsp, 32; test edi, edi; je L1; call helper; addsd xmm0, [rip + L2]; add rsp, 32; pop rbx; ret;
  // L1: xor eax, eax; add rsp, 32; pop rbx; ret; padding; L2: 0.5
  const code = bytes(`53  48 83 ec 20  85 ff  74 13  e8 00 00 00 00  f2 0f 58 05 12 00 00 00  48 83 c4 20  5b  c3
    31 c0  48 83 c4 20  5b  c3  cc cc cc cc  00 00 00 00 00 00 e0 3f`)
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBX)
  recorder.adjustSp(5, 4, -32)
  recorder.prologueEnd(5)
  for (const at of [22, 30]) {
    recorder.epilogueBegin(at)
    recorder.adjustSp(at + 4, 4, 32)
    recorder.pop(at + 5, 1, RBX)
    recorder.epilogueEnd(at + 6)
  }
  return { code, codeSize: 36, frame: recorder.finish({ codeSize: 36 }) }
}

/** A frame pointer, and everything that Windows keeps saved. */
function everything(): { code: Uint8Array; codeSize: number; frame: FrameRecord } {
  const recorder = new FrameRecorder()
  let at = 0
  recorder.push((at += 1), 1, RBP)
  recorder.setFrameRegister((at += 3), 3, RBP)
  for (const register of [3, 6, 7]) recorder.push((at += 1), 1, register)
  for (const register of [12, 13, 14, 15]) recorder.push((at += 2), 2, register)
  recorder.adjustSp((at += 7), 7, -264)
  for (let i = 0; i < 10; i++) recorder.save((at += 9), 9, 22 + i, 'sp', 96 + 16 * i)
  recorder.prologueEnd(at)
  const code = new Uint8Array(at + 1).fill(0x90)
  return { code, codeSize: at + 1, frame: recorder.finish({ codeSize: at + 1 }) }
}

function subject(
  target: Target,
  made: { code: Uint8Array; codeSize: number; frame: FrameRecord },
): [SubjectFunction, Subject] {
  const format = builtInFormats.find(({ name }) => name === target.unwindFormat)!
  const fn: ObjectFunction = {
    ...{ name: 'sample', code: made.code, codeSize: made.codeSize, alignment: 16 },
    relocations: made.code[9] === 0xe8 ? [{ offset: 10, kind: 'plt-32', symbol: 'helper', addend: -4 }] : [],
    unwind: format.encode(made.frame),
  }
  const file = loadObject(moduleObject([fn], target, format), [format])
  const shown: SubjectFunction = {
    ...file.functions[0],
    ...{ code: fn.code, codeSize: fn.codeSize, relocations: fn.relocations, rows: unwindRows(made.frame) },
    ...{ record: made.frame, convention: target.convention, unwind: fn.unwind },
  }
  return [shown, { description: '', functions: [], file, format, formats: [format] }]
}

const linux = findTarget('x86_64-unknown-linux-gnu')
const windows = findTarget('x86_64-pc-windows-msvc')

describe.each([
  ['linux', linux],
  ['windows', windows],
] as const)('%s', (name, target) => {
  test('code with the unwind state beside it', async () => {
    const [fn] = subject(target, twoExits())
    const lines = codeListing(fn, disassemble(fn), { style: plain, note: fn.convention })
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`golden/disasm-${name}.txt`)
  })

  test('rows, bytes, words, picture', async () => {
    const [fn, what] = subject(target, twoExits())
    const lines = functionLines(what, fn, encodedReader(what), new Set(), plain)
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`golden/unwind-${name}.txt`)
  })
})

test('with a frame register and many saved registers', async () => {
  const [fn, what] = subject(windows, everything())
  const lines = functionLines(what, fn, encodedReader(what), new Set(), plain)
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('golden/unwind-everything.txt')
})

test('what functions share is shown once', () => {
  const [fn, what] = subject(linux, twoExits())
  const shown = new Set<string>()
  const first = functionLines(what, fn, encodedReader(what), shown, plain)
  const second = functionLines(what, fn, encodedReader(what), shown, plain)
  expect(first.filter((line) => line.includes('CIE)'))).toHaveLength(1)
  expect(second.filter((line) => line.includes('CIE)'))).toHaveLength(0)
})

test('a table of rows ends where the code does', () => {
  const { frame } = twoExits()
  expect(rowTable(unwindRows(frame), 36, plain)).toEqual([
    'from  to  CFA     rbx     return',
    '00    01  rsp+8           cfa-8',
    '01    05  rsp+16  cfa-16  cfa-8',
    '05    1a  rsp+48  cfa-16  cfa-8',
    '1a    1b  rsp+16  cfa-16  cfa-8',
    '1b    1c  rsp+8           cfa-8',
    '1c    22  rsp+48  cfa-16  cfa-8',
    '22    23  rsp+16  cfa-16  cfa-8',
    '23    24  rsp+8           cfa-8',
  ])
})
