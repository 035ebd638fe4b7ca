// Builds a function: declarations, blocks, variables and, through the methods of InstructionBuilder, instructions.

import {
  type AliasRegion,
  type Block,
  type Constant,
  type DynamicStackSlot,
  type DynamicType,
  type FuncRef,
  type GlobalValue,
  NO_BLOCK,
  type SigRef,
  type StackSlot,
  type Value,
} from '../entities.ts'
import { IrBuildError } from '../errors.ts'
import { type ExternalName, externalName, type GlobalValueData } from '../externals.ts'
import type { Function as IrFunction } from '../function.ts'
import { MAX_ALIAS_REGION } from '../memory-flags.ts'
import { Opcode } from '../opcode.ts'
import { signature as makeSignature, type Signature } from '../signature.ts'
import { printBlock } from '../text/index.ts'
import { isDynamicVector, isType, isVector, Type, typeBytes, typeName } from '../types.ts'
import { type ConstantValue, scalarBits, vectorBytes } from './constants.ts'
import type { Finished } from './finish.ts'
import { InstructionBuilder } from './instruction-builder.ts'
import { entryFault, globalValueFault, signatureFault } from './rules.ts'
import type { Variable } from './ssa-construction.ts'
import { buildSwitch, type SwitchCase } from './switch.ts'

/** What a builder may be told of the machine. */
export interface FunctionBuilderOptions {
  /** The type of addresses: others are then refused at the call. Default: any that CLIF has, i32 and i64. */
  readonly pointerType?: Type
}

/** What an imported function may say beside its name and signature. */
export interface ImportOptions {
  /** Defined in the same linkage unit: reachable by a relative call. Default false. */
  readonly colocated?: boolean
  /** The call may be turned off and on in place. Default false. */
  readonly patchable?: boolean
}

/**
 * Builds one function.
 *
 * Blocks are created, then filled one after another: `switchTo` makes a block current, and instructions are added to it
 * until a terminator ends it. The first block filled is the entry. A block is *sealed* when nothing more will branch to
 * it; before that its variables may get values from anywhere. Every block must be sealed and filled at the end.
 *
 * A call that makes no sense throws IrBuildError and adds nothing: a type or a number that does not fit, a value that is not
 * defined on every way to the current block, a branch to a sealed block. What shows only when all branches are there is
 * looked at again in `finish`; what that gives has nothing for `verifyFunction` to report, settings of the machine apart.
 */
export class FunctionBuilder extends InstructionBuilder {
  /** @param name - spelled as in the text without the `%`, or any external name. */
  constructor(
    name: string | ExternalName,
    signature: Signature = makeSignature([], []),
    options: FunctionBuilderOptions = {},
  ) {
    super(typeof name === 'string' ? { kind: 'testcase', name } : name, signature, options.pointerType ?? Type.Invalid)
    this.ssa.zero = (block, type) => this.#zero(block, type)
  }

  // ---- blocks

  /** A new block, to be filled later. */
  createBlock(): Block {
    this.checkOpen()
    const block = this.draft.blocks.push()
    this.ssa.addBlock(block)
    return block
  }

  /** Creates the entry block with the parameters of the signature, sealed and current. @returns the parameters. */
  createEntry(): Value[] {
    const { layout } = this.draft
    if (layout.entry !== NO_BLOCK) {
      throw new IrBuildError({ code: 'state', reason: 'the function has an entry block already' })
    }
    const block = this.createBlock()
    const params = this.draft.signature.params.map(({ type }) => this.appendParam(block, type))
    this.switchTo(block)
    this.seal(block)
    return params
  }

  /** Adds a parameter to a block that is not current yet and that nothing branches to. */
  appendParam(block: Block, type: Type): Value {
    this.checkOpen()
    this.checkBlock(block)
    if (this.ssa.hasBranches(block) || this.draft.layout.hasBlock(block)) {
      const reason = `${printBlock(this.draft, block)} must get its parameters before it is filled or branched to`
      throw new IrBuildError({ code: 'block', reason })
    }
    if (!isType(type)) {
      const reason = `a parameter of ${printBlock(this.draft, block)} needs a type`
      throw new IrBuildError({ code: 'block', reason })
    }
    return this.addParam(block, type)
  }

  /** Makes a block current. One that has been filled cannot be reopened. */
  switchTo(block: Block): void {
    this.checkOpen()
    this.checkBlock(block)
    this.#checkFilled()
    if (this.draft.layout.hasBlock(block)) {
      throw new IrBuildError({ code: 'block', reason: `${printBlock(this.draft, block)} has been filled already` })
    }
    if (this.draft.layout.entry === NO_BLOCK) this.#checkEntry(block)
    this.draft.layout.appendBlock(block)
    this.enter(block)
  }

  #checkEntry(block: Block): void {
    const name = printBlock(this.draft, block)
    const fault = this.ssa.hasBranches(block) ? 'nothing can branch to the entry' : entryFault(this.draft, block)
    if (fault !== null) throw new IrBuildError({ code: 'block', reason: `${name} cannot be the entry: ${fault}` })
  }

  /** Says that nothing more will branch to a block. */
  seal(block: Block): void {
    this.checkOpen()
    this.checkBlock(block)
    if (this.ssa.isSealed(block)) {
      throw new IrBuildError({ code: 'block', reason: `${printBlock(this.draft, block)} is sealed already` })
    }
    this.ssa.seal(block)
  }

  /** Seals every block that is not sealed yet. */
  sealAll(): void {
    for (let block = 0; block < this.draft.blocks.length; block++) {
      if (!this.ssa.isSealed(block as Block)) this.seal(block as Block)
    }
  }

  /** Marks a block as unlikely to run. */
  setCold(block: Block): void {
    this.checkBlock(block)
    if (block === this.draft.layout.entry) {
      throw new IrBuildError({
        code: 'block',
        reason: `${printBlock(this.draft, block)} is the entry: it cannot be cold`,
      })
    }
    this.draft.blocks.cold[block] = 1
  }

  // ---- variables

  /** A new variable: a name for different values at different places. */
  declareVariable(type: Type): Variable {
    this.checkOpen()
    if (!isType(type)) throw new IrBuildError({ code: 'variable', variable: -1, reason: 'needs a type' })
    return this.ssa.declare(type)
  }

  /** Gives a variable a value from here on. */
  define(variable: Variable, value: Value): void {
    this.#current('define')
    this.checkValue(value, 'define')
    const type = this.ssa.typeOf(variable)
    const own = this.draft.values.type[value]
    if (own !== type) {
      const reason = `has type ${typeName(type)}, the value has type ${typeName(own)}`
      throw new IrBuildError({ code: 'variable', variable, reason })
    }
    this.ssa.define(variable, this.currentBlock, value)
  }

  /**
   * The value of a variable here.
   *
   * @throws IrBuildError when there is a way from the entry to here on which the variable got none. In a block that is
   *   not sealed this shows when it is sealed.
   */
  use(variable: Variable): Value {
    this.#current('use')
    this.ssa.typeOf(variable)
    return this.ssa.use(variable, this.currentBlock)
  }

  // ---- declarations

  /** A stack slot of that many bytes; `align` is a power of two. */
  declareStackSlot(size: number, align = 1, key: bigint | null = null): StackSlot {
    this.checkOpen()
    if (!Number.isInteger(size) || size < 0 || size > 0xffff_ffff) {
      throw new IrBuildError({ code: 'arguments', reason: `a stack slot cannot have ${size} bytes` })
    }
    const alignLog2 = Math.log2(align)
    if (!Number.isInteger(alignLog2) || alignLog2 < 0 || alignLog2 > 31) {
      throw new IrBuildError({ code: 'arguments', reason: `the alignment ${align} is not a power of two` })
    }
    return (this.draft.stackSlots.push({ size, alignLog2, key }) - 1) as StackSlot
  }

  /** A vector type times a global that says how often. */
  declareDynamicType(base: Type, scale: GlobalValue): DynamicType {
    this.checkEntity(this.draft.globalValues, scale, 'global value')
    if (!isVector(base))
      throw new IrBuildError({ code: 'arguments', reason: 'a dynamic type is a multiple of a vector' })
    return (this.draft.dynamicTypes.push({ base, scale }) - 1) as DynamicType
  }

  /** A stack slot that holds one value of a dynamic type. */
  declareDynamicStackSlot(dynamicType: DynamicType): DynamicStackSlot {
    this.checkEntity(this.draft.dynamicTypes, dynamicType, 'dynamic type')
    return (this.draft.dynamicStackSlots.push({ dynamicType }) - 1) as DynamicStackSlot
  }

  declareSignature(signature: Signature): SigRef {
    this.checkOpen()
    this.refuse(signatureFault(signature))
    return this.draft.declareSignature(signature)
  }

  /** A function that may be called; its name as in the text without the `%`, or any external name. */
  importFunction(name: string | ExternalName, signature: Signature | SigRef, options: ImportOptions = {}): FuncRef {
    this.checkOpen()
    if (typeof signature === 'number') this.checkEntity(this.draft.signatures, signature, 'signature')
    return this.draft.declareFunction({
      name: typeof name === 'string' ? externalName(name) : name,
      signature: typeof signature === 'number' ? signature : this.declareSignature(signature),
      colocated: options.colocated ?? false,
      patchable: options.patchable ?? false,
    })
  }

  declareGlobalValue(data: GlobalValueData): GlobalValue {
    this.checkOpen()
    if (data.kind === 'load' || data.kind === 'iadd_imm') {
      this.checkEntity(this.draft.globalValues, data.base, 'global value')
    }
    this.refuse(globalValueFault(this.draft, data, this.pointerType))
    return this.draft.declareGlobalValue(data)
  }

  declareAliasRegion(userId: number, description: string): AliasRegion {
    this.checkOpen()
    if (this.draft.aliasRegions.length > MAX_ALIAS_REGION) {
      throw new IrBuildError({ code: 'arguments', reason: `more than ${MAX_ALIAS_REGION + 1} alias regions` })
    }
    if (description.includes('"')) {
      throw new IrBuildError({ code: 'arguments', reason: 'the description of a region cannot hold a quote' })
    }
    if (!Number.isInteger(userId) || userId < 0 || userId > 0xffff_ffff) {
      throw new IrBuildError({ code: 'arguments', reason: `${String(userId)} is no number of 32 bits for a region` })
    }
    const known = this.draft.aliasRegions.findIndex((region) => region.userId === userId)
    if (known >= 0) {
      throw new IrBuildError({ code: 'arguments', reason: `region${known} has the number ${userId} already` })
    }
    return this.draft.declareAliasRegion({ userId, description })
  }

  /** A constant of these bytes, which are little-endian. */
  declareConstant(bytes: Uint8Array): Constant {
    this.checkOpen()
    if (bytes.length === 0) throw new IrBuildError({ code: 'arguments', reason: 'a constant has at least one byte' })
    return this.draft.internConstant(bytes.slice())
  }

  /** The global whose value is the lowest address that the stack may reach. */
  setStackLimit(global: GlobalValue): void {
    this.checkEntity(this.draft.globalValues, global, 'global value')
    this.draft.stackLimit = global
  }

  // ---- the rest

  /**
   * A constant of any type but the dynamic ones: `constant(Type.I128, -1n)`, `constant(Type.F16, 0.1)`,
   * `constant(Type.I32X4, [1, 2, 3, 4])`, `constant(Type.F64X2, 0)`.
   *
   * @throws IrBuildError for a value that the type does not have. Floats given as numbers are rounded.
   */
  constant(type: Type, value: ConstantValue): Value {
    if (typeof value !== 'number' && typeof value !== 'bigint') return this.#vectorConstant(type, value)
    switch (type) {
      case Type.I8:
      case Type.I16:
      case Type.I32:
      case Type.I64:
        return this.iconst(type, value)
      case Type.F32:
        return this.f32const(value)
      case Type.F64:
        return this.f64const(value)
      case Type.F16:
        return this.f16const(Number(this.#scalarBits(type, value)))
      case Type.F128:
        return this.f128const(this.#scalarBits(type, value))
      case Type.I128: {
        const bits = this.#scalarBits(type, value)
        const low = this.iconst(Type.I64, BigInt.asUintN(64, bits))
        return this.iconcat(low, this.iconst(Type.I64, bits >> 64n))
      }
      default:
        return this.#vectorConstant(type, value)
    }
  }

  #scalarBits(type: Type, value: number | bigint): bigint {
    const bits = scalarBits(type, value)
    if (bits !== null) return bits
    throw new IrBuildError({ code: 'arguments', reason: `${String(value)} is no ${typeName(type)}` })
  }

  #vectorConstant(type: Type, value: ConstantValue): Value {
    const bytes = vectorBytes(type, value)
    if (typeof bytes === 'string') throw new IrBuildError({ code: 'arguments', reason: bytes })
    return this.vconst(type, bytes)
  }

  /**
   * Goes to the block of the case that the value equals, else to `otherwise`. Dense cases become tables, others
   * comparisons. Blocks that this makes are filled and sealed; the blocks given must have no parameters.
   */
  switch(value: Value, cases: readonly SwitchCase[], otherwise: Block): void {
    buildSwitch(this, value, cases, otherwise)
  }

  /**
   * Ends the work and gives the function. Its blocks and values count up in the order of the layout; `finishWithIds` also
   * says what the builder's ids have become.
   *
   * @throws IrBuildError for a block that was never sealed or never filled, and a value that a later branch has left
   *   undefined where it is used.
   */
  finish(): IrFunction {
    return this.finishWithIds().func
  }

  /** As `finish`, with the new id of every value and block of the builder; -1 for what is not in it. Instructions keep theirs. */
  finishWithIds(): Finished {
    this.checkOpen()
    this.#checkFilled()
    if (this.ssa.failed) {
      throw new IrBuildError({ code: 'state', reason: 'a variable was read where it had no value' })
    }
    const { blocks, layout } = this.draft
    for (let block = 0; block < blocks.length; block++) {
      const there = layout.hasBlock(block as Block)
      const wrong = there ? !this.ssa.isSealed(block as Block) : this.ssa.hasBranches(block as Block)
      if (!wrong) continue
      const name = printBlock(this.draft, block as Block)
      const reason = there ? `${name} was never sealed` : `${name} is branched to but was never filled`
      throw new IrBuildError({ code: 'block', reason })
    }
    this.checkDominance()
    this.checkHandlerAddresses()
    return this.close()
  }

  #current(user: string): void {
    this.checkOpen()
    if (this.currentBlock !== NO_BLOCK) return
    throw new IrBuildError({ code: 'state', reason: `${user}: no block is current; call switchTo first` })
  }

  /** The current block, when there is one, must have its terminator. */
  #checkFilled(): void {
    if (this.currentBlock === NO_BLOCK || this.isFilled()) return
    const name = printBlock(this.draft, this.currentBlock)
    throw new IrBuildError({ code: 'block', reason: `${name} has no terminator yet` })
  }

  /** Zero at the start of a block that nothing reaches: any value will do there. */
  #zero(block: Block, type: Type): number {
    if (type === Type.I128) {
      const half = this.#zero(block, Type.I64)
      return this.prepend(block, Opcode.Iconcat, Type.I64, Type.I128, half, half)
    }
    if (isDynamicVector(type)) {
      throw new IrBuildError({ code: 'block', reason: `a ${typeName(type)} is read where no code can come` })
    }
    if (type >= Type.I8 && type <= Type.I64) return this.prepend(block, Opcode.Iconst, type, type)
    if (type === Type.F16) return this.prepend(block, Opcode.F16const, 0, type)
    if (type === Type.F32) return this.prepend(block, Opcode.F32const, 0, type)
    if (type === Type.F64) return this.prepend(block, Opcode.F64const, 0, type)
    const opcode = type === Type.F128 ? Opcode.F128const : Opcode.Vconst
    const value = this.prepend(block, opcode, type === Type.F128 ? 0 : type, type)
    const inst = this.draft.values.definingInst(value)
    this.draft.insts.entity[inst] = this.draft.internConstant(new Uint8Array(typeBytes(type)))
    return value
  }
}
