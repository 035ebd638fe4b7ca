/**
 * What a record says, as a frame record: the way back from bytes to rows. Epilogues are not in version 1's bytes; version 2
 * says where they are and version 3 what they do.
 */

import { type FrameRecord, FrameRecorder, RSP, type UnwindRow, unwindRows } from '@framewright/frame-layout'
import {
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
import { Win64UnwindError } from './errors.ts'
import type { AnyUnwindInfo } from './image.ts'
import { operandBytes } from './unwind-info.ts'
import type { UnwindInfo3 } from './version-3.ts'

/** A record, and whether all that it describes was done before the range in question began. */
export interface RangedInfo {
  readonly info: AnyUnwindInfo
  readonly done: boolean
}

/** An operation in the one form that both layouts are brought to. `at`: it is true from here on. */
type Step = { readonly at: number } & (
  | { readonly kind: 'push'; readonly register: number }
  | { readonly kind: 'push2'; readonly register: number; readonly second: number }
  | { readonly kind: 'allocate'; readonly bytes: number }
  | { readonly kind: 'set-frame'; readonly register: number; readonly offset: number }
  | { readonly kind: 'save'; readonly register: number; readonly offset: number }
  | { readonly kind: 'machine-frame'; readonly errorCode: boolean }
)

/**
 * The prologue that a chain of records describes.
 *
 * @param chain - the record of the function's first range first, each child after its parent.
 * @param codeSize - of the range.
 * @throws Win64UnwindError where it cannot be said, such as r16 to r31.
 */
export function recordOf(chain: readonly RangedInfo[], codeSize: number): FrameRecord {
  const recorder = new FrameRecorder()
  // Save offsets count from the bottom of the allocation: SP when all allocations are done, or the frame register.
  let framed = false
  let frameOffset = 0
  // An allocation at the offset of SET_FPREG is pretended (two instructions cannot end at one offset): SP has not moved,
  // the register was set that much lower than the header says.
  let pretended = 0
  // What is pushed after SET_FPREG is popped from where SP is then, whatever else has moved SP (a realignment does, and no
  // operation says so): each such slot lies at a distance from SP, which every later operation makes larger.
  const belowFrame: { readonly register: number; offset: number }[] = []
  const lower = (at: number, bytes: number): void => {
    for (const slot of belowFrame) {
      slot.offset += bytes
      recorder.savedAt(at, 0, slot.register, RSP, slot.offset)
    }
  }
  const push = (at: number, register: number): void => {
    recorder.push(at, 0, register, !framed)
    lower(at, 8)
    if (!framed) return
    belowFrame.push({ register, offset: 0 })
    recorder.savedAt(at, 0, register, RSP, 0)
  }
  let prologueEnd = 0
  let last = 0
  for (const { info, done } of chain) {
    prologueEnd = done ? 0 : info.prologueSize
    const steps = info.version === 3 ? stepsOf3(info, done) : stepsOf(info, done)
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i]!
      const { at } = step
      last = at
      switch (step.kind) {
        case 'push':
          push(at, step.register)
          break
        case 'push2':
          push(at, step.register)
          push(at, step.second)
          break
        case 'allocate': {
          const next = steps[i + 1]
          if (next !== undefined && next.kind === 'set-frame' && next.at === at) pretended = step.bytes
          else {
            recorder.adjustSp(at, 0, -step.bytes)
            lower(at, step.bytes)
          }
          break
        }
        case 'set-frame':
          recorder.setFrameRegister(at, 0, step.register === 0 ? RSP : step.register, step.offset - pretended)
          framed = true
          frameOffset = step.offset
          break
        case 'save':
          recorder.save(at, 0, step.register, framed ? 'frame' : 'sp', framed ? step.offset - frameOffset : step.offset)
          break
        case 'machine-frame':
          recorder.machineFrame(step.errorCode)
          break
      }
    }
  }
  // Some assemblers write prologue size 0 when they are not told where it ends.
  recorder.prologueEnd(Math.max(prologueEnd, last))
  return recorder.finish({ codeSize: Math.max(codeSize, prologueEnd, last) })
}

/** In the order of the prologue. */
function stepsOf(info: Exclude<AnyUnwindInfo, UnwindInfo3>, done: boolean): Step[] {
  const steps: Step[] = []
  for (let i = info.codes.length - 1; i >= 0; i--) {
    const code = info.codes[i]!
    const at = done ? 0 : code.codeOffset
    const bytes = operandBytes(code)
    switch (code.operation) {
      case UWOP_PUSH_NONVOL:
        steps.push({ at, kind: 'push', register: code.info })
        break
      case UWOP_ALLOC_LARGE:
      case UWOP_ALLOC_SMALL:
        steps.push({ at, kind: 'allocate', bytes })
        break
      case UWOP_SET_FPREG:
        steps.push({ at, kind: 'set-frame', register: info.frameRegister, offset: info.frameOffset })
        break
      case UWOP_SAVE_NONVOL:
      case UWOP_SAVE_NONVOL_FAR:
        steps.push({ at, kind: 'save', register: code.info, offset: bytes })
        break
      case UWOP_SAVE_XMM128:
      case UWOP_SAVE_XMM128_FAR:
        steps.push({ at, kind: 'save', register: code.info + 16, offset: bytes })
        break
      case UWOP_PUSH_MACHFRAME:
        steps.push({ at, kind: 'machine-frame', errorCode: code.info !== 0 })
        break
    }
  }
  return steps
}

/**
 * Version 3 has the start of instructions, not their end; an operation is true from the next byte on, which is the same at
 * every instruction's start.
 */
function stepsOf3(info: UnwindInfo3, done: boolean): Step[] {
  const steps: Step[] = []
  for (let i = info.offsets.length - 1; i >= 0; i--) {
    const { kind, register, second, operand } = info.pool[i]!
    const at = done || info.prologueSize === 0 ? 0 : info.offsets[i]! + 1
    switch (kind) {
      case 'PUSH_NONVOL':
        steps.push({ at, kind: 'push', register: known(register, 'push') })
        break
      case 'PUSH2':
        steps.push({ at, kind: 'push2', register: known(register, 'push'), second: known(second, 'push') })
        break
      case 'PUSH_CONSECUTIVE_2':
        steps.push({ at, kind: 'push2', register: known(register, 'push'), second: known(register + 1, 'push') })
        break
      case 'ALLOC_SMALL':
      case 'ALLOC_LARGE':
      case 'ALLOC_HUGE':
        steps.push({ at, kind: 'allocate', bytes: operand })
        break
      case 'SET_FPREG':
        steps.push({ at, kind: 'set-frame', register, offset: operand })
        break
      case 'SAVE_NONVOL':
      case 'SAVE_NONVOL_FAR':
        steps.push({ at, kind: 'save', register: known(register, 'save'), offset: operand })
        break
      case 'SAVE_XMM128':
      case 'SAVE_XMM128_FAR':
        steps.push({ at, kind: 'save', register: register + 16, offset: operand })
        break
      case 'PUSH_CANONICAL_FRAME':
        steps.push({ at, kind: 'machine-frame', errorCode: operand !== 0 })
        break
    }
  }
  return steps
}

/** Rows of x86-64 know r0 to r15. */
function known(register: number, use: 'push' | 'save'): number {
  if (register >= 16) throw new Win64UnwindError({ code: 'register', register, use })
  return register
}

/** The rows of a chain of records; see {@link recordOf}. */
export function rowsOf(chain: readonly RangedInfo[], codeSize: number): UnwindRow[] {
  return unwindRows(recordOf(chain, codeSize))
}
