// From the numbers that the text gives to values and blocks, to dense ids. The text may use any number below 2^32; it
// usually counts up. So: an array while the numbers are dense, a Map for the outliers.

const FIRST_LENGTH = 256
/** Numbers up to here are dense however few there are. */
const ALWAYS_DENSE = 4096

/** Numbers to ids; empty again after {@link clear}, so that one serves every function of a file. */
export class NumberMap {
  #dense: Int32Array = new Int32Array(FIRST_LENGTH).fill(-1)
  readonly #sparse: Map<number, number> = new Map()
  #count = 0
  /** One more than the largest number in the array. */
  #used = 0

  /** The id of a number; -1 for none. */
  get(number: number): number {
    if (number >= 0 && number < this.#dense.length) return this.#dense[number]
    return this.#sparse.size === 0 ? -1 : (this.#sparse.get(number) ?? -1)
  }

  set(number: number, id: number): void {
    this.#count++
    if (number >= this.#dense.length) {
      // The array may hold four times as many numbers as there are, so its cost stays linear.
      if (number >= 4 * this.#count + ALWAYS_DENSE) {
        this.#sparse.set(number, id)
        return
      }
      this.#grow(Math.max(2 * this.#dense.length, number + 1))
    }
    this.#dense[number] = id
    if (number >= this.#used) this.#used = number + 1
  }

  clear(): void {
    this.#dense.fill(-1, 0, this.#used)
    if (this.#sparse.size > 0) this.#sparse.clear()
    this.#used = 0
    this.#count = 0
  }

  #grow(length: number): void {
    const dense = new Int32Array(length).fill(-1)
    dense.set(this.#dense)
    this.#dense = dense
    for (const [number, id] of this.#sparse) {
      if (number >= length) continue
      dense[number] = id
      this.#used = Math.max(this.#used, number + 1)
      this.#sparse.delete(number)
    }
  }
}
