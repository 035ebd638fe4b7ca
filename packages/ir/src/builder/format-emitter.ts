// What instructions of one format have in common: how their immediates, references and targets are checked and stored.

import { exceptionArgument, returnArgument } from '../block-table.ts'
import { FLOAT_CC_NAMES, INT_CC_NAMES } from '../condition-codes.ts'
import type {
  Block,
  Constant,
  DynamicStackSlot,
  FuncRef,
  GlobalValue,
  Inst,
  SigRef,
  StackSlot,
  Value,
} from '../entities.ts'
import { IrBuildError } from '../errors.ts'
import type { ExceptionTableItem } from '../externals.ts'
import { ATOMIC_RMW_OPS, type AtomicRmwOp } from '../format.ts'
import { MAX_HANDLERS } from '../function.ts'
import { MemFlags } from '../memory-flags.ts'
import { OPCODE_NAMES, Opcode } from '../opcode.ts'
import { exceptionPayloadWords, type Signature } from '../signature.ts'
import { bytesOfBits, FloatReader } from '../text/floats.ts'
import { printBlock } from '../text/index.ts'
import { isScalarInteger, isType, laneCount, Type, typeName } from '../types.ts'
import { globalValueType } from '../verify/declarations.ts'
import { type BlockTarget, Emitter, type TryTarget } from './emitter.ts'
import { bitcastFault, tryCallFault } from './rules.ts'

/** Where a `try_call` goes on when an exception passes. They are tried in this order. */
export type ExceptionHandlers = readonly ExceptionHandler[]

/** One entry of the exception table of a `try_call`; they are asked in order. */
export type ExceptionHandler =
  | { readonly tag: number; readonly target: TryTarget }
  | { readonly default: TryTarget }
  /** Makes the value findable for the handlers after it. */
  | { readonly context: Value }

const floats = new FloatReader()

/** Instructions by format. */
export class FormatEmitter extends Emitter {
  readonly #handlerAddresses: Inst[] = []

  protected compare(opcode: Opcode, condition: number, x: Value, y: Value): Value {
    const names = opcode === Opcode.Icmp ? INT_CC_NAMES : FLOAT_CC_NAMES
    if ((condition | 0) !== condition || condition < 0 || condition >= names.length) {
      this.checkRange(opcode, condition, 0, names.length - 1, 'the condition')
    }
    const inst = this.emit(opcode, 0, x, y)
    this.draft.insts.imm[inst] = condition
    return this.draft.result(inst)
  }

  /** Loads, bitcast and atomic_cas: flags, an offset, a result. */
  protected access(opcode: Opcode, type: Type, flags: MemFlags, offset: number, x: Value, y?: Value, z?: Value): Value {
    this.checkAddress(opcode, x)
    const inst = this.#memoryInst(opcode, type, flags, offset, x, y, z)
    return this.draft.insts.firstResult[inst] as Value
  }

  protected casting(type: Type, x: Value, flags: MemFlags): Value {
    this.checkRange(Opcode.Bitcast, flags, 0, 0xffff_ffff, 'the memory flags')
    this.checkValue(x, 'bitcast')
    const value = this.draft.values.type[x]
    if (isType(type)) this.refuseImmediate(Opcode.Bitcast, bitcastFault(value, type, flags))
    const inst = this.emit(Opcode.Bitcast, type, x)
    this.draft.insts.immHigh[inst] = flags
    return this.draft.result(inst)
  }

  protected storing(opcode: Opcode, flags: MemFlags, offset: number, x: Value, p: Value): Inst {
    if ((flags & MemFlags.Readonly) !== 0) {
      this.refuseImmediate(opcode, 'memory that is readonly cannot be written')
    }
    this.checkAddress(opcode, p)
    return this.#memoryInst(opcode, 0, flags, offset, x, p)
  }

  #memoryInst(opcode: Opcode, type: Type, flags: MemFlags, offset: number, x?: Value, y?: Value, z?: Value): Inst {
    this.checkMemory(opcode, flags, offset)
    const inst = this.emit(opcode, type, x, y, z)
    this.draft.insts.imm[inst] = offset
    this.draft.insts.immHigh[inst] = flags
    return inst
  }

  protected readModifyWrite(type: Type, flags: MemFlags, operation: AtomicRmwOp, p: Value, x: Value): Value {
    this.checkMemory(Opcode.AtomicRmw, flags, 0)
    this.checkAddress(Opcode.AtomicRmw, p)
    this.checkRange(Opcode.AtomicRmw, operation, 0, ATOMIC_RMW_OPS.length - 1, 'the operation')
    const inst = this.emit(Opcode.AtomicRmw, type, p, x)
    this.draft.insts.imm[inst] = operation
    this.draft.insts.immHigh[inst] = flags
    return this.draft.result(inst)
  }

  protected trapping(opcode: Opcode, code: number, x?: Value, y?: Value): Inst {
    this.checkRange(opcode, code, 1, 255, 'the trap code')
    const inst = this.emit(opcode, 0, x, y)
    this.draft.insts.imm[inst] = code
    return inst
  }

  protected lane(opcode: Opcode, lane: number, x: Value, y?: Value): Value {
    this.checkValue(x, OPCODE_NAMES[opcode])
    const lanes = opcode === Opcode.ExtractVector ? 256 : laneCount(this.draft.values.type[x])
    this.checkRange(opcode, lane, 0, lanes - 1, 'the lane')
    const inst = this.emit(opcode, 0, x, y)
    this.draft.insts.imm[inst] = lane
    return this.draft.result(inst)
  }

  protected jumping(block: Block, args: readonly Value[]): Inst {
    this.checkTarget('jump', block, args)
    const inst = this.emit(Opcode.Jump, 0)
    this.draft.insts.target0[inst] = this.blockCall(block, args)
    return inst
  }

  protected branching(c: Value, then: BlockTarget | Block, otherwise: BlockTarget | Block): Inst {
    const [block0, block1] = [blockOf(then), blockOf(otherwise)]
    const [args0, args1] = [argumentsOf(then), argumentsOf(otherwise)]
    this.checkTarget('brif', block0, args0)
    this.checkTarget('brif', block1, args1)
    const inst = this.emit(Opcode.Brif, 0, c)
    const { insts } = this.draft
    insts.target0[inst] = this.blockCall(block0, args0)
    insts.target1[inst] = this.blockCall(block1, args1)
    return inst
  }

  protected tableBranching(x: Value, otherwise: BlockTarget | Block, entries: readonly (BlockTarget | Block)[]): Inst {
    this.checkTarget('br_table', blockOf(otherwise), argumentsOf(otherwise))
    for (const entry of entries) this.checkTarget('br_table', blockOf(entry), argumentsOf(entry))
    const inst = this.emit(Opcode.BrTable, 0, x)
    const { insts, jumpTables } = this.draft
    insts.target0[inst] = this.blockCall(blockOf(otherwise), argumentsOf(otherwise))
    const calls = Int32Array.from(entries, (entry) => this.blockCall(blockOf(entry), argumentsOf(entry)))
    insts.entity[inst] = jumpTables.push(calls) - 1
    return inst
  }

  protected resultsOf(inst: Inst): Value[] {
    const { resultCount, firstResult } = this.draft.insts
    const results: Value[] = []
    for (let i = 0; i < resultCount[inst]; i++) results.push((firstResult[inst] + i) as Value)
    return results
  }

  protected calling(opcode: Opcode, callee: FuncRef, args: readonly Value[]): Inst {
    return this.emitCall(opcode, callee, -1, args, this.checkCallee(opcode, callee))
  }

  protected callingIndirectly(opcode: Opcode, signature: SigRef, callee: Value, args: readonly Value[]): Inst {
    this.checkEntity(this.draft.signatures, signature, 'signature')
    return this.emitCall(opcode, signature, callee, args, this.draft.signatures[signature])
  }

  protected trying(callee: FuncRef, args: readonly Value[], normal: TryTarget, handlers: ExceptionHandlers): Inst {
    const signature = this.checkCallee(Opcode.TryCall, callee)
    this.#checkHandlers(signature, normal, handlers)
    const inst = this.emitCall(Opcode.TryCall, callee, -1, args, signature)
    return this.#handle(inst, this.draft.funcRefs[callee].signature, normal, handlers)
  }

  protected tryingIndirectly(
    signature: SigRef,
    callee: Value,
    args: readonly Value[],
    normal: TryTarget,
    handlers: ExceptionHandlers,
  ): Inst {
    this.checkEntity(this.draft.signatures, signature, 'signature')
    this.#checkHandlers(this.draft.signatures[signature], normal, handlers)
    const inst = this.emitCall(Opcode.TryCallIndirect, -1, callee, args, this.draft.signatures[signature])
    return this.#handle(inst, signature, normal, handlers)
  }

  #checkHandlers(signature: Signature, normal: TryTarget, handlers: ExceptionHandlers): void {
    const fault = tryCallFault(signature)
    if (fault !== null) this.refuse(`try_call: ${fault}`)
    if (handlers.length > MAX_HANDLERS) {
      throw new IrBuildError({ code: 'arguments', reason: `a try_call has at most ${MAX_HANDLERS} handlers` })
    }
    this.#checkTryTarget(signature, normal, 'result')
    for (const handler of handlers) {
      if ('tag' in handler) this.checkRange(Opcode.TryCall, handler.tag, 0, 0xffff_fffe, 'the tag')
      if ('context' in handler) this.checkValue(handler.context, 'try_call')
      else this.#checkTryTarget(signature, 'tag' in handler ? handler.target : handler.default, 'exception')
    }
  }

  #checkTryTarget(signature: Signature, { block, args = [] }: TryTarget, allowed: 'result' | 'exception'): void {
    this.checkBranch(block)
    const types = this.paramTypes(block)
    const name = printBlock(this.draft, block)
    if (args.length !== types.length) {
      const reason = `try_call to ${name} takes ${types.length} arguments here, ${args.length} are given`
      throw new IrBuildError({ code: 'arguments', reason })
    }
    args.forEach((arg, i) => {
      if (typeof arg === 'number') {
        this.checkValue(arg, 'try_call')
        const type = this.draft.values.type[arg]
        if (type === types[i]) return
        const reason = `try_call to ${name}: argument ${i} has type ${typeName(type)}, expected ${typeName(types[i])}`
        throw new IrBuildError({ code: 'arguments', reason })
      }
      const result = 'result' in arg
      const number = result ? arg.result : arg.exception
      const count = result ? signature.returns.length : exceptionPayloadWords(signature.callConv)
      const fits = result === (allowed === 'result') && Number.isInteger(number) && number >= 0 && number < count
      const type = result ? signature.returns[number]?.type : this.pointerType
      if (fits && (type === types[i] || (type === 0 && isScalarInteger(types[i])))) return
      const what = `${result ? 'result' : 'exception word'} ${number}`
      throw new IrBuildError({ code: 'arguments', reason: `${what} of the callee cannot be argument ${i} of ${name}` })
    })
  }

  #handle(inst: Inst, signature: SigRef, normal: TryTarget, handlers: ExceptionHandlers): Inst {
    const { draft } = this
    const call = ({ block, args = [] }: TryTarget): ReturnType<FormatEmitter['blockCall']> =>
      this.blockCall(
        block,
        args.map((arg) => {
          if (typeof arg === 'number') return arg
          return 'result' in arg ? returnArgument(arg.result) : exceptionArgument(arg.exception)
        }),
      )
    const items = handlers.map((handler): ExceptionTableItem => {
      if ('context' in handler) return { kind: 'context', value: handler.context }
      if ('tag' in handler) return { kind: 'tag', tag: handler.tag, target: call(handler.target) }
      return { kind: 'default', target: call(handler.default) }
    })
    const target = call(normal)
    draft.insts.imm[inst] = draft.exceptionTables.push({ signature, normal: target, items }) - 1
    return inst
  }

  protected addressOfFunction(type: Type, callee: FuncRef): Value {
    this.checkEntity(this.draft.funcRefs, callee, 'function')
    return this.#withEntity(Opcode.FuncAddr, type, callee)
  }

  protected addressOfSlot(type: Type, slot: StackSlot, offset: number): Value {
    this.checkEntity(this.draft.stackSlots, slot, 'stack slot')
    this.checkRange(Opcode.StackAddr, offset, -0x8000_0000, 0x7fff_ffff, 'the offset')
    const value = this.#withEntity(Opcode.StackAddr, type, slot)
    this.draft.insts.imm[this.draft.values.definingInst(value)] = offset
    return value
  }

  protected addressOfDynamicSlot(type: Type, slot: DynamicStackSlot): Value {
    this.checkEntity(this.draft.dynamicStackSlots, slot, 'dynamic stack slot')
    return this.#withEntity(Opcode.DynamicStackAddr, type, slot)
  }

  protected global(opcode: Opcode, type: Type, global: GlobalValue): Value {
    this.checkEntity(this.draft.globalValues, global, 'global value')
    const found = globalValueType(this.draft.globalValues[global], this.pointerType)
    if (found !== 0 && found !== type) {
      this.refuseImmediate(opcode, `gv${global} is ${typeName(found)}, not ${typeName(type)}`)
    }
    return this.#withEntity(opcode, type, global)
  }

  protected handlerAddress(type: Type, block: Block, index: number): Value {
    this.checkBlock(block)
    this.checkRange(Opcode.GetExceptionHandlerAddress, index, 0, 0x7fff_ffff, 'the index')
    const inst = this.emit(Opcode.GetExceptionHandlerAddress, type)
    this.draft.insts.arg1[inst] = block
    this.draft.insts.imm[inst] = index
    this.#handlerAddresses.push(inst)
    return this.draft.result(inst)
  }

  /** The blocks whose handlers were asked for have these handlers: known when all are filled. */
  protected checkHandlerAddresses(): void {
    const { insts, blocks, exceptionTables, layout } = this.draft
    for (const inst of this.#handlerAddresses) {
      const block = insts.arg1[inst] as Block
      const name = `get_exception_handler_address: ${printBlock(this.draft, block)}`
      const last = layout.hasBlock(block) ? blocks.lastInst[block] : -1
      const ends = last >= 0 && (insts.opcode[last] === Opcode.TryCall || insts.opcode[last] === Opcode.TryCallIndirect)
      if (!ends) this.refuse(`${name} does not end in a try_call`)
      const handlers = exceptionTables[insts.imm[last]].items.filter(({ kind }) => kind !== 'context').length
      if (insts.imm[inst] >= handlers)
        this.refuse(`${name} has ${handlers} handlers, none of number ${insts.imm[inst]}`)
    }
  }

  #withEntity(opcode: Opcode, type: Type, entity: number): Value {
    const inst = this.emit(opcode, type)
    this.draft.insts.entity[inst] = entity
    return this.draft.result(inst)
  }

  protected integerConstant(type: Type, n: number | bigint): Value {
    if (!(type >= 116 /* Type.I8 */ && type <= 119) /* Type.I64 */) {
      const reason = `there is no constant of ${typeName(type)}; build i128 with iconcat, vectors with vconst`
      throw new IrBuildError({ code: 'immediate', opcode: 'iconst', reason })
    }
    return this.draft.result(this.emitInteger(Opcode.Iconst, type, type, n))
  }

  protected halfConstant(bits: number): Value {
    this.checkRange(Opcode.F16const, bits, 0, 0xffff, 'the bits')
    return this.#withBits(Opcode.F16const, bits, 0)
  }

  protected singleConstant(n: number | bigint): Value {
    if (typeof n === 'bigint') return this.draft.result(this.emitInteger(Opcode.F32const, 0, Type.I32, n))
    floats.set(n, 32)
    return this.#withBits(Opcode.F32const, floats.low, 0)
  }

  protected doubleConstant(n: number | bigint): Value {
    if (typeof n === 'bigint') return this.draft.result(this.emitInteger(Opcode.F64const, 0, Type.I64, n))
    floats.set(n, 64)
    return this.#withBits(Opcode.F64const, floats.low, floats.high)
  }

  #withBits(opcode: Opcode, low: number, high: number): Value {
    const inst = this.emit(opcode, 0)
    this.draft.insts.imm[inst] = low
    this.draft.insts.immHigh[inst] = high
    return this.draft.result(inst)
  }

  protected quadConstant(n: bigint | Constant): Value {
    this.checkOpen()
    const constant =
      typeof n === 'number'
        ? n
        : this.draft.internConstant(bytesOfBits(this.integer(Opcode.F128const, Type.I128, n), 16))
    this.checkEntity(this.draft.constants, constant, 'constant')
    this.checkBytes(Opcode.F128const, this.draft.constants[constant], Type.F128)
    return this.#withEntity(Opcode.F128const, 0, constant)
  }

  protected vectorConstant(type: Type, n: Uint8Array | Constant): Value {
    this.checkOpen()
    if (typeof n !== 'number') this.checkBytes(Opcode.Vconst, n, type)
    const constant = typeof n === 'number' ? n : this.draft.internConstant(n.slice())
    this.checkEntity(this.draft.constants, constant, 'constant')
    this.checkBytes(Opcode.Vconst, this.draft.constants[constant], type)
    return this.#withEntity(Opcode.Vconst, type, constant)
  }

  protected shuffling(a: Value, b: Value, mask: Uint8Array): Value {
    this.checkBytes(Opcode.Shuffle, mask, Type.I8X16)
    for (const lane of mask) this.checkRange(Opcode.Shuffle, lane, 0, 31, 'the lane')
    const inst = this.emit(Opcode.Shuffle, 0, a, b)
    this.draft.insts.entity[inst] = this.draft.masks.push(mask.slice()) - 1
    return this.draft.result(inst)
  }

  /** The type of a constant operand beside x. */
  protected immediateType(x: Value): Type {
    const type = this.typeOf(x)
    if (type >= Type.I8 && type <= Type.I64) return type
    const reason = `there is no constant of ${typeName(type)}`
    throw new IrBuildError({ code: 'immediate', opcode: 'iconst', reason })
  }
}

const NO_ARGUMENTS: readonly Value[] = []

function blockOf(target: BlockTarget | Block): Block {
  return typeof target === 'number' ? target : target?.block
}

function argumentsOf(target: BlockTarget | Block): readonly Value[] {
  return typeof target === 'number' ? NO_ARGUMENTS : (target?.args ?? NO_ARGUMENTS)
}
