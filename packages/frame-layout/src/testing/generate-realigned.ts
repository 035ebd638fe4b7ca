/**
 * Functions with a realigned stack as gcc writes them (its "dynamic realign argument pointer"): the CFA hangs on a scratch
 * register first, and in the body on a copy of that register in memory. `gcc -O2 -fno-omit-frame-pointer` makes one of every
 * function with a variable that wants 32 bytes of alignment and arguments on the stack.
 */

import fc from 'fast-check'
import type { Register } from '../architecture.ts'
import { R10, R12, R13, R14, R15, RBP, RBX } from '../registers-x64.ts'
import type { GeneratedFunction } from './generate.ts'
import { CodeWriter } from './machine-code.ts'

/** An arbitrary of functions whose rows need memory to find the CFA. */
export function realignedFunctions(): fc.Arbitrary<GeneratedFunction> {
  return fc
    .record({
      alignment: fc.constantFrom(32, 64, 128),
      saved: fc.shuffledSubarray([RBX, R12, R13, R14, R15]),
      allocation: fc.nat(40).map((n) => n * 8),
      exits: fc.integer({ min: 1, max: 3 }),
    })
    .map(({ alignment, saved, allocation, exits }) => build(alignment, saved, allocation, exits))
}

function build(alignment: number, saved: readonly Register[], allocation: number, exits: number): GeneratedFunction {
  const code = new CodeWriter()
  const { recorder } = code
  code.setFrame(R10, 8) //                 lea r10, [rsp + 8]: the CFA itself
  code.realign(alignment) //               and rsp, -alignment
  code.pushCopyOfReturnAddress() //        push [r10 - 8], so that the frame looks like others to whoever follows rbp
  code.push(RBP, false)
  code.copySp(RBP) //                      mov rbp, rsp
  recorder.savedAt(code.at, 0, RBP, RBP, 0)
  let slot = 0
  for (const register of [R10, ...saved]) {
    code.push(register, false)
    slot -= 8
    if (register === R10) recorder.cfaFromMemory(code.at, 0, RBP, slot)
    else recorder.savedAt(code.at, 0, register, RBP, slot)
  }
  if (allocation > 0) code.adjustSp(-allocation)
  recorder.prologueEnd(code.at)
  code.call()
  code.nop()
  for (let i = 0; i < exits; i++) {
    recorder.epilogueBegin(code.at)
    if (allocation > 0) code.adjustSp(allocation)
    for (const register of [...saved].reverse()) code.pop(register)
    code.pop(R10, false)
    recorder.cfaFromRegister(code.at, 0, R10, 0)
    code.pop(RBP)
    code.restoreSpByLea(R10, -8) //        lea rsp, [r10 - 8]
    code.ret()
    code.nop()
  }
  const record = recorder.finish({ codeSize: code.at })
  return { record, code: Uint8Array.from(code.bytes), boundaries: code.boundaries }
}
