// What a compilation is told: the platform, the settings, the unwind formats.

import type { UnwindFormat } from '@framewright/frame-layout'
import { systemV, windowsFastcall } from './abi/convention.ts'
import type { Platform } from './lower/values.ts'

/** Names of the conventions that code can be generated for. */
export type ConventionName = 'system_v' | 'windows_fastcall'

/** Which format describes the functions of a convention; null leaves them undescribed. */
export type UnwindFormats = Readonly<Record<ConventionName, UnwindFormat | null>>

/** Target triples that code can be generated for. */
export const targetTriples = ['x86_64-unknown-linux-gnu', 'x86_64-pc-windows-msvc', 'x86_64-w64-windows-gnu'] as const
/** One of {@link targetTriples}. */
export type TargetTriple = (typeof targetTriples)[number]

/** What a triple decides: the default convention, how symbols are reached, and the stack probe. */
export function platformOf(triple: TargetTriple): Platform {
  const conventions = { system_v: systemV, windows_fastcall: windowsFastcall }
  switch (triple) {
    case 'x86_64-unknown-linux-gnu':
      return { objectFormat: 'elf', stackProbe: null, conventions: { default: systemV, ...conventions } }
    case 'x86_64-pc-windows-msvc':
      return { objectFormat: 'coff', stackProbe: '__chkstk', conventions: { default: windowsFastcall, ...conventions } }
    case 'x86_64-w64-windows-gnu':
      // GCC's run-time library has the same routine under this name.
      return {
        objectFormat: 'coff',
        stackProbe: '___chkstk_ms',
        conventions: { default: windowsFastcall, ...conventions },
      }
  }
}
