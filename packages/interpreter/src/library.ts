// What functions may call that no function of the module defines: the routines that CLIF knows by name, and the embedder's.

import { LIBCALL_SYMBOLS, type Libcall, Opcode, Type } from '@framewright/ir'
import { Evaluator } from '@framewright/ir/evaluate'
import type { Memory } from './memory.ts'

/** Bit patterns in, bit patterns out, one for each parameter and result; what it throws passes through the interpreter. */
export type HostFunction = (args: readonly bigint[], memory: Memory) => readonly bigint[]

const evaluator = /* @__PURE__ */ new Evaluator()

/** Rounding, and fused multiply-add, of floats: an opcode each. */
function rounding(opcode: number, type: Type): HostFunction {
  return (args) => {
    const count = type === Type.F64 ? 2 : 1
    const words = new Int32Array(4 * count)
    args.forEach((value, i) => {
      words[i * count] = Number(BigInt.asIntN(32, value))
      if (count === 2) words[i * count + 1] = Number(BigInt.asIntN(32, value >> 32n))
    })
    evaluator.evaluate(opcode, type, type, 0, words, 0, count, 2 * count, 3 * count, 0)
    const low = BigInt(words[3 * count] >>> 0)
    return [count === 2 ? low | (BigInt(words[3 * count + 1] >>> 0) << 32n) : low]
  }
}

/** A memory routine failed: the access that it made is out of bounds. */
export class LibraryFault extends Error {
  override readonly name = 'LibraryFault'
}

function bytes(memory: Memory, address: bigint, size: bigint, write: boolean): Uint8Array {
  const found = memory.slice(Number(address), Number(size), write)
  if (found === null) throw new LibraryFault(`${size} bytes at 0x${address.toString(16)}`)
  return found
}

const routines: Partial<Record<Libcall, HostFunction>> = {
  CeilF32: rounding(Opcode.Ceil, Type.F32),
  CeilF64: rounding(Opcode.Ceil, Type.F64),
  FloorF32: rounding(Opcode.Floor, Type.F32),
  FloorF64: rounding(Opcode.Floor, Type.F64),
  TruncF32: rounding(Opcode.Trunc, Type.F32),
  TruncF64: rounding(Opcode.Trunc, Type.F64),
  NearestF32: rounding(Opcode.Nearest, Type.F32),
  NearestF64: rounding(Opcode.Nearest, Type.F64),
  FmaF32: rounding(Opcode.Fma, Type.F32),
  FmaF64: rounding(Opcode.Fma, Type.F64),
  Memcpy: copy,
  Memmove: copy,
  Memset: ([to, value, size], memory) => {
    bytes(memory, to, size, true).fill(Number(value & 0xffn))
    return [to]
  },
  Memcmp: ([a, b, size], memory) => {
    const left = bytes(memory, a, size, false)
    const right = bytes(memory, b, size, false)
    const at = left.findIndex((byte, i) => byte !== right[i])
    return [at < 0 ? 0n : BigInt.asUintN(32, BigInt(left[at] - right[at]))]
  },
}

function copy([to, from, size]: readonly bigint[], memory: Memory): readonly bigint[] {
  const source = bytes(memory, from, size, false).slice()
  bytes(memory, to, size, true).set(source)
  return [to]
}

/** By the name that text has for it (`%CeilF32`) and by its symbol (`%ceilf`). */
export const LIBRARY: ReadonlyMap<string, HostFunction> = new Map(
  Object.entries(routines).flatMap(([name, routine]): [string, HostFunction][] => [
    [`%${name}`, routine],
    [`%${LIBCALL_SYMBOLS[name as Libcall]}`, routine],
  ]),
)
