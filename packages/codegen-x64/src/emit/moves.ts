// Parallel moves: several copies that happen at once, as a sequence of instructions.
//
// A copy is emitted when nothing still reads its destination. When every destination is still read the rest are cycles: one value is put
// aside in r11, which belongs to nobody else here. Slots are written from slots through r11 too, so a cycle is opened only after such
// copies' turn; a cycle that runs through slots keeps its value in a register of the cycle or, if it has none, is turned by xchg with r11.

import { type Assembler, Inst } from '@framewright/asm-x64'
import { LOCATION_NOWHERE, LOCATION_SLOT } from '@framewright/regalloc'

const R11 = 11
const RSP = 4
const FIRST_VECTOR = 16
const SIZE_64 = 3

/** Reusable. */
export class ParallelMove {
  #from: Int32Array = new Int32Array(64)
  #to: Int32Array = new Int32Array(64)
  #count = 0
  /** How many pending copies read a location, by location. */
  #readers: Int32Array = new Int32Array(256)
  spillBase = 0

  add(from: number, to: number): void {
    if (from === to || to === LOCATION_NOWHERE) return
    if (this.#count === this.#from.length) this.#grow()
    this.#from[this.#count] = from
    this.#to[this.#count++] = to
  }

  get isEmpty(): boolean {
    return this.#count === 0
  }

  /** Forgets what was added. */
  clear(): void {
    this.#count = 0
  }

  /** Emits everything added. Flags stay as they are. */
  flush(asm: Assembler): void {
    if (this.#count === 0) return
    if (this.#count === 1) {
      this.#count = 0
      this.copy(asm, this.#from[0], this.#to[0])
      return
    }
    const from = this.#from
    const to = this.#to
    let count = this.#count
    this.#count = 0
    let highest = 0
    for (let i = 0; i < count; i++) highest = Math.max(highest, from[i], to[i])
    if (highest >= this.#readers.length) this.#readers = new Int32Array(highest * 2)
    const readers = this.#readers
    for (let i = 0; i < count; i++) readers[from[i]]++
    while (count > 0) {
      let kept = 0
      for (let i = 0; i < count; i++) {
        if (readers[to[i]] === 0) {
          this.copy(asm, from[i], to[i])
          readers[from[i]]--
        } else {
          from[kept] = from[i]
          to[kept++] = to[i]
        }
      }
      if (kept === count) {
        this.#turn(asm, count)
        count = 0
      } else {
        count = kept
      }
    }
  }

  /** What is left are disjoint cycles: every location is read once and written once. */
  #turn(asm: Assembler, count: number): void {
    const from = this.#from
    const to = this.#to
    for (let i = 0; i < count; i++) {
      if (to[i] < 0) continue
      // Follow the cycle i: from[i] -> to[i] -> ... and swap along it, so that each swap settles one place.
      const start = from[i]
      let at = i
      while (to[at] !== start) {
        const place = to[at]
        this.#readers[from[at]] = 0
        this.#swap(asm, start, place)
        to[at] = -1
        at = find(from, place, count)
      }
      this.#readers[from[at]] = 0
      to[at] = -1
    }
  }

  /** Exchanges two locations. */
  #swap(asm: Assembler, a: number, b: number): void {
    if (a < FIRST_VECTOR && b < FIRST_VECTOR) {
      asm.rr(Inst.Xchg_rm_r, SIZE_64, a, b)
    } else if (a < LOCATION_SLOT && b < LOCATION_SLOT) {
      // Vector registers hold 64 bits at most so far.
      asm.rr(Inst.Movd_rm_x, SIZE_64, a, R11)
      asm.rr(Inst.Movaps_x_xm, 0, a, b)
      asm.rr(Inst.Movd_x_rm, SIZE_64, b, R11)
    } else if (a >= LOCATION_SLOT && b >= LOCATION_SLOT) {
      // xchg with memory is atomic and slow, and this is next to never met.
      asm.rm(Inst.Mov_r_rm, SIZE_64, R11, RSP, -1, 0, this.address(a))
      asm.rm(Inst.Xchg_rm_r, SIZE_64, R11, RSP, -1, 0, this.address(b))
      asm.rm(Inst.Mov_rm_r, SIZE_64, R11, RSP, -1, 0, this.address(a))
    } else {
      const register = a < LOCATION_SLOT ? a : b
      const slot = a < LOCATION_SLOT ? b : a
      asm.rm(Inst.Mov_r_rm, SIZE_64, R11, RSP, -1, 0, this.address(slot))
      this.copy(asm, register, slot)
      if (register < FIRST_VECTOR) asm.rr(Inst.Mov_r_rm, SIZE_64, register, R11)
      else asm.rr(Inst.Movd_x_rm, SIZE_64, register, R11)
    }
  }

  /** Displacement of a slot from rsp. */
  address(location: number): number {
    return this.spillBase + (location - LOCATION_SLOT) * 8
  }

  /** One copy of 64 bits between any two locations. */
  copy(asm: Assembler, from: number, to: number): void {
    if (to < FIRST_VECTOR) {
      if (from < FIRST_VECTOR) asm.rr(Inst.Mov_r_rm, SIZE_64, to, from)
      else if (from < LOCATION_SLOT) asm.rr(Inst.Movd_rm_x, SIZE_64, from, to)
      else asm.rm(Inst.Mov_r_rm, SIZE_64, to, RSP, -1, 0, this.address(from))
    } else if (to < LOCATION_SLOT) {
      if (from < FIRST_VECTOR) asm.rr(Inst.Movd_x_rm, SIZE_64, to, from)
      else if (from < LOCATION_SLOT) asm.rr(Inst.Movaps_x_xm, 0, to, from)
      else asm.rm(Inst.Movsd_x_xm, 0, to, RSP, -1, 0, this.address(from))
    } else if (from < FIRST_VECTOR) {
      asm.rm(Inst.Mov_rm_r, SIZE_64, from, RSP, -1, 0, this.address(to))
    } else if (from < LOCATION_SLOT) {
      asm.rm(Inst.Movsd_xm_x, 0, from, RSP, -1, 0, this.address(to))
    } else {
      asm.rm(Inst.Mov_r_rm, SIZE_64, R11, RSP, -1, 0, this.address(from))
      asm.rm(Inst.Mov_rm_r, SIZE_64, R11, RSP, -1, 0, this.address(to))
    }
  }

  #grow(): void {
    const from = this.#from
    const to = this.#to
    this.#from = new Int32Array(from.length * 2)
    this.#to = new Int32Array(to.length * 2)
    this.#from.set(from)
    this.#to.set(to)
  }
}

function find(column: Int32Array, value: number, count: number): number {
  for (let i = 0; i < count; i++) if (column[i] === value) return i
  return -1
}
