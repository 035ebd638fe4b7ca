/**
 * The frame as it stands between two instructions, and what each event does to it. Rows are snapshots of it; formats that
 * consume events run it beside their own work to learn where SP is.
 *
 * Distances are kept from the CFA downwards, because the CFA is the one thing that never moves during a call:
 * `cfaFromSp` = CFA - SP, `cfaFromFrame` = CFA - frame register. UNKNOWN (-1 cannot be a distance: SP never is above the
 * CFA while the function runs) stands for "known at run time only".
 */

import type { FrameArchitecture, Register } from './architecture.ts'
import { FrameError } from './errors.ts'
import type { FrameEvent, FrameRecord } from './record.ts'
import { knownArchitecture } from './registers-x64.ts'
import type { RegisterRule, UnwindRow } from './rows.ts'

/** Stands in {@link FrameState} for a distance that is not known, and for "no register". */
export const UNKNOWN = -1

interface Snapshot {
  readonly cfaFromSp: number
  readonly frameRegister: Register
  readonly cfaFromFrame: number
  readonly cfaOnFrame: boolean
  readonly argumentBytes: number
  readonly rules: Map<Register, RegisterRule>
}

/** The state of one frame, moved on by events. */
export class FrameState {
  readonly architecture: FrameArchitecture
  /** CFA - SP, or UNKNOWN. */
  cfaFromSp = 0
  /** The frame register, or UNKNOWN. */
  frameRegister: Register = UNKNOWN
  /** CFA - frame register. */
  cfaFromFrame = 0
  /** Whether the CFA hangs on the frame register (otherwise on SP). */
  cfaOnFrame = false
  argumentBytes = 0
  /** Rules of the registers that are not unchanged. */
  rules: Map<Register, RegisterRule> = new Map()
  readonly #labels: Map<number, Snapshot> = new Map()
  #beforeEpilogue: Snapshot | null = null

  constructor(architecture: FrameArchitecture, kind: FrameRecord['kind']) {
    this.architecture = architecture
    this.cfaFromSp = architecture.entryCfaOffset
    this.rules.set(
      architecture.returnAddress,
      kind === 'outermost' ? { rule: 'undefined' } : { rule: 'cfa-offset', offset: architecture.returnAddressOffset },
    )
  }

  /** @throws FrameError where the event contradicts the state. `index` is the event's, for the error. */
  apply(event: FrameEvent, index: number): void {
    switch (event.kind) {
      case 'push':
        this.#moveSp(-event.size, index)
        if (event.saves) this.#saved(event.register, -this.#knownSp(index))
        return
      case 'pop':
        this.#moveSp(event.size, index)
        if (event.restores) this.#restored(event.register, index)
        else if (event.register === this.frameRegister) this.#frameRegisterGone(index)
        return
      case 'adjust-sp':
        this.#moveSp(event.delta, index)
        return
      case 'dynamic-sp':
      case 'realign':
        if (!this.cfaOnFrame) this.#lose(`'${event.kind}' while the CFA hangs on SP`, index)
        this.cfaFromSp = UNKNOWN
        return
      case 'set-frame-register':
        this.cfaFromFrame = this.#knownSp(index) - event.spOffset
        this.frameRegister = event.register
        this.cfaOnFrame = true
        return
      case 'restore-sp': {
        if (event.register !== this.frameRegister) {
          this.#lose('SP is restored from a register that is not the frame register', index)
        }
        const distance = this.cfaFromFrame - event.offset
        if (distance < 0) this.#lose('SP would lie above the CFA', index)
        this.cfaFromSp = distance
        this.cfaOnFrame = false
        return
      }
      case 'save':
        this.#saved(event.register, event.offset - this.#distance(event.base, index))
        return
      case 'restore':
        this.#distance(event.base, index)
        this.#restored(event.register, index)
        return
      case 'move':
        this.rules.set(event.register, { rule: 'register', register: event.into })
        return
      case 'lost':
        this.rules.set(event.register, { rule: 'undefined' })
        return
      case 'kept':
        this.rules.delete(event.register)
        return
      case 'call-args':
        this.argumentBytes = event.bytes
        return
      case 'machine-frame': {
        if (index !== 0 || event.at !== 0) {
          throw new FrameError({ code: 'misplaced', kind: event.kind, why: 'it comes first' }, index)
        }
        // Pushed, downwards: SS, RSP, RFLAGS, CS, RIP, and perhaps an error code (Intel SDM vol. 3, 7.14.2).
        this.cfaFromSp = event.errorCode ? 48 : 40
        this.rules.set(this.architecture.returnAddress, { rule: 'cfa-offset', offset: -40 })
        this.rules.set(this.architecture.stackPointer, { rule: 'cfa-offset', offset: -16 })
        return
      }
      case 'label':
        this.#labels.set(event.id, this.#snapshot())
        return
      case 'resume': {
        const snapshot = this.#labels.get(event.id)
        if (snapshot === undefined) throw new FrameError({ code: 'unknown-label', id: event.id }, index)
        this.#restoreSnapshot(snapshot)
        return
      }
      case 'epilogue-begin':
        this.#beforeEpilogue = this.#snapshot()
        return
      case 'epilogue-end':
        if (this.#beforeEpilogue === null) {
          throw new FrameError({ code: 'misplaced', kind: event.kind, why: 'no epilogue has begun' }, index)
        }
        this.#restoreSnapshot(this.#beforeEpilogue)
        this.#beforeEpilogue = null
        return
      case 'prologue-end':
      case 'plain':
        return
    }
  }

  /** The row that holds from `at` on. */
  row(at: number): UnwindRow {
    const cfa = this.cfaOnFrame
      ? { register: this.frameRegister, offset: this.cfaFromFrame }
      : { register: this.architecture.stackPointer, offset: this.cfaFromSp }
    const registers = new Map([...this.rules].sort((a, b) => a[0] - b[0]))
    return { at, cfa, registers, argumentBytes: this.argumentBytes }
  }

  #moveSp(delta: number, index: number): void {
    if (this.cfaFromSp === UNKNOWN) return
    const distance = this.cfaFromSp - delta
    if (distance < 0) this.#lose('SP would lie above the CFA', index)
    this.cfaFromSp = distance
  }

  #knownSp(index: number): number {
    if (this.cfaFromSp === UNKNOWN) throw new FrameError({ code: 'base-unknown', base: 'sp' }, index)
    return this.cfaFromSp
  }

  #distance(base: 'sp' | 'frame', index: number): number {
    if (base === 'sp') return this.#knownSp(index)
    if (this.frameRegister === UNKNOWN) throw new FrameError({ code: 'base-unknown', base: 'frame' }, index)
    return this.cfaFromFrame
  }

  #saved(register: Register, offset: number): void {
    this.rules.set(register, { rule: 'cfa-offset', offset })
  }

  #restored(register: Register, index: number): void {
    this.rules.delete(register)
    if (register === this.frameRegister) this.#frameRegisterGone(index)
  }

  /** The frame register has been overwritten: the CFA must hang on SP from here. */
  #frameRegisterGone(index: number): void {
    if (this.cfaOnFrame) {
      if (this.cfaFromSp === UNKNOWN) this.#lose('the frame register is overwritten while SP is unknown', index)
      this.cfaOnFrame = false
    }
    this.frameRegister = UNKNOWN
  }

  #snapshot(): Snapshot {
    return {
      cfaFromSp: this.cfaFromSp,
      frameRegister: this.frameRegister,
      cfaFromFrame: this.cfaFromFrame,
      cfaOnFrame: this.cfaOnFrame,
      argumentBytes: this.argumentBytes,
      rules: new Map(this.rules),
    }
  }

  #restoreSnapshot(snapshot: Snapshot): void {
    this.cfaFromSp = snapshot.cfaFromSp
    this.frameRegister = snapshot.frameRegister
    this.cfaFromFrame = snapshot.cfaFromFrame
    this.cfaOnFrame = snapshot.cfaOnFrame
    this.argumentBytes = snapshot.argumentBytes
    this.rules = new Map(snapshot.rules)
  }

  #lose(why: string, index: number): never {
    throw new FrameError({ code: 'cfa-lost', why }, index)
  }
}

/** The state on entry to the function of a record. @throws FrameError for an architecture that nobody described. */
export function entryState(record: FrameRecord, architecture?: FrameArchitecture): FrameState {
  const description = architecture ?? knownArchitecture(record.architecture)
  if (description === undefined) {
    throw new FrameError({ code: 'unknown-architecture', architecture: record.architecture })
  }
  return new FrameState(description, record.kind)
}
