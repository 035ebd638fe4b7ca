// Random rows, as objects have them.

import type { Random } from '@framewright/testkit'
import type { CompactUnwindRow } from '../src/index.ts'

const DWARF = 0x0400_0000

/** Rows of an image: what a linker has before it makes the section. */
export function randomRows(random: Random, count: number): CompactUnwindRow[] {
  let address = 0x1_0000_1000n
  const routines = [0n, 0n, 0n, 0x1_0900_0000n, 0x1_0900_0010n, 0x1_0900_0020n]
  const spread = random.pick([0, 0, 0x4000, 0x40_0000])
  return Array.from({ length: count }, () => {
    const length = 1 + random.below(300)
    if (random.chance(0.2)) address += BigInt(random.below(64) + spread)
    const start = address
    address += BigInt(length)
    const words = [0x01000000, 0x01010001, 0x01030161, 0x02040000, 0x03066802, DWARF, 0x82030000]
    const encoding = random.chance(0.6) ? random.pick(words) : 0x0200_0000 + (1 + random.below(255)) * 0x1_0000
    const isDwarf = encoding === DWARF
    const personality = isDwarf ? 0n : random.pick(routines)
    const languageData = personality !== 0n && random.chance(0.5) ? 0x1_0800_0000n + BigInt(random.below(9999)) : 0n
    return { start, length, encoding, personality, languageData }
  })
}
