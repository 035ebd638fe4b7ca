/** What can be wrong with a frame, with bytes, or with a stack, seen from Windows. */

export type Win64UnwindProblem =
  // A record or a list of operations that UNWIND_INFO cannot express.
  | { readonly code: 'architecture'; readonly architecture: string }
  /** Register numbers: general 0 to 15 without rsp, xmm 16 to 31. */
  | { readonly code: 'register'; readonly register: number; readonly use: 'push' | 'save' | 'frame register' }
  | { readonly code: 'push-size'; readonly bytes: number }
  /** Must be a multiple of 8, at least 8, at most 4 GiB - 8. */
  | { readonly code: 'allocation'; readonly bytes: number }
  /** Must be a multiple of 8 (16 for xmm), not negative, below 4 GiB. */
  | { readonly code: 'save-offset'; readonly aboveBase: number; readonly scale: 8 | 16 }
  | { readonly code: 'save-width'; readonly register: number; readonly bytes: number }
  /** Must be a multiple of 16, from 0 to 240. */
  | { readonly code: 'frame-register-offset'; readonly bytes: number }
  /** Operations in an order that the system undoes wrongly. */
  | { readonly code: 'order'; readonly why: string }
  | { readonly code: 'code-offset'; readonly offset: number; readonly limit: number }
  | { readonly code: 'prologue-size'; readonly bytes: number; readonly limit: number }
  | { readonly code: 'slots'; readonly count: number }
  /** Version 3: at most 31 operations of the prologue and of each epilogue, 7 epilogues, 510 bytes in all. */
  | { readonly code: 'operations'; readonly count: number; readonly limit: number }
  | { readonly code: 'epilogues'; readonly count: number; readonly limit: number }
  | { readonly code: 'payload'; readonly bytes: number; readonly limit: number }
  /** Something that the format has no words for. */
  | { readonly code: 'inexpressible'; readonly what: string; readonly why: string }
  /** SP moves in the body of a function without a frame register. */
  | { readonly code: 'sp-moves' }
  /** An exit that the system would not recognise. */
  | { readonly code: 'epilogue-form'; readonly why: string }
  | { readonly code: 'version'; readonly version: number }
  /** A row of a scope table, by its index. */
  | { readonly code: 'scope'; readonly index: number; readonly why: string }
  /** Code made at run time: more than 4 GiB above the base, or a branch of more than 2 GiB. */
  | { readonly code: 'out-of-reach'; readonly symbol: string; readonly address: bigint; readonly why: string }
  | { readonly code: 'unknown-symbol'; readonly symbol: string }
  /** An image for code made at run time is full, or cannot be as large. */
  | { readonly code: 'capacity'; readonly what: string; readonly needed: number; readonly limit: number }
  /** Where a part of a function lies was not said. */
  | { readonly code: 'part'; readonly symbol: string; readonly part: number }
  | { readonly code: 'overlap'; readonly symbol: string; readonly other: string }
  | { readonly code: 'foreign-unwind'; readonly format: string }
  // Bytes that are no unwind data. `at` counts from the start of what was given.
  | { readonly code: 'truncated'; readonly at: number; readonly needed: number; readonly what: string }
  | { readonly code: 'bad-version'; readonly at: number; readonly version: number }
  | { readonly code: 'bad-flags'; readonly at: number; readonly flags: number }
  | { readonly code: 'bad-operation'; readonly at: number; readonly operation: number; readonly info: number }
  | { readonly code: 'bad-code-order'; readonly at: number; readonly offset: number; readonly previous: number }
  | { readonly code: 'bad-descriptor'; readonly at: number; readonly why: string }
  | { readonly code: 'bad-pool-index'; readonly at: number; readonly index: number }
  | { readonly code: 'bad-table'; readonly at: number; readonly why: string }
  | { readonly code: 'chain-too-long'; readonly links: number }
  // A walk that the system would give up.
  | { readonly code: 'unreadable'; readonly address: bigint; readonly what: string }
  | { readonly code: 'unknown-register-value'; readonly register: number }

/** The frame cannot be expressed, the bytes are malformed, or the frame cannot be walked; `problem` says which. */
export class Win64UnwindError extends Error {
  override readonly name = 'Win64UnwindError'
  readonly problem: Win64UnwindProblem
  /** Index of the event in the record (of the operation in the list); -1 where the problem is in none. */
  readonly event: number

  constructor(problem: Win64UnwindProblem, event: number = -1) {
    super(event < 0 ? describe(problem) : `${describe(problem)} (frame event ${event})`)
    this.problem = problem
    this.event = event
  }
}

function describe(problem: Win64UnwindProblem): string {
  switch (problem.code) {
    case 'architecture':
      return `Windows x64 unwind data cannot describe '${problem.architecture}'`
    case 'register':
      return `register ${problem.register} cannot be described as ${problem.use}`
    case 'push-size':
      return `a push of ${problem.bytes} bytes cannot be described, only of 8`
    case 'allocation':
      return `an allocation of ${problem.bytes} bytes is not a multiple of 8 from 8 to 4 GiB - 8`
    case 'save-offset':
      return `slot at ${problem.aboveBase} from the bottom of the allocation is not a multiple of ${problem.scale} from 0 to 4 GiB`
    case 'save-width':
      return `register ${problem.register} is saved ${problem.bytes} bytes wide`
    case 'frame-register-offset':
      return `frame register at ${problem.bytes} bytes above SP; it must be a multiple of 16 from 0 to 240`
    case 'order':
      return problem.why
    case 'code-offset':
      return `code offset ${problem.offset} is past ${problem.limit}`
    case 'prologue-size':
      return `a prologue of ${problem.bytes} bytes does not fit; the limit is ${problem.limit}`
    case 'slots':
      return `${problem.count} code slots do not fit; the limit is 255`
    case 'operations':
      return `${problem.count} operations do not fit; the limit is ${problem.limit}`
    case 'epilogues':
      return `${problem.count} epilogues do not fit; the limit is ${problem.limit}`
    case 'payload':
      return `a payload of ${problem.bytes} bytes does not fit; the limit is ${problem.limit}`
    case 'inexpressible':
      return `'${problem.what}' cannot be described: ${problem.why}`
    case 'sp-moves':
      return 'SP moves in the body, which needs a frame register'
    case 'epilogue-form':
      return `the system would not recognise this epilogue: ${problem.why}`
    case 'version':
      return `version ${problem.version} is not one that can be written`
    case 'scope':
      return `scope ${problem.index}: ${problem.why}`
    case 'out-of-reach':
      return `'${problem.symbol}' at 0x${problem.address.toString(16)} is out of reach: ${problem.why}`
    case 'unknown-symbol':
      return `the address of '${problem.symbol}' is not known`
    case 'capacity':
      return `${problem.what} takes ${problem.needed}; there is room for ${problem.limit}`
    case 'part':
      return `where part ${problem.part} of '${problem.symbol}' lies is not known`
    case 'overlap':
      return `the code of '${problem.symbol}' overlaps '${problem.other}'`
    case 'foreign-unwind':
      return `unwind data of format '${problem.format}'`
    case 'truncated':
      return `${problem.what} at ${problem.at} needs ${problem.needed} bytes, which are not there`
    case 'bad-version':
      return `UNWIND_INFO at ${problem.at} has version ${problem.version}`
    case 'bad-flags':
      return `UNWIND_INFO at ${problem.at} has flags ${problem.flags}: a chained record cannot have a handler`
    case 'bad-operation':
      return `operation ${problem.operation} with info ${problem.info} at ${problem.at} is refused by the system`
    case 'bad-code-order':
      return `code at ${problem.at} has offset ${problem.offset} after ${problem.previous}; they must not increase`
    case 'bad-descriptor':
      return `epilogue descriptor at ${problem.at}: ${problem.why}`
    case 'bad-pool-index':
      return `UNWIND_INFO at ${problem.at} has an epilogue whose operations are not in the pool at ${problem.index}`
    case 'bad-table':
      return `function table at ${problem.at}: ${problem.why}`
    case 'chain-too-long':
      return `more than ${problem.links} chained records`
    case 'unreadable':
      return `${problem.what} at 0x${problem.address.toString(16)} cannot be read`
    case 'unknown-register-value':
      return `the value of register ${problem.register} is needed and not known`
  }
}
