// Operands as people write them: register names, numbers, objects for memory. Read into one shape, and checked.

import { AsmError } from '../errors.ts'
import { Base, generalNames, Register, registerName } from '../registers.ts'

/** Memory, or the target of a branch. */
export interface Memory {
  /** A register of 64 bits. */
  readonly base?: string
  /** A register of 64 bits, not rsp. */
  readonly index?: string
  readonly scale?: 1 | 2 | 4 | 8
  /** Displacement in bytes; added to a label, a constant or a symbol too. */
  readonly offset?: number
  /** Width in bits, where the registers of the instruction leave it open. */
  readonly size?: 8 | 16 | 32 | 64 | 128
  /** Instead of registers: a label of the assembler, relative to rip. */
  readonly label?: number
  /** Instead of registers: an entry of the pool. */
  readonly constant?: number
  /** Instead of registers: the caller's number of a symbol. */
  readonly symbol?: number
  /** How the symbol is to be filled in: a `RelocationKind`, pc32 if absent. */
  readonly relocation?: number
}

/** A register by name (`'eax'`, `'r8b'`, `'xmm3'`), an immediate, or memory. */
export type Operand = string | number | bigint | Memory

export interface RegisterOperand {
  readonly kind: 'register'
  /** 0 to 3 for a general register, 4 for a vector register. */
  readonly size: number
  /** 0 to 15. */
  readonly number: number
}

export interface ImmediateOperand {
  readonly kind: 'immediate'
  readonly value: bigint
}

export interface MemoryOperand {
  readonly kind: 'memory'
  /** In bits; 0 where it is left open. */
  readonly width: number
  readonly base: number
  readonly index: number
  readonly scaleLog2: number
  readonly disp: number
}

export type CheckedOperand = RegisterOperand | ImmediateOperand | MemoryOperand

const VECTOR = 4
const registers: ReadonlyMap<string, RegisterOperand> = /* @__PURE__ */ new Map(
  [0, 1, 2, 3, VECTOR].flatMap((size) =>
    Array.from({ length: 16 }, (_, number): [string, RegisterOperand] => [
      size === VECTOR ? registerName(Register.xmm0 + number) : generalNames[size]![number]!,
      { kind: 'register', size, number },
    ]),
  ),
)

/** @throws AsmError for a register that does not exist or an address that cannot be encoded. */
export function readOperand(operand: Operand, at: number): CheckedOperand {
  if (typeof operand === 'bigint') return { kind: 'immediate', value: operand }
  if (typeof operand === 'number') {
    if (!Number.isInteger(operand)) throw new AsmError({ code: 'immediate-fraction', value: operand }, at)
    return { kind: 'immediate', value: BigInt(operand) }
  }
  return typeof operand === 'string' ? readRegister(operand, at) : readMemory(operand, at)
}

function readRegister(name: string, at: number): RegisterOperand {
  const register = registers.get(name)
  if (register === undefined) throw new AsmError({ code: 'unknown-register', name }, at)
  return register
}

function readMemory(memory: Memory, at: number): MemoryOperand {
  const fail = (reason: string): never => {
    throw new AsmError({ code: 'invalid-memory', reason }, at)
  }
  const { offset = 0, size = 0, scale = 1, relocation = 0 } = memory
  if ((offset | 0) !== offset) fail(`has the displacement ${offset}, which is not one of 32 bits`)
  const places = [memory.label, memory.constant, memory.symbol]
  const relative = places.findIndex((place) => place !== undefined)
  if (relative >= 0) {
    const others = places.filter((place) => place !== undefined).length > 1 || memory.base !== undefined
    if (others || memory.index !== undefined) fail('is relative to rip and has another part')
    const base = [Base.label, Base.pool, Base.symbol][relative]!
    return { kind: 'memory', width: size, base, index: places[relative]!, scaleLog2: relocation, disp: offset }
  }
  const scaleLog2 = [1, 2, 4, 8].indexOf(scale)
  if (scaleLog2 < 0) fail(`has the scale ${scale}`)
  let base = part(memory.base, 'base')
  let index = part(memory.index, 'index')
  if (index === Register.rsp) {
    if (scaleLog2 !== 0 || base === Register.rsp) fail('has rsp as its index')
    ;[base, index] = [index, base]
  }
  return { kind: 'memory', width: size, base, index, scaleLog2, disp: offset }

  function part(name: string | undefined, what: string): number {
    if (name === undefined) return Base.none
    const register = readRegister(name, at)
    if (register.size !== 3) fail(`has ${name} as its ${what}, which is not a register of 64 bits`)
    return register.number
  }
}

/** An operand as the error messages print it. */
export function printOperand(operand: Operand): string {
  if (typeof operand !== 'object') return String(operand)
  const { base, index, scale = 1, offset = 0, size, label, constant, symbol } = operand
  const parts = [base, index === undefined ? undefined : scale === 1 ? index : `${index}*${scale}`]
  if (label !== undefined) parts.push(`label ${label}`)
  if (constant !== undefined) parts.push(`constant ${constant}`)
  if (symbol !== undefined) parts.push(`symbol ${symbol}`)
  if (offset !== 0) parts.push(String(offset))
  return `${size === undefined ? '' : `${size} bits `}[${parts.filter((text) => text !== undefined).join(' + ')}]`
}
