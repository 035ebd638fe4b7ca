/**
 * Version 3 in its own terms: what prologue and epilogues do, one operation for each `.seh_` directive, to a record. Here
 * forms are chosen and the pool is shared: an epilogue that undoes a run of the prologue's operations in their order, or
 * what another epilogue undoes, names those.
 */

import { UNW_FLAG_LARGE } from './constants.ts'
import { Win64UnwindError, type Win64UnwindProblem } from './errors.ts'
import type { RuntimeFunction } from './unwind-info.ts'
import type { EpilogueDescriptor, UnwindInfo3 } from './version-3.ts'
import { operation3Size, RSP_NONE, type UnwindOperation3 } from './version-3-operations.ts'

/**
 * One thing that a prologue did or an epilogue undoes. `start` is the offset of the first byte of its instruction.
 * Registers are hardware numbers, 0 to 31; vector registers 0 to 15.
 */
export type WindingOperation = { readonly start: number } & (
  | { readonly kind: 'push'; readonly register: number }
  /** `register` ends up at the higher address. */
  | { readonly kind: 'push2'; readonly register: number; readonly second: number }
  | { readonly kind: 'allocate'; readonly bytes: number }
  /** register = rsp + offset. */
  | { readonly kind: 'set-frame'; readonly register: number; readonly offset: number }
  | { readonly kind: 'save'; readonly register: number; readonly offset: number }
  | { readonly kind: 'save-vector'; readonly register: number; readonly offset: number }
  /** What the processor or the system pushed; the types are the system's affair (1: with an error code). */
  | { readonly kind: 'canonical-frame'; readonly type: number }
)

/** An epilogue. Offsets count from the start of the range, like those of the prologue. */
export interface WindingEpilogue {
  readonly start: number
  /** The return or jump. */
  readonly terminator: number
  /** It goes on in the parent fragment. */
  readonly toParent?: boolean
  /** In the order of its instructions; not empty. */
  readonly operations: readonly WindingOperation[]
}

/** A range of code. */
export interface Winding {
  readonly rangeSize: number
  readonly prologueSize: number
  /** In the order of the instructions. */
  readonly operations: readonly WindingOperation[]
  readonly epilogues: readonly WindingEpilogue[]
  /** UNW_FLAG_ bits; LARGE is added where it is needed. */
  readonly flags?: number
  readonly parent?: RuntimeFunction | null
}

const MAX_U32 = 0xffff_ffff

/**
 * Chooses the shortest form of everything.
 *
 * @throws Win64UnwindError for an operation that cannot be expressed; `event` is its index in `operations` of the prologue,
 *   -1 for those of epilogues.
 */
export function unwindInfo3(winding: Winding): UnwindInfo3 {
  const { operations, prologueSize, rangeSize } = winding
  let previous = 0
  let frame: { register: number; offset: number } | null = null
  for (let i = 0; i < operations.length; i++) {
    const operation = operations[i]!
    const { start } = operation
    if (!(start >= previous)) fail({ code: 'order', why: `the operation at ${start} stands behind a later one` }, i)
    if (start > prologueSize) fail({ code: 'code-offset', offset: start, limit: prologueSize }, i)
    previous = start
    if (operation.kind === 'set-frame') {
      if (frame !== null) fail({ code: 'order', why: 'there is a frame register already' }, i)
      frame = operation
    }
  }
  const pool = new Pool()
  for (let i = operations.length - 1; i >= 0; i--) pool.add(operation3(operations[i]!, i))
  const large = prologueSize > 0xff
  return {
    version: 3,
    flags: (winding.flags ?? 0) | (large ? UNW_FLAG_LARGE : 0),
    prologueSize,
    offsets: operations.map(({ start }) => start).reverse(),
    epilogues: descriptorsOf(winding.epilogues, rangeSize, pool),
    pool: pool.operations,
    frameRegister: frame?.register ?? RSP_NONE,
    frameOffset: frame?.offset ?? 0,
    handler: 0,
    parent: winding.parent ?? null,
  }
}

/** Counted from the end of the range, the last epilogue first, as LLVM writes them; from the start where that is too far. */
function descriptorsOf(epilogues: readonly WindingEpilogue[], rangeSize: number, pool: Pool): EpilogueDescriptor[] {
  if (epilogues.length === 0) return []
  const ordered = [...epilogues].sort((a, b) => b.start - a.start)
  const fromEnd = rangeSize - ordered[0]!.start <= 0x8000
  if (!fromEnd) ordered.reverse()
  const descriptors: EpilogueDescriptor[] = []
  let last = fromEnd ? rangeSize : 0
  let before: WindingEpilogue | null = null
  for (const epilogue of ordered) {
    const { start, terminator, toParent = false, operations } = epilogue
    const offset = start - last
    last = start
    const repeats = before !== null && sameSteps(epilogue, before)
    before = epilogue
    const large = terminator - start > 0xff
    const steps = repeats
      ? null
      : {
          first: pool.place(operations.map((operation) => operation3(operation, -1))),
          terminator: terminator - start,
          offsets: operations.map((operation) => operation.start - start),
        }
    descriptors.push({ toParent, large, offset, steps })
  }
  return descriptors
}

function sameSteps(a: WindingEpilogue, b: WindingEpilogue): boolean {
  if (a.terminator - a.start !== b.terminator - b.start || (a.toParent ?? false) !== (b.toParent ?? false)) return false
  if (a.operations.length !== b.operations.length) return false
  return a.operations.every((operation, i) => {
    const other = b.operations[i]!
    return operation.start - a.start === other.start - b.start && same(operation3(operation, -1), operation3(other, -1))
  })
}

/** The operations of a record. Runs that are there already are not written again. */
class Pool {
  readonly operations: UnwindOperation3[] = []

  add(operation: UnwindOperation3): void {
    this.operations.push(operation)
  }

  /** Byte index of a run of operations, added where it is not there yet. */
  place(run: readonly UnwindOperation3[]): number {
    const { operations } = this
    let at = 0
    for (let i = 0; i < operations.length; i++) {
      // A run may begin with the last operations that are there and go on behind them.
      const overlap = Math.min(run.length, operations.length - i)
      let matches = true
      for (let k = 0; k < overlap && matches; k++) matches = same(operations[i + k]!, run[k]!)
      if (matches) {
        operations.push(...run.slice(overlap))
        return at
      }
      at += operation3Size(operations[i]!)
    }
    operations.push(...run)
    return at
  }
}

function same(a: UnwindOperation3, b: UnwindOperation3): boolean {
  return a.kind === b.kind && a.register === b.register && a.second === b.second && a.operand === b.operand
}

/** @throws Win64UnwindError for what has no form. Registers and offsets are checked again where they are written. */
function operation3(operation: WindingOperation, index: number): UnwindOperation3 {
  switch (operation.kind) {
    case 'push':
      generalOnly(operation.register, 'push', index)
      return { kind: 'PUSH_NONVOL', register: operation.register, second: 0, operand: 0 }
    case 'push2': {
      const { register, second } = operation
      generalOnly(register, 'push', index)
      generalOnly(second, 'push', index)
      return second === register + 1
        ? { kind: 'PUSH_CONSECUTIVE_2', register, second: 0, operand: 0 }
        : { kind: 'PUSH2', register, second, operand: 0 }
    }
    case 'allocate': {
      const { bytes } = operation
      if (!(bytes >= 8 && bytes <= MAX_U32) || bytes % 8 !== 0) fail({ code: 'allocation', bytes }, index)
      const kind = bytes <= 128 ? 'ALLOC_SMALL' : bytes <= 0xffff * 8 ? 'ALLOC_LARGE' : 'ALLOC_HUGE'
      return { kind, register: 0, second: 0, operand: bytes }
    }
    case 'set-frame': {
      const { register, offset } = operation
      if (!(register > 0 && register < 16) || register === 4) {
        fail({ code: 'register', register, use: 'frame register' }, index)
      }
      if (!(offset >= 0 && offset <= 240) || offset % 16 !== 0) {
        fail({ code: 'frame-register-offset', bytes: offset }, index)
      }
      return { kind: 'SET_FPREG', register, second: 0, operand: offset }
    }
    case 'save': {
      const { register, offset } = operation
      generalOnly(register, 'save', index)
      slotOffset(offset, 8, index)
      return { kind: offset <= 0xffff * 8 ? 'SAVE_NONVOL' : 'SAVE_NONVOL_FAR', register, second: 0, operand: offset }
    }
    case 'save-vector': {
      const { register, offset } = operation
      if (!(register >= 0 && register < 16)) fail({ code: 'register', register: register + 16, use: 'save' }, index)
      slotOffset(offset, 16, index)
      return { kind: offset <= 0xffff * 16 ? 'SAVE_XMM128' : 'SAVE_XMM128_FAR', register, second: 0, operand: offset }
    }
    case 'canonical-frame':
      if (!(operation.type >= 0 && operation.type <= 255)) {
        fail({ code: 'inexpressible', what: 'canonical-frame', why: 'its type does not fit into a byte' }, index)
      }
      return { kind: 'PUSH_CANONICAL_FRAME', register: 0, second: 0, operand: operation.type }
  }
}

function generalOnly(register: number, use: 'push' | 'save', index: number): void {
  if (!(Number.isInteger(register) && register >= 0 && register < 32) || register === 4) {
    fail({ code: 'register', register, use }, index)
  }
}

function slotOffset(offset: number, scale: 8 | 16, index: number): void {
  if (!(offset >= 0 && offset <= MAX_U32) || offset % scale !== 0) {
    fail({ code: 'save-offset', aboveBase: offset, scale }, index)
  }
}

function fail(problem: Win64UnwindProblem, event: number): never {
  throw new Win64UnwindError(problem, event)
}
