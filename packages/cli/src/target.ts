// Target triples: which object format, which convention when a function names none, which unwind format.

import type { TargetTriple } from '@framewright/codegen-x64'
import { listed, UsageError } from './arguments.ts'
import { suggest } from './suggest.ts'

export type CallingConvention = 'system_v' | 'windows_fastcall'

export interface Target {
  readonly triple: TargetTriple
  readonly objectFormat: 'elf' | 'coff'
  readonly objectExtension: string
  readonly convention: CallingConvention
  /** Name of the unwind format that the system's unwinder reads. It describes frames of either convention. */
  readonly unwindFormat: string
}

export const targets: readonly Target[] = [
  {
    triple: 'x86_64-unknown-linux-gnu',
    ...{ objectFormat: 'elf', objectExtension: '.o', convention: 'system_v', unwindFormat: 'dwarf' },
  },
  {
    triple: 'x86_64-pc-windows-msvc',
    ...{ objectFormat: 'coff', objectExtension: '.obj', convention: 'windows_fastcall', unwindFormat: 'win64' },
  },
  {
    triple: 'x86_64-w64-windows-gnu',
    ...{ objectFormat: 'coff', objectExtension: '.obj', convention: 'windows_fastcall', unwindFormat: 'win64' },
  },
]

/** Other spellings that people and tools use. */
const aliases: Readonly<Record<string, string>> = {
  'x86_64-linux-gnu': 'x86_64-unknown-linux-gnu',
  'x86_64-pc-linux-gnu': 'x86_64-unknown-linux-gnu',
  'x86_64-pc-windows-gnu': 'x86_64-w64-windows-gnu',
  'x86_64-w64-mingw32': 'x86_64-w64-windows-gnu',
}

/** @throws UsageError that lists the known triples. */
export function findTarget(triple: string): Target {
  const name = Object.hasOwn(aliases, triple) ? aliases[triple] : triple
  const found = targets.find((target) => target.triple === name)
  if (found !== undefined) return found
  const known = targets.map((target) => target.triple)
  const meant = suggest(triple, [...known, ...Object.keys(aliases)])
  const did = meant === undefined ? '' : `; did you mean '${meant}'?`
  throw new UsageError(`unknown target '${triple}'${did}\nknown targets: ${listed(known, 'and')}`)
}

/** The target of the machine that this runs on. @throws UsageError where there is none. */
export function hostTarget(platform: string): Target {
  if (platform === 'linux') return findTarget('x86_64-unknown-linux-gnu')
  if (platform === 'win32') return findTarget('x86_64-pc-windows-msvc')
  const known = targets.map((target) => target.triple)
  throw new UsageError(`no target for this system (${platform}) yet; name one with --target: ${listed(known)}`)
}
