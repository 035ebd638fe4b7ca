// The frame of one function: what it saves and reserves, and the code that builds and removes it, told to the frame recorder as it is written.

import type { Assembler } from '@framewright/asm-x64'
import { Inst } from '@framewright/asm-x64'
import { FrameError, type FramePlan, type FrameRecorder, planFrame } from '@framewright/frame-layout'
import { CodegenError } from '../errors.ts'
import type { Lowering } from '../lower/context.ts'

const RAX = 0
const RSP = 4
const RBP = 5
const R11 = 11
const FIRST_VECTOR = 16
const SIZE_32 = 2
const SIZE_64 = 3
/** Kind of relocation of a call to the stack probe: pc-relative, by way of an import or linkage table where there is one. */
const PLT32 = 1
/** Pages that are probed one instruction each; more are probed in a loop. */
const UNROLLED_PROBES = 5
/** The order in which registers are pushed: short encodings first. */
const PUSH_ORDER = [3, 6, 7, 5, 12, 13, 14, 15]
const PUSHABLE = PUSH_ORDER.reduce((mask, register) => mask | (1 << register), 0)

/** Where the areas of a frame lie, seen from rsp in the body, and how to enter and leave. */
export interface Frame {
  readonly plan: FramePlan | null
  /** Added to an offset of the plan to get one from rsp: 0, or minus the allocation that the red zone saves. */
  readonly bias: number
  /** Bytes by which rsp moves after the pushes. */
  readonly allocation: number
  readonly spillBase: number
  readonly slotBase: number
  /** From rsp to the caller's stack arguments: the word above the return address. */
  readonly incomingBase: number
  readonly framePointer: boolean
  /** rbp is described as the frame register. Not on Windows when vector registers are saved far below it (see `planFunctionFrame`). */
  readonly recordsFramePointer: boolean
}

const EMPTY: Frame = {
  plan: null,
  bias: 0,
  allocation: 0,
  spillBase: 0,
  slotBase: 0,
  incomingBase: 8,
  framePointer: false,
  recordsFramePointer: false,
}

/**
 * Lays out the frame that a lowered and allocated function needs.
 *
 * @throws CodegenError `limit` for frames that no 32-bit displacement reaches.
 */
export function planFunctionFrame(c: Lowering): Frame {
  const { convention } = c.own
  const { usedRegisters, slotCount } = c.allocator
  const slotBytes = c.slotBytes + c.returnAreaBytes
  const framePointer = c.needsFramePointer || (c.settings.preserveFramePointers && needsFrame(c))
  let saved = usedRegisters & convention.calleeSaved
  if (framePointer) saved &= ~(1 << RBP)
  if (saved === 0 && slotCount === 0 && slotBytes === 0 && !c.hasCall && !framePointer) return EMPTY

  const pushes: number[] = []
  if ((saved & PUSHABLE) !== 0)
    for (const register of PUSH_ORDER) if ((saved & (1 << register)) !== 0) pushes.push(register)
  const saves: { register: number; width: number }[] = []
  if (saved >>> FIRST_VECTOR !== 0) {
    for (let register = FIRST_VECTOR; register < 32; register++) {
      if ((saved & (1 << register)) !== 0) saves.push({ register, width: 16 })
    }
  }
  const alignStack = c.hasCall || saves.length > 0 || c.slotAlign > 8
  let plan: FramePlan
  try {
    plan = planFrame({
      pushes,
      ...(framePointer ? { frameRegister: { register: RBP, set: 'after-push' } as const } : undefined),
      saves,
      spillBytes: slotCount * 8,
      stackSlots: slotBytes > 0 ? [{ size: slotBytes, align: c.slotAlign }] : [],
      outgoingBytes: c.outgoingBytes,
      alignStack,
    })
  } catch (error) {
    if (!(error instanceof FrameError)) throw error
    throw new CodegenError(
      { code: 'limit', what: 'size of the frame in bytes', limit: 0x7ffffff0 },
      { function: c.place().function },
    )
  }
  const redZone =
    c.settings.enableRedZone && !c.hasCall && saves.length === 0 && plan.allocation <= convention.redZoneBytes
  const bias = redZone ? -plan.allocation : 0
  return {
    plan,
    bias,
    allocation: redZone ? 0 : plan.allocation,
    spillBase: plan.spillAboveSp + bias,
    slotBase: (slotBytes > 0 ? plan.slotAboveSp[0] : 0) + bias,
    incomingBase: plan.cfaAboveSp + bias,
    framePointer,
    // UNWIND_INFO addresses saves upwards from at most 240 bytes below the frame register (reference, "Prologues"). rsp does not move in
    // our bodies, so such a frame is described from rsp alone; rbp is then a pushed register like the others.
    recordsFramePointer: framePointer && (saves.length === 0 || convention.name === 'system_v'),
  }
}

function needsFrame(c: Lowering): boolean {
  return (
    c.hasCall ||
    c.allocator.slotCount > 0 ||
    c.slotBytes > 0 ||
    (c.allocator.usedRegisters & c.own.convention.calleeSaved) !== 0
  )
}

/** Writes the prologue. @returns the label of the state in the body, -1 if the frame is empty. */
export function writePrologue(asm: Assembler, recorder: FrameRecorder, frame: Frame, c: Lowering): number {
  const { plan } = frame
  if (plan === null) return -1
  let at = asm.length
  const instructionEnd = (): number => {
    const from = at
    at = asm.length
    return at - from
  }
  for (const [i, register] of plan.pushes.entries()) {
    asm.push(register)
    const length = instructionEnd()
    recorder.push(at, length, register)
    if (frame.framePointer && i === 0) {
      asm.rr(Inst.Mov_r_rm, SIZE_64, RBP, RSP)
      const moved = instructionEnd()
      if (frame.recordsFramePointer) recorder.setFrameRegister(at, moved, RBP, 0)
      else recorder.plain(at, moved)
    }
  }
  const { allocation } = frame
  if (allocation > 0) {
    const probes = probePages(c, allocation)
    if (probes > 0 && c.platform.stackProbe !== null) {
      asm.movImm(SIZE_32, RAX, allocation, 0)
      recorder.plain(asm.length, instructionEnd())
      asm.callSymbol(PLT32, c.symbols.numberOf(c.platform.stackProbe))
      recorder.plain(asm.length, instructionEnd())
      asm.rr(Inst.Sub_r_rm, SIZE_64, RSP, RAX)
      const length = instructionEnd()
      recorder.adjustSp(at, length, -allocation, 'probe')
    } else {
      if (probes > 0) writeProbes(asm, probes, 1 << c.settings.probestackSizeLog2)
      at = asm.length
      asm.ri(Inst.Sub_rm_imm, SIZE_64, RSP, allocation)
      const length = instructionEnd()
      recorder.adjustSp(at, length, -allocation)
    }
  }
  for (const { register, aboveSp } of plan.saves) {
    asm.rm(Inst.Movaps_xm_x, 0, register, RSP, -1, 0, aboveSp)
    const length = instructionEnd()
    recorder.save(at, length, register, 'sp', aboveSp)
  }
  recorder.prologueEnd(at)
  return plan.saves.length > 0 ? recorder.label(at) : -1
}

/** Pages to be touched before rsp moves: always on Windows for a page or more, elsewhere when asked for. */
function probePages(c: Lowering, allocation: number): number {
  const page = c.platform.stackProbe === null ? 1 << c.settings.probestackSizeLog2 : 4096
  if (c.platform.stackProbe === null && !c.settings.enableProbestack) return 0
  return Math.floor(allocation / page)
}

/**
 * Touches one word in each page below rsp, nearest first, without moving rsp: the frame can be described at every instruction, and a fault
 * in a guard page finds the caller's state untouched.
 */
function writeProbes(asm: Assembler, pages: number, page: number): void {
  if (pages <= UNROLLED_PROBES) {
    for (let i = 1; i <= pages; i++) asm.rm(Inst.Test_rm_r, SIZE_32, RAX, RSP, -1, 0, -i * page)
    return
  }
  const loop = asm.newLabel()
  asm.rm(Inst.Lea_r_m, SIZE_64, RAX, RSP, -1, 0, -pages * page)
  asm.rr(Inst.Mov_r_rm, SIZE_64, R11, RSP)
  asm.bind(loop)
  asm.ri(Inst.Sub_rm_imm, SIZE_64, R11, page)
  asm.rm(Inst.Test_rm_r, SIZE_32, RAX, R11, -1, 0, 0)
  asm.rr(Inst.Cmp_r_rm, SIZE_64, R11, RAX)
  asm.jcc(5, loop)
}

/**
 * Writes one exit, `ret` included: vector registers back, then `add rsp`, pops and `ret`, the form that Windows recognises.
 *
 * @param body - what `writePrologue` returned; the state after the exit is that of the body again.
 * @param last - nothing follows the exit.
 */
export function writeEpilogue(
  asm: Assembler,
  recorder: FrameRecorder,
  frame: Frame,
  body: number,
  last: boolean,
): void {
  const { plan } = frame
  if (plan === null) {
    asm.ret()
    return
  }
  let at = asm.length
  const instructionEnd = (): number => {
    const from = at
    at = asm.length
    return at - from
  }
  for (const { register, aboveSp } of plan.saves) {
    asm.rm(Inst.Movaps_x_xm, 0, register, RSP, -1, 0, aboveSp)
    const length = instructionEnd()
    recorder.restore(at, length, register, 'sp', aboveSp)
  }
  recorder.epilogueBegin(at)
  if (frame.allocation > 0) {
    asm.ri(Inst.Add_rm_imm, SIZE_64, RSP, frame.allocation)
    const length = instructionEnd()
    recorder.adjustSp(at, length, frame.allocation)
  }
  for (let i = plan.pushes.length - 1; i >= 0; i--) {
    asm.pop(plan.pushes[i])
    const length = instructionEnd()
    recorder.pop(at, length, plan.pushes[i])
  }
  asm.ret()
  at = asm.length
  recorder.epilogueEnd(at, 'return')
  if (!last && body >= 0) recorder.resume(at, body)
}
