// Random choices that are the same in every run of a seed.

/** A small random generator (mulberry32). */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** From 0 up to, not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!
  }

  shuffled<T>(from: readonly T[]): T[] {
    const rest = [...from]
    const result: T[] = []
    while (rest.length > 0) result.push(...rest.splice(this.below(rest.length), 1))
    return result
  }
}

/**
 * Bytes with something wrong: flipped bits, other bytes, cuts, splices and copies, up to `most` of them.
 *
 * @param telling - bytes that mean something to the format.
 */
export function damage(bytes: Uint8Array, random: Random, telling: readonly number[], most: number = 3): Uint8Array {
  let result = bytes.slice()
  for (let count = 1 + random.below(most); count > 0; count--) {
    if (result.length === 0) return result
    const at = random.below(result.length)
    switch (random.below(5)) {
      case 0:
        result[at] = result[at]! ^ (1 << random.below(8))
        break
      case 1:
        result[at] = random.pick([...telling, random.below(256)])
        break
      case 2:
        result = result.slice(0, at)
        break
      case 3:
        result = Uint8Array.of(...result.subarray(0, at), ...result.subarray(random.below(result.length)))
        break
      case 4:
        result.copyWithin(at, random.below(result.length))
        break
    }
  }
  return result
}
