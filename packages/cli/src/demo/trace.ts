// Reads what a step program wrote, and walks the stack after every single instruction.
//
// The judge is a shadow stack. When control enters a function, the registers that its convention lets nobody lose are
// noted, with the return address and the value that rsp has in the caller; the unwind data must lead back to exactly
// these, from every instruction on, through every frame that is open at that time.

import {
  type MachineState,
  RETURN_ADDRESS,
  type ReadMemory,
  RSP,
  type UnwindFormat,
  type UnwindImage,
} from '@framewright/frame-layout'
import type { CallingConvention } from '../target.ts'
import { ARENA_SHOWN, GREGS_SIZE, RESULT_SIZE, TAG_RESULT, TAG_STEP, XMM_SIZE } from './step-program.ts'

export interface Step {
  /** By register number; 32 is the program counter. */
  readonly registers: readonly bigint[]
  /** From rsp upwards. */
  readonly stack: Uint8Array
}

export interface CallTrace {
  readonly steps: readonly Step[]
  readonly integer: bigint
  readonly double: number
  readonly arena: Uint8Array
}

/** Place of each hardware register in the kernel's `gregs` (<sys/ucontext.h>: REG_R8 is 0). */
const GREG_OF = [13, 14, 12, 11, 15, 10, 9, 8, 0, 1, 2, 3, 4, 5, 6, 7]
const GREG_RIP = 16

/** One entry for each call that came to its end. */
export function readTrace(bytes: Uint8Array): CallTrace[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const calls: CallTrace[] = []
  let steps: Step[] = []
  let at = 0
  while (at + 16 <= bytes.length) {
    const tag = view.getUint32(at, true)
    const size = view.getUint32(at + 8, true)
    at += 16
    if (tag === TAG_RESULT && at + RESULT_SIZE + ARENA_SHOWN <= bytes.length) {
      calls.push({
        ...{ steps, integer: view.getBigInt64(at, true), double: view.getFloat64(at + 8, true) },
        arena: bytes.subarray(at + RESULT_SIZE, at + RESULT_SIZE + ARENA_SHOWN),
      })
      steps = []
      at += RESULT_SIZE + ARENA_SHOWN
    } else if (tag === TAG_STEP && at + GREGS_SIZE + XMM_SIZE + size <= bytes.length) {
      const registers = GREG_OF.map((place) => view.getBigUint64(at + 8 * place, true))
      for (let i = 0; i < 16; i++) {
        const low = at + GREGS_SIZE + 16 * i
        registers.push(view.getBigUint64(low, true) | (view.getBigUint64(low + 8, true) << 64n))
      }
      registers[RETURN_ADDRESS] = view.getBigUint64(at + 8 * GREG_RIP, true)
      at += GREGS_SIZE + XMM_SIZE
      steps.push({ registers, stack: bytes.subarray(at, at + size) })
      at += size
    } else break
  }
  return calls
}

/** Intel's and Microsoft's words for it: nonvolatile. rsp is the CFA's affair. */
export const preserved: Readonly<Record<CallingConvention, readonly number[]>> = {
  system_v: [3, 5, 12, 13, 14, 15],
  windows_fastcall: [3, 5, 6, 7, 12, 13, 14, 15, ...Array.from({ length: 10 }, (_, index) => 22 + index)],
}

export interface FunctionRange {
  readonly begin: bigint
  readonly end: bigint
  readonly convention: CallingConvention
}

export interface Walked {
  /** Instruction boundaries inside the functions. */
  readonly instructions: number
  readonly frames: number
  /** The most frames that were open at a time. */
  readonly depth: number
  readonly wrong: readonly string[]
}

interface Frame {
  readonly returnAddress: bigint
  readonly cfa: bigint
  readonly entry: Step
  readonly convention: CallingConvention
}

/**
 * Walks every frame at every instruction of a call.
 *
 * @param known - the registers that the format speaks of, besides rsp; all when left out.
 */
export function walkTrace(
  steps: readonly Step[],
  functions: readonly FunctionRange[],
  format: UnwindFormat,
  image: UnwindImage,
  known?: readonly number[],
): Walked {
  const open: Frame[] = []
  const wrong: string[] = []
  let instructions = 0
  let frames = 0
  let depth = 0
  // The first step is the one behind the call that the program makes.
  let before: bigint | null = null
  for (const step of steps) {
    const pc = step.registers[RETURN_ADDRESS]
    const rsp = step.registers[RSP]
    const inside = functions.find(({ begin, end }) => pc >= begin && pc < end)
    // A return leads to the return address with rsp where it was in the caller.
    while (open.length > 0 && pc === open[open.length - 1].returnAddress && rsp === open[open.length - 1].cfa)
      open.pop()
    if (inside !== undefined && pc === inside.begin && (before === null || rsp === before - 8n)) {
      const returnAddress = new DataView(step.stack.buffer, step.stack.byteOffset).getBigUint64(0, true)
      open.push({ returnAddress, cfa: rsp + 8n, entry: step, convention: inside.convention })
      depth = Math.max(depth, open.length)
    }
    before = rsp
    if (inside === undefined) continue
    instructions++
    const problem = open.length === 0 ? 'no frame is open' : walkOnce(step, open, format, image, known)
    frames += open.length
    if (problem !== null) wrong.push(problem)
  }
  return { instructions, frames, depth, wrong }
}

/** From one instruction through all open frames; the first thing that is wrong, or null. */
function walkOnce(
  step: Step,
  open: readonly Frame[],
  format: UnwindFormat,
  image: UnwindImage,
  known?: readonly number[],
): string | null {
  const memory = readerOf(step)
  let state: MachineState = { registers: step.registers }
  const place = `at 0x${step.registers[RETURN_ADDRESS].toString(16)}`
  for (let i = open.length - 1; i >= 0; i--) {
    const frame = open[i]
    try {
      state = format.unwind(state, image, memory)
    } catch (error) {
      return `${place}: ${error instanceof Error ? error.message : error}`
    }
    if (state.registers[RETURN_ADDRESS] !== frame.returnAddress) return `${place}: the return address of frame ${i}`
    if (state.registers[RSP] !== frame.cfa) return `${place}: the stack pointer of frame ${i}`
    for (const register of preserved[frame.convention]) {
      if (known !== undefined && !known.includes(register)) continue
      if (state.registers[register] !== frame.entry.registers[register])
        return `${place}: register ${register} of frame ${i}`
    }
  }
  return null
}

function readerOf({ registers, stack }: Step): ReadMemory {
  const bottom = registers[RSP]
  const view = new DataView(stack.buffer, stack.byteOffset, stack.length)
  return (address, bytes) => {
    const offset = Number(address - bottom)
    if (offset < 0 || offset + bytes > stack.length) return undefined
    if (bytes === 8) return view.getBigUint64(offset, true)
    let value = 0n
    for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(stack[offset + i])
    return value
  }
}
