// The operand forms of a row, and how to ask the assembler for one: the tests' own reading of the notation in
// encoding/row.ts, apart from the packer's.
import { type EncodingRow, rowOperands, rowSizes } from '../src/encoding/row.ts'
import type { Assembler } from '../src/index.ts'
import { rows } from '../src/insts/index.ts'

export interface Form {
  readonly row: number
  readonly name: string
  readonly syntax: string
  readonly encoding: string
  readonly shorter: string
  /** 0 to 3; 3 where the row has none. */
  readonly size: number
  readonly sized: boolean
  readonly operands: readonly string[]
  readonly hasReg: boolean
  readonly hasVvvv: boolean
  readonly hasRm: boolean
  readonly takesRegister: boolean
  readonly takesMemory: boolean
  readonly immediate: '' | 'imm' | 'imm8'
}

export interface Operands {
  reg: number
  vvvv: number
  rm: number
  base: number
  index: number
  scaleLog2: number
  disp: number
  imm: number
}

const isReg = (operand: string): boolean => /^(r\d*|x)$/.test(operand)
const isVvvv = (operand: string): boolean => operand === 'v' || operand === 'vx'
export const isRm = (operand: string): boolean => /^(rm[\d-]*|xm\d+|m\d*|sx)$/.test(operand)

function formsOf(row: EncodingRow, number: number): Form[] {
  const sizes = rowSizes(row)
  const operands = rowOperands(row)
  const rm = operands.find(isRm) ?? ''
  return (sizes.length === 0 ? [3] : sizes).map((size) => ({
    row: number,
    name: row[0],
    syntax: row[1],
    encoding: row[2],
    shorter: row[4] ?? '',
    size,
    sized: sizes.length > 0,
    operands,
    hasReg: operands.some(isReg),
    hasVvvv: operands.some(isVvvv),
    hasRm: rm !== '',
    takesRegister: rm !== '' && !/^m\d*$/.test(rm),
    takesMemory: rm !== '' && rm !== 'sx',
    immediate: operands.includes('imm') ? 'imm' : operands.includes('imm8') ? 'imm8' : '',
  }))
}

/** Every row at every size it has. */
export const forms: readonly Form[] = rows.flatMap(formsOf)

/** Writes one instruction of a form, with the method that its shape of operands calls for. */
export function emit(asm: Assembler, form: Form, memory: boolean, o: Operands): void {
  const { row, size, hasReg, hasVvvv, immediate } = form
  if (!form.hasRm) asm.op(row, size)
  else if (memory) {
    const { base, index, scaleLog2, disp } = o
    if (hasReg && hasVvvv) {
      if (immediate) asm.vvmi(row, size, o.reg, o.vvvv, base, index, scaleLog2, disp, o.imm)
      else asm.vvm(row, size, o.reg, o.vvvv, base, index, scaleLog2, disp)
    } else if (hasReg || hasVvvv) {
      const reg = hasReg ? o.reg : o.vvvv
      if (immediate) asm.rmi(row, size, reg, base, index, scaleLog2, disp, o.imm)
      else asm.rm(row, size, reg, base, index, scaleLog2, disp)
    } else if (immediate) asm.mi(row, size, base, index, scaleLog2, disp, o.imm)
    else asm.m(row, size, base, index, scaleLog2, disp)
  } else if (hasReg && hasVvvv) {
    if (immediate) asm.vvvi(row, size, o.reg, o.vvvv, o.rm, o.imm)
    else asm.vvv(row, size, o.reg, o.vvvv, o.rm)
  } else if (hasReg || hasVvvv) {
    const reg = hasReg ? o.reg : o.vvvv
    if (immediate) asm.rri(row, size, reg, o.rm, o.imm)
    else asm.rr(row, size, reg, o.rm)
  } else if (immediate) asm.ri(row, size, o.rm, o.imm)
  else asm.r(row, size, o.rm)
}

/** The number of a vector register as the assembler also takes it, 16 to 31; general registers as they are. */
export const bits = (size: number): number => 8 << size
