/** What can be wrong: a frame that SFrame cannot describe, bytes that are none, a walk that cannot go on. */

export type SFrameProblem =
  // A record, or a call, that cannot be encoded.
  | { readonly code: 'architecture'; readonly architecture: string }
  /** The CFA hangs on something else than SP or the frame pointer. */
  | { readonly code: 'cfa'; readonly what: string }
  /** The return address does not lie where the format has it. */
  | { readonly code: 'return-address'; readonly what: string }
  /** The caller's frame pointer is neither in its register nor in memory at a distance from the CFA. */
  | { readonly code: 'frame-pointer'; readonly what: string }
  /** The caller's stack pointer is not the CFA. */
  | { readonly code: 'stack-pointer'; readonly what: string }
  | { readonly code: 'signal-frame' }
  /** There is no caller, which version 1 cannot say. */
  | { readonly code: 'outermost'; readonly version: number }
  | { readonly code: 'range'; readonly field: string; readonly value: number }
  /** Options, or functions in one section, that contradict each other. */
  | { readonly code: 'options'; readonly why: string }
  | { readonly code: 'foreign-unwind'; readonly format: string; readonly symbol: string }
  // Bytes that are no SFrame.
  | { readonly code: 'truncated'; readonly what: string; readonly bytes: number; readonly available: number }
  | { readonly code: 'magic'; readonly magic: number }
  | { readonly code: 'version'; readonly version: number }
  | { readonly code: 'flags'; readonly version: number; readonly flags: number }
  | { readonly code: 'abi'; readonly abi: number }
  | { readonly code: 'malformed'; readonly why: string }
  /** A row begins at or behind the end of its function: readers stop the whole process there. */
  | { readonly code: 'row-past-end'; readonly at: number; readonly size: number }
  /** More rows than the limit, out of few bytes. */
  | { readonly code: 'too-large'; readonly rows: number; readonly limit: number }
  /** What was read is legal, but the rows of frame-layout have no words for it. */
  | { readonly code: 'row'; readonly what: string }
  // A walk that cannot go on.
  | { readonly code: 'no-entry'; readonly pc: bigint }
  | { readonly code: 'no-caller' }
  | { readonly code: 'unknown-register'; readonly register: string }
  | { readonly code: 'unreadable'; readonly address: bigint; readonly bytes: number }

/** Where it is wrong. */
export type SFramePlace =
  | { readonly in: 'record'; readonly event: number }
  | { readonly in: 'section'; readonly offset: number }
  | { readonly in: 'frame'; readonly pc: bigint }

/** SFrame that cannot be written, read or followed. */
export class SFrameError extends Error {
  override readonly name = 'SFrameError'
  readonly problem: SFrameProblem
  readonly place: SFramePlace | null
  /** Index of the event in the frame record; -1 where the problem is in none. */
  readonly event: number

  constructor(problem: SFrameProblem, place: SFramePlace | null = null) {
    super(place === null ? describe(problem) : `${describe(problem)} (${describePlace(place)})`)
    this.problem = problem
    this.place = place
    this.event = place !== null && place.in === 'record' ? place.event : -1
  }
}

function describePlace(place: SFramePlace): string {
  switch (place.in) {
    case 'record':
      return place.event < 0 ? 'the frame record' : `frame event ${place.event}`
    case 'section':
      return `at 0x${place.offset.toString(16)} of the section`
    case 'frame':
      return `at pc 0x${place.pc.toString(16)}`
  }
}

function describe(problem: SFrameProblem): string {
  switch (problem.code) {
    case 'architecture':
      return `SFrame does not know the architecture '${problem.architecture}'`
    case 'cfa':
      return `the CFA is ${problem.what}, not at a distance from SP or the frame pointer`
    case 'return-address':
      return `the return address is ${problem.what}`
    case 'frame-pointer':
      return `the caller's frame pointer is ${problem.what}`
    case 'stack-pointer':
      return `the caller's stack pointer is ${problem.what}, not the CFA`
    case 'signal-frame':
      return 'frames of interrupted functions come with version 3'
    case 'outermost':
      return `version ${problem.version} cannot say that there is no caller`
    case 'range':
      return `${problem.field} cannot be ${problem.value}`
    case 'options':
      return problem.why
    case 'foreign-unwind':
      return `the unwind data of ${problem.symbol} are of the format '${problem.format}'`
    case 'truncated':
      return `${problem.what}: ${problem.bytes} bytes, ${problem.available} are left`
    case 'magic':
      return `the magic number is 0x${problem.magic.toString(16).padStart(4, '0')}`
    case 'version':
      return `version ${problem.version} is not known`
    case 'flags':
      return `version ${problem.version} does not have the flags 0x${problem.flags.toString(16)}`
    case 'abi':
      return `the ABI ${problem.abi} is not known here`
    case 'malformed':
      return problem.why
    case 'row-past-end':
      return `a row begins at ${problem.at} of a function of ${problem.size} bytes`
    case 'too-large':
      return `${problem.rows} rows; ${problem.limit} is the limit`
    case 'row':
      return `${problem.what} cannot be said in the rows of a frame record`
    case 'no-entry':
      return `nothing describes 0x${problem.pc.toString(16)}`
    case 'no-caller':
      return 'this is the outermost frame'
    case 'unknown-register':
      return `the value of ${problem.register} is not known`
    case 'unreadable':
      return `${problem.bytes} bytes at 0x${problem.address.toString(16)} cannot be read`
  }
}
