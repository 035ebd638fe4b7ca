// The vectors of LLVM, GNU as, their linkers and compilers (../shared/vectors/README-dwarf.md), in this package's terms.

import { readFileSync } from 'node:fs'
import { sharedPath } from '@framewright/testkit'
import type { CfiDirective } from '../src/directives.ts'
import type { FrameDescription } from '../src/frame-section.ts'

export interface VectorBytes {
  hex: string
  relocs: [number, string, string, number][]
}

export type ByAssembler = { both?: VectorBytes; llvm?: VectorBytes; gas?: VectorBytes }

export interface VectorRule {
  rule: string
  offset?: number
  reg?: number
  expr?: string
}

export interface VectorRow {
  at: number
  cfa: { reg: number; offset: number } | { expr: string } | null
  regs: Record<string, VectorRule>
}

export interface VectorFunction {
  name: string
  size: number
  ops: (Record<string, unknown> & { at: number; op: string })[]
  rows: VectorRow[] | null
  section?: string
  align?: number
  simple?: boolean
  signalFrame?: boolean
  returnColumn?: number
  personality?: { encoding: number; symbol: string }
  lsda?: { encoding: number }
}

export interface VectorCase {
  id: string
  title: string
  tags: string[]
  functions: VectorFunction[]
  agree: { eh_frame: boolean; debug_frame: boolean }
  reasons: Record<string, string[]>
  eh_frame: ByAssembler
  debug_frame: Record<string, ByAssembler>
  linked: { addresses: Record<string, number>; eh_frame_address: number; hex: string }
}

export interface HdrCase {
  id: string
  results: {
    linker: string
    eh_frame: { address: number; hex: string }
    eh_frame_hdr: { address: number; hex: string }
  }[]
}

export interface LsdaCase {
  id: string
  decoded: {
    lpstart_encoding: number
    ttype_encoding: number
    callsite_encoding: number
    callsites: { start: number; length: number; landingPad: number; action: number }[]
    actions: { at: number; filter: number; next: number | null }[]
    types: (null | [number, string, string, number])[]
    filters: { at: number; types: number[] }[]
  }
  hex: string
  relocs: [number, string, string, number][]
}

export interface Vectors {
  cases: VectorCase[]
  hdrCases: HdrCase[]
  lsdaCases: LsdaCase[]
}

/** Null, and said so, where the shared files are absent. */
export function loadVectors(): Vectors | null {
  const path = sharedPath('vectors/dwarf-cfi.json')
  return path === null ? null : (JSON.parse(readFileSync(path, 'utf8')) as Vectors)
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

const relocationTypes: Record<string, string> = {
  'pc-relative-32': 'R_X86_64_PC32',
  'pc-relative-64': 'R_X86_64_PC64',
  'absolute-32': 'R_X86_64_32',
  'pc-relative-16': 'R_X86_64_PC16',
  'absolute-16': 'R_X86_64_16',
  'absolute-64': 'R_X86_64_64',
}

export function asVector(section: {
  bytes: Uint8Array
  relocations: readonly { offset: number; kind: string; symbol: string; addend: number }[]
}): VectorBytes {
  return {
    hex: toHex(section.bytes),
    relocs: section.relocations.map(({ offset, kind, symbol, addend }) => [
      offset,
      relocationTypes[kind] ?? kind,
      symbol,
      addend,
    ]),
  }
}

function directive(op: VectorFunction['ops'][number]): CfiDirective {
  const { reg, reg2, expr, bytes, transparent, ...rest } = op
  return {
    ...rest,
    ...(reg === undefined ? undefined : { register: reg }),
    ...(reg2 === undefined ? undefined : { into: reg2 }),
    ...(expr === undefined ? undefined : { expression: fromHex(expr as string) }),
    ...(bytes === undefined ? undefined : { bytes: fromHex(bytes as string) }),
  } as unknown as CfiDirective
}

/** The functions of a case, laid out one after the other in their sections. */
export function descriptions(functions: VectorFunction[]): FrameDescription[] {
  const ends = new Map<string, number>()
  let tables = 0
  return functions.map((one) => {
    const section = one.section ?? '.text'
    const align = one.align ?? 1
    const offset = Math.ceil((ends.get(section) ?? 0) / align) * align
    ends.set(section, offset + one.size)
    return {
      symbol: one.name,
      section,
      offset,
      size: one.size,
      program: one.ops.map(directive),
      ...(one.simple ? { simple: true } : undefined),
      ...(one.signalFrame ? { signalFrame: true } : undefined),
      ...(one.returnColumn === undefined ? undefined : { returnAddressRegister: one.returnColumn }),
      ...(one.personality === undefined ? undefined : { personality: one.personality }),
      ...(one.lsda === undefined
        ? undefined
        : { languageData: { encoding: one.lsda.encoding, symbol: '.gcc_except_table', addend: 8 * tables++ } }),
    }
  })
}

/** A section with its relocations applied, as a linker leaves it. */
export function link(
  section: VectorBytes,
  at: number,
  addresses: Record<string, number>,
  self: string = '.eh_frame',
): Uint8Array {
  const bytes = fromHex(section.hex)
  const view = new DataView(bytes.buffer)
  for (const [offset, type, symbol, addend] of section.relocs) {
    const target = symbol === self ? 0 : addresses[symbol]
    if (target === undefined) throw new Error(`no address for ${symbol}`)
    const value = BigInt(target + addend - (type.includes('PC') ? at + offset : 0))
    if (type.endsWith('64') && type !== 'R_X86_64_PC32') view.setBigInt64(offset, value, true)
    else view.setInt32(offset, Number(BigInt.asIntN(32, value)), true)
  }
  return bytes
}
