/**
 * Rows in columns, and the smallest program that says them.
 *
 * Whoever has rows (a frame record, a program that was read) sets rules and commits a row for each code offset; the table
 * keeps what changed from row to row. `write` then makes a program of it: at every row the changes one by one, or
 * restore_state, where the state came back to that of an earlier row and saying so is longer than the two bytes of
 * remember_state and restore_state. Which of these stretches are taken is decided for the least bytes in all.
 *
 * Two restraints keep the program readable to everybody. Stretches do not nest: gimli has room for three remembered rows.
 * And restore_state stands only where whoever made the rows said that an earlier state came back (behind an exit), as
 * compilers write it; a row of an epilogue can happen to be like one of the prologue, and would save a byte by it.
 *
 * A table belongs to a context and is reused from function to function; `begin` makes it new.
 */

import type { Conventions, DwarfRegister } from './architecture.ts'
import type { ByteWriter } from './byte-writer.ts'
import {
  DW_CFA_AARCH64_negate_ra_state,
  DW_CFA_def_cfa,
  DW_CFA_def_cfa_expression,
  DW_CFA_def_cfa_offset,
  DW_CFA_def_cfa_register,
  DW_CFA_expression,
  DW_CFA_GNU_args_size,
  DW_CFA_offset,
  DW_CFA_register,
  DW_CFA_remember_state,
  DW_CFA_restore,
  DW_CFA_restore_state,
  DW_CFA_same_value,
  DW_CFA_undefined,
  DW_CFA_val_expression,
  DW_OP_breg0,
  DW_OP_bregx,
  DW_OP_consts,
  DW_OP_plus,
  DW_OP_plus_uconst,
} from './constants.ts'
import { slebSize, ulebSize } from './leb128.ts'
import { REGISTER_LIMIT, writeAdvance, writeOperation } from './operations.ts'

/** The register has no rule: it is unchanged, or the ABI says what it is. */
export const RULE_NONE = 0
/** Saved at CFA + value. */
export const RULE_OFFSET = 1
/** CFA + value is the register's value. */
export const RULE_VALUE = 2
/** In the DWARF register `value`. */
export const RULE_REGISTER = 3
export const RULE_UNDEFINED = 4
export const RULE_SAME = 5
/** Saved at the address that expression number `value` yields. */
export const RULE_EXPRESSION = 6
/** Is what expression number `value` yields. */
export const RULE_VAL_EXPRESSION = 7
/** Of RA_SIGN_STATE alone: the return address is signed. */
export const RULE_SIGNED = 8

/** As a CFA register: the CFA is expression number `offset`. */
export const CFA_EXPRESSION = -1
/** As a CFA register: nothing was said yet. */
export const CFA_NONE = -2
/** As a CFA register: this times the address space, plus the register. */
export const CFA_SPACE = 0x400

const REGISTERS = REGISTER_LIMIT + 1
/** How far back one row looks for an equal one, so that time stays linear. */
const SEARCH_LIMIT = 4096
const NOWHERE = -1

/** The row ends with remember_state; the row is made by restore_state. */
const REMEMBERS = 1
const RESTORES = 2

export class RowTable {
  cfaRegister = 0
  cfaOffset = 0
  argumentBytes = 0
  /** Rule of each register by DWARF number: one of `RULE_*`, and its number. Change them through {@link setRule}. */
  readonly kind: Uint8Array = new Uint8Array(REGISTERS)
  readonly value: Int32Array = new Int32Array(REGISTERS)

  /** The rules as of the last row. */
  readonly #rowKind: Uint8Array = new Uint8Array(REGISTERS)
  readonly #rowValue: Int32Array = new Int32Array(REGISTERS)
  /** Registers set since the last row, each once. */
  readonly #touched: Int32Array = new Int32Array(REGISTERS)
  readonly #isTouched: Uint8Array = new Uint8Array(REGISTERS)
  #touchedCount = 0
  #hash = 0
  /** Every register above this is as `begin` left it. */
  #highest = 0
  #simple = false

  #rows = 0
  #at: Int32Array = new Int32Array(64)
  #rowCfaRegister: Int32Array = new Int32Array(64)
  #rowCfaOffset: Int32Array = new Int32Array(64)
  #rowArguments: Int32Array = new Int32Array(64)
  #rowHash: Int32Array = new Int32Array(64)
  /** Past the last of the row's changes. */
  #changeEnd: Int32Array = new Int32Array(64)
  /** RESTORES and REMEMBERS. */
  #state: Uint8Array = new Uint8Array(64)

  /** Rows where an earlier state came back. */
  #returning: Int32Array = new Int32Array(16)
  #returns = 0
  // Of those that save something, in order: the row, the row it goes back to, the best sum of savings so far.
  #to: Int32Array = new Int32Array(16)
  #from: Int32Array = new Int32Array(16)
  #best: Int32Array = new Int32Array(16)

  #changes = 0
  #changeRegister: Int32Array = new Int32Array(128)
  #newKind: Uint8Array = new Uint8Array(128)
  #newValue: Int32Array = new Int32Array(128)
  #oldKind: Uint8Array = new Uint8Array(128)
  #oldValue: Int32Array = new Int32Array(128)

  // Scratch of #sameState.
  readonly #laterKind: Uint8Array = new Uint8Array(REGISTERS)
  readonly #laterValue: Int32Array = new Int32Array(REGISTERS)
  readonly #earlierKind: Uint8Array = new Uint8Array(REGISTERS)
  readonly #earlierValue: Int32Array = new Int32Array(REGISTERS)

  readonly #expressions: Uint8Array[] = []
  readonly #expressionIds: Map<string, number> = new Map()

  readonly #stackPointer: number
  readonly #entryCfaOffset: number
  readonly #returnAddress: number
  /** 0: in its register. */
  readonly #returnAddressOffset: number
  readonly #codeFactor: number
  readonly #factor: number

  constructor(conventions: Conventions) {
    this.#stackPointer = conventions.stackPointer
    this.#entryCfaOffset = conventions.entryCfaOffset
    this.#returnAddress = conventions.returnAddress
    this.#returnAddressOffset = conventions.returnAddressOffset ?? 0
    this.#codeFactor = conventions.codeAlignmentFactor
    this.#factor = conventions.dataAlignmentFactor
  }

  /** Starts a function in the state that the CIE leaves behind; `simple`: in none at all. */
  begin(simple: boolean = false): void {
    for (let register = 0; register <= this.#highest; register++) {
      this.kind[register] = RULE_NONE
      this.value[register] = 0
      this.#rowKind[register] = RULE_NONE
      this.#rowValue[register] = 0
    }
    for (let i = 0; i < this.#touchedCount; i++) this.#isTouched[this.#touched[i]!] = 0
    this.#touchedCount = 0
    this.#highest = this.#returnAddress
    this.#simple = simple
    this.#rows = 0
    this.#changes = 0
    this.#returns = 0
    this.argumentBytes = 0
    this.#hash = 0
    if (this.#expressions.length > 0) {
      this.#expressions.length = 0
      this.#expressionIds.clear()
    }
    if (simple) {
      this.cfaRegister = CFA_NONE
      this.cfaOffset = 0
      return
    }
    this.cfaRegister = this.#stackPointer
    this.cfaOffset = this.#entryCfaOffset
    if (this.#returnAddressOffset === 0) return
    const column = this.#returnAddress
    this.kind[column] = RULE_OFFSET
    this.value[column] = this.#returnAddressOffset
    this.#rowKind[column] = RULE_OFFSET
    this.#rowValue[column] = this.#returnAddressOffset
  }

  setRule(register: DwarfRegister, kind: number, value: number): void {
    this.kind[register] = kind
    this.value[register] = value
    if (this.#isTouched[register] === 0) {
      this.#isTouched[register] = 1
      this.#touched[this.#touchedCount++] = register
      if (register > this.#highest) this.#highest = register
    }
  }

  /** A number for an expression, the same for equal ones. */
  expression(bytes: Uint8Array): number {
    const text = String.fromCharCode(...bytes)
    const known = this.#expressionIds.get(text)
    if (known !== undefined) return known
    const id = this.#expressions.push(bytes) - 1
    this.#expressionIds.set(text, id)
    return id
  }

  /**
   * The state as it is now holds from `at` on. Offsets ascend; a row that says nothing new is not kept.
   *
   * @param returning - the state is one that held before: an exit lies between.
   */
  commit(at: number, returning: boolean = false): void {
    const row = this.#rows
    if (this.#changes + this.#touchedCount > this.#changeRegister.length) this.#growChanges()
    if (this.#touchedCount > 0) this.#takeChanges()
    const before = row === 0 ? 0 : this.#changeEnd[row - 1]!
    if (
      row > 0 &&
      this.#changes === before &&
      this.#rowCfaRegister[row - 1] === this.cfaRegister &&
      this.#rowCfaOffset[row - 1] === this.cfaOffset &&
      this.#rowArguments[row - 1] === this.argumentBytes
    ) {
      return
    }
    if (row === this.#at.length) this.#growRows()
    this.#at[row] = at
    this.#rowCfaRegister[row] = this.cfaRegister
    this.#rowCfaOffset[row] = this.cfaOffset
    this.#rowArguments[row] = this.argumentBytes
    this.#rowHash[row] = this.#hash ^ hashOf(CFA_EXPRESSION, this.cfaRegister + 3, this.cfaOffset)
    this.#changeEnd[row] = this.#changes
    this.#state[row] = 0
    if (returning) {
      if (this.#returns === this.#returning.length) this.#growReturns()
      this.#returning[this.#returns++] = row
    }
    this.#rows = row + 1
  }

  /** Turns what was set since the last row into changes, in ascending order of registers. */
  #takeChanges(): void {
    const touched = this.#touched
    const count = this.#touchedCount
    for (let i = 1; i < count; i++) {
      const register = touched[i]!
      let j = i
      for (; j > 0 && touched[j - 1]! > register; j--) touched[j] = touched[j - 1]!
      touched[j] = register
    }
    let change = this.#changes
    for (let i = 0; i < count; i++) {
      const register = touched[i]!
      this.#isTouched[register] = 0
      const kind = this.kind[register]!
      const value = this.value[register]!
      const oldKind = this.#rowKind[register]!
      const oldValue = this.#rowValue[register]!
      if (kind === oldKind && value === oldValue) continue
      this.#changeRegister[change] = register
      this.#newKind[change] = kind
      this.#newValue[change] = value
      this.#oldKind[change] = oldKind
      this.#oldValue[change] = oldValue
      change++
      this.#hash ^= hashOf(register, oldKind, oldValue) ^ hashOf(register, kind, value)
      this.#rowKind[register] = kind
      this.#rowValue[register] = value
    }
    this.#changes = change
    this.#touchedCount = 0
  }

  /** Appends the program of all rows to `out`. Whoever commits rows sees to it that the code factor divides their offsets. */
  write(out: ByteWriter): void {
    if (this.#returns > 0) this.#chooseRestores(out)
    const codeFactor = this.#codeFactor
    let at = 0
    for (let row = 0; row < this.#rows; row++) {
      const here = this.#at[row]!
      writeAdvance(out, codeFactor === 1 ? here - at : (here - at) / codeFactor)
      at = here
      if (this.#state[row]! & RESTORES) out.u8(DW_CFA_restore_state)
      else this.#writeChanges(row, out)
      const before = row === 0 ? 0 : this.#rowArguments[row - 1]!
      if (this.#rowArguments[row] !== before) {
        out.u8(DW_CFA_GNU_args_size)
        out.uleb(this.#rowArguments[row]!)
      }
      if (this.#state[row]! & REMEMBERS) out.u8(DW_CFA_remember_state)
    }
  }

  /**
   * Marks the rows that restore_state makes, and those that it goes back to. `out` is scratch.
   *
   * The best sum of savings up to a candidate is that of the candidates before it, or its own saving and the best sum up
   * to the row that it goes back to; the nearest equal row is always the best one, for sums never fall.
   */
  #chooseRestores(out: ByteWriter): void {
    let count = 0
    for (let i = 0; i < this.#returns; i++) {
      const row = this.#returning[i]!
      const from = this.#equalRowBefore(row)
      if (from === NOWHERE) continue
      const start = out.length
      this.#writeChanges(row, out)
      const saving = out.length - start - 2
      out.length = start
      if (saving <= 0) continue
      let before = count
      while (before > 0 && this.#to[before - 1]! > from) before--
      const sum = saving + (before > 0 ? this.#best[before - 1]! : 0)
      const without = count > 0 ? this.#best[count - 1]! : 0
      this.#to[count] = row
      // NOWHERE: better without this one.
      this.#from[count] = sum > without ? from : NOWHERE
      this.#best[count] = Math.max(sum, without)
      count++
    }
    for (let i = count - 1, end = this.#rows; i >= 0; i--) {
      const from = this.#from[i]!
      const to = this.#to[i]!
      if (from === NOWHERE || to > end) continue
      this.#state[to] = this.#state[to]! | RESTORES
      this.#state[from] = this.#state[from]! | REMEMBERS
      end = from
    }
  }

  /** The nearest earlier row that says the same; NOWHERE if there is none close by. */
  #equalRowBefore(row: number): number {
    const hash = this.#rowHash[row]!
    const limit = Math.max(row - SEARCH_LIMIT, 0)
    for (let from = row - 1; from >= limit; from--) {
      if (this.#rowHash[from] === hash && this.#sameState(from, row)) return from
    }
    return NOWHERE
  }

  /** Whether what changed between two rows was changed back; equal hashes alone may deceive. */
  #sameState(from: number, to: number): boolean {
    if (
      this.#rowCfaRegister[from] !== this.#rowCfaRegister[to] ||
      this.#rowCfaOffset[from] !== this.#rowCfaOffset[to]
    ) {
      return false
    }
    const touched = this.#touched
    let count = 0
    const first = this.#changeEnd[from]!
    for (let change = this.#changeEnd[to]! - 1; change >= first; change--) {
      const register = this.#changeRegister[change]!
      if (this.#isTouched[register] === 0) {
        this.#isTouched[register] = 1
        touched[count++] = register
        this.#laterKind[register] = this.#newKind[change]!
        this.#laterValue[register] = this.#newValue[change]!
      }
      // The last one written is the oldest.
      this.#earlierKind[register] = this.#oldKind[change]!
      this.#earlierValue[register] = this.#oldValue[change]!
    }
    let same = true
    for (let i = 0; i < count; i++) {
      const register = touched[i]!
      this.#isTouched[register] = 0
      same &&=
        this.#laterKind[register] === this.#earlierKind[register] &&
        this.#laterValue[register] === this.#earlierValue[register]
    }
    return same
  }

  #writeChanges(row: number, out: ByteWriter): void {
    const register = this.#rowCfaRegister[row]!
    const offset = this.#rowCfaOffset[row]!
    let oldRegister = row === 0 ? (this.#simple ? CFA_NONE : this.#stackPointer) : this.#rowCfaRegister[row - 1]!
    const oldOffset = row === 0 ? (this.#simple ? 0 : this.#entryCfaOffset) : this.#rowCfaOffset[row - 1]!
    if (register !== oldRegister || offset !== oldOffset) {
      // Such an offset had to be written as an expression.
      if (oldOffset < 0 && oldOffset % this.#factor !== 0) oldRegister = CFA_EXPRESSION
      this.#writeCfa(register, offset, oldRegister, oldOffset, out)
    }
    const first = row === 0 ? 0 : this.#changeEnd[row - 1]!
    const last = this.#changeEnd[row]!
    for (let change = first; change < last; change++) {
      const was = this.#oldKind[change]!
      this.#writeRule(this.#changeRegister[change]!, was, this.#newKind[change]!, this.#newValue[change]!, out)
    }
  }

  #writeCfa(register: number, offset: number, oldRegister: number, oldOffset: number, out: ByteWriter): void {
    if (register === CFA_EXPRESSION) {
      const expression = this.#expressions[offset]!
      out.u8(DW_CFA_def_cfa_expression)
      out.uleb(expression.length)
      out.block(expression)
    } else if (register >= CFA_SPACE) {
      const addressSpace = (register - (register % CFA_SPACE)) / CFA_SPACE
      const operation = { op: 'def_aspace_cfa', register: register % CFA_SPACE, offset, addressSpace } as const
      writeOperation(out, operation, this.#factor)
    } else if (offset < 0) {
      if (offset % this.#factor === 0) {
        const whole = register !== oldRegister
        writeOperation(
          out,
          whole ? { op: 'def_cfa', register, offset } : { op: 'def_cfa_offset', offset },
          this.#factor,
        )
      } else {
        // A negative offset is factored; what is no multiple of the factor needs an expression.
        out.u8(DW_CFA_def_cfa_expression)
        out.uleb((register < 32 ? 1 : 1 + ulebSize(register)) + slebSize(offset))
        out.u8(register < 32 ? DW_OP_breg0 + register : DW_OP_bregx)
        if (register >= 32) out.uleb(register)
        out.sleb(offset)
      }
    } else if (oldRegister < 0 || oldRegister >= CFA_SPACE || (register !== oldRegister && offset !== oldOffset)) {
      out.u8(DW_CFA_def_cfa)
      out.uleb(register)
      out.uleb(offset)
    } else if (register !== oldRegister) {
      out.u8(DW_CFA_def_cfa_register)
      out.uleb(register)
    } else {
      out.u8(DW_CFA_def_cfa_offset)
      out.uleb(offset)
    }
  }

  #writeRule(register: DwarfRegister, was: number, kind: number, value: number, out: ByteWriter): void {
    switch (kind) {
      case RULE_NONE:
        // libgcc takes `restore` for "not saved" even where the CIE has a rule, so the column with one is not restored.
        if (register === this.#returnAddress && this.#returnAddressOffset !== 0 && !this.#simple) {
          out.u8(DW_CFA_same_value)
          out.uleb(register)
        } else if (was === RULE_SIGNED) {
          out.u8(DW_CFA_AARCH64_negate_ra_state)
        } else if (register < 0x40) {
          out.u8(DW_CFA_restore | register)
        } else {
          writeOperation(out, { op: 'restore', register }, this.#factor)
        }
        return
      case RULE_OFFSET:
        this.#writeSaved(register, value, out)
        return
      case RULE_VALUE:
        // Not val_offset: LLVM's libunwind aborts on it, nongnu libunwind does not know it.
        out.u8(DW_CFA_val_expression)
        out.uleb(register)
        writeCfaPlus(value, out)
        return
      case RULE_REGISTER:
        out.u8(DW_CFA_register)
        out.uleb(register)
        out.uleb(value)
        return
      case RULE_SIGNED:
        out.u8(DW_CFA_AARCH64_negate_ra_state)
        return
      case RULE_UNDEFINED:
      case RULE_SAME:
        out.u8(kind === RULE_SAME ? DW_CFA_same_value : DW_CFA_undefined)
        out.uleb(register)
        return
      default: {
        const expression = this.#expressions[value]!
        out.u8(kind === RULE_EXPRESSION ? DW_CFA_expression : DW_CFA_val_expression)
        out.uleb(register)
        out.uleb(expression.length)
        out.block(expression)
      }
    }
  }

  #writeSaved(register: DwarfRegister, offset: number, out: ByteWriter): void {
    const factor = this.#factor
    // x86-64's factor in numbers that the compiler knows: the division costs more than the rest.
    const factored = factor === -8 ? -(offset >> 3) : Math.trunc(offset / factor)
    if (factored * factor !== offset) {
      // Offsets are factored. An expression starts with the CFA on its stack and reaches every address.
      out.u8(DW_CFA_expression)
      out.uleb(register)
      writeCfaPlus(offset, out)
    } else if (register < 0x40 && factored >= 0) {
      out.u8(DW_CFA_offset | register)
      out.uleb(factored)
    } else {
      writeOperation(out, { op: 'offset', register, offset }, factor)
    }
  }

  #growRows(): void {
    const length = this.#at.length * 2
    this.#at = grown(this.#at, new Int32Array(length))
    this.#rowCfaRegister = grown(this.#rowCfaRegister, new Int32Array(length))
    this.#rowCfaOffset = grown(this.#rowCfaOffset, new Int32Array(length))
    this.#rowArguments = grown(this.#rowArguments, new Int32Array(length))
    this.#rowHash = grown(this.#rowHash, new Int32Array(length))
    this.#changeEnd = grown(this.#changeEnd, new Int32Array(length))
    this.#state = grown(this.#state, new Uint8Array(length))
  }

  #growReturns(): void {
    const length = this.#returning.length * 2
    this.#returning = grown(this.#returning, new Int32Array(length))
    this.#to = new Int32Array(length)
    this.#from = new Int32Array(length)
    this.#best = new Int32Array(length)
  }

  #growChanges(): void {
    const length = Math.max(this.#changeRegister.length * 2, this.#changes + this.#touchedCount)
    this.#changeRegister = grown(this.#changeRegister, new Int32Array(length))
    this.#newKind = grown(this.#newKind, new Uint8Array(length))
    this.#newValue = grown(this.#newValue, new Int32Array(length))
    this.#oldKind = grown(this.#oldKind, new Uint8Array(length))
    this.#oldValue = grown(this.#oldValue, new Int32Array(length))
  }
}

/** A length and the operations that add a constant to the CFA, which lies on the expression's stack. */
function writeCfaPlus(offset: number, out: ByteWriter): void {
  if (offset >= 0) {
    out.uleb(1 + ulebSize(offset))
    out.u8(DW_OP_plus_uconst)
    out.uleb(offset)
  } else {
    out.uleb(2 + slebSize(offset))
    out.u8(DW_OP_consts)
    out.sleb(offset)
    out.u8(DW_OP_plus)
  }
}

/** Of one register's rule; a state's hash is the exclusive or of all. */
function hashOf(register: number, kind: number, value: number): number {
  if (kind === RULE_NONE) return 0
  const mixed = Math.imul(value ^ Math.imul(register + 1, 0x9e3779b1), 0x85ebca6b) + Math.imul(kind, 0xc2b2ae35)
  return mixed ^ (mixed >>> 15)
}

function grown<T extends Int32Array | Uint8Array>(from: T, to: T): T {
  to.set(from)
  return to
}
