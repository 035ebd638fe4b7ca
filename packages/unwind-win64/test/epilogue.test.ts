// Which recorded exits the system sees through.

import { type FrameRecord, FrameRecorder, parseRecord, R12, RBP, RDI, RSI } from '@framewright/frame-layout'
import { describe, expect, test } from 'vitest'
import { encodeFrame, isEpilogue, recogniseEpilogue, type Win64EncodeOptions } from '../src/index.ts'
import { bytesOf, hexOf } from './vectors.ts'

/** Events as text, `;` between them; `pops AT` stands for the two pops that mirror the pushes. */
function events(text: string): string {
  return text
    .split(/;\s*/)
    .map((line) => {
      const pops = line.match(/^pops (\d+)$/)
      if (pops === null) return line
      const at = Number(pops[1])
      return `${at + 1} (1) pop rbx 8 restores\n${at + 2} (1) pop rbp 8 restores`
    })
    .join('\n')
}

/** `push rbp; push rbx; sub rsp, 64`, perhaps `lea rbp, [rsp + 32]`, a save, then an exit from 50 on. */
function record(framed: boolean, exit: string, codeSize = 100): FrameRecord {
  const prologue = `1 (1) push rbp 8 saves; 2 (1) push rbx 8 saves; 6 (4) adjust-sp -64 immediate;
    ${framed ? '11 (5) set-frame-register rbp 32;' : ''} 16 (5) save xmm6 sp 16 16; 16 prologue-end; 50 epilogue-begin`
  return parseRecord(`frame x86-64, normal, ${codeSize} bytes\n${events(prologue)}\n${events(exit)}`)
}

describe('accepted', () => {
  test.each<[string, boolean, string]>([
    ['add rsp, imm8; pops; ret', false, '54 (4) adjust-sp 64 immediate; pops 54; 57 epilogue-end return'],
    ['add rsp, imm32', false, '57 (7) adjust-sp 64 immediate; pops 57; 60 epilogue-end return'],
    ['lea rsp, [rbp + 32]', true, '54 (4) restore-sp rbp 32; pops 54; 57 epilogue-end return'],
    [
      'restores by loads first',
      false,
      '55 (5) restore xmm6 sp 16 16; 59 (4) adjust-sp 64 immediate; pops 59; 62 epilogue-end return',
    ],
    ['other instructions first', false, '53 (3) plain; 57 (4) adjust-sp 64 immediate; pops 57; 60 epilogue-end return'],
    [
      'a pop that only moves SP',
      false,
      '54 (4) adjust-sp 56 immediate; 55 (1) pop rax 8 no-restores; pops 55; 58 epilogue-end return',
    ],
    ['ret recorded', false, '54 (4) adjust-sp 64 immediate; pops 54; 57 (1) plain; 57 epilogue-end return'],
    ['rep ret', false, '54 (4) adjust-sp 64 immediate; pops 54; 58 epilogue-end return'],
    ['a tail jump', false, '54 (4) adjust-sp 64 immediate; pops 54; 61 epilogue-end tail-jump'],
  ])('%s', (_, framed, exit) => {
    expect(encodeFrame(record(framed, exit))).not.toBeNull()
  })

  test.each<[string, string]>([
    ['leave', '51 (1) restore-sp rbp 0; 51 (1) pop rbp 8 restores; 52 epilogue-end return'],
    ['mov rsp, rbp', '53 (3) restore-sp rbp 0; 54 (1) pop rbp 8 restores; 55 epilogue-end return'],
  ])('%s', (_, exit) => {
    const prologue = '1 (1) push rbp 8 saves; 4 (3) set-frame-register rbp 0; 8 (4) adjust-sp -32 immediate'
    const text = `frame x86-64, normal, 100 bytes; ${prologue}; 8 prologue-end; 50 epilogue-begin; ${exit}`
    expect(encodeFrame(parseRecord(events(text)))).not.toBeNull()
  })

  test('an exit that does not touch SP, whatever its last instruction', () => {
    const recorder = new FrameRecorder()
    recorder.prologueEnd(0)
    recorder.epilogueBegin(5)
    recorder.epilogueEnd(7, 'tail-jump') // jmp rax
    expect(encodeFrame(recorder.finish({ codeSize: 9 }), { always: true })).not.toBeNull()
  })
})

describe('refused', () => {
  // Without the frame register the first event of the exit is number 6, with it number 7.
  test.each<[string, boolean, number, RegExp, string]>([
    [
      'lea rsp, [rsp + 64]',
      false,
      6,
      /'add rsp, 64' does not take 5 bytes/,
      '55 (5) adjust-sp 64 immediate; pops 55; 58 epilogue-end return',
    ],
    [
      'sub rsp, -128',
      false,
      6,
      /does not take 4 bytes/,
      '54 (4) adjust-sp 128 immediate; pops 54; 57 epilogue-end return',
    ],
    [
      'two adjustments',
      false,
      7,
      /adjusted once/,
      '54 (4) adjust-sp 32 immediate; 58 (4) adjust-sp 32 immediate; pops 58; 61 epilogue-end return',
    ],
    [
      'an adjustment between pops',
      false,
      8,
      /adjusted once/,
      '54 (4) adjust-sp 64 immediate; 55 (1) pop rbx 8 restores; 59 (4) adjust-sp 8 immediate; 60 epilogue-end return',
    ],
    [
      'add rsp; mov rsp, rbp',
      true,
      8,
      /after it has moved/,
      '54 (4) adjust-sp 32 immediate; 57 (3) restore-sp rbp 32; pops 57; 60 epilogue-end return',
    ],
    [
      'a load between',
      false,
      7,
      /restored by a load after SP has moved/,
      '54 (4) adjust-sp 64 immediate; 59 (5) restore xmm6 sp -48 16; pops 59; 62 epilogue-end return',
    ],
    [
      'vzeroupper between',
      false,
      7,
      /another instruction/,
      '54 (4) adjust-sp 64 immediate; 57 (3) plain; pops 57; 60 epilogue-end return',
    ],
    [
      'something unrecorded between',
      false,
      7,
      /3 unrecorded bytes in front of a pop/,
      '54 (4) adjust-sp 64 immediate; pops 57; 60 epilogue-end return',
    ],
    [
      'something unrecorded in front of ret',
      false,
      9,
      /8 bytes are no 'ret'/,
      '54 (4) adjust-sp 64 immediate; pops 54; 64 epilogue-end return',
    ],
    [
      'a pop too few',
      false,
      8,
      /8 bytes below the return address/,
      '54 (4) adjust-sp 64 immediate; 55 (1) pop rbx 8 restores; 56 epilogue-end return',
    ],
    [
      'SP from another register',
      true,
      7,
      /not the frame register/,
      '54 (4) restore-sp rbx 32; pops 54; 57 epilogue-end return',
    ],
    ['a push', false, 6, /'push' has no place/, '51 (1) push rsi 8 saves; 52 epilogue-end return'],
  ])('%s', (_, framed, event, why, exit) => {
    const made = record(framed, exit)
    expect(() => encodeFrame(made)).toThrow(why)
    expect(() => encodeFrame(made)).toThrow(
      expect.objectContaining({ event, problem: expect.objectContaining({ code: 'epilogue-form' }) }),
    )
  })

  test('add rsp after alloca', () => {
    const recorder = new FrameRecorder()
    recorder.push(1, 1, RBP)
    recorder.adjustSp(5, 4, -64)
    recorder.setFrameRegister(10, 5, RBP, 32)
    recorder.prologueEnd(10)
    recorder.dynamicSp(20, 3)
    recorder.epilogueBegin(50)
    recorder.adjustSp(54, 4, 64)
    recorder.pop(55, 1, RBP)
    recorder.epilogueEnd(56)
    expect(() => encodeFrame(recorder.finish({ codeSize: 60 }))).toThrow(/SP is known at run time only/)
  })

  test('a jump that the bytes show to be no exit', () => {
    const made = record(false, '54 (4) adjust-sp 64 immediate; pops 54; 58 epilogue-end tail-jump', 58)
    const codeWith = (jump: string): Win64EncodeOptions => {
      const code = new Uint8Array(58).fill(0x90)
      code.set(bytesOf(`4883c4405b5d${jump}`), 50)
      return { code }
    }
    expect(() => encodeFrame(made, codeWith('ffe0'))).toThrow(/no jump that leaves the function/)
    expect(() => encodeFrame(made, codeWith('ebe0'))).toThrow(/the jump stays in the function/)
    expect(encodeFrame(made, codeWith('eb70'))).not.toBeNull()
    expect(encodeFrame(made, codeWith('ebc6'))).not.toBeNull() // to the function's start: a recursive call
  })
})

// The forms of the published unwinder, and the near misses beside them.
describe('recognised bytes', () => {
  const outside = () => true
  const cases: [string, number, boolean, string][] = [
    ['c3', 0, true, 'ret'],
    ['4883c428c3', 0, true, 'add rsp, 40'],
    ['4881c400010000c3', 0, true, 'add rsp, 256'],
    ['488d6520c3', 5, true, 'lea rsp, [rbp + 32]'],
    ['488da500010000c3', 5, true, 'lea rsp, [rbp + 256]'],
    ['498d6520c3', 13, true, 'lea rsp, [r13 + 32]'],
    ['5b5e415cc3', 0, true, 'pops'],
    ['485bc3', 0, true, 'a pop with a superfluous REX'],
    ['f2c3', 0, true, 'bnd ret'],
    ['f3c3', 0, true, 'rep ret'],
    ['c20800', 0, true, 'ret 8'],
    ['ff2500000000', 0, true, 'jmp [rip]'],
    ['48ffe0', 0, true, 'rex.w jmp rax'],
    ['48ff6010', 0, true, 'rex.w jmp [rax + 16]'],
    ['488d6520c3', 0, false, 'lea without a frame register'],
    ['488d6520c3', 3, false, 'lea from another register'],
    ['488d642428c3', 0, false, 'lea rsp, [rsp + 40]'],
    ['498d642420c3', 12, false, 'lea rsp, [r12 + 32]'],
    ['4889ecc3', 5, false, 'mov rsp, rbp'],
    ['c9c3', 5, false, 'leave'],
    ['5bc5f877c3', 0, false, 'vzeroupper between'],
    ['ffe0', 0, false, 'jmp rax'],
    ['41ffe1', 0, false, 'jmp r9'],
    ['7410', 0, false, 'je'],
    ['', 0, false, 'nothing'],
  ]
  test.each(cases)('%s (frame register %i): %s, %s', (hex, frameRegister, accepted) => {
    const code = bytesOf(hex)
    expect(isEpilogue(recogniseEpilogue((offset) => code[offset], frameRegister, outside))).toBe(accepted)
  })

  test('what they do', () => {
    const code = bytesOf('498da5f0ffffff5f415cc21000')
    expect(recogniseEpilogue((offset) => code[offset], 13, outside)).toEqual({
      adjustment: { from: 13, offset: -16 },
      pops: [RDI, R12],
      exit: 10,
      length: 13,
      retBytes: 16,
    })
  })
})

test('version 2 lists epilogues, nearest to the end first', () => {
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RSI)
  recorder.adjustSp(5, 4, -32)
  recorder.prologueEnd(5)
  for (const at of [10, 20, 30]) {
    recorder.epilogueBegin(at)
    recorder.adjustSp(at + 4, 4, 32)
    recorder.pop(at + 5, 1, RSI)
    recorder.epilogueEnd(at + 6)
  }
  // size 2, one at the end; 12 and 22 bytes back; padded to four slots.
  expect(hexOf(encodeFrame(recorder.finish({ codeSize: 36 }), { version: 2 })!.bytes)).toBe(
    '02050600' + '0216' + '0c06' + '1606' + '0006' + '0532' + '0160',
  )
})
