// Dead code: instructions whose results reach no effect, and block parameters nobody reads, with the arguments given
// for them.
//
// What must stay: terminators, calls, stores, traps, loads that may trap. What these read is live; what a live
// instruction reads is live; what is given for a live parameter is live. Everything else goes. Parameters are dead until
// something reads them, so a value that only goes round a loop is dead.
//
// Relies on: no unreachable block (control-flow). Each instruction and argument is visited once.
//
// literals: Opcode

import {
  type Function,
  type Inst,
  memFlagsTrapCode,
  OPCODE_FLAGS,
  Opcode,
  OpcodeFlag,
  type Type,
} from '@framewright/ir'
import type { PassContext } from './context.ts'
import { FIXED_OPERANDS, TRAITS, Trait } from './opcode-traits.ts'

const EFFECTS =
  OpcodeFlag.Terminator |
  OpcodeFlag.Call |
  OpcodeFlag.CanTrap |
  OpcodeFlag.CanStore |
  OpcodeFlag.OtherSideEffects |
  OpcodeFlag.Safepoint

/** Runs the pass. */
export function removeDeadCode(func: Function, context: PassContext): void {
  new Sweep(func, context).run()
}

/** Whether an instruction must stay although nobody reads its results. */
export function hasEffect(func: Function, inst: number): boolean {
  const { insts } = func
  const flags = OPCODE_FLAGS[insts.opcode[inst]]
  if ((flags & EFFECTS) !== 0) return true
  return (flags & OpcodeFlag.CanLoad) !== 0 && memFlagsTrapCode(insts.immHigh[inst]) !== 0
}

class Sweep {
  readonly #func: Function
  readonly #context: PassContext
  /** By value: something live reads it. */
  readonly #live: Uint8Array
  /** Live values whose definition has not been looked at. */
  #work: Int32Array = new Int32Array(64)
  #workLength = 0

  constructor(func: Function, context: PassContext) {
    this.#func = func
    this.#context = context
    this.#live = new Uint8Array(func.values.length)
  }

  run(): void {
    const func = this.#func
    const { blocks, layout } = func
    const order = this.#context.order()
    for (let i = 0; i < order.length; i++) {
      for (let inst = blocks.firstInst[order[i]]; inst >= 0; inst = layout.nextInst[inst]) {
        if (hasEffect(func, inst)) this.#readOperands(inst)
      }
    }
    this.#spread()
    for (let i = order.length - 1; i >= 0; i--) {
      const block = order[i]
      let next = -1
      for (let inst = blocks.firstInst[block]; inst >= 0; inst = next) {
        next = layout.nextInst[inst]
        if (!hasEffect(func, inst) && !this.#anyLive(inst)) layout.removeInst(inst as Inst)
      }
      if (i > 0 && blocks.paramCount[block] > 0) this.#removeParameters(block)
    }
    this.#context.rewriteAll()
  }

  #anyLive(inst: number): boolean {
    const { firstResult, resultCount } = this.#func.insts
    const first = firstResult[inst]
    for (let i = 0; i < resultCount[inst]; i++) if (this.#live[first + i] !== 0) return true
    return false
  }

  #read(value: number): void {
    if (this.#live[value] !== 0) return
    this.#live[value] = 1
    if (this.#workLength === this.#work.length) {
      const grown = new Int32Array(2 * this.#workLength)
      grown.set(this.#work)
      this.#work = grown
    }
    this.#work[this.#workLength++] = value
  }

  /** Reads what an instruction reads, but for the arguments of its targets. */
  #readOperands(inst: number): void {
    const { insts, valueLists, exceptionTables } = this.#func
    const opcode = insts.opcode[inst]
    const fixed = FIXED_OPERANDS[opcode]
    if (fixed > 0) {
      this.#read(insts.arg0[inst])
      if (fixed > 1) {
        this.#read(insts.arg1[inst])
        if (fixed > 2) this.#read(insts.arg2[inst])
      }
    }
    if ((TRAITS[opcode] & Trait.List) !== 0) {
      const start = insts.listStart[inst]
      const end = start + insts.listLength[inst]
      for (let i = start; i < end; i++) this.#read(valueLists[i])
    }
    if (opcode === Opcode.TryCall || opcode === Opcode.TryCallIndirect) {
      for (const item of exceptionTables[insts.imm[inst]].items) if (item.kind === 'context') this.#read(item.value)
    }
  }

  /** Follows live values to what they are computed from. */
  #spread(): void {
    const { values, blocks, blockCalls, blockArgs, layout, insts } = this.#func
    while (this.#workLength > 0) {
      const value = this.#work[--this.#workLength]
      const definition = values.definition[value]
      if (definition >= 0) {
        // The operands of an effect have been read; those of two live results are read twice, which changes nothing.
        if (insts.resultCount[definition] === 1 || !hasEffect(this.#func, definition)) this.#readOperands(definition)
        continue
      }
      const block = -2 - definition
      if (block === layout.entry) continue
      const index = value - blocks.firstParam[block]
      const { start, calls } = this.#context.incoming()
      for (let c = start[block]; c < start[block + 1]; c++) {
        const entry = blockArgs[blockCalls.argStart[calls[c]] + index]
        if (entry >= 0) this.#read(entry)
      }
    }
  }

  /** Takes the dead parameters of a block away, and the arguments for them. */
  #removeParameters(block: number): void {
    const { blocks, blockCalls, blockArgs, values } = this.#func
    const live = this.#live
    const first = blocks.firstParam[block]
    const count = blocks.paramCount[block]
    const kept: number[] = []
    for (let i = 0; i < count; i++) if (live[first + i] !== 0) kept.push(i)
    if (kept.length === count) return
    const { start, calls } = this.#context.incoming()
    for (let c = start[block]; c < start[block + 1]; c++) {
      const at = blockCalls.argStart[calls[c]]
      for (let i = 0; i < kept.length; i++) blockArgs[at + i] = blockArgs[at + kept[i]]
      blockCalls.argCount[calls[c]] = kept.length
    }
    if (kept.at(-1) === kept.length - 1 || kept.length === 0) {
      // The last ones go: those before them stay where they are.
      blocks.paramCount[block] = kept.length
      return
    }
    const types = kept.map((i): Type => values.type[first + i])
    const renamed = this.#context.setParameters(block as never, types)
    kept.forEach((index, i) => {
      this.#context.replace(first + index, renamed + i)
    })
  }
}
