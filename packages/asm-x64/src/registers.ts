// Register numbers and names. General registers have their hardware encoding; vector registers follow at 16, so that one
// number names any register. The encoder masks with 15: what kind of register an operand is, the row says.
// Intel SDM vol. 2, 2.1.5, table 2-2, and 3.1.1.1, table 3-1.

/** The general registers by name: their hardware numbers. */
export const Register = {
  rax: 0,
  rcx: 1,
  rdx: 2,
  rbx: 3,
  rsp: 4,
  rbp: 5,
  rsi: 6,
  rdi: 7,
  r8: 8,
  r9: 9,
  r10: 10,
  r11: 11,
  r12: 12,
  r13: 13,
  r14: 14,
  r15: 15,
  xmm0: 16,
  xmm1: 17,
  xmm2: 18,
  xmm3: 19,
  xmm4: 20,
  xmm5: 21,
  xmm6: 22,
  xmm7: 23,
  xmm8: 24,
  xmm9: 25,
  xmm10: 26,
  xmm11: 27,
  xmm12: 28,
  xmm13: 29,
  xmm14: 30,
  xmm15: 31,
} as const

/** Width of an integer operand: the `size` argument of every method. */
export const Size = { bits8: 0, bits16: 1, bits32: 2, bits64: 3 } as const

/**
 * What stands in the `base` argument of a memory operand instead of a register.
 *
 * - `none`: no base; the address is `index << scaleLog2` plus the displacement.
 * - `label`, `pool`, `symbol`: relative to rip. `index` is then the label, the pool entry or the caller's symbol number, the
 *   displacement is added to its address, and for a symbol `scaleLog2` is the kind of relocation.
 */
export const Base = { none: -1, label: -2, pool: -3, symbol: -4 } as const

/** Condition codes: the low four bits of jcc, setcc and cmovcc. Intel SDM vol. 2, appendix B.1.4.7, table B-10. */
export const Condition = {
  o: 0,
  no: 1,
  b: 2,
  ae: 3,
  e: 4,
  ne: 5,
  be: 6,
  a: 7,
  s: 8,
  ns: 9,
  p: 10,
  np: 11,
  l: 12,
  ge: 13,
  le: 14,
  g: 15,
} as const
export type Condition = (typeof Condition)[keyof typeof Condition]

const wide: readonly string[] = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi']
const numbered: readonly string[] = ['8', '9', '10', '11', '12', '13', '14', '15']
/** Names of the general registers by size (0 to 3) and encoding. */
export const generalNames: readonly (readonly string[])[] = [
  ['al', 'cl', 'dl', 'bl', 'spl', 'bpl', 'sil', 'dil', ...numbered.map((n) => `r${n}b`)],
  [...wide.map((name) => name.slice(1)), ...numbered.map((n) => `r${n}w`)],
  [...wide.map((name) => `e${name.slice(1)}`), ...numbered.map((n) => `r${n}d`)],
  [...wide, ...numbered.map((n) => `r${n}`)],
]

/** The name of a register as Intel prints it; `size` is ignored for vector registers. */
export function registerName(register: number, size: number = Size.bits64): string {
  return register >= Register.xmm0 ? `xmm${register - Register.xmm0}` : generalNames[size]![register]!
}
