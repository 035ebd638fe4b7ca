// Copies the body of one function into another: blocks, instructions, and what these refer to.

import {
  type Block,
  equalSignatures,
  Format,
  type Function,
  type GlobalValueData,
  type Inst,
  memFlagsRegion,
  OPCODE_FORMAT,
  Opcode,
  type Type,
  type Value,
  withRegion,
} from '@framewright/ir'
import type { PassContext } from './context.ts'
import { FIXED_OPERANDS } from './opcode-traits.ts'
import { sameName } from './self-calls.ts'

/**
 * The blocks and instructions of a function at one time. Rows never move and copying changes none, so an image of a
 * function stays good while copies of it are put into the function itself.
 */
export interface BodyImage {
  readonly func: Function
  readonly blocks: readonly number[]
  /** Instructions of block i are `insts[start[i] .. start[i + 1])`. */
  readonly start: readonly number[]
  readonly insts: readonly number[]
}

export function bodyImage(func: Function): BodyImage {
  const blocks: number[] = []
  const start: number[] = []
  const insts: number[] = []
  for (let block: number = func.layout.entry; block >= 0; block = func.blocks.nextBlock[block]) {
    blocks.push(block)
    start.push(insts.length)
    for (let inst = func.blocks.firstInst[block]; inst >= 0; inst = func.layout.nextInst[inst]) insts.push(inst)
  }
  start.push(insts.length)
  return { func, blocks, start, insts }
}

/** Where a copy goes. Copied returns become jumps to a block, with the returned values as arguments. */
export interface CopyTarget {
  /** Instructions of the entry block are put at the end of this one. */
  readonly block: Block
  /** What the parameters of the entry are. */
  readonly args: readonly number[]
  readonly returnTo: Block
  /** Location of copied instructions that have none. */
  readonly sourceLocation: number
  readonly cold: boolean
}

/** One copy of one body. */
export class BodyCopy {
  readonly #image: BodyImage
  readonly #from: Function
  readonly #into: Function
  readonly #context: PassContext
  readonly #target: CopyTarget
  readonly #values: Int32Array
  readonly #blocks: Int32Array
  readonly #signatures: Map<number, number> = new Map()
  readonly #functions: Map<number, number> = new Map()
  readonly #globals: Map<number, number> = new Map()
  readonly #slots: Map<number, number> = new Map()
  /** Calls that were copied. */
  readonly calls: number[] = []
  /** Jumps that returns have become, and the values that they return. */
  readonly returns: { readonly jump: number; readonly values: readonly number[] }[] = []

  constructor(image: BodyImage, context: PassContext, target: CopyTarget) {
    const from = image.func
    this.#image = image
    this.#from = from
    this.#into = context.func
    this.#context = context
    this.#target = target
    this.#values = new Int32Array(from.values.length).fill(-1)
    this.#blocks = new Int32Array(from.blocks.length).fill(-1)
  }

  /** The copy of what an operand stands for. */
  #operand(value: number): number {
    return this.#values[this.#from.resolve(value as Value)]
  }

  run(): void {
    const { insts } = this.#image
    const copied = this.#copyRows()
    for (let i = 0; i < insts.length; i++) this.#copyOperands(insts[i], copied[i])
  }

  /** Makes blocks, parameters, instructions and results, so that whatever is used exists. */
  #copyRows(): number[] {
    const from = this.#from
    const into = this.#into
    const { blocks, start, insts } = this.#image
    let after = this.#target.block
    const copied: number[] = []
    for (let b = 0; b < blocks.length; b++) {
      const block = blocks[b]
      let copy = after
      const first = from.blocks.firstParam[block]
      const count = from.blocks.paramCount[block]
      if (b === 0) {
        for (let i = 0; i < count; i++) this.#values[first + i] = this.#target.args[i]
      } else {
        copy = into.blocks.push()
        into.blocks.cold[copy] = from.blocks.cold[block] | (this.#target.cold ? 1 : 0)
        into.layout.insertBlockAfter(copy, after)
        const types: Type[] = []
        for (let i = 0; i < count; i++) types.push(from.values.type[first + i])
        const own = this.#context.setParameters(copy, types)
        for (let i = 0; i < count; i++) this.#values[first + i] = own + i
      }
      this.#blocks[block] = copy
      after = copy
      for (let i = start[b]; i < start[b + 1]; i++) {
        const row = this.#copyRow(insts[i])
        copied.push(row)
        into.layout.appendInst(row, copy)
      }
    }
    this.#context.cover()
    return copied
  }

  #copyRow(inst: number): Inst {
    const from = this.#from.insts
    const into = this.#into.insts
    const row = into.push(from.opcode[inst] as Opcode, from.ctrlType[inst])
    into.imm[row] = from.imm[inst]
    into.immHigh[row] = from.immHigh[inst]
    const location = from.locationOf(inst as Inst)
    into.setLocation(row, location === -1 ? this.#target.sourceLocation : location)
    const count = from.resultCount[inst]
    if (count === 0) return row
    into.resultCount[row] = count
    into.firstResult[row] = this.#into.values.length
    for (let i = 0; i < count; i++) {
      const result = from.firstResult[inst] + i
      this.#values[result] = this.#into.values.push(this.#from.values.type[result], row)
    }
    return row
  }

  #copyOperands(inst: number, row: number): void {
    const from = this.#from
    const into = this.#into
    const opcode = from.insts.opcode[inst]
    const fixed = FIXED_OPERANDS[opcode]
    if (fixed > 0) into.insts.arg0[row] = this.#operand(from.insts.arg0[inst])
    if (fixed > 1) into.insts.arg1[row] = this.#operand(from.insts.arg1[inst])
    if (fixed > 2) into.insts.arg2[row] = this.#operand(from.insts.arg2[inst])
    const entity = from.insts.entity[inst]
    switch (OPCODE_FORMAT[opcode]) {
      case Format.MultiAry: {
        const values = this.#list(inst)
        this.returns.push({ jump: row, values })
        into.insts.opcode[row] = Opcode.Jump
        into.insts.target0[row] = into.addBlockCall(this.#target.returnTo, values)
        break
      }
      case Format.Call:
        this.#copyList(inst, row)
        into.insts.entity[row] = this.#function(entity)
        this.calls.push(row)
        break
      case Format.CallIndirect:
        this.#copyList(inst, row)
        into.insts.entity[row] = this.#signature(entity)
        break
      case Format.FuncAddr:
        into.insts.entity[row] = this.#function(entity)
        break
      case Format.Jump:
        into.insts.target0[row] = this.#call(from.insts.target0[inst])
        break
      case Format.Brif:
        into.insts.target0[row] = this.#call(from.insts.target0[inst])
        into.insts.target1[row] = this.#call(from.insts.target1[inst])
        break
      case Format.BranchTable:
        into.insts.target0[row] = this.#call(from.insts.target0[inst])
        into.insts.entity[row] = into.jumpTables.push(from.jumpTables[entity].map((call) => this.#call(call))) - 1
        break
      case Format.StackAddr:
        into.insts.entity[row] = this.#slot(entity)
        break
      case Format.UnaryGlobalValue:
        into.insts.entity[row] = this.#global(entity)
        break
      case Format.UnaryConst:
        into.insts.entity[row] = into.internConstant(from.constants[entity])
        break
      case Format.Shuffle:
        into.insts.entity[row] = into.masks.push(from.masks[entity]) - 1
        break
      case Format.Load:
      case Format.Store:
      case Format.LoadNoOffset:
      case Format.StoreNoOffset:
      case Format.AtomicRmw:
      case Format.AtomicCas:
        into.insts.immHigh[row] = this.#flags(from.insts.immHigh[inst])
    }
  }

  #list(inst: number): number[] {
    const { insts, valueLists } = this.#from
    const start = insts.listStart[inst]
    return Array.from(valueLists.subarray(start, start + insts.listLength[inst]), (value) => this.#operand(value))
  }

  #copyList(inst: number, row: number): void {
    const list = this.#list(inst)
    this.#into.insts.listStart[row] = this.#into.addValueList(list)
    this.#into.insts.listLength[row] = list.length
  }

  #call(call: number): number {
    const { blockCalls, blockArgs } = this.#from
    const start = blockCalls.argStart[call]
    const args = Array.from(blockArgs.subarray(start, start + blockCalls.argCount[call]), (value) =>
      this.#operand(value),
    )
    return this.#into.addBlockCall(this.#blocks[blockCalls.block[call]] as Block, args)
  }

  #signature(index: number): number {
    return mapped(this.#signatures, index, () => {
      const signature = this.#from.signatures[index]
      const known = this.#into.signatures.findIndex((other) => equalSignatures(other, signature))
      return known >= 0 ? known : this.#into.declareSignature(signature)
    })
  }

  #function(index: number): number {
    return mapped(this.#functions, index, () => {
      const data = this.#from.funcRefs[index]
      const signature = this.#signature(data.signature) as typeof data.signature
      const known = this.#into.funcRefs.findIndex(
        (other) =>
          other.signature === signature &&
          other.colocated === data.colocated &&
          other.patchable === data.patchable &&
          sameName(other.name, data.name),
      )
      return known >= 0 ? known : this.#into.declareFunction({ ...data, signature })
    })
  }

  #slot(index: number): number {
    return mapped(this.#slots, index, () => this.#into.stackSlots.push(this.#from.stackSlots[index]) - 1)
  }

  #global(index: number): number {
    return mapped(this.#globals, index, () => {
      const data: GlobalValueData = this.#from.globalValues[index]
      if (data.kind !== 'load' && data.kind !== 'iadd_imm') return this.#into.declareGlobalValue(data)
      const base = this.#global(data.base) as typeof data.base
      if (data.kind === 'iadd_imm') return this.#into.declareGlobalValue({ ...data, base })
      return this.#into.declareGlobalValue({ ...data, base, flags: this.#flags(data.flags) })
    })
  }

  /** Memory flags with the region's number in the other function. */
  #flags(flags: number): number {
    const region = memFlagsRegion(flags)
    if (region < 0) return flags
    const data = this.#from.aliasRegions[region]
    const known = this.#into.aliasRegions.findIndex(
      ({ userId, description }) => userId === data.userId && description === data.description,
    )
    return withRegion(flags, known >= 0 ? known : this.#into.declareAliasRegion(data))
  }
}

function mapped(map: Map<number, number>, key: number, make: () => number): number {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}
