// A machine that nobody shipped: 64-bit PowerPC, described here. Its return address is in a register that is saved above the
// CFA, and its pc has no DWARF number.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FrameArchitecture, type FrameRecord, FrameRecorder, unwindRows } from '@framewright/frame-layout'
import { loadImage } from '@framewright/frame-layout/testing'
import { requireTool } from '@framewright/testkit'
import { expect, test } from 'vitest'
import type { DwarfArchitecture } from '../src/architecture.ts'
import { createDwarfFormat } from '../src/format.ts'
import { dwarfRegister, hardwareRegister, registerName } from '../src/registers.ts'
import { readElf } from './elf.ts'
import { toHex } from './vectors.ts'

const LR = 32
const PC = 33

/** r0 to r31, the link register, and a pseudo register for the pc. */
const frame: FrameArchitecture = {
  name: 'powerpc64',
  registerNames: [...Array.from({ length: 32 }, (_, i) => `r${i}`), 'lr', 'pc'],
  stackPointer: 1,
  framePointer: 31,
  registerBytes: new Array<number>(34).fill(8),
  returnAddress: LR,
  programCounter: PC,
  entryCfaOffset: 0,
  returnAddressOffset: null,
  pushBytes: 8,
}

const powerpc64: DwarfArchitecture = {
  frame,
  // "64-Bit ELF V2 ABI Specification", table 2.23: lr is 65.
  registers: [...Array.from({ length: 32 }, (_, i) => i), 65, -1],
  codeAlignmentFactor: 4,
  dataAlignmentFactor: -8,
  elfMachine: 21, // EM_PPC64
}

function record(): FrameRecord {
  const recorder = new FrameRecorder()
  recorder.save(8, 4, LR, 'sp', 16, 8) //      mflr r0; std r0, 16(r1)
  recorder.adjustSp(12, 4, -32) //             stdu r1, -32(r1)
  recorder.save(12, 0, 31, 'sp', 24, 8)
  recorder.prologueEnd(12)
  recorder.epilogueBegin(16)
  recorder.restore(20, 4, 31, 'sp', 24, 8)
  recorder.adjustSp(20, 0, 32)
  recorder.restore(24, 4, LR, 'sp', 16, 8)
  recorder.epilogueEnd(28)
  return recorder.finish({ codeSize: 28, architecture: 'powerpc64' })
}

const format = createDwarfFormat({ architecture: powerpc64 })
const unwind = format.encode(record())
const sections = format.assemble([{ symbol: 'f', section: '.text', offset: 0, codeSize: 28, unwind }])

const assembler = requireTool('llvm-mc')

test.skipIf(assembler === null)("its section is LLVM's", () => {
  const folder = mkdtempSync(join(tmpdir(), 'unwind-dwarf-described-'))
  try {
    const text = `
f:
.cfi_startproc
nop; nop
.cfi_offset 65, 16
nop
.cfi_def_cfa_offset 32
.cfi_offset 31, -8
nop; nop
.cfi_def_cfa_offset 0
.cfi_restore 31
nop
.cfi_restore 65
nop
.cfi_endproc
`
    writeFileSync(join(folder, 'in.s'), text)
    const object = join(folder, 'out.o')
    const args = ['-triple=powerpc64le-linux-gnu', '-filetype=obj', join(folder, 'in.s'), '-o', object]
    expect(spawnSync(assembler!, args, { encoding: 'utf8' }).stderr).toBe('')
    const frames = readElf(object).sections.find(({ name }) => name === '.eh_frame')!
    expect(toHex(sections[0]!.bytes)).toBe(toHex(frames.bytes))
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('it is read and walked', () => {
  const code = { name: '.text', address: 0x1_0000n, bytes: new Uint8Array(28) }
  const image = loadImage(0n, [code], sections, new Map())
  expect(format.decode(image)[0]!.rows()).toEqual(unwindRows(record(), frame))
  const registers: (bigint | undefined)[] = Array.from({ length: 34 }, (_, i) => BigInt(i))
  registers[1] = 0x7000n
  const memory = (address: bigint): bigint => address + 0x10_0000n
  const at = (pc: bigint): readonly (bigint | undefined)[] =>
    format.unwind({ registers: registers.with(PC, pc) }, image, memory).registers
  const inBody = at(0x1_000cn)
  expect([inBody[1], inBody[31], inBody[LR], inBody[PC]]).toEqual([0x7020n, 0x10_7018n, 0x10_7030n, 0x10_7030n])
  const onEntry = at(0x1_0000n)
  expect([onEntry[1], onEntry[31], onEntry[LR], onEntry[PC]]).toEqual([0x7000n, 31n, 32n, 32n])
})

test('numbers and names follow from the description', () => {
  expect([dwarfRegister(LR, powerpc64), hardwareRegister(65, powerpc64)]).toEqual([65, LR])
  expect([dwarfRegister(PC, powerpc64), hardwareRegister(40, powerpc64)]).toEqual([undefined, undefined])
  expect([registerName(65, powerpc64), registerName(66, powerpc64)]).toEqual(['lr', 'reg66'])
})

test('its functions do not get into sections of other machines', () => {
  const placed = [{ symbol: 'f', section: '.text', offset: 0, codeSize: 28, unwind }]
  expect(() => createDwarfFormat().assemble(placed)).toThrow(/a function of powerpc64 in a section of x86-64/)
})

test('what has no return address column, or addresses of an odd size, is refused', () => {
  const registers = powerpc64.registers.with(LR, -1)
  expect(() => createDwarfFormat({ architecture: { ...powerpc64, registers } })).toThrow(
    /register 32 has no DWARF number/,
  )
  const short = { ...powerpc64, frame: { ...frame, pushBytes: 2 } }
  expect(() => createDwarfFormat({ architecture: short })).toThrow(/wrong size/)
})
