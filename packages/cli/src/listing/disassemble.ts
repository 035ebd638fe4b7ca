// Machine code as text, through iced-x86. Its objects own memory that nothing collects, so none of them leaves this file;
// and it takes a while to load, so only the commands that need it load it.

import type { ListedFunction, ListedPlace, ListedRelocation } from './listed-function.ts'

export interface Instruction {
  /** From the start of the function. */
  readonly offset: number
  readonly bytes: Uint8Array
  /** Intel syntax, labels and symbols in their places. */
  readonly text: string
  /** Offset that a branch inside the function goes to; -1 for everything else. */
  readonly target: number
  /** Control never falls through it. */
  readonly ends: boolean
  readonly isCall: boolean
}

export interface Disassembly {
  readonly instructions: readonly Instruction[]
  /** Name of a label by offset, for every place that a branch goes to or an operand refers to. */
  readonly labels: ReadonlyMap<number, string>
  /** Where constants and tables begin; the end of the bytes when there are none. */
  readonly dataStart: number
}

export interface DisassembleOptions {
  /** What labels begin with; `L` when left out. */
  readonly labelPrefix?: string
  /** Spell everything as the GNU assembler reads it. */
  readonly gnu?: boolean
}

export type Disassembler = (fn: ListedFunction, options?: DisassembleOptions) => Disassembly

/** Loads iced-x86. */
export async function loadDisassembler(): Promise<Disassembler> {
  const iced = await import('iced-x86')
  return (fn, options = {}) => disassemble(iced, fn, options)
}

/** Equal to no offset, and neither before nor behind any. */
const NOWHERE = Number.NaN

type Iced = typeof import('iced-x86')

interface Raw {
  readonly offset: number
  readonly length: number
  readonly text: string
  /** Where it jumps to, and what it reads or writes relative to itself, as offsets in the function; NOWHERE for neither. */
  readonly branch: number
  readonly memory: number
  readonly ends: boolean
  readonly isCall: boolean
}

function disassemble(
  iced: Iced,
  fn: ListedFunction,
  { labelPrefix = 'L', gnu = false }: DisassembleOptions,
): Disassembly {
  const all = decode(iced, fn)
  const { raw, dataStart } = fn.isEndGuessed ? guessedCode(all, fn.code.length) : { raw: all, dataStart: fn.codeSize }
  const byOffset = new Map(fn.relocations.map((relocation) => [relocation.offset, relocation]))
  const relocationOf = ({ offset, length }: Raw): ListedRelocation | undefined => {
    for (let at = offset; at < offset + length; at++) {
      const found = byOffset.get(at)
      if (found !== undefined) return found
    }
    return undefined
  }
  const marked = new Set<number>()
  const inside = (offset: number) => offset >= 0 && offset <= fn.code.length
  for (const each of raw) {
    if (relocationOf(each) !== undefined) continue
    if (each.branch >= 0 && inside(each.branch)) marked.add(each.branch)
    if (each.memory >= 0 && inside(each.memory)) marked.add(each.memory)
  }
  const labels = new Map<number, string>()
  for (const offset of [...marked].sort((a, b) => a - b)) labels.set(offset, `${labelPrefix}${labels.size + 1}`)

  const instructions = raw.map((each): Instruction => {
    const { offset, length, branch, memory, ends, isCall } = each
    const relocation = relocationOf(each)
    const label = relocation !== undefined ? undefined : labels.get(branch >= 0 ? branch : memory)
    let { text } = each
    if (relocation !== undefined) text = withSymbol(each, relocation, gnu)
    else if (label !== undefined && branch >= 0) text = replaceLast(text, label)
    else if (label !== undefined) text = replaceRip(text, `[rip + ${label}]`)
    else if (fn.place !== undefined) text = withAddress(each, fn.place)
    return {
      ...{ offset, bytes: fn.code.subarray(offset, offset + length), text, ends, isCall },
      target: relocation === undefined && inside(branch) ? branch : -1,
    }
  })
  return { instructions, labels, dataStart }
}

/**
 * Where the code of a function ends of which nobody says so: at the first place behind an instruction that it reads from,
 * or where only padding follows.
 */
function guessedCode(
  raw: readonly Raw[],
  codeSize: number,
): { readonly raw: readonly Raw[]; readonly dataStart: number } {
  let dataStart = codeSize
  let end = 0
  const targets = new Set<number>()
  while (end < raw.length && raw[end].offset < dataStart) {
    const { offset, memory, branch } = raw[end++]
    if (memory > offset && memory < dataStart) dataStart = memory
    targets.add(branch)
  }
  const isPadding = ({ offset, text }: Raw) => /^(?:nop|int3|xchg ax, ax)/.test(text) && !targets.has(offset)
  let last = end
  while (last > 1 && isPadding(raw[last - 1])) last--
  return { raw: raw.slice(0, raw[last - 1]?.ends ? last : end), dataStart }
}

function decode(iced: Iced, fn: ListedFunction): Raw[] {
  const { Code, Decoder, DecoderOptions, FlowControl, Formatter, FormatterSyntax, Instruction, OpKind } = iced
  const decoder = new Decoder(64, fn.code.subarray(0, fn.codeSize), DecoderOptions.None)
  const base = fn.place?.address ?? 0n
  const offsetOf = (address: bigint): number => Number(BigInt.asIntN(64, address - base))
  decoder.ip = base
  const formatter = new Formatter(FormatterSyntax.Intel)
  const instruction = new Instruction()
  const result: Raw[] = []
  try {
    formatter.hexPrefix = '0x'
    formatter.hexSuffix = ''
    formatter.uppercaseHex = false
    formatter.branchLeadingZeros = false
    formatter.smallHexNumbersInDecimal = true
    formatter.signedImmediateOperands = true
    formatter.ripRelativeAddresses = true
    formatter.spaceAfterOperandSeparator = true
    formatter.spaceBetweenMemoryAddOperators = true
    formatter.showBranchSize = false
    while (decoder.canDecode) {
      const offset = decoder.position
      decoder.decodeOut(instruction)
      const invalid = instruction.code === Code.INVALID
      if (invalid) {
        // One byte at a time, so that the next instruction is found.
        decoder.position = offset + 1
        decoder.ip = base + BigInt(offset + 1)
      }
      const length = decoder.position - offset
      const flow = instruction.flowControl
      const near =
        !invalid &&
        instruction.opCount > 0 &&
        [OpKind.NearBranch16, OpKind.NearBranch32, OpKind.NearBranch64].includes(instruction.opKind(0))
      result.push({
        ...{ offset, length },
        text: invalid
          ? `.byte ${hexBytes(fn.code.subarray(offset, offset + length))}`
          : formatted(formatter.format(instruction)),
        branch: near ? offsetOf(instruction.nearBranchTarget) : NOWHERE,
        memory: !invalid && instruction.isIpRelMemoryOperand ? offsetOf(instruction.ipRelMemoryAddress) : NOWHERE,
        ends: [
          ...[FlowControl.UnconditionalBranch, FlowControl.IndirectBranch],
          ...[FlowControl.Return, FlowControl.Exception],
        ].includes(flow),
        isCall: flow === FlowControl.Call || flow === FlowControl.IndirectCall,
      })
    }
  } finally {
    instruction.free()
    formatter.free()
    decoder.free()
  }
  return result
}

/** iced-x86 1.21 prints the least 64-bit number as `-0`. */
function formatted(text: string): string {
  return text.replace(/(?<= )-0$/, '-0x8000000000000000')
}

/** `0x48, 0x89`. */
export function hexBytes(bytes: Uint8Array): string {
  return [...bytes].map((byte) => `0x${byte.toString(16).padStart(2, '0')}`).join(', ')
}

/** The operand that a relocation fills, by name. */
function withSymbol(raw: Raw, { kind, symbol, addend, offset }: ListedRelocation, gnu: boolean): string {
  const { text, branch, memory } = raw
  const pcRelative = branch >= 0 || memory >= 0
  // In the instruction the value counts from its end.
  const beyond = addend + (pcRelative ? raw.offset + raw.length - offset : 0)
  const suffix = kind.startsWith('got') ? '@GOTPCREL' : gnu && kind === 'plt-32' ? '@PLT' : ''
  const name = `${gnu ? gnuName(symbol) : symbol}${suffix}${beyond === 0 ? '' : beyond > 0 ? `+${beyond}` : `${beyond}`}`
  if (memory >= 0) return replaceRip(text, `[rip + ${name}]`)
  if (!gnu || pcRelative) return replaceLast(text, name)
  return replaceLast(text, `offset ${name}`).replace(/^mov /, kind === 'absolute-64' ? 'movabs ' : 'mov ')
}

/** Linked code: what an operand outside of the function refers to, by name where there is one. */
function withAddress({ text, branch, memory }: Raw, { address, nameOf }: ListedPlace): string {
  const offset = Number.isNaN(branch) ? memory : branch
  if (Number.isNaN(offset)) return text
  const target = BigInt.asUintN(64, address + BigInt(offset))
  const name = nameOf(target)
  if (!Number.isNaN(branch)) return name === null ? text : replaceLast(text, name)
  return replaceRip(text, name === null ? `[0x${target.toString(16)}]` : `[rip + ${name}]`)
}

/** Words that mean something else to the GNU assembler where no prefix marks registers. */
const RESERVED =
  /^(?:[er]?(?:[abcd]x|[sd]i|[sb]p|ip)|[abcd][hl]|[sd]il|[sb]pl|r\d+[bdw]?|[xyz]?mm\d+|st|[c-gs]s|[cdkt]r\d+|and|or|xor|not|mod|shl|shr|eq|ne|lt|le|gt|ge|offset|ptr|byte|[dfoqt]?word|tbyte|near|far|short|flat)$/i

export function gnuName(symbol: string): string {
  return RESERVED.test(symbol) || !/^[\w.$]+$/.test(symbol) ? `"${symbol}"` : symbol
}

const NUMBER = /(?:-?0x[\da-f]+|-?\b\d+)(?=[^\w]*$)/

function replaceLast(text: string, name: string): string {
  return NUMBER.test(text) ? text.replace(NUMBER, name) : `${text} ; ${name}`
}

function replaceRip(text: string, name: string): string {
  return text.replace(/\[rip[^\]]*\]/, name)
}
