import { expect, test } from 'vitest'
import { disassemble } from '../src/index.ts'

test('instructions come with their offset, length and text', () => {
  const code = new Uint8Array([0x55, 0x48, 0x8b, 0x44, 0x24, 0x08, 0xeb, 0xf8, 0xc3])
  expect(disassemble(code, 0x1000n)).toEqual([
    { offset: 0, length: 1, text: 'push rbp', mnemonic: 'push', code: 'Push_r64' },
    { offset: 1, length: 5, text: 'mov rax,[rsp+8]', mnemonic: 'mov', code: 'Mov_r64_rm64' },
    { offset: 6, length: 2, text: 'jmp short 0x1000', mnemonic: 'jmp', code: 'Jmp_rel8_64' },
    { offset: 8, length: 1, text: 'ret', mnemonic: 'ret', code: 'Retnq' },
  ])
})

test('bytes that are no instruction are one invalid instruction', () => {
  expect(disassemble(new Uint8Array([0x06]))).toMatchObject([{ offset: 0, length: 1, code: 'INVALID' }])
})
