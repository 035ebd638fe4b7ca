// The stack: a region that ends at a fixed address and grows downwards when it is needed, for most calls use little of it.

import type { Region } from './memory.ts'

const FIRST_BYTES = 1 << 14

/** Addresses up to `top`. */
export class Stack implements Region {
  readonly top: number
  readonly limit: number
  readonly writable = true
  base: number
  bytes: Uint8Array

  /** @param limit - the most bytes that it may come to have; a multiple of 16. */
  constructor(top: number, limit: number) {
    this.top = top
    this.limit = limit
    this.bytes = new Uint8Array(Math.min(FIRST_BYTES, limit))
    this.base = top - this.bytes.length
  }

  /** Makes room down to an address. @returns whether there is that much. */
  reach(address: number): boolean {
    if (address >= this.base) return true
    const wanted = this.top - address
    if (wanted > this.limit) return false
    const grown = new Uint8Array(Math.min(this.limit, Math.max(wanted, 2 * this.bytes.length)))
    grown.set(this.bytes, grown.length - this.bytes.length)
    this.bytes = grown
    this.base = this.top - grown.length
    return true
  }

  /** An activation's own bytes: its slots hold zeros, above them lie the caller's frame pointer and the return address. */
  enter(sp: number, fp: number, callerFp: number, returnAddress: number): void {
    this.bytes.fill(0, sp - this.base, fp - this.base)
    const view = new DataView(this.bytes.buffer)
    view.setBigUint64(fp - this.base, BigInt(callerFp), true)
    view.setBigUint64(fp + 8 - this.base, BigInt(returnAddress), true)
  }
}
