/**
 * Epilogues as the system sees them in version 1: by reading instructions at the program counter.
 *
 * @see the published unwinder, dotnet/runtime: src/coreclr/unwinder/amd64/unwinder.cpp; Microsoft Learn, "x64 exception
 *   handling", "Unwind procedure"
 */

/** Reads one byte of code at an offset from where the match starts; undefined where nothing can be read. */
export type CodeReader = (offset: number) => number | undefined

/** What a recognised epilogue does from the program counter on. */
export interface RecognisedEpilogue {
  /** SP := register + offset at first, with -1 for SP itself; an offset of 0 from SP: no adjustment. */
  readonly adjustment: { readonly from: number; readonly offset: number }
  /** Registers popped, in order. */
  readonly pops: readonly number[]
  /** Offset of the exit instruction, and of the byte after what was looked at. */
  readonly exit: number
  readonly length: number
  /** Bytes that `ret n` would add; the system does not, Wine does. */
  readonly retBytes: number
}

/** Whether a jump from within the range to a code offset (from the range's begin) leaves the function. */
export type LeavesFunction = (target: number) => boolean

/** Why code at some place is no epilogue. */
export interface NotEpilogue {
  readonly offset: number
  readonly why: string
}

/**
 * Matches code against the forms, from `read(0)` on.
 *
 * @param frameRegister - of the header; 0 for none.
 * @param leaves - asked about the target of a relative jump, given as an offset from `read(0)`.
 */
export function recogniseEpilogue(
  read: CodeReader,
  frameRegister: number,
  leaves: LeavesFunction,
): RecognisedEpilogue | NotEpilogue {
  let at = 0
  let from = -1
  let offset = 0
  const first = read(0)
  const second = read(1)
  const third = read(2)
  if (first === undefined) return { offset: 0, why: 'no code' }
  if (first === 0x48 && second === 0x83 && third === 0xc4) {
    offset = ((read(3) ?? 0) << 24) >> 24 // add rsp, imm8
    at = 4
  } else if (first === 0x48 && second === 0x81 && third === 0xc4) {
    offset = read32(read, 3) // add rsp, imm32
    at = 7
  } else if ((first & 0xfe) === 0x48 && second === 0x8d && third !== undefined) {
    const register = ((first & 1) << 3) | (third & 7)
    if (register !== 0 && register === frameRegister) {
      if ((third & 0xf8) === 0x60) {
        from = register // lea rsp, [register + disp8]
        offset = ((read(3) ?? 0) << 24) >> 24
        at = 4
      } else if ((third & 0xf8) === 0xa0) {
        from = register // lea rsp, [register + disp32]
        offset = read32(read, 3)
        at = 7
      }
    }
  }
  const pops: number[] = []
  for (;;) {
    const byte = read(at) ?? 0
    if ((byte & 0xf8) === 0x58) {
      pops.push(byte & 7)
      at += 1
    } else if ((byte & 0xf0) === 0x40 && ((read(at + 1) ?? 0) & 0xf8) === 0x58) {
      pops.push(((byte & 1) << 3) | (read(at + 1)! & 7))
      at += 2
    } else break
  }
  const exit = at
  if (read(at) === 0xf2) at += 1
  const adjustment = { from, offset }
  const done = (length: number, retBytes = 0): RecognisedEpilogue => ({ adjustment, pops, exit, length, retBytes })
  const byte = read(at)
  const next = read(at + 1)
  if (byte === 0xc3) return done(at + 1)
  if (byte === 0xc2) return done(at + 3, (next ?? 0) | ((read(at + 2) ?? 0) << 8))
  if (byte === 0xf3 && next === 0xc3) return done(at + 2)
  if (byte === 0xeb || byte === 0xe9) {
    const length = byte === 0xeb ? 2 : 5
    const target = at + length + (byte === 0xeb ? ((next ?? 0) << 24) >> 24 : read32(read, at + 1))
    return leaves(target) ? done(at + length) : { offset: at, why: 'the jump stays in the function' }
  }
  if (byte === 0xff && next === 0x25) return done(at + 6)
  if (byte !== undefined && (byte & 0xf8) === 0x48 && next === 0xff && ((read(at + 2) ?? 0) & 0x38) === 0x20) {
    return done(at + 3)
  }
  return { offset: at, why: 'no return, and no jump that leaves the function' }
}

/** Tells the two results apart. */
export function isEpilogue(result: RecognisedEpilogue | NotEpilogue): result is RecognisedEpilogue {
  return 'exit' in result
}

function read32(read: CodeReader, at: number): number {
  return (read(at) ?? 0) | ((read(at + 1) ?? 0) << 8) | ((read(at + 2) ?? 0) << 16) | ((read(at + 3) ?? 0) << 24)
}
