// A machine with addresses of 4 bytes: i386, described here, against both assemblers and by hand.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type FrameArchitecture,
  type FrameRecord,
  FrameRecorder,
  type UnwoundFunction,
  unwindRows,
} from '@framewright/frame-layout'
import { loadImage } from '@framewright/frame-layout/testing'
import { requireTool } from '@framewright/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DwarfArchitecture } from '../src/architecture.ts'
import { assembleDebugFrame } from '../src/debug-frame.ts'
import { decodeFrames, type FrameDescriptionEntry } from '../src/decode.ts'
import { decodeLsda } from '../src/decode-lsda.ts'
import type { Dialect } from '../src/directives.ts'
import { assembleEhFrame } from '../src/eh-frame.ts'
import { decodeEhFrameHdr, searchEhFrameHdr } from '../src/eh-frame-hdr.ts'
import { evaluateExpression } from '../src/expression.ts'
import { createDwarfFormat, frameDescriptions } from '../src/format.ts'
import type { DwarfSection, FrameDescription } from '../src/frame-section.ts'
import { findEntry } from '../src/lookup.ts'
import { encodeLsda } from '../src/lsda.ts'
import { callFrameRows } from '../src/rows.ts'
import { buildRunTimeImage } from '../src/run-time/image.ts'
import { encodeJitElf } from '../src/run-time/jit-elf.ts'
import { dynInfoOf } from '../src/run-time/registration.ts'
import { asUnwindRows } from '../src/unwind-rows.ts'
import { fromHex, toHex } from './vectors.ts'

const [EBX, ESP, EBP, EIP] = [3, 4, 5, 8]

const frame: FrameArchitecture = {
  name: 'i386',
  registerNames: ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi', 'eip'],
  stackPointer: ESP,
  framePointer: EBP,
  registerBytes: new Array<number>(9).fill(4),
  returnAddress: EIP,
  programCounter: EIP,
  entryCfaOffset: 4,
  returnAddressOffset: -4,
  pushBytes: 4,
}

/** System V ABI, Intel386 supplement, table 2.14: the hardware's numbers, and 8 for the return address. */
const i386: DwarfArchitecture = {
  frame,
  registers: [0, 1, 2, 3, 4, 5, 6, 7, 8],
  codeAlignmentFactor: 1,
  dataAlignmentFactor: -4,
  elfMachine: 3, // EM_386
}

const format = createDwarfFormat({ architecture: i386 })

function record(personality: boolean = false): FrameRecord {
  const recorder = new FrameRecorder()
  recorder.push(1, 1, EBP, true, 4)
  recorder.setFrameRegister(3, 2, EBP)
  recorder.push(4, 1, EBX, true, 4)
  recorder.prologueEnd(4)
  recorder.epilogueBegin(10)
  recorder.restore(13, 3, EBX, 'frame', -4, 4)
  recorder.leave(14, 1, EBP, 4)
  recorder.epilogueEnd(15)
  const handler = personality ? { personality: { symbol: 'p' }, languageData: { symbol: 'l' } } : undefined
  return recorder.finish({ codeSize: 15, architecture: 'i386', ...handler })
}

/** Two functions, one behind the other. */
const functions: UnwoundFunction[] = [
  { symbol: 'f', section: '.text', offset: 0, codeSize: 15, unwind: format.encode(record()) },
  { symbol: 'g', section: '.text', offset: 15, codeSize: 15, unwind: format.encode(record(true)) },
]

const assembly = (sections: string): string => {
  const body = `
push %ebp
.cfi_def_cfa_offset 8
.cfi_offset 5, -8
mov %esp, %ebp
.cfi_def_cfa_register 5
push %ebx
.cfi_offset 3, -12
nop; nop; nop; nop; nop; nop
mov -4(%ebp), %ebx
.cfi_restore 3
leave
.cfi_def_cfa 4, 4
.cfi_restore 5
ret
.cfi_endproc
`
  return `${sections}\nf:\n.cfi_startproc${body}g:\n.cfi_startproc\n.cfi_personality 0x9b, p\n.cfi_lsda 0x1b, l${body}`
}

const tools = { as: requireTool('as'), llvmMc: requireTool('llvm-mc'), objcopy: requireTool('llvm-objcopy') }
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'unwind-dwarf-i386-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function sectionOf(tool: 'as' | 'llvmMc', text: string, name: string): string {
  const [source, object, bytes] = ['in.s', 'out.o', 'out.bin'].map((one) => join(folder, one)) as [
    string,
    string,
    string,
  ]
  writeFileSync(source, text)
  const args = tool === 'as' ? ['--32'] : ['-triple=i386-linux-gnu', '-dwarf-version=4', '-filetype=obj']
  for (const [program, given] of [
    [tools[tool]!, [...args, source, '-o', object]],
    [tools.objcopy!, [`--dump-section=${name}=${bytes}`, object, join(folder, 'copy.o')]],
  ] as const) {
    expect(spawnSync(program, given, { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
  }
  return toHex(new Uint8Array(readFileSync(bytes)))
}

/** i386 has REL: addends stand in the fields. */
function withAddends({ bytes, relocations }: DwarfSection): string {
  const result = bytes.slice()
  const view = new DataView(result.buffer)
  for (const { offset, addend } of relocations) view.setInt32(offset, addend, true)
  return toHex(result)
}

test.skipIf(Object.values(tools).includes(null))('the sections are those of the assemblers', () => {
  // The assemblers name the personality routine's pointer as they are told to.
  const given = frameDescriptions(functions, { architecture: i386 }).map((one): FrameDescription => {
    return one.personality === undefined ? one : { ...one, personality: { ...one.personality, symbol: 'p' } }
  })
  const dialects: ['as' | 'llvmMc', Dialect][] = [
    ['as', 'gnu'],
    ['llvmMc', 'llvm'],
  ]
  for (const [tool, dialect] of dialects) {
    const eh = assembleEhFrame(given, { architecture: i386, dialect })
    expect(eh.align).toBe(4)
    expect(withAddends(eh), tool).toBe(sectionOf(tool, assembly(''), '.eh_frame'))
    const version = tool === 'as' ? 1 : 4
    const debug = assembleDebugFrame(given, { architecture: i386, dialect, version })
    expect(withAddends(debug), tool).toBe(sectionOf(tool, assembly('.cfi_sections .debug_frame'), '.debug_frame'))
  }
})

test('decoded, found and walked', () => {
  const code = { name: '.text', address: 0x804_8000n, bytes: new Uint8Array(30) }
  for (const codeEncoding of [0x1b, 0x00]) {
    const own = createDwarfFormat({ architecture: i386, codeEncoding })
    const sections = own.assemble(functions)
    const image = loadImage(0n, [code], sections, new Map())
    const decoded = own.decode(image)
    expect(decoded.map(({ begin }) => begin)).toEqual([0x804_8000n, 0x804_800fn])
    for (const one of decoded) expect(one.rows()).toEqual(unwindRows(record(), frame))
    expect(sections[1]).toMatchObject({ align: 4, bytes: new Uint8Array(4) })
    const registers: (bigint | undefined)[] = Array.from({ length: 9 }, (_, i) => BigInt(i))
    registers[ESP] = 0xffff_fff0n
    registers[EBP] = 0xffff_fffcn
    registers[EIP] = 0x804_8008n
    const read: [bigint, number][] = []
    const memory = (address: bigint, bytes: number): bigint => {
      read.push([address, bytes])
      return address ^ 0x5000_0000n
    }
    // The CFA is ebp + 8, past the end of 32 bits.
    const caller = own.unwind({ registers }, image, memory).registers
    expect([caller[ESP], caller[EBP], caller[EBX], caller[EIP]]).toEqual([4n, 0xaffffffcn, 0xaffffff8n, 0x5000_0000n])
    expect(read.every(([, bytes]) => bytes === 4)).toBe(true)
  }
})

test('expressions count in 32 bits', () => {
  const context = {
    addressBytes: 4,
    register: (): bigint => 0xffff_fff0n,
    memory: (_: bigint, bytes: number): bigint => BigInt(bytes),
  } as const
  const value = (digits: string): bigint => evaluateExpression(fromHex(digits), context)
  expect(value('7520')).toBe(0x10n) // breg5 +32
  expect(value('117f')).toBe(0xffff_ffffn) // consts -1
  expect(value('303106')).toBe(4n) // lit0; lit1; deref
  expect(value('117f' + '31' + '2d')).toBe(1n) // -1 < 1
  expect(value('117f' + '0820' + '25')).toBe(0n) // shifted by all its bits
  expect(value('0300100000')).toBe(0x1000n) // addr
  expect(() => value('309408')).toThrow(/deref_size of 8 bytes/)
})

test('pointers of types, tables and images have 4 bytes', () => {
  const site = { start: 4, length: 4, landingPad: 20, action: 0 }
  const lsda = {
    callSites: [site],
    actions: [{ filter: 1, next: null }],
    types: [{ symbol: 'T' }],
    specifications: [],
    typeEncoding: 0x00,
  }
  const { bytes, relocations } = encodeLsda(lsda, 4)
  expect(relocations.map(({ kind }) => kind)).toEqual(['absolute-32'])
  expect(decodeLsda(bytes, 0, 0n, 4).types.length).toBe(1)

  const addresses = new Map([
    ['.text', 0xf000_0000n],
    ['p', 0x1000n],
    ['l', 0x2000n],
  ])
  // Distances wrap: everything is in reach.
  const image = buildRunTimeImage(functions, { address: 0x1000_0000n, addresses, architecture: i386 })
  const table = decodeFrames(image.ehFrame.bytes, { address: image.address, architecture: i386 })
  const fdes = table.entries.filter((entry): entry is FrameDescriptionEntry => entry.kind === 'fde')
  expect(fdes.map(({ begin }) => begin)).toEqual([0xf000_0000n, 0xf000_000fn])
  expect(fdes[1]!.cie).toMatchObject({ personality: { value: 0x1000n }, codeEncoding: 0x1b })
  expect(fdes[1]!.languageData!.value).toBe(0x2000n)
  expect(asUnwindRows(callFrameRows(table, fdes[0]!), 8, i386)).toEqual(unwindRows(record(), frame))
  const { address: hdr, bytes: header } = image.ehFrameHdr
  expect(decodeEhFrameHdr(header, hdr, 4).functions!.map(({ begin }) => begin)).toEqual([0xf000_0000n, 0xf000_000fn])
  expect(searchEhFrameHdr(header, hdr, 0xf000_0010n, 4)).toBe(image.functions[1]!.entry)
  const loaded = { base: 0n, sections: [image.ehFrame, image.ehFrameHdr] }
  expect(findEntry(loaded, 0xf000_0010n, { architecture: i386 })!.entry.begin).toBe(0xf000_000fn)
  for (const run of [
    (): unknown => dynInfoOf(image, 0x3000n),
    (): unknown => encodeJitElf({ code: [], symbols: [], sections: [], architecture: i386 }),
  ]) {
    expect(run).toThrow(/architecture 'i386'/)
  }
})
