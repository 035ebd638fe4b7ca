// The values of the function being lowered: virtual registers on demand, constants made where they are used, and what may be merged.
//
// literals: Opcode

import { type Function, MemFlags, OPCODE_ROWS, Opcode, printExternalName, type Signature, Type } from '@framewright/ir'
import { type Allocator, VREG_LIMIT } from '@framewright/regalloc'
import { type Assignment, assign } from '../abi/assign.ts'
import type { Convention } from '../abi/convention.ts'
import { BlockOrder } from '../analysis/block-order.ts'
import { ensureInt32, ensureUint8 } from '../analysis/growable.ts'
import { Uses } from '../analysis/uses.ts'
import { CodegenError, type CodegenPlace } from '../errors.ts'
import { MachineBuffer } from '../machine/buffer.ts'
import { MachOp } from '../machine/op.ts'
import * as record from '../machine/record.ts'
import type { Settings } from '../settings.ts'
import { SIZE_OF_TYPE, typeName } from '../types.ts'
import { DEF } from './operand.ts'
import { SymbolTable } from './symbols.ts'

/** How a platform reaches symbols. */
export interface Platform {
  readonly objectFormat: 'elf' | 'coff'
  /** The routine that a frame of a page or more calls before it moves rsp (size in rax, which it keeps), or null. */
  readonly stackProbe: string | null
  readonly conventions: Readonly<Record<'default' | 'system_v' | 'windows_fastcall', Convention>>
}

const SIZE_SHIFT = record.SIZE_SHIFT

/**
 * What is known of the function's values while it is lowered, and the registers they are asked for in. Reusable from function to function;
 * columns of the function are bound to fields meanwhile.
 */
export class Values {
  readonly allocator: Allocator
  readonly buffer: MachineBuffer
  readonly order: BlockOrder = new BlockOrder()
  readonly uses: Uses = new Uses()
  readonly symbols: SymbolTable = new SymbolTable()
  func: Function = undefined as unknown as Function
  settings: Settings = undefined as unknown as Settings
  platform: Platform = undefined as unknown as Platform
  /** Places of the function's own parameters and results. */
  own: Assignment = undefined as unknown as Assignment

  // Columns of the function.
  opcode: Uint8Array = new Uint8Array(0)
  arg0: Int32Array = new Int32Array(0)
  arg1: Int32Array = new Int32Array(0)
  arg2: Int32Array = new Int32Array(0)
  imm: Int32Array = new Int32Array(0)
  immHigh: Int32Array = new Int32Array(0)
  entity: Int32Array = new Int32Array(0)
  firstResult: Int32Array = new Int32Array(0)
  valueType: Uint16Array = new Uint16Array(0)
  definition: Int32Array = new Int32Array(0)

  /** Virtual register of a value, -1 until somebody asks. */
  vregs: Int32Array = new Int32Array(256)
  /** 1 for a load that was merged into its user. */
  sunk: Uint8Array = new Uint8Array(256)
  /** The CLIF instruction being lowered, -1 before the first; everything merged into it takes effect here. */
  inst = -1
  /** IR block being lowered. */
  block = 0
  /** Jump tables, as machine blocks. */
  tables: number[][] = []
  /** Offset of each stack slot in the stack-slot area, in bytes; the area's size; and what the frame plan must know. */
  slotOffsets: number[] = []
  slotBytes = 0
  slotAlign = 8
  /** Bytes for arguments of calls at the bottom of the frame, home area included. */
  outgoingBytes = 0
  /** Bytes for results of calls that come back in memory, behind the stack slots. */
  returnAreaBytes = 0
  /** Something is called, the C library included: the stack must be aligned, and the red zone is not ours. */
  hasCall = false
  needsFramePointer = false
  /** Register that keeps the pointer to the caller's return area, -1 until a return asks. */
  returnArea = -1

  // Result of `matchConstant`: the value's bits, zero-extended.
  low = 0
  high = 0

  // Constants asked for as registers while the current instruction is lowered.
  #pending: Int32Array = new Int32Array(32 * 4)
  #pendingCount = 0
  #assignments: Map<Signature, Assignment> = new Map()

  constructor(allocator: Allocator) {
    this.allocator = allocator
    this.buffer = new MachineBuffer(allocator)
  }

  /** Binds a function. Analyses must be computed afterwards. */
  bind(func: Function, settings: Settings, platform: Platform): void {
    this.func = func
    this.settings = settings
    this.platform = platform
    this.inst = -1
    const { insts, values } = func
    this.opcode = insts.opcode
    this.arg0 = insts.arg0
    this.arg1 = insts.arg1
    this.arg2 = insts.arg2
    this.imm = insts.imm
    this.immHigh = insts.immHigh
    this.entity = insts.entity
    this.firstResult = insts.firstResult
    this.valueType = values.type
    this.definition = values.definition
    this.vregs = ensureInt32(this.vregs, values.length)
    this.sunk = ensureUint8(this.sunk, insts.length)
  }

  /** Prepares a walk (again). */
  start(): void {
    const { insts, values } = this.func
    this.vregs.fill(-1, 0, values.length)
    this.sunk.fill(0, 0, insts.length)
    this.buffer.reset()
    this.symbols.reset()
    this.#assignments.clear()
    this.tables = []
    this.outgoingBytes = 0
    this.returnAreaBytes = 0
    this.hasCall = false
    this.needsFramePointer = false
    this.returnArea = -1
    this.#pendingCount = 0
  }

  /** Where the instruction being lowered stands. */
  place(): CodegenPlace {
    const name = printExternalName(this.func.name)
    return this.inst < 0 ? { function: name } : { function: name, inst: this.inst }
  }

  /** @throws CodegenError always. */
  unsupported(detail?: string): never {
    const name = OPCODE_ROWS[this.opcode[this.inst] - 1][0]
    const type = this.func.insts.ctrlType[this.inst]
    const problem = { code: 'unsupported-opcode', opcode: name, type: type === 0 ? null : typeName(type) } as const
    throw new CodegenError(detail === undefined ? problem : { ...problem, detail }, this.place())
  }

  /** log2 of the size of a value that code can be generated for. @throws CodegenError for all other types. */
  size(value: number): number {
    const size = SIZE_OF_TYPE[this.valueType[value]]
    if (size < 0) this.unsupported(`a value of type ${typeName(this.valueType[value])}`)
    return size
  }

  isFloat(value: number): boolean {
    const type = this.valueType[value]
    return type === Type.F32 || type === Type.F64
  }

  assignment(signature: Signature): Assignment {
    let found = this.#assignments.get(signature)
    if (found === undefined) {
      found = assign(signature, this.convention(signature.callConv), this.place())
      this.#assignments.set(signature, found)
    }
    return found
  }

  convention(name: string): Convention {
    if (name === 'fast') return this.platform.conventions.default
    if (name === 'system_v' || name === 'windows_fastcall') return this.platform.conventions[name]
    throw new CodegenError(
      { code: 'unsupported-signature', detail: `the calling convention ${name} is not supported` },
      this.place(),
    )
  }

  // --- Virtual registers -------------------------------------------------------------------------------------------------------------

  newVreg(float: boolean): number {
    const vreg = this.allocator.newVreg(float ? 1 : 0)
    if (this.buffer.recording !== null) this.buffer.recording.classes.push(float ? 1 : 0)
    if (vreg >= VREG_LIMIT)
      throw new CodegenError({ code: 'limit', what: 'number of virtual registers', limit: VREG_LIMIT }, this.place())
    return vreg
  }

  /** The register of the hidden pointer to the caller's return area. */
  returnAreaVreg(): number {
    if (this.returnArea < 0) this.returnArea = this.newVreg(false)
    return this.returnArea
  }

  /** The register that holds a value where it is used; asks for it. Constants get one of their own at every call. */
  use(value: number): number {
    const known = this.vregs[value]
    if (known >= 0) return known
    const inst = this.definition[value]
    if (inst >= 0) {
      switch (this.opcode[inst]) {
        case 58 /* Opcode.Iconst */:
        case 60 /* Opcode.F32const */:
        case 61 /* Opcode.F64const */:
          return this.constant(this.imm[inst], this.immHigh[inst], this.valueType[value])
        case 132 /* Opcode.Ireduce */:
        case 142 /* Opcode.Uextend */:
        case 143 /* Opcode.Sextend */:
          if (this.matchConstant(value)) return this.constant(this.low, this.high, this.valueType[value])
          if (this.isAlias(inst)) {
            const vreg = this.use(this.arg0[inst])
            this.vregs[value] = vreg
            return vreg
          }
          break
        case 129 /* Opcode.Bitcast */:
          if (this.isFloat(value) === this.isFloat(this.arg0[inst])) {
            if (this.matchConstant(value)) return this.constant(this.low, this.high, this.valueType[value])
            const vreg = this.use(this.arg0[inst])
            this.vregs[value] = vreg
            return vreg
          }
          break
      }
    }
    const vreg = this.newVreg(this.isFloat(value))
    this.vregs[value] = vreg
    return vreg
  }

  /** The instruction only renames its operand: a reduction, or the extension of what a 32-bit operation wrote. */
  isAlias(inst: number): boolean {
    const op = this.opcode[inst]
    if (op === Opcode.Ireduce) return this.valueType[this.arg0[inst]] !== Type.I128
    if (op !== Opcode.Uextend || this.valueType[this.firstResult[inst]] !== Type.I64) return false
    return this.isZeroExtended32(this.arg0[inst])
  }

  /** The value is an i32 whose register has zeros above: its defining record writes 32 bits. */
  isZeroExtended32(value: number): boolean {
    if (this.valueType[value] !== Type.I32) return false
    const inst = this.definition[value]
    if (inst < 0) return false
    return WRITES_32[this.opcode[inst]] !== 0
  }

  /** A register with a constant's bits, made in front of the current instruction. */
  constant(low: number, high: number, type: number): number {
    const pending = this.#pending
    for (let i = 0; i < this.#pendingCount; i++) {
      if (pending[i * 4 + 1] === low && pending[i * 4 + 2] === high && pending[i * 4 + 3] === type)
        return pending[i * 4]
    }
    if (this.#pendingCount * 4 === pending.length) {
      this.#pending = new Int32Array(pending.length * 2)
      this.#pending.set(pending)
    }
    const vreg = this.newVreg(type === Type.F32 || type === Type.F64)
    const at = this.#pendingCount++ * 4
    this.#pending[at] = vreg
    this.#pending[at + 1] = low
    this.#pending[at + 2] = high
    this.#pending[at + 3] = type
    return vreg
  }

  /** Writes the constants that the current instruction asked for, in front of it. */
  flushConstants(): void {
    for (let i = this.#pendingCount - 1; i >= 0; i--) {
      const at = i * 4
      const type = this.#pending[at + 3]
      const float = type === Type.F32 || type === Type.F64
      this.buffer.begin(float ? MachOp.Fconst : MachOp.Const, 1, 2, SIZE_OF_TYPE[type] << SIZE_SHIFT)
      this.buffer.operand(DEF | this.#pending[at])
      this.buffer.payload(this.#pending[at + 1])
      this.buffer.payload(this.#pending[at + 2])
    }
    this.#pendingCount = 0
  }

  // --- What may be merged ------------------------------------------------------------------------------------------------------------

  /** Whether a value is known now; leaves its bits, zero-extended from its type, in `low` and `high`. */
  matchConstant(value: number): boolean {
    const inst = this.definition[value]
    if (inst < 0) return false
    switch (this.opcode[inst]) {
      case 58 /* Opcode.Iconst */:
      case 60 /* Opcode.F32const */:
      case 61 /* Opcode.F64const */:
        this.low = this.imm[inst]
        this.high = this.immHigh[inst]
        return true
      case 132 /* Opcode.Ireduce */:
      case 142 /* Opcode.Uextend */:
      case 143 /* Opcode.Sextend */:
        {
          const source = this.arg0[inst]
          if (
            SIZE_OF_TYPE[this.valueType[source]] < 0 ||
            SIZE_OF_TYPE[this.valueType[value]] < 0 ||
            !this.matchConstant(source)
          )
            return false
          if (this.opcode[inst] === Opcode.Sextend) this.#signExtend(SIZE_OF_TYPE[this.valueType[source]])
          this.#truncate(SIZE_OF_TYPE[this.valueType[value]])
          return true
        }
      case 129 /* Opcode.Bitcast */:
        {
          // Of the same kind and size: the same bits.
          const source = this.arg0[inst]
          const size = SIZE_OF_TYPE[this.valueType[value]]
          if (size < 0 || size !== SIZE_OF_TYPE[this.valueType[source]]) return false
          return this.isFloat(value) === this.isFloat(source) && this.matchConstant(source)
        }
    }
    return false
  }

  #signExtend(size: number): void {
    if (size < 2) {
      const shift = 32 - (8 << size)
      this.low = (this.low << shift) >> shift
    }
    if (size < 3) this.high = this.low >> 31
  }

  #truncate(size: number): void {
    if (size < 3) this.high = 0
    if (size < 2) this.low &= (1 << (8 << size)) - 1
  }

  /** Whether a value is a constant that fits a sign-extended 32-bit immediate of an operation of its size; leaves it in `low`. */
  matchImmediate(value: number): boolean {
    if (!this.matchConstant(value)) return false
    const size = SIZE_OF_TYPE[this.valueType[value]]
    if (size === 3) return this.high === this.low >> 31
    if (size < 2) {
      const shift = 32 - (8 << size)
      this.low = (this.low << shift) >> shift
    }
    return true
  }

  /** The value's defining instruction if it may merge into the current one: one use, same block. -1 otherwise. */
  mergeable(value: number): number {
    const inst = this.definition[value]
    if (inst < 0 || this.uses.count[value] !== 1 || this.uses.block[inst] !== this.block || this.vregs[value] >= 0)
      return -1
    return inst
  }

  /** The load that defines a value, if it may move to the current instruction and reads exactly the value's bits. -1 otherwise. */
  mergeableLoad(value: number): number {
    const inst = this.mergeable(value)
    if (inst < 0 || this.opcode[inst] !== Opcode.Load) return -1
    if (this.uses.colour[inst] !== this.uses.colour[this.inst] || (this.immHigh[inst] & MemFlags.Big) !== 0) return -1
    return inst
  }
}

/** Opcodes whose i32 result is written by a 32-bit operation, which clears the upper half of the register. */
const WRITES_32: Uint8Array = new Uint8Array(256)
for (const opcode of [
  Opcode.Iadd,
  Opcode.Isub,
  Opcode.Ineg,
  Opcode.Iabs,
  Opcode.Imul,
  Opcode.Band,
  Opcode.Bor,
  Opcode.Bxor,
  Opcode.Bnot,
  Opcode.Ishl,
  Opcode.Ushr,
  Opcode.Sshr,
  Opcode.Rotl,
  Opcode.Rotr,
  Opcode.Udiv,
  Opcode.Urem,
  Opcode.Clz,
  Opcode.Ctz,
  Opcode.Popcnt,
  Opcode.Bswap,
  Opcode.Load,
  Opcode.Uload8,
  Opcode.Uload16,
  Opcode.Sload8,
  Opcode.Sload16,
  Opcode.Smin,
  Opcode.Smax,
  Opcode.Umin,
  Opcode.Umax,
]) {
  WRITES_32[opcode] = 1
}
