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

/** Takes values apart. */
export class FormReader {
  readonly #func: Function
  readonly #folder: ConstantFolder
  readonly #isLeaf: (value: number) => boolean
  #steps = 0

  /** @param isLeaf - whether a value is taken as it is. */
  constructor(func: Function, folder: ConstantFolder, isLeaf: (value: number) => boolean) {
    this.#func = func
    this.#folder = folder
    this.#isLeaf = isLeaf
  }

  /** The sum that an i64 is; null when some part of it is neither a leaf nor a sum. */
  read(value: number): LinearForm | null {
    this.#steps = 0
    return this.#form(value)
  }

  #form(value: number): LinearForm | null {
    const form = new LinearForm()
    return this.#expand(form, value, 1, 0) && form.terms.length <= MOST_TERMS ? form : null
  }

  /** form += coefficient * value. */
  #expand(form: LinearForm, value: number, low: number, high: number): boolean {
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
    if (this.#isLeaf(value)) {
      form.add(folder, value, -1, low, high)
      return true
    }
    if (inst < 0) return false
    const x = insts.arg0[inst]
    const y = insts.arg1[inst]
    switch (opcode) {
      case Opcode.Iadd:
        return this.#expand(form, x, low, high) && this.#expand(form, y, low, high)
      case Opcode.Isub:
        if (!this.#expand(form, x, low, high)) return false
        folder.binary(Opcode.Isub, 64, 0, 0, low, high)
        return this.#expand(form, y, folder.low, folder.high)
      case Opcode.Ishl: {
        const amount = this.#constant(y)
        if (amount < 0) return false
        folder.binary(Opcode.Ishl, 64, low, high, insts.imm[amount], 0)
        return this.#expand(form, x, folder.low, folder.high)
      }
      case Opcode.Imul: {
        const factor = this.#constant(y)
        if (factor < 0) return this.#expandProduct(form, x, y, low, high)
        folder.binary(Opcode.Imul, 64, low, high, insts.imm[factor], insts.immHigh[factor])
        return this.#expand(form, x, folder.low, folder.high)
      }
    }
    return false
  }

  #constant(value: number): number {
    const inst = this.#func.values.definition[value]
    return inst >= 0 && this.#func.insts.opcode[inst] === Opcode.Iconst ? inst : -1
  }

  /** form += coefficient * x * y: every term of x with every term of y. */
  #expandProduct(form: LinearForm, x: number, y: number, low: number, high: number): boolean {
    const left = this.#form(x)
    const right = left === null ? null : this.#form(y)
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
