// The draft of a builder to a function: blocks, instructions and values are numbered anew in the order of the layout, so
// that results and parameters have consecutive ids, and what was dropped leaves no gap.

import type { Block, BlockCall, GlobalValue, Inst, Value } from '../entities.ts'
import type { ExceptionTableItem } from '../externals.ts'
import { FORMAT_HAS_LIST, FORMAT_VALUES } from '../format.ts'
import { Function as IrFunction } from '../function.ts'
import { OPCODE_FORMAT, Opcode } from '../opcode.ts'
import { paramDefinition } from '../value-table.ts'
import type { SsaConstruction } from './ssa-construction.ts'

/** A finished function, and what the ids of the draft have become; -1 for what is not in it. */
export interface Finished {
  readonly func: IrFunction
  readonly values: Int32Array
  readonly blocks: Int32Array
  readonly insts: Int32Array
}

/** Copies the blocks of the draft's layout. */
export function finishDraft(draft: IrFunction, ssa: SsaConstruction): Finished {
  const func = new IrFunction(draft.name, draft.signature, draft.insts.length)
  const values = new Int32Array(draft.values.length).fill(-1)
  const blocks = new Int32Array(draft.blocks.length).fill(-1)
  const insts = new Int32Array(draft.insts.length).fill(-1)
  const finished = { func, values, blocks, insts }
  copyDeclarations(draft, func)
  for (let block: number = draft.layout.entry; block >= 0; block = draft.blocks.nextBlock[block]) {
    blocks[block] = func.blocks.push()
    func.blocks.cold[blocks[block]] = draft.blocks.cold[block]
  }
  for (let block: number = draft.layout.entry; block >= 0; block = draft.blocks.nextBlock[block]) {
    copyDefinitions(draft, ssa, finished, block as Block)
  }
  const operands = new OperandCopy(draft, ssa, finished)
  for (let inst = 0; inst < draft.insts.length; inst++) if (insts[inst] >= 0) operands.copy(inst as Inst)
  return finished
}

function copyDeclarations(draft: IrFunction, func: IrFunction): void {
  append(func.stackSlots, draft.stackSlots)
  append(func.dynamicStackSlots, draft.dynamicStackSlots)
  append(func.dynamicTypes, draft.dynamicTypes)
  append(func.aliasRegions, draft.aliasRegions)
  append(func.globalValues, draft.globalValues)
  append(func.signatures, draft.signatures)
  append(func.funcRefs, draft.funcRefs)
  append(func.constants, draft.constants)
  append(func.masks, draft.masks)
  func.stackLimit = draft.stackLimit as GlobalValue
}

function append<T>(to: T[], from: readonly T[]): void {
  for (const item of from) to.push(item)
}

/** Parameters, instructions and results of one block. */
function copyDefinitions(
  draft: IrFunction,
  ssa: SsaConstruction,
  { func, values, blocks, insts }: Finished,
  block: Block,
): void {
  const to = blocks[block] as Block
  func.layout.appendBlock(to)
  const definition = paramDefinition(to)
  const first = func.values.length
  const given = draft.blocks.firstParam[block]
  for (let i = given; i < given + draft.blocks.paramCount[block]; i++) {
    values[i] = func.values.push(draft.values.type[i], definition)
  }
  for (const { value, type } of ssa.liveParams(block)) values[value] = func.values.push(type, definition)
  const count = func.values.length - first
  if (count > 0) func.blocks.firstParam[to] = first
  func.blocks.paramCount[to] = count

  const start = func.insts.length
  for (let inst = draft.blocks.firstInst[block]; inst >= 0; inst = draft.layout.nextInst[inst]) {
    const copy = func.insts.push(draft.insts.opcode[inst] as Opcode, draft.insts.ctrlType[inst])
    insts[inst] = copy
    const results = draft.insts.resultCount[inst]
    if (results > 0) func.insts.firstResult[copy] = func.values.length
    func.insts.resultCount[copy] = results
    const from = draft.insts.firstResult[inst]
    for (let i = from; i < from + results; i++) values[i] = func.values.push(draft.values.type[i], copy)
  }
  func.layout.appendRun(to, start, func.insts.length)
}

class OperandCopy {
  readonly #draft: IrFunction
  readonly #ssa: SsaConstruction
  readonly #finished: Finished

  constructor(draft: IrFunction, ssa: SsaConstruction, finished: Finished) {
    this.#draft = draft
    this.#ssa = ssa
    this.#finished = finished
  }

  copy(inst: Inst): void {
    const draft = this.#draft
    const { func, insts, blocks } = this.#finished
    const from = draft.insts
    const to = func.insts
    const copy = insts[inst] as Inst
    const format = OPCODE_FORMAT[from.opcode[inst]]
    const fixed = FORMAT_VALUES[format]
    if (fixed > 0) to.arg0[copy] = this.#value(from.arg0[inst])
    if (fixed > 1) to.arg1[copy] = this.#value(from.arg1[inst])
    if (fixed > 2) to.arg2[copy] = this.#value(from.arg2[inst])
    to.imm[copy] = from.imm[inst]
    to.immHigh[copy] = from.immHigh[inst]
    to.setLocation(copy, from.locationOf(inst))
    const length = FORMAT_HAS_LIST[format] === 0 ? 0 : from.listLength[inst]
    if (FORMAT_HAS_LIST[format] !== 0) {
      const start = from.listStart[inst]
      to.listStart[copy] = func.addValueList(
        draft.valueLists.subarray(start, start + length).map((v) => this.#value(v)),
      )
      to.listLength[copy] = length
    }
    switch (from.opcode[inst]) {
      case Opcode.Jump:
        to.target0[copy] = this.#call(from.target0[inst])
        break
      case Opcode.Brif:
        to.target0[copy] = this.#call(from.target0[inst])
        to.target1[copy] = this.#call(from.target1[inst])
        break
      case Opcode.BrTable:
        to.target0[copy] = this.#call(from.target0[inst])
        to.entity[copy] = func.jumpTables.push(draft.jumpTables[from.entity[inst]].map((call) => this.#call(call))) - 1
        break
      case Opcode.GetExceptionHandlerAddress:
        to.arg1[copy] = blocks[from.arg1[inst]]
        break
      case Opcode.TryCall:
      case Opcode.TryCallIndirect:
        to.imm[copy] = this.#table(from.imm[inst])
    }
    const map = draft.stackMaps.get(inst)
    if (map !== undefined) func.setStackMap(copy, map)
    const tags = draft.debugTags.get(inst)
    if (tags !== undefined) func.setDebugTags(copy, tags)
  }

  #value(value: number): number {
    return value < 0 ? value : this.#finished.values[this.#ssa.resolve(value)]
  }

  #call(call: number): BlockCall {
    const { func, blocks } = this.#finished
    const args = this.#ssa.argumentsOf(call as BlockCall).map((value) => this.#value(value))
    return func.addBlockCall(blocks[this.#ssa.branches[call].target] as Block, args)
  }

  #table(index: number): number {
    const { signature, normal, items } = this.#draft.exceptionTables[index]
    const copies = items.map((item): ExceptionTableItem => {
      if (item.kind === 'context') return { kind: 'context', value: this.#value(item.value) as Value }
      return { ...item, target: this.#call(item.target) }
    })
    return this.#finished.func.exceptionTables.push({ signature, normal: this.#call(normal), items: copies }) - 1
  }
}
