import { expect, test } from 'vitest'
import { DwarfUnwindError } from '../src/errors.ts'
import { addedConstant, evaluateExpression, printExpression } from '../src/expression.ts'
import { fromHex } from './vectors.ts'

const registers: Record<number, bigint> = { 6: 0x1000n, 7: 0x2000n, 16: 0x40_0016n }
const context = {
  register: (register: number): bigint => registers[register] ?? 0n,
  memory: (address: bigint, bytes: number): bigint => address & ((1n << BigInt(8 * bytes)) - 1n),
}
const evaluate = (hex: string, ...initial: bigint[]): bigint => evaluateExpression(fromHex(hex), context, initial)

test.each<[string, string, bigint[], bigint]>([
  // What compilers, linkers and glibc write.
  ['the CFA of a signal trampoline', '77a00106', [], 0x20a0n],
  ['a PLT entry, its push done', '770880003f1a3b2a332422', [], 0x2000n + 8n],
  ['a realigned frame', '76780 6'.replace(' ', ''), [], 0xff8n],
  ['a slot below the CFA', '115c22', [0x3000n], 0x2fdcn],
  // Each operation by its definition.
  ['const1s', '09ff', [], 0xffff_ffff_ffff_ffffn],
  ['const2u const2s plus', '0aff7f0b008022', [], 0xffff_ffff_ffff_ffffn],
  ['const8u', '0e8877665544332211', [], 0x1122334455667788n],
  ['dup drop over', '1213 14'.replace(' ', ''), [5n, 6n], 5n],
  ['pick', '1502', [5n, 6n, 7n], 5n],
  ['swap minus', '161c', [5n, 7n], 2n],
  ['rot: the topmost becomes the third', '17', [1n, 2n, 3n], 2n],
  ['abs', '19', [-5n & 0xffff_ffff_ffff_ffffn], 5n],
  ['signed division', '1b', [-7n & 0xffff_ffff_ffff_ffffn, 2n], 0xffff_ffff_ffff_fffdn],
  ['mod', '1d', [7n, 4n], 3n],
  ['neg not', '1f20', [5n], 4n],
  ['shl past the end', '24', [1n, 64n], 0n],
  ['shra of a negative number', '26', [-8n & 0xffff_ffff_ffff_ffffn, 1n], 0xffff_ffff_ffff_fffcn],
  ['lt is signed', '2d', [-1n & 0xffff_ffff_ffff_ffffn, 0n], 1n],
  ['bra taken', '28010031 32'.replace(' ', ''), [9n, 1n], 2n],
  ['skip', '2f010031', [9n], 9n],
  ['deref_size', '9401', [0x1234n], 0x34n],
  ['bregx', '921608', [], 8n],
])('%s', (_, hex, initial, result) => {
  expect(evaluate(hex, ...initial)).toBe(result)
})

test.each([
  ['an empty stack', '22'],
  ['nothing at all', ''],
  ['an operand cut off', '1180'],
  ['an operation that needs a compilation unit', 'a1'],
  ['a branch out of the expression', '2fff7f'],
  ['an endless loop', '2ffdff'],
  ['a stack without end', '302ffcff'],
  ['division by zero', '31301b'],
])('%s is a typed error', (_, hex) => {
  expect(() => evaluate(hex)).toThrow(DwarfUnwindError)
})

test('in words', () => {
  expect(printExpression(fromHex('77a00106'))).toBe('rsp+160; deref')
  expect(printExpression(fromHex('770880003f1a3b2a332422'))).toBe('rsp+8; ra; lit15; and; lit11; ge; lit3; shl; plus')
  expect(printExpression(fromHex('a101'))).toBe('a1 01')
})

test('constants that are added to the CFA are recognised', () => {
  expect(['115c22', '2308', '3822', '381c', '22', '7708'].map((hex) => addedConstant(fromHex(hex)))).toEqual([
    -36,
    8,
    8,
    -8,
    undefined,
    undefined,
  ])
})
