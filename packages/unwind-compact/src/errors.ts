/** What can be wrong with a frame, with bytes, or with a walk, seen from compact unwind. */

import { type Register, x64 } from '@framewright/frame-layout'

/** What a record or bytes have that this format has not, by `code`, with the numbers that went wrong. */
export type CompactUnwindProblem =
  // A record that no encoding says.
  | { readonly code: 'architecture'; readonly architecture: string }
  | { readonly code: 'signal-frame' }
  /** The CFA is neither rsp + n nor rbp + 16. */
  | { readonly code: 'cfa'; readonly why: string }
  /** A register that has no number here, or whose value is not in the frame. */
  | { readonly code: 'register-rule'; readonly register: Register; readonly why: string }
  /** A register that lies where the mode has no slot. */
  | { readonly code: 'save-place'; readonly register: Register; readonly cfaOffset: number; readonly why: string }
  /** CFA - rsp is no number of words, or over 255 of them and no `sub rsp, imm32` says it. */
  | { readonly code: 'stack-size'; readonly bytes: number; readonly why: string }
  /** The frame changes in the body, and one word was asked for. */
  | { readonly code: 'body-changes'; readonly at: number }
  /** Arguments lie pushed where a personality routine may want to know of it. */
  | { readonly code: 'argument-bytes'; readonly at: number }
  /** One LSDA cannot serve several ranges: its offsets count from the begin of the range. */
  | { readonly code: 'language-data'; readonly ranges: number }
  /** The fallback cannot express the record either. */
  | { readonly code: 'fallback'; readonly format: string; readonly reason: string; readonly why: string }
  | { readonly code: 'foreign-unwind'; readonly format: string; readonly symbol: string }
  // A table that cannot be made.
  | { readonly code: 'field-range'; readonly field: string; readonly value: number | bigint; readonly limit: number }
  | { readonly code: 'order'; readonly at: number; readonly previous: number }
  | { readonly code: 'overlap'; readonly begin: bigint; readonly other: bigint }
  | { readonly code: 'personalities'; readonly count: number; readonly limit: number }
  /** Nobody said where the pointer to the routine lies. */
  | { readonly code: 'no-personality-pointer'; readonly routine: bigint }
  // Bytes that are no compact unwind. `at` counts from the start of the section.
  | { readonly code: 'truncated'; readonly at: number; readonly needed: number; readonly what: string }
  | { readonly code: 'bad-encoding'; readonly word: number; readonly why: string }
  | { readonly code: 'bad-version'; readonly version: number }
  | { readonly code: 'bad-table'; readonly at: number; readonly why: string }
  // A walk that the system would give up.
  | { readonly code: 'no-entry'; readonly pc: bigint }
  | { readonly code: 'no-caller'; readonly pc: bigint }
  | { readonly code: 'dwarf-needed'; readonly pc: bigint }
  | { readonly code: 'unreadable'; readonly address: bigint; readonly what: string }
  | { readonly code: 'unknown-register-value'; readonly register: Register }

/** The frame cannot be expressed, the bytes are malformed, or the frame cannot be walked; `problem` says which. */
export class CompactUnwindError extends Error {
  override readonly name = 'CompactUnwindError'
  readonly problem: CompactUnwindProblem
  /** Index of the event in the record; -1 where the problem is in none. */
  readonly event: number

  constructor(problem: CompactUnwindProblem, event: number = -1, options?: ErrorOptions) {
    super(event < 0 ? describe(problem) : `${describe(problem)} (frame event ${event})`, options)
    this.problem = problem
    this.event = event
  }
}

const hex = (value: number | bigint): string => `0x${value.toString(16)}`
const nameOf = (register: Register): string => x64.registerNames[register] ?? `register ${register}`

function describe(problem: CompactUnwindProblem): string {
  switch (problem.code) {
    case 'architecture':
      return `compact unwind of x86-64 cannot describe '${problem.architecture}'`
    case 'signal-frame':
      return 'there is no encoding for frames that a signal or an interrupt made'
    case 'cfa':
      return `the CFA is neither rsp + n nor rbp + 16: ${problem.why}`
    case 'register-rule':
      return `no encoding says where ${nameOf(problem.register)} is: ${problem.why}`
    case 'save-place':
      return `${nameOf(problem.register)} at CFA${problem.cfaOffset < 0 ? '' : '+'}${problem.cfaOffset}: ${problem.why}`
    case 'stack-size':
      return `${problem.bytes} bytes from the CFA down to rsp: ${problem.why}`
    case 'body-changes':
      return `the frame is another one from offset ${problem.at} on, which takes a second encoding`
    case 'argument-bytes':
      return `pushed arguments at offset ${problem.at} cannot be told to the personality routine`
    case 'language-data':
      return `language data of a function in ${problem.ranges} ranges: its offsets count from the begin of one`
    case 'fallback':
      return `${problem.reason}; ${problem.format}: ${problem.why}`
    case 'foreign-unwind':
      return `unwind data of format '${problem.format}' for '${problem.symbol}'`
    case 'field-range':
      return `${problem.field} ${problem.value} is not in 0 to ${problem.limit}`
    case 'order':
      return `entry at ${hex(problem.at)} behind one at ${hex(problem.previous)}`
    case 'overlap':
      return `the range at ${hex(problem.begin)} begins inside that at ${hex(problem.other)}`
    case 'personalities':
      return `${problem.count} personality routines do not fit; the limit is ${problem.limit}`
    case 'no-personality-pointer':
      return `the image needs a pointer to the personality routine at ${hex(problem.routine)}`
    case 'truncated':
      return `${problem.what} at ${hex(problem.at)} needs ${problem.needed} bytes, which are not there`
    case 'bad-encoding':
      return `encoding ${hex(problem.word)}: ${problem.why}`
    case 'bad-version':
      return `unwind information of version ${problem.version}`
    case 'bad-table':
      return `table at ${hex(problem.at)}: ${problem.why}`
    case 'no-entry':
      return `nothing describes the code at ${hex(problem.pc)}`
    case 'no-caller':
      return `the code at ${hex(problem.pc)} has no caller`
    case 'dwarf-needed':
      return `the code at ${hex(problem.pc)} is described in DWARF, and no format was given that reads it`
    case 'unreadable':
      return `${problem.what} at ${hex(problem.address)} cannot be read`
    case 'unknown-register-value':
      return `the value of ${nameOf(problem.register)} is needed and not known`
  }
}
