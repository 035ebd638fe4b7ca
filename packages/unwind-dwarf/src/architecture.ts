/**
 * What DWARF has to know of a machine besides what frame-layout knows: how its registers are numbered, and by what offsets
 * are divided. x86-64 and AArch64 ship with the package; others are described as values of {@link DwarfArchitecture}.
 */

import type { FrameArchitecture, Register } from '@framewright/frame-layout'
import { DwarfUnwindError } from './errors.ts'

/** A register by its DWARF number. */
export type DwarfRegister = number

/** Bytes of an address. */
export type AddressBytes = 4 | 8

/** A little-endian machine with addresses of 4 or 8 bytes, as `frame.pushBytes` says. */
export interface DwarfArchitecture {
  readonly frame: FrameArchitecture
  /** DWARF numbers by the numbers of `frame`; -1 for a register that has none. The return address needs one: its column. */
  readonly registers: readonly DwarfRegister[]
  /** Every advance of the location is a multiple of it. */
  readonly codeAlignmentFactor: number
  /** Offsets of saves are divided by it; negative where stacks grow downwards. */
  readonly dataAlignmentFactor: number
  /** Names of DWARF registers, where `frame` has none or others. */
  readonly names?: ReadonlyMap<DwarfRegister, string>
  /** Registers whose rules are written on request only, because readers fail on them. */
  readonly vectorRegisters?: readonly DwarfRegister[]
  /** The last column that libgcc looks at, where that is not all; LLVM's libunwind fails on rules above it. */
  readonly lastColumn?: DwarfRegister
  /** DW_CFA_AARCH64_negate_ra_state means something: return addresses can be signed. */
  readonly signsReturnAddress?: boolean
  /** `e_machine` of ELF files. */
  readonly elfMachine: number
}

/** What follows from a description, made once. */
export class Conventions {
  readonly architecture: DwarfArchitecture
  /** DWARF numbers by the record's; -1 for none. */
  readonly toDwarf: Int32Array
  /** DWARF numbers that records can name are below this. */
  readonly registers: number
  readonly codeAlignmentFactor: number
  readonly dataAlignmentFactor: number
  readonly addressBytes: AddressBytes
  readonly stackPointer: DwarfRegister
  /** CFA - SP at the first instruction. */
  readonly entryCfaOffset: number
  /** The return address column. */
  readonly returnAddress: DwarfRegister
  /** Where the return address lies on entry, from the CFA; null: in its register. */
  readonly returnAddressOffset: number | null
  /** 1 by DWARF number for registers that are left out unless asked for. */
  readonly isVector: Uint8Array
  /** DWARF number of the pc, or -1. */
  readonly programCounter: DwarfRegister
  readonly #fromDwarf: Int32Array

  constructor(architecture: DwarfArchitecture) {
    const { frame, registers, codeAlignmentFactor, dataAlignmentFactor } = architecture
    this.architecture = architecture
    this.toDwarf = Int32Array.from(frame.registerNames, (_, register) => registers[register] ?? -1)
    this.registers = Math.max(...this.toDwarf, architecture.signsReturnAddress ? RA_SIGN_STATE : 0) + 1
    this.#fromDwarf = new Int32Array(this.registers).fill(-1)
    for (let register = 0; register < this.toDwarf.length; register++) {
      const dwarf = this.toDwarf[register]!
      if (dwarf >= 0) this.#fromDwarf[dwarf] = register
    }
    this.codeAlignmentFactor = codeAlignmentFactor
    this.dataAlignmentFactor = dataAlignmentFactor
    this.stackPointer = this.#required(frame.stackPointer)
    this.entryCfaOffset = frame.entryCfaOffset
    this.returnAddress = this.#required(frame.returnAddress)
    this.returnAddressOffset = frame.returnAddressOffset
    this.programCounter = this.toDwarf[frame.programCounter] ?? -1
    this.isVector = new Uint8Array(this.registers)
    for (const register of architecture.vectorRegisters ?? []) this.isVector[register] = 1
    const { pushBytes } = frame
    if (pushBytes !== 4 && pushBytes !== 8) {
      throw new DwarfUnwindError({ code: 'architecture', architecture: frame.name })
    }
    this.addressBytes = pushBytes
  }

  #required(register: Register): DwarfRegister {
    const dwarf = this.toDwarf[register] ?? -1
    if (dwarf < 0) throw new DwarfUnwindError({ code: 'register', register })
    return dwarf
  }

  /** The number that frame records use for a DWARF register; undefined where they have none. */
  fromDwarf(register: DwarfRegister): Register | undefined {
    const own = this.#fromDwarf[register] ?? -1
    return own < 0 ? undefined : own
  }

  isPastLastColumn(register: DwarfRegister): boolean {
    return register > (this.architecture.lastColumn ?? register)
  }

  /** Bytes of a DWARF register. */
  bytesOf(register: DwarfRegister): number {
    const own = this.fromDwarf(register)
    return own === undefined ? this.addressBytes : this.architecture.frame.registerBytes[own]!
  }
}

/** @throws DwarfUnwindError for a machine whose addresses do not have 8 bytes. */
export function require64({ frame }: DwarfArchitecture): void {
  if (frame.pushBytes !== 8) throw new DwarfUnwindError({ code: 'architecture', architecture: frame.name })
}

/**
 * AArch64's pseudo register RA_SIGN_STATE (AADWARF64, 4.1), whose rule says in tables of rows
 * whether the return address is signed. Where nothing signs, nothing uses it.
 */
export const RA_SIGN_STATE: DwarfRegister = 34

const made: WeakMap<DwarfArchitecture, Conventions> = new WeakMap()

/** @throws DwarfUnwindError for a description without a stack pointer or return address, or with short addresses. */
export function conventionsOf(architecture: DwarfArchitecture): Conventions {
  let conventions = made.get(architecture)
  if (conventions === undefined) {
    conventions = new Conventions(architecture)
    made.set(architecture, conventions)
  }
  return conventions
}
