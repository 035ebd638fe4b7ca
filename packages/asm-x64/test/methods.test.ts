// The instructions that have a method of their own, as iced-x86 prints them.
import { disassemble } from '@framewright/testkit'
import { Mnemonic } from 'iced-x86'
import { describe, expect, test } from 'vitest'
import { Assembler, Base, Condition, Inst, Register, RelocationKind, registerName, Size } from '../src/index.ts'
import { general, walk } from './iced.ts'

/** The text of what `write` writes, and that the whole of it is decoded. */
function text(write: (asm: Assembler) => void): string[] {
  const asm = new Assembler()
  write(asm)
  const end = asm.length
  asm.finish()
  const decoded = disassemble(asm.bytes.subarray(0, asm.codeLength))
  expect(decoded.reduce((sum, { length }) => sum + length, 0)).toBe(asm.codeLength)
  expect(asm.codeLength).toBeLessThanOrEqual(end)
  return decoded.map((instruction) => instruction.text.replaceAll('0x', ''))
}
const length = (write: (asm: Assembler) => void): number => {
  const asm = new Assembler()
  write(asm)
  return asm.length
}

const all = Array.from({ length: 16 }, (_, register) => register)

test('push, pop and bswap take every register', () => {
  for (const register of all) {
    const name = registerName(register)
    expect(text((asm) => asm.push(register))).toEqual([`push ${name}`])
    expect(text((asm) => asm.pop(register))).toEqual([`pop ${name}`])
    expect(text((asm) => asm.bswap(Size.bits64, register))).toEqual([`bswap ${name}`])
    expect(text((asm) => asm.bswap(Size.bits32, register))).toEqual([`bswap ${registerName(register, Size.bits32)}`])
    expect(length((asm) => asm.push(register))).toBe(register < 8 ? 1 : 2)
  }
})

describe('movImm', () => {
  test.each([
    [0n, 5],
    [1n, 5],
    [0x7fffffffn, 5],
    [0x80000000n, 5],
    [0xffffffffn, 5],
    [-1n, 7],
    [-0x80000000n, 7],
    [-0x80000001n, 10],
    [0x100000000n, 10],
    [0x1_8000_0000n, 10],
    [0x123456789abcdef0n, 10],
    [-0x8000000000000000n, 10],
  ])('loads %d in %i bytes, without touching the flags', (value, bytes) => {
    for (const register of all) {
      const write = (asm: Assembler): void => {
        asm.movImm(Size.bits64, register, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)))
      }
      const asm = new Assembler()
      write(asm)
      walk(asm.bytes.subarray(0, asm.length), (got) => {
        // The immediate from the decoder, not from the text: iced-x86 1.21 prints 0x100000000 as 0.
        const narrow = got.opRegister(0) === general[Size.bits32]![register]
        if (!narrow) expect(got.opRegister(0)).toBe(general[Size.bits64]![register])
        expect(got.mnemonic).toBe(Mnemonic.Mov)
        expect(BigInt.asIntN(64, narrow ? BigInt.asUintN(32, got.immediate(1)) : got.immediate(1))).toBe(value)
      })
      expect(length(write)).toBe(bytes + (bytes === 5 && register >= 8 ? 1 : 0))
    }
  })

  test('loads unsigned halves like signed ones', () => {
    expect(text((asm) => asm.movImm(3, 0, 0xffffffff, 0xffffffff))).toEqual(['mov rax,FFFFFFFFFFFFFFFF'.toLowerCase()])
  })

  test('loads 32 bits, and clears what lies above 8 and 16', () => {
    expect(text((asm) => asm.movImm(Size.bits32, 3, -2, 7))).toEqual(['mov ebx,fffffffe'])
    expect(text((asm) => asm.movImm(Size.bits16, 3, -2, 0))).toEqual(['mov ebx,fffe'])
    expect(text((asm) => asm.movImm(Size.bits8, 12, -2, 0))).toEqual(['mov r12d,fe'])
  })
})

test('zero clears both kinds of register', () => {
  for (const register of all) {
    const name = registerName(register, Size.bits32)
    expect(text((asm) => asm.zero(register))).toEqual([`xor ${name},${name}`])
    expect(text((asm) => asm.zero(register + 16))).toEqual([`xorps xmm${register},xmm${register}`])
  }
})

test('pushImm is short where it can be', () => {
  expect(text((asm) => asm.pushImm(-128))).toEqual(['push ffffffffffffff80'])
  expect(text((asm) => asm.pushImm(128))).toEqual(['push 80'])
  expect(length((asm) => asm.pushImm(127))).toBe(2)
  expect(length((asm) => asm.pushImm(-129))).toBe(5)
})

test('returns, traps, landing pads', () => {
  const lines = text((asm) => {
    asm.endbr64()
    asm.ret()
    asm.retPop(0x1234)
    asm.ud2()
    asm.int3()
  })
  expect(lines).toEqual(['endbr64', 'ret', 'ret 1234', 'ud2', 'int3'])
})

test('nops of every length are nops, in pieces of nine bytes', () => {
  for (let count = 0; count < 40; count++) {
    const lines = text((asm) => asm.nop(count))
    expect(lines.length).toBe(Math.ceil(count / 9))
    for (const line of lines) expect(line).toMatch(/^(xchg ax,ax|nop)/)
    expect(length((asm) => asm.nop(count))).toBe(count)
  }
})

test('setcc and cmov take every condition', () => {
  for (const [name, condition] of Object.entries(Condition)) {
    expect(text((asm) => asm.setcc(condition, Register.rsi))).toEqual([`set${name} sil`])
    expect(text((asm) => asm.cmov(condition, Size.bits64, Register.r9, Register.rbp))).toEqual([`cmov${name} r9,rbp`])
  }
})

test('indirect calls and jumps take every register and memory', () => {
  for (const register of all) {
    expect(text((asm) => asm.callR(register))).toEqual([`call ${registerName(register)}`])
    expect(text((asm) => asm.jmpR(register))).toEqual([`jmp ${registerName(register)}`])
  }
  expect(text((asm) => asm.callM(Register.rsp, Base.none, 0, 8))).toEqual(['call qword ptr [rsp+8]'])
  expect(text((asm) => asm.jmpM(Register.r13, Register.r12, 3, 0))).toEqual(['jmp qword ptr [r13+r12*8]'])
})

test('prefixes stand before the instruction', () => {
  const lines = text((asm) => {
    asm.lock()
    asm.rm(Inst.Xadd_rm_r, Size.bits64, Register.r10, Register.r9, Base.none, 0, 0)
    asm.rep()
    asm.op(Inst.Stos, Size.bits64)
    asm.prefix(0x65)
    asm.rm(Inst.Mov_r_rm, Size.bits64, Register.rax, Base.none, Base.none, 0, 0x58)
  })
  expect(lines).toEqual(['lock xadd [r9],r10', 'rep stosq [rdi]', 'mov rax,gs:[58]'])
})

test('calls, jumps and addresses of symbols leave a relocation that counts from the field', () => {
  const asm = new Assembler()
  asm.callSymbol(RelocationKind.plt32, 7)
  asm.jmpSymbol(RelocationKind.pc32, 8, 16)
  asm.leaSymbol(Register.r11, RelocationKind.pc32, 9)
  asm.rmSymbol(Inst.Mov_r_rm, Size.bits64, Register.rax, RelocationKind.gotpcrel, 10)
  asm.mi(Inst.Mov_rm_imm, Size.bits32, Base.symbol, 11, RelocationKind.pc32, 4, 0x55667788)
  asm.movSymbol(Register.r8, RelocationKind.abs64, 12, -3)
  asm.finish()
  const { relocations } = asm
  const rows = Array.from({ length: relocations.length }, (_, i) => [
    relocations.offset[i],
    relocations.kind[i],
    relocations.symbol[i],
    relocations.addend[i],
  ])
  expect(rows).toEqual([
    [1, RelocationKind.plt32, 7, -4],
    [6, RelocationKind.pc32, 8, 12],
    [13, RelocationKind.pc32, 9, -4],
    [20, RelocationKind.gotpcrel, 10, -4],
    // c7 05 disp32 imm32: the end of the instruction is eight bytes behind the field.
    [26, RelocationKind.pc32, 11, 4 - 8],
    [36, RelocationKind.abs64, 12, -3],
  ])
  expect(disassemble(asm.bytes.subarray(0, asm.length)).map(({ code }) => code)).toEqual([
    'Call_rel32_64',
    'Jmp_rel32_64',
    'Lea_r64_m',
    'Mov_r64_rm64',
    'Mov_rm32_imm32',
    'Mov_r64_imm64',
  ])
})
