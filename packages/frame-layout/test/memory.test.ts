// Frames whose CFA no register holds at a known distance, in the words that compilers have for them.

import { describe, expect, test } from 'vitest'
import {
  type FrameArchitecture,
  FrameRecorder,
  parseRecord,
  printRecord,
  printRows,
  R10,
  RBP,
  RBX,
  RETURN_ADDRESS,
  unwindRows,
  x64,
} from '../src/index.ts'

/** What gcc makes of `int f(int a, …) { _Alignas(32) char b[64]; … }`; compare case a14-realigned-stack of the vectors. */
function realigned(): FrameRecorder {
  const recorder = new FrameRecorder()
  recorder.setFrameRegister(5, 5, R10, 8) //  lea r10, [rsp + 8]
  recorder.realign(9, 4, 32) //               and rsp, -32
  recorder.push(13, 4, RETURN_ADDRESS, false) // push [r10 - 8]
  recorder.push(14, 1, RBP, false)
  recorder.copySp(17, 3, RBP) //              mov rbp, rsp
  recorder.savedAt(17, 0, RBP, RBP, 0)
  recorder.push(19, 2, R10, false)
  recorder.cfaFromMemory(19, 0, RBP, -8)
  recorder.adjustSp(23, 4, -72)
  recorder.prologueEnd(23)
  recorder.epilogueBegin(60)
  recorder.cfaFromRegister(64, 4, R10, 0) //  mov r10, [rbp - 8]
  recorder.restoreSp(65, 1, RBP) //           leave
  recorder.pop(65, 1, RBP)
  recorder.restoreSp(69, 4, R10, -8) //       lea rsp, [r10 - 8]
  recorder.epilogueEnd(70)
  return recorder
}

describe('a realigned stack', () => {
  test('has its CFA in r10, then in memory, then in r10 again', () => {
    expect(printRows(unwindRows(realigned().finish({ codeSize: 71 })))).toEqual([
      '00  cfa = rsp+8, rip at cfa-8',
      '05  cfa = r10+0, rip at cfa-8',
      '11  cfa = r10+0, rbp at rbp+0, rip at cfa-8',
      '13  cfa = [rbp-8], rbp at rbp+0, rip at cfa-8',
      '40  cfa = r10+0, rbp at rbp+0, rip at cfa-8',
      '41  cfa = r10+0, rip at cfa-8',
      '45  cfa = rsp+8, rip at cfa-8',
      '46  cfa = [rbp-8], rbp at rbp+0, rip at cfa-8',
    ])
  })

  test('survives text', () => {
    const record = realigned().finish({ codeSize: 71 })
    expect(parseRecord(printRecord(record))).toEqual(record)
  })

  test('loses the CFA with the register that it is found by', () => {
    const recorder = realigned()
    recorder.pop(80, 1, RBP)
    expect(() => unwindRows(recorder.finish({ codeSize: 90 }))).toThrow(/the register that the CFA is found by/)
  })
})

test('a signal frame is described by expressions', () => {
  const recorder = new FrameRecorder()
  recorder.cfaExpression(0, 0, '77a00106')
  recorder.expression(0, 0, RBX, 'address', '77800123')
  recorder.expression(0, 0, RBP, 'value', '7700')
  recorder.prologueEnd(0)
  const record = recorder.finish({ codeSize: 9, kind: 'signal' })
  expect(printRows(unwindRows(record))).toEqual([
    '00  cfa = expression 77a00106, rbx at expression 77800123, rbp = expression 7700, rip at cfa-8',
  ])
  expect(parseRecord(printRecord(record))).toEqual(record)
  expect(() => parseRecord(printRecord(record).replace('7700', '77x0'))).toThrow(/hexadecimal digits/)
})

describe('an architecture with a link register', () => {
  const FP = 29
  const LR = 30
  const arm: FrameArchitecture = {
    name: 'arm-like',
    registerNames: [...Array.from({ length: 31 }, (_, n) => `x${n}`), 'sp', 'pc'],
    registerBytes: new Array<number>(33).fill(8),
    stackPointer: 31,
    framePointer: FP,
    returnAddress: LR,
    programCounter: 32,
    entryCfaOffset: 0,
    returnAddressOffset: null,
    pushBytes: 8,
  }

  test('has its return address where that register is', () => {
    const recorder = new FrameRecorder()
    recorder.signReturnAddress(4, 4, true) //      paciasp
    recorder.adjustSp(8, 4, -32) //                stp x29, x30, [sp, -32]!
    recorder.save(8, 4, FP, 'sp', 0, 8)
    recorder.save(8, 4, LR, 'sp', 8, 8)
    recorder.setFrameRegister(12, 4, FP) //        mov x29, sp
    recorder.prologueEnd(12)
    recorder.epilogueBegin(40)
    recorder.restore(44, 4, FP, 'frame', 0, 8) //  ldp x29, x30, [sp], 32
    recorder.restore(44, 4, LR, 'sp', 8, 8)
    recorder.adjustSp(44, 4, 32)
    recorder.signReturnAddress(48, 4, false) //    autiasp
    recorder.epilogueEnd(52)
    const record = recorder.finish({ codeSize: 52, architecture: 'arm-like' })
    expect(printRows(unwindRows(record, arm), arm)).toEqual([
      '00  cfa = sp+0',
      '04  cfa = sp+0, return address signed',
      '08  cfa = sp+32, x29 at cfa-32, x30 at cfa-24, return address signed',
      '0c  cfa = x29+32, x29 at cfa-32, x30 at cfa-24, return address signed',
      '2c  cfa = sp+0, return address signed',
      '30  cfa = sp+0',
    ])
    expect(parseRecord(printRecord(record, arm), arm)).toEqual(record)
  })

  test('has no interrupt frames', () => {
    const recorder = new FrameRecorder()
    recorder.machineFrame(false)
    recorder.prologueEnd(0)
    const record = recorder.finish({ codeSize: 4, architecture: 'arm-like' })
    expect(() => unwindRows(record, arm)).toThrow(/interrupts of arm-like push nothing/)
    expect(unwindRows(record, { ...arm, interruptFrame: x64.interruptFrame! })[0]!.cfa).toMatchObject({ offset: 40 })
  })
})
