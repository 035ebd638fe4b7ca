// Why the system does not recognise an exit, and the change that cures it: where bytes are given, they are tried.

import { R12, R13, RBP } from '@framewright/frame-layout'
import { describe, expect, test } from 'vitest'
import { type EpilogueExplanation, type ExplainOptions, explainEpilogue, explainExit } from '../src/index.ts'
import { bytesOf, hexOf } from './vectors.ts'

const RBX_POP = '5b'
const ADD40 = '4883c428'

describe('recognised', () => {
  test.each<[string, string, number, number, number]>([
    ['add, pops, ret', `${ADD40}5b5dc3`, 0, 6, 7],
    ['from its middle', `5b5dc3`, 0, 2, 3],
    ['behind loads of registers, which are body', `488b5c2430${`0f28742420`}${ADD40}c3`, 10, 14, 15],
    ['behind vzeroupper and a result', `c5f87731c0b801000000${ADD40}c3`, 10, 14, 15],
    ['a tail jump out of the code', `${ADD40}e900010000`, 0, 4, 9],
    ['a jump to the start of the range', `${ADD40}ebfa`, 0, 4, 6],
    ['a jump through memory', `${ADD40}ff2500000000`, 0, 4, 10],
    ['a jump with REX.W', `${ADD40}48ffe0`, 0, 4, 7],
    ['lea from the frame register', `488d6530${RBX_POP}c3`, 0, 5, 6],
  ])('%s', (_, hex, from, exit, end) => {
    const found = explainEpilogue(bytesOf(hex), 0, { frameRegister: RBP })
    expect(found).toMatchObject({ recognised: true, from, exit, end })
  })

  test.each<[string, string, boolean, RegExp | null]>([
    ['ret', `${ADD40}c3`, true, null],
    ['ret n', `${ADD40}c21000`, true, /adds the 16 bytes/],
    ['a jump out of the function', `${ADD40}e900010000`, false, /not jumps out of the function/],
    ['a jump through memory', `${ADD40}ff2500000000`, false, /through memory/],
    ['a jump with REX.W', `${ADD40}48ffe0`, false, /registers/],
  ])('and on Wine 8: %s', (_, hex, recognised, difference) => {
    const { wine8 } = explainEpilogue(bytesOf(hex), 0)
    expect(wine8.recognised).toBe(recognised)
    if (difference === null) expect(wine8.difference).toBeNull()
    else expect(wine8.difference).toMatch(difference)
  })
})

interface Case {
  readonly hex: string
  readonly at: number
  readonly instruction: string | null
  readonly consequence: 'wrong' | 'handler' | 'none'
  readonly why: RegExp
  readonly cure: RegExp
  /** Of the bytes that cure it. */
  readonly replacement?: string
  readonly options?: ExplainOptions
}

const framed: ExplainOptions = { frameRegister: RBP }

describe('not recognised', () => {
  test.each<[string, Case]>([
    [
      'lea rsp, [rsp + 40]',
      {
        hex: '488d642428c3',
        at: 0,
        instruction: 'lea rsp, [rsp + 40]',
        consequence: 'wrong',
        why: /add with an immediate/,
        cure: /add rsp, 40/,
        replacement: ADD40,
      },
    ],
    [
      'lea rsp, [rsp + 400]',
      {
        hex: '488da42490010000c3',
        at: 0,
        instruction: 'lea rsp, [rsp + 400]',
        consequence: 'wrong',
        why: /add/,
        cure: /add rsp, 400/,
        replacement: '4881c490010000',
      },
    ],
    [
      'sub rsp, -128',
      {
        hex: '4883ec80c3',
        at: 0,
        instruction: 'sub rsp, -128',
        consequence: 'wrong',
        why: /add/,
        cure: /add rsp, 128/,
        replacement: '4881c480000000',
      },
    ],
    [
      'add rsp, rax',
      {
        hex: '4801c4c3',
        at: 0,
        instruction: 'add rsp, rax',
        consequence: 'wrong',
        why: /does not know the number/,
        cure: /immediate/,
      },
    ],
    [
      'mov rsp, rbp',
      {
        hex: '4889ec5dc3',
        at: 0,
        instruction: 'mov rsp, rbp',
        consequence: 'handler',
        why: /by lea/,
        cure: /lea rsp, \[rbp \+ 0\]/,
        replacement: '488d6500',
        options: framed,
      },
    ],
    [
      'mov rsp, rbp the other way round',
      {
        hex: '488be55dc3',
        at: 0,
        instruction: 'mov rsp, rbp',
        consequence: 'handler',
        why: /by lea/,
        cure: /lea/,
        replacement: '488d6500',
        options: framed,
      },
    ],
    [
      'mov rsp, rbp without a frame register',
      {
        hex: '4889ec5dc3',
        at: 0,
        instruction: 'mov rsp, rbp',
        consequence: 'wrong',
        why: /by lea/,
        cure: /make rbp the frame register/,
      },
    ],
    [
      'leave',
      {
        hex: 'c9c3',
        at: 0,
        instruction: 'leave',
        consequence: 'handler',
        why: /leave/,
        cure: /lea rsp, \[rbp \+ 0\]; pop rbp/,
        replacement: '488d65005d',
        options: framed,
      },
    ],
    [
      'leave without a frame register',
      {
        hex: 'c9c3',
        at: 0,
        instruction: 'leave',
        consequence: 'wrong',
        why: /leave/,
        cure: /make rbp the frame register/,
      },
    ],
    [
      'lea from another register',
      {
        hex: '498d6508c3',
        at: 0,
        instruction: 'lea rsp, [r13 + 8]',
        consequence: 'wrong',
        why: /frame register is rbp/,
        cure: /make r13/,
        options: framed,
      },
    ],
    [
      'lea from r12',
      {
        hex: '498d642408c3',
        at: 0,
        instruction: 'lea rsp, [r12 + 8]',
        consequence: 'handler',
        why: /SIB/,
        cure: /another frame register/,
        options: { frameRegister: R12 },
      },
    ],
    [
      'lea without a displacement',
      {
        hex: '488d23c3',
        at: 0,
        instruction: 'lea rsp, [rbx]',
        consequence: 'handler',
        why: /displacement of 0 bytes/,
        cure: /even for 0/,
        replacement: '488d6300',
        options: { frameRegister: 3 },
      },
    ],
    [
      'a load between pops',
      {
        hex: `${ADD40}488b5c2430c3`,
        at: 4,
        instruction: 'a load of rbx',
        consequence: 'wrong',
        why: /only pops/,
        cure: /in front of the first instruction that moves rsp/,
      },
    ],
    [
      'a vector load behind the adjustment',
      {
        hex: `${ADD40}0f28742420c3`,
        at: 4,
        instruction: 'a load of a vector register',
        consequence: 'wrong',
        why: /only pops/,
        cure: /in front/,
      },
    ],
    [
      'vzeroupper behind the adjustment',
      {
        hex: `${ADD40}c5f877c3`,
        at: 4,
        instruction: 'vzeroupper',
        consequence: 'wrong',
        why: /only pops/,
        cure: /in front/,
      },
    ],
    [
      'two adjustments',
      {
        hex: `${ADD40}4883c408c3`,
        at: 4,
        instruction: 'add rsp, 8',
        consequence: 'wrong',
        why: /once/,
        cure: /whole amount at once/,
      },
    ],
    [
      'an adjustment behind pops',
      {
        hex: '5b4883c408c3',
        at: 1,
        instruction: 'add rsp, 8',
        consequence: 'wrong',
        why: /in front of the pops/,
        cure: /volatile registers/,
      },
    ],
    [
      'lea behind pops',
      {
        hex: '5b488d6508c3',
        at: 1,
        instruction: 'lea rsp, [rbp + 8]',
        consequence: 'wrong',
        why: /restored once/,
        cure: /first/,
        options: framed,
      },
    ],
    [
      'popfq',
      { hex: `${ADD40}9dc3`, at: 4, instruction: 'popfq', consequence: 'wrong', why: /popfq/, cure: /push and popfq/ },
    ],
    [
      'jmp rax',
      {
        hex: `${ADD40}ffe0`,
        at: 4,
        instruction: 'jmp rax',
        consequence: 'wrong',
        why: /REX.W/,
        cure: /prefix/,
        replacement: '48ffe0',
      },
    ],
    [
      'jmp r9',
      {
        hex: `${ADD40}41ffe1`,
        at: 4,
        instruction: 'jmp r9',
        consequence: 'wrong',
        why: /REX.W/,
        cure: /prefix/,
        replacement: '49ffe1',
      },
    ],
    [
      'jmp [rax]',
      {
        hex: `${ADD40}ff20`,
        at: 4,
        instruction: 'jmp a place in memory',
        consequence: 'wrong',
        why: /REX.W/,
        cure: /prefix/,
        replacement: '48ff20',
      },
    ],
    [
      'notrack jmp rax',
      {
        hex: `${ADD40}3effe0`,
        at: 4,
        instruction: 'jmp rax',
        consequence: 'wrong',
        why: /REX.W/,
        cure: /prefix/,
        replacement: '48ffe0',
      },
    ],
    [
      'a conditional jump',
      {
        hex: `${ADD40}7410c3`,
        at: 4,
        instruction: 'a conditional jump',
        consequence: 'wrong',
        why: /conditional/,
        cure: /around/,
      },
    ],
    [
      'a jump inside the function',
      {
        hex: `${ADD40}eb00c3`,
        at: 4,
        instruction: 'jmp',
        consequence: 'wrong',
        why: /stays in the function/,
        cure: /behind the jump/,
      },
    ],
    [
      'a jump inside, with nothing in front',
      { hex: 'eb00c3', at: 0, instruction: 'jmp', consequence: 'none', why: /stays/, cure: /target/ },
    ],
    [
      'iretq',
      { hex: '48cf', at: 0, instruction: 'iretq', consequence: 'handler', why: /iretq/, cure: /machine frame/ },
    ],
    [
      'a call',
      {
        hex: 'e800000000',
        at: 0,
        instruction: 'call',
        consequence: 'none',
        why: /does not leave/,
        cure: /instruction behind it/,
      },
    ],
    ['a trap', { hex: 'cc', at: 0, instruction: 'int3', consequence: 'none', why: /does not go on/, cure: /nothing/ }],
    [
      'a prefix in front of ret',
      {
        hex: `${ADD40}3ec3`,
        at: 4,
        instruction: 'ret',
        consequence: 'wrong',
        why: /prefix/,
        cure: /without/,
        replacement: 'c3',
      },
    ],
    [
      'something unknown',
      {
        hex: `${ADD40}62f16c48c3`,
        at: 4,
        instruction: null,
        consequence: 'wrong',
        why: /none that an epilogue may have/,
        cure: /in front/,
      },
    ],
    ['nothing', { hex: '', at: 0, instruction: null, consequence: 'none', why: /none/, cure: /ask/ }],
  ])('%s', (_, wanted) => {
    const { hex, at, instruction, consequence, why, cure, replacement, options } = wanted
    const code = bytesOf(hex)
    const found = explainEpilogue(code, 0, options) as EpilogueExplanation & { recognised: false }
    expect(found).toMatchObject({ recognised: false, at, instruction, consequence })
    expect(found.why).toMatch(why)
    expect(found.cure).toMatch(cure)
    expect(found.replacement === null ? undefined : hexOf(found.replacement)).toBe(replacement)
    if (replacement === undefined) return
    // The cure is tried: from the start of the exit the whole is recognised then.
    const cured = bytesOf(hex.slice(0, 2 * at) + replacement + hex.slice(2 * (at + found.length!)))
    expect(explainEpilogue(cured, 0, options)).toMatchObject({ recognised: true, from: 0 })
  })

  test('lea from r12 whose displacement looks like a return', () => {
    const found = explainEpilogue(bytesOf('498d6424c3c3'), 0, { frameRegister: R12 })
    expect(found).toMatchObject({ recognised: false, at: 0, consequence: 'wrong' })
  })

  test('a jump to another range of the function', () => {
    const code = bytesOf(`${ADD40}e900010000`)
    const found = explainEpilogue(code, 0, { staysInFunction: () => true })
    expect(found).toMatchObject({ recognised: false, at: 4, consequence: 'wrong' })
    expect(explainEpilogue(code, 0, { frameRegister: R13 }).recognised).toBe(true)
  })
})

describe('in an image', () => {
  // push rbx; sub rsp, 32 | add rsp, 32; pop rbx; jmp +n, in two ranges that chain.
  const text = bytesOf(`534883ec20${'90'.repeat(11)}4883c4205be90b000000${'90'.repeat(30)}`)
  const word = (value: number): string => Buffer.from(Uint32Array.of(value).buffer).toString('hex')
  const section = (name: string, address: bigint, bytes: Uint8Array) => ({ name, address, bytes })
  const image = (second: string) => ({
    base: 0n,
    sections: [
      section('.text', 0x1000n, text),
      section('.pdata', 0x2000n, bytesOf([0x1000, 0x1020, 0x3000, 0x1020, 0x1030, 0x3010].map(word).join(''))),
      section('.xdata', 0x3000n, bytesOf(`01050200053201300000000000000000${second}`)),
    ],
  })

  test('a jump to another function leaves, one to another range of the same does not', () => {
    const other = explainExit(image('0100000000000000'), 0x1010n)
    expect(other).toMatchObject({ recognised: true, from: 0x10, exit: 0x15, wine8: { recognised: false } })
    const same = explainExit(image(`21000000${word(0x1000)}${word(0x1020)}${word(0x3000)}`), 0x1010n)
    expect(same).toMatchObject({ recognised: false, at: 0x15, why: expect.stringMatching(/stays in the function/) })
  })

  test('without an entry there is nothing to be recognised', () => {
    expect(explainExit(image('0100000000000000'), 0x1033n)).toBeNull()
    expect(explainExit(image('0100000000000000'), 0x9000n)).toBeNull()
    expect(explainExit(image('0200000000000000'), 0x1021n)).toBeNull()
  })
})

test('Wine 8 looks for no epilogue inside the prologue', () => {
  const found = explainEpilogue(bytesOf(`${ADD40}c3`), 0, { prologueSize: 4 })
  expect(found).toMatchObject({ recognised: true, wine8: { recognised: false } })
  expect(found.wine8.difference).toMatch(/inside the prologue/)
})
