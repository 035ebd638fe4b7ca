/**
 * Recorded epilogues for version 3, which says of each what it undoes and reads no instruction: any order and any form of
 * instructions will do, as long as SP ends at the return address.
 */

import type { FrameEvent } from '@framewright/frame-layout'
import type { EpilogueEntry, EpilogueShape, EpilogueStep } from './epilogue.ts'
import { Win64UnwindError } from './errors.ts'
import type { PrologueShape } from './prologue-shape.ts'
import type { WindingOperation } from './version-3-build.ts'

/**
 * Follows one epilogue.
 *
 * @param begin - index of its `epilogue-begin`.
 * @throws Win64UnwindError 'epilogue-form' at an event that there is no operation for.
 */
export function followEpilogue(events: readonly FrameEvent[], begin: number, entry: EpilogueEntry): EpilogueShape {
  let { cfaFromSp } = entry
  let moves = false
  const steps: EpilogueStep[] = []
  const fail = (why: string, index: number): never => {
    throw new Win64UnwindError({ code: 'epilogue-form', why }, index)
  }
  for (let i = begin + 1; i < events.length; i++) {
    const event = events[i]!
    const start = event.at - event.length
    switch (event.kind) {
      case 'adjust-sp':
        if (event.delta <= 0) fail('SP is adjusted downwards', i)
        if (cfaFromSp < 0) fail('SP is adjusted where it is known at run time only', i)
        cfaFromSp -= event.delta
        moves = true
        steps.push({ start, event: i, kind: 'release', bytes: event.delta })
        break
      case 'restore-sp': {
        if (event.register !== entry.frameRegister)
          fail('SP is restored from a register that is not the frame register', i)
        const to = entry.cfaFromRegister - event.offset
        steps.push({ start, event: i, kind: 'restore-sp', from: cfaFromSp, to })
        cfaFromSp = to
        moves = true
        break
      }
      case 'pop':
        if (event.size !== 8) fail(`a pop of ${event.size} bytes`, i)
        if (cfaFromSp < 0) fail('a pop where SP is known at run time only', i)
        cfaFromSp -= 8
        moves = true
        steps.push(
          event.restores
            ? { start, event: i, kind: 'pop', register: event.register }
            : { start, event: i, kind: 'release', bytes: 8 },
        )
        break
      case 'restore': {
        if (event.register === entry.frameRegister) fail('the frame register is restored by a load', i)
        // Offsets of saves count from where SP was in the body.
        if (moves) fail('a register is restored by a load after SP has moved', i)
        if (event.base === 'sp' && cfaFromSp < 0) fail('a load relative to SP where it is known at run time only', i)
        const slot = (event.base === 'sp' ? cfaFromSp : entry.cfaFromRegister) - event.offset
        steps.push({ start, event: i, kind: 'load', register: event.register, slot })
        break
      }
      case 'epilogue-end': {
        if (cfaFromSp !== 8 && !entry.machineFrame) fail('SP is not at the return address at the exit', i)
        const previous = events[i - 1]!
        const recorded = previous.kind === 'plain' && previous.at === event.at
        const reached = events.findLast(({ length, at }, k) => k < i && length > 0 && at < event.at)?.at ?? 0
        const terminator = recorded ? event.at - previous.length : Math.max(reached, events[begin]!.at)
        return {
          event: begin,
          start: steps[0]?.start ?? terminator,
          popStart: terminator,
          terminator,
          end: event.at,
          pops: [],
          restoresSp: false,
          moves,
          exit: event.exit,
          last: i,
          frameRegister: entry.frameRegister,
          steps,
        }
      }
      case 'plain':
      case 'kept':
      case 'call-args':
        break
      case 'label':
        if (moves) fail('a label after SP has moved', i)
        break
      default:
        fail(`'${event.kind}' has no place in it`, i)
    }
  }
  return fail('it does not end', begin)
}

/** The steps of an epilogue as operations, once the base that saves count from is known. */
export function windEpilogue(epilogue: EpilogueShape, prologue: PrologueShape): WindingOperation[] {
  const operations: WindingOperation[] = []
  for (const step of epilogue.steps ?? []) {
    const { start } = step
    switch (step.kind) {
      case 'pop':
        operations.push({ start, kind: 'push', register: step.register })
        break
      case 'release':
        operations.push({ start, kind: 'allocate', bytes: step.bytes })
        break
      case 'restore-sp': {
        const { frameRegister: register, frameOffset: offset, base } = prologue
        if (register === 0 && step.from < 0) {
          const why = 'SP is restored from a register that the record does not name'
          throw new Win64UnwindError({ code: 'epilogue-form', why }, step.event)
        }
        if (register !== 0) operations.push({ start, kind: 'set-frame', register, offset })
        // SET_FPREG leads to the bottom of what the header describes.
        const bytes = (register !== 0 ? base : step.from) - step.to
        if (bytes < 0) {
          const why = 'SP goes below what the frame register reaches'
          throw new Win64UnwindError({ code: 'epilogue-form', why }, step.event)
        }
        if (bytes > 0) operations.push({ start, kind: 'allocate', bytes })
        break
      }
      case 'load': {
        const offset = prologue.base - step.slot
        operations.push(
          step.register < 16
            ? { start, kind: 'save', register: step.register, offset }
            : { start, kind: 'save-vector', register: step.register - 16, offset },
        )
        break
      }
    }
  }
  return operations
}
