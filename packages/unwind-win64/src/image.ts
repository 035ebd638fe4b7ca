/** Sections at their addresses, read as the system reads them: by distance from the image base. */

import type { LoadedSection, UnwindImage } from '@framewright/frame-layout'
import { decodeUnwindInfo } from './decode.ts'
import { Win64UnwindError } from './errors.ts'
import { type RuntimeFunction, readU32, trailerOffset, type UnwindInfo } from './unwind-info.ts'
import { decodeUnwindInfo3, trailerOffset3, type UnwindInfo3 } from './version-3.ts'

/** A record of any version. */
export type AnyUnwindInfo = UnwindInfo | UnwindInfo3

/** At most that many chained records; the system gives up after 32. */
export const MAX_CHAIN = 32

/** A record and where it lies. */
export interface PlacedInfo {
  readonly info: AnyUnwindInfo
  /** Distance of the handler's data from the image base; 0 without a handler. */
  readonly handlerData: number
}

/** Reads code, tables and records of an image. */
export class ImageReader {
  readonly base: bigint
  readonly #sections: readonly LoadedSection[]
  readonly #version3: boolean

  /** @param version3 - whether records of version 3 are read; refused otherwise. */
  constructor(image: UnwindImage, version3: boolean = false) {
    this.base = image.base
    this.#sections = image.sections
    this.#version3 = version3
  }

  /** One byte at an address, or undefined. */
  byte(address: bigint): number | undefined {
    for (const section of this.#sections) {
      const offset = address - section.address
      if (offset >= 0n && offset < BigInt(section.bytes.length)) return section.bytes[Number(offset)]
    }
    return undefined
  }

  /** The section that holds a distance from the base, and where in it. @throws Win64UnwindError 'unreadable'. */
  locate(rva: number, what: string): { bytes: Uint8Array; at: number } {
    const address = this.base + BigInt(rva)
    for (const section of this.#sections) {
      const offset = address - section.address
      if (offset >= 0n && offset < BigInt(section.bytes.length)) return { bytes: section.bytes, at: Number(offset) }
    }
    throw new Win64UnwindError({ code: 'unreadable', address, what })
  }

  /** @throws Win64UnwindError for a malformed record, or one that is not in the image. */
  info(rva: number): PlacedInfo {
    const { bytes, at } = this.locate(rva, 'UNWIND_INFO')
    if (this.#version3 && (bytes[at]! & 7) === 3) {
      const info = decodeUnwindInfo3(bytes, at)
      return { info, handlerData: (info.flags & 3) === 0 ? 0 : rva + trailerOffset3(bytes, at) + 4 }
    }
    const info = decodeUnwindInfo(bytes, at)
    return { info, handlerData: (info.flags & 3) === 0 ? 0 : rva + trailerOffset(bytes, at) + 4 }
  }

  /** A RUNTIME_FUNCTION anywhere in the image, as indirect entries name it. */
  entry(rva: number): RuntimeFunction {
    const { bytes, at } = this.locate(rva, 'RUNTIME_FUNCTION')
    if (at + 12 > bytes.length) {
      throw new Win64UnwindError({ code: 'truncated', at, needed: 12, what: 'RUNTIME_FUNCTION' })
    }
    return { begin: readU32(bytes, at), end: readU32(bytes, at + 4), unwindInfo: readU32(bytes, at + 8) }
  }

  /** The entry at the end of a chain: what tells functions apart. @throws Win64UnwindError 'chain-too-long'. */
  primary(entry: RuntimeFunction): RuntimeFunction {
    let current = entry
    for (let links = 0; links <= MAX_CHAIN; links++) {
      const { parent } = this.info(current.unwindInfo).info
      if (parent === null) return current
      current = parent
    }
    throw new Win64UnwindError({ code: 'chain-too-long', links: MAX_CHAIN })
  }

  /** The bytes of all `.pdata` sections. */
  tables(): Uint8Array[] {
    return this.#sections.filter((section) => section.name.startsWith('.pdata')).map((section) => section.bytes)
  }

  /**
   * The entry for an address by bisection, as the system does it; of an indirect entry (bit 0 of `unwindInfo`) the one
   * that it names.
   */
  find(address: bigint): RuntimeFunction | null {
    const rva = Number(address - this.base)
    for (const table of this.tables()) {
      let low = 0
      let high = Math.floor(table.length / 12) - 1
      while (low <= high) {
        const middle = (low + high) >> 1
        if (rva < readU32(table, middle * 12)) high = middle - 1
        else if (rva >= readU32(table, middle * 12 + 4)) low = middle + 1
        else {
          const entry = {
            begin: readU32(table, middle * 12),
            end: readU32(table, middle * 12 + 4),
            unwindInfo: readU32(table, middle * 12 + 8),
          }
          return (entry.unwindInfo & 1) === 0 ? entry : this.entry(entry.unwindInfo - 1)
        }
      }
    }
    return null
  }
}
