/**
 * Function tables and images: everything that the system would refuse or misread, as a list. Nothing is thrown, and bytes
 * that are no unwind data are findings like any other; time and memory are bounded by the size of the image.
 */

import type { UnwindImage } from '@framewright/frame-layout'
import { slotsOf, UWOP_EPILOG } from './constants.ts'
import { Win64UnwindError, type Win64UnwindProblem } from './errors.ts'
import type { Finding, Report } from './finding.ts'
import { type AnyUnwindInfo, ImageReader, MAX_CHAIN, type PlacedInfo } from './image.ts'
import { isEpilogue, recogniseEpilogue } from './recognise.ts'
import { decodeScopeTable, scopeFaults } from './scope-table.ts'
import { type RuntimeFunction, readU32, type UnwindInfo } from './unwind-info.ts'
import { validateUnwindInfo } from './validate-info.ts'

/** What an image may hold. */
export interface ValidateImageOptions {
  /** Whether records of version 3 are read; a finding when left out. */
  readonly version3?: boolean
  /** Addresses of `__C_specific_handler` (and thunks to it): data behind them are scope tables. */
  readonly specificHandlers?: ReadonlySet<bigint>
}

/** @returns what is wrong with the bytes of a function table; empty: nothing. */
export function validateFunctionTable(bytes: Uint8Array): Finding[] {
  const findings: Finding[] = []
  checkTable(bytes, 0, reporter(findings), () => false)
  return findings
}

/**
 * Every table of an image with all records, chains, handlers, and, where code is in the image, what the code says.
 *
 * @returns findings in the order of the tables; empty: nothing is wrong.
 */
export function validateImage(image: UnwindImage, options: ValidateImageOptions = {}): Finding[] {
  return new ImageValidator(image, options).validate()
}

function reporter(findings: Finding[]): Report {
  return (severity, code, at, message, cure) => {
    findings.push({ severity, code, at, message, cure })
  }
}

/** @param related - whether one of two overlapping entries chains to the other. */
function checkTable(
  bytes: Uint8Array,
  start: number,
  report: Report,
  related: (a: RuntimeFunction, b: RuntimeFunction) => boolean,
): RuntimeFunction[] {
  if (bytes.length % 12 !== 0) {
    report('error', 'table-size', start, `${bytes.length} bytes are no multiple of 12`, 'write 12 bytes for each range')
  }
  const entries: RuntimeFunction[] = []
  let unsorted = false
  for (let at = 0; at + 12 <= bytes.length; at += 12) {
    const entry = { begin: readU32(bytes, at), end: readU32(bytes, at + 4), unwindInfo: readU32(bytes, at + 8) }
    if (entry.end <= entry.begin) {
      report(
        'warning',
        'empty-range',
        start + at,
        `the range ${rangeText(entry)} is empty`,
        'leave the entry out, or correct its end',
      )
    }
    if ((entry.unwindInfo & 2) !== 0) {
      const message = `the record at 0x${entry.unwindInfo.toString(16)} is not aligned to 4 bytes`
      report(
        'error',
        'misaligned-record',
        start + at,
        message,
        'align UNWIND_INFO to 4 bytes: the low bits have a meaning of their own',
      )
    }
    const before = entries.at(-1)
    if (before !== undefined && entry.begin < before.begin && !unsorted) {
      unsorted = true
      const message = `the range ${rangeText(entry)} stands behind ${rangeText(before)}`
      report('error', 'unsorted', start + at, message, 'sort the table by begin: the system bisects it')
    }
    entries.push(entry)
  }
  const sorted = entries.map((entry, index) => ({ entry, index })).sort((a, b) => a.entry.begin - b.entry.begin)
  let reach: (typeof sorted)[number] | null = null
  for (const one of sorted) {
    if (reach !== null && one.entry.begin < reach.entry.end && one.entry.end > one.entry.begin) {
      const both = `${rangeText(one.entry)} and ${rangeText(reach.entry)}`
      const at = start + 12 * one.index
      if (related(one.entry, reach.entry)) {
        const cure = "cut the parent's range where the child's begins, and go on behind it with a record chained to it"
        report(
          'error',
          'parent-covers-child',
          at,
          `the ranges ${both} overlap, and one chains to the other: the system may find the parent`,
          cure,
        )
      } else report('error', 'overlap', at, `the ranges ${both} overlap`, 'give each byte to one range')
    }
    if (reach === null || one.entry.end > reach.entry.end) reach = one
  }
  return entries
}

const rangeText = ({ begin, end }: RuntimeFunction): string => `0x${begin.toString(16)}..0x${end.toString(16)}`

/** What to do about a record that cannot be read. */
const malformedCures: Partial<Record<Win64UnwindProblem['code'], string>> = {
  unreadable: 'let the entry name a record in the image',
  truncated: 'correct the number of slots, or give the section the bytes that are missing',
  'bad-version': 'write version 1 or 2; version 3 is a preview that no system reads yet',
  'bad-flags': 'leave the handler to the first record of the chain: the system takes it from there',
  'bad-operation': 'use the operations of the version alone: the system gives up at any other',
  'bad-code-order': 'list codes by falling offset, the last action of the prologue first',
}

/** A record that has been read, or why not. */
type Read = { readonly placed: PlacedInfo } | { readonly error: Win64UnwindError }

class ImageValidator {
  readonly #reader: ImageReader
  readonly #image: UnwindImage
  readonly #options: ValidateImageOptions
  readonly #findings: Finding[] = []
  readonly #report: Report = reporter(this.#findings)
  readonly #read: Map<number, Read> = new Map()
  /** Begins of the ranges in the tables, with their ends. */
  readonly #listed: Map<number, number> = new Map()
  /** Ranges of each function, by the begin of its primary entry. */
  readonly #functions: Map<number, RuntimeFunction[]> = new Map()

  constructor(image: UnwindImage, options: ValidateImageOptions) {
    this.#image = image
    this.#reader = new ImageReader(image, options.version3 ?? false)
    this.#options = options
  }

  validate(): Finding[] {
    const all: { entry: RuntimeFunction; at: number }[] = []
    for (const { name, address, bytes } of this.#image.sections) {
      if (!name.startsWith('.pdata')) continue
      const start = Number(address - this.#image.base)
      const entries = checkTable(bytes, start, this.#report, (a, b) => this.#chainsTo(a, b) || this.#chainsTo(b, a))
      entries.forEach((entry, i) => {
        all.push({ entry, at: start + 12 * i })
        this.#listed.set(entry.begin, entry.end)
        const primary = this.#chain(entry).at(-1)!.entry.begin
        const ranges = this.#functions.get(primary)
        if (ranges === undefined) this.#functions.set(primary, [entry])
        else ranges.push(entry)
      })
    }
    const checked = new Set<string>()
    for (const { entry, at } of all) this.#checkEntry(entry, at, checked)
    return this.#findings
  }

  #info(rva: number): Read {
    let read = this.#read.get(rva)
    if (read === undefined) {
      try {
        read = { placed: this.#reader.info(rva) }
      } catch (error) {
        if (!(error instanceof Win64UnwindError)) throw error
        read = { error }
      }
      this.#read.set(rva, read)
    }
    return read
  }

  /** The entry and its parents, as far as they can be followed; no more than the system would. */
  #chain(entry: RuntimeFunction): { readonly entry: RuntimeFunction; readonly info: AnyUnwindInfo | null }[] {
    const chain: { entry: RuntimeFunction; info: AnyUnwindInfo | null }[] = []
    let current: RuntimeFunction | null = this.#direct(entry)
    while (current !== null && chain.length <= MAX_CHAIN) {
      const read: Read = this.#info(current.unwindInfo)
      const info: AnyUnwindInfo | null = 'placed' in read ? read.placed.info : null
      chain.push({ entry: current, info })
      current = info === null ? null : info.parent
    }
    return chain
  }

  /** What an indirect entry stands for. */
  #direct(entry: RuntimeFunction): RuntimeFunction {
    if ((entry.unwindInfo & 1) === 0) return entry
    try {
      return this.#reader.entry(entry.unwindInfo - 1)
    } catch (error) {
      if (!(error instanceof Win64UnwindError)) throw error
      return entry
    }
  }

  #chainsTo(child: RuntimeFunction, parent: RuntimeFunction): boolean {
    return this.#chain(child)
      .slice(1)
      .some(({ entry }) => entry.begin === parent.begin)
  }

  /** @param checked - records that have been looked at, with the size of their range. */
  #checkEntry(listed: RuntimeFunction, at: number, checked: Set<string>): void {
    const entry = this.#direct(listed)
    if ((entry.unwindInfo & 1) !== 0) {
      const place = `0x${(listed.unwindInfo - 1).toString(16)}`
      const cure = 'let it name an entry that has a record'
      this.#report('error', 'indirect-twice', at, `the indirect entry names ${place}, which has no record either`, cure)
      return
    }
    const read = this.#info(entry.unwindInfo)
    if ('error' in read) {
      const { problem, message } = read.error
      const code = problem.code === 'unreadable' ? 'unreadable' : 'malformed'
      this.#report('error', code, entry.unwindInfo, message, malformedCures[problem.code] ?? 'write the record anew')
      return
    }
    const chain = this.#chain(entry)
    const { info } = read.placed
    const rangeSize = entry.end - entry.begin
    const key = `${entry.unwindInfo} ${rangeSize}`
    if (!checked.has(key)) {
      checked.add(key)
      const parents = chain.slice(1).flatMap((link) => (link.info === null ? [] : [link.info]))
      const options = { rangeSize, parents, at: entry.unwindInfo, ...this.#epilogueSlots(info, entry.unwindInfo) }
      this.#findings.push(...validateUnwindInfo(info, options))
    }
    this.#checkChain(chain, at)
    this.#checkHandler(entry, read.placed)
    this.#checkCode(entry, info)
  }

  #checkChain(
    chain: readonly { readonly entry: RuntimeFunction; readonly info: AnyUnwindInfo | null }[],
    at: number,
  ): void {
    if (chain.length > MAX_CHAIN) {
      const message = `more than ${MAX_CHAIN} chained records, or a circle of them`
      this.#report('error', 'chain-too-long', at, message, 'chain to the record with the prologue directly')
      return
    }
    const last = chain.at(-1)!
    if (last.info === null && chain.length > 1) {
      const read = this.#info(last.entry.unwindInfo)
      const message = 'error' in read ? read.error.message : ''
      this.#report(
        'error',
        'unreadable',
        last.entry.unwindInfo,
        `the parent: ${message}`,
        'let the chain name a record in the image',
      )
      return
    }
    const parent = chain[1]?.entry
    if (parent !== undefined && this.#listed.get(parent.begin) !== parent.end) {
      const message = `the parent's range ${rangeText(parent)} is in no table`
      this.#report('warning', 'parent-unlisted', at, message, "copy the parent's entry as it is in the table")
    }
  }

  /** Stored slots of EPILOG codes: all slots without those of the prologue's codes. */
  #epilogueSlots(info: AnyUnwindInfo, rva: number): { epilogueSlots?: number } {
    if (info.version !== 2) return {}
    let slots = this.#reader.byte(this.#image.base + BigInt(rva) + 2n) ?? 0
    for (const code of (info as UnwindInfo).codes) {
      if (code.operation !== UWOP_EPILOG) slots -= slotsOf(code.operation, code.info)
    }
    return { epilogueSlots: slots }
  }

  #checkHandler(entry: RuntimeFunction, { info, handlerData }: PlacedInfo): void {
    if ((info.flags & 3) === 0) return
    const { base } = this.#image
    const handler = base + BigInt(info.handler)
    const at = entry.unwindInfo
    if (info.handler === 0 || this.#reader.byte(handler) === undefined) {
      const message = `the handler at 0x${info.handler.toString(16)} is not in the image`
      const cure = 'let it lie above the base, in code that is there; a thunk reaches any other'
      this.#report(info.handler === 0 ? 'error' : 'warning', 'handler-outside', at, message, cure)
    }
    if (this.#options.specificHandlers?.has(handler) !== true) return
    try {
      const { bytes, at: place } = this.#reader.locate(handlerData, 'a scope table')
      const rows = decodeScopeTable(bytes, place)
      const primary = this.#chain(entry).at(-1)!.entry.begin
      for (const { index, why } of scopeFaults(rows, this.#functions.get(primary) ?? [entry])) {
        this.#report(
          'error',
          'scope',
          handlerData + 4 + 16 * index,
          `scope ${index}: ${why}`,
          'list scopes of the function, inner before outer',
        )
      }
    } catch (error) {
      if (!(error instanceof Win64UnwindError)) throw error
      this.#report('error', 'scope', handlerData, error.message, 'write the count of rows that are there')
    }
  }

  /** What bytes of code can be seen to say without a disassembler: calls at the end, and in front of epilogues. */
  #checkCode(entry: RuntimeFunction, info: AnyUnwindInfo): void {
    const start = this.#image.base + BigInt(entry.begin)
    const size = entry.end - entry.begin
    const section = this.#image.sections.find(
      ({ address, bytes }) => start >= address && start + BigInt(size) <= address + BigInt(bytes.length),
    )
    if (section === undefined) return
    const from = Number(start - section.address)
    const code = section.bytes.subarray(from, from + size)
    if (this.#callAt(code, size - 5, entry) === 5 || this.#callAt(code, size - 6, entry) === 6) {
      const message = 'the last instruction looks like a call: its return address is outside the range'
      this.#report('warning', 'ends-with-call', entry.end, message, 'put int3 or nop behind it')
    }
    // A handler is not called where the return address is in an epilogue.
    if (info.version !== 1 || (info.flags & 3) === 0) return
    for (let at = 0; at < size; at++) {
      const length = this.#callAt(code, at, entry)
      if (length === 0) continue
      const behind = at + length
      const found = recogniseEpilogue(
        (offset) => code[behind + offset],
        info.frameRegister,
        (target) => !this.#staysIn(entry, entry.begin + behind + target),
      )
      if (isEpilogue(found) && behind < size) {
        const message = 'a call stands directly in front of an epilogue: the handler is not called for it'
        this.#report('note', 'call-before-epilogue', entry.begin + at, message, 'put a nop between')
      }
    }
  }

  #staysIn(entry: RuntimeFunction, target: number): boolean {
    const primary = this.#chain(entry).at(-1)!.entry.begin
    const ranges = this.#functions.get(primary) ?? [entry]
    return target !== primary && ranges.some(({ begin, end }) => target >= begin && target < end)
  }

  /** Length of a direct call, or one through memory, whose target is in the image; 0 for anything else. */
  #callAt(code: Uint8Array, at: number, entry: RuntimeFunction): number {
    if (at < 0) return 0
    const length = code[at] === 0xe8 ? 5 : code[at] === 0xff && code[at + 1] === 0x15 ? 6 : 0
    if (length === 0 || at + length > code.length) return 0
    const target = entry.begin + at + length + (readU32(code, at + length - 4) | 0)
    return this.#reader.byte(this.#image.base + BigInt(target)) === undefined ? 0 : length
  }
}
