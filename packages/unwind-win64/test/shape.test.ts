// What the format makes of frames, and what it refuses, by event.

import { FrameRecorder, parseRecord, R12, R13, R14, RBP, RBX, RSI } from '@framewright/frame-layout'
import { describe, expect, test } from 'vitest'
import { decodeUnwindInfo, encodeFrame, printUnwind, type Win64EncodeOptions, Win64UnwindError } from '../src/index.ts'
import { hexOf } from './vectors.ts'

/** Records, ends the prologue at the last event unless that was done, and encodes. */
function encode(record: (recorder: FrameRecorder) => void, options: Win64EncodeOptions = {}, codeSize = 1000) {
  const recorder = new FrameRecorder()
  record(recorder)
  return encodeFrame(recorder.finish({ codeSize }), options)
}

const refusal = (code: string, event: number) =>
  expect.objectContaining({ name: 'Win64UnwindError', problem: expect.objectContaining({ code }), event })

describe('a frame register that is set before the allocation, with saves below it', () => {
  // The function that the best-known open backend gets wrong; both encodings were walked under Wine at all 16 boundaries.
  const prologue = (recorder: FrameRecorder) => {
    recorder.push(1, 1, RBP)
    recorder.setFrameRegister(4, 3, RBP)
    recorder.adjustSp(8, 4, -0x40)
    recorder.save(13, 5, RBX, 'sp', 0x20)
    recorder.save(18, 5, R12, 'sp', 0x28)
    recorder.save(23, 5, R13, 'sp', 0x30)
    recorder.save(28, 5, R14, 'sp', 0x38)
    recorder.prologueEnd(28)
  }

  test('is described as if the area down to the lowest save had been allocated before', () => {
    expect(hexOf(encode(prologue)!.bytes)).toBe('011c0b251ce4030017d4020012c401000d3400000403043201500000')
  })

  test('is the same whether slots are given from SP or from the frame register', () => {
    const unwind = encode((recorder) => {
      recorder.push(1, 1, RBP)
      recorder.setFrameRegister(4, 3, RBP)
      recorder.adjustSp(8, 4, -0x40)
      recorder.save(13, 5, RBX, 'frame', -0x20)
      recorder.save(18, 5, R12, 'frame', -0x18)
      recorder.save(23, 5, R13, 'frame', -0x10)
      recorder.save(28, 5, R14, 'frame', -0x08)
      recorder.prologueEnd(28)
    })
    expect(hexOf(unwind!.bytes)).toBe('011c0b251ce4030017d4020012c401000d3400000403043201500000')
  })

  test('is described without the frame register when saves lie more than 240 bytes below it', () => {
    const unwind = encode((recorder) => {
      recorder.push(1, 1, RBP)
      recorder.setFrameRegister(4, 3, RBP)
      recorder.adjustSp(11, 7, -0x200)
      recorder.save(16, 5, RBX, 'sp', 0x20)
      recorder.prologueEnd(16)
    })
    expect(printUnwind(unwind!)).toEqual([
      'version 1, prologue 16 bytes, 5 slots',
      '  at 16   SAVE_NONVOL     rbx at base + 32',
      '  at 11   ALLOC_LARGE     rsp -= 512',
      '  at 1    PUSH_NONVOL     push rbp',
    ])
  })

  test('but not when SP moves in the body', () => {
    const dynamic = (recorder: FrameRecorder) => {
      recorder.push(1, 1, RBP)
      recorder.setFrameRegister(4, 3, RBP)
      recorder.adjustSp(11, 7, -0x200)
      recorder.save(16, 5, RBX, 'sp', 0x20)
      recorder.prologueEnd(16)
      recorder.dynamicSp(30, 3)
    }
    expect(() => encode(dynamic)).toThrow(refusal('frame-register-offset', 1))
  })

  test('turns pushes below it into saves when SP moves in the body', () => {
    const unwind = encode((recorder) => {
      recorder.push(1, 1, RBP)
      recorder.setFrameRegister(4, 3, RBP)
      recorder.push(5, 1, RBX)
      recorder.push(6, 1, RSI)
      recorder.adjustSp(10, 4, -32)
      recorder.prologueEnd(10)
      recorder.dynamicSp(30, 3)
    })
    expect(printUnwind(unwind!)).toEqual([
      'version 1, prologue 10 bytes, frame register rbp at 16, 7 slots',
      '  at 6    SAVE_NONVOL     rsi at base + 0',
      '  at 5    SAVE_NONVOL     rbx at base + 8',
      '  at 4    SET_FPREG       rbp = rsp + 16',
      '  at 4    ALLOC_SMALL     rsp -= 16',
      '  at 1    PUSH_NONVOL     push rbp',
    ])
  })
})

describe('entries', () => {
  test('a leaf needs none, but a handler does, and so does whoever asks', () => {
    expect(encode((recorder) => recorder.prologueEnd(0))).toBeNull()
    expect(hexOf(encode((recorder) => recorder.prologueEnd(0), { always: true })!.bytes)).toBe('0100000000000000')
    const recorder = new FrameRecorder()
    const handled = encodeFrame(recorder.finish({ codeSize: 9, personality: { symbol: 'h' } }))
    expect(hexOf(handled!.bytes)).toBe('1900000000000000')
  })

  test('a handler, and the rva of its data, are relocated', () => {
    const recorder = new FrameRecorder()
    recorder.adjustSp(4, 4, -40)
    recorder.prologueEnd(4)
    const record = recorder.finish({
      codeSize: 40,
      personality: { symbol: '__CxxFrameHandler3' },
      languageData: { symbol: '$cppxdata$f' },
    })
    const unwind = encodeFrame(record, { handler: 'exception' })!
    expect(hexOf(unwind.bytes)).toBe('09040100044200000000000000000000')
    expect(unwind.relocations).toEqual([
      { offset: 8, kind: 'image-relative-32', symbol: '__CxxFrameHandler3', addend: 0 },
      { offset: 12, kind: 'image-relative-32', symbol: '$cppxdata$f', addend: 0 },
    ])
    expect(printUnwind(unwind)).toEqual([
      'version 1, exception handler, prologue 4 bytes, 1 slot',
      '  at 4    ALLOC_SMALL     rsp -= 40',
      '  handler __CxxFrameHandler3',
      '  handler data $cppxdata$f',
    ])
    const scopes = new Uint8Array(20)
    scopes[0] = 1
    const table = encodeFrame(record, {
      handlerData: { bytes: scopes, relocations: [{ offset: 4, kind: 'image-relative-32', symbol: 'f', addend: 7 }] },
    })!
    expect(table.bytes.length).toBe(32)
    expect(table.relocations.map(({ offset, symbol }) => `${offset} ${symbol}`)).toEqual([
      '8 __CxxFrameHandler3',
      '16 f',
    ])
  })

  test('a prologue that goes on past 255 bytes without effect ends at its last effect', () => {
    const unwind = encode((recorder) => {
      recorder.adjustSp(4, 4, -40)
      recorder.prologueEnd(300)
    })
    expect(decodeUnwindInfo(unwind!.bytes).prologueSize).toBe(4)
  })
})

describe('what cannot be said is refused at its event', () => {
  /** `;` between events. */
  const parse = (text: string) => parseRecord(`frame x86-64, normal, 1000 bytes\n${text.replaceAll('; ', '\n')}\n`)

  test.each<[string, string, number, string]>([
    ['a push of 2 bytes', 'push-size', 0, '1 (1) push rbx 2 saves'],
    ['a push of rsp', 'register', 0, '1 (1) push rsp 8 saves'],
    ['an allocation of 12 bytes', 'allocation', 0, '4 (4) adjust-sp -12 immediate'],
    ['an allocation of 4 GiB', 'allocation', 0, '7 (7) adjust-sp -4294967296 immediate'],
    ['an allocation given back', 'inexpressible', 1, '1 (1) push rbx 8 saves; 5 (4) adjust-sp 8 immediate'],
    ['a frame register 8 above SP', 'frame-register-offset', 0, '5 (5) set-frame-register rbp 8'],
    ['a frame register 256 above SP', 'frame-register-offset', 0, '5 (5) set-frame-register rbp 256'],
    ['a frame register below SP', 'frame-register-offset', 0, '5 (5) set-frame-register rbp -16'],
    ['rax as frame register', 'register', 0, '3 (3) set-frame-register rax 0'],
    ['a second one', 'order', 1, '3 (3) set-frame-register rbp 0; 6 (3) set-frame-register rbx 0'],
    [
      'a save in front of the frame register, and other code in between',
      'order',
      2,
      '4 (4) adjust-sp -64 immediate; 9 (5) save rsi sp 8 8; 17 (5) set-frame-register rbp 32',
    ],
    [
      'a save in front of the allocation, and an instruction in between',
      'order',
      1,
      '5 (5) save rsi sp 8 8; 8 (3) plain; 12 (4) adjust-sp -64 immediate',
    ],
    [
      'a save in front of what overwrites the register',
      'order',
      2,
      '4 (4) adjust-sp -64 immediate; 9 (5) save rbp sp 8 8; 14 (5) set-frame-register rbp 32',
    ],
    ['a save at a multiple of 4', 'save-offset', 1, '4 (4) adjust-sp -64 immediate; 9 (5) save rsi sp 12 8'],
    ['an xmm save at a multiple of 8', 'save-offset', 1, '4 (4) adjust-sp -72 immediate; 9 (5) save xmm6 sp 24 16'],
    ['half an xmm register', 'save-width', 0, '5 (5) save xmm6 sp 16 8'],
    ['a realigned stack', 'sp-moves', 0, '4 (4) realign 32'],
    ['a register moved to another', 'inexpressible', 0, '3 (3) move rbx rsi'],
    ['a push past 255 bytes', 'code-offset', 0, '300 (1) push rbx 8 saves'],
  ])('%s', (_, code, event, text) => {
    const record = parse(`${text}; 400 prologue-end`)
    expect(() => encodeFrame(record)).toThrow(Win64UnwindError)
    expect(() => encodeFrame(record)).toThrow(refusal(code, event))
  })

  test.each<[string, string, string]>([
    ['SP that moves', 'sp-moves', '20 (4) adjust-sp -16 immediate'],
    ['a pushed argument', 'sp-moves', '20 (1) push rax 8 no-saves'],
    ['a save below SP', 'save-offset', '20 (5) save rdi sp -8 8'],
    ['a saving push', 'sp-moves', '20 (1) push rdi 8 saves'],
    ['a pop of what was not saved', 'inexpressible', '20 (1) pop rdi 8 restores'],
    ['a frame register', 'inexpressible', '20 (3) set-frame-register rbp 0'],
    ['a lost register', 'inexpressible', '20 (3) lost rdi'],
  ])('in the body: %s', (_, code, text) => {
    const record = parse(`1 (1) push rbx 8 saves; 5 (4) adjust-sp -32 immediate; 5 prologue-end; ${text}`)
    expect(() => encodeFrame(record)).toThrow(refusal(code, 3))
  })

  test('a function without a caller', () => {
    const record = new FrameRecorder().finish({ codeSize: 4, kind: 'outermost' })
    expect(() => encodeFrame(record)).toThrow(refusal('inexpressible', -1))
  })

  test('another architecture, another version', () => {
    const record = new FrameRecorder().finish({ codeSize: 4, architecture: 'aarch64' })
    expect(() => encodeFrame(record)).toThrow(refusal('architecture', -1))
    expect(() => encode((r) => r.prologueEnd(0), { version: 4 as 2 })).toThrow(refusal('version', -1))
  })
})
