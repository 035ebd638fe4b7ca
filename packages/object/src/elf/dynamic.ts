// What the dynamic linker knows of a file: flags, and its symbols where the section headers were taken off. gABI, "Dynamic
// Section", "Hash Table".

import { getU32 } from '../byte-reader.ts'
import { type ImageRange, type ImageSegment, imageBytesAt } from '../linked-image.ts'
import * as elf from './constants.ts'

export interface Dynamic {
  readonly isPositionIndependentProgram: boolean
  /** Bytes of the symbol table and of the names; null where the file does not lead there. */
  readonly symbols: { readonly table: Uint8Array; readonly names: Uint8Array } | null
}

/** Reads PT_DYNAMIC. What it names and the file does not have counts as absent: the dynamic linker alone needs it. */
export function readDynamic(dynamic: ImageRange | null, segments: readonly ImageSegment[]): Dynamic {
  const tags = new Map<number, bigint>()
  const bytes = dynamic?.bytes ?? new Uint8Array(0)
  for (let at = 0; at + elf.DYN_SIZE <= bytes.length; at += elf.DYN_SIZE) {
    const tag = getU32(bytes, at)
    if (tag === elf.DT_NULL) break
    if (getU32(bytes, at + 4) === 0) tags.set(tag, big64(bytes, at + 8))
  }
  const flags = Number((tags.get(elf.DT_FLAGS_1) ?? 0n) & 0xffff_ffffn)
  return { isPositionIndependentProgram: (flags & elf.DF_1_PIE) !== 0, symbols: dynamicSymbols(tags, segments) }
}

function dynamicSymbols(tags: ReadonlyMap<number, bigint>, segments: readonly ImageSegment[]): Dynamic['symbols'] {
  const bytesOf = (tag: number): Uint8Array | null => {
    const address = tags.get(tag)
    return address === undefined ? null : imageBytesAt({ segments }, address)
  }
  const table = bytesOf(elf.DT_SYMTAB)
  const names = bytesOf(elf.DT_STRTAB)
  const namesSize = Number(tags.get(elf.DT_STRSZ) ?? 0n)
  if (table === null || names === null || namesSize > names.length) return null
  const hash = bytesOf(elf.DT_HASH)
  const gnuHash = bytesOf(elf.DT_GNU_HASH)
  // gABI, "Hash Table": nchain is the number of symbols.
  const count = hash !== null && hash.length >= 8 ? getU32(hash, 4) : gnuHash === null ? 0 : gnuHashCount(gnuHash)
  const size = count * elf.SYM_SIZE
  return size > table.length ? null : { table: table.subarray(0, size), names: names.subarray(0, namesSize) }
}

/**
 * The number of symbols that DT_GNU_HASH covers. Header: buckets, first symbol in it, words of the filter, shift; then
 * the filter, the buckets, and a word a symbol, whose low bit ends a chain. The longest chain ends at the last symbol.
 */
function gnuHashCount(bytes: Uint8Array): number {
  if (bytes.length < 16) return 0
  const buckets = getU32(bytes, 0)
  const first = getU32(bytes, 4)
  const bucketsAt = 16 + 8 * getU32(bytes, 8)
  const chainsAt = bucketsAt + 4 * buckets
  if (chainsAt > bytes.length) return 0
  let last = 0
  for (let i = 0; i < buckets; i++) last = Math.max(last, getU32(bytes, bucketsAt + 4 * i))
  if (last < first) return first
  for (let at = chainsAt + 4 * (last - first); at + 4 <= bytes.length; at += 4, last++) {
    if ((bytes[at] & 1) !== 0) return last + 1
  }
  return 0
}

function big64(bytes: Uint8Array, at: number): bigint {
  return (BigInt(getU32(bytes, at + 4)) << 32n) | BigInt(getU32(bytes, at))
}
