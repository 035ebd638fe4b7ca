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
import { isWin64 } from './function-table.ts'
import { epilogueSlots, operandBytes, trailerOffset, type UnwindCode, type UnwindInfo } from './unwind-info.ts'

/** One record, a line for the header and one for each code, the last action of the prologue first, as stored. */
export function printUnwindInfo(info: UnwindInfo): string[] {
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
  if (info.parent !== null) {
    const { begin, end, unwindInfo } = info.parent
    lines.push(
      `  goes on in the record at 0x${unwindInfo.toString(16)} of 0x${begin.toString(16)}..0x${end.toString(16)}`,
    )
  }
  return lines
}

/** A function's records, with ranges, handler and relocations. */
export function printUnwind(unwind: FunctionUnwind): string[] {
  if (!isWin64(unwind)) return [`(unwind data of format '${unwind.format}')`]
  const lines: string[] = []
  for (let i = 0; i < unwind.fragments.length; i++) {
    const { begin, end, info, parent } = unwind.fragments[i]!
    if (unwind.fragments.length > 1) {
      lines.push(`range ${begin}..${end}${parent < 0 ? '' : `, chained to range ${parent}`}`)
    }
    const decoded = decodeUnwindInfo(unwind.bytes, info)
    lines.push(...printUnwindInfo(parent < 0 ? decoded : { ...decoded, parent: null }))
    const trailer = info + trailerOffset(unwind.bytes, info)
    for (const r of unwind.relocations) {
      if ((decoded.flags & 3) === 0 || r.offset < trailer) continue
      const what = r.offset === trailer ? 'handler' : 'handler data'
      lines.push(`  ${what} ${r.symbol}${r.addend === 0 ? '' : ` + ${r.addend}`}`)
    }
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
