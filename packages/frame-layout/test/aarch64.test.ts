// The description of AArch64: numbers, and rows of a frame whose return address is in a register.

import { expect, test } from 'vitest'
import {
  AARCH64_FP,
  AARCH64_LR,
  AARCH64_PC,
  AARCH64_SP,
  AARCH64_V0,
  aarch64,
  FrameRecorder,
  knownArchitecture,
  parseRecord,
  printRecord,
  printRow,
  unwindRows,
} from '../src/index.ts'

test('names and numbers go together', () => {
  const { registerNames, registerBytes } = aarch64
  expect(knownArchitecture('aarch64')).toBe(aarch64)
  expect(registerNames[AARCH64_FP]).toBe('x29')
  expect(registerNames[AARCH64_LR]).toBe('x30')
  expect(registerNames[AARCH64_SP]).toBe('sp')
  expect(registerNames[AARCH64_V0 + 31]).toBe('v31')
  expect(registerNames[AARCH64_PC]).toBe('pc')
  expect(registerBytes.length).toBe(registerNames.length)
  expect(
    [0, AARCH64_V0 + 7, AARCH64_V0 + 8, AARCH64_V0 + 15, AARCH64_V0 + 16].map((one) => registerBytes[one]),
  ).toEqual([8, 16, 8, 8, 16])
})

test('a frame with a frame record', () => {
  const recorder = new FrameRecorder()
  recorder.signReturnAddress(4, 4, true) //            paciasp
  recorder.adjustSp(8, 4, -32) //                      stp x29, x30, [sp, #-32]!
  recorder.save(8, 0, AARCH64_FP, 'sp', 0, 8)
  recorder.save(8, 0, AARCH64_LR, 'sp', 8, 8)
  recorder.setFrameRegister(12, 4, AARCH64_FP) //      mov x29, sp
  recorder.save(16, 4, AARCH64_V0 + 8, 'sp', 16, 8) // str d8, [sp, #16]
  recorder.prologueEnd(16)
  const record = recorder.finish({ codeSize: 24, architecture: 'aarch64' })
  expect(parseRecord(printRecord(record))).toEqual(record)
  expect(unwindRows(record).map((row) => printRow(row, aarch64))).toMatchInlineSnapshot(`
    [
      "cfa = sp+0",
      "cfa = sp+0, return address signed",
      "cfa = sp+32, x29 at cfa-32, x30 at cfa-24, return address signed",
      "cfa = x29+32, x29 at cfa-32, x30 at cfa-24, return address signed",
      "cfa = x29+32, x29 at cfa-32, x30 at cfa-24, v8 at cfa-16, return address signed",
    ]
  `)
})
