// What emission works on: the assembler, the lists it fills, and the operands of the record at hand.
//
// Invariants, for everything in this folder:
// - Moves that the allocator asked for at a record come before it and leave flags alone, so they may stand between a comparison and its user.
// - r11 belongs to emission: no record has it as an operand, so expansions and moves may destroy it.
// - An input that is not late may share its register with the result. Every expansion that writes the result before it has read all inputs
//   either finds them late or handles the case where they meet.
//
// literals: Source, Address

import { Assembler, Inst } from '@framewright/asm-x64'
import { FrameRecorder } from '@framewright/frame-layout'
import {
  LOCATION_SLOT,
  OPERAND_FIXED_MASK,
  OPERAND_FIXED_SHIFT,
  OPERAND_VREG_MASK,
  RECORD_OPERANDS_MASK,
  RECORD_OPERANDS_SHIFT,
  RECORD_WORDS_SHIFT,
} from '@framewright/regalloc'
import type { Frame } from '../abi/frame.ts'
import { growInt32 } from '../analysis/growable.ts'
import type { Lowering } from '../lower/context.ts'
import * as record from '../machine/record.ts'
import { ParallelMove } from './moves.ts'

const RSP = 4
export const R11 = 11
const S32 = 2
const S64 = 3
/** Relocation kind of a rip-relative operand, as asm-x64 numbers it. */
const PC32 = 0

/** Forms of the last input, after allocation. */
export const IN_REGISTER = 0
export const IN_MEMORY = 1
export const IMMEDIATE = 2

/** Growing pairs of (offset, value). */
export class OffsetList {
  offsets: Int32Array = new Int32Array(32)
  values: Int32Array = new Int32Array(32)
  length = 0

  push(offset: number, value: number): void {
    if (this.length === this.offsets.length) {
      this.offsets = growInt32(this.offsets)
      this.values = growInt32(this.values)
    }
    this.offsets[this.length] = offset
    this.values[this.length++] = value
  }
}

/** Reusable from function to function. */
export class Emitter {
  readonly asm: Assembler = new Assembler()
  readonly recorder: FrameRecorder = new FrameRecorder()
  /** Offsets of instructions that may trap, with the code. */
  readonly traps: OffsetList = new OffsetList()
  /** Offsets just after calls. */
  readonly callSites: OffsetList = new OffsetList()
  readonly sourceMap: OffsetList = new OffsetList()

  code: Int32Array = new Int32Array(0)
  c: Lowering = undefined as unknown as Lowering
  frame: Frame = undefined as unknown as Frame

  // The last input of the current record, as `readSource` found it.
  form = 0
  register = 0
  immediate = 0
  base = 0
  index = 0
  scale = 0
  disp = 0
  /** Trap code of the access that `withMemory` writes next, 0 for none. */
  trap = 0

  readonly moves: ParallelMove = new ParallelMove()
  labels: Int32Array = new Int32Array(64)
  /** Index of the head record of each block. */
  heads: Int32Array = new Int32Array(64)
  /** Where a jump to the block really goes: itself, or past edge blocks that turned out empty. */
  threaded: Int32Array = new Int32Array(64)
  body = -1
  nextMove = 0
  /** Out-of-line traps: label, trap code. */
  readonly lateTraps: number[] = []
  lastReturn = -1

  /** Binds a function that is lowered and allocated. */
  reset(c: Lowering, frame: Frame): void {
    this.c = c
    this.frame = frame
    this.code = c.buffer.code
    this.asm.reset()
    this.recorder.reset()
    this.traps.length = 0
    this.callSites.length = 0
    this.sourceMap.length = 0
    this.lateTraps.length = 0
    this.nextMove = 0
    this.moves.spillBase = frame.spillBase
    const blocks = c.order.count
    if (this.labels.length < blocks) {
      this.labels = new Int32Array(blocks * 2)
      this.heads = new Int32Array(blocks * 2)
      this.threaded = new Int32Array(blocks * 2)
    }
    for (let block = 0; block < blocks; block++) this.labels[block] = this.asm.newLabel()
  }

  /** Location of operand i. */
  location(at: number, i: number): number {
    return this.code[at + 2 + i] & OPERAND_VREG_MASK
  }

  fixedRegister(at: number, i: number): number {
    return (this.code[at + 2 + i] >>> OPERAND_FIXED_SHIFT) & OPERAND_FIXED_MASK
  }

  /** Finds the last input of a record, whose first operand is operand `i`, and leaves it in `form` and the fields below it. */
  readSource(at: number, header: number, i: number): void {
    switch ((header >> record.SOURCE_SHIFT) & 7) {
      case 0 /* Source.operand */:
        this.readOperand(this.location(at, i))
        return
      case 1 /* Source.immediate */:
        {
          this.form = IMMEDIATE
          const words = this.code[at] >>> RECORD_WORDS_SHIFT
          this.immediate = this.code[at + words - 1]
          return
        }
      case 3 /* Source.pool */:
        {
          const words = this.code[at] >>> RECORD_WORDS_SHIFT
          const low = this.code[at + words - 2]
          const high = this.code[at + words - 1]
          const size = (header >> record.SIZE_SHIFT) & 3
          this.form = IN_MEMORY
          this.base = -3
          this.index = size === 2 ? this.asm.constant32(low) : this.asm.constant64(low, high)
          this.scale = 0
          this.disp = 0
          return
        }
      default:
        this.readAddress(at, header, i)
        this.form = IN_MEMORY
        this.trap = (header >>> record.TRAP_SHIFT) & 0xff
    }
  }

  /** A register or a slot as the last input. */
  readOperand(location: number): void {
    if (location < LOCATION_SLOT) {
      this.form = IN_REGISTER
      this.register = location
    } else {
      this.form = IN_MEMORY
      this.base = RSP
      this.index = -1
      this.scale = 0
      this.disp = this.moves.address(location)
    }
  }

  /** The memory operand whose base or index is operand `i`, into `base`, `index`, `scale`, `disp`. */
  readAddress(at: number, header: number, i: number): void {
    const { code } = this
    let operand = i
    this.base = (header & record.HAS_BASE) !== 0 ? this.location(at, operand++) : -1
    this.index = (header & record.HAS_INDEX) !== 0 ? this.location(at, operand++) : -1
    this.scale = (header >> record.SCALE_SHIFT) & 3
    const payload = at + 2 + ((code[at] >>> RECORD_OPERANDS_SHIFT) & RECORD_OPERANDS_MASK)
    this.disp = code[payload]
    switch ((header >> record.ADDRESS_SHIFT) & 7) {
      case 0 /* Address.plain */:
        return
      case 1 /* Address.slot */:
        this.base = RSP
        this.disp += this.frame.slotBase
        return
      case 2 /* Address.incoming */:
        this.base = RSP
        this.disp += this.frame.incomingBase
        return
      case 3 /* Address.outgoing */:
        this.base = RSP
        return
      default:
        this.base = -4
        this.index = code[payload]
        this.scale = PC32
        this.disp = code[payload + 1]
    }
  }

  /** The next instruction may trap. */
  trapHere(header: number): void {
    const trap = (header >>> record.TRAP_SHIFT) & 0xff
    if (trap !== 0) this.traps.push(this.asm.length, trap)
  }

  /** Copies a location to a general register, `size` being what matters of it. */
  toRegister(size: number, register: number, location: number): void {
    if (location === register) return
    const { asm } = this
    const wide = size < 3 ? S32 : S64
    if (location < LOCATION_SLOT) asm.rr(Inst.Mov_r_rm, wide, register, location)
    else asm.rm(Inst.Mov_r_rm, wide, register, RSP, -1, 0, this.moves.address(location))
  }

  /** Copies a location to a vector register. */
  toVector(size: number, register: number, location: number): void {
    if (location === register) return
    const { asm } = this
    if (location < LOCATION_SLOT) asm.rr(Inst.Movaps_x_xm, 0, register, location)
    else asm.rm(size === 2 ? Inst.Movss_x_xm : Inst.Movsd_x_xm, 0, register, RSP, -1, 0, this.moves.address(location))
  }

  /** `row` with a register and what `readSource` found in memory. */
  withMemory(row: number, size: number, register: number): void {
    if (this.trap !== 0) {
      this.traps.push(this.asm.length, this.trap)
      this.trap = 0
    }
    this.asm.rm(row, size, register, this.base, this.index, this.scale, this.disp)
  }
}
