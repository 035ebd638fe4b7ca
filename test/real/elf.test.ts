// Every function of the libraries that this system runs on: its unwind data mean to us what they mean to readelf, and
// written again they mean the same.

import { describe, expect, test } from 'vitest'
import { sameState } from '../../packages/frame-layout/src/index.ts'
import { type ImageRange, type LinkedImage, readImage } from '../../packages/object/src/index.ts'
import {
  assembleEhFrame,
  type CallFrameRow,
  callFrameRows,
  decodeEhFrameHdr,
  decodeFrames,
  decodeLsda,
  dwarf,
  encodeEhFrameHdr,
  encodeLsda,
  encodeRows,
  encodeUnwindRows,
  type FrameDescriptionEntry,
  type FrameTable,
  registerName,
} from '../../packages/unwind-dwarf/src/index.ts'
import { elfFiles, present, read } from '../support/real-files.ts'
import { clean, need } from '../support/tools.ts'

const section = (image: LinkedImage, name: string): ImageRange => {
  const found = image.sections.find((each) => each.name === name)
  if (found === undefined) throw new Error(`no ${name}`)
  return found
}

interface Loaded {
  readonly image: LinkedImage
  readonly table: FrameTable
  readonly functions: readonly FrameDescriptionEntry[]
}

const loaded = new Map<string, Loaded>()

function load(path: string): Loaded {
  const known = loaded.get(path)
  if (known !== undefined) return known
  const image = readImage(read(path))
  const { bytes, address } = section(image, '.eh_frame')
  const table = decodeFrames(bytes, { address })
  const functions = table.entries.filter((entry): entry is FrameDescriptionEntry => entry.kind === 'fde')
  const result = { image, table, functions }
  loaded.set(path, result)
  return result
}

interface Theirs {
  readonly begin: bigint
  readonly end: bigint
  /** Offset and cells by column, `CFA` and register names. */
  readonly rows: readonly { readonly at: number; readonly cells: ReadonlyMap<string, string> }[]
}

/** What `readelf -wFN` prints (`N`: it does not look for debug data elsewhere). A function without operations has no table: its CIE's row holds. */
function theirsOf(text: string): Theirs[] {
  const result: Theirs[] = []
  let columns: string[] = []
  let rows: { at: number; cells: Map<string, string> }[] | null = null
  let begin = 0n
  for (const line of text.split('\n')) {
    const entry = /^[\da-f]+ [\da-f]+ [\da-f]+ (CIE|FDE)(?:.* pc=([\da-f]+)\.\.([\da-f]+))?/.exec(line)
    if (entry !== null) {
      rows = null
      if (entry[1] === 'FDE') {
        begin = BigInt(`0x${entry[2]}`)
        rows = []
        result.push({ begin, end: BigInt(`0x${entry[3]}`), rows })
      }
    } else if (/^ +LOC/.test(line)) columns = line.trim().split(/\s+/).slice(1)
    else if (rows !== null && /^[\da-f]{16} /.test(line)) {
      // A register that another one holds: `r9 (r9)`, its number and its name.
      const [place, ...cells] = line
        .trim()
        .replace(/r\d+ \((\w+)\)/g, '$1')
        .split(/\s+/)
      const at = Number(BigInt(`0x${place}`) - begin)
      rows.push({ at, cells: new Map(columns.map((column, index) => [column, cells[index]!])) })
    }
  }
  return result
}

const signed = (value: number): string => (value < 0 ? `${value}` : `+${value}`)

/** A row in readelf's words. To it a register without a rule and one that is lost are both `u`. */
function cellsOf({ cfa, registers }: CallFrameRow, columns: Iterable<string>): Map<string, string> {
  const byName = new Map([...registers].map(([register, rule]) => [registerName(register), rule]))
  const cell = (column: string): string => {
    if (column === 'CFA') {
      return cfa === null
        ? '?'
        : cfa.rule === 'expression'
          ? 'exp'
          : `${registerName(cfa.register)}${signed(cfa.offset)}`
    }
    const rule = byName.get(column)
    byName.delete(column)
    if (rule === undefined || rule.rule === 'undefined') return 'u'
    switch (rule.rule) {
      case 'offset':
        return `c${signed(rule.offset)}`
      case 'val_offset':
        return `v${signed(rule.offset)}`
      case 'register':
        return registerName(rule.register)
      case 'same_value':
        return 's'
      case 'expression':
        return 'exp'
      case 'val_expression':
        return 'vexp'
    }
  }
  const cells = new Map([...columns].map((column) => [column, cell(column)]))
  for (const [name, rule] of byName) cells.set(name, `${rule.rule}, and readelf has no column for it`)
  return cells
}

describe.each(present(elfFiles))('%s', (path) => {
  test('has the functions that readelf counts, with its rows at every offset', (context) => {
    const [readelf] = need(context, 'readelf')
    const theirs = theirsOf(clean(readelf!, ['-wFN', '--wide', path]))
    const { table, functions } = load(path)
    const range = ({ begin, end }: { begin: bigint; end: bigint }) => `${begin.toString(16)}..${end.toString(16)}`
    expect(functions.map(({ begin, size }) => range({ begin, end: begin + BigInt(size) }))).toEqual(theirs.map(range))
    expect(functions.length).toBeGreaterThan(100)

    let compared = 0
    for (const [index, fde] of functions.entries()) {
      const own = callFrameRows(table, fde)
      const { rows } = theirs[index]!
      const differing: unknown[] = []
      for (const { at, cells } of rows) {
        if (at >= fde.size && fde.size > 0) continue
        const ours = cellsOf(own.findLast((row) => row.at <= at)!, cells.keys())
        for (const [column, cell] of cells) if (ours.get(column) !== cell) differing.push([at, column, cell, ours])
        if (ours.size !== cells.size) differing.push([at, ours])
        compared++
      }
      // No row of ours begins where readelf has none. It prints none for the CIE's row alone.
      const starts = new Set([0, ...rows.map(({ at }) => at)])
      for (const { at } of own) if (!starts.has(at)) differing.push([at, 'readelf has no row here'])
      if (rows.length === 0 && own.length !== 1) differing.push('readelf has no rows')
      if (differing.length > 0) expect(differing, `the function at 0x${fde.begin.toString(16)}`).toEqual([])
    }
    expect(compared).toBeGreaterThan(functions.length)
  })

  test('written again, every function means the same', () => {
    const { table, functions } = load(path)
    const descriptions = functions.map((fde) => {
      const program = encodeRows(callFrameRows(table, fde))
      const { signalFrame } = fde.cie
      return { symbol: 'f', section: '.text', offset: 0, size: fde.size, program, signalFrame }
    })
    const again = decodeFrames(assembleEhFrame(descriptions, { order: 'source' }).bytes)
    const written = again.entries.filter((entry): entry is FrameDescriptionEntry => entry.kind === 'fde')
    expect(written.length).toBe(functions.length)
    for (const [index, fde] of functions.entries()) {
      const other = written[index]!
      expect(other.cie.signalFrame).toBe(fde.cie.signalFrame)
      expect(callFrameRows(again, other), `the function at 0x${fde.begin.toString(16)}`).toEqual(
        callFrameRows(table, fde),
      )
    }
    // The smallest encoding of the same rows is never larger than theirs.
    const bytesOf = (list: readonly FrameDescriptionEntry[]): number =>
      list.reduce((sum, { programStart, programEnd }) => sum + programEnd - programStart, 0)
    expect(bytesOf(written)).toBeLessThanOrEqual(bytesOf(functions))
  })

  test('the rows of frame-layout, written again, are the same rows', () => {
    const { image, functions } = load(path)
    const { address, bytes } = section(image, '.eh_frame')
    const decode = (frames: Uint8Array, at: bigint) =>
      dwarf.decode({ base: image.base, sections: [{ name: '.eh_frame', address: at, bytes: frames }] })
    const decoded = decode(bytes, address)
    expect(decoded.map(({ begin, end }) => [begin, end])).toEqual(
      functions.map(({ begin, size }) => [begin, begin + BigInt(size)]),
    )
    const descriptions = decoded.map((range, index) => {
      const { size, cie } = functions[index]!
      const program = encodeUnwindRows(range.rows(), { vectorRegisters: true })
      return { symbol: 'f', section: '.text', offset: 0, size, program, signalFrame: cie.signalFrame }
    })
    const again = decode(assembleEhFrame(descriptions, { order: 'source' }).bytes, 0n)
    expect(again.length).toBe(decoded.length)
    for (const [index, range] of decoded.entries()) {
      const rows = range.rows()
      expect(rows[0]!.at).toBe(0)
      const name = `the function at 0x${range.begin.toString(16)}`
      const written = again[index]!.rows()
      expect(written.length, name).toBe(rows.length)
      for (const [i, row] of rows.entries()) {
        if (row.at !== written[i]!.at || !sameState(row, written[i]!)) expect(written[i], name).toEqual(row)
      }
    }
  })

  test('.eh_frame_hdr lists exactly its functions', () => {
    const { image, table, functions } = load(path)
    const header = image.unwindIndex!
    expect(header).toEqual({
      address: section(image, '.eh_frame_hdr').address,
      bytes: section(image, '.eh_frame_hdr').bytes,
    })
    const read = decodeEhFrameHdr(header.bytes, header.address)
    expect(read.ehFrame).toBe(table.address)
    const sorted = [...functions].sort((a, b) => Number(a.begin - b.begin))
    expect(read.functions).toEqual(
      sorted.map(({ begin, offset }) => ({ begin, entry: table.address + BigInt(offset) })),
    )
    expect(encodeEhFrameHdr(table, header.address)).toEqual(header.bytes)
  })

  test('its LSDAs are as many as readelf counts, and written again they mean the same', (context) => {
    const [readelf] = need(context, 'readelf')
    const { image, functions } = load(path)
    const withData = functions.filter(({ languageData }) => languageData !== null)
    const printed = clean(readelf!, ['-wfN', '--wide', path])
    // Of an FDE the augmentation data is the pointer to the LSDA, zero where there is none.
    const theirs = [...printed.matchAll(/ FDE cie=.*\n +Augmentation data: +((?:[\da-f]{2} ?)+)\n/g)].filter(
      ([, bytes]) => /[1-9a-f]/.test(bytes!),
    )
    expect(withData.length).toBe(theirs.length)
    if (withData.length === 0) return
    const { bytes, address } = section(image, '.gcc_except_table')
    let callSites = 0
    for (const { begin, size, languageData } of withData) {
      const at = Number(languageData!.value - address)
      const lsda = decodeLsda(bytes, at, address)
      const name = `the LSDA of 0x${begin.toString(16)}`
      for (const { start, length } of lsda.callSites) expect(start + length, name).toBeLessThanOrEqual(size)
      callSites += lsda.callSites.length
      const { landingPadStart, types, ...tables } = lsda
      expect(landingPadStart, name).toBeNull()
      const written = encodeLsda({
        ...tables,
        types: types.map(({ value }) => (value === 0n ? null : { symbol: value.toString(16) })),
      })
      const again = decodeLsda(written.bytes)
      expect(again, name).toMatchObject({
        ...{ callSites: lsda.callSites, actions: lsda.actions, specifications: lsda.specifications },
        ...{ typeEncoding: lsda.typeEncoding, callSiteEncoding: lsda.callSiteEncoding },
      })
      // A type is a field that a relocation fills, or zero.
      const filled = new Map(written.relocations.map(({ offset, symbol }) => [offset, symbol]))
      const named = again.types.map(({ place }) => filled.get(place) ?? '0')
      expect(named, name).toEqual(types.map(({ value }) => value.toString(16)))
      expect(written.bytes.length, name).toBeLessThanOrEqual(lsda.length)
    }
    expect(callSites).toBeGreaterThan(withData.length / 2)
  })
})
