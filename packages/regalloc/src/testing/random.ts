/** Pseudo-random numbers that a seed repeats (Marsaglia, "Xorshift RNGs", 2003, the 32-bit generator). */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = (seed ^ 0x9e3779b9) | 0 || 1
    for (let k = 0; k < 4; k++) this.below(2)
  }

  /** An integer from 0 to limit - 1. */
  below(limit: number): number {
    let state = this.#state
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    this.#state = state
    return Math.floor(((state >>> 0) / 2 ** 32) * limit)
  }

  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]
  }

  shuffle<T>(list: readonly T[]): T[] {
    const shuffled = [...list]
    for (let k = shuffled.length - 1; k > 0; k--) {
      const other = this.below(k + 1)
      const kept = shuffled[k]
      shuffled[k] = shuffled[other]
      shuffled[other] = kept
    }
    return shuffled
  }
}
