// What few functions do: CFAs in memory, expressions, labels ahead, several parts. Compared with what gcc writes for the same.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type FrameRecord,
  FrameRecorder,
  fit,
  parseRecord,
  printRecord,
  R10,
  R12,
  RAX,
  RBP,
  RBX,
  RETURN_ADDRESS,
  type UnwoundFunction,
  unwindRows,
} from '@framewright/frame-layout'
import { requireTool } from '@framewright/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodeFrames, type FrameDescriptionEntry } from '../src/decode.ts'
import { assembleEhFrame } from '../src/eh-frame.ts'
import { ProgramEncoder } from '../src/encode.ts'
import { encodeUnwindRows } from '../src/encode-unwind-rows.ts'
import { DwarfUnwindError } from '../src/errors.ts'
import { createDwarfFormat, dwarf, frameDescriptions } from '../src/format.ts'
import { callFrameRows } from '../src/rows.ts'
import { asUnwindRows } from '../src/unwind-rows.ts'
import { readElf } from './elf.ts'
import { fromHex, toHex } from './vectors.ts'

const encoder = new ProgramEncoder()

/** The rows of a program in a section. */
function rowsOf(program: Uint8Array, size: number): ReturnType<typeof asUnwindRows> {
  const table = decodeFrames(assembleEhFrame([{ symbol: 'f', section: '.text', offset: 0, size, program }]).bytes)
  const fde = table.entries.find((entry): entry is FrameDescriptionEntry => entry.kind === 'fde')!
  return asUnwindRows(callFrameRows(table, fde), 16)
}

const source = `
void use(void *, void *, int);
int realigned(int n, int b, int c, int d, int e, int f, int g, int h) {
  _Alignas(32) char buffer[64];
  char *dynamic = __builtin_alloca(n);
  use(buffer, dynamic, h + g);
  return buffer[3] + n + dynamic[0];
}
`

/** What the instructions of the function do, as gcc 12.2 -O2 compiles it. */
function realigned(): FrameRecord {
  const recorder = new FrameRecorder()
  recorder.setFrameRegister(5, 5, R10, 8) //            lea r10, [rsp + 8]
  recorder.realign(9, 4, 32) //                         and rsp, -32
  recorder.push(0x10, 4, RETURN_ADDRESS, false) //      push [r10 - 8]
  recorder.push(0x11, 1, RBP, false)
  recorder.copySp(0x14, 3, RBP) //                      mov rbp, rsp
  recorder.savedAt(0x14, 0, RBP, RBP, 0)
  recorder.push(0x16, 2, R12, false)
  recorder.savedAt(0x16, 0, R12, RBP, -8)
  recorder.push(0x1f, 2, R10, false)
  recorder.cfaFromMemory(0x1f, 0, RBP, -16)
  recorder.push(0x28, 1, RBX, false)
  recorder.adjustSp(0x2c, 4, -0x58)
  recorder.savedAt(0x2c, 0, RBX, RBP, -24) //           gcc says it one instruction late
  recorder.prologueEnd(0x2c)
  recorder.dynamicSp(0x36, 3) //                        sub rsp, rax
  recorder.epilogueBegin(0x4e)
  recorder.restoreSp(0x52, 4, RBP, -24) //              lea rsp, [rbp - 24]
  recorder.pop(0x53, 1, RBX, false) //                  the slots stay as they are, so gcc says nothing of them
  recorder.pop(0x55, 2, R10, false)
  recorder.cfaFromRegister(0x55, 0, R10, 0)
  recorder.pop(0x5a, 2, R12, false)
  recorder.pop(0x5b, 1, RBP, false)
  recorder.restoreSp(0x61, 4, R10, -8) //               lea rsp, [r10 - 8]
  recorder.epilogueEnd(0x62)
  return recorder.finish({ codeSize: 0x62 })
}

/** The program of its FDE, without padding. */
const GCC = '450c0a00 4f1006027600 42100c027678 490f03767006 4d1003027668 690c0a00 4c0c0708'.replaceAll(' ', '')

test("gcc's dynamic realign argument pointer, byte for byte", () => {
  expect(toHex(encoder.encode(realigned()))).toBe(GCC)
  expect(rowsOf(fromHex(GCC), 0x62)).toEqual(unwindRows(realigned()))
})

const gcc = requireTool('gcc')
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'unwind-dwarf-rare-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

test.skipIf(gcc === null)('what gcc writes here for such a function is read as memory rules', () => {
  writeFileSync(join(folder, 'in.c'), source)
  const object = join(folder, 'in.o')
  expect(spawnSync(gcc!, ['-O2', '-c', join(folder, 'in.c'), '-o', object], { encoding: 'utf8' }).stderr).toBe('')
  const { bytes } = readElf(object).sections.find(({ name }) => name === '.eh_frame')!
  const table = decodeFrames(bytes)
  const fde = table.entries.find((entry): entry is FrameDescriptionEntry => entry.kind === 'fde')!
  const rows = asUnwindRows(callFrameRows(table, fde), 16)
  expect(rows.map(({ cfa }) => cfa.rule)).toContain('memory')
  expect(rows.some(({ registers }) => registers.get(RBP)?.rule === 'memory')).toBe(true)
  expect(
    rows.some(({ cfa, registers }) => cfa.rule === 'expression' || registers.get(RBX)?.rule === 'expression'),
  ).toBe(false)
  // Written again from the rows alone, they are the same, in no more bytes.
  const program = encodeUnwindRows(rows)
  expect(rowsOf(program, fde.size)).toEqual(rows)
  expect(program.length).toBeLessThanOrEqual(fde.programEnd - fde.programStart)
})

test('expressions are carried through', () => {
  const recorder = new FrameRecorder()
  recorder.cfaExpression(0, 0, '77a00106')
  recorder.expression(0, 0, RBX, 'address', '77800106')
  recorder.expression(0, 0, RBP, 'value', '7700')
  recorder.cfaFromMemory(4, 4, RBP, 8, -16)
  recorder.prologueEnd(4)
  const record = recorder.finish({ codeSize: 9, kind: 'signal' })
  const program = encoder.encode(record)
  expect(toHex(program)).toBe('0f0477a00106 10030477800106 1606027700 44 0f06760806117022'.replaceAll(' ', ''))
  expect(rowsOf(program, 9)).toEqual([
    {
      at: 0,
      cfa: { rule: 'memory', register: 4, offset: 160, add: 0 },
      registers: new Map<number, unknown>([
        [RBX, { rule: 'expression', expression: '77800106' }],
        [RBP, { rule: 'value-expression', expression: '7700' }],
        [RETURN_ADDRESS, { rule: 'cfa-offset', offset: -8 }],
      ]),
      argumentBytes: 0,
    },
    {
      at: 4,
      cfa: { rule: 'memory', register: RBP, offset: 8, add: -16 },
      registers: new Map<number, unknown>([
        [RBX, { rule: 'expression', expression: '77800106' }],
        [RBP, { rule: 'value-expression', expression: '7700' }],
        [RETURN_ADDRESS, { rule: 'cfa-offset', offset: -8 }],
      ]),
      argumentBytes: 0,
    },
  ])
})

/** push rbx; sub rsp, 16; a body; a cold part with the body's state; another that is left by the epilogue's way. */
function inParts(): FrameRecord {
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBX)
  recorder.adjustSp(5, 4, -16)
  recorder.prologueEnd(5)
  const body = recorder.label(5)
  recorder.epilogueBegin(20)
  recorder.adjustSp(24, 4, 16)
  recorder.pop(25, 1, RBX)
  recorder.epilogueEnd(26)
  recorder.resume(32, body)
  recorder.epilogueBegin(40)
  recorder.adjustSp(44, 4, 16)
  recorder.pop(45, 1, RBX)
  recorder.epilogueEnd(46)
  const parts = [
    { begin: 0, end: 32 },
    { begin: 32, end: 48 },
  ]
  const personality = { symbol: '__gxx_personality_v0' }
  return recorder.finish({ codeSize: 48, parts, personality, languageData: { symbol: 'table' } })
}

const place = (unwind: UnwoundFunction['unwind']): UnwoundFunction => ({
  symbol: 'f',
  section: '.text',
  offset: 64,
  codeSize: 32,
  parts: [
    { symbol: 'f', section: '.text', offset: 64, codeSize: 32 },
    { symbol: 'f.cold', section: '.text.unlikely', offset: 8, codeSize: 16 },
  ],
  unwind,
})

test('each part has an FDE that begins with the whole state', () => {
  const unwind = dwarf.encode(inParts())
  expect(unwind.parts!.map(({ begin, end, program }) => [begin, end, toHex(program)])).toEqual([
    [0, 32, '41 0e10 8302 44 0e20 0a 53 0e10 41 0e08 c3 41 0b'.replaceAll(' ', '')],
    [32, 48, '0e20 8302 0a 4c 0e10 41 0e08 c3 41 0b'.replaceAll(' ', '')],
  ])
  expect(toHex(unwind.bytes)).toBe(toHex(unwind.parts![0]!.program))
  const descriptions = frameDescriptions([place(unwind)])
  expect(descriptions.map(({ symbol, section, offset, size }) => [symbol, section, offset, size])).toEqual([
    ['f', '.text', 64, 32],
    ['f.cold', '.text.unlikely', 8, 16],
  ])
  const [section] = dwarf.assemble([place(unwind)])
  const table = decodeFrames(section!.bytes)
  expect(table.entries.map(({ kind }) => kind)).toEqual(['cie', 'fde', 'fde'])
  expect(section!.relocations.map(({ symbol, addend }) => `${symbol}+${addend}`)).toEqual([
    '.data.rel.local.DW.ref.__gxx_personality_v0+0',
    '.text+64',
    'table+0',
    '.text.unlikely+8',
    'table+0',
  ])
  expect(dwarf.print(unwind).filter((line) => line.startsWith('part'))).toEqual(['part 0 32', 'part 32 48'])
})

test('a part has its own language data, which count from its first byte', () => {
  const [hot, cold] = inParts().parts!
  const record = { ...inParts(), parts: [hot!, { ...cold!, languageData: { symbol: 'table.cold' } }] }
  expect(parseRecord(printRecord(record))).toEqual(record)
  const [section] = dwarf.assemble([place(dwarf.encode(record))])
  expect(section!.relocations.map(({ symbol }) => symbol)).toEqual([
    '.data.rel.local.DW.ref.__gxx_personality_v0',
    '.text',
    'table',
    '.text.unlikely',
    'table.cold',
  ])
})

test('places that are not those of the parts are refused', () => {
  const one = { ...place(dwarf.encode(inParts())), parts: undefined as never }
  expect(() => dwarf.assemble([one])).toThrow(/1 places for a function in 2 parts/)
})

test('a state that a label further on has', () => {
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBX)
  recorder.prologueEnd(1)
  const entry = recorder.label(1)
  const ahead = recorder.newLabel()
  recorder.resume(20, ahead)
  recorder.resume(40, entry)
  recorder.adjustSp(44, 4, -32)
  recorder.label(44, ahead)
  const record = recorder.finish({ codeSize: 50 })
  const program = encoder.encode(record)
  expect(toHex(program)).toBe('410e108302 530e30 540e10 440e30'.replaceAll(' ', ''))
  expect(rowsOf(program, 50)).toEqual(unwindRows(record))
})

test('errors name the event, and fit shows it', () => {
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBX)
  recorder.prologueEnd(1)
  recorder.savedAt(8, 4, RAX, 70, 8)
  const refusal = fit(recorder.finish({ codeSize: 9 }), dwarf)
  expect(refusal).toMatchObject({ fits: false, event: 2, code: 'register' })
  recorder.prologueEnd(0)
  recorder.signReturnAddress(4, 4, true)
  expect(fit(recorder.finish({ codeSize: 9 }), dwarf)).toMatchObject({ fits: false, event: 1, code: 'row' })
  recorder.adjustSp(7, 7, -0x7fff_fff8)
  recorder.prologueEnd(7)
  expect(fit(recorder.finish({ codeSize: 9 }), dwarf)).toMatchObject({ fits: false, event: 0, code: 'number-range' })
  for (const build of [
    (): void => recorder.setFrameRegister(3, 3, RBP, -0x1_0000_0000),
    (): void => recorder.cfaFromRegister(3, 3, RBP, 0x1_0000_0000),
    (): void => recorder.callArgs(3, 0x1_0000_0000),
  ]) {
    build()
    recorder.prologueEnd(3)
    expect(fit(recorder.finish({ codeSize: 9 }), dwarf)).toMatchObject({ fits: false, event: 0, code: 'number-range' })
  }
  const error = new DwarfUnwindError({ code: 'no-caller' })
  expect(error.event).toBe(-1)
  const lost = { ...realigned(), events: realigned().events.filter(({ kind }) => kind !== 'set-frame-register') }
  expect(() => createDwarfFormat().encode(lost)).toThrow(/canonical frame address is lost/)
})
