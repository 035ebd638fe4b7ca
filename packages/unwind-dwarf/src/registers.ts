/**
 * x86-64 in DWARF. System V AMD64 ABI, figure 3.36, "DWARF Register Number Mapping". rax rcx rdx rbx rsp rbp rsi rdi is
 * the hardware's order, which frame records have; DWARF has rax rdx rcx rbx rsi rdi rbp rsp.
 */

import { type Register, x64 } from '@framewright/frame-layout'
import { conventionsOf, type DwarfArchitecture, type DwarfRegister } from './architecture.ts'

/** The DWARF number of the return address column on x86-64. */
export const DWARF_RETURN_ADDRESS: DwarfRegister = 16
/** The DWARF number of xmm0; xmm1 to xmm15 follow. */
const DWARF_XMM0: DwarfRegister = 17

// biome-ignore format: as in the ABI's figure
const dwarfNumbers: readonly number[] = [
  0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15,
  17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
  16,
]

const names: ReadonlyMap<DwarfRegister, string> = new Map([
  ...'rax rdx rcx rbx rsi rdi rbp rsp'.split(' ').map((name, i) => [i, name] as const),
  ...numbered('r', 8, 8, 8),
  [16, 'ra'],
  ...numbered('xmm', 17, 0, 16),
  ...numbered('st', 33, 0, 8),
  ...numbered('mm', 41, 0, 8),
  [49, 'rflags'],
  ...'es cs ss ds fs gs'.split(' ').map((name, i) => [50 + i, name] as const),
  [58, 'fs.base'],
  [59, 'gs.base'],
  [62, 'tr'],
  [63, 'ldtr'],
  [64, 'mxcsr'],
  [65, 'fcw'],
  [66, 'fsw'],
  ...numbered('xmm', 67, 16, 16),
  ...numbered('k', 118, 0, 8),
  ...numbered('bnd', 126, 0, 4),
  ...numbered('r', 130, 16, 16),
])

function numbered(prefix: string, from: number, first: number, count: number): [number, string][] {
  return Array.from({ length: count }, (_, i) => [from + i, `${prefix}${first + i}`])
}

/** x86-64, as every producer writes it. LLVM's libunwind fails on rules for xmm registers, so they wait to be asked for. */
export const dwarfX64: DwarfArchitecture = {
  frame: x64,
  registers: dwarfNumbers,
  codeAlignmentFactor: 1,
  dataAlignmentFactor: -8,
  names,
  vectorRegisters: Array.from({ length: 16 }, (_, i) => DWARF_XMM0 + i),
  lastColumn: DWARF_RETURN_ADDRESS,
  elfMachine: 62, // EM_X86_64
}

/** The DWARF number of a frame record's register; undefined for a number that is none. */
export function dwarfRegister(
  register: Register,
  architecture: DwarfArchitecture = dwarfX64,
): DwarfRegister | undefined {
  const dwarf = conventionsOf(architecture).toDwarf[register] ?? -1
  return dwarf < 0 ? undefined : dwarf
}

/** The number that frame records use for a DWARF register; undefined where they have none. */
export function hardwareRegister(
  register: DwarfRegister,
  architecture: DwarfArchitecture = dwarfX64,
): Register | undefined {
  return conventionsOf(architecture).fromDwarf(register)
}

/** The name of a DWARF register: `rbp`; on x86-64 `ra` for the return address; `reg200` for numbers that have none. */
export function registerName(register: DwarfRegister, architecture: DwarfArchitecture = dwarfX64): string {
  const named = architecture.names?.get(register)
  if (named !== undefined) return named
  const own = conventionsOf(architecture).fromDwarf(register)
  return own === undefined ? `reg${register}` : architecture.frame.registerNames[own]!
}
