/**
 * AArch64 as frame-layout sees it. Numbers 0 to 30 are x0 to x30, 31 is SP, 32 to 63 are v0 to v31, 64 is the pc. A call
 * pushes nothing: the return address is in x30, the link register, and the CFA is SP on entry.
 *
 * Of v8 to v15 a callee keeps the low 8 bytes (AAPCS64, 6.1.2), so that is what a save of one is; the others are nobody's.
 */

import type { FrameArchitecture, Register } from './architecture.ts'

/** x29. */
export const AARCH64_FP: Register = 29
/** x30. */
export const AARCH64_LR: Register = 30
/** The stack pointer. */
export const AARCH64_SP: Register = 31
/** The number of v0; v1 to v31 follow. */
export const AARCH64_V0: Register = 32
/** Where machine states hold the program counter. */
export const AARCH64_PC: Register = 64

const FIRST_KEPT_VECTOR = AARCH64_V0 + 8
const LAST_KEPT_VECTOR = AARCH64_V0 + 15

const names: readonly string[] = [
  ...Array.from({ length: 31 }, (_, i) => `x${i}`),
  'sp',
  ...Array.from({ length: 32 }, (_, i) => `v${i}`),
  'pc',
]

function bytesOf(register: Register): number {
  const isVector = register >= AARCH64_V0 && register < AARCH64_PC
  return isVector && !(register >= FIRST_KEPT_VECTOR && register <= LAST_KEPT_VECTOR) ? 16 : 8
}

/** The architecture `'aarch64'`. */
export const aarch64: FrameArchitecture = {
  name: 'aarch64',
  registerNames: names,
  stackPointer: AARCH64_SP,
  framePointer: AARCH64_FP,
  registerBytes: names.map((_, register) => bytesOf(register)),
  returnAddress: AARCH64_LR,
  programCounter: AARCH64_PC,
  entryCfaOffset: 0,
  returnAddressOffset: null,
  pushBytes: 8,
}
