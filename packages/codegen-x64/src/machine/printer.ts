// Machine records as text, before and after allocation: for tracing, documents and people.
//
//   v3 = Add.32 v1(tied), v2(any)        before: virtual registers with their constraints
//   rax = Add.32 rax, [slot 2]           after: locations

import {
  CONSTRAINT_ANY,
  CONSTRAINT_FIXED,
  CONSTRAINT_TIED,
  LOCATION_NOWHERE,
  LOCATION_SLOT,
  OPERAND_CONST,
  OPERAND_CONSTRAINT_MASK,
  OPERAND_CONSTRAINT_SHIFT,
  OPERAND_DEF,
  OPERAND_EARLY,
  OPERAND_FIXED_MASK,
  OPERAND_FIXED_SHIFT,
  OPERAND_LATE,
  OPERAND_VREG_MASK,
  RECORD_HEADER_WORDS,
  RECORD_OPERANDS_MASK,
  RECORD_OPERANDS_SHIFT,
  RECORD_OPERATION_MASK,
  RECORD_WORDS_SHIFT,
} from '@framewright/regalloc'
import { MachOp, machOpNames } from './op.ts'
import * as record from './record.ts'

const GENERAL = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi']
const CONDITIONS = ['o', 'no', 'b', 'ae', 'e', 'ne', 'be', 'a', 's', 'ns', 'p', 'np', 'l', 'ge', 'le', 'g', 'fe', 'fne']
const ADDRESSES = ['', 'slots', 'incoming', 'outgoing', 'symbol']

/** Name of a location: a register, a slot, or nowhere. */
export function locationName(location: number): string {
  if (location < 8) return GENERAL[location]
  if (location < 16) return `r${location}`
  if (location < 32) return `xmm${location - 16}`
  if (location >= LOCATION_SLOT) return `[slot ${location - LOCATION_SLOT}]`
  return location === LOCATION_NOWHERE ? 'nowhere' : `?${location}`
}

/** One line a record; blocks are numbered in emission order. */
export function printMachineCode(code: Int32Array, start: number, allocated: boolean): string[] {
  const lines: string[] = []
  let block = 0
  for (let at = start; at < code.length; at += code[at] >>> RECORD_WORDS_SHIFT) {
    const op = code[at] & RECORD_OPERATION_MASK
    if (op === MachOp.Block) lines.push(`block${block++}(${operandsOf(code, at, allocated).join(', ')}):`)
    else lines.push(`    ${printRecord(code, at, op, allocated)}`)
  }
  return lines
}

function operandsOf(code: Int32Array, at: number, allocated: boolean): string[] {
  const count = (code[at] >>> RECORD_OPERANDS_SHIFT) & RECORD_OPERANDS_MASK
  return Array.from({ length: count }, (_, i) => printOperand(code[at + RECORD_HEADER_WORDS + i], allocated))
}

function printOperand(word: number, allocated: boolean): string {
  const name = word & OPERAND_VREG_MASK
  if ((word & OPERAND_CONST) !== 0) return name === OPERAND_VREG_MASK ? 'none' : `constant ${name}`
  if (allocated) return locationName(name)
  const constraint = (word >>> OPERAND_CONSTRAINT_SHIFT) & OPERAND_CONSTRAINT_MASK
  const notes: string[] = []
  if (constraint === CONSTRAINT_ANY) notes.push('any')
  if (constraint === CONSTRAINT_TIED) notes.push('tied')
  if (constraint === CONSTRAINT_FIXED) notes.push(locationName((word >>> OPERAND_FIXED_SHIFT) & OPERAND_FIXED_MASK))
  if ((word & OPERAND_LATE) !== 0) notes.push('late')
  if ((word & OPERAND_EARLY) !== 0) notes.push('early')
  return `v${name}${notes.length > 0 ? `(${notes.join(' ')})` : ''}`
}

function printRecord(code: Int32Array, at: number, op: number, allocated: boolean): string {
  const header = code[at + 1]
  const operands = operandsOf(code, at, allocated)
  const count = operands.length
  let results = 0
  while (results < count && (code[at + RECORD_HEADER_WORDS + results] & OPERAND_DEF) !== 0) results++
  const payload = [...code.subarray(at + RECORD_HEADER_WORDS + count, at + (code[at] >>> RECORD_WORDS_SHIFT))]
  const inputs = operands.slice(results)
  let name = machOpNames[op] ?? `op${op}`
  if (op > MachOp.Fence) name += `.${8 << ((header >> record.SIZE_SHIFT) & 3)}`
  if (
    op === MachOp.Branch ||
    op === MachOp.TrapIf ||
    op === MachOp.Setcc ||
    op === MachOp.Cmov ||
    op === MachOp.Fcmov
  ) {
    name += ` ${CONDITIONS[header & record.COND_MASK]}`
  }
  const source = (header >> record.SOURCE_SHIFT) & 7
  const memory = source === record.Source.memory || source === record.Source.memoryImmediate
  if (memory) {
    const parts = inputs.splice(inputs.length - addressOperands(header))
    inputs.push(printAddress(header, parts, payload))
  }
  if (op === MachOp.Jump || op === MachOp.Branch)
    for (const target of payload.splice(0, op === MachOp.Jump ? 1 : 2)) inputs.push(`block${target}`)
  for (const word of payload) inputs.push(String(word))
  const left = results > 0 ? `${operands.slice(0, results).join(', ')} = ` : ''
  const trap = (header >>> record.TRAP_SHIFT) & 0xff
  return `${left}${name} ${inputs.join(', ')}${trap !== 0 ? ` trap ${trap}` : ''}`.trimEnd()
}

function addressOperands(header: number): number {
  return ((header & record.HAS_BASE) !== 0 ? 1 : 0) + ((header & record.HAS_INDEX) !== 0 ? 1 : 0)
}

function printAddress(header: number, parts: string[], payload: number[]): string {
  const kind = (header >> record.ADDRESS_SHIFT) & 7
  const terms: string[] = []
  if (kind !== record.Address.plain)
    terms.push(kind === record.Address.symbol ? `symbol ${payload.shift()}` : ADDRESSES[kind])
  if ((header & record.HAS_BASE) !== 0) terms.push(parts.shift() as string)
  const scale = 1 << ((header >> record.SCALE_SHIFT) & 3)
  if ((header & record.HAS_INDEX) !== 0)
    terms.push(scale === 1 ? (parts.shift() as string) : `${parts.shift()}*${scale}`)
  const disp = payload.shift() as number
  return `[${terms.join(' + ')}${disp === 0 && terms.length > 0 ? '' : disp < 0 ? ` - ${-disp}` : ` + ${disp}`}]`
}
