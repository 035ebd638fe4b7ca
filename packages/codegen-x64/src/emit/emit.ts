// Emission: one forward pass over the allocated records that writes bytes, and with them relocations, traps, call sites, source locations and
// the frame record. Offsets taken on the way are those before branches are shortened; `finish` moves them all.
//
// Invariants:
// - Moves that the allocator asked for at a record come before it and leave flags alone, so they may stand between a comparison and its user.
// - r11 belongs to the emitter: no record has it as an operand (as a fixed register neither), so expansions and moves may destroy it.
// - An input that is not late may share its register with the result. Every expansion that writes the result before it has read all inputs
//   either finds them late or handles the case where they meet.
//
// literals: Shape, MachOp, Source, Address

import { Assembler, Inst } from '@framewright/asm-x64'
import { FrameRecorder } from '@framewright/frame-layout'
import {
  type Allocator,
  LOCATION_SLOT,
  MOVE_JUMP,
  OPERAND_CONST,
  OPERAND_DEF,
  OPERAND_FIXED_MASK,
  OPERAND_FIXED_SHIFT,
  OPERAND_VREG_MASK,
  RECORD_OPERANDS_MASK,
  RECORD_OPERANDS_SHIFT,
  RECORD_OPERATION_MASK,
  RECORD_WORDS_SHIFT,
} from '@framewright/regalloc'
import { type Frame, writeEpilogue, writePrologue } from '../abi/frame.ts'
import { growInt32 } from '../analysis/growable.ts'
import type { Lowering } from '../lower/context.ts'
import { NO_ARGUMENT } from '../lower/control.ts'
import { Reach } from '../lower/symbols.ts'
import { MachOp } from '../machine/op.ts'
import * as record from '../machine/record.ts'
import { emitFloat } from './float.ts'
import { ParallelMove } from './moves.ts'
import { COMMUTES, ROW_DOUBLE, ROW_MEMORY, ROW_R_RM, ROW_RM, ROW_RM_CL, ROW_RM_IMM, SHAPE, Shape } from './rows.ts'

const RAX = 0
const RDX = 2
const RCX = 1
const RSP = 4
const R10 = 10
export const R11 = 11
const FIRST_VECTOR = 16
const S32 = 2
const S64 = 3

// Kinds of relocation, as asm-x64 numbers them.
const PC32 = 0
const PLT32 = 1
const GOTPCREL = 2
const ABS64 = 3

/** Forms of the last input, after allocation. */
const IN_REGISTER = 0
const IN_MEMORY = 1
const IMMEDIATE = 2

/** Words of the longest loop test that is repeated. */
const LONGEST_TEST = 24

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

  readonly #moves: ParallelMove = new ParallelMove()
  #labels: Int32Array = new Int32Array(64)
  /** Index of the head record of each block. */
  #heads: Int32Array = new Int32Array(64)
  /** Where a jump to the block really goes: itself, or past edge blocks that turned out empty. */
  #threaded: Int32Array = new Int32Array(64)
  #body = -1
  #nextMove = 0
  /** Out-of-line traps: label, trap code. */
  readonly #lateTraps: number[] = []
  #lastReturn = -1

  /** Writes the function that `c` lowered and its allocator allocated. `asm.finish()` and the remapping are the caller's. */
  emit(c: Lowering, frame: Frame): void {
    this.c = c
    this.frame = frame
    const { asm } = this
    const { buffer, allocator, order } = c
    const { code } = buffer
    this.code = code
    asm.reset()
    this.recorder.reset()
    this.traps.length = 0
    this.callSites.length = 0
    this.sourceMap.length = 0
    this.#lateTraps.length = 0
    this.#nextMove = 0
    this.#moves.spillBase = frame.spillBase
    if (this.#labels.length < order.count) {
      this.#labels = new Int32Array(order.count * 2)
      this.#heads = new Int32Array(order.count * 2)
      this.#threaded = new Int32Array(order.count * 2)
    }
    for (let block = 0; block < order.count; block++) this.#labels[block] = asm.newLabel()
    this.#scan(code, buffer.start, allocator)
    this.#body = writePrologue(asm, this.recorder, frame, c)

    const end = code.length
    let block = -1
    for (let at = buffer.start; at < end; ) {
      const head = code[at]
      const op = head & RECORD_OPERATION_MASK
      if (op === MachOp.Block) {
        block++
        if (this.#threaded[block] !== block) {
          at = block + 1 < order.count ? this.#heads[block + 1] : end
          continue
        }
        asm.bind(this.#labels[block])
      }
      if (this.#nextMove < allocator.moveCount && allocator.movePoint[this.#nextMove] <= at * 2) this.#emitMoves(at * 2)
      this.#emitRecord(at, op, block)
      at += head >>> RECORD_WORDS_SHIFT
    }
    this.#emitLateTraps()
  }

  /** Finds the head of every block, the last return, and the edge blocks that jumps can skip. */
  #scan(code: Int32Array, start: number, allocator: Allocator): void {
    const heads = this.#heads
    const threaded = this.#threaded
    const { order } = this.c
    let block = 0
    this.#lastReturn = -1
    let last = -1
    for (let at = start; at < code.length; at += code[at] >>> RECORD_WORDS_SHIFT) {
      const op = code[at] & RECORD_OPERATION_MASK
      if (op === MachOp.Block) {
        threaded[block] = block
        heads[block++] = at
      }
      last = at
    }
    if (last >= 0 && (code[last] & RECORD_OPERATION_MASK) === MachOp.Return) this.#lastReturn = last
    if (!order.hasEdgeBlocks) return
    for (let edge = 0; edge < order.count; edge++) {
      if (order.irBlock[edge] >= 0) continue
      const jump = heads[edge] + (code[heads[edge]] >>> RECORD_WORDS_SHIFT)
      const operands = (code[jump] >>> RECORD_OPERANDS_SHIFT) & RECORD_OPERANDS_MASK
      const target = code[jump + 2 + operands]
      if (this.#isEmptyEdge(code, heads[edge], jump, operands, heads[target], allocator)) threaded[edge] = target
    }
  }

  /** The edge block at `head` moves nothing: neither arguments nor split values. */
  #isEmptyEdge(
    code: Int32Array,
    head: number,
    jump: number,
    operands: number,
    target: number,
    allocator: Allocator,
  ): boolean {
    for (let i = 0; i < operands; i++) {
      const argument = code[jump + 2 + i]
      const parameter = code[target + 2 + i] & OPERAND_VREG_MASK
      if ((argument & OPERAND_CONST) !== 0) {
        if ((argument & OPERAND_VREG_MASK) !== NO_ARGUMENT && parameter !== 63) return false
      } else if (parameter !== 63 && (argument & OPERAND_VREG_MASK) !== parameter) {
        return false
      }
    }
    const move = firstMoveAt(allocator, head * 2)
    return move === allocator.moveCount || allocator.movePoint[move] > jump * 2
  }

  /** Emits the moves before the record at `point`; those of a jump wait for its arguments. */
  #emitMoves(point: number): void {
    const { allocator } = this.c
    const { moveCount, movePoint, moveGroup, moveFrom, moveTo } = allocator
    const moves = this.#moves
    let i = this.#nextMove
    // Moves of skipped blocks: there are none by construction.
    while (i < moveCount && movePoint[i] <= point) {
      const group = moveGroup[i]
      const at = movePoint[i]
      if (group === MOVE_JUMP && at === point) break
      do {
        moves.add(moveFrom[i], moveTo[i])
        i++
      } while (i < moveCount && movePoint[i] === at && moveGroup[i] === group)
      moves.flush(this.asm)
    }
    this.#nextMove = i
  }

  #emitRecord(at: number, op: number, block: number): void {
    const header = this.code[at + 1]
    switch (SHAPE[op]) {
      case 0 /* Shape.control */:
        return this.#emitControl(at, op, header, block)
      case 1 /* Shape.alu */:
        return this.#emitAlu(at, op, header)
      case 2 /* Shape.unary */:
        return this.#emitUnary(at, op, header)
      case 3 /* Shape.shift */:
        return this.#emitShift(at, op, header)
      case 4 /* Shape.move */:
        return this.#emitMove(at, op, header)
      case 5 /* Shape.store */:
        return this.#emitStore(at, op, header)
      case 6 /* Shape.compare */:
        return this.#emitCompare(at, op, header)
      case 7 /* Shape.lea */:
        return this.#emitLea(at, header)
      case 8 /* Shape.constant */:
        return this.#emitConstant(at, op, header)
      case 9 /* Shape.setcc */:
        return this.#emitSetcc(at, header)
      case 10 /* Shape.cmov */:
        return this.#emitCmov(at, header)
      case 11 /* Shape.fixed */:
        return this.#emitFixed(at, op, header)
      case 12 /* Shape.float */:
        return this.#emitFloatAlu(at, op, header)
      case 13 /* Shape.floatMove */:
        return this.#emitFloatMove(at, op, header)
      default:
        return this.#emitOther(at, op, header)
    }
  }

  // --- Operands ----------------------------------------------------------------------------------------------------------------------

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
      this.disp = this.#moves.address(location)
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
  #trapHere(header: number): void {
    const trap = (header >>> record.TRAP_SHIFT) & 0xff
    if (trap !== 0) this.traps.push(this.asm.length, trap)
  }

  /** Copies a location to a general register, `size` being what matters of it. */
  toRegister(size: number, register: number, location: number): void {
    if (location === register) return
    const { asm } = this
    const wide = size < 3 ? S32 : S64
    if (location < LOCATION_SLOT) asm.rr(Inst.Mov_r_rm, wide, register, location)
    else asm.rm(Inst.Mov_r_rm, wide, register, RSP, -1, 0, this.#moves.address(location))
  }

  /** Copies a location to a vector register. */
  toVector(size: number, register: number, location: number): void {
    if (location === register) return
    const { asm } = this
    if (location < LOCATION_SLOT) asm.rr(Inst.Movaps_x_xm, 0, register, location)
    else asm.rm(size === 2 ? Inst.Movss_x_xm : Inst.Movsd_x_xm, 0, register, RSP, -1, 0, this.#moves.address(location))
  }

  /** `row` with a register and what `readSource` found in memory. */
  withMemory(row: number, size: number, register: number): void {
    if (this.trap !== 0) {
      this.traps.push(this.asm.length, this.trap)
      this.trap = 0
    }
    this.asm.rm(row, size, register, this.base, this.index, this.scale, this.disp)
  }

  // --- Integer operations ------------------------------------------------------------------------------------------------------------

  #emitAlu(at: number, op: number, header: number): void {
    const { asm } = this
    const d = this.location(at, 0)
    const a = this.location(at, 1)
    this.readSource(at, header, 2)
    let size = (header >> record.SIZE_SHIFT) & 3
    const exact = (header & record.EXACT) !== 0
    const form = this.form
    if (size < 2 && !exact && (form !== IN_MEMORY || this.base === RSP)) size = S32
    const row = ROW_R_RM[op]
    if (form === IN_REGISTER) {
      const b = this.register
      if (d === a) {
        asm.rr(row, size, d, b)
      } else if (d === b) {
        // Only a commutative operation has its second input where the result goes.
        if (a < LOCATION_SLOT) asm.rr(row, size, d, a)
        else asm.rm(row, size, d, RSP, -1, 0, this.#moves.address(a))
      } else if (op === MachOp.Add && !exact && a < LOCATION_SLOT) {
        asm.rm(Inst.Lea_r_m, size, d, a, b, 0, 0)
      } else {
        this.toRegister(size, d, a)
        asm.rr(row, size, d, b)
      }
      return
    }
    if (form === IMMEDIATE) {
      if (d !== a) {
        if (
          !exact &&
          a < LOCATION_SLOT &&
          (op === MachOp.Add || (op === MachOp.Sub && this.immediate !== -0x80000000))
        ) {
          asm.rm(Inst.Lea_r_m, size, d, a, -1, 0, op === MachOp.Add ? this.immediate : -this.immediate)
          return
        }
        this.toRegister(size, d, a)
      }
      asm.ri(ROW_RM_IMM[op], size, d, this.immediate)
      return
    }
    if (d !== a && (d === this.base || d === this.index) && this.base >= -1) {
      // Copying the first input to the result would destroy the address.
      this.toRegister(size, R11, a)
      this.withMemory(row, size, R11)
      asm.rr(Inst.Mov_r_rm, size < 3 ? S32 : S64, d, R11)
      return
    }
    this.toRegister(size, d, a)
    this.withMemory(row, size, d)
  }

  #emitUnary(at: number, op: number, header: number): void {
    const d = this.location(at, 0)
    const exact = (header & record.EXACT) !== 0
    const size = (header >> record.SIZE_SHIFT) & 3
    const wide = size < 2 && !exact ? S32 : size
    this.toRegister(size, d, this.location(at, 1))
    if (op === MachOp.Bswap) this.asm.bswap(size, d)
    else this.asm.r(ROW_RM[op], wide, d)
  }

  #emitShift(at: number, op: number, header: number): void {
    const { asm } = this
    const size = (header >> record.SIZE_SHIFT) & 3
    const d = this.location(at, 0)
    const a = this.location(at, 1)
    if ((header & record.SOURCE_MASK) === record.SOURCE_IMMEDIATE) {
      const words = this.code[at] >>> RECORD_WORDS_SHIFT
      const amount = this.code[at + words - 1]
      if (op === MachOp.Shl && d !== a && a < LOCATION_SLOT && amount >= 1 && amount <= 3 && size >= 2) {
        if (amount === 1) asm.rm(Inst.Lea_r_m, size, d, a, a, 0, 0)
        else asm.rm(Inst.Lea_r_m, size, d, -1, a, amount, 0)
        return
      }
      this.toRegister(size, d, a)
      if (amount !== 0) asm.ri(ROW_RM_IMM[op], size, d, amount)
      // Lowering counts on zeros above every 32-bit result, also of a shift that does nothing.
      else if (size === S32 && d === a) asm.rr(Inst.Mov_r_rm, S32, d, d)
      return
    }
    this.#moves.add(a, d)
    this.#moves.add(this.location(at, 2), RCX)
    this.#moves.flush(asm)
    asm.r(ROW_RM_CL[op], size, d)
  }

  /** d = op(source), untied: moves, extensions, counts, multiplication by an immediate. */
  #emitMove(at: number, op: number, header: number): void {
    const { asm } = this
    const size = (header >> record.SIZE_SHIFT) & 3
    const d = this.location(at, 0)
    const row = ROW_R_RM[op]
    if (op === MachOp.ImulImm) {
      const words = this.code[at] >>> RECORD_WORDS_SHIFT
      const immediate = this.code[at + words - 1]
      this.readOperand(this.location(at, 1))
      if (this.form === IN_REGISTER) asm.rri(row, size, d, this.register, immediate)
      else asm.rmi(row, size, d, this.base, this.index, this.scale, this.disp, immediate)
      return
    }
    this.readSource(at, header, 1)
    // bsf and lzcnt's older relatives leave the result as it was for 0; nothing relies on that, but it is a false dependency only.
    if (this.form === IN_REGISTER) {
      if (op === MachOp.Mov && size === S64 && d === this.register) return
      asm.rr(row, size, d, this.register)
    } else {
      this.withMemory(row, size, d)
    }
  }

  #emitStore(at: number, op: number, header: number): void {
    const { asm } = this
    const size = (header >> record.SIZE_SHIFT) & 3
    if ((header & record.SOURCE_MASK) === record.SOURCE_MEMORY_IMMEDIATE) {
      this.readAddress(at, header, 0)
      this.#trapHere(header)
      const words = this.code[at] >>> RECORD_WORDS_SHIFT
      const row = op >= MachOp.AddMemory ? ROW_RM_IMM[op] : Inst.Mov_rm_imm
      asm.mi(row, size, this.base, this.index, this.scale, this.disp, this.code[at + words - 1])
      return
    }
    this.readAddress(at, header, 1)
    this.#trapHere(header)
    const row =
      op >= MachOp.AddMemory
        ? ROW_MEMORY[op]
        : op === MachOp.Store
          ? Inst.Mov_rm_r
          : size === 2
            ? Inst.Movss_xm_x
            : Inst.Movsd_xm_x
    this.withMemory(row, size, this.location(at, 0))
  }

  #emitCompare(at: number, op: number, header: number): void {
    const { asm } = this
    const size = (header >> record.SIZE_SHIFT) & 3
    const operands = (this.code[at] >>> RECORD_OPERANDS_SHIFT) & RECORD_OPERANDS_MASK
    const source = header & record.SOURCE_MASK
    const words = this.code[at] >>> RECORD_WORDS_SHIFT
    if (source === record.SOURCE_MEMORY_IMMEDIATE) {
      this.readAddress(at, header, 0)
      this.#trapHere(header)
      asm.mi(Inst.Cmp_rm_imm, size, this.base, this.index, this.scale, this.disp, this.code[at + words - 1])
      return
    }
    const a = this.location(at, 0)
    if (source === record.SOURCE_IMMEDIATE) {
      const immediate = this.code[at + words - 1]
      this.readOperand(a)
      let narrow = size
      // A mask of low bits needs no more than the bits it has: `test r/m8` saves bytes and reads the same.
      if (op === MachOp.Test && immediate >= 0 && immediate < 128 && size > 0 && (this.form === IN_MEMORY || a < 4))
        narrow = 0
      if (this.form === IN_REGISTER) asm.ri(ROW_RM_IMM[op], narrow, a, immediate)
      else asm.mi(ROW_RM_IMM[op], narrow, this.base, this.index, this.scale, this.disp, immediate)
      return
    }
    if (op === MachOp.Test) {
      if (operands === 1) {
        this.readOperand(a)
        if (this.form === IN_REGISTER) asm.rr(Inst.Test_rm_r, size, a, a)
        else asm.mi(Inst.Cmp_rm_imm, size, this.base, this.index, this.scale, this.disp, 0)
        return
      }
      this.readOperand(this.location(at, 1))
      if (this.form === IN_REGISTER) asm.rr(Inst.Test_rm_r, size, a, this.register)
      else this.withMemory(Inst.Test_rm_r, size, a)
      return
    }
    this.readSource(at, header, 1)
    const row = op === MachOp.Ucomis && size === 3 ? ROW_DOUBLE[op] : ROW_R_RM[op]
    if (this.form === IN_REGISTER) asm.rr(row, size, a, this.register)
    else this.withMemory(row, size, a)
  }

  #emitLea(at: number, header: number): void {
    const size = (header >> record.SIZE_SHIFT) & 3
    this.readAddress(at, header, 1)
    const d = this.location(at, 0)
    const { base, index } = this
    if (index === -1 && base === d && this.disp !== 0) this.asm.ri(Inst.Add_rm_imm, size, d, this.disp)
    else if (index === -1 && base >= 0 && this.disp === 0) this.asm.rr(Inst.Mov_r_rm, size, d, base)
    else this.withMemory(Inst.Lea_r_m, size, d)
  }

  #emitConstant(at: number, op: number, header: number): void {
    const d = this.location(at, 0)
    const low = this.code[at + 3]
    const high = this.code[at + 4]
    const size = (header >> record.SIZE_SHIFT) & 3
    if (op === MachOp.Const) {
      if (low === 0 && (high === 0 || size < 3)) this.asm.zero(d)
      else this.asm.movImm(size, d, low, high)
      return
    }
    this.#floatConstant(d, low, high, size)
  }

  #floatConstant(d: number, low: number, high: number, size: number): void {
    const { asm } = this
    if (low === 0 && high === 0) asm.zero(d)
    else if (size === 2) asm.rmPool(Inst.Movss_x_xm, 0, d, asm.constant32(low))
    else asm.rmPool(Inst.Movsd_x_xm, 0, d, asm.constant64(low, high))
  }

  #emitSetcc(at: number, header: number): void {
    const { asm } = this
    const condition = header & record.COND_MASK
    const d = this.location(at, 0)
    if (condition < record.FLOAT_EQ) {
      asm.setcc(condition, d)
      return
    }
    const temporary = this.location(at, 1)
    const equal = condition === record.FLOAT_EQ
    asm.setcc(equal ? 4 : 5, d)
    asm.setcc(equal ? 11 : 10, temporary)
    asm.rr(equal ? Inst.And_r_rm : Inst.Or_r_rm, S32, d, temporary)
  }

  /** d = condition ? operand 2 : operand 1. Lowering has turned FLOAT_EQ into FLOAT_NE. */
  #emitCmov(at: number, header: number): void {
    const { asm } = this
    const size = (header >> record.SIZE_SHIFT) & 3
    const condition = header & record.COND_MASK
    const d = this.location(at, 0)
    this.toRegister(size, d, this.location(at, 1))
    this.readOperand(this.location(at, 2))
    const first = condition === record.FLOAT_NE ? 5 : condition
    for (let i = 0; i < (condition === record.FLOAT_NE ? 2 : 1); i++) {
      const hardware = i === 0 ? first : 10
      if (this.form === IN_REGISTER) asm.cmov(hardware, size, d, this.register)
      else this.withMemory(CMOV[hardware], size, d)
    }
  }

  /** Divisions and wide multiplications: rax and rdx. */
  #emitFixed(at: number, op: number, header: number): void {
    const { asm } = this
    const size = (header >> record.SIZE_SHIFT) & 3
    const operands = (this.code[at] >>> RECORD_OPERANDS_SHIFT) & RECORD_OPERANDS_MASK
    const results = operands - 2
    this.toRegister(size, RAX, this.location(at, results))
    this.readOperand(this.location(at, results + 1))
    if (op === MachOp.Srem) {
      // x % -1 is 0, but the hardware's quotient for the smallest x does not fit.
      const divide = asm.newLabel()
      const done = asm.newLabel()
      asm.ri(Inst.Cmp_rm_imm, size, this.register, -1)
      asm.jcc(5, divide)
      asm.zero(RDX)
      asm.jmp(done)
      asm.bind(divide)
      asm.op(Inst.Cdq, size)
      this.#trapHere(header)
      asm.r(Inst.Idiv_rm, size, this.register)
      asm.bind(done)
    } else {
      if (op === MachOp.Div) asm.zero(RDX)
      else if (op === MachOp.Idiv) asm.op(Inst.Cdq, size)
      this.#trapHere(header)
      if (this.form === IN_REGISTER) asm.r(ROW_RM[op], size, this.register)
      else asm.m(ROW_RM[op], size, this.base, this.index, this.scale, this.disp)
    }
    for (let i = 0; i < results; i++) this.#moves.add(this.fixedRegister(at, i), this.location(at, i))
    this.#moves.flush(asm)
  }

  // --- Floating point ----------------------------------------------------------------------------------------------------------------

  /** Tied operations on vector registers; the logical ones take 16-byte constants from the pool. */
  #emitFloatAlu(at: number, op: number, header: number): void {
    const { asm } = this
    const size = (header >> record.SIZE_SHIFT) & 3
    const d = this.location(at, 0)
    const a = this.location(at, 1)
    if (op >= MachOp.Fand && (header & record.SOURCE_MASK) === record.SOURCE_POOL) {
      const words = this.code[at] >>> RECORD_WORDS_SHIFT
      const low = this.code[at + words - 2]
      const high = this.code[at + words - 1]
      this.toVector(3, d, a)
      asm.rmPool(ROW_R_RM[op], 0, d, asm.constant128(low, high, low, high))
      return
    }
    this.readSource(at, header, 2)
    const row = size === 3 ? ROW_DOUBLE[op] : ROW_R_RM[op]
    if (this.form === IN_REGISTER) {
      if (d === this.register && d !== a && COMMUTES[op] !== 0) {
        if (a < LOCATION_SLOT) asm.rr(row, 0, d, a)
        else asm.rm(row, 0, d, RSP, -1, 0, this.#moves.address(a))
        return
      }
      this.toVector(op >= MachOp.Fand ? 3 : size, d, a)
      asm.rr(row, 0, d, this.register)
      return
    }
    this.toVector(size, d, a)
    this.withMemory(row, 0, d)
  }

  #emitFloatMove(at: number, op: number, header: number): void {
    const { asm } = this
    const size = (header >> record.SIZE_SHIFT) & 3
    const d = this.location(at, 0)
    this.readSource(at, header, 1)
    const row = size === 3 ? ROW_DOUBLE[op] : ROW_R_RM[op]
    if (op === MachOp.Fmov && this.form === IN_REGISTER) {
      if (d !== this.register) asm.rr(Inst.Movaps_x_xm, 0, d, this.register)
      return
    }
    if (this.form === IN_REGISTER) asm.rr(row, 0, d, this.register)
    else this.withMemory(row, 0, d)
  }

  // --- Control -----------------------------------------------------------------------------------------------------------------------

  #emitControl(at: number, op: number, header: number, block: number): void {
    const { asm, code } = this
    const operands = (code[at] >>> RECORD_OPERANDS_SHIFT) & RECORD_OPERANDS_MASK
    switch (op) {
      case 0 /* MachOp.Block */:
        if (block === 0) {
          for (let i = 0; i < operands; i++) this.#moves.add(this.fixedRegister(at, i), this.location(at, i))
          this.#moves.flush(asm)
        }
        return
      case 1 /* MachOp.Jump */:
        this.#emitJumpMoves(at, operands, code[at + 2 + operands])
        this.#jumpTo(code[at + 2 + operands], block)
        return
      case 2 /* MachOp.Branch */:
        this.#emitBranch(header & record.COND_MASK, code[at + 2], code[at + 3], block)
        return
      case 3 /* MachOp.Switch */:
        this.#emitSwitch(at)
        return
      case 4 /* MachOp.Return */:
        for (let i = 0; i < operands; i++) this.#moves.add(this.location(at, i), this.fixedRegister(at, i))
        this.#moves.flush(asm)
        writeEpilogue(
          asm,
          this.recorder,
          this.frame,
          this.#body,
          at === this.#lastReturn && this.#lateTraps.length === 0,
        )
        return
      case 5 /* MachOp.Call */:
      case 6 /* MachOp.CallIndirect */:
        this.#emitCall(at, op, operands)
        return
      case 7 /* MachOp.Trap */:
        this.#trapHere(header)
        asm.ud2()
        return
      case 8 /* MachOp.TrapIf */:
        this.#trapIf(header & record.COND_MASK, (header >>> record.TRAP_SHIFT) & 0xff)
    }
  }

  /** A branch to an out-of-line trap, one for each trap so that every one has its own place. */
  #trapIf(condition: number, trap: number): void {
    const { asm } = this
    const label = asm.newLabel()
    this.#lateTraps.push(label, trap)
    if (condition === record.FLOAT_NE) {
      asm.jcc(5, label)
      asm.jcc(10, label)
    } else if (condition === record.FLOAT_EQ) {
      const past = asm.newLabel()
      asm.jcc(10, past)
      asm.jcc(4, label)
      asm.bind(past)
    } else {
      asm.jcc(condition, label)
    }
  }

  /** For expansions: a trap taken when a hardware condition holds. */
  trapWhen(condition: number, trap: number): void {
    this.#trapIf(condition, trap)
  }

  #emitLateTraps(): void {
    const { asm } = this
    const late = this.#lateTraps
    for (let i = 0; i < late.length; i += 2) {
      asm.bind(late[i])
      this.traps.push(asm.length, late[i + 1])
      asm.ud2()
    }
  }

  /** Arguments to parameters, and the allocator's moves of this edge, at once. Constants are written after them. */
  #emitJumpMoves(at: number, operands: number, target: number): void {
    const { code, asm } = this
    const { allocator } = this.c
    const moves = this.#moves
    const head = this.#heads[target]
    let constants = false
    for (let i = 0; i < operands; i++) {
      const argument = code[at + 2 + i]
      const parameter = code[head + 2 + i] & OPERAND_VREG_MASK
      if ((argument & OPERAND_CONST) !== 0) constants = true
      else moves.add(argument & OPERAND_VREG_MASK, parameter)
    }
    let i = this.#nextMove
    while (i < allocator.moveCount && allocator.movePoint[i] <= at * 2) {
      moves.add(allocator.moveFrom[i], allocator.moveTo[i])
      i++
    }
    this.#nextMove = i
    moves.flush(asm)
    if (!constants) return
    const payload = at + 2 + operands + 1
    for (let j = 0; j < operands; j++) {
      const argument = code[at + 2 + j]
      if ((argument & OPERAND_CONST) === 0) continue
      const number = argument & OPERAND_VREG_MASK
      const parameter = code[head + 2 + j] & OPERAND_VREG_MASK
      if (number === NO_ARGUMENT || parameter === 63) continue
      this.#constantTo(parameter, code[payload + number * 2], code[payload + number * 2 + 1])
    }
  }

  /** Flags are dead at a jump, so zero may be made by xor. */
  #constantTo(location: number, low: number, high: number): void {
    const { asm } = this
    if (location < FIRST_VECTOR) {
      if (low === 0 && high === 0) asm.zero(location)
      else asm.movImm(S64, location, low, high)
    } else if (location < LOCATION_SLOT) {
      this.#floatConstant(location, low, high, S64)
    } else {
      const disp = this.#moves.address(location)
      if (high === low >> 31) {
        asm.mi(Inst.Mov_rm_imm, S64, RSP, -1, 0, disp, low)
      } else {
        asm.movImm(S64, R11, low, high)
        asm.rm(Inst.Mov_rm_r, S64, R11, RSP, -1, 0, disp)
      }
    }
  }

  /** The block that code falls into behind `block`: the next one that is not skipped. */
  #following(block: number): number {
    const { count } = this.c.order
    let next = block + 1
    while (next < count && this.#threaded[next] !== next) next++
    return next
  }

  #thread(block: number): number {
    return this.#threaded[block]
  }

  #jumpTo(target: number, block: number): void {
    const to = this.#thread(target)
    if (to === this.#following(block)) return
    if (to <= block && this.#isShortTest(to)) this.#emitTest(to, block)
    else this.asm.jmp(this.#labels[to])
  }

  /** A loop header that only tests and branches: short enough to be repeated where the loop jumps back to it. */
  #isShortTest(block: number): boolean {
    const { code } = this
    let at = this.#heads[block]
    const limit = at + LONGEST_TEST
    for (at += code[at] >>> RECORD_WORDS_SHIFT; at < limit; at += code[at] >>> RECORD_WORDS_SHIFT) {
      const op = code[at] & RECORD_OPERATION_MASK
      if (op === MachOp.Branch) return true
      if (SHAPE[op] === Shape.control || SHAPE[op] === Shape.other) return false
    }
    return false
  }

  /**
   * The test of a loop again, at the end of block `from`, so that an iteration takes one branch and not two. The records are the same and
   * stand at the same point of the allocation, so their locations hold; only the cursor into the moves has to go back and forth.
   */
  #emitTest(test: number, from: number): void {
    const { code } = this
    const next = this.#nextMove
    let at = this.#heads[test]
    at += code[at] >>> RECORD_WORDS_SHIFT
    this.#nextMove = firstMoveAt(this.c.allocator, at * 2)
    for (;;) {
      this.#emitMoves(at * 2)
      const op = code[at] & RECORD_OPERATION_MASK
      this.#emitRecord(at, op, from)
      if (op === MachOp.Branch) break
      at += code[at] >>> RECORD_WORDS_SHIFT
    }
    this.#nextMove = next
  }

  #emitBranch(condition: number, taken: number, other: number, block: number): void {
    const { asm } = this
    const labels = this.#labels
    const yes = this.#thread(taken)
    const no = this.#thread(other)
    const next = this.#following(block)
    if (condition === record.FLOAT_EQ || condition === record.FLOAT_NE) {
      // Not equal: two jumps. Equal is "not equal" with the arms changed.
      const differ = condition === record.FLOAT_NE ? yes : no
      const same = condition === record.FLOAT_NE ? no : yes
      asm.jcc(5, labels[differ])
      asm.jcc(10, labels[differ])
      if (same !== next) asm.jmp(labels[same])
      return
    }
    if (yes === next) {
      if (no !== next) asm.jcc(condition ^ 1, labels[no])
      return
    }
    if (no <= block && no !== next && yes > block) {
      // Back edges are the ones that are taken.
      asm.jcc(condition ^ 1, labels[no])
      asm.jmp(labels[yes])
      return
    }
    asm.jcc(condition, labels[yes])
    if (no !== next) asm.jmp(labels[no])
  }

  /** cmp index, count; jae default; jump through a table of distances. */
  #emitSwitch(at: number): void {
    const { asm } = this
    const table = this.c.tables[this.code[at + 5]]
    const scratch = this.location(at, 0)
    const base = this.location(at, 1)
    const index = this.location(at, 2)
    const labels = new Int32Array(table.length - 1)
    for (let i = 1; i < table.length; i++) labels[i - 1] = this.#labels[this.#thread(table[i])]
    asm.ri(Inst.Cmp_rm_imm, S32, index, labels.length)
    asm.jcc(3, this.#labels[this.#thread(table[0])])
    const entry = asm.jumpTable(labels)
    asm.rr(Inst.Mov_r_rm, S32, scratch, index)
    asm.leaPool(base, entry)
    asm.rm(Inst.Movsxd_r_rm, S64, scratch, base, scratch, 2, 0)
    asm.rr(Inst.Add_r_rm, S64, scratch, base)
    asm.jmpR(scratch)
  }

  #emitCall(at: number, op: number, operands: number): void {
    const { asm, code } = this
    const moves = this.#moves
    let results = 0
    for (let i = 0; i < operands; i++) {
      if ((code[at + 2 + i] & OPERAND_DEF) !== 0) results++
      else moves.add(this.location(at, i), this.fixedRegister(at, i))
    }
    moves.flush(asm)
    if (op === MachOp.Call) {
      const symbol = code[at + 2 + operands]
      const reach = code[at + 3 + operands]
      asm.callSymbol(reach === Reach.local ? PC32 : PLT32, symbol)
    } else {
      asm.callR(R10)
    }
    this.callSites.push(asm.length, 0)
    for (let i = 0; i < results; i++) moves.add(this.fixedRegister(at, i), this.location(at, i))
    moves.flush(asm)
  }

  // --- The rest ----------------------------------------------------------------------------------------------------------------------

  #emitOther(at: number, op: number, header: number): void {
    const { asm, code } = this
    const d = this.location(at, 0)
    switch (op) {
      case 9 /* MachOp.SourceLocation */:
        this.sourceMap.push(asm.length, code[at + 2])
        return
      case 10 /* MachOp.DebugTrap */:
        asm.int3()
        return
      case 11 /* MachOp.Fence */:
        asm.op(Inst.Mfence)
        return
      case 59 /* MachOp.SbbSelf */:
        asm.rr(Inst.Sbb_r_rm, S64, d, d)
        return
      case 33 /* MachOp.Shlx */:
      case 34 /* MachOp.Shrx */:
      case 35 /* MachOp.Sarx */:
        {
          const size = (header >> record.SIZE_SHIFT) & 3
          this.readOperand(this.location(at, 1))
          const count = this.location(at, 2)
          if (this.form === IN_REGISTER) asm.vvv(ROW_R_RM[op], size, d, count, this.register)
          else asm.vvm(ROW_R_RM[op], size, d, count, this.base, this.index, this.scale, this.disp)
          return
        }
      case 65 /* MachOp.SymbolAddress */:
        this.#emitSymbolAddress(d, code[at + 3], code[at + 4], code[at + 5])
        return
      case 67 /* MachOp.ReadRegister */:
        asm.rr(Inst.Mov_r_rm, S64, d, code[at + 3])
        return
      case 68 /* MachOp.ReadReturnAddress */:
        asm.rm(Inst.Mov_r_rm, S64, d, RSP, -1, 0, this.frame.incomingBase - 8)
        return
      default:
        emitFloat(this, at, op, header)
    }
  }

  #emitSymbolAddress(d: number, symbol: number, offset: number, reach: number): void {
    const { asm } = this
    if (reach === Reach.local) {
      asm.leaSymbol(d, PC32, symbol, offset)
    } else if (this.c.platform.objectFormat === 'elf') {
      asm.rmSymbol(Inst.Mov_r_rm, S64, d, GOTPCREL, symbol)
      if (offset !== 0) asm.rm(Inst.Lea_r_m, S64, d, d, -1, 0, offset)
    } else {
      asm.movSymbol(d, ABS64, symbol, offset)
    }
  }
}

/** The first of the allocator's moves at or after a point. */
function firstMoveAt(allocator: Allocator, point: number): number {
  const { movePoint, moveCount } = allocator
  let low = 0
  let high = moveCount
  while (low < high) {
    const middle = (low + high) >> 1
    if (movePoint[middle] < point) low = middle + 1
    else high = middle
  }
  return low
}

/** Rows of cmov by condition, for memory. */
const CMOV: readonly number[] = [
  Inst.Cmovo_r_rm,
  Inst.Cmovno_r_rm,
  Inst.Cmovb_r_rm,
  Inst.Cmovae_r_rm,
  Inst.Cmove_r_rm,
  Inst.Cmovne_r_rm,
  Inst.Cmovbe_r_rm,
  Inst.Cmova_r_rm,
  Inst.Cmovs_r_rm,
  Inst.Cmovns_r_rm,
  Inst.Cmovp_r_rm,
  Inst.Cmovnp_r_rm,
  Inst.Cmovl_r_rm,
  Inst.Cmovge_r_rm,
  Inst.Cmovle_r_rm,
  Inst.Cmovg_r_rm,
]
