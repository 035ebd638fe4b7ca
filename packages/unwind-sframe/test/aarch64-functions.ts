// Random AArch64 functions, as compilers write them: a frame record, and where its instructions start. No instruction is
// written: all are four bytes long, and SFrame looks at none.

import { AARCH64_FP, AARCH64_LR, AARCH64_V0, FrameRecorder } from '@framewright/frame-layout'
import type { GeneratedFunction } from '@framewright/frame-layout/testing'
import fc from 'fast-check'

interface Choices {
  /** Bytes below the frame record. */
  readonly locals: number
  readonly saved: readonly number[]
  readonly hasFrame: boolean
  readonly setsFramePointer: boolean
  readonly signs: boolean
  readonly dynamic: boolean
  readonly exits: number
  readonly padding: number
}

/** Functions with and without a frame record, with signed return addresses or not. */
export function aarch64Functions(options: { readonly signed?: boolean } = {}): fc.Arbitrary<GeneratedFunction> {
  return fc
    .record<Choices>({
      locals: fc.oneof(
        fc.constant(0),
        fc.nat(30).map((n) => n * 16),
        fc.constantFrom(4096, 70_000 - (70_000 % 16)),
      ),
      saved: fc.shuffledSubarray([19, 20, 21, 22, AARCH64_V0 + 8, AARCH64_V0 + 9]),
      hasFrame: fc.boolean(),
      setsFramePointer: fc.boolean(),
      signs: options.signed === true ? fc.boolean() : fc.constant(false),
      dynamic: fc.boolean(),
      exits: fc.nat(3),
      padding: fc.constantFrom(0, 1, 2, 80, 20_000),
    })
    .map(build)
}

function build({
  locals,
  saved,
  hasFrame,
  setsFramePointer,
  signs,
  dynamic,
  exits,
  padding,
}: Choices): GeneratedFunction {
  const recorder = new FrameRecorder()
  let at = 0
  const next = (): number => (at += 4)
  const records = hasFrame || saved.length > 0
  const saveBytes = 16 + Math.ceil(saved.length / 2) * 16
  if (signs) recorder.signReturnAddress(next(), 4, true) //         paciasp
  if (records) {
    recorder.adjustSp(next(), 4, -saveBytes) //                     stp x29, x30, [sp, -n]!
    recorder.save(at, 0, AARCH64_FP, 'sp', 0, 8)
    recorder.save(at, 0, AARCH64_LR, 'sp', 8, 8)
    for (const [i, register] of saved.entries()) recorder.save(next(), 4, register, 'sp', 16 + 8 * i, 8)
    if (setsFramePointer) recorder.setFrameRegister(next(), 4, AARCH64_FP) // mov x29, sp
  }
  if (locals > 0) recorder.adjustSp(next(), 4, -locals)
  recorder.prologueEnd(at)
  const isDynamic = dynamic && records && setsFramePointer
  at += 4 * padding
  if (isDynamic) recorder.dynamicSp(next(), 4)
  next()
  for (let i = 0; i < exits; i++) {
    recorder.epilogueBegin(at)
    if (isDynamic)
      recorder.restoreSp(next(), 4, AARCH64_FP) //     mov sp, x29
    else if (locals > 0) recorder.adjustSp(next(), 4, locals)
    if (records) {
      for (const [k, register] of saved.entries()) recorder.restore(next(), 4, register, 'sp', 16 + 8 * k, 8)
      // ldp x29, x30, [sp], n: one instruction.
      next()
      recorder.restore(at, 4, AARCH64_FP, 'sp', 0, 8)
      recorder.restore(at, 0, AARCH64_LR, 'sp', 8, 8)
      recorder.adjustSp(at, 0, saveBytes)
    }
    if (signs) recorder.signReturnAddress(next(), 4, false) //      autiasp
    recorder.epilogueEnd(next(), 'return')
    next()
  }
  const record = recorder.finish({ codeSize: at, architecture: 'aarch64' })
  // Instructions that do nothing to the frame are all alike: the first and the last few stand for them.
  const boundaries = Array.from({ length: at / 4 }, (_, i) => i * 4).filter(
    (_, i, all) => i < 40 || i > all.length - 60,
  )
  return { record, code: new Uint8Array(at), boundaries }
}
