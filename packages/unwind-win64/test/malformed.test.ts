// Bytes that are no unwind data: typed errors, quickly, whatever they are.

import { RETURN_ADDRESS, RSP, type UnwindImage } from '@framewright/frame-layout'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeImage, decodeUnwindInfo, unwindFrame, Win64UnwindError } from '../src/index.ts'
import { bytesOf } from './vectors.ts'

test.each<[string, string, RegExp]>([
  ['nothing', '', /UNWIND_INFO at 0 needs 4 bytes/],
  ['half a header', '0104', /UNWIND_INFO at 0 needs 4 bytes/],
  ['version 0', '00000000', /version 0/],
  ['version 3', '03000000', /version 3/],
  ['a code array that is cut off', '0104020004420000'.slice(0, 12), /the code array at 4 needs 4 bytes/],
  ['an operation that is cut off', '010401000401', /an operation at 4 needs 4 bytes/],
  ['an operation above 10', '010401000f0b', /operation 11 with info 0/],
  ['an allocation of a third form', '01040300042100000000', /operation 1 with info 2/],
  ['EPILOG in version 1', '0104010004060000', /operation 6/],
  ['a machine frame of a third kind', '01040100002a0000', /operation 10 with info 2/],
  ['offsets that increase', '0104020001420230', /offset 2 after 1/],
  ['a handler that is cut off', '0900000000', /the address of the handler at 4 needs 4 bytes/],
  ['a parent that is cut off', '2100000000000000', /the parent entry at 4 needs 12 bytes/],
  ['handler and chain', '2900000000000000', /flags 5/],
])('%s is refused', (_, hex, message) => {
  expect(() => decodeUnwindInfo(bytesOf(hex))).toThrow(Win64UnwindError)
  expect(() => decodeUnwindInfo(bytesOf(hex))).toThrow(message)
})

/** `.text` at 0x1000, one entry, its record at 0x3000. */
function imageOf(xdata: Uint8Array, pdata: Uint8Array, text: Uint8Array): UnwindImage {
  return {
    base: 0n,
    sections: [
      { name: '.text', address: 0x1000n, bytes: text },
      { name: '.pdata', address: 0x2000n, bytes: pdata },
      { name: '.xdata', address: 0x3000n, bytes: xdata },
    ],
  }
}

function tableOf(...words: number[]): Uint8Array {
  const bytes = new Uint8Array(words.length * 4)
  words.forEach((word, i) => {
    new DataView(bytes.buffer).setUint32(i * 4, word, true)
  })
  return bytes
}

const registers: bigint[] = new Array(33).fill(0n)
registers[RSP] = 0x8000n
registers[RETURN_ADDRESS] = 0x1010n

test('a chain that bites its tail ends', () => {
  const xdata = bytesOf('21000000' + '00100000' + '00200000' + '00300000')
  const image = imageOf(xdata, tableOf(0x1000, 0x2000, 0x3000), new Uint8Array(0x100))
  expect(() => unwindFrame({ registers }, image, () => 0n)).toThrow(/more than 32 chained records/)
  expect(() => decodeImage(image)[0]!.rows()).toThrow(/more than 32 chained records/)
})

test('a record, a stack or a register that is not there is named', () => {
  const image = imageOf(bytesOf('0104010004420000'), tableOf(0x1000, 0x2000, 0x9000), new Uint8Array(0x100))
  expect(() => decodeImage(image)).toThrow(/UNWIND_INFO at 0x9000 cannot be read/)
  const good = imageOf(bytesOf('0104010004420000'), tableOf(0x1000, 0x2000, 0x3000), new Uint8Array(0x100))
  expect(() => unwindFrame({ registers }, good, () => undefined)).toThrow(/the return address at 0x8028 cannot be read/)
  expect(() => unwindFrame({ registers: [] }, good, () => 0n)).toThrow(/register 32 is needed/)
})

test('whatever the bytes, there is a result or a typed error', () => {
  const bytes = (size: number) => fc.uint8Array({ minLength: 0, maxLength: size })
  const seed = bytesOf('120e0d8d06160006236405001e74070019f40f0014030cf205e003d00150000000000000')
  const flipped = fc.array(fc.tuple(fc.nat(seed.length - 1), fc.nat(255)), { maxLength: 4 }).map((changes) => {
    const copy = seed.slice()
    for (const [at, value] of changes) copy[at] = value
    return copy
  })
  fc.assert(
    fc.property(
      fc.oneof(bytes(64), flipped),
      bytes(40),
      fc.constantFrom('windows', 'wine-8'),
      (xdata, text, system) => {
        const image = imageOf(xdata, tableOf(0x1000, 0x2000, 0x3000), text)
        for (const act of [
          () => decodeImage(image).map((one) => one.rows()),
          () => unwindFrame({ registers }, image, (address) => address, { system: system as 'windows' }),
        ]) {
          try {
            act()
          } catch (error) {
            if (!(error instanceof Win64UnwindError)) expect((error as Error).name).toBe('FrameError')
          }
        }
      },
    ),
    { numRuns: 3000 },
  )
})
