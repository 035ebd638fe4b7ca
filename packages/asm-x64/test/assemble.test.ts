// The checked way: the same instruction as the direct one, and an error for everything that is none.
import { disassemble } from '@framewright/testkit'
import { describe, expect, test } from 'vitest'
import { assemble, type Memory, type Operand } from '../src/checked/index.ts'
import { AsmError, type AsmProblem, Assembler, registerName } from '../src/index.ts'
import { emit, type Form, forms, isRm, type Operands } from './forms.ts'

const scales = [1, 2, 4, 8] as const

function memory(form: Form, syntax: string, o: Operands): Memory {
  const bits = Number(/\d+/.exec(syntax)?.[0] ?? 8 << form.size)
  return {
    ...(o.base >= 0 ? { base: registerName(o.base) } : {}),
    ...(o.index >= 0 ? { index: registerName(o.index), scale: scales[o.scaleLog2]! } : {}),
    offset: o.disp,
    // lea has no width.
    ...(form.name === 'Lea_r_m' ? {} : { size: bits as 8 }),
  }
}

function register(form: Form, syntax: string, number: number): string {
  if (/^(x|vx|sx|xm\d+)$/.test(syntax)) return `xmm${number}`
  const bits = syntax.endsWith('-32') ? 32 : Number(/\d+/.exec(syntax)?.[0] ?? 8 << form.size)
  return registerName(number, Math.log2(bits / 8))
}

function operandsOf(form: Form, inMemory: boolean, o: Operands): Operand[] {
  return form.operands.map((syntax): Operand => {
    if (syntax.startsWith('imm')) return o.imm
    if (syntax === 'cl' || syntax === 'xmm0') return syntax
    if (isRm(syntax)) return inMemory ? memory(form, syntax, o) : register(form, syntax, o.rm)
    return register(form, syntax, syntax.startsWith('v') ? o.vvvv : o.reg)
  })
}

const samples: readonly Operands[] = [
  { reg: 1, vvvv: 2, rm: 3, base: 3, index: -1, scaleLog2: 0, disp: 0, imm: 5 },
  { reg: 14, vvvv: 9, rm: 4, base: 4, index: 13, scaleLog2: 3, disp: -300, imm: -7 },
  { reg: 7, vvvv: 15, rm: 13, base: -1, index: 5, scaleLog2: 2, disp: 64, imm: 100 },
]
const text = (asm: Assembler): string => disassemble(asm.bytes.subarray(0, asm.length))[0]!.text

test('every row is reached by its name and by its mnemonic', () => {
  const direct = new Assembler()
  const checked = new Assembler()
  const wrong: string[] = []
  const bytes = (asm: Assembler): string => Buffer.from(asm.bytes.subarray(0, asm.length)).toString('hex')
  for (const form of forms) {
    for (const inMemory of [false, true]) {
      if (inMemory ? !form.takesMemory : form.hasRm && !form.takesRegister) continue
      for (const o of samples) {
        direct.reset()
        emit(direct, form, inMemory, o)
        const operands = operandsOf(form, inMemory, o)
        const { mnemonic } = disassemble(direct.bytes.subarray(0, direct.length))[0]!
        checked.reset()
        assemble(checked, mnemonic, ...operands)
        // The mnemonic may find a shorter way: mov rbx,5 is mov ebx,5.
        const shorter = form.name === 'Mov_rm_imm' && !inMemory && form.size === 3 && o.imm > 0
        if (!shorter && text(checked) !== text(direct))
          wrong.push(`${form.name}: ${text(direct)}, ${mnemonic} gives ${text(checked)}`)
        if (form.operands.length === 0) continue
        checked.reset()
        assemble(checked, form.name, ...operands)
        if (bytes(checked) !== bytes(direct))
          wrong.push(`${form.name}: ${text(direct)}, its name gives ${text(checked)}`)
      }
    }
  }
  expect(wrong).toEqual([])
})

test.each<[string, string, ...Operand[]]>([
  ['mov eax,1', 'mov', 'rax', 1],
  ['mov al,1', 'mov', 'al', 1],
  ['push rbp', 'push', 'rbp'],
  ['push 0x10', 'push', 16],
  ['pop r15', 'pop', 'r15'],
  ['bswap ecx', 'bswap', 'ecx'],
  ['ret', 'ret'],
  ['ret 8', 'ret', 8],
  ['ud2', 'ud2'],
  ['nop', 'nop'],
  ['cqo', 'cqo'],
  ['cdqe', 'cdqe'],
  ['rep movsb [rdi],[rsi]', 'rep movsb'],
  ['repne scasb [rdi]', 'repne scasb'],
  ['movsd [rdi],[rsi]', 'movsd'],
  ['movsd xmm1,xmm2', 'movsd', 'xmm1', 'xmm2'],
  ['lock xadd [rcx],rax', 'lock xadd', { base: 'rcx' }, 'rax'],
  ['setne sil', 'setnz', 'sil'],
  ['cmovb eax,ecx', 'cmovc', 'eax', 'ecx'],
  ['mov rax,[rsp+rbx]', 'mov', 'rax', { base: 'rbx', index: 'rsp' }],
  ['add dword ptr [rsp+8],5', 'add', { base: 'rsp', offset: 8, size: 32 }, 5],
  ['cmp rax,0xffffffff80000000', 'cmp', 'rax', -0x80000000],
  ['call rax', 'call', 'rax'],
  ['jmp qword ptr [rax+rcx*8]', 'jmp', { base: 'rax', index: 'rcx', scale: 8 }],
])('%s', (line, name, ...operands) => {
  const asm = new Assembler()
  assemble(asm, name, ...operands)
  expect(text(asm)).toBe(line)
})

test('mov of a constant of 64 bits', () => {
  const asm = new Assembler()
  assemble(asm, 'mov', 'r9', 0x123456789abcdef0n)
  expect(text(asm)).toBe('mov r9,0x123456789abcdef0')
})

test('branches, labels, constants and symbols', () => {
  const asm = new Assembler()
  const loop = asm.newLabel()
  asm.bind(loop)
  assemble(asm, 'addsd', 'xmm0', { constant: asm.constant64(0, 0x3ff00000) })
  assemble(asm, 'dec', 'ecx')
  assemble(asm, 'jnz', { label: loop })
  assemble(asm, 'call', { symbol: 3, relocation: 1 })
  assemble(asm, 'lea', 'rax', { label: loop })
  assemble(asm, 'jmp', { label: loop })
  asm.finish()
  const lines = disassemble(asm.bytes.subarray(0, asm.codeLength)).map((one) => one.text)
  expect(lines).toEqual(['addsd xmm0,[0x20]', 'dec ecx', 'jne short 0', 'call 0x11', 'lea rax,[0]', 'jmp short 0'])
  expect([asm.relocations.kind[0], asm.relocations.symbol[0], asm.relocations.offset[0]]).toEqual([1, 3, 13])
})

describe('what is no instruction is an error, and writes nothing', () => {
  test.each<[AsmProblem['code'], string, ...Operand[]]>([
    ['unknown-instruction', 'mvo', 'rax', 'rbx'],
    ['unknown-instruction', 'Mov'],
    ['unknown-register', 'mov', 'rax', 'rbxx'],
    ['unknown-register', 'mov', 'ah', 'al'],
    ['no-such-form', 'mov', 'rax', 'ebx'],
    ['no-such-form', 'mov', { base: 'rax' }, { base: 'rbx' }],
    ['no-such-form', 'add', 'rax', 'xmm0'],
    ['no-such-form', 'add', 'rax'],
    ['no-such-form', 'shl', 'rax', 'dl'],
    ['no-such-form', 'cmpxchg8b', 'rax'],
    ['no-such-form', 'push', 'eax'],
    ['no-such-form', 'ret', 'rax'],
    ['no-such-form', 'jne', 'rax'],
    ['no-such-form', 'imul', 'al', 'cl'],
    ['no-such-form', 'lock mov', { base: 'rax' }, 'rbx'],
    ['no-such-form', 'lock add', 'rax', 'rbx'],
    ['no-such-form', 'rep add', 'rax', 'rbx'],
    ['no-such-form', 'mov', 'eax', { base: 'rax', size: 64 }],
    ['size-ambiguous', 'add', { base: 'rax' }, 5],
    ['size-ambiguous', 'neg', { base: 'rax' }],
    ['size-ambiguous', 'movzx', 'eax', { base: 'rax' }],
    ['size-ambiguous', 'cvtsi2sd', 'xmm0', { base: 'rax' }],
    ['size-ambiguous', 'Stos'],
    ['immediate-range', 'add', 'rax', 0x80000000],
    ['immediate-range', 'add', 'rax', -0x80000001],
    ['immediate-range', 'add', 'eax', 0x100000000],
    ['immediate-range', 'add', 'al', 256],
    ['immediate-range', 'add', 'al', -129],
    ['immediate-range', 'shl', 'rax', 256],
    ['immediate-range', 'mov', 'eax', 0x100000000],
    ['immediate-range', 'mov', 'rax', 1n << 64n],
    ['immediate-range', 'push', 0x80000000],
    ['immediate-range', 'ret', 0x10000],
    ['immediate-fraction', 'add', 'rax', 1.5],
    ['invalid-memory', 'mov', 'rax', { base: 'eax' }],
    ['invalid-memory', 'mov', 'rax', { index: 'rsp', scale: 2 }],
    ['invalid-memory', 'mov', 'rax', { base: 'rsp', index: 'rsp' }],
    ['invalid-memory', 'mov', 'rax', { base: 'rax', index: 'rcx', scale: 3 as 4 }],
    ['invalid-memory', 'mov', 'rax', { base: 'rax', offset: 0x80000000 }],
    ['invalid-memory', 'mov', 'rax', { base: 'rax', label: 0 }],
    ['invalid-memory', 'mov', 'rax', { constant: 0, label: 0 }],
  ])('%s: %s %o %o', (code, name, ...operands) => {
    const asm = new Assembler()
    asm.nop(3)
    let error: unknown
    try {
      assemble(asm, name, ...operands)
    } catch (caught) {
      error = caught
    }
    expect(error).toBeInstanceOf(AsmError)
    expect((error as AsmError).problem.code).toBe(code)
    expect((error as AsmError).offset).toBe(3)
    expect(asm.length).toBe(3)
  })
})
