// What .pdata and .xdata say of one address, as RtlVirtualUnwind goes about it: the entry is found by bisection; where the
// code at the address is an epilogue (version 1), or the record lists one there (version 2), its rest is run; else the
// codes that were executed are undone, those of the record and of all that it is chained to.

import { RETURN_ADDRESS, type RegisterRule, RSP, rowAt, type UnwindRow } from '@framewright/frame-layout'
import {
  decodeUnwindInfo,
  isEpilogue,
  type RecognisedEpilogue,
  type RuntimeFunction,
  recogniseEpilogue,
  type UnwindCode,
  type UnwindInfo,
  UWOP_ALLOC_SMALL,
  UWOP_PUSH_NONVOL,
  UWOP_SAVE_NONVOL,
  UWOP_SAVE_NONVOL_FAR,
  UWOP_SAVE_XMM128,
  UWOP_SAVE_XMM128_FAR,
  type Win64DecodedFunction,
  Win64UnwindError,
  win64Format,
} from '@framewright/unwind-win64'
import type { Disassembler, Instruction } from '../listing/disassemble.ts'
import type { FileSection, LoadedFile } from '../listing/loaded-file.ts'
import { epilogueRow } from '../listing/win64-epilogues.ts'
import { unwindInfoFields } from '../listing/win64-fields.ts'
import { type Explanation, type Group, type Reason, rowGroups } from './explanation.ts'

/** At most that many chained records; the system gives up after 32. */
const MAX_CHAIN = 32

/** Of a record: where it lies, and its codes beside the bytes that they are. */
interface PlacedRecord {
  readonly entry: RuntimeFunction
  readonly section: FileSection
  readonly offset: number
  readonly info: UnwindInfo
  readonly codes: readonly { readonly code: UnwindCode; readonly reason: Reason }[]
}

/**
 * None where the file has no function table. A function without an entry is a leaf.
 *
 * @throws Win64UnwindError on malformed data.
 */
export function explainWin64(
  file: LoadedFile,
  address: bigint,
  place: (address: bigint) => string,
  disassemble: Disassembler,
): Explanation[] {
  if (!file.sections.some(({ name, bytes }) => name.startsWith('.pdata') && bytes.length > 0)) return []
  const ranges = win64Format.decode(file.image)
  const range = ranges.find(({ begin, end }) => address >= begin && address < end)
  return [range === undefined ? leaf() : new Win64Explainer(file, ranges, range, place, disassemble).explain(address)]
}

function leaf(): Explanation {
  const row: UnwindRow = {
    ...{ at: 0, cfa: { rule: 'register', register: RSP, offset: 8 } as const, argumentBytes: 0 },
    registers: new Map([[RETURN_ADDRESS, { rule: 'cfa-offset', offset: -8 } as const]]),
  }
  return {
    ...{ format: 'win64', source: '.pdata', row, from: null, to: null },
    summary: 'no entry covers it: to Windows it is in a leaf, its caller is at [rsp]',
    groups: rowGroups(row, () => []),
    words: [],
  }
}

class Win64Explainer {
  readonly #file: LoadedFile
  readonly #ranges: readonly Win64DecodedFunction[]
  readonly #range: Win64DecodedFunction
  readonly #place: (address: bigint) => string
  readonly #disassemble: Disassembler

  constructor(
    file: LoadedFile,
    ranges: readonly Win64DecodedFunction[],
    range: Win64DecodedFunction,
    place: (address: bigint) => string,
    disassemble: Disassembler,
  ) {
    this.#file = file
    this.#ranges = ranges
    this.#range = range
    this.#place = place
    this.#disassemble = disassemble
  }

  explain(address: bigint): Explanation {
    const { begin, end } = this.#range
    const chain = this.#chain()
    const [own] = chain
    const offset = Number(address - begin)
    const where = `.pdata+${this.#tableOffset().toString(16)} covers ${this.#place(begin)} to ${this.#place(end)}; its record is at ${own.section.name}+${own.offset.toString(16)}`
    const groups: Group[] = [
      { name: 'found', value: '', reasons: [this.#entryReason()] },
      ...chain.map((record, index): Group => {
        const { prologueSize, frameRegister, version } = record.info
        const framed = frameRegister === 0 ? '' : ', with a frame register'
        const value = `version ${version}, a prologue of ${prologueSize} bytes${framed}`
        return { name: index === 0 ? 'record' : 'chained to', value, reasons: this.#header(record) }
      }),
    ]
    const common = { format: 'win64', source: '.pdata', words: [] }
    const epilogue = own.info.version === 2 ? this.#listed(chain, offset) : this.#recognised(own, address)
    if (epilogue !== null) {
      groups.push({ name: 'epilogue', value: epilogue.value, reasons: epilogue.reasons })
      groups.push(...rowGroups(epilogue.row, () => []))
      return {
        ...common,
        summary: `${where}; in an epilogue`,
        ...{ row: epilogue.row, from: address, to: epilogue.next, groups },
      }
    }
    const rows = this.#range.rows()
    const row = rowAt(rows, offset)
    const next = rows[rows.indexOf(row) + 1]
    groups.push(...this.#codes(chain, address, row))
    const part = offset < own.info.prologueSize ? 'the prologue' : 'the body'
    return {
      ...common,
      summary: `${where}; in ${part}`,
      row,
      from: begin + BigInt(row.at),
      // Behind the prologue the row holds wherever no epilogue is, and only the code says where those are.
      to: next === undefined ? null : begin + BigInt(next.at),
      groups,
    }
  }

  /** The record of the range, and those that it is chained to. */
  #chain(): [PlacedRecord, ...PlacedRecord[]] {
    const chain: [PlacedRecord, ...PlacedRecord[]] = [this.#record(this.#range.entry)]
    for (let { parent } = chain[0].info; parent !== null && chain.length <= MAX_CHAIN; ) {
      const record = this.#record(parent)
      chain.push(record)
      parent = record.info.parent
    }
    return chain
  }

  #record(entry: RuntimeFunction): PlacedRecord {
    const { sections, image } = this.#file
    const address = image.base + BigInt(entry.unwindInfo)
    const section = sections.find(
      (each) => address >= each.address && address < each.address + BigInt(each.bytes.length),
    )
    if (section === undefined) throw new Win64UnwindError({ code: 'unreadable', address, what: 'UNWIND_INFO' })
    const offset = Number(address - section.address)
    const info = decodeUnwindInfo(section.bytes, offset)
    // The fields of the codes are as many as the codes, and in their order.
    const fields = unwindInfoFields(section.stored, offset).filter(({ name }) => name.startsWith('UWOP_'))
    const own = fields.slice(fields.length - info.codes.length)
    const codes = info.codes.map((code, index) => ({ code, reason: { ...own[index], section: section.name } }))
    return { entry, section, offset, info, codes }
  }

  #tableSection(): FileSection {
    return this.#file.sections.find(({ name }) => name.startsWith('.pdata')) as FileSection
  }

  /** Where in the table the entry stands. */
  #tableOffset(): number {
    const { bytes } = this.#tableSection()
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const begin = Number(this.#range.begin - this.#file.image.base)
    let at = 0
    while (at + 12 < bytes.length && view.getUint32(at, true) !== begin) at += 12
    return at
  }

  #entryReason(): Reason {
    const { name, stored } = this.#tableSection()
    const offset = this.#tableOffset()
    const { begin, end, entry } = this.#range
    const record = this.#file.image.base + BigInt(entry.unwindInfo)
    const words = this.#file.kind === 'image' ? `, 0x${record.toString(16)}` : ''
    return {
      ...{ section: name, offset, bytes: stored.subarray(offset, offset + 12), name: 'RUNTIME_FUNCTION' },
      meaning: `${this.#place(begin)} to ${this.#place(end)}${words}`,
    }
  }

  /** The four bytes in front of the codes. */
  #header({ section, offset }: PlacedRecord): Reason[] {
    const [versionAndFlags, size, , frame] = unwindInfoFields(section.stored, offset)
    return [versionAndFlags, size, frame].map((field) => ({ ...field, section: section.name }))
  }

  /** What was executed is undone, and what was not is skipped. */
  #codes(chain: readonly PlacedRecord[], address: bigint, row: UnwindRow): Group[] {
    const rva = Number(address - this.#file.image.base)
    const done: { readonly code: UnwindCode; readonly reason: Reason }[] = []
    const skipped: Reason[] = []
    for (const { entry, codes } of chain) {
      // An address in front of the range of a parent counts as behind its prologue.
      const offset = (rva - entry.begin) >>> 0
      for (const each of codes) {
        if (offset >= each.code.codeOffset) done.push(each)
        else skipped.push(each.reason)
      }
    }
    const groups = rowGroups(row, (register) =>
      done.filter(({ code }) => (register === 'cfa' ? movesStack(code) : savedBy(code) === register)).map(reasonOf),
    )
    if (skipped.length > 0) groups.push({ name: 'skipped', value: 'not executed yet', reasons: skipped })
    return groups
  }

  /** The instructions of an epilogue from the address on, in version 1. */
  #recognised({ info, entry }: PlacedRecord, address: bigint): Epilogue | null {
    const { section, offset } = this.#code(address)
    const leaves = (target: number): boolean =>
      this.#leaves(entry, info, Number(address - this.#file.image.base) + target)
    const found = recogniseEpilogue((at) => section.bytes[offset + at], info.frameRegister, leaves)
    if (!isEpilogue(found)) return null
    const instructions = this.#instructions(address, found)
    return {
      value: 'the code is one of the forms that Windows knows; it runs the rest of it and undoes no code',
      reasons: instructions.map(({ offset: at, bytes, text }) => {
        return { section: section.name, offset: offset + at, bytes, name: text, meaning: '' }
      }),
      row: epilogueRow(found, Number(address - this.#range.begin)),
      next: address + BigInt(instructions[0]?.bytes.length ?? 1),
    }
  }

  #code(address: bigint): { section: FileSection; offset: number } {
    const section = this.#file.sections.find(
      (each) => each.isCode && address >= each.address && address < each.address + BigInt(each.bytes.length),
    ) as FileSection
    return { section, offset: Number(address - section.address) }
  }

  #instructions(address: bigint, { length }: RecognisedEpilogue): readonly Instruction[] {
    const { section, offset } = this.#code(address)
    const code = section.stored.subarray(offset, offset + length)
    const { image, functions, kind } = this.#file
    const nameOf = functions[0]?.place?.nameOf ?? (() => null)
    return this.#disassemble({
      ...{ name: '', aliases: [], section: section.name, sectionIndex: 0, offset, code, codeSize: length },
      ...{ isEndGuessed: false, relocations: [], rows: null, record: null },
      ...(kind === 'image' ? { place: { address: image.base + (address - image.base), nameOf } } : {}),
    }).instructions
  }

  /** A jump leaves when it goes outside the range and not to another range of the function, or to the function's start. */
  #leaves(entry: RuntimeFunction, info: UnwindInfo, target: number): boolean {
    if (target >= entry.begin && target < entry.end) return target === entry.begin && info.parent === null
    const address = this.#file.image.base + BigInt(target >>> 0)
    const other = this.#ranges.find(({ begin, end }) => address >= begin && address < end)
    if (other === undefined) return true
    const primary = this.#primary(entry)
    return this.#primary(other.entry) !== primary || target === primary
  }

  /** Where the function begins whose range this is. */
  #primary(entry: RuntimeFunction): number {
    let current = entry
    for (let links = 0; links <= MAX_CHAIN; links++) {
      const { parent } = this.#record(current).info
      if (parent === null) break
      current = parent
    }
    return current.begin
  }

  /** Version 2: where the record lists an epilogue, the pushes are undone that no pop has undone yet. */
  #listed(chain: readonly PlacedRecord[], offset: number): Epilogue | null {
    const [own] = chain
    const { epilogues } = own.info
    if (epilogues === null) return null
    const size = own.entry.end - own.entry.begin
    const starts = epilogues.distances.map((distance) => size - distance)
    if (epilogues.atEnd) starts.push(size - epilogues.size)
    const start = starts.find((each) => offset >= each && offset < each + epilogues.size)
    if (start === undefined) return null
    // The record with the pushes may be further up the chain.
    const pushed = chain.find(({ codes }) => codes.some(({ code }) => code.operation === UWOP_PUSH_NONVOL)) ?? own
    const first = pushed.codes.findIndex(({ code }) => code.operation === UWOP_PUSH_NONVOL)
    const codes = first < 0 ? [] : pushed.codes.slice(first)
    let skipped = offset - start
    const reasons: Reason[] = []
    const pops: number[] = []
    let i = 0
    for (; i < codes.length && codes[i].code.operation === UWOP_PUSH_NONVOL; i++) {
      const { code, reason } = codes[i]
      const length = code.info < 8 ? 1 : 2
      if (skipped >= length) skipped -= length
      else {
        pops.push(code.info)
        reasons.push(reason)
      }
    }
    const last = codes[i]
    const flags = last !== undefined && last.code.operation === UWOP_ALLOC_SMALL && last.code.info === 0 && skipped < 1
    if (flags) reasons.push(last.reason)
    const cfa = 8 * pops.length + (flags ? 8 : 0) + 8
    const saved = pops.map((register, index): [number, RegisterRule] => {
      return [register, { rule: 'cfa-offset', offset: 8 * index - cfa }]
    })
    const row: UnwindRow = {
      ...{ at: offset, cfa: { rule: 'register', register: RSP, offset: cfa }, argumentBytes: 0 },
      registers: new Map([...saved.sort(([a], [b]) => a - b), [RETURN_ADDRESS, { rule: 'cfa-offset', offset: -8 }]]),
    }
    const fields = unwindInfoFields(own.section.stored, own.offset).filter(({ name }) => name === 'UWOP_EPILOG')
    return {
      value: `the record lists one from ${this.#place(this.#range.begin + BigInt(start))} on; what it has not popped yet is undone`,
      reasons: [...fields.map((field) => ({ ...field, section: own.section.name })), ...reasons],
      ...{ row, next: null },
    }
  }
}

interface Epilogue {
  readonly value: string
  readonly reasons: readonly Reason[]
  readonly row: UnwindRow
  /** Where the row ends. */
  readonly next: bigint | null
}

function reasonOf({ reason }: { readonly reason: Reason }): Reason {
  return reason
}

function movesStack({ operation }: UnwindCode): boolean {
  return ![UWOP_SAVE_NONVOL, UWOP_SAVE_NONVOL_FAR, UWOP_SAVE_XMM128, UWOP_SAVE_XMM128_FAR].includes(operation)
}

/** The register that a code gives back; -1 for none. */
function savedBy({ operation, info }: UnwindCode): number {
  switch (operation) {
    case UWOP_PUSH_NONVOL:
    case UWOP_SAVE_NONVOL:
    case UWOP_SAVE_NONVOL_FAR:
      return info
    case UWOP_SAVE_XMM128:
    case UWOP_SAVE_XMM128_FAR:
      return info + 16
    default:
      return -1
  }
}
