/**
 * One frame, walked as Apple's libunwind walks it: the word says where the caller's registers lie, wherever in its range
 * the pc is.
 */

import { RBP, RETURN_ADDRESS, type ReadMemory, type Register, RSP } from '@framewright/frame-layout'
import type { CompactFrame } from './encoding.ts'
import { CompactUnwindError } from './errors.ts'

const MASK_64 = 0xffff_ffff_ffff_ffffn

/** Frames that the word itself describes. */
export type DescribedFrame = Exclude<CompactFrame, { readonly mode: 'none' | 'dwarf' }>

/**
 * The caller's registers.
 *
 * @param begin - of the range, which the immediate of mode 3 is found from.
 * @param memory - of the stack and of the code.
 * @throws CompactUnwindError where memory or a register that it takes is not known.
 */
export function unwindFrame(
  frame: DescribedFrame,
  begin: bigint,
  registers: readonly (bigint | undefined)[],
  memory: ReadMemory,
): (bigint | undefined)[] {
  const caller = [...registers]
  const value = (register: Register): bigint => {
    const found = registers[register]
    if (found === undefined) throw new CompactUnwindError({ code: 'unknown-register-value', register })
    return found
  }
  const read = (address: bigint, bytes: number, what: string): bigint => {
    const wrapped = address & MASK_64
    const found = memory(wrapped, bytes)
    if (found === undefined) throw new CompactUnwindError({ code: 'unreadable', address: wrapped, what })
    return found
  }
  let cfa: bigint
  if (frame.mode === 'rbp-frame') {
    const rbp = value(RBP)
    cfa = rbp + 16n
    for (let i = 0; i < frame.slots.length; i++) {
      const register = frame.slots[i]!
      if (register !== null) caller[register] = read(rbp + BigInt(8 * i - frame.distance), 8, 'saved register')
    }
    caller[RBP] = read(rbp, 8, 'saved rbp')
  } else {
    const { registers: saved } = frame
    const size =
      frame.mode === 'frameless'
        ? frame.stackSize
        : Number(read(begin + BigInt(frame.immediateAt), 4, 'immediate')) + frame.adjustment
    cfa = value(RSP) + BigInt(size)
    for (let i = 0; i < saved.length; i++) {
      caller[saved[i]!] = read(cfa - BigInt(8 * (saved.length - i) + 8), 8, 'saved register')
    }
  }
  caller[RETURN_ADDRESS] = read(cfa - 8n, 8, 'return address')
  caller[RSP] = cfa & MASK_64
  return caller
}
