/**
 * The walk through a record of version 3, by its specification: the system reads no instruction. In the prologue it undoes
 * what has happened, in an epilogue what has not happened yet, everywhere else the whole prologue.
 */

import { type Machine, R16 } from './machine.ts'
import { epiloguesOf3, poolIndex, type UnwindInfo3 } from './version-3.ts'
import type { UnwindOperation3 } from './version-3-operations.ts'

/** Whether the prologue has set the frame register; offsets are those of the start of instructions. */
export function frameIsSet3(info: UnwindInfo3, offset: number): boolean {
  const index = info.pool.findIndex(({ kind }, i) => i < info.offsets.length && kind === 'SET_FPREG')
  return index >= 0 && offset > info.offsets[index]!
}

/** @returns whether a canonical frame was popped, so that there is no return address. */
export function undoPrologue3(machine: Machine, info: UnwindInfo3, offset: number, establisher: bigint): boolean {
  let canonical = false
  for (let i = 0; i < info.offsets.length; i++) {
    if (offset < info.prologueSize && offset <= info.offsets[i]!) continue
    if (undo(machine, info.pool[i]!, establisher)) canonical = true
  }
  return canonical
}

/**
 * Undoes what is left of the epilogue at `offset`, if there is one.
 *
 * @returns `'left'`: the return is what remains to be done; `'to-parent'`: the epilogue goes on in the parent fragment.
 */
export function undoEpilogue3(
  machine: Machine,
  info: UnwindInfo3,
  offset: number,
  rangeSize: number,
  establisher: bigint,
): 'none' | 'left' | 'to-parent' {
  for (const { start, toParent, steps } of epiloguesOf3(info, rangeSize)) {
    const done = offset - start
    if (done < 0 || done > steps.terminator) continue
    const first = poolIndex(info.pool, steps.first)
    for (let i = 0; i < steps.offsets.length; i++) {
      // An instruction is done once the pc has passed its start.
      if (done <= steps.offsets[i]!) undo(machine, info.pool[first + i]!, establisher)
    }
    return toParent ? 'to-parent' : 'left'
  }
  return 'none'
}

function undo(machine: Machine, operation: UnwindOperation3, establisher: bigint): boolean {
  const { kind, register, second, operand } = operation
  switch (kind) {
    case 'SET_FPREG':
      machine.setSp(machine.value(register) - BigInt(operand))
      return false
    case 'ALLOC_SMALL':
    case 'ALLOC_LARGE':
    case 'ALLOC_HUGE':
      machine.addToSp(operand)
      return false
    case 'PUSH_CANONICAL_FRAME':
      machine.popMachineFrame(operand !== 0)
      return true
    case 'PUSH_NONVOL':
      machine.pop(general(register))
      return false
    case 'PUSH2':
      machine.pop(general(second))
      machine.pop(general(register))
      return false
    case 'PUSH_CONSECUTIVE_2':
      machine.pop(general(register + 1))
      machine.pop(general(register))
      return false
    case 'SAVE_NONVOL':
    case 'SAVE_NONVOL_FAR':
      machine.load(general(register), establisher + BigInt(operand))
      return false
    case 'SAVE_XMM128':
    case 'SAVE_XMM128_FAR':
      machine.load(register + 16, establisher + BigInt(operand))
      return false
  }
}

const general = (register: number): number => (register < 16 ? register : register - 16 + R16)
