// Memory as regions at addresses below 2^32, so that 32-bit and 64-bit pointers reach all of it. An access that does not lie
// in one region as a whole fails.

/** A range of addresses. */
export interface Region {
  readonly base: number
  readonly bytes: Uint8Array
  readonly writable: boolean
}

/** Regions, and the little-endian accesses of words to them. */
export class Memory {
  readonly #regions: Region[] = []
  #last: Region = { base: 0, bytes: new Uint8Array(0), writable: false }

  add(region: Region): void {
    this.#regions.push(region)
  }

  /** The region that holds all of the bytes; null when none does. */
  find(address: number, size: number, write: boolean): Region | null {
    let region = this.#last
    if (!holds(region, address, size)) {
      const other = this.#regions.find((each) => holds(each, address, size))
      if (other === undefined) return null
      this.#last = region = other
    }
    return write && !region.writable ? null : region
  }

  /** Views of bytes for whoever hands data in and out; null where they are not all there. */
  slice(address: number, size: number, write: boolean = false): Uint8Array | null {
    const region = this.find(address, size, write)
    return region === null ? null : region.bytes.subarray(address - region.base, address - region.base + size)
  }
}

function holds({ base, bytes }: Region, address: number, size: number): boolean {
  return address >= base && address + size <= base + bytes.length
}

/**
 * Reads `size` bytes (1, 2, or a multiple of 4) into words.
 *
 * @param big - the most significant byte comes first.
 */
export function readWords(
  bytes: Uint8Array,
  at: number,
  size: number,
  big: boolean,
  words: Int32Array,
  out: number,
): void {
  const count = Math.max(1, size >> 2)
  for (let i = 0; i < count; i++) words[out + i] = 0
  for (let i = 0; i < size; i++) {
    const byte = bytes[at + (big ? size - 1 - i : i)]
    words[out + (i >> 2)] |= byte << (8 * (i & 3))
  }
}

/** Writes the low `size` bytes of words. */
export function writeWords(
  words: Int32Array,
  from: number,
  size: number,
  big: boolean,
  bytes: Uint8Array,
  at: number,
): void {
  for (let i = 0; i < size; i++) bytes[at + (big ? size - 1 - i : i)] = words[from + (i >> 2)] >>> (8 * (i & 3))
}
