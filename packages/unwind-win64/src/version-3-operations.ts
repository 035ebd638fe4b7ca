/**
 * Operations of version 3: from 1 to 5 bytes, told apart by the low bits of the first. Registers have five bits, so r16 to
 * r31 can be named; vector registers have four.
 */

import { Win64UnwindError, type Win64UnwindProblem } from './errors.ts'

/** Names of the preview, without prefix. */
export type OperationKind3 =
  | 'SET_FPREG'
  | 'ALLOC_HUGE'
  | 'ALLOC_LARGE'
  | 'ALLOC_SMALL'
  | 'PUSH_CANONICAL_FRAME'
  | 'PUSH_NONVOL'
  | 'SAVE_NONVOL_FAR'
  | 'SAVE_NONVOL'
  | 'PUSH_CONSECUTIVE_2'
  | 'SAVE_XMM128_FAR'
  | 'SAVE_XMM128'
  | 'PUSH2'

/** One operation of the pool. */
export interface UnwindOperation3 {
  readonly kind: OperationKind3
  /** Hardware number: 0 to 31, of a vector register 0 to 15; 0 where there is none. */
  readonly register: number
  /** PUSH2: the register at the lower address. */
  readonly second: number
  /** Bytes: size of an allocation, offset of a save or of the frame register; the type of a canonical frame. */
  readonly operand: number
}

/** "No frame register", as in versions 1 and 2. */
export const RSP_NONE = 0

/** Bytes that an operation takes. */
export function operation3Size({ kind }: UnwindOperation3): number {
  switch (kind) {
    case 'ALLOC_SMALL':
    case 'PUSH_NONVOL':
    case 'PUSH_CONSECUTIVE_2':
      return 1
    case 'SET_FPREG':
    case 'PUSH_CANONICAL_FRAME':
    case 'PUSH2':
      return 2
    case 'ALLOC_LARGE':
    case 'SAVE_NONVOL':
    case 'SAVE_XMM128':
      return 3
    case 'ALLOC_HUGE':
    case 'SAVE_NONVOL_FAR':
    case 'SAVE_XMM128_FAR':
      return 5
  }
}

const MAX_U32 = 0xffff_ffff

/**
 * Writes an operation.
 *
 * @returns the offset behind it.
 * @throws Win64UnwindError where a number does not fit.
 */
export function writeOperation3(bytes: Uint8Array, at: number, operation: UnwindOperation3): number {
  const { kind, register, second, operand } = operation
  switch (kind) {
    case 'SET_FPREG':
      if (!(operand >= 0 && operand <= 240) || operand % 16 !== 0)
        fail({ code: 'frame-register-offset', bytes: operand })
      if (!(register > 0 && register < 16)) fail({ code: 'register', register, use: 'frame register' })
      bytes[at] = 0
      bytes[at + 1] = register | operand
      break
    case 'ALLOC_HUGE':
      if (!(operand >= 8 && operand <= MAX_U32) || operand % 8 !== 0) fail({ code: 'allocation', bytes: operand })
      bytes[at] = 1
      write(bytes, at + 1, 4, operand)
      break
    case 'ALLOC_LARGE':
      if (!(operand >= 8 && operand <= 0xffff * 8) || operand % 8 !== 0) fail({ code: 'allocation', bytes: operand })
      bytes[at] = 2
      write(bytes, at + 1, 2, operand / 8)
      break
    case 'ALLOC_SMALL':
      if (!(operand >= 8 && operand <= 128) || operand % 8 !== 0) fail({ code: 'allocation', bytes: operand })
      bytes[at] = ((operand / 8 - 1) << 4) | 8
      break
    case 'PUSH_CANONICAL_FRAME':
      bytes[at] = 3
      bytes[at + 1] = operand
      break
    case 'PUSH_NONVOL':
      bytes[at] = (general(register, 'push') << 3) | 4
      break
    case 'SAVE_NONVOL_FAR':
      saveOffset(operand, 8, MAX_U32)
      bytes[at] = (general(register, 'save') << 3) | 5
      write(bytes, at + 1, 4, operand)
      break
    case 'SAVE_NONVOL':
      saveOffset(operand, 8, 0xffff * 8)
      bytes[at] = (general(register, 'save') << 3) | 6
      write(bytes, at + 1, 2, operand / 8)
      break
    case 'PUSH_CONSECUTIVE_2':
      general(register + 1, 'push')
      bytes[at] = (general(register, 'push') << 3) | 7
      break
    case 'SAVE_XMM128_FAR':
      saveOffset(operand, 16, MAX_U32)
      bytes[at] = (vector(register) << 4) | 9
      write(bytes, at + 1, 4, operand)
      break
    case 'SAVE_XMM128':
      saveOffset(operand, 16, 0xffff * 16)
      bytes[at] = (vector(register) << 4) | 10
      write(bytes, at + 1, 2, operand / 16)
      break
    case 'PUSH2':
      bytes[at] = ((general(register, 'push') & 3) << 6) | 0x20
      bytes[at + 1] = (register >> 2) | (general(second, 'push') << 3)
      break
  }
  return at + operation3Size(operation)
}

/**
 * Reads the operation at `at`.
 *
 * @throws Win64UnwindError for one that nobody defined, or that does not end before `end`.
 */
export function decodeOperation3(
  bytes: Uint8Array,
  at: number,
  end: number,
): { readonly operation: UnwindOperation3; readonly next: number } {
  const byte = bytes[at]!
  const kind = kindOf(byte)
  if (kind === null) fail({ code: 'bad-operation', at, operation: byte & 15, info: byte >> 4 })
  const size = operation3Size({ kind, register: 0, second: 0, operand: 0 })
  if (at + size > end) fail({ code: 'truncated', at, needed: size, what: 'an operation' })
  const number = size === 3 ? read(bytes, at + 1, 2) : size === 5 ? read(bytes, at + 1, 4) : 0
  let register = 0
  let second = 0
  let operand = number
  switch (kind) {
    case 'SET_FPREG':
      register = bytes[at + 1]! & 15
      operand = bytes[at + 1]! & 0xf0
      if (register === 0) fail({ code: 'register', register, use: 'frame register' })
      break
    case 'ALLOC_LARGE':
      operand = number * 8
      break
    case 'ALLOC_SMALL':
      operand = (byte >> 4) * 8 + 8
      break
    case 'ALLOC_HUGE':
      break
    case 'PUSH_CANONICAL_FRAME':
      operand = bytes[at + 1]!
      break
    case 'PUSH_NONVOL':
    case 'SAVE_NONVOL_FAR':
      register = byte >> 3
      break
    case 'SAVE_NONVOL':
      register = byte >> 3
      operand = number * 8
      break
    case 'PUSH_CONSECUTIVE_2':
      register = byte >> 3
      if (register === 31) fail({ code: 'register', register: 32, use: 'push' })
      break
    case 'SAVE_XMM128_FAR':
      register = byte >> 4
      break
    case 'SAVE_XMM128':
      register = byte >> 4
      operand = number * 16
      break
    case 'PUSH2':
      register = (byte >> 6) | ((bytes[at + 1]! & 7) << 2)
      second = bytes[at + 1]! >> 3
      break
  }
  return { operation: { kind, register, second, operand }, next: at + size }
}

function kindOf(byte: number): OperationKind3 | null {
  switch (byte & 7) {
    case 4:
      return 'PUSH_NONVOL'
    case 5:
      return 'SAVE_NONVOL_FAR'
    case 6:
      return 'SAVE_NONVOL'
    case 7:
      return 'PUSH_CONSECUTIVE_2'
  }
  switch (byte & 15) {
    case 8:
      return 'ALLOC_SMALL'
    case 9:
      return 'SAVE_XMM128_FAR'
    case 10:
      return 'SAVE_XMM128'
  }
  if ((byte & 0x3f) === 0x20) return 'PUSH2'
  switch (byte) {
    case 0:
      return 'SET_FPREG'
    case 1:
      return 'ALLOC_HUGE'
    case 2:
      return 'ALLOC_LARGE'
    case 3:
      return 'PUSH_CANONICAL_FRAME'
    default:
      return null
  }
}

function general(register: number, use: 'push' | 'save'): number {
  if (!(register >= 0 && register < 32) || register === 4) fail({ code: 'register', register, use })
  return register
}

function vector(register: number): number {
  if (!(register >= 0 && register < 16)) fail({ code: 'register', register: register + 16, use: 'save' })
  return register
}

function saveOffset(bytes: number, scale: 8 | 16, limit: number): void {
  if (!(bytes >= 0 && bytes <= limit) || bytes % scale !== 0) fail({ code: 'save-offset', aboveBase: bytes, scale })
}

function write(bytes: Uint8Array, at: number, size: number, value: number): void {
  for (let i = 0; i < size; i++) bytes[at + i] = value >>> (8 * i)
}

function read(bytes: Uint8Array, at: number, size: number): number {
  let value = 0
  for (let i = 0; i < size; i++) value |= bytes[at + i]! << (8 * i)
  return value >>> 0
}

function fail(problem: Win64UnwindProblem): never {
  throw new Win64UnwindError(problem)
}
