// Random records that SFrame can express, and where their functions lie.

import {
  type FrameRecord,
  fit,
  partRows,
  partsOf,
  RBP,
  type UnwoundFunction,
  unwindRows,
} from '@framewright/frame-layout'
import { generatedFunctions } from '@framewright/frame-layout/testing'
import fc from 'fast-check'
import { type SFrameFormat, sframeV1 } from '../src/index.ts'
import { aarch64Functions } from './aarch64-functions.ts'
import { stretched } from './directives.ts'

/** Records that the format can express, some of them stretched to where starts of rows take two bytes, or four. */
export function records(architecture: 'x86-64' | 'aarch64', count: number): FrameRecord[] {
  const functions =
    architecture === 'x86-64'
      ? generatedFunctions({ parts: true, labelsAhead: true })
      : aarch64Functions({ signed: true })
  const made = fc.sample(functions, { numRuns: 3 * count, seed: 7 }).map(({ record }) => record)
  return made
    .filter((record) => fit(record, sframeV1).fits && !entersSaved(record))
    .slice(0, count)
    .map((record, i) => stretched(record, i % 10 === 3 ? 40 : i % 40 === 5 && record.codeSize < 200 ? 2400 : 1))
}

/**
 * Whether a part begins where rbp is saved. What directives say at the begin of a function is what `.cfi_restore` restores,
 * so they cannot say of such a part that rbp holds the caller's value again.
 */
function entersSaved(record: FrameRecord): boolean {
  const rows = unwindRows(record)
  return partsOf(record).some((part) => partRows(rows, part)[0]!.registers.has(RBP))
}

/** One behind the other in `.text`, their parts too. */
export function place(list: readonly FrameRecord[], format: SFrameFormat): UnwoundFunction[] {
  let next = 0
  return list.map((record, index) => {
    const parts = partsOf(record).map(({ begin, end }, part) => {
      const offset = next
      next += end - begin
      return { symbol: `f${index}.${part}`, section: '.text', offset, codeSize: end - begin }
    })
    return { ...parts[0]!, parts, unwind: format.encode(record) }
  })
}
