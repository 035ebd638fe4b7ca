// Sections by address, and addresses as numbers: unwind-verify counts from the image's base.

import type { LoadedSection, UnwindImage } from '@framewright/frame-layout'

export class Addresses {
  readonly base: bigint
  /** Words that the dynamic linker fills in with addresses of the image, by place. */
  readonly #relative: ReadonlyMap<number, number>
  readonly #sections: readonly { readonly begin: number; readonly end: number; readonly section: LoadedSection }[]

  constructor({ base, sections }: UnwindImage) {
    // A multiple of a page, so that the low bits of the numbers are those of the addresses.
    this.base = base & ~0xfffn
    this.#sections = sections
      .filter(({ address, bytes }) => bytes.length > 0 && address >= this.base)
      .map((section) => {
        const begin = this.number(section.address)
        return { begin, end: begin + section.bytes.length, section }
      })
      .sort((a, b) => a.begin - b.begin)
    this.#relative = this.#relativeWords(sections)
  }

  number(address: bigint): number {
    return Number(address - this.base)
  }

  address(number: number): bigint {
    return this.base + BigInt(number)
  }

  /** The section that holds a place, and where in it. */
  find(number: number): { readonly section: LoadedSection; readonly at: number } | null {
    const found = this.#sections.find(({ begin, end }) => number >= begin && number < end)
    return found === undefined ? null : { section: found.section, at: number - found.begin }
  }

  /** Bytes from a place on, at most to the end of its section. */
  bytes(number: number, length: number): Uint8Array | null {
    const found = this.find(number)
    return found === null ? null : found.section.bytes.subarray(found.at, found.at + length)
  }

  /** A signed little-endian number; addresses in memory count from the base as well. */
  readNumber(number: number, bytes: 4 | 8): number | undefined {
    const filledIn = bytes === 8 ? this.#relative.get(number) : undefined
    if (filledIn !== undefined) return filledIn
    const found = this.find(number)
    if (found === null || found.at + bytes > found.section.bytes.length) return undefined
    const { buffer, byteOffset } = found.section.bytes
    const view = new DataView(buffer, byteOffset + found.at, bytes)
    return bytes === 4 ? view.getInt32(0, true) : Number(view.getBigInt64(0, true) - this.base)
  }

  /** System V AMD64 ABI, 4.4.1: Elf64_Rela, of type R_X86_64_RELATIVE. */
  #relativeWords(sections: readonly LoadedSection[]): Map<number, number> {
    const words = new Map<number, number>()
    for (const { bytes } of sections.filter(({ name }) => name === '.rela.dyn')) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      for (let at = 0; at + 24 <= bytes.length; at += 24) {
        if (view.getUint32(at + 8, true) !== R_X86_64_RELATIVE) continue
        words.set(this.number(view.getBigUint64(at, true)), this.number(view.getBigUint64(at + 16, true)))
      }
    }
    return words
  }
}

const R_X86_64_RELATIVE = 8
