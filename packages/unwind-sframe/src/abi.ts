/** The ABIs that SFrame has numbers for, as far as frame-layout describes their architectures. */

import { aarch64, type FrameArchitecture, type Register, x64 } from '@framewright/frame-layout'
import {
  SFRAME_ABI_AARCH64_ENDIAN_BIG,
  SFRAME_ABI_AARCH64_ENDIAN_LITTLE,
  SFRAME_ABI_AMD64_ENDIAN_LITTLE,
} from './constants.ts'

/** What the bytes of one ABI mean. */
export interface SFrameAbi {
  /** Its number in the header. */
  readonly number: number
  readonly architecture: FrameArchitecture
  readonly bigEndian: boolean
  /** Where the return address lies from the CFA, if always there; 0: rows say it. */
  readonly fixedReturnAddress: number
  /** Bytes of an entry of the procedure linkage table, which version 1 does not record. */
  readonly linkageEntryBytes: number
  /** Our register by DWARF's number (version 3). */
  readonly fromDwarf: readonly Register[]
}

const aarch64Registers = Array.from({ length: 32 }, (_, register) => register)

export const abis: readonly SFrameAbi[] = [
  {
    number: SFRAME_ABI_AARCH64_ENDIAN_BIG,
    architecture: aarch64,
    bigEndian: true,
    fixedReturnAddress: 0,
    linkageEntryBytes: 16,
    fromDwarf: aarch64Registers,
  },
  {
    number: SFRAME_ABI_AARCH64_ENDIAN_LITTLE,
    architecture: aarch64,
    bigEndian: false,
    fixedReturnAddress: 0,
    linkageEntryBytes: 16,
    fromDwarf: aarch64Registers,
  },
  {
    number: SFRAME_ABI_AMD64_ENDIAN_LITTLE,
    architecture: x64,
    bigEndian: false,
    fixedReturnAddress: -8,
    linkageEntryBytes: 16,
    // System V AMD64 ABI, "DWARF Register Number Mapping": rax, rdx, rcx, rbx, rsi, rdi, rbp, rsp, r8 to r15.
    fromDwarf: [0, 2, 1, 3, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15],
  },
]

/** The little-endian ABI of an architecture: the ones that are written. */
export function abiOf(architecture: string): SFrameAbi | null {
  return abis.find((abi) => abi.architecture.name === architecture && !abi.bigEndian) ?? null
}
