// The state of one backward walk, and the operations that every group of opcodes uses: virtual registers on demand, constants made where
// they are used, address matching, and the writing of operand words.
//
// Invariants of the walk:
// - An instruction without effects is lowered only if one of its results has a virtual register when the walk reaches it: somebody asked.
// - What merges into a user (compares, loads, address arithmetic, constants) never asks for a register, so it is skipped by that rule; a
//   load that was merged is marked in `sunk`, as it may trap and would be lowered otherwise.
// - Flags are live only between the records of one CLIF instruction. Constants are materialised at its front (`flushConstants`), so
//   making one may overwrite the flags.
//
// literals: Opcode

import {
  type Function,
  MemFlags,
  memFlagsTrapCode,
  OPCODE_ROWS,
  Opcode,
  printExternalName,
  type Signature,
  Type,
} from '@framewright/ir'
import {
  type Allocator,
  CONSTRAINT_ANY,
  CONSTRAINT_FIXED,
  CONSTRAINT_REGISTER,
  CONSTRAINT_TIED,
  OPERAND_CONSTRAINT_SHIFT,
  OPERAND_DEF,
  OPERAND_EARLY,
  OPERAND_FIXED_SHIFT,
  OPERAND_LATE,
  VREG_LIMIT,
} from '@framewright/regalloc'
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
import { SymbolTable } from './symbols.ts'

// Operand words without their virtual register.
const CONSTRAINT = OPERAND_CONSTRAINT_SHIFT
/** An input in a register. */
export const USE: number = CONSTRAINT_REGISTER << CONSTRAINT
/** An input in a register or a slot. */
export const USE_ANY: number = CONSTRAINT_ANY << CONSTRAINT
/** An input that the result replaces; emission copies it there if it is elsewhere. */
export const USE_TIED: number = CONSTRAINT_TIED << CONSTRAINT
/** Added to inputs that are read after results, or copies to fixed registers, have been written. */
export const LATE: number = OPERAND_LATE
/** A result in a register. */
export const DEF: number = OPERAND_DEF | USE
/** A result in a register or a slot: block parameters. */
export const DEF_ANY: number = OPERAND_DEF | USE_ANY
/** A register that the record may destroy before it reads its inputs. */
export const TEMPORARY: number = OPERAND_DEF | OPERAND_EARLY | USE

/** An input copied to a register just before the operation. */
export function fixedUse(register: number): number {
  return (CONSTRAINT_FIXED << CONSTRAINT) | (register << OPERAND_FIXED_SHIFT)
}

/** A result that the operation leaves in a register. */
export function fixedDef(register: number): number {
  return OPERAND_DEF | (CONSTRAINT_FIXED << CONSTRAINT) | (register << OPERAND_FIXED_SHIFT)
}

/** What sets the flags, and the condition to ask for; see compare.ts. */
export interface Condition {
  /** Hardware condition, or FLOAT_EQ, FLOAT_NE. */
  code: number
  /** `value`: a is not 0. `integer`, `float`: comparison of a and b. `bits`: a & b against 0. */
  kind: 'value' | 'integer' | 'float' | 'bits'
  a: number
  b: number
}

/** How a platform reaches symbols. */
export interface Platform {
  readonly objectFormat: 'elf' | 'coff'
  /** The routine that a frame of a page or more calls before it moves rsp (size in rax, which it keeps), or null. */
  readonly stackProbe: string | null
  readonly conventions: Readonly<Record<'default' | 'system_v' | 'windows_fastcall', Convention>>
}

const SIZE_SHIFT = record.SIZE_SHIFT
const SCALE_SHIFT = record.SCALE_SHIFT

/** Reusable from function to function. Columns of the function are bound to fields while it is lowered. */
export class Lowering {
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

  /** Result of `matchCondition`; the next match overwrites it. */
  readonly condition: Condition = { code: 0, kind: 'value', a: 0, b: 0 }

  // Result of `matchAddress`.
  addressKind = 0
  addressBase = -1
  addressIndex = -1
  addressScale = 0
  addressOffset = 0
  addressSymbol = 0

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
            const vreg = this.use(this.arg0[inst])
            if (!this.matchConstant(this.arg0[inst])) this.vregs[value] = vreg
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

  // --- Addresses ---------------------------------------------------------------------------------------------------------------------

  /**
   * Finds the addressing mode for value + offset and leaves it in the address fields: base + index * 2^scale + offset, a place in the
   * stack-slot area, or a symbol. Only 64-bit additions are folded: narrower ones wrap, the address would not.
   */
  matchAddress(value: number, offset: number): void {
    this.addressKind = record.ADDRESS_PLAIN
    this.addressBase = value
    this.addressIndex = -1
    this.addressScale = 0
    this.addressOffset = offset
    for (let depth = 0; depth < 8; depth++) {
      const base = this.addressBase
      const inst = this.definition[base]
      if (inst < 0) return
      switch (this.opcode[inst]) {
        case 74 /* Opcode.Iadd */:
          {
            const x = this.arg0[inst]
            const y = this.arg1[inst]
            if (this.matchConstant(y) && this.#foldOffset()) {
              this.addressBase = x
              continue
            }
            if (this.matchConstant(x) && this.#foldOffset()) {
              this.addressBase = y
              continue
            }
            if (this.addressIndex !== -1 || this.mergeable(base) < 0) return
            if (this.#matchIndex(y)) this.addressBase = x
            else if (this.#matchIndex(x)) this.addressBase = y
            else {
              this.addressBase = x
              this.addressIndex = y
            }
            continue
          }
        case 58 /* Opcode.Iconst */:
          if (this.addressIndex !== -1 || depth === 0 || !this.matchConstant(base) || !this.#foldOffset()) return
          this.addressBase = -1
          return
        case 48 /* Opcode.StackAddr */:
          {
            const slot = this.entity[inst]
            if (this.func.stackSlots[slot].alignLog2 > 4) return
            this.addressKind = record.ADDRESS_SLOT
            this.addressBase = -1
            this.addressOffset += this.slotOffsets[slot] + this.imm[inst]
            return
          }
        case 50 /* Opcode.SymbolValue */:
          // rip-relative addresses take no index.
          if (this.addressIndex === -1 && this.symbols.matchLocalData(this.func, this.entity[inst])) {
            this.addressKind = record.ADDRESS_SYMBOL
            this.addressBase = -1
            this.addressSymbol = this.symbols.found
            this.addressOffset += this.symbols.foundOffset
          }
          return
        default:
          return
      }
    }
  }

  /** Adds the constant just matched to the displacement if the sum stays one. */
  #foldOffset(): boolean {
    if (this.high !== this.low >> 31) return false
    const sum = this.addressOffset + this.low
    if (sum !== (sum | 0)) return false
    this.addressOffset = sum
    return true
  }

  /** Takes `value` as a scaled index if it is a shift by 1 to 3 or a product with 2, 4, 8. */
  #matchIndex(value: number): boolean {
    const inst = this.mergeable(value)
    if (inst < 0) return false
    const op = this.opcode[inst]
    if (op === Opcode.Ishl && this.matchConstant(this.arg1[inst])) {
      const amount = this.low & 63
      if (amount < 1 || amount > 3) return false
      this.addressScale = amount
    } else if (
      op === Opcode.Imul &&
      this.matchConstant(this.arg1[inst]) &&
      this.high === 0 &&
      (this.low === 2 || this.low === 4 || this.low === 8)
    ) {
      this.addressScale = 31 - Math.clz32(this.low)
    } else {
      return false
    }
    this.addressIndex = this.arg0[inst]
    return true
  }

  /** Header bits of the address just matched. */
  addressHeader(): number {
    let header = this.addressKind | (this.addressScale << SCALE_SHIFT)
    if (this.addressBase >= 0) header |= record.HAS_BASE
    if (this.addressIndex >= 0) header |= record.HAS_INDEX
    return header
  }

  addressOperands(): number {
    return (this.addressBase >= 0 ? 1 : 0) + (this.addressIndex >= 0 ? 1 : 0)
  }

  addressPayload(): number {
    return this.addressKind === record.ADDRESS_SYMBOL ? 2 : 1
  }

  /** Writes the operand words of the address; `late` when other inputs are copied to fixed registers before it is read. */
  writeAddressOperands(late: number): void {
    const { addressBase, addressIndex } = this
    if (addressBase >= 0) this.buffer.operand(USE | late | this.use(addressBase))
    if (addressIndex >= 0) this.buffer.operand(USE | late | this.use(addressIndex))
  }

  writeAddressPayload(): void {
    if (this.addressKind === record.ADDRESS_SYMBOL) this.buffer.payload(this.addressSymbol)
    this.buffer.payload(this.addressOffset)
  }

  /** Header bits for the trap of a memory access. */
  trapHeader(inst: number): number {
    return memFlagsTrapCode(this.immHigh[inst]) << record.TRAP_SHIFT
  }

  // --- Record shapes that many opcodes share -----------------------------------------------------------------------------------------

  /**
   * Writes `op` with a source that is an immediate, memory, a pool constant or a register, whatever the value `source` allows.
   *
   * @param result - result word with its register, or -1.
   * @param first - word of the other input, or -1.
   * @param source - the value that may be merged.
   * @param constraint - constraint of `source` when it stays a register.
   * @param allowImmediate - integer operations only.
   */
  withSource(
    op: number,
    header: number,
    result: number,
    first: number,
    source: number,
    constraint: number,
    allowImmediate: boolean,
  ): void {
    const fixed = (result === -1 ? 0 : 1) + (first === -1 ? 0 : 1)
    if (this.matchConstant(source)) {
      if (allowImmediate && this.matchImmediate(source)) {
        this.#head(op, fixed, 1, header | record.SOURCE_IMMEDIATE, result, first)
        this.buffer.payload(this.low)
        return
      }
      if (!allowImmediate && this.isFloat(source)) {
        this.#head(op, fixed, 2, header | record.SOURCE_POOL, result, first)
        this.buffer.payload(this.low)
        this.buffer.payload(this.high)
        return
      }
    }
    const load = this.mergeableLoad(source)
    if (load >= 0) {
      this.sunk[load] = 1
      this.matchAddress(this.arg0[load], this.imm[load])
      const all = header | record.SOURCE_MEMORY | this.addressHeader() | this.trapHeader(load)
      this.#head(op, fixed + this.addressOperands(), this.addressPayload(), all, result, first)
      this.writeAddressOperands(constraint & LATE)
      this.writeAddressPayload()
      return
    }
    this.#head(op, fixed + 1, 0, header | record.SOURCE_OPERAND, result, first)
    this.buffer.operand(constraint | this.use(source))
  }

  #head(op: number, operands: number, payload: number, header: number, result: number, first: number): void {
    this.buffer.begin(op, operands, payload, header)
    if (result !== -1) this.buffer.operand(result)
    if (first !== -1) this.buffer.operand(first)
  }

  /** d = op(a) with register or slot operands. */
  unary(op: number, size: number, result: number, operand: number, constraint: number): void {
    this.buffer.begin(op, 2, 0, size << SIZE_SHIFT)
    this.buffer.operand(DEF | result)
    this.buffer.operand(constraint | operand)
  }

  /** d = a op b, tied, with register or slot operands. */
  binary(op: number, size: number, result: number, a: number, b: number): void {
    this.buffer.begin(op, 3, 0, size << SIZE_SHIFT)
    this.buffer.operand(DEF | result)
    this.buffer.operand(USE_TIED | a)
    this.buffer.operand(USE_ANY | LATE | b)
  }

  /** d = a op immediate, tied. Shifts by a constant too. */
  binaryImmediate(op: number, size: number, result: number, a: number, immediate: number): void {
    this.buffer.begin(op, 2, 1, (size << SIZE_SHIFT) | record.SOURCE_IMMEDIATE)
    this.buffer.operand(DEF | result)
    this.buffer.operand(USE_TIED | a)
    this.buffer.payload(immediate)
  }

  /** The virtual register of a result that somebody asked for. */
  result(index: number = 0): number {
    return this.vregs[this.firstResult[this.inst] + index]
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
