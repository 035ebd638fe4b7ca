// AArch64 by its description alone: records encoded, decoded and walked, and the assemblers' bytes.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AARCH64_FP,
  AARCH64_LR,
  AARCH64_PC,
  AARCH64_SP,
  AARCH64_V0,
  aarch64,
  type FrameRecord,
  FrameRecorder,
  type UnwindImage,
} from '@framewright/frame-layout'
import { checkConformance, loadImage } from '@framewright/frame-layout/testing'
import { requireTool } from '@framewright/testkit'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DwarfArchitecture } from '../src/architecture.ts'
import { assembleDebugFrame } from '../src/debug-frame.ts'
import { decodeFrames, type FrameDescriptionEntry, instructionsOf } from '../src/decode.ts'
import type { CfiDirective } from '../src/directives.ts'
import { assembleEhFrame } from '../src/eh-frame.ts'
import { ProgramEncoder } from '../src/encode.ts'
import { encodeRows } from '../src/encode-rows.ts'
import { createDwarfFormat } from '../src/format.ts'
import type { FrameDescription } from '../src/frame-section.ts'
import { printFrames } from '../src/print.ts'
import { dwarfAarch64 } from '../src/registers-aarch64.ts'
import { callFrameRows, sameMeaning } from '../src/rows.ts'
import { aarch64Functions } from './aarch64-functions.ts'
import { objectSection } from './elf.ts'
import { asVector, toHex } from './vectors.ts'

const format = createDwarfFormat({ architecture: dwarfAarch64 })
/** The factors of LLVM's assembler. */
const llvmAarch64: DwarfArchitecture = { ...dwarfAarch64, codeAlignmentFactor: 1, dataAlignmentFactor: -4 }

test('random functions: the rows of every record, and every register at every instruction', () => {
  for (const architecture of [dwarfAarch64, llvmAarch64]) {
    const report = checkConformance(createDwarfFormat({ architecture }), {
      architecture: aarch64,
      functions: aarch64Functions(),
      rows: 'equal',
      runs: 60,
    })
    expect(report.points).toBeGreaterThan(3000)
    expect([...report.refused]).toEqual([])
  }
})

/** A function with a signed return address; what its instructions did. */
function signedRecord(): FrameRecord {
  const recorder = new FrameRecorder()
  recorder.signReturnAddress(4, 4, true) //            paciasp
  recorder.adjustSp(8, 4, -32) //                      stp x29, x30, [sp, #-32]!
  recorder.save(8, 0, AARCH64_FP, 'sp', 0, 8)
  recorder.save(8, 0, AARCH64_LR, 'sp', 8, 8)
  recorder.setFrameRegister(12, 4, AARCH64_FP) //      mov x29, sp
  recorder.save(16, 4, AARCH64_V0 + 8, 'sp', 16, 8) // str d8, [sp, #16]
  recorder.prologueEnd(16)
  recorder.epilogueBegin(40)
  recorder.restore(44, 4, AARCH64_V0 + 8, 'sp', 16, 8)
  recorder.restoreSp(48, 4, AARCH64_FP) //             ldp x29, x30, [sp], #32
  recorder.adjustSp(48, 0, 32)
  recorder.restore(48, 0, AARCH64_FP, 'sp', -32, 8)
  recorder.restore(48, 0, AARCH64_LR, 'sp', -24, 8)
  recorder.signReturnAddress(52, 4, false) //          autiasp
  recorder.epilogueEnd(56)
  return recorder.finish({ codeSize: 60, architecture: 'aarch64' })
}

/** The same in directives, as a compiler writes them; the state is remembered where it begins. */
const signedAssembly = `
f:
.cfi_startproc
paciasp
.cfi_negate_ra_state
stp x29, x30, [sp, #-32]!
.cfi_def_cfa_offset 32
.cfi_offset 29, -32
.cfi_offset 30, -24
mov x29, sp
.cfi_def_cfa_register 29
str d8, [sp, #16]
.cfi_offset 72, -16
.cfi_remember_state
nop; nop; nop; nop; nop; nop
ldr d8, [sp, #16]
.cfi_restore 72
ldp x29, x30, [sp], #32
.cfi_def_cfa 31, 0
.cfi_restore 29
.cfi_restore 30
autiasp
.cfi_negate_ra_state
ret
.cfi_restore_state
nop
.cfi_endproc
`

const tools = { as: requireTool('aarch64-linux-gnu-as'), llvmMc: requireTool('llvm-mc') }
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'unwind-dwarf-aarch64-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function assemble(tool: 'as' | 'llvmMc', text: string): string {
  const source = join(folder, 'in.s')
  const object = join(folder, `${tool}.o`)
  writeFileSync(source, `.arch armv8.3-a\n${text}`)
  const args =
    tool === 'as'
      ? // The flag sets the version of .eh_frame as well.
        [...(text.includes('.debug_frame') ? ['--gdwarf-cie-version=4'] : []), source, '-o', object]
      : ['-triple=aarch64-linux-gnu', '-dwarf-version=4', '-filetype=obj', source, '-o', object]
  const { status, stderr } = spawnSync(tools[tool]!, args, { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  return object
}

const describe = (record: FrameRecord, architecture: DwarfArchitecture, offset: number = 0): FrameDescription => ({
  symbol: `f${offset}`,
  section: '.text',
  offset,
  size: record.codeSize,
  program: new ProgramEncoder(architecture).encode(record),
})

test.skipIf(tools.as === null || tools.llvmMc === null)(
  'the assemblers write the record of a signed frame as we do',
  () => {
    for (const [tool, architecture] of [
      ['as', dwarfAarch64],
      ['llvmMc', llvmAarch64],
    ] as const) {
      const object = assemble(tool, `.cfi_sections .eh_frame, .debug_frame\n${signedAssembly}`)
      const function_ = describe(signedRecord(), architecture)
      expect(asVector(assembleDebugFrame([function_], { architecture })), tool).toEqual(
        objectSection(object, '.debug_frame'),
      )
      const plain = assemble(tool, signedAssembly)
      expect(asVector(assembleEhFrame([function_], { architecture })), tool).toEqual(objectSection(plain, '.eh_frame'))
    }
  },
)

test.skipIf(tools.as === null || tools.llvmMc === null)('frames that are signed with key B', () => {
  const text = `
.cfi_startproc
.cfi_b_key_frame
nop
.cfi_negate_ra_state
nop
.cfi_endproc
.cfi_startproc
nop
.cfi_endproc
.cfi_startproc
.cfi_signal_frame
nop
.cfi_b_key_frame
nop
.cfi_def_cfa_offset 16
.cfi_endproc
`
  const functions: [number, CfiDirective[]][] = [
    [
      8,
      [
        { at: 0, op: 'b_key_frame' },
        { at: 4, op: 'negate_ra_state' },
      ],
    ],
    [4, []],
    [
      8,
      [
        { at: 0, op: 'signal_frame' },
        { at: 4, op: 'b_key_frame' },
        { at: 8, op: 'def_cfa_offset', offset: 16 },
      ],
    ],
  ]
  let offset = 0
  const given = functions.map(([size, program]): FrameDescription => {
    offset += size
    return { symbol: 'f', section: '.text', offset: offset - size, size, program }
  })
  for (const [tool, architecture, dialect] of [
    ['as', dwarfAarch64, 'gnu'],
    ['llvmMc', llvmAarch64, 'llvm'],
  ] as const) {
    const section = assembleEhFrame(given, { architecture, dialect })
    expect(asVector(section)).toEqual(objectSection(assemble(tool, text), '.eh_frame'))
    const cies = decodeFrames(section.bytes, { architecture }).entries.filter((entry) => entry.kind === 'cie')
    expect(cies.map(({ signedWithKeyB, signalFrame }) => [signedWithKeyB, signalFrame])).toEqual([
      [true, false],
      [false, false],
      [true, true],
    ])
  }
  const keyB = createDwarfFormat({ architecture: dwarfAarch64, returnAddressKey: 'B' })
  const unwind = keyB.encode(signedRecord())
  const [section] = keyB.assemble([{ symbol: 'f', section: '.text', offset: 0, codeSize: 60, unwind }])
  expect(decodeFrames(section!.bytes).entries[0]).toMatchObject({ augmentation: 'zRB' })
})

/** Directives of the operations of a program. */
function directivesOf(description: FrameDescription, architecture: DwarfArchitecture): CfiDirective[] {
  const table = decodeFrames(assembleEhFrame([description], { architecture }).bytes, { architecture })
  const fde = table.entries.find((entry): entry is FrameDescriptionEntry => entry.kind === 'fde')!
  const directives: CfiDirective[] = []
  for (const { at, operation } of instructionsOf(table, fde)) if (operation) directives.push({ at, ...operation })
  return directives
}

function directiveText(directive: CfiDirective): string {
  switch (directive.op) {
    case 'def_cfa':
      return `.cfi_def_cfa ${directive.register}, ${directive.offset}`
    case 'def_cfa_register':
      return `.cfi_def_cfa_register ${directive.register}`
    case 'def_cfa_offset':
      return `.cfi_def_cfa_offset ${directive.offset}`
    case 'offset':
      return `.cfi_offset ${directive.register}, ${directive.offset}`
    case 'restore':
      return `.cfi_restore ${directive.register}`
    default:
      return `.cfi_${directive.op}`
  }
}

test.skipIf(tools.as === null || tools.llvmMc === null)('the assemblers write our bytes from our operations', () => {
  const records = fc.sample(aarch64Functions(), { numRuns: 80, seed: 1 }).map(({ record }) => record)
  for (const [tool, architecture, dialect] of [
    ['as', dwarfAarch64, 'gnu'],
    ['llvmMc', llvmAarch64, 'llvm'],
  ] as const) {
    let offset = 0
    const lines: string[] = []
    const given = records.map((record): FrameDescription => {
      const description = describe(record, architecture, offset)
      offset += record.codeSize
      const program = directivesOf(description, architecture)
      let at = 0
      lines.push('.cfi_startproc')
      for (const directive of program) {
        for (; at < directive.at; at += 4) lines.push('nop')
        lines.push(directiveText(directive))
      }
      for (; at < record.codeSize; at += 4) lines.push('nop')
      lines.push('.cfi_endproc')
      return { ...description, program }
    })
    const object = assemble(tool, `.cfi_sections .eh_frame, .debug_frame\n${lines.join('\n')}\n`)
    expect(asVector(assembleDebugFrame(given, { architecture, dialect }))).toEqual(
      objectSection(object, '.debug_frame'),
    )
    const plain = assemble(tool, `${lines.join('\n')}\n`)
    expect(asVector(assembleEhFrame(given, { architecture, dialect }))).toEqual(objectSection(plain, '.eh_frame'))
  }
})

const TEXT = 0x40_0000n

function imageOf(record: FrameRecord): UnwindImage {
  const unwind = format.encode(record)
  const sections = format.assemble([{ symbol: 'f', section: '.text', offset: 0, codeSize: record.codeSize, unwind }])
  return loadImage(0n, [{ name: '.text', address: TEXT, bytes: new Uint8Array(record.codeSize) }], sections, new Map())
}

test('a signed return address is walked without its signature', () => {
  const image = imageOf(signedRecord())
  const registers: (bigint | undefined)[] = Array.from({ length: 65 }, (_, i) => BigInt(i))
  registers[AARCH64_SP] = 0x7000n
  registers[AARCH64_FP] = 0x7000n
  registers[AARCH64_PC] = TEXT + 20n
  const memory = (address: bigint): bigint => (address === 0x7008n ? 0x0055_7777_0041_2344n : address)
  const caller = format.unwind({ registers }, image, memory).registers
  expect(caller[AARCH64_PC]).toBe(0x7777_0041_2344n)
  expect(caller[AARCH64_LR]).toBe(0x7777_0041_2344n)
  expect(caller[AARCH64_SP]).toBe(0x7020n)
  // Before it is signed, it is taken as it stands in the register; a kernel's address keeps its ones.
  registers[AARCH64_PC] = TEXT
  registers[AARCH64_LR] = 0x0055_7777_0041_2344n
  expect(format.unwind({ registers }, image, memory).registers[AARCH64_PC]).toBe(0x0055_7777_0041_2344n)
  registers[AARCH64_PC] = TEXT + 4n
  registers[AARCH64_LR] = 0x1280_8000_0041_2344n
  expect(format.unwind({ registers }, image, memory).registers[AARCH64_PC]).toBe(0xffff_8000_0041_2344n)
})

test('the section in words', () => {
  const image = imageOf(signedRecord())
  const { bytes } = image.sections.find(({ name }) => name === '.eh_frame')!
  const lines = printFrames(decodeFrames(bytes, { architecture: dwarfAarch64 }))
  expect(lines.slice(-9)).toMatchInlineSnapshot(`
    [
      "    0x0000  sp",
      "    0x0004  sp                                    signed",
      "    0x0008  sp+32   [CFA-32]            [CFA-24]  signed",
      "    0x000c  x29+32  [CFA-32]            [CFA-24]  signed",
      "    0x0010  x29+32  [CFA-32]  [CFA-16]  [CFA-24]  signed",
      "    0x002c  x29+32  [CFA-32]            [CFA-24]  signed",
      "    0x0030  sp                                    signed",
      "    0x0034  sp",
      "    0x0038  x29+32  [CFA-32]  [CFA-16]  [CFA-24]  signed",
    ]
  `)
  expect(format.print(format.encode(signedRecord())!).slice(0, 3)).toMatchInlineSnapshot(`
    [
      "at      CFA     x29       v8        x30       return address",
      "0x0000  sp",
      "0x0004  sp                                    signed",
    ]
  `)
})

test('rows that were read are written again', () => {
  const table = decodeFrames(
    assembleEhFrame([describe(signedRecord(), llvmAarch64)], { architecture: llvmAarch64 }).bytes,
    { architecture: llvmAarch64 },
  )
  const fde = table.entries.find((entry): entry is FrameDescriptionEntry => entry.kind === 'fde')!
  const rows = callFrameRows(table, fde)
  const program = encodeRows(rows, false, dwarfAarch64)
  expect(toHex(program)).toBe(toHex(new ProgramEncoder(dwarfAarch64).encode(signedRecord())))
  const again = decodeFrames(
    assembleEhFrame([{ ...describe(signedRecord(), dwarfAarch64), program }], { architecture: dwarfAarch64 }).bytes,
    { architecture: dwarfAarch64 },
  )
  const found = callFrameRows(again, again.entries.at(-1) as FrameDescriptionEntry)
  expect(found.every((row, i) => row.at === rows[i]!.at && sameMeaning(row, rows[i]!))).toBe(true)
})

test('what the factors do not divide, and what has no number, is refused with its event', () => {
  const problem = (record: FrameRecord): unknown => {
    try {
      format.encode(record)
    } catch (error) {
      return { ...(error as { problem: object }).problem, event: (error as { event: number }).event }
    }
    return null
  }
  const record = signedRecord()
  expect(problem({ ...record, architecture: 'x86-64' })).toEqual({
    code: 'architecture',
    architecture: 'x86-64',
    event: -1,
  })
  const odd = record.events.map((event) => (event.kind === 'save' && event.at === 16 ? { ...event, at: 15 } : event))
  expect(problem({ ...record, events: odd })).toEqual({ code: 'offset-unaligned', offset: 15, factor: 4, event: 5 })
  const lost = [...record.events.slice(0, 7), { at: 20, length: 4, kind: 'lost', register: 77 } as const]
  expect(problem({ ...record, events: lost })).toEqual({ code: 'register', register: 77, event: 7 })
})
