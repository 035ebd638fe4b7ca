/**
 * The frame record: what the instructions of one function did to its stack frame, in code order.
 *
 * Events say what the machine did, not what one unwind format would like to hear (that is why formats can differ); rows
 * (`rows.ts`) say what is true afterwards, and are derived from the events alone. A record is immutable and plain: it
 * prints, compares, and survives JSON.
 *
 * Offsets are bytes from the first byte of the function. The `at` of an event is the END of its instruction: from there
 * on the event is true. Events ascend by `at`; an instruction that does two things (`leave`) makes two events with the
 * same `at` and `length`, in the order in which they take effect.
 *
 * Regions follow from the markers: everything before `prologue-end` is prologue, what lies between an `epilogue-begin`
 * and its `epilogue-end` is that epilogue, everything else is body. Nothing falls through an `epilogue-end`: the state of
 * the code behind it is the one that held at the `epilogue-begin`, unless a `resume` at the same offset says otherwise.
 *
 * A function may lie in several parts (hot and cold). The record then counts offsets as if they were laid end to end, the
 * part with the entry first, and `parts` says where one ends and the next begins; where each lies in memory is said when
 * sections are assembled. Control comes to a later part by jumps alone, so it begins with a `resume` unless its state is the
 * one that the events in front of it leave.
 */

import type { Register } from './architecture.ts'

/** One function's frame, instruction by instruction. */
export interface FrameRecord {
  readonly version: 1
  /** `'x86-64'`; see {@link FrameArchitecture}. */
  readonly architecture: string
  /** Bytes of code that the record covers. Constant pools and tables behind the code do not count. */
  readonly codeSize: number
  /** `'signal'`: control came from an interrupt. `'outermost'`: there is no caller. */
  readonly kind: 'normal' | 'signal' | 'outermost'
  /** Offset of the first byte that is not prologue. */
  readonly prologueEnd: number
  /** The routine that the language's run time wants to be asked during unwinding. */
  readonly personality?: { readonly symbol: string }
  /** Its data: LSDA, handler data. */
  readonly languageData?: { readonly symbol: string }
  /** Where the function lies in several parts: all of them, in order and without gaps. Absent: it lies in one. */
  readonly parts?: readonly FramePart[]
  /** Ascending by `at`. */
  readonly events: readonly FrameEvent[]
}

/** A contiguous piece of a function's code, as offsets in the record. */
export interface FramePart {
  readonly begin: number
  readonly end: number
  /** The part's own language data, where those count from its first byte as an LSDA does; the record's when left out. */
  readonly languageData?: { readonly symbol: string }
}

/** Where an event became true, and how long its instruction was (0 for markers). */
export interface FrameEventPlace {
  readonly at: number
  readonly length: number
}

/** What an event says. */
export type FrameAction =
  /** SP -= size; the register stored there. `saves`: this is where the caller's value is kept; otherwise alignment or an argument. */
  | { readonly kind: 'push'; readonly register: Register; readonly size: number; readonly saves: boolean }
  /** The register loaded from SP; SP += size. `restores`: it holds the caller's value again. */
  | { readonly kind: 'pop'; readonly register: Register; readonly size: number; readonly restores: boolean }
  /** SP += delta; negative allocates. `via`: the instruction names the number, takes it from a register, or probed on its way. */
  | { readonly kind: 'adjust-sp'; readonly delta: number; readonly via: 'immediate' | 'register' | 'probe' }
  /** SP moved by an amount that is known at run time only (`alloca`). The CFA hangs on the frame register. */
  | { readonly kind: 'dynamic-sp' }
  /** register := SP + spOffset. The CFA hangs on it from now on. */
  | { readonly kind: 'set-frame-register'; readonly register: Register; readonly spOffset: number }
  /** register := SP + spOffset, and the CFA hangs on what it hung on: after a realignment, where SP says nothing of it. */
  | { readonly kind: 'copy-sp'; readonly register: Register; readonly spOffset: number }
  /**
   * SP := register + offset. The CFA hangs on SP again if the register is the frame register; else it stays where it is,
   * which cannot be SP.
   */
  | { readonly kind: 'restore-sp'; readonly register: Register; readonly offset: number }
  /** The caller's value of the register stored at base + offset; base is SP or the frame register as it is now. `width` in bytes. */
  | {
      readonly kind: 'save'
      readonly register: Register
      readonly base: 'sp' | 'frame'
      readonly offset: number
      readonly width: number
    }
  /** The caller's value loaded back from base + offset. */
  | {
      readonly kind: 'restore'
      readonly register: Register
      readonly base: 'sp' | 'frame'
      readonly offset: number
      readonly width: number
    }
  /** The caller's value of `register` lies in memory at base + offset, base being any register as it is now. */
  | { readonly kind: 'saved-at'; readonly register: Register; readonly base: Register; readonly offset: number }
  /** The register holds CFA - offset, however it came to it. It is the frame register from now on. */
  | { readonly kind: 'cfa-from-register'; readonly register: Register; readonly offset: number }
  /** The CFA is what lies in memory at register + offset, plus `add`. */
  | { readonly kind: 'cfa-from-memory'; readonly register: Register; readonly offset: number; readonly add: number }
  /** The CFA is the value of a DWARF expression, given as hexadecimal digits. For formats that have such. */
  | { readonly kind: 'cfa-expression'; readonly expression: string }
  /** The caller's value lies at the address that a DWARF expression gives (`is`: is its value), which starts with the CFA. */
  | {
      readonly kind: 'expression'
      readonly register: Register
      readonly is: 'address' | 'value'
      readonly expression: string
    }
  /** From here on the return address is signed, or is not any more (AArch64's pointer authentication). */
  | { readonly kind: 'sign-return-address'; readonly signed: boolean }
  /** The caller's value of `register` lives in register `into`. */
  | { readonly kind: 'move'; readonly register: Register; readonly into: Register }
  /** The caller's value is gone. Of the return address: there is no caller. */
  | { readonly kind: 'lost'; readonly register: Register }
  /** The register holds the caller's value (again). */
  | { readonly kind: 'kept'; readonly register: Register }
  /** SP &= -alignment, so CFA - SP is not known any more. */
  | { readonly kind: 'realign'; readonly alignment: number }
  /** From here on that many bytes of arguments lie pushed for a call (DW_CFA_GNU_args_size). */
  | { readonly kind: 'call-args'; readonly bytes: number }
  /** On entry the processor had pushed its interrupt frame (x86-64: SS, RSP, RFLAGS, CS, RIP), below it an error code or not. Always at 0, always first. */
  | { readonly kind: 'machine-frame'; readonly errorCode: boolean }
  /** Names the state that holds here. */
  | { readonly kind: 'label'; readonly id: number }
  /** From here on the state is the one at that label, which may stand before or behind this. */
  | { readonly kind: 'resume'; readonly id: number }
  /** The prologue ends here. */
  | { readonly kind: 'prologue-end' }
  /** The first instruction of an epilogue begins here. */
  | { readonly kind: 'epilogue-begin' }
  /** The function was left by the instruction that ends here. */
  | { readonly kind: 'epilogue-end'; readonly exit: 'return' | 'tail-jump' }
  /** An instruction of a prologue or epilogue without effect on the frame, worth knowing to formats that count instructions. */
  | { readonly kind: 'plain' }

/** One event. */
export type FrameEvent = FrameEventPlace & FrameAction

/** An event's kind. */
export type FrameEventKind = FrameAction['kind']

/** Where an event lies. */
export type FrameRegion = 'prologue' | 'body' | 'epilogue'
