// The four functions that the first pull request checked: classic frames that set rbp before they push and allocate.

import { FrameRecorder, R12, R13, R14, R15, RBP, RBX, RDI, RSI } from '@framewright/frame-layout'
import { expect, test } from 'vitest'
import { decodeUnwindInfo, encodeFrame, operationNames } from '../src/index.ts'

function frame(pushes: readonly number[], bytes: number) {
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBP)
  recorder.setFrameRegister(4, 3, RBP)
  let at = 4
  for (const register of pushes) {
    const length = register < 8 ? 1 : 2
    at += length
    recorder.push(at, length, register)
  }
  if (bytes < 4096) {
    const length = bytes <= 127 ? 4 : 7
    recorder.adjustSp((at += length), length, -bytes)
  } else {
    at += 5 + 5 // mov eax, n; call __chkstk
    recorder.adjustSp((at += 3), 3, -bytes, 'register')
  }
  recorder.prologueEnd(at)
  const unwind = encodeFrame(recorder.finish({ codeSize: 100 }))!
  const info = decodeUnwindInfo(unwind.bytes)
  const { version, flags, prologueSize, frameRegister, frameOffset } = info
  expect({ version, flags, frameRegister, frameOffset }).toEqual({
    version: 1,
    flags: 0,
    frameRegister: 5,
    frameOffset: 0,
  })
  const codes = info.codes.map((code) => {
    const what = operationNames[code.operation]
    const value = what === 'ALLOC_LARGE' ? `${code.info}, value ${code.operand}` : code.info
    return `${what}(${value})@${code.codeOffset}`
  })
  return { prologueSize, codes }
}

test('a frame of 32 bytes', () => {
  expect(frame([], 32)).toEqual({
    prologueSize: 8,
    codes: ['ALLOC_SMALL(3)@8', 'SET_FPREG(0)@4', 'PUSH_NONVOL(5)@1'],
  })
})

test('a frame of 100 032 bytes', () => {
  expect(frame([], 100_032)).toEqual({
    prologueSize: 17,
    codes: ['ALLOC_LARGE(0, value 12504)@17', 'SET_FPREG(0)@4', 'PUSH_NONVOL(5)@1'],
  })
})

test('a frame of 524 320 bytes', () => {
  expect(frame([], 524_320)).toEqual({
    prologueSize: 17,
    codes: ['ALLOC_LARGE(1, value 524320)@17', 'SET_FPREG(0)@4', 'PUSH_NONVOL(5)@1'],
  })
})

test('seven pushes and 40 bytes', () => {
  expect(frame([RBX, RSI, RDI, R12, R13, R14, R15], 40)).toEqual({
    prologueSize: 19,
    codes: [
      'ALLOC_SMALL(4)@19',
      'PUSH_NONVOL(15)@15',
      'PUSH_NONVOL(14)@13',
      'PUSH_NONVOL(13)@11',
      'PUSH_NONVOL(12)@9',
      'PUSH_NONVOL(7)@7',
      'PUSH_NONVOL(6)@6',
      'PUSH_NONVOL(3)@5',
      'SET_FPREG(0)@4',
      'PUSH_NONVOL(5)@1',
    ],
  })
})
