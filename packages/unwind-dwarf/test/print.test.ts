import { FrameRecorder, RBP, RBX } from '@framewright/frame-layout'
import { expect, test } from 'vitest'
import { decodeFrames } from '../src/decode.ts'
import { assembleEhFrame } from '../src/eh-frame.ts'
import { dwarf } from '../src/format.ts'
import { printFrames } from '../src/print.ts'
import { fromHex } from './vectors.ts'

test('a function: its rows, then its operations', () => {
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBP)
  recorder.setFrameRegister(4, 3, RBP)
  recorder.push(5, 1, RBX)
  recorder.adjustSp(9, 4, -24)
  recorder.prologueEnd(9)
  recorder.epilogueBegin(20)
  recorder.adjustSp(24, 4, 24)
  recorder.pop(25, 1, RBX)
  recorder.pop(26, 1, RBP)
  recorder.epilogueEnd(27)
  expect(dwarf.print(dwarf.encode(recorder.finish({ codeSize: 40 })))).toEqual([
    'at      CFA     rbx       rbp       ra',
    '0x0000  rsp+8                       [CFA-8]',
    '0x0001  rsp+16            [CFA-16]  [CFA-8]',
    '0x0004  rbp+16            [CFA-16]  [CFA-8]',
    '0x0005  rbp+16  [CFA-24]  [CFA-16]  [CFA-8]',
    '0x0019  rbp+16            [CFA-16]  [CFA-8]',
    '0x001a  rsp+8                       [CFA-8]',
    '0x001b  rbp+16  [CFA-24]  [CFA-16]  [CFA-8]',
    '',
    '41        advance_loc       to 0x0001',
    '0e 10     def_cfa_offset    CFA offset = 16',
    '86 02     offset            rbp saved at [CFA-16]',
    '43        advance_loc       to 0x0004',
    '0d 06     def_cfa_register  CFA counts from rbp',
    '41        advance_loc       to 0x0005',
    '83 03     offset            rbx saved at [CFA-24]',
    '0a        remember_state    remember the row',
    '54        advance_loc       to 0x0019',
    'c3        restore           rbx as on entry',
    '41        advance_loc       to 0x001a',
    '0c 07 08  def_cfa           CFA = rsp+8',
    'c6        restore           rbp as on entry',
    '41        advance_loc       to 0x001b',
    '0b        restore_state     the remembered row again',
  ])
})

test('a function without operations has one row', () => {
  const recorder = new FrameRecorder()
  expect(dwarf.print(dwarf.encode(recorder.finish({ codeSize: 3 })))).toEqual([
    'at      CFA    ra',
    '0x0000  rsp+8  [CFA-8]',
  ])
})

test('a section: headers, and what the rarer operations say', () => {
  const section = assembleEhFrame([
    {
      symbol: 'f',
      section: '.text',
      offset: 0,
      size: 9,
      signalFrame: true,
      program: [
        { at: 0, op: 'def_cfa_expression', expression: fromHex('77a00106') },
        { at: 0, op: 'expression', register: 8, expression: fromHex('7728') },
        { at: 2, op: 'val_expression', register: 3, expression: fromHex('2308') },
        { at: 4, op: 'undefined', register: 16 },
        { at: 4, op: 'args_size', size: 16 },
      ],
    },
  ])
  expect(printFrames(decodeFrames(section.bytes))).toEqual([
    'CIE 0x0000  24 bytes, version 1, "zRS", factors 1 and -8, return address in ra, signal frame',
    '  0c 07 08  def_cfa  CFA = rsp+8',
    '  90 01     offset   ra saved at [CFA-8]',
    '',
    'FDE 0x0018  40 bytes, code 0x0..0x9 (9 bytes), CIE 0x0000',
    '  0f 04 77 a0 01 06  def_cfa_expression  CFA = (rsp+160; deref)',
    '  10 08 02 77 28     expression          r8 saved at [CFA; rsp+40]',
    '  42                 advance_loc         to 0x0002',
    '  16 03 02 23 08     val_expression      rbx = (CFA; plus_uconst 8)',
    '  42                 advance_loc         to 0x0004',
    '  07 10              undefined           no caller',
    '  2e 10              args_size           16 bytes of arguments pushed',
    '    at      CFA               rbx                   r8             ra       args',
    '    0x0000  (rsp+160; deref)                        [CFA; rsp+40]  [CFA-8]  0',
    '    0x0002  (rsp+160; deref)  (CFA; plus_uconst 8)  [CFA; rsp+40]  [CFA-8]  0',
    '    0x0004  (rsp+160; deref)  (CFA; plus_uconst 8)  [CFA; rsp+40]  lost     16',
  ])
})
