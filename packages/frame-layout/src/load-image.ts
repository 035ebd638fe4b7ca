/** Puts sections at addresses and applies their relocations: what a linker or a loader would do. */

import type { LoadedSection, UnwindImage, UnwindSection } from './format.ts'

const PAGE = 0x1000n

/**
 * Places sections behind what is loaded already, a page each, and applies their relocations to copies of their bytes.
 *
 * @param base - what image-relative fields count from.
 * @param loaded - sections that have addresses already: the code.
 * @param symbols - addresses by name; symbols that are missing get addresses of their own behind everything.
 */
export function loadImage(
  base: bigint,
  loaded: readonly LoadedSection[],
  sections: readonly UnwindSection[],
  symbols: ReadonlyMap<string, bigint>,
): UnwindImage {
  const addresses = new Map(symbols)
  let next = base + PAGE
  for (const { name, address, bytes } of loaded) {
    addresses.set(name, address)
    const end = (address + BigInt(bytes.length) + PAGE) & -PAGE
    if (end > next) next = end
  }
  const placed = sections.map((section): LoadedSection => {
    const address = next
    next = (next + BigInt(section.bytes.length) + PAGE) & -PAGE
    addresses.set(section.name, address)
    return { name: section.name, address, bytes: section.bytes.slice() }
  })
  for (let i = 0; i < sections.length; i++) {
    const { address, bytes } = placed[i]!
    const view = new DataView(bytes.buffer)
    for (const { offset, kind, symbol, addend } of sections[i]!.relocations) {
      let target = addresses.get(symbol)
      if (target === undefined) {
        target = next
        next += 16n
        addresses.set(symbol, target)
      }
      const value = target + BigInt(addend)
      if (kind === 'image-relative-32') view.setInt32(offset, Number(value - base), true)
      else if (kind === 'pc-relative-32') view.setInt32(offset, Number(value - (address + BigInt(offset))), true)
      else if (kind === 'pc-relative-64') view.setBigInt64(offset, value - (address + BigInt(offset)), true)
      else if (kind === 'absolute-32') view.setUint32(offset, Number(BigInt.asUintN(32, value)), true)
      else view.setBigUint64(offset, BigInt.asUintN(64, value), true)
    }
  }
  return { base, sections: [...loaded, ...placed] }
}
