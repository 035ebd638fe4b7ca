// Loads, stores and atomics: what lies between a value's words and the bytes of memory.

import {
  AtomicRmwOp,
  isVector,
  laneBits,
  MemFlags,
  memFlagsTrapCode,
  Opcode,
  TrapCode,
  Type,
  typeBits,
} from '@framewright/ir'
import { type Evaluator, wordCount } from '@framewright/ir/evaluate'
import { type Memory, readWords, writeWords } from './memory.ts'
import type { Stack } from './stack.ts'

const Op = Opcode

/** Where an access finds its operands and leaves its result, all in `words`. */
export interface AccessPlace {
  words: Int32Array
  a: number
  b: number
  c: number
  out: number
  /** Free words, at least 64. */
  scratch: number
  /** The lowest address of the stack that is in use. */
  sp: number
}

/** A load or store. */
interface Access {
  readonly store: boolean
  /** In memory; 0: as many as the value has. */
  readonly bytes: number
  /** What makes the result of what was loaded, and the type that was; 0: nothing. */
  readonly extend: number
  readonly type: Type
  /** From lanes to lanes of twice the width. */
  readonly widens: boolean
}

const whole = (store: boolean): Access => ({ store, bytes: 0, extend: 0, type: Type.Invalid, widens: false })
const truncating = (bytes: number): Access => ({ ...whole(true), bytes })
const extending = (bytes: number, extend: number, type: Type): Access => ({ ...whole(false), bytes, extend, type })
const widening = (extend: number, type: Type): Access => ({ store: false, bytes: 8, extend, type, widens: true })

const ACCESSES: Readonly<Record<number, Access>> = {
  [Op.Load]: whole(false),
  [Op.Store]: whole(true),
  [Op.AtomicLoad]: whole(false),
  [Op.AtomicStore]: whole(true),
  [Op.Istore8]: truncating(1),
  [Op.Istore16]: truncating(2),
  [Op.Istore32]: truncating(4),
  [Op.Uload8]: extending(1, Op.Uextend, Type.I8),
  [Op.Sload8]: extending(1, Op.Sextend, Type.I8),
  [Op.Uload16]: extending(2, Op.Uextend, Type.I16),
  [Op.Sload16]: extending(2, Op.Sextend, Type.I16),
  [Op.Uload32]: extending(4, Op.Uextend, Type.I32),
  [Op.Sload32]: extending(4, Op.Sextend, Type.I32),
  [Op.Uload8x8]: widening(Op.UwidenLow, Type.I8X16),
  [Op.Sload8x8]: widening(Op.SwidenLow, Type.I8X16),
  [Op.Uload16x4]: widening(Op.UwidenLow, Type.I16X8),
  [Op.Sload16x4]: widening(Op.SwidenLow, Type.I16X8),
  [Op.Uload32x2]: widening(Op.UwidenLow, Type.I32X4),
  [Op.Sload32x2]: widening(Op.SwidenLow, Type.I32X4),
}

/** By opcode; null for what is no access. */
const ACCESS: readonly (Access | null)[] = Array.from({ length: 256 }, (_, opcode) => ACCESSES[opcode] ?? null)

/** What an `atomic_rmw` computes, by its number; 0: the operand itself. */
const RMW: Readonly<Record<number, number>> = {
  [AtomicRmwOp.Add]: Op.Iadd,
  [AtomicRmwOp.Sub]: Op.Isub,
  [AtomicRmwOp.And]: Op.Band,
  [AtomicRmwOp.Nand]: Op.Band,
  [AtomicRmwOp.Or]: Op.Bor,
  [AtomicRmwOp.Xor]: Op.Bxor,
  [AtomicRmwOp.Xchg]: 0,
  [AtomicRmwOp.Umin]: Op.Umin,
  [AtomicRmwOp.Umax]: Op.Umax,
  [AtomicRmwOp.Smin]: Op.Smin,
  [AtomicRmwOp.Smax]: Op.Smax,
}

/** Which operand is the address; -1 for opcodes that access nothing. */
export function pointerOperand(opcode: number): number {
  const access = ACCESS[opcode]
  if (access !== null) return access.store ? 1 : 0
  return opcode === Op.AtomicRmw || opcode === Op.AtomicCas ? 0 : -1
}

/** The address that a pointer and an offset make; -1 when it lies where no memory is. */
export function addressOf(words: Int32Array, at: number, pointer: Type, offset: number): number {
  const sum = (words[at] >>> 0) + offset
  if (typeBits(pointer) === 32) return sum >>> 0
  // Wraps at 64 bits: a carry out of the low half must meet its opposite in the high one.
  const carry = Math.floor(sum / 0x1_0000_0000)
  return ((words[at + 1] + carry) | 0) === 0 ? sum - carry * 0x1_0000_0000 : -1
}

/** Executes one access at a time. */
export class Accesses {
  readonly #memory: Memory
  readonly #stack: Stack
  readonly #evaluator: Evaluator

  constructor(memory: Memory, stack: Stack, evaluator: Evaluator) {
    this.#memory = memory
    this.#stack = stack
    this.#evaluator = evaluator
  }

  /**
   * Executes an opcode that has a pointer operand.
   *
   * @param type - of what is loaded or stored.
   * @param imm - the offset, or the operation of `atomic_rmw`.
   * @returns 0, or the trap code of an access that fails.
   */
  execute(opcode: number, type: Type, pointer: Type, imm: number, flags: number, place: AccessPlace): number {
    const { words } = place
    const access = ACCESS[opcode]
    const bits = typeBits(type)
    const size = access === null || access.bytes === 0 ? bits >> 3 : access.bytes
    const isStore = access === null || access.store
    const address = addressOf(words, access?.store === true ? place.b : place.a, pointer, access === null ? 0 : imm)
    const bytes = this.#bytes(address, size, flags, isStore, place.sp)
    if (bytes === null) return memFlagsTrapCode(flags) || TrapCode.HeapOutOfBounds
    const big = (flags & MemFlags.Big) !== 0
    if (access === null) this.#atomic(opcode, type, imm, big, bytes, place)
    else if (access.store) writeLanes(words, place.a, type, size, big, bytes)
    else if (access.extend === 0) readLanes(bytes, type, size, big, words, place.out)
    else {
      // Loaded as the narrow type, then extended or widened.
      const { scratch } = place
      words.fill(0, scratch, scratch + 4)
      readLanes(bytes, access.type, size, big, words, scratch)
      const to = access.widens ? access.type : type
      this.#evaluator.evaluate(access.extend, to, access.type, 0, words, scratch, 0, 0, place.out, 0)
    }
    return 0
  }

  /** The bytes of an access; null when it fails. */
  #bytes(address: number, size: number, flags: number, write: boolean, sp: number): Uint8Array | null {
    if (address < 0) return null
    if ((flags & MemFlags.Aligned) !== 0 && address % Math.min(size, 16) !== 0) return null
    if (address >= this.#stack.base && address < sp) return null
    return this.#memory.slice(address, size, write)
  }

  #atomic(opcode: number, type: Type, operation: number, big: boolean, bytes: Uint8Array, place: AccessPlace): void {
    const { words } = place
    const size = typeBits(type) >> 3
    const count = wordCount(type)
    const old = place.scratch
    const next = old + count
    readWords(bytes, 0, size, big, words, old)
    if (opcode === Op.AtomicCas) {
      let equal = true
      for (let i = 0; i < count; i++) equal &&= words[old + i] === words[place.b + i]
      if (equal) writeWords(words, place.c, size, big, bytes, 0)
    } else {
      const computed = RMW[operation]
      if (computed === 0) words.copyWithin(next, place.b, place.b + count)
      else this.#evaluator.evaluate(computed, type, type, 0, words, old, place.b, 0, next, 0)
      if (operation === AtomicRmwOp.Nand) {
        this.#evaluator.evaluate(Op.Bnot, type, type, 0, words, next, 0, 0, next, 0)
      }
      writeWords(words, next, size, big, bytes, 0)
    }
    words.copyWithin(place.out, old, old + count)
  }
}

/** The lanes of a vector are stored one by one, each in the byte order asked for. */
function readLanes(bytes: Uint8Array, type: Type, size: number, big: boolean, words: Int32Array, out: number): void {
  if (big && isVector(type)) {
    const lane = laneBits(type) >> 3
    const swapped = bytes.slice()
    for (let at = 0; at < size; at += lane) swapped.subarray(at, at + lane).reverse()
    readWords(swapped, 0, size, false, words, out)
  } else readWords(bytes, 0, size, big, words, out)
}

function writeLanes(words: Int32Array, from: number, type: Type, size: number, big: boolean, bytes: Uint8Array): void {
  writeWords(words, from, size, big && !isVector(type), bytes, 0)
  if (!big || !isVector(type)) return
  const lane = laneBits(type) >> 3
  for (let at = 0; at < size; at += lane) bytes.subarray(at, at + lane).reverse()
}
