import { expect, test } from 'vitest'
import { loadDisassembler } from '../src/listing/disassemble.ts'
import type { ListedFunction } from '../src/listing/listed-function.ts'

const disassemble = await loadDisassembler()

function listed(hex: string, rest: Partial<ListedFunction> = {}): ListedFunction {
  const code = Uint8Array.from(hex.split(/\s+/).filter(Boolean), (pair) => Number.parseInt(pair, 16))
  return {
    ...{
      name: 'f',
      aliases: [],
      offset: 0,
      section: '.text',
      sectionIndex: 0,
      code,
      codeSize: code.length,
      relocations: [],
      isEndGuessed: false,
    },
    ...{ rows: null, record: null },
    ...rest,
  }
}

const lines = (fn: ListedFunction) => {
  const { instructions, labels } = disassemble(fn)
  return instructions.flatMap(({ offset, text }) => {
    const label = labels.get(offset)
    return [...(label === undefined ? [] : [`${label}:`]), text]
  })
}

test('branches go to labels', () => {
  expect(lines(listed('83 ff 02  73 04  48 89 f8  c3  48 ff cf  eb f2'))).toEqual([
    ...['L1:', 'cmp edi, 2', 'jae L2', 'mov rax, rdi', 'ret', 'L2:', 'dec rdi', 'jmp L1'],
  ])
})

test('relocated operands have their symbols', () => {
  const relocation = (offset: number, kind: string, symbol: string, addend: number) => ({
    offset,
    kind,
    symbol,
    addend,
  })
  const fn = listed(
    `e8 00 00 00 00  48 8b 05 00 00 00 00  c7 05 00 00 00 00 07 00 00 00  48 b8 00 00 00 00 00 00 00 00
     48 8d 0d 00 00 00 00  f2 0f 58 05 00 00 00 00`,
    {
      relocations: [
        relocation(1, 'plt32', 'callee', -4),
        relocation(8, 'got-pc-relative-32', 'far', -4),
        relocation(14, 'pc-relative-32', 'near', -8 + 16),
        relocation(24, 'absolute-64', 'table', 24),
        relocation(35, 'pc-relative-32', '.text', 0x20 - 4),
        relocation(43, 'pc-relative-32', 'half', -4 - 2),
      ],
    },
  )
  expect(lines(fn)).toEqual([
    'call callee',
    'mov rax, [rip + far@GOTPCREL]',
    'mov dword ptr [rip + near+16], 7',
    'mov rax, table+24',
    'lea rcx, [rip + .text+32]',
    'addsd xmm0, [rip + half-2]',
  ])
})

test('constants behind the code have labels', () => {
  const fn = listed('f2 0f 58 05 01 00 00 00  c3  00 00 00 00 00 00 e0 3f', { codeSize: 9 })
  const { instructions, labels } = disassemble(fn)
  expect(instructions.map(({ text }) => text)).toEqual(['addsd xmm0, [rip + L1]', 'ret'])
  expect([...labels]).toEqual([[9, 'L1']])
})

test('bytes that are no instruction are shown as such', () => {
  expect(lines(listed('06 90'))).toEqual(['.byte 0x06', 'nop'])
})
