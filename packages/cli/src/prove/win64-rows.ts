// What Windows would make of a frame at an address, as a row: the unwinder itself is run, on registers that hold nothing but
// who they are. So epilogues, chains, and everything else that the system does are in it.

import {
  RETURN_ADDRESS,
  type Register,
  type RegisterRule,
  RSP,
  type UnwindImage,
  type UnwindRow,
} from '@framewright/frame-layout'
import { windows } from '@framewright/unwind-verify'
import { unwindFrame } from '@framewright/unwind-win64'

/** Register r holds (r + 1) * 2^40; what lies in memory is the address, and this bit. */
const SHIFT = 40n
const HALF = 1n << (SHIFT - 1n)
const LOADED = 1n << 60n

const registers: readonly bigint[] = Array.from({ length: 32 }, (_, register) => (BigInt(register) + 1n) << SHIFT)

interface Place {
  readonly register: Register
  readonly offset: number
}

/** @throws Win64UnwindError where the system would fail. */
export function win64Row(address: bigint, at: number, image: UnwindImage): UnwindRow {
  const state = { registers: [...registers, address] }
  const step = unwindFrame(state, image, (place) => LOADED | place, { version3: true })
  const cfa = step.registers[RSP]!
  const isLoaded = (cfa & LOADED) !== 0n
  const place = placeOf(cfa & ~LOADED)
  const ruleFor = (saved: bigint): RegisterRule => {
    const { register, offset } = placeOf(saved)
    if (isLoaded || register !== place.register) return { rule: 'memory', register, offset }
    return { rule: 'cfa-offset', offset: offset - place.offset }
  }
  const rules: [Register, RegisterRule][] = []
  for (const [register, saved] of step.saved) {
    // A volatile register is pushed to make room, or popped to drop it: nobody expects anything of it.
    if (windows.preserved.includes(register)) rules.push([register, ruleFor(saved)])
  }
  rules.push([RETURN_ADDRESS, ruleFor(step.registers[RETURN_ADDRESS]! & ~LOADED)])
  return {
    at,
    cfa: isLoaded ? { rule: 'memory', ...place, add: 0 } : { rule: 'register', ...place },
    registers: new Map(rules.sort(([a], [b]) => a - b)),
    argumentBytes: 0,
  }
}

function placeOf(value: bigint): Place {
  const register = ((value + HALF) >> SHIFT) - 1n
  return { register: Number(register), offset: Number(value - ((register + 1n) << SHIFT)) }
}
