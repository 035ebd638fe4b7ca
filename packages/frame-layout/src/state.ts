/**
 * The frame as it stands between two instructions, and what each event does to it. Rows are snapshots of it; formats that
 * consume events run it beside their own work to learn where SP is.
 *
 * Distances are kept from the CFA downwards, because the CFA is the one thing that never moves during a call:
 * `cfaFromSp` = CFA - SP, `cfaFromFrame` = CFA - frame register. UNKNOWN (-1 cannot be a distance: SP never is above the
 * CFA while the function runs) stands for "known at run time only".
 */

import { runsTowards } from './ahead.ts'
import type { FrameArchitecture, Register } from './architecture.ts'
import { FrameError } from './errors.ts'
import { knownArchitecture } from './known-architectures.ts'
import type { FrameEvent, FrameRecord } from './record.ts'
import type { CfaRule, RegisterRule, UnwindRow } from './rows.ts'

/** Stands in {@link FrameState} for a distance that is not known, and for "no register". */
export const UNKNOWN = -1

interface Snapshot {
  readonly cfaFromSp: number
  readonly frameRegister: Register
  readonly cfaFromFrame: number
  readonly cfaOnFrame: boolean
  readonly cfaElsewhere: CfaRule | null
  readonly argumentBytes: number
  readonly returnAddressSigned: boolean
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
  /** Whether the CFA hangs on the frame register (otherwise on SP, or on what `cfaElsewhere` says). */
  cfaOnFrame = false
  /** The CFA's rule where it hangs on no register. */
  cfaElsewhere: CfaRule | null = null
  argumentBytes = 0
  returnAddressSigned = false
  /**
   * Rules of the registers that are not unchanged, in the order of the registers. Rows and snapshots hold this very map
   * until the next change, which copies it: most exits and labels see none. With a sorted copy for each row
   * `unwindRows` took more than twice as long.
   */
  #rules: Map<Register, RegisterRule> = new Map()
  #rulesShared = false
  readonly #record: FrameRecord
  readonly #labels: Map<number, Snapshot> = new Map()
  #beforeEpilogue: Snapshot | null = null

  constructor(architecture: FrameArchitecture, record: FrameRecord) {
    this.architecture = architecture
    this.#record = record
    this.cfaFromSp = architecture.entryCfaOffset
    const { returnAddress, returnAddressOffset } = architecture
    if (record.kind === 'outermost') this.#setRule(returnAddress, { rule: 'undefined' })
    else if (returnAddressOffset !== null) {
      this.#setRule(returnAddress, { rule: 'cfa-offset', offset: returnAddressOffset })
    }
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
        if (this.#cfaOnSp()) this.#lose(`'${event.kind}' while the CFA hangs on SP`, index)
        this.cfaFromSp = UNKNOWN
        return
      case 'set-frame-register':
        this.cfaFromFrame = this.#knownSp(index) - event.spOffset
        this.#hangOn(event.register)
        return
      case 'copy-sp':
        if (event.register === this.frameRegister) this.#frameRegisterGone(index)
        return
      case 'restore-sp': {
        if (event.register !== this.frameRegister) {
          if (this.#cfaOnSp()) this.#lose('SP is restored from a register that is not the frame register', index)
          this.cfaFromSp = UNKNOWN
          return
        }
        const distance = this.cfaFromFrame - event.offset
        if (distance < 0) this.#lose('SP would lie above the CFA', index)
        this.cfaFromSp = distance
        this.cfaOnFrame = false
        this.cfaElsewhere = null
        return
      }
      case 'cfa-from-register':
        this.cfaFromFrame = event.offset
        this.#hangOn(event.register)
        return
      case 'cfa-from-memory':
        this.cfaOnFrame = false
        this.cfaElsewhere = { rule: 'memory', register: event.register, offset: event.offset, add: event.add }
        return
      case 'cfa-expression':
        this.cfaOnFrame = false
        this.cfaElsewhere = { rule: 'expression', expression: event.expression }
        return
      case 'saved-at':
        this.#setRule(event.register, { rule: 'memory', register: event.base, offset: event.offset })
        return
      case 'expression': {
        const rule = event.is === 'value' ? 'value-expression' : 'expression'
        this.#setRule(event.register, { rule, expression: event.expression })
        return
      }
      case 'sign-return-address':
        this.returnAddressSigned = event.signed
        return
      case 'save':
        this.#saved(event.register, event.offset - this.#distance(event.base, index))
        return
      case 'restore':
        this.#distance(event.base, index)
        this.#restored(event.register, index)
        return
      case 'move':
        this.#setRule(event.register, { rule: 'register', register: event.into })
        return
      case 'lost':
        this.#setRule(event.register, { rule: 'undefined' })
        return
      case 'kept':
        this.#dropRule(event.register)
        return
      case 'call-args':
        this.argumentBytes = event.bytes
        return
      case 'machine-frame': {
        if (index !== 0 || event.at !== 0) {
          throw new FrameError({ code: 'misplaced', kind: event.kind, why: 'it comes first' }, index)
        }
        const { interruptFrame, returnAddress, stackPointer } = this.architecture
        if (interruptFrame === undefined) {
          const why = `interrupts of ${this.architecture.name} push nothing`
          throw new FrameError({ code: 'misplaced', kind: event.kind, why }, index)
        }
        this.cfaFromSp = interruptFrame.bytes + (event.errorCode ? interruptFrame.errorCodeBytes : 0)
        this.#setRule(returnAddress, { rule: 'cfa-offset', offset: interruptFrame.returnAddressOffset })
        this.#setRule(stackPointer, { rule: 'cfa-offset', offset: interruptFrame.stackPointerOffset })
        return
      }
      case 'label':
        this.#labels.set(event.id, this.#snapshot())
        return
      case 'resume': {
        if (!this.#labels.has(event.id)) this.#lookAhead(event.id, index)
        this.#restoreSnapshot(this.#labels.get(event.id)!)
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
    this.#rulesShared = true
    const registers: ReadonlyMap<Register, RegisterRule> = this.#rules
    const row = { at, cfa: this.#cfaRule(), registers, argumentBytes: this.argumentBytes }
    return this.returnAddressSigned ? { ...row, returnAddressSigned: true } : row
  }

  #cfaRule(): CfaRule {
    if (this.cfaElsewhere !== null) return this.cfaElsewhere
    return this.cfaOnFrame
      ? { rule: 'register', register: this.frameRegister, offset: this.cfaFromFrame }
      : { rule: 'register', register: this.architecture.stackPointer, offset: this.cfaFromSp }
  }

  #cfaOnSp(): boolean {
    return !this.cfaOnFrame && this.cfaElsewhere === null
  }

  #hangOn(register: Register): void {
    this.frameRegister = register
    this.cfaOnFrame = true
    this.cfaElsewhere = null
  }

  /** Finds the state at a label that stands further on. */
  #lookAhead(wanted: number, index: number): void {
    const { events } = this.#record
    const runs = runsTowards(wanted, events, index, new Set(this.#labels.keys()))
    if (runs === null) throw new FrameError({ code: 'unknown-label', id: wanted }, index)
    for (const start of runs) {
      const scout = new FrameState(this.architecture, this.#record)
      const first = events[start]!
      if (first.kind === 'resume') scout.#restoreSnapshot(this.#labels.get(first.id)!)
      for (let i = start + 1; i < events.length && events[i]!.kind !== 'resume'; i++) scout.apply(events[i]!, i)
      for (const [id, snapshot] of scout.#labels) this.#labels.set(id, snapshot)
    }
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
    this.#setRule(register, { rule: 'cfa-offset', offset })
  }

  #restored(register: Register, index: number): void {
    this.#dropRule(register)
    if (register === this.frameRegister) this.#frameRegisterGone(index)
    const elsewhere = this.cfaElsewhere
    if (elsewhere !== null && elsewhere.rule === 'memory' && elsewhere.register === register) {
      if (this.cfaFromSp === UNKNOWN) this.#lose('the register that the CFA is found by is overwritten', index)
      this.cfaElsewhere = null
    }
  }

  /** The frame register has been overwritten: the CFA must hang on SP from here. */
  #frameRegisterGone(index: number): void {
    if (this.cfaOnFrame) {
      if (this.cfaFromSp === UNKNOWN) this.#lose('the frame register is overwritten while SP is unknown', index)
      this.cfaOnFrame = false
    }
    this.frameRegister = UNKNOWN
  }

  #setRule(register: Register, rule: RegisterRule): void {
    const rules = this.#ownRules()
    if (rules.has(register)) {
      rules.set(register, rule)
      return
    }
    const behind: [Register, RegisterRule][] = []
    for (const entry of rules) if (entry[0] > register) behind.push(entry)
    for (const [other] of behind) rules.delete(other)
    rules.set(register, rule)
    for (const [other, moved] of behind) rules.set(other, moved)
  }

  #dropRule(register: Register): void {
    if (this.#rules.has(register)) this.#ownRules().delete(register)
  }

  /** The rules, about to change. */
  #ownRules(): Map<Register, RegisterRule> {
    if (this.#rulesShared) {
      this.#rules = new Map(this.#rules)
      this.#rulesShared = false
    }
    return this.#rules
  }

  #snapshot(): Snapshot {
    this.#rulesShared = true
    return {
      cfaFromSp: this.cfaFromSp,
      frameRegister: this.frameRegister,
      cfaFromFrame: this.cfaFromFrame,
      cfaOnFrame: this.cfaOnFrame,
      cfaElsewhere: this.cfaElsewhere,
      argumentBytes: this.argumentBytes,
      returnAddressSigned: this.returnAddressSigned,
      rules: this.#rules,
    }
  }

  #restoreSnapshot(snapshot: Snapshot): void {
    this.cfaFromSp = snapshot.cfaFromSp
    this.frameRegister = snapshot.frameRegister
    this.cfaFromFrame = snapshot.cfaFromFrame
    this.cfaOnFrame = snapshot.cfaOnFrame
    this.cfaElsewhere = snapshot.cfaElsewhere
    this.argumentBytes = snapshot.argumentBytes
    this.returnAddressSigned = snapshot.returnAddressSigned
    this.#rules = snapshot.rules
    this.#rulesShared = true
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
  return new FrameState(description, record)
}
