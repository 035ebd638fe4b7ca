/** One range of code to one record, in the version asked for: what differs between the versions is known here alone. */

import type { Register } from '@framewright/frame-layout'
import { UNW_FLAG_CHAININFO } from './constants.ts'
import type { EpilogueShape } from './epilogue.ts'
import { Win64UnwindError } from './errors.ts'
import { type PrologueOperation, prologueCodes } from './prologue.ts'
import type { PrologueShape } from './prologue-shape.ts'
import { encodeUnwindInfo, trailerOffset, type UnwindCode } from './unwind-info.ts'
import { epilogueCodes } from './version-2.ts'
import { encodeUnwindInfo3, trailerOffset3 } from './version-3.ts'
import { unwindInfo3, type WindingEpilogue, type WindingOperation } from './version-3-build.ts'
import { windEpilogue } from './version-3-epilogue.ts'

/** A version of UNWIND_INFO. */
export type Win64Version = 1 | 2 | 3

/** A range of code and what its record has to say. Offsets of operations count from its begin. */
export interface RangeRecord {
  readonly begin: number
  readonly end: number
  /** Without CHAININFO, which follows from `chained`. */
  readonly flags: number
  readonly chained: boolean
  readonly prologueSize: number
  readonly operations: readonly PrologueOperation[]
  /** Of each operation, as in {@link PrologueShape}. */
  readonly events: readonly number[]
  readonly starts: readonly number[]
  /** The prologue whose frame register is repeated, and whose pushes epilogues mirror. */
  readonly prologue: PrologueShape
  /** Those in the range. */
  readonly epilogues: readonly EpilogueShape[]
  readonly handlerData: Uint8Array | undefined
}

/** @throws Win64UnwindError where something does not fit. */
export function encodeRange(range: RangeRecord, version: Win64Version): Uint8Array {
  return version === 3 ? encodeThird(range) : encodeFirst(range, version)
}

/** Where the handler's rva, or the parent's entry, lies in a record of any version. */
export function trailerOf(bytes: Uint8Array, record: number = 0): number {
  return (bytes[record]! & 7) === 3 ? trailerOffset3(bytes, record) : trailerOffset(bytes, record)
}

const noParent = { begin: 0, end: 0, unwindInfo: 0 }

function encodeFirst(range: RangeRecord, version: 1 | 2): Uint8Array {
  const { operations, events, prologue, prologueSize, epilogues, flags, chained } = range
  const { pushesAfterFrame } = prologue
  const { codes } = prologueCodes(operations, prologueSize, { pushesAfterFrame, events })
  return encodeUnwindInfo(
    {
      version,
      flags: chained ? UNW_FLAG_CHAININFO : flags,
      prologueSize,
      frameRegister: prologue.frameRegister,
      frameOffset: prologue.frameOffset,
      codes,
      epilogues: version === 2 ? epilogueCodes(epilogues, chained ? allCodes(prologue) : codes, range.end) : null,
      handler: 0,
      parent: chained ? noParent : null,
    },
    range.handlerData,
  )
}

/** The codes of the whole prologue, wherever its limits would cut it: epilogues mirror its pushes. */
function allCodes(prologue: PrologueShape): UnwindCode[] {
  const pushes = prologue.operations.filter(({ kind }) => kind !== 'save').map((one) => ({ ...one, at: 0 }))
  return prologueCodes(pushes, 0, { pushesAfterFrame: prologue.pushesAfterFrame }).codes
}

function encodeThird(range: RangeRecord): Uint8Array {
  const { operations, events, starts, prologue, prologueSize, epilogues, flags, chained, begin, end } = range
  // The same checks of order as in the other versions; their limits do not hold here.
  prologueCodes(
    operations.map((operation) => ({ ...operation, at: 0 })),
    0,
    { pushesAfterFrame: prologue.pushesAfterFrame, events },
  )
  const winding = operations.map((operation, i): WindingOperation => windOperation(operation, starts[i]!))
  const wound: WindingEpilogue[] = []
  for (const epilogue of epilogues) {
    const undone = windEpilogue(epilogue, prologue)
    // An exit that leaves SP alone is body in full.
    if (!epilogue.moves) continue
    wound.push({
      start: epilogue.start - begin,
      terminator: epilogue.terminator - begin,
      operations: undone.map((operation) => ({ ...operation, start: operation.start - begin })),
    })
  }
  try {
    const info = unwindInfo3({
      rangeSize: end - begin,
      prologueSize,
      operations: winding,
      epilogues: wound,
      flags: chained ? UNW_FLAG_CHAININFO : flags,
      parent: chained ? noParent : null,
    })
    return encodeUnwindInfo3(info, range.handlerData)
  } catch (error) {
    if (!(error instanceof Win64UnwindError) || error.event < 0) throw error
    throw new Win64UnwindError(error.problem, events[error.event] ?? -1)
  }
}

function windOperation(operation: PrologueOperation, start: number): WindingOperation {
  switch (operation.kind) {
    case 'push':
      return { start, kind: 'push', register: operation.register }
    case 'allocate':
      return { start, kind: 'allocate', bytes: operation.bytes }
    case 'set-frame':
      return { start, kind: 'set-frame', register: operation.register, offset: operation.offset }
    case 'save':
      return isVector(operation.register)
        ? { start, kind: 'save-vector', register: operation.register - 16, offset: operation.offset }
        : { start, kind: 'save', register: operation.register, offset: operation.offset }
    case 'machine-frame':
      return { start, kind: 'canonical-frame', type: operation.errorCode ? 1 : 0 }
  }
}

const isVector = (register: Register): boolean => register >= 16
