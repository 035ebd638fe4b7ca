/** AArch64 in DWARF: AADWARF64, 4.1, "DWARF register names". */

import { AARCH64_PC, AARCH64_V0, aarch64 } from '@framewright/frame-layout'
import type { DwarfArchitecture } from './architecture.ts'

/**
 * AArch64, with the factors that GNU as writes. LLVM's assembler has 1 and -4 (version 14):
 * `{ ...dwarfAarch64, codeAlignmentFactor: 1, dataAlignmentFactor: -4 }`.
 */
export const dwarfAarch64: DwarfArchitecture = {
  frame: aarch64,
  registers: aarch64.registerNames.map((_, register) => {
    if (register === AARCH64_PC) return 32
    return register >= AARCH64_V0 ? 64 + register - AARCH64_V0 : register
  }),
  codeAlignmentFactor: 4,
  dataAlignmentFactor: -8,
  names: new Map([
    [33, 'elr_mode'],
    [34, 'ra_sign_state'],
    [35, 'tpidrro_el0'],
    [36, 'tpidr_el0'],
    [37, 'tpidr_el1'],
    [38, 'tpidr_el2'],
    [39, 'tpidr_el3'],
    [46, 'vg'],
    [47, 'ffr'],
    ...Array.from({ length: 16 }, (_, i) => [48 + i, `p${i}`] as const),
    ...Array.from({ length: 32 }, (_, i) => [96 + i, `z${i}`] as const),
  ]),
  signsReturnAddress: true,
  elfMachine: 183, // EM_AARCH64
}
