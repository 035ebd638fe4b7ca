// Every row × size × operand form × register × addressing mode that we can encode, decoded by iced-x86 to what was meant.
import { type Code, type Instruction, OpKind } from 'iced-x86'
import { expect, test } from 'vitest'
import { Assembler, Base, RelocationKind } from '../src/index.ts'
import { emit, type Form, forms, isRm, type Operands } from './forms.ts'
import { general, vector, walk } from './iced.ts'

const NONE = 0 // iced's Register.None
const isVector = (operand: string): boolean => /^(x|vx|sx|xm\d+)$/.test(operand)

/** iced's number of the register that stands for an operand of the syntax. */
function register(form: Form, operand: string, field: number): number {
  if (isVector(operand)) return vector[field]!
  const width = /^rm\d+-32$/.test(operand) ? 32 : Number(/\d+$/.exec(operand)?.[0] ?? 8 << form.size)
  return general[Math.log2(width / 8)]![field]!
}

/** Compares the operands of a decoded instruction; returns what is wrong, or ''. */
function difference(form: Form, memory: boolean, o: Operands, got: Instruction): string {
  const { operands } = form
  for (let i = 0; i < operands.length; i++) {
    const operand = operands[i]!
    if (isRm(operand)) {
      if (memory) {
        const wrong = memoryDifference(o, got)
        if (wrong !== '' || got.opKind(i) !== OpKind.Memory) return `operand ${i}: ${wrong}`
      } else if (got.opRegister(i) !== register(form, operand, o.rm)) return `operand ${i}: rm`
    } else if (operand === 'v' || operand === 'vx') {
      if (got.opRegister(i) !== register(form, operand === 'v' ? 'r' : 'x', o.vvvv)) return `operand ${i}: vvvv`
    } else if (operand === 'cl') {
      if (got.opRegister(i) !== general[0]![1]) return `operand ${i}: cl`
    } else if (operand === 'xmm0') {
      // Implied: the code says it, there is no operand.
      if (got.opCount !== i) return `operand ${i}: xmm0`
    } else if (!operand.startsWith('imm')) {
      if (got.opRegister(i) !== register(form, operand, o.reg)) return `operand ${i}: reg`
    } else if (got.opKind(i) === OpKind.Register || got.opKind(i) === OpKind.Memory) return `operand ${i}: no immediate`
    else if (immediate(form, o.imm) !== BigInt.asUintN(8 << immediateSize(form), got.immediate(i))) {
      return `operand ${i}: immediate ${got.immediate(i)}`
    }
  }
  return ''
}

const immediateSize = (form: Form): number => (form.immediate === 'imm8' ? 0 : form.size)
const immediate = (form: Form, value: number): bigint => BigInt.asUintN(8 << immediateSize(form), BigInt(value | 0))

function memoryDifference(o: Operands, got: Instruction): string {
  // An index without a base is written as a base where the scale allows it; the address is the same.
  let { base, index, scaleLog2 } = o
  if (base < 0 && index >= 0 && scaleLog2 < 2) {
    base = index
    if (scaleLog2 === 0) index = -1
    scaleLog2 = 0
  }
  if (got.memoryBase !== (base < 0 ? NONE : general[3]![base])) return 'base'
  if (got.memoryIndex !== (index < 0 ? NONE : general[3]![index])) return 'index'
  if (index >= 0 && got.memoryIndexScale !== 1 << scaleLog2) return 'scale'
  if (BigInt.asIntN(64, got.memoryDisplacement) !== BigInt(o.disp)) return 'displacement'
  const shortest = base < 0 ? 4 : o.disp === 0 && (base & 7) !== 5 ? 0 : o.disp >= -128 && o.disp <= 127 ? 1 : 4
  const size = got.memoryDisplSize
  if ((size === 8 ? 4 : size) !== shortest) return `displacement of ${size} bytes`
  return ''
}

const asm = new Assembler()
let decoded = 0

/** Writes one instruction for each of the operands, then decodes all of them. */
function check(form: Form, memory: boolean, all: readonly Operands[], code: Code | undefined): string[] {
  const wrong: string[] = []
  const starts = new Int32Array(all.length + 1)
  asm.reset()
  for (let i = 0; i < all.length; i++) {
    emit(asm, form, memory, all[i]!)
    starts[i + 1] = asm.length
  }
  let at = 0
  walk(asm.bytes.subarray(0, asm.length), (got, offset) => {
    const o = all[at]!
    const problem =
      offset !== starts[at]
        ? 'length'
        : code !== undefined && got.code !== code
          ? `code ${got.code}`
          : difference(form, memory, o, got)
    if (problem !== '') wrong.push(`${form.name} size ${form.size} ${JSON.stringify(o)}: ${problem}`)
    at++
  })
  decoded += at
  if (at !== all.length) wrong.push(`${form.name} size ${form.size}: ${at} of ${all.length} instructions`)
  return wrong
}

const sixteen = Array.from({ length: 16 }, (_, i) => i)
/** An immediate without a shorter form, so that the code is the same for all; the others have a test of their own. */
const LONG = 0x12345678

function registerForms(form: Form): Operands[] {
  const result: Operands[] = []
  const vvvvs = form.hasVvvv ? sixteen : [0]
  const regs = form.hasReg ? sixteen : [0]
  // al, ax, eax and rax have opcodes of their own in these rows.
  const rms = form.shorter.includes('accumulator') ? sixteen.slice(1) : sixteen
  for (const reg of regs) {
    for (const vvvv of vvvvs) {
      for (const rm of rms) {
        result.push({ reg, vvvv, rm, base: 0, index: -1, scaleLog2: 0, disp: 0, imm: LONG })
      }
    }
  }
  return result
}

const disps = [
  [0, 0, 0],
  [1, -128, 127, -1],
  [128, -129, 0x7fffffff, -0x80000000, 0x1000],
]

/** Every base, index and scale, in every class of displacement; registers and the values of a class take turns. */
const memoryForms: readonly Operands[] = (() => {
  const result: Operands[] = []
  for (const base of [-1, ...sixteen]) {
    for (const index of [-1, ...sixteen.filter((register) => register !== 4)]) {
      for (const scaleLog2 of index < 0 ? [0] : [0, 1, 2, 3]) {
        for (const values of disps) {
          const n = result.length
          const disp = values[n % values.length]!
          result.push({ reg: n % 16, vvvv: (n * 7 + (n >> 4)) % 16, rm: 0, base, index, scaleLog2, disp, imm: LONG })
        }
      }
    }
  }
  return result
})()

const codeOf = (form: Form, memory: boolean): Code => {
  asm.reset()
  emit(asm, form, memory, { reg: 1, vvvv: 2, rm: 3, base: 3, index: -1, scaleLog2: 0, disp: 0, imm: LONG })
  let code = 0
  walk(asm.bytes.subarray(0, asm.length), (got) => {
    code = got.code
  })
  return code
}

test('registers: every row, size and combination of registers decodes to what was meant', () => {
  const wrong: string[] = []
  for (const form of forms) {
    if (form.hasRm && !form.takesRegister) continue
    wrong.push(...check(form, false, form.hasRm ? registerForms(form) : [memoryForms[0]!], codeOf(form, false)))
  }
  expect(wrong.slice(0, 20)).toEqual([])
  expect(decoded).toBeGreaterThan(900_000)
})

test('memory: every row, size, base, index, scale and displacement decodes to what was meant', () => {
  const wrong: string[] = []
  decoded = 0
  for (const form of forms) {
    if (!form.takesMemory) continue
    wrong.push(...check(form, true, memoryForms, codeOf(form, true)))
  }
  expect(wrong.slice(0, 20)).toEqual([])
  expect(decoded).toBeGreaterThan(2_600_000)
})

test('rip: every row and size reaches labels, pool and symbols, whatever immediate follows', () => {
  const wrong: string[] = []
  for (const form of forms) {
    if (!form.takesMemory) continue
    for (const imm of form.immediate ? [1, 5, LONG] : [0]) {
      for (const [base, index, disp] of [
        [Base.label, 0, 0],
        [Base.label, 1, 0x100],
        [Base.pool, 0, -8],
        [Base.symbol, 77, 24],
      ] as const) {
        const o: Operands = { reg: 9, vvvv: 11, rm: 0, base, index, scaleLog2: RelocationKind.gotpcrel, disp, imm }
        asm.reset()
        asm.bind(asm.newLabel())
        const end = asm.newLabel()
        const entry = asm.constant64(1, 2)
        emit(asm, form, true, o)
        asm.bind(end)
        asm.nop(3)
        asm.finish()
        const { relocations } = asm
        let place = base === Base.pool ? asm.poolOffset(entry) : asm.labelOffset(index === 77 ? 0 : index)
        let first = true
        walk(asm.bytes.subarray(0, asm.codeLength), (got) => {
          if (!first) return
          first = false
          const { length } = got
          if (base === Base.symbol) {
            // S + A - P is the distance from the end of the instruction to S + 24.
            place = length - disp
            if (relocations.length !== 1 || relocations.symbol[0] !== 77 || relocations.kind[0] !== 2) place = -1
            if (relocations.addend[0]! - relocations.offset[0]! !== disp - length) place = -1
          }
          const address = BigInt.asUintN(64, BigInt(place + disp))
          if (!got.isIpRelMemoryOperand || got.ipRelMemoryAddress !== address || length !== asm.codeLength - 3) {
            wrong.push(
              `${form.name} size ${form.size} base ${base} imm ${imm}: ${got.ipRelMemoryAddress}, not ${address}`,
            )
          }
        })
      }
    }
  }
  expect(wrong.slice(0, 20)).toEqual([])
})
