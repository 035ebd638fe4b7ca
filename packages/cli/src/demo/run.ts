// Runs what `calls.ts` lists, for one target, one instruction at a time.

import type { UnwindFormat, UnwindImage } from '@framewright/frame-layout'
import type { ModuleFunction } from '../compile-module.ts'
import type { Host } from '../host.ts'
import { moduleObject } from '../module-object.ts'
import type { Target } from '../target.ts'
import type { Shown } from './calls.ts'
import { stepProgram } from './step-program.ts'
import { readTrace, type Walked, walkTrace } from './trace.ts'

export interface Ran extends Walked {
  readonly result: string
}

/**
 * @param path - where to put the program.
 * @param known - the registers that the format speaks of, besides rsp; all when left out.
 * @returns what came out, or in words why nothing did.
 */
export function runShown(
  { calls, result }: Shown,
  functions: readonly ModuleFunction[],
  target: Target,
  format: UnwindFormat,
  path: string,
  host: Host,
  known?: readonly number[],
): Ran | string {
  const object = moduleObject(functions, target, format)
  const { executable, objectIndex, imageBase } = stepProgram(object, target.convention, calls)
  host.writeFiles([{ path, bytes: executable.bytes, executable: true }])
  const { status, stdout, reason } = host.runProgram(path)
  const call = readTrace(stdout).at(calls.length - 1)
  if (status !== 0 || call === undefined) return reason === '' ? `exit code ${status}` : reason
  const image: UnwindImage = {
    base: BigInt(imageBase),
    sections: object.sections.map(({ name, bytes }, index) => {
      const address = executable.sectionAddresses[objectIndex][index]
      const offset = address - imageBase
      return { name, address: BigInt(address), bytes: executable.bytes.subarray(offset, offset + bytes.length) }
    }),
  }
  const ranges = functions.map(({ name, codeSize, convention }) => {
    const begin = BigInt(executable.symbols.get(name) ?? 0)
    return { begin, end: begin + BigInt(codeSize), convention }
  })
  return { ...walkTrace(call.steps, ranges, format, image, known), result: result(call) }
}
