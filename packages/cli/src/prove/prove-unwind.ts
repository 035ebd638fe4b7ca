// The unwind data of a file held against its instructions. Importing this loads iced-x86, which takes a while: only the
// command that needs it does.

import {
  RBP,
  RETURN_ADDRESS,
  RSP,
  type UnwindFormat,
  type UnwindImage,
  type UnwindRow,
} from '@framewright/frame-layout'
import {
  type Convention,
  systemV,
  type VerifiedRange,
  type VerifyInput,
  type VerifyReport,
  verifyUnwind,
  windows,
} from '@framewright/unwind-verify'
import { UsageError } from '../arguments.ts'
import type { LoadedFile, LoadedFunction } from '../listing/loaded-file.ts'
import { Addresses } from './addresses.ts'
import { dwarfRanges } from './dwarf-ranges.ts'
import { win64Ranges } from './win64-ranges.ts'

export interface ProofOptions {
  /** The convention of a function by its name: `windows_fastcall`, `system_v`; empty where unknown. */
  readonly conventions?: ReadonlyMap<string, string>
  /** Every call comes back: the code is ours. */
  readonly callsReturn?: boolean
}

export interface Proof {
  readonly report: VerifyReport
  /** Functions that nothing describes, and that are not checked therefore. */
  readonly undescribed: number
  /** Address of a number in the report. */
  address(number: number): bigint
}

/**
 * @throws the format's typed error on unwind data that are malformed.
 */
export function proveUnwind(file: LoadedFile, options: ProofOptions = {}): Proof {
  const { image, format, functions } = file
  const addresses = new Addresses(image)
  const nameAt = namesOf(functions)
  const isCoff = file.container === 'coff' || file.container === 'pe'
  // Without a single entry every function is a leaf to Windows.
  const isWindows = format?.name === 'win64' || (format === null && isCoff)
  const described = isWindows
    ? win64Ranges(image, addresses, nameAt)
    : format?.name === 'dwarf'
      ? dwarfRanges(image, addresses, nameAt)
      : format === null
        ? []
        : foreignRanges(format, image, addresses, nameAt)
  const leaves = isWindows ? leafRanges(functions, addresses) : []
  const isMixed = new Set(options.conventions?.values()).size > 1
  const named = new Map(functions.map((fn) => [addresses.number(fn.address), fn.name]))
  const ranges = [...described, ...leaves].map((range): VerifiedRange => {
    const convention = conventionOf(options.conventions?.get(named.get(range.begin) ?? '') ?? '', isWindows, isMixed)
    return convention === undefined ? range : { convention, ...range }
  })
  const input: VerifyInput = {
    ranges,
    convention: isWindows ? windows : systemV,
    readNumber: (address, bytes) => addresses.readNumber(address, bytes),
    ...(options.callsReturn === true ? { returns: () => true } : {}),
  }
  const undescribed = isWindows ? 0 : functions.filter(({ ranges }) => ranges.length === 0).length
  return { report: verifyUnwind(input), undescribed, address: (number) => addresses.address(number) }
}

/** Whatever format it is, its rows are known. Of registers that it never names it says nothing. */
function foreignRanges(
  format: UnwindFormat,
  image: UnwindImage,
  addresses: Addresses,
  nameAt: (address: bigint) => string,
): VerifiedRange[] {
  if (format.describes === 'body') {
    throw new UsageError(
      `${format.name} describes frames in the bodies of functions, which is not held against every instruction`,
    )
  }
  const named = new Set<number>([RBP])
  const ranges = format.decode(image).flatMap((range): VerifiedRange[] => {
    const begin = addresses.number(range.begin)
    const size = Number(range.end - range.begin)
    const code = addresses.bytes(begin, size)
    if (code === null || code.length < size || size === 0) return []
    const rows = range.rows()
    for (const { registers } of rows) for (const register of registers.keys()) named.add(register)
    return [{ name: nameAt(range.begin), begin, code, rows }]
  })
  const convention = { ...systemV, preserved: systemV.preserved.filter((register) => named.has(register)) }
  return ranges.map((range) => ({ ...range, convention }))
}

/** To Windows a function without an entry is a leaf: its caller is at [rsp] at every instruction. */
const LEAF: readonly UnwindRow[] = [
  {
    at: 0,
    cfa: { rule: 'register', register: RSP, offset: 8 },
    registers: new Map([[RETURN_ADDRESS, { rule: 'cfa-offset', offset: -8 }]]),
    argumentBytes: 0,
  },
]

function leafRanges(functions: readonly LoadedFunction[], addresses: Addresses): VerifiedRange[] {
  return functions.flatMap(({ name, address, codeSize, ranges, isEndGuessed }): VerifiedRange[] => {
    if (ranges.length > 0) return []
    const begin = addresses.number(address)
    const code = addresses.bytes(begin, codeSize)
    return code === null || code.length === 0 ? [] : [{ name, begin, code, rows: LEAF, openEnd: isEndGuessed }]
  })
}

/** DWARF's rows say nothing of vector registers. */
const windowsInDwarf: Convention = {
  ...windows,
  name: 'windows, general registers',
  preserved: windows.preserved.filter((register) => register < 16),
}

/** @param isMixed - calls may go to functions of either convention: those of System V are given no home area. */
function conventionOf(convention: string, isWindows: boolean, isMixed: boolean): Convention | undefined {
  if (convention === 'windows_fastcall') {
    const whole = isWindows ? windows : windowsInDwarf
    return isMixed ? { ...whole, homeArea: 0 } : whole
  }
  return convention === 'system_v' ? systemV : undefined
}

/** The function that begins at an address, or holds it: `sum`, `sum+0x40`. */
function namesOf(functions: readonly LoadedFunction[]): (address: bigint) => string {
  const sorted = [...functions].sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0))
  return (address) => {
    let low = 0
    let high = sorted.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (sorted[middle].address <= address) low = middle + 1
      else high = middle
    }
    const found = sorted[low - 1]
    if (found === undefined || address >= found.address + BigInt(found.codeSize)) return `0x${address.toString(16)}`
    const beyond = address - found.address
    return beyond === 0n ? found.name : `${found.name}+0x${beyond.toString(16)}`
  }
}
