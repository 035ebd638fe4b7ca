// The draft of a builder to a function: blocks and values are numbered anew in the order of the layout, so that
// parameters have consecutive ids, and what was dropped leaves no gap. Instructions and branches keep their ids.

import { BlockCallTable, BlockTable } from '../block-table.ts'
import { Columns, columnBytes } from '../columns.ts'
import { NO_ROWS } from '../empty.ts'
import type { BlockCall } from '../entities.ts'
import { FORMAT_VALUES } from '../format.ts'
import type { Function as IrFunction } from '../function.ts'
import type { FunctionTables } from '../function-tables.ts'
import { InstTable } from '../inst-table.ts'
import { Layout } from '../layout.ts'
import { OPCODE_FORMAT, Opcode } from '../opcode.ts'
import { paramDefinition, ValueTable } from '../value-table.ts'
import type { SsaConstruction } from './ssa-construction.ts'

/** A finished function, and what the builder's ids have become; -1 for what is not in it. Instructions keep their ids. */
export interface Finished {
  readonly func: IrFunction
  readonly values: Int32Array
  readonly blocks: Int32Array
}

/** Makes the draft the finished function: it gets tables of its own, and gives `lent` back. */
export function finishDraft(draft: IrFunction, ssa: SsaConstruction, lent: FunctionTables): Finished {
  lent.valueLists = draft.valueLists
  lent.blockArgs = draft.blockArgs
  const blockIds = new Int32Array(draft.blocks.length).fill(-1)
  const blockCount = numberBlocks(draft, blockIds)
  const valueIds = new Int32Array(draft.values.length).fill(-1)
  const valueCount = draft.values.length - ssa.dropped
  const argumentCount = countArguments(draft, ssa)
  const columns = new Columns(
    InstTable.bytes(draft.insts.length) +
      ValueTable.bytes(valueCount) +
      BlockTable.bytes(blockCount) +
      BlockCallTable.bytes(draft.blockCalls.length) +
      columnBytes(draft.valueListsLength, 4) +
      columnBytes(argumentCount, 4),
  )
  const insts = draft.insts.compact(columns)
  const values = new ValueTable().compact(columns, valueCount)
  const blocks = new BlockTable().compact(columns, blockCount)
  const blockCalls = draft.blockCalls.compact(columns)
  const layout = new Layout(blocks, insts)
  for (let block: number = draft.layout.entry; block >= 0; block = draft.blocks.nextBlock[block]) {
    const to = blocks.push()
    blocks.cold[to] = draft.blocks.cold[block]
    layout.appendBlock(to)
    const first = values.length
    numberParams(draft, ssa, block, values, valueIds, paramDefinition(to))
    if (values.length > first) blocks.firstParam[to] = first
    blocks.paramCount[to] = values.length - first
    numberResults(draft, block, values, valueIds, insts)
    layout.appendFrom(to, draft.layout, block)
  }
  // Phis that were dropped are what they turned out to be.
  if (ssa.dropped > 0) {
    for (let value = 0; value < valueIds.length; value++) {
      if (valueIds[value] < 0) valueIds[value] = valueIds[ssa.resolve(value)]
    }
  }
  renameOperands(insts, valueIds, blockIds)
  const valueLists = draft.valueListsLength === 0 ? NO_ROWS : columns.int32(draft.valueListsLength)
  for (let at = 0; at < valueLists.length; at++) valueLists[at] = valueIds[draft.valueLists[at]]
  const blockArgs = argumentCount === 0 ? NO_ROWS : columns.int32(argumentCount)
  copyCalls(draft, ssa, blockCalls, blockArgs, valueIds, blockIds)
  for (const { items } of draft.exceptionTables) {
    for (const item of items) if (item.kind === 'context') item.value = valueIds[item.value] as typeof item.value
  }
  Object.assign(draft, { insts, values, blocks, blockCalls, layout, valueLists, blockArgs })
  draft.blockArgsLength = argumentCount
  return { func: draft, values: valueIds, blocks: blockIds }
}

function numberBlocks(draft: IrFunction, blockIds: Int32Array): number {
  let count = 0
  for (let block: number = draft.layout.entry; block >= 0; block = draft.blocks.nextBlock[block]) {
    blockIds[block] = count++
  }
  return count
}

/** How many arguments all branches have, those for phis included. */
function countArguments(draft: IrFunction, ssa: SsaConstruction): number {
  const { blockCalls } = draft
  let count = draft.blockArgsLength
  for (let call = 0; call < blockCalls.length; call++) {
    for (let phi = ssa.firstPhi(blockCalls.block[call]); phi >= 0; phi = ssa.nextPhi(phi)) count++
  }
  return count
}

/** The parameters that the caller gave a block, then those that stand for variables. */
function numberParams(
  draft: IrFunction,
  ssa: SsaConstruction,
  block: number,
  values: ValueTable,
  valueIds: Int32Array,
  definition: number,
): void {
  const { type } = draft.values
  const first = draft.blocks.firstParam[block]
  for (let i = first; i < first + draft.blocks.paramCount[block]; i++) valueIds[i] = values.push(type[i], definition)
  for (let phi = ssa.firstPhi(block); phi >= 0; phi = ssa.nextPhi(phi)) {
    const value = ssa.valueOfPhi(phi)
    valueIds[value] = values.push(type[value], definition)
  }
}

function numberResults(
  draft: IrFunction,
  block: number,
  values: ValueTable,
  valueIds: Int32Array,
  insts: InstTable,
): void {
  const { type } = draft.values
  const last = draft.blocks.lastInst[block]
  for (let inst = draft.blocks.firstInst[block]; inst >= 0; inst = inst === last ? -1 : draft.layout.following(inst)) {
    const first = insts.firstResult[inst]
    if (first < 0) continue
    insts.firstResult[inst] = values.length
    for (let i = first; i < first + insts.resultCount[inst]; i++) valueIds[i] = values.push(type[i], inst)
  }
}

function renameOperands(insts: InstTable, valueIds: Int32Array, blockIds: Int32Array): void {
  const { opcode, arg0, arg1, arg2 } = insts
  for (let inst = 0; inst < insts.length; inst++) {
    const op = opcode[inst]
    const fixed = FORMAT_VALUES[OPCODE_FORMAT[op]]
    if (fixed > 0) {
      arg0[inst] = valueIds[arg0[inst]]
      if (fixed > 1) {
        arg1[inst] = valueIds[arg1[inst]]
        if (fixed > 2) arg2[inst] = valueIds[arg2[inst]]
      }
    } else if (op === Opcode.GetExceptionHandlerAddress) arg1[inst] = blockIds[arg1[inst]]
  }
}

/** Targets and arguments of branches: those that their writers gave, then those of the phis. */
function copyCalls(
  draft: IrFunction,
  ssa: SsaConstruction,
  blockCalls: BlockCallTable,
  blockArgs: Int32Array,
  valueIds: Int32Array,
  blockIds: Int32Array,
): void {
  let at = 0
  for (let call = 0; call < blockCalls.length; call++) {
    const target = blockCalls.block[call]
    const start = at
    const from = blockCalls.argStart[call]
    for (let i = from; i < from + blockCalls.argCount[call]; i++) {
      const entry = draft.blockArgs[i]
      blockArgs[at++] = entry < 0 ? entry : valueIds[entry]
    }
    for (let phi = ssa.firstPhi(target); phi >= 0; phi = ssa.nextPhi(phi)) {
      blockArgs[at++] = valueIds[ssa.argumentOfPhi(phi, call as BlockCall)]
    }
    blockCalls.block[call] = blockIds[target]
    blockCalls.argStart[call] = start
    blockCalls.argCount[call] = at - start
  }
}
