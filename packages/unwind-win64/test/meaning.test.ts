// What records say where it is not what their author's frame record said.

import { loadImage, printRows, RBP, RETURN_ADDRESS, RSI, RSP } from '@framewright/frame-layout'
import { evaluateRow } from '@framewright/frame-layout/testing'
import { expect, test } from 'vitest'
import { decodeImage, unwindFrame } from '../src/index.ts'

const BASE = 0x1_4000_0000n
const TEXT = BASE + 0x1000n

// push rbp; mov rbp, rsp; and rsp, -16 (no operation says so); push rsi; sub rsp, 32
const xdata = [1, 12, 4, 0x05, 12, 0x32, 8, 0x60, 4, 0x03, 1, 0x50]
const pdata = [0x00, 0x10, 0, 0, 0x40, 0x10, 0, 0, 0x00, 0x20, 0, 0]

test('a push after SET_FPREG is found from where SP is, also when SP was realigned', () => {
  const sections = [
    { name: '.text', address: TEXT, bytes: new Uint8Array(64).fill(0x90) },
    { name: '.xdata', address: BASE + 0x2000n, bytes: Uint8Array.from(xdata) },
    { name: '.pdata', address: BASE + 0x3000n, bytes: Uint8Array.from(pdata) },
  ]
  const image = loadImage(BASE, sections, [], new Map())
  const [decoded] = decodeImage(image)
  expect(printRows(decoded!.rows())).toEqual([
    '00  cfa = rsp+8, rip at cfa-8',
    '01  cfa = rsp+16, rbp at cfa-16, rip at cfa-8',
    '04  cfa = rbp+16, rbp at cfa-16, rip at cfa-8',
    '08  cfa = rbp+16, rbp at cfa-16, rsi at rsp+0, rip at cfa-8',
    '0c  cfa = rbp+16, rbp at cfa-16, rsi at rsp+32, rip at cfa-8',
  ])

  // A frame pointer that 16 divides not: the realignment took 8 bytes.
  const rbp = 0x7000_0008n
  const rsp = (rbp & -16n) - 8n - 32n
  const words = new Map([
    [rbp, 0xb9n],
    [rbp + 8n, 0xaddn],
    [rsp + 32n, 0x51n],
  ])
  const registers: bigint[] = []
  registers[RBP] = rbp
  registers[RSP] = rsp
  registers[RSI] = 0xdeadn
  registers[RETURN_ADDRESS] = TEXT + 0x20n
  const memory = (address: bigint): bigint | undefined => words.get(address)
  const walked = unwindFrame({ registers }, image, memory).registers
  expect([walked[RSI], walked[RBP], walked[RSP], walked[RETURN_ADDRESS]]).toEqual([0x51n, 0xb9n, rbp + 16n, 0xaddn])
  const row = evaluateRow(decoded!.rows().at(-1)!, { registers }, memory)!.registers
  for (const register of [RSI, RBP, RSP, RETURN_ADDRESS]) expect(row[register]).toBe(walked[register])
})
