// Where arguments and results travel, against places known from the ABIs' own examples and from compilers.
import { type Signature, signature, Type } from '@framewright/ir'
import { parseFunctions } from '@framewright/ir/text'
import { expect, test } from 'vitest'
import { assign } from '../src/abi/assign.ts'
import { systemV, windowsFastcall } from '../src/abi/convention.ts'

const NAMES = [
  'rax',
  'rcx',
  'rdx',
  'rbx',
  'rsp',
  'rbp',
  'rsi',
  'rdi',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
]
const name = (place: number): string =>
  place < 0 ? `+${-1 - place}` : place >= 16 ? `xmm${place - 16}` : NAMES[place]!
const types: Readonly<Record<string, Type>> = {
  i: Type.I64,
  w: Type.I32,
  b: Type.I8,
  h: Type.I16,
  f: Type.F32,
  d: Type.F64,
}

/** `i` i64, `w` i32, `h` i16, `b` i8, `f` f32, `d` f64. */
const of = (params: string, returns = ''): Signature =>
  signature(
    [...params].map((letter) => types[letter]!),
    [...returns].map((letter) => types[letter]!),
  )

//   parameters, results; places of parameters, of results; area for results
const rows: readonly (readonly [
  string,
  string,
  sysv: string,
  windows: string,
  sysvResults: string,
  windowsResults: string,
])[] = [
  // System V AMD64 ABI, figure 3.5, without its structures: e f g h, ld is left out, m y n i j k.
  ['wwwwwwwwww', '', 'rdi rsi rdx rcx r8 r9 +0 +8 +16 +24', 'rcx rdx r8 r9 +32 +40 +48 +56 +64 +72', '', ''],
  // Microsoft Learn, "x64 calling convention", "Parameter passing", examples 1 to 3.
  ['wwwwww', '', 'rdi rsi rdx rcx r8 r9', 'rcx rdx r8 r9 +32 +40', '', ''],
  ['fdfdff', '', 'xmm0 xmm1 xmm2 xmm3 xmm4 xmm5', 'xmm0 xmm1 xmm2 xmm3 +32 +40', '', ''],
  ['wdwfff', '', 'rdi xmm0 rsi xmm1 xmm2 xmm3', 'rcx xmm1 r8 xmm3 +32 +40', '', ''],
  // Nine floats and seven integers: the ninth and the seventh are on the stack, in order.
  [
    'didididididididd',
    '',
    'xmm0 rdi xmm1 rsi xmm2 rdx xmm3 rcx xmm4 r8 xmm5 r9 xmm6 +0 xmm7 +8',
    'xmm0 rdx xmm2 r9 +32 +40 +48 +56 +64 +72 +80 +88 +96 +104 +112 +120',
    '',
    '',
  ],
  ['bh', 'b', 'rdi rsi', 'rcx rdx', 'rax', 'rax'],
  ['', 'd', '', '', 'xmm0', 'xmm0'],
  ['', 'ii', '', '', 'rax rdx', 'rax rdx'],
  ['', 'id', '', '', 'rax xmm0', 'rax xmm0'],
  ['', 'dd', '', '', 'xmm0 xmm1', 'xmm0 +0'],
  // A third integer result goes to memory; its address takes the first register.
  ['id', 'iii', 'rsi xmm0', 'rdx xmm2', 'rax rdx +0', 'rax rdx +0'],
  ['iiii', 'didid', 'rsi rdx rcx r8', 'rdx r8 r9 +32', 'xmm0 rax xmm1 rdx +0', 'xmm0 rax +0 rdx +8'],
]

test.each(rows)('(%s) -> (%s)', (params, returns, sysv, windows, sysvResults, windowsResults) => {
  const own = of(params, returns)
  for (const [convention, places, results] of [
    [systemV, sysv, sysvResults],
    [windowsFastcall, windows, windowsResults],
  ] as const) {
    const found = assign(own, convention, { function: '%f' })
    expect(Array.from(found.parameters, name).join(' '), convention.name).toBe(places)
    expect(Array.from(found.results, name).join(' '), convention.name).toBe(results)
    const inMemory = results.split(' ').filter((place) => place.startsWith('+')).length
    expect(found.returnAreaBytes).toBe(8 * inMemory)
    expect(found.returnAreaPointer).toBe(inMemory === 0 ? -1 : convention === systemV ? 7 : 1)
    const onStack = places.split(' ').filter((place) => place.startsWith('+')).length
    expect(found.stackBytes).toBe(8 * onStack + (convention === systemV ? 0 : 32))
  }
})

test('a parameter marked sret comes back in rax', () => {
  const [func] = parseFunctions('function %f(i64 sret, i32) {\nblock0(v0: i64, v1: i32):\n    return\n}')
  expect(assign(func!.signature, systemV, { function: '%f' }).structReturnParameter).toBe(0)
})

test("each register is kept by the callee or not, rsp aside, and r11 is nobody's to allocate", () => {
  for (const { calleeSaved, clobbered, integerOrder, floatOrder } of [systemV, windowsFastcall]) {
    expect(calleeSaved & clobbered).toBe(0)
    expect((calleeSaved | clobbered) >>> 0).toBe(~(1 << 4) >>> 0)
    expect([...integerOrder].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15])
    expect([...floatOrder].sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, i) => 16 + i))
  }
})
