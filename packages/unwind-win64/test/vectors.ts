// The vectors of ../shared, their types, and what a test needs to run them against this package.

import { readFileSync } from 'node:fs'
import {
  type FrameRecord,
  FrameRecorder,
  type LoadedSection,
  type MachineState,
  RETURN_ADDRESS,
  type ReadMemory,
  type UnwindImage,
  x64,
} from '@framewright/frame-layout'
import { sharedPath } from '@framewright/testkit'
import type { PrologueOperation, WindingOperation } from '../src/index.ts'

export interface VectorOperation {
  op: 'pushNonvol' | 'alloc' | 'setFrame' | 'saveNonvol' | 'saveXmm128' | 'pushMachFrame' | 'push2'
  start: number
  end: number
  reg: string
  reg2?: string
  size: number
  offset: number
  errorCode: boolean
}

export interface VectorReloc {
  offset: number
  type: string
  symbol: string
  addend?: number
}

export interface VectorPoint {
  ip: number
  at: 'prolog' | 'body' | 'epilog'
  rsp: string
  clobbered?: string[]
  regs?: Record<string, string>
  establisherFrame?: string
  saved?: Record<string, string>
  handler?: boolean
  wineDiffers?: unknown
}

export interface VectorCase {
  name: string
  tags: string[]
  version: 1 | 2 | 3
  ops?: VectorOperation[]
  prologSize: number
  epilogs?: { start: number; popStart: number; terminator: number; end: number; ops?: VectorOperation[] }[]
  functionSize: number
  codeHex: string
  codeRelocs: VectorReloc[]
  flags: number
  handler?: string
  handlerOffset?: number
  handlerDataHex?: string
  xdataHex: string
  xdataShortestHex?: string
  xdataRelocs: VectorReloc[]
  symbols?: Record<string, number>
  pdata: { begin: number; end: number; unwindInfo: number }[]
  pdataRelocs: VectorReloc[]
  fragments?: { begin: number; end: number; prologSize: number; ops: VectorOperation[]; chainsTo: number | null }[]
  unwind?: { callerRsp: string; memory: [string, string][]; points: VectorPoint[] }
}

export interface Vectors {
  conventions: {
    imageBase: string
    textRva: string
    xdataRva: string
    externalRva: string
    callerRsp: string
    returnAddress: string
    callerRegisters: Record<string, string>
    clobberedRegisters: Record<string, string>
  }
  cases: VectorCase[]
  invalid: { name: string; ops: VectorOperation[]; prologSize: number; why: string }[]
}

/** Null when the file is absent. */
export function readVectors(): Vectors | null {
  const path = sharedPath('vectors/win64-unwind.json')
  return path === null ? null : (JSON.parse(readFileSync(path, 'utf8')) as Vectors)
}

export const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))
export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Names of r16 to r31 and xmm16 and up become numbers that nothing can describe. */
export function registerOf(name: string): number {
  const number = x64.registerNames.indexOf(name)
  return number >= 0 ? number : 100 + Number(name.replace(/\D+/, ''))
}

export function operationOf(op: VectorOperation): PrologueOperation {
  const at = op.end
  switch (op.op) {
    case 'pushNonvol':
      return { at, kind: 'push', register: registerOf(op.reg) }
    case 'alloc':
      return { at, kind: 'allocate', bytes: op.size }
    case 'setFrame':
      return { at, kind: 'set-frame', register: registerOf(op.reg), offset: op.offset }
    case 'saveNonvol':
    case 'saveXmm128':
      return { at, kind: 'save', register: registerOf(op.reg), offset: op.offset }
    case 'pushMachFrame':
      return { at, kind: 'machine-frame', errorCode: op.errorCode }
    case 'push2':
      throw new Error('version 3 alone has push2')
  }
}

/** One operation in version 3's terms. */
export function windingOf(op: VectorOperation): WindingOperation {
  const { start } = op
  switch (op.op) {
    case 'pushNonvol':
      return { start, kind: 'push', register: hardwareNumber(op.reg) }
    case 'push2':
      return { start, kind: 'push2', register: hardwareNumber(op.reg), second: hardwareNumber(op.reg2!) }
    case 'alloc':
      return { start, kind: 'allocate', bytes: op.size }
    case 'setFrame':
      return { start, kind: 'set-frame', register: hardwareNumber(op.reg), offset: op.offset }
    case 'saveNonvol':
      return { start, kind: 'save', register: hardwareNumber(op.reg), offset: op.offset }
    case 'saveXmm128':
      return { start, kind: 'save-vector', register: hardwareNumber(op.reg), offset: op.offset }
    case 'pushMachFrame':
      return { start, kind: 'canonical-frame', type: op.errorCode ? 1 : 0 }
  }
}

function hardwareNumber(name: string): number {
  const number = x64.registerNames.indexOf(name)
  return number >= 0 ? number & 15 : Number(name.replace(/\D+/, ''))
}

/** `.text`, `.xdata` and `.pdata` of a case at the addresses of the conventions, relocations applied. */
export function imageOf(vectors: Vectors, vector: VectorCase): UnwindImage {
  const { imageBase, textRva, xdataRva, externalRva } = vectors.conventions
  const base = BigInt(imageBase)
  const text = Number(textRva)
  const xdata = Number(xdataRva)
  const pdata = xdata + 0x10000
  const rvaOf = (symbol: string): number => {
    if (symbol === '.text') return text
    if (symbol === '.xdata') return xdata
    const local = vector.symbols?.[symbol]
    return local === undefined ? Number(externalRva) : text + local
  }
  const apply = (bytes: Uint8Array, relocs: readonly VectorReloc[], own: number): void => {
    const view = new DataView(bytes.buffer)
    for (const { offset, type, symbol, addend } of relocs) {
      const target = rvaOf(symbol) + (addend ?? 0)
      view.setUint32(offset, type === 'REL32' ? target - (own + offset + 4) : target, true)
    }
  }
  const code = bytesOf(vector.codeHex)
  apply(code, vector.codeRelocs, text)
  const info = bytesOf(vector.xdataHex)
  apply(info, vector.xdataRelocs, xdata)
  const table = new Uint8Array(vector.pdata.length * 12)
  vector.pdata.forEach(({ begin, end, unwindInfo }, i) => {
    const view = new DataView(table.buffer)
    view.setUint32(i * 12, text + begin, true)
    view.setUint32(i * 12 + 4, text + end, true)
    view.setUint32(i * 12 + 8, xdata + unwindInfo, true)
  })
  const section = (name: string, rva: number, bytes: Uint8Array): LoadedSection => ({
    name,
    address: base + BigInt(rva),
    bytes,
  })
  return {
    base,
    sections: [section('.text', text, code), section('.xdata', xdata, info), section('.pdata', pdata, table)],
  }
}

/** The machine at one point: registers as the README of the vectors says. */
export function stateAt(vectors: Vectors, point: VectorPoint): MachineState {
  const { conventions } = vectors
  const registers: (bigint | undefined)[] = new Array(33).fill(undefined)
  for (const [name, value] of Object.entries(conventions.callerRegisters)) registers[registerOf(name)] = BigInt(value)
  for (const name of point.clobbered ?? []) registers[registerOf(name)] = BigInt(conventions.clobberedRegisters[name]!)
  for (const [name, value] of Object.entries(point.regs ?? {})) registers[registerOf(name)] = BigInt(value)
  registers[4] = BigInt(point.rsp)
  registers[RETURN_ADDRESS] = BigInt(conventions.imageBase) + BigInt(conventions.textRva) + BigInt(point.ip)
  return { registers }
}

export function memoryOf(words: readonly [string, string][]): ReadMemory {
  const map = new Map(words.map(([address, value]) => [BigInt(address), BigInt(value)]))
  return (address, bytes) => {
    let value = 0n
    for (let i = 0; i < bytes; i += 8) {
      const word = map.get(address + BigInt(i))
      if (word === undefined) return undefined
      value |= word << BigInt(8 * i)
    }
    return value
  }
}

/** One operation as the event that a code generator would record. */
export function record(recorder: FrameRecorder, op: VectorOperation): void {
  const length = op.end - op.start
  switch (op.op) {
    case 'pushNonvol':
      recorder.push(op.end, length, registerOf(op.reg))
      break
    case 'alloc':
      recorder.adjustSp(op.end, length, -op.size)
      break
    case 'setFrame':
      recorder.setFrameRegister(op.end, length, registerOf(op.reg), op.offset)
      break
    case 'saveNonvol':
    case 'saveXmm128':
      recorder.save(op.end, length, registerOf(op.reg), 'sp', op.offset, op.op === 'saveNonvol' ? 8 : 16)
      break
    case 'pushMachFrame':
      recorder.machineFrame(op.errorCode)
      break
    default:
      throw new Error(`${op.op} is version 3's`)
  }
}

/** The record of a case: its prologue, and epilogues that mirror the pushes where version 2 has to know them. */
export function recordOf(vector: VectorCase): FrameRecord {
  const recorder = new FrameRecorder()
  const ops = vector.ops!
  for (const op of ops) record(recorder, op)
  recorder.prologueEnd(vector.prologSize)
  const pushes = ops.filter((op) => op.op === 'pushNonvol').reverse()
  let below = 8
  for (const op of ops) below += op.op === 'pushNonvol' ? 8 : op.op === 'alloc' ? op.size : 0
  if (vector.version === 2) {
    for (const { start, popStart, terminator, end } of vector.epilogs ?? []) {
      recorder.epilogueBegin(start)
      const frame = ops.find((op) => op.op === 'setFrame')
      const down = below - 8 - 8 * pushes.length
      if (popStart > start && frame !== undefined) {
        recorder.restoreSp(popStart, popStart - start, registerOf(frame.reg), down - frame.offset)
      } else if (popStart > start) recorder.adjustSp(popStart, popStart - start, down)
      let at = popStart
      for (const { reg } of pushes) {
        const length = registerOf(reg) < 8 ? 1 : 2
        at += length
        recorder.pop(at, length, registerOf(reg))
      }
      recorder.epilogueEnd(end, end - terminator === 1 ? 'return' : 'tail-jump')
    }
  }
  const { functionSize: codeSize, handler } = vector
  return recorder.finish({ codeSize, ...(handler === undefined ? {} : { personality: { symbol: handler } }) })
}
