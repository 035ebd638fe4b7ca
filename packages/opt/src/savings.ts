// What becomes dead when accesses no longer need their addresses: dead code, foretold.

import type { Function } from '@framewright/ir'
import { Opcode } from '@framewright/ir'
import { addressOf, type ValueUses } from './analysis/uses.ts'
import { FIXED_OPERANDS, TRAITS, Trait } from './opcode-traits.ts'

/** What a multiplication counts for; everything else counts 1, and 0 what selection would have merged or made for free. */
const MULTIPLICATION = 3

/** Counts instructions that would die. */
export class Savings {
  readonly #func: Function
  readonly #uses: ValueUses
  readonly #isInLoop: (inst: number) => boolean
  #remaining: Map<number, number> = new Map()
  #saved = 0

  /** @param isInLoop - whether an instruction runs in every round, so that it is worth something. */
  constructor(func: Function, uses: ValueUses, isInLoop: (inst: number) => boolean) {
    this.#func = func
    this.#uses = uses
    this.#isInLoop = isInLoop
  }

  /** How much would die in the loop if these accesses had other addresses. */
  of(accesses: Iterable<number>): number {
    this.#remaining = new Map()
    this.#saved = 0
    for (const inst of accesses) this.#release(addressOf(this.#func, inst))
    return this.#saved
  }

  /** One use of a value goes. */
  #release(value: number): void {
    const { insts, values } = this.#func
    const inst = values.definition[value]
    if (inst < 0 || (TRAITS[insts.opcode[inst]] & Trait.Pure) === 0 || !this.#isInLoop(inst)) return
    const left = (this.#remaining.get(value) ?? this.#uses.count[value]) - 1
    this.#remaining.set(value, left)
    if (left > 0) return
    const opcode = insts.opcode[inst]
    if (opcode === Opcode.Imul) this.#saved += MULTIPLICATION
    else if (this.#uses.merged[value] === 0 && (TRAITS[opcode] & Trait.Cheap) === 0) this.#saved++
    const fixed = FIXED_OPERANDS[opcode]
    if (fixed > 0) this.#release(insts.arg0[inst])
    if (fixed > 1) this.#release(insts.arg1[inst])
    if (fixed > 2) this.#release(insts.arg2[inst])
  }
}
