/**
 * x86-64 as frame-layout sees it. Numbers 0 to 15 are the general registers in hardware encoding (Intel SDM vol. 2,
 * table 2-2), 16 to 31 are xmm0 to xmm15, 32 stands for the return address. They are the numbers of every package of
 * this project; DWARF's own numbering (System V ABI, figure 3.36) is unwind-dwarf's affair.
 */

import type { FrameArchitecture, Register } from './architecture.ts'

/** rax. */
export const RAX: Register = 0
/** rcx. */
export const RCX: Register = 1
/** rdx. */
export const RDX: Register = 2
/** rbx. Both conventions, System V and Windows, preserve it. */
export const RBX: Register = 3
/** rsp, the stack pointer. */
export const RSP: Register = 4
/** rbp, the usual frame register. Both conventions preserve it. */
export const RBP: Register = 5
/** rsi. Windows preserves it. */
export const RSI: Register = 6
/** rdi. Windows preserves it. */
export const RDI: Register = 7
/** r8. */
export const R8: Register = 8
/** r9. */
export const R9: Register = 9
/** r10. */
export const R10: Register = 10
/** r11. */
export const R11: Register = 11
/** r12. Both conventions preserve it. */
export const R12: Register = 12
/** r13. Both conventions preserve it. */
export const R13: Register = 13
/** r14. Both conventions preserve it. */
export const R14: Register = 14
/** r15. Both conventions preserve it. */
export const R15: Register = 15
/** The number of xmm0; xmm1 to xmm15 follow. */
export const XMM0: Register = 16
/** rip, as a frame remembers it. */
export const RETURN_ADDRESS: Register = 32

// biome-ignore format: four to a line, as in the manual's table
const names: readonly string[] = [
  'rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi',
  'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15',
  'xmm0', 'xmm1', 'xmm2', 'xmm3', 'xmm4', 'xmm5', 'xmm6', 'xmm7',
  'xmm8', 'xmm9', 'xmm10', 'xmm11', 'xmm12', 'xmm13', 'xmm14', 'xmm15',
  'rip',
]

/** The architecture `'x86-64'`. */
export const x64: FrameArchitecture = {
  name: 'x86-64',
  registerNames: names,
  stackPointer: RSP,
  framePointer: RBP,
  registerBytes: names.map((_, register) => (register >= XMM0 && register < RETURN_ADDRESS ? 16 : 8)),
  returnAddress: RETURN_ADDRESS,
  programCounter: RETURN_ADDRESS,
  entryCfaOffset: 8,
  returnAddressOffset: -8,
  pushBytes: 8,
  // SS, RSP, RFLAGS, CS, RIP, downwards, and perhaps an error code (Intel SDM vol. 3, 7.14.2).
  interruptFrame: { bytes: 40, errorCodeBytes: 8, returnAddressOffset: -40, stackPointerOffset: -16 },
}
