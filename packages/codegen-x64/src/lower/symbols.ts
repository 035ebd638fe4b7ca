// Names outside the function, numbered in the order in which code mentions them.

import { type ExternalName, type Function, symbolName } from '@framewright/ir'

/** How code reaches a symbol; what relocation that is depends on the object format and is settled in emission. */
export const Reach = {
  /** Defined in the same linkage unit, within 2 GiB. */
  local: 0,
  /** Anywhere. */
  far: 1,
} as const

/** Reusable. */
export class SymbolTable {
  /** Linker names, by number. */
  names: string[] = []
  /** Results of `matchLocalData`. */
  found = 0
  foundOffset = 0
  #numbers: Map<string, number> = new Map()

  reset(): void {
    if (this.names.length === 0) return
    this.names = []
    this.#numbers.clear()
  }

  number(name: ExternalName): number {
    return this.numberOf(symbolName(name))
  }

  numberOf(name: string): number {
    let number = this.#numbers.get(name)
    if (number === undefined) {
      number = this.names.length
      this.names.push(name)
      this.#numbers.set(name, number)
    }
    return number
  }

  /** Whether a global value is the address of colocated data; leaves its symbol and offset in `found`, `foundOffset`. */
  matchLocalData(func: Function, global: number): boolean {
    const data = func.globalValues[global]
    if (data.kind !== 'symbol' || !data.colocated || data.tls) return false
    this.found = this.number(data.name)
    this.foundOffset = data.offset
    return true
  }
}
