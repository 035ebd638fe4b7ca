// Computes sums of invariants in front of a loop: each operation in front of the outermost loop that its operands are
// invariant in, and none twice.

import { type Function, Opcode, Type } from '@framewright/ir'
import { definitionBlock } from './analysis/uses.ts'
import type { PassContext } from './context.ts'
import type { LinearForm, Term } from './linear-form.ts'
import { powerOfTwo } from './rules/arithmetic.ts'

/** What has been made is looked for among that many. */
const MOST_REMEMBERED = 64

interface Made {
  readonly opcode: number
  readonly x: number
  readonly y: number
  readonly result: number
}

/** Makes instructions for one loop after another. */
export class InvariantBuilder {
  readonly #func: Function
  readonly #context: PassContext
  readonly #made: Made[] = []
  readonly #constants: { low: number; high: number; value: number }[] = []
  /** The loop and those around it, outermost first. */
  #chain: number[] = []
  #depth: Map<number, number> = new Map()

  constructor(func: Function, context: PassContext) {
    this.#func = func
    this.#context = context
  }

  /** Turns to a loop that has a preheader. */
  enter(loop: number): void {
    const loops = this.#context.loops()
    this.#chain = []
    for (let l = loop; l >= 0 && loops.preheader[l] >= 0; l = loops.parent[l]) this.#chain.push(l)
    this.#chain.reverse()
    this.#depth = new Map()
  }

  /** The value of a sum whose parts are invariant in the loop; its constant is left out. -1 for a sum of nothing. */
  sum({ terms }: LinearForm): number {
    // What is invariant farther out comes first, so that as much as possible is computed there.
    const depthOf = (term: Term): number => Math.max(this.#depthOf(term.a), term.b < 0 ? 0 : this.#depthOf(term.b))
    const sorted = [...terms].sort((x, y) => depthOf(x) - depthOf(y) || Number(isNegated(x)) - Number(isNegated(y)))
    let total = -1
    for (const term of sorted) {
      const product = term.b < 0 ? term.a : this.binary(Opcode.Imul, term.a, term.b)
      if (total >= 0 && isNegated(term)) total = this.binary(Opcode.Isub, total, product)
      else {
        const scaled = this.#scaled(product, term.low, term.high)
        total = total < 0 ? scaled : this.binary(Opcode.Iadd, total, scaled)
      }
    }
    return total
  }

  /** product * coefficient */
  #scaled(product: number, low: number, high: number): number {
    if (low === 1 && high === 0) return product
    const bit = powerOfTwo(low, high)
    if (bit >= 0) return this.binary(Opcode.Ishl, product, this.constant(bit, 0))
    return this.binary(Opcode.Imul, product, this.constant(low, high))
  }

  /** An i64 constant in front of all loops around. */
  constant(low: number, high: number): number {
    const known = this.#constants.find((constant) => constant.low === low && constant.high === high)
    if (known !== undefined && this.#reaches(known.value)) return known.value
    const value = this.#context.constantBefore(Type.I64, low, high, this.#place(0))
    if (this.#constants.push({ low, high, value }) > MOST_REMEMBERED) this.#constants.shift()
    return value
  }

  /** x op y, as far out as it goes. */
  binary(opcode: Opcode, x: number, y: number): number {
    const known = this.#made.find((made) => made.opcode === opcode && made.x === x && made.y === y)
    if (known !== undefined && this.#reaches(known.result)) return known.result
    const depth = Math.max(this.#depthOf(x), this.#depthOf(y))
    const result = this.#context.binaryBefore(opcode, Type.I64, x, y, this.#place(depth))
    if (this.#made.push({ opcode, x, y, result }) > MOST_REMEMBERED) this.#made.shift()
    return result
  }

  /** How many of the loops, from the outermost inwards, a value is computed in. */
  #depthOf(value: number): number {
    let depth = this.#depth.get(value)
    if (depth === undefined) {
      const loops = this.#context.loops()
      const block = definitionBlock(this.#func, value)
      depth = 0
      while (depth < this.#chain.length && loops.contains(this.#chain[depth], block)) depth++
      this.#depth.set(value, depth)
    }
    return depth
  }

  /** The end of the preheader of the outermost loop but `depth`. */
  #place(depth: number): number {
    return this.#func.blocks.lastInst[this.#context.loops().preheader[this.#chain[depth]]]
  }

  /** Whether a value made for another loop is computed before this one. */
  #reaches(value: number): boolean {
    const preheader = this.#context.loops().preheader[this.#chain[this.#chain.length - 1]]
    return this.#context.tree().dominates(definitionBlock(this.#func, value) as never, preheader as never)
  }
}

function isNegated({ low, high }: Term): boolean {
  return low === -1 && high === -1
}
