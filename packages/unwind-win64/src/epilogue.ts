/**
 * Recorded epilogues against the forms that the system recognises in version 1:
 *
 *   add rsp, n  |  lea rsp, [frame register + n]  |  nothing      once, first
 *   pop register                                                   any number
 *   ret, rep ret, ret n, or a jump out of the function
 *
 * From each of these instructions on the system executes the rest forwards instead of undoing the prologue. What it does
 * not recognise it takes for body, which is right as long as SP has not moved: so restores by `mov` may come first, and
 * so may `mov rsp, rbp` and `leave`, which are body themselves and leave only recognised instructions behind them (the
 * one loss is that a handler may be called at that instruction). A recorded exit that does not touch SP is body in full.
 *
 * The record knows lengths but not bytes; lengths tell `add rsp, imm` (4 or 7 bytes) from `lea rsp, [rsp + n]` (5 or 8),
 * which is no form. Given the code, `recognise.ts` looks at the bytes themselves.
 */

import type { FrameEvent, Register } from '@framewright/frame-layout'
import { Win64UnwindError } from './errors.ts'

/** One epilogue, by code offsets. */
export interface EpilogueShape {
  /** Index of its `epilogue-begin`. */
  readonly event: number
  /** Where the recognised part starts: the adjustment, the first pop, or the exit. */
  readonly start: number
  /** The first pop, or the exit when there is none. */
  readonly popStart: number
  /** The exit instruction. */
  readonly terminator: number
  readonly end: number
  /** What is popped, in code order, with the length of each instruction. */
  readonly pops: readonly { readonly register: Register; readonly length: number }[]
  /** Whether it starts with SP restored from the frame register. */
  readonly restoresSp: boolean
  /** Whether SP moves in it at all. */
  readonly moves: boolean
  readonly exit: 'return' | 'tail-jump'
  /** Index of the `epilogue-end`. */
  readonly last: number
  /** The frame register there; -1: none. */
  readonly frameRegister: Register
  /** For version 3: what it undoes, one by one. */
  readonly steps?: readonly EpilogueStep[]
}

/** Something that an epilogue undoes. Distances count from the CFA downwards. */
export type EpilogueStep = { readonly start: number; readonly event: number } & (
  | { readonly kind: 'pop'; readonly register: Register }
  | { readonly kind: 'release'; readonly bytes: number }
  /** SP comes from the frame register; `from` is where it was, -1 for unknown. */
  | { readonly kind: 'restore-sp'; readonly from: number; readonly to: number }
  | { readonly kind: 'load'; readonly register: Register; readonly slot: number }
)

const UNKNOWN = -1

/** The frame at the `epilogue-begin`. Distances are UNKNOWN (-1) where they are not known. */
export interface EpilogueEntry {
  readonly frameRegister: Register
  readonly cfaFromRegister: number
  readonly cfaFromSp: number
  readonly machineFrame: boolean
}

/**
 * Checks one epilogue.
 *
 * @param begin - index of its `epilogue-begin`.
 * @throws Win64UnwindError 'epilogue-form' at the first event that the system would not see through.
 */
export function checkEpilogue(events: readonly FrameEvent[], begin: number, entry: EpilogueEntry): EpilogueShape {
  let { cfaFromSp } = entry
  let start = -1
  let popStart = -1
  let restoresSp = false
  let reached = events[begin]!.at
  const pops: { register: Register; length: number }[] = []
  const fail = (why: string, index: number): never => {
    throw new Win64UnwindError({ code: 'epilogue-form', why }, index)
  }
  for (let i = begin + 1; i < events.length; i++) {
    const event = events[i]!
    const from = event.at - event.length
    switch (event.kind) {
      case 'adjust-sp':
        if (start >= 0) fail('SP is adjusted once, before anything else', i)
        if (event.delta <= 0) fail('SP is adjusted downwards', i)
        if (event.via !== 'immediate') fail('SP is adjusted by a number that is not in the instruction', i)
        if (event.length !== 7 && (event.length !== 4 || event.delta > 127)) {
          fail(`'add rsp, ${event.delta}' does not take ${event.length} bytes`, i)
        }
        if (cfaFromSp === UNKNOWN) fail("'add rsp' where SP is known at run time only", i)
        cfaFromSp -= event.delta
        start = from
        break
      case 'restore-sp':
        if (start >= 0) fail('SP is restored from a register after it has moved', i)
        if (event.register !== entry.frameRegister)
          fail('SP is restored from a register that is not the frame register', i)
        cfaFromSp = entry.cfaFromRegister - event.offset
        restoresSp = true
        // `lea rsp, [reg + disp8 or disp32]` is a form; `mov rsp, reg` and `leave` are body, and the form starts after them.
        start = event.length === 4 || event.length === 7 ? from : event.at
        break
      case 'pop': {
        if (event.size !== 8) fail(`a pop of ${event.size} bytes`, i)
        if (cfaFromSp === UNKNOWN) fail('a pop where SP is known at run time only', i)
        // `leave` makes two events of one instruction.
        const leaves = event.at === reached && start === event.at && popStart < 0
        if (start >= 0 && !leaves && from !== reached) fail(`${from - reached} unrecorded bytes in front of a pop`, i)
        cfaFromSp -= 8
        if (leaves) break
        if (start < 0) start = from
        if (popStart < 0) popStart = from
        pops.push({ register: event.register, length: event.length })
        break
      }
      case 'restore':
        if (start >= 0) fail('a register is restored by a load after SP has moved', i)
        if (event.register === entry.frameRegister) fail('the frame register is restored by a load', i)
        break
      case 'plain':
        // The exit itself may be recorded.
        if (start >= 0 && !endsAt(events, i + 1, event.at)) fail('another instruction after SP has moved', i)
        break
      case 'epilogue-end': {
        if (cfaFromSp !== 8 && !entry.machineFrame) {
          const at = cfaFromSp === UNKNOWN ? 'at an unknown distance from' : `${cfaFromSp - 8} bytes below`
          fail(`SP is ${at} the return address at the exit`, i)
        }
        const moves = start >= 0
        if (moves && entry.machineFrame) fail("'iretq' is no exit that the system knows", i)
        const previous = events[i - 1]!
        const terminator = previous.kind === 'plain' && previous.at === event.at ? event.at - previous.length : reached
        if (moves && terminator !== reached) fail(`${terminator - reached} unrecorded bytes in front of the exit`, i)
        if (moves) checkExitLength(event.exit, event.at - terminator, i)
        return {
          event: begin,
          start: moves ? start : terminator,
          popStart: popStart >= 0 ? popStart : terminator,
          terminator,
          end: event.at,
          pops,
          restoresSp,
          moves,
          exit: event.exit,
          last: i,
          frameRegister: entry.frameRegister,
        }
      }
      case 'kept':
      case 'call-args':
        break
      case 'label':
        if (start >= 0) fail('a label after SP has moved', i)
        break
      default:
        fail(`'${event.kind}' has no place in it`, i)
    }
    if (event.kind === 'plain' && endsAt(events, i + 1, event.at)) continue
    reached = event.at
  }
  return fail('it does not end', begin)
}

/** Whether the events from `index` on reach, without another instruction, an `epilogue-end` at that offset. */
function endsAt(events: readonly FrameEvent[], index: number, at: number): boolean {
  const next = events[index]
  return next !== undefined && next.kind === 'epilogue-end' && next.at === at
}

/**
 * `C3`, `F3 C3`, `C2 iw`; `EB`, `E9`, `FF 25`, `REX.W FF /4` with its operand: each may have one `F2` in front.
 * Anything longer hides an instruction that was not recorded.
 */
function checkExitLength(exit: 'return' | 'tail-jump', length: number, index: number): void {
  const fits = exit === 'return' ? length >= 1 && length <= 4 : length >= 2 && length <= 9
  if (!fits) {
    const why = `${length} bytes are no ${exit === 'return' ? "'ret'" : 'jump'}, something was not recorded`
    throw new Win64UnwindError({ code: 'epilogue-form', why }, index)
  }
}
