import { expect, test } from 'vitest'
import { Assembler } from '../src/index.ts'

test('constants that differ in any word or in width are different entries, equal ones one', () => {
  const asm = new Assembler()
  const make = (): number[] => {
    const entries = [0, -1, 0x80000000].map((word) => asm.constant32(word))
    for (const flipped of [0, 1, 2, 3, 4]) {
      const words = [0, 0, 0, 0].map((word, i) => (i === flipped ? -1 : word)) as [number, number, number, number]
      entries.push(asm.constant128(...words))
      if (flipped < 2) entries.push(asm.constant64(words[0], words[1]))
    }
    return entries
  }
  const entries = make()
  expect(new Set(entries).size).toBe(entries.length)
  expect(make()).toEqual(entries)
})

test('many constants that differ in one word alone are all kept apart', () => {
  const asm = new Assembler()
  const entries = new Set<number>()
  for (let i = 1; i <= 300; i++) {
    for (let at = 0; at < 4; at++) {
      const words = [7, 7, 7, 7].map((word, n) => (n === at ? i * 1024 : word)) as [number, number, number, number]
      entries.add(asm.constant128(...words))
      if (at < 2) entries.add(asm.constant64(words[0], words[1]))
      if (at < 1) entries.add(asm.constant32(words[0]))
    }
  }
  expect(entries.size).toBe(300 * 7)
})

test('the halves of a constant may be signed or unsigned', () => {
  const asm = new Assembler()
  expect(asm.constant64(0xffffffff, 0x80000000)).toBe(asm.constant64(-1, -0x80000000))
})

test('the pool lies behind the code, aligned, widest first, without gaps', () => {
  const asm = new Assembler()
  asm.nop(5)
  const label = asm.newLabel()
  asm.bind(label)
  asm.ret()
  const table = asm.jumpTable([label, label, label])
  const word = asm.constant32(0x11223344)
  const long = asm.constant64(1, 2)
  const vector = asm.constant128(1, 2, 3, 4)
  asm.finish()
  expect([vector, long, word, table].map((entry) => asm.poolOffset(entry))).toEqual([16, 32, 40, 44])
  expect([asm.codeLength, asm.length, asm.alignment]).toEqual([6, 56, 16])
  // What lies in between is int3.
  expect([...asm.bytes.subarray(6, 16)]).toEqual(Array.from({ length: 10 }, () => 0xcc))
  expect(new DataView(asm.bytes.buffer).getInt32(44, true)).toBe(5 - 44)
})

test('a thousand constants keep their entries while the hash grows, and reset forgets them', () => {
  const asm = new Assembler()
  for (const round of [1, 2]) {
    const entries = Array.from({ length: 1000 }, (_, i) => asm.constant64(i * 8 * round, i >> 3))
    expect(new Set(entries).size).toBe(1000)
    expect(Array.from({ length: 1000 }, (_, i) => asm.constant64(i * 8 * round, i >> 3))).toEqual(entries)
    asm.finish()
    expect(asm.length).toBe(8000)
    asm.reset()
  }
})
