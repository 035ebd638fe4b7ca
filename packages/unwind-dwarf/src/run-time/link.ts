/** Relocations of a section whose place is known: what a linker does at its end. */

import type { AddressBytes } from '../architecture.ts'
import { DwarfUnwindError } from '../errors.ts'
import type { DwarfSection } from '../frame-section.ts'
import type { DwarfRelocation } from '../pointer-encoding.ts'

/**
 * The section's bytes at an address.
 *
 * @param addresses - by the names that relocations have: sections and symbols. The section's own is added.
 * @throws DwarfUnwindError `no-address` for a name that is missing, `out-of-reach` for a field that is too small.
 */
export function linkSection(
  section: DwarfSection,
  address: bigint,
  addresses: ReadonlyMap<string, bigint>,
  addressBytes: AddressBytes = 8,
): Uint8Array {
  const bytes = section.bytes.slice()
  const view = new DataView(bytes.buffer)
  for (const { offset, kind, symbol, addend } of section.relocations) {
    const target = symbol === section.name ? address : addresses.get(symbol)
    if (target === undefined) throw new DwarfUnwindError({ code: 'no-address', symbol })
    const place = kind.startsWith('pc-relative') ? address + BigInt(offset) : 0n
    // With addresses of 4 bytes everything is in reach: distances wrap.
    const value = BigInt.asIntN(8 * addressBytes, target + BigInt(addend) - place)
    if (!fits(value, kind)) {
      throw new DwarfUnwindError({ code: 'out-of-reach', symbol, distance: value }, { in: 'section', offset })
    }
    if (kind.endsWith('64')) view.setBigInt64(offset, value, true)
    else if (kind.endsWith('32')) view.setUint32(offset, Number(BigInt.asUintN(32, value)), true)
    else view.setUint16(offset, Number(BigInt.asUintN(16, value)), true)
  }
  return bytes
}

function fits(value: bigint, kind: DwarfRelocation['kind']): boolean {
  switch (kind) {
    case 'pc-relative-32':
      return value === BigInt.asIntN(32, value)
    case 'pc-relative-16':
      return value === BigInt.asIntN(16, value)
    case 'absolute-32':
      return value === BigInt.asUintN(32, value) || value === BigInt.asIntN(32, value)
    case 'absolute-16':
      return value === BigInt.asUintN(16, value) || value === BigInt.asIntN(16, value)
    case 'pc-relative-64':
    case 'absolute-64':
      return true
  }
}
