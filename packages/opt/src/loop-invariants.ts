// Loop-invariant code motion: a pure computation whose operands come from outside a loop moves in front of it, out of as
// many loops as that holds for.
//
// Only pure instructions move: they neither trap nor have effects, so computing them once too often, where the loop body
// would not have run, changes nothing. One walk in dominator order is enough: an operand has been moved, or not, before
// its user is looked at, and where it is now says how far the user may go.
//
// What moves costs a register through the loop. So nothing moves that selection makes for nothing at its use (addresses
// of slots and symbols, width changes, what merges into addresses, comparisons that merge into a branch), and where a
// loop already reads about as many values from outside as there are registers, only what is slow moves. A loop that
// calls keeps few registers: out of it, what one quick instruction makes of one value does not move either. Constants
// live in no register and always move, so that what uses them can.
//
// Relies on: loop-entries.
//
// literals: Opcode

import { type Function, type Inst, OPCODE_FLAGS, Opcode, OpcodeFlag, Type } from '@framewright/ir'
import type { Loops } from './analysis/loops.ts'
import { definitionBlock, type ValueUses, valueUses } from './analysis/uses.ts'
import type { PassContext } from './context.ts'
import { FIXED_OPERANDS, TRAITS, Trait } from './opcode-traits.ts'

/**
 * Values of each class that a loop may hold from outside, parameters of its header included, before cheap computations
 * stay inside. x86-64 has 14 and 15 registers to allocate; some are wanted for the body.
 */
const MOST_HELD = 10
/** Loops that an instruction moves out of at once, and that a value is counted for: nests are not deeper. */
const MOST_LEFT = 16

/** Runs the pass. */
export function hoistInvariants(func: Function, context: PassContext): void {
  const loops = context.loops()
  if (loops.count === 0) return
  const order = context.order()
  const { blocks, layout } = func
  const uses = valueUses(func, order)
  const held = new HeldValues(func, loops, order)
  for (let i = 0; i < order.length; i++) {
    const block = order[i]
    if (loops.ofBlock[block] < 0 || blocks.cold[block] !== 0) continue
    let next = -1
    for (let inst = blocks.firstInst[block]; inst >= 0; inst = next) {
      next = layout.nextInst[inst]
      if (!isCandidate(func, inst, uses)) continue
      let loop = outermostLoop(func, loops, inst, loops.ofBlock[block])
      if (loop >= 0 && !isConstant(func.insts.opcode[inst])) loop = held.admit(inst, loop)
      if (loop < 0) continue
      layout.removeInst(inst as Inst)
      layout.insertInstBefore(inst as Inst, blocks.lastInst[loops.preheader[loop]] as Inst)
    }
  }
}

function isCandidate(func: Function, inst: number, { count, merged }: ValueUses): boolean {
  const { insts, layout, blocks } = func
  const opcode = insts.opcode[inst]
  if (isConstant(opcode)) return true
  const traits = TRAITS[opcode]
  if ((traits & Trait.Pure) === 0 || (traits & Trait.Cheap) !== 0 || FIXED_OPERANDS[opcode] === 0) return false
  const result = insts.firstResult[inst]
  if (insts.resultCount[inst] !== 1 || merged[result] !== 0) return false
  if (opcode !== Opcode.Icmp && opcode !== Opcode.Fcmp) return true
  // A comparison with one use may merge into it: into the branch at the end of its block, surely.
  const last = blocks.lastInst[layout.instBlock[inst]]
  return count[result] > 1 && !(insts.opcode[last] === Opcode.Brif && insts.arg0[last] === result)
}

function isConstant(opcode: number): boolean {
  return opcode === Opcode.Iconst || opcode === Opcode.F64const || opcode === Opcode.F32const
}

/** The outermost loop, from this one outwards, that an instruction can move out of; -1. */
function outermostLoop(func: Function, loops: Loops, inst: number, innermost: number): number {
  let found = -1
  let left = MOST_LEFT
  for (let loop = innermost; loop >= 0 && left-- > 0; loop = loops.parent[loop]) {
    if (loops.preheader[loop] < 0 || !operandsOutside(func, loops, inst, loop)) break
    found = loop
  }
  return found
}

function operandsOutside(func: Function, loops: Loops, inst: number, loop: number): boolean {
  const { insts } = func
  const fixed = FIXED_OPERANDS[insts.opcode[inst]]
  if (fixed > 0 && !isOutside(func, loops, insts.arg0[inst], loop)) return false
  if (fixed > 1 && !isOutside(func, loops, insts.arg1[inst], loop)) return false
  return fixed < 3 || isOutside(func, loops, insts.arg2[inst], loop)
}

function isOutside(func: Function, loops: Loops, value: number, loop: number): boolean {
  return !loops.contains(loop, definitionBlock(func, value))
}

/** How many values of each class a loop holds in registers all the way round. */
class HeldValues {
  readonly #func: Function
  readonly #loops: Loops
  readonly #integers: Int32Array
  readonly #floats: Int32Array
  /** By loop: 1 when there is a call in it. */
  readonly #calls: Uint8Array

  constructor(func: Function, loops: Loops, order: Int32Array) {
    this.#func = func
    this.#loops = loops
    this.#integers = new Int32Array(loops.count)
    this.#floats = new Int32Array(loops.count)
    this.#calls = new Uint8Array(loops.count)
    const { blocks, layout, insts, values } = func
    for (let loop = 0; loop < loops.count; loop++) {
      const header = loops.header[loop]
      for (let i = 0; i < blocks.paramCount[header]; i++) this.#hold(blocks.firstParam[header] + i, loop)
    }
    // The loop that a value was last counted for. A value read in several loops may be counted twice: an estimate.
    const counted = new Int32Array(values.length).fill(-1)
    for (let i = 0; i < order.length; i++) {
      const loop = loops.ofBlock[order[i]]
      if (loop < 0) continue
      for (let inst = blocks.firstInst[order[i]]; inst >= 0; inst = layout.nextInst[inst]) {
        const opcode = insts.opcode[inst]
        if ((OPCODE_FLAGS[opcode] & OpcodeFlag.Call) !== 0) {
          for (let l = loop; l >= 0 && this.#calls[l] === 0; l = loops.parent[l]) this.#calls[l] = 1
        }
        const fixed = FIXED_OPERANDS[opcode]
        if (fixed > 0) this.#read(insts.arg0[inst], loop, counted)
        if (fixed > 1) this.#read(insts.arg1[inst], loop, counted)
        if (fixed > 2) this.#read(insts.arg2[inst], loop, counted)
      }
    }
  }

  #read(value: number, loop: number, counted: Int32Array): void {
    if (counted[value] === loop) return
    counted[value] = loop
    const definition = this.#func.values.definition[value]
    if (definition >= 0 && (TRAITS[this.#func.insts.opcode[definition]] & Trait.Cheap) !== 0) return
    const from = definitionBlock(this.#func, value)
    let left = MOST_LEFT
    for (let l = loop; l >= 0 && left-- > 0 && !this.#loops.contains(l, from); l = this.#loops.parent[l]) {
      this.#hold(value, l)
    }
  }

  #hold(value: number, loop: number): void {
    if (this.#func.values.type[value] <= Type.I128) this.#integers[loop]++
    else this.#floats[loop]++
  }

  /** How far an instruction that could move out of this loop shall move; -1 for not at all. Counts it. */
  admit(inst: number, outermost: number): number {
    const { insts, values, layout } = this.#func
    const { parent, ofBlock } = this.#loops
    const held = values.type[insts.firstResult[inst]] <= Type.I128 ? this.#integers : this.#floats
    const slow = isSlow(insts.opcode[inst])
    const light = !slow && isLight(this.#func, inst)
    let found = -1
    for (let loop = ofBlock[layout.instBlock[inst]]; loop >= 0 && loop <= outermost; loop = parent[loop]) {
      if (!slow && (held[loop] >= MOST_HELD || (light && this.#calls[loop] !== 0))) break
      held[loop]++
      found = loop
    }
    return found
  }
}

/** One quick instruction that makes one value of one. */
function isLight({ insts, values }: Function, inst: number): boolean {
  const operands = FIXED_OPERANDS[insts.opcode[inst]]
  if (operands !== 2) return operands === 1
  const y = values.definition[insts.arg1[inst]]
  return y >= 0 && isConstant(insts.opcode[y])
}

/** Takes longer than reading a spilled value back. */
function isSlow(opcode: number): boolean {
  switch (opcode) {
    case 78 /* Opcode.Imul */:
    case 79 /* Opcode.Umulhi */:
    case 80 /* Opcode.Smulhi */:
    case 114 /* Opcode.Fadd */:
    case 115 /* Opcode.Fsub */:
    case 116 /* Opcode.Fmul */:
    case 117 /* Opcode.Fdiv */:
    case 118 /* Opcode.Sqrt */:
    case 119 /* Opcode.Fma */:
    case 107 /* Opcode.Bitrev */:
    case 153 /* Opcode.FcvtFromUint */:
    case 154 /* Opcode.FcvtFromSint */:
      return true
  }
  return false
}
