// A map from pairs of small integers to a small integer: open addressing in three columns. A Map would need one number
// for the pair, and costs several times as much.

const FIRST_SLOTS = 64

/** Pairs to integers that are not negative. */
export class PairMap {
  #first: Int32Array = new Int32Array(FIRST_SLOTS).fill(-1)
  #second: Int32Array = new Int32Array(FIRST_SLOTS)
  #value: Int32Array = new Int32Array(FIRST_SLOTS)
  #count = 0

  /** What the pair is mapped to; -1 for nothing. */
  get(first: number, second: number): number {
    const slot = this.#slot(first, second)
    return this.#first[slot] < 0 ? -1 : this.#value[slot]
  }

  set(first: number, second: number, value: number): void {
    let slot = this.#slot(first, second)
    if (this.#first[slot] < 0) {
      if (2 * ++this.#count > this.#first.length) {
        this.#grow()
        slot = this.#slot(first, second)
      }
      this.#first[slot] = first
      this.#second[slot] = second
    }
    this.#value[slot] = value
  }

  clear(): void {
    if (this.#count > 0) this.#first.fill(-1)
    this.#count = 0
  }

  /** The slot that holds the pair, or the one it would get. */
  #slot(first: number, second: number): number {
    const mask = this.#first.length - 1
    const hash = Math.imul(first, 0x9e37_79b1) + Math.imul(second, 0x85eb_ca6b)
    let slot = (hash ^ (hash >>> 15)) & mask
    while (this.#first[slot] >= 0 && (this.#first[slot] !== first || this.#second[slot] !== second)) {
      slot = (slot + 1) & mask
    }
    return slot
  }

  #grow(): void {
    const [first, second, value] = [this.#first, this.#second, this.#value]
    this.#first = new Int32Array(2 * first.length).fill(-1)
    this.#second = new Int32Array(2 * first.length)
    this.#value = new Int32Array(2 * first.length)
    for (let old = 0; old < first.length; old++) {
      if (first[old] < 0) continue
      const slot = this.#slot(first[old], second[old])
      this.#first[slot] = first[old]
      this.#second[slot] = second[old]
      this.#value[slot] = value[old]
    }
  }
}
