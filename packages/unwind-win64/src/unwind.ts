/**
 * One step of RtlVirtualUnwind over an image and a memory-reading callback: the steps of the published unwinder, in its
 * order, with its quirks (dotnet/runtime: src/coreclr/unwinder/amd64/unwinder.cpp). On request the steps of Wine 8, which
 * differ in the ways listed at `Win64System`.
 */

import { type MachineState, type ReadMemory, type Register, RSP, type UnwindImage } from '@framewright/frame-layout'
import {
  UNW_FLAG_CHAININFO,
  UWOP_ALLOC_LARGE,
  UWOP_ALLOC_SMALL,
  UWOP_PUSH_MACHFRAME,
  UWOP_PUSH_NONVOL,
  UWOP_SAVE_NONVOL,
  UWOP_SAVE_NONVOL_FAR,
  UWOP_SAVE_XMM128,
  UWOP_SAVE_XMM128_FAR,
  UWOP_SET_FPREG,
} from './constants.ts'
import { Win64UnwindError } from './errors.ts'
import { type AnyUnwindInfo, ImageReader, MAX_CHAIN, type PlacedInfo } from './image.ts'
import { Machine } from './machine.ts'
import { isEpilogue, recogniseEpilogue } from './recognise.ts'
import { operandBytes, type RuntimeFunction, type UnwindInfo } from './unwind-info.ts'
import { frameIsSet3, undoEpilogue3, undoPrologue3 } from './version-3-unwind.ts'
import { recogniseWineEpilogue } from './wine.ts'

/**
 * Whose unwinder. Wine 8 differs: it tests for epilogues only outside the prologue and only when there are codes; it knows
 * neither `FF 25` nor REX.W `FF /4`, nor jumps out of the function, but follows jumps inside; takes any register in
 * `lea rsp`; adds the number of `ret n`; recomputes the frame base for each chained record; reads instructions for
 * version 2 as well; and gives handlers the frame register's base only where SET_FPREG is undone or an epilogue is left.
 */
export type Win64System = 'windows' | 'wine-8'

/** Choices of a step. */
export interface Win64UnwindOptions {
  readonly system?: Win64System
  /** Whether records of version 3 are walked, as the preview specification says; refused when left out. No system does yet. */
  readonly version3?: boolean
}

/** The caller's frame, and what the step found out on its way. */
export interface Win64UnwindStep extends MachineState {
  /** What handlers are given as the frame's address. Without meaning inside an epilogue. */
  readonly establisherFrame: bigint
  /** Where each restored register was read. */
  readonly saved: ReadonlyMap<Register, bigint>
  /** The handler that the record names, if the pc lies where one may be called: neither in the prologue nor in an epilogue. */
  readonly handler: { readonly flags: number; readonly address: bigint; readonly data: bigint } | null
  /** The entry that was found; null: a leaf. */
  readonly entry: RuntimeFunction | null
  readonly inEpilogue: boolean
}

const MASK = 0xffff_ffff_ffff_ffffn
/**
 * Walks one frame.
 *
 * @param frame - pc in the return address register (32), SP and the nonvolatile registers.
 * @param image - `.pdata`, `.xdata` and the code, at their addresses.
 * @throws Win64UnwindError when a record is malformed, memory cannot be read, or a register that is needed is unknown.
 */
export function unwindFrame(
  frame: MachineState,
  image: UnwindImage,
  memory: ReadMemory,
  options: Win64UnwindOptions = {},
): Win64UnwindStep {
  const reader = new ImageReader(image, options.version3 ?? false)
  return new Step(new Machine(frame, memory), reader, options.system ?? 'windows').run()
}

class Step {
  readonly #machine: Machine
  readonly #image: ImageReader
  readonly #system: Win64System

  constructor(machine: Machine, image: ImageReader, system: Win64System) {
    this.#machine = machine
    this.#image = image
    this.#system = system
  }

  run(): Win64UnwindStep {
    const machine = this.#machine
    const entry = this.#image.find(machine.pc)
    if (entry === null) {
      machine.return()
      return this.#result(machine.value(RSP), null, null, false)
    }
    const placed = this.#image.info(entry.unwindInfo)
    return this.#system === 'windows' ? this.#windows(entry, placed) : this.#wine(entry, placed)
  }

  #windows(entry: RuntimeFunction, placed: PlacedInfo): Win64UnwindStep {
    const { info } = placed
    const establisher = this.#establisher(info, this.#offsetIn(entry))
    const epilogue = this.#tryEpilogue(entry, info, establisher)
    if (epilogue === 'left') return this.#result(establisher, null, entry, true)
    let current = entry
    let own: PlacedInfo = placed
    let machineFrame = false
    for (let links = 0; ; links++) {
      // What an epilogue that goes on in the parent fragment had to undo of its own is undone.
      if (links > 0 || epilogue === 'none') {
        if (this.#undo(own.info, this.#offsetIn(current), establisher)) machineFrame = true
      }
      if (own.info.parent === null) break
      if (links === MAX_CHAIN) throw new Win64UnwindError({ code: 'chain-too-long', links })
      current = own.info.parent
      own = this.#image.info(current.unwindInfo)
    }
    if (!machineFrame) this.#machine.return()
    const callable = epilogue === 'none' && this.#offsetIn(current) >= own.info.prologueSize
    return this.#result(establisher, callable ? own : null, entry, epilogue !== 'none')
  }

  /**
   * The pc from the begin of a range, in 32 bits without sign: an address in front of the range (a part of the function that
   * was placed before its parent) counts as behind its prologue.
   */
  #offsetIn(entry: RuntimeFunction): number {
    return (Number(this.#machine.pc - this.#image.base) - entry.begin) >>> 0
  }

  /** Step 1: the frame register is trusted behind the prologue, in chained records, and from SET_FPREG on. */
  #establisher(info: AnyUnwindInfo, offset: number): bigint {
    if (info.frameRegister === 0) return this.#machine.value(RSP)
    const trusted =
      offset >= info.prologueSize ||
      (info.flags & UNW_FLAG_CHAININFO) !== 0 ||
      (info.version === 3
        ? frameIsSet3(info, offset)
        : info.codes.some((code) => code.operation === UWOP_SET_FPREG && offset >= code.codeOffset))
    return trusted ? this.#frameBase(info) : this.#machine.value(RSP)
  }

  #frameBase(info: AnyUnwindInfo): bigint {
    return (this.#machine.value(info.frameRegister) - BigInt(info.frameOffset)) & MASK
  }

  /** Step 2. `'left'`: the epilogue was run to its end; `'to-parent'` (version 3): it goes on in the parent fragment. */
  #tryEpilogue(entry: RuntimeFunction, info: AnyUnwindInfo, establisher: bigint): 'none' | 'left' | 'to-parent' {
    const machine = this.#machine
    if (info.version === 3) {
      const found = undoEpilogue3(machine, info, this.#offsetIn(entry), entry.end - entry.begin, establisher)
      if (found === 'left') machine.return()
      return found
    }
    return (info.version === 2 ? this.#tryListedEpilogue(entry, info) : this.#runEpilogue(entry, info))
      ? 'left'
      : 'none'
  }

  #runEpilogue(entry: RuntimeFunction, info: UnwindInfo): boolean {
    const machine = this.#machine
    const { pc } = machine
    const found = recogniseEpilogue(
      (offset) => this.#image.byte(pc + BigInt(offset)),
      info.frameRegister,
      (target) => this.#leaves(entry, info, Number(pc - this.#image.base) + target),
    )
    if (!isEpilogue(found)) return false
    const { from, offset } = found.adjustment
    if (offset !== 0 || from >= 0) machine.setSp(machine.value(from < 0 ? RSP : from) + BigInt(offset))
    for (const register of found.pops) machine.pop(register)
    machine.return()
    return true
  }

  /** A jump leaves when it goes outside the range and not to another range of the function, or to the function's start. */
  #leaves(entry: RuntimeFunction, info: UnwindInfo, target: number): boolean {
    if (target >= entry.begin && target < entry.end) {
      return target === entry.begin && (info.flags & UNW_FLAG_CHAININFO) === 0
    }
    const other = this.#image.find(this.#image.base + BigInt(target >>> 0))
    if (other === null) return true
    const primary = this.#image.primary(entry)
    if (this.#image.primary(other).begin !== primary.begin) return true
    return target === primary.begin
  }

  /** Version 2: epilogues are where the codes say, and the pushes that have not been popped yet are undone. */
  #tryListedEpilogue(entry: RuntimeFunction, info: UnwindInfo): boolean {
    const { epilogues } = info
    if (epilogues === null) return false
    const machine = this.#machine
    const rva = Number(machine.pc - this.#image.base)
    const starts = epilogues.distances.map((distance) => entry.end - distance)
    if (epilogues.atEnd) starts.push(entry.end - epilogues.size)
    const start = starts.find((candidate) => rva >= candidate && rva < candidate + epilogues.size)
    if (start === undefined) return false
    // The record with the pushes may be further up the chain.
    let own = info
    for (let links = 0; own.parent !== null; links++) {
      if (own.codes.some((code) => code.operation === UWOP_PUSH_NONVOL)) break
      if (links === MAX_CHAIN) throw new Win64UnwindError({ code: 'chain-too-long', links })
      const parent: AnyUnwindInfo = this.#image.info(own.parent.unwindInfo).info
      if (parent.version === 3) break
      own = parent
    }
    let skipped = rva - start
    let i = own.codes.findIndex((code) => code.operation === UWOP_PUSH_NONVOL)
    if (i < 0) i = own.codes.length
    for (; i < own.codes.length && own.codes[i]!.operation === UWOP_PUSH_NONVOL; i++) {
      const register = own.codes[i]!.info
      const length = register < 8 ? 1 : 2
      if (skipped >= length) skipped -= length
      else machine.pop(register)
    }
    const flags = own.codes[i]
    if (flags !== undefined && flags.operation === UWOP_ALLOC_SMALL && flags.info === 0) {
      if (skipped >= 1) skipped -= 1
      else machine.addToSp(8)
    }
    machine.return()
    return true
  }

  /** Step 3 for one record. @returns whether a machine frame was popped. */
  #undo(info: AnyUnwindInfo, offset: number, establisher: bigint): boolean {
    const machine = this.#machine
    if (info.version === 3) return undoPrologue3(machine, info, offset, establisher)
    let machineFrame = false
    for (const code of info.codes) {
      if (offset < code.codeOffset) continue
      switch (code.operation) {
        case UWOP_PUSH_NONVOL:
          machine.pop(code.info)
          break
        case UWOP_ALLOC_LARGE:
        case UWOP_ALLOC_SMALL:
          machine.addToSp(operandBytes(code))
          break
        case UWOP_SET_FPREG:
          machine.setSp(this.#frameBase(info))
          break
        case UWOP_SAVE_NONVOL:
        case UWOP_SAVE_NONVOL_FAR:
          machine.load(code.info, establisher + BigInt(operandBytes(code)))
          break
        case UWOP_SAVE_XMM128:
        case UWOP_SAVE_XMM128_FAR:
          machine.load(code.info + 16, establisher + BigInt(operandBytes(code)))
          break
        case UWOP_PUSH_MACHFRAME:
          machine.popMachineFrame(code.info !== 0)
          machineFrame = true
          break
        default: // SPARE_CODE: stepped over
      }
    }
    return machineFrame
  }

  #wine(entry: RuntimeFunction, placed: PlacedInfo): Win64UnwindStep {
    const machine = this.#machine
    let current = entry
    let own = placed
    let frame = machine.value(RSP)
    // Only an epilogue and an undone SET_FPREG make the frame register's value the establisher's.
    let establisher = frame
    let machineFrame = false
    let inPrologue = false
    for (let links = 0; ; links++) {
      const { info } = own
      if (info.frameRegister !== 0) frame = this.#frameBase(info)
      const at = Number(machine.pc - this.#image.base) - current.begin
      inPrologue = at >= 0 && at < info.prologueSize
      if (!inPrologue && info.version !== 3 && (info.codes.length > 0 || info.epilogues !== null)) {
        const { pc } = machine
        const rva = Number(pc - this.#image.base)
        const found = recogniseWineEpilogue(
          (offset) => this.#image.byte(pc + BigInt(offset)),
          (target) => {
            return rva + target >= current.begin && rva + target < current.end
          },
        )
        if (found !== null) {
          for (const action of found) {
            if (action.kind === 'pop') machine.pop(action.register)
            else if (action.kind === 'adjust') machine.setSp(machine.value(action.from) + BigInt(action.offset))
            else {
              machine.return()
              machine.addToSp(action.bytes)
            }
          }
          return this.#result(frame, null, entry, true)
        }
      }
      const done = inPrologue ? at : Number.MAX_SAFE_INTEGER
      if (this.#undo(info, done, frame)) machineFrame = true
      if (
        info.version !== 3 &&
        info.codes.some((code) => code.operation === UWOP_SET_FPREG && done >= code.codeOffset)
      ) {
        establisher = frame
      }
      if (info.parent === null) break
      if (links === MAX_CHAIN) throw new Win64UnwindError({ code: 'chain-too-long', links })
      current = info.parent
      own = this.#image.info(current.unwindInfo)
    }
    if (!machineFrame) machine.return()
    return this.#result(establisher, inPrologue ? null : own, entry, false)
  }

  #result(
    establisherFrame: bigint,
    own: PlacedInfo | null,
    entry: RuntimeFunction | null,
    inEpilogue: boolean,
  ): Win64UnwindStep {
    const flags = own === null ? 0 : own.info.flags & 3
    const base = this.#image.base
    return {
      registers: this.#machine.registers,
      establisherFrame,
      saved: this.#machine.saved,
      handler:
        own === null || flags === 0
          ? null
          : { flags, address: base + BigInt(own.info.handler), data: base + BigInt(own.handlerData) },
      entry,
      inEpilogue,
    }
  }
}
