/**
 * Builds a {@link FrameRecord} while code is emitted. One recorder serves any number of functions: `finish` hands the
 * record over and leaves the recorder empty.
 *
 * It runs for every compiled function, so it checks only what needs no state of the frame: order, markers that pair up,
 * labels that exist. What an event means to the frame is checked where rows are derived and where formats encode.
 */

import type { Register } from './architecture.ts'
import { FrameError } from './errors.ts'
import type { FrameAction, FrameEvent, FramePart, FrameRecord } from './record.ts'

/** What `finish` has to be told; everything but the size has a default. */
export interface FinishOptions {
  /** Bytes of code that the record covers. */
  readonly codeSize: number
  /** `'x86-64'` when left out. */
  readonly architecture?: string
  readonly kind?: FrameRecord['kind']
  readonly personality?: { readonly symbol: string }
  readonly languageData?: { readonly symbol: string }
  /** Where the function lies in several parts. */
  readonly parts?: readonly FramePart[]
}

/** The same event while the recorder owns it: offsets may still move. */
type PendingEvent = { at: number; readonly length: number } & FrameAction

/** Records what each prologue and epilogue instruction did. Every `at` is the offset just after the instruction. */
export class FrameRecorder {
  #events: PendingEvent[] = []
  #last = 0
  #prologueEnd = -1
  #inEpilogue = false
  #labels = 0
  #offsets: Int32Array = new Int32Array(64)

  /** Number of events so far. */
  get length(): number {
    return this.#events.length
  }

  /** Forgets everything recorded since the last `finish`. */
  reset(): void {
    this.#events = []
    this.#last = 0
    this.#prologueEnd = -1
    this.#inEpilogue = false
    this.#labels = 0
  }

  /** SP -= size and the register stored there. `saves` = false: for alignment, or an argument. */
  push(at: number, length: number, register: Register, saves: boolean = true, size: number = 8): void {
    this.#add({ at, length, kind: 'push', register, size, saves })
  }

  /** The register loaded from SP and SP += size. `restores` = false: it does not hold the caller's value. */
  pop(at: number, length: number, register: Register, restores: boolean = true, size: number = 8): void {
    this.#add({ at, length, kind: 'pop', register, size, restores })
  }

  /** SP += delta; negative allocates. */
  adjustSp(at: number, length: number, delta: number, via: 'immediate' | 'register' | 'probe' = 'immediate'): void {
    this.#add({ at, length, kind: 'adjust-sp', delta, via })
  }

  /** SP moved by an amount known at run time only. */
  dynamicSp(at: number, length: number): void {
    this.#add({ at, length, kind: 'dynamic-sp' })
  }

  /** register := SP + spOffset; the CFA hangs on it from now on. */
  setFrameRegister(at: number, length: number, register: Register, spOffset: number = 0): void {
    this.#add({ at, length, kind: 'set-frame-register', register, spOffset })
  }

  /** register := SP + spOffset; the CFA hangs on what it hung on. */
  copySp(at: number, length: number, register: Register, spOffset: number = 0): void {
    this.#add({ at, length, kind: 'copy-sp', register, spOffset })
  }

  /** SP := register + offset; the CFA hangs on SP again. */
  restoreSp(at: number, length: number, register: Register, offset: number = 0): void {
    this.#add({ at, length, kind: 'restore-sp', register, offset })
  }

  /** `leave`: SP := register, then the register popped. */
  leave(at: number, length: number, register: Register, size: number = 8): void {
    this.#add({ at, length, kind: 'restore-sp', register, offset: 0 })
    this.#add({ at, length, kind: 'pop', register, size, restores: true })
  }

  /** The caller's value stored at base + offset. */
  save(
    at: number,
    length: number,
    register: Register,
    base: 'sp' | 'frame',
    offset: number,
    width: number = register < 16 ? 8 : 16,
  ): void {
    this.#add({ at, length, kind: 'save', register, base, offset, width })
  }

  /** The caller's value loaded back from base + offset. */
  restore(
    at: number,
    length: number,
    register: Register,
    base: 'sp' | 'frame',
    offset: number,
    width: number = register < 16 ? 8 : 16,
  ): void {
    this.#add({ at, length, kind: 'restore', register, base, offset, width })
  }

  /** The caller's value lies at base + offset; base is any register as it is now. */
  savedAt(at: number, length: number, register: Register, base: Register, offset: number): void {
    this.#add({ at, length, kind: 'saved-at', register, base, offset })
  }

  /** The register holds CFA - offset, however it came to it; it is the frame register from now on. */
  cfaFromRegister(at: number, length: number, register: Register, offset: number): void {
    this.#add({ at, length, kind: 'cfa-from-register', register, offset })
  }

  /** The CFA is what lies at register + offset, plus `add`. */
  cfaFromMemory(at: number, length: number, register: Register, offset: number, add: number = 0): void {
    this.#add({ at, length, kind: 'cfa-from-memory', register, offset, add })
  }

  /** The CFA by a DWARF expression, in hexadecimal digits. */
  cfaExpression(at: number, length: number, expression: string): void {
    this.#add({ at, length, kind: 'cfa-expression', expression })
  }

  /** The address (or value) of the caller's register by a DWARF expression, in hexadecimal digits. */
  expression(at: number, length: number, register: Register, is: 'address' | 'value', expression: string): void {
    this.#add({ at, length, kind: 'expression', register, is, expression })
  }

  /** The return address is signed from here on, or is not any more. */
  signReturnAddress(at: number, length: number, signed: boolean): void {
    this.#add({ at, length, kind: 'sign-return-address', signed })
  }

  /** The caller's value of `register` lives in `into`. */
  move(at: number, length: number, register: Register, into: Register): void {
    this.#add({ at, length, kind: 'move', register, into })
  }

  /** The caller's value is gone. */
  lost(at: number, length: number, register: Register): void {
    this.#add({ at, length, kind: 'lost', register })
  }

  /** The register holds the caller's value (again). */
  kept(at: number, length: number, register: Register): void {
    this.#add({ at, length, kind: 'kept', register })
  }

  /** SP &= -alignment. */
  realign(at: number, length: number, alignment: number): void {
    this.#add({ at, length, kind: 'realign', alignment })
  }

  /** That many bytes of arguments lie pushed for a call from here on. */
  callArgs(at: number, bytes: number): void {
    this.#add({ at, length: 0, kind: 'call-args', bytes })
  }

  /** The function is entered by the processor's interrupt mechanism; call it first. */
  machineFrame(errorCode: boolean): void {
    this.#add({ at: 0, length: 0, kind: 'machine-frame', errorCode })
  }

  /** An instruction without effect on the frame. */
  plain(at: number, length: number): void {
    this.#add({ at, length, kind: 'plain' })
  }

  /** A name for a state that is recorded later, for a `resume` that comes before it. */
  newLabel(): number {
    return this.#labels++
  }

  /**
   * Names the state that holds at `at`; the name goes into `resume`.
   *
   * @param id - from `newLabel`.
   */
  label(at: number, id: number = this.#labels++): number {
    this.#add({ at, length: 0, kind: 'label', id })
    return id
  }

  /** From `at` on the state is the one at that label. */
  resume(at: number, id: number): void {
    if (!(id >= 0 && id < this.#labels)) throw new FrameError({ code: 'unknown-label', id }, this.#events.length)
    this.#add({ at, length: 0, kind: 'resume', id })
  }

  /** The first byte that is not prologue. */
  prologueEnd(at: number): void {
    if (this.#prologueEnd >= 0) this.#misplaced('prologue-end', 'the prologue has ended already')
    this.#add({ at, length: 0, kind: 'prologue-end' })
    this.#prologueEnd = at
  }

  /** The first byte of an epilogue. */
  epilogueBegin(at: number): void {
    if (this.#prologueEnd < 0) this.#misplaced('epilogue-begin', 'the prologue has not ended')
    if (this.#inEpilogue) this.#misplaced('epilogue-begin', 'the epilogue before has not ended')
    this.#add({ at, length: 0, kind: 'epilogue-begin' })
    this.#inEpilogue = true
  }

  /** The end of the instruction that leaves the function. The state goes back to the one at `epilogueBegin`. */
  epilogueEnd(at: number, exit: 'return' | 'tail-jump' = 'return'): void {
    if (!this.#inEpilogue) this.#misplaced('epilogue-end', 'no epilogue has begun')
    this.#add({ at, length: 0, kind: 'epilogue-end', exit })
    this.#inEpilogue = false
  }

  /**
   * Moves every offset recorded so far: for code generators that shorten branches after emission.
   *
   * @param move - changes the first `count` offsets in place, as `Assembler.remap` does; they ascend, and must afterwards.
   *   Lengths stay, so only code between recorded instructions may change.
   */
  remap(move: (offsets: Int32Array, count: number) => void): void {
    const events = this.#events
    const count = events.length
    if (count > this.#offsets.length) this.#offsets = new Int32Array(count * 2)
    const offsets = this.#offsets
    for (let i = 0; i < count; i++) offsets[i] = events[i]!.at
    move(offsets, count)
    for (let i = 0; i < count; i++) {
      const event = events[i]!
      event.at = offsets[i]!
      if (event.kind === 'prologue-end') this.#prologueEnd = event.at
    }
    if (count > 0) this.#last = offsets[count - 1]!
  }

  /**
   * Hands the record over and empties the recorder.
   *
   * @throws FrameError if an epilogue is open, there are events but no prologue end, or an event lies past the code.
   */
  finish(options: FinishOptions): FrameRecord {
    const { codeSize } = options
    if (!Number.isSafeInteger(codeSize) || codeSize < 0) {
      throw new FrameError({ code: 'bad-number', field: 'codeSize', value: codeSize })
    }
    if (this.#inEpilogue) this.#misplaced('epilogue-begin', 'the last epilogue has not ended')
    if (this.#last > codeSize) {
      throw new FrameError({ code: 'past-end', at: this.#last, codeSize }, this.#events.length - 1)
    }
    if (this.#prologueEnd < 0 && this.#events.length > 0) this.#misplaced('prologue-end', 'it is missing')
    const record: FrameRecord = {
      version: 1,
      architecture: options.architecture ?? 'x86-64',
      codeSize,
      kind: options.kind ?? 'normal',
      prologueEnd: Math.max(this.#prologueEnd, 0),
      ...(options.personality === undefined ? undefined : { personality: options.personality }),
      ...(options.languageData === undefined ? undefined : { languageData: options.languageData }),
      ...(options.parts === undefined ? undefined : { parts: options.parts }),
      events: this.#events satisfies FrameEvent[],
    }
    this.reset()
    return record
  }

  #add(event: PendingEvent): void {
    const { at, length } = event
    const last = this.#last
    // Comparisons that fail for NaN. Two events of one instruction (`leave`) share their offset.
    if (!(length >= 0) || !(at >= last) || (at - length < last && at !== last)) {
      throw new FrameError({ code: 'out-of-order', at, previous: last }, this.#events.length)
    }
    this.#last = at
    this.#events.push(event)
  }

  #misplaced(kind: 'prologue-end' | 'epilogue-begin' | 'epilogue-end', why: string): never {
    throw new FrameError({ code: 'misplaced', kind, why }, this.#events.length)
  }
}
