/**
 * A prologue in the format's own terms, one operation for each `.seh_` directive of an assembler, and the one place that
 * chooses forms and refuses what the system would undo wrongly. Records become operations in `encode.ts`; whoever has
 * operations already (a port of an assembler, say) starts here.
 */

import type { Register } from '@framewright/frame-layout'
import {
  slotsOf,
  UWOP_ALLOC_LARGE,
  UWOP_ALLOC_SMALL,
  UWOP_PUSH_MACHFRAME,
  UWOP_PUSH_NONVOL,
  UWOP_SAVE_NONVOL,
  UWOP_SAVE_NONVOL_FAR,
  UWOP_SAVE_XMM128,
  UWOP_SAVE_XMM128_FAR,
  UWOP_SET_FPREG,
} from './constants.ts'
import { Win64UnwindError, type Win64UnwindProblem } from './errors.ts'
import type { UnwindCode } from './unwind-info.ts'

/** One thing that a prologue did. `at` is the code offset of the end of its instruction. */
export type PrologueOperation = { readonly at: number } & (
  | { readonly kind: 'push'; readonly register: Register }
  | { readonly kind: 'allocate'; readonly bytes: number }
  /** register := SP + offset. */
  | { readonly kind: 'set-frame'; readonly register: Register; readonly offset: number }
  /** Saved at that offset from SP after the fixed allocation; xmm registers are 16 to 31. */
  | { readonly kind: 'save'; readonly register: Register; readonly offset: number }
  | { readonly kind: 'machine-frame'; readonly errorCode: boolean }
)

/** The code array of a prologue and what the header says of it. */
export interface PrologueCodes {
  /** The last operation first. */
  readonly codes: UnwindCode[]
  readonly slots: number
  /** 0: none. */
  readonly frameRegister: number
  readonly frameOffset: number
}

/** What is allowed besides the documented order. */
export interface PrologueRules {
  /**
   * Pushes may follow SET_FPREG: `push rbp; mov rbp, rsp; push rbx; sub rsp, 32`. The system undoes them from SP, so they
   * are right only while SP does not move in the body.
   */
  readonly pushesAfterFrame?: boolean
  /** The record's event that each operation came from, for errors; the operation's own index when left out. */
  readonly events?: readonly number[]
}

const MAX_U32 = 0xffff_ffff

/**
 * Chooses the shortest code for every operation, in array order.
 *
 * @throws Win64UnwindError for an operation that cannot be expressed; `event` is its index (or what `rules.events` says).
 */
export function prologueCodes(
  operations: readonly PrologueOperation[],
  prologueSize: number,
  rules: PrologueRules = {},
): PrologueCodes {
  const fail = (problem: Win64UnwindProblem, index: number): never => {
    throw new Win64UnwindError(problem, rules.events?.[index] ?? index)
  }
  if (!(prologueSize >= 0 && prologueSize <= 255)) {
    throw new Win64UnwindError({ code: 'prologue-size', bytes: prologueSize, limit: 255 })
  }
  const codes: UnwindCode[] = new Array(operations.length)
  let slots = 0
  let previous = 0
  let frameRegister = 0
  let frameOffset = 0
  let hasFrame = false
  let saved = false
  for (let i = 0; i < operations.length; i++) {
    const operation = operations[i]!
    const { at } = operation
    if (!(at >= previous)) fail({ code: 'order', why: `the operation ends at ${at}, before the one in front of it` }, i)
    if (at > prologueSize) fail({ code: 'code-offset', offset: at, limit: prologueSize }, i)
    previous = at
    let code: UnwindCode
    switch (operation.kind) {
      case 'push':
        if (saved || (hasFrame && rules.pushesAfterFrame !== true)) {
          fail({ code: 'order', why: 'pushes come before the frame register is set and registers are saved' }, i)
        }
        if (!isGeneral(operation.register)) fail({ code: 'register', register: operation.register, use: 'push' }, i)
        code = { codeOffset: at, operation: UWOP_PUSH_NONVOL, info: operation.register, operand: 0 }
        break
      case 'allocate': {
        const { bytes } = operation
        if (!(bytes >= 8 && bytes <= MAX_U32) || bytes % 8 !== 0) fail({ code: 'allocation', bytes }, i)
        if (saved && !hasFrame) fail({ code: 'order', why: 'SP moves after a register was saved relative to it' }, i)
        code =
          bytes <= 128
            ? { codeOffset: at, operation: UWOP_ALLOC_SMALL, info: bytes / 8 - 1, operand: 0 }
            : bytes <= 0xffff * 8
              ? { codeOffset: at, operation: UWOP_ALLOC_LARGE, info: 0, operand: bytes / 8 }
              : { codeOffset: at, operation: UWOP_ALLOC_LARGE, info: 1, operand: bytes }
        break
      }
      case 'set-frame':
        if (hasFrame) fail({ code: 'order', why: 'there is a frame register already' }, i)
        if (saved) fail({ code: 'order', why: 'registers are saved after the frame register is set' }, i)
        // Number 0 in the header means that there is none, so rax cannot be one.
        if (!isGeneral(operation.register) || operation.register === 0) {
          fail({ code: 'register', register: operation.register, use: 'frame register' }, i)
        }
        frameOffset = operation.offset
        if (!(frameOffset >= 0 && frameOffset <= 240) || frameOffset % 16 !== 0) {
          fail({ code: 'frame-register-offset', bytes: frameOffset }, i)
        }
        hasFrame = true
        frameRegister = operation.register
        code = { codeOffset: at, operation: UWOP_SET_FPREG, info: 0, operand: 0 }
        break
      case 'save': {
        const { register, offset } = operation
        const vector = register >= 16 && register < 32
        const scale = vector ? 16 : 8
        if (!vector && !isGeneral(register)) fail({ code: 'register', register, use: 'save' }, i)
        if (!(offset >= 0 && offset <= MAX_U32) || offset % scale !== 0) {
          fail({ code: 'save-offset', aboveBase: offset, scale }, i)
        }
        saved = true
        const near = offset <= 0xffff * scale
        code = {
          codeOffset: at,
          operation: vector
            ? near
              ? UWOP_SAVE_XMM128
              : UWOP_SAVE_XMM128_FAR
            : near
              ? UWOP_SAVE_NONVOL
              : UWOP_SAVE_NONVOL_FAR,
          info: register & 15,
          operand: near ? offset / scale : offset,
        }
        break
      }
      case 'machine-frame':
        if (i !== 0) fail({ code: 'order', why: 'a machine frame comes before everything else' }, i)
        code = { codeOffset: at, operation: UWOP_PUSH_MACHFRAME, info: operation.errorCode ? 1 : 0, operand: 0 }
        break
    }
    slots += slotsOf(code.operation, code.info)
    if (slots > 255) fail({ code: 'slots', count: slots }, i)
    codes[operations.length - 1 - i] = code
  }
  return { codes, slots, frameRegister, frameOffset }
}

/** A general register that the format can name: 0 to 15, but not rsp. */
function isGeneral(register: Register): boolean {
  return Number.isInteger(register) && register >= 0 && register < 16 && register !== 4
}

/** Slots that an operation takes in versions 1 and 2. */
export function slotsOfOperation(operation: PrologueOperation): number {
  switch (operation.kind) {
    case 'push':
    case 'set-frame':
    case 'machine-frame':
      return 1
    case 'allocate':
      return operation.bytes <= 128 ? 1 : operation.bytes <= 0xffff * 8 ? 2 : 3
    case 'save':
      return operation.offset <= 0xffff * (operation.register < 16 ? 8 : 16) ? 2 : 3
  }
}
