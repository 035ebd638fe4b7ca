/**
 * Why a row is as it is: for the CFA and for each register the operations that its rule comes from. For people who wonder
 * what in the section an unwinder went by.
 */

import type { DwarfRegister } from './architecture.ts'
import { type CommonInformationEntry, type FrameDescriptionEntry, type FrameTable, instructionsOf } from './decode.ts'
import type { CallFrameInstruction } from './operations.ts'
import { type CallFrameRow, startOf } from './rows.ts'

/** An operation, and whose program it stands in. */
export interface ExplainedInstruction extends CallFrameInstruction {
  readonly entry: CommonInformationEntry | FrameDescriptionEntry
}

/** A row, and the operations that made it what it is. */
export interface RowExplanation {
  /** The row that holds; its `at` is where the last operation that was run stands. */
  readonly row: CallFrameRow
  /** Code offset of the next operation; the end of the code behind the last one. */
  readonly end: number
  /** The instruction that moved to this row; null in front of the first. */
  readonly advance: ExplainedInstruction | null
  /**
   * What the rule for the CFA comes from: one operation, or one for its register and one for its offset; behind them the
   * restore_state that brought them back.
   */
  readonly cfa: readonly ExplainedInstruction[]
  /**
   * The same for each register that any operation up to here speaks of. Of a `restore`: itself, behind what the CIE says.
   * A register that is not in the row is unchanged: a `restore` or a restore_state made it so.
   */
  readonly registers: ReadonlyMap<DwarfRegister, readonly ExplainedInstruction[]>
  /** DW_CFA_GNU_args_size; null where it was not said. */
  readonly argumentBytes: ExplainedInstruction | null
}

type Source = readonly ExplainedInstruction[]

/** Where the parts of a row come from. */
interface Sources {
  cfaRegister: Source
  cfaOffset: Source
  /** Empty where the CFA is no expression. */
  cfaExpression: Source
  registers: Map<DwarfRegister, Source>
}

/**
 * Explains the row that holds at a code offset.
 *
 * @throws DwarfUnwindError as `callFrameRows` does.
 */
export function explainRow(
  table: Pick<FrameTable, 'bytes' | 'address'>,
  entry: FrameDescriptionEntry,
  offset: number,
): RowExplanation {
  const machine = startOf(table, entry.cie)
  let now: Sources = { cfaRegister: [], cfaOffset: [], cfaExpression: [], registers: new Map() }
  for (const instruction of instructionsOf(table, entry.cie)) note(now, { ...instruction, entry: entry.cie }, null)
  const initial = copy(now)
  const remembered: Sources[] = []
  let at = 0
  let end = entry.size
  let advance: ExplainedInstruction | null = null
  let moved: ExplainedInstruction | null = null
  let argumentBytes: ExplainedInstruction | null = null
  for (const plain of instructionsOf(table, entry)) {
    const instruction = { ...plain, entry }
    const { operation, place } = instruction
    if (instruction.at > offset) {
      if (operation === null) continue
      end = Math.min(end, instruction.at)
      break
    }
    if (operation === null) {
      // Padding moves nothing.
      if (instruction.opcode !== 0) moved = instruction
      continue
    }
    at = instruction.at
    advance = moved
    machine.apply(operation, place)
    if (operation.op === 'remember_state') remembered.push(copy(now))
    else if (operation.op === 'restore_state') now = broughtBack(now, remembered.pop()!, instruction)
    else if (operation.op === 'args_size') argumentBytes = instruction
    else note(now, instruction, initial)
  }
  const { cfaRegister, cfaOffset, cfaExpression, registers } = now
  const cfa = cfaExpression.length > 0 ? cfaExpression : [...new Set([...cfaRegister, ...cfaOffset])]
  return { row: machine.row(at), end, advance, cfa, registers, argumentBytes }
}

/** @param initial - what the CIE's program left; null while it runs. */
function note(now: Sources, instruction: ExplainedInstruction, initial: Sources | null): void {
  const { operation } = instruction
  switch (operation?.op) {
    case 'def_cfa':
    case 'def_aspace_cfa':
      now.cfaRegister = [instruction]
      now.cfaOffset = [instruction]
      now.cfaExpression = []
      return
    case 'def_cfa_expression':
      now.cfaExpression = [instruction]
      return
    case 'def_cfa_register':
      now.cfaRegister = [instruction]
      now.cfaExpression = []
      return
    case 'def_cfa_offset':
      now.cfaOffset = [instruction]
      return
    case 'restore':
      now.registers.set(operation.register, [...(initial?.registers.get(operation.register) ?? []), instruction])
      return
    case 'offset':
    case 'val_offset':
    case 'register':
    case 'expression':
    case 'val_expression':
    case 'undefined':
    case 'same_value':
      now.registers.set(operation.register, [instruction])
      return
  }
}

/** The sources of the remembered row; what is different in it from now came back by the restore_state. */
function broughtBack(now: Sources, before: Sources, restore: ExplainedInstruction): Sources {
  const registers = new Map<DwarfRegister, Source>()
  for (const register of new Set([...before.registers.keys(), ...now.registers.keys()])) {
    registers.set(register, again(before.registers.get(register) ?? [], now.registers.get(register) ?? [], restore))
  }
  return {
    cfaRegister: again(before.cfaRegister, now.cfaRegister, restore),
    cfaOffset: again(before.cfaOffset, now.cfaOffset, restore),
    cfaExpression: before.cfaExpression.length === 0 ? [] : again(before.cfaExpression, now.cfaExpression, restore),
    registers,
  }
}

function again(old: Source, current: Source, restore: ExplainedInstruction): Source {
  const same = old.length === current.length && old.every((each, index) => each === current[index])
  return same ? old : [...old.filter(({ operation }) => operation?.op !== 'restore_state'), restore]
}

function copy(sources: Sources): Sources {
  return { ...sources, registers: new Map(sources.registers) }
}
