// Addresses as sums: constant + Σ coefficient * value, or coefficient * value * value, modulo 2^64.
//
// That is what additions, subtractions, shifts and products of i64 compute, exactly and whatever wraps, so an address may
// be taken apart into such a sum and put together in another order.

import { type Function, Opcode, Type } from '@framewright/ir'
import type { ConstantFolder } from './constant-folding.ts'

/** coefficient * a, or coefficient * a * b when b is not -1; a <= b. The coefficient is two halves. */
export interface Term {
  readonly a: number
  readonly b: number
  low: number
  high: number
}

/** A sum. Terms have distinct values and no coefficient 0. */
export class LinearForm {
  readonly terms: Term[] = []
  low = 0
  high = 0

  add(folder: ConstantFolder, a: number, b: number, low: number, high: number): void {
    const x = b >= 0 && b < a ? b : a
    const y = b >= 0 && b < a ? a : b
    const at = this.terms.findIndex((term) => term.a === x && term.b === y)
    if (at < 0) {
      if (low !== 0 || high !== 0) this.terms.push({ a: x, b: y, low, high })
      return
    }
    const term = this.terms[at]
    folder.binary(Opcode.Iadd, 64, term.low, term.high, low, high)
    term.low = folder.low
    term.high = folder.high
    if (term.low === 0 && term.high === 0) this.terms.splice(at, 1)
  }

  addConstant(folder: ConstantFolder, low: number, high: number): void {
    folder.binary(Opcode.Iadd, 64, this.low, this.high, low, high)
    this.low = folder.low
    this.high = folder.high
  }

  /** Whether the terms are the same; the constants may differ. */
  sameTerms(other: LinearForm): boolean {
    return (
      this.terms.length === other.terms.length &&
      this.terms.every(({ a, b, low, high }) =>
        other.terms.some((term) => term.a === a && term.b === b && term.low === low && term.high === high),
      )
    )
  }
}

/** More of either is no address that anybody computes. */
const MOST_TERMS = 8
const MOST_STEPS = 32

/** What may be taken apart, and what doing so would save. */
export interface Expansion {
  /** Whether the value is a leaf: invariant, or an induction variable. */
  isLeaf(value: number): boolean
  /** Is told of each instruction that was taken apart; `dies` when nothing else uses its result. */
  passed(inst: number, dies: boolean): void
  /** Whether a value has one use. */
  usedOnce(value: number): boolean
}

/** Takes values apart. */
export class FormReader {
  readonly #func: Function
  readonly #folder: ConstantFolder
  readonly #expansion: Expansion
  #steps = 0

  constructor(func: Function, folder: ConstantFolder, expansion: Expansion) {
    this.#func = func
    this.#folder = folder
    this.#expansion = expansion
  }

  /** The sum that an i64 is; null when some part of it is neither a leaf nor a sum. `dies`: only the caller uses it. */
  read(value: number, dies: boolean): LinearForm | null {
    this.#steps = 0
    return this.#form(value, dies)
  }

  #form(value: number, dies: boolean): LinearForm | null {
    const form = new LinearForm()
    return this.#expand(form, value, 1, 0, dies) && form.terms.length <= MOST_TERMS ? form : null
  }

  /** form += coefficient * value. */
  #expand(form: LinearForm, value: number, low: number, high: number, dies: boolean): boolean {
    const { insts, values } = this.#func
    const folder = this.#folder
    if (values.type[value] !== Type.I64 || ++this.#steps > MOST_STEPS) return false
    const inst = values.definition[value]
    const opcode = inst >= 0 ? insts.opcode[inst] : 0
    if (opcode === Opcode.Iconst) {
      folder.binary(Opcode.Imul, 64, insts.imm[inst], insts.immHigh[inst], low, high)
      form.addConstant(folder, folder.low, folder.high)
      return true
    }
    if (this.#expansion.isLeaf(value)) {
      form.add(folder, value, -1, low, high)
      return true
    }
    if (inst < 0) return false
    const x = insts.arg0[inst]
    const y = insts.arg1[inst]
    switch (opcode) {
      case Opcode.Iadd:
        this.#expansion.passed(inst, dies)
        return (
          this.#expand(form, x, low, high, this.#diesWith(dies, x)) &&
          this.#expand(form, y, low, high, this.#diesWith(dies, y))
        )
      case Opcode.Isub:
        this.#expansion.passed(inst, dies)
        if (!this.#expand(form, x, low, high, this.#diesWith(dies, x))) return false
        folder.binary(Opcode.Isub, 64, 0, 0, low, high)
        return this.#expand(form, y, folder.low, folder.high, this.#diesWith(dies, y))
      case Opcode.Ishl: {
        const amount = this.#constant(y)
        if (amount < 0) return false
        this.#expansion.passed(inst, dies)
        folder.binary(Opcode.Ishl, 64, low, high, insts.imm[amount], 0)
        return this.#expand(form, x, folder.low, folder.high, this.#diesWith(dies, x))
      }
      case Opcode.Imul: {
        this.#expansion.passed(inst, dies)
        const factor = this.#constant(y)
        if (factor < 0) return this.#expandProduct(form, x, y, low, high, dies)
        folder.binary(Opcode.Imul, 64, low, high, insts.imm[factor], insts.immHigh[factor])
        return this.#expand(form, x, folder.low, folder.high, this.#diesWith(dies, x))
      }
    }
    return false
  }

  #diesWith(dies: boolean, value: number): boolean {
    return dies && this.#expansion.usedOnce(value)
  }

  #constant(value: number): number {
    const inst = this.#func.values.definition[value]
    return inst >= 0 && this.#func.insts.opcode[inst] === Opcode.Iconst ? inst : -1
  }

  /** form += coefficient * x * y: every term of x with every term of y. */
  #expandProduct(form: LinearForm, x: number, y: number, low: number, high: number, dies: boolean): boolean {
    const left = this.#form(x, this.#diesWith(dies, x))
    const right = left === null ? null : this.#form(y, this.#diesWith(dies, y))
    if (left === null || right === null || left.terms.length * right.terms.length > MOST_TERMS) return false
    const folder = this.#folder
    const add = (a: number, b: number, p: Term | LinearForm, q: Term | LinearForm): void => {
      folder.binary(Opcode.Imul, 64, p.low, p.high, q.low, q.high)
      folder.binary(Opcode.Imul, 64, folder.low, folder.high, low, high)
      if (a < 0) form.addConstant(folder, folder.low, folder.high)
      else form.add(folder, a, b, folder.low, folder.high)
    }
    for (const p of left.terms) {
      for (const q of right.terms) {
        if (p.b >= 0 || q.b >= 0) return false
        add(p.a, q.a, p, q)
      }
      add(p.a, p.b, p, right)
    }
    for (const q of right.terms) add(q.a, q.b, left, q)
    add(-1, -1, left, right)
    return true
  }
}
