/**
 * A machine that runs a record: at every instruction boundary it knows the registers and the stack, and what the caller's
 * registers were. It runs the events in code order, as one path through the function; an epilogue is entered and undone.
 *
 * It is unkind: a register is overwritten right after its value was saved, and what lies below SP reads as garbage.
 */

import { runsTowards } from '../ahead.ts'
import type { FrameArchitecture, Register } from '../architecture.ts'
import type { MachineState, ReadMemory } from '../format.ts'
import type { FrameEvent, FrameRecord } from '../record.ts'
import { x64 } from '../registers-x64.ts'
import { partsOf } from '../rows.ts'

/** The machine in front of one instruction. */
export interface SimulatedPoint {
  /** Code offset. */
  readonly offset: number
  readonly state: MachineState
  readonly memory: ReadMemory
  /** What the stack holds so far, in words of 8 bytes by their addresses, what lies below SP included. */
  readonly words: ReadonlyMap<bigint, bigint>
  /** The canonical frame address. */
  readonly cfa: bigint
  /** What the caller's registers were; undefined for those that were lost. SP and return address included. */
  readonly caller: MachineState
  readonly inEpilogue: boolean
}

/** Where the simulated function runs. */
export interface SimulationPlace {
  readonly codeAddress: bigint
  /** Addresses of the parts of a function in several, the first included. */
  readonly partAddresses?: readonly bigint[]
  readonly architecture?: FrameArchitecture
  /** The canonical frame address, a multiple of 64, and where the function returns to; addresses of no meaning when left out. */
  readonly stack?: bigint
  readonly returnAddress?: bigint
}

const STACK = 0x7ffd_0000_4000n
const RETURN_ADDRESS_VALUE = 0x7ff6_c0de_1230n
const SIGNED_64 = 0xffff_ffff_ffff_ffffn

/** A recognisable value: registers differ, and wide ones in both halves. */
function callerValue(register: Register, bytes: number): bigint {
  const low = 0xca11_0000_0000_0000n | (BigInt(register) << 32n) | 0x5a5an
  return bytes <= 8 ? low : (BigInt(0xbeef_0000 + register) << 64n) | low
}

function garbage(register: Register, bytes: number): bigint {
  const low = 0xdead_0000_0000_0000n | BigInt(register)
  return bytes <= 8 ? low : (0xbad0n << 64n) | low
}

interface Machine {
  registers: (bigint | undefined)[]
  lost: Set<Register>
}

function copyOf({ registers, lost }: Machine): Machine {
  return { registers: [...registers], lost: new Set(lost) }
}

/** Runs a record of an architecture whose stack grows downwards and whose registers are 8 or 16 bytes wide. */
export function simulate(record: FrameRecord, boundaries: readonly number[], place: SimulationPlace): SimulatedPoint[] {
  return new Simulation(record, place).run(boundaries)
}

class Simulation {
  readonly #record: FrameRecord
  readonly #architecture: FrameArchitecture
  readonly #place: SimulationPlace
  /** 8-byte words. */
  #memory: Map<bigint, bigint> = new Map()
  readonly #caller: (bigint | undefined)[] = []
  #machine: Machine = { registers: [], lost: new Set() }
  readonly #cfa: bigint
  #frameRegister: Register = -1
  #beforeEpilogue: Machine | null = null
  readonly #labels: Map<number, Machine> = new Map()

  constructor(record: FrameRecord, place: SimulationPlace) {
    this.#record = record
    this.#architecture = place.architecture ?? x64
    this.#place = place
    const { stack = STACK, returnAddress: returnTo = RETURN_ADDRESS_VALUE } = place
    this.#cfa = stack
    const { registerBytes, stackPointer, returnAddress, programCounter } = this.#architecture
    const { entryCfaOffset, returnAddressOffset, interruptFrame } = this.#architecture
    for (let register = 0; register < registerBytes.length; register++) {
      const value = callerValue(register, registerBytes[register]!)
      this.#caller[register] = value
      this.#machine.registers[register] = value
    }
    this.#caller[programCounter] = returnTo
    if (returnAddressOffset === null) {
      this.#caller[returnAddress] = returnTo
      this.#machine.registers[returnAddress] = returnTo
    }
    // A register that the function pops without restoring it belongs to the function: nobody owes it to the caller.
    for (const event of record.events) {
      if (event.kind === 'pop' && !event.restores) this.#machine.lost.add(event.register)
    }
    const interrupted = record.events[0]
    if (interrupted !== undefined && interrupted.kind === 'machine-frame' && interruptFrame !== undefined) {
      // SS, RSP, RFLAGS, CS, RIP, downwards (Intel SDM vol. 3, 7.14.2).
      this.#caller[stackPointer] = 0x7ffd_0000_9100n
      const words = [0x2bn, this.#caller[stackPointer]!, 0x246n, 0x33n, returnTo]
      words.forEach((value, i) => {
        this.#memory.set(stack - BigInt(8 * (i + 1)), value)
      })
      const { bytes, errorCodeBytes } = interruptFrame
      this.#machine.registers[stackPointer] = stack - BigInt(bytes + (interrupted.errorCode ? errorCodeBytes : 0))
    } else {
      this.#caller[stackPointer] = stack
      if (returnAddressOffset !== null) this.#memory.set(stack + BigInt(returnAddressOffset), returnTo)
      this.#machine.registers[stackPointer] = stack - BigInt(entryCfaOffset)
    }
  }

  run(boundaries: readonly number[]): SimulatedPoint[] {
    const { events } = this.#record
    const points: SimulatedPoint[] = []
    let next = 0
    for (const offset of boundaries) {
      while (next < events.length && events[next]!.at <= offset) this.#apply(events[next]!, next++)
      points.push(this.#point(offset))
    }
    return points
  }

  #apply(event: FrameEvent, index: number): void {
    const { registers } = this.#machine
    switch (event.kind) {
      case 'push':
        this.#sp -= BigInt(event.size)
        this.#store(this.#sp, registers[event.register]!, event.size)
        if (event.saves) this.#clobber(event.register)
        break
      case 'pop':
        registers[event.register] = this.#load(this.#sp, event.size)
        this.#sp += BigInt(event.size)
        if (!event.restores) this.#machine.lost.add(event.register)
        break
      case 'adjust-sp':
        this.#sp += BigInt(event.delta)
        break
      case 'dynamic-sp':
        this.#sp -= 0x130n
        break
      case 'realign':
        this.#sp &= -BigInt(event.alignment)
        break
      case 'set-frame-register':
        registers[event.register] = this.#sp + BigInt(event.spOffset)
        this.#frameRegister = event.register
        break
      case 'saved-at':
        if (event.register !== event.base) this.#clobber(event.register)
        break
      case 'copy-sp':
        registers[event.register] = this.#sp + BigInt(event.spOffset)
        break
      case 'cfa-from-register':
        registers[event.register] = this.#cfa - BigInt(event.offset)
        this.#frameRegister = event.register
        break
      case 'restore-sp':
        this.#sp = registers[event.register]! + BigInt(event.offset)
        break
      case 'save':
        this.#store(this.#base(event.base) + BigInt(event.offset), registers[event.register]!, event.width)
        this.#clobber(event.register)
        break
      case 'restore':
        registers[event.register] = this.#load(this.#base(event.base) + BigInt(event.offset), event.width)
        break
      case 'move':
        registers[event.into] = registers[event.register]!
        this.#machine.lost.add(event.into)
        this.#clobber(event.register)
        break
      case 'lost':
        this.#clobber(event.register)
        this.#machine.lost.add(event.register)
        break
      case 'kept':
        registers[event.register] = this.#caller[event.register]
        this.#machine.lost.delete(event.register)
        break
      case 'label':
        this.#labels.set(event.id, copyOf(this.#machine))
        break
      case 'resume': {
        if (!this.#labels.has(event.id)) this.#lookAhead(event.id, index)
        this.#machine = copyOf(this.#labels.get(event.id)!)
        break
      }
      case 'epilogue-begin':
        this.#beforeEpilogue = copyOf(this.#machine)
        break
      case 'epilogue-end':
        this.#machine = this.#beforeEpilogue!
        this.#beforeEpilogue = null
        break
      default:
    }
  }

  get #sp(): bigint {
    return this.#machine.registers[this.#architecture.stackPointer]!
  }

  set #sp(value: bigint) {
    this.#machine.registers[this.#architecture.stackPointer] = value
  }

  #base(base: 'sp' | 'frame'): bigint {
    return base === 'sp' ? this.#sp : this.#machine.registers[this.#frameRegister]!
  }

  #clobber(register: Register): void {
    // The frame register keeps what it was set to: a save of the caller's value comes before that.
    if (register === this.#frameRegister) return
    this.#machine.registers[register] = garbage(register, this.#architecture.registerBytes[register]!)
  }

  #store(address: bigint, value: bigint, bytes: number): void {
    for (let i = 0; i < bytes; i += 8) this.#memory.set(address + BigInt(i), (value >> BigInt(8 * i)) & SIGNED_64)
  }

  #load(address: bigint, bytes: number): bigint {
    let value = 0n
    for (let i = 0; i < bytes; i += 8) value |= (this.#memory.get(address + BigInt(i)) ?? 0n) << BigInt(8 * i)
    return value
  }

  /** Runs what leads to a label further on, and leaves nothing behind but the machine at its labels. */
  #lookAhead(wanted: number, index: number): void {
    const { events } = this.#record
    const { machine, memory, frameRegister } = this.#state
    for (const start of runsTowards(wanted, events, index, new Set(this.#labels.keys())) ?? []) {
      this.#memory = new Map(memory)
      this.#apply(events[start]!, start)
      for (let i = start + 1; i < events.length && events[i]!.kind !== 'resume'; i++) this.#apply(events[i]!, i)
    }
    this.#machine = machine
    this.#memory = memory
    this.#frameRegister = frameRegister
  }

  get #state(): { machine: Machine; memory: Map<bigint, bigint>; frameRegister: Register } {
    return { machine: copyOf(this.#machine), memory: this.#memory, frameRegister: this.#frameRegister }
  }

  #addressOf(offset: number): bigint {
    const { codeAddress, partAddresses } = this.#place
    const parts = partsOf(this.#record)
    const index = parts.findLastIndex(({ begin }) => begin <= offset)
    const { begin } = parts[index]!
    return (partAddresses?.[index] ?? codeAddress + BigInt(begin)) + BigInt(offset - begin)
  }

  #point(offset: number): SimulatedPoint {
    const registers = [...this.#machine.registers]
    const { programCounter } = this.#architecture
    registers[programCounter] = this.#addressOf(offset)
    const words = new Map(this.#memory)
    const sp = this.#sp
    const memory: ReadMemory = (address, bytes) => {
      let value = 0n
      for (let i = 0; i < bytes; i++) {
        const at = address + BigInt(i)
        const word = at < sp ? 0xfefe_fefe_fefe_fefen : (words.get(at & ~7n) ?? 0xcdcd_cdcd_cdcd_cdcdn)
        value |= ((word >> (8n * (at & 7n))) & 0xffn) << BigInt(8 * i)
      }
      return value
    }
    const caller = this.#caller.map((value, register) => (this.#machine.lost.has(register) ? undefined : value))
    if (this.#record.kind === 'outermost') caller[programCounter] = undefined
    return {
      offset,
      state: { registers },
      memory,
      words,
      cfa: this.#cfa,
      caller: { registers: caller },
      inEpilogue: this.#beforeEpilogue !== null,
    }
  }
}
