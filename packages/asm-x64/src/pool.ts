// Constants and jump tables that lie behind the code. Constants are kept once: equal bits of equal width share an entry.

const TABLE = 5

/** Data behind the code. Entries are numbered in the order of their making; `place` lays them out. */
export class Pool {
  length = 0
  /** After `place`: the offset behind the last entry. */
  end = 0
  /** Log2 of the width in bytes (2, 3, 4), or 5 for a jump table. */
  #kind: Uint8Array = new Uint8Array(16)
  /** First word in #words: the bits, or for a table its labels. */
  #start: Int32Array = new Int32Array(17)
  #offset: Int32Array = new Int32Array(16)
  #words: Int32Array = new Int32Array(64)
  /** Open addressing; an entry is the number of a constant plus one. */
  #hash: Int32Array = new Int32Array(64)
  #kinds = 0

  reset(): void {
    if (this.length > 0) this.#hash.fill(0)
    this.length = 0
    this.#kinds = 0
  }

  /** The entry of a constant of 4 << n bytes; words that the width does not have must be 0. */
  constant(kind: number, w0: number, w1: number, w2: number, w3: number): number {
    const hash = hashOf(kind, w0, w1, w2, w3)
    const mask = this.#hash.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = this.#hash[slot]! - 1
      if (id < 0) {
        this.#hash[slot] = this.length + 1
        break
      }
      const at = this.#start[id]!
      const words = this.#words
      if (this.#kind[id] !== kind || words[at] !== w0 || (kind > 2 && words[at + 1] !== w1)) continue
      if (kind < 4 || (words[at + 2] === w2 && words[at + 3] === w3)) return id
    }
    const id = this.#push(kind, 1 << (kind - 2))
    const at = this.#start[id]!
    this.#words[at] = w0
    if (kind > 2) this.#words[at + 1] = w1
    if (kind > 3) {
      this.#words[at + 2] = w2
      this.#words[at + 3] = w3
    }
    if (this.length * 2 > this.#hash.length) this.#rehash()
    return id
  }

  table(labels: ArrayLike<number>): number {
    const id = this.#push(TABLE, labels.length)
    const at = this.#start[id]!
    for (let i = 0; i < labels.length; i++) this.#words[at + i] = labels[i]!
    return id
  }

  /** The largest alignment an entry needs, in bytes; 1 when there are none. */
  get alignment(): number {
    const kinds = this.#kinds
    return kinds & 16 ? 16 : kinds & 8 ? 8 : kinds !== 0 ? 4 : 1
  }

  /** Gives every entry its offset, widest constants first, so that no gaps arise. Returns the end. */
  place(at: number): number {
    this.end = at
    if (this.length === 0) return at
    at = (at + this.alignment - 1) & -this.alignment
    for (let kind = 4; kind !== 1; kind = kind === 2 ? TABLE : kind === TABLE ? 1 : kind - 1) {
      if ((this.#kinds & (1 << kind)) === 0) continue
      for (let id = 0; id < this.length; id++) {
        if (this.#kind[id] !== kind) continue
        this.#offset[id] = at
        at += (this.#start[id + 1]! - this.#start[id]!) * 4
      }
    }
    this.end = at
    return at
  }

  /** After `place`: where an entry lies. */
  offset(id: number): number {
    return this.#offset[id]!
  }

  has(id: number): boolean {
    return id >= 0 && id < this.length
  }

  isTable(id: number): boolean {
    return this.#kind[id] === TABLE
  }

  wordCount(id: number): number {
    return this.#start[id + 1]! - this.#start[id]!
  }

  /** Word of a constant, or label of a table. */
  word(id: number, index: number): number {
    return this.#words[this.#start[id]! + index]!
  }

  #push(kind: number, words: number): number {
    const id = this.length++
    if (id === this.#kind.length) {
      const rows = this.#kind.length
      const kinds = this.#kind
      const starts = this.#start
      this.#kind = new Uint8Array(rows * 2)
      this.#start = new Int32Array(rows * 2 + 1)
      this.#offset = new Int32Array(rows * 2)
      this.#kind.set(kinds)
      this.#start.set(starts)
    }
    const end = this.#start[id]! + words
    if (end > this.#words.length) {
      const old = this.#words
      this.#words = new Int32Array(Math.max(end, old.length * 2))
      this.#words.set(old)
    }
    this.#kind[id] = kind
    this.#start[id + 1] = end
    this.#kinds |= 1 << kind
    return id
  }

  #rehash(): void {
    // Constants keep their numbers; tables have no entry.
    const mask = this.#hash.length * 2 - 1
    const old = this.#hash
    this.#hash = new Int32Array(mask + 1)
    for (const entry of old) {
      if (entry === 0) continue
      const id = entry - 1
      const kind = this.#kind[id]!
      const at = this.#start[id]!
      const words = this.#words
      const w1 = kind > 2 ? words[at + 1]! : 0
      let slot = hashOf(kind, words[at]!, w1, kind > 3 ? words[at + 2]! : 0, kind > 3 ? words[at + 3]! : 0) & mask
      while (this.#hash[slot] !== 0) slot = (slot + 1) & mask
      this.#hash[slot] = entry
    }
  }
}

function hashOf(kind: number, w0: number, w1: number, w2: number, w3: number): number {
  let hash = Math.imul(w0 ^ kind, 0x9e3779b1) ^ Math.imul(w1, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 15) ^ w2, 0xc2b2ae35) ^ Math.imul(w3, 0x27d4eb2f)
  return hash ^ (hash >>> 13)
}
