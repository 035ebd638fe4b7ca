/**
 * Functions whose state is not the same everywhere behind the prologue: registers that the body saves and restores (shrink
 * wrapping), code that goes on from inside the prologue, parts. Every register that a body saves has a slot of its own, so
 * that a slot keeps the caller's value once it was written.
 */

import fc from 'fast-check'
import type { Register } from '../architecture.ts'
import type { FramePart } from '../record.ts'
import { R12, R13, R14, R15, RBP, RBX, RDI, RSI, RSP, XMM0 } from '../registers-x64.ts'
import type { GeneratedFunction } from './generate.ts'
import { CodeWriter } from './machine-code.ts'

/** Which functions to make. */
export interface ShrinkWrapOptions {
  /** Exits that jump out of the function, now and then; true when left out. */
  readonly tailJumps?: boolean
  /** Functions in several parts, now and then; true when left out. */
  readonly parts?: boolean
}

interface Choices {
  readonly pushes: readonly Register[]
  readonly frame: 'none' | 'first' | 'last'
  /** After how many instructions of the prologue a label stands. */
  readonly label: number
  readonly emptyPrologue: boolean
  readonly blocks: readonly BlockChoices[]
}

interface BlockChoices {
  readonly kind: 'work' | 'save' | 'restore' | 'exit'
  readonly register: number
  /** Which label the code behind an exit goes on from. */
  readonly resume: number
  readonly restoreInEpilogue: boolean
  readonly newPart: boolean
  readonly tailJump: boolean
}

const registers: readonly Register[] = [RBX, RSI, RDI, R12, R13, R14, R15, XMM0 + 6, XMM0 + 9]

/** An arbitrary of functions of the forms that Windows documents. */
export function shrinkWrappedFunctions(options: ShrinkWrapOptions = {}): fc.Arbitrary<GeneratedFunction> {
  const { tailJumps = true, parts = true } = options
  const block: fc.Arbitrary<BlockChoices> = fc.record({
    kind: fc.constantFrom('work', 'save', 'save', 'restore', 'exit'),
    register: fc.nat(registers.length - 1),
    resume: fc.nat(8),
    restoreInEpilogue: fc.boolean(),
    newPart: parts ? fc.boolean() : fc.constant(false),
    tailJump: tailJumps ? fc.boolean() : fc.constant(false),
  })
  return fc
    .record<Choices>({
      pushes: fc.shuffledSubarray([RBX, RSI, RDI, R12]),
      frame: fc.constantFrom('none', 'first', 'last'),
      label: fc.nat(6),
      emptyPrologue: fc.constantFrom(false, false, false, true),
      blocks: fc.array(block, { maxLength: 14 }),
    })
    .map((choices) => new Builder(choices).build())
}

/** A state that code may go on from. */
interface Label {
  readonly id: number
  readonly saved: ReadonlySet<Register>
  /** Whether the prologue is done. */
  readonly ready: boolean
  /** SP is where it was on entry. */
  readonly entry: boolean
}

class Builder {
  readonly #choices: Choices
  readonly #code: CodeWriter = new CodeWriter()
  readonly #pushed: Register[] = []
  readonly #labels: Label[] = []
  readonly #saved: Set<Register> = new Set()
  readonly #parts: FramePart[] = []
  #partBegin = 0
  /** Instructions of the prologue so far. */
  #steps = 0
  /** CFA - SP. */
  #depth = 8
  #allocated = 0

  constructor(choices: Choices) {
    this.#choices = choices
  }

  build(): GeneratedFunction {
    const code = this.#code
    const { recorder } = code
    this.#step(false)
    if (!this.#choices.emptyPrologue) this.#prologue()
    recorder.prologueEnd(code.at)
    let state = this.#label(true)
    code.nop()
    for (const block of this.#choices.blocks) {
      const register = registers[block.register]!
      switch (block.kind) {
        case 'work':
          code.nop()
          this.#labels.push({ ...state, id: recorder.label(code.at), saved: new Set(this.#saved) })
          break
        case 'save':
          if (!state.ready || this.#saved.has(register) || this.#pushed.includes(register)) break
          if (this.#choices.emptyPrologue && block.register >= HOME_SLOTS) break
          code.save(register, 'sp', RSP, this.#slot(register))
          this.#saved.add(register)
          break
        case 'restore':
          if (!this.#saved.has(register)) break
          this.#restore(register)
          this.#saved.delete(register)
          break
        case 'exit': {
          // From inside the prologue nothing but its very beginning has a way out here.
          if (!state.ready && !state.entry) break
          this.#exit(block, state)
          if (block.newPart) {
            this.#parts.push({ begin: this.#partBegin, end: code.at })
            this.#partBegin = code.at
          }
          state = this.#labels[block.resume % this.#labels.length]!
          recorder.resume(code.at, state.id)
          this.#saved.clear()
          for (const one of state.saved) this.#saved.add(one)
          code.nop()
          break
        }
      }
    }
    code.nop()
    const parts = [...this.#parts, { begin: this.#partBegin, end: code.at }]
    const record = recorder.finish({ codeSize: code.at, ...(parts.length > 1 ? { parts } : {}) })
    return { record, code: Uint8Array.from(code.bytes), boundaries: code.boundaries }
  }

  #prologue(): void {
    const code = this.#code
    const { frame, pushes } = this.#choices
    if (frame !== 'none') this.#push(RBP)
    if (frame === 'first') {
      code.setFrame(RBP, 0)
      this.#step(false)
    } else for (const register of pushes) this.#push(register)
    this.#allocated = ALLOCATION + ((this.#depth + ALLOCATION) % 16)
    code.adjustSp(-this.#allocated)
    this.#depth += this.#allocated
    this.#step(false)
    if (frame === 'last') code.setFrame(RBP, 32)
    this.#step(true)
  }

  #push(register: Register): void {
    this.#code.push(register)
    this.#pushed.push(register)
    this.#depth += 8
    this.#step(false)
  }

  /** Labels the entry, and one more place in the prologue. */
  #step(ready: boolean): void {
    const index = this.#steps++
    if (index === 0 || index === this.#choices.label) this.#label(ready)
  }

  #label(ready: boolean): Label {
    const label = {
      id: this.#code.recorder.label(this.#code.at),
      saved: new Set<Register>(),
      ready,
      entry: this.#depth === 8,
    }
    this.#labels.push(label)
    return label
  }

  /** From the bottom of the frame, or, in a function without one, in the home area that its caller has made. */
  #slot(register: Register): number {
    const index = registers.indexOf(register)
    if (this.#choices.emptyPrologue) return 8 + 8 * index
    return register < XMM0 ? 0x70 + 8 * index : 0x20 + 16 * (register === XMM0 + 6 ? 0 : 1)
  }

  #restore(register: Register): void {
    this.#code.restore(register, 'sp', RSP, this.#slot(register))
  }

  #exit({ restoreInEpilogue, tailJump }: BlockChoices, state: Label): void {
    const code = this.#code
    const { frame, emptyPrologue } = this.#choices
    const restores = [...this.#saved]
    if (!restoreInEpilogue) for (const register of restores) this.#restore(register)
    code.recorder.epilogueBegin(code.at)
    if (restoreInEpilogue) for (const register of restores) this.#restore(register)
    if (state.ready && !emptyPrologue) {
      if (frame === 'first') code.restoreSpByLea(RBP, 0)
      else code.adjustSp(this.#allocated)
      for (const register of [...this.#pushed].reverse()) code.pop(register)
    }
    if (tailJump) code.tailJump()
    else code.ret()
  }
}

/** Room for the slots, and then some. */
const ALLOCATION = 0xb8
const HOME_SLOTS = 4
