// Random functions of AArch64: a frame record with the link register saved or not, and whose instructions take 4 bytes.

import { AARCH64_FP, AARCH64_LR, AARCH64_V0, FrameRecorder, type Register } from '@framewright/frame-layout'
import type { GeneratedFunction } from '@framewright/frame-layout/testing'
import fc from 'fast-check'

const kept: readonly Register[] = [19, 20, 21, 22, 23, 24, 25, 26, 27, 28]
const keptVectors: readonly Register[] = [8, 9, 10, 11, 12, 13, 14, 15].map((i) => AARCH64_V0 + i)

export function aarch64Functions(): fc.Arbitrary<GeneratedFunction> {
  return fc
    .record({
      leaf: fc.boolean(),
      signed: fc.boolean(),
      framed: fc.boolean(),
      dynamic: fc.boolean(),
      saves: fc.shuffledSubarray([...kept]),
      vectors: fc.shuffledSubarray([...keptVectors]),
      locals: fc.nat(300).map((n) => n * 16),
      exits: fc.integer({ min: 1, max: 3 }),
      nops: fc.nat(80),
    })
    .map((choices) => build(choices))
}

interface Choices {
  readonly leaf: boolean
  readonly signed: boolean
  readonly framed: boolean
  readonly dynamic: boolean
  readonly saves: readonly Register[]
  readonly vectors: readonly Register[]
  readonly locals: number
  readonly exits: number
  readonly nops: number
}

function build({ leaf, signed, framed, dynamic, saves, vectors, locals, exits, nops }: Choices): GeneratedFunction {
  const recorder = new FrameRecorder()
  let at = 0
  const step = (): number => (at += 4)
  const registers = [...(leaf ? [] : [AARCH64_FP, AARCH64_LR]), ...saves, ...vectors]
  const size = (registers.length * 8 + 15) & ~15
  const slot = (register: Register): number => registers.indexOf(register) * 8
  const usesFrame = framed && !leaf
  if (signed) recorder.signReturnAddress(step(), 4, true) // paciasp
  if (size > 0) recorder.adjustSp(step(), 4, -size) // the pair's store comes with it, or the first one's
  for (let i = 0; i < registers.length; i += 2) {
    const end = i === 0 ? at : step()
    for (const register of registers.slice(i, i + 2)) recorder.save(end, 0, register, 'sp', slot(register), 8)
  }
  if (usesFrame) recorder.setFrameRegister(step(), 4, AARCH64_FP) // mov x29, sp
  if (locals > 0) recorder.adjustSp(step(), 4, -locals)
  if (usesFrame && dynamic) recorder.dynamicSp(step(), 4)
  recorder.prologueEnd(at)
  for (let i = 0; i < nops; i++) step()
  for (let exit = 0; exit < exits; exit++) {
    recorder.epilogueBegin(at)
    if (usesFrame)
      recorder.restoreSp(step(), 4, AARCH64_FP) // mov sp, x29
    else if (locals > 0) recorder.adjustSp(step(), 4, locals)
    for (const register of registers.toReversed()) recorder.restore(step(), 4, register, 'sp', slot(register), 8)
    if (size > 0) recorder.adjustSp(step(), 4, size)
    if (signed) recorder.signReturnAddress(step(), 4, false) // autiasp
    recorder.epilogueEnd(step()) // ret
    step()
  }
  const record = recorder.finish({ codeSize: at, architecture: 'aarch64' })
  const boundaries = Array.from({ length: at / 4 }, (_, i) => i * 4)
  return { record, code: new Uint8Array(at), boundaries }
}
