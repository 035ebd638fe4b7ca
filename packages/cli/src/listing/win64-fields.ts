// RUNTIME_FUNCTION and UNWIND_INFO, field by field. Microsoft Learn, "x64 exception handling".

import { x64 } from '@framewright/frame-layout'
import {
  decodeUnwindInfo,
  operandBytes,
  operationNames,
  type UnwindCode,
  type UnwindInfo,
  UWOP_ALLOC_LARGE,
  UWOP_ALLOC_SMALL,
  UWOP_PUSH_MACHFRAME,
  UWOP_PUSH_NONVOL,
  UWOP_SAVE_NONVOL,
  UWOP_SAVE_NONVOL_FAR,
  UWOP_SAVE_XMM128,
  UWOP_SAVE_XMM128_FAR,
  UWOP_SET_FPREG,
} from '@framewright/unwind-win64'
import { type Field, FieldReader, LINKER } from './fields.ts'

/**
 * The three words of a function table's entry.
 *
 * @param bytes - the section, as the file has it: in an object its words are relocated by the linker.
 * @param isLinked - it has done so.
 */
export function runtimeFunctionFields(
  bytes: Uint8Array,
  at: number,
  begin: string,
  end: string,
  info: string,
  isLinked: boolean,
): Field[] {
  const reader = new FieldReader(bytes, at)
  const words = (text: string): string => (isLinked ? text : `${text}${LINKER}`)
  reader.field(4, 'BeginAddress', words(begin))
  reader.field(4, 'EndAddress', words(end))
  reader.field(4, 'UnwindInfoAddress', words(info))
  return reader.fields
}

/**
 * One UNWIND_INFO.
 *
 * @throws Win64UnwindError when the bytes are none.
 */
export function unwindInfoFields(bytes: Uint8Array, at: number): Field[] {
  const info = decodeUnwindInfo(bytes, at)
  const reader = new FieldReader(bytes, at)
  reader.field(1, 'Version, Flags', `version ${info.version}, ${flagText(info.flags)}`)
  reader.field(1, 'SizeOfProlog', `the prologue takes ${info.prologueSize} bytes`)
  const slots = reader.field(1, 'CountOfCodes', (count) => `${count} slots of 2 bytes`)
  reader.field(1, 'FrameRegister, Offset', frameText(info))
  const codesEnd = reader.at + 2 * slots
  if (info.epilogues !== null) {
    reader.field(
      2,
      'UWOP_EPILOG',
      `epilogues of ${info.epilogues.size} bytes${info.epilogues.atEnd ? ', one at the end' : ''}`,
    )
    for (const distance of info.epilogues.distances) {
      reader.field(2, 'UWOP_EPILOG', `one begins ${distance} bytes before the end`)
    }
    if (info.epilogues.distances.length % 2 === 0) reader.field(2, 'UWOP_EPILOG', 'padding')
  }
  for (const code of info.codes) {
    const name = operationNames[code.operation] ?? `operation ${code.operation}`
    reader.field(2 * slotCount(code), name.startsWith('UWOP_') ? name : `UWOP_${name}`, codeText(code, info))
  }
  if (reader.at < codesEnd) reader.field(codesEnd - reader.at, '', 'not understood')
  if (slots % 2 === 1) reader.field(2, '', 'padding to an even number of slots')
  if (info.parent !== null) {
    reader.field(4, 'BeginAddress', 'this record goes on in that of')
    reader.field(4, 'EndAddress', 'another range of the function')
    reader.field(4, 'UnwindInfoAddress', '')
  } else if ((info.flags & 3) !== 0) {
    reader.field(4, 'ExceptionHandler', 'address of the handler; its data follow')
  } else if (slots === 0) reader.field(4, '', 'padding to 8 bytes')
  return reader.fields.filter(({ bytes }) => bytes.length > 0)
}

function flagText(flags: number): string {
  const words = ['exception handler', 'termination handler', 'goes on elsewhere'].filter((_, bit) => (flags >> bit) & 1)
  return words.length === 0 ? 'no handler' : words.join(' and ')
}

function frameText(info: UnwindInfo): string {
  if (info.frameRegister === 0) return 'no frame register: the frame hangs on rsp'
  const register = x64.registerNames[info.frameRegister]
  const base = info.frameOffset === 0 ? register : `${register} - ${info.frameOffset}`
  return `${register} = rsp + ${info.frameOffset}; the frame base is ${base}`
}

function slotCount(code: UnwindCode): number {
  switch (code.operation) {
    case UWOP_ALLOC_LARGE:
      return code.info === 0 ? 2 : 3
    case UWOP_SAVE_NONVOL:
    case UWOP_SAVE_XMM128:
      return 2
    case UWOP_SAVE_NONVOL_FAR:
    case UWOP_SAVE_XMM128_FAR:
      return 3
    default:
      return 1
  }
}

function codeText(code: UnwindCode, info: UnwindInfo): string {
  return `at 0x${code.codeOffset.toString(16)}: ${operationText(code, info)}`
}

function operationText(code: UnwindCode, info: UnwindInfo): string {
  const bytes = operandBytes(code)
  const scaled = (by: number) => `${bytes} (${code.operand} × ${by})`
  const base = info.frameRegister === 0 ? 'rsp' : 'the frame base'
  switch (code.operation) {
    case UWOP_PUSH_NONVOL:
      return `push ${x64.registerNames[code.info]}`
    case UWOP_ALLOC_SMALL:
      return `rsp -= ${bytes} (${code.info} × 8 + 8)`
    case UWOP_ALLOC_LARGE:
      return `rsp -= ${code.info === 0 ? scaled(8) : bytes}`
    case UWOP_SET_FPREG:
      return `${x64.registerNames[info.frameRegister]} = rsp + ${info.frameOffset}`
    case UWOP_SAVE_NONVOL:
      return `${x64.registerNames[code.info]} saved at ${base} + ${scaled(8)}`
    case UWOP_SAVE_NONVOL_FAR:
      return `${x64.registerNames[code.info]} saved at ${base} + ${bytes}`
    case UWOP_SAVE_XMM128:
      return `xmm${code.info} saved at ${base} + ${scaled(16)}`
    case UWOP_SAVE_XMM128_FAR:
      return `xmm${code.info} saved at ${base} + ${bytes}`
    case UWOP_PUSH_MACHFRAME:
      return code.info === 0 ? 'pushed by the processor' : 'pushed by the processor, with an error code'
    default:
      return ''
  }
}
