import { describe, expect, test } from 'vitest'
import { AsmError, type AsmProblem, Assembler, Base, BranchForm, Inst, Register, Size } from '../src/index.ts'

/** The problem that `write` and `finish` meet, and where. */
function problem(write: (asm: Assembler) => void): AsmProblem & { offset: number } {
  const asm = new Assembler()
  try {
    write(asm)
    asm.finish()
  } catch (error) {
    expect(error).toBeInstanceOf(AsmError)
    const { problem, offset, message } = error as AsmError
    expect(message).toContain(`offset ${offset}`)
    return { ...problem, offset }
  }
  throw new Error('nothing was wrong')
}

describe('a label without a place is an error', () => {
  test.each<[string, (asm: Assembler, label: number) => void, number]>([
    ['of a jump', (asm, label) => asm.jmp(label), 1],
    ['of a condition', (asm, label) => asm.jcc(3, label), 1],
    ['of a call', (asm, label) => asm.call(label), 2],
    ['of an address', (asm, label) => asm.leaLabel(Register.rax, label), 4],
    ['of a table', (asm, label) => void asm.jumpTable([label]), 1],
  ])('%s', (_, write, offset) => {
    expect(
      problem((asm) => {
        asm.nop()
        asm.newLabel()
        write(asm, asm.newLabel())
      }),
    ).toEqual({ code: 'label-unbound', label: 1, offset })
  })

  test('but not one that nothing uses', () => {
    const asm = new Assembler()
    asm.newLabel()
    asm.ret()
    expect(asm.finish()).toBe(1)
  })
})

test('a label has one place, and must exist', () => {
  const twice = problem((asm) => {
    const label = asm.newLabel()
    asm.bind(label)
    asm.nop(3)
    asm.bind(label)
  })
  expect(twice).toEqual({ code: 'label-bound-twice', label: 0, offset: 3 })
  expect(problem((asm) => asm.bind(0))).toEqual({ code: 'label-unknown', label: 0, offset: 0 })
})

test('a label or a constant of another program is an error', () => {
  for (const label of [-1, 0, 7]) {
    expect(problem((asm) => asm.jmp(label))).toEqual({ code: 'label-unknown', label, offset: 0 })
    expect(problem((asm) => asm.leaLabel(Register.rax, label))).toEqual({ code: 'label-unknown', label, offset: 3 })
    expect(problem((asm) => void asm.jumpTable([label]))).toEqual({ code: 'label-unknown', label, offset: 0 })
    expect(problem((asm) => asm.leaPool(0, label))).toEqual({ code: 'constant-unknown', entry: label, offset: 3 })
  }
  // The columns still hold the labels of the program before.
  const asm = new Assembler()
  asm.bind(asm.newLabel())
  asm.ret()
  asm.finish()
  asm.reset()
  asm.jmp(0)
  expect(() => asm.finish()).toThrow(AsmError)
})

test('a branch that was to be short must reach', () => {
  const far = (form: number, distance: number): ReturnType<typeof problem> | number => {
    const write = (asm: Assembler): void => {
      const label = asm.newLabel()
      asm.jcc(4, label, form)
      asm.nop(distance)
      asm.bind(label)
    }
    return problem(write)
  }
  expect(far(BranchForm.short, 128)).toEqual({ code: 'short-branch-range', displacement: 128, offset: 0 })
  expect(() => far(BranchForm.short, 127)).toThrow('nothing was wrong')
  expect(
    problem((asm) => {
      const label = asm.newLabel()
      asm.bind(label)
      asm.nop(127)
      asm.jmp(label, BranchForm.short)
    }),
  ).toEqual({ code: 'short-branch-range', displacement: -129, offset: 127 })
})

test('a displacement must fit in 32 bits', () => {
  const out = problem((asm) => {
    const label = asm.newLabel()
    asm.bind(label)
    asm.rmLabel(Inst.Lea_r_m, Size.bits64, Register.rax, label, -0x80000000)
  })
  expect(out).toEqual({ code: 'displacement-range', displacement: -0x80000000 - 7, offset: 3 })
  const pool = problem((asm) => {
    asm.nop(100)
    asm.rm(Inst.Mov_r_rm, Size.bits64, Register.rax, Base.pool, asm.constant64(1, 0), 0, 0x7fffffff)
  })
  expect(pool.code).toBe('displacement-range')
})

test.each([0, 3, -8, 512, 1.5])('an alignment to %d is an error', (alignment) => {
  expect(problem((asm) => asm.align(alignment))).toEqual({ code: 'alignment', alignment, offset: 0 })
})
