/**
 * What a register or a place on the stack is known to hold: one number, so that states are typed arrays.
 *
 *     value = base * 2^34 + (offset + 2^33)
 *
 * A base is something whose own number is not known but stays what it is: the canonical frame address (CFA), what a register
 * held on entry, or what one instruction made of the stack pointer (`and rsp, -32`). Numbers and addresses of the image have
 * bases of their own. Equal values are equal numbers, so a join is a comparison. Negative values say what is not known:
 *
 *     known values ──▶ FOREIGN ──▶ MIXED ──▶ UNKNOWN
 *
 * The arrows are what joins of paths may turn a value into, so a chain of joins ends after three steps.
 */

import type { Register } from '@framewright/frame-layout'

export type Value = number

/** Nothing is known: read through an address that is not known. */
export const UNKNOWN: Value = -1
/** An address of the stack on some of the paths that lead here and not on others, or computed from such addresses. */
export const MIXED: Value = -2
/** Computed, loaded, or left behind by a call: nothing of this frame. */
export const FOREIGN: Value = -3

/** A plain number. */
export const NUMBER = 0
/** An address of code or data in the image. */
export const ADDRESS = 1
/** The canonical frame address: SP in the caller just before the call. */
export const CFA = 2
/** What register r held on entry has base ENTRY + r; the return address counts as register 32. */
export const ENTRY = 3
/** Bases from here on are made while a function is followed; see {@link Symbols}. */
export const FIRST_SYMBOL = 64

const SCALE = 2 ** 34
const BIAS = 2 ** 33

/** base + offset; UNKNOWN where the offset is beyond what a value can hold. */
export function makeValue(base: number, offset: number): Value {
  if (offset < -BIAS || offset >= BIAS) return base <= ADDRESS ? FOREIGN : UNKNOWN
  return base * SCALE + offset + BIAS
}

export function baseOf(value: Value): number {
  return Math.floor(value / SCALE)
}

export function offsetOf(value: Value): number {
  return value - baseOf(value) * SCALE - BIAS
}

export function isKnown(value: Value): boolean {
  return value >= 0
}

export function entryValue(register: Register): Value {
  return makeValue(ENTRY + register, 0)
}

/** A known value moved by some bytes. */
export function moved(value: Value, by: number): Value {
  return value < 0 ? value : makeValue(baseOf(value), offsetOf(value) + by)
}

/** What is known where two paths meet. */
export function joinValues(a: Value, b: Value): Value {
  if (a === b) return a
  if (a === UNKNOWN || b === UNKNOWN) return UNKNOWN
  if (a === MIXED || b === MIXED) return MIXED
  return ofStack(a) || ofStack(b) ? MIXED : FOREIGN
}

/** Whether a value has to do with the frame: an address in it, or something that the caller must get back. */
export function ofFrame(value: Value): boolean {
  if (value < 0) return value !== FOREIGN
  const base = baseOf(value)
  return base >= CFA && !isTableSymbol(base)
}

/** Whether a value is, or may be, an address of the stack. */
export function ofStack(value: Value): boolean {
  if (value < 0) return value !== FOREIGN
  const base = baseOf(value)
  return base === CFA || (base >= FIRST_SYMBOL && !isTableSymbol(base))
}

/** Symbols of jump tables have odd bases, those of the stack even ones. */
function isTableSymbol(base: number): boolean {
  return base >= FIRST_SYMBOL && (base & 1) === 1
}

/** One value out of a jump table: an entry, or what an entry leads to. */
export interface TableSymbol {
  readonly table: number
  /** Bytes of an entry. */
  readonly width: 4 | 8
  /** Has the base been added? Then this is it. */
  readonly from: number | null
  /** The greatest index, where a comparison says so. */
  readonly bound: number
}

/** Bases that instructions make. An instruction makes the same one however often it is looked at. */
export class Symbols {
  readonly #stack: Map<number, number> = new Map()
  readonly #tables: Map<string, number> = new Map()
  readonly #tableSymbols: Map<number, TableSymbol> = new Map()

  /** The address of the stack that the instruction at `address` makes. */
  stack(address: number): number {
    let base = this.#stack.get(address)
    if (base === undefined) {
      base = FIRST_SYMBOL + 2 * this.#stack.size
      this.#stack.set(address, base)
    }
    return base
  }

  table(symbol: TableSymbol): Value {
    const key = `${symbol.table} ${symbol.width} ${symbol.from} ${symbol.bound}`
    let base = this.#tables.get(key)
    if (base === undefined) {
      base = FIRST_SYMBOL + 1 + 2 * this.#tables.size
      this.#tables.set(key, base)
      this.#tableSymbols.set(base, symbol)
    }
    return makeValue(base, 0)
  }

  tableOf(value: Value): TableSymbol | undefined {
    return value < 0 ? undefined : this.#tableSymbols.get(baseOf(value))
  }
}
