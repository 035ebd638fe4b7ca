/**
 * Scope tables of `__C_specific_handler`, the data of `__try`, `__except` and `__finally`: a count, then rows of four rvas.
 *
 *   begin   of the guarded code            handler  the `__finally` function, or the filter, or 1: always take the exception
 *   end     the first byte after it        target   where `__except` goes on; 0: a `__finally`
 *
 * The system tries rows in order, so an inner scope stands before the one around it. Addresses are compared with the pc as
 * it is, and the pc of a calling frame is the return address: a scope that ends with a call needs an instruction more.
 *
 * @see Microsoft Learn, "x64 exception handling"; the structure SCOPE_TABLE_AMD64 of winnt.h
 */

import type { UnwindRelocation } from '@framewright/frame-layout'
import { Win64UnwindError } from './errors.ts'
import { readU32, writeU32 } from './unwind-info.ts'

/** A place in the code: an offset in the function (its parts end to end), or in another symbol's. */
export type ScopePlace = number | { readonly symbol: string; readonly addend: number }

/** A guarded range and what guards it. */
export type Scope = { readonly begin: ScopePlace; readonly end: ScopePlace } & (
  | { readonly kind: 'finally'; readonly handler: ScopePlace }
  /** `filter`: a function, or `'always'`. `target`: the first instruction of the `__except` block. */
  | { readonly kind: 'except'; readonly filter: ScopePlace | 'always'; readonly target: ScopePlace }
)

/** A row as stored: distances from the image base. */
export interface ScopeRow {
  readonly begin: number
  readonly end: number
  readonly handler: number
  readonly target: number
}

/** What the handler does with a row. */
export type DecodedScope = ScopeRow & { readonly kind: 'finally' | 'except' }

/** Where the code that offsets count from lies. */
export interface ScopeTableOptions {
  /** The function's symbol. */
  readonly symbol: string
  readonly codeSize: number
  /** Where the function lies in several parts: their symbols and sizes in the record's order, the first included. */
  readonly parts?: readonly { readonly symbol: string; readonly codeSize: number }[]
}

/** `handlerData` of `encodeFrame`: bytes behind the handler's rva, and relocations in them. */
export interface ScopeTable {
  readonly bytes: Uint8Array
  readonly relocations: readonly UnwindRelocation[]
}

/** The filter that takes every exception (EXCEPTION_EXECUTE_HANDLER). */
const ALWAYS = 1

/**
 * Writes a table.
 *
 * @param scopes - inner before outer.
 * @throws Win64UnwindError 'scope' with the index of a scope that is empty, outside the function, in the wrong order, or
 *   crosses another.
 */
export function encodeScopeTable(scopes: readonly Scope[], options: ScopeTableOptions): ScopeTable {
  const rows: ScopeRow[] = []
  for (const { begin, end } of scopes) {
    // Places in other symbols are as far away as addresses can be; they take no part in the comparison.
    rows.push({
      begin: typeof begin === 'number' ? begin : -1,
      end: typeof end === 'number' ? end : -1,
      handler: 1,
      target: 1,
    })
  }
  const own = rows.filter(({ begin, end }) => begin !== -1 && end !== -1)
  const [fault] = scopeFaults(own, [{ begin: 0, end: options.codeSize }])
  if (fault !== undefined) {
    throw new Win64UnwindError({ code: 'scope', index: rows.indexOf(own[fault.index]!), why: fault.why })
  }
  const bytes = new Uint8Array(4 + 16 * scopes.length)
  writeU32(bytes, 0, scopes.length)
  const relocations: UnwindRelocation[] = []
  for (let i = 0; i < scopes.length; i++) {
    const scope = scopes[i]!
    const at = 4 + 16 * i
    const place = (offset: number, where: ScopePlace, isEnd: boolean = false): void => {
      const { symbol, addend } = typeof where === 'number' ? placeOf(where, options, isEnd, i) : where
      relocations.push({ offset: at + offset, kind: 'image-relative-32', symbol, addend })
    }
    place(0, scope.begin)
    place(4, scope.end, true)
    if (scope.kind === 'finally') place(8, scope.handler)
    else {
      if (scope.filter === 'always') writeU32(bytes, at + 8, ALWAYS)
      else place(8, scope.filter)
      place(12, scope.target)
    }
  }
  return { bytes, relocations }
}

/** An end that is a part's last byte is the end of that part, not the begin of the next. */
function placeOf(
  offset: number,
  { symbol, codeSize, parts }: ScopeTableOptions,
  isEnd: boolean,
  index: number,
): { symbol: string; addend: number } {
  let begin = 0
  for (const part of parts ?? [{ symbol, codeSize }]) {
    const inside = offset >= begin && (isEnd ? offset <= begin + part.codeSize : offset < begin + part.codeSize)
    if (inside && !(isEnd && offset === begin)) return { symbol: part.symbol, addend: offset - begin }
    begin += part.codeSize
  }
  throw new Win64UnwindError({ code: 'scope', index, why: `${offset} is no place in the function` })
}

/**
 * Reads a table.
 *
 * @param at - where the count stands in `bytes`: right behind the handler's rva.
 * @throws Win64UnwindError 'truncated' when the rows are not there. What is wrong with rows, {@link scopeFaults} says.
 */
export function decodeScopeTable(bytes: Uint8Array, at: number = 0): DecodedScope[] {
  if (!(at >= 0) || at + 4 > bytes.length) {
    throw new Win64UnwindError({ code: 'truncated', at, needed: 4, what: 'the count of a scope table' })
  }
  const count = readU32(bytes, at)
  if (count * 16 > bytes.length - at - 4) {
    throw new Win64UnwindError({ code: 'truncated', at: at + 4, needed: count * 16, what: 'the rows of a scope table' })
  }
  const rows: DecodedScope[] = []
  for (let row = at + 4; row < at + 4 + 16 * count; row += 16) {
    const target = readU32(bytes, row + 12)
    rows.push({
      begin: readU32(bytes, row),
      end: readU32(bytes, row + 4),
      handler: readU32(bytes, row + 8),
      target,
      kind: target === 0 ? 'finally' : 'except',
    })
  }
  return rows
}

/** Something that the handler would misread. */
export interface ScopeFault {
  /** Of the row. */
  readonly index: number
  readonly why: string
}

/**
 * What is wrong with rows: empty ranges, ranges outside the function, an outer scope in front of an inner one, scopes that
 * cross, rows without a handler.
 *
 * @param ranges - of the function: all of its table entries.
 */
export function scopeFaults(
  rows: readonly ScopeRow[],
  ranges: readonly { readonly begin: number; readonly end: number }[],
): ScopeFault[] {
  const faults: ScopeFault[] = []
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index]!
    const fault = (why: string): void => {
      faults.push({ index, why })
    }
    if (row.end <= row.begin) {
      fault('it guards nothing: its end is not behind its begin')
      continue
    }
    if (!ranges.some(({ begin, end }) => row.begin >= begin && row.begin < end)) fault('it begins outside the function')
    else if (!ranges.some(({ begin, end }) => row.end > begin && row.end <= end)) fault('it ends outside the function')
    if (row.handler === 0) fault('it has no handler')
    else if (row.target === 0 && row.handler === ALWAYS) fault('its termination function is the constant 1')
    if (
      row.target !== 0 &&
      row.target !== 1 &&
      !ranges.some(({ begin, end }) => row.target >= begin && row.target < end)
    ) {
      fault('it goes on outside the function')
    }
  }
  faults.push(...orderFaults(rows))
  return faults.sort((a, b) => a.index - b.index)
}

/**
 * Order, in n log n: sorted by begin, larger first, rows nest if each ends inside the innermost open one; an inner row has to
 * have the smaller index.
 */
function orderFaults(rows: readonly ScopeRow[]): ScopeFault[] {
  const faults: ScopeFault[] = []
  const order = rows.map((_, index) => index).filter((index) => rows[index]!.end > rows[index]!.begin)
  // Of equal ranges the later one is the outer one.
  order.sort((a, b) => rows[a]!.begin - rows[b]!.begin || rows[b]!.end - rows[a]!.end || b - a)
  const open: number[] = []
  for (const index of order) {
    while (open.length > 0 && rows[open.at(-1)!]!.end <= rows[index]!.begin) open.pop()
    const outer = open.at(-1)
    if (outer !== undefined) {
      if (rows[index]!.end > rows[outer]!.end) faults.push({ index, why: `it crosses scope ${outer}` })
      else if (outer < index) faults.push({ index, why: `it lies inside scope ${outer}, which stands in front of it` })
    }
    open.push(index)
  }
  return faults
}
