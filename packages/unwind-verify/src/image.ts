/** The ranges of an image by address, and which of them belong together. */

import { RETURN_ADDRESS, type RegisterRule, RSP, rowAt, type UnwindRow } from '@framewright/frame-layout'
import type { CodeReader } from './decode.ts'
import type { VerifiedRange, VerifyInput } from './input.ts'
import { Flow } from './instruction.ts'

/** The instruction of one byte. */
const NOP = 0x90

export interface PlacedRange {
  readonly range: VerifiedRange
  readonly begin: number
  readonly end: number
  /** The first row is that of a function which was just called. */
  readonly isFunction: boolean
}

export class Image {
  readonly ranges: readonly PlacedRange[]

  constructor(ranges: readonly VerifiedRange[]) {
    this.ranges = ranges
      .map((range) => {
        const { begin, code } = range
        return { range, begin, end: begin + code.length, isFunction: isFunction(range) }
      })
      .sort((a, b) => a.begin - b.begin || a.end - b.end)
  }

  /** The range that begins before another one ends. */
  overlapping({ begin, end }: PlacedRange): PlacedRange | null {
    const next = this.ranges[this.indexAt(begin) + 1]
    return next !== undefined && next.begin < end ? next : null
  }

  /** Whether a part of a function begins at an address. */
  isPart(address: number): boolean {
    const range = this.ranges[this.indexAt(address)]
    return range !== undefined && range.begin === address && !range.isFunction
  }

  /** Index of the range that holds an address; -1 for none. */
  indexAt(address: number): number {
    const { ranges } = this
    let low = 0
    let high = ranges.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (ranges[middle]!.begin <= address) low = middle + 1
      else high = middle
    }
    const found = low - 1
    return found >= 0 && address < ranges[found]!.end ? found : -1
  }
}

export function rowOf({ rows }: VerifiedRange, offset: number): UnwindRow | null {
  if (typeof rows === 'function') return rows(offset)
  return rows.length === 0 ? null : rowAt(rows, offset)
}

/**
 * Nothing but a `nop` runs where the row changes: in front of a landing pad that begins a part of a function stands one,
 * because a landing pad at offset 0 would mean none.
 */
function isFunction(range: VerifiedRange): boolean {
  let at = 0
  while (range.code[at] === NOP) at++
  return isEntryRow(rowOf(range, 0)) && (at === 0 || isEntryRow(rowOf(range, at)))
}

function isEntryRow(row: UnwindRow | null): boolean {
  if (row === null) return true
  const { cfa, registers } = row
  if (cfa.rule !== 'register' || cfa.register !== RSP || cfa.offset !== 8) return false
  for (const [register, rule] of registers) {
    if (register === RETURN_ADDRESS ? !isReturnAddressOnTop(rule) : rule.rule !== 'unchanged') return false
  }
  return true
}

function isReturnAddressOnTop(rule: RegisterRule): boolean {
  return rule.rule === 'undefined' || (rule.rule === 'cfa-offset' && rule.offset === -8)
}

/** Groups of ranges between which control jumps other than to a function's begin, by index; and where calls lead. */
export interface Units {
  readonly units: readonly (readonly number[])[]
  readonly called: ReadonlySet<number>
  /** Addresses that instructions name: whatever begins there, what is in front of it ends. */
  readonly named: ReadonlySet<number>
}

export function findUnits(image: Image, reader: CodeReader, { ranges }: VerifyInput): Units {
  const parent = image.ranges.map((_, index) => index)
  const find = (index: number): number => {
    let root = index
    while (parent[root] !== root) root = parent[root]!
    parent[index] = root
    return root
  }
  const called = new Set<number>()
  const named = new Set<number>()
  const unite = (index: number, target: number): void => {
    const other = image.indexAt(target)
    if (other < 0 || other === index) return
    const { begin, isFunction } = image.ranges[other]!
    if (target !== begin || !isFunction) parent[find(index)] = find(other)
  }
  for (const [index, { range, begin, end }] of image.ranges.entries()) {
    reader.open(range.code, begin)
    for (let at = begin; at < end; ) {
      const instruction = reader.readFlow(at)
      if (instruction === null) {
        at++
        continue
      }
      const { flow, target, length, named: place } = instruction
      if (place >= 0) named.add(place)
      if (flow === Flow.call && target !== at + length) called.add(target)
      else if (flow === Flow.jump || flow === Flow.branch) unite(index, target)
      at += length
    }
    for (const { address } of range.landingPads ?? []) unite(index, address)
  }
  const groups = new Map<number, number[]>()
  for (let index = 0; index < ranges.length; index++) {
    const root = find(index)
    const group = groups.get(root)
    if (group === undefined) groups.set(root, [index])
    else group.push(index)
  }
  return { units: [...groups.values()], called, named }
}
