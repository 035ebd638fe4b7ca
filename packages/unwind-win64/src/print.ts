/** Unwind data in words: what the command `framewright unwind` shows and golden files record. */

import { type FunctionUnwind, x64 } from '@framewright/frame-layout'
import {
  operationNames,
  slotsOf,
  UWOP_ALLOC_LARGE,
  UWOP_ALLOC_SMALL,
  UWOP_PUSH_MACHFRAME,
  UWOP_PUSH_NONVOL,
  UWOP_SAVE_NONVOL,
  UWOP_SAVE_NONVOL_FAR,
  UWOP_SAVE_XMM128,
  UWOP_SAVE_XMM128_FAR,
  UWOP_SET_FPREG,
} from './constants.ts'
import { decodeUnwindInfo } from './decode.ts'
import type { Win64FunctionUnwind } from './encode.ts'
import { trailerOf } from './encode-range.ts'
import { isWin64 } from './function-table.ts'
import type { AnyUnwindInfo } from './image.ts'
import { epilogueSlots, operandBytes, type RuntimeFunction, type UnwindCode, type UnwindInfo } from './unwind-info.ts'
import { decodeUnwindInfo3, poolIndex, type UnwindInfo3 } from './version-3.ts'
import type { UnwindOperation3 } from './version-3-operations.ts'

/** One record, a line for the header and one for each code, the last action of the prologue first, as stored. */
export function printUnwindInfo(info: AnyUnwindInfo): string[] {
  if (info.version === 3) return printUnwindInfo3(info)
  let slots = info.epilogues === null ? 0 : epilogueSlots(info.epilogues)
  for (const code of info.codes) slots += slotsOf(code.operation, code.info)
  const header = [`version ${info.version}`, flagWords(info.flags), `prologue ${info.prologueSize} bytes`]
  if (info.frameRegister !== 0) {
    header.push(`frame register ${x64.registerNames[info.frameRegister]} at ${info.frameOffset}`)
  }
  header.push(`${slots} slot${slots === 1 ? '' : 's'}`)
  const lines = [header.filter((part) => part !== '').join(', ')]
  if (info.epilogues !== null) {
    const { size, atEnd, distances } = info.epilogues
    const places = [...(atEnd ? ['at the end'] : []), ...distances.map((distance) => `${distance} before the end`)]
    lines.push(`  EPILOG           ${size} byte${size === 1 ? '' : 's'}: ${places.join(', ')}`)
  }
  for (const code of info.codes) {
    const at = `at ${code.codeOffset}`.padEnd(7)
    lines.push(`  ${at} ${operationNames[code.operation]!.padEnd(15)} ${meaning(code, info)}`)
  }
  if (info.parent !== null) lines.push(parentLine(info.parent))
  return lines
}

function printUnwindInfo3(info: UnwindInfo3): string[] {
  const { offsets, pool, epilogues, prologueSize } = info
  const header = ['version 3', flagWords(info.flags & 7), `prologue ${prologueSize} bytes`]
  if (info.frameRegister !== 0) {
    header.push(`frame register ${x64.registerNames[info.frameRegister]} at ${info.frameOffset}`)
  }
  const lines = [header.filter((part) => part !== '').join(', ')]
  for (let i = 0; i < offsets.length; i++) lines.push(operationLine(offsets[i]!, pool[i]!))
  for (let i = 0; i < epilogues.length; i++) {
    const { offset, toParent, steps } = epilogues[i]!
    const from = offset < 0 ? 'before the end' : 'behind the start'
    const place = i === 0 ? `${Math.abs(offset)} ${from}` : `${offset} from the one above`
    const what = steps === null ? ', the same as above' : `, ${steps.terminator} bytes up to the exit`
    lines.push(`  epilogue ${place}${what}${toParent ? ', goes on in the parent' : ''}`)
    if (steps === null) continue
    const first = poolIndex(pool, steps.first)
    for (let k = 0; k < steps.offsets.length; k++) lines.push(`  ${operationLine(steps.offsets[k]!, pool[first + k]!)}`)
  }
  if (info.parent !== null) lines.push(parentLine(info.parent))
  return lines
}

function operationLine(offset: number, operation: UnwindOperation3): string {
  return `  ${`at ${offset}`.padEnd(7)} ${operation.kind.padEnd(20)} ${meaning3(operation)}`
}

function parentLine({ begin, end, unwindInfo }: RuntimeFunction): string {
  return `  goes on in the record at 0x${unwindInfo.toString(16)} of 0x${begin.toString(16)}..0x${end.toString(16)}`
}

/** A function's records, with ranges, handler and relocations. */
export function printUnwind(unwind: FunctionUnwind): string[] {
  if (!isWin64(unwind)) return [`(unwind data of format '${unwind.format}')`]
  const lines: string[] = []
  const { fragments } = unwind
  for (const { part, begin, end, info, parent, parentInfo } of fragments) {
    if (fragments.length > 1) {
      const where = part === 0 ? '' : ` of part ${part}`
      lines.push(`range ${begin}..${end}${where}${parent < 0 ? '' : `, chained to range ${parent}`}`)
    }
    lines.push(...recordLines(unwind, info))
    if (parent < 0 || parentInfo === fragments[parent]!.info) continue
    lines.push('  goes on in a record of its own:', ...recordLines(unwind, parentInfo).map((line) => `  ${line}`))
  }
  return lines
}

function recordLines({ bytes, relocations, fragments }: Win64FunctionUnwind, record: number): string[] {
  const decoded = (bytes[record]! & 7) === 3 ? decodeUnwindInfo3(bytes, record) : decodeUnwindInfo(bytes, record)
  const lines = printUnwindInfo({ ...decoded, parent: null })
  if ((decoded.flags & 3) === 0) return lines
  const trailer = record + trailerOf(bytes, record)
  const others = fragments.flatMap(({ info, parentInfo }) => [info, parentInfo]).filter((other) => other > record)
  const end = Math.min(bytes.length, ...others)
  for (const { offset, symbol, addend } of relocations) {
    if (offset < trailer || offset >= end) continue
    lines.push(`  ${offset === trailer ? 'handler' : 'handler data'} ${symbol}${addend === 0 ? '' : ` + ${addend}`}`)
  }
  return lines
}

function flagWords(flags: number): string {
  const words = [...((flags & 1) === 0 ? [] : ['exception']), ...((flags & 2) === 0 ? [] : ['termination'])]
  return (flags & 4) !== 0 ? 'chained' : words.length === 0 ? '' : `${words.join(' and ')} handler`
}

function meaning(code: UnwindCode, info: UnwindInfo): string {
  const bytes = operandBytes(code)
  switch (code.operation) {
    case UWOP_PUSH_NONVOL:
      return `push ${x64.registerNames[code.info]}`
    case UWOP_ALLOC_SMALL:
    case UWOP_ALLOC_LARGE:
      return `rsp -= ${bytes}`
    case UWOP_SET_FPREG:
      return `${x64.registerNames[info.frameRegister]} = rsp + ${info.frameOffset}`
    case UWOP_SAVE_NONVOL:
    case UWOP_SAVE_NONVOL_FAR:
      return `${x64.registerNames[code.info]} at base + ${bytes}`
    case UWOP_SAVE_XMM128:
    case UWOP_SAVE_XMM128_FAR:
      return `xmm${code.info} at base + ${bytes}`
    case UWOP_PUSH_MACHFRAME:
      return code.info === 0 ? 'machine frame' : 'machine frame with error code'
    default:
      return ''
  }
}

function meaning3({ kind, register, second, operand }: UnwindOperation3): string {
  switch (kind) {
    case 'PUSH_NONVOL':
      return `push ${generalName(register)}`
    case 'PUSH2':
      return `push2 ${generalName(register)}, ${generalName(second)}`
    case 'PUSH_CONSECUTIVE_2':
      return `push2 ${generalName(register)}, ${generalName(register + 1)}`
    case 'ALLOC_SMALL':
    case 'ALLOC_LARGE':
    case 'ALLOC_HUGE':
      return `rsp -= ${operand}`
    case 'SET_FPREG':
      return `${generalName(register)} = rsp + ${operand}`
    case 'SAVE_NONVOL':
    case 'SAVE_NONVOL_FAR':
      return `${generalName(register)} at base + ${operand}`
    case 'SAVE_XMM128':
    case 'SAVE_XMM128_FAR':
      return `xmm${register} at base + ${operand}`
    case 'PUSH_CANONICAL_FRAME':
      return `canonical frame of type ${operand}`
  }
}

const generalName = (register: number): string => (register < 16 ? x64.registerNames[register]! : `r${register}`)
