// Blocks, branches, calls, traps, and the moves between blocks.
//
// literals: MachOp

import { Inst } from '@framewright/asm-x64'
import {
  type Allocator,
  LOCATION_SLOT,
  MOVE_JUMP,
  OPERAND_CONST,
  OPERAND_DEF,
  OPERAND_VREG_MASK,
  RECORD_OPERANDS_MASK,
  RECORD_OPERANDS_SHIFT,
  RECORD_OPERATION_MASK,
  RECORD_WORDS_SHIFT,
} from '@framewright/regalloc'
import { writeEpilogue } from '../abi/frame.ts'
import { NO_ARGUMENT } from '../lower/control.ts'
import { Reach } from '../lower/symbols.ts'
import { MachOp } from '../machine/op.ts'
import * as record from '../machine/record.ts'
import { type Emitter, R11 } from './emitter.ts'
import { floatConstant } from './float.ts'

const _RAX = 0
const _RCX = 1
const _RDX = 2
const RSP = 4
const R10 = 10
const FIRST_VECTOR = 16
const S32 = 2
const S64 = 3

// Kinds of relocation, as asm-x64 numbers them.
const PC32 = 0
const PLT32 = 1

/** Finds the head of every block, the last return, and the edge blocks that jumps can skip. */
export function scanBlocks(e: Emitter, code: Int32Array, start: number, allocator: Allocator): void {
  const heads = e.heads
  const threaded = e.threaded
  const { order } = e.c
  let block = 0
  e.lastReturn = -1
  let last = -1
  for (let at = start; at < code.length; at += code[at] >>> RECORD_WORDS_SHIFT) {
    const op = code[at] & RECORD_OPERATION_MASK
    if (op === MachOp.Block) {
      threaded[block] = block
      heads[block++] = at
    }
    last = at
  }
  if (last >= 0 && (code[last] & RECORD_OPERATION_MASK) === MachOp.Return) e.lastReturn = last
  if (!order.hasEdgeBlocks) return
  for (let edge = 0; edge < order.count; edge++) {
    if (order.irBlock[edge] >= 0) continue
    const jump = heads[edge] + (code[heads[edge]] >>> RECORD_WORDS_SHIFT)
    const operands = (code[jump] >>> RECORD_OPERANDS_SHIFT) & RECORD_OPERANDS_MASK
    const target = code[jump + 2 + operands]
    if (isEmptyEdge(code, heads[edge], jump, operands, heads[target], allocator)) threaded[edge] = target
  }
}

/** The edge block at `head` moves nothing: neither arguments nor split values. */
function isEmptyEdge(
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
export function emitMoves(e: Emitter, point: number): void {
  const { allocator } = e.c
  const { moveCount, movePoint, moveGroup, moveFrom, moveTo } = allocator
  const moves = e.moves
  let i = e.nextMove
  // Moves of skipped blocks: there are none by construction.
  while (i < moveCount && movePoint[i] <= point) {
    const group = moveGroup[i]
    const at = movePoint[i]
    if (group === MOVE_JUMP && at === point) break
    do {
      moves.add(moveFrom[i], moveTo[i])
      i++
    } while (i < moveCount && movePoint[i] === at && moveGroup[i] === group)
    moves.flush(e.asm)
  }
  e.nextMove = i
}

/** Arguments to parameters, and the allocator's moves of this edge, at once. Constants are written after them. */
export function emitJumpMoves(e: Emitter, at: number, operands: number, target: number): void {
  const { code, asm } = e
  const { allocator } = e.c
  const moves = e.moves
  const head = e.heads[target]
  let constants = false
  for (let i = 0; i < operands; i++) {
    const argument = code[at + 2 + i]
    const parameter = code[head + 2 + i] & OPERAND_VREG_MASK
    if ((argument & OPERAND_CONST) !== 0) constants = true
    else moves.add(argument & OPERAND_VREG_MASK, parameter)
  }
  let i = e.nextMove
  while (i < allocator.moveCount && allocator.movePoint[i] <= at * 2) {
    moves.add(allocator.moveFrom[i], allocator.moveTo[i])
    i++
  }
  e.nextMove = i
  moves.flush(asm)
  if (!constants) return
  const payload = at + 2 + operands + 1
  for (let j = 0; j < operands; j++) {
    const argument = code[at + 2 + j]
    if ((argument & OPERAND_CONST) === 0) continue
    const number = argument & OPERAND_VREG_MASK
    const parameter = code[head + 2 + j] & OPERAND_VREG_MASK
    if (number === NO_ARGUMENT || parameter === 63) continue
    constantTo(e, parameter, code[payload + number * 2], code[payload + number * 2 + 1])
  }
}

/** Flags are dead at a jump, so zero may be made by xor. */
function constantTo(e: Emitter, location: number, low: number, high: number): void {
  const { asm } = e
  if (location < FIRST_VECTOR) {
    if (low === 0 && high === 0) asm.zero(location)
    else asm.movImm(S64, location, low, high)
  } else if (location < LOCATION_SLOT) {
    floatConstant(e, location, low, high, S64)
  } else {
    const disp = e.moves.address(location)
    if (high === low >> 31) {
      asm.mi(Inst.Mov_rm_imm, S64, RSP, -1, 0, disp, low)
    } else {
      asm.movImm(S64, R11, low, high)
      asm.rm(Inst.Mov_rm_r, S64, R11, RSP, -1, 0, disp)
    }
  }
}

/** The block that code falls into behind `block`: the next one that is not skipped. */
export function following(e: Emitter, block: number): number {
  const { count } = e.c.order
  let next = block + 1
  while (next < count && e.threaded[next] !== next) next++
  return next
}

export function emitControl(e: Emitter, at: number, op: number, header: number, block: number): void {
  const { asm, code } = e
  const operands = (code[at] >>> RECORD_OPERANDS_SHIFT) & RECORD_OPERANDS_MASK
  switch (op) {
    case 0 /* MachOp.Block */:
      if (block === 0) {
        for (let i = 0; i < operands; i++) e.moves.add(e.fixedRegister(at, i), e.location(at, i))
        e.moves.flush(asm)
      }
      return
    case 2 /* MachOp.Branch */:
      emitBranch(e, header & record.COND_MASK, code[at + 2], code[at + 3], block)
      return
    case 3 /* MachOp.Switch */:
      emitSwitch(e, at)
      return
    case 4 /* MachOp.Return */:
      for (let i = 0; i < operands; i++) e.moves.add(e.location(at, i), e.fixedRegister(at, i))
      e.moves.flush(asm)
      writeEpilogue(asm, e.recorder, e.frame, e.body, at === e.lastReturn && e.lateTraps.length === 0)
      return
    case 5 /* MachOp.Call */:
    case 6 /* MachOp.CallIndirect */:
      emitCall(e, at, op, operands)
      return
    case 7 /* MachOp.Trap */:
      e.trapHere(header)
      asm.ud2()
      return
    case 8 /* MachOp.TrapIf */:
      trapWhen(e, header & record.COND_MASK, (header >>> record.TRAP_SHIFT) & 0xff)
  }
}

function emitBranch(e: Emitter, condition: number, taken: number, other: number, block: number): void {
  const { asm } = e
  const labels = e.labels
  const yes = e.threaded[taken]
  const no = e.threaded[other]
  const next = following(e, block)
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
function emitSwitch(e: Emitter, at: number): void {
  const { asm } = e
  const table = e.c.tables[e.code[at + 5]]
  const scratch = e.location(at, 0)
  const base = e.location(at, 1)
  const index = e.location(at, 2)
  const labels = new Int32Array(table.length - 1)
  for (let i = 1; i < table.length; i++) labels[i - 1] = e.labels[e.threaded[table[i]]]
  asm.ri(Inst.Cmp_rm_imm, S32, index, labels.length)
  asm.jcc(3, e.labels[e.threaded[table[0]]])
  const entry = asm.jumpTable(labels)
  asm.rr(Inst.Mov_r_rm, S32, scratch, index)
  asm.leaPool(base, entry)
  asm.rm(Inst.Movsxd_r_rm, S64, scratch, base, scratch, 2, 0)
  asm.rr(Inst.Add_r_rm, S64, scratch, base)
  asm.jmpR(scratch)
}

function emitCall(e: Emitter, at: number, op: number, operands: number): void {
  const { asm, code } = e
  const moves = e.moves
  let results = 0
  for (let i = 0; i < operands; i++) {
    if ((code[at + 2 + i] & OPERAND_DEF) !== 0) results++
    else moves.add(e.location(at, i), e.fixedRegister(at, i))
  }
  moves.flush(asm)
  if (op === MachOp.Call) {
    const symbol = code[at + 2 + operands]
    const reach = code[at + 3 + operands]
    asm.callSymbol(reach === Reach.local ? PC32 : PLT32, symbol)
  } else {
    asm.callR(R10)
  }
  e.callSites.push(asm.length, 0)
  for (let i = 0; i < results; i++) moves.add(e.fixedRegister(at, i), e.location(at, i))
  moves.flush(asm)
}

/** A branch to an out-of-line trap, one for each trap so that every one has its own place. */
export function trapWhen(e: Emitter, condition: number, trap: number): void {
  const { asm } = e
  const label = asm.newLabel()
  e.lateTraps.push(label, trap)
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

export function emitLateTraps(e: Emitter): void {
  const { asm } = e
  const late = e.lateTraps
  for (let i = 0; i < late.length; i += 2) {
    asm.bind(late[i])
    e.traps.push(asm.length, late[i + 1])
    asm.ud2()
  }
}

/** The first of the allocator's moves at or after a point. */
export function firstMoveAt(allocator: Allocator, point: number): number {
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
