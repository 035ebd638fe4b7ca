import { type FrameRecord, FrameRecorder, RBP, RETURN_ADDRESS, RSP, type UnwindImage } from '@framewright/frame-layout'
import { loadImage } from '@framewright/frame-layout/testing'
import { expect, test } from 'vitest'
import { assembleDebugFrame } from '../src/debug-frame.ts'
import { decodeFrames } from '../src/decode.ts'
import type { CfiDirective } from '../src/directives.ts'
import { assembleEhFrame } from '../src/eh-frame.ts'
import { encodeEhFrameHdr } from '../src/eh-frame-hdr.ts'
import { DwarfUnwindError } from '../src/errors.ts'
import { createDwarfFormat, type DwarfMachineState, dwarf } from '../src/format.ts'
import type { FrameDescription } from '../src/frame-section.ts'
import { type FoundEntry, findEntry } from '../src/lookup.ts'
import { type UnwindReader, unwindFrame } from '../src/unwind.ts'
import { fromHex } from './vectors.ts'

const TEXT = 0x40_0000n

/** Functions of 16 bytes each from TEXT on, with these operations. */
function imageOf(...programs: readonly (readonly CfiDirective[] | FrameDescription)[]): UnwindImage {
  const functions = programs.map((program, i): FrameDescription => {
    const place = { symbol: `f${i}`, section: '.text', offset: 16 * i, size: 16 }
    return 'program' in program ? { ...program, ...place } : { ...place, program }
  })
  const section = assembleEhFrame(functions)
  const text = { name: '.text', address: TEXT, bytes: new Uint8Array(16 * programs.length) }
  return loadImage(0n, [text], [section as never], new Map())
}

const STACK = 0x7fff_0000n
const memory = (address: bigint, bytes: number): bigint | undefined =>
  address >= STACK && address + BigInt(bytes) <= STACK + 0x1000n ? address + 0x1111n : undefined

const state = (pc: bigint, sp: bigint = STACK): DwarfMachineState => {
  const registers: (bigint | undefined)[] = Array.from({ length: 33 }, (_, i) => BigInt(i))
  registers[RSP] = sp
  registers[RETURN_ADDRESS] = pc
  return { registers }
}

const code = (run: () => unknown): string | null => {
  try {
    run()
  } catch (error) {
    if (error instanceof DwarfUnwindError) return error.problem.code
    throw error
  }
  return null
}

test('a return address is looked up by the byte before it, an interrupted pc by itself', () => {
  const image = imageOf([], [{ at: 8, op: 'def_cfa_offset', offset: 24 }])
  // At the end of the first function: its last instruction called, and does not return.
  const inFirst = dwarf.unwind({ ...state(TEXT + 16n), afterCall: true }, image, memory)
  expect(inFirst.registers[RSP]).toBe(STACK + 8n)
  expect(inFirst.registers[RETURN_ADDRESS]).toBe(STACK + 0x1111n)
  expect(inFirst.afterCall).toBe(true)
  // The row that begins at a return address describes the next instruction only.
  expect(dwarf.unwind({ ...state(TEXT + 24n), afterCall: true }, image, memory).registers[RSP]).toBe(STACK + 8n)
  expect(dwarf.unwind(state(TEXT + 24n), image, memory).registers[RSP]).toBe(STACK + 24n)
})

test('the caller of a signal frame has an exact pc', () => {
  const image = imageOf({ symbol: '', section: '', offset: 0, size: 0, program: [], signalFrame: true })
  expect(dwarf.unwind(state(TEXT), image, memory).afterCall).toBe(false)
})

test('every kind of rule', () => {
  const image = imageOf([
    { at: 0, op: 'def_cfa_offset', offset: 64 },
    { at: 0, op: 'offset', register: 3, offset: -16 },
    { at: 0, op: 'register', register: 6, into: 12 },
    { at: 0, op: 'val_expression', register: 13, expression: fromHex('2310') },
    { at: 0, op: 'expression', register: 14, expression: fromHex('1168 22'.replace(' ', '')) },
    { at: 0, op: 'undefined', register: 15 },
    { at: 0, op: 'same_value', register: 12 },
  ])
  const { registers } = dwarf.unwind(state(TEXT + 3n), image, memory)
  const cfa = STACK + 64n
  expect(registers[3]).toBe(cfa - 16n + 0x1111n) // rbx
  expect(registers[RBP]).toBe(12n)
  expect(registers[13]).toBe(cfa + 16n)
  expect(registers[14]).toBe(cfa - 24n + 0x1111n)
  expect(registers[15]).toBeUndefined()
  expect(registers[12]).toBe(12n)
  expect(registers[RSP]).toBe(cfa)
  expect(registers[0]).toBe(0n)
})

test('the outermost frame, unknown code, unreadable memory', () => {
  const image = imageOf([{ at: 0, op: 'undefined', register: 16 }], [])
  expect(code(() => dwarf.unwind(state(TEXT), image, memory))).toBe('no-caller')
  expect(code(() => dwarf.unwind(state(TEXT + 32n), image, memory))).toBe('no-entry')
  expect(code(() => dwarf.unwind(state(TEXT + 16n, 0x1000n), image, memory))).toBe('unreadable')
  expect(code(() => dwarf.unwind(state(TEXT + 16n), image, () => 0n))).toBe('no-caller')
})

test('the limits of each reader', () => {
  const walk = (reader: UnwindReader, ...program: CfiDirective[]): string | null =>
    code(() => createDwarfFormat({ reader }).unwind(state(TEXT), imageOf(program), memory))
  const vector: CfiDirective = { at: 0, op: 'offset', register: 23, offset: -32 }
  const value: CfiDirective = { at: 0, op: 'val_offset', register: 3, offset: -16 }
  const readers = ['specification', 'libgcc', 'libunwind', 'nongnu'] as const
  expect(readers.map((reader) => walk(reader, vector))).toEqual(['unreadable', null, 'reader-limit', 'reader-limit'])
  expect(readers.map((reader) => walk(reader, value))).toEqual([null, null, 'reader-limit', 'reader-limit'])
  // nongnu libunwind reads no further than to such a rule, although the row does not have it any more.
  const forgotten: CfiDirective[] = [{ at: 0, op: 'remember_state' }, vector, { at: 0, op: 'restore_state' }]
  expect(readers.map((reader) => walk(reader, ...forgotten))).toEqual([null, null, null, 'reader-limit'])
  const inRax: CfiDirective = { at: 0, op: 'def_cfa', register: 0, offset: 8 }
  expect(walk('libunwind', inRax)).toBe('reader-limit')
})

test('libgcc takes restore for unsaved even where the CIE has a rule', () => {
  const image = imageOf([
    { at: 0, op: 'offset', register: 16, offset: -16 },
    { at: 4, op: 'restore', register: 16 },
  ])
  const at = (reader: UnwindReader): bigint | undefined =>
    createDwarfFormat({ reader }).unwind(state(TEXT + 8n), image, memory).registers[RETURN_ADDRESS]
  expect(at('specification')).toBe(STACK + 0x1111n)
  // Unsaved: the column keeps the value that stood in it, which is the pc.
  expect(at('libgcc')).toBe(TEXT + 8n)
})

test('the index finds the same entries as the walk through the section', () => {
  const image = imageOf([], [{ at: 4, op: 'def_cfa_offset', offset: 16 }], [])
  const section = image.sections.find(({ name }) => name === '.eh_frame')!
  const address = section.address + 0x1000n
  const bytes = encodeEhFrameHdr(decodeFrames(section.bytes, { address: section.address }), address)
  const indexed: UnwindImage = { ...image, sections: [...image.sections, { name: '.eh_frame_hdr', address, bytes }] }
  for (let pc = TEXT - 2n; pc < TEXT + 50n; pc++) {
    const found = findEntry(image, pc)
    expect(findEntry(indexed, pc)?.entry).toEqual(found?.entry)
    expect(found !== null).toBe(pc >= TEXT && pc < TEXT + 48n)
  }
})

test('an image without .eh_frame is walked by its .debug_frame', () => {
  const functions = [{ symbol: 'f', section: '.text', offset: 0, size: 16, program: [] }]
  const { name, bytes, relocations } = assembleDebugFrame(functions)
  for (const { offset, kind } of relocations) {
    if (kind === 'absolute-64') new DataView(bytes.buffer).setBigUint64(offset, TEXT, true)
  }
  const image: UnwindImage = { base: 0n, sections: [{ name, address: 0n, bytes }] }
  const found = findEntry(image, TEXT)!
  const registers = [...Array.from({ length: 7 }, () => 0n), STACK]
  expect(unwindFrame(found.table, found.entry, TEXT, registers, memory).cfa).toBe(STACK + 8n)
  expect(dwarf.unwind(state(TEXT + 15n), image, memory).registers[RSP]).toBe(STACK + 8n)
  expect(unwindFrameCode(found, 'libunwind')).toBe('reader-limit') // version 4
})

const unwindFrameCode = (found: FoundEntry, reader: UnwindReader): string | null =>
  code(() => unwindFrame(found.table, found.entry, TEXT, [], memory, reader))

test('a chain of frames, the way a debugger walks it', () => {
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBP)
  recorder.setFrameRegister(4, 3, RBP)
  recorder.prologueEnd(4)
  const record: FrameRecord = recorder.finish({ codeSize: 16 })
  const unwind = dwarf.encode(record)
  const sections = dwarf.assemble([{ symbol: 'f', section: '.text', offset: 0, codeSize: 16, unwind }])
  const image = loadImage(0n, [{ name: '.text', address: TEXT, bytes: new Uint8Array(16) }], sections, new Map())
  // Three activations of one function, each with its frame pointer and return address 32 bytes above the last.
  const words = (address: bigint): bigint => {
    const offset = address - STACK
    if (offset % 32n === 0n) return address + 32n
    return offset === 72n ? 0n : TEXT + 9n
  }
  let frame: DwarfMachineState = state(TEXT + 8n)
  frame = { registers: frame.registers.with(RBP, STACK) }
  for (let depth = 1n; depth <= 2n; depth++) {
    frame = dwarf.unwind(frame, image, words)
    expect(frame.registers[RETURN_ADDRESS]).toBe(TEXT + 9n)
    expect(frame.registers[RBP]).toBe(STACK + 32n * depth)
    expect(frame.registers[RSP]).toBe(STACK + 32n * (depth - 1n) + 16n)
  }
  expect(code(() => dwarf.unwind(frame, image, words))).toBe('no-caller')
})
