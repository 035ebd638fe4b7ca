/** The machine that a walk works on: registers that change, memory that is read. */

import { type MachineState, RETURN_ADDRESS, type ReadMemory, type Register, RSP } from '@framewright/frame-layout'
import { Win64UnwindError } from './errors.ts'

/**
 * r16 to r31 in the state of a machine: behind the registers that `x64` of frame-layout describes. Version 3 alone can name
 * them.
 */
export const R16: Register = 33

const MASK = 0xffff_ffff_ffff_ffffn

/** One frame's registers on their way to the caller's. */
export class Machine {
  readonly registers: (bigint | undefined)[]
  /** Where each restored register was read. */
  readonly saved: Map<Register, bigint> = new Map()
  /** Where the frame stands. */
  readonly pc: bigint
  readonly #memory: ReadMemory

  constructor(frame: MachineState, memory: ReadMemory) {
    this.registers = [...frame.registers]
    this.#memory = memory
    this.pc = this.value(RETURN_ADDRESS)
  }

  /** @throws Win64UnwindError 'unknown-register-value'. */
  value(register: Register): bigint {
    const value = this.registers[register]
    if (value === undefined) throw new Win64UnwindError({ code: 'unknown-register-value', register })
    return value
  }

  /** @throws Win64UnwindError 'unreadable'. */
  read(address: bigint, bytes: number, what: string): bigint {
    const value = this.#memory(address & MASK, bytes)
    if (value === undefined) throw new Win64UnwindError({ code: 'unreadable', address: address & MASK, what })
    return value
  }

  /** A saved register from its slot. */
  load(register: Register, address: bigint): void {
    this.registers[register] = this.read(address, register >= 16 && register < 32 ? 16 : 8, 'a saved register')
    this.saved.set(register, address & MASK)
  }

  pop(register: Register): void {
    const address = this.value(RSP)
    // rsp += 8 first, then the load: a pop into rsp keeps what was loaded.
    this.setSp(address + 8n)
    this.load(register, address)
  }

  setSp(value: bigint): void {
    this.registers[RSP] = value & MASK
  }

  addToSp(bytes: number): void {
    this.setSp(this.value(RSP) + BigInt(bytes))
  }

  /** What the processor pushed, without or with an error code below it. */
  popMachineFrame(errorCode: boolean): void {
    const frame = this.value(RSP) + (errorCode ? 8n : 0n)
    this.registers[RETURN_ADDRESS] = this.read(frame, 8, 'the interrupted rip')
    this.registers[RSP] = this.read(frame + 24n, 8, 'the interrupted rsp')
  }

  return(): void {
    const address = this.value(RSP)
    this.registers[RETURN_ADDRESS] = this.read(address, 8, 'the return address')
    this.setSp(address + 8n)
  }
}
