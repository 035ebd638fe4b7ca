// What `.pdata` of an image says, for unwind-verify.

import type { UnwindImage, UnwindRow } from '@framewright/frame-layout'
import type { LandingPad, VerifiedRange } from '@framewright/unwind-verify'
import { decodeImage, type Win64DecodedFunction } from '@framewright/unwind-win64'
import type { Addresses } from './addresses.ts'
import { landingPads } from './dwarf-ranges.ts'
import { win64Row } from './win64-rows.ts'

/** @throws Win64UnwindError on tables that are malformed. */
export function win64Ranges(
  image: UnwindImage,
  addresses: Addresses,
  nameAt: (address: bigint) => string,
): VerifiedRange[] {
  return decodeImage(image, { version3: true }).flatMap((range): VerifiedRange[] => {
    const begin = addresses.number(range.begin)
    const size = Number(range.end - range.begin)
    const code = addresses.bytes(begin, size)
    if (code === null || size === 0) return []
    const known = new Map<number, UnwindRow | null>()
    // Behind the prologue the row is one and the same but for epilogues, which most bytes cannot begin.
    const { version, parent } = range.info
    const isPlain = version === 1 && parent === null
    const bodyFrom = range.info.prologueSize
    const rows = (offset: number): UnwindRow | null => {
      const isBody = isPlain && offset >= bodyFrom && !mayBeginEpilogue(code, offset)
      const key = isBody ? BODY : offset
      let row = known.get(key)
      if (row === undefined) {
        row = rowOrNull(range.begin + BigInt(offset), offset, image)
        known.set(key, row)
      }
      return row
    }
    return [{ name: nameAt(range.begin), begin, code, rows, landingPads: padsOf(range, image, addresses) }]
  })
}

/** Stands for every offset of the body. */
const BODY = -1

/**
 * Whether an epilogue may begin there, by its first two bytes: `add rsp`, `lea rsp`, a pop, a return or a jump.
 *
 * @see unwind-win64's `recogniseEpilogue`, which knows the forms; this one may only say yes too often
 */
function mayBeginEpilogue(code: Uint8Array, offset: number): boolean {
  const first = code[offset]!
  if ((first & 0xf8) === 0x58) return true
  if ((first & 0xf0) === 0x40) {
    const second = code[offset + 1] ?? 0
    return (second & 0xf8) === 0x58 || second === 0x83 || second === 0x81 || second === 0x8d || second === 0xff
  }
  return first >= 0xc2 && (first <= 0xc3 || first >= 0xe9)
}

/** Null where the unwinder fails: nothing is said of the place. */
function rowOrNull(address: bigint, offset: number, image: UnwindImage): UnwindRow | null {
  try {
    return win64Row(address, offset, image)
  } catch (error) {
    if (error instanceof Error && error.name === 'Win64UnwindError') return null
    throw error
  }
}

/**
 * Where handlers resume. What their data are nobody says; two kinds are told apart by their first byte: the table of C++
 * (`__gxx_personality_seh0`), which begins with "landing pads count from the function" (0xff), and the scope table of
 * `__C_specific_handler`, whose number of rows comes first.
 */
function padsOf(
  { begin, end, entry, info }: Win64DecodedFunction,
  image: UnwindImage,
  addresses: Addresses,
): LandingPad[] {
  if (info.version === 3 || (info.flags & HANDLER_FLAGS) === 0) return []
  const record = addresses.find(addresses.number(image.base) + entry.unwindInfo)
  if (record === null) return []
  const { bytes, address } = record.section
  // Microsoft Learn, "struct UNWIND_INFO": the array has an even number of slots, the handler's rva follows.
  const slots = bytes[record.at + 2]!
  const at = record.at + 4 + 2 * (slots + (slots & 1)) + 4
  if (at >= bytes.length) return []
  if (bytes[at] === OMITTED) return cppPads(address + BigInt(at), begin, addresses)
  return scopePads(bytes, at, begin, end, image, addresses)
}

function cppPads(table: bigint, begin: bigint, addresses: Addresses): LandingPad[] {
  try {
    return landingPads(table, begin, addresses)
  } catch (error) {
    if (error instanceof Error && error.name === 'DwarfUnwindError') return []
    throw error
  }
}

/** Rows of begin, end, filter and target; target 0 is a `__finally`, which is called and returns. */
function scopePads(
  bytes: Uint8Array,
  at: number,
  begin: bigint,
  end: bigint,
  image: UnwindImage,
  addresses: Addresses,
): LandingPad[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const count = view.getUint32(at, true)
  if (count > (bytes.length - at - 4) / 16) return []
  const pads: LandingPad[] = []
  for (let row = at + 4; row < at + 4 + 16 * count; row += 16) {
    const [from, to, , target] = [0, 4, 8, 12].map((field) => image.base + BigInt(view.getUint32(row + field, true)))
    if (from! < begin || to! > end || from! > to!) return []
    if (target === image.base) continue
    const range = { begin: addresses.number(from!), end: addresses.number(to!) }
    pads.push({ ...range, address: addresses.number(target!), anywhere: true })
  }
  return pads
}

/** UNW_FLAG_EHANDLER, UNW_FLAG_UHANDLER. */
const HANDLER_FLAGS = 3
/** DW_EH_PE_omit. */
const OMITTED = 0xff
