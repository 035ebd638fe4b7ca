/** One row against one state. */

import { RETURN_ADDRESS, type RegisterRule, RSP, type UnwindRow } from '@framewright/frame-layout'
import type { Convention } from './convention.ts'
import { evaluate } from './expression.ts'
import type { FindingProblem, UndecidedReason } from './report.ts'
import type { FrameState } from './state.ts'
import {
  baseOf,
  CFA,
  entryValue,
  FOREIGN,
  isKnown,
  MIXED,
  makeValue,
  moved,
  offsetOf,
  UNKNOWN,
  type Value,
} from './value.ts'
import { valueText } from './value-text.ts'

/** Wrong outweighs undecided, undecided outweighs right. */
export interface Outcome {
  readonly problems: readonly FindingProblem[]
  readonly undecided: UndecidedReason | null
}

const RIGHT: Outcome = { problems: [], undecided: null }
const OUTERMOST: Outcome = { problems: [], undecided: 'outermost' }

export function isRight({ problems, undecided }: Outcome): boolean {
  return problems.length === 0 && undecided === null
}

export function checkRow(row: UnwindRow, state: FrameState, convention: Convention, address: number): Outcome {
  // Nobody called: whatever else the row says is never used.
  if (row.registers.get(RETURN_ADDRESS)?.rule === 'undefined') return OUTERMOST
  const check = new RowCheck(state, convention, address)
  check.cfa(row)
  for (const [register, rule] of row.registers) check.register(register, rule)
  for (const register of convention.preserved) if (!row.registers.has(register)) check.unchanged(register)
  return check.outcome()
}

class RowCheck {
  readonly #state: FrameState
  readonly #convention: Convention
  readonly #address: number
  readonly #problems: FindingProblem[] = []
  #undecided: UndecidedReason | null = null

  constructor(state: FrameState, convention: Convention, address: number) {
    this.#state = state
    this.#convention = convention
    this.#address = address
  }

  outcome(): Outcome {
    if (this.#problems.length === 0 && this.#undecided === null) return RIGHT
    return { problems: this.#problems, undecided: this.#undecided }
  }

  cfa({ cfa }: UnwindRow): void {
    const { registers } = this.#state
    let value: Value
    switch (cfa.rule) {
      case 'register':
        value = moved(registers[cfa.register]!, cfa.offset)
        break
      case 'memory':
        value = moved(this.#state.load(moved(registers[cfa.register]!, cfa.offset), 8), cfa.add)
        break
      case 'expression':
        value = evaluate(cfa.expression, [], this.#state, this.#address)
        break
    }
    if (isKnown(value) && baseOf(value) === CFA) {
      const distance = offsetOf(value)
      if (distance !== 0) this.#problems.push({ code: 'cfa', rule: cfa, found: valueText(value), distance })
    } else if (value === UNKNOWN || value === MIXED || cfa.rule === 'expression') this.#unknown('cfa-unknown')
    else this.#problems.push({ code: 'cfa', rule: cfa, found: valueText(value), distance: null })
  }

  register(register: number, rule: RegisterRule): void {
    const { registers } = this.#state
    const cfa = makeValue(CFA, 0)
    switch (rule.rule) {
      case 'cfa-offset':
        this.#place(register, rule, moved(cfa, rule.offset))
        return
      case 'memory':
        this.#place(register, rule, moved(registers[rule.register]!, rule.offset))
        return
      case 'expression':
        this.#place(register, rule, evaluate(rule.expression, [cfa], this.#state, this.#address))
        return
      case 'register':
        // In the return address column a register may only be a general one; vectors have their own numbers.
        this.#value(register, rule, registers[rule.register] ?? UNKNOWN)
        return
      case 'cfa-value':
        this.#value(register, rule, moved(cfa, rule.offset))
        return
      case 'value-expression':
        this.#value(register, rule, evaluate(rule.expression, [cfa], this.#state, this.#address))
        return
      case 'unchanged':
        this.unchanged(register)
        return
      case 'undefined':
        return
    }
  }

  unchanged(register: number): void {
    if (register === RSP) return
    if (register === RETURN_ADDRESS) {
      this.#problems.push({ code: 'changed', register, found: 'the return address is in no register' })
      return
    }
    const value = this.#state.registers[register]!
    if (value === entryValue(register)) return
    if (value === UNKNOWN) this.#unknown('register-unknown')
    else this.#problems.push({ code: 'changed', register, found: valueText(value) })
  }

  /** The value lies at an address. */
  #place(register: number, rule: RegisterRule, address: Value): void {
    const size = register >= 16 && register < RETURN_ADDRESS ? 16 : 8
    const value = this.#state.load(address, size)
    // SP of the caller is the CFA.
    if (value !== (register === RSP ? makeValue(CFA, 0) : entryValue(register))) {
      const lost = !isKnown(address) || this.#state.lost
      if (value === UNKNOWN || (value === FOREIGN && lost)) this.#unknown('register-unknown')
      else this.#problems.push({ code: 'not-saved', register, rule, found: value === FOREIGN ? '' : valueText(value) })
      return
    }
    const sp = this.#state.registers[RSP]!
    if (!isKnown(sp) || baseOf(sp) !== baseOf(address)) return
    const bytes = offsetOf(sp) - offsetOf(address)
    // Popped already, and not overwritten yet: right, as long as no interrupt comes.
    if (bytes > this.#convention.redZone) this.#unknown('below-stack-pointer')
  }

  /** The value is this one. */
  #value(register: number, rule: RegisterRule, value: Value): void {
    // SP of the caller is the CFA.
    if (value === (register === RSP ? makeValue(CFA, 0) : entryValue(register))) return
    if (!isKnown(value) && value !== FOREIGN) this.#unknown('register-unknown')
    else this.#problems.push({ code: 'not-saved', register, rule, found: valueText(value) })
  }

  #unknown(reason: UndecidedReason): void {
    this.#undecided ??= reason
  }
}
