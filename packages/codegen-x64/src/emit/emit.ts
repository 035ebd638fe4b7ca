// Emission: one forward pass over the allocated records that writes bytes, and with them relocations, traps, call sites, source locations and
// the frame record. Offsets taken on the way are those before branches are shortened; `finish` moves them all. The invariants stand in
// emitter.ts.
//
// literals: Shape, MachOp

import { Inst } from '@framewright/asm-x64'
import {
  RECORD_OPERANDS_MASK,
  RECORD_OPERANDS_SHIFT,
  RECORD_OPERATION_MASK,
  RECORD_WORDS_SHIFT,
} from '@framewright/regalloc'
import { type Frame, writePrologue } from '../abi/frame.ts'
import type { Lowering } from '../lower/context.ts'
import { Reach } from '../lower/symbols.ts'
import { MachOp } from '../machine/op.ts'
import * as record from '../machine/record.ts'
import * as control from './control.ts'
import { type Emitter, IN_REGISTER } from './emitter.ts'
import { emitExpansion } from './expand.ts'
import * as float from './float.ts'
import * as integer from './integer.ts'
import { ROW_R_RM, SHAPE, Shape } from './rows.ts'

const _RAX = 0
const _RCX = 1
const _RDX = 2
const RSP = 4
const _R10 = 10
const _FIRST_VECTOR = 16
const _S32 = 2
const S64 = 3

// Kinds of relocation, as asm-x64 numbers them.
const PC32 = 0
const GOTPCREL = 2
const ABS64 = 3

/** Words of the longest loop test that is repeated. */
const LONGEST_TEST = 24

/** Writes the function that `c` lowered and its allocator allocated. `asm.finish()` and the remapping are the caller's. */
export function emitFunction(e: Emitter, c: Lowering, frame: Frame): void {
  e.reset(c, frame)
  const { asm } = e
  const { buffer, allocator, order } = c
  const { code } = buffer
  control.scanBlocks(e, code, buffer.start, allocator)
  e.body = writePrologue(asm, e.recorder, frame, c)

  const end = code.length
  let block = -1
  for (let at = buffer.start; at < end; ) {
    const head = code[at]
    const op = head & RECORD_OPERATION_MASK
    if (op === MachOp.Block) {
      block++
      if (e.threaded[block] !== block) {
        at = block + 1 < order.count ? e.heads[block + 1] : end
        continue
      }
      asm.bind(e.labels[block])
    }
    if (e.nextMove < allocator.moveCount && allocator.movePoint[e.nextMove] <= at * 2) control.emitMoves(e, at * 2)
    emitRecord(e, at, op, block)
    at += head >>> RECORD_WORDS_SHIFT
  }
  control.emitLateTraps(e)
}

function emitRecord(e: Emitter, at: number, op: number, block: number): void {
  const header = e.code[at + 1]
  switch (SHAPE[op]) {
    case 0 /* Shape.control */:
      if (op === MachOp.Jump) return emitJump(e, at, block)
      return control.emitControl(e, at, op, header, block)
    case 1 /* Shape.alu */:
      return integer.emitAlu(e, at, op, header)
    case 2 /* Shape.unary */:
      return integer.emitUnary(e, at, op, header)
    case 3 /* Shape.shift */:
      return integer.emitShift(e, at, op, header)
    case 4 /* Shape.move */:
      return integer.emitMove(e, at, op, header)
    case 5 /* Shape.store */:
      return integer.emitStore(e, at, op, header)
    case 6 /* Shape.compare */:
      return integer.emitCompare(e, at, op, header)
    case 7 /* Shape.lea */:
      return integer.emitLea(e, at, header)
    case 8 /* Shape.constant */:
      return integer.emitConstant(e, at, op, header)
    case 9 /* Shape.setcc */:
      return integer.emitSetcc(e, at, header)
    case 10 /* Shape.cmov */:
      return integer.emitCmov(e, at, header)
    case 11 /* Shape.fixed */:
      return integer.emitFixed(e, at, op, header)
    case 12 /* Shape.float */:
      return float.emitFloatAlu(e, at, op, header)
    case 13 /* Shape.floatMove */:
      return float.emitFloatMove(e, at, op, header)
    default:
      return emitOther(e, at, op, header)
  }
}

/** The arguments of a jump to their parameters, and the jump itself unless its target follows. */
function emitJump(e: Emitter, at: number, block: number): void {
  const operands = (e.code[at] >>> RECORD_OPERANDS_SHIFT) & RECORD_OPERANDS_MASK
  const target = e.code[at + 2 + operands]
  control.emitJumpMoves(e, at, operands, target)
  jumpTo(e, target, block)
}

function jumpTo(e: Emitter, target: number, block: number): void {
  const to = e.threaded[target]
  if (to === control.following(e, block)) return
  if (to <= block && isShortTest(e, to)) emitTest(e, to, block)
  else e.asm.jmp(e.labels[to])
}

/** A loop header that only tests and branches: short enough to be repeated where the loop jumps back to it. */
function isShortTest(e: Emitter, block: number): boolean {
  const { code } = e
  let at = e.heads[block]
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
function emitTest(e: Emitter, test: number, from: number): void {
  const { code } = e
  const next = e.nextMove
  let at = e.heads[test]
  at += code[at] >>> RECORD_WORDS_SHIFT
  e.nextMove = control.firstMoveAt(e.c.allocator, at * 2)
  for (;;) {
    control.emitMoves(e, at * 2)
    const op = code[at] & RECORD_OPERATION_MASK
    emitRecord(e, at, op, from)
    if (op === MachOp.Branch) break
    at += code[at] >>> RECORD_WORDS_SHIFT
  }
  e.nextMove = next
}

function emitOther(e: Emitter, at: number, op: number, header: number): void {
  const { asm, code } = e
  const d = e.location(at, 0)
  switch (op) {
    case 9 /* MachOp.SourceLocation */:
      e.sourceMap.push(asm.length, code[at + 2])
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
        e.readOperand(e.location(at, 1))
        const count = e.location(at, 2)
        if (e.form === IN_REGISTER) asm.vvv(ROW_R_RM[op], size, d, count, e.register)
        else asm.vvm(ROW_R_RM[op], size, d, count, e.base, e.index, e.scale, e.disp)
        return
      }
    case 65 /* MachOp.SymbolAddress */:
      emitSymbolAddress(e, d, code[at + 3], code[at + 4], code[at + 5])
      return
    case 67 /* MachOp.ReadRegister */:
      asm.rr(Inst.Mov_r_rm, S64, d, code[at + 3])
      return
    case 68 /* MachOp.ReadReturnAddress */:
      asm.rm(Inst.Mov_r_rm, S64, d, RSP, -1, 0, e.frame.incomingBase - 8)
      return
    default:
      emitExpansion(e, at, op, header)
  }
}

function emitSymbolAddress(e: Emitter, d: number, symbol: number, offset: number, reach: number): void {
  const { asm } = e
  if (reach === Reach.local) {
    asm.leaSymbol(d, PC32, symbol, offset)
  } else if (e.c.platform.objectFormat === 'elf') {
    asm.rmSymbol(Inst.Mov_r_rm, S64, d, GOTPCREL, symbol)
    if (offset !== 0) asm.rm(Inst.Lea_r_m, S64, d, d, -1, 0, offset)
  } else {
    asm.movSymbol(d, ABS64, symbol, offset)
  }
}
