/**
 * A frame record as a call-frame program.
 *
 * The record's events are run over a state of plain numbers, row by row, with the meaning that frame-layout's `FrameState`
 * gives them (a test holds the two together on random records). It is a second implementation for the sake of time: maps
 * and row objects cost several times the 2 µs that a function may take here. It knows no error of its own for a record
 * that contradicts itself: it stops and lets `unwindRows` say what is wrong.
 *
 * What hardly any function does (CFAs in memory, expressions, signed return addresses, labels ahead, several parts) goes
 * through `unwindRows` itself.
 */

import {
  type FrameEvent,
  type FramePart,
  type FrameRecord,
  partRows,
  type UnwindRow,
  unwindRows,
} from '@framewright/frame-layout'
import { type Conventions, conventionsOf, type DwarfArchitecture } from './architecture.ts'
import { ByteWriter } from './byte-writer.ts'
import { writeUnwindRows } from './encode-unwind-rows.ts'
import { DwarfUnwindError, type DwarfUnwindProblem } from './errors.ts'
import { dwarfX64 } from './registers.ts'
import { RowTable, RULE_NONE, RULE_OFFSET, RULE_REGISTER, RULE_UNDEFINED } from './row-table.ts'

/** Numbers of a snapshot in front of its rules. */
const SNAPSHOT_HEADER = 5
const UNKNOWN = -1
/** Every offset fits 32 bits with room to spare. */
const MAXIMUM_SIZE = 0x7fff_ffff

/** How a run of events ended: well; at one that contradicts the state; at one that is left to `unwindRows`. */
const DONE = 0
const CONTRADICTION = 1
const RARE = 2

/** How a record is written. */
export interface ProgramOptions {
  /**
   * Whether rules for xmm registers are written. LLVM's libunwind fails on a frame that has one, and libgcc ignores them;
   * in System V functions no xmm register is saved.
   */
  readonly vectorRegisters?: boolean
}

/** The program of one part of a function. */
export interface PartProgram extends FramePart {
  readonly program: Uint8Array
}

/** Turns records into programs. Reusable, and holds nothing between functions but its buffers. */
export class ProgramEncoder {
  readonly #conventions: Conventions
  readonly #toDwarf: Int32Array
  readonly #isVector: Uint8Array
  readonly #stackPointer: number
  readonly #returnAddress: number
  readonly #codeFactor: number
  /** DWARF numbers below this are those that records can name. */
  readonly #registers: number
  readonly #snapshotWords: number
  readonly #table: RowTable
  readonly #out: ByteWriter = new ByteWriter()
  #vectorRegisters = false

  /** CFA - SP; UNKNOWN where only the running program knows it. */
  #cfaFromSp = 0
  /** As a record names it; UNKNOWN for none. */
  #frameRegister = 0
  #cfaFromFrame = 0
  #cfaOnFrame = 0
  #snapshots: Int32Array
  /** Labels of the record, and the snapshot of each. Number 0 is the state before the open epilogue. */
  readonly #labels: Map<number, number> = new Map()
  #epilogueOpen = false
  /** An earlier state came back at the offset that is being looked at. */
  #returning = false

  /** @param architecture - x86-64 when left out. */
  constructor(architecture: DwarfArchitecture = dwarfX64) {
    const conventions = conventionsOf(architecture)
    this.#conventions = conventions
    this.#toDwarf = conventions.toDwarf
    this.#isVector = conventions.isVector
    this.#stackPointer = conventions.stackPointer
    this.#returnAddress = conventions.returnAddress
    this.#codeFactor = conventions.codeAlignmentFactor
    this.#registers = conventions.registers
    this.#snapshotWords = SNAPSHOT_HEADER + conventions.registers * 2
    this.#snapshots = new Int32Array(this.#snapshotWords * 4)
    this.#table = new RowTable(conventions)
  }

  /**
   * Encodes one function that lies in one part.
   *
   * @throws DwarfUnwindError, naming the event, for what DWARF cannot express.
   * @throws FrameError where the record contradicts itself.
   */
  encode(record: FrameRecord, options: ProgramOptions = {}): Uint8Array {
    this.#check(record, options)
    if (record.parts !== undefined) return this.encodeParts(record, options)[0]!.program
    this.#begin(record.kind === 'outermost')
    const end = this.#run(record)
    if (end !== DONE) {
      const rows = unwindRows(record, this.#conventions.architecture.frame)
      if (end === CONTRADICTION) throw new Error('a frame record was refused that frame-layout accepts')
      return this.#encodeRows(rows, record, 0)
    }
    const out = this.#out
    out.length = 0
    this.#table.write(out)
    return out.slice()
  }

  /**
   * Encodes one function: a program for each of its parts, which begins with whatever holds there.
   *
   * @throws as `encode` does.
   */
  encodeParts(record: FrameRecord, options: ProgramOptions = {}): PartProgram[] {
    const { parts } = record
    if (parts === undefined) return [{ begin: 0, end: record.codeSize, program: this.encode(record, options) }]
    this.#check(record, options)
    const rows = unwindRows(record, this.#conventions.architecture.frame)
    return parts.map((part) => {
      return { ...part, program: this.#encodeRows(partRows(rows, part), record, part.begin) }
    })
  }

  #check(record: FrameRecord, options: ProgramOptions): void {
    const { architecture, codeSize } = record
    if (architecture !== this.#conventions.architecture.frame.name) {
      throw new DwarfUnwindError({ code: 'architecture', architecture })
    }
    if (!(codeSize >= 0 && codeSize <= MAXIMUM_SIZE)) {
      throw new DwarfUnwindError({ code: 'number-range', field: 'codeSize', value: codeSize })
    }
    this.#vectorRegisters = options.vectorRegisters ?? false
  }

  /** The program of rows that begin at `begin` of the record. */
  #encodeRows(rows: readonly UnwindRow[], { events }: FrameRecord, begin: number): Uint8Array {
    const returns = new Set<number>()
    for (const { kind, at } of events) if (kind === 'epilogue-end' || kind === 'resume') returns.add(at - begin)
    // A part cannot come back to what it never was in.
    returns.delete(0)
    const fail = (problem: DwarfUnwindProblem, row: number): never => {
      const at = begin + rows[row]!.at
      this.#fail(problem, eventOf(problem, events, at))
    }
    const out = this.#out
    out.length = 0
    writeUnwindRows(rows, this.#table, this.#conventions, this.#vectorRegisters, returns, out, fail)
    return out.slice()
  }

  #begin(outermost: boolean): void {
    this.#table.begin()
    this.#cfaFromSp = this.#conventions.entryCfaOffset
    this.#frameRegister = UNKNOWN
    this.#cfaFromFrame = 0
    this.#cfaOnFrame = 0
    this.#epilogueOpen = false
    this.#returning = false
    if (this.#labels.size > 0) this.#labels.clear()
    if (outermost) this.#table.setRule(this.#returnAddress, RULE_UNDEFINED, 0)
  }

  /** Runs the events. */
  #run(record: FrameRecord): number {
    const { events, codeSize } = record
    let at = 0
    for (let i = 0; i < events.length; i++) {
      const event = events[i]!
      if (event.at !== at) {
        if (!(event.at > at)) this.#fail({ code: 'order', at: event.at, previous: at }, i)
        this.#commit(at)
        at = event.at
        // What is true only past the last byte is true nowhere.
        if (at >= codeSize) return DONE
        if (this.#codeFactor !== 1 && at % this.#codeFactor !== 0) {
          this.#fail({ code: 'offset-unaligned', offset: at, factor: this.#codeFactor }, i)
        }
      }
      switch (event.kind) {
        case 'push':
          if (!this.#moveSp(-event.size, i)) return CONTRADICTION
          if (event.saves) {
            if (this.#cfaFromSp === UNKNOWN) return CONTRADICTION
            this.#saved(event.register, -this.#cfaFromSp, i)
          }
          break
        case 'pop':
          if (!this.#moveSp(event.size, i)) return CONTRADICTION
          if (event.restores) {
            if (!this.#restoredRegister(event.register, i)) return CONTRADICTION
          } else if (event.register === this.#frameRegister && !this.#frameRegisterGone()) return CONTRADICTION
          break
        case 'adjust-sp':
          if (!this.#moveSp(event.delta, i)) return CONTRADICTION
          break
        case 'save':
          if (!this.#isKnown(event.base)) return CONTRADICTION
          this.#saved(event.register, event.offset - (event.base === 'sp' ? this.#cfaFromSp : this.#cfaFromFrame), i)
          break
        case 'restore':
          if (!this.#isKnown(event.base) || !this.#restoredRegister(event.register, i)) return CONTRADICTION
          break
        case 'prologue-end':
        case 'plain':
          break
        case 'epilogue-begin':
          this.#snapshot(0)
          this.#epilogueOpen = true
          break
        case 'epilogue-end':
          if (!this.#epilogueOpen) return CONTRADICTION
          this.#epilogueOpen = false
          this.#comeBack(0)
          break
        case 'set-frame-register':
          if (this.#cfaFromSp === UNKNOWN) return CONTRADICTION
          this.#hangOn(event.register, this.#cfaFromSp - event.spOffset, i)
          break
        case 'cfa-from-register':
          this.#hangOn(event.register, event.offset, i)
          break
        case 'copy-sp':
          if (event.register === this.#frameRegister && !this.#frameRegisterGone()) return CONTRADICTION
          break
        case 'restore-sp': {
          if (event.register !== this.#frameRegister) {
            if (this.#cfaOnFrame === 0) return CONTRADICTION
            this.#cfaFromSp = UNKNOWN
            break
          }
          const distance = this.#cfaFromFrame - event.offset
          if (distance < 0) return CONTRADICTION
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
          // Ahead, or nowhere.
          if (index === undefined) return RARE
          this.#comeBack(index)
          break
        }
        case 'dynamic-sp':
        case 'realign':
          if (this.#cfaOnFrame === 0) return CONTRADICTION
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
          this.#checkRange(event.bytes, 'argument bytes', i)
          this.#table.argumentBytes = event.bytes
          break
        case 'machine-frame': {
          const { interruptFrame } = this.#conventions.architecture.frame
          if (i !== 0 || at !== 0 || interruptFrame === undefined) return CONTRADICTION
          this.#cfaFromSp = interruptFrame.bytes + (event.errorCode ? interruptFrame.errorCodeBytes : 0)
          this.#table.setRule(this.#returnAddress, RULE_OFFSET, interruptFrame.returnAddressOffset)
          this.#table.setRule(this.#stackPointer, RULE_OFFSET, interruptFrame.stackPointerOffset)
          break
        }
        case 'cfa-from-memory':
        case 'cfa-expression':
        case 'saved-at':
        case 'expression':
        case 'sign-return-address':
          return RARE
      }
    }
    this.#commit(at)
    return DONE
  }

  #commit(at: number): void {
    const table = this.#table
    if (this.#cfaOnFrame === 1) {
      table.cfaRegister = this.#toDwarf[this.#frameRegister]!
      table.cfaOffset = this.#cfaFromFrame
    } else {
      table.cfaRegister = this.#stackPointer
      table.cfaOffset = this.#cfaFromSp
    }
    table.commit(at, this.#returning)
    this.#returning = false
  }

  #moveSp(delta: number, event: number): boolean {
    if (this.#cfaFromSp === UNKNOWN) return true
    const distance = this.#cfaFromSp - delta
    // The negation also catches NaN.
    if (!(distance >= 0 && distance <= MAXIMUM_SIZE)) {
      if (distance > MAXIMUM_SIZE) {
        this.#fail({ code: 'number-range', field: 'CFA offset', value: distance }, event)
      }
      return false
    }
    this.#cfaFromSp = distance
    return true
  }

  #hangOn(register: number, distance: number, event: number): void {
    this.#number(register, event)
    this.#checkRange(distance, 'CFA offset', event)
    this.#cfaFromFrame = distance
    this.#frameRegister = register
    this.#cfaOnFrame = 1
  }

  /** Columns of rows hold 32 bits. */
  #checkRange(value: number, field: string, event: number): void {
    if (!(value >= -MAXIMUM_SIZE && value <= MAXIMUM_SIZE)) this.#fail({ code: 'number-range', field, value }, event)
  }

  #isKnown(base: 'sp' | 'frame'): boolean {
    return base === 'sp' ? this.#cfaFromSp !== UNKNOWN : this.#frameRegister !== UNKNOWN
  }

  #saved(register: number, offset: number, event: number): void {
    this.#checkRange(offset, 'save offset', event)
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
    const dwarf = this.#toDwarf[register]
    return dwarf === undefined || dwarf < 0 ? this.#fail({ code: 'register', register }, event) : dwarf
  }

  #rule(register: number, kind: number, value: number, event: number): void {
    const dwarf = this.#number(register, event)
    if (this.#isVector[dwarf] === 1 && !this.#vectorRegisters) return
    this.#table.setRule(dwarf, kind, value)
  }

  #snapshot(index: number): void {
    const start = index * this.#snapshotWords
    if (start + this.#snapshotWords > this.#snapshots.length) {
      const grown = new Int32Array((start + this.#snapshotWords) * 2)
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
    for (let register = 0; register < this.#registers; register++) {
      words[word++] = kind[register]!
      words[word++] = value[register]!
    }
  }

  #comeBack(index: number): void {
    this.#returning = true
    const start = index * this.#snapshotWords
    const words = this.#snapshots
    const table = this.#table
    const { kind, value } = table
    this.#cfaFromSp = words[start]!
    this.#frameRegister = words[start + 1]!
    this.#cfaFromFrame = words[start + 2]!
    this.#cfaOnFrame = words[start + 3]!
    table.argumentBytes = words[start + 4]!
    let word = start + SNAPSHOT_HEADER
    for (let register = 0; register < this.#registers; register++, word += 2) {
      if (kind[register] !== words[word] || value[register] !== words[word + 1]) {
        table.setRule(register, words[word]!, words[word + 1]!)
      }
    }
  }

  #fail(problem: DwarfUnwindProblem, event: number): never {
    throw new DwarfUnwindError(problem, { in: 'record', event })
  }
}

/** The last event up to `at` that has to do with the problem, or else the last one; -1 for none. */
function eventOf(problem: DwarfUnwindProblem, events: readonly FrameEvent[], at: number): number {
  if (problem.code === 'register') {
    const { register } = problem
    const named = events.findLastIndex(
      (event) =>
        event.at <= at &&
        (('register' in event && event.register === register) ||
          ('base' in event && event.base === register) ||
          ('into' in event && event.into === register)),
    )
    if (named >= 0) return named
  }
  return events.findLastIndex((event) => event.at <= at)
}
