/**
 * Machine code to {@link Instruction}s, through iced-x86. Its objects own memory that nothing collects, so none of them leaves
 * this file, and `free` gives them back.
 */

import { RSP } from '@framewright/frame-layout'
import {
  Code,
  ConditionCode,
  Decoder,
  DecoderOptions,
  FlowControl,
  type Instruction as IcedInstruction,
  Register as IcedRegister,
  Instruction as IcedValue,
  InstructionInfoFactory,
  MemorySizeExt,
  Mnemonic,
  OpAccess,
  OpKind,
} from 'iced-x86'
import { Action, type Condition, Flow, type Instruction, type Memory, NONE } from './instruction.ts'

type Draft = { -readonly [K in keyof Instruction]: Instruction[K] }

/** Numbers of registers by iced's: 0 to 15 general, 16 to 31 vector, NONE for others. */
const registerNumbers: Int8Array = numbersOfRegisters()
/** Bytes of each of iced's registers, as far as it matters: 8 for whole general ones, 16 for xmm. */
const registerBytes: Uint8Array = bytesOfRegisters()

export class CodeReader {
  readonly #instruction: IcedInstruction = new IcedValue()
  readonly #info: InstructionInfoFactory = new InstructionInfoFactory()
  #decoder: Decoder | null = null
  #begin = 0
  #length = 0

  /** Turns to other code; `begin` is the address of its first byte. */
  open(code: Uint8Array, begin: number): void {
    this.#decoder?.free()
    this.#decoder = new Decoder(64, code, DecoderOptions.None)
    this.#begin = begin
    this.#length = code.length
  }

  free(): void {
    this.#decoder?.free()
    this.#decoder = null
    this.#instruction.free()
    this.#info.free()
  }

  /** @returns null where there is no instruction. */
  read(address: number): Instruction | null {
    const offset = address - this.#begin
    const decoder = this.#decoder
    if (decoder === null || offset < 0 || offset >= this.#length) return null
    const at = this.#instruction
    decoder.position = offset
    decoder.ip = BigInt(address)
    decoder.decodeOut(at)
    if (at.code === Code.INVALID) return null
    return this.#describe(at, address)
  }

  /** Length, control flow, and the address that it names (-1 for none) alone. */
  readFlow(address: number): (Pick<Instruction, 'flow' | 'target' | 'length'> & { readonly named: number }) | null {
    const offset = address - this.#begin
    const decoder = this.#decoder
    if (decoder === null || offset < 0 || offset >= this.#length) return null
    const at = this.#instruction
    decoder.position = offset
    decoder.ip = BigInt(address)
    decoder.decodeOut(at)
    const flow = at.flowControl
    const { length } = at
    const named = at.isIpRelMemoryOperand ? Number(BigInt.asIntN(64, at.ipRelMemoryAddress)) : -1
    if (flow === FlowControl.Next) {
      return at.code === Code.INVALID ? null : { flow: Flow.next, target: -1, length, named }
    }
    if (flow === FlowControl.Exception && at.code === Code.INVALID) return null
    if (!isNear(at.op0Kind)) return { flow: Flow.end, target: -1, length, named }
    const target = Number(BigInt.asIntN(64, at.nearBranchTarget))
    if (flow === FlowControl.Call) return { flow: Flow.call, target, length, named }
    return { flow: flow === FlowControl.UnconditionalBranch ? Flow.jump : Flow.branch, target, length, named }
  }

  #describe(at: IcedInstruction, address: number): Instruction {
    const mnemonic = at.mnemonic
    const made: Draft = {
      address,
      length: at.length,
      flow: Flow.next,
      target: -1,
      action: Action.other,
      a: NONE,
      b: NONE,
      number: 0,
      memory: null,
      storesMemory: false,
      reads: 0,
      writes: 0,
      changesFlags: true,
      condition: null,
      isFiller: false,
    }
    switch (mnemonic) {
      case Mnemonic.Nop:
      case Mnemonic.Endbr64:
      case Mnemonic.Pause:
        made.changesFlags = false
        made.isFiller = mnemonic === Mnemonic.Nop
        return made
      case Mnemonic.Vzeroupper:
        // The xmm registers are the lower halves, and only they are a caller's.
        made.changesFlags = false
        return made
      case Mnemonic.Int3:
        made.flow = Flow.interrupt
        made.isFiller = true
        return made
      case Mnemonic.Ud2:
      case Mnemonic.Hlt:
        made.flow = Flow.end
        made.isFiller = true
        return made
      case Mnemonic.Leave:
        made.action = Action.leave
        made.changesFlags = false
        return made
      case Mnemonic.Syscall:
        // Intel SDM vol. 2, "SYSCALL": rcx and r11; the system returns in rax, if it does.
        made.flow = Flow.system
        made.writes = (1 << 0) | (1 << 1) | (1 << 11)
        return made
      case Mnemonic.Ret:
      case Mnemonic.Retf:
      case Mnemonic.Iretq:
      case Mnemonic.Iret:
      case Mnemonic.Sysretq:
      case Mnemonic.Sysret:
      case Mnemonic.Sysexit:
      case Mnemonic.Sysexitq:
        made.flow = Flow.end
        return made
      case Mnemonic.Int:
        // Windows, `__fastfail`: the process ends.
        made.flow = at.immediate8 === 0x29 ? Flow.end : Flow.interrupt
        made.writes = 1
        return made
    }
    if (this.#flow(at, made)) return made
    if (this.#special(at, mnemonic, made)) return made
    this.#general(at, made)
    return made
  }

  /** Jumps and calls. @returns whether it was one. */
  #flow(at: IcedInstruction, made: Draft): boolean {
    const flow = at.flowControl
    if (flow === FlowControl.Next || flow === FlowControl.Interrupt || flow === FlowControl.Exception) {
      if (flow === FlowControl.Exception) made.flow = Flow.end
      return false
    }
    const near = isNear(at.op0Kind)
    if (near) made.target = Number(BigInt.asIntN(64, at.nearBranchTarget))
    switch (flow) {
      case FlowControl.UnconditionalBranch:
        made.flow = near ? Flow.jump : Flow.end
        break
      case FlowControl.ConditionalBranch:
        made.flow = Flow.branch
        made.condition = conditionOf(at.conditionCode)
        if (at.isLoop || at.isLoopcc) made.writes = 1 << 1
        break
      case FlowControl.XbeginXabortXend:
        if (near) made.flow = Flow.branch
        made.writes = 1
        break
      case FlowControl.Call:
        // SYSENTER, VMCALL and the like are calls too, to iced.
        if (near) made.flow = Flow.call
        else made.writes = at.isCallFar ? 0 : 0xffff & ~(1 << RSP)
        break
      case FlowControl.IndirectBranch:
      case FlowControl.IndirectCall:
        made.flow = flow === FlowControl.IndirectCall ? Flow.indirectCall : Flow.indirectJump
        if (at.op0Kind === OpKind.Memory) made.memory = memoryOf(at)
        else made.a = registerNumbers[at.op0Register]!
        break
    }
    made.changesFlags = flow === FlowControl.Call || flow === FlowControl.IndirectCall
    return true
  }

  /** The instructions that frames are made of. @returns whether it was one, in a form that is followed. */
  #special(at: IcedInstruction, mnemonic: Mnemonic, made: Draft): boolean {
    const count = at.opCount
    const kind0 = count > 0 ? at.op0Kind : -1
    const kind1 = count > 1 ? at.op1Kind : -1
    const register0 = kind0 === OpKind.Register ? at.op0Register : 0
    const register1 = kind1 === OpKind.Register ? at.op1Register : 0
    const a = registerNumbers[register0]!
    const b = registerNumbers[register1]!
    const bytes0 = registerBytes[register0]!
    const bytes1 = registerBytes[register1]!
    switch (mnemonic) {
      case Mnemonic.Mov:
        made.changesFlags = false
        if (a >= 0 && b >= 0 && bytes0 === 8) return set(made, Action.copy, a, b)
        if (a >= 0 && b >= 0 && bytes0 === 4) return set(made, Action.extend, a, b)
        if (a >= 0 && kind1 === OpKind.Memory && bytes0 >= 4) {
          made.memory = memoryOf(at)
          return set(made, bytes0 === 8 ? Action.load : Action.loadPart, a, NONE)
        }
        if (kind0 === OpKind.Memory && b >= 0 && bytes1 === 8) {
          made.memory = memoryOf(at)
          made.storesMemory = true
          return set(made, Action.store, NONE, b)
        }
        if (a >= 0 && bytes0 >= 4 && isImmediate(kind1)) {
          made.number = bytes0 === 8 ? Number(BigInt.asIntN(64, at.immediate(1))) : at.immediate32 >>> 0
          return set(made, Action.constant, a, NONE)
        }
        return false
      case Mnemonic.Movzx:
      case Mnemonic.Movsx:
      case Mnemonic.Movsxd:
        made.changesFlags = false
        if (a < 0 || bytes0 < 4) return false
        if (kind1 === OpKind.Memory) {
          made.memory = memoryOf(at)
          return set(made, Action.loadPart, a, NONE)
        }
        // ah, bh, ch, dh are not the low byte.
        if (b < 0 || (bytes1 === 1 && register1 >= IcedRegister.AH && register1 <= IcedRegister.BH)) return false
        return set(made, Action.extend, a, b)
      case Mnemonic.Cdqe:
        made.changesFlags = false
        return set(made, Action.widen, 0, 0)
      case Mnemonic.Lea:
        made.changesFlags = false
        if (a < 0 || bytes0 < 4) return false
        made.memory = memoryOf(at)
        if (bytes0 === 4) {
          made.writes = 1 << a
          made.memory = null
          return true
        }
        return set(made, Action.lea, a, NONE)
      case Mnemonic.Inc:
      case Mnemonic.Dec:
        if (a < 0 || bytes0 !== 8) return false
        made.number = mnemonic === Mnemonic.Inc ? 1 : -1
        return set(made, Action.addNumber, a, NONE)
      case Mnemonic.Add:
      case Mnemonic.Sub:
        if (a < 0 || bytes0 !== 8) return false
        if (isImmediate(kind1)) {
          const number = Number(BigInt.asIntN(64, at.immediate(1)))
          made.number = mnemonic === Mnemonic.Add ? number : -number
          return set(made, Action.addNumber, a, NONE)
        }
        if (b < 0) return false
        return set(made, mnemonic === Mnemonic.Add ? Action.addRegister : Action.subtractRegister, a, b)
      case Mnemonic.Xor:
        if (a < 0 || register0 !== register1 || bytes0 < 4) return false
        if (a >= 16) return false
        made.number = 0
        return set(made, Action.constant, a, NONE)
      case Mnemonic.And:
        if (a < 0 || bytes0 < 4 || !isImmediate(kind1)) return false
        made.number = bytes0 === 8 ? Number(BigInt.asIntN(64, at.immediate(1))) : at.immediate32 >>> 0
        if (bytes0 === 4 && made.number > 0x7fff_ffff) return false
        return set(made, Action.andNumber, a, NONE)
      case Mnemonic.Cmp:
        if (isImmediate(kind1)) {
          made.number = Number(BigInt.asIntN(64, at.immediate(1)))
          if (kind0 === OpKind.Memory) made.memory = memoryOf(at)
          else if (a < 0) return false
          return set(made, Action.compare, a, NONE)
        }
        if (a >= 0 && b >= 0 && bytes0 === 8) return set(made, Action.compare, a, b)
        return true
      case Mnemonic.Test:
        return true
      case Mnemonic.Push:
        made.changesFlags = false
        if (at.stackPointerIncrement !== -8) return false
        if (kind0 === OpKind.Register) return set(made, Action.push, NONE, a >= 0 ? b0(a, bytes0) : NONE)
        return set(made, Action.push, NONE, NONE)
      case Mnemonic.Pop:
        made.changesFlags = false
        if (at.stackPointerIncrement !== 8) return false
        if (kind0 === OpKind.Register && a >= 0) return set(made, Action.pop, a, NONE)
        if (kind0 === OpKind.Memory) {
          made.memory = memoryOf(at)
          made.storesMemory = true
        }
        return set(made, Action.pop, NONE, NONE)
      case Mnemonic.Enter:
        made.changesFlags = false
        if (at.immediate8_2nd !== 0) return false
        made.number = at.immediate16
        return set(made, Action.enter, NONE, NONE)
      case Mnemonic.Xchg:
        made.changesFlags = false
        if (a < 0 || b < 0 || bytes0 !== 8) return false
        return set(made, Action.exchange, a, b)
      case Mnemonic.Movaps:
      case Mnemonic.Movups:
      case Mnemonic.Movapd:
      case Mnemonic.Movupd:
      case Mnemonic.Movdqa:
      case Mnemonic.Movdqu:
      case Mnemonic.Vmovaps:
      case Mnemonic.Vmovups:
      case Mnemonic.Vmovapd:
      case Mnemonic.Vmovupd:
      case Mnemonic.Vmovdqa:
      case Mnemonic.Vmovdqu:
        made.changesFlags = false
        if (count !== 2) return false
        if (a >= 16 && b >= 16 && bytes0 === 16 && bytes1 === 16) return set(made, Action.copy, a, b)
        if (a >= 16 && bytes0 === 16 && kind1 === OpKind.Memory) {
          made.memory = memoryOf(at)
          return set(made, Action.load, a, NONE)
        }
        if (kind0 === OpKind.Memory && b >= 16 && bytes1 === 16) {
          made.memory = memoryOf(at)
          made.storesMemory = true
          return set(made, Action.store, NONE, b)
        }
        return false
    }
    if (mnemonic >= Mnemonic.Cmova && mnemonic <= Mnemonic.Cmovs && a >= 0 && b >= 0 && bytes0 === 8) {
      made.changesFlags = false
      return set(made, Action.choose, a, b)
    }
    return false
  }

  /** Everything else: which registers and which memory it writes. */
  #general(at: IcedInstruction, made: Draft): void {
    made.changesFlags = at.rflagsModified !== 0
    const info = this.#info.info(at)
    try {
      const used = info.usedRegisters()
      for (const each of used) {
        const register = registerNumbers[each.register]!
        if (register >= 0) {
          const access: OpAccess = each.access
          if (isRead(access)) made.reads |= 1 << register
          if (isWrite(access)) made.writes |= 1 << register
        }
        each.free()
      }
      let named = 0
      for (let operand = 0; operand < at.opCount; operand++) {
        const kind = at.opKind(operand)
        if (kind === OpKind.Register) named |= maskOf(registerNumbers[at.opRegister(operand)]!)
        if (kind !== OpKind.Memory) continue
        made.memory = memoryOf(at)
        if (isWrite(info.opAccess(operand)) && !writesTheSame(at)) made.storesMemory = true
      }
      // What is computed has nothing to do with the address that an operand was read from.
      if (made.memory !== null) made.reads &= named | ~(maskOf(made.memory.base) | maskOf(made.memory.index))
    } finally {
      info.free()
    }
    // Loads and stores with no operand for their memory (`movs`, `stos`, `maskmovdqu`) go through pointers.
    if (at.isStackInstruction) {
      made.action = Action.pushOther
      made.number = at.stackPointerIncrement
      made.writes &= ~(1 << RSP)
    }
  }
}

function maskOf(register: number): number {
  return register === NONE ? 0 : 1 << register
}

/** `lock or qword ptr [rsp], 0`: a barrier, or a probe of the stack. */
function writesTheSame(at: IcedInstruction): boolean {
  switch (at.mnemonic) {
    case Mnemonic.Or:
    case Mnemonic.Add:
    case Mnemonic.Sub:
    case Mnemonic.Xor:
      return isImmediate(at.op1Kind) && at.immediate(1) === 0n
    default:
      return false
  }
}

function set(made: Draft, action: Action, a: number, b: number): true {
  made.action = action
  made.a = a
  made.b = b
  return true
}

/** A register as the operand of a push: whole general registers alone. */
function b0(register: number, bytes: number): number {
  return register < 16 && bytes === 8 ? register : NONE
}

function memoryOf(at: IcedInstruction): Memory {
  const ripRelative = at.isIpRelMemoryOperand
  const displacement = ripRelative ? at.ipRelMemoryAddress : at.memoryDisplacementU64
  return {
    base: ripRelative ? NONE : registerNumbers[at.memoryBase]!,
    index: registerNumbers[at.memoryIndex]!,
    scale: at.memoryIndexScale,
    displacement: Number(BigInt.asIntN(64, displacement)),
    ripRelative,
    elsewhere: at.memorySegment === IcedRegister.FS || at.memorySegment === IcedRegister.GS,
    size: MemorySizeExt.size(at.memorySize),
  }
}

function isNear(kind: OpKind): boolean {
  return kind === OpKind.NearBranch64 || kind === OpKind.NearBranch32 || kind === OpKind.NearBranch16
}

function isImmediate(kind: number): boolean {
  return kind >= OpKind.Immediate8 && kind <= OpKind.Immediate32to64
}

function isRead(access: OpAccess): boolean {
  return access !== OpAccess.None && access !== OpAccess.Write && access !== OpAccess.NoMemAccess
}

function isWrite(access: OpAccess): boolean {
  return (
    access === OpAccess.Write ||
    access === OpAccess.CondWrite ||
    access === OpAccess.ReadWrite ||
    access === OpAccess.ReadCondWrite
  )
}

function conditionOf(code: ConditionCode): Condition {
  switch (code) {
    case ConditionCode.e:
      return 'equal'
    case ConditionCode.ne:
      return 'not-equal'
    case ConditionCode.a:
      return 'above'
    case ConditionCode.ae:
      return 'above-or-equal'
    case ConditionCode.b:
      return 'below'
    case ConditionCode.be:
      return 'below-or-equal'
    default:
      return null
  }
}

function numbersOfRegisters(): Int8Array {
  const numbers = new Int8Array(256).fill(NONE)
  const general = (first: number, count: number, from = 0) => {
    for (let i = 0; i < count; i++) numbers[first + i] = from + i
  }
  general(IcedRegister.AL, 4)
  general(IcedRegister.AH, 4)
  general(IcedRegister.SPL, 12, 4)
  general(IcedRegister.AX, 16)
  general(IcedRegister.EAX, 16)
  general(IcedRegister.RAX, 16)
  for (const first of [IcedRegister.XMM0, IcedRegister.YMM0, IcedRegister.ZMM0]) general(first, 16, 16)
  return numbers
}

function bytesOfRegisters(): Uint8Array {
  const bytes = new Uint8Array(256)
  bytes.fill(1, IcedRegister.AL, IcedRegister.AX)
  bytes.fill(2, IcedRegister.AX, IcedRegister.EAX)
  bytes.fill(4, IcedRegister.EAX, IcedRegister.RAX)
  bytes.fill(8, IcedRegister.RAX, IcedRegister.RAX + 16)
  bytes.fill(16, IcedRegister.XMM0, IcedRegister.XMM0 + 16)
  bytes.fill(32, IcedRegister.YMM0, IcedRegister.YMM0 + 16)
  bytes.fill(64, IcedRegister.ZMM0, IcedRegister.ZMM0 + 16)
  return bytes
}
