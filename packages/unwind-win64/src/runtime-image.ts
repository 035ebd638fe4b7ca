/**
 * Code made at run time, with its unwind data, as one stretch of memory that can be registered with the system:
 *
 *   base  code: functions, and thunks to handlers that lie elsewhere | unwind information | function table
 *
 * Each region begins on a page of its own, so that code can be executable and the rest read-only. All addresses in unwind
 * data are unsigned 32-bit distances from the base, which the system is told: nothing lies below it, nor 4 GiB above. A
 * handler that does gets a thunk in the code (`mov rax, imm64; jmp rax`).
 *
 * Functions are added in ascending order and never moved, so a registered table can grow: write the new bytes, then publish
 * the new count. The table is used in place; it, the unwind information and the code must stay until the table is removed.
 */

import type {
  FunctionUnwind,
  PlacedPart,
  UnwindRelocation,
  UnwindSection,
  UnwoundFunction,
} from '@framewright/frame-layout'
import type { Win64FunctionUnwind } from './encode.ts'
import { trailerOf } from './encode-range.ts'
import { Win64UnwindError, type Win64UnwindProblem } from './errors.ts'
import { assembleTables, isWin64 } from './function-table.ts'
import { type RuntimeFunction, readU32, writeU32 } from './unwind-info.ts'

/** A function as a code generator hands it over. */
export interface RuntimeCode {
  readonly symbol: string
  readonly code: Uint8Array
  /** Of the code; what they name is in `symbols` of the image or added with or before it. */
  readonly relocations?: readonly UnwindRelocation[]
  /** Null for a leaf that needs none. */
  readonly unwind: FunctionUnwind | null
  /** Where the code consists of several parts, laid end to end: the size of each. */
  readonly parts?: readonly number[]
  /** A power of two; 16 when left out. */
  readonly align?: number
}

/** Where the image will lie, and how much it has to hold. */
export interface RuntimeImageOptions {
  /** A multiple of 4096 (VirtualAlloc gives multiples of 64 KiB). */
  readonly base: bigint
  /** Addresses of what lies elsewhere: handlers, callees. */
  readonly symbols?: ReadonlyMap<string, bigint>
  /** Bytes of code and thunks, bytes of unwind information, entries of the table. */
  readonly capacity: { readonly code: number; readonly unwind: number; readonly entries: number }
}

/** A region of the image. */
export interface RuntimeRegion {
  readonly name: 'code' | 'unwind' | 'table'
  /** From the base. */
  readonly offset: number
  readonly size: number
}

/** Bytes to be written when the image lies in memory already. */
export interface RuntimeWrite {
  readonly address: bigint
  readonly bytes: Uint8Array
}

/** A call of a function of ntdll. Arguments are integers and pointers in the order of its declaration. */
export interface SystemCall {
  readonly name: string
  readonly arguments: readonly bigint[]
}

const PAGE = 0x1000
/** Distances are unsigned and have 32 bits. */
const REACH = 0x1_0000_0000
const THUNK = 12

/** An image and what it holds so far. */
export class RuntimeImage {
  readonly base: bigint
  readonly regions: readonly RuntimeRegion[]
  /** The whole memory from the base on, as it is now. */
  readonly bytes: Uint8Array
  readonly #symbols: Map<string, bigint>
  readonly #code: RuntimeRegion
  readonly #unwind: RuntimeRegion
  readonly #table: RuntimeRegion
  readonly #thunks: Map<bigint, number> = new Map()
  #codeEnd: number
  #unwindEnd: number
  #entries = 0

  /** @throws Win64UnwindError 'capacity' for an image over 4 GiB. */
  constructor(options: RuntimeImageOptions) {
    const { base, capacity, symbols } = options
    if (base % BigInt(PAGE) !== 0n || base < 0n) {
      fail({ code: 'capacity', what: 'alignment of the base', needed: PAGE, limit: Number(base % BigInt(PAGE)) })
    }
    const pages = (bytes: number): number => Math.ceil(bytes / PAGE) * PAGE
    this.#code = { name: 'code', offset: 0, size: pages(capacity.code) }
    this.#unwind = { name: 'unwind', offset: this.#code.size, size: pages(capacity.unwind) }
    const table = this.#unwind.offset + this.#unwind.size
    this.#table = { name: 'table', offset: table, size: pages(capacity.entries * 12) }
    this.regions = [this.#code, this.#unwind, this.#table]
    const size = table + this.#table.size
    if (!(size <= REACH)) fail({ code: 'capacity', what: 'the image', needed: size, limit: REACH })
    this.base = base
    this.bytes = new Uint8Array(size)
    this.#symbols = new Map(symbols)
    this.#codeEnd = this.#code.offset
    this.#unwindEnd = this.#unwind.offset
  }

  /** Entries in the table. */
  get entryCount(): number {
    return this.#entries
  }

  /** Entries that the table has room for. */
  get maximumEntryCount(): number {
    return Math.floor(this.#table.size / 12)
  }

  /** Address of a function of the image, or of an outside symbol. @throws Win64UnwindError 'unknown-symbol'. */
  address(symbol: string): bigint {
    return this.#symbols.get(symbol) ?? fail({ code: 'unknown-symbol', symbol })
  }

  /** What the callback of `functionTableCallback` gives for a pc: the entry and its address, or null. */
  find(pc: bigint): { readonly entry: RuntimeFunction; readonly address: bigint } | null {
    const rva = Number(pc - this.base)
    let low = 0
    let high = this.#entries - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const at = this.#table.offset + middle * 12
      const begin = readU32(this.bytes, at)
      const end = readU32(this.bytes, at + 4)
      if (rva < begin) high = middle - 1
      else if (rva >= end) low = middle + 1
      else {
        const entry = { begin, end, unwindInfo: readU32(this.bytes, at + 8) }
        return { entry, address: this.base + BigInt(at) }
      }
    }
    return null
  }

  /**
   * Adds functions behind those that are there.
   *
   * @returns what has to be written where the image is in memory already; first the code and the unwind information, then
   *   the table. Publish the new count (`grow`) after that.
   * @throws Win64UnwindError when they do not fit, or something is out of reach; the image is as it was.
   */
  add(functions: readonly RuntimeCode[]): RuntimeWrite[] {
    const before = { code: this.#codeEnd, unwind: this.#unwindEnd, entries: this.#entries }
    const symbols = new Map(this.#symbols)
    const thunks = new Map(this.#thunks)
    try {
      this.#add(functions)
    } catch (error) {
      this.bytes.fill(0, before.code, this.#codeEnd)
      this.bytes.fill(0, before.unwind, this.#unwindEnd)
      this.#codeEnd = before.code
      this.#unwindEnd = before.unwind
      this.#symbols.clear()
      for (const [name, address] of symbols) this.#symbols.set(name, address)
      this.#thunks.clear()
      for (const [target, at] of thunks) this.#thunks.set(target, at)
      throw error
    }
    const table = this.#table.offset
    return [
      [before.code, this.#codeEnd],
      [before.unwind, this.#unwindEnd],
      [table + before.entries * 12, table + this.#entries * 12],
    ]
      .filter(([from, to]) => to! > from!)
      .map(([from, to]) => ({ address: this.base + BigInt(from!), bytes: this.bytes.slice(from, to) }))
  }

  /** `RtlAddFunctionTable`: a table that stays as it is. */
  functionTable(): { readonly register: SystemCall; readonly remove: SystemCall } {
    const table = this.base + BigInt(this.#table.offset)
    return {
      register: { name: 'RtlAddFunctionTable', arguments: [table, BigInt(this.#entries), this.base] },
      remove: { name: 'RtlDeleteFunctionTable', arguments: [table] },
    }
  }

  /**
   * `RtlAddGrowableFunctionTable` (Windows 8 and later): after `add` and writing what it gave, call `grow`. Debuggers and
   * profilers see it from outside.
   *
   * @param handleAddress - of the variable that receives the handle.
   */
  growableFunctionTable(handleAddress: bigint): {
    readonly register: SystemCall
    grow(handle: bigint): SystemCall
    remove(handle: bigint): SystemCall
  } {
    const table = this.base + BigInt(this.#table.offset)
    const end = this.base + BigInt(this.bytes.length)
    const counts = [BigInt(this.#entries), BigInt(this.maximumEntryCount)]
    return {
      register: {
        name: 'RtlAddGrowableFunctionTable',
        arguments: [handleAddress, table, ...counts, this.base, end],
      },
      grow: (handle) => ({ name: 'RtlGrowFunctionTable', arguments: [handle, BigInt(this.#entries)] }),
      remove: (handle) => ({ name: 'RtlDeleteGrowableFunctionTable', arguments: [handle] }),
    }
  }

  /**
   * `RtlInstallFunctionTableCallback`: the system asks for each pc in the image. The callback runs while exceptions are
   * raised: it may take no lock that the code generator holds. The two low bits of the identifier are set, as the system
   * demands.
   *
   * @param callback - address of a `PRUNTIME_FUNCTION (*)(DWORD64 pc, PVOID context)`.
   */
  functionTableCallback(
    callback: bigint,
    context: bigint = 0n,
  ): { readonly register: SystemCall; readonly remove: SystemCall } {
    const identifier = this.base | 3n
    const length = BigInt(Math.min(this.bytes.length, REACH - 1))
    return {
      register: {
        name: 'RtlInstallFunctionTableCallback',
        arguments: [identifier, this.base, length, callback, context, 0n],
      },
      remove: { name: 'RtlDeleteFunctionTable', arguments: [identifier] },
    }
  }

  #add(functions: readonly RuntimeCode[]): void {
    const placed: UnwoundFunction[] = []
    const handlers = new Map<string, Set<number>>()
    for (const made of functions) {
      const { symbol, code, unwind, align = 16, parts = [code.length] } = made
      const at = this.#claimCode(code.length, align)
      this.bytes.set(code, at)
      this.#symbols.set(symbol, this.base + BigInt(at))
      const owners: PlacedPart[] = []
      let offset = at
      for (let i = 0; i < parts.length; i++) {
        owners.push({ symbol: i === 0 ? symbol : `${symbol}.${i}`, section: '.text', offset, codeSize: parts[i]! })
        offset += parts[i]!
      }
      placed.push({ ...owners[0]!, ...(owners.length > 1 ? { parts: owners } : {}), unwind })
      if (unwind !== null && isWin64(unwind)) for (const name of handlerNames(unwind)) handlers.set(name, new Set())
    }
    const sections = assembleTables(placed)
    for (let i = 0; i < functions.length; i++) {
      const { relocations = [] } = functions[i]!
      for (const relocation of relocations) this.#relocate(placed[i]!.offset, relocation)
    }
    const xdata = sections.find(({ name }) => name === '.xdata')
    const pdata = sections.find(({ name }) => name === '.pdata')
    if (xdata === undefined || pdata === undefined) return
    this.#place(xdata, pdata, new Set(handlers.keys()))
  }

  #place(xdata: UnwindSection, pdata: UnwindSection, handlers: ReadonlySet<string>): void {
    const at = Math.ceil(this.#unwindEnd / 4) * 4
    const { offset, size } = this.#unwind
    const needed = at + xdata.bytes.length - offset
    if (needed > size) fail({ code: 'capacity', what: 'unwind information', needed, limit: size })
    const count = pdata.bytes.length / 12
    const limit = this.maximumEntryCount
    if (this.#entries + count > limit) {
      fail({ code: 'capacity', what: 'the function table', needed: this.#entries + count, limit })
    }
    this.bytes.set(xdata.bytes, at)
    this.#unwindEnd = at + xdata.bytes.length
    const table = this.#table.offset + this.#entries * 12
    for (const [from, { relocations }] of [
      [at, xdata],
      [table, pdata],
    ] as const) {
      for (const { offset: field, symbol, addend } of relocations) {
        writeU32(this.bytes, from + field, this.#distance(symbol, addend, at, handlers))
      }
    }
    this.#entries += count
  }

  /** Distance from the base of what a relocation names. */
  #distance(symbol: string, addend: number, xdata: number, handlers: ReadonlySet<string>): number {
    if (symbol === '.text') return addend
    if (symbol === '.xdata') return xdata + addend
    const address = this.address(symbol) + BigInt(addend)
    const distance = address - this.base
    if (distance >= 0n && distance < BigInt(REACH)) return Number(distance)
    if (handlers.has(symbol)) return this.#thunk(address)
    return fail({ code: 'out-of-reach', symbol, address, why: 'it does not lie in the 4 GiB above the base' })
  }

  /** `mov rax, imm64; jmp rax`: a leaf, so it needs no entry. */
  #thunk(target: bigint): number {
    const known = this.#thunks.get(target)
    if (known !== undefined) return known
    const at = this.#claimCode(THUNK, 16)
    const { bytes } = this
    bytes[at] = 0x48
    bytes[at + 1] = 0xb8
    writeU64(bytes, at + 2, target)
    bytes[at + 10] = 0xff
    bytes[at + 11] = 0xe0
    this.#thunks.set(target, at)
    return at
  }

  #claimCode(size: number, align: number): number {
    const at = Math.ceil(this.#codeEnd / align) * align
    const needed = at + size - this.#code.offset
    if (needed > this.#code.size) fail({ code: 'capacity', what: 'code', needed, limit: this.#code.size })
    // What lies between functions is never executed: int3.
    this.bytes.fill(0xcc, this.#codeEnd, at)
    this.#codeEnd = at + size
    return at
  }

  #relocate(begin: number, { offset, kind, symbol, addend }: UnwindRelocation): void {
    const at = begin + offset
    const address = this.address(symbol) + BigInt(addend)
    const { bytes, base } = this
    if (kind === 'absolute-64') {
      writeU64(bytes, at, address)
      return
    }
    const distance = address - (kind === 'image-relative-32' ? base : base + BigInt(at))
    const fits =
      kind === 'image-relative-32'
        ? distance >= 0n && distance < BigInt(REACH)
        : distance >= -0x8000_0000n && distance < 0x8000_0000n
    if (!fits) {
      const why =
        kind === 'image-relative-32' ? 'it does not lie in the 4 GiB above the base' : 'it lies 2 GiB away or more'
      fail({ code: 'out-of-reach', symbol, address, why })
    }
    writeU32(bytes, at, Number(BigInt.asUintN(32, distance)))
  }
}

/**
 * An image that holds these functions and no more.
 *
 * @throws Win64UnwindError when something is out of reach.
 */
export function buildRuntimeImage(
  functions: readonly RuntimeCode[],
  options: Omit<RuntimeImageOptions, 'capacity'>,
): RuntimeImage {
  let code = 0
  let unwind = 0
  let entries = 0
  for (const made of functions) {
    code += made.code.length + (made.align ?? 16)
    if (made.unwind === null || !isWin64(made.unwind)) continue
    code += (THUNK + 16) * handlerNames(made.unwind).length
    unwind += (made.unwind.bytes.length + 3) & ~3
    entries += made.unwind.fragments.length
  }
  const image = new RuntimeImage({ ...options, capacity: { code, unwind, entries } })
  image.add(functions)
  return image
}

/** Symbols that handler fields name: they are called, so a thunk will do. */
function handlerNames(unwind: Win64FunctionUnwind): string[] {
  const fields = new Set<number>()
  for (const { info, parentInfo } of unwind.fragments) {
    for (const record of [info, parentInfo]) {
      if (record >= 0 && (unwind.bytes[record]! >> 3) & 3) fields.add(record + trailerOf(unwind.bytes, record))
    }
  }
  return unwind.relocations.filter(({ offset }) => fields.has(offset)).map(({ symbol }) => symbol)
}

function writeU64(bytes: Uint8Array, at: number, value: bigint): void {
  writeU32(bytes, at, Number(value & 0xffff_ffffn))
  writeU32(bytes, at + 4, Number((value >> 32n) & 0xffff_ffffn))
}

function fail(problem: Win64UnwindProblem): never {
  throw new Win64UnwindError(problem)
}
