// LLVM's answers: its assembler given the same frames as directives, its linker and its readers given words.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { R12, R14, R15, RBP, RBX, rowAt, sameState, unwindRows } from '@framewright/frame-layout'
import { Random, requireTool } from '@framewright/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  CompactUnwindError,
  type CompactUnwindRow,
  compact,
  createCompactFormat,
  decodeEncoding,
  decodeObjectRows,
  decodeUnwindInfo,
  encodeUnwindInfo,
  linkRows,
  linkUnwindInfo,
  rowOfFrame,
  searchUnwindInfo,
  type UnwindInfo,
} from '../src/index.ts'
import { type MachFile, machSection, readMachO } from './mach-o.ts'
import { assemblyOf, type CompiledFrame, compiledFrame, type FrameChoices, randomChoices } from './records.ts'
import { randomRows } from './rows.ts'

const tools = {
  mc: requireTool('llvm-mc'),
  objdump: requireTool('llvm-objdump'),
  lld: requireTool('ld64.lld'),
}

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'unwind-compact-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs a tool that has to succeed and to say nothing on its error output. */
function run(tool: string, args: string[]): string {
  const { status, stdout, stderr } = spawnSync(tool, args, { encoding: 'utf8', maxBuffer: 1 << 28 })
  expect(stderr, `${tool} ${args.join(' ')}`).toBe('')
  expect(status, `${tool} ${args.join(' ')}`).toBe(0)
  return stdout
}

function assemble(text: string, name: string): string {
  const object = join(folder, `${name}.o`)
  writeFileSync(join(folder, `${name}.s`), text)
  run(tools.mc!, ['-triple=x86_64-apple-macos11', '-filetype=obj', join(folder, `${name}.s`), '-o', object])
  return object
}

const codeOf = (file: MachFile, name: string, size: number): Uint8Array => {
  const text = machSection(file, '__TEXT,__text')
  const at = Number(file.symbols.get(name)! - text.address)
  return text.bytes.subarray(at, at + size)
}

/** Functions of random frames, and LLVM's words for them by name. */
function assembled(count: number, seed: number) {
  const random = new Random(seed)
  const frames = Array.from({ length: count }, (_, i) => compiledFrame(`_f${i}`, randomChoices(random)))
  const object = assemble(assemblyOf(frames), `random${seed}`)
  const file = readMachO(object)
  const section = machSection(file, '__LD,__compact_unwind')
  const rows = decodeObjectRows(section.bytes)
  const byStart = new Map(rows.map((row, i) => [row.start, { row, at: 32 * i }]))
  return { frames, object, file, section, rows, byStart }
}

const DWARF = 0x0400_0000

/** Our word for a record with its code; null when it is refused. */
function ourWord(frame: CompiledFrame, code: Uint8Array): number | null {
  try {
    return compact.encode(frame.record, { code })!.ranges[0]!.encoding
  } catch (error) {
    if (!(error instanceof CompactUnwindError)) throw error
    return null
  }
}

test.skipIf(tools.mc === null)("LLVM's assembler makes our words of the same directives", () => {
  let same = 0
  let refused = 0
  let more = 0
  let wrong = 0
  for (let seed = 1; seed <= 4; seed++) {
    const { frames, file, byStart, section } = assembled(700, seed)
    for (const [i, frame] of frames.entries()) {
      const name = `_f${i}`
      const { record, choices } = frame
      const found = byStart.get(file.symbols.get(name)!)
      const ours = ourWord(frame, codeOf(file, name, record.codeSize))
      const what = `${name} of ${seed}: ${JSON.stringify(choices)}`
      if (found === undefined) {
        // LLVM says nothing of a function without directives; to us its frame is rsp + 8.
        expect([choices.framePointer, choices.pushes.length, choices.padding, choices.allocation], what).toEqual([
          false,
          0,
          false,
          0,
        ])
        expect(ours! & ~0x4000_0000, what).toBe(0x0201_0000)
        continue
      }
      const { row, at } = found
      expect(row.length, what).toBe(record.codeSize)
      if (row.encoding === DWARF) {
        if (ours === null) refused++
        else {
          // The format can say more than LLVM asks of it: registers that do not begin at rbp.
          expect(choices.stored, what).toBeDefined()
          more++
        }
        continue
      }
      if (ours !== row.encoding && choices.stored !== undefined && choices.stored.gap > 0) {
        // LLVM looks for a gap above the first register alone: its word says another frame than its directives.
        expect(saysTheBody(row.encoding, frame), what).toBe(false)
        wrong++
        continue
      }
      expect(ours?.toString(16), what).toBe(row.encoding.toString(16))
      const targets = section.relocations.filter(({ offset }) => offset > at && offset < at + 32)
      expect(
        targets.map(({ offset }) => offset - at),
        what,
      ).toEqual([...(choices.personality ? [16] : []), ...(choices.languageData ? [24] : [])])
      same++
    }
  }
  expect(same).toBeGreaterThan(2000)
  expect(refused).toBeGreaterThan(50)
  expect(more).toBeGreaterThan(20)
  expect(wrong).toBeGreaterThan(20)
})

test('every word that we make says the row of the body', () => {
  const random = new Random(77)
  let words = 0
  for (let i = 0; i < 3000; i++) {
    const frame = compiledFrame('_f', randomChoices(random))
    const { record, choices } = frame
    const [range] = tryEncode(record) ?? []
    if (range === undefined) continue
    words++
    expect(saysTheBody(range.encoding, frame), JSON.stringify(choices)).toBe(true)
  }
  expect(words).toBeGreaterThan(2000)
})

/** Whether a word says what the record says of the body. */
function saysTheBody(word: number, { record, choices }: CompiledFrame): boolean {
  const row = rowOfFrame(decodeEncoding(word).frame, () => choices.allocation)
  return row !== null && sameState(row, rowAt(unwindRows(record), record.prologueEnd))
}

function tryEncode(record: CompiledFrame['record']) {
  try {
    return compact.encode(record)!.ranges
  } catch (error) {
    if (error instanceof CompactUnwindError) return null
    throw error
  }
}

const plain = { framePointer: false, pushes: [], padding: false, allocation: 0 }
const framed = { ...plain, framePointer: true }

/** Operations and their word, verified with LLVM 14 when the format's description was written. */
const worked: readonly (readonly [number, FrameChoices])[] = [
  [0x01000000, framed],
  [0x01010001, { ...framed, pushes: [RBX] }],
  [0x01030161, { ...framed, pushes: [R15, R14, RBX] }],
  [0x010558d1, { ...framed, pushes: [R15, R14, 13, R12, RBX] }],
  [0x02040000, { ...plain, allocation: 24 }],
  [0x02020400, { ...plain, pushes: [RBX] }],
  [0x02040802, { ...plain, pushes: [R14, RBX], padding: true }],
  [0x02101800, { ...plain, pushes: [RBP, R15, R14, 13, R12, RBX], allocation: 72 }],
  [0x02ff0000, { ...plain, allocation: 2032 }],
  [0x03032000, { ...plain, allocation: 2040 }],
  [0x03066802, { ...plain, pushes: [R14, RBX], allocation: 5000 }],
]

test.each(worked)('the worked value %i', (word, choices) => {
  expect(compact.encode(compiledFrame('_f', choices).record)!.ranges).toEqual([
    { begin: 0, end: expect.any(Number), encoding: word },
  ])
})

test.skipIf(tools.mc === null)('the rows of a section are those of LLVM, relocations included', () => {
  const frames = [
    framed,
    { ...framed, pushes: [RBX], personality: true },
    { ...plain, pushes: [RBX], languageData: true, personality: true },
  ]
  const made = frames.map((choices, i) => compiledFrame(`_f${i}`, choices))
  const file = readMachO(assemble(assemblyOf(made), 'three'))
  const llvm = machSection(file, '__LD,__compact_unwind')
  const [ours] = createCompactFormat().assemble(
    made.map(({ record }, i) => ({
      symbol: `_f${i}`,
      section: '.text',
      offset: Number(file.symbols.get(`_f${i}`)!),
      codeSize: record.codeSize,
      unwind: compact.encode(record),
    })),
  )
  expect(ours!.relocations.map(({ offset }) => offset)).toEqual(llvm.relocations.map(({ offset }) => offset))
  // Local relocations keep their addend in the field.
  const bytes = ours!.bytes.slice()
  for (const { offset, symbol, addend } of ours!.relocations) {
    if (symbol === '.text') new DataView(bytes.buffer).setBigUint64(offset, BigInt(addend), true)
    if (symbol === 'Ldata')
      new DataView(bytes.buffer).setBigUint64(offset, machSection(file, '__TEXT,__gcc_except_tab').address, true)
  }
  expect(bytes).toEqual(llvm.bytes)
  expect(llvm.relocations.filter(({ target }) => typeof target === 'string').map(({ target }) => target)).toEqual([
    '_personality',
    '_personality',
  ])
})

/** What llvm-objdump prints of an `__unwind_info`, as entries. */
function printedInfo(path: string) {
  const text = run(tools.objdump!, ['--unwind-info', path])
  const from = text.indexOf('Contents of __unwind_info section')
  const lines = text.slice(from).split('\n')
  const words = (pattern: RegExp) =>
    lines.flatMap((line) => [...line.matchAll(pattern)].map((match) => match.slice(1).map(Number)))
  return {
    entries: words(/^ {6}\[\d+\]: function offset=(0x\w+), encoding(?:\[\d+\])?=(0x\w+)/g),
    personalities: words(/personality\[\d+\]: (0x\w+)/g).flat(),
    languageData: words(/function offset=(0x\w+), LSDA offset=(0x\w+)$/g),
    index: words(/^ {4}\[\d+\]: function offset=(0x\w+), 2nd level page offset=(0x\w+)/g),
  }
}

const entriesOf = (info: UnwindInfo) => info.pages.flatMap(({ entries }) => entries)

test.skipIf(tools.mc === null || tools.lld === null || tools.objdump === null)(
  'what lld links is read to the words that went in, as llvm-objdump reads it',
  () => {
    const { frames, object, file, section, byStart } = assembled(1500, 9)
    const out = join(folder, 'linked.dylib')
    const platform = ['-arch', 'x86_64', '-platform_version', 'macos', '11.0', '11.0', '-undefined', 'dynamic_lookup']
    run(tools.lld!, [...platform, '-dylib', object, '-o', out])
    const image = readMachO(out)
    const { bytes } = machSection(image, '__TEXT,__unwind_info')
    const info = decodeUnwindInfo(bytes)
    const printed = printedInfo(out)
    expect(entriesOf(info).map(({ begin, encoding }) => [begin, encoding])).toEqual(printed.entries)
    expect(info.personalities).toEqual(printed.personalities)
    expect(
      entriesOf(info).flatMap(({ begin, languageData }) => (languageData === null ? [] : [[begin, languageData]])),
    ).toEqual(printed.languageData)
    expect([...info.pages.map(({ begin, at }) => [begin, at]), [info.end, 0]]).toEqual(printed.index)
    // And through the search, at the first and the last byte of each function.
    let found = 0
    for (const [i, { record }] of frames.entries()) {
      const row = byStart.get(file.symbols.get(`_f${i}`)!)?.row
      const begin = Number(image.symbols.get(`_f${i}`)!)
      for (const at of [begin, begin + record.codeSize - 1]) {
        const entry = searchUnwindInfo(bytes, at)
        const personality = 0x3000_0000
        expect((entry?.encoding ?? 0) & ~personality, `_f${i}`).toBe(row?.encoding ?? 0)
        expect(entry === null ? false : decodeEncoding(entry.encoding).personality > 0).toBe(
          row !== undefined && row.encoding !== DWARF && frames[i]!.choices.personality === true,
        )
        found++
      }
    }
    expect(found).toBe(3000)
    // The same rows, linked by us, say the same of every function. (Folding and the begin of what is not described differ.)
    const names = new Map([...file.symbols].map(([name, address]) => [address, name]))
    const rows = [...byStart.values()].map(({ row, at }): CompactUnwindRow => {
      const has = (field: number): boolean => section.relocations.some(({ offset }) => offset === at + field)
      return {
        ...{ start: image.symbols.get(names.get(row.start)!)!, length: row.length, encoding: row.encoding },
        personality: has(16) ? 1n : 0n,
        languageData: has(24) ? machSection(image, '__TEXT,__gcc_except_tab').address : 0n,
      }
    })
    const code = [...image.symbols.values()]
    const ours = linkUnwindInfo(rows, {
      base: 0n,
      personalityPointer: () => BigInt(info.personalities[0]!),
      isPadding: (begin, end) => !code.some((at) => at >= begin && at < end),
    })
    expect(decodeUnwindInfo(ours).personalities).toEqual(info.personalities)
    for (const [i, { record }] of frames.entries()) {
      const begin = Number(image.symbols.get(`_f${i}`)!)
      for (const at of [begin, begin + record.codeSize - 1]) {
        const [mine, theirs] = [searchUnwindInfo(ours, at), searchUnwindInfo(bytes, at)]
        expect([mine?.encoding ?? 0, mine?.languageData ?? null]).toEqual([
          theirs?.encoding ?? 0,
          theirs?.languageData ?? null,
        ])
      }
    }
  },
)

test.skipIf(tools.mc === null || tools.objdump === null)('what we link is read by llvm-objdump, and by us', () => {
  const random = new Random(5)
  for (const count of [0, 1, 3, 40, 600, 4000, 4000, 4000]) {
    const rows = randomRows(random, count)
    const base = 0x1_0000_0000n
    const options = {
      base,
      personalityPointer: (routine: bigint) => base + 0x10n + (routine & 0xffn),
      fdeOffset: (begin: bigint) => Number(begin & 0xffffn),
    }
    const bytes = linkUnwindInfo(random.shuffled(rows), options)
    const content = linkRows(rows, options)
    expect(encodeUnwindInfo(content)).toEqual(bytes)
    const info = decodeUnwindInfo(bytes)
    expect(entriesOf(info).map(({ begin, encoding, languageData }) => ({ begin, encoding, languageData }))).toEqual(
      content.entries,
    )

    const text = ['.section __TEXT,__unwind_info', '.p2align 2', ...Array.from(bytes, (byte) => `.byte ${byte}`)]
    const printed = printedInfo(assemble(`${text.join('\n')}\n`, 'ours'))
    expect(printed.entries).toEqual(content.entries.map(({ begin, encoding }) => [begin, encoding]))
    expect(printed.personalities).toEqual(content.personalities)
    expect(printed.languageData).toEqual(
      content.entries.flatMap(({ begin, languageData }) => (languageData === null ? [] : [[begin, languageData]])),
    )
    // Every row is found from its first byte to its last, gaps are not.
    for (const [i, { start, length, encoding, languageData }] of rows.entries()) {
      const begin = Number(start - base)
      for (const at of [begin, begin + length - 1]) {
        const found = searchUnwindInfo(bytes, at)!
        expect(found.encoding & 0x8f00_0000).toBe(encoding & 0x8f00_0000)
        if (encoding >>> 24 !== 4) expect(found.encoding & 0xff_ffff).toBe(encoding & 0xff_ffff)
        expect(found.languageData).toBe(languageData === 0n ? null : Number(languageData - base))
      }
      const next = rows[i + 1]
      if (next === undefined) expect(searchUnwindInfo(bytes, begin + length)).toBeNull()
      else if (next.start > start + BigInt(length)) expect(searchUnwindInfo(bytes, begin + length)!.encoding).toBe(0)
    }
    if (rows.length > 0) expect(searchUnwindInfo(bytes, Number(rows[0]!.start - base) - 1)).toBeNull()
  }
})
