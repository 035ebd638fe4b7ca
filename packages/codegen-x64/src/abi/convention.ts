// The two calling conventions, as data: which registers carry what, and who keeps them.
//
// Sources: System V AMD64 ABI, 3.2.1 to 3.2.3; Microsoft Learn, "x64 calling convention" and "x64 software conventions".

/** One calling convention. Registers: 0..15 general, 16..31 xmm0..xmm15. */
export interface Convention {
  readonly name: 'system_v' | 'windows_fastcall'
  readonly integerArguments: readonly number[]
  readonly floatArguments: readonly number[]
  /** Argument i takes the i-th register of its class, whatever the others are (Windows). */
  readonly positional: boolean
  /** Bytes that the caller leaves free at the bottom of the outgoing arguments. */
  readonly homeBytes: number
  readonly integerResults: readonly number[]
  readonly floatResults: readonly number[]
  /** Mask of registers that a function gives back as it got them; rsp not included. */
  readonly calleeSaved: number
  /** Mask of all others. */
  readonly clobbered: number
  /** Bytes below rsp that nobody overwrites. */
  readonly redZoneBytes: number
  /** Allocation order, integer class, callee-saved registers last; without rsp and the emitter's scratch register r11. */
  readonly integerOrder: Int32Array
  readonly floatOrder: Int32Array
}

const RAX = 0
const RCX = 1
const RDX = 2
const RBX = 3
const RSP = 4
const RBP = 5
const RSI = 6
const RDI = 7
const XMM0 = 16

/** Mask of a list of registers. */
export function maskOf(registers: readonly number[]): number {
  let mask = 0
  for (const register of registers) mask |= 1 << register
  return mask
}

const xmm = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => XMM0 + first + i)

const systemVSaved = maskOf([RBX, RBP, 12, 13, 14, 15])
const windowsSaved = maskOf([RBX, RBP, RSI, RDI, 12, 13, 14, 15, ...xmm(6, 15)])

// Registers without a REX prefix come first in each half: shorter code.
export const systemV: Convention = {
  name: 'system_v',
  integerArguments: [RDI, RSI, RDX, RCX, 8, 9],
  floatArguments: xmm(0, 7),
  positional: false,
  homeBytes: 0,
  integerResults: [RAX, RDX],
  floatResults: xmm(0, 1),
  calleeSaved: systemVSaved,
  clobbered: ~systemVSaved & ~(1 << RSP),
  redZoneBytes: 128,
  integerOrder: Int32Array.of(RAX, RCX, RDX, RSI, RDI, 8, 9, 10, RBX, RBP, 14, 15, 12, 13),
  floatOrder: Int32Array.from(xmm(0, 15)),
}

export const windowsFastcall: Convention = {
  name: 'windows_fastcall',
  integerArguments: [RCX, RDX, 8, 9],
  floatArguments: xmm(0, 3),
  positional: true,
  homeBytes: 32,
  integerResults: [RAX, RDX],
  floatResults: xmm(0, 0),
  calleeSaved: windowsSaved,
  clobbered: ~windowsSaved & ~(1 << RSP),
  redZoneBytes: 0,
  integerOrder: Int32Array.of(RAX, RCX, RDX, 8, 9, 10, RBX, RSI, RDI, RBP, 14, 15, 12, 13),
  floatOrder: Int32Array.from(xmm(0, 15)),
}
