/**
 * A frame record as a call-frame program.
 *
 * The record's events are run over a state of plain numbers, row by row, with the meaning that frame-layout's `FrameState`
 * gives them (a test holds the two together on random records). It is a second implementation for the sake of time: maps
 * and row objects cost several times the 2 µs that a function may take here. It knows no error of its own for a record
 * that contradicts itself: it stops and lets `unwindRows` say what is wrong.
 */

import { type FrameRecord, unwindRows } from '@framewright/frame-layout'
import { ByteWriter } from './byte-writer.ts'
import { DwarfUnwindError, type DwarfUnwindProblem } from './errors.ts'
import { DWARF_RETURN_ADDRESS, DWARF_RSP, DWARF_XMM0, dwarfRegisters } from './registers.ts'
import { RowTable, RULE_NONE, RULE_OFFSET, RULE_REGISTER, RULE_UNDEFINED } from './row-table.ts'

/** DWARF numbers 0 to 32 are those that records can name. */
const REGISTERS = 33
/** Numbers of a snapshot in front of its rules. */
const SNAPSHOT_HEADER = 5
const SNAPSHOT_WORDS = SNAPSHOT_HEADER + REGISTERS * 2
const UNKNOWN = -1
/** Every offset fits 32 bits with room to spare. */
const MAXIMUM_SIZE = 0x7fff_ffff

export interface ProgramOptions {
  /**
   * Whether rules for xmm registers are written. LLVM's libunwind fails on a frame that has one, and libgcc ignores them;
   * in System V functions no xmm register is saved.
   */
  readonly vectorRegisters?: boolean
}

/** Turns records into programs. Reusable, and holds nothing between functions but its buffers. */
export class ProgramEncoder {
  readonly #table: RowTable = new RowTable()
  readonly #out: ByteWriter = new ByteWriter()
  #vectorRegisters = false

  /** CFA - SP; UNKNOWN where only the running program knows it. */
  #cfaFromSp = 0
  /** As a record names it; UNKNOWN for none. */
  #frameRegister = 0
  #cfaFromFrame = 0
  #cfaOnFrame = 0
  #snapshots: Int32Array = new Int32Array(SNAPSHOT_WORDS * 4)
  /** Labels of the record, and the snapshot of each. Number 0 is the state before the open epilogue. */
  readonly #labels: Map<number, number> = new Map()
  #epilogueOpen = false
  /** An earlier state came back at the offset that is being looked at. */
  #returning = false

  /**
   * Encodes one function.
   *
   * @throws DwarfUnwindError, naming the event, for what DWARF cannot express.
   * @throws FrameError where the record contradicts itself.
   */
  encode(record: FrameRecord, options: ProgramOptions = {}): Uint8Array {
    if (record.architecture !== 'x86-64') {
      throw new DwarfUnwindError({ code: 'architecture', architecture: record.architecture })
    }
    const { codeSize } = record
    if (!(codeSize >= 0 && codeSize <= MAXIMUM_SIZE)) {
      throw new DwarfUnwindError({ code: 'number-range', field: 'codeSize', value: codeSize })
    }
    if (record.parts !== undefined) throw new DwarfUnwindError({ code: 'row', what: 'a function in several parts' })
    this.#vectorRegisters = options.vectorRegisters ?? false
    this.#begin(record.kind === 'outermost')
    if (!this.#run(record)) {
      unwindRows(record)
      throw new Error('a frame record was refused that frame-layout accepts')
    }
    const out = this.#out
    out.length = 0
    this.#table.write(out)
    return out.slice()
  }

  #begin(outermost: boolean): void {
    this.#table.begin()
    this.#cfaFromSp = 8
    this.#frameRegister = UNKNOWN
    this.#cfaFromFrame = 0
    this.#cfaOnFrame = 0
    this.#epilogueOpen = false
    this.#returning = false
    if (this.#labels.size > 0) this.#labels.clear()
    if (outermost) this.#table.setRule(DWARF_RETURN_ADDRESS, RULE_UNDEFINED, 0)
  }

  /** Runs the events; false where one contradicts the state. */
  #run(record: FrameRecord): boolean {
    const { events, codeSize } = record
    let at = 0
    for (let i = 0; i < events.length; i++) {
      const event = events[i]!
      if (event.at !== at) {
        if (!(event.at > at)) this.#fail({ code: 'order', at: event.at, previous: at }, i)
        this.#commit(at)
        at = event.at
        // What is true only past the last byte is true nowhere.
        if (at >= codeSize) return true
      }
      switch (event.kind) {
        case 'push':
          if (!this.#moveSp(-event.size)) return false
          if (event.saves) {
            if (this.#cfaFromSp === UNKNOWN) return false
            this.#saved(event.register, -this.#cfaFromSp, i)
          }
          break
        case 'pop':
          if (!this.#moveSp(event.size)) return false
          if (event.restores) {
            if (!this.#restoredRegister(event.register, i)) return false
          } else if (event.register === this.#frameRegister && !this.#frameRegisterGone()) return false
          break
        case 'adjust-sp':
          if (!this.#moveSp(event.delta)) return false
          break
        case 'save':
          if (!this.#isKnown(event.base)) return false
          this.#saved(event.register, event.offset - (event.base === 'sp' ? this.#cfaFromSp : this.#cfaFromFrame), i)
          break
        case 'restore':
          if (!this.#isKnown(event.base) || !this.#restoredRegister(event.register, i)) return false
          break
        case 'prologue-end':
        case 'plain':
          break
        case 'epilogue-begin':
          this.#snapshot(0)
          this.#epilogueOpen = true
          break
        case 'epilogue-end':
          if (!this.#epilogueOpen) return false
          this.#epilogueOpen = false
          this.#comeBack(0)
          break
        case 'set-frame-register':
          if (this.#cfaFromSp === UNKNOWN) return false
          this.#number(event.register, i)
          this.#cfaFromFrame = this.#cfaFromSp - event.spOffset
          this.#frameRegister = event.register
          this.#cfaOnFrame = 1
          break
        case 'restore-sp': {
          const distance = this.#cfaFromFrame - event.offset
          if (event.register !== this.#frameRegister || distance < 0) return false
          this.#cfaFromSp = distance
          this.#cfaOnFrame = 0
          break
        }
        case 'label': {
          const known = this.#labels.get(event.id)
          const index = known ?? this.#labels.size + 1
          if (known === undefined) this.#labels.set(event.id, index)
          this.#snapshot(index)
          break
        }
        case 'resume': {
          const index = this.#labels.get(event.id)
          if (index === undefined) return false
          this.#comeBack(index)
          break
        }
        case 'dynamic-sp':
        case 'realign':
          if (this.#cfaOnFrame === 0) return false
          this.#cfaFromSp = UNKNOWN
          break
        case 'move':
          this.#rule(event.register, RULE_REGISTER, this.#number(event.into, i), i)
          break
        case 'lost':
          this.#rule(event.register, RULE_UNDEFINED, 0, i)
          break
        case 'kept':
          this.#rule(event.register, RULE_NONE, 0, i)
          break
        case 'call-args':
          this.#table.argumentBytes = event.bytes
          break
        case 'machine-frame':
          if (i !== 0 || at !== 0) return false
          // SS, RSP, RFLAGS, CS, RIP from the CFA down, and perhaps an error code (Intel SDM vol. 3, 7.14.2).
          this.#cfaFromSp = event.errorCode ? 48 : 40
          this.#table.setRule(DWARF_RETURN_ADDRESS, RULE_OFFSET, -40)
          this.#table.setRule(DWARF_RSP, RULE_OFFSET, -16)
          break
        default:
          this.#fail({ code: 'row', what: `'${event.kind}'` }, i)
      }
    }
    this.#commit(at)
    return true
  }

  #commit(at: number): void {
    const table = this.#table
    if (this.#cfaOnFrame === 1) {
      table.cfaRegister = dwarfRegisters[this.#frameRegister]!
      table.cfaOffset = this.#cfaFromFrame
    } else {
      table.cfaRegister = DWARF_RSP
      table.cfaOffset = this.#cfaFromSp
    }
    table.commit(at, this.#returning)
    this.#returning = false
  }

  #moveSp(delta: number): boolean {
    if (this.#cfaFromSp === UNKNOWN) return true
    const distance = this.#cfaFromSp - delta
    // The negation also catches NaN.
    if (!(distance >= 0 && distance <= MAXIMUM_SIZE)) {
      if (distance > MAXIMUM_SIZE) {
        throw new DwarfUnwindError({ code: 'number-range', field: 'CFA offset', value: distance })
      }
      return false
    }
    this.#cfaFromSp = distance
    return true
  }

  #isKnown(base: 'sp' | 'frame'): boolean {
    return base === 'sp' ? this.#cfaFromSp !== UNKNOWN : this.#frameRegister !== UNKNOWN
  }

  #saved(register: number, offset: number, event: number): void {
    if (!(offset >= -MAXIMUM_SIZE && offset <= MAXIMUM_SIZE)) {
      this.#fail({ code: 'number-range', field: 'save offset', value: offset }, event)
    }
    this.#rule(register, RULE_OFFSET, offset, event)
  }

  #restoredRegister(register: number, event: number): boolean {
    this.#rule(register, RULE_NONE, 0, event)
    return register !== this.#frameRegister || this.#frameRegisterGone()
  }

  #frameRegisterGone(): boolean {
    if (this.#cfaOnFrame === 1) {
      if (this.#cfaFromSp === UNKNOWN) return false
      this.#cfaOnFrame = 0
    }
    this.#frameRegister = UNKNOWN
    return true
  }

  #number(register: number, event: number): number {
    const dwarf = dwarfRegisters[register]
    return dwarf === undefined ? this.#fail({ code: 'register', register }, event) : dwarf
  }

  #rule(register: number, kind: number, value: number, event: number): void {
    const dwarf = this.#number(register, event)
    if (dwarf >= DWARF_XMM0 && !this.#vectorRegisters) return
    this.#table.setRule(dwarf, kind, value)
  }

  #snapshot(index: number): void {
    const start = index * SNAPSHOT_WORDS
    if (start + SNAPSHOT_WORDS > this.#snapshots.length) {
      const grown = new Int32Array((start + SNAPSHOT_WORDS) * 2)
      grown.set(this.#snapshots)
      this.#snapshots = grown
    }
    const words = this.#snapshots
    const { kind, value } = this.#table
    words[start] = this.#cfaFromSp
    words[start + 1] = this.#frameRegister
    words[start + 2] = this.#cfaFromFrame
    words[start + 3] = this.#cfaOnFrame
    words[start + 4] = this.#table.argumentBytes
    let word = start + SNAPSHOT_HEADER
    for (let register = 0; register < REGISTERS; register++) {
      words[word++] = kind[register]!
      words[word++] = value[register]!
    }
  }

  #comeBack(index: number): void {
    this.#returning = true
    const start = index * SNAPSHOT_WORDS
    const words = this.#snapshots
    const table = this.#table
    const { kind, value } = table
    this.#cfaFromSp = words[start]!
    this.#frameRegister = words[start + 1]!
    this.#cfaFromFrame = words[start + 2]!
    this.#cfaOnFrame = words[start + 3]!
    table.argumentBytes = words[start + 4]!
    let word = start + SNAPSHOT_HEADER
    for (let register = 0; register < REGISTERS; register++, word += 2) {
      if (kind[register] !== words[word] || value[register] !== words[word + 1]) {
        table.setRule(register, words[word]!, words[word + 1]!)
      }
    }
  }

  #fail(problem: DwarfUnwindProblem, event: number): never {
    throw new DwarfUnwindError(problem, { in: 'record', event })
  }
}
