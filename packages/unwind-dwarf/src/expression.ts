/**
 * DWARF expressions, as far as call-frame information may use them (DWARF 5, 2.5 and 6.4.2): evaluated, and in words.
 *
 * The stack holds numbers of an address's size. Evaluation stops with an error after a number of steps, for an expression may loop.
 */

import { type AddressBytes, conventionsOf, type DwarfArchitecture, type DwarfRegister } from './architecture.ts'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { DW_OP_breg0, DW_OP_bregx, DW_OP_consts, DW_OP_deref, DW_OP_plus, DW_OP_plus_uconst } from './constants.ts'
import { DwarfUnwindError } from './errors.ts'
import { dwarfX64, registerName } from './registers.ts'

/** What an expression may ask for while it is evaluated. */
export interface ExpressionContext {
  /** @throws where the register's value is not known. */
  readonly register: (register: DwarfRegister) => bigint
  /** Reads that many bytes, little-endian, zero-extended. @throws where nothing can be read. */
  readonly memory: (address: bigint, bytes: number) => bigint
  /** 8 when left out. */
  readonly addressBytes?: AddressBytes
}

/** What follows an opcode. */
type Operands =
  | 'address'
  | ''
  | 'u8'
  | 's8'
  | 'u16'
  | 's16'
  | 'u32'
  | 's32'
  | 'u64'
  | 's64'
  | 'uleb'
  | 'sleb'
  | 'uleb sleb'

/** Those with one opcode each; `lit`, `reg` and `breg` stand for 32. DWARF 5, 7.7.1, table 7.9. */
// biome-ignore format: one row to an operation
const table: readonly (readonly [number, string, Operands])[] = [
  [0x03, 'addr', 'address'],
  [0x06, 'deref', ''],
  [0x08, 'const1u', 'u8'],
  [0x09, 'const1s', 's8'],
  [0x0a, 'const2u', 'u16'],
  [0x0b, 'const2s', 's16'],
  [0x0c, 'const4u', 'u32'],
  [0x0d, 'const4s', 's32'],
  [0x0e, 'const8u', 'u64'],
  [0x0f, 'const8s', 's64'],
  [0x10, 'constu', 'uleb'],
  [0x11, 'consts', 'sleb'],
  [0x12, 'dup', ''],
  [0x13, 'drop', ''],
  [0x14, 'over', ''],
  [0x15, 'pick', 'u8'],
  [0x16, 'swap', ''],
  [0x17, 'rot', ''],
  [0x19, 'abs', ''],
  [0x1a, 'and', ''],
  [0x1b, 'div', ''],
  [0x1c, 'minus', ''],
  [0x1d, 'mod', ''],
  [0x1e, 'mul', ''],
  [0x1f, 'neg', ''],
  [0x20, 'not', ''],
  [0x21, 'or', ''],
  [0x22, 'plus', ''],
  [0x23, 'plus_uconst', 'uleb'],
  [0x24, 'shl', ''],
  [0x25, 'shr', ''],
  [0x26, 'shra', ''],
  [0x27, 'xor', ''],
  [0x28, 'bra', 's16'],
  [0x29, 'eq', ''],
  [0x2a, 'ge', ''],
  [0x2b, 'gt', ''],
  [0x2c, 'le', ''],
  [0x2d, 'lt', ''],
  [0x2e, 'ne', ''],
  [0x2f, 'skip', 's16'],
  [0x90, 'regx', 'uleb'],
  [0x92, 'bregx', 'uleb sleb'],
  [0x94, 'deref_size', 'u8'],
  [0x96, 'nop', ''],
]

const rows: ReadonlyMap<number, readonly [string, Operands]> = new Map([
  ...table.map(([opcode, name, operands]) => [opcode, [name, operands]] as const),
  ...each32((i) => [0x30 + i, [`lit${i}`, '']]),
  ...each32((i) => [0x50 + i, [`reg${i}`, '']]),
  ...each32((i) => [0x70 + i, [`breg${i}`, 'sleb']]),
])

function each32(row: (i: number) => [number, readonly [string, Operands]]): [number, readonly [string, Operands]][] {
  return Array.from({ length: 32 }, (_, i) => row(i))
}

/** One operation of an expression. */
export interface ExpressionOperation {
  /** Bytes from the start of the expression. */
  readonly offset: number
  readonly length: number
  readonly opcode: number
  /** Without its prefix: `breg7`. */
  readonly name: string
  readonly operands: readonly bigint[]
}

/** @throws DwarfUnwindError for opcodes that are none, or that call-frame information may not use. */
export function decodeExpression(expression: Uint8Array, addressBytes: AddressBytes = 8): ExpressionOperation[] {
  const operations: ExpressionOperation[] = []
  for (let offset = 0; offset < expression.length; ) {
    const operation = operationAt(expression, offset, addressBytes)
    operations.push(operation)
    offset += operation.length
  }
  return operations
}

function operationAt(expression: Uint8Array, offset: number, addressBytes: AddressBytes): ExpressionOperation {
  const reader = new ByteReader(expression, offset)
  const opcode = reader.u8('expression')
  const row = rows.get(opcode)
  if (row === undefined) fail(`0x${opcode.toString(16)} is no operation of a call-frame expression`, offset)
  const [name, kinds] = row
  let operands: bigint[]
  try {
    operands =
      kinds === ''
        ? []
        : kinds.split(' ').map((kind) => operand(reader, kind === 'address' ? `u${8 * addressBytes}` : kind))
  } catch (error) {
    // The reader's place is one of a section.
    if (error instanceof DwarfUnwindError) throw new DwarfUnwindError(error.problem, { in: 'expression', offset })
    throw error
  }
  return { offset, length: reader.position - offset, opcode, name, operands }
}

function operand(reader: ByteReader, kind: string): bigint {
  switch (kind) {
    case 'u8':
      return BigInt(reader.u8(kind))
    case 's8':
      return BigInt.asIntN(8, BigInt(reader.u8(kind)))
    case 'u16':
      return BigInt(reader.u16(kind))
    case 's16':
      return BigInt.asIntN(16, BigInt(reader.u16(kind)))
    case 'u32':
      return BigInt(reader.u32(kind))
    case 's32':
      return BigInt(reader.u32(kind) | 0)
    case 'u64':
      return reader.u64(kind)
    case 's64':
      return BigInt.asIntN(64, reader.u64(kind))
    case 'uleb':
      return reader.leb64(kind, false)
    default:
      return BigInt.asIntN(64, reader.leb64(kind, true))
  }
}

function fail(why: string, offset: number): never {
  throw new DwarfUnwindError({ code: 'malformed', why }, { in: 'expression', offset })
}

/** libgcc's stack has 64 places; nobody's expression needs more. */
const STACK_LIMIT = 64
const STEP_LIMIT = 10_000
const signed64 = (value: bigint): bigint => BigInt.asIntN(64, value)

/**
 * Evaluates an expression.
 *
 * @param initial - what lies on the stack at first: the CFA for rules of registers, nothing for the CFA's own.
 * @returns the topmost number, unsigned.
 * @throws DwarfUnwindError for malformed expressions and for those that do not come to an end.
 */
export function evaluateExpression(
  expression: Uint8Array,
  context: ExpressionContext,
  initial: readonly bigint[] = [],
): bigint {
  const { addressBytes = 8 } = context
  const bits = 8 * addressBytes
  const signed = (value: bigint): bigint => BigInt.asIntN(bits, value)
  const stack = [...initial]
  let offset = 0
  const pop = (): bigint => stack.pop() ?? fail('the stack is empty', offset)
  const pick = (depth: number): bigint => stack[stack.length - 1 - depth] ?? fail('the stack is too low', offset)
  const compare = (operation: (a: bigint, b: bigint) => boolean): void => {
    const b = signed(pop())
    push(operation(signed(pop()), b) ? 1n : 0n)
  }
  const push = (value: bigint): void => {
    if (stack.length === STACK_LIMIT) fail(`the stack grows past ${STACK_LIMIT}`, offset)
    stack.push(BigInt.asUintN(bits, value))
  }

  for (let steps = 0; offset < expression.length; steps++) {
    if (steps === STEP_LIMIT) {
      throw new DwarfUnwindError({ code: 'too-large', what: 'steps', limit: STEP_LIMIT }, { in: 'expression', offset })
    }
    const { opcode, name, operands, length } = operationAt(expression, offset, addressBytes)
    const [first = 0n, second = 0n] = operands
    let next = offset + length
    if (opcode >= 0x30 && opcode < 0x50) {
      push(BigInt(opcode - 0x30))
    } else if (opcode >= 0x50 && opcode < 0x70) {
      push(context.register(opcode - 0x50))
    } else if (opcode >= 0x70 && opcode < 0x90) {
      push(context.register(opcode - 0x70) + first)
    } else {
      switch (name) {
        case 'addr':
        case 'const1u':
        case 'const1s':
        case 'const2u':
        case 'const2s':
        case 'const4u':
        case 'const4s':
        case 'const8u':
        case 'const8s':
        case 'constu':
        case 'consts':
          push(first)
          break
        case 'regx':
        case 'bregx':
          push(context.register(Number(first)) + second)
          break
        case 'deref':
          push(context.memory(pop(), addressBytes))
          break
        case 'deref_size': {
          const bytes = Number(first)
          const isSize = bytes === 1 || bytes === 2 || bytes === 4 || bytes === 8
          if (!isSize || bytes > addressBytes) fail(`deref_size of ${bytes} bytes`, offset)
          push(context.memory(pop(), bytes))
          break
        }
        case 'dup':
          push(pick(0))
          break
        case 'drop':
          pop()
          break
        case 'over':
          push(pick(1))
          break
        case 'pick':
          push(pick(Number(first)))
          break
        case 'swap': {
          const top = pop()
          const below = pop()
          push(top)
          push(below)
          break
        }
        case 'rot': {
          // The topmost becomes the third.
          const top = pop()
          const below = pop()
          const third = pop()
          push(top)
          push(third)
          push(below)
          break
        }
        case 'abs': {
          const value = signed(pop())
          push(value < 0n ? -value : value)
          break
        }
        case 'neg':
          push(-pop())
          break
        case 'not':
          push(~pop())
          break
        case 'plus_uconst':
          push(pop() + first)
          break
        case 'and':
          push(pop() & pop())
          break
        case 'or':
          push(pop() | pop())
          break
        case 'xor':
          push(pop() ^ pop())
          break
        case 'plus':
          push(pop() + pop())
          break
        case 'mul':
          push(pop() * pop())
          break
        case 'minus': {
          const value = pop()
          push(pop() - value)
          break
        }
        case 'div': {
          const divisor = signed(pop())
          if (divisor === 0n) fail('division by zero', offset)
          push(signed(pop()) / divisor)
          break
        }
        case 'mod': {
          const divisor = pop()
          if (divisor === 0n) fail('division by zero', offset)
          push(pop() % divisor)
          break
        }
        case 'shl': {
          const count = pop()
          const value = pop()
          push(count >= bits ? 0n : value << count)
          break
        }
        case 'shr': {
          const count = pop()
          const value = pop()
          push(count >= bits ? 0n : value >> count)
          break
        }
        case 'shra': {
          const count = pop()
          const value = signed(pop())
          push(value >> (count >= bits ? BigInt(bits - 1) : count))
          break
        }
        case 'eq':
          compare((a, b) => a === b)
          break
        case 'ge':
          compare((a, b) => a >= b)
          break
        case 'gt':
          compare((a, b) => a > b)
          break
        case 'le':
          compare((a, b) => a <= b)
          break
        case 'lt':
          compare((a, b) => a < b)
          break
        case 'ne':
          compare((a, b) => a !== b)
          break
        case 'skip':
          next += Number(first)
          break
        case 'bra':
          if (pop() !== 0n) next += Number(first)
          break
      }
    }
    if (next < 0 || next > expression.length) fail('a branch leads out of the expression', offset)
    offset = next
  }
  return stack.at(-1) ?? fail('nothing is left on the stack', expression.length)
}

/** The operations in words: `rsp+160; deref`. Bytes that are no expression are given as they are. */
export function printExpression(expression: Uint8Array, architecture: DwarfArchitecture = dwarfX64): string {
  let operations: ExpressionOperation[]
  try {
    operations = decodeExpression(expression, conventionsOf(architecture).addressBytes)
  } catch {
    return Array.from(expression, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
  }
  const words = operations.map(({ opcode, name, operands: [first = 0n, second = 0n] }) => {
    const nameOf = (register: number): string => registerName(register, architecture)
    if (opcode >= 0x50 && opcode < 0x70) return nameOf(opcode - 0x50)
    if (opcode >= 0x70 && opcode < 0x90) return plus(nameOf(opcode - 0x70), first)
    if (name === 'regx') return nameOf(Number(first))
    if (name === 'bregx') return plus(nameOf(Number(first)), second)
    if (name === 'bra' || name === 'skip') return `${name} ${first}`
    return rows.get(opcode)?.[1] === '' ? name : `${name} ${first}`
  })
  return words.join('; ')
}

function plus(name: string, offset: bigint): string {
  if (offset === 0n) return name
  return offset < 0n ? `${name}${offset}` : `${name}+${offset}`
}

/** Operations of an expression that is short enough to be one of a few; undefined for long ones and those that are none. */
function fewOperations(expression: Uint8Array): ExpressionOperation[] | undefined {
  if (expression.length > 32) return undefined
  try {
    return decodeExpression(expression)
  } catch {
    return undefined
  }
}

/** What operations add to the topmost number, where that is all they do. */
function constantOf(operations: readonly ExpressionOperation[]): number | undefined {
  const [first, second] = operations
  if (first === undefined) return 0
  let value: bigint
  if (operations.length === 1) {
    if (first.name !== 'plus_uconst') return undefined
    value = first.operands[0]!
  } else {
    if (operations.length > 2) return undefined
    const constant =
      first.opcode >= 0x30 && first.opcode < 0x50
        ? BigInt(first.opcode - 0x30)
        : /^const/.test(first.name)
          ? first.operands[0]!
          : undefined
    if (constant === undefined || (second!.name !== 'plus' && second!.name !== 'minus')) return undefined
    value = second!.name === 'plus' ? constant : -constant
  }
  value = signed64(value)
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : undefined
}

/** The constant that an expression adds to what lies on the stack, and nothing else; undefined for other expressions. */
export function addedConstant(expression: Uint8Array): number | undefined {
  const operations = fewOperations(expression)
  return operations === undefined || operations.length === 0 ? undefined : constantOf(operations)
}

/** The register and offset of an expression that says nothing more than that; undefined for other expressions. */
export function registerPlusOffset(expression: Uint8Array): { register: DwarfRegister; offset: number } | undefined {
  const operations = fewOperations(expression)
  return operations?.length === 1 ? basedOf(operations[0]!) : undefined
}

/** The register, offset and addend of an expression for "the word at register + offset, plus add"; undefined for others. */
export function wordAtRegister(
  expression: Uint8Array,
): { register: DwarfRegister; offset: number; add: number } | undefined {
  const [first, second, ...rest] = fewOperations(expression) ?? []
  if (first === undefined || second?.name !== 'deref') return undefined
  const place = basedOf(first)
  const add = constantOf(rest)
  return place === undefined || add === undefined ? undefined : { ...place, add }
}

function basedOf(operation: ExpressionOperation): { register: DwarfRegister; offset: number } | undefined {
  const isBreg = operation.opcode >= 0x70 && operation.opcode < 0x90
  if (!isBreg && operation.name !== 'bregx') return undefined
  const register = isBreg ? operation.opcode - 0x70 : Number(operation.operands[0])
  const offset = Number(operation.operands[isBreg ? 0 : 1])
  return Number.isSafeInteger(offset) ? { register, offset } : undefined
}

/** The expression for register + offset. */
export function registerBytes(register: DwarfRegister, offset: number): Uint8Array {
  const out = new ByteWriter()
  writeBased(out, register, offset)
  return out.slice()
}

/** The expression for the word at register + offset, plus `add`. */
export function registerWordBytes(register: DwarfRegister, offset: number, add: number): Uint8Array {
  const out = new ByteWriter()
  writeBased(out, register, offset)
  out.u8(DW_OP_deref)
  if (add > 0) {
    out.u8(DW_OP_plus_uconst)
    out.uleb(add)
  } else if (add < 0) {
    out.u8(DW_OP_consts)
    out.sleb(add)
    out.u8(DW_OP_plus)
  }
  return out.slice()
}

function writeBased(out: ByteWriter, register: DwarfRegister, offset: number): void {
  out.u8(register < 32 ? DW_OP_breg0 + register : DW_OP_bregx)
  if (register >= 32) out.uleb(register)
  out.sleb(offset)
}
