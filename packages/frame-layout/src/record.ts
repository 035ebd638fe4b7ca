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
  /** Ascending by `at`. */
  readonly events: readonly FrameEvent[]
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
  /** SP := register + offset. The CFA hangs on SP again. */
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
  /** On entry the processor had pushed RIP, CS, RFLAGS, RSP, SS and, below them, an error code or not. Always at 0, always first. */
  | { readonly kind: 'machine-frame'; readonly errorCode: boolean }
  /** Names the state that holds here. */
  | { readonly kind: 'label'; readonly id: number }
  /** From here on the state is the one at that label, which stands earlier in the record. */
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
