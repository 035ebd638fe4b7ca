// Immediates: the value survives, and the form is the shortest there is.
import { expect, test } from 'vitest'
import { Assembler } from '../src/index.ts'
import { emit, type Form, forms, type Operands } from './forms.ts'
import { walk } from './iced.ts'

const values = [0, 1, -1, 2, 3, 63, 127, 128, -128, -129, 255, 256, 0x7fff, 0x8000, -0x8000, 0xffff, 0x10000]
const wide = [...values, 0x7fffffff, -0x80000000, 0x12345678, 0xff80, 0xff7f]

const immediateBits = (form: Form): number => (form.immediate === 'imm8' ? 8 : Math.min(8 << form.size, 32))
/** What the instruction does with the value: shift counts and the like are bytes, the others as wide as the operand. */
const meant = (form: Form, value: number): bigint => {
  const bits = immediateBits(form)
  return BigInt.asUintN(form.immediate === 'imm8' ? 8 : 8 << form.size, BigInt.asIntN(bits, BigInt(value)))
}

/** Bytes of the immediate in the shortest form, by the manual's list of forms. */
function shortest(form: Form, o: Operands): number {
  const bits = immediateBits(form)
  const value = BigInt.asIntN(bits, BigInt(o.imm))
  if (form.shorter.includes('one') && value === 1n) return 0
  if (/\b(83|6B)\b/.test(form.shorter) && bits > 8 && BigInt.asIntN(8, value) === value) return 1
  return bits / 8
}

test.each([
  ['registers', false],
  ['memory', true],
] as const)('with %s every value of every row with an immediate comes back, in the fewest bytes', (_, memory) => {
  const asm = new Assembler()
  const wrong: string[] = []
  let count = 0
  for (const form of forms) {
    if (form.immediate === '' || !(memory ? form.takesMemory : form.takesRegister)) continue
    for (const rm of [0, 1, 4, 8]) {
      for (const imm of wide) {
        const o: Operands = { reg: 1, vvvv: 2, rm, base: rm, index: -1, scaleLog2: 0, disp: 0, imm }
        asm.reset()
        emit(asm, form, memory, { ...o, imm: 0 })
        const zeroBytes = shortest(form, { ...o, imm: 0 })
        const rest = asm.length - zeroBytes
        asm.reset()
        emit(asm, form, memory, o)
        count++
        const decoded = walk(asm.bytes.subarray(0, asm.length), (got) => {
          const last = got.opCount - 1
          const bits = form.immediate === 'imm8' ? 8 : 8 << form.size
          const value = BigInt.asUintN(bits, got.immediate(last))
          const problem: string[] = []
          if (value !== meant(form, imm)) problem.push(`immediate ${value}`)
          if (got.length !== asm.length) problem.push(`length ${got.length}`)
          // al, ax, eax and rax have forms without ModRM, one byte shorter than the long form.
          const accumulator = form.shorter.includes('accumulator') && rm === 0 && !memory
          const bytes = shortest(form, o)
          const long = bytes * 8 === immediateBits(form)
          const expected = accumulator && long && form.size > 0 && form.name !== 'Test_rm_imm' ? rest - 1 : rest
          if (asm.length !== expected + bytes) problem.push(`${asm.length} bytes, not ${expected + bytes}`)
          if (problem.length > 0) wrong.push(`${form.name} size ${form.size} rm ${rm} imm ${imm}: ${problem}`)
        })
        if (decoded !== 1) wrong.push(`${form.name} size ${form.size} rm ${rm} imm ${imm}: ${decoded} instructions`)
      }
    }
  }
  expect(wrong.slice(0, 20)).toEqual([])
  expect(count).toBeGreaterThan(5000)
})
