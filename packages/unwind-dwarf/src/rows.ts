/**
 * What a call-frame program means: for every range of code offsets, the rule for the CFA and for each register.
 *
 * The machine that runs a program shares the maps of its rows and copies one only when it is about to change, and it
 * counts what it copies: a small hostile program cannot make a large table.
 */

import type { DwarfRegister } from './architecture.ts'
import {
  type CommonInformationEntry,
  type FrameDescriptionEntry,
  type FrameTable,
  instructionsOf,
  visitProgram,
} from './decode.ts'
import { DwarfUnwindError } from './errors.ts'
import type { CallFrameOperation } from './operations.ts'

/** How to compute the CFA. */
export type CfaRule =
  | {
      readonly rule: 'register'
      readonly register: DwarfRegister
      readonly offset: number
      /** Of AMD's GPUs; absent: the default one. */
      readonly addressSpace?: number
    }
  | { readonly rule: 'expression'; readonly expression: Uint8Array }

/** How to find the caller's value of a register. */
export type CallFrameRule =
  /** Saved at CFA + offset. */
  | { readonly rule: 'offset'; readonly offset: number }
  /** Its value is CFA + offset. */
  | { readonly rule: 'val_offset'; readonly offset: number }
  | { readonly rule: 'register'; readonly register: DwarfRegister }
  /** Saved at the address that the expression yields. */
  | { readonly rule: 'expression'; readonly expression: Uint8Array }
  | { readonly rule: 'val_expression'; readonly expression: Uint8Array }
  | { readonly rule: 'undefined' }
  | { readonly rule: 'same_value' }

/** From code offset `at` up to the next row. */
export interface CallFrameRow {
  readonly at: number
  /** Null before anything was said about it. */
  readonly cfa: CfaRule | null
  /** A register that is not in it has no rule: the ABI decides. */
  readonly registers: ReadonlyMap<DwarfRegister, CallFrameRule>
  /** DW_CFA_GNU_args_size. */
  readonly argumentBytes: number
  /** AArch64: the return address is signed. */
  readonly returnAddressSigned?: true
}

/** How a program is run. */
export interface RowOptions {
  /** Keep a row for every offset that an operation stands at, even if it repeats the one before or lies past the end. */
  readonly everyRow?: boolean
  /** How many register rules all rows together may hold. */
  readonly maximumRules?: number
}

const MAXIMUM_RULES = 1 << 22

type RegisterCfa = Extract<CfaRule, { readonly rule: 'register' }>

/** A stack of states, shared by the machines that begin with it. */
interface RememberedState {
  readonly cfa: CfaRule | null
  readonly hidden: RegisterCfa | null
  readonly rules: Map<DwarfRegister, CallFrameRule>
  readonly signed: boolean
  readonly below: RememberedState | null
}

/** Runs operations one by one. */
export class CallFrameMachine {
  cfa: CfaRule | null = null
  argumentBytes = 0
  /** `restore` removes the rule even where the CIE has one, as libgcc understands it. */
  restoreRemoves = false
  /** 0x2d toggles the signing of the return address; elsewhere it is SPARC's and has no meaning. */
  readonly signs: boolean
  returnAddressSigned = false
  /**
   * While the CFA is an expression: the register and offset in front of it. DWARF has no meaning for def_cfa_register and
   * def_cfa_offset there; libgcc, LLVM's libunwind and gdb keep the two beside the expression, and hand-written code (the AVX2
   * hashes of OpenSSL and libgcrypt) comes back to a register by def_cfa_register alone.
   */
  #hidden: RegisterCfa | null = null
  #rules: Map<DwarfRegister, CallFrameRule> = new Map()
  /** Somebody else holds `#rules`: a row, or the stack. */
  #shared = false
  #initial: ReadonlyMap<DwarfRegister, CallFrameRule> = new Map()
  #remembered: RememberedState | null = null
  #budget: number

  constructor(maximumRules: number = MAXIMUM_RULES, signs: boolean = false) {
    this.#budget = maximumRules
    this.signs = signs
  }

  /** A machine that goes on from here; this one stays as it is, as long as nothing is applied to it. */
  fork(maximumRules: number = MAXIMUM_RULES): CallFrameMachine {
    const machine = new CallFrameMachine(maximumRules, this.signs)
    machine.cfa = this.cfa
    machine.#hidden = this.#hidden
    machine.argumentBytes = this.argumentBytes
    machine.returnAddressSigned = this.returnAddressSigned
    machine.#rules = this.#rules
    machine.#shared = true
    machine.#initial = this.#initial
    machine.#remembered = this.#remembered
    return machine
  }

  /** The row that holds from `at` on. */
  row(at: number): CallFrameRow {
    const row = { at, cfa: this.cfa, registers: this.registers(), argumentBytes: this.argumentBytes }
    return this.returnAddressSigned ? { ...row, returnAddressSigned: true } : row
  }

  /** The CIE's program is done: `restore` comes back to here. */
  endOfInitialProgram(): void {
    this.#initial = this.registers()
  }

  /** The rules as they are; later operations do not change what was handed out. */
  registers(): ReadonlyMap<DwarfRegister, CallFrameRule> {
    this.#shared = true
    return this.#rules
  }

  /** @throws DwarfUnwindError where the operation has no meaning. `place` is its offset in the section. */
  apply(operation: CallFrameOperation, place: number): void {
    switch (operation.op) {
      case 'def_cfa':
        this.cfa = { rule: 'register', register: operation.register, offset: operation.offset }
        return
      case 'def_cfa_register':
        this.cfa = { ...this.#registerCfa(place), register: operation.register }
        return
      case 'def_cfa_offset': {
        const cfa = { ...this.#registerCfa(place), offset: operation.offset }
        if (this.cfa?.rule === 'register') this.cfa = cfa
        else this.#hidden = cfa
        return
      }
      case 'def_cfa_expression':
        if (this.cfa?.rule === 'register') this.#hidden = this.cfa
        this.cfa = { rule: 'expression', expression: operation.expression }
        return
      case 'def_aspace_cfa': {
        const { register, offset, addressSpace } = operation
        this.cfa = { rule: 'register', register, offset, ...(addressSpace === 0 ? undefined : { addressSpace }) }
        return
      }
      case 'offset':
      case 'val_offset':
        this.#own(place).set(operation.register, { rule: operation.op, offset: operation.offset })
        return
      case 'register':
        this.#own(place).set(operation.register, { rule: 'register', register: operation.into })
        return
      case 'expression':
      case 'val_expression':
        this.#own(place).set(operation.register, { rule: operation.op, expression: operation.expression })
        return
      case 'undefined':
      case 'same_value':
        this.#own(place).set(operation.register, { rule: operation.op })
        return
      case 'restore': {
        const rule = this.restoreRemoves ? undefined : this.#initial.get(operation.register)
        if (rule !== undefined) this.#own(place).set(operation.register, rule)
        else if (this.#rules.has(operation.register)) this.#own(place).delete(operation.register)
        return
      }
      case 'remember_state':
        this.#shared = true
        this.#remembered = {
          cfa: this.cfa,
          hidden: this.#hidden,
          rules: this.#rules,
          signed: this.returnAddressSigned,
          below: this.#remembered,
        }
        return
      case 'restore_state': {
        const state = this.#remembered
        if (state === null) this.#fail({ code: 'nothing-remembered' }, place)
        this.#remembered = state.below
        this.cfa = state.cfa
        this.#hidden = state.hidden
        this.#rules = state.rules
        this.returnAddressSigned = state.signed
        this.#shared = true
        return
      }
      case 'args_size':
        this.argumentBytes = operation.size
        return
      case 'window_save':
      case 'negate_ra_state':
      case 'negate_ra_state_with_pc':
        if (this.signs) this.returnAddressSigned = !this.returnAddressSigned
        return
    }
  }

  /** The register and offset that are to be changed in part. */
  #registerCfa(place: number): RegisterCfa {
    const cfa = this.cfa?.rule === 'register' ? this.cfa : this.#hidden
    return cfa ?? this.#fail({ code: 'cfa-not-register' }, place)
  }

  /** The rules, safe to change. */
  #own(place: number): Map<DwarfRegister, CallFrameRule> {
    if (this.#shared) {
      this.#budget -= this.#rules.size + 1
      if (this.#budget < 0) this.#fail({ code: 'too-large', what: 'register rules', limit: MAXIMUM_RULES }, place)
      this.#rules = new Map(this.#rules)
      this.#shared = false
    }
    return this.#rules
  }

  #fail(problem: ConstructorParameters<typeof DwarfUnwindError>[0], offset: number): never {
    throw new DwarfUnwindError(problem, { in: 'section', offset })
  }
}

/** What a CIE's program leaves behind, or why it cannot be run: once for all its FDEs, however long it is. */
const started: WeakMap<CommonInformationEntry, CallFrameMachine | DwarfUnwindError> = new WeakMap()

/** The machine as it stands before the first operation of an FDE. */
export function startOf(
  table: Pick<FrameTable, 'bytes' | 'address'>,
  cie: CommonInformationEntry,
  maximumRules?: number,
): CallFrameMachine {
  let start = started.get(cie)
  if (start === undefined) {
    start = runInitialProgram(table, cie)
    started.set(cie, start)
  }
  if (start instanceof DwarfUnwindError) throw start
  return start.fork(maximumRules)
}

function runInitialProgram(
  table: Pick<FrameTable, 'bytes' | 'address'>,
  cie: CommonInformationEntry,
): CallFrameMachine | DwarfUnwindError {
  const machine = new CallFrameMachine(MAXIMUM_RULES, cie.architecture.signsReturnAddress === true)
  try {
    visitProgram(table, cie, (operation, _at, place) => {
      if (operation !== null) machine.apply(operation, place)
    })
  } catch (error) {
    if (error instanceof DwarfUnwindError) return error
    throw error
  }
  machine.endOfInitialProgram()
  return machine
}

/**
 * The rows of one FDE: the first at 0, no two neighbours that say the same, none at or past the end of the code.
 *
 * @throws DwarfUnwindError for operations without meaning, and for tables beyond `maximumRules`.
 */
export function callFrameRows(
  table: FrameTable,
  entry: FrameDescriptionEntry,
  options: RowOptions = {},
): CallFrameRow[] {
  const { everyRow = false } = options
  const machine = startOf(table, entry.cie, options.maximumRules)
  const rows: CallFrameRow[] = []
  let at = 0
  const add = (): void => {
    if (!everyRow && at >= entry.size && rows.length > 0) return
    const row = machine.row(at)
    const last = rows.at(-1)
    if (everyRow || last === undefined || !sameMeaning(last, row)) rows.push(row)
  }
  visitProgram(table, entry, (operation, location, place) => {
    if (operation === null) return
    if (location !== at) {
      add()
      at = location
    }
    machine.apply(operation, place)
  })
  add()
  return rows
}

/**
 * The row that holds at a code offset, without making the others.
 *
 * Unwinders look for the row of the byte before a return address; giving them that byte is the caller's affair.
 *
 * @param check - is shown every operation of the entry's own program up to the offset, before it is applied; may throw.
 */
export function callFrameRowAt(
  table: Pick<FrameTable, 'bytes' | 'address'>,
  entry: FrameDescriptionEntry,
  offset: number,
  restoreRemoves: boolean = false,
  check: ((operation: CallFrameOperation) => void) | null = null,
): CallFrameRow {
  const machine = startOf(table, entry.cie)
  machine.restoreRemoves = restoreRemoves
  let at = 0
  for (const instruction of instructionsOf(table, entry)) {
    if (instruction.at > offset) break
    if (instruction.operation === null) continue
    at = instruction.at
    check?.(instruction.operation)
    machine.apply(instruction.operation, instruction.place)
  }
  return machine.row(at)
}

/** Whether two rows say the same; where they begin does not count. */
export function sameMeaning(a: CallFrameRow, b: CallFrameRow): boolean {
  if (a.argumentBytes !== b.argumentBytes || !sameCfa(a.cfa, b.cfa)) return false
  if (a.returnAddressSigned !== b.returnAddressSigned) return false
  if (a.registers === b.registers) return true
  if (a.registers.size !== b.registers.size) return false
  for (const [register, rule] of a.registers) {
    const other = b.registers.get(register)
    if (other === undefined || !sameCallFrameRule(rule, other)) return false
  }
  return true
}

function sameCfa(a: CfaRule | null, b: CfaRule | null): boolean {
  if (a === b) return true
  if (a === null || b === null) return false
  if (a.rule === 'register') {
    if (b.rule !== 'register' || (a.addressSpace ?? 0) !== (b.addressSpace ?? 0)) return false
    return a.register === b.register && a.offset === b.offset
  }
  return b.rule === 'expression' && sameBytes(a.expression, b.expression)
}

/** Whether two rules say the same, letter by letter. */
export function sameCallFrameRule(a: CallFrameRule, b: CallFrameRule): boolean {
  switch (a.rule) {
    case 'offset':
    case 'val_offset':
      return b.rule === a.rule && b.offset === a.offset
    case 'register':
      return b.rule === 'register' && b.register === a.register
    case 'expression':
    case 'val_expression':
      return b.rule === a.rule && sameBytes(a.expression, b.expression)
    case 'undefined':
    case 'same_value':
      return b.rule === a.rule
  }
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
