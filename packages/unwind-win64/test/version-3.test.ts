// Version 3: the vectors' bytes both ways, and walks by the preview specification.

import { RBX, RDI, RETURN_ADDRESS, RSP, XMM0 } from '@framewright/frame-layout'
import { describe, expect, test } from 'vitest'
import {
  decodeImage,
  decodeUnwindInfo,
  decodeUnwindInfo3,
  encodeUnwindInfo3,
  printUnwindInfo,
  R16,
  unwindFrame,
  unwindInfo3,
  type Winding,
} from '../src/index.ts'
import { bytesOf, hexOf, imageOf, readVectors, type VectorCase, windingOf } from './vectors.ts'

const vectors = readVectors()
const cases = (vectors?.cases ?? []).filter(({ version }) => version === 3)

const windingOfCase = (vector: VectorCase): Winding => ({
  rangeSize: vector.functionSize,
  prologueSize: vector.prologSize,
  operations: vector.ops!.map(windingOf),
  epilogues: vector.epilogs!.map(({ start, terminator, ops }) => ({
    start,
    terminator,
    operations: ops!.map(windingOf),
  })),
  flags: vector.flags,
})

describe.skipIf(vectors === null)('the vectors of version 3', () => {
  test('are all there', () => {
    expect(cases.length).toBe(13)
  })

  test.each(cases)('$name: bytes', (vector) => {
    const bytes = bytesOf(vector.xdataHex)
    for (const { offset } of vector.xdataRelocs) bytes.fill(0, offset, offset + 4)
    expect(hexOf(encodeUnwindInfo3(unwindInfo3(windingOfCase(vector))))).toBe(hexOf(bytes))
  })

  test.each(cases)('$name: decoding and encoding again', (vector) => {
    const bytes = bytesOf(vector.xdataHex)
    expect(hexOf(encodeUnwindInfo3(decodeUnwindInfo3(bytes)))).toBe(vector.xdataHex)
    expect(decodeUnwindInfo3(bytes)).toEqual({ ...unwindInfo3(windingOfCase(vector)), handler: expect.any(Number) })
  })

  test.each(cases)('$name is refused, with a type, by who does not ask for it', (vector) => {
    const refused = expect.objectContaining({ problem: expect.objectContaining({ code: 'bad-version', version: 3 }) })
    expect(() => decodeUnwindInfo(bytesOf(vector.xdataHex))).toThrow(refused)
    const image = imageOf(vectors!, vector)
    expect(() => decodeImage(image)).toThrow(refused)
    expect(() => unwindFrame(stateOf(image.base + 0x1000n, 0x8000n), image, () => 0n)).toThrow(refused)
  })

  // Rows know the registers of x86-64, which r16 and its like are not among.
  test.each(cases.filter(({ name }) => name !== 'v3-egpr'))('$name: rows', (vector) => {
    const [one] = decodeImage(imageOf(vectors!, vector), { version3: true })
    const below = vector.ops!.reduce(
      (sum, op) => sum + (op.op === 'alloc' ? op.size : op.op === 'pushNonvol' ? 8 : op.op === 'push2' ? 16 : 0),
      8,
    )
    const frame = vector.ops!.find(({ op }) => op === 'setFrame')
    const body = one!.rows().at(-1)!
    expect(body.cfa).toMatchObject({ offset: below - (frame?.offset ?? 0) })
  })

  /** Runs the vector's own operations, forwards, on a stack, and walks back from in front of every instruction. */
  test.each(cases)('$name: a walk from every instruction', (vector) => {
    const image = imageOf(vectors!, vector)
    const text = image.sections[0]!.address
    const caller = stateOf(0x1234_5678n, 0x8000n).registers
    const words = new Map<bigint, bigint | undefined>([[0x7ff8n, 0x1234_5678n]])
    const registers: (bigint | undefined)[] = [...caller]
    registers[RSP] = 0x7ff8n
    const set = (register: number, address: bigint) => {
      words.set(address, registers[register])
      registers[register] = 0xdeadn
    }
    const push = (register: number) => {
      registers[RSP] = registers[RSP]! - 8n
      set(register, registers[RSP]!)
    }
    const pop = (register: number) => {
      registers[register] = words.get(registers[RSP]!)
      registers[RSP] = registers[RSP]! + 8n
    }
    const number = (register: number) => (register < 16 ? register : register - 16 + R16)
    let points = 0
    const check = (at: number) => {
      const state = { registers: [...registers] }
      state.registers[RETURN_ADDRESS] = text + BigInt(at)
      const memory = (address: bigint) => (address < registers[RSP]! ? 0xfefen : words.get(address))
      const step = unwindFrame(state, image, memory, { version3: true })
      expect(step.registers[RSP], `rsp at ${at}`).toBe(0x8000n)
      expect(step.registers[RETURN_ADDRESS], `rip at ${at}`).toBe(0x1234_5678n)
      for (const register of [3, 5, 6, 7, R16, R16 + 15, XMM0 + 6]) {
        expect(step.registers[register], `register ${register} at ${at}`).toBe(caller[register])
      }
      points++
    }
    for (const operation of vector.ops!.map(windingOf)) {
      check(operation.start)
      if (operation.kind === 'push') push(number(operation.register))
      else if (operation.kind === 'push2') {
        push(number(operation.register))
        push(number(operation.second))
      } else if (operation.kind === 'allocate') registers[RSP] = registers[RSP]! - BigInt(operation.bytes)
      else if (operation.kind === 'set-frame') {
        registers[operation.register] = registers[RSP]! + BigInt(operation.offset)
      } else if (operation.kind === 'save') set(operation.register, registers[RSP]! + BigInt(operation.offset))
      else if (operation.kind === 'save-vector') {
        set(operation.register + 16, registers[RSP]! + BigInt(operation.offset))
      }
    }
    check(vector.prologSize)
    const body = [...registers]
    for (const { start, terminator, ops } of vector.epilogs!) {
      // One vector leaves a register on the stack when it jumps: bytes to agree with, no function that could run.
      if (ops!.length !== vector.ops!.length) continue
      registers.splice(0, registers.length, ...body)
      check(start)
      for (const operation of ops!.map(windingOf)) {
        check(operation.start)
        if (operation.kind === 'push') pop(number(operation.register))
        else if (operation.kind === 'push2') {
          pop(number(operation.second))
          pop(number(operation.register))
        } else if (operation.kind === 'allocate') registers[RSP] = registers[RSP]! + BigInt(operation.bytes)
        else if (operation.kind === 'set-frame') {
          registers[RSP] = registers[operation.register]! - BigInt(operation.offset)
        } else if (operation.kind === 'save') {
          registers[operation.register] = words.get(registers[RSP]! + BigInt(operation.offset))
        } else if (operation.kind === 'save-vector') {
          registers[operation.register + 16] = words.get(registers[RSP]! + BigInt(operation.offset))
        }
      }
      check(terminator)
    }
    expect(points).toBeGreaterThan(1)
  })
})

function stateOf(pc: bigint, sp: bigint): { registers: bigint[] } {
  const registers = Array.from({ length: R16 + 16 }, (_, i) => 0x1000_0000n + BigInt(i))
  registers[RSP] = sp
  registers[RETURN_ADDRESS] = pc
  return { registers }
}

test('a record in words', () => {
  const winding: Winding = {
    rangeSize: 60,
    prologueSize: 10,
    operations: [
      { start: 0, kind: 'push2', register: RBX, second: RDI },
      { start: 6, kind: 'allocate', bytes: 40 },
    ],
    epilogues: [
      {
        start: 20,
        terminator: 30,
        operations: [
          { start: 20, kind: 'allocate', bytes: 40 },
          { start: 24, kind: 'push2', register: RBX, second: RDI },
        ],
      },
      {
        start: 40,
        terminator: 50,
        operations: [
          { start: 40, kind: 'allocate', bytes: 40 },
          { start: 44, kind: 'push2', register: RBX, second: RDI },
        ],
      },
    ],
  }
  expect(printUnwindInfo(unwindInfo3(winding))).toEqual([
    'version 3, prologue 10 bytes',
    '  at 6    ALLOC_SMALL          rsp -= 40',
    '  at 0    PUSH2                push2 rbx, rdi',
    '  epilogue 20 before the end, 10 bytes up to the exit',
    '    at 0    ALLOC_SMALL          rsp -= 40',
    '    at 4    PUSH2                push2 rbx, rdi',
    '  epilogue -20 from the one above, the same as above',
  ])
})

test('two consecutive registers take one byte, and an epilogue may begin in the middle of the pool', () => {
  const info = unwindInfo3({
    rangeSize: 60,
    prologueSize: 20,
    operations: [
      { start: 0, kind: 'push2', register: 12, second: 13 },
      { start: 6, kind: 'allocate', bytes: 40 },
      { start: 10, kind: 'set-frame', register: 5, offset: 0 },
    ],
    epilogues: [
      {
        start: 40,
        terminator: 50,
        operations: [
          { start: 40, kind: 'allocate', bytes: 40 },
          { start: 44, kind: 'push2', register: 12, second: 13 },
        ],
      },
    ],
  })
  expect(info.pool.map(({ kind }) => kind)).toEqual(['SET_FPREG', 'ALLOC_SMALL', 'PUSH_CONSECUTIVE_2'])
  expect(info.epilogues[0]!.steps!.first).toBe(2)
  expect(decodeUnwindInfo3(encodeUnwindInfo3(info))).toEqual(info)
})

test.each<[string, string, RegExp]>([
  ['an undefined operation', '03000100' + '1000', /operation 0 with info 1/],
  ['a payload that is cut off', '030002', /UNWIND_INFO at 0 needs 4/],
  ['operations that are not in the pool', '03040102' + '0000', /the operations of the prologue at 6 needs/],
  ['offsets that increase', '03040202' + '00014848', /offset 1 after 0/],
  ['an epilogue that repeats nothing', '03000220' + '00faff00', /repeats the one before it/],
  ['a reserved flag of an epilogue', '03000420' + '0cfaff0000040048', /a reserved bit is set/],
  ['operations of an epilogue outside the pool', '03000420' + '08faff0900040048', /not in the pool at 9/],
  ['handler and chain', '2b000000', /flags 5/],
  ['a reserved flag', '83000000', /flags 16/],
])('%s is refused', (_, hex, message) => {
  expect(() => decodeUnwindInfo3(bytesOf(hex))).toThrow(message)
})

test.each<[string, Partial<Winding>, string]>([
  [
    '32 operations',
    { operations: Array.from({ length: 32 }, () => ({ start: 0, kind: 'allocate', bytes: 8 })) },
    'operations',
  ],
  ['a push of rsp', { operations: [{ start: 0, kind: 'push', register: 4 }] }, 'register'],
  ['r32', { operations: [{ start: 0, kind: 'push', register: 32 }] }, 'register'],
  ['rax as frame register', { operations: [{ start: 0, kind: 'set-frame', register: 0, offset: 0 }] }, 'register'],
  [
    'a frame offset of 8',
    { operations: [{ start: 0, kind: 'set-frame', register: 5, offset: 8 }] },
    'frame-register-offset',
  ],
  ['an allocation of 12', { operations: [{ start: 0, kind: 'allocate', bytes: 12 }] }, 'allocation'],
  ['a crooked save', { operations: [{ start: 0, kind: 'save', register: 3, offset: 4 }] }, 'save-offset'],
  ['xmm16', { operations: [{ start: 0, kind: 'save-vector', register: 16, offset: 0 }] }, 'register'],
  ['a prologue of 64 KiB', { prologueSize: 0x1_0000 }, 'prologue-size'],
  [
    'offsets that go back',
    {
      operations: [
        { start: 4, kind: 'push', register: 3 },
        { start: 0, kind: 'push', register: 5 },
      ],
    },
    'order',
  ],
  [
    'eight epilogues',
    {
      rangeSize: 200,
      epilogues: Array.from({ length: 8 }, (__, i) => ({
        start: 20 * i + 20,
        terminator: 20 * i + 24,
        operations: [{ start: 20 * i + 20, kind: 'allocate' as const, bytes: 8 }],
      })),
    },
    'epilogues',
  ],
])('%s: refused', (_, parts, code) => {
  const winding: Winding = { rangeSize: 100, prologueSize: 10, operations: [], epilogues: [], ...parts }
  expect(() => encodeUnwindInfo3(unwindInfo3(winding))).toThrow(
    expect.objectContaining({ problem: expect.objectContaining({ code }) }),
  )
})
